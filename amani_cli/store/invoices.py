"""Queries about the invoices we made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from amani_cli.store.ledger import Store
from amani_cli.store.rows import InvoiceRow, Row, Transaction
from amani_cli.times import now

if TYPE_CHECKING:
    from typing import Unpack

    from amani_cli.store.new_rows import NewInvoice


def insert(db: Transaction, **columns: Unpack[NewInvoice]) -> bool:
    """Remember an invoice; one that is known already is left as it is. Whether it is new."""
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT INTO invoice ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    return db.execute(sql, tuple(columns.values())).rowcount == 1


def by_key(store: Store, key: str) -> InvoiceRow | None:
    """An invoice by its payment hash, or by our reference where it is one over fiat."""
    return store.one(InvoiceRow, "SELECT * FROM invoice WHERE payment_hash=?", key)


def is_known(store: Store, payment_hash: str) -> bool:
    """Whether an invoice of this hash was made here before, or anything was paid for it."""
    sql = (
        "SELECT EXISTS (SELECT 1 FROM invoice WHERE payment_hash=?1) OR EXISTS (SELECT 1 FROM payment WHERE"
        " payment_hash=?1) OR EXISTS (SELECT 1 FROM cheque WHERE funding_hash=?1)"
    )
    row = store.one(Row, sql, payment_hash)
    return row is not None and bool(row[0])


def of_wallet(store: Store, wallet_id: int, payment_hash: str) -> InvoiceRow | None:
    """A wallet's invoice of a hash."""
    return store.one(InvoiceRow, "SELECT * FROM invoice WHERE payment_hash=? AND wallet_id=?", payment_hash, wallet_id)


def is_made_at(store: Store, url: str, payment_hash: str) -> bool:
    """Whether a wallet of ours at a server made the invoice of a hash."""
    return store.one(Row, _MADE_AT, payment_hash, url) is not None


def expect_made_at(store: Store, url: str, payment_hash: str) -> None:
    """Say that `is_made_at` is asked soon."""
    store.expect(_MADE_AT, payment_hash, url)


_MADE_AT = "SELECT 1 FROM invoice JOIN wallet ON wallet.id=invoice.wallet_id WHERE payment_hash=? AND url=?"


_FOR_OTHERS = "purpose IN ('invoice', 'withdraw')"
# LNbits tells of so many at once; the provider's own figure would have every listing load what speaks to it.
_ON_A_PAGE = 1000


def to_ask_about(store: Store, since: str) -> list[InvoiceRow]:
    """Invoices made for others that are not known to be paid, and could be until after a moment; and of Lightning the
    newest that nobody has asked about since they ended, however long ago that is."""
    never_asked = (
        f"SELECT payment_hash FROM invoice WHERE status='pending' AND currency IS NULL AND {_FOR_OTHERS}"
        f" ORDER BY created_at DESC LIMIT {_ON_A_PAGE}"
    )
    return store.all(
        InvoiceRow,
        f"SELECT * FROM invoice WHERE status<>'paid' AND {_FOR_OTHERS}"
        f" AND (expires_at>? OR (status='pending' AND payment_hash IN ({never_asked})))",
        since,
    )


_UNPAID = (
    "purpose='address' AND status<>'paid' AND NOT EXISTS (SELECT 1 FROM payment WHERE"
    " payment.payment_hash=invoice.payment_hash AND payment.status<>'failed')"
)


def with_unpaid(store: Store, before: str) -> list[int]:
    """The wallets with invoices of addresses that ended before a moment and are not known to be paid."""
    sql = f"SELECT DISTINCT wallet_id FROM invoice WHERE {_UNPAID} AND expires_at<? ORDER BY wallet_id"
    return [row[0] for row in store.all(Row, sql, before)]


def long_unpaid(store: Store, wallet_id: int, before: str, limit: int) -> list[InvoiceRow]:
    """Those of one wallet, the oldest first."""
    sql = f"SELECT * FROM invoice WHERE {_UNPAID} AND expires_at<? AND wallet_id=? ORDER BY created_at LIMIT ?"
    return store.all(InvoiceRow, sql, before, wallet_id, limit)


def forget_unpaid(db: Transaction, wallet_id: int, payment_hash: str) -> None:
    """Forget an invoice of an address that nobody has paid, and that nothing here pays."""
    db.execute(f"DELETE FROM invoice WHERE {_UNPAID} AND payment_hash=? AND wallet_id=?", (payment_hash, wallet_id))


def unpaid(store: Store, wallet_id: int, hashes: Iterable[str]) -> set[str]:
    """Which of these hashes are those of a wallet's invoices that are not known to be paid."""
    return set(_which(store, hashes, "wallet_id=? AND status<>'paid'", wallet_id))


_ORPHAN = "NOT EXISTS (SELECT 1 FROM wallet WHERE wallet.id=invoice.wallet_id)"


def orphans(store: Store, keys: Iterable[str]) -> list[str]:
    """Which of these hashes, or references of ours, are those of invoices whose wallet is not registered: it was
    removed since, or stood in the environment."""
    return _which(store, keys, _ORPHAN)


def _which(store: Store, keys: Iterable[str], condition: str, *values: object) -> list[str]:
    asked, found = sorted(keys), list[str]()
    for at in range(0, len(asked), 500):  # SQLite takes a limited number of values
        some = asked[at : at + 500]
        sql = f"SELECT payment_hash FROM invoice WHERE payment_hash IN ({','.join('?' * len(some))}) AND {condition}"
        found += [row[0] for row in store.all(Row, sql, *some, *values)]
    return found


def take_over(store: Store, wallet_id: int, wallet: str, keys: Iterable[str]) -> None:
    """Give a wallet those of them of which its provider has just shown that they are its own."""
    found = orphans(store, keys)
    if not found:
        return
    sql = (
        f"UPDATE invoice SET wallet_id=?, wallet=? WHERE payment_hash=? AND {_ORPHAN} AND NOT EXISTS (SELECT 1 FROM"
        " invoice AS mine WHERE mine.payment_hash=invoice.payment_hash AND mine.wallet_id=?)"
    )
    with store.join() as db:
        for key in found:
            db.execute(sql, (wallet_id, wallet, key, wallet_id))


def set_status(
    db: Transaction,
    wallet_id: int,
    payment_hash: str,
    status: str,
    paid_at: str | None = None,
    preimage: str | None = None,
) -> None:
    """Write down what the provider said became of an invoice."""
    db.execute(
        "UPDATE invoice SET status=?, paid_at=?, preimage=? WHERE wallet_id=? AND payment_hash=?",
        (status, paid_at, preimage, wallet_id, payment_hash),
    )


def set_link(db: Transaction, our_reference: str, link: str, provider_reference: str | None) -> None:
    """Complete a payment page with its address and the provider's own reference."""
    db.execute(
        "UPDATE invoice SET link=?, provider_reference=? WHERE payment_hash=?",
        (link, provider_reference, our_reference),
    )


def set_received(
    db: Transaction,
    our_reference: str,
    status: str,
    *,
    received: str | None,
    paid_at: str | None,
    provider_reference: str | None,
) -> None:
    """Write down what came for a payment page."""
    db.execute(
        "UPDATE invoice SET status=?, received=?, paid_at=?, provider_reference=coalesce(?, provider_reference)"
        " WHERE payment_hash=?",
        (status, received, paid_at, provider_reference, our_reference),
    )


def is_matched(store: Store, provider_reference: str, *, but: str) -> bool:
    """Whether a transfer was taken for an invoice already, another than `but`."""
    row = store.one(
        Row,
        "SELECT 1 FROM invoice WHERE account IS NOT NULL AND payment_hash<>? AND provider_reference IS NOT NULL"
        " AND instr(' '||provider_reference||' ', ' '||?||' ')>0",
        but,
        provider_reference,
    )
    return row is not None


def others_like(store: Store, row: InvoiceRow) -> bool:
    """Whether another invoice waits for the same amount on the same virtual account."""
    found = store.one(
        Row,
        "SELECT 1 FROM invoice WHERE account=? AND amount=? AND status='pending' AND payment_hash<>? AND expires_at>?",
        row.account,
        row.amount,
        row.payment_hash,
        now(),
    )
    return found is not None


def others_on(store: Store, row: InvoiceRow) -> list[str]:
    """Our references of the other invoices that a virtual account was to be paid by."""
    sql = "SELECT payment_hash FROM invoice WHERE account=? AND payment_hash<>?"
    return [each[0] for each in store.all(Row, sql, row.account, row.payment_hash)]


def delete(db: Transaction, our_reference: str) -> None:
    """Forget a payment page that was never made."""
    db.execute("DELETE FROM invoice WHERE payment_hash=?", (our_reference,))


def find(store: Store, text: str) -> list[InvoiceRow]:
    """Invoices that a hash, a reference or an unambiguous beginning of a hash names."""
    exact = store.all(
        InvoiceRow,
        "SELECT * FROM invoice WHERE payment_hash=?1 OR reference=?1 OR provider_reference=?1 LIMIT 20",
        text,
    )
    if exact or len(text) < 4:
        return exact
    upper = text[:-1] + chr(ord(text[-1]) + 1)
    return store.all(InvoiceRow, "SELECT * FROM invoice WHERE payment_hash>=? AND payment_hash<? LIMIT 20", text, upper)


def page(
    store: Store,
    *,
    wallet_id: int | None,
    status: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[InvoiceRow]:
    """Invoices a person made or had made by a claim, newest first; those inside a transfer or cheque are left out.

    So are those of an address that nobody has paid: anybody can have them made.
    """
    where = [f"({_FOR_OTHERS} OR (purpose='address' AND status='paid'))"]
    values: list[object] = []
    for condition, value in (("wallet_id=?", wallet_id), ("status=?", status)):
        if value is not None:
            where.append(condition)
            values.append(value)
    if after is not None:
        where.append("(created_at, payment_hash)<(?,?)")
        values.extend(after)
    sql = f"SELECT * FROM invoice WHERE {' AND '.join(where)} ORDER BY created_at DESC, payment_hash DESC LIMIT ?"
    return store.all(InvoiceRow, sql, *values, limit)


def shown_to_a_payer(store: Store) -> list[InvoiceRow]:
    """Invoices that an LNURL-withdraw was asked to pay, of which it is not certain yet whether it did."""
    return store.all(
        InvoiceRow, "SELECT * FROM invoice WHERE purpose='withdraw' AND status='pending' ORDER BY created_at"
    )


def awaited(store: Store, wallet_id: int) -> str | None:
    """Until when money may come to a wallet: by an invoice that has not ended, or that an open payment of ours pays."""
    row = store.one(
        Row,
        "SELECT max(expires_at) FROM invoice WHERE wallet_id=? AND status='pending' AND (expires_at>? OR EXISTS ("
        "SELECT 1 FROM payment WHERE payment.payment_hash=invoice.payment_hash AND payment.status='unknown'"
        " AND direction='out'))",
        wallet_id,
        now(),
    )
    return row[0] if row is not None else None
