"""Queries of `trace`: whatever a text may name, in every table that could hold it."""

from __future__ import annotations

from collections.abc import Sequence

from amani_cli.models.wallets import Provider
from amani_cli.store.ledger import R, Store, literal
from amani_cli.store.rows import AuditRow, ChequeRow, Entry, InvoiceRow

MOST = 20
_SHORTEST_WORD = 4


class TracedInvoice(InvoiceRow):
    """An invoice, and whose it is."""

    provider: Provider


def payments(store: Store, text: str, hashes: Sequence[str]) -> list[Entry]:
    """Payments by id, hash, preimage, reference, provider's id, destination or part of a memo, newest first."""
    return _search(
        store,
        Entry,
        "payment",
        text,
        hashes,
        exact=("id", "reference", "our_reference", "provider_reference", "preimage", "remote_wallet_id", "log_id"),
        part=("memo", "destination", "reference"),
    )


def invoices(store: Store, text: str, hashes: Sequence[str]) -> list[TracedInvoice]:
    """Invoices that were made here; each says whose `provider` it is."""
    return _search(
        store,
        TracedInvoice,
        "(SELECT invoice.*, coalesce(wallet.provider, 'lnbits') AS provider FROM invoice"
        " LEFT JOIN wallet ON wallet.id=invoice.wallet_id)",
        text,
        hashes,
        exact=("payment_hash", "reference", "provider_reference", "preimage"),
        part=("memo",),
    )


def cheques(store: Store, text: str, hashes: Sequence[str]) -> list[ChequeRow]:
    """Cheques by id, reference, their wallet's id, memo, or a payment that made or drew them."""
    marks = ",".join("?" * len(hashes))
    return store.all(
        ChequeRow,
        "SELECT * FROM cheque WHERE id=?1 OR reference=?1 OR remote_id=?1 OR (length(?1)>=?2 AND instr(memo,?1))"
        f" OR funding_hash IN ({marks}) OR payment_hash IN ({marks}) ORDER BY created_at DESC, id DESC LIMIT {MOST}",
        text,
        _SHORTEST_WORD,
        *hashes,
        *hashes,
    )


def audit(store: Store, subjects: Sequence[str]) -> list[AuditRow]:
    """Entries of the audit log about any of these."""
    marks = ",".join("?" * len(subjects))
    return store.all(
        AuditRow, f"SELECT * FROM audit WHERE subject IN ({marks}) ORDER BY seq LIMIT {10 * MOST}", *subjects
    )


def _search(
    store: Store,
    kind: type[R],
    table: str,
    text: str,
    hashes: Sequence[str],
    *,
    exact: Sequence[str],
    part: Sequence[str],
) -> list[R]:
    marks = ",".join("?" * len(hashes))
    where = [f"payment_hash IN ({marks})"]
    values: list[object] = [*hashes]
    if text:
        where += [f"{column}=?" for column in exact]
        values += [text] * len(exact)
    if len(text) >= _SHORTEST_WORD:
        pattern = f"%{literal(text)}%"
        where += [f"{column} LIKE ? ESCAPE '\\'" for column in part]
        values += [pattern] * len(part)
    return store.all(
        kind,
        f"SELECT * FROM {table} WHERE {' OR '.join(where)} ORDER BY created_at DESC LIMIT {MOST + 1}",
        *values,
    )
