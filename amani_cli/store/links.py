"""Queries about cheques' links: which cheque a token is for, and which claims by links are open."""

from __future__ import annotations

from amani_cli.store.ledger import Ledger, Store
from amani_cli.store.rows import ChequeRow, LinkRow, ServedRow, Transaction
from amani_cli.times import now


def issue(db: Transaction, token_hash: str, cheque_id: str, base_url: str, machine: str) -> None:
    """Have a token stand for a cheque, and no earlier one any more."""
    delete(db, cheque_id)
    db.execute("INSERT INTO link VALUES (?,?,?,?,?)", (token_hash, cheque_id, base_url, machine, now()))


def delete(db: Transaction, cheque_id: str) -> None:
    """Have no token stand for a cheque any more."""
    db.execute("DELETE FROM link WHERE cheque_id=?", (cheque_id,))


def of_cheque(db: Ledger, cheque_id: str) -> LinkRow | None:
    """A cheque's link, if it has one."""
    row: LinkRow | None = db.execute("SELECT * FROM link WHERE cheque_id=?", (cheque_id,)).fetchone()
    return row


def cheque_of(store: Store, token_hash: str) -> ChequeRow | None:
    """The cheque that the token of this hash stands for."""
    sql = "SELECT cheque.* FROM link JOIN cheque ON cheque.id=link.cheque_id WHERE token_hash=?"
    return store.one(ChequeRow, sql, token_hash)


def stands_for(db: Transaction, token_hash: str, cheque_id: str) -> bool:
    """Whether a token still stands for a cheque."""
    return (
        db.execute("SELECT 1 FROM link WHERE token_hash=? AND cheque_id=?", (token_hash, cheque_id)).fetchone()
        is not None
    )


def being_claimed(store: Store) -> list[ChequeRow]:
    """Cheques that a claim by their link was begun for, and of which it is not written down yet what became of it."""
    return store.all(
        ChequeRow,
        "SELECT cheque.* FROM cheque JOIN payment ON payment.id=cheque.claim"
        " WHERE cheque.status='open' AND payment.status<>'failed' ORDER BY cheque.created_at, cheque.id",
    )


def open_cheques(store: Store) -> list[ChequeRow]:
    """Open cheques that have a link."""
    return store.all(
        ChequeRow, "SELECT cheque.* FROM link JOIN cheque ON cheque.id=link.cheque_id WHERE cheque.status='open'"
    )


def add_served(db: Transaction, counted: dict[str, int]) -> None:
    """Add to what was served."""
    for what, more in sorted(counted.items()):
        changed = db.execute("UPDATE served SET number=number+? WHERE what=?", (more, what))
        if changed.rowcount == 0:
            db.execute("INSERT INTO served VALUES (?,?)", (what, more))


def served(store: Store) -> list[ServedRow]:
    """What was served, ever."""
    return store.all(ServedRow, "SELECT * FROM served ORDER BY what")
