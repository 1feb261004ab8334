"""Paying out from a Fincra wallet to bank accounts and phones: check, quote, journal, send once, judge, record."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Literal

from amani_cli import banks, errors, models, payments, policy
from amani_cli.amounts import Fiat as Amount
from amani_cli.amounts import currency_decimals, format_fiat, padded
from amani_cli.models import Money
from amani_cli.providers.base import Bank, FiatRecord, PayAnswer, Payee, Quote
from amani_cli.store import Row, Transaction
from amani_cli.store import payments as journal
from amani_cli.times import from_rfc3339, to_rfc3339
from amani_cli.verdict import ABSENT, Found
from amani_cli.wallets import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

# A payout has no expiry that would make it impossible. What Fincra has not heard of a day after it was sent, it never
# will: no proxy and no queue holds a request for so long.
PROOF_OF_ABSENCE_S = 86400
# A quote holds for about 30 s; one that is this near its end is asked for anew.
QUOTE_MARGIN_S = 4

Confirm = Callable[[models.PayoutPlan], None]


@dataclass(frozen=True)
class Fiat:
    """The rail of a Fincra wallet. `order` is the one POST, given our reference; None when it is only looked."""

    ws: Workspace
    client: Fincra
    order: Callable[[str], PayAnswer] | None = None

    def post(self, row: Row) -> PayAnswer:
        """Send it, and keep Fincra's own reference, by which a conversion is found most surely."""
        assert self.order is not None
        answer = self.order(row["our_reference"])
        if isinstance(answer.record, FiatRecord):
            if answer.record.provider_reference is not None:
                with self.ws.store.write() as db:
                    journal.update(db, row["id"], provider_reference=answer.record.provider_reference)
            if answer.record.status == "settled" and answer.record.fee is None:
                return answer._replace(record=self._with_fee(row) or answer.record)
        return answer

    def _with_fee(self, row: Row) -> FiatRecord | None:
        """What is settled at once says its fee only when it is read."""
        try:
            found = self.find(row)
        except errors.AmaniError:
            return None
        return found if isinstance(found, FiatRecord) and found.status == "settled" else None

    def find(self, row: Row) -> Found:
        """The record of our reference."""
        fresh = journal.by_id(self.ws.store, row["id"]) or row
        if row["kind"] == "convert":
            record = self.client.conversion(row["our_reference"], fresh["provider_reference"])
        else:
            record = self.client.record(row["our_reference"])
        return ABSENT if record is None else record

    def never_arrived(self, row: Row) -> bool:
        """A day after it was sent, asked with this business' own key: another's has no record either."""
        sent = from_rfc3339(row["created_at"]).timestamp()
        return sent < time.time() - PROOF_OF_ABSENCE_S and self.client.business().id == row["remote_wallet_id"]


@dataclass(frozen=True)
class Destination:
    """Where a payout goes, as it was typed: `bank:058/0123456789` or `momo:MTN/233241234567`."""

    kind: Literal["bank", "momo"]
    bank: str
    account: str

    @property
    def mobile(self) -> bool:
        """Whether it is a phone."""
        return self.kind == "momo"


@dataclass(frozen=True)
class Order:
    """One payout: what arrives (`amount`), out of which currency of the wallet, to whom, and on what conditions."""

    to: Destination
    amount: Amount
    source: str
    to_name: str | None = None
    name_unverified: bool = False
    company: bool = False
    memo: str = ""
    reference: str | None = None


def read(text: str) -> Destination:
    """Say, offline, where a `bank:` or `momo:` leads. Raises `errors.Usage` with the form it has."""
    kind, _, rest = text.strip().partition(":")
    bank, slash, account = rest.rpartition("/")
    lowered = kind.strip().lower()
    example = "momo:MTN/233241234567" if lowered == "momo" else "bank:058/0123456789"
    if lowered not in ("bank", "momo") or not slash or not bank.strip() or not account.strip():
        raise errors.Usage(
            f"'{text[:60]}' is not where fiat can go", code="BAD_DESTINATION", hint=f"Write it as {example}."
        )
    return Destination("momo" if lowered == "momo" else "bank", bank.strip(), account.strip())


@dataclass(frozen=True)
class _Ready:
    """An order with all that had to be asked for."""

    plan: models.PayoutPlan
    payee: Payee
    quote: Quote | None
    charged: Decimal


def plan(ws: Workspace, wallet: KnownWallet, wanted: Order) -> models.PayoutPlan:
    """What a payout would do: who would get it, at what rate and fee, and what would be left. Sends no payment."""
    with wallet.fincra("read") as client:
        return _prepare(ws, wallet, client, wanted).plan


def pay(ws: Workspace, wallet: KnownWallet, wanted: Order, *, confirm: Confirm | None, wait: bool) -> models.Payment:
    """Pay out once, and return its receipt; the same reference again returns the same receipt.

    `confirm` is shown the plan and raises to stop; None when a yes was given beforehand. Raises
    `errors.OutcomeUnknown` (money maybe moved, or an equal payout is still open), or a failure that proves none did.
    """
    wallet.must_be("fincra")
    to, amount = wanted.to, wanted.amount
    meaning = f"payout {to.kind}:{to.bank.casefold()}/{to.account} {amount.value} {amount.currency} {wanted.source}"
    replay = payments.replayed(ws, wanted.reference, meaning)
    if replay is not None:
        return replay
    identify(wallet)
    with wallet.fincra("admin") as client:
        ready = _prepare(ws, wallet, client, wanted)
        refuse_poor(ready.plan)
        policy.check_fiat(ws, wallet, ready.charged, wanted.source)
        if confirm is not None:
            confirm(ready.plan)
        policy.authorise(ws, wallet, ready.charged, wanted.source)
        ready = _still(ws, wallet, client, wanted, ready)
        row, begun = _begin(ws, wallet, client, wanted, ready, meaning)
        if not begun:
            return payments.again(ws, row)
        leaving = ready.quote.amount if ready.quote else amount.value

        def order(our_reference: str) -> PayAnswer:
            return client.pay(
                our_reference,
                leaving,
                wanted.source,
                amount.currency,
                ready.payee,
                memo=row["memo"],
                quote=ready.quote.reference if ready.quote else None,
            )

        # What came before, a person's thinking included, was on its own time: the outcome gets all of it.
        ws.deadline = time.monotonic() + ws.timeout
        return payments.send(ws, wallet, Fiat(ws, client, order), row, wait=wait)


def _begin(
    ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order, ready: _Ready, meaning: str
) -> tuple[Row, bool]:
    to, quote = ready.plan.destination, ready.quote
    destination = f"{to} {ready.payee.name}"

    def columns(db: Transaction) -> dict[str, object]:
        if wanted.reference is None:
            refuse_twin(db, wallet, destination, wanted.amount)
        policy.reserve_fiat(ws, db, wallet, ready.charged, wanted.source)
        return {
            "our_reference": str(uuid.uuid4()),
            "amount": str(quote.amount if quote else wanted.amount.value),
            "currency": wanted.source,
            "fee": str(quote.fee) if quote else None,
            "received": str(wanted.amount.value),
            "received_currency": wanted.amount.currency,
            "destination": destination,
            "memo": ready.plan.memo,
        }

    return payments.begin(
        ws,
        wallet,
        client.identity(),
        kind="payout",
        reference=wanted.reference,
        meaning=meaning,
        columns=columns,
        reason=f"{format_fiat(wanted.amount)} to {destination}",
    )


def refuse_twin(db: Transaction, wallet: KnownWallet, destination: str, amount: Amount) -> None:
    """Refuse what looks like a retry of a payout that is still open: fiat has no invoice that can be paid only once.

    Raises `errors.OutcomeUnknown`.
    """
    twin = journal.open_twin(db, wallet.remote_id, destination, str(amount.value), amount.currency)
    if twin is not None:
        raise payments.open_outcome(
            twin,
            "the same amount to the same payee was sent before and its outcome is still open; nothing was sent now."
            " If this is another payment, give it a --reference of its own",
        )


def refuse_poor(planned: models.PayoutPlan) -> None:
    """Refuse what the balance does not cover. Raises `errors.InsufficientFunds`."""
    if not planned.sufficient:
        raise errors.InsufficientFunds(
            f"wallet '{planned.wallet}' can spend {format_fiat(Amount(*planned.balance))},"
            f" less than {format_fiat(Amount(*planned.amount))} to pay",
            hint="Top it up, or choose another wallet with --wallet.",
        )


# -- what has to be asked for ----------------------------------------------------------------------


def _prepare(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order) -> _Ready:
    to, currency = wanted.to, wanted.amount.currency
    account, country = (banks.phone if to.mobile else banks.account)(to.account, currency)
    bank = banks.find(ws, client, currency, to.bank, mobile=to.mobile)
    _refuse_fraction(wanted, bank)
    code = bank.swift or bank.code if currency == "GHS" and not to.mobile else bank.code
    holder = _holder(client, wanted, bank, account, code)
    name = holder or " ".join((wanted.to_name or "").split())
    payee = Payee(name, account, code, country, mobile=to.mobile, company=wanted.company)
    available = spendable(client, wallet, wanted.source)
    quote = _quote(client, wanted) if wanted.source != currency else None
    charged = quote.charged if quote else wanted.amount.value
    left = padded(available - charged, wanted.source)
    planned = models.PayoutPlan(
        wallet=wallet.name,
        destination=f"{to.kind}:{bank.code}/{account}",
        payee=name,
        verified=holder is not None,
        at=bank.name,
        amount=Money(quote.amount if quote else wanted.amount.value, wanted.source),
        received=Money(wanted.amount.value, currency),
        balance=Money(padded(available, wanted.source), wanted.source),
        left=Money(left, wanted.source),
        memo=wanted.memo or f"Payout to {name}",
        sufficient=left >= 0,
        live=wallet.live,
        fee=Money(quote.fee, wanted.source) if quote else None,
        rate=quote.rate if quote else None,
        expires_at=to_rfc3339(int(quote.expires_at)) if quote else None,
    )
    return _Ready(planned, payee, quote, charged)


def _refuse_fraction(wanted: Order, bank: Bank) -> None:
    whole = wanted.amount.value == wanted.amount.value.to_integral_value()
    if wanted.to.mobile and bank.code.upper() == "AIRTEL" and not whole:
        raise errors.Usage(
            "Airtel takes whole amounts only", code="BAD_AMOUNT", hint=f"E.g. {int(wanted.amount.value)}."
        )


def _holder(client: Fincra, wanted: Order, bank: Bank, account: str, code: str) -> str | None:
    """Whose account it is, as the bank has it; None where nobody can say and the user takes that upon themselves.

    Raises `errors.Rejected` for an account that is not found, `errors.RefusedByPolicy` for another holder or for a
    name that can't be checked.
    """
    from amani_cli.providers.fincra import name_check

    asked = name_check(wanted.amount.currency, account, code, mobile=wanted.to.mobile)
    if asked is None:
        if wanted.to_name is None or not wanted.name_unverified:
            raise errors.RefusedByPolicy(
                f"Fincra can't say whose account this is: it checks no {wanted.amount.currency}"
                f" {'phones' if wanted.to.mobile else 'accounts'}",
                code="NAME_UNVERIFIED",
                hint="Make sure yourself, then give --to-name 'FULL NAME' and --name-unverified.",
            )
        return None
    holder = client.resolve(asked)
    if holder is None:
        raise errors.Rejected(
            f"{bank.name} has no account {account}, as far as Fincra can tell; nothing was sent",
            code="NAME_UNRESOLVED",
            hint="Check the number and the bank with the payee.",
        )
    if wanted.to_name is not None and not banks.is_name(wanted.to_name, holder):
        raise errors.RefusedByPolicy(
            f"the account belongs to '{holder}', not to '{wanted.to_name}'; nothing was sent",
            code="NAME_MISMATCH",
            hint="Check the number with the payee; if the name is right, give it as the bank has it.",
        )
    return holder


def spendable(client: Fincra, wallet: KnownWallet, currency: str) -> Decimal:
    """What a wallet can spend of a currency. Raises `errors.NotFound` when it does not hold it."""
    accounts = client.accounts()
    for each in accounts:
        if each.currency == currency:
            return each.available
    raise errors.NotFound(
        f"wallet '{wallet.name}' holds no {currency}",
        code="NO_SUCH_CURRENCY",
        hint=f"It holds: {', '.join(each.currency for each in accounts) or 'nothing'}.",
    )


def _quote(client: Fincra, wanted: Order) -> Quote:
    rail = "mobile_money_wallet" if wanted.to.mobile else "bank_account"
    return tidy(client.quote(wanted.source, wanted.amount.currency, wanted.amount.value, receive=True, rail=rail))


def tidy(quote: Quote) -> Quote:
    """A quote without the noise that Fincra's floats leave behind the last decimal of a currency."""

    def rounded(value: Decimal, currency: str) -> Decimal:
        return value.quantize(Decimal(1).scaleb(-currency_decimals(currency)), rounding=ROUND_HALF_UP)

    return quote._replace(
        amount=rounded(quote.amount, quote.source),
        charged=rounded(quote.charged, quote.source),
        fee=rounded(quote.fee, quote.source),
        received=rounded(quote.received, quote.destination),
    )


def _still(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order, ready: _Ready) -> _Ready:
    """The order with a quote that still holds: a new one if need be, which must not be dearer than what was shown."""
    if ready.quote is None or time.time() < ready.quote.expires_at - QUOTE_MARGIN_S:
        return ready
    fresh = _quote(client, wanted)
    if fresh.charged > ready.charged:
        raise errors.Rejected(
            f"the quote expired, and it would cost {format_fiat(Amount(fresh.charged, wanted.source))} now;"
            " nothing was sent",
            code="QUOTE_EXPIRED",
            hint="Run the same command again to see and accept the new rate.",
        )
    planned = ready.plan._replace(amount=Money(fresh.amount, wanted.source), fee=Money(fresh.fee, wanted.source))
    return _Ready(planned, ready.payee, fresh, fresh.charged)
