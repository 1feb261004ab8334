"""Exchanging one currency of a Fincra wallet for another, at a quote that is shown first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import CURRENCIES, Fiat, format_fiat, padded
from amani_cli.fiat.looking import spendable, tidy
from amani_cli.fiat.moving import Confirm, Move, carry_out
from amani_cli.models.money import Money
from amani_cli.models.payments import Payment, PayoutPlan
from amani_cli.payments import earlier
from amani_cli.payments.engine import Purpose
from amani_cli.providers.base import PayAnswer
from amani_cli.times import to_rfc3339
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


def plan(wallet: KnownWallet, amount: Fiat, to: str) -> PayoutPlan:
    """What a conversion would bring, and until when that holds. Moves nothing."""
    with wallet.fincra("read") as client:
        return _prepare(wallet, client, amount, _currency(amount, to), "").plan


def convert(
    ws: Workspace,
    wallet: KnownWallet,
    amount: Fiat,
    to: str,
    *,
    memo: str = "",
    reference: str | None = None,
    confirm: Confirm | None,
) -> Payment:
    """Exchange `amount` into the currency `to` once. Raises what `fiat.carry_out` raises."""
    wallet.must_be("fincra")
    currency = _currency(amount, to)
    identify(wallet)
    what = meaning_of(wallet, amount, currency)
    replay = earlier.replayed(ws, reference, what)
    if replay is not None:
        return replay
    with wallet.fincra("admin") as client:
        return carry_out(
            ws,
            wallet,
            client,
            _prepare(wallet, client, amount, currency, memo),
            Purpose("convert", reference, what),
            confirm=confirm,
            again=lambda: _prepare(wallet, client, amount, currency, memo),
        )


def meaning_of(wallet: KnownWallet, amount: Fiat, currency: str) -> str:
    """What a reference for this stands for."""
    return f"convert {wallet.identity} {amount.value} {amount.currency} {currency}"


def _currency(amount: Fiat, to: str) -> str:
    currency = to.strip().upper()
    if currency not in CURRENCIES:
        raise errors.Usage(f"'{to[:10]}' is not a currency", code="BAD_CURRENCY", hint="E.g. --to NGN.")
    if currency == amount.currency:
        raise errors.Usage(f"that is {currency} already", code="BAD_CURRENCY")
    return currency


def _prepare(wallet: KnownWallet, client: Fincra, amount: Fiat, currency: str, memo: str) -> Move:
    source = amount.currency
    available = spendable(client, wallet, source)
    quote = tidy(client.quote(source, currency, amount.value, receive=False, rail=None))
    left = padded(available - quote.charged, source)
    planned = PayoutPlan(
        wallet=wallet.name,
        destination=f"convert:{currency}",
        payee=f"{wallet.name} itself",
        verified=True,
        at="Fincra",
        amount=Money(quote.amount, source),
        received=Money(quote.received, currency),
        balance=Money(padded(available, source), source),
        left=Money(left, source),
        memo=memo or f"Exchange of {format_fiat(Fiat(quote.amount, source))} into {currency}",
        sufficient=left >= 0,
        live=wallet.live,
        fee=Money(quote.fee, source),
        rate=quote.rate,
        expires_at=to_rfc3339(int(quote.expires_at)),
    )

    def order(our_reference: str) -> PayAnswer:
        return client.convert(our_reference, quote.reference)

    return Move(planned, quote.charged, order, quote)
