"""The append-only, hash-chained log: who did what to which wallet, and how it ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from amani_cli.store import machine
from amani_cli.store.ledger import Store
from amani_cli.store.rows import AuditRow, Row, Transaction
from amani_cli.times import now

GENESIS = "0" * 64
HEAD = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
APPEND = "INSERT INTO audit VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_COMPACT = json.JSONEncoder(separators=(",", ":"))


def append(
    db: Transaction,
    what: str,
    *,
    wallet: str | None = None,
    subject: str | None = None,
    amount_msat: int | None = None,
    outcome: str | None = None,
    reason: str | None = None,
    actor: str | None = None,
) -> None:
    """Add an entry inside the caller's transaction, chained to the one before by SHA-256."""
    last = db.execute(HEAD).fetchone()
    seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
    entry = (seq, now(), _who(), actor, what, wallet, subject, amount_msat, outcome, reason)
    db.execute(APPEND, (*entry, chained(previous, entry)))


def chained(previous: str, entry: tuple[object, ...]) -> str:
    """The hash of an entry: SHA-256 over the previous hash and the entry's columns as compact JSON."""
    return hashlib.sha256((previous + _COMPACT.encode(entry)).encode()).hexdigest()


def _who() -> str:
    return f"{machine.os_user()}@{machine.host()}"


@dataclass(frozen=True)
class Filter:
    """What `audit list` may ask for, joined by AND; `what` is a word or the first of several, `after` a number.

    `by` is an actor, an OS user or one at a host.
    """

    since: str | None = None
    until: str | None = None
    wallet: str | None = None
    what: str | None = None
    by: str | None = None
    after: int | None = None
    limit: int = 20


def page(store: Store, wanted: Filter) -> list[AuditRow]:
    """Entries that fit, newest first."""
    where: list[str] = ["1=1"]
    values: list[object] = []
    for condition, value in (
        ("at>=?", wanted.since),
        ("at<?", wanted.until),
        ("wallet=? COLLATE NOCASE", wanted.wallet),
        ("what||' ' LIKE replace(replace(?,'%',''),'_','')||' %'", wanted.what),
        ("seq<?", wanted.after),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    if wanted.by is not None:
        where.append("(actor=? OR who=? OR substr(who, 1, ?)=?)")
        values += [wanted.by, wanted.by, len(wanted.by) + 1, f"{wanted.by}@"]
    return store.all(
        AuditRow, f"SELECT * FROM audit WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?", *values, wanted.limit
    )


def subjects(store: Store, what: str) -> set[str]:
    """What this was ever done to."""
    return {row[0] for row in store.all(Row, "SELECT DISTINCT subject FROM audit WHERE what=?", what)}


def head(store: Store) -> tuple[int, str]:
    """The number and the hash of the newest entry."""
    row = store.one(Row, HEAD)
    return (0, GENESIS) if row is None else (row[0], row[1])


def newest(db: Transaction) -> AuditRow | None:
    """The newest entry."""
    row: AuditRow | None = db.execute("SELECT * FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return row


def walk(store: Store) -> Iterator[AuditRow]:
    """Every entry, oldest first, one at a time."""
    return store.each(AuditRow, "SELECT * FROM audit ORDER BY seq")
