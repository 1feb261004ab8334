"""How the journal, its months and its audit log read."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_sat
from amani_cli.models.books import Audit, AuditVerdict, Chart, ClosedWallet, Closing, Exported, History, Synced
from amani_cli.times import local
from amani_cli.views.parts import View, history


def _synced(model: Synced) -> View:
    return View(lines=[f"{model.new} new, {model.updated} updated, from: {', '.join(model.wallets) or 'no wallet'}"])


def _exported(model: Exported) -> View:
    return View(lines=[f"{model.payments} payments written to {model.path}"])


def _outcome(model: Closing) -> str:
    if not model.items:
        return "Nothing was closed: there is no wallet."
    return "NOT closed." if model.differences else "Closed: the books and the provider agree."


def _closing(model: Closing) -> View:
    def shown(item: ClosedWallet, value: Any) -> str:
        if value is None:
            return "not known"
        return format_sat(value) if item.unit == "msat" else f"{value} {item.unit}"

    columns = ("opening", "received", "sent", "fees", "own_in", "own_out", "closing", "provider_closing")
    rows = [[item.wallet, *(shown(item, getattr(item, name)) for name in columns)] for item in model.items]
    headings = ["opening", "received", "sent", "fees", "from own", "to own", "closing", "provider says"]
    apart = [
        f"{item.wallet}: in these, {words} {shown(item, value)}"
        for item in model.items
        for name, words in (
            ("faucet_out", "given by the faucet"),
            ("cheque_out", "put into cheques"),
            ("duties", "stamp duty, among the fees"),
        )
        if (value := getattr(item, name))
    ]
    return View(
        [("wallet", False), *((each, True) for each in headings)],
        rows,
        lines=[
            f"{model.month}, days of {model.zone}",
            *apart,
            *(f"{item.wallet}: came back {shown(item, item.returned)}" for item in model.items if item.returned),
            f"cheques not claimed today: {format_sat(model.open_cheques_msat)}; outcomes open: {model.open_outcomes}",
            *(f"explained: {note}" for item in model.items for note in item.notes),
            *(f"DIFFERS: {each}" for each in model.differences),
            *(["A preview: the month is not over, and nothing was closed."] if model.preview else [_outcome(model)]),
        ],
    )


def _chart(model: Chart) -> View:
    top = max([1, *(point.balance for point in model.points)])

    def shown(value: Any) -> str:
        return format_sat(value) if model.unit == "msat" else f"{value} {model.unit}"

    def bar(value: Any) -> str:
        eighths = max(0, int(value * 8 * 30 / top))
        return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()

    rows = [
        [
            point.day,
            bar(point.balance),
            shown(point.balance),
            f"+{shown(point.received)}" if point.received else "",
            f"-{shown(point.sent)}" if point.sent else "",
        ]
        for point in model.points
    ]
    return View([(model.step, False), ("", False), ("balance", True), ("received", True), ("sent", True)], rows)


def _audit(model: Audit) -> View:
    rows = [
        [
            str(item.seq),
            local(item.at),
            item.who + (f" for {item.actor}" if item.actor else ""),
            item.what,
            item.wallet or "",
            format_sat(item.amount_msat) if item.amount_msat is not None else "",
            item.outcome or "",
            item.subject or "",
            item.reason or "",
        ]
        for item in model.items
    ]
    columns = [
        ("", True),
        ("when", False),
        ("who", False),
        ("what", False),
        ("wallet", False),
        ("amount", True),
        ("outcome", False),
        ("about", False),
        ("reason", False),
    ]
    footer = [f"more: --after {model.next}"] if model.next else []
    return View(columns, rows, footer=footer, empty="Nothing in the audit log.")


def _audit_verdict(model: AuditVerdict) -> View:
    state = "whole" if model.intact else f"BROKEN at entry {model.broken_at}"
    return View(
        fields=[
            ("audit log", state),
            ("found", model.detail),
            ("entries" if model.intact else "good entries", str(model.entries)),
            ("head" if model.intact else "last good hash", model.head),
        ]
    )


VIEWS: dict[type, Any] = {
    History: history,
    Audit: _audit,
    AuditVerdict: _audit_verdict,
    Closing: _closing,
    Chart: _chart,
    Exported: _exported,
    Synced: _synced,
}

QUIET: dict[type, Any] = {
    History: lambda model: [item.id for item in model.items],
    Audit: lambda model: [str(item.seq) for item in model.items],
    AuditVerdict: lambda model: [model.head],
    Closing: lambda model: model.differences,
    Chart: lambda model: [str(point.balance) for point in model.points],
    Exported: lambda model: [model.path],
    Synced: lambda model: [str(model.new)],
}
