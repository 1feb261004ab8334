"""Holds: the wallets, by their id at the provider, from which nothing is spent until they have been read back.

A copy of the database does not know what was paid since it was made. So each wallet that the copy knew is held, under
whatever name it is known later, registered or not, until it has been read back and its books agree.
"""

from __future__ import annotations

from amani_cli.store import marks
from amani_cli.store.journal import OUTSIDE
from amani_cli.store.ledger import Store
from amani_cli.store.rows import HoldRow, MarkRow, Row, Transaction


def spread(db: Transaction) -> None:
    """Turn the mark of a copy into a hold on each wallet that the copy knows.

    `here` are those that it could ask: registered ones, and those that stood in the environment (1; others 0).
    """
    mark = db.execute("SELECT value, at FROM mark WHERE name=?", (marks.HELD,)).fetchone()
    if mark is None:
        return
    why, at = mark[0], mark[1]
    db.execute(
        "INSERT INTO hold SELECT remote_id, name, 1, ?, ? FROM wallet WHERE remote_id IS NOT NULL"
        " ON CONFLICT (remote_id) DO UPDATE SET wallet=excluded.wallet, here=1, why=excluded.why, at=excluded.at",
        (why, at),
    )
    db.execute(
        "INSERT INTO hold SELECT remote_wallet_id, max(wallet), max(CASE WHEN wallet_id<=0 THEN 1 ELSE 0 END), ?, ?"
        " FROM payment WHERE remote_wallet_id IS NOT NULL AND wallet_id<>? GROUP BY remote_wallet_id"
        " ON CONFLICT (remote_id) DO UPDATE SET why=excluded.why, at=excluded.at",
        (why, at, OUTSIDE),
    )
    marks.wipe(db, marks.HELD)


def of_copy(store: Store) -> MarkRow | None:
    """The mark of a copy whose wallets are not told apart yet: `value` says what it is, and all are held."""
    return marks.read(store, marks.HELD)


def of_wallet(store: Store, remote_id: str | None) -> HoldRow | None:
    """The hold on a wallet (`why` it is held), or None."""
    return store.one(HoldRow, "SELECT * FROM hold WHERE remote_id=?", remote_id)


def stops(store: Store, remote_id: str | None) -> bool:
    """Whether nothing is spent from a wallet for now: it is held, as one of a copy is, or the ledger was moved away."""
    sql = "SELECT 1 FROM mark WHERE name IN (?,?) UNION ALL SELECT 1 FROM hold WHERE remote_id=? LIMIT 1"
    return store.one(Row, sql, marks.HELD, marks.GONE, remote_id) is not None


def is_unread(store: Store) -> bool:
    """Whether this is a copy of which something was not read back yet, so that it may not know what is there."""
    return of_copy(store) is not None or bool(waiting(store))


def everything(store: Store) -> list[HoldRow]:
    """Every hold, by the name that its wallet had."""
    return store.all(HoldRow, "SELECT * FROM hold ORDER BY wallet, remote_id")


def waiting(store: Store) -> list[HoldRow]:
    """The holds that something waits for: on wallets that the copy could ask, and that nobody has given up."""
    return [row for row in everything(store) if row.here > 0]


def give_up(db: Transaction, remote_id: str) -> None:
    """Have nothing wait for a wallet that is held, though it stays held itself."""
    db.execute("UPDATE hold SET here=-1 WHERE remote_id=?", (remote_id,))


def release(db: Transaction, remote_id: str | None) -> None:
    """Let a wallet's money go."""
    db.execute("DELETE FROM hold WHERE remote_id=?", (remote_id,))


def release_sandbox(db: Transaction) -> None:
    """Forget the holds on wallets of the sandbox, which are gone with it."""
    db.execute("DELETE FROM hold WHERE remote_id IN (SELECT remote_id FROM wallet WHERE sandbox=1)")
