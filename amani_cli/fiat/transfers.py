"""Moving fiat between two of our Fincra businesses: free, in one currency, from wallet number to wallet number."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Literal

from amani_cli import errors
from amani_cli.amounts import Fiat, currency_decimals, padded
from amani_cli.fiat.looking import spendable
from amani_cli.fiat.moving import Confirm, Move, carry_out
from amani_cli.models.money import Money
from amani_cli.models.payments import Nothing, Payment, PayoutPlan
from amani_cli.payments import earlier
from amani_cli.payments.engine import Purpose
from amani_cli.providers.base import PayAnswer
from amani_cli.rules import limits
from amani_cli.store import journal
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import NewEntry
from amani_cli.times import now
from amani_cli.wallets import businesses
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace


def transfer(
    ws: Workspace,
    source: KnownWallet,
    target: KnownWallet,
    amount: Fiat | Literal["max"],
    *,
    memo: str = "",
    reference: str | None = None,
    confirm: Confirm | None,
) -> Payment | Nothing:
    """Move an amount, or all that there is, from one business' wallet to another's.

    The name that Fincra has for the other is shown first.

    Raises what `fiat.carry_out` raises, and `errors.Usage` for a transfer to itself or between test and real money.
    """
    source.must_be("fincra")
    target.must_be("fincra")
    identify(source)
    identify(target)
    _refuse_pair(source, target)
    what = meaning_of(source, target, amount)
    replay = earlier.replayed(ws, reference, what)
    if replay is not None:
        _arrived(ws, target, replay, memo or f"from {source.name}")
        return replay._replace(to_wallet=target.name)
    limits.look(ws, source, "transfer")
    if amount == "max":
        found = _all_there_is(source)
        if isinstance(found, Nothing):
            return found
        amount = found
    number = _number(target, amount.currency)
    with source.fincra("admin") as client:
        owner, currency = client.owner(number)
        if currency != amount.currency:
            raise errors.Rejected(f"wallet {number} holds {currency}, not {amount.currency}", code="WRONG_CURRENCY")
        note = memo or f"to {target.name}"
        available = spendable(client, source, currency)
        planned = _planned(source, target, amount, available, number=number, owner=owner, memo=note)

        def order(our_reference: str) -> PayAnswer:
            return client.pay_wallet(our_reference, amount.value, number, description=note)

        move = Move(planned, amount.value, order)
        paid = carry_out(
            ws,
            source,
            client,
            move,
            Purpose("transfer", reference, what),
            confirm=confirm,
            again=lambda: move,
            on_journal=lambda db, entry: limits.take(ws, db, source, "transfer", entry),
        )
    _arrived(ws, target, paid, memo or f"from {source.name}")
    return paid._replace(to_wallet=target.name)


def meaning_of(source: KnownWallet, target: KnownWallet, amount: Fiat | Literal["max"]) -> str:
    """What a reference for this stands for."""
    much = amount if amount == "max" else f"{amount.value} {amount.currency}"
    return f"transfer {source.identity} to {target.identity} {much}"


def _all_there_is(source: KnownWallet) -> Fiat | Nothing:
    """What a business' wallet holds. Raises `errors.Usage` where that is more than one currency."""
    held = businesses.held(source, "")
    if not held:
        return Nothing("nothing to do: nothing is left over", source.name)
    currency = held[0].currency
    # Fees leave fractions behind that no payment of the currency can have.
    left = held[0].available.quantize(Decimal(1).scaleb(-currency_decimals(currency)), rounding=ROUND_DOWN)
    if not left:
        return Nothing("nothing to do: nothing is left over", source.name, balance=Money(held[0].available, currency))
    return Fiat(left, currency)


def _refuse_pair(source: KnownWallet, target: KnownWallet) -> None:
    if target.identity == source.identity:
        raise errors.Usage(
            f"'{source.name}' and '{target.name}' are the same wallet", code="SAME_WALLET", hint="Name another one."
        )
    if (source.url, source.live) != (target.url, target.live):
        raise errors.Usage(
            f"'{source.name}' and '{target.name}' are in two environments of Fincra's: test money is not real money",
            code="WRONG_ENVIRONMENT",
        )


def _planned(
    source: KnownWallet, target: KnownWallet, amount: Fiat, available: Decimal, *, number: str, owner: str, memo: str
) -> PayoutPlan:
    """What the question shows, `available` being what the wallet has of the currency."""
    currency = amount.currency
    left = padded(available - amount.value, currency)
    return PayoutPlan(
        wallet=source.name,
        destination=f"wallet:{number}",
        payee=owner,
        verified=True,
        at=f"Fincra, as '{target.name}' here",
        amount=Money(*amount),
        received=Money(*amount),
        balance=Money(padded(available, currency), currency),
        left=Money(left, currency),
        memo=memo,
        sufficient=left >= 0,
        live=source.live,
        fee=Money(padded(amount.value * 0, currency), currency),
    )


def _number(target: KnownWallet, currency: str) -> str:
    """The number by which others pay into a wallet's currency. Raises `errors.NotFound` when it does not hold it."""
    with target.fincra("read") as client:
        for account in client.accounts():
            if account.currency == currency and account.number is not None:
                return account.number
    raise errors.NotFound(
        f"wallet '{target.name}' can't be paid in {currency}",
        code="NO_SUCH_CURRENCY",
        hint=f"See: amani wallet balance '{target.name}'",
    )


def _arrived(ws: Workspace, target: KnownWallet, paid: Payment, memo: str) -> None:
    """Journal the arrival, if that can be done: the payer's settled record proves it, and a sync finds what is missing.

    One that a sync has brought in is left as it is.
    """
    assert paid.amount is not None
    assert paid.our_reference is not None
    otherwise = f"the arrival at '{target.name}' is not written down yet"
    with ws.talk.once_paid(otherwise), ws.store.write() as db:
        if journal.by_our_reference(db, paid.our_reference, "in") is not None:
            return
        entry = NewEntry(
            target.journaled,
            "in",
            "transfer",
            "settled",
            amount=str(paid.amount.value),
            currency=paid.amount.currency,
            our_reference=paid.our_reference,
            provider_reference=paid.provider_reference,
            memo=memo,
            reference=paid.reference,
            actor=ws.said.actor,
            created_at=paid.created_at,
            settled_at=paid.settled_at or now(),
        )
        journal.insert(db, entry)
        store_wallets.clear_cached_balance(db, target.id)
