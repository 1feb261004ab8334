"""What a wallet's provider can do, in amani's own words: answers become these records, whatever the JSON was."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from amani_cli.models import CurrencyBalance

RecordStatus = Literal["settled", "pending", "failed"]
Heard = Literal["settled", "pending", "failed", "refused", "limited", "silence"]


class Client(Protocol):
    """What an open line to either provider can tell of a wallet. Use it as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def held(self) -> int | list[CurrencyBalance]:
        """What the wallet holds: msat, or one balance a currency."""
        ...

    def identity(self) -> str | None:
        """The wallet's id at its provider; None when a key that only reads hides it."""
        ...


class RemoteWallet(NamedTuple):
    """A wallet as its provider describes it. `id` is None when only a read key was shown."""

    name: str
    balance_msat: int
    id: str | None
    can_spend: bool


class NewWallet(NamedTuple):
    """A wallet just made, with its keys."""

    id: str
    name: str
    admin_key: str
    read_key: str


class Record(NamedTuple):
    """The provider's own record of a payment. `amount_msat` is negative when money left; `fee_msat` never is."""

    payment_hash: str
    wallet_id: str | None
    amount_msat: int
    fee_msat: int
    status: RecordStatus
    preimage: str | None
    memo: str
    bolt11: str
    created_at: str | None
    expires_at: str | None
    settled_at: str | None


class PayAnswer(NamedTuple):
    """What came back from the one POST that pays.

    `settled`, `pending`, `failed`: the provider's word. `refused`: it answered that it did not even try. `limited`:
    its rate limit turned the request away. `silence`: no answer that means anything. `record` is there when the
    answer was our own record of this very payment; `reason` is the provider's wording.
    """

    heard: Heard
    record: Record | FiatRecord | None
    reason: str
    code: str = ""


# -- fiat: amounts are exact decimals in major units ---------------------------------------------------


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


class FiatRecord(NamedTuple):
    """The provider's own record of a payout or a conversion.

    `amount` left in `currency`, `received` arrived in `received_currency`; `fee` is None while it is not known.
    `our_reference` is the one we made before sending, `provider_reference` the provider's.
    """

    our_reference: str | None
    provider_reference: str | None
    status: RecordStatus
    amount: Decimal | None
    currency: str | None
    received: Decimal | None
    received_currency: str | None
    fee: Decimal | None
    payee: str
    reason: str
    settled_at: str | None


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
