"""Requests that wait for a second person, what was signed about them, and what was sent for them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Ledger, Store
from amani_cli.store.rows import RequestRow, Row, SignatureRow, Transaction
from amani_cli.times import now

if TYPE_CHECKING:
    from typing import Unpack

    from amani_cli.store.new_rows import NewRequest

_LIVE = "('open','running','unknown')"


def insert(db: Transaction, **columns: Unpack[NewRequest]) -> None:
    """Write a request down."""
    names = ",".join(columns)
    marks = ",".join("?" * len(columns))
    db.execute(f"INSERT INTO request ({names}) VALUES ({marks})", tuple(columns.values()))


def by_id(db: Ledger, id: str) -> RequestRow | None:
    """A request by its whole id."""
    row: RequestRow | None = db.execute("SELECT * FROM request WHERE id=?", (id,)).fetchone()
    return row


def beginning(store: Store, text: str, until: str) -> list[RequestRow]:
    """The requests (no plans of agents) whose id begins with a text; `until` is the first one after all such."""
    return store.all(
        RequestRow, "SELECT * FROM request WHERE id>=? AND id<? AND status<>'planned' LIMIT 2", text, until
    )


def live(db: Ledger, reference: str, moment: float) -> RequestRow | None:
    """The request, not at its end by a moment of the ledger's time, that has taken a reference."""
    row: RequestRow | None = db.execute(
        f"SELECT * FROM request WHERE reference=? AND status IN {_LIVE} AND (status='unknown' OR ends>?)"
        " ORDER BY id DESC LIMIT 1",
        (reference, moment),
    ).fetchone()
    return row


def page(store: Store, identity: str | None, limit: int | None = None) -> list[RequestRow]:
    """The newest requests, of one wallet if it is named."""
    of_wallet, values = ("", ()) if identity is None else (" AND identity=?", (identity,))
    sql = f"SELECT * FROM request WHERE status<>'planned'{of_wallet} ORDER BY id DESC LIMIT ?"
    return store.all(RequestRow, sql, *values, sys.maxsize if limit is None else limit)


def waiting(store: Store) -> list[RequestRow]:
    """The requests that are not at their end, by their last written status, oldest first."""
    return store.all(RequestRow, f"SELECT * FROM request WHERE status IN {_LIVE} ORDER BY id")


def set_status(db: Transaction, id: str, status: str, *, reason: str | None = None) -> None:
    """Note how a request stands; a reason that is known stays."""
    db.execute(
        "UPDATE request SET status=?, reason=coalesce(?, reason), changed_at=? WHERE id=?", (status, reason, now(), id)
    )


def drop_plans(db: Transaction, before: float) -> None:
    """Drop an agent's plans that ran out before a moment of the ledger's time."""
    db.execute("DELETE FROM request WHERE status='planned' AND ends<?", (before,))


def signatures(db: Ledger, id: str) -> list[SignatureRow]:
    """What was signed about a request, in the order in which it came."""
    rows: list[SignatureRow] = db.execute(
        "SELECT * FROM approval WHERE request_id=? ORDER BY at, public_key", (id,)
    ).fetchall()
    return rows


def sign(db: Transaction, id: str, approver: str, public_key: str, verdict: str, signature: str) -> None:
    """Keep a signature; a person's later word takes the place of the earlier one."""
    db.execute("DELETE FROM approval WHERE request_id=? AND public_key=?", (id, public_key))
    db.execute("INSERT INTO approval VALUES (?,?,?,?,?,?)", (id, approver, public_key, verdict, signature, now()))


def entries(db: Ledger, id: str) -> list[Entry]:
    """The journal's entries that were made under a request."""
    rows: list[Entry] = db.execute("SELECT * FROM payment WHERE request_id=? ORDER BY created_at, id", (id,)).fetchall()
    return rows


def spent_under(db: Ledger, id: str, unit: str) -> Decimal:
    """What has left, or may have, under a request, without fees: in msat or a currency."""
    if unit == "msat":
        row = db.execute(
            "SELECT coalesce(sum(amount_msat), 0) FROM payment WHERE request_id=? AND status<>'failed'", (id,)
        ).fetchone()
        return Decimal(row[0])
    rows = db.execute(
        "SELECT amount FROM payment WHERE request_id=? AND status<>'failed' AND currency=?", (id, unit)
    ).fetchall()
    return sum((Decimal(row[0]) for row in rows), Decimal(0))


def entry_of(db: Ledger, reference: str) -> Entry | None:
    """The payment that a request's reference stands for."""
    row: Entry | None = db.execute(
        "SELECT t.* FROM reference r JOIN payment t ON t.id=r.target WHERE r.reference=?", (reference,)
    ).fetchone()
    return row


def count_waiting(store: Store, moment: float) -> tuple[int, float | None]:
    """How many requests wait for somebody, and when the oldest of them was filed (ledger's time)."""
    row = store.one(
        Row, f"SELECT count(*), min(filed) FROM request WHERE status IN {_LIVE} AND (status<>'open' OR ends>?)", moment
    )
    assert row is not None
    return int(row[0]), row[1]


def newer(store: Store, after: str) -> Iterable[RequestRow]:
    """The requests that were filed after one, oldest first."""
    return store.all(RequestRow, "SELECT * FROM request WHERE id>? AND status<>'planned' ORDER BY id", after)
