"""The ledger of a test, behind amani's back: the file at its home, or with AMANI_TEST_STORE=postgres a database."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

from amani_cli.store.dialect import translated
from amani_cli.store.ledger import Store
from amani_cli.store.opening import open_shared
from amani_cli.store.sqlite import open_store


def on_postgres() -> bool:
    """Whether the tests run on PostgreSQL."""
    return os.environ.get("AMANI_TEST_STORE", "sqlite") == "postgres"


def opened(home: Path) -> Store:
    """The ledger as amani opens it. Close it."""
    address = os.environ.get("AMANI_STORE")
    return open_shared(address, {}, home) if address else open_store(home / "amani.db")


def ask(home: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Look into the ledger."""
    return _run(home, sql, values)


def change(home: Path, sql: str, *values: object) -> None:
    """Do to the ledger what only time, a crash or another amani could."""
    _run(home, sql, values)


def _run(home: Path, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    address = os.environ.get("AMANI_STORE")
    if not address:
        with contextlib.closing(sqlite3.connect(home / "amani.db", timeout=30)) as db, db:
            return db.execute(sql, values).fetchall()
    import psycopg

    said = translated(sql)
    with psycopg.connect(address, cursor_factory=psycopg.ClientCursor, prepare_threshold=None) as line:
        cursor = line.execute(said.text.encode(), [values[at] for at in said.places])
        return cursor.fetchall() if cursor.description is not None else []


def tables_with(secrets: Collection[str]) -> list[str]:
    """The tables of the database in which one of these texts stands."""
    if not secrets:
        return []
    import psycopg

    with psycopg.connect(os.environ["AMANI_STORE"], cursor_factory=psycopg.ClientCursor) as line:
        names = line.execute("SELECT relname FROM pg_class WHERE relkind='r' AND relnamespace='public'::regnamespace")
        tables = [row[0] for row in names.fetchall()]
        each = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name} AS t WHERE t::text LIKE ANY(%s))" for name in tables
        )
        patterns = [f"%{secret}%" for secret in secrets]
        return [row[0] for row in line.execute(each.encode(), [patterns] * len(tables)).fetchall()]
