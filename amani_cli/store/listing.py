"""The journal, page for page: what `history list` asks for, newest first, however many payments there are."""

from __future__ import annotations

from dataclasses import dataclass

from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Store, literal
from amani_cli.store.rows import Row


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
    actor: str | None = None
    after: tuple[str, str] | None = None
    limit: int = 20


def page(store: Store, wanted: Filter) -> list[Entry]:
    """Payments that fit, newest first, by keyset so that a page costs the same however deep it lies."""
    where: list[str] = ["1=1"]
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
    if wanted.actor is not None:
        add("actor=?", wanted.actor)
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
            add(few[0], *few[1])
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
        f"SELECT count(*) FROM (SELECT 1 FROM payment INDEXED BY payment_amount WHERE {where} LIMIT {_FEW + 1}) AS few",
        *[value for _, value in conditions],
    )
    return found is not None and found[0] <= _FEW
