"""How requests for money read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_btc, format_sat
from amani_cli.models.invoices import Decoded, Invoice, Invoices
from amani_cli.times import local
from amani_cli.views.parts import View, as_quoted, fiat, given, when


def _invoice(model: Invoice) -> View:
    fields = given(
        ("status", model.status),
        ("amount", _asked(model) + (f" ({format_btc(model.amount_msat)})" if model.amount_msat else "")),
        ("which is", as_quoted(model.quoted)),
        (
            "received",
            fiat(*model.received) + (f": {model.variance}" if model.variance else "") if model.received else None,
        ),
        ("memo", model.memo),
        ("made for", model.purpose if model.purpose != "invoice" else None),
        ("wallet", model.wallet),
        ("hash", model.payment_hash),
        ("bank", model.account.bank if model.account else None),
        ("account", f"{model.account.number} ({model.account.name})" if model.account else None),
        ("mark", f"{model.account.mark}: have the payer write it to the transfer" if model.account else None),
        ("our reference", model.our_reference),
        ("Fincra's", model.provider_reference),
        ("paid at" if model.paid_at else "expires", local(model.paid_at or model.expires_at)),
        ("reference", model.reference),
    )
    return View(fields=[*fields, ("", model.to_pay)] if model.status == "pending" else fields)


def _asked(model: Invoice) -> str:
    return fiat(*model.amount) if model.amount else format_sat(model.amount_msat or 0)


def _invoices(model: Invoices) -> View:
    rows = [
        [
            local(item.created_at),
            f"{item.status}, underpaid" if item.underpaid else item.status,
            f"{item.amount_received.value:,f} of {_asked(item)}" if item.amount_received else _asked(item),
            item.wallet,
            item.key[:16],
            item.memo if item.purpose == "invoice" else f"{item.purpose}: {item.memo}",
        ]
        for item in model.items
    ]
    columns = [
        ("created", False),
        ("status", False),
        ("amount", True),
        ("wallet", False),
        ("hash", False),
        ("memo", False),
    ]
    footer = [f"more: --after {model.next}"] if model.next else []
    moments = [item.created_at for item in model.items]
    return View(columns, rows, footer=footer, empty="No invoices.", moments=moments)


def _decoded(model: Decoded) -> View:
    return View(
        fields=given(
            ("amount", format_sat(model.amount_msat) if model.amount_msat is not None else "left open"),
            ("description", model.description),
            ("description hash", model.description_hash),
            ("payee", model.payee),
            ("network", model.network),
            ("hash", model.payment_hash),
            ("created", when(model.created_at)),
            ("expired" if model.expired else "expires", local(model.expires_at)),
        )
    )


VIEWS: dict[type, Any] = {
    Invoice: _invoice,
    Invoices: _invoices,
    Decoded: _decoded,
}

QUIET: dict[type, Any] = {
    Invoice: lambda model: [model.to_pay if model.status == "pending" else model.status],
    Invoices: lambda model: [item.key for item in model.items],
    Decoded: lambda model: [model.payment_hash],
}
