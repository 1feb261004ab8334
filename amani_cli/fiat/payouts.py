"""Paying out from a Fincra wallet to bank accounts, phones and other Fincra wallets: at what rate, and what is left."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import Fiat, currency_decimals, padded
from amani_cli.fiat import holders
from amani_cli.fiat.looking import fees_before, spendable, tidy
from amani_cli.fiat.moving import Confirm, Move, carry_out
from amani_cli.fiat.orders import Order
from amani_cli.models.money import Money
from amani_cli.models.payments import Nothing, Payment, PayoutPlan
from amani_cli.payments import earlier
from amani_cli.payments.engine import Purpose
from amani_cli.providers.base import PayAnswer
from amani_cli.times import to_rfc3339
from amani_cli.wallets import businesses
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


def all_there_is(ws: Workspace, wallet: KnownWallet, wanted: Order) -> Order | Nothing | Payment:
    """The order over all that can leave: what the wallet can spend, less the most that such payouts cost lately.

    Out of the order's `source`, or where that is empty the only currency there is. A reference that stands for a
    payment already gives its receipt. Raises `errors.Usage` where it is not clear which currency is meant, or what to
    leave for the fee.
    """
    source = wanted.source
    wanted = replace(wanted, amount=Fiat(Decimal(0), source), everything=True)
    replay = earlier.replayed(ws, wanted.reference, wanted.meaning(ws))
    if replay is not None:
        return replay
    held = businesses.held(wallet, source)
    if not held:
        nothing = Money(Decimal(0), source) if source else None
        return Nothing("nothing to do: nothing is left over", wallet.name, balance=nothing)
    with wallet.fincra("read") as client:
        source, available = held[0].currency, held[0].available
        before = fees_before(ws, client, source, source, wanted.to.kind)
        if before is None and wanted.to.kind != "fincra":
            raise errors.Usage(
                "what Fincra takes for this is not known yet: nothing was paid so from here before, so 'max' can't be"
                " worked out",
                code="BAD_AMOUNT",
                hint=f"Write the amount, and leave something of {available:f} {source} for the fee.",
            )
    whole = "airtel" in wanted.to.bank.casefold() or not currency_decimals(source)
    left = (available - (before.highest if before else 0)).quantize(
        Decimal(1) if whole else Decimal("0.01"), rounding=ROUND_DOWN
    )
    if left <= 0:
        return Nothing("nothing to do: nothing is left over", wallet.name, balance=Money(available, source))
    return replace(wanted, amount=Fiat(left, source), source=source)


def plan(ws: Workspace, wallet: KnownWallet, wanted: Order) -> PayoutPlan:
    """What a payout would do: who would get it, at what rate and fee, and what would be left. Sends no payment."""
    with wallet.fincra("read") as client:
        return planned(ws, wallet, client, wanted)


def planned(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order) -> PayoutPlan:
    """The same, over a client that is open already."""
    return _prepare(ws, wallet, client, wanted).plan


def pay(ws: Workspace, wallet: KnownWallet, wanted: Order, *, confirm: Confirm | None, wait: bool) -> Payment:
    """Pay out once, and return its receipt; the same reference again returns the same receipt.

    Raises what `fiat.carry_out` raises.
    """
    wallet.must_be("fincra")
    replay = earlier.replayed(ws, wanted.reference, wanted.meaning(ws))
    if replay is not None:
        return replay
    identify(wallet)
    with wallet.fincra("admin") as client:
        prepared = _prepare(ws, wallet, client, wanted)
        return carry_out(
            ws,
            wallet,
            client,
            prepared,
            # The meaning may say more, now that the banks were asked for.
            Purpose("payout", wanted.reference, wanted.meaning(ws)),
            confirm=confirm,
            again=lambda: _prepare(ws, wallet, client, wanted),
            wait=wait,
            authorised=wanted.authorised,
        )


def _prepare(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order) -> Move:
    """What would be moved, once the payee, the balance and the price were looked at.

    The number of a Fincra wallet, whosever it is, is paid in its own currency, and mostly free.
    """
    to, source, (value, currency) = wanted.to, wanted.source, wanted.amount
    found = holders.look_up(ws, client, wanted)
    available = spendable(client, wallet, source)
    quote, before = None, None
    if source != currency:
        quote = tidy(client.quote(source, currency, value, receive=True, rail=to.rail))
    else:
        before = fees_before(ws, client, source, currency, to.kind)
    leaving, charged = (quote.amount, quote.charged) if quote else (value, value)
    told = wanted.description or f"Payout to {found.payee.name}"
    planned = PayoutPlan(
        wallet=wallet.name,
        destination=found.shown,
        payee=found.payee.name,
        verified=found.verified,
        at=found.at,
        amount=Money(leaving, source),
        received=Money(value, currency),
        balance=Money(padded(available, source), source),
        left=Money(padded(available - charged - (before.highest if before else 0), source), source),
        memo=wanted.memo or told,
        description=told,
        sufficient=available >= charged,
        live=wallet.live,
        fee=Money(quote.fee, source) if quote else None,
        rate=quote.rate if quote else None,
        expires_at=to_rfc3339(int(quote.expires_at)) if quote else None,
        fee_before=before,
    )

    def order(our_reference: str) -> PayAnswer:
        if to.kind == "fincra":
            return client.pay_wallet(our_reference, value, to.account, description=told)
        rate = quote.reference if quote else None
        return client.pay(our_reference, leaving, source, currency, found.payee, description=told, quote=rate)

    return Move(planned, charged, order, quote)
