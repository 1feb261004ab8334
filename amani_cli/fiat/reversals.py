"""Payouts that settled and came back: the entry says when, and what came back is its return, not income."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import Fiat, format_fiat
from amani_cli.providers.fiat import Refund
from amani_cli.store import audit as audit_log
from amani_cli.store import journal
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import Transaction
from amani_cli.times import now
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


KIND = "refund"
"""The kind of an entry over what came back."""


def look(ws: Workspace, wallet: KnownWallet, client: Fincra) -> list[str]:
    """Read Fincra's list of refunds, newest first, until a page has no news; the ids of entries that turn out reversed.

    That there is such a list is certain, its fields are not: what it can't be read for is left to the wallet's log.
    """
    found: list[str] = []
    try:
        for page in client.refunds():
            news = [_note(ws, wallet, each) for each in page]
            found += [each for each in news if each is not None]
            if not any(news):
                break
    except (errors.NotFound, errors.Rejected):
        return found
    except errors.Unreachable as error:
        if error.code not in ("NOT_FINCRA", "ODD_ANSWER"):
            raise
    return found


def _note(ws: Workspace, wallet: KnownWallet, refund: Refund) -> str | None:
    """Mark the payout of a refund; its id if that is new."""
    with ws.store.write() as db:
        sent = _sent(db, wallet, refund.our_reference, refund.provider_reference)
        if sent is None or sent.reversed_at or sent.status != "settled":
            return None
        if refund.amount is not None and refund.amount < Decimal(sent.amount or 0):
            return None  # a part of it: what comes is in the log
        mark(ws, db, sent, refund.at)
        for reference in (refund.reference, sent.provider_reference):  # the log has it under either
            journal.claim_return(db, wallet.remote_id, reference, KIND)
        return str(sent.id)


def _sent(db: Ledger, wallet: KnownWallet, ours: str | None, theirs: str | None) -> Entry | None:
    """The payout that either reference names, if it left this wallet."""
    row = journal.by_our_reference(db, ours, "out") if ours else None
    if row is None and theirs:
        row = journal.by_provider_reference(db, wallet.remote_id, theirs)
    return row if row is not None and row.remote_wallet_id == wallet.remote_id else None


def sent_for(db: Ledger, wallet: KnownWallet, ours: str | None, theirs: str | None) -> Entry | None:
    """The payout of ours that a line of the wallet's log gives money back for."""
    row = _sent(db, wallet, ours, theirs)
    return row if row is not None and row.kind in ("payout", "transfer") else None


def mark(ws: Workspace, db: Transaction, sent: Entry, at: str | None) -> None:
    """Write down that a settled payout came back, and tell it."""
    moment = at or now()
    journal.update(db, sent.id, reversed_at=moment)
    audit_log.append(db, "reversal", wallet=sent.wallet, subject=sent.id, outcome="reversed", actor=ws.said.actor)
    assert sent.amount is not None  # a payout is over fiat
    assert sent.currency is not None
    amount = format_fiat(Fiat(Decimal(sent.amount), sent.currency))
    ws.talk.warn(f"{sent.id} over {amount} had settled and came back: {sent.destination}")
