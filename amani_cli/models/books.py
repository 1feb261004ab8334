"""The journal, its months, its pictures and its audit log."""

from decimal import Decimal
from typing import Literal, NamedTuple

from amani_cli.models.document import document
from amani_cli.models.payments import Payment


class Freshness(NamedTuple):
    """When a wallet's own records were last read to the end, None if never: what others did since is not here."""

    wallet: str
    as_of: str | None


@document("amani.history/1")
class History(NamedTuple):
    """Payments, newest first; `next` is what `--after` takes to go on, `read` how fresh each wallet's are."""

    items: list[Payment]
    next: str | None
    read: list[Freshness]


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


class ClosedWallet(NamedTuple):
    """One wallet's month in one unit: whole `msat`, or exact decimals of a currency.

    `received` and `sent` leave out `own_in` and `own_out`, which moved between our wallets; what the faucet gave and
    cheques cost is in them, and named apart. `returned` is what came back of payouts that had settled: it is not in
    `received`. `duties` is what of `fees` is stamp duty. `provider_closing` is the provider's figure, by its own
    statement or counted back from today's.
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
    returned: int | Decimal = 0
    duties: int | Decimal = 0


@document("amani.closing/1")
class Closing(NamedTuple):
    """A month's books. `zone` is the one its days are counted in; `differences` is what nothing explains.

    A `preview` is of a month that is not over yet: its figures so far, and nothing was closed.
    """

    month: str
    zone: str
    since: str
    until: str
    items: list[ClosedWallet]
    open_cheques_msat: int
    open_outcomes: int
    differences: list[str]
    preview: bool = False


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


@document("amani.sync/1")
class Synced(NamedTuple):
    """What `history sync` learned from the providers."""

    wallets: list[str]
    new: int
    updated: int


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
