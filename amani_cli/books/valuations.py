"""What a bitcoin was worth when money moved: remembered from the wallet's server soon after, or read from a file."""

from __future__ import annotations

import bisect
import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path

from amani_cli import clocks, errors, log
from amani_cli.amounts import CURRENCIES, MSAT_PER_BTC, currency_decimals
from amani_cli.store import totals
from amani_cli.times import to_rfc3339
from amani_cli.wallets import clients, finding
from amani_cli.workspace import Workspace

# A rate older than this against the payment is worth less than none.
FRESH_S = 3600
# How many days back a file may be asked for the rate of a day that it leaves out: a long weekend.
DAYS_BACK = 4


@dataclass(frozen=True)
class Rate:
    """The price of one bitcoin in a currency, where it came from and when it was right."""

    price: Decimal
    currency: str
    source: str
    at: str

    def value(self, amount_msat: int) -> Decimal:
        """What an amount was worth, to the currency's own number of decimals."""
        with localcontext(prec=60):
            exact = self.price * amount_msat / MSAT_PER_BTC
            return exact.quantize(Decimal(1).scaleb(-currency_decimals(self.currency)))


def remember(ws: Workspace) -> int:
    """Write today's rate beside what settled within the last hour and has none; returns to how many payments.

    Best effort and never on a payment's way: a server that knows no rate, or can't be reached, leaves them without.
    Does nothing unless the setting `books_currency` names a currency.
    """
    currency = ws.config.get("books_currency")
    if currency == "off" or not ws.has_store:
        return 0
    heard = clocks.told()  # when what has just been read settled is told by a provider's clock, not by ours
    moment = int(clocks.wall() if heard is None else heard)
    since = to_rfc3339(moment - FRESH_S)
    done = 0
    for wallet_id in totals.wallets_without_rate(ws.store, since):
        wallet = next((each for each in finding.registered(ws) if each.id == wallet_id), None)
        if wallet is None or wallet.provider != "lnbits":
            continue
        try:
            with clients.lnbits_client(ws, wallet.url) as client:
                _, price = client.rate(currency)
        except errors.AmaniError as error:
            log.event("info", f"no rate for the books: {error.message}")
            continue
        if price:  # a server that knows none may say 0
            with ws.store.write() as db:
                columns = (format(price, "f"), currency, wallet.url.split("://", 1)[-1], to_rfc3339(moment))
                done += totals.set_rates(db, wallet_id, since, *columns)
    return done


class RateFile:
    """Rates by day from a CSV with the columns `date`, `currency` and `rate` (the price of one bitcoin)."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises `errors.Usage` naming the line that can't be right."""
        self.source = f"file {path.name}"
        rates: dict[str, Rate] = {}
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                lines = csv.DictReader(file)
                if not {"date", "currency", "rate"} <= set(lines.fieldnames or ()):
                    raise _bad(path, 1, "the first line must name the columns date,currency,rate")
                for line in lines:
                    rate = self._rate(path, lines.line_num, line)
                    if rates.setdefault(rate.at, rate) != rate:
                        raise _bad(path, lines.line_num, f"{rate.at} has another rate above: give one a day")
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or "it is no CSV text"
            raise errors.Usage(f"can't read {path}: {reason}", code="BAD_RATES") from None
        self._days = sorted(rates)
        self._rates = [rates[day] for day in self._days]

    def on(self, day: date) -> Rate | None:
        """The rate of that day, or of one a few days before if the file leaves it out."""
        index = bisect.bisect_right(self._days, day.isoformat()) - 1
        if index < 0 or (day - date.fromisoformat(self._days[index])).days > DAYS_BACK:
            return None
        return self._rates[index]

    def _rate(self, path: Path, number: int, line: dict[str, str]) -> Rate:
        currency = (line["currency"] or "").strip().upper()
        if currency not in CURRENCIES:
            raise _bad(path, number, "the currency is none of ISO 4217")
        try:
            day = date.fromisoformat((line["date"] or "").strip())
            price = Decimal((line["rate"] or "").strip())
        except (ValueError, InvalidOperation):
            raise _bad(path, number, "write it as 2026-08-01,USD,65000.00") from None
        if not price.is_finite() or price <= 0 or not -20 < price.adjusted() < 20:
            raise _bad(path, number, "a rate is above zero, and no more than money can be worth")
        return Rate(price, currency, self.source, day.isoformat())


def _bad(path: Path, line: int, reason: str) -> errors.Usage:
    return errors.Usage(f"{path}, line {line}: {reason}", code="BAD_RATES")
