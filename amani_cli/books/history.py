"""What happened on our wallets: the journal, searched, and brought up to date with what others did on them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from amani_cli import errors
from amani_cli.books import records, valuations
from amani_cli.models.books import Freshness, History, Synced
from amani_cli.models.payments import Payment
from amani_cli.payments import receipts
from amani_cli.providers.base import Record
from amani_cli.store import journal, listing, marks
from amani_cli.store.ledger import only
from amani_cli.store.listing import Filter
from amani_cli.wallets import finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def listed(ws: Workspace, wanted: Filter, after: str | None = None) -> History:
    """A page of the journal, newest first; `after` is the `next` of the page before."""
    from dataclasses import replace

    fresh = [_freshness(ws, wallet) for wallet in finding.everything(ws) if wanted.wallet_id in (None, wallet.id)]
    if not ws.has_store:
        return History([], None, fresh)
    if after is not None:
        last = journal.by_id(ws.store, after)
        if last is None:
            raise errors.NotFound(f"no payment '{after}' to go on from")
        wanted = replace(wanted, after=(last.created_at, last.id))
    if wanted.search is not None:
        ws.talk.progress("searching")  # the first time, all that there is
    rows = listing.page(ws.store, replace(wanted, limit=wanted.limit + 1))
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    return History([receipts.receipt(row) for row in rows], rows[-1].id if more else None, fresh)


def _freshness(ws: Workspace, wallet: KnownWallet) -> Freshness:
    mark = marks.read(ws.store, marks.history_of(wallet.identity)) if ws.has_store else None
    return Freshness(wallet.name, mark.at if mark else None)


def shown(ws: Workspace, text: str) -> Payment:
    """One payment by id, payment hash, bolt11, reference or an unambiguous beginning of id or hash.

    A payment between two of our wallets has two entries: the one that left is shown.
    """
    from amani_cli.payments import earlier

    rows = earlier.named(ws, text)
    attempts = {(row.payment_hash or row.id) for row in rows}
    if len(rows) > 1 and len(attempts) == 1:
        rows = sorted(rows, key=lambda row: (row.direction == "out", row.status != "failed", row.id))[-1:]
    row = only(rows, text, "payment")
    if ws.is_shared and row.host:
        ws.talk.note(f"Made by {row.os_user} on {row.host}.")
    return receipts.receipt(row)


def sync(ws: Workspace, wallet: KnownWallet, *, look: Callable[[list[Record]], None] | None = None) -> None:
    """Bring in what other clients did on a wallet, money that came too; again and again without doubles.

    `look` is shown each page of a Lightning wallet's records, newest first, before it is brought in.
    """
    _sync(ws, wallet, look)
    valuations.remember(ws)


def sync_each(ws: Workspace, known: list[KnownWallet]) -> tuple[Synced, list[errors.AmaniError]]:
    """The same of several, where one that can't be read keeps nobody from the others: it comes back as an error.

    Raises the first one's where none could be read.
    """
    names: list[str] = []
    failed: list[errors.AmaniError] = []
    new = updated = 0
    for wallet in known:
        try:
            its_new, its_updated = _sync(ws, wallet)
        except errors.AmaniError as error:
            if len(known) > 1:
                error.message = f"wallet '{wallet.name}': {error.message}"
            failed.append(error)
            continue
        names.append(wallet.name)
        new, updated = new + its_new, updated + its_updated
    if failed and not names:
        raise failed[0]
    valuations.remember(ws)
    return Synced(names, new, updated), failed


def _sync(ws: Workspace, wallet: KnownWallet, look: Callable[[list[Record]], None] | None = None) -> tuple[int, int]:
    """How much was new, and how much has changed."""
    ws.talk.progress(f"reading the history of {wallet.name}")
    if wallet.provider == "fincra":
        from amani_cli.fiat import log

        told = log.sync(ws, wallet)
    else:
        told = records.sync(ws, wallet, look)
    with ws.store.write() as db:
        marks.make(db, marks.history_of(wallet.identity), "")
    return told


def confirm(ws: Workspace, wallet: KnownWallet, hashes: Collection[str]) -> bool:
    """Bring in what the wallet's own records say of these payments; one that it has no record of is nothing.

    False if one of them is not decided yet.
    """
    with wallet.lnbits("read") as client:
        told = [client.record(payment_hash) for payment_hash in hashes]
    found = [record for record in told if record is not None]
    records.take_in(ws, wallet, found)
    valuations.remember(ws)
    return all(record.status != "pending" for record in found)
