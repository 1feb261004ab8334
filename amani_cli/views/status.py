"""How everything stands, in forty lines of eighty columns: each part shows as much as there is room for."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_sat
from amani_cli.models.money import Balance
from amani_cli.models.status import Status
from amani_cli.tables import cut, wide
from amani_cli.times import ago
from amani_cli.views.parts import View, amount, fake, fiat, mark_of, play_money

_WIDTH = 80
_ROOM = {"wallets": 8, "open": 5, "limits": 5, "findings": 4}


def _status(model: Status) -> View:
    lines = _part("wallets", "Wallets", [row for item in model.wallets for row in _wallet(item)])
    real = [item.balance_msat for item in model.wallets if item.balance_msat is not None and not item.sandbox]
    if len(real) > 1:
        lines.append(f"  total {format_sat(sum(real))}")
    lines += _part("open", f"OPEN: {len(model.open)} not certain; settle with: amani reconcile", _open(model))
    if model.cheques.count:
        lines.append(f"Cheques outstanding: {model.cheques.count}, {format_sat(model.cheques.amount_msat)}")
    if model.requests:
        lines.append(f"Requests waiting: {model.requests} (amani request list)")
    limits = [
        [each.wallet, each.what, f"used {each.used}", f"left {each.left}", ago(each.opens_at) if each.opens_at else ""]
        for each in model.limits
    ]
    lines += _part("limits", "Limits and budgets", limits)
    recent = [
        [ago(each.created_at), each.wallet + play_money(each), _moved(each), each.status, each.memo or _to(each)]
        for each in model.recent
    ]
    lines += _part("recent", "Last movements (amani history list)", recent, right=2)
    findings = [[each.status, each.check, each.detail] for each in model.findings]
    lines += _part("findings", "Amiss (amani doctor says how to mend it)", findings)
    if not model.open:
        lines.append("Nothing is open.")
    return View(lines=[cut(line, _WIDTH) for line in lines])


def _wallet(item: Balance) -> list[list[str]]:
    when = ago(item.as_of)
    name = item.wallet + mark_of(item.provider, sandbox=False, live=item.live)
    if item.balances is None:
        return [[name + fake(item.sandbox), format_sat(item.balance_msat or 0), when]]
    return [[name, fiat(each.value, each.currency), when] for each in item.balances] or [[name, "nothing", when]]


def _open(model: Status) -> list[list[str]]:
    return [
        [
            each.id,
            fiat(*each.amount) if each.amount else format_sat(each.amount_msat or 0),
            f"since {ago(each.since)}",
            each.what,
        ]
        for each in model.open
    ]


def _moved(item: Any) -> str:
    return ("+" if item.direction == "in" else "-") + amount(item)


def _to(item: Any) -> str:
    return item.to_wallet or item.destination or ""


def _part(name: str, heading: str, rows: list[list[str]], right: int = 1) -> list[str]:
    """A heading and its rows, as many as there is room for; nothing without rows."""
    if not rows:
        return []
    room = _ROOM.get(name, len(rows))
    widths = [min(28, max(wide(row[at]) for row in rows)) if at else 0 for at in range(len(rows[0]))]
    widths[0] = max(wide(row[0]) for row in rows)
    lines = []
    for row in rows[:room]:
        cells = []
        for at, cell in enumerate(row):
            space = " " * max(0, widths[at] - wide(cell))
            cells.append(space + cell if at == right and name != "limits" else cell + space)
        lines.append("  " + "  ".join(cells).rstrip())
    more = [f"  … and {len(rows) - room} more"] if len(rows) > room else []
    return [heading, *lines, *more]


VIEWS: dict[type, Any] = {Status: _status}

QUIET: dict[type, Any] = {Status: lambda model: [str(len(model.open))]}
