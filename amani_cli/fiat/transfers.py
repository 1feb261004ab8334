"""Moving fiat between two of our Fincra businesses: free, in one currency, from wallet number to wallet number."""

from __future__ import annotations

from decimal import Decimal

from amani_cli import errors
from amani_cli.amounts import Fiat, padded
from amani_cli.fiat.moving import Confirm, Move, Purpose, carry_out, spendable
from amani_cli.models.money import Money
from amani_cli.models.payments import Payment, PayoutPlan
from amani_cli.payments import earlier
from amani_cli.providers.base import PayAnswer
from amani_cli.rules import limits
from amani_cli.store import journal
from amani_cli.store import wallets as store_wallets
from amani_cli.times import now
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace


def transfer(
    ws: Workspace,
    source: KnownWallet,
    target: KnownWallet,
    amount: Fiat,
    *,
    memo: str = "",
    reference: str | None = None,
    confirm: Confirm | None,
) -> Payment:
    """Move an amount from one business' wallet to another's; the name that Fincra has for the other is shown first.

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
    number = _number(target, amount.currency)
    with source.fincra("admin") as client:
        owner, currency = client.owner(number)
        if currency != amount.currency:
            raise errors.Rejected(f"wallet {number} holds {currency}, not {amount.currency}", code="WRONG_CURRENCY")
        note = memo or f"to {target.name}"
        available = spendable(client, source, currency)
        planned = _planned(source, target, amount, available, number=number, owner=owner, memo=note)

        def order(our_reference: str) -> PayAnswer:
            return client.pay_wallet(our_reference, amount.value, number, memo=note)

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


def meaning_of(source: KnownWallet, target: KnownWallet, amount: Fiat) -> str:
    """What a reference for this stands for."""
    return f"transfer {source.identity} to {target.identity} {amount.value} {amount.currency}"


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
        journal.insert(
            db,
            **target.journaled,
            direction="in",
            kind="transfer",
            status="settled",
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
        store_wallets.clear_cached_balance(db, target.id)
