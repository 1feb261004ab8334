"""The journal: every payment that left or came, written before it is sent and closed when its outcome is certain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from amani_cli.store.ledger import Store, beyond, literal, new_id
from amani_cli.store.rows import Entry, Row, Transaction
from amani_cli.times import now

OUTSIDE = -100
"""The number of a wallet that is registered nowhere: a cheque's, whose money left ours before."""


def insert(db: Transaction, **columns: object) -> str:
    """Journal a payment and return its id."""
    columns.setdefault("id", new_id("pay"))
    columns.setdefault("created_at", now())
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO payment ({names}) VALUES ({marks})", tuple(columns.values()))
    return str(columns["id"])


def update(db: Transaction, payment_id: str, **columns: object) -> None:
    """Change columns of a payment."""
    sets = ", ".join(f"{column}=?" for column in columns)
    db.execute(f"UPDATE payment SET {sets} WHERE id=?", (*columns.values(), payment_id))


def by_id(store: Store, payment_id: str) -> Entry | None:
    """One payment by its id."""
    return store.one(Entry, "SELECT * FROM payment WHERE id=?", payment_id)


def is_open(db: Transaction, payment_id: str) -> bool:
    """Whether what became of a payment is not certain."""
    return db.execute("SELECT 1 FROM payment WHERE id=? AND status='unknown'", (payment_id,)).fetchone() is not None


def sent_for(db: Transaction, payment_hash: str) -> Entry | None:
    """The attempt that settled or may have settled this hash, from any wallet; failed ones don't count."""
    row: Entry | None = db.execute(
        "SELECT * FROM payment WHERE payment_hash=? AND direction='out' AND status<>'failed'"
        " ORDER BY status='settled' DESC, id DESC LIMIT 1",
        (payment_hash,),
    ).fetchone()
    return row


def without_arrival(store: Store) -> list[Entry]:
    """Settled payments to one of our own wallets whose arrival was not journaled: amani died between the two."""
    return store.all(
        Entry,
        "SELECT payment.* FROM invoice JOIN payment USING (payment_hash) WHERE invoice.status='pending'"
        " AND invoice.purpose IN ('transfer', 'faucet') AND payment.direction='out' AND payment.status='settled'",
    )


def standing(db: Transaction, payment_id: str | None) -> Entry | None:
    """A payment by its id, unless it failed: what settled or may have settled stands in the way of another."""
    if payment_id is None:
        return None
    row: Entry | None = db.execute("SELECT * FROM payment WHERE id=? AND status<>'failed'", (payment_id,)).fetchone()
    return row


def by_our_reference(db: Transaction, our_reference: str, direction: str) -> Entry | None:
    """The entry of a reference that we made ourselves."""
    row: Entry | None = db.execute(
        "SELECT * FROM payment WHERE our_reference=? AND direction=?", (our_reference, direction)
    ).fetchone()
    return row


def by_provider_reference(db: Transaction, remote_id: str | None, reference: str) -> Entry | None:
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


def count_tries(db: Transaction, reference: str) -> int:
    """How many attempts a reference has had to pay."""
    row = db.execute("SELECT count(*) FROM payment WHERE reference=? AND direction='out'", (reference,)).fetchone()
    return int(row[0])


def is_logged(db: Transaction, remote_id: str | None, log_id: str) -> bool:
    """Whether a line of a wallet's log has its entry."""
    row = db.execute("SELECT 1 FROM payment WHERE log_id=? AND remote_wallet_id=?", (log_id, remote_id)).fetchone()
    return row is not None


def open_like(db: Transaction, remote_id: str, **same: object) -> list[Entry]:
    """The open payments from a wallet whose columns `same` are these."""
    where = "".join(f" AND {column}=?" for column in same)
    return db.execute(
        "SELECT * FROM payment WHERE remote_wallet_id=? AND wallet_id<>? AND status='unknown' AND direction='out'"
        f"{where} ORDER BY id",
        (remote_id, OUTSIDE, *same.values()),
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


def last_attempt(db: Transaction, wallet_id: int, payment_hash: str, direction: str) -> Entry | None:
    """The newest entry of a wallet for a hash, whatever became of it."""
    row: Entry | None = db.execute(
        "SELECT * FROM payment WHERE payment_hash=? AND wallet_id=? AND direction=? ORDER BY id DESC LIMIT 1",
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


def by_hashes(
    db: Transaction, wallet_id: int, remote_id: str | None, hashes: Iterable[str]
) -> dict[tuple[str, str], Known]:
    """A wallet's newest entries for these hashes, by hash and direction, under whatever local number it has been.

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
            " OR (+remote_wallet_id=? AND wallet_id<>?)) ORDER BY id",
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
    row = store.one(Row, "SELECT count(*), min(created_at) FROM payment WHERE status='unknown'")
    return (row[0], row[1]) if row else (0, None)


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


@dataclass(frozen=True)
class Filter:
    """What `history list` may ask for; all parts are joined by AND. `after` is where the last page ended."""

    wallet_id: int | None = None
    since: str | None = None
    until: str | None = None
    status: str | None = None
    direction: str | None = None
    min_msat: int | None = None
    max_msat: int | None = None
    search: str | None = None
    after: tuple[str, str] | None = None
    limit: int = 20


def page(store: Store, wanted: Filter) -> list[Entry]:
    """Payments that fit, newest first, by keyset so that a page costs the same however deep it lies."""
    where: list[str] = ["1"]
    values: list[object] = []

    def add(condition: str, *given: object) -> None:
        where.append(condition)
        values.extend(given)

    if wanted.wallet_id is not None:
        add("wallet_id=?", wanted.wallet_id)
    if wanted.since is not None:
        add("created_at>=?", wanted.since)
    if wanted.until is not None:
        add("created_at<?", wanted.until)
    # Spelled out, because a bound value can't be matched with the condition of a partial index.
    if wanted.status is not None:
        add(_STATUS[wanted.status])
    if wanted.direction is not None:
        add(_DIRECTION[wanted.direction])
    amounts = [each for each in (("amount_msat>=?", wanted.min_msat), ("amount_msat<=?", wanted.max_msat)) if each[1]]
    by_amount = bool(amounts) and _are_few(store, amounts)
    for condition, value in amounts:
        # The plus keeps SQLite from sorting all that fits: in the order of time the page is full before long.
        add(condition if by_amount else f"+{condition}", value)
    table = "payment INDEXED BY payment_amount" if by_amount else "payment"
    if wanted.search is not None:
        from amani_cli.store import search

        condition, patterns = _has_text(wanted.search)
        add(condition, *patterns)
        few = search.candidates(store, wanted.search)
        if few is not None:
            add(f"rowid IN ({','.join(map(str, few))})")
            table = "payment NOT INDEXED"  # but for the rows themselves: these few are looked up and sorted
    if wanted.after is not None:
        add("(created_at, id)<(?,?)", *wanted.after)
    sql = f"SELECT * FROM {table} WHERE {' AND '.join(where)} ORDER BY created_at DESC, id DESC LIMIT ?"
    return store.all(Entry, sql, *values, wanted.limit)


def _has_text(text: str) -> tuple[str, list[str]]:
    """The condition that a payment has a text in what people write, or that what machines make begins with it."""
    from amani_cli.store.search import NODE_KEY

    begins = literal(text) + "%"
    within = [("memo", ""), ("reference", ""), ("wallet", ""), ("destination", f" AND NOT {NODE_KEY}")]
    anywhere = " OR ".join(f"{column} LIKE ? ESCAPE '\\'{but}" for column, but in within)
    at_first = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in ("destination", "payment_hash", "id"))
    return f"({anywhere} OR {at_first})", ["%" + begins] * 4 + [begins] * 3


_STATUS = {name: f"status='{name}'" for name in ("failed", "unknown")}
_STATUS |= {"settled": "status='settled' AND reversed_at IS NULL"}
_STATUS |= {"reversed": "status='settled' AND reversed_at IS NOT NULL"}
_DIRECTION = {name: f"direction='{name}'" for name in ("in", "out")}
_FEW = 2000


def _are_few(store: Store, conditions: list[tuple[str, int | None]]) -> bool:
    """Whether so few payments fit that sorting them is cheaper than to look for them in the order of time."""
    where = " AND ".join(condition for condition, _ in conditions)
    found = store.one(
        Row,
        f"SELECT count(*) FROM (SELECT 1 FROM payment INDEXED BY payment_amount WHERE {where} LIMIT {_FEW + 1})",
        *[value for _, value in conditions],
    )
    return found is not None and found[0] <= _FEW


def settled_since(store: Store, wallet_id: int, since: str) -> list[Entry]:
    """A wallet's payments that settled since a moment, newest first."""
    return store.all(
        Entry,
        "SELECT * FROM payment WHERE status='settled' AND settled_at>=? AND wallet_id=?"
        " ORDER BY settled_at DESC, id DESC",
        since,
        wallet_id,
    )


def balance_msat(store: Store, wallet_id: int, remote_id: str | None = None) -> int:
    """What a Lightning wallet must hold by what settled on it, in msat; the one in the environment by `remote_id`."""
    condition, values = _whose(wallet_id, remote_id)
    row = store.one(
        Row,
        "SELECT coalesce(sum(CASE direction WHEN 'in' THEN amount_msat ELSE -amount_msat END - coalesce(fee_msat, 0)),"
        f" 0) FROM payment WHERE {condition} AND status='settled' AND amount_msat IS NOT NULL",
        *values,
    )
    return row[0] if row else 0


def _whose(wallet_id: int, remote_id: str | None) -> tuple[str, tuple[object, ...]]:
    """The condition for a wallet's entries: by its number here, or where that is many a wallet's, by its own id."""
    if wallet_id > 0 or remote_id is None:
        return "wallet_id=?", (wallet_id,)
    return "remote_wallet_id=? AND wallet_id<>?", (remote_id, OUTSIDE)


def flying(store: Store, wallet_id: int, unit: str, remote_id: str | None = None) -> Decimal:
    """What open outcomes may have taken from a wallet already, the worst-case fee counted in, in `unit`."""
    if unit == "sat":
        condition, values = _whose(wallet_id, remote_id)
        row = store.one(
            Row,
            "SELECT coalesce(sum(max(reserved_msat, amount_msat)), 0) FROM payment WHERE status='unknown'"
            f" AND direction='out' AND {condition} AND amount_msat IS NOT NULL",
            *values,
        )
        return Decimal(row[0] if row else 0).scaleb(-3)
    rows = store.all(
        Row,
        "SELECT amount, coalesce(fee, fee_reserve, '0') AS fee FROM payment WHERE status='unknown' AND direction='out'"
        " AND wallet_id=? AND currency=?",
        wallet_id,
        unit,
    )
    return sum((Decimal(row[0]) + Decimal(row[1]) for row in rows), Decimal(0))


def last_fees(
    store: Store, remote_id: str, currency: str, received_currency: str, way: str, most: int
) -> list[Decimal]:
    """What the last payouts of a wallet cost that went the same `way` (`bank`, `momo`) between the same currencies."""
    rows = store.all(
        Row,
        "SELECT fee FROM payment INDEXED BY payment_payouts WHERE remote_wallet_id=? AND currency=? AND"
        " kind='payout' AND status='settled' AND direction='out' AND received_currency=? AND destination GLOB ?"
        " AND fee IS NOT NULL ORDER BY settled_at DESC LIMIT ?",
        remote_id,
        currency,
        received_currency,
        f"{way}:*",
        most,
    )
    return [Decimal(row[0]) for row in rows]


def open_between(store: Store, since: str | None, until: str | None, wallet_id: int | None) -> int:
    """How many payments made in a time have no certain outcome."""
    row = store.one(
        Row,
        "SELECT count(*) FROM payment WHERE status='unknown' AND (?1 IS NULL OR created_at>=?1)"
        " AND (?2 IS NULL OR created_at<?2) AND (?3 IS NULL OR wallet_id=?3)",
        since,
        until,
        wallet_id,
    )
    return row[0] if row else 0


def wallets_without_rate(store: Store, since: str) -> list[int]:
    """The wallets with Lightning payments that settled since a moment and have no rate."""
    rows = store.all(
        Row,
        "SELECT DISTINCT wallet_id FROM payment WHERE status='settled' AND settled_at>=? AND rate IS NULL"
        " AND amount_msat IS NOT NULL AND sandbox=0 AND wallet_id>0",
        since,
    )
    return [row[0] for row in rows]


def set_rates(db: Transaction, wallet_id: int, since: str, rate: str, currency: str, source: str, at: str) -> int:
    """Write a rate beside a wallet's payments that settled since a moment and have none; returns how many."""
    return db.execute(
        "UPDATE payment SET rate=?, rate_currency=?, rate_source=?, rate_at=? WHERE wallet_id=? AND settled_at>=?"
        " AND status='settled' AND rate IS NULL AND amount_msat IS NOT NULL AND sandbox=0",
        (rate, currency, source, at, wallet_id, since),
    ).rowcount
