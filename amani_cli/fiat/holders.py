"""Whose a bank account, a phone or another's Fincra wallet is, as a payout would find it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import Fiat
from amani_cli.fiat.orders import Destination, Order
from amani_cli.payees import banks
from amani_cli.providers.fiat import Bank, Holder, Payee
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


@dataclass(frozen=True)
class Found:
    """A destination that was looked up: how it is written in full, who and where it is, and the payee as it is sent."""

    shown: str
    at: str
    payee: Payee
    verified: bool


def look_up(ws: Workspace, client: Fincra, wanted: Order) -> Found:
    """Whose a destination is, as the payment would find it. Sends no payment.

    Raises `errors.Usage` for what can't be paid, `errors.Rejected` for an account that is not found,
    `errors.RefusedByPolicy` for another holder or for a name that can't be checked.
    """
    to, currency = wanted.to, wanted.amount.currency
    if to.kind == "fincra":
        return _of_wallet(client, wanted)
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


def _of_wallet(client: Fincra, wanted: Order) -> Found:
    number, (_, currency) = wanted.to.account, wanted.amount
    if wanted.source != currency:
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
    return Found(str(wanted.to), "Fincra", Payee(owner, number, "", "", mobile=False), verified=True)


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
