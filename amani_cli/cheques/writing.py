"""Cheques: funds set aside in a wallet of their own, whose admin key, carried in a code, is the money.

A cheque's life: `funding` (its wallet is made and paid) → `open` → `claimed`, or `voiding` → `void`/`expired`. Each
step is written down before it is taken, so that `reconcile` or the same command again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from amani_cli import amounts, clocks, errors, keys
from amani_cli.cheques import links
from amani_cli.cheques.naming import code_of, must
from amani_cli.cheques.standing import abandon, advance, audit_step, keep_keys, opened, view
from amani_cli.invoices import lightning
from amani_cli.invoices.lightning import INVOICE_LIFE_S
from amani_cli.lightning import fees, paying
from amani_cli.lightning.paying import Order
from amani_cli.models.cheques import Cheque
from amani_cli.models.payments import Payment
from amani_cli.providers.base import NewWallet
from amani_cli.rules import approval, budgets, held, limits, rulebook
from amani_cli.store import cheques, journal, references
from amani_cli.store.ledger import new_id
from amani_cli.store.rows import ChequeRow, Transaction
from amani_cli.times import to_rfc3339
from amani_cli.wallets import identities, logins, servers
from amani_cli.wallets import known as wallets_known
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

SHORTEST_S, LONGEST_S = 3600, 168 * 3600


@dataclass(frozen=True)
class Wanted:
    """What is to be written. `outside` sets the fee reserve aside on top, for claims that leave the server.

    `base_url` has each be a link to a page there, which sets the reserve aside as well: nobody knows beforehand whose
    server the wallet is on that opens it. `authorised` says that PIN and rate limit were seen to for a batch that this
    is a part of.
    """

    amount_msat: int
    memo: str = ""
    expires_s: int = 24 * 3600
    count: int = 1
    outside: bool = False
    reference: str | None = None
    lnurl: bool = False
    base_url: str | None = None
    authorised: bool = False

    @property
    def reserve_msat(self) -> int:
        """LNbits' fee reserve for an outside payment, in whole sats."""
        return -(-fees.worst_fee_msat(self.amount_msat) // 1000) * 1000 if self.outside or self.base_url else 0

    @property
    def total_msat(self) -> int:
        """All that leaves the wallet."""
        return self.count * (self.amount_msat + self.reserve_msat)

    def meaning(self, giver: str) -> str:
        """What a reference for these stands for; `giver` is the identity of the wallet that gives them."""
        return f"cheque {giver} {self.amount_msat} {self.memo} {self.count}"


def check(ws: Workspace, wallet: KnownWallet, wanted: Wanted) -> None:
    """Refuse what can't be written, before anything is sent; what the rules say of it is asked where it is written."""
    amounts.require_whole_sat(wanted.amount_msat)
    if wanted.lnurl and wanted.base_url is not None:
        raise errors.Usage("a link has an LNURL of its own", hint="Leave --lnurl out.")
    if wanted.reserve_msat >= wanted.amount_msat:  # what a claim leaves of it would pass for the face once more
        raise errors.Usage(
            "a cheque that may be claimed anywhere is worth more than what is set aside for its fee,"
            f" {wanted.reserve_msat // 1000} sat",
            code="BAD_AMOUNT",
            hint="Write it over more, or without --link and --outside.",
        )
    lightning.check_memo(wanted.memo)
    if not SHORTEST_S <= wanted.expires_s <= LONGEST_S:
        raise errors.Usage(
            "a cheque is good for 1 to 168 hours", code="BAD_DURATION", hint="E.g. --expires 24h, at most 7d."
        )
    most = int(rulebook.value(ws, "cheque_count"))
    if wanted.count > most:
        raise errors.RefusedByPolicy(
            f"{wanted.count} cheques at once are more than the {most} allowed",
            code="COUNT",
            hint="Write fewer, or: amani config set cheque_count N",
        )
    if wallet.provider != "lnbits":
        raise errors.Usage(f"cheques are for Lightning wallets; '{wallet.name}' is none", code="WRONG_PROVIDER")
    wallets_known.identify(wallet)


def write(
    ws: Workspace, wallet: KnownWallet, wanted: Wanted, *, confirm: Callable[[str, int], None] | None
) -> Iterator[Cheque]:
    """Write cheques, one after the other; each carries its code, which is shown here and never again.

    With a reference, those of an earlier run come back without their codes, and what was not written is. `confirm` is
    told of the server's terms and the total. Raises what `payments.pay` raises.
    """
    check(ws, wallet, wanted)
    earlier = [_written(ws, wanted, index) for index in range(wanted.count)]
    token = logins.token(ws, wallet.url)
    place = keys.place_for(wallet.key_source, ws.paths.sandbox)
    if not all(earlier):  # what was written before is shown again, whatever the rules or its server say by now
        if not wanted.authorised:
            _refuse_early(ws, wallet, wanted, takes_slot=not earlier[0])
        _refuse_unsafe(wallet)
        if wanted.lnurl:
            _must_have_withdraw(wallet, token)
        terms = "" if token else _without_login(wallet.url)
        if confirm is not None:
            confirm(terms, wanted.total_msat)
        if not wanted.authorised:
            approval.authorise(ws, wallet, wanted.total_msat)
        if wanted.base_url is not None:
            ws.talk.note("Whoever has the link has the money. It is answered as long as 'amani serve' runs.")
        ws.talk.note(
            "Whoever has the code has the money. An expired cheque can still be claimed by other tools until it is"
            " swept: run 'amani cheque sweep' from cron."
        )
        if terms:
            ws.talk.note(terms)
    for index in range(wanted.count):
        yield _write_one(ws, wallet, wanted, index, token, place)


def _refuse_early(ws: Workspace, wallet: KnownWallet, wanted: Wanted, *, takes_slot: bool) -> None:
    """Refuse before anybody is asked what the rules forbid; a set of which the first was written has its slot."""
    ws.mandate.whole[wallet.identity, "msat"] = Decimal(wanted.total_msat)
    approval.check_pin(ws, wallet, wanted.total_msat)
    budgets.check(ws, wallet, wanted.amount_msat + wanted.reserve_msat, 0)
    if takes_slot:
        limits.look(ws, wallet, "cheque")
    held.refuse_unread(ws, wanted.reference)


def _without_login(url: str) -> str:
    return (
        f"There is no login for {url}: these cheques' wallets belong to nobody, so their keys can't be rotated."
        " Taking one back is a race with whoever has the code. For more, run 'amani login' first."
    )


def _refuse_unsafe(wallet: KnownWallet) -> None:
    version = servers.server_version(wallet) or ""
    if version == servers.DOUBLE_SPENDING_VERSION:
        why = "can spend a balance twice: two claimers could both get a cheque's money"
    elif version.startswith("0."):
        why = "can't rotate keys: whoever has a cheque's code could never be shut out"
    else:
        return
    raise errors.RefusedByPolicy(
        f"LNbits {version} {why}", code="UNSAFE_SERVER", hint="Have the server upgraded first."
    )


def _must_have_withdraw(wallet: KnownWallet, token: str | None) -> None:
    with wallet.lnbits("read") as client:
        if token is not None and client.has_withdraw_links():
            return
    raise errors.Rejected(
        f"{wallet.url} can't make LNURL-withdraw links for this wallet's user",
        code="NO_WITHDRAW_EXTENSION",
        hint="Its admin installs the 'withdraw' extension, you enable it and log in; or leave out --lnurl.",
    )


def _reference(wanted: Wanted, index: int) -> str | None:
    if wanted.reference is None:
        return None
    return wanted.reference if wanted.count == 1 else f"{wanted.reference}#{index + 1}"


def _written(ws: Workspace, wanted: Wanted, index: int) -> bool:
    """Whether an earlier run wrote this one, asked as far as it goes; what was given up has lost its reference."""
    reference = _reference(wanted, index)
    row = cheques.by_reference(ws.store, reference) if reference else None
    return row is not None and advance(ws, row).reference is not None


def _write_one(ws: Workspace, wallet: KnownWallet, wanted: Wanted, index: int, token: str | None, place: str) -> Cheque:
    ws.restart_clock()
    row, begun = _begin(ws, wallet, wanted, index, has_login=token is not None, place=place)
    if not begun and row.status == "funding":
        raise errors.OutcomeUnknown(
            f"cheque {row.id} was begun before and its payment is still open",
            id=row.id,
            hint="Run 'amani reconcile', then this command again.",
        )
    if not begun:
        return view(ws, row, replayed=True)
    try:
        made = _make_wallet(ws, wallet, token, place, row.id, wanted.expires_s)
        paid = _fund(ws, wallet, wanted, index, row.id, made)
        ws.talk.untold.begin(row.id)  # it is the cheque that is to be told of, and its code
        ws.talk.untold.sent(row.id)
        ws.talk.untold.told(paid.id)
    except errors.OutcomeUnknown:
        raise
    except errors.AmaniError:
        abandon(ws, must(ws, row.id))
        raise
    try:
        opened(ws, must(ws, row.id))
    except errors.AmaniError as error:
        ws.talk.warn(f"cheque {row.id} is funded, but that is not written down yet: {error.message}")
    row = must(ws, row.id)
    written = view(ws, row)._replace(code=code_of(ws, row, made.admin_key))
    try:
        if wanted.base_url is not None:
            return links.issue(ws, row, wanted.base_url).on(written)
        if wanted.lnurl:
            with lnbits_client(ws, wallet.url, made.admin_key) as client:
                lnurl = client.withdraw_link(made.id, wanted.memo or "amani cheque", wanted.amount_msat // 1000)
            keys.SEEN.add(lnurl)
            return written._replace(lnurl=lnurl)
    except errors.AmaniError as error:
        what = "link" if wanted.base_url is not None else "LNURL-withdraw link"
        ws.talk.warn(f"no {what} was made ({error.message}); the code is good all the same")
    return written


def _begin(
    ws: Workspace, wallet: KnownWallet, wanted: Wanted, index: int, *, has_login: bool, place: str
) -> tuple[ChequeRow, bool]:
    """Write a cheque down before anything is made for it, or find the one that its reference stands for."""
    reference, cheque_id = _reference(wanted, index), new_id("chq")
    with ws.store.write() as db:
        if reference is not None:
            what = wanted.meaning(wallet.identity)
            if wanted.reference != reference:
                references.claim(db, str(wanted.reference), what)  # the same word with another count is another thing
            funded = journal.standing(db, references.claim(db, reference, what))
            old = cheques.by_reference(db, reference)
            if old is not None:
                return old, False
            if funded is not None:  # restored from the wallet's records: its keys and code are on no disk of ours
                raise errors.RefusedByPolicy(
                    f"the cheque of reference '{reference}' was funded after this copy of the journal was made",
                    code="REFERENCE_TAKEN",
                    retry="never",
                    id=funded.id,
                    hint="Whoever was given its code has the money. If nobody has it, write another: a new reference.",
                )
        cheques.insert(
            db,
            id=cheque_id,
            wallet_id=wallet.id,
            wallet=wallet.name,
            identity=wallet.identity,
            url=wallet.url,
            place=place,
            has_login=int(has_login),
            status="funding",
            amount_msat=wanted.amount_msat,
            reserve_msat=wanted.reserve_msat,
            memo=wanted.memo,
            reference=reference,
            expires_at=to_rfc3339(int(clocks.best(wallet.url)) + wanted.expires_s),
            ledger_ahead=ws.store.clock.stamp(wallet.url).ledger_ahead,
        )
        if reference is not None:
            references.point(db, reference, cheque_id)
        row = cheques.by_id(db, cheque_id)
        assert row is not None
        audit_step(ws, db, "cheque create", row, "begun")
    return row, True


def _fund(ws: Workspace, wallet: KnownWallet, wanted: Wanted, index: int, cheque_id: str, made: NewWallet) -> Payment:
    """Pay the cheque's wallet; what was given up meanwhile (see `abandon`) is not paid."""
    funding = wanted.amount_msat + wanted.reserve_msat
    with lnbits_client(ws, wallet.url, made.read_key) as client:
        invoice = lightning.made_by(ws, client, funding, "amani cheque", INVOICE_LIFE_S, wallet_id=made.id)
    with ws.store.write() as db:
        cheques.update(db, cheque_id, funding_hash=invoice.payment_hash)

    def still_wanted(db: Transaction, entry: str) -> None:
        row = cheques.by_id(db, cheque_id)
        if row is None or row.status != "funding":
            raise errors.Rejected(
                f"cheque {cheque_id} was given up while it was being written",
                code="GIVEN_UP",
                hint="Nothing was paid; write it again.",
            )
        if index == 0 and not wanted.authorised:
            limits.take(ws, db, wallet, "cheque", entry)

    order = Order(
        invoice,
        kind="cheque",
        memo=wanted.memo or "cheque",
        destination=cheque_id,
        internal=True,
        authorised=True,
        on_journal=still_wanted,
    )
    return paying.pay(ws, wallet, order, confirm=None)


def _make_wallet(
    ws: Workspace, wallet: KnownWallet, token: str | None, place: str, cheque_id: str, expires_s: int
) -> NewWallet:
    """A fresh wallet to hold the funds, called after its cheque; its keys are kept before its id is relied on.

    The cheque ends by the clock of its server, which is heard here for the first time: ours may be ahead.
    """
    name = f"amani {cheque_id}"
    with lnbits_client(ws, wallet.url) as client:
        made = client.create_wallet(token, name) if token else client.create_account(name)
    if cheques.of_wallet(ws.store, wallet.url, made.id) or identities.was_met(ws.store, made.id):
        # Two cheques on one wallet would be two codes for the same money, whichever machine wrote the other.
        raise errors.Unreachable(
            f"{wallet.url} sent a wallet that it had made before",
            code="ODD_ANSWER",
            hint="Something between here and there repeats old answers; nothing was paid.",
        )
    keep_keys(place, cheque_id, made)
    with ws.store.write() as db:
        ends = to_rfc3339(int(clocks.best(wallet.url)) + expires_s)
        cheques.update(db, cheque_id, remote_id=made.id, expires_at=ends)
    return made
