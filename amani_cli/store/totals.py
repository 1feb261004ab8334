"""The journal, added up: what wallets must hold by it, what is in flight, what payouts cost, what has no rate."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from amani_cli.store.journal import OUTSIDE
from amani_cli.store.ledger import Store
from amani_cli.store.rows import Row, Transaction


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
            "SELECT coalesce(sum(CASE WHEN reserved_msat>amount_msat THEN reserved_msat ELSE amount_msat END), 0)"
            " FROM payment WHERE status='unknown'"
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
        " kind='payout' AND status='settled' AND direction='out' AND received_currency=?"
        " AND substr(destination, 1, length(?))=? AND fee IS NOT NULL ORDER BY settled_at DESC LIMIT ?",
        remote_id,
        currency,
        received_currency,
        f"{way}:",
        f"{way}:",
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


def others_between(store: Store, since: str, until: str, wallet_ids: Collection[int]) -> list[str]:
    """The names of other real wallets on which something settled in a time: of those that were removed since."""
    rows = store.all(
        Row,
        "SELECT DISTINCT wallet FROM payment WHERE status='settled' AND settled_at>=? AND settled_at<? AND sandbox=0"
        f" AND wallet_id NOT IN ({','.join('?' * (1 + len(wallet_ids)))}) ORDER BY wallet",
        since,
        until,
        OUTSIDE,
        *wallet_ids,
    )
    return [row[0] for row in rows]


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
