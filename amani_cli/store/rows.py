"""The rows of the ledger, typed: each column by its name, so that nothing outside the store spells one as text.

A row is what the engine hands out, with its columns as attributes (a `sqlite3.Row`, or a tuple that behaves like one);
the annotations are for readers and the type checker, and a test holds them to the tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex

from amani_cli.models.invoices import InvoiceStatus
from amani_cli.models.wallets import Access, Provider


class Answer(Protocol):
    """What a statement came to."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    @property
    def lastrowid(self) -> int | None:
        """The number that a new row was given, in a table that numbers its rows."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Transaction(Protocol):
    """What a statement is given to: SQL that both engines understand (`dialect` says how), with `?` for each value."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Answer:
        """Run one statement."""

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> object:
        """Run one statement for each of some rows."""


class Row(sqlite3.Row):
    """A row of any query."""

    if TYPE_CHECKING:

        def __getitem__(self, key: SupportsIndex | slice) -> Any:  # type: ignore[override]
            """By place alone: a column that is spelled as text would be checked by nobody."""
    else:

        def __getattr__(self, name):
            try:
                return self[name]
            except IndexError:
                raise AttributeError(name) from None


class InvoiceRow(Row):
    """What was asked for, by whichever provider it is to come."""

    payment_hash: str
    wallet_id: int
    wallet: str
    bolt11: str
    amount_msat: int
    memo: str
    status: InvoiceStatus
    purpose: str
    reference: str | None
    preimage: str | None
    created_at: str
    expires_at: str
    paid_at: str | None
    amount: str | None
    currency: str | None
    received: str | None
    link: str | None
    provider_reference: str | None
    category: str | None
    quoted: str | None
    account: str | None


class ChequeRow(Row):
    """A cheque: the wallet that holds it, and how it stands. Never its key."""

    id: str
    wallet_id: int
    wallet: str
    identity: str
    url: str
    remote_id: str | None
    place: str
    has_login: int
    status: str
    amount_msat: int
    reserve_msat: int
    memo: str
    reference: str | None
    funding_hash: str | None
    payment_hash: str | None
    claimed_at: str | None
    claimed_by: str | None
    swept: int
    created_at: str
    expires_at: str
    ledger_ahead: int | None
    claim: str | None
    host: str | None


class LinkRow(Row):
    """A cheque's link: the hash of its token, and where it is served. Never the token."""

    token_hash: str
    cheque_id: str
    base_url: str
    machine: str
    created_at: str


class AddressRow(Row):
    """A Lightning address: whose wallet it pays, and where its invoice key is kept, if not with the wallet's."""

    name: str
    wallet_id: int
    place: str | None
    min_msat: int
    max_msat: int
    comment: int
    created_at: str


class ServedRow(Row):
    """How often `serve` did something."""

    what: str
    number: int


class WalletRow(Row):
    """A wallet: where it is, and where its keys are. Never a key."""

    id: int
    name: str
    name_key: str
    provider: Provider
    url: str
    remote_id: str | None
    access: Access
    key_source: str
    has_read_key: int
    sandbox: int
    live: int
    login: str | None
    insecure_http: int
    server_version: str | None
    is_default: int
    balance: str | None
    balance_at: str | None
    created_at: str
    public_key: str | None
    balance_clock: float | None


class LoginRow(Row):
    """A user's login at one LNbits."""

    url: str
    username: str
    sandbox: int
    created_at: str


class AuditRow(Row):
    """An entry of the audit log."""

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


class PinRow(Row):
    """A wallet's PIN, hashed."""

    identity: str
    hash: str
    place: str
    pepper: str
    always: int
    failures: int
    reset_at: str | None
    changed_at: str
    streak: int


class BudgetRow(Row):
    """A wallet's budget in one unit, as decimal text."""

    identity: str
    unit: str
    per_payment: str | None
    per_day: str | None


class FaucetRow(Row):
    """What the faucet gives, out of which wallet."""

    id: int
    wallet_id: int
    amount_msat: int
    cooldown_s: int
    daily_cap_msat: int | None


class ContactRow(Row):
    """A name for a payee, and what was seen of it."""

    name: str
    name_key: str
    destination: str
    seen: str | None
    seen_at: str | None
    created_at: str
    checked: str | None
    checked_at: str | None


class MarkRow(Row):
    """Something to remember, by its name."""

    name: str
    value: str
    at: str


class ReferenceRow(Row):
    """What a reference stands for."""

    reference: str
    what: str
    target: str | None
    created_at: str


class HoldRow(Row):
    """A wallet that a restored copy knew, and that was not read back since.

    `here` is 1 if the copy could ask it, 0 if not, and -1 once a person has given it up.
    """

    remote_id: str
    wallet: str
    here: int
    why: str
    at: str


class ResolutionRow(Row):
    """The invoice that a reference was resolved to."""

    reference: str
    bolt11: str
    expires_at: str
    details: str
    created_at: str


class ClosedRow(Row):
    """A wallet's month with the figures that it was closed with, as JSON."""

    month: str
    wallet_id: int
    wallet: str
    unit: str
    zone: str
    figures: str
    closed_at: str


class CallRow(Row):
    """What was counted of the calls to one endpoint; after these come the counts up to each limit of time."""

    provider: str
    method: str
    endpoint: str
    calls: int
    errors: int
    total_ms: int


class ClaimRow(Row):
    """What a process of some machine is at work on; in a ledger that several share."""

    name: str
    id: str
    what: str
    host: str
    os_user: str
    boot: str
    pid: int
    started: str
    at: str


class SuccessRow(Row):
    """When a command last succeeded, in unix seconds."""

    command: str
    at: int


class RequestRow(Row):
    """What somebody asked to be sent or changed, exactly as it was written down (`body`, canonical JSON).

    `filed` and `ends` are moments of the ledger's time, in unix seconds.
    """

    id: str
    status: str
    what: str
    identity: str
    body: str
    digest: str
    reference: str | None
    actor: str | None
    os_user: str
    host: str
    filed: float
    ends: float
    reason: str | None
    changed_at: str


class SignatureRow(Row):
    """What an approver signed about a request."""

    request_id: str
    approver: str
    public_key: str
    verdict: str
    signature: str
    at: str


class ApproverRow(Row):
    """Somebody who may approve, for the wallet of `identity` or ("") for every one."""

    name: str
    name_key: str
    public_key: str
    os_user: str
    host: str
    identity: str
    added_at: str


class RuleOfTwoRow(Row):
    """How many must approve what leaves a wallet; `named` are who of them (JSON), None: whoever there is."""

    identity: str
    approvals: int
    named: str | None


class LineRow(Row):
    """Above which amount, in a unit, a wallet's payments are to be approved."""

    identity: str
    unit: str
    above: str


class AgentRow(Row):
    """What an agent may spend from a wallet, in `unit`, and whom it may pay (JSON; None: anybody)."""

    identity: str
    name: str
    unit: str
    per_payment: str
    per_day: str
    payees: str | None
