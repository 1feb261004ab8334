"""What commands hand to the printer: field names are the JSON names, and `SCHEMA` is the document's name.

Named tuples: every start would pay for pydantic, and five times as much for dataclasses, each of which compiles its
methods at import. Annotations are evaluated as they stand: with `from __future__ import annotations` a named tuple
compiles the text of each, and this module takes twice as long. `amani schema` builds JSON Schemas from these very
classes. Lightning amounts are integers of millisatoshi; fiat amounts are `Money`.
"""

from typing import Literal, NamedTuple

from amani_cli.models.document import document
from amani_cli.models.money import Money
from amani_cli.models.payments import Payment
from amani_cli.models.requests import Request


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


class TraceCandidate(NamedTuple):
    """One of several things that may be meant: when, over how much, how it stands, with whom, and what to ask by."""

    at: str | None
    what: str
    status: str
    wallet: str
    counterpart: str | None
    amount_msat: int | None
    amount: Money | None
    id: str


@document("amani.trace/1")
class Trace(NamedTuple):
    """What is known of a thing. Not `found` never means not paid: `not_searched` says where it may be.

    With `candidates` more than one thing fits, and nothing is said of any: ask again with the id of one. `tell` is for
    the customer, `next` for the desk.
    """

    asked: str
    found: bool
    timeline: list[TraceEvent]
    tell: str
    next: list[str]
    searched: list[str]
    not_searched: list[TraceGap]
    redacted: bool
    candidates: list[TraceCandidate]


@document("amani.event/1", leave_out={"payment", "request"})
class Event(NamedTuple):
    """What `watch` saw: a `payment` that settled, a balance `below` the mark, a `request` that waits for approval."""

    at: str
    what: Literal["payment", "below", "request"]
    wallet: str
    balance_msat: int | None
    payment: Payment | None
    request: Request | None = None


@document("amani.metrics/1")
class MetricsWritten(NamedTuple):
    """What `metrics --output` wrote."""

    path: str
    samples: int


class OpenOutcome(NamedTuple):
    """Why a payment stays open, and by when it is over at the latest, where that can be told."""

    id: str
    reason: str
    until: str | None


@document("amani.reconciliation/1")
class Reconciliation(NamedTuple):
    """Every open outcome, asked again.

    `compared` counts the wallets whose records and balance were read against the journal; `differences` is where the
    two part. `unasked` names the wallets that were to be asked and could not be. `reversed` counts the payouts that
    turn out to have come back after they settled. `open` says of each payment that stays open why. `given_up` names
    what a person said can never be asked again.
    """

    checked: int
    settled: int
    failed: int
    unknown: int
    items: list[Payment]
    compared: int
    differences: list[str]
    unasked: list[str]
    open: list[OpenOutcome]
    reversed: int = 0
    given_up: list[str] = []  # noqa: RUF012


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
