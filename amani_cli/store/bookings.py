"""What books are made of: the payments that settled, oldest first, read so that a million of them take no memory."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from amani_cli.store.entries import Entry
from amani_cli.store.journal import OUTSIDE
from amani_cli.store.ledger import Store
from amani_cli.store.rows import Row

MSAT = Decimal("0.001")  # in sat


# A tuple, for a `sqlite3.Row` finds a name by going through its columns, which a million rows would feel. Columns that
# books don't need are left out: a payment's bolt11 alone would double the time that a row takes.
class Booked(NamedTuple):
    """A settled payment; `own` says that its other side is a wallet of ours, `whole` is all of it if asked for."""

    id: str
    wallet_id: int
    wallet: str
    provider: str
    sandbox: int
    direction: str
    kind: str
    settled_at: str
    amount_msat: int | None
    fee_msat: int | None
    amount: str | None
    fee: str | None
    currency: str | None
    rate: str | None
    rate_currency: str | None
    rate_source: str | None
    rate_at: str | None
    quoted: str | None
    category: str | None
    memo: str
    destination: str | None
    reference: str | None
    actor: str | None
    payment_hash: str | None
    duty: str | None
    own: int
    whole: Entry | None

    @property
    def unit(self) -> str:
        """What it is counted in: `sat`, or a currency."""
        return "sat" if self.amount_msat is not None else str(self.currency)


class Carried(NamedTuple):
    """What some payments before a period did to a wallet's balance, fees counted in, in `unit`."""

    wallet_id: int
    wallet: str
    provider: str
    sandbox: int
    unit: str
    change: Decimal


_COLUMNS = ",".join(Booked._fields[:-2])


def settled(
    store: Store,
    since: str | None,
    until: str | None,
    wallet_id: int | None,
    sandbox: bool,
    *,
    there: Sequence[str] = (),
    whole: bool = False,
) -> Iterator[Booked]:
    """What settled in a time, oldest first, one at a time; of wallets in the environment only of those of the ids
    `there`, if there are some.

    What left the wallets of cheques is left out: it had left ours before.
    """
    where, values = _settled(since, until, wallet_id, sandbox, there)
    own = (
        "EXISTS (SELECT 1 FROM payment other WHERE other.payment_hash=payment.payment_hash"
        f" AND other.direction<>payment.direction AND other.status='settled' AND other.wallet_id<>{OUTSIDE})"
    )
    # Named, so that the rows come in the index's order and are never sorted: any number takes no memory.
    source = f"FROM payment INDEXED BY payment_settled WHERE {where} ORDER BY settled_at, id"
    if whole:
        for row in store.each(Entry, f"SELECT {_COLUMNS}, {own} AS own, payment.* {source}", *values):
            yield Booked._make((*row[: len(Booked._fields) - 1], row))
    else:
        yield from map(Booked._make, store.each(Row, f"SELECT {_COLUMNS}, {own}, NULL {source}", *values))


def settled_before(
    store: Store, until: str, wallet_id: int | None, sandbox: bool, *, there: Sequence[str] = ()
) -> Iterator[Carried]:
    """What settled before a moment: a wallet's msat in one sum, the rest each by itself, for a text can't be summed."""
    where, values = _settled(None, until, wallet_id, sandbox, there)
    rows = store.all(
        Row,
        "SELECT wallet_id, wallet, provider, sandbox,"
        " sum(CASE WHEN direction='in' THEN amount_msat ELSE -amount_msat END-coalesce(fee_msat, 0)), max(settled_at)"
        f" FROM payment WHERE {where} AND amount_msat IS NOT NULL GROUP BY wallet_id, wallet, provider, sandbox",
        *values,
    )
    # By the newest name that each wallet had: entries of a wallet that is removed keep theirs.
    newest = {row[0]: row for row in sorted(rows, key=lambda row: row[5] or "")}
    for wallet_id, row in sorted(newest.items()):
        msat = sum(each[4] for each in rows if each[0] == wallet_id)
        yield Carried._make((*row[:4], "sat", msat * MSAT))
    for *kept, direction, amount, fee, currency in store.each(
        Row,
        "SELECT wallet_id, wallet, provider, sandbox, direction, amount, coalesce(fee, '0'), currency FROM payment"
        f" WHERE {where} AND amount_msat IS NULL",
        *values,
    ):
        signed = Decimal(amount) if direction == "in" else -Decimal(amount)
        yield Carried._make((*kept, currency, signed - Decimal(fee)))


def _settled(
    since: str | None, until: str | None, wallet_id: int | None, sandbox: bool, there: Sequence[str]
) -> tuple[str, list[object]]:
    where = ["status='settled'", f"wallet_id<>{OUTSIDE}", "sandbox=?"]
    values: list[object] = [int(sandbox)]
    for condition, value in (("settled_at>=?", since), ("settled_at<?", until), ("wallet_id=?", wallet_id)):
        if value is not None:
            where.append(condition)
            values.append(value)
    if there:
        where.append(f"(wallet_id>0 OR remote_wallet_id IN ({','.join('?' * len(there))}))")
        values += there
    return " AND ".join(where), values
