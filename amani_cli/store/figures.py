"""Figures about running amani: calls to providers, and when each command last succeeded. Worth keeping, not waiting."""

from __future__ import annotations

import contextlib
import sqlite3
import time

from amani_cli.calls import BUCKETS_MS, Endpoint
from amani_cli.store.ledger import Store
from amani_cli.store.rows import CallRow, SuccessRow

_COUNTS = ("calls", "errors", "total_ms", *(f"le_{limit}" for limit in BUCKETS_MS))
_ADD = (
    f"INSERT INTO provider_call (provider, method, endpoint, {', '.join(_COUNTS)})"
    f" VALUES (?,?,?,{','.join('?' * len(_COUNTS))}) ON CONFLICT (provider, method, endpoint) DO UPDATE SET "
    + ", ".join(f"{name}={name}+excluded.{name}" for name in _COUNTS)
)


def keep(store: Store, seen: dict[Endpoint, list[int]], command: str | None) -> None:
    """Add what was counted, and note that `command` succeeded now; the last thing a run does.

    Not synced to the disk and not waited for: a power cut or a busy database costs a figure, never time.
    """
    with contextlib.suppress(sqlite3.Error):
        store.connection.execute("PRAGMA synchronous=NORMAL")
        store.connection.execute("PRAGMA busy_timeout=100")
        store.connection.execute("BEGIN IMMEDIATE")
        store.connection.executemany(_ADD, [(*endpoint, *counts) for endpoint, counts in seen.items()])
        if command is not None:
            store.connection.execute("INSERT OR REPLACE INTO command_success VALUES (?,?)", (command, int(time.time())))
        store.connection.commit()


def calls(store: Store) -> list[CallRow]:
    """What was counted, by provider and endpoint."""
    columns = f"provider, method, endpoint, {', '.join(_COUNTS)}"
    return store.all(CallRow, f"SELECT {columns} FROM provider_call ORDER BY provider, method, endpoint")


def successes(store: Store) -> list[SuccessRow]:
    """When each command last succeeded, in unix seconds."""
    return store.all(SuccessRow, "SELECT command, at FROM command_success ORDER BY command")
