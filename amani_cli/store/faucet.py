"""Queries about the faucet; claims are events of kind `faucet`, kept for as long as any cool-down may look back."""

from __future__ import annotations

from amani_cli.store.ledger import Ledger, Store, upsert
from amani_cli.store.rows import FaucetRow, Row, Transaction


def settings(store: Store) -> FaucetRow | None:
    """How the faucet is set up, or None."""
    return store.one(FaucetRow, "SELECT * FROM faucet WHERE id=1")


def is_from(store: Store, wallet_id: int) -> bool:
    """Whether the faucet gives from this wallet."""
    return store.one(Row, "SELECT 1 FROM faucet WHERE wallet_id=?", wallet_id) is not None


def configure(db: Transaction, wallet_id: int, amount_msat: int, cooldown_s: int, daily_cap_msat: int | None) -> None:
    """Set the faucet up."""
    db.execute(
        upsert("faucet", "id", "wallet_id", "amount_msat", "cooldown_s", "daily_cap_msat"),
        (1, wallet_id, amount_msat, cooldown_s, daily_cap_msat),
    )


def last_claim(db: Ledger, identity: str) -> float | None:
    """When this wallet last claimed."""
    row = db.execute("SELECT max(at) FROM event WHERE identity=? AND kind='faucet'", (identity,)).fetchone()
    return None if row[0] is None else row[0]


def claimer(store: Store, payment: str) -> str | None:
    """The wallet, by its identity, that a payment of the faucet's went to."""
    row = store.one(Row, "SELECT identity FROM event WHERE subject=? AND kind='faucet'", payment)
    return None if row is None else str(row[0])


def claims_since(db: Ledger, since: float) -> list[tuple[float, int]]:
    """When and for how many msat claims were made since a moment, oldest first."""
    rows = db.execute(
        "SELECT event.at, payment.amount_msat FROM event JOIN payment ON payment.id=event.subject"
        " WHERE event.kind='faucet' AND event.at>? ORDER BY event.at",
        (since,),
    ).fetchall()
    return [(row[0], row[1]) for row in rows]
