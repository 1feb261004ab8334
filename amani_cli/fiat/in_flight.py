"""Payouts that are on their way and that a copy of the journal does not know: no log has them before they settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli.payments import engine
from amani_cli.providers.base import FiatRecord
from amani_cli.store import journal
from amani_cli.store.entries import Entry, NewEntry
from amani_cli.store.ledger import Ledger
from amani_cli.times import to_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

# A payout is listed under when it was made, by Fincra's clock; the log's lines, by when they were written.
MARGIN_S = 86400
NOBODY = "?"
"""Stands for the payee of one that does not say whose account it went to."""


def bring_in(ws: Workspace, wallet: KnownWallet, client: Fincra, since: float | None) -> tuple[int, int]:
    """Journal, as open, what left the wallet since (unix seconds; None: ever) and has not come to an end; how many are
    new, and how many were written down as failed.

    To be called before the log is read: what ends in between stands in that. Raises what asking Fincra raises.
    """
    new = updated = 0
    for page in client.payouts():
        for listed, made in page:
            if listed.status != "pending":
                continue
            known, record = _known(ws.store, wallet, listed), listed
            if known is None:
                record = _whole(client, listed)
                known = _known(ws.store, wallet, record)
            if known is None:
                new += _take_in(ws, wallet, record, made)
            elif known.status == "failed":
                updated += engine.overrule(ws, known, record)
        times = [made for _, made in page if made is not None]
        if since is not None and times and max(times) < since - MARGIN_S:
            break
    return new, updated


def is_brought_in(row: Entry) -> bool:
    """Whether an open payout was journaled here: its destination is a holder's name alone."""
    return row.kind == "payout" and ":" not in (row.destination or ":")


def _known(db: Ledger, wallet: KnownWallet, record: FiatRecord) -> Entry | None:
    ours, theirs = record.our_reference, record.provider_reference
    row = None if ours is None else journal.by_our_reference(db, ours, "out")
    if row is None and theirs is not None:
        row = journal.by_provider_reference(db, wallet.remote_id, theirs)
    return row


def _whole(client: Fincra, listed: FiatRecord) -> FiatRecord:
    """A payout by itself, where the list leaves out which one of ours it is, or in what."""
    if listed.provider_reference is None or None not in (listed.our_reference, listed.currency):
        return listed
    return client.payout(listed.provider_reference) or listed


def _take_in(ws: Workspace, wallet: KnownWallet, record: FiatRecord, made: float | None) -> bool:
    if record.our_reference is None or record.currency is None:
        return False
    amount = record.amount if record.amount is not None else record.charged
    if amount is None:
        return False
    if record.amount is None and record.fee is not None:
        amount -= record.fee + record.duty
    cost = record.cost(amount)
    entry = NewEntry(
        wallet.journaled,
        "out",
        "payout",
        "unknown",
        amount=str(amount),
        currency=record.currency,
        fee_reserve=None if cost is None else str(cost),
        received=None if record.received is None else str(record.received),
        received_currency=record.received_currency,
        destination=record.payee or NOBODY,
        our_reference=record.our_reference,
        provider_reference=record.provider_reference,
        created_at=None if made is None else to_rfc3339(int(made)),
    )
    with ws.store.write() as db:
        if _known(db, wallet, record) is not None:
            return False
        journal.insert(db, entry)
    return True
