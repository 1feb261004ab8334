"""How Lightning addresses read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_sat
from amani_cli.models.addresses import Address, Addresses
from amani_cli.views.parts import View, given, when


def _takes(model: Address) -> str:
    return f"{format_sat(model.min_msat)} to {format_sat(model.max_msat)}"


def _address(model: Address) -> View:
    return View(
        fields=given(
            ("address", model.address),
            ("wallet", model.wallet),
            ("takes", _takes(model)),
            ("comments", f"up to {model.comment} characters" if model.comment else "none"),
            ("added", when(model.created_at)),
        )
    )


def _addresses(model: Addresses) -> View:
    rows = [[item.address, item.wallet, _takes(item), str(item.comment)] for item in model.items]
    columns = [("address", False), ("wallet", False), ("takes", False), ("comment", True)]
    return View(columns, rows, empty="No addresses. Add one: amani address add NAME")


VIEWS: dict[type, Any] = {Address: _address, Addresses: _addresses}

QUIET: dict[type, Any] = {
    Address: lambda model: [model.address],
    Addresses: lambda model: [item.address for item in model.items],
}
