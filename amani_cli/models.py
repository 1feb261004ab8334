"""What commands hand to the printer: field names are the JSON names, and `SCHEMA` is the document's name.

Named tuples: every start would pay for pydantic, and five times as much for dataclasses, each of which compiles its
methods at import. Annotations are evaluated as they stand: with `from __future__ import annotations` a named tuple
compiles the text of each, and this module takes twice as long. `amani schema` builds JSON Schemas from these very
classes. Lightning amounts are integers of millisatoshi; fiat amounts are `Money`.
"""

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeVar

Provider = Literal["lnbits", "fincra"]
Access = Literal["spend", "read"]
PaymentStatus = Literal["settled", "failed", "unknown"]
InvoiceStatus = Literal["pending", "paid", "expired"]


_Model = TypeVar("_Model", bound=type)


def document(schema: str, *, leave_out: Collection[str] = ()) -> Callable[[_Model], _Model]:
    """Make a model a document of that name; the fields to `leave_out` are not printed when there is nothing to say."""

    def mark(model: _Model) -> _Model:
        model.SCHEMA, model.LEAVE_OUT = schema, frozenset(leave_out)  # type: ignore[attr-defined]
        return model

    return mark


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


@document("amani.wallet/1")
class Wallet(NamedTuple):
    """A wallet that amani knows. `id` is its id at the provider, `key_source` says where its key lives."""

    name: str
    provider: Provider
    url: str
    access: Access
    default: bool
    id: str | None
    key_source: str
    sandbox: bool = False
    live: bool = True
    login: bool = False
    server_version: str | None = None
    created_at: str | None = None


@document("amani.wallets/1")
class Wallets(NamedTuple):
    """Every wallet that amani knows."""

    items: list[Wallet]


@document("amani.removed/1")
class Removed(NamedTuple):
    """What `wallet remove` took away."""

    wallet: str
    keys_deleted: bool
    remote_deleted: bool


@document("amani.login/1")
class Login(NamedTuple):
    """A user's token for one LNbits, as stored; never the token itself."""

    url: str
    username: str
    logged_in: bool


@document(
    "amani.invoice/1",
    leave_out={
        *("quoted", "payment_hash", "bolt11", "amount_msat"),
        *("amount", "received", "variance", "link", "our_reference", "provider_reference"),
    },
)
class Invoice(NamedTuple):
    """A request for money made on one of our wallets.

    On Lightning it is a `bolt11` over `amount_msat`; on Fincra a page at `link` over `amount`, paid only when what was
    `received` covers it, and known by `our_reference`. `purpose` is `withdraw` for one that an LNURL-withdraw was asked
    to pay.
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

    @property
    def key(self) -> str:
        """What it is asked about by: its payment hash, or our reference."""
        return self.payment_hash or self.our_reference or ""

    @property
    def to_pay(self) -> str:
        """What is handed to whoever shall pay: the bolt11, or the page's address."""
        return self.bolt11 or self.link or ""


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
    """A name for somebody to pay; `pinned` is what was seen at the first payment that settled."""

    name: str
    destination: str
    pinned: dict[str, str]
    pinned_at: str | None


@document("amani.contacts/1")
class Contacts(NamedTuple):
    """Every contact, by name."""

    items: list[Contact]


class FiatSum(NamedTuple):
    """What of a batch is paid in one currency: the sum, without fees, and what the wallet can spend of it."""

    wallet: str
    currency: str
    total: Decimal
    balance: Decimal
    sufficient: bool


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


@document("amani.nothing/1")
class Nothing(NamedTuple):
    """There was nothing to do: why, and what the wallet holds."""

    reason: str
    wallet: str
    balance_msat: int
    keep_msat: int


@document(
    "amani.payment/1",
    leave_out={
        *("amount_msat", "fee_msat", "amount", "fee", "next_claim_at", "failure", "to_wallet", "success", "quoted"),
        *("received", "our_reference", "provider_reference"),
    },
)
class Payment(NamedTuple):
    """Money that left or came: the journal's entry, as the provider's own record settled it."""

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


@document("amani.payout_plan/1", leave_out={"fee", "rate", "expires_at"})
class PayoutPlan(NamedTuple):
    """What a movement of fiat would do; nothing was sent. Without `fee` it is known only when it has been taken.

    `payee` is the holder's name as the bank has it if `verified`, else as it was given.
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


@document("amani.history/1")
class History(NamedTuple):
    """Payments, newest first; `next` is what `--after` takes to go on."""

    items: list[Payment]
    next: str | None


@document("amani.exported/1")
class Exported(NamedTuple):
    """What `history export` wrote: settled payments of a period; `open` were left out for want of an outcome."""

    path: str
    format: str
    since: str | None
    until: str | None
    payments: int
    without_rate: int
    open: int


@document("amani.backup/1")
class Backup(NamedTuple):
    """A backup file. `keys` counts the secrets in it, `not_held` names what it can't hold or was not asked to."""

    path: str
    size_bytes: int
    made_at: str
    amani_version: str
    schema_version: int
    wallets: list[str]
    payments: int
    audit_entries: int
    audit_head: str
    with_keys: bool
    keys: int
    not_held: list[str]


@document("amani.restored/1")
class Restored(NamedTuple):
    """What `backup restore` put in place; `replaced` is where the database that was there before lies now."""

    made_at: str
    wallets: list[str]
    keys_restored: int
    without_key: list[str]
    replaced: str | None


class TraceEvent(NamedTuple):
    """One thing that happened, by which source; `id` is the entry that it belongs to."""

    at: str | None
    source: str
    text: str
    id: str | None


class TraceGap(NamedTuple):
    """A source that could not be searched, or not all of it, and why."""

    source: str
    reason: str


@document("amani.trace/1")
class Trace(NamedTuple):
    """What is known of a thing. Not `found` never means not paid: `not_searched` says where it may be."""

    asked: str
    found: bool
    timeline: list[TraceEvent]
    tell: str
    next: list[str]
    searched: list[str]
    not_searched: list[TraceGap]
    redacted: bool


@document("amani.event/1", leave_out={"payment"})
class Event(NamedTuple):
    """What `watch` saw: a `payment` that settled, or a balance `below` the mark."""

    at: str
    what: Literal["payment", "below"]
    wallet: str
    balance_msat: int | None
    payment: Payment | None


class ClosedWallet(NamedTuple):
    """One wallet's month in one unit: whole `msat`, or exact decimals of a currency.

    `received` and `sent` leave out `own_in` and `own_out`, which moved between our wallets; what the faucet gave and
    cheques cost is in them, and named apart. `provider_closing` is the provider's figure, counted back from today's.
    """

    wallet: str
    unit: str
    opening: int | Decimal
    received: int | Decimal
    sent: int | Decimal
    fees: int | Decimal
    own_in: int | Decimal
    own_out: int | Decimal
    closing: int | Decimal
    faucet_in: int | Decimal
    faucet_out: int | Decimal
    cheque_in: int | Decimal
    cheque_out: int | Decimal
    provider_closing: int | Decimal | None
    payments: int
    notes: list[str]
    differences: list[str]


@document("amani.closing/1")
class Closing(NamedTuple):
    """A month's books. `zone` is the one its days are counted in; `differences` is what nothing explains."""

    month: str
    zone: str
    since: str
    until: str
    items: list[ClosedWallet]
    open_cheques_msat: int
    open_outcomes: int
    differences: list[str]


ChartStep = Literal["day", "week", "month"]


class ChartPoint(NamedTuple):
    """What was there at the end of a step that begins on `day`, and what came and left in it."""

    day: str
    balance: int | Decimal
    received: int | Decimal
    sent: int | Decimal


@document("amani.chart/1")
class Chart(NamedTuple):
    """Balance and volume over time, whole `msat` or exact decimals of a currency; days are those of `zone`."""

    wallet: str | None
    unit: str
    step: ChartStep
    zone: str
    points: list[ChartPoint]


@document("amani.metrics/1")
class MetricsWritten(NamedTuple):
    """What `metrics --output` wrote."""

    path: str
    samples: int


@document("amani.sync/1")
class Synced(NamedTuple):
    """What `history sync` learned from the providers."""

    wallets: list[str]
    new: int
    updated: int


@document("amani.reconciliation/1")
class Reconciliation(NamedTuple):
    """Every open outcome, asked again.

    `compared` counts the wallets whose records and balance were read against the journal; `differences` is where the
    two part. `unasked` names the wallets that were to be asked and could not be.
    """

    checked: int
    settled: int
    failed: int
    unknown: int
    items: list[Payment]
    compared: int
    differences: list[str]
    unasked: list[str]


@document("amani.pin/1")
class Pin(NamedTuple):
    """How a wallet's PIN stands; up to and including `threshold_msat` none is asked for.

    A fiat wallet has `thresholds` instead, one a currency; in a currency without one the PIN is always needed.
    """

    wallet: str
    set: bool
    locked_until: str | None
    attempts_left: int
    always: bool
    threshold_msat: int | None
    reset_at: str | None
    thresholds: list[Money]


class LimitView(NamedTuple):
    """One limit of a wallet: what it allows, what is used and reserved, and when the next slot opens."""

    name: str
    allowed: str
    used: str
    reserved: str
    left: str
    opens_at: str | None


@document("amani.limits/1")
class Limits(NamedTuple):
    """Every limit and budget of a wallet as it stands."""

    wallet: str
    items: list[LimitView]


class AuditEntry(NamedTuple):
    """One entry of the audit log, with its hash in the chain."""

    seq: int
    at: str
    who: str
    actor: str | None
    what: str
    wallet: str | None
    subject: str | None
    amount_msat: int | None
    outcome: str | None
    reason: str | None
    hash: str


@document("amani.audit/1")
class Audit(NamedTuple):
    """Entries of the audit log, newest first."""

    items: list[AuditEntry]
    next: str | None


@document("amani.audit_verdict/1")
class AuditVerdict(NamedTuple):
    """Whether the audit log is whole: `head` is the hash of its last entry, `broken_at` the first that is wrong."""

    entries: int
    head: str
    intact: bool
    broken_at: int | None
    detail: str


@document("amani.faucet/1")
class Faucet(NamedTuple):
    """The faucet as it is set up and as it stands."""

    configured: bool
    wallet: str | None
    amount_msat: int | None
    cooldown_s: int | None
    daily_cap_msat: int | None
    balance_msat: int | None
    claimed_today_msat: int
    next_claim_at: str | None


@document("amani.cheque/1", leave_out={"code", "lnurl"})
class Cheque(NamedTuple):
    """A cheque: funds set aside in a wallet of their own. `code` is the money itself, and is shown once."""

    id: str
    amount_msat: int
    memo: str
    status: str
    created_at: str
    expires_at: str
    wallet: str
    url: str
    reference: str | None
    claimed_at: str | None
    claimed_by: str | None
    payment_hash: str | None
    can_rotate: bool
    outstanding_msat: int
    code: str | None = None
    lnurl: str | None = None
    replayed: bool = False
    sandbox: bool = False


@document("amani.cheques/1")
class Cheques(NamedTuple):
    """Cheques, newest first; `outstanding_msat` is what is set aside and not claimed."""

    items: list[Cheque]
    outstanding_msat: int
    wallets_msat: int | None = None


class Finding(NamedTuple):
    """One thing that `doctor` looked at; `fix` is the command or change that mends it."""

    check: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    fix: str = ""


@document("amani.diagnosis/1")
class Diagnosis(NamedTuple):
    """All that `doctor` found; it changed nothing."""

    items: list[Finding]


class SettingView(NamedTuple):
    """One setting, its value and where that came from."""

    name: str
    value: str
    source: str
    meaning: str


@document("amani.config/1")
class Settings(NamedTuple):
    """Every setting, and the folders amani keeps things in."""

    items: list[SettingView]
    paths: dict[str, str]


@document("amani.sandbox/1", leave_out={"outside_state", "outside_url"})
class SandboxView(NamedTuple):
    """The LNbits on loopback, as it stands."""

    state: str
    url: str | None
    pid: int | None
    version: str | None
    wallets: list[str]
    outside_state: str | None = None
    outside_url: str | None = None


@document("amani.completion/1", leave_out={"script", "path", "left_to_do"})
class CompletionScript(NamedTuple):
    """A shell's completion script: the text itself, or where it was written and what is left to do there."""

    shell: str
    script: str | None = None
    path: str | None = None
    left_to_do: str | None = None


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


@document("amani.explanation/1")
class Explanation(NamedTuple):
    """What a code means. An error code may come with more than one exit code; an exit code comes with itself."""

    code: str
    exit_codes: list[int]
    happened: str
    money_moved: str
    do: str


@document("amani.explanations/1")
class Explanations(NamedTuple):
    """Every exit code, then every error code."""

    items: list[Explanation]


def as_json(model: Any) -> Any:
    """Turn a model into what `json.dumps` takes: Decimals as strings, absent amounts left out."""
    if isinstance(model, Decimal):
        return format(model, "f")
    if isinstance(model, list):
        return [as_json(each) for each in model]
    if isinstance(model, dict):
        return {key: as_json(value) for key, value in model.items()}
    if not isinstance(model, tuple):
        return model
    omit: frozenset[str] = getattr(model, "LEAVE_OUT", frozenset())
    values = zip(model._fields, model, strict=True)  # type: ignore[attr-defined]
    return {name: as_json(value) for name, value in values if not (value is None and name in omit)}
