"""Plans of many payments and how they stand."""

from decimal import Decimal
from typing import Literal, NamedTuple

from amani_cli.models.document import document
from amani_cli.models.money import Money, Quoted


class FiatSum(NamedTuple):
    """What of a batch is paid in one currency: the sum, without fees, and what the wallet can spend of it."""

    wallet: str
    currency: str
    total: Decimal
    balance: Decimal
    sufficient: bool


class CheckedName(NamedTuple):
    """The holder of a row's account: who it should be, who the bank says (null: not asked, or nobody can say).

    A row that `differs` is not paid until the bank's name is written under `signed_off` in the table.
    """

    row: int
    to: str
    expected: str | None
    found: str | None
    differs: bool
    signed_off: bool


@document("amani.batch_plan/1")
class BatchPlan(NamedTuple):
    """What a plan of many payments (or what is left of it) comes to; nothing was paid. Amounts are msat, and `fiat`.

    `quoted` are the sums of the Lightning rows that are in fiat, each with the price that makes its part of the total.

    `wallet` and what is in msat are of the Lightning rows; without any they are null and 0.
    """

    plan: str
    hash: str
    wallet: str | None
    rows: int
    kinds: dict[str, int]
    total_msat: int
    max_fee_msat: int
    balance_msat: int | None
    left_msat: int | None
    sufficient: bool
    needs_pin: bool
    sandbox: bool
    fiat: list[FiatSum]
    quoted: list[Quoted]
    names: list[CheckedName]


@document("amani.batch_row/1", leave_out={"failure", "amount", "fee"})
class BatchRow(NamedTuple):
    """One row of a batch: `status` is `open` until it was tried, `id` the payment's or the cheque's."""

    row: int
    to: str
    status: Literal["settled", "failed", "unknown", "open"]
    amount_msat: int | None
    fee_msat: int | None
    memo: str
    reference: str
    id: str | None
    payment_hash: str | None
    preimage: str | None
    settled_at: str | None
    failure: str | None = None
    amount: Money | None = None
    fee: Money | None = None


@document("amani.batch/1")
class Batch(NamedTuple):
    """How a batch stands: counts, sums in msat of what settled, and rows."""

    plan: str
    hash: str
    wallet: str | None
    rows: int
    settled: int
    failed: int
    unknown: int
    open: int
    paid_msat: int
    fee_msat: int
    paid: list[Money]
    items: list[BatchRow]
