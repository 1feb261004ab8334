"""Queries about contacts."""

from __future__ import annotations

from amani_cli.store.ledger import Store
from amani_cli.store.rows import ContactRow, Transaction
from amani_cli.store.wallets import name_key
from amani_cli.times import now


def every(store: Store) -> list[ContactRow]:
    """Every contact, by name."""
    return store.all(ContactRow, "SELECT * FROM contact ORDER BY name_key")


def by_name(store: Store, name: str) -> ContactRow | None:
    """The contact of that name, whatever its case."""
    return store.one(ContactRow, "SELECT * FROM contact WHERE name_key=?", name_key(name))


def insert(db: Transaction, name: str, destination: str) -> None:
    """Add a contact; raises `errors.Duplicate` if the name is taken."""
    db.execute(
        "INSERT INTO contact (name, name_key, destination, created_at) VALUES (?,?,?,?)",
        (name, name_key(name), destination, now()),
    )


def check(db: Transaction, name: str, holder: str) -> None:
    """Keep whose a contact's account is, asked now."""
    db.execute("UPDATE contact SET checked=?, checked_at=? WHERE name_key=?", (holder, now(), name_key(name)))


def pin(db: Transaction, name: str, seen: str) -> None:
    """Keep what was seen of a contact when it was paid."""
    db.execute("UPDATE contact SET seen=?, seen_at=? WHERE name_key=?", (seen, now(), name_key(name)))


def delete(db: Transaction, name: str) -> None:
    """Forget a contact; what it was paid stays on record."""
    db.execute("DELETE FROM contact WHERE name_key=?", (name_key(name),))
