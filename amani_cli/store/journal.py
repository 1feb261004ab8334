"""The journal: every payment that left or came, written before it is sent and closed when its outcome is certain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from amani_cli.store import machine, marks
from amani_cli.store.entries import Entry, EntryChanges, NewEntry, Whose
from amani_cli.store.ledger import Ledger, Store, beyond, new_id
from amani_cli.store.rows import Row, Transaction
from amani_cli.times import now

if TYPE_CHECKING:
    from typing import Unpack

OUTSIDE = -100
"""The number of a wallet that is registered nowhere: a cheque's, whose money left ours before."""


_COLUMNS = (*Whose._fields, *NewEntry._fields[1:], "id")
_INSERT = f"INSERT INTO payment ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def insert(db: Transaction, entry: NewEntry) -> str:
    """Journal a payment and return its id."""
    payment_id = new_id("pay")
    entry = entry._replace(
        created_at=entry.created_at or now(),
        host=entry.host or machine.host(),
        os_user=entry.os_user or machine.os_user(),
    )
    db.execute(_INSERT, (*entry.whose, *entry[1:], payment_id))
    return payment_id


def insert_all(db: Transaction, entries: Iterable[tuple[str, NewEntry]]) -> None:
    """Journal many payments under ids that were made for them (`new_ids`); each says when it was created."""
    db.executemany(_INSERT, [(*entry.whose, *entry[1:], payment_id) for payment_id, entry in entries])


def update(db: Transaction, payment_id: str, **columns: Unpack[EntryChanges]) -> None:
    """Change columns of a payment."""
    sets = ", ".join(f"{column}=?" for column in columns)
    db.execute(f"UPDATE payment SET {sets} WHERE id=?", (*columns.values(), payment_id))


def by_id(db: Ledger, payment_id: str) -> Entry | None:
    """One payment by its id."""
    row: Entry | None = db.execute(_BY_ID, (payment_id,)).fetchone()
    return row


def expect(store: Store, payment_id: str) -> None:
    """Say that a payment is asked for soon, and how many outcomes are open."""
    store.expect(_BY_ID, payment_id)
    store.expect(_OPEN_AND_MOVED, marks.GONE)


def expect_sent(store: Store, payment_hash: str) -> None:
    """Say that what was sent for a hash is asked soon."""
    store.expect(_SENT, payment_hash)


_BY_ID = "SELECT * FROM payment WHERE id=?"
_OPEN = "SELECT count(*), min(created_at) FROM payment WHERE status='unknown'"
_OPEN_AND_MOVED = _OPEN.replace(" FROM", ", (SELECT value FROM mark WHERE name=?) FROM", 1)
_SENT = (
    "SELECT * FROM payment WHERE payment_hash=? AND direction='out' AND status<>'failed'"
    " ORDER BY status='settled' DESC, id DESC LIMIT 1"
)


def count(store: Store) -> int:
    """How many payments the journal holds."""
    row = store.one(Row, "SELECT count(*) FROM payment")
    return row[0] if row else 0


def count_open_of(store: Store, wallet_id: int) -> int:
    """How many of a wallet's payments have no certain outcome."""
    row = store.one(Row, "SELECT count(*) FROM payment WHERE wallet_id=? AND status='unknown'", wallet_id)
    return row[0] if row else 0


def has_failed(store: Store, payment_hash: str) -> bool:
    """Whether an attempt for a hash failed."""
    return store.one(Row, "SELECT 1 FROM payment WHERE payment_hash=? AND status='failed'", payment_hash) is not None


def receiver(store: Store, payment_hash: str) -> str | None:
    """The wallet of ours that got the money of a hash, if one did."""
    row = store.one(Entry, "SELECT wallet FROM payment WHERE payment_hash=? AND direction='in'", payment_hash)
    return row.wallet if row is not None else None


def is_open(db: Transaction, payment_id: str) -> bool:
    """Whether what became of a payment is not certain."""
    return db.execute("SELECT 1 FROM payment WHERE id=? AND status='unknown'", (payment_id,)).fetchone() is not None


def sent_for(db: Ledger, payment_hash: str) -> Entry | None:
    """The attempt that settled or may have settled this hash, from any wallet; failed ones don't count."""
    row: Entry | None = db.execute(_SENT, (payment_hash,)).fetchone()
    return row


def without_arrival(store: Store) -> list[Entry]:
    """Settled payments to one of our own wallets whose arrival was not journaled: amani died between the two."""
    return store.all(
        Entry,
        "SELECT payment.* FROM invoice JOIN payment USING (payment_hash) WHERE invoice.status='pending'"
        " AND invoice.purpose IN ('transfer', 'faucet') AND payment.direction='out' AND payment.status='settled'",
    )


def standing(db: Transaction, payment_id: str | None) -> Entry | None:
    """A payment by its id, unless it failed: what settled or may have settled stands in the way of another.

    A failed one that was read back may have taken the place of one that was made here under its reference.
    """
    if payment_id is None:
        return None
    row: Entry | None = db.execute("SELECT * FROM payment WHERE id=?", (payment_id,)).fetchone()
    if row is None or row.status != "failed":
        return row
    made_here: Entry | None = db.execute(
        "SELECT * FROM payment WHERE reference=? AND direction='out' AND status<>'failed' AND destination IS NOT NULL",
        (row.reference,),
    ).fetchone()
    return made_here


def by_our_reference(db: Ledger, our_reference: str, direction: str) -> Entry | None:
    """The entry of a reference that we made ourselves."""
    row: Entry | None = db.execute(
        "SELECT * FROM payment WHERE our_reference=? AND direction=?", (our_reference, direction)
    ).fetchone()
    return row


def nameless(store: Store, beginning: str) -> list[Entry]:
    """What left under a reference of ours that begins so, and stands for no reference of the user's: it was synced."""
    return store.all(
        Entry,
        "SELECT * FROM payment WHERE our_reference>=?1 AND our_reference<?2 AND direction='out' AND reference IS NULL"
        " ORDER BY created_at, id",
        beginning,
        beyond(beginning),
    )


def by_provider_reference(db: Ledger, remote_id: str | None, reference: str) -> Entry | None:
    """What left a wallet under a reference of its provider's."""
    row: Entry | None = db.execute(
        "SELECT * FROM payment WHERE provider_reference=? AND remote_wallet_id=? AND direction='out'",
        (reference, remote_id),
    ).fetchone()
    return row


def claim_return(db: Transaction, remote_id: str | None, reference: str | None, kind: str) -> None:
    """Call what came under a reference of a provider's what it is: the return of a payment, not income."""
    db.execute(
        "UPDATE payment SET kind=? WHERE provider_reference=? AND remote_wallet_id=? AND direction='in'"
        " AND kind='collection'",
        (kind, reference, remote_id),
    )


def name_payer(
    db: Transaction, remote_id: str | None, reference: str, payer: str, session: str | None, narration: str
) -> None:
    """Write down who sent what came under a reference of a provider's, and what they wrote to it."""
    db.execute(
        "UPDATE payment SET payer=nullif(?, ''), session_id=?, memo=coalesce(nullif(?, ''), memo)"
        " WHERE provider_reference=? AND remote_wallet_id=? AND direction='in' AND payer IS NULL",
        (payer, session, narration, reference, remote_id),
    )


def name_invoice(
    db: Transaction,
    remote_id: str | None,
    provider_reference: str,
    memo: str,
    reference: str | None,
    category: str | None,
) -> None:
    """Say of what came under a reference of a provider's which invoice of ours it pays."""
    db.execute(
        "UPDATE payment SET kind='invoice', memo=?, reference=?, category=? WHERE provider_reference=?"
        " AND remote_wallet_id=? AND direction='in'",
        (memo, reference, category, provider_reference, remote_id),
    )


def has_settled(store: Store, remote_id: str | None) -> bool:
    """Whether a payout of a wallet ever settled."""
    row = store.one(
        Row,
        "SELECT 1 FROM payment WHERE remote_wallet_id=? AND currency IS NOT NULL AND direction='out'"
        " AND status='settled' LIMIT 1",
        remote_id,
    )
    return row is not None


def reversed_ids(store: Store, remote_id: str | None) -> set[str]:
    """The payments of a wallet that settled and came back."""
    rows = store.all(Row, "SELECT id FROM payment WHERE remote_wallet_id=? AND reversed_at IS NOT NULL", remote_id)
    return {row[0] for row in rows}


def count_tries(db: Ledger, reference: str) -> int:
    """How many attempts a reference has had to pay."""
    row = db.execute("SELECT count(*) FROM payment WHERE reference=? AND direction='out'", (reference,)).fetchone()
    return int(row[0])


def is_logged(db: Ledger, remote_id: str | None, log_id: str) -> bool:
    """Whether a line of a wallet's log has its entry."""
    row = db.execute("SELECT 1 FROM payment WHERE log_id=? AND remote_wallet_id=?", (log_id, remote_id)).fetchone()
    return row is not None


def open_like(db: Transaction, kind: str, *, remote_id: str | None = None) -> list[Entry]:
    """The open payments of a kind, from whichever wallet: a retry may be tried from another. Or from that one alone."""
    where, values = (" AND remote_wallet_id=?", [remote_id]) if remote_id is not None else ("", [])
    return db.execute(
        f"SELECT * FROM payment WHERE wallet_id<>? AND status='unknown' AND direction='out' AND kind=?{where}"
        " ORDER BY id",
        (OUTSIDE, kind, *values),
    ).fetchall()


def sent_since(store: Store, remote_id: str | None, kind: str, since: str) -> list[Entry]:
    """What settled of a kind out of a wallet, by its id at its server, and did not come back; newest first."""
    return store.all(
        Entry,
        "SELECT * FROM payment WHERE created_at>=? AND remote_wallet_id=? AND wallet_id<>? AND kind=?"
        " AND direction='out' AND status='settled' AND reversed_at IS NULL ORDER BY created_at DESC, id DESC",
        since,
        remote_id,
        OUTSIDE,
        kind,
    )


def paid_since(store: Store, since: str) -> Iterator[Entry]:
    """What was paid, or may have been, to somebody who was named, oldest first; invoices are told by their hash."""
    return store.each(
        Entry,
        "SELECT id, created_at, destination, amount_msat, quoted, received, received_currency FROM payment"
        " WHERE created_at>=? AND direction='out' AND status<>'failed' AND kind IN ('pay', 'payout')"
        " AND (destination LIKE '%@%' OR destination LIKE '%://%' OR received_currency IS NOT NULL)"
        " ORDER BY created_at",
        since,
    )


def last_attempt(db: Ledger, wallet_id: int, payment_hash: str, direction: str) -> Entry | None:
    """The entry of a wallet for a hash that settled or may have, or else the newest that failed.

    Not the newest of all: a clock that was set back has a later try come before an earlier one.
    """
    row: Entry | None = db.execute(
        "SELECT * FROM payment WHERE payment_hash=? AND wallet_id=? AND direction=?"
        " ORDER BY status='failed', id DESC LIMIT 1",
        (payment_hash, wallet_id, direction),
    ).fetchone()
    return row


def knows(store: Store, remote_id: str) -> bool:
    """Whether a wallet, by its id at its server, ever did anything here."""
    sql = "SELECT 1 FROM payment WHERE remote_wallet_id=? AND wallet_id<>? LIMIT 1"
    return store.one(Row, sql, remote_id, OUTSIDE) is not None


def newest_settled(store: Store, remote_id: str, limit: int) -> list[Entry]:
    """The newest payments of a wallet at its server, by its id there, that settled with a hash."""
    return store.all(
        Entry,
        "SELECT payment_hash, amount_msat FROM payment WHERE remote_wallet_id=? AND wallet_id<>? AND status='settled'"
        " AND payment_hash IS NOT NULL AND amount_msat IS NOT NULL ORDER BY created_at DESC LIMIT ?",
        remote_id,
        OUTSIDE,
        limit,
    )


class Known(NamedTuple):
    """What a sync must know of an entry: whose it is by the wallet's id at its server, and how it stands."""

    id: str
    status: str
    remote_id: str | None


def by_hashes(db: Ledger, wallet_id: int, remote_id: str | None, hashes: Iterable[str]) -> dict[tuple[str, str], Known]:
    """A wallet's entries for these hashes, as in `last_attempt`, by hash and direction, under whatever local number it
    has been.

    The number of the wallet in the environment may have been another wallet's.
    """
    asked = sorted(hashes)
    found: dict[tuple[str, str], Known] = {}
    for at in range(0, len(asked), 500):  # SQLite takes a limited number of values
        some = asked[at : at + 500]
        rows = db.execute(
            "SELECT payment_hash, direction, id, status, remote_wallet_id FROM payment"
            f" WHERE payment_hash IN ({','.join('?' * len(some))})"
            # The plus keeps SQLite to the index over hashes.
            " AND ((+wallet_id=? AND (wallet_id>0 OR remote_wallet_id IS NULL))"
            " OR (+remote_wallet_id=? AND wallet_id<>?)) ORDER BY status<>'failed', id",
            (*some, wallet_id, remote_id, OUTSIDE),
        )
        found |= {(row[0], row[1]): Known(row[2], row[3], row[4]) for row in rows}
    return found


def open_payments(store: Store, *, before: str | None = None) -> list[Entry]:
    """Payments whose outcome is not certain, oldest first; `before` leaves out younger ones."""
    if before is None:
        return store.all(Entry, "SELECT * FROM payment WHERE status='unknown' ORDER BY created_at, id")
    return store.all(
        Entry, "SELECT * FROM payment WHERE status='unknown' AND created_at<? ORDER BY created_at, id", before
    )


def count_open(store: Store) -> tuple[int, str | None]:
    """How many outcomes are open and since when the oldest is."""
    row = store.one(Row, _OPEN)
    return (row[0], row[1]) if row else (0, None)


def open_and_moved(store: Store) -> tuple[int, str | None, str | None]:
    """What `count_open` says, and where this ledger was moved to (None: nowhere), in one question."""
    row = store.one(Row, _OPEN_AND_MOVED, marks.GONE)
    return (row[0], row[1], row[2]) if row else (0, None, None)


def find(store: Store, text: str) -> list[Entry]:
    """Payments that an id, a hash, a reference (ours or the provider's) or the beginning of an id or hash names.

    An exact match outranks a prefix.
    """
    exact = store.all(
        Entry,
        "SELECT * FROM payment WHERE id=?1 OR payment_hash=?1 OR reference=?1 OR our_reference=?1"
        " OR provider_reference=?1 ORDER BY created_at DESC, id DESC LIMIT 50",
        text,
    )
    if exact or len(text) < 4:
        return exact
    return store.all(
        Entry,
        "SELECT * FROM payment WHERE (id>=?1 AND id<?2) OR (payment_hash>=?1 AND payment_hash<?2)"
        " OR (our_reference>=?1 AND our_reference<?2) ORDER BY created_at DESC, id DESC LIMIT 50",
        text,
        beyond(text),
    )


def settled_since(store: Store, wallet_id: int, since: str) -> list[Entry]:
    """A wallet's payments that settled since a moment, newest first."""
    return store.all(
        Entry,
        "SELECT * FROM payment WHERE status='settled' AND settled_at>=? AND wallet_id=?"
        " ORDER BY settled_at DESC, id DESC",
        since,
        wallet_id,
    )
