"""What an agent may spend: so much at once, so much in 24 hours, to whom. Decided in the transaction that journals.

It goes by the actor, so that no argument of the agent's is a way around: `amani mcp` says who it is, once.
"""

from __future__ import annotations

import json
from decimal import Decimal

from amani_cli import errors
from amani_cli.models.rules import LimitView
from amani_cli.rules import consent
from amani_cli.rules.approval import check_unit, shown
from amani_cli.rules.lines import Spend
from amani_cli.store import approvers, rules
from amani_cli.store import audit as audit_log
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import AgentRow, Transaction
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

DAY_S = 86400


def require(ws: Workspace, db: Ledger, wallet: KnownWallet, spend: Spend) -> None:
    """Refuse what the actor of this run, being an agent, may not spend; nothing for anybody else.

    The worst-case fee counts, and what is in flight or in doubt. Raises `errors.RefusedByPolicy` (code AGENT_LIMIT).
    """
    name = _name(ws, db)
    if name is None:
        return
    row = approvers.agent(db, wallet.identity, name)
    if row is None or row.unit != spend.unit:
        raise _refused(f"agent '{name}' may spend nothing from '{wallet.name}'", name, wallet)
    cost = spend.amount + spend.fee
    _refuse_payee(row, spend.payee, wallet)
    most = Decimal(row.per_payment)
    if cost > most:
        raise _refused(
            f"{shown(cost, row.unit)} with the worst-case fee is more than the {shown(most, row.unit)}"
            f" that agent '{name}' may pay at once",
            name,
            wallet,
        )
    left = Decimal(row.per_day) - _used(ws, db, wallet, row)
    if cost > left:
        raise _refused(
            f"{shown(cost, row.unit)} with the worst-case fee is more than the {shown(max(Decimal(0), left), row.unit)}"
            f" left of what agent '{name}' may spend in 24 hours",
            name,
            wallet,
        )


def require_standing(ws: Workspace, db: Ledger, wallet: KnownWallet, began: str | None, payee: str) -> None:
    """The same for what an agent goes on with: what it `began` itself is reserved, and its leave to pay the payee must
    still stand; what somebody else began was never counted against its budget."""
    name = _name(ws, db)
    if name is None:
        return
    row = approvers.agent(db, wallet.identity, name)
    if row is None:
        raise _refused(f"agent '{name}' may spend nothing from '{wallet.name}'", name, wallet)
    _refuse_payee(row, payee, wallet)
    if began != name:
        raise _refused(f"agent '{name}' may not go on with what it did not begin", name, wallet)


def _refuse_payee(row: AgentRow, payee: str | None, wallet: KnownWallet) -> None:
    if row.payees is not None and payee not in [each["payee"] for each in json.loads(row.payees)]:
        raise _refused(f"agent '{row.name}' may not pay this payee", row.name, wallet)


def _name(ws: Workspace, db: Ledger) -> str | None:
    """The agent that the actor of this run is; None for anybody else."""
    name = ws.said.actor
    return name if name is not None and (ws.said.is_agent or approvers.is_agent(db, name)) else None


def set_limit(
    ws: Workspace,
    wallet: KnownWallet,
    name: str,
    *,
    unit: str,
    per_payment: str,
    per_day: str,
    payees: list[dict[str, str]] | None,
) -> None:
    """Let an agent spend from a wallet; needs the PIN of one that has one. Raises what giving the PIN raises."""
    check_unit(wallet, unit, f"what agent '{name}' may spend")
    consent.require_pin(ws, wallet, f"letting agent '{name}' spend")
    before = approvers.agent(ws.store, wallet.identity, name)
    with ws.store.write() as db:
        approvers.save_agent(
            db, wallet.identity, name, unit, per_payment, per_day, None if payees is None else json.dumps(payees)
        )
        whom = "anybody" if payees is None else ", ".join(each["shown"] for each in payees)
        now_said = f"per payment {per_payment}, per day {per_day} ({unit}), to {whom}"
        _audit(ws, db, wallet, name, now_said, before)


def take_back(ws: Workspace, wallet: KnownWallet, name: str) -> None:
    """Let an agent spend nothing any more, at once, without a PIN. Raises `errors.NotFound` for one that could not."""
    with ws.store.write() as db:
        before = approvers.agent(db, wallet.identity, name)
        if not approvers.drop_agent(db, wallet.identity, name):
            raise errors.NotFound(
                f"agent '{name}' may spend nothing from '{wallet.name}' as it is",
                code="NO_SUCH_AGENT",
                hint=f"See: amani wallet limit '{wallet.name}'",
            )
        _audit(ws, db, wallet, name, "off", before)


def _audit(ws: Workspace, db: Transaction, wallet: KnownWallet, name: str, said: str, before: AgentRow | None) -> None:
    audit_log.append(
        db,
        "agent limit",
        wallet=wallet.name,
        subject=name,
        outcome=f"{said}, before: {_said(before)}",
        actor=ws.said.actor,
        reason=ws.said.reason,
    )


def limits(ws: Workspace, wallet: KnownWallet) -> list[LimitView]:
    """What each agent of a wallet may spend, has spent and has left."""
    items = []
    for row in approvers.agents(ws.store, wallet.identity):
        at_once, day = Decimal(row.per_payment), Decimal(row.per_day)
        gone, flying = rules.spent(ws.store, wallet.remote_id, row.unit, _since(ws), actor=row.name)
        left = max(Decimal(0), day - gone - flying)
        items.append(LimitView(f"agent {row.name} per payment", shown(at_once, row.unit), "", "", "", None))
        per_day, used, reserved, free = (shown(each, row.unit) for each in (day, gone, flying, left))
        items.append(LimitView(f"agent {row.name} per day", per_day, used, reserved, free, None))
        if row.payees is not None:
            whom = ", ".join(each["shown"] for each in json.loads(row.payees))
            items.append(LimitView(f"agent {row.name} pays", whom, "", "", "", None))
    return items


def _used(ws: Workspace, db: Ledger, wallet: KnownWallet, row: AgentRow) -> Decimal:
    gone, flying = rules.spent(db, wallet.remote_id, row.unit, _since(ws), actor=row.name)
    return gone + flying


def _since(ws: Workspace) -> rules.Since:
    clock = ws.store.clock
    return rules.Since(int(clock.now()) - DAY_S, int(clock.earlier()) - DAY_S)


def _said(row: AgentRow | None) -> str:
    return "off" if row is None else f"per payment {row.per_payment}, per day {row.per_day} ({row.unit})"


def _refused(words: str, name: str, wallet: KnownWallet) -> errors.RefusedByPolicy:
    return errors.RefusedByPolicy(
        f"{words}; nothing was sent",
        code="AGENT_LIMIT",
        hint="A request can be filed instead, for a person to carry out."
        f" A person raises it with: amani wallet limit '{wallet.name}' --agent '{name}' …",
    )
