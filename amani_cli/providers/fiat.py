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


class Holder(NamedTuple):
    """Whose an account is. `name` is None where it is not found, or, with the provider's `words`, not looked up."""

    name: str | None
    words: str = ""


class Payee(NamedTuple):
    """Who a payout goes to. `bank` is the bank's or operator's code, the one of its codes that the currency wants."""

    name: str
    account: str
    bank: str
    country: str
    mobile: bool
    company: bool = False


class Quote(NamedTuple):
    """A rate that holds until `expires_at` (unix seconds): `charged` leaves in one currency, `received` arrives.

    What it costs is what is charged beyond `amount`: which currency the provider's own figure is in, no two say alike.
    """

    reference: str
    source: str
    destination: str
    amount: Decimal
    charged: Decimal
    received: Decimal
    rate: Decimal
    expires_at: float

    @property
    def fee(self) -> Decimal:
        """What it costs, in the currency that leaves."""
        return self.charged - self.amount


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


class Refund(NamedTuple):
    """A payout that came back after it had settled: by our reference or the provider's, and the refund's own."""

    reference: str | None
    our_reference: str | None
    provider_reference: str | None
    amount: Decimal | None
    at: str | None


class VirtualAccount(NamedTuple):
    """A bank account of a business' own at its provider, that others pay into."""

    id: str
    currency: str
    number: str
    bank: str
    name: str


class Collection(NamedTuple):
    """Money that somebody sent to a virtual account: `amount` is what they sent, `narration` what they wrote to it."""

    reference: str
    account: str | None
    amount: Decimal
    currency: str
    payer: str
    narration: str
    session: str | None
    at: str | None


class Statement(NamedTuple):
    """What a wallet's currency held at both ends of a time."""

    opening: Decimal
    closing: Decimal
