"""What of a ledger on a server is small and asked for all the time, brought here in one message and asked for here.

A payment looks at a dozen small tables before it is sent. Each look would be a round trip, 30 ms to a ledger that is
far away; so all of them come together, into a SQLite in memory that answers the very same queries. Inside a transaction
they come with the lock, and are exact; outside of one they are a second old at most.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from amani_cli import clocks
from amani_cli.store import rows
from amani_cli.store.postgres_wire import Answered, Statement
from amani_cli.store.rows import Row

FRESH_S = 1.0
MOST = 500
"""A table with more rows is asked for as it is needed."""

_TYPES = {"int": "INTEGER", "float": "REAL"}
_KINDS: dict[str, type[Row]] = {
    "wallet": rows.WalletRow,
    "mark": rows.MarkRow,
    "hold": rows.HoldRow,
    "pin": rows.PinRow,
    "budget": rows.BudgetRow,
    "faucet": rows.FaucetRow,
    "approval_rule": rows.RuleOfTwoRow,
    "approval_line": rows.LineRow,
    "agent": rows.AgentRow,
}
_COLUMNS = {
    **{
        table: {name: _TYPES.get(hint.split(" ")[0], "TEXT") for name, hint in kind.__annotations__.items()}
        for table, kind in _KINDS.items()
    },
    "rule": {"name": "TEXT", "source": "TEXT", "value": "TEXT"},
    "pin_threshold": {"identity": "TEXT", "unit": "TEXT", "amount": "TEXT"},
}
_READ = re.compile(r"\b(?:FROM|JOIN) (\w+|\()")
_CHANGED = re.compile(r"^(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")

QUERIES: list[Statement] = [
    (f"SELECT {', '.join(columns)} FROM {table} LIMIT {MOST + 1}", ()) for table, columns in _COLUMNS.items()
]


class Mirror:
    """The small tables, as they were when they were last brought here."""

    def __init__(self) -> None:
        """Holds nothing yet."""
        self._here: sqlite3.Connection | None = None
        self._tables: set[str] = set()
        self._since = 0.0

    def fill(self, answers: Sequence[Answered]) -> None:
        """Take what `QUERIES` were answered."""
        if self._here is None:
            self._here = sqlite3.connect(":memory:", isolation_level=None)
            self._here.row_factory = Row
            for table, columns in _COLUMNS.items():
                spelled = ", ".join(f"{name} {kind}" for name, kind in columns.items())
                self._here.execute(f"CREATE TABLE {table} ({spelled})")
        self._tables = set()
        for (table, columns), (found, _) in zip(_COLUMNS.items(), answers, strict=True):
            if len(found) <= MOST:
                self._here.execute(f"DELETE FROM {table}")
                places = ",".join("?" * len(columns))
                self._here.executemany(f"INSERT INTO {table} VALUES ({places})", found)
                self._tables.add(table)
        self._since = clocks.steady()

    def clear(self) -> None:
        """Forget all of it."""
        self._tables = set()

    def changed(self, sql: str) -> str:
        """Forget the table that a statement changes; returns its name, "" where that can't be told."""
        found = _CHANGED.match(sql)
        table = found[1] if found else ""
        self._tables.discard(table)
        return table

    def covers(self, sql: str) -> bool:
        """Whether a query is about tables that are brought here."""
        named = _READ.findall(sql)
        return bool(named) and _COLUMNS.keys() >= set(named)

    def is_fresh(self) -> bool:
        """Whether what is here is young enough to be asked outside of a transaction."""
        return bool(self._tables) and clocks.steady() - self._since <= FRESH_S

    def ask(self, sql: str, values: Sequence[Any]) -> list[Any] | None:
        """The rows of a query; None where a table of it is not here."""
        if self._here is None or not self._tables.issuperset(_READ.findall(sql)):
            return None
        return self._here.execute(sql, values).fetchall()
