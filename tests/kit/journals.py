"""Journals for tests of what reads them: wallets and payments put in by hand, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amani_cli.store import journal, wallets
from amani_cli.store.ledger import Store, open_store
from amani_cli.store.rows import Transaction


@contextmanager
def writing(home: Path) -> Iterator[tuple[Store, Transaction]]:
    """The store at a home, in a write transaction."""
    store = open_store(home / "amani.db")
    try:
        with store.write() as db:
            yield store, db
    finally:
        store.close()


def add_wallet(db: Transaction, name: str, **columns: object) -> int:
    """A wallet that no server knows; its key file does not exist."""
    columns = {
        "name": name,
        "name_key": wallets.name_key(name),
        "provider": "lnbits",
        "url": "http://127.0.0.1:9",
        "remote_id": f"remote-{name}",
        "access": "spend",
        "key_source": "file:/nowhere/key",
        **columns,
    }
    return wallets.insert(db, **columns)


def add_payment(db: Transaction, wallet_id: int, sat: int, at: str, **columns: object) -> str:
    """A settled payment: money that came if `sat` is positive, else money that left, with a fee of `fee_msat`."""
    columns = {
        "wallet_id": wallet_id,
        "wallet": "main",
        "provider": "lnbits",
        "direction": "in" if sat > 0 else "out",
        "kind": "invoice" if sat > 0 else "pay",
        "status": "settled",
        "amount_msat": abs(sat) * 1000,
        "fee_msat": 0,
        "created_at": at,
        "settled_at": at,
        **columns,
    }
    return journal.insert(db, **columns)
