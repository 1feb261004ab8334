"""Claims: what a process of some machine is at work on, where several share a ledger and a file's lock is seen by one.

No clock releases one: a machine that is merely slow, or cut off, would find its work done a second time. Its owner
does when it is done; another process does on the very machine, in the same start of it, where the owner is gone; or a
person.
"""

from __future__ import annotations

import os
from functools import cache

from amani_cli import clocks
from amani_cli.store import machine
from amani_cli.store.ledger import Store, new_id
from amani_cli.store.rows import ClaimRow, Row, Transaction
from amani_cli.times import now


def take(db: Transaction, name: str, what: str) -> ClaimRow | str:
    """Claim a name for this process; returns the claim's id, or the claim of another that stands in the way."""
    other: ClaimRow | None = db.execute("SELECT * FROM claim WHERE name=?", (name,)).fetchone()
    if other is not None:
        if not is_gone(other):
            return other
        drop(db, other.id)
    claim_id, pid = new_id("clm"), os.getpid()
    db.execute(
        "INSERT INTO claim (name, id, what, host, os_user, boot, pid, started, at) VALUES (?,?,?,?,?,?,?,?,?)",
        (name, claim_id, what, machine.host(), machine.os_user(), start(), pid, machine.start_of(pid), now()),
    )
    return claim_id


def drop(db: Transaction, claim_id: str) -> None:
    """Give a claim up."""
    db.execute("DELETE FROM claim WHERE id=?", (claim_id,))


def drop_ended(db: Transaction) -> None:
    """Give up what is claimed for cheques of which nothing is left to do, and what was by processes that are gone."""
    db.execute(
        "DELETE FROM claim WHERE name IN (SELECT id FROM cheque WHERE status='void' OR (status='claimed' AND swept=1))"
    )
    for row in db.execute("SELECT * FROM claim WHERE host=? AND boot=?", (machine.host(), start())).fetchall():
        if is_gone(row):
            drop(db, row.id)


def end(store: Store) -> None:
    """The same in a write of its own, where there is anything to look at."""
    if every(store):
        with store.write() as db:
            drop_ended(db)


def every(store: Store) -> list[ClaimRow]:
    """Every claim, the oldest first; none where one machine's files are locked instead."""
    return store.all(ClaimRow, "SELECT * FROM claim ORDER BY at, id") if store.engine == "postgresql" else []


def machines(store: Store) -> list[tuple[str, float]]:
    """Which machines wrote to a shared ledger in the last days, and when each last did, in unix seconds."""
    rows = store.all(Row, "SELECT host, max(at) FROM proof GROUP BY host ORDER BY host")
    return [(row[0], row[1]) for row in rows]


def is_here(row: ClaimRow) -> bool:
    """Whether a claim's owner is, or was, a process of this start of this machine."""
    return bool(row.boot) and row.host == machine.host() and row.boot == start()


def is_gone(row: ClaimRow) -> bool:
    """Whether a claim's owner is certain to be gone."""
    return is_here(row) and not machine.is_here(row.pid, row.started)


@cache
def start() -> str:
    """This start of this machine, or "" where the system has no name for it.

    With the name of the space that process numbers are told in: containers of one machine don't see each other's.
    """
    try:
        return f"{clocks.boot()} {os.readlink('/proc/self/ns/pid')}" if clocks.boot() else ""
    except OSError:
        return ""
