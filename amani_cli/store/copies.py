"""Copies of the database: taken while it is in use, looked at, and put in its place."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from amani_cli import errors
from amani_cli.store import holds, marks
from amani_cli.store.ledger import BUSY_TIMEOUT_S, SCHEMA_VERSION, Store
from amani_cli.store.rows import Row
from amani_cli.store.sqlite import SqliteStore, explained, open_store

# What must be in a copy that takes the place of the database, by what makes a row of it the same.
_KEPT = {
    "audit": ("seq", "hash"),
    "payment": ("id", "status"),
    "invoice": ("payment_hash", "wallet_id", "status"),
    "wallet": ("url", "name_key", "key_source"),
    "cheque": ("id", "status"),
    "pin": ("identity", "hash"),
    "budget": ("identity", "unit", "per_payment", "per_day"),
    "reference": ("reference",),
}

# A restore is itself written down, and may be repeated.
_MATTERS = {"audit": "ours.what NOT LIKE 'backup %'"}


def of_file(store: Store) -> SqliteStore:
    """The ledger as a file, which alone can be copied and put in place here.

    Raises `errors.Usage` (LEDGER_ELSEWHERE) for one on a server, whose own tools do that.
    """
    if isinstance(store, SqliteStore):
        return store
    raise errors.Usage(
        f"the ledger is on a server ({store.where}), and is backed up and restored there",
        code="LEDGER_ELSEWHERE",
        hint=f"Run: pg_dump --format=custom --file=ledger.dump '{store.where}', and pg_restore for the way back"
        " (docs/team-store.md). What is on this machine alone: 'amani backup create FILE --keys-only'.",
    )


def take(store: SqliteStore, target: Path, *, held: str) -> None:
    """Copy the database to a new file, whole as of one moment whatever others write; a copy in use is `held`."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with contextlib.closing(sqlite3.connect(target)) as copy:
            store.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it
            with copy:
                marks.make(copy, marks.HELD, held)
                holds.spread(copy)
    except (sqlite3.Error, OSError) as error:
        raise explained(error, target) from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[SqliteStore]:
    """A copy, upgraded to this amani's schema if it is older. Raises what `open_store` raises."""
    store = open_store(path)
    try:
        yield store
    finally:
        store.close()
        for beside in path.parent.glob(f"{path.name}.before-schema-*"):
            with contextlib.suppress(OSError):  # on a disk that is read-only by now it goes with its folder, later
                beside.unlink()


def is_sound(store: SqliteStore) -> bool:
    """Whether SQLite finds nothing wrong with the file."""
    found = store.one(Row, "PRAGMA integrity_check")
    return found is not None and found[0] == "ok"


def is_of_ours(store: SqliteStore) -> bool:
    """Whether its tables and indexes are those that amani makes, and nothing else is in it, such as a trigger."""
    from amani_cli.store import migrations

    made = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrations.upgrade(fresh, Path(), SCHEMA_VERSION)
        ours = {_making(*row) for row in fresh.execute(made)}
    return {_making(*row) for row in store.all(Row, made)} == ours


def _making(kind: str, name: str, sql: str) -> tuple[str, str, str]:
    return kind, name, " ".join(sql.split())


@contextlib.contextmanager
def alone(store: SqliteStore, wait_s: float) -> Iterator[None]:
    """Have the database to oneself: nobody reads or writes it meanwhile, and whoever had it open is waited for.

    Raises `errors.Locked` when they do not leave in that time.
    """
    db = store.connection
    try:
        db.execute(f"PRAGMA busy_timeout={int(wait_s * 1000)}")
        db.execute("PRAGMA main.locking_mode=EXCLUSIVE")
        db.execute("BEGIN IMMEDIATE")  # the mode takes hold with the next access, and stays past the commit
        db.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise explained(error, store.path) from error
        raise errors.Locked(
            f"another amani has {store.path} open",
            hint="Stop what is running ('watch', 'webhook listen', a batch), or wait for it with --lock-wait 60s.",
        ) from None
    try:
        yield
    finally:
        db.execute("PRAGMA main.locking_mode=NORMAL")
        db.execute("SELECT 1 FROM sqlite_master").fetchone()  # gives it back
        db.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")


def missing_from(copy: Path, store: SqliteStore) -> list[str]:
    """Which tables of the database hold something that a copy of the same schema lacks."""

    def lacks(table: str, columns: tuple[str, ...]) -> bool:
        same = " AND ".join(f"ours.{column} IS theirs.{column}" for column in columns)
        lacking = f"NOT EXISTS (SELECT 1 FROM copy.{table} AS theirs WHERE {same})"
        return (
            store.one(Row, f"SELECT 1 FROM main.{table} AS ours WHERE {_MATTERS.get(table, '1')} AND {lacking}")
            is not None
        )

    store.connection.execute("ATTACH ? AS copy", (str(copy),))
    try:
        return [table for table, columns in _KEPT.items() if lacks(table, columns)]
    finally:
        store.connection.execute("DETACH copy")


def hold(copy: SqliteStore, why: str) -> None:
    """Hold every wallet that a copy knows, whatever it says of that itself: whoever made it may have taken that out."""
    with copy.write() as db:
        marks.make(db, marks.HELD, why)
        holds.spread(db)


def put(copy: SqliteStore, store: SqliteStore) -> None:
    """Put all of a copy in the place of what the database holds, in one transaction."""
    try:
        copy.connection.backup(store.connection)
    except sqlite3.Error as error:
        raise explained(error, store.path) from error
