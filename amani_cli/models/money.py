"""Amounts of fiat, quotes and balances."""

from decimal import Decimal
from typing import NamedTuple

from amani_cli.models.document import document
from amani_cli.models.wallets import Provider


class Money(NamedTuple):
    """A fiat amount: exact decimal `value` in major units of an ISO 4217 `currency`."""

    value: Decimal
    currency: str


class Quoted(NamedTuple):
    """A fiat amount that stands for sat: `price` is that of one bitcoin, as `source` gave it at the moment `at`."""

    value: Decimal
    currency: str
    price: Decimal
    source: str
    at: str


class CurrencyBalance(NamedTuple):
    """One currency of a fiat wallet: `value` can be spent, `ledger` includes what is locked."""

    value: Decimal
    currency: str
    ledger: Decimal
    locked: Decimal


@document("amani.balance/1", leave_out={"balance_msat", "balances", "about"})
class Balance(NamedTuple):
    """What a wallet holds, and when the provider said so."""

    wallet: str
    provider: Provider
    as_of: str
    cached: bool
    balance_msat: int | None = None
    balances: list[CurrencyBalance] | None = None
    sandbox: bool = False
    live: bool = True
    about: Quoted | None = None


@document("amani.balances/1")
class Balances(NamedTuple):
    """Several wallets' balances; `total_msat` counts real Lightning wallets, the sandbox's fake sats apart."""

    items: list[Balance]
    total_msat: int
    sandbox_total_msat: int = 0
