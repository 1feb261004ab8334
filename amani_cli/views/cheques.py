"""How cheques and the faucet read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_btc, format_sat
from amani_cli.models.cheques import Cheque, Cheques, Faucet
from amani_cli.times import local
from amani_cli.views.parts import View, fake, given, sat, when


def _cheque(model: Cheque) -> View:
    again = " (written before; its code is not shown again)" if model.replayed and model.status == "open" else ""
    return View(
        fields=[
            *given(
                ("cheque", model.id),
                ("worth", f"{format_sat(model.amount_msat)} ({format_btc(model.amount_msat)}){fake(model.sandbox)}"),
                ("status", model.status + again),
                ("memo", model.memo),
                ("wallet", model.wallet),
                ("good until", when(model.expires_at)),
                ("claimed", when(model.claimed_at) if model.claimed_at else None),
                ("by", model.claimed_by),
                ("reference", model.reference),
                ("lnurl", model.lnurl if not model.link else None),
            ),
            *([("", model.link or model.code or "")] if model.link or model.code else []),
        ]
    )


def _cheques(model: Cheques) -> View:
    rows = [
        [
            local(item.created_at),
            item.status,
            format_sat(item.amount_msat),
            item.wallet,
            local(item.expires_at),
            item.memo,
            item.id,
        ]
        for item in model.items
    ]
    columns = [
        ("written", False),
        ("status", False),
        ("worth", True),
        ("wallet", False),
        ("good until", False),
        ("memo", False),
        ("id", False),
    ]
    footer = [f"outstanding: {format_sat(model.outstanding_msat)}"]
    if model.wallets_msat is not None:
        footer.append(f"in the wallets that gave it: {format_sat(model.wallets_msat)}")
    moments = [item.created_at for item in model.items]
    return View(columns, rows, footer=footer, empty="No cheques.", moments=moments)


def span(seconds: int) -> str:
    """A duration as it is typed: `24h`, `90s`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0 and seconds > length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _faucet(model: Faucet) -> View:
    if not model.configured:
        return View(lines=["There is no faucet yet: amani faucet configure --wallet W"])
    cap = format_sat(model.daily_cap_msat) if model.daily_cap_msat is not None else "none"
    return View(
        fields=given(
            ("faucet", model.wallet),
            ("gives", format_sat(model.amount_msat or 0)),
            ("cool-down", span(model.cooldown_s or 0)),
            ("left in it", format_sat(model.balance_msat) if model.balance_msat is not None else "not known"),
            ("daily cap", cap),
            ("given today", format_sat(model.claimed_today_msat)),
            ("next claim", when(model.next_claim_at) if model.next_claim_at else "now"),
        )
    )


VIEWS: dict[type, Any] = {
    Cheque: _cheque,
    Cheques: _cheques,
    Faucet: _faucet,
}

QUIET: dict[type, Any] = {
    Cheque: lambda model: [model.link or model.code or model.id],
    Cheques: lambda model: [item.link or item.code or item.id for item in model.items],
    Faucet: lambda model: [sat(model.balance_msat)],
}
