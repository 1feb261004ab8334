"""The journal as books see it: what settled, oldest first, with fees apart and the balance after each movement.

Balances begin at zero with the journal, so that they are the provider's once `history sync` has brought in all that
ever happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from amani_cli.amounts import format_sat
from amani_cli.books.valuations import Rate, RateFile
from amani_cli.store import bookings, totals
from amani_cli.store.bookings import MSAT, Booked, Carried
from amani_cli.times import Period, from_rfc3339
from amani_cli.wallets import rates as wallets_rates
from amani_cli.wallets.finding import everything
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

_ZERO = Decimal(0)


@dataclass(slots=True)
class Movement:
    """One settled payment as books see it: signed `amount`, `fee` apart, `balance` after it, all in `unit`.

    `own` says that its other side is another of our wallets.
    """

    row: Booked
    day: date
    amount: Decimal
    fee: Decimal
    balance: Decimal
    unit: str
    own: bool
    rate: Rate | None

    @property
    def change(self) -> Decimal:
        """What it did to its wallet's balance, the fee counted in."""
        return self.amount - self.fee

    @property
    def value(self) -> Decimal | None:
        """What the amount was worth, where a rate is known."""
        if self.rate is None:
            return None
        msat = self.row.amount_msat
        assert msat is not None  # nothing else has a rate
        return self.rate.value(msat if self.row.direction == "in" else -msat)

    @property
    def fee_value(self) -> Decimal | None:
        """What the fee was worth."""
        return None if self.rate is None else self.rate.value(self.row.fee_msat or 0)


class Books:
    """A period's movements: `opening` balances by wallet id and unit, then the movements, counted as they pass."""

    def __init__(
        self,
        ws: Workspace,
        period: Period,
        wallet: KnownWallet | None = None,
        rates: RateFile | None = None,
        *,
        there: Sequence[str] = (),
    ) -> None:
        """`there` are the ids of the wallets in the environment, where what others did from there is left out."""
        self.period = period
        self.count = 0
        self.without_rate = 0
        self._ws, self._rates, self._there = ws, rates, there
        self._quarter = ("", "", date.min)  # of an hour: from which moment on, before which, and the local day
        known = everything(ws)
        self._places = {each.id: (_top(each.provider, each.is_play), each.name) for each in known}
        self._only = wallet.id if wallet else None
        # Play money has no place in real books: it is left out unless it is all there is, or asked for.
        self.sandbox = wallet.is_play if wallet else bool(known) and all(each.is_play for each in known)
        self.opening: dict[tuple[int, str], Decimal] = {}
        self.closing: dict[tuple[int, str], Decimal] = {}

    def place(self, wallet_id: int) -> tuple[str, str]:
        """Under which heading a wallet stands, and its name: today's, or the last it had."""
        return self._places[wallet_id]

    def open_outcomes(self) -> int:
        """How many payments of the period are open, and so not exported."""
        if not self._ws.has_store:
            return 0
        return totals.open_between(self._ws.store, self.period.since, self.period.until, self._only)

    def movements(self, *, whole: bool = False) -> Iterator[Movement]:
        """Every movement, as the database stood when the first was read; never all held at once.

        Their rows have `whole` payments with them if asked to.
        """
        if not self._ws.has_store:
            return
        store, period = self._ws.store, self.period
        with store.reading():
            if period.since is not None:
                for each in bookings.settled_before(store, period.since, self._only, self.sandbox, there=self._there):
                    key = self._key(each, each.unit)
                    self.opening[key] = self.opening.get(key, _ZERO) + each.change
            self.closing = dict(self.opening)
            times = period.since, period.until
            for row in bookings.settled(store, *times, self._only, self.sandbox, there=self._there, whole=whole):
                yield self._movement(row)

    def _movement(self, row: Booked) -> Movement:
        unit = row.unit
        key = self._key(row, unit)
        if row.amount_msat is not None:
            amount, fee = row.amount_msat * MSAT, (row.fee_msat or 0) * MSAT
        else:
            assert row.amount is not None
            amount, fee = Decimal(row.amount), Decimal(row.fee or 0)
        signed = amount if row.direction == "in" else -amount
        self.closing[key] = balance = self.closing.get(key, _ZERO) + signed - fee
        self.count += 1
        day = self._day(row.settled_at)
        rate = self._rate(row, day)
        self.without_rate += rate is None and unit == "sat"
        return Movement(row, day, signed, fee, balance, unit, bool(row.own), rate)

    def _day(self, settled_at: str) -> date:
        """The local day of a moment. Zones differ from UTC by whole quarters of an hour: what settled in the same one
        is looked up once."""
        begin, end, day = self._quarter
        if begin <= settled_at < end:
            return day
        hour, minute = settled_at[:14], int(settled_at[14:16]) // 15 * 15
        day = from_rfc3339(settled_at).astimezone().date()
        self._quarter = f"{hour}{minute:02d}", f"{hour}{minute + 15:02d}", day  # up to :60, after every :59
        return day

    def _key(self, row: Booked | Carried, unit: str) -> tuple[int, str]:
        if row.wallet_id not in self._places:
            self._places[row.wallet_id] = (_top(row.provider, bool(row.sandbox)), row.wallet)
        return row.wallet_id, unit

    def _rate(self, row: Booked, day: date) -> Rate | None:
        if row.amount_msat is None:
            return None
        if row.quoted is not None:
            # The fiat amount that was meant says best what the money was worth, in its own currency.
            quoted = wallets_rates.from_text(row.quoted)
            if quoted is not None and row.rate_currency in (None, quoted.currency):
                return Rate(quoted.price, quoted.currency, quoted.source, quoted.at)
        if row.rate is not None:
            return Rate(Decimal(row.rate), row.rate_currency or "", row.rate_source or "", row.rate_at or "")
        return self._rates.on(day) if self._rates is not None else None


def _top(provider: str, sandbox: bool) -> str:
    return "Sandbox" if sandbox else {"lnbits": "Lightning", "fincra": "Fincra"}[provider]


def number(amount: Decimal, unit: str) -> str:
    """An exact plain number in its unit: `1000` and `-1.5` sat, `12.50` of a currency."""
    if unit != "sat":
        return format(amount, "f")
    text = str(amount)  # never with an exponent: it is counted in thousandths
    if text.endswith(".000"):
        return text[:-4]
    return text.rstrip("0").rstrip(".") if "." in text else text


def value(amount: Decimal, unit: str) -> int | Decimal:
    """An amount as documents have it: whole msat, or an exact decimal of a currency."""
    return int(amount.scaleb(3)) if unit == "sat" else amount


def shown(amount: int | Decimal, unit: str) -> str:
    """An amount of a document for people; `unit` is `msat` or a currency."""
    return format_sat(int(amount)) if unit == "msat" else f"{amount} {unit}"
