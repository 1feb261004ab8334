"""Paying out from a Fincra wallet to bank accounts and phones: where, whose account it is, and at what rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any, Literal

from amani_cli import errors
from amani_cli.amounts import Fiat, currency_decimals, padded
from amani_cli.fiat.moving import Confirm, Move, Purpose, carry_out, fees_before, spendable, tidy
from amani_cli.models.money import Money
from amani_cli.models.payments import Nothing, Payment, PayoutPlan
from amani_cli.payees import banks, canonical
from amani_cli.payments import earlier
from amani_cli.providers.base import PayAnswer
from amani_cli.providers.fiat import Bank, Holder, Payee
from amani_cli.times import to_rfc3339
from amani_cli.wallets import businesses
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


@dataclass(frozen=True)
class Destination:
    """Where a payout goes, as it was typed: `bank:058/0123456789`, `momo:MTN/233241234567` or `fincra:1000001234`."""

    kind: Literal["bank", "momo", "fincra"]
    bank: str
    account: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.bank}/{self.account}" if self.bank else f"{self.kind}:{self.account}"

    @property
    def mobile(self) -> bool:
        """Whether it is a phone."""
        return self.kind == "momo"

    @property
    def rail(self) -> str:
        """Fincra's word for the way that money takes there."""
        return "mobile_money_wallet" if self.mobile else "bank_account"


@dataclass(frozen=True)
class Order:
    """One payout: what arrives (`amount`), out of which currency of the wallet, to whom, and on what conditions.

    `memo` stays here, `description` is what the payee is told. `everything` says that the amount was worked out, from
    all that can be spent.
    """

    to: Destination
    amount: Fiat
    source: str
    to_name: str | None = None
    name_unverified: bool = False
    company: bool = False
    memo: str = ""
    description: str = ""
    reference: str | None = None
    authorised: bool = False
    everything: bool = False

    def meaning(self, ws: Workspace) -> str:
        """What a reference for this stands for, as far as the banks' names are known here by now."""
        value, currency = self.amount
        return canonical.meaning_of_payout(
            ws, str(self.to), currency, "max" if self.everything else f"{value} {currency} {self.source}"
        )


def read(text: str) -> Destination:
    """Say, offline, where a `bank:`, `momo:` or `fincra:` leads. Raises `errors.Usage` with the form it has."""
    kind, _, rest = text.strip().partition(":")
    lowered = kind.strip().lower()
    if lowered == "fincra":
        number = "".join(rest.split())
        if not (number.isascii() and number.isdigit()) or not 5 <= len(number) <= 20:
            raise errors.Usage(
                f"'{rest.strip()[:40]}' is not the number of a Fincra wallet",
                code="BAD_DESTINATION",
                hint="It is digits alone, e.g. fincra:100000112345678; its owner finds it in Fincra's dashboard.",
            )
        return Destination("fincra", "", number)
    bank, slash, account = rest.rpartition("/")
    example = "momo:MTN/233241234567" if lowered == "momo" else "bank:058/0123456789"
    if lowered not in ("bank", "momo") or not slash or not bank.strip() or not account.strip():
        raise errors.Usage(
            f"'{text[:60]}' is not where fiat can go", code="BAD_DESTINATION", hint=f"Write it as {example}."
        )
    return Destination("momo" if lowered == "momo" else "bank", bank.strip(), account.strip())


def all_there_is(
    ws: Workspace, wallet: KnownWallet, to: Destination, source: str, **more: Any
) -> Order | Nothing | Payment:
    """The order over all that can leave: what the wallet can spend, less the most that such payouts cost lately.

    Out of the currency `source`, or where that is empty the only one there is. A reference that stands for a payment
    already gives its receipt. Raises `errors.Usage` where it is not clear which currency is meant, or what to leave for
    the fee.
    """
    wanted = Order(to, Fiat(Decimal(0), source), source, everything=True, **more)
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
    return replace(wanted, amount=Fiat(left, source), source=source, everything=True)


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


# -- what has to be asked for ----------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A destination that was looked up: how it is written in full, who and where it is, and the payee as it is sent."""

    shown: str
    at: str
    payee: Payee
    verified: bool


def look_up(ws: Workspace, client: Fincra, wanted: Order) -> Found:
    """Whose a bank account or a phone is, as the payment would find it. Sends no payment.

    Raises `errors.Usage` for what can't be paid, `errors.Rejected` for an account that is not found,
    `errors.RefusedByPolicy` for another holder or for a name that can't be checked.
    """
    to, currency = wanted.to, wanted.amount.currency
    account, country = (banks.phone if to.mobile else banks.account)(to.account, currency)
    bank = banks.find(ws, client, currency, to.bank, mobile=to.mobile)
    _refuse_fraction(wanted, bank)
    code = banks.code_of(bank, account, currency, mobile=to.mobile)
    holder = _holder(client, wanted, bank, account, code)
    name = holder or (wanted.to_name or "").strip()
    payee = Payee(name, account, code, country, mobile=to.mobile, company=wanted.company)
    return Found(f"{to.kind}:{bank.code}/{account}", bank.name, payee, holder is not None)


def whose(ws: Workspace, wallet: KnownWallet, to: Destination, currency: str) -> Found | None:
    """Whose a destination is, looked up as a payment would, without an amount. Raises what `look_up` raises.

    Without a `currency` a phone's is that of its country, and a bank account's the one of the wallet's that knows the
    bank; None where that is not clear.
    """
    with wallet.fincra("read") as client:
        if to.kind == "fincra":
            owner, _ = client.owner(to.account)
            return Found(str(to), "Fincra", Payee(owner, to.account, "", "", mobile=False), verified=True)
        if not currency and to.mobile:
            currency = banks.currency_of_phone(to.account) or ""
        if not currency:
            known = banks.currencies_of(ws, client, to.bank, [each.currency for each in client.accounts()])
            if len(known) != 1:
                return None
            currency = known[0]
        return look_up(ws, client, Order(to, Fiat(Decimal(1), currency), currency))


def _prepare(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order) -> Move:
    if wanted.to.kind == "fincra":
        return _prepare_wallet(ws, wallet, client, wanted)
    to, source, (value, currency) = wanted.to, wanted.source, wanted.amount
    found = look_up(ws, client, wanted)
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
        rate = quote.reference if quote else None
        return client.pay(our_reference, leaving, source, currency, found.payee, description=told, quote=rate)

    return Move(planned, charged, order, quote)


def _prepare_wallet(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order) -> Move:
    """A payout to the number of a Fincra wallet, whosever it is: in its own currency, and mostly free."""
    number, source, (value, currency) = wanted.to.account, wanted.source, wanted.amount
    if source != currency:
        raise errors.Usage(
            "a Fincra wallet is paid out of the same currency", code="BAD_CURRENCY", hint="Leave --from-currency out."
        )
    owner, holds = client.owner(number)
    if holds != currency:
        raise errors.Rejected(
            f"wallet {number} holds {holds}, not {currency}; nothing was sent",
            code="WRONG_CURRENCY",
            hint=f"Pay it in {holds}, or ask its owner for the number of their {currency}.",
        )
    if wanted.to_name is not None and not banks.is_name(wanted.to_name, owner):
        raise _another_holder("wallet", owner, wanted.to_name)
    available = spendable(client, wallet, currency)
    before = fees_before(ws, client, currency, currency, "fincra")
    told = wanted.description or f"Payout to {owner}"
    planned = PayoutPlan(
        wallet=wallet.name,
        destination=f"fincra:{number}",
        payee=owner,
        verified=True,
        at="Fincra",
        amount=Money(value, currency),
        received=Money(value, currency),
        balance=Money(padded(available, currency), currency),
        left=Money(padded(available - value - (before.highest if before else 0), currency), currency),
        memo=wanted.memo or told,
        description=told,
        sufficient=available >= value,
        live=wallet.live,
        fee_before=before,
    )
    return Move(planned, value, lambda ours: client.pay_wallet(ours, value, number, description=told))


def _refuse_fraction(wanted: Order, bank: Bank) -> None:
    whole = wanted.amount.value == wanted.amount.value.to_integral_value()
    if wanted.to.mobile and bank.code.upper() == "AIRTEL" and not whole:
        raise errors.Usage(
            "Airtel takes whole amounts only", code="BAD_AMOUNT", hint=f"E.g. {int(wanted.amount.value)}."
        )


def _holder(client: Fincra, wanted: Order, bank: Bank, account: str, code: str) -> str | None:
    """Whose account it is, as the bank has it; None where nobody can say and the user takes that upon themselves."""
    from amani_cli.providers.corridors import name_check

    currency, noun = wanted.amount.currency, "phones" if wanted.to.mobile else "accounts"
    asked = name_check(currency, account, code, mobile=wanted.to.mobile)
    holder = client.resolve(asked) if asked is not None else Holder(None, f"it checks no such {currency} {noun}")
    if holder.name is None and holder.words:
        if wanted.to_name is None or not wanted.name_unverified:
            said = holder.words if asked is None else f"it refused to look: {holder.words}"
            raise errors.RefusedByPolicy(
                f"Fincra can't say whose account this is: {said}; nothing was sent",
                code="NAME_UNVERIFIED",
                hint="Make sure yourself, then give --to-name 'FULL NAME' and --name-unverified.",
            )
        return None
    if holder.name is None:
        raise errors.Rejected(
            f"{bank.name} has no account {account}, as far as Fincra can tell; nothing was sent",
            code="NAME_UNRESOLVED",
            hint="Check the number and the bank with the payee.",
        )
    if wanted.to_name is not None and not banks.is_name(wanted.to_name, holder.name):
        raise _another_holder("account", holder.name, wanted.to_name)
    return holder.name


def _another_holder(noun: str, holder: str, expected: str) -> errors.RefusedByPolicy:
    return errors.RefusedByPolicy(
        f"the {noun} belongs to '{holder}', not to '{expected}'; nothing was sent",
        code="NAME_MISMATCH",
        hint="Check the number with the payee; if the name is right, give it as the bank has it.",
    )
