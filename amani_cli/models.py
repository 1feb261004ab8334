"""What commands hand to the printer: field names are the JSON names, and `SCHEMA` is the document's name.

Plain dataclasses, because every start would pay for pydantic; `amani schema` builds JSON Schemas from these very
classes. Lightning amounts are integers of millisatoshi; fiat amounts are `Money`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

Provider = Literal["lnbits", "fincra"]
Access = Literal["spend", "read"]
PaymentStatus = Literal["settled", "failed", "unknown"]
InvoiceStatus = Literal["pending", "paid", "expired"]


@dataclass(frozen=True, slots=True)
class Money:
    """A fiat amount: exact decimal `value` in major units of an ISO 4217 `currency`."""

    value: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class CurrencyBalance:
    """One currency of a fiat wallet: `value` can be spent, `ledger` includes what is locked."""

    value: Decimal
    currency: str
    ledger: Decimal
    locked: Decimal


@dataclass(slots=True)
class Balance:
    """What a wallet holds, and when the provider said so."""

    SCHEMA: ClassVar[str] = "amani.balance/1"
    OMIT_NONE: ClassVar[frozenset[str]] = frozenset({"balance_msat", "balances"})

    wallet: str
    provider: Provider
    as_of: str
    cached: bool
    balance_msat: int | None = None
    balances: list[CurrencyBalance] | None = None
    sandbox: bool = False


@dataclass(slots=True)
class Balances:
    """Several wallets' balances; `total_msat` counts real Lightning wallets, the sandbox's fake sats apart."""

    SCHEMA: ClassVar[str] = "amani.balances/1"

    items: list[Balance]
    total_msat: int
    sandbox_total_msat: int = 0


@dataclass(slots=True)
class Wallet:
    """A wallet that amani knows. `id` is its id at the provider, `key_source` says where its key lives."""

    SCHEMA: ClassVar[str] = "amani.wallet/1"

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


@dataclass(slots=True)
class Wallets:
    """Every wallet that amani knows."""

    SCHEMA: ClassVar[str] = "amani.wallets/1"

    items: list[Wallet]


@dataclass(slots=True)
class Removed:
    """What `wallet remove` took away."""

    SCHEMA: ClassVar[str] = "amani.removed/1"

    wallet: str
    keys_deleted: bool
    remote_deleted: bool


@dataclass(slots=True)
class Login:
    """A user's token for one LNbits, as stored; never the token itself."""

    SCHEMA: ClassVar[str] = "amani.login/1"

    url: str
    username: str
    logged_in: bool


@dataclass(slots=True)
class Invoice:
    """A request for money made on one of our wallets."""

    SCHEMA: ClassVar[str] = "amani.invoice/1"

    wallet: str
    payment_hash: str
    bolt11: str
    amount_msat: int
    memo: str
    status: InvoiceStatus
    created_at: str
    expires_at: str
    paid_at: str | None = None
    preimage: str | None = None
    reference: str | None = None
    replayed: bool = False


@dataclass(slots=True)
class Invoices:
    """Invoices, newest first; `next` continues the list."""

    SCHEMA: ClassVar[str] = "amani.invoices/1"

    items: list[Invoice]
    next: str | None = None


@dataclass(slots=True)
class Decoded:
    """What a bolt11 invoice says, read offline."""

    SCHEMA: ClassVar[str] = "amani.decoded/1"

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


@dataclass(slots=True)
class Payment:
    """Money that left or came: the journal's entry, as the provider's own record settled it."""

    SCHEMA: ClassVar[str] = "amani.payment/1"
    OMIT_NONE: ClassVar[frozenset[str]] = frozenset(
        {"amount_msat", "fee_msat", "amount", "fee", "next_claim_at", "failure", "to_wallet"}
    )

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
    actor: str | None = None
    sandbox: bool = False


@dataclass(slots=True)
class Plan:
    """What a payment would do, told by `--dry-run`; nothing was sent."""

    SCHEMA: ClassVar[str] = "amani.plan/1"

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


@dataclass(slots=True)
class History:
    """Payments, newest first; `next` is what `--after` takes to go on."""

    SCHEMA: ClassVar[str] = "amani.history/1"

    items: list[Payment]
    next: str | None


@dataclass(slots=True)
class Synced:
    """What `history sync` learned from the providers."""

    SCHEMA: ClassVar[str] = "amani.sync/1"

    wallets: list[str]
    new: int
    updated: int


@dataclass(slots=True)
class Reconciliation:
    """Every open outcome, asked again."""

    SCHEMA: ClassVar[str] = "amani.reconciliation/1"

    checked: int
    settled: int
    failed: int
    unknown: int
    items: list[Payment]


@dataclass(slots=True)
class Pin:
    """How a wallet's PIN stands; `threshold_msat` is the amount up to and including which none is asked for."""

    SCHEMA: ClassVar[str] = "amani.pin/1"

    wallet: str
    set: bool
    locked_until: str | None
    attempts_left: int
    always: bool
    threshold_msat: int | None
    reset_at: str | None


@dataclass(slots=True)
class LimitView:
    """One limit of a wallet: what it allows, what is used and reserved, and when the next slot opens."""

    name: str
    allowed: str
    used: str
    reserved: str
    left: str
    opens_at: str | None


@dataclass(slots=True)
class Limits:
    """Every limit and budget of a wallet as it stands."""

    SCHEMA: ClassVar[str] = "amani.limits/1"

    wallet: str
    items: list[LimitView]


@dataclass(slots=True)
class AuditEntry:
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


@dataclass(slots=True)
class Audit:
    """Entries of the audit log, newest first."""

    SCHEMA: ClassVar[str] = "amani.audit/1"

    items: list[AuditEntry]
    next: str | None


@dataclass(slots=True)
class AuditVerdict:
    """Whether the audit log is whole: `head` is the hash of its last entry, `broken_at` the first that is wrong."""

    SCHEMA: ClassVar[str] = "amani.audit_verdict/1"

    entries: int
    head: str
    intact: bool
    broken_at: int | None
    detail: str


@dataclass(slots=True)
class Faucet:
    """The faucet as it is set up and as it stands."""

    SCHEMA: ClassVar[str] = "amani.faucet/1"

    configured: bool
    wallet: str | None
    amount_msat: int | None
    cooldown_s: int | None
    daily_cap_msat: int | None
    balance_msat: int | None
    claimed_today_msat: int
    next_claim_at: str | None


@dataclass(slots=True)
class Cheque:
    """A cheque: funds set aside in a wallet of their own. `code` is the money itself, and is shown once."""

    SCHEMA: ClassVar[str] = "amani.cheque/1"
    OMIT_NONE: ClassVar[frozenset[str]] = frozenset({"code", "lnurl"})

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


@dataclass(slots=True)
class Cheques:
    """Cheques, newest first; `outstanding_msat` is what is set aside and not claimed."""

    SCHEMA: ClassVar[str] = "amani.cheques/1"

    items: list[Cheque]
    outstanding_msat: int
    wallets_msat: int | None = None


@dataclass(slots=True)
class Finding:
    """One thing that `doctor` looked at; `fix` is the command or change that mends it."""

    check: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    fix: str = ""


@dataclass(slots=True)
class Diagnosis:
    """All that `doctor` found; it changed nothing."""

    SCHEMA: ClassVar[str] = "amani.diagnosis/1"

    items: list[Finding]


@dataclass(slots=True)
class SettingView:
    """One setting, its value and where that came from."""

    name: str
    value: str
    source: str
    meaning: str


@dataclass(slots=True)
class Settings:
    """Every setting, and the folders amani keeps things in."""

    SCHEMA: ClassVar[str] = "amani.config/1"

    items: list[SettingView]
    paths: dict[str, str]


@dataclass(slots=True)
class SandboxView:
    """The LNbits on loopback, as it stands."""

    SCHEMA: ClassVar[str] = "amani.sandbox/1"

    state: str
    url: str | None
    pid: int | None
    version: str | None
    wallets: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Explanation:
    """What a code means. An error code may come with more than one exit code; an exit code comes with itself."""

    SCHEMA: ClassVar[str] = "amani.explanation/1"

    code: str
    exit_codes: list[int]
    happened: str
    money_moved: str
    do: str


@dataclass(slots=True)
class Explanations:
    """Every exit code, then every error code."""

    SCHEMA: ClassVar[str] = "amani.explanations/1"

    items: list[Explanation]


def as_json(model: Any) -> Any:
    """Turn a model into what `json.dumps` takes: Decimals as strings, absent amounts left out."""
    if isinstance(model, Decimal):
        return format(model, "f")
    if isinstance(model, list):
        return [as_json(each) for each in model]
    if isinstance(model, dict):
        return {key: as_json(value) for key, value in model.items()}
    if not is_dataclass(model):
        return model
    omit: frozenset[str] = getattr(model, "OMIT_NONE", frozenset())
    return {
        each.name: as_json(getattr(model, each.name))
        for each in fields(model)
        if not (each.name in omit and getattr(model, each.name) is None)
    }
