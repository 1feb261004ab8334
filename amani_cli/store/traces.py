"""Queries of `trace`: whatever a text may name, in every table that could hold it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from amani_cli.amounts import Fiat
from amani_cli.models.wallets import Provider
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import R, Store, literal
from amani_cli.store.rows import AuditRow, ChequeRow, InvoiceRow, Row
from amani_cli.text import holds
from amani_cli.times import Period

MOST = 20
SHORTEST_WORD = 3
_INVOICES = (
    "(SELECT invoice.*, coalesce(wallet.provider, 'lnbits') AS provider FROM invoice"
    " LEFT JOIN wallet ON wallet.id=invoice.wallet_id) AS traced"
)
_NAMES = {
    "payment": (
        *("id", "reference", "our_reference", "provider_reference", "session_id", "log_id"),
        *("preimage", "bolt11", "remote_wallet_id"),
    ),
    _INVOICES: ("reference", "provider_reference", "preimage", "account", "bolt11"),
    "cheque": ("id", "reference", "remote_id"),
}
_HASHES = {"payment": ("payment_hash",), _INVOICES: ("payment_hash",), "cheque": ("funding_hash", "payment_hash")}
_TEXTS = {
    "payment": ("memo", "destination", "reference", "payer"),
    _INVOICES: ("memo", "reference"),
    "cheque": ("memo", "reference"),
}


class TracedInvoice(InvoiceRow):
    """An invoice, and whose it is."""

    provider: Provider


class Wanted(NamedTuple):
    """What to search for: whole names and hashes, the ends of a shortened one, and parts of texts."""

    exact: Sequence[str] = ()
    hashes: Sequence[str] = ()
    ends: tuple[str, str] | None = None
    parts: Sequence[str] = ()


class Found(NamedTuple):
    """The rows that fit, newest first, one more than `MOST` of a kind when there are more."""

    payments: list[Entry]
    invoices: list[TracedInvoice]
    cheques: list[ChequeRow]

    @property
    def is_anything(self) -> bool:
        """Whether there is one row at least."""
        return bool(self.payments or self.invoices or self.cheques)


def find(store: Store, wanted: Wanted) -> tuple[Found, bool]:
    """Payments, invoices and cheques that are called so (and True); if none is, those that have a part of it."""
    named = Wanted(wanted.exact, wanted.hashes)
    found = _everywhere(store, named)
    rest = Wanted(ends=wanted.ends, parts=[each for each in wanted.parts if len(each) >= SHORTEST_WORD])
    return (found, True) if found.is_anything else (_everywhere(store, rest), False)


def of_amount(store: Store, amount: int | Fiat, period: Period) -> list[Entry]:
    """Payments over exactly this amount (msat or fiat) that were made within a period, newest first."""
    where, values = ["created_at>=?", "created_at<?"], [period.since or "", period.until or "9999"]
    if isinstance(amount, int):
        return store.all(
            Entry,
            f"SELECT * FROM payment WHERE amount_msat=? AND currency IS NULL AND {' AND '.join(where)}"
            f" ORDER BY created_at DESC, id DESC LIMIT {MOST + 1}",
            amount,
            *values,
        )
    rows = store.each(
        Entry,
        f"SELECT * FROM payment WHERE currency=? AND amount IS NOT NULL AND {' AND '.join(where)}"
        " ORDER BY created_at DESC, id DESC",
        amount.currency,
        *values,
    )
    return [row for row in rows if Decimal(row.amount or 0) == amount.value][: MOST + 1]


def audit(store: Store, subjects: Sequence[str]) -> list[AuditRow]:
    """Entries of the audit log about any of these."""
    marks = ",".join("?" * len(subjects))
    return store.all(
        AuditRow, f"SELECT * FROM audit WHERE subject IN ({marks}) ORDER BY seq LIMIT {10 * MOST}", *subjects
    )


def _everywhere(store: Store, wanted: Wanted) -> Found:
    return Found(
        _search(store, Entry, "payment", wanted),
        _search(store, TracedInvoice, _INVOICES, wanted),
        _search(store, ChequeRow, "cheque", wanted),
    )


def _search(store: Store, kind: type[R], table: str, wanted: Wanted) -> list[R]:
    names, hashes = _NAMES[table], _HASHES[table]
    where, values = list[str](), list[str]()
    for columns, texts in ((names, wanted.exact), (hashes, (*wanted.hashes, *wanted.exact))):
        if texts:
            where += [f"{column} IN ({','.join('?' * len(texts))})" for column in columns]
            values += [*texts] * len(columns)
    if wanted.ends is not None:
        pattern = f"{literal(wanted.ends[0])}%{literal(wanted.ends[1])}"
        where += [f"{column} LIKE ? ESCAPE '\\'" for column in (*names, *hashes)]
        values += [pattern] * (len(names) + len(hashes))
    named = f"SELECT * FROM {table} WHERE {' OR '.join(where)} ORDER BY created_at DESC LIMIT {MOST + 1}"
    found = store.all(kind, named, *values) if where else []
    for part in wanted.parts:
        found += _with_part(store, kind, table, part)
    once = {tuple(row): row for row in found}
    return sorted(once.values(), key=attrgetter("created_at"), reverse=True)[: MOST + 1]


def _with_part(store: Store, kind: type[R], table: str, part: str) -> list[R]:
    """Rows in whose texts a part stands, newest first.

    LIKE knows case in ASCII alone, and each run of spaces as it stands: the longest plain word is looked for by it, and
    what it finds is looked at here.
    """
    columns = _TEXTS[table]
    word = max((each for each in part.split() if each.isascii()), key=len, default="")
    where = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    sql = f"SELECT * FROM {table} WHERE {where} ORDER BY created_at DESC"
    rows = store.each(kind, sql, *[f"%{literal(word)}%"] * len(columns))
    return list(islice((row for row in rows if _holds_part(row, columns, part)), MOST + 1))


def _holds_part(row: Row, columns: Sequence[str], part: str) -> bool:
    return any(holds(text, part) for text in (getattr(row, column) for column in columns) if text is not None)
