"""What a wallet's provider can do, in amani's own words: answers become these records, whatever the JSON was.

Every start pays for this module, so what Fincra alone has stands in `fiat`, and annotations are evaluated as they
stand (see `models`).
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from amani_cli.models.money import CurrencyBalance

RecordStatus = Literal["settled", "pending", "failed", "reversed"]
Heard = Literal["settled", "pending", "failed", "reversed", "refused", "limited", "silence"]


class Client(Protocol):
    """What an open line to either provider can tell of a wallet. Use it as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def held(self) -> "int | list[CurrencyBalance]":
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


class Made(NamedTuple):
    """An invoice that a server says it made, and for which wallet: 0.12 does not say.

    `answers_this` is False for an answer that tells of another request than the one it is to; 0.12 tells of none.
    """

    payment_hash: str
    bolt11: str
    wallet_id: str | None
    answers_this: bool


class Named(NamedTuple):
    """What is told along with a payment, so that its record tells it again: its reference with what that stands for,
    the `claimer` to whom the faucet gave it, and the `agent` who spent it. Any of them may be None.

    `also` are further references, each with its meaning: those under which it was sent again.
    """

    reference: str | None
    meaning: str | None
    claimer: str | None = None
    agent: str | None = None
    also: tuple[tuple[str, str], ...] = ()

    @property
    def references(self) -> tuple[tuple[str, str], ...]:
        """Every reference, each with its meaning."""
        if self.reference is None or self.meaning is None:
            return self.also
        return ((self.reference, self.meaning), *self.also)


class Record(NamedTuple):
    """The provider's own record of a payment. `amount_msat` is negative when money left; `fee_msat` never is.

    `named` is what was told along with it, if it was amani's. `listed_at`, in unix seconds, is where it stands in the
    provider's list, whatever becomes of it.
    """

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
    named: Named | None = None
    listed_at: float | None = None


class FiatRecord(NamedTuple):
    """The provider's own record of a payout or a conversion.

    `amount` was to go, in `currency`, and `received` arrived in `received_currency`; `charged` left, with `fee` and
    stamp `duty` in it. What is not told is None. `our_reference` is the one we made before sending,
    `provider_reference` the provider's, `session` that of the payment between banks. It waits for `documents`. What is
    `reversed` had settled and came back.
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
    charged: Decimal | None = None
    duty: Decimal = Decimal(0)
    documents: tuple[str, ...] = ()
    session: str | None = None
    reversed_at: str | None = None

    def cost(self, amount: Decimal) -> Decimal | None:
        """What it cost on top of `amount`, fee and duty together, in `currency`; None where that can't be told.

        A payout that was charged no more than its amount has either cost nothing, or its record has the older names,
        where the fee stands beside.
        """
        if self.charged is not None and self.charged > amount:
            return self.charged - amount
        return None if self.fee is None else self.fee + self.duty


class PayAnswer(NamedTuple):
    """What came back from the one POST that pays.

    `settled`, `pending`, `failed`: the provider's word. `refused`: it answered that it did not even try. `limited`:
    its rate limit turned the request away. `silence`: no answer that means anything. `record` is there when the
    answer was our own record of this very payment; `reason` is the provider's wording. `accepted` says that it took the
    payment on: whatever it says later, the request did arrive.
    """

    heard: Heard
    record: Record | FiatRecord | None
    reason: str
    code: str = ""
    accepted: bool = False
