"""What happened on our wallets: the journal, searched, and brought up to date with what others did on them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from amani_cli import bolt11, engine, errors, models, valuations
from amani_cli.invoices import insert_incoming, note_record
from amani_cli.providers.base import Record
from amani_cli.store import audit as audit_log
from amani_cli.store import is_unambiguous, now, references
from amani_cli.store import payments as journal
from amani_cli.store import wallets as store_wallets
from amani_cli.store.payments import Filter
from amani_cli.verdict import judge
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace


def listed(ws: Workspace, wanted: Filter, after: str | None = None) -> models.History:
    """A page of the journal, newest first; `after` is the `next` of the page before."""
    from dataclasses import replace

    if not ws.has_store:
        return models.History([], None)
    if after is not None:
        last = journal.by_id(ws.store, after)
        if last is None:
            raise errors.NotFound(f"no payment '{after}' to go on from")
        wanted = replace(wanted, after=(last["created_at"], last["id"]))
    if wanted.search is not None:
        ws.progress("searching")  # the first time, all that there is
    rows = journal.page(ws.store, replace(wanted, limit=wanted.limit + 1))
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    return models.History([engine.receipt(row) for row in rows], rows[-1]["id"] if more else None)


def shown(ws: Workspace, text: str) -> models.Payment:
    """One payment by id, payment hash, bolt11, reference or an unambiguous beginning of id or hash.

    A payment between two of our wallets has two entries: the one that left is shown.
    """
    text = text.strip()
    if bolt11.looks_like_invoice(text):
        text = bolt11.decode_invoice(text).payment_hash
    rows = journal.find(ws.store, text) if ws.has_store else []
    attempts = {(row["payment_hash"] or row["id"]) for row in rows}
    if len(rows) > 1 and len(attempts) == 1:
        rows = sorted(rows, key=lambda row: (row["direction"] == "out", row["status"] != "failed", row["id"]))[-1:]
    return engine.receipt(is_unambiguous(rows, text, "payment"))


def sync(
    ws: Workspace, known: list[KnownWallet], *, look: Callable[[list[Record]], None] | None = None
) -> models.Synced:
    """Bring in what other clients did on these wallets, money that came too; again and again without doubles.

    `look` is shown each page of a Lightning wallet's records, newest first, before it is brought in.
    """
    new = updated = 0
    for wallet in known:
        ws.progress(f"reading the history of {wallet.name}")
        if wallet.provider == "fincra":
            from amani_cli import movements

            page_new, page_updated = movements.sync(ws, wallet)
            new, updated = new + page_new, updated + page_updated
            continue
        with wallet.lnbits("read") as client:
            for page in client.all_records():
                if look is not None:
                    look(page)
                page_new, page_updated = _take_in(ws, wallet, page)
                new += page_new
                updated += page_updated
                # Pages come newest first: one without news means that the rest is known.
                if not page_new and not page_updated and _all_known(ws, wallet, page):
                    break
    valuations.remember(ws)
    return models.Synced([wallet.name for wallet in known], new, updated)


def confirm(ws: Workspace, wallet: KnownWallet, hashes: Collection[str]) -> bool:
    """Bring in what the wallet's own records say of these payments; one that it has no record of is nothing.

    False if one of them is not decided yet.
    """
    with wallet.lnbits("read") as client:
        found = [client.record(payment_hash) for payment_hash in hashes]
    records = [record for record in found if record is not None]
    _take_in(ws, wallet, records)
    valuations.remember(ws)
    return all(record.status != "pending" for record in records)


def _all_known(ws: Workspace, wallet: KnownWallet, page: list[Record]) -> bool:
    return all(
        journal.last_attempt(
            ws.store.connection, wallet.id, record.payment_hash, "out" if record.amount_msat < 0 else "in"
        )
        is not None
        for record in page
        if record.amount_msat < 0 or record.status == "settled"
    )


def _take_in(ws: Workspace, wallet: KnownWallet, page: list[Record]) -> tuple[int, int]:
    new = updated = 0
    for record in page:
        leaves = record.amount_msat < 0
        if not leaves and record.status != "settled":
            continue  # an invoice that nobody paid is no payment
        row = journal.last_attempt(ws.store.connection, wallet.id, record.payment_hash, "out" if leaves else "in")
        if row is None:
            new += _insert(ws, wallet, record)
        elif row["status"] == "unknown" and record.status != "pending":
            engine.close(ws, row, judge(None, record))
            updated += 1
        elif row["status"] == "failed" and record.status == "settled":
            ws.warn(f"{row['id']} was written down as failed, and {wallet.url} says it settled")
            with ws.store.write() as db:
                columns = engine.settled_columns(record)
                journal.update(db, row["id"], status="settled", failure=None, **columns)
                audit_log.append(db, "correction", wallet=wallet.name, subject=row["id"], outcome="settled")
            updated += 1
    return new, updated


def _insert(ws: Workspace, wallet: KnownWallet, record: Record) -> int:
    leaves = record.amount_msat < 0
    invoice = ws.store.one("SELECT * FROM invoice WHERE payment_hash=? AND wallet_id=?", record.payment_hash, wallet.id)
    if not leaves and invoice is not None and invoice["status"] != "paid":
        note_record(ws, wallet, invoice, record)
        return 1
    with ws.store.write() as db:
        direction = "out" if leaves else "in"
        if journal.last_attempt(db, wallet.id, record.payment_hash, direction) is not None:
            return 0  # another sync was first
        if not leaves:
            insert_incoming(db, wallet, record)
            return 1
        status = {"settled": "settled", "failed": "failed", "pending": "unknown"}[record.status]
        entry = journal.insert(
            db,
            **{**wallet.journaled, "remote_wallet_id": wallet.remote_id or record.wallet_id},
            direction="out",
            kind="pay",
            status=status,
            amount_msat=abs(record.amount_msat),
            fee_msat=record.fee_msat if status == "settled" else None,
            reserved_msat=abs(record.amount_msat) + record.fee_msat if status == "unknown" else 0,
            payment_hash=record.payment_hash,
            bolt11=record.bolt11 or None,
            preimage=record.preimage if status == "settled" else None,
            memo=record.memo,
            reference=record.named.reference if record.named is not None else None,
            failure="failed at the provider" if status == "failed" else None,
            created_at=record.created_at or now(),
            expires_at=record.expires_at,
            settled_at=record.settled_at,
        )
        if record.named is not None and status != "failed":
            references.restore(db, *record.named, entry)
        store_wallets.clear_cached_balance(db, wallet.id)
        return 1
