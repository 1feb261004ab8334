"""How plans of many payments read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_btc, format_sat
from amani_cli.models.batches import Batch, BatchPlan, BatchRow, CheckedName
from amani_cli.views.parts import View, as_quoted, fake, fiat, given


def _batch_plan(model: BatchPlan) -> View:
    kinds = ", ".join(f"{count} {_KINDS.get(kind, kind)}" for kind, count in model.kinds.items())
    columns = [("row", True), ("to", False), ("expected", False), ("the bank says", False), ("sign off", False)]
    view = View(fields=[("rows", f"{model.rows}: {kinds}")])
    if model.names:
        view.columns, view.rows = columns, [_checked(each) for each in model.names]
    if model.balance_msat is not None and model.left_msat is not None:
        short = "" if model.balance_msat >= model.total_msat else " (NOT ENOUGH)"
        view.fields += [
            ("total", f"{format_sat(model.total_msat)} ({format_btc(model.total_msat)})"),
            *(("in fiat", as_quoted(each) or "") for each in model.quoted),
            ("fees at most", format_sat(model.max_fee_msat)),
            ("from", (model.wallet or "") + fake(model.sandbox)),
            ("holds", format_sat(model.balance_msat)),
            ("left", f"at least {format_sat(model.left_msat)}{short}"),
        ]
    for each in model.fiat:
        short = "" if each.sufficient else " (NOT ENOUGH)"
        held = fiat(each.balance, each.currency)
        view.fields.append(
            ("paid out", f"{fiat(each.total, each.currency)} from {each.wallet}, which can spend {held}{short}")
        )
    view.fields += given(("PIN", "needed" if model.needs_pin else None), ("plan", model.plan))
    return view


def _checked(each: CheckedName) -> list[str]:
    signed = "signed off" if each.signed_off else "DIFFERS: not paid" if each.differs else "[ ]"
    return [str(each.row), each.to[:40], each.expected or "", each.found or "not asked", signed]


_KINDS = {"bolt11": "invoices", "lnurl": "addresses or links", "cheque": "cheques", "payout": "banks or phones"}


def _batch_row(model: BatchRow) -> list[str]:
    amount = format_sat(model.amount_msat) if model.amount_msat is not None else ""
    if model.amount is not None:
        amount = fiat(model.amount.value, model.amount.currency)
    return [str(model.row), model.to[:40], amount, model.status, model.failure or ""]


def _batch_rows(items: list[BatchRow]) -> View:
    columns = [("row", True), ("to", False), ("amount", True), ("status", False), ("", False)]
    return View(columns, [_batch_row(item) for item in items])


def _batch(model: Batch) -> View:
    view = _batch_rows([item for item in model.items if item.status != "settled"])
    counts = f"{model.settled} settled, {model.failed} failed, {model.unknown} in doubt, {model.open} not yet tried"
    view.lines = [f"{model.rows} rows: {counts}"]
    if model.wallet is not None:
        view.lines.append(f"paid {format_sat(model.paid_msat)}, fees {format_sat(model.fee_msat)}")
    view.lines += [f"paid out {fiat(each.value, each.currency)}" for each in model.paid]
    if model.settled < model.rows:
        view.lines.append("Run the same plan again to go on: no row is paid twice.")
    return view


VIEWS: dict[type, Any] = {
    BatchPlan: _batch_plan,
    BatchRow: lambda model: _batch_rows([model]),
    Batch: _batch,
}

QUIET: dict[type, Any] = {
    BatchPlan: lambda model: [model.hash],
    BatchRow: lambda model: [model.status],
    Batch: lambda model: [str(model.rows - model.settled)],
}
