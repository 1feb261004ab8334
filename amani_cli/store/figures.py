"""Figures about running amani: calls to providers, and when each command last succeeded. Worth keeping, not waiting."""

from __future__ import annotations

import time

from amani_cli.calls import BUCKETS_MS, Endpoint
from amani_cli.store.ledger import Store, upsert
from amani_cli.store.rows import CallRow, SuccessRow, Transaction

_COUNTS = ("calls", "errors", "total_ms", *(f"le_{limit}" for limit in BUCKETS_MS))
_ADD = (
    f"INSERT INTO provider_call (provider, method, endpoint, {', '.join(_COUNTS)})"
    f" VALUES (?,?,?,{','.join('?' * len(_COUNTS))}) ON CONFLICT (provider, method, endpoint) DO UPDATE SET "
    + ", ".join(f"{name}=provider_call.{name}+excluded.{name}" for name in _COUNTS)
)


def keep(store: Store, seen: dict[Endpoint, list[int]], command: str | None) -> None:
    """Add what was counted, and note that `command` succeeded now; the last thing a run does."""

    def write(db: Transaction) -> None:
        # In one order, so that no two processes wait for each other.
        db.executemany(_ADD, [(*endpoint, *counts) for endpoint, counts in sorted(seen.items())])
        if command is not None:
            db.execute(upsert("command_success", "command", "at"), (command, int(time.time())))

    store.in_passing(write)


def calls(store: Store) -> list[CallRow]:
    """What was counted, by provider and endpoint."""
    columns = f"provider, method, endpoint, {', '.join(_COUNTS)}"
    return store.all(CallRow, f"SELECT {columns} FROM provider_call ORDER BY provider, method, endpoint")


def successes(store: Store) -> list[SuccessRow]:
    """When each command last succeeded, in unix seconds."""
    return store.all(SuccessRow, "SELECT command, at FROM command_success ORDER BY command")
