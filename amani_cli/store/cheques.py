"""Queries about cheques."""

from __future__ import annotations

from amani_cli.servers import server_of
from amani_cli.store.ledger import Row, Store, Transaction
from amani_cli.times import now

UNFINISHED = ("funding", "voiding", "unknown")


def insert(db: Transaction, **columns: object) -> None:
    """Write down a cheque before anything is made for it."""
    columns.setdefault("created_at", now())
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO cheque ({names}) VALUES ({marks})", tuple(columns.values()))


def update(db: Transaction, cheque_id: str, **columns: object) -> None:
    """Change columns of a cheque."""
    sets = ", ".join(f"{column}=?" for column in columns)
    db.execute(f"UPDATE cheque SET {sets} WHERE id=?", (*columns.values(), cheque_id))


def by_id(store: Store, cheque_id: str) -> Row | None:
    """One cheque."""
    return store.one("SELECT * FROM cheque WHERE id=?", cheque_id)


def in_transaction(db: Transaction, cheque_id: str | None) -> Row | None:
    """One cheque as the caller's transaction sees it."""
    row: Row | None = db.execute("SELECT * FROM cheque WHERE id=?", (cheque_id,)).fetchone()
    return row


def by_reference(db: Transaction, reference: str) -> Row | None:
    """The cheque that a reference stands for, as the caller's transaction sees it."""
    row: Row | None = db.execute("SELECT * FROM cheque WHERE reference=?", (reference,)).fetchone()
    return row


def find(store: Store, text: str) -> list[Row]:
    """Cheques that an id, a reference or the beginning of an id names."""
    exact = store.all("SELECT * FROM cheque WHERE id=?1 OR reference=?1", text)
    if exact or len(text) < 6:
        return exact
    return store.all("SELECT * FROM cheque WHERE id>=? AND id<? LIMIT 3", text, text[:-1] + chr(ord(text[-1]) + 1))


def of_wallet(store: Store, url: str, remote_id: str) -> list[Row]:
    """The cheque whose money a wallet at a server holds: an id alone is whatever another server says it is."""
    rows = store.all("SELECT * FROM cheque WHERE remote_id=?", remote_id)
    return [row for row in rows if server_of(row["url"]) == server_of(url)]


def all_cheques(store: Store, *, limit: int) -> list[Row]:
    """Cheques, newest first."""
    return store.all("SELECT * FROM cheque ORDER BY created_at DESC, id DESC LIMIT ?", limit)


def with_status(store: Store, *statuses: str) -> list[Row]:
    """Cheques of these statuses, oldest first."""
    marks = ", ".join("?" * len(statuses))
    return store.all(f"SELECT * FROM cheque WHERE status IN ({marks}) ORDER BY created_at, id", *statuses)


def draws(store: Store, remote_id: str | None, destination: str, before: tuple[str, int, int] | None) -> list[Row]:
    """Attempts of a wallet to take a cheque's funds, the newest first; those that failed are left out.

    `before` is how the cheque was named while its server was left out, and between which amounts it may have paid.
    """
    older, least, most = before or ("", 0, 0)
    return store.all(
        "SELECT * FROM payment WHERE remote_wallet_id IS ?1 AND direction='in' AND status<>'failed'"
        " AND (destination=?2 OR (destination=?3 AND amount_msat BETWEEN ?4 AND ?5)) ORDER BY id DESC",
        remote_id,
        destination,
        older,
        least,
        most,
    )


def to_sweep(store: Store) -> list[Row]:
    """Cheques that may hold money to bring back: open ones, half-done ones, and claimed ones.

    A claim at another server leaves a fee reserve behind: one that was set aside on top, or else a part of the face.
    """
    return store.all(
        "SELECT * FROM cheque WHERE status IN ('open', 'voiding', 'unknown') OR (status='claimed' AND swept=0)"
        " ORDER BY created_at, id"
    )
