"""Journals for tests of what reads them: wallets and payments put in by hand, without a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from amani_cli.store import migrations, wallets
from amani_cli.store.ledger import Store, new_id
from amani_cli.store.rows import Transaction
from tests.kit import ledgers


@contextmanager
def writing(home: Path) -> Iterator[tuple[Store, Transaction]]:
    """The store at a home, in a write transaction."""
    store = ledgers.opened(home)
    try:
        with store.write() as db:
            yield store, db
    finally:
        store.close()


def add_wallet(db: Transaction, name: str, **columns: Any) -> int:
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
        "id": new_id("pay"),
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
    marks = ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO payment ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))
    return str(columns["id"])


def as_before(home: Path, step: str) -> None:
    """Have the journal be an older amani's: as it was before a step of the schema (the function's name)."""
    old, path = home / "older.db", home / "amani.db"
    old.touch(mode=0o600)
    version = [each.__name__ for each in migrations._STEPS].index(step)
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        migrations.upgrade(db, old, version)
        db.execute("ATTACH ? AS newer", (str(path),))
        for (table,) in db.execute("SELECT name FROM main.sqlite_master WHERE type='table'").fetchall():
            here, there = (
                {row[1] for row in db.execute(f"PRAGMA {of}.table_info({table})")} for of in ("main", "newer")
            )
            names = ",".join(sorted(here & there))
            db.execute(f"INSERT OR REPLACE INTO main.{table} ({names}) SELECT {names} FROM newer.{table}")
    for beside in home.glob("amani.db-*"):
        beside.unlink()
    old.rename(path)
