"""Queries about Lightning addresses."""

from __future__ import annotations

from amani_cli.store.ledger import Store
from amani_cli.store.rows import AddressRow, Transaction
from amani_cli.times import now


def insert(
    db: Transaction, name: str, wallet_id: int, place: str | None, bounds: tuple[int, int], comment: int
) -> None:
    """Add an address; raises `errors.Duplicate` if the name is taken."""
    db.execute("INSERT INTO address VALUES (?,?,?,?,?,?,?)", (name, wallet_id, place, *bounds, comment, now()))


def by_name(store: Store, name: str) -> AddressRow | None:
    """The address of a name."""
    return store.one(AddressRow, "SELECT * FROM address WHERE name=?", name)


def every(store: Store) -> list[AddressRow]:
    """Every address, by name."""
    return store.all(AddressRow, "SELECT * FROM address ORDER BY name")


def of_wallet(store: Store, wallet_id: int) -> list[AddressRow]:
    """The addresses that pay a wallet."""
    return store.all(AddressRow, "SELECT * FROM address WHERE wallet_id=? ORDER BY name", wallet_id)


def delete(db: Transaction, name: str) -> None:
    """Forget an address; what it was paid stays on record."""
    db.execute("DELETE FROM address WHERE name=?", (name,))
