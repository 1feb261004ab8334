"""What is looked at before fiat moves: what can be spent, what such payouts cost before, and a quote."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import Fiat, currency_decimals, format_fiat
from amani_cli.models.payments import FeeRange, PayoutPlan
from amani_cli.providers.fiat import Quote
from amani_cli.store import totals
from amani_cli.wallets import businesses
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

LAST_FEES = 20
"""Of so many payouts of a kind the question shows what they cost."""


def refuse_poor(planned: PayoutPlan) -> None:
    """Refuse what the balance does not cover. Raises `errors.InsufficientFunds`."""
    if not planned.sufficient:
        fee = f" and {format_fiat(Fiat(*planned.fee))} of fee" if planned.fee and planned.fee.value else ""
        raise errors.InsufficientFunds(
            f"wallet '{planned.wallet}' can spend {format_fiat(Fiat(*planned.balance))},"
            f" less than {format_fiat(Fiat(*planned.amount))} to pay{fee}",
            hint="Top it up, or choose another wallet with --wallet.",
        )


def spendable(client: Fincra, wallet: KnownWallet, currency: str) -> Decimal:
    """What a wallet can spend of a currency. Raises `errors.NotFound` when it does not hold it."""
    accounts = client.accounts()
    for each in accounts:
        if each.currency == currency:
            return each.available
    raise businesses.holds_no(wallet, currency, accounts)


def fees_before(ws: Workspace, client: Fincra, source: str, currency: str, way: str) -> FeeRange | None:
    """What this business' own last payouts of a kind cost, None without any: Fincra tells no fee beforehand."""
    if not ws.has_store:
        return None
    fees = totals.last_fees(ws.store, client.identity(), source, currency, way, LAST_FEES)
    return FeeRange(min(fees), max(fees), source, len(fees)) if fees else None


def tidy(quote: Quote) -> Quote:
    """A quote without the noise that Fincra's floats leave behind the last decimal of a currency."""

    def rounded(value: Decimal, currency: str) -> Decimal:
        return value.quantize(Decimal(1).scaleb(-currency_decimals(currency)), rounding=ROUND_HALF_UP)

    return quote._replace(
        amount=rounded(quote.amount, quote.source),
        charged=rounded(quote.charged, quote.source),
        received=rounded(quote.received, quote.destination),
    )
