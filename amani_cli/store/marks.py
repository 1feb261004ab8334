"""Marks: a few facts about this database as a whole, each under a name."""

from __future__ import annotations

from amani_cli.store.ledger import Store, new_id, upsert
from amani_cli.store.rows import MarkRow, Row, Transaction
from amani_cli.times import now

HELD = "spending held"
"""A copy of the database, whose wallets are held until they have been read back (`holds` tells them apart)."""

GONE = "moved away"
"""The ledger was copied to another store, named in the value, and nothing is spent by this one any more."""

_THERE = "in the environment: "


def read(store: Store, name: str) -> MarkRow | None:
    """A mark's `value` and since when (`at`), or None."""
    return store.one(MarkRow, "SELECT value, at FROM mark WHERE name=?", name)


def make(db: Transaction, name: str, value: str) -> None:
    """Make a mark, in place of an older one."""
    db.execute(upsert("mark", "name", "value", "at"), (name, value, now()))


def history_of(identity: str) -> str:
    """The name of the mark that a wallet's own records were read to the end."""
    return f"history read {identity}"


def now_in_environment(store: Store, remote_id: str) -> None:
    """Remember that the key in the environment was this wallet's when it made an invoice."""
    name = f"{_THERE}{remote_id}"
    if read(store, name) is None:
        with store.write() as db:
            make(db, name, "")


def was_another_there(store: Store, remote_id: str | None) -> bool:
    """Whether the key in the environment made invoices as another wallet's than this one's (None: as several)."""
    rows = store.all(Row, "SELECT name FROM mark WHERE name LIKE ? AND name<>?", f"{_THERE}%", f"{_THERE}{remote_id}")
    return len(rows) > (remote_id is None)


def wipe(db: Transaction, name: str) -> None:
    """Take a mark away."""
    db.execute("DELETE FROM mark WHERE name=?", (name,))


def home(store: Store) -> str:
    """The name of this ledger among others, made when it is first asked for."""
    row = read(store, "home")
    if row is not None:
        return str(row.value)
    with store.write() as db:
        if read(store, "home") is None:
            make(db, "home", new_id("home"))
    return home(store)
