"""Moves a whole ledger from one store into another, either way, and proves that all of it came; memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from amani_cli import errors
from amani_cli.servers import server_of
from amani_cli.store import audit, marks
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import SCHEMA_VERSION, Store
from amani_cli.store.rows import Row, WalletRow

_OF_ONE_MACHINE = ("clock",)  # a server has one of its own, and so has another machine
MOVED = "store copy"
"""What the audit log calls it; the last entry of a copy that nothing was done with yet."""
_SUMS = (
    "SELECT wallet_id, status, direction, count(*), coalesce(sum(amount_msat), 0), coalesce(sum(fee_msat), 0),"
    " coalesce(sum(reserved_msat), 0) FROM payment GROUP BY wallet_id, status, direction"
    " ORDER BY wallet_id, status, direction"
)
_FIAT = (
    "SELECT wallet_id, status, direction, currency, amount, coalesce(fee, '0') FROM payment WHERE currency IS NOT NULL"
    " AND amount IS NOT NULL"
)


def _tables() -> dict[str, list[str]]:
    from amani_cli.store import postgres_schema

    return {name: columns for name, columns in postgres_schema.tables(SCHEMA_VERSION).items() if _is_moved(name)}


def _is_moved(table: str) -> bool:
    return table not in _OF_ONE_MACHINE


def is_empty(store: Store) -> bool:
    """Whether nothing was ever written into a ledger."""
    tables = ("payment", "wallet", "audit", "invoice", "cheque")
    return all(store.one(Row, f"SELECT 1 FROM {table} LIMIT 1") is None for table in tables)


def move(source: Store, target: Store, actor: str | None, prove: Callable[[], object]) -> dict[str, int]:
    """Write everything of `source`, as of one moment, into `target`, in one transaction; returns the rows by table.

    What came is compared with what went before that ends: rows of every table, sums of amounts and fees by wallet and
    status, and whatever `prove` looks at. Raises `errors.BooksDiffer`, and then nothing was written.
    """
    counted: dict[str, int] = {}
    with source.reading(), target.write() as db:
        for table, columns in _tables().items():
            counted[table] = target.take_in(table, columns, _rows(source, target, table, columns))
        for table in ("wallet", "event"):
            target.go_on_from(table, source.last_number(table))
        _compare(source, target, counted)
        prove()
        marks.wipe(db, marks.GONE)
        audit.append(db, MOVED, subject=source.where, outcome=f"to {target.where}", actor=actor)
    _keep_keys(source, target)
    return counted


def _rows(source: Store, target: Store, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    own = store_wallets.own_keys(source)
    for row in source.each(Row, f"SELECT {', '.join(columns)} FROM {table}"):
        values = tuple(row)
        if table == "wallet" and (own is not None or store_wallets.own_keys(target) is not None):
            here = dict(zip(columns, values, strict=True))
            if store_wallets.own_keys(target) is not None:
                here |= {"key_source": store_wallets.ELSEWHERE, "has_read_key": 0}
            elif own is not None:
                kept = own.of(here["id"]) or {}
                here |= {name: kept[name] for name in ("key_source", "has_read_key", "access") if name in kept}
            values = tuple(here.values())
        yield values


def _keep_keys(source: Store, target: Store) -> None:
    """Have this machine know by itself where the keys are that the ledger knew of."""
    new, old = store_wallets.own_keys(target), store_wallets.own_keys(source)
    if new is None:
        return
    for row in source.all(WalletRow, "SELECT * FROM wallet"):
        about = {"key_source": row.key_source, "has_read_key": row.has_read_key, "access": row.access}
        kept = about if old is None else old.of(row.id)
        if kept is not None:
            new.keep(row.id, **{"server": server_of(row.url), **kept})


def _compare(source: Store, target: Store, counted: dict[str, int]) -> None:
    for table, rows in counted.items():
        ours, theirs = (_count(store, table) for store in (source, target))
        if not ours == theirs == rows:
            raise differ(f"{table} has {ours} rows, and {theirs} came")
    if [tuple(row) for row in source.all(Row, _SUMS)] != [tuple(row) for row in target.all(Row, _SUMS)]:
        raise differ("the sums of the payments are others")
    if _fiat(source) != _fiat(target):
        raise differ("the sums of the payments in fiat are others")


def _count(store: Store, table: str) -> int:
    row = store.one(Row, f"SELECT count(*) FROM {table}")
    return int(row[0]) if row is not None else 0


def _fiat(store: Store) -> dict[tuple[Any, ...], Decimal]:
    sums: dict[tuple[Any, ...], Decimal] = {}
    for *key, amount, fee in store.each(Row, _FIAT):
        for what, value in (("amount", amount), ("fee", fee)):
            sums[*key, what] = sums.get((*key, what), Decimal(0)) + Decimal(value)
    return sums


def differ(words: str) -> errors.BooksDiffer:
    """The error for a copy that is none."""
    return errors.BooksDiffer(
        f"what came is not what went: {words}",
        code="COPY_DIFFERS",
        hint="Nothing was written into the new ledger, and the old one goes on. Please report this.",
    )
