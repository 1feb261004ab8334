"""New ledgers that are copies of one, as the steps of `store/migrations.py` make it: not all of them for each test."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path

import pytest

from amani_cli import clocks
from amani_cli.store import migrations
from amani_cli.store.ledger import SCHEMA_VERSION

_upgrade = migrations.upgrade


def at_once(patch: pytest.MonkeyPatch) -> None:
    """Let what this process makes anew be made so; what is there already is upgraded step by step, as ever."""
    patch.setattr(migrations, "upgrade", _copied_where_new)


def _copied_where_new(connection: sqlite3.Connection, path: Path, target: int) -> None:
    if target == SCHEMA_VERSION and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        _whole().backup(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        # The one thing in a new ledger that is not in every other: when its own time began.
        connection.execute("REPLACE INTO clock VALUES (1,?,?,?,?,?,?,?)", clocks.begin(0))
    _upgrade(connection, path, target)


@cache
def _whole() -> sqlite3.Connection:
    """One in memory, with all steps done."""
    made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _upgrade(made, Path(":memory:"), SCHEMA_VERSION)
    return made
