"""References: a caller's own word for one thing, so that the same call again replays instead of repeating."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

from amani_cli import errors
from amani_cli.store import wallets
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Ledger, R, Store, upsert
from amani_cli.store.rows import ReferenceRow, ResolutionRow, Row, Transaction
from amani_cli.times import now

HASHED = "sha256:"  # what a reference stands for, where only its hash came back


class Meaning(str):
    """What a reference stands for, in the one way of saying it; `also` are other ways in which it may be written down.

    Journals from before payees were compared by who they are hold it as it was typed.
    """

    also: tuple[str, ...]

    def __new__(cls, text: str, also: Iterable[str] = ()) -> Meaning:
        """`text` with other ways of saying it."""
        made = super().__new__(cls, text)
        made.also = tuple(each for each in dict.fromkeys(also) if each != text)
        return made

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every way of saying it, the one that is written down first."""
        return (str(self), *self.also)


def spellings(what: str) -> tuple[str, ...]:
    """Every way of saying what a reference stands for."""
    return what.spellings if isinstance(what, Meaning) else (what,)


def claim(db: Transaction, reference: str, what: str) -> str | None:
    """Take `reference` for `what`, inside the caller's transaction.

    `what` says the thing in full (verb, parties, amount), so that the same reference for something else is seen.
    Returns the id of what it already stands for, or None when it is new. Raises `errors.RefusedByPolicy` if it
    stands for something else.
    """
    row: ReferenceRow | None = db.execute(_BY_NAME, (reference,)).fetchone()
    if row is None:
        db.execute("INSERT INTO reference VALUES (?,?,NULL,?)", (reference, what, now()))
        return None
    if not _is_meant(db, row.what, what):
        raise is_taken(reference, row.target, reference)
    return row.target if row.target is None else str(row.target)


def is_taken(reference: str, target: str | None, shown_by: str) -> errors.RefusedByPolicy:
    """That a reference stands for something else: `target`, which `history show` finds by `shown_by`."""
    return errors.RefusedByPolicy(
        f"reference '{reference}' already stands for something else",
        code="REFERENCE_TAKEN",
        retry="never",
        id=target,
        hint=f"Look at it with 'amani history show {shown_by}', or use another reference.",
    )


_BY_NAME = "SELECT * FROM reference WHERE reference=?"


def expect(store: Store, reference: str) -> None:
    """Say that a reference is looked up soon."""
    store.expect(_BY_NAME, reference)


def is_known(store: Store, reference: str) -> bool:
    """Whether a reference stands for anything yet."""
    return store.one(ReferenceRow, _BY_NAME, reference) is not None


def known(store: Store, wanted: list[str]) -> set[str]:
    """Which of these references stand for anything yet."""
    sql = f"SELECT reference FROM reference WHERE reference IN ({','.join('?' * len(wanted))})"
    return {row[0] for row in store.all(Row, sql, *wanted)}


def targets(store: Store, wanted: dict[str, str], kind: type[R]) -> dict[str, R]:
    """The payments or cheques that references stand for, by reference; `wanted` says what each must stand for.

    One that stands for something else is left out: `claim` refuses it.
    """
    table = "payment" if kind is Entry else "cheque"
    sql = f"SELECT t.*, r.reference, r.what FROM reference r JOIN {table} t ON t.id=r.target"
    found = {row[-2]: row for row in _each(store, kind, sql, list(wanted))}
    return {name: row for name, row in found.items() if _is_meant(store.current, row[-1], wanted[name])}


def _is_meant(db: Transaction, what: str, meant: str) -> bool:
    """Whether what is written down is what is meant, though it may be a hash, or older than a wallet's known id."""
    ways = spellings(meant)
    return what in ways or digest(db, what) in [digest(db, way) for way in ways]


def taken(store: Store, wanted: dict[str, str]) -> list[str]:
    """Which references stand for something else than `wanted` says."""
    known = _each(store, Row, "SELECT r.reference, r.what FROM reference r", list(wanted))
    return [row[0] for row in known if not _is_meant(store.current, row[1], wanted[row[0]])]


def digest(db: Transaction, what: str) -> str:
    """A short hash of what a reference stands for: enough to tell it again, and nothing to read it by."""
    if what.startswith(HASHED):
        return what
    return HASHED + sha256(wallets.known_by_now(db, what).encode()).hexdigest()[:16]


def told_along(store: Store, payment: Entry) -> list[tuple[str, str]]:
    """The references of a payment, each with the hash of what it stands for: its own first (that of its cheque, for one
    that funds it), and where it is sent again those under which that was asked for."""
    reference = payment.reference
    if reference is None and payment.kind == "cheque":
        row = store.one(Row, "SELECT reference FROM cheque WHERE id=?", payment.destination)
        reference = row[0] if row is not None else None
    row = store.one(ReferenceRow, _BY_NAME, reference) if reference is not None else None
    rows = [row] if row is not None else []
    if payment.resent:
        others = store.all(ReferenceRow, "SELECT * FROM reference WHERE target=? ORDER BY reference", payment.id)
        rows += [each for each in others if each.reference != reference]
    return [(each.reference, digest(store.current, each.what)) for each in rows]


def restore(db: Transaction, reference: str, meaning: str, target: str) -> None:
    """Let a reference stand again for a payment whose record tells it.

    What it stands for here comes first, unless nothing was ever paid for that: a payment that failed, or a cheque that
    was given up, or waits for another payment than the one that was made for it since. A payment that is open here
    was seen to fail by whoever made another under its reference. What a copy that is held only claimed is what it
    refused to pay, or what is to be approved: that gives way.
    """
    db.execute("INSERT INTO reference VALUES (?,?,NULL,?) ON CONFLICT DO NOTHING", (reference, meaning, now()))
    what = db.execute("SELECT what FROM reference WHERE reference=?", (reference,)).fetchone()[0]
    if not _is_meant(db, what, meaning):
        in_copy = "target IS NULL AND EXISTS (SELECT 1 FROM hold)"
        db.execute(
            f"UPDATE reference SET what=?, target=? WHERE reference=? AND {in_copy}", (meaning, target, reference)
        )
    else:
        db.execute(
            "UPDATE reference SET target=? WHERE reference=? AND (target IS NULL"
            " OR EXISTS (SELECT 1 FROM payment WHERE id=target AND status<>'settled')"
            " OR EXISTS (SELECT 1 FROM cheque WHERE id=target AND (reference IS NULL OR (status='funding'"
            " AND coalesce(funding_hash, '')<>(SELECT payment_hash FROM payment WHERE id=?)))))",
            (target, reference, target),
        )


def _each(store: Store, kind: type[R], sql: str, wanted: list[str]) -> Iterator[R]:
    for at in range(0, len(wanted), 500):  # SQLite takes a limited number of values
        some = wanted[at : at + 500]
        yield from store.all(kind, f"{sql} WHERE r.reference IN ({','.join('?' * len(some))})", *some)


def point(db: Transaction, reference: str, target: str) -> None:
    """Let a claimed reference stand for the entry `target`."""
    db.execute("UPDATE reference SET target=? WHERE reference=?", (target, reference))


def release(db: Transaction, reference: str) -> None:
    """Let go of a reference whose thing was never made."""
    db.execute("DELETE FROM reference WHERE reference=?", (reference,))


def resolution(db: Ledger, reference: str) -> ResolutionRow | None:
    """The invoice that a reference's address or link was resolved to."""
    row: ResolutionRow | None = db.execute("SELECT * FROM resolution WHERE reference=?", (reference,)).fetchone()
    return row


def resolve(db: Transaction, reference: str, bolt11: str, expires_at: str, details: str) -> None:
    """Remember, before anything is paid, which invoice a reference stands for: a retry pays this one."""
    db.execute(
        upsert("resolution", "reference", "bolt11", "expires_at", "details", "created_at"),
        (reference, bolt11, expires_at, details, now()),
    )
