"""Bringing in what a Fincra wallet's own log says: what others did on it, and what our own entries came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from amani_cli import checkouts, engine
from amani_cli.providers.fiat import Movement
from amani_cli.store import Row, Transaction, now
from amani_cli.store import payments as journal
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

News = Literal["new", "updated", "none"]


def sync(ws: Workspace, wallet: KnownWallet) -> tuple[int, int]:
    """Bring in the log, newest first, until a page has no news; returns how many entries are new and how many changed.

    A line of an entry that we made ourselves is tied to it by our reference. An open entry is asked about, and so is
    the page that a customer paid.
    """
    identify(wallet)
    new = updated = 0
    with wallet.fincra("read") as client:
        for page in client.movements():
            news = [_take_in(ws, wallet, client, line) for line in page]
            new, updated = new + news.count("new"), updated + news.count("updated")
            if set(news) <= {"none"}:  # a page of which nothing can be read has no news either
                break
    return new, updated


def _take_in(ws: Workspace, wallet: KnownWallet, client: Fincra, line: Movement) -> News:
    if journal.is_logged(ws.store.connection, wallet.remote_id, line.id):
        return "none"
    sent = _row(ws.store.connection, line, "out")
    if sent is not None and sent["status"] == "unknown":
        sent = engine.ask_again(ws, sent)
        changed: News = "none" if sent["status"] == "unknown" else "updated"
    else:
        changed = "none"
        page = line.our_reference if line.credit and checkouts.is_open(ws, wallet, line.our_reference) else None
        if page is not None and checkouts.settle(ws, wallet, client, page):
            changed = "new"
    with ws.store.write() as db:
        own = _row(db, line, "in" if line.credit else "out")
        if own is not None and own["remote_wallet_id"] == wallet.remote_id and own["log_id"] is None:
            reference = own["provider_reference"] or line.provider_reference
            journal.update(db, own["id"], log_id=line.id, provider_reference=reference)
            return changed
        ours = sent if sent is not None and sent["remote_wallet_id"] == wallet.remote_id else None
        if _is_told_already(line, own, ours):
            return changed
        kind = "transfer" if sent is not None and ours is None else _kind(line, ours)
        _insert(db, wallet, line, kind, first=own is None)
        return "new"


def _row(db: Transaction, line: Movement, direction: str) -> Row | None:
    return None if line.our_reference is None else journal.by_our_reference(db, line.our_reference, direction)


def _is_told_already(line: Movement, own: Row | None, sent: Row | None) -> bool:
    """Whether the journal has the money of a line in the entry of another: a fee apart, or what a failure gave back."""
    if line.credit:
        return sent is not None and sent["status"] in ("failed", "unknown") and sent["kind"] != "convert"
    return own is not None and own["destination"] is not None


def _kind(line: Movement, sent: Row | None) -> str:
    if not line.credit:
        return "payout"
    if sent is None:
        return "collection"
    # Money that comes under a reference of something that left: the other half of an exchange, or its return.
    return "convert" if sent["kind"] == "convert" else "refund"


def _insert(db: Transaction, wallet: KnownWallet, line: Movement, kind: str, *, first: bool) -> None:
    moment = line.created_at or now()
    journal.insert(
        db,
        **wallet.journaled,
        direction="in" if line.credit else "out",
        kind=kind,
        status="settled",
        amount=str(line.amount),
        currency=line.currency,
        our_reference=line.our_reference if first else None,
        provider_reference=line.provider_reference,
        log_id=line.id,
        memo=line.memo or line.what,
        created_at=moment,
        settled_at=moment,
    )
    store_wallets.clear_cached_balance(db, wallet.id)
