"""The ledger of a test, behind amani's back: the file at its home, or with AMANI_TEST_STORE=postgres a database."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from amani_cli.servers import server_of
from amani_cli.store.dialect import translated
from amani_cli.store.ledger import Store
from amani_cli.store.opening import open_shared
from amani_cli.store.sqlite import open_store


def on_postgres() -> bool:
    """Whether the tests run on PostgreSQL."""
    return os.environ.get("AMANI_TEST_STORE", "sqlite") == "postgres"


_by_home: dict[str, str] = {}
_make: list[Callable[[], str]] = []


def begin(make: Callable[[], str]) -> str:
    """Begin a test on PostgreSQL with a ledger for its home; `make` makes others, for other homes."""
    _by_home.clear()
    _make[:] = [make]
    return of_home({"AMANI_HOME": os.environ["AMANI_HOME"]})["AMANI_STORE"]


def all_made() -> list[str]:
    """The ledgers that a test made."""
    return list(_by_home.values())


def of_home(env: Mapping[str, str | None] | None) -> dict[str, str]:
    """The ledger of a home: another home is another amani's, unless a test says that both share one."""
    env = env or {}
    home = env.get("AMANI_HOME", os.environ.get("AMANI_HOME"))
    if not on_postgres() or "AMANI_STORE" in env or not home or not _make:
        return {}
    if _by_home and os.environ.get("AMANI_STORE") not in _by_home.values():  # a test has set one of its own, or none
        return {}
    if home not in _by_home:
        _by_home[home] = _make[0]()
    return {"AMANI_STORE": _by_home[home]}


def opened(home: Path) -> Store:
    """The ledger as amani opens it. Close it."""
    address = of_home({"AMANI_HOME": str(home)}).get("AMANI_STORE") or os.environ.get("AMANI_STORE")
    return open_shared(address, {}, home) if address else open_store(home / "amani.db")


def ask(home: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Look into the ledger."""
    return _run(home, sql, values)


def change(home: Path, sql: str, *values: object) -> None:
    """Do to the ledger what only time, a crash or another amani could."""
    _run(home, sql, values)
    if sql.startswith("UPDATE wallet SET url"):  # another address of the same server, or one that is down
        _keys_follow(home)


def _run(home: Path, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    address = of_home({"AMANI_HOME": str(home)}).get("AMANI_STORE") or os.environ.get("AMANI_STORE")
    if not address:
        with contextlib.closing(sqlite3.connect(home / "amani.db", timeout=30)) as db, db:
            return db.execute(sql, values).fetchall()
    import psycopg

    said = translated(sql)
    with psycopg.connect(address, cursor_factory=psycopg.ClientCursor, prepare_threshold=None) as line:
        cursor = line.execute(said.text.encode(), [values[at] for at in said.places])
        return cursor.fetchall() if cursor.description is not None else []


def _keys_follow(home: Path) -> None:
    """Have this machine's keys be for the servers that the ledger names now, where it keeps that by itself."""
    path = home / "keys-here.json"
    if path.exists():
        kept, urls = json.loads(path.read_text()), dict(_run(home, "SELECT id, url FROM wallet", ()))
        for ledger in kept.values():
            for number, about in ledger["wallets"].items():
                about["server"] = server_of(urls.get(int(number), ""))
        path.write_text(json.dumps(kept))


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
