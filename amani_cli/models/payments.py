"""Payments, whom they are for and what they would do."""

from decimal import Decimal
from typing import Literal, NamedTuple

from amani_cli.models.document import document
from amani_cli.models.money import Money, Quoted

PaymentStatus = Literal["settled", "failed", "unknown", "reversed"]


class SuccessAction(NamedTuple):
    """What a payee wants shown once it is paid (LUD-09, LUD-10).

    `tag` is `message`, `url` or `aes`. The text of an `aes` stands in `secret` when the preimage has opened it.
    """

    tag: str
    text: str
    url: str | None = None
    ciphertext: str | None = None
    iv: str | None = None
    secret: str | None = None


@document("amani.payee/1")
class Payee(NamedTuple):
    """What an address or link leads to, as its server says; nothing was paid. Amounts are msat."""

    kind: Literal["pay", "withdraw", "login", "payout"]
    destination: str
    domain: str | None
    min_msat: int | None = None
    max_msat: int | None = None
    description: str | None = None
    long_description: str | None = None
    identifier: str | None = None
    comment_limit: int | None = None


@document("amani.contact/1")
class Contact(NamedTuple):
    """A name for somebody to pay; `pinned` is what was seen at the first payment that settled.

    For a bank account or a phone `holder` is whose it was when that was asked, `checked_at`.
    """

    name: str
    destination: str
    pinned: dict[str, str]
    pinned_at: str | None
    holder: str | None = None
    checked_at: str | None = None


@document("amani.contacts/1")
class Contacts(NamedTuple):
    """Every contact, by name."""

    items: list[Contact]


@document("amani.nothing/1", leave_out={"balance_msat", "keep_msat", "balance"})
class Nothing(NamedTuple):
    """There was nothing to do: why, and what the wallet holds, in msat or as an amount of fiat."""

    reason: str
    wallet: str
    balance_msat: int | None = None
    keep_msat: int | None = None
    balance: Money | None = None


@document(
    "amani.payment/1",
    leave_out={
        *("amount_msat", "fee_msat", "amount", "fee", "next_claim_at", "failure", "to_wallet", "success", "quoted"),
        *("received", "our_reference", "provider_reference", "duty", "documents", "session_id", "reversed_at", "payer"),
        *("host", "os_user", "request"),
    },
)
class Payment(NamedTuple):
    """Money that left or came: the journal's entry, as the provider's own record settled it.

    What is `reversed` settled and came back at `reversed_at`. The `fee` of fiat is all that it cost, with the stamp
    `duty` in it. `documents` are those that the provider waits for. `host` and `os_user` say on which machine and by
    whose account the entry was made, `request` under which request.
    """

    id: str
    wallet: str
    direction: Literal["in", "out"]
    kind: str
    status: PaymentStatus
    payment_hash: str | None
    preimage: str | None
    destination: str | None
    memo: str
    reference: str | None
    created_at: str
    settled_at: str | None
    replayed: bool = False
    amount_msat: int | None = None
    fee_msat: int | None = None
    amount: Money | None = None
    fee: Money | None = None
    failure: str | None = None
    to_wallet: str | None = None
    next_claim_at: str | None = None
    category: str | None = None
    actor: str | None = None
    sandbox: bool = False
    success: SuccessAction | None = None
    quoted: Quoted | None = None
    received: Money | None = None
    our_reference: str | None = None
    provider_reference: str | None = None
    duty: Money | None = None
    documents: str | None = None
    session_id: str | None = None
    reversed_at: str | None = None
    payer: str | None = None
    host: str | None = None
    os_user: str | None = None
    request: str | None = None


class FeeRange(NamedTuple):
    """What the last `payments` of a kind cost, from the `lowest` to the `highest`; the next one may cost more."""

    lowest: Decimal
    highest: Decimal
    currency: str
    payments: int


@document("amani.payout_plan/1", leave_out={"fee", "fee_before", "rate", "expires_at"})
class PayoutPlan(NamedTuple):
    """What a movement of fiat would do; nothing was sent. Without `fee` it is known only when it has been taken.

    `payee` is the holder's name as the bank has it if `verified`, else as it was given. `description` is what they are
    told of it, `memo` stays here. `fee_before` is what such
    payouts cost lately; the highest of them is out of `left` already.
    """

    wallet: str
    destination: str
    payee: str
    verified: bool
    at: str
    amount: Money
    received: Money
    balance: Money
    left: Money
    memo: str
    sufficient: bool
    live: bool
    fee: Money | None = None
    rate: Decimal | None = None
    expires_at: str | None = None
    fee_before: FeeRange | None = None
    description: str | None = None


@document("amani.plan/1")
class Plan(NamedTuple):
    """What a payment would do, told by `--dry-run`; nothing was sent."""

    wallet: str
    destination: str | None
    payment_hash: str
    amount_msat: int
    max_fee_msat: int
    internal: bool | None
    balance_msat: int
    left_msat: int
    memo: str
    expires_at: str
    sufficient: bool
    sandbox: bool = False
    domain: str | None = None
    description: str | None = None
    comment: str | None = None
    quoted: Quoted | None = None
    contact: str | None = None


class BankCode(NamedTuple):
    """A bank or a mobile-money operator: `kind` and `code` are what a destination of `pay` begins with."""

    kind: Literal["bank", "momo"]
    code: str
    name: str
    swift: str | None


@document("amani.banks/1")
class Banks(NamedTuple):
    """Where a currency can be paid to."""

    currency: str
    items: list[BankCode]
