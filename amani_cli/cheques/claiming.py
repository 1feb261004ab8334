"""Claiming a cheque: on any machine, by its code alone; whoever is first has it, in full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from amani_cli import clocks, errors, keys
from amani_cli.cheques import drawing, standing
from amani_cli.destinations import forms, reading
from amani_cli.encodings import bolt11, cheque_code
from amani_cli.encodings.cheque_code import ChequeCode
from amani_cli.lightning import fees, paying, resends
from amani_cli.models.payments import Payment
from amani_cli.payments import earlier, engine, lightning_rail, receipts
from amani_cli.providers.lnbits import Lnbits
from amani_cli.rules import rulebook
from amani_cli.servers import server_of
from amani_cli.store import cheques as store_cheques
from amani_cli.store import journal, marks
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry
from amani_cli.store.rows import Transaction
from amani_cli.times import local
from amani_cli.wallets.cheque_servers import is_server_of_ours, named_server
from amani_cli.wallets.finding import everything
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.wallets.outside import UNNAMED, as_wallet, keep_key, mark_of
from amani_cli.workspace import Workspace


def read(ws: Workspace, text: str) -> ChequeCode:
    """Read a code and refuse, offline, what can't be a cheque for us: damaged, another network, an unsafe line."""
    from amani_cli.providers.addresses import clean_url

    code = cheque_code.decode(text)
    keys.SEEN.update((code.admin_key, "".join(text.split())))
    network = rulebook.value(ws, "network")
    if code.network != network:
        raise errors.Usage(
            f"this is a {code.network} cheque; this amani works on {network}", code="WRONG_NETWORK", hint="amani config"
        )
    # Plain http off this machine would show the key to the line, but for onion services and where it was agreed to.
    url = clean_url(code.url, insecure_http=True)
    if not is_server_of_ours(ws, url) and not (urlsplit(url).hostname or "").endswith(".onion"):
        clean_url(url)
    return code._replace(url=url)


def _refuse_expired(cheque: Lnbits, code: ChequeCode) -> None:
    """Refuse a cheque whose time is over by its server's clock, which has dated it; ours may be ahead of that."""
    if code.expires_at <= clocks.wall() and clocks.told(code.url) is None:
        with suppress(errors.AmaniError):
            cheque.health()
    if code.expires_at <= clocks.best(code.url):
        raise errors.Rejected(
            f"this cheque expired at {local(code.expires_at)}",
            code="CHEQUE_EXPIRED",
            retry="never",
            hint="Ask whoever gave it to you for another.",
        )


def claim(ws: Workspace, text: str, target: KnownWallet) -> Payment:
    """Claim a cheque into a wallet, in full. Claiming it again from the same wallet returns the receipt.

    Raises `errors.Rejected` for one that is expired, void or claimed, `errors.RefusedByPolicy` for one's own, and
    `errors.OutcomeUnknown` when the answer was lost: the same command again goes on, by the same invoice.
    """
    code = read(ws, text)
    identify(target)
    # Of the same server: an id that another server tells, of our wallet or in a code, makes no cheque our own.
    if code.origin == cheque_code.origin_of(target.identity) and server_of(code.url) == server_of(target.url):
        raise errors.RefusedByPolicy(
            f"this cheque was written from '{target.name}' itself",
            code="OWN_CHEQUE",
            hint="Take it back with 'amani cheque void', or claim it into another wallet.",
        )
    named = drawing.Named(code.url, code.wallet_id)
    row = drawing.earlier(ws, target, named, face_msat=code.amount_msat)
    if row is not None and row.status == "unknown":
        row = earlier.ask_again(ws, row)
    if row is not None and row.status == "settled":
        return receipts.receipt(row, replayed=True)
    with _not_failed_while_open(row):
        row, is_replay = _drawn(ws, code, target, named, row)
    if is_replay:
        return receipts.receipt(row, replayed=True)
    _tell_giver(ws, code, row)
    return receipts.receipt(row)


@contextmanager
def _not_failed_while_open(before: Entry | None) -> Iterator[None]:
    """Have nobody told that nothing came while an earlier draw is open, which may be what emptied the cheque."""
    try:
        yield
    except errors.OutcomeUnknown:
        raise
    except errors.AmaniError as error:
        if before is None:
            raise
        raise receipts.open_outcome(
            before, f"the cheque was drawn before and the outcome of that is open; now: {error.message}"
        ) from error


def _drawn(
    ws: Workspace, code: ChequeCode, target: KnownWallet, named: drawing.Named, before: Entry | None
) -> tuple[Entry, bool]:
    """The draw on a cheque, settled, and whether another process made it: what is open `before` is gone on with while
    its invoice lives."""
    resumed = before is not None and drawing.can_go_on(before)
    with _at_its_server(ws, code, private=target.sandbox) as cheque:
        if before is not None and resumed:
            row, verdict = drawing.go_on(ws, target, cheque, named, before)
        else:
            _refuse_expired(cheque, code)
            amount_msat = _claimable(ws, cheque, code, outside=target.url != code.url)
            memo = "cheque claimed"
            row, verdict = drawing.draw(ws, target, cheque, named, amount_msat, kind="cheque", memo=memo)
    if row.status == "failed":
        first = drawing.earlier(ws, target, named)
        if first is None or first.status != "settled":  # by another process, into the same wallet
            if verdict.code == "INSUFFICIENT_FUNDS":
                with _at_its_server(ws, code, private=target.sandbox) as cheque:
                    raise _emptied(cheque, code, row.id)
            raise drawing.refused(verdict, row.id)
        return first, True
    return row, False


def _at_its_server(ws: Workspace, code: ChequeCode, *, private: bool = False) -> Lnbits:
    """A client for the wallet that a code names; refuses an answer about another."""
    named = drawing.Named(code.url, code.wallet_id)
    return drawing.only_of(named_server(ws, code.url, code.admin_key, private=private), named)


def invoice_named(ws: Workspace, text: str) -> str | None:
    """The bolt11 that a cheque shall pay, in whatever wrapping; None for what can only be a wallet's name.

    Raises `errors.Usage` for what is paid in another way, or can't be right.
    """
    name = store_wallets.name_key(text)
    if any(store_wallets.name_key(wallet.name) == name for wallet in everything(ws)) or not forms.is_form(text.strip()):
        return None
    found = reading.read(ws, text)
    if found.kind != "bolt11":
        raise errors.Usage(
            "a cheque pays a wallet of yours or an invoice, and this is neither",
            code="BAD_DESTINATION",
            hint="Ask the payee for an invoice over the whole amount, or claim it first and pay then.",
        )
    return found.text


def claim_to(ws: Workspace, text: str, destination: str) -> Payment:
    """Have a cheque pay a bolt11 of somebody's; it must ask for exactly what the cheque can pay.

    The journal keeps the payment, and while it is open the code's key is kept: `reconcile` or the same command again
    asks what became of it.
    """
    code = read(ws, text)
    order = paying.Order(bolt11.decode_invoice(destination), kind="cheque", memo="cheque claimed for another")
    source = as_wallet(ws, code.url, code.wallet_id)
    with _at_its_server(ws, code) as cheque:
        rail = lightning_rail.Lightning(ws, cheque)
        row = journal.sent_for(ws.store, order.invoice.payment_hash)
        if row is not None:
            return _claimed_before(ws, code, source, rail, row)
        _refuse_expired(cheque, code)
        paying.check(ws, order, code.url if is_server_of_ours(ws, code.url) else None)
        amount_msat = _claimable(ws, cheque, code, outside=True)
        if order.amount_msat not in (amount_msat, code.amount_msat):
            raise errors.Usage(
                f"the invoice must ask for exactly {amount_msat} msat: a cheque is claimed in full",
                code="AMOUNT_DIFFERS",
                hint="Ask for an invoice over that amount.",
            )
        place = keep_key(ws, code.admin_key, order.invoice.payment_hash)

        def note_place(db: Transaction, entry: str) -> None:
            if place is not None:
                marks.make(db, mark_of(entry), f"{code.url} {place}")

        row, begun = paying.journal_outside(ws, order, source, code.wallet_id, note_place)
        if not begun:
            return _claimed_before(ws, code, source, rail, row)
        try:
            return engine.send(ws, source, rail, row, wait=True)
        except errors.InsufficientFunds:
            raise _emptied(cheque, code, row.id) from None
        except errors.NotAuthorised:
            raise drawing.voided() from None


def _claimed_before(
    ws: Workspace, code: ChequeCode, source: KnownWallet, rail: lightning_rail.Lightning, row: Entry
) -> Payment:
    """What became of an earlier payment of the same invoice: by this cheque, or by something else."""
    if row.remote_wallet_id != code.wallet_id or row.wallet not in (source.name, UNNAMED):
        raise errors.Rejected(
            "this invoice was paid before, and not by this cheque",
            code="PAID_BY_ANOTHER",
            retry="never",
            id=row.id,
            hint="The cheque is untouched. Ask for a new invoice.",
        )
    if row.status == "unknown":
        return resends.go_on(ws, as_wallet(ws, code.url, code.wallet_id), rail, row)
    if row.status == "failed":
        raise errors.Rejected(
            f"this was tried before and failed: {row.failure}", id=row.id, hint="Run it again to try anew."
        )
    return receipts.receipt(row, replayed=True)


def _emptied(cheque: Lnbits, code: ChequeCode, entry: str) -> errors.Rejected:
    """Why a cheque's server says that there is too little in it: it was claimed, or the fee is what is missing."""
    try:
        is_whole = cheque.wallet().balance_msat >= code.amount_msat
    except errors.AmaniError:
        is_whole = False
    return drawing.unreserved(entry) if is_whole else drawing.taken(entry)


def _claimable(ws: Workspace, cheque: Lnbits, code: ChequeCode, *, outside: bool) -> int:
    """What can be drawn now: the face, or less the fee reserve where a claim leaves a server that set none aside."""
    try:
        held = cheque.wallet().balance_msat
    except errors.NotAuthorised:
        raise drawing.voided() from None
    if held < code.amount_msat:
        raise drawing.taken()
    if not outside or held >= code.amount_msat + fees.worst_fee_msat(code.amount_msat):
        return code.amount_msat
    amount_msat = fees.spendable_msat(held)
    if not amount_msat:
        raise errors.Rejected("this cheque is too small to leave its server", code="TOO_SMALL", hint="Claim it there.")
    ws.talk.warn(f"{code.amount_msat - amount_msat} msat stay behind as the fee reserve of the cheque's server")
    return amount_msat


def _tell_giver(ws: Workspace, code: ChequeCode, row: Entry) -> None:
    """If the cheque was written on this machine, its entry learns of the claim: at once, or when it is looked at."""
    with ws.talk.once_paid("the cheque's own entry does not say so yet"):
        for written in store_cheques.of_wallet(ws.store, code.url, code.wallet_id):
            standing.claimed(ws, written, row.payment_hash, row.settled_at)
