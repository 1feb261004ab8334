"""Paying out from a Fincra wallet to bank accounts and phones: where, whose account it is, and at what rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from amani_cli import errors
from amani_cli.amounts import Fiat, padded
from amani_cli.fiat.moving import Confirm, Move, carry_out, spendable, tidy
from amani_cli.models.money import Money
from amani_cli.models.payments import Payment, PayoutPlan
from amani_cli.payees import banks, canonical
from amani_cli.payments import earlier
from amani_cli.providers.base import PayAnswer
from amani_cli.providers.fiat import Bank, Payee
from amani_cli.times import to_rfc3339
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


@dataclass(frozen=True)
class Destination:
    """Where a payout goes, as it was typed: `bank:058/0123456789` or `momo:MTN/233241234567`."""

    kind: Literal["bank", "momo"]
    bank: str
    account: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.bank}/{self.account}"

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
    """One payout: what arrives (`amount`), out of which currency of the wallet, to whom, and on what conditions."""

    to: Destination
    amount: Fiat
    source: str
    to_name: str | None = None
    name_unverified: bool = False
    company: bool = False
    memo: str = ""
    reference: str | None = None
    authorised: bool = False

    def meaning(self, ws: Workspace) -> str:
        """What a reference for this stands for, as far as the banks' names are known here by now."""
        value, currency = self.amount
        return canonical.meaning_of_payout(ws, str(self.to), currency, f"{value} {currency} {self.source}")


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
            kind="payout",
            reference=wanted.reference,
            meaning=wanted.meaning(ws),  # which may say more, now that the banks were asked for
            confirm=confirm,
            again=lambda: _prepare(ws, wallet, client, wanted),
            wait=wait,
            authorised=wanted.authorised,
        )


# -- what has to be asked for ----------------------------------------------------------------------


def _prepare(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: Order) -> Move:
    to, source, (value, currency) = wanted.to, wanted.source, wanted.amount
    account, country = (banks.phone if to.mobile else banks.account)(to.account, currency)
    bank = banks.find(ws, client, currency, to.bank, mobile=to.mobile)
    _refuse_fraction(wanted, bank)
    code = bank.swift or bank.code if currency == "GHS" and not to.mobile else bank.code
    holder = _holder(client, wanted, bank, account, code)
    name = holder or (wanted.to_name or "").strip()
    payee = Payee(name, account, code, country, mobile=to.mobile, company=wanted.company)
    available = spendable(client, wallet, source)
    quote = None
    if source != currency:
        quote = tidy(client.quote(source, currency, value, receive=True, rail=to.rail))
    leaving, charged = (quote.amount, quote.charged) if quote else (value, value)
    left = padded(available - charged, source)
    memo = wanted.memo or f"Payout to {name}"
    planned = PayoutPlan(
        wallet=wallet.name,
        destination=f"{to.kind}:{bank.code}/{account}",
        payee=name,
        verified=holder is not None,
        at=bank.name,
        amount=Money(leaving, source),
        received=Money(value, currency),
        balance=Money(padded(available, source), source),
        left=Money(left, source),
        memo=memo,
        sufficient=left >= 0,
        live=wallet.live,
        fee=Money(quote.fee, source) if quote else None,
        rate=quote.rate if quote else None,
        expires_at=to_rfc3339(int(quote.expires_at)) if quote else None,
    )

    def order(our_reference: str) -> PayAnswer:
        rate = quote.reference if quote else None
        return client.pay(our_reference, leaving, source, currency, payee, memo=memo, quote=rate)

    return Move(planned, charged, order, quote)


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
