"""Bringing in what a Fincra wallet's own log says: what others did on it, and what our own entries came to."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from amani_cli import errors
from amani_cli.fiat import in_flight, reversals
from amani_cli.invoices import pages, virtual_accounts
from amani_cli.payments import earlier
from amani_cli.providers.fiat import Movement
from amani_cli.store import holds, journal, read_back
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry, NewEntry
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import Transaction
from amani_cli.times import from_rfc3339, local, now, to_rfc3339
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

News = Literal["new", "updated", "none"]


def sync(ws: Workspace, wallet: KnownWallet) -> tuple[int, int]:
    """Bring in the log, newest first, until nothing is missing below; how many entries are new and have changed.

    A line of an entry that we made ourselves is tied to it by our reference. An open entry is asked about, and so is
    the page that a customer paid. Cut anywhere, the next sync goes on with what is missing. A log need not go back to
    its beginning: what it has no more can't be brought in, and for a wallet that is held `errors.Unreachable` says so.
    For such a one payouts that are on their way are brought in too, as open ones. What is written down as failed is
    asked about where money moved under its name.
    """
    from amani_cli.providers.fincra_line import PAGE

    identify(wallet)
    new = updated = 0
    is_met = False
    came: list[str] = []
    progress: read_back.Progress | None = None
    with wallet.fincra("read") as client:
        if holds.stops(ws.store, wallet.remote_id):
            since = read_back.progress(ws.store, wallet.identity).top
            new, updated = in_flight.bring_in(ws, wallet, client, since)
        while progress is None or progress.gaps:
            # Lines that have come since push the others back: where it stopped last is there, or further on.
            first = progress.gaps[0].count // PAGE + 1 if progress is not None else 1
            if progress is not None:
                progress.gaps[0].count -= progress.gaps[0].count % PAGE
            oldest = None
            for page in client.movements(first):
                times = [seconds for line in page if (seconds := _seconds(line)) is not None]
                if progress is None:
                    progress = read_back.progress(ws.store, wallet.identity)
                    progress.begin(times)
                is_met = is_met or any(journal.is_logged(ws.store, wallet.remote_id, each.id) for each in page)
                news = [_take_in(ws, wallet, client, line) for line in page]
                came += [
                    line.provider_reference
                    for line, told in zip(page, news, strict=True)
                    if told == "new" and line.credit and line.provider_reference
                ]
                new, updated = new + news.count("new"), updated + news.count("updated")
                oldest = min(times) if times else oldest
                has_met = progress.took(oldest, len(page))
                progress.save(ws.store)
                if has_met:
                    break
            else:
                assert progress is not None  # a log has a first page, be it empty
                _ended(ws, wallet, progress, is_met=is_met)
        if came:
            virtual_accounts.name_payers(ws, wallet, client, came)
    return new, updated


def _ended(ws: Workspace, wallet: KnownWallet, progress: read_back.Progress, *, is_met: bool) -> None:
    """The log has nothing older. For a wallet that is held that is all only if it met (`is_met`) what was known."""
    lower = progress.gaps[0].lower
    if lower is not None and not is_met and holds.of_wallet(ws.store, wallet.remote_id) is not None:
        since = to_rfc3339(int(lower))
        raise errors.Unreachable(
            f"the log of '{wallet.name}' does not go back to {local(since)} any more, where this copy of the journal"
            " ends",
            code="LOG_TOO_SHORT",
            hint="See in Fincra's dashboard what was paid since. Nothing more can be learned of it here.",
        )
    progress.ended()
    progress.save(ws.store)


def _seconds(line: Movement) -> float | None:
    return from_rfc3339(line.created_at).timestamp() if line.created_at is not None else None


def _take_in(ws: Workspace, wallet: KnownWallet, client: Fincra, line: Movement) -> News:
    if journal.is_logged(ws.store, wallet.remote_id, line.id):
        return "none"
    sent = _row(ws.store, line, "out")
    if sent is None and line.credit:
        sent = reversals.sent_for(ws.store, wallet, line.our_reference, line.provider_reference)
    if sent is not None and sent.status == "unknown":
        sent = earlier.ask_again(ws, sent)
        changed: News = "none" if sent.status == "unknown" else "updated"
    elif sent is not None and sent.status == "failed" and sent.remote_wallet_id == wallet.remote_id:
        changed = "updated" if earlier.ask_anew(ws, sent) else "none"
        sent = journal.by_id(ws.store, sent.id)
    else:
        changed = "none"
        page = line.our_reference if line.credit and pages.is_open(ws, wallet, line.our_reference) else None
        if page is not None and pages.settle(ws, wallet, client, page):
            changed = "new"
    with ws.store.write() as db:
        if journal.is_logged(db, wallet.remote_id, line.id):  # by another sync, meanwhile
            return changed
        own = _row(db, line, "in" if line.credit else "out")
        if own is not None and own.remote_wallet_id == wallet.remote_id and own.log_id is None:
            reference = own.provider_reference or line.provider_reference
            journal.update(db, own.id, log_id=line.id, provider_reference=reference)
            return changed
        ours = sent if sent is not None and sent.remote_wallet_id == wallet.remote_id else None
        if _is_told_already(line, own, ours):
            return changed
        kind = "transfer" if sent is not None and ours is None else _kind(line, ours)
        _insert(db, wallet, line, kind, first=own is None)
        if kind == reversals.KIND and ours is not None and not ours.reversed_at:
            if line.amount >= Decimal(ours.amount or 0):
                reversals.mark(ws, db, ours, line.created_at)
            else:
                ws.talk.warn(f"a part of {ours.id} came back: {line.amount} of {ours.amount} {line.currency}")
        return "new"


def _row(db: Ledger, line: Movement, direction: str) -> Entry | None:
    return None if line.our_reference is None else journal.by_our_reference(db, line.our_reference, direction)


def _is_told_already(line: Movement, own: Entry | None, sent: Entry | None) -> bool:
    """Whether the journal has the money of a line in the entry of another: a fee apart, or what a failure gave back."""
    if line.credit:
        return sent is not None and sent.status in ("failed", "unknown") and sent.kind != "convert"
    return own is not None and own.destination is not None


def _kind(line: Movement, sent: Entry | None) -> str:
    if not line.credit:
        return "payout"
    if sent is None:
        return "collection"
    # Money that comes under a reference of something that left: the other half of an exchange, or its return.
    return "convert" if sent.kind == "convert" else reversals.KIND


def _insert(db: Transaction, wallet: KnownWallet, line: Movement, kind: str, *, first: bool) -> None:
    moment = line.created_at or now()
    entry = NewEntry(
        wallet.journaled,
        "in" if line.credit else "out",
        kind,
        "settled",
        amount=str(line.amount),
        currency=line.currency,
        our_reference=line.our_reference if first else None,
        provider_reference=line.provider_reference,
        log_id=line.id,
        memo=line.memo or line.what,
        created_at=moment,
        settled_at=moment,
    )
    journal.insert(db, entry)
    store_wallets.clear_cached_balance(db, wallet.id)
