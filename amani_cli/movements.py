"""Bringing in what a Fincra wallet's own log says: what others did on it, and what our own entries came to."""

from __future__ import annotations

from amani_cli import payments
from amani_cli.providers.base import Movement
from amani_cli.store import Row, Transaction, now
from amani_cli.store import payments as journal
from amani_cli.wallets import KnownWallet, clear_cached_balance, identify
from amani_cli.workspace import Workspace


def sync(ws: Workspace, wallet: KnownWallet) -> tuple[int, int]:
    """Bring in the log, newest first, until a page has no news; returns how many entries are new and how many changed.

    A line of an entry that we made ourselves is tied to it by our reference. An open entry is asked about.
    """
    identify(wallet)
    new = updated = 0
    with wallet.fincra("read") as client:
        for page in client.movements():
            before = new + updated
            known = 0
            for line in page:
                if journal.is_logged(ws.store.connection, wallet.id, line.id):
                    known += 1
                    continue
                came, changed = _take_in(ws, wallet, line)
                new, updated = new + came, updated + changed
            if known == len(page) and new + updated == before:
                break
    return new, updated


def _take_in(ws: Workspace, wallet: KnownWallet, line: Movement) -> tuple[int, int]:
    with ws.store.write() as db:
        own = _own(db, wallet, line)
        if own is None:
            _insert(db, wallet, line)
            return 1, 0
        reference = own["provider_reference"] or line.provider_reference
        journal.update(db, own["id"], log_id=line.id, provider_reference=reference)
    if own["status"] != "unknown":
        return 0, 0
    return 0, int(payments.ask_again(ws, own)["status"] != "unknown")


def _own(db: Transaction, wallet: KnownWallet, line: Movement) -> Row | None:
    """Our own entry that a line is about, unless another line is tied to it already."""
    if line.our_reference is None:
        return None
    row = journal.by_our_reference(db, line.our_reference, "in" if line.credit else "out")
    return row if row is not None and row["wallet_id"] == wallet.id and row["log_id"] is None else None


def _insert(db: Transaction, wallet: KnownWallet, line: Movement) -> None:
    direction = "in" if line.credit else "out"
    sent = journal.by_our_reference(db, line.our_reference, "out") if line.our_reference and line.credit else None
    kind = "collection" if line.credit else "payout"
    if sent is not None:
        # Money that comes under a reference of something that left: the other half of an exchange, or its return.
        kind = "convert" if sent["kind"] == "convert" else "refund"
    taken = line.our_reference is not None and journal.by_our_reference(db, line.our_reference, direction) is not None
    moment = line.created_at or now()
    journal.insert(
        db,
        wallet_id=wallet.id,
        wallet=wallet.name,
        remote_wallet_id=wallet.remote_id,
        provider=wallet.provider,
        direction=direction,
        kind=kind,
        status="settled",
        amount=str(line.amount),
        currency=line.currency,
        our_reference=None if taken else line.our_reference,
        provider_reference=line.provider_reference,
        log_id=line.id,
        memo=line.memo or line.what,
        sandbox=int(not wallet.live),
        created_at=moment,
        settled_at=moment,
    )
    clear_cached_balance(db, wallet.id)
