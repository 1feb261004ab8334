"""What only a fiat provider has, as records; amounts are exact decimals in major units."""

from decimal import Decimal
from typing import Literal, NamedTuple


class Business(NamedTuple):
    """Whose money a fiat key moves."""

    id: str
    name: str


class CurrencyAccount(NamedTuple):
    """One currency of a fiat wallet: `ledger` is `available` and `locked` together; `number` is paid to by others."""

    currency: str
    available: Decimal
    ledger: Decimal
    locked: Decimal
    number: str | None


class Bank(NamedTuple):
    """A bank, or a mobile-money operator if `mobile`. Codes are text: their leading zeros count."""

    code: str
    name: str
    swift: str | None
    mobile: bool


class Payee(NamedTuple):
    """Who a payout goes to. `bank` is the bank's or operator's code (for GHS banks its SWIFT code)."""

    name: str
    account: str
    bank: str
    country: str
    mobile: bool
    company: bool = False


class Quote(NamedTuple):
    """A rate that holds until `expires_at` (unix seconds): `charged` leaves in one currency, `received` arrives."""

    reference: str
    source: str
    destination: str
    amount: Decimal
    charged: Decimal
    received: Decimal
    fee: Decimal
    rate: Decimal
    expires_at: float


class Checkout(NamedTuple):
    """What became of a hosted payment page. `status` is the provider's word; paid is what covers `expected`."""

    our_reference: str
    provider_reference: str | None
    status: Literal["pending", "success", "failed", "expired"]
    currency: str
    expected: Decimal
    received: Decimal
    paid_at: str | None


class Movement(NamedTuple):
    """One line of a fiat wallet's log: a debit or a credit, tied to a payment by `our_reference` where we made it."""

    id: str
    our_reference: str | None
    provider_reference: str | None
    credit: bool
    amount: Decimal
    currency: str
    what: str
    memo: str
    created_at: str | None
