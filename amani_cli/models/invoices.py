"""Requests for money."""

from typing import Literal, NamedTuple

from amani_cli.models.document import document
from amani_cli.models.money import Money, Quoted

InvoiceStatus = Literal["pending", "paid", "expired"]


class BankAccount(NamedTuple):
    """A bank account that money is asked for on; the payer writes `mark` to the transfer, so that it is recognised."""

    bank: str
    number: str
    name: str
    mark: str


@document(
    "amani.invoice/1",
    leave_out={
        *("quoted", "payment_hash", "bolt11", "amount_msat"),
        *("amount", "received", "variance", "link", "our_reference", "provider_reference"),
        *("amount_received", "underpaid", "account"),
    },
)
class Invoice(NamedTuple):
    """A request for money made on one of our wallets.

    On Lightning it is a `bolt11` over `amount_msat`; on Fincra a page at `link`, or a transfer to a bank `account`,
    over `amount`: paid only when what came (`amount_received`) covers it, `underpaid` until then. It is known by
    `our_reference`. `purpose` is `withdraw` for one that an LNURL-withdraw was asked to pay.
    """

    wallet: str
    memo: str
    status: InvoiceStatus
    created_at: str
    expires_at: str
    payment_hash: str | None = None
    bolt11: str | None = None
    amount_msat: int | None = None
    paid_at: str | None = None
    preimage: str | None = None
    reference: str | None = None
    replayed: bool = False
    quoted: Quoted | None = None
    amount: Money | None = None
    received: Money | None = None
    variance: Literal["underpayment", "overpayment"] | None = None
    link: str | None = None
    our_reference: str | None = None
    provider_reference: str | None = None
    purpose: str = "invoice"
    amount_received: Money | None = None
    underpaid: bool | None = None
    account: BankAccount | None = None

    @property
    def key(self) -> str:
        """What it is asked about by: its payment hash, or our reference."""
        return self.payment_hash or self.our_reference or ""

    @property
    def to_pay(self) -> str:
        """What is handed to whoever shall pay: the bolt11, the page's address, or the account's number."""
        return self.bolt11 or self.link or (self.account.number if self.account else "")


@document("amani.invoices/1")
class Invoices(NamedTuple):
    """Invoices, newest first; `next` continues the list."""

    items: list[Invoice]
    next: str | None = None


@document("amani.decoded/1")
class Decoded(NamedTuple):
    """What a bolt11 invoice says, read offline."""

    bolt11: str
    payment_hash: str
    amount_msat: int | None
    description: str | None
    description_hash: str | None
    payee: str
    network: str
    created_at: str
    expires_at: str
    expired: bool
