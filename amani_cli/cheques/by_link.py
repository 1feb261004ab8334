"""Claiming a cheque by its link: the cheque's own wallet pays an invoice of whoever holds the link, in full, once.

The one engine does it: journal, one POST, verdict. While a payment is open, or has settled, no second one is begun; one
that failed for certain leaves the cheque as it was.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from amani_cli import errors
from amani_cli.cheques import drawing, links, naming, standing
from amani_cli.encodings import bolt11
from amani_cli.keys import KeySource
from amani_cli.lightning import paying, resends
from amani_cli.payments import engine, lightning_rail
from amani_cli.payments.rails import wallet_of
from amani_cli.payments.verdict import Verdict
from amani_cli.rules import held
from amani_cli.store import cheques as store_cheques
from amani_cli.store import holds, journal, marks
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow, Transaction
from amani_cli.wallets import known
from amani_cli.wallets.clients import hear_time, lnbits_client
from amani_cli.wallets.outside import as_wallet, mark_of, own_cheque
from amani_cli.workspace import Workspace

RESEND_AFTER_S = 20.0
"""So long a claim's record may be missing before the same invoice is sent again, where that can't pay it twice."""


class Claimed(NamedTuple):
    """What a claim came to: the journal's entry, settled or still open; `is_new` unless it was begun before."""

    entry: Entry
    is_new: bool


def claim(ws: Workspace, row: ChequeRow, token: str, text: str) -> Claimed:
    """Have a cheque pay a bolt11 over exactly its face.

    The same invoice again says what became of it, and sends nothing. Raises `errors.AmaniError` only where nothing was
    sent, or what was sent failed for certain: then the cheque is open as before. `errors.Rejected` says what it is
    otherwise: claimed (CHEQUE_CLAIMED), on its way by another invoice (CHEQUE_CLAIMING), taken back, expired.
    """
    order = paying.Order(bolt11.decode_invoice(text), kind="cheque", memo="cheque claimed by its link")
    before = journal.sent_for(ws.store, order.invoice.payment_hash)
    if before is not None:
        return Claimed(_begun_before(row, before), False)
    if standing.is_over(row):  # by our clock, it may be, which may be ahead
        with suppress(errors.AmaniError):
            hear_time(ws, row.url)
    refuse_ended(ws, row)
    paying.check(ws, order, row.url)
    if order.amount_msat != row.amount_msat:
        raise errors.Usage(
            f"the invoice must ask for exactly {row.amount_msat} msat: a cheque is claimed in full",
            code="AMOUNT_DIFFERS",
            hint="Ask for an invoice over that amount.",
        )
    assert row.remote_id is not None  # it has a wallet since it was begun
    links.refuse_replaced(ws, row, token)
    admin_key, _ = standing.keys_of(row)
    source = as_wallet(ws, row.url, row.remote_id, KeySource(f"kept:{own_cheque(row.id, row.place)}"))

    def note(db: Transaction, entry: str) -> None:
        held.refuse(ws, row.wallet, row.identity)  # the ledger may have been moved away since
        _refuse_second(db, row, token)
        store_cheques.update(db, row.id, claim=entry)
        marks.make(db, mark_of(entry), f"{row.url} {own_cheque(row.id, row.place)}")
        standing.audit_step(ws, db, "cheque claim", row, "begun")

    with lnbits_client(ws, row.url, admin_key) as client:
        entry, begun = paying.journal_outside(ws, order, source, row.remote_id, note)
        if not begun:
            return Claimed(_begun_before(row, entry), False)
        return Claimed(_send(ws, row, source, lightning_rail.Lightning(ws, client), entry), True)


def _send(
    ws: Workspace, row: ChequeRow, source: known.KnownWallet, rail: lightning_rail.Lightning, entry: Entry
) -> Entry:
    try:
        engine.send(ws, source, rail, entry, wait=True)
    except errors.OutcomeUnknown:
        pass  # it is on its way
    except errors.InsufficientFunds:
        # Somebody may have drawn it by its code: the page is to say so from now on.
        fresh, on_its_way = standing.refresh(ws, naming.must(ws, row.id))
        is_whole = fresh.status == "open" and not on_its_way
        raise (drawing.unreserved if is_whole else drawing.taken)(entry.id) from None
    except errors.NotAuthorised:
        raise drawing.voided() from None
    try:
        sent = journal.by_id(ws.store, entry.id) or entry
    except errors.AmaniError:  # whatever it came to is written down, or will be
        return entry
    if sent.status == "settled":
        with ws.talk.once_paid("the cheque's own entry does not say so yet"):
            standing.claimed(ws, row, sent.payment_hash, sent.settled_at)
    if sent.status == "failed":  # that was written down, and what came behind it could not be
        raise drawing.refused(Verdict("failed", None, sent.failure or "failed"), sent.id)
    return sent


def _begun_before(row: ChequeRow, before: Entry) -> Entry:
    """What an earlier claim by the same invoice came to; refuses one that something else has paid."""
    if before.id != row.claim and before.remote_wallet_id != row.remote_id:
        raise errors.Rejected(
            "this invoice was paid before, and not by this cheque",
            code="PAID_BY_ANOTHER",
            retry="never",
            hint="The cheque is untouched. Ask for a new invoice.",
        )
    return before


def has_begun(ws: Workspace, row: ChequeRow, text: str) -> bool:
    """Whether a claim of this cheque by this very invoice was begun, and has not failed."""
    try:
        before = journal.sent_for(ws.store, bolt11.decode_invoice(text).payment_hash)
    except errors.Usage:
        return False
    return before is not None and before.remote_wallet_id == row.remote_id


def refuse_ended(ws: Workspace, row: ChequeRow) -> None:
    """Refuse to begin a claim of a cheque that is not open (raises `errors.Rejected`), or of which a copy of the ledger
    does not know yet whether it still is (`errors.RefusedByPolicy`)."""
    claim = store_cheques.claim_of(ws.store, row)
    if claim is not None and claim.status != "failed":
        raise _taken(claim)
    if row.status == "claimed":
        raise drawing.taken()
    if row.status != "open":
        raise drawing.voided()
    if standing.is_over(row):
        raise errors.Rejected(
            f"this cheque expired at {row.expires_at}",
            code="CHEQUE_EXPIRED",
            retry="never",
            hint="Ask whoever gave it to you for another.",
        )
    held.refuse(ws, row.wallet, row.identity)


def _refuse_second(db: Transaction, row: ChequeRow, token: str) -> None:
    """In the transaction that journals a claim: it is the only one, of an open cheque, by a link that still stands."""
    current = store_cheques.by_id(db, row.id)
    claim = store_cheques.claim_of(db, current) if current is not None else None
    if claim is not None and claim.status != "failed":
        raise _taken(claim)
    if current is None or current.status != "open" or not links.still_stands(db, token, row.id):
        raise drawing.voided()


def _taken(claim: Entry) -> errors.AmaniError:
    if claim.status == "settled":
        return drawing.taken()
    return errors.Rejected(
        "this cheque is being claimed by another invoice, and is on its way",
        code="CHEQUE_CLAIMING",
        retry="after_reconcile",
        hint="If that fails for certain the cheque is open again; look at its page.",
    )


def go_on(ws: Workspace, row: ChequeRow) -> Entry | None:
    """Ask what became of a cheque's open claim, and send the very same invoice again if it never arrived.

    For `serve` alone, which began it: only where the server was shown to pay a hash once, and only after its record has
    been missing for a while. Returns the claim as it stands.
    """
    claim = standing.claim_by_link(ws, row)
    if claim is None or claim.status != "unknown" or ws.store.clock.since(claim, row.url) < RESEND_AFTER_S:
        return claim
    if holds.stops(ws.store, row.identity):  # asked about, and nothing is sent
        return claim
    source = wallet_of(ws, claim)
    if source is None:
        return claim
    try:
        with lnbits_client(ws, row.url, source.key("admin").value) as client:
            resends.go_on(ws, source, lightning_rail.Lightning(ws, client), claim)
    except errors.AmaniError as error:
        ws.talk.warn(f"{claim.id}: {error.message}")
    return standing.claim_by_link(ws, naming.must(ws, row.id))
