"""How the ledger itself reads."""

from __future__ import annotations

from typing import Any

from amani_cli.models.ledgers import Claims, StoreCopy, StoreView
from amani_cli.times import ago
from amani_cli.views.parts import View, given


def _store(model: StoreView) -> View:
    return View(
        fields=given(
            ("engine", model.engine),
            ("where", model.where),
            ("schema", str(model.schema)),
            ("payments", f"{model.payments}, {model.open} open" if model.open else str(model.payments)),
            ("audit log", f"{model.audit_entries} entries, head {model.audit_head}"),
            ("moved to", model.gone_to),
        )
    )


def _copy(model: StoreCopy) -> View:
    return View(
        fields=[
            ("moved from", model.source),
            ("to", model.target),
            ("payments", f"{model.payments}, {model.open} open; amounts and fees add up to the same"),
            ("audit log", f"{model.audit_entries} entries, every one follows from the one before"),
            ("head", model.audit_head),
        ]
    )


def _claims(model: Claims) -> View:
    columns = [("id", False), ("what", False), ("by", False), ("since", False), ("owner", False)]
    rows = [
        [each.id, each.what, f"pid {each.pid} of {each.os_user} on {each.host}", ago(each.since), each.state]
        for each in model.items
    ]
    return View(columns, rows, empty="Nothing is claimed.")


VIEWS: dict[type, Any] = {StoreView: _store, Claims: _claims, StoreCopy: _copy}
QUIET: dict[type, Any] = {
    StoreView: lambda model: [model.audit_head],
    StoreCopy: lambda model: [model.audit_head],
    Claims: lambda model: [each.id for each in model.items],
}
