"""Queries about months that were closed."""

from __future__ import annotations

from amani_cli.store.ledger import upsert
from amani_cli.store.rows import ClosedRow, Transaction
from amani_cli.times import now


def read(db: Transaction, month: str, wallet_id: int, unit: str) -> ClosedRow | None:
    """The figures a wallet's month was closed with, or None."""
    row: ClosedRow | None = db.execute(
        "SELECT * FROM closed_month WHERE month=? AND wallet_id=? AND unit=?", (month, wallet_id, unit)
    ).fetchone()
    return row


def write(db: Transaction, month: str, wallet_id: int, wallet: str, unit: str, zone: str, figures: str) -> None:
    """Close a wallet's month with these figures, in place of any it was closed with before."""
    db.execute(
        upsert("closed_month", "month, wallet_id, unit", "wallet", "zone", "figures", "closed_at"),
        (month, wallet_id, unit, wallet, zone, figures, now()),
    )
