"""Queries about cheques."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from amani_cli.servers import server_of
from amani_cli.store import journal, machine
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Ledger, Store
from amani_cli.store.rows import ChequeRow, Row, Transaction
from amani_cli.times import now

if TYPE_CHECKING:
    from typing import Unpack

    from amani_cli.store.new_rows import ChequeChanges, NewCheque

UNFINISHED = ("funding", "voiding", "unknown")


def insert(db: Transaction, **columns: Unpack[NewCheque]) -> None:
    """Write down a cheque before anything is made for it."""
    columns.setdefault("created_at", now())
    columns.setdefault("host", machine.host())
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO cheque ({names}) VALUES ({marks})", tuple(columns.values()))


def update(db: Transaction, cheque_id: str, **columns: Unpack[ChequeChanges]) -> None:
    """Change columns of a cheque."""
    sets = ", ".join(f"{column}=?" for column in columns)
    db.execute(f"UPDATE cheque SET {sets} WHERE id=?", (*columns.values(), cheque_id))


def by_id(db: Ledger, cheque_id: str | None) -> ChequeRow | None:
    """One cheque."""
    row: ChequeRow | None = db.execute("SELECT * FROM cheque WHERE id=?", (cheque_id,)).fetchone()
    return row


def claim_of(db: Ledger, row: ChequeRow) -> Entry | None:
    """The payment that a cheque's link was last claimed by, as the journal has it; None where nobody has tried."""
    return journal.by_id(db, row.claim) if row.claim is not None else None


def by_reference(db: Ledger, reference: str) -> ChequeRow | None:
    """The cheque that a reference stands for."""
    row: ChequeRow | None = db.execute("SELECT * FROM cheque WHERE reference=?", (reference,)).fetchone()
    return row


def find(store: Store, text: str) -> list[ChequeRow]:
    """Cheques that an id, a reference or the beginning of an id names."""
    exact = store.all(ChequeRow, "SELECT * FROM cheque WHERE id=?1 OR reference=?1", text)
    if exact or len(text) < 6:
        return exact
    return store.all(
        ChequeRow, "SELECT * FROM cheque WHERE id>=? AND id<? LIMIT 3", text, text[:-1] + chr(ord(text[-1]) + 1)
    )


def of_wallet(store: Store, url: str, remote_id: str) -> list[ChequeRow]:
    """The cheque whose money a wallet at a server holds: an id alone is whatever another server says it is."""
    rows = store.all(ChequeRow, "SELECT * FROM cheque WHERE remote_id=?", remote_id)
    return [row for row in rows if server_of(row.url) == server_of(url)]


def count_outstanding(store: Store, wallet_id: int) -> int:
    """How many cheques may hold money that comes back to a wallet."""
    row = store.one(
        Row,
        "SELECT count(*) FROM cheque WHERE wallet_id=? AND status IN ('funding', 'open', 'voiding', 'unknown')",
        wallet_id,
    )
    return row[0] if row else 0


def all_cheques(store: Store, *, limit: int | None = None) -> list[ChequeRow]:
    """Cheques, newest first."""
    sql = "SELECT * FROM cheque ORDER BY created_at DESC, id DESC LIMIT ?"
    return store.all(ChequeRow, sql, sys.maxsize if limit is None else limit)


def with_status(store: Store, *statuses: str) -> list[ChequeRow]:
    """Cheques of these statuses, oldest first."""
    marks = ", ".join("?" * len(statuses))
    return store.all(ChequeRow, f"SELECT * FROM cheque WHERE status IN ({marks}) ORDER BY created_at, id", *statuses)


def draws(store: Store, remote_id: str | None, destination: str, before: tuple[str, int, int] | None) -> list[Entry]:
    """Attempts of a wallet to take a cheque's funds, the newest first; those that failed are left out.

    `before` is how the cheque was named while its server was left out, and between which amounts it may have paid.
    """
    older, least, most = before or ("", 0, 0)
    return store.all(
        Entry,
        "SELECT * FROM payment WHERE remote_wallet_id IS ?1 AND direction='in' AND status<>'failed'"
        " AND (destination=?2 OR (destination=?3 AND amount_msat BETWEEN ?4 AND ?5)) ORDER BY id DESC",
        remote_id,
        destination,
        older,
        least,
        most,
    )


def destination_of(url: str, remote_id: str) -> str:
    """How the journal names the cheque that money came from: any server may say that its wallet has this id."""
    return f"cheque {remote_id} at {server_of(url)}"


def memo_of(row: ChequeRow) -> str:
    """What is said of money that comes home from a cheque."""
    return f"cheque {row.id} taken back"


def came_home(db: Transaction, memo: str, remote_id: str | None) -> ChequeRow | None:
    """The cheque of a wallet that a record of money coming in says was taken back."""
    word, _, rest = memo.partition(" ")
    row = by_id(db, rest.partition(" ")[0]) if word == "cheque" else None
    return row if row is not None and memo == memo_of(row) and row.identity == remote_id else None


def to_sweep(store: Store) -> list[ChequeRow]:
    """Cheques that may hold money to bring back: open ones, half-done ones, and claimed ones.

    A claim at another server leaves a fee reserve behind: one that was set aside on top, or else a part of the face.
    """
    return store.all(
        ChequeRow,
        "SELECT * FROM cheque WHERE status IN ('open', 'voiding', 'unknown') OR (status='claimed' AND swept=0)"
        " ORDER BY created_at, id",
    )
