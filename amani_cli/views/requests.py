"""How requests and approvers read: a request like the question before a payment."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_sat
from amani_cli.models.requests import (
    AgentPlan,
    ApprovalFile,
    Approver,
    Approvers,
    Request,
    RequestFile,
    Requests,
)
from amani_cli.times import local
from amani_cli.views.parts import View, fiat, given, when


def amount(model: Request) -> str:
    """What would leave at most, without fees."""
    parts = [format_sat(model.amount_msat)] if model.amount_msat is not None else []
    parts += [fiat(*model.amount)] if model.amount is not None else []
    parts += [fiat(*each) for each in model.fiat or []]
    return ", ".join(parts)


def _request(model: Request) -> View:
    asked = f"{model.requested_by} ({model.os_user}@{model.host}), {when(model.created_at)}"
    signed = [
        each.name if each.counts else f"{each.name} ({each.verdict}; {each.why or 'refused'})"
        for each in model.approvals
    ]
    counted = sum(each.counts for each in model.approvals)
    enough = f"{counted} of {model.needed} needed" if model.needed else "none is needed"
    return View(
        fields=given(
            ("request", model.id),
            ("status", model.status),
            ("what", model.what),
            ("wallet", model.wallet),
            ("to", model.destination),
            ("amount", amount(model)),
            ("fee at most", format_sat(model.max_fee_msat) if model.max_fee_msat is not None else None),
            *[_labelled(line) for line in model.details],
            ("memo", model.memo),
            ("reference", model.reference),
            ("asked for by", asked),
            ("approvals", f"{', '.join(signed)}{': ' if signed else ''}{enough}"),
            ("not before", when(model.not_before) if model.not_before else None),
            ("expires", when(model.expires_at)),
            ("reason", model.reason),
            ("payment", model.payment),
            ("digest", model.digest),
        )
    )


def _labelled(line: str) -> tuple[str, str]:
    """A detail under its own label, where it begins with one."""
    label, colon, value = line.partition(": ")
    return (label, value) if colon and len(label) <= 12 else ("", line)


def _requests(model: Requests) -> View:
    rows = [
        [
            local(item.created_at),
            item.what,
            item.wallet,
            amount(item),
            item.destination if len(item.destination) < 40 else f"{item.destination[:37]}…",
            item.status,
            f"{sum(each.counts for each in item.approvals)}/{item.needed}",
            item.requested_by,
            item.id,
        ]
        for item in model.items
    ]
    columns = [
        ("when", False),
        ("what", False),
        ("wallet", False),
        ("amount", True),
        ("to", False),
        ("status", False),
        ("approvals", True),
        ("by", False),
        ("id", False),
    ]
    return View(columns, rows, empty="No requests.")


def _approver(model: Approver) -> View:
    return View(
        fields=given(
            ("approver", model.name),
            ("who", f"{model.os_user}@{model.host}"),
            ("for", model.wallet or ("every wallet" if model.added_at else None)),
            ("key", model.public_key),
            ("added", when(model.added_at) if model.added_at else None),
            ("public half", model.public_half),
        )
    )


def _approvers(model: Approvers) -> View:
    rows = [
        [
            each.name,
            f"{each.os_user}@{each.host}",
            each.wallet or "every wallet",
            local(each.added_at or ""),
            each.public_key,
        ]
        for each in model.items
    ]
    columns = [("name", False), ("who", False), ("for", False), ("added", False), ("key", False)]
    return View(columns, rows, empty="Nobody may approve yet: amani approver add NAME PUBLIC")


VIEWS: dict[type, Any] = {
    Request: _request,
    Requests: _requests,
    Approver: _approver,
    Approvers: _approvers,
    RequestFile: lambda model: View(lines=[model.digest]),
    AgentPlan: lambda model: View(lines=[model.plan_id]),
    ApprovalFile: lambda model: View(lines=[model.signature]),
}

QUIET: dict[type, Any] = {
    Request: lambda model: [model.id],
    Requests: lambda model: [item.id for item in model.items],
    Approver: lambda model: [model.public_half or model.public_key],
    Approvers: lambda model: [each.name for each in model.items],
    RequestFile: lambda model: [model.digest],
    AgentPlan: lambda model: [model.plan_id],
    ApprovalFile: lambda model: [model.signature],
}
