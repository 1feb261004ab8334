"""The line above which a second person must agree, held where a payment is journaled: in that very transaction.

Below the line nothing changes. Above it the payment must be what a request says, and enough others than who asked for
that must have signed it; `--yes` and the PIN stand in for none of them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from amani_cli import errors
from amani_cli.models.rules import LimitView
from amani_cli.rules import quorum, written
from amani_cli.rules.approval import shown
from amani_cli.rules.written import Body
from amani_cli.store import approvers, requests
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import RequestRow
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


class Spend(NamedTuple):
    """What is about to leave a wallet: `amount` in `unit` (msat or a currency), `fee` at most beside it, to whom."""

    unit: str
    amount: Decimal
    fee: Decimal
    payee: str | None = None


def require(ws: Workspace, db: Ledger, wallet: KnownWallet, spend: Spend, request: str | None = None) -> None:
    """Refuse what is above the wallet's line, or not what a request that is carried out says.

    Decides when called in the transaction that journals. `request` is the one that an entry was made under ("": none),
    for what goes on with it. Raises `errors.RefusedByPolicy` (code NEEDS_APPROVAL and others, each with its sentence).
    """
    id = ws.mandate.request if request is None else request or None
    whole = max(spend.amount, ws.mandate.whole.get((wallet.identity, spend.unit), Decimal(0)))
    line = quorum.line(db, wallet.identity, spend.unit)
    if id is None:
        if line is not None and whole > line.above:
            raise unapproved(db, wallet, spend.unit, whole)
        return
    row = requests.by_id(db, id)
    if row is None:
        raise errors.NotFound(f"no request {id}", code="NO_SUCH_REQUEST", hint="See: amani request list")
    body = written.read(row)
    if request is None:
        _is_meant(ws, db, wallet, spend, row, body)
    if line is None or max(whole, body.sums.get(spend.unit, Decimal(0))) <= line.above:
        return
    counted = quorum.count(db, body)
    if len(counted.names) < line.approvals:
        raise missing(body, counted, line.approvals)


def _is_meant(ws: Workspace, db: Ledger, wallet: KnownWallet, spend: Spend, row: RequestRow, body: Body) -> None:
    """Refuse what is not what the request says."""
    if row.status != "running":
        raise errors.RefusedByPolicy(
            f"request {row.id} is {row.status}, and is not carried out",
            code="REQUEST_CLOSED",
            retry="never",
            hint=f"See: amani request show {row.id}",
        )
    refuse_expired(ws, row)
    if quorum.identity_in(body, spend.unit) != wallet.identity:
        raise errors.RefusedByPolicy(
            f"request {row.id} is for another wallet than the '{wallet.name}' of here",
            code="WRONG_WALLET",
            retry="never",
            hint="What counts is the wallet's id at its server, not its name.",
        )
    left = body.sums.get(spend.unit, Decimal(0)) - requests.spent_under(db, row.id, spend.unit)
    most = body.fees.get(spend.unit)
    payee, plan = body.terms.get("payee"), body.terms.get("plan")
    differs = [
        word
        for word, other in (
            ("the amount", spend.amount > left),
            ("the fee", most is not None and spend.fee > most),
            ("the payee", payee is not None and spend.payee != payee),
            ("the plan", plan != ws.mandate.plan),
        )
        if other
    ]
    if differs:
        raise errors.RefusedByPolicy(
            f"{' and '.join(differs)} would not be what request {row.id} says; nothing was sent",
            code="NOT_AS_REQUESTED",
            retry="never",
            hint="What has changed is another request: file it anew.",
        )


def refuse_expired(ws: Workspace, row: RequestRow) -> None:
    """Refuse a request whose time is up. Raises `errors.RefusedByPolicy`."""
    if row.ends <= ws.store.clock.now():
        raise errors.RefusedByPolicy(
            f"request {row.id} has expired", code="REQUEST_EXPIRED", retry="never", hint="File it anew with --request."
        )


def unapproved(db: Ledger, wallet: KnownWallet, unit: str, whole: Decimal) -> errors.RefusedByPolicy:
    """The error for what is above the line and was not filed."""
    line = quorum.line(db, wallet.identity, unit)
    assert line is not None
    who = ", ".join(row.name for row in quorum.who_may(db, wallet.identity)) or "nobody"
    others = "another person" if line.approvals == 1 else f"{line.approvals} other people"
    return errors.RefusedByPolicy(
        f"{shown(whole, unit)} from '{wallet.name}' is above the {shown(line.above, unit)} that"
        f" {others} must approve; nothing was sent",
        code="NEEDS_APPROVAL",
        details={"needed": line.approvals},
        hint=f"File it: the same command with --request. Who may approve: {who}.",
    )


def missing(body: Body, counted: quorum.Count, needed: int) -> errors.RefusedByPolicy:
    """The error for a request that too few have approved."""
    why = f" ({'; '.join(counted.not_counted)})" if counted.not_counted else ""
    return errors.RefusedByPolicy(
        f"request {body.id} has {len(counted.names)} of the {needed} approvals that it needs{why}; nothing was sent",
        code="NEEDS_APPROVAL",
        details={"needed": needed, "approved": len(counted.names)},
        hint=f"An approver runs: amani request approve {body.id}"
        " (on another machine: amani request export, and --approval when it runs).",
    )


def check(ws: Workspace, wallet: KnownWallet, unit: str, amount: Decimal) -> None:
    """Refuse early, before anybody is asked, what `require` would refuse without a request; decides nothing."""
    if ws.mandate.request is not None or not ws.has_store:
        return
    whole = max(amount, ws.mandate.whole.get((wallet.identity, unit), Decimal(0)))
    line = quorum.line(ws.store, wallet.identity, unit)
    if line is not None and whole > line.above:
        raise unapproved(ws.store, wallet, unit, whole)


def limits(ws: Workspace, wallet: KnownWallet) -> list[LimitView]:
    """The lines of a wallet, with how many must approve above them and who may."""
    rule = approvers.rule(ws.store, wallet.identity)
    if rule is None:
        return []
    who = ", ".join(row.name for row in quorum.who_may(ws.store, wallet.identity)) or "nobody"
    found = [
        LimitView("approval above", shown(Decimal(row.above), row.unit), "", "", "", None)
        for row in approvers.lines(ws.store, wallet.identity)
    ]
    return [*found, LimitView("approvals", f"{rule.approvals} of {who}", "", "", "", None)]
