"""How Lightning addresses read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_sat
from amani_cli.models.addresses import Address, Addresses
from amani_cli.views.parts import View, given, when


def _takes(model: Address) -> str:
    return f"{format_sat(model.min_msat)} to {format_sat(model.max_msat)}"


def _address_of(model: Address) -> str:
    return model.address or model.name


def _address(model: Address) -> View:
    return View(
        fields=given(
            ("address", _address_of(model)),
            ("wallet", model.wallet),
            ("takes", _takes(model)),
            ("comments", f"up to {model.comment} characters" if model.comment else "none"),
            ("added", when(model.created_at)),
        )
    )


def _addresses(model: Addresses) -> View:
    rows = [[_address_of(item), item.wallet, _takes(item), str(item.comment)] for item in model.items]
    columns = [("address", False), ("wallet", False), ("takes", False), ("comment", True)]
    return View(columns, rows, empty="No addresses. Add one: amani address add NAME")


VIEWS: dict[type, Any] = {Address: _address, Addresses: _addresses}

QUIET: dict[type, Any] = {
    Address: lambda model: [_address_of(model)],
    Addresses: lambda model: [_address_of(item) for item in model.items],
}
