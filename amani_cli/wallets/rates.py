"""What bitcoin is worth in a currency, as a wallet's own LNbits says, and what follows from it in whole sat.

Decimal from end to end. Fiat becomes sat rounded up to a whole one, so that nobody is paid short; sat becomes fiat
rounded to the currency's decimals, half to even, and only ever as "about".
"""

from __future__ import annotations

import json
import time
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext

from amani_cli import errors
from amani_cli.amounts import CURRENCIES, MAX_MSAT, MSAT_PER_BTC, MSAT_PER_SAT, Fiat, currency_decimals, format_fiat
from amani_cli.models.document import as_json
from amani_cli.models.money import Balance, Quoted
from amani_cli.times import now
from amani_cli.wallets import finding, servers
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

SAT_PER_BTC = 100_000_000
DEFAULT_SLIPPAGE = Decimal(1)  # percent
FRESH_S = 10  # within one command a price as young as this is not asked for twice; LNbits itself keeps one for 30 s


def quote(wallet: KnownWallet, amount: Fiat) -> Quoted:
    """A fiat amount with the price that the wallet's LNbits gives for one bitcoin now.

    Raises `errors.Unreachable` (code NO_RATE) when it gives none that can be right.
    """
    price = _price(wallet, amount.currency)
    return Quoted(amount.value, amount.currency, price, wallet.url.split("://", 1)[-1], now())


def to_msat(quoted: Quoted) -> int:
    """What a quoted amount is in msat: whole sat, rounded up."""
    with localcontext(prec=60):
        sat = int((quoted.value * SAT_PER_BTC / quoted.price).to_integral_value(ROUND_CEILING))
    if sat * MSAT_PER_SAT > MAX_MSAT:
        raise errors.Usage(f"{format_fiat(Fiat(quoted.value, quoted.currency))} is more than all bitcoin there is")
    return sat * MSAT_PER_SAT


def about(wallet: KnownWallet, amount_msat: int, currency: str) -> Quoted:
    """About what an amount is worth in a currency now."""
    price = _price(wallet, currency)
    return at_price(Quoted(Decimal(0), currency, price, wallet.url.split("://", 1)[-1], now()), amount_msat)


def at_price(quoted: Quoted, amount_msat: int) -> Quoted:
    """About what an amount is worth at a price that was told before."""
    with localcontext(prec=60):
        exact = Decimal(amount_msat) * quoted.price / MSAT_PER_BTC
        value = exact.quantize(Decimal(1).scaleb(-currency_decimals(quoted.currency)), ROUND_HALF_EVEN)
    return quoted._replace(value=value)


def valued(ws: Workspace, held: Balance, currency: str) -> Balance:
    """A wallet's balance with about what it is worth in a currency, by the wallet's own LNbits."""
    currency = currency.strip().upper()
    if currency not in CURRENCIES:
        raise errors.Usage(f"'{currency[:20]}' is not a currency of ISO 4217", hint="Write it as --in USD.")
    if held.balance_msat is None:
        raise errors.Usage(f"wallet '{held.wallet}' holds fiat already", hint="Leave --in out.")
    return held._replace(about=about(finding.resolve(ws, held.wallet), held.balance_msat, currency))


def check_slippage(wallet: KnownWallet, quoted: Quoted, max_percent: Decimal) -> None:
    """Refuse to pay by a price that has moved by more than `max_percent` since it was quoted.

    Raises `errors.RefusedByPolicy` (code SLIPPAGE), and `errors.Unreachable` when no price is to be had now.
    """
    price = _price(wallet, quoted.currency)
    moved = abs(price - quoted.price) * 100 / quoted.price
    if moved > max_percent:
        raise errors.RefusedByPolicy(
            f"1 BTC was {quoted.price:,f} {quoted.currency} when the amount was worked out and is {price:,f} now:"
            f" {moved:.2f} % apart, more than the {max_percent} % allowed",
            code="SLIPPAGE",
            hint="Nothing was sent. Run it again for a fresh rate, or allow more with --max-slippage.",
        )


def forget(ws: Workspace) -> None:
    """Ask for prices anew from now on: a person has thought about the ones that are known."""
    ws.prices.clear()


def slippage(text: str | None) -> Decimal:
    """How far, in percent, a price may move: as it is said, or by default."""
    return parse_percent(text) if text else DEFAULT_SLIPPAGE


def parse_percent(text: str) -> Decimal:
    """Read `1%`, `0.5%` or `0.5`, from 0 to 100. Raises `errors.Usage`."""
    import re

    number = text.strip().removesuffix("%").rstrip()
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", number) or Decimal(number) > 100:
        raise errors.Usage(f"'{text[:20]}' is not a percentage", hint="Write it as 1% or 0.5%.")
    return Decimal(number)


def to_text(quoted: Quoted | None) -> str | None:
    """The form in which the journal keeps it."""
    return None if quoted is None else json.dumps(as_json(quoted))


def from_text(text: str | None) -> Quoted | None:
    """What the journal keeps."""
    return None if text is None else from_json(json.loads(text))


def from_json(kept: dict[str, str]) -> Quoted:
    """What a document says of it."""
    return Quoted(Decimal(kept["value"]), kept["currency"], Decimal(kept["price"]), kept["source"], kept["at"])


def _price(wallet: KnownWallet, currency: str) -> Decimal:
    """The price of one bitcoin. A zero, an absent or an inconsistent one is no price."""
    if (servers.server_version(wallet) or "").startswith("0."):
        raise _no_rate(f"the LNbits of '{wallet.name}' is {wallet.server_version}, which makes prices up when offline")
    kept = wallet.ws.prices.get((wallet.url, currency))
    if kept is not None and time.monotonic() - kept[1] < FRESH_S:
        return kept[0]
    with wallet.lnbits("read") as client:
        sat_per_unit, price = client.rate(currency)
    if price is None or sat_per_unit is None or price <= 0 or sat_per_unit <= 0:
        raise _no_rate(f"{client.line.host} knows no price of bitcoin in {currency} now")
    if abs(sat_per_unit * price - SAT_PER_BTC) > SAT_PER_BTC // 1000:
        raise _no_rate(f"{client.line.host} gives two prices in {currency} that contradict each other")
    wallet.ws.prices[wallet.url, currency] = (price, time.monotonic())
    return price


def _no_rate(what: str) -> errors.Unreachable:
    return errors.Unreachable(what, code="NO_RATE", hint="Write the amount in sat, or try again later.")
