"""How PINs and limits read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_sat
from amani_cli.models.rules import Limits, Pin
from amani_cli.times import local
from amani_cli.views.parts import View, fiat, given, when


def _pin(model: Pin) -> View:
    asked = "at any amount"
    if not model.always and (model.threshold_msat is not None or model.thresholds):
        limits = [format_sat(model.threshold_msat)] if model.threshold_msat is not None else []
        limits += [fiat(*each) for each in model.thresholds]
        asked = f"above {', '.join(limits)}"
    return View(
        fields=given(
            ("wallet", model.wallet),
            ("PIN", "set" if model.set else "not set"),
            ("needed", asked),
            ("attempts left", str(model.attempts_left) if model.set else None),
            ("locked until", when(model.locked_until) if model.locked_until else None),
            ("falls away at", when(model.reset_at) if model.reset_at else None),
        )
    )


def _limits(model: Limits) -> View:
    rows = [
        [item.name, item.allowed, item.used, item.reserved, item.left, local(item.opens_at) if item.opens_at else ""]
        for item in model.items
    ]
    columns = [
        ("limit", False),
        ("allowed", True),
        ("used", True),
        ("reserved", True),
        ("left", True),
        ("opens", False),
    ]
    return View(columns, rows)


VIEWS: dict[type, Any] = {
    Pin: _pin,
    Limits: _limits,
}

QUIET: dict[type, Any] = {
    Pin: lambda model: ["set" if model.set else "not set"],
    Limits: lambda model: [f"{item.name}={item.left}" for item in model.items],
}
