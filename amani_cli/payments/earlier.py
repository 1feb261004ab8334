"""What was sent before: its receipt again, or the provider asked about it; never a second payment."""

from __future__ import annotations

from collections.abc import Callable

from amani_cli import errors
from amani_cli.models.payments import Payment
from amani_cli.payments.engine import ask_rail, first_attempt, overrule
from amani_cli.payments.rails import rail_of, wallet_of
from amani_cli.payments.receipts import open_outcome, receipt, reversed_payment
from amani_cli.payments.verdict import Found
from amani_cli.providers.base import FiatRecord, Record
from amani_cli.store import journal, references
from amani_cli.store.entries import Entry
from amani_cli.workspace import Workspace


def replayed(
    ws: Workspace,
    reference: str | None,
    what: str,
    payment_hash: str | None = None,
    *,
    go_on: Callable[[Entry], Payment] | None = None,
) -> Payment | None:
    """The receipt of a payment that this reference or payment hash already stands for, or None if there is none.

    While its outcome is open it is asked about, and `go_on` may go on with it. Raises `errors.OutcomeUnknown`.
    """
    if not ws.has_store:
        return None
    if reference is not None and payment_hash:
        references.expect(ws.store, reference)
    row = journal.sent_for(ws.store, payment_hash) if payment_hash else None
    if reference is not None and (row is not None or references.is_known(ws.store, reference)):
        with ws.store.write() as db:
            row = first_attempt(db, row, reference, what)
    return None if row is None else again(ws, row, go_on=go_on)


def named(ws: Workspace, text: str) -> list[Entry]:
    """The payments that an id, a hash, a bolt11, a reference or the beginning of an id or hash names.

    Raises `errors.Usage` for what is meant as a bolt11 and is none.
    """
    from amani_cli.encodings import bolt11

    text = text.strip()
    if bolt11.looks_like_invoice(text):
        text = bolt11.decode_invoice(text).payment_hash
    return journal.find(ws.store, text) if ws.has_store else []


def again(ws: Workspace, row: Entry, *, go_on: Callable[[Entry], Payment] | None = None) -> Payment:
    """The receipt of what was sent before; an open outcome is asked about, and gone on with by `go_on` alone."""
    if row.status == "unknown":
        row = ask_again(ws, row)
    if row.status == "unknown" and go_on is not None:
        return go_on(row)
    if row.reversed_at:
        raise reversed_payment(row)
    if row.status == "settled":
        return receipt(row, replayed=True)
    if row.status == "failed":
        raise errors.Rejected(
            f"this payment was sent before and failed: {row.failure}",
            id=row.id,
            hint="No money moved. Run the command again to make a new attempt.",
        )
    raise open_outcome(row, "this payment was sent before and its outcome is still open")


def ask_again(ws: Workspace, row: Entry) -> Entry:
    """Ask the provider what became of an open payment, and close its entry if that is certain. Sends nothing."""
    wallet = wallet_of(ws, row)
    if wallet is None and row.wallet_id == journal.OUTSIDE:
        ws.talk.warn(f"{row.id} left a cheque, whose key is in its code alone: claim it again to ask about it")
        return row
    if wallet is None:
        ws.talk.warn(f"wallet '{row.wallet}' is not known here any more, so {row.id} can't be asked about")
        return row
    try:
        with rail_of(ws, wallet) as rail:
            return ask_rail(ws, rail, row)
    except errors.AmaniError as error:
        ws.talk.warn(f"{row.id}: {error.message}")
        return row


def ask_anew(ws: Workspace, row: Entry) -> bool:
    """Ask about what is written down as failed; True if its record overrules that. Raises what looking raises."""
    found = look_up(ws, row)
    return isinstance(found, Record | FiatRecord) and overrule(ws, row, found)


def look_up(ws: Workspace, row: Entry) -> Found:
    """The provider's record of an entry, as it stands; changes nothing. Raises what looking raises."""
    wallet = wallet_of(ws, row)
    if wallet is None:
        raise errors.NotFound(f"wallet '{row.wallet}' is not known here any more")
    with rail_of(ws, wallet) as rail:
        return rail.find(row)
