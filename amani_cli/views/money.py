"""How balances read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_btc, format_sat
from amani_cli.models.money import Balance, Balances
from amani_cli.times import local
from amani_cli.views.parts import Column, View, as_quoted, fake, fiat, mark_of, sat


def _balance(model: Balance) -> View:
    when = f"as of {local(model.as_of)}" + (", cached" if model.cached else "")
    if model.balances is not None:
        name = model.wallet + mark_of(model.provider, sandbox=model.sandbox, live=model.live)
        rows = [
            [name, fiat(each.value, each.currency), f"ledger {each.ledger:f}, locked {each.locked:f}", when]
            for each in model.balances
        ]
        columns = [("wallet", False), ("available", True), ("", False), ("", False)]
        return View(columns, rows, empty="It holds no currency yet.")
    row = [model.wallet, format_sat(model.balance_msat or 0), format_btc(model.balance_msat or 0), when]
    view = View(
        columns=[("wallet", False), ("balance", True), ("", True), ("", False)],
        rows=[[row[0] + fake(model.sandbox), *row[1:]]],
    )
    if model.about is not None:
        view.columns.append(("worth", False))
        view.rows[0].append(as_quoted(model.about, "about ") or "")
    return view


def _quiet_balance(model: Balance) -> list[str]:
    """The bare number; of several currencies, each with its name."""
    if model.balances is None:
        return [sat(model.balance_msat)]
    if len(model.balances) == 1:
        return [f"{model.balances[0].value:f}"]
    return [f"{each.value:f} {each.currency}" for each in model.balances]


def _balances(model: Balances) -> View:
    views = [_balance(item) for item in model.items]
    columns: list[Column] = max((view.columns for view in views), key=len, default=[("wallet", False)])
    rows = [row + [""] * (len(columns) - len(row)) for view in views for row in view.rows]
    footer = []
    if any(not item.sandbox and item.balance_msat is not None for item in model.items):
        footer.append(f"total: {format_sat(model.total_msat)} ({format_btc(model.total_msat)})")
    if any(item.sandbox for item in model.items):
        footer.append(f"total on the sandbox: {format_sat(model.sandbox_total_msat)}, all fake")
    return View(columns, rows, footer=footer)


VIEWS: dict[type, Any] = {
    Balance: _balance,
    Balances: _balances,
}

QUIET: dict[type, Any] = {
    Balance: _quiet_balance,
    Balances: lambda model: [line for item in model.items for line in _quiet_balance(item)],
}
