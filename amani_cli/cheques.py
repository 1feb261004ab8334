"""Cheques: funds set aside in a wallet of their own, whose admin key, carried in a code, is the money.

A cheque's life: `funding` (its wallet is made and paid) → `open` → `claimed`, or `voiding` → `void`/`expired`. Each
step is written down before it is taken, so that `reconcile` or the same command again goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from amani_cli import (
    amounts,
    balances,
    cheque_code,
    clocks,
    deletions,
    draws,
    engine,
    errors,
    invoices,
    keys,
    logins,
    models,
    payments,
    policy,
    rails,
    rulebook,
    wallets,
)
from amani_cli.payments import Order
from amani_cli.providers.base import NewWallet
from amani_cli.store import Row, Transaction, cheques, is_unambiguous, new_id, now, references
from amani_cli.store import audit as audit_log
from amani_cli.store import payments as journal
from amani_cli.store import wallets as store_wallets
from amani_cli.times import from_rfc3339, to_rfc3339
from amani_cli.transfers import INVOICE_LIFE_S
from amani_cli.wallets import KnownWallet, lnbits_client
from amani_cli.workspace import Workspace

SHORTEST_S, LONGEST_S = 3600, 168 * 3600
ASK_AT_MOST = 50  # open cheques that a list asks about, one question each


@dataclass(frozen=True)
class Wanted:
    """What is to be written. `outside` sets the fee reserve aside on top, for claims that leave the server.

    `authorised` says that PIN and rate limit were seen to for a batch that this is a part of.
    """

    amount_msat: int
    memo: str = ""
    expires_s: int = 24 * 3600
    count: int = 1
    outside: bool = False
    reference: str | None = None
    lnurl: bool = False
    authorised: bool = False

    @property
    def reserve_msat(self) -> int:
        """LNbits' fee reserve for an outside payment: max(2 sat, 1 %), in whole sats."""
        return max(2000, -(-self.amount_msat // 100_000) * 1000) if self.outside else 0

    @property
    def total_msat(self) -> int:
        """All that leaves the wallet."""
        return self.count * (self.amount_msat + self.reserve_msat)

    def meaning(self, giver: str) -> str:
        """What a reference for these stands for; `giver` is the identity of the wallet that gives them."""
        return f"cheque {giver} {self.amount_msat} {self.memo} {self.count}"


def check(ws: Workspace, wallet: KnownWallet, wanted: Wanted) -> None:
    """Refuse what can't be written, before anything is sent."""
    amounts.require_whole_sat(wanted.amount_msat)
    invoices.check_memo(wanted.memo)
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
    wallets.identify(wallet)
    if not wanted.authorised:
        policy.check_pin(ws, wallet, wanted.total_msat)
        policy.check(ws, wallet, wanted.amount_msat + wanted.reserve_msat, 0)
        policy.look(ws, wallet, "cheque")


def write(
    ws: Workspace, wallet: KnownWallet, wanted: Wanted, *, confirm: Callable[[str, int], None] | None
) -> Iterator[models.Cheque]:
    """Write cheques, one after the other; each carries its code, which is shown here and never again.

    With a reference, those of an earlier run come back without their codes, and what was not written is. `confirm` is
    told of the server's terms and the total. Raises what `payments.pay` raises.
    """
    check(ws, wallet, wanted)
    _refuse_unsafe(wallet)
    token = logins.token(ws, wallet.url)
    place = keys.place_for(wallet.key_source, ws.paths.sandbox)
    if wanted.lnurl:
        _must_have_withdraw(wallet, token)
    earlier = [_written(ws, wanted, index) for index in range(wanted.count)]
    if not all(earlier):
        terms = "" if token else _without_login(wallet.url)
        if confirm is not None:
            confirm(terms, wanted.total_msat)
        if not wanted.authorised:
            policy.authorise(ws, wallet, wanted.total_msat)
        ws.note(
            "Whoever has the code has the money. An expired cheque can still be claimed by other tools until it is"
            " swept: run 'amani cheque sweep' from cron."
        )
        if terms:
            ws.note(terms)
    for index in range(wanted.count):
        yield _write_one(ws, wallet, wanted, index, token, place)


def _without_login(url: str) -> str:
    return (
        f"There is no login for {url}: these cheques' wallets belong to nobody, so their keys can't be rotated."
        " Taking one back is a race with whoever has the code. For more, run 'amani login' first."
    )


def _refuse_unsafe(wallet: KnownWallet) -> None:
    version = wallets.server_version(wallet) or ""
    if version == wallets.DOUBLE_SPENDING_VERSION:
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
    row = cheques.by_reference(ws.store.connection, reference) if reference else None
    return row is not None and advance(ws, row)["reference"] is not None


def _write_one(
    ws: Workspace, wallet: KnownWallet, wanted: Wanted, index: int, token: str | None, place: str
) -> models.Cheque:
    ws.restart_clock()
    row, begun = _begin(ws, wallet, wanted, index, has_login=token is not None, place=place)
    if not begun and row["status"] == "funding":
        raise errors.OutcomeUnknown(
            f"cheque {row['id']} was begun before and its payment is still open",
            id=row["id"],
            hint="Run 'amani reconcile', then this command again.",
        )
    if not begun:
        return view(ws, row, replayed=True)
    try:
        made = _make_wallet(ws, wallet, token, place, row["id"])
        paid = _fund(ws, wallet, wanted, index, row["id"], made)
        ws.untold.begin(row["id"])  # it is the cheque that is to be told of, and its code
        ws.untold.told(paid.id)
    except errors.OutcomeUnknown:
        raise
    except errors.AmaniError:
        abandon(ws, must(ws, row["id"]))
        raise
    try:
        opened(ws, must(ws, row["id"]))
    except errors.AmaniError as error:
        ws.warn(f"cheque {row['id']} is funded, but that is not written down yet: {error.message}")
    row = must(ws, row["id"])
    written = view(ws, row)._replace(code=code_of(ws, row, made.admin_key))
    if wanted.lnurl:
        try:
            with lnbits_client(ws, wallet.url, made.admin_key) as client:
                lnurl = client.withdraw_link(wanted.memo or "amani cheque", wanted.amount_msat // 1000)
            keys.SEEN.add(lnurl)
            written = written._replace(lnurl=lnurl)
        except errors.AmaniError as error:
            ws.warn(f"no LNURL-withdraw link was made ({error.message}); the code is good all the same")
    return written


def _begin(
    ws: Workspace, wallet: KnownWallet, wanted: Wanted, index: int, *, has_login: bool, place: str
) -> tuple[Row, bool]:
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
                    id=funded["id"],
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
            ledger_ahead=ws.store.clock.stamp(wallet.url)["ledger_ahead"],
        )
        if reference is not None:
            references.point(db, reference, cheque_id)
        row = cheques.in_transaction(db, cheque_id)
        assert row is not None
        audit_step(ws, db, "cheque create", row, "begun")
    return row, True


def _fund(
    ws: Workspace, wallet: KnownWallet, wanted: Wanted, index: int, cheque_id: str, made: NewWallet
) -> models.Payment:
    """Pay the cheque's wallet; what was given up meanwhile (see `abandon`) is not paid."""
    funding = wanted.amount_msat + wanted.reserve_msat
    with lnbits_client(ws, wallet.url, made.read_key) as client:
        payment_hash, text = client.create_invoice(funding // 1000, "amani cheque", INVOICE_LIFE_S)
    invoice = invoices.read_made(ws, wallet.url, payment_hash, text, funding)
    with ws.store.write() as db:
        cheques.update(db, cheque_id, funding_hash=payment_hash)

    def still_wanted(db: Transaction, entry: str) -> None:
        row = cheques.in_transaction(db, cheque_id)
        if row is None or row["status"] != "funding":
            raise errors.Rejected(
                f"cheque {cheque_id} was given up while it was being written",
                code="GIVEN_UP",
                hint="Nothing was paid; write it again.",
            )
        if index == 0 and not wanted.authorised:
            policy.take(ws, db, wallet, "cheque", entry)

    order = Order(
        invoice,
        kind="cheque",
        memo=wanted.memo or "cheque",
        destination=cheque_id,
        internal=True,
        authorised=True,
        on_journal=still_wanted,
    )
    return payments.pay(ws, wallet, order, confirm=None)


def _make_wallet(ws: Workspace, wallet: KnownWallet, token: str | None, place: str, cheque_id: str) -> NewWallet:
    """A fresh wallet to hold the funds; its keys are kept before its id is relied on."""
    with lnbits_client(ws, wallet.url) as client:
        made = client.create_wallet(token, "amani cheque") if token else client.create_account("amani cheque")
    if cheques.of_wallet(ws.store, wallet.url, made.id) or store_wallets.servers_of(ws.store, made.id):
        # Two cheques on one wallet would be two codes for the same money.
        raise errors.Unreachable(
            f"{wallet.url} sent a wallet that it had made before",
            code="ODD_ANSWER",
            hint="Something between here and there repeats old answers; nothing was paid.",
        )
    keep_keys(place, cheque_id, made)
    with ws.store.write() as db:
        cheques.update(db, cheque_id, remote_id=made.id)
    return made


def code_of(ws: Workspace, row: Row, admin_key: str) -> str:
    """The code that an admin key makes of a cheque: the money itself."""
    code = cheque_code.encode(
        cheque_code.ChequeCode(
            admin_key,
            row["remote_id"],
            cheque_code.origin_of(row["identity"]),
            row["amount_msat"],
            int(from_rfc3339(row["expires_at"]).timestamp()),
            rulebook.value(ws, "network"),
            row["url"],
        )
    )
    keys.SEEN.add(code)
    return code


def keep_keys(place: str, cheque_id: str, made: NewWallet) -> None:
    """Keep a cheque's keys with those of the wallet that funded it."""
    keys.SEEN.update((made.admin_key, made.read_key))
    keys.keep(place, f"cheque:{cheque_id}", f"{made.admin_key}:{made.read_key}")


def keys_of(row: Row) -> tuple[str, str]:
    """A cheque's admin and read key, as they are kept. Raises `errors.NotAuthorised` when they are gone."""
    text = keys.kept(row["place"], f"cheque:{row['id']}")
    if text is None or ":" not in text:
        raise errors.NotAuthorised(
            f"the keys of cheque {row['id']} are not kept here any more",
            code="NO_KEY",
            hint="Restore them from a backup; without them only whoever has the code can draw it.",
        )
    admin_key, read_key = text.split(":", 1)
    keys.SEEN.update((admin_key, read_key))
    return admin_key, read_key


def opened(ws: Workspace, row: Row) -> None:
    """Write down that a cheque's money is in its wallet."""
    with ws.store.write() as db:
        fresh = cheques.in_transaction(db, row["id"])
        # Another amani that asked meanwhile may have opened it, and even taken it back.
        if fresh is not None and fresh["status"] == "funding":
            cheques.update(db, row["id"], status="open")
            audit_step(ws, db, "cheque create", row, "open")


def abandon(ws: Workspace, row: Row) -> None:
    """Close a cheque that provably never got any money, and delete its wallet where a login allows it.

    Its payment is looked for in the same transaction: whoever writes it may be slow, and journals the payment only
    while the cheque is still `funding`. Its reference is free again: the same command writes it anew.
    """
    with ws.store.write() as db:
        fresh = cheques.in_transaction(db, row["id"])
        if fresh is None or fresh["status"] != "funding":
            return
        paid = journal.last_attempt(db, fresh["wallet_id"], fresh["funding_hash"] or "", "out")
        if paid is not None and paid["status"] != "failed":
            return
        cheques.update(db, row["id"], status="void", reference=None)
        audit_step(ws, db, "cheque create", row, "not funded")
    delete_wallet(ws, must(ws, row["id"]))


def delete_wallet(ws: Workspace, row: Row) -> None:
    """Delete a cheque's empty wallet and drop its keys; left alone where that is not possible or it holds anything.

    LNbits deletes without a look at the balance, so it is proved zero first, and that nothing can come back to it.
    """
    if row["remote_id"] is None:
        return
    with contextlib.suppress(errors.AmaniError):
        token = logins.token(ws, row["url"])
        with lnbits_client(ws, row["url"], keys_of(row)[1]) as client:
            if token is None:
                return
            deletions.refuse_funded(client, "its wallet")
            # Its own invoice for the funds is known to nobody else, and is proved unpaid or was paid.
            deletions.refuse_expecting(client, "its wallet", but=row["funding_hash"])
            client.delete_wallet(token, row["remote_id"])
        keys.unkeep(row["place"], f"cheque:{row['id']}")


def advance(ws: Workspace, row: Row) -> Row:
    """Take an unfinished cheque as far as what is certain allows, by asking; no new payment is sent for `funding`."""
    if row["status"] != "funding":
        return row
    paid = journal.last_attempt(ws.store.connection, row["wallet_id"], row["funding_hash"] or "", "out")
    if paid is not None and paid["status"] == "unknown":
        paid = engine.ask_again(ws, paid)
    if paid is not None and paid["status"] == "settled":
        opened(ws, row)
    elif (paid is not None and paid["status"] == "failed") or (paid is None and _is_abandoned(ws, row)):
        abandon(ws, row)
    return must(ws, row["id"])


def _is_abandoned(ws: Workspace, row: Row) -> bool:
    """Whether whoever was writing this cheque has had time to journal its payment, and did not: it never will."""
    return ws.store.clock.now() - ws.store.clock.written(row) > rails.PROOF_OF_ABSENCE_S


def must(ws: Workspace, text: str) -> Row:
    """The cheque that an id, a reference or an unambiguous beginning names. Raises `errors.NotFound`."""
    if cheque_code.looks_like_code(text):
        code = cheque_code.decode(text)
        rows = cheques.of_wallet(ws.store, code.url, code.wallet_id) if ws.has_store else []
        return is_unambiguous(rows, "with this code", "cheque")
    return is_unambiguous(cheques.find(ws.store, text.strip()) if ws.has_store else [], text, "cheque")


def shown(ws: Workspace, text: str) -> models.Cheque:
    """One cheque as it stands, its server asked."""
    row, on_its_way = refresh(ws, advance(ws, must(ws, text)))
    return view(ws, row, claiming=on_its_way)


def listed(ws: Workspace, *, status: str | None, limit: int) -> models.Cheques:
    """Cheques, newest first, with what is outstanding in total beside what the wallets that gave it hold."""
    if not ws.has_store:
        return models.Cheques([], 0)
    unsure = cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    on_their_way = {row["id"] for row in unsure[:ASK_AT_MOST] if refresh(ws, advance(ws, row))[1]}
    if len(unsure) > ASK_AT_MOST:
        ws.warn(f"{len(unsure) - ASK_AT_MOST} cheques are shown as last seen")
    items = [view(ws, row, claiming=row["id"] in on_their_way) for row in cheques.all_cheques(ws.store, limit=limit)]
    outstanding = sum(
        row["amount_msat"] + row["reserve_msat"] for row in cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    )
    givers = {row["wallet_id"] for row in unsure}
    known = [wallet for wallet in wallets.registered(ws) if wallet.id in givers]
    held, _ = balances.balances(ws, known) if known else (None, [])
    total = sum(item.balance_msat or 0 for item in held.items) if held else None
    return models.Cheques([item for item in items if status in (None, item.status)], outstanding, total)


def refresh(ws: Workspace, row: Row) -> tuple[Row, bool]:
    """Ask an open cheque's wallet whether it was claimed, or is being, by a payment on its way that may fail.

    A server that can't be asked leaves it as last seen.
    """
    if row["status"] != "open":
        return row, False
    try:
        with lnbits_client(ws, row["url"], keys_of(row)[1]) as client:
            if client.wallet().balance_msat >= row["amount_msat"]:
                return row, False
            taken = draws.payments_out(client)
    except errors.AmaniError as error:
        ws.warn(f"cheque {row['id']} is shown as last seen: {error.message}")
        return row, False
    settled = [record for record in taken if record.status == "settled"]
    if settled:
        claimed(ws, row, settled[0].payment_hash, settled[0].settled_at)
    return must(ws, row["id"]), not settled and any(record.status == "pending" for record in taken)


def claimed(ws: Workspace, row: Row, payment_hash: str | None, at: str | None) -> None:
    """Write down that a cheque was claimed, by which payment, and by whom if it was one of our wallets."""
    mine = (
        ws.store.one("SELECT wallet FROM payment WHERE payment_hash=? AND direction='in'", payment_hash)
        if payment_hash
        else None
    )
    with ws.store.write() as db:
        current = db.execute("SELECT status FROM cheque WHERE id=?", (row["id"],)).fetchone()["status"]
        if current in ("claimed", "void", "expired"):
            return
        cheques.update(
            db,
            row["id"],
            status="claimed",
            claimed_at=at or now(),
            claimed_by=mine["wallet"] if mine else None,
            payment_hash=payment_hash,
        )
        audit_step(ws, db, "cheque", row, "claimed")


def view(ws: Workspace, row: Row, *, replayed: bool = False, claiming: bool = False) -> models.Cheque:
    """A cheque as it is shown, without its code; `claiming` while a payment out of it is on its way."""
    status = row["status"]
    past = from_rfc3339(row["expires_at"]).timestamp() <= time.time()
    giver = store_wallets.by_id(ws.store, row["wallet_id"])
    return models.Cheque(
        id=row["id"],
        amount_msat=row["amount_msat"],
        memo=row["memo"],
        status=_shown_status(status, past=past, claiming=claiming),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        wallet=giver["name"] if giver else row["wallet"],
        url=row["url"],
        reference=row["reference"],
        claimed_at=row["claimed_at"],
        claimed_by=row["claimed_by"],
        payment_hash=row["payment_hash"],
        can_rotate=bool(row["has_login"]),
        outstanding_msat=row["amount_msat"] + row["reserve_msat"] if status in ("open", *cheques.UNFINISHED) else 0,
        replayed=replayed,
        sandbox=bool(giver["sandbox"]) if giver else False,
    )


def _shown_status(status: str, *, past: bool, claiming: bool) -> str:
    if status != "open":
        return status
    return "claiming" if claiming else "expired" if past else "open"


def audit_step(ws: Workspace, db: Transaction, what: str, row: Row, outcome: str) -> None:
    """Log a step in a cheque's life."""
    audit_log.append(
        db,
        what,
        wallet=row["wallet"],
        subject=row["id"],
        amount_msat=row["amount_msat"],
        outcome=outcome,
        actor=ws.actor,
        reason=ws.reason,
    )
