"""Requests, who approves them, and the files that carry them between machines."""

from typing import Any, Literal, NamedTuple

from amani_cli.models.document import document
from amani_cli.models.money import Money

RequestStatus = Literal[
    "open", "approved", "refused", "expired", "cancelled", "running", "settled", "failed", "unknown"
]


class Approval(NamedTuple):
    """What somebody signed about a request; `counts` as keys and rules stand, and `why` it does not."""

    name: str
    verdict: Literal["approve", "refuse"]
    at: str
    counts: bool
    why: str | None = None


@document(
    "amani.request/1",
    leave_out={"amount_msat", "amount", "max_fee_msat", "max_fee", "fiat", "reason", "payment", "not_before"},
)
class Request(NamedTuple):
    """What somebody asked to be sent or changed, and who has agreed. `digest` is what is signed.

    `amount_msat`, `amount` or, for a batch, `fiat` too are the most that leaves, without fees. `details` say the rest
    of it in words. `needed` is how many approvals it takes as the rules stand.
    """

    id: str
    status: RequestStatus
    what: str
    wallet: str
    destination: str
    memo: str
    reference: str | None
    requested_by: str
    os_user: str
    host: str
    created_at: str
    expires_at: str
    approvals: list[Approval]
    needed: int
    digest: str
    details: list[str]
    amount_msat: int | None = None
    max_fee_msat: int | None = None
    amount: Money | None = None
    max_fee: Money | None = None
    fiat: list[Money] | None = None
    not_before: str | None = None
    reason: str | None = None
    payment: str | None = None


@document("amani.requests/1")
class Requests(NamedTuple):
    """Requests, newest first."""

    items: list[Request]


@document("amani.request_file/1")
class RequestFile(NamedTuple):
    """A request for another machine: `request` as it was written down, with the `digest` of its canonical JSON."""

    request: dict[str, Any]
    digest: str


@document("amani.approval/1")
class ApprovalFile(NamedTuple):
    """What an approver signed about a request on another machine; `signature` is Ed25519, in hex."""

    request: str
    digest: str
    verdict: Literal["approve", "refuse"]
    public_key: str
    signature: str
    reason: str | None
    signed_at: str


@document("amani.approver/1", leave_out={"added_at", "public_half", "wallet"})
class Approver(NamedTuple):
    """Somebody who may approve: an Ed25519 key and whose it is. `public_half` is what 'approver add' takes."""

    name: str
    public_key: str
    os_user: str
    host: str
    added_at: str | None = None
    wallet: str | None = None
    public_half: str | None = None


@document("amani.approvers/1")
class Approvers(NamedTuple):
    """Everybody who may approve, by name."""

    items: list[Approver]


@document("amani.agent_plan/1", leave_out={"amount_msat", "amount", "max_fee_msat", "why_not"})
class AgentPlan(NamedTuple):
    """What an agent planned to pay, until when it may be paid, and whether the agent may pay it itself."""

    plan_id: str
    wallet: str
    destination: str
    description: str
    details: list[str]
    may_pay: bool
    sufficient: bool
    expires_at: str
    why_not: str | None = None
    amount_msat: int | None = None
    max_fee_msat: int | None = None
    amount: Money | None = None
