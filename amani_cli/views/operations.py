"""How what amani says of itself reads."""

from __future__ import annotations

from typing import Any

from amani_cli.amounts import format_sat
from amani_cli.models.books import History
from amani_cli.models.operations import (
    Backup,
    CompletionScript,
    Diagnosis,
    Event,
    Explanation,
    Explanations,
    MetricsWritten,
    Reconciliation,
    Restored,
    SandboxView,
    Settings,
    Trace,
)
from amani_cli.times import local, zone
from amani_cli.views.parts import View, amount, fiat, given, history, sat


def _reconciliation(model: Reconciliation) -> View:
    view = history(History(model.items, None, []))
    view.empty = ""
    view.lines = [
        f"{model.checked} asked about: {model.settled} settled, {model.failed} failed, {model.unknown} still open"
    ]
    if model.given_up:
        view.lines = [f"Given up: {', '.join(model.given_up)}"]
    if model.reversed:
        view.lines.append(f"{model.reversed} had settled and came back")
    view.lines += [f"{each.id} stays open: {each.reason}" for each in model.open]
    if model.differences:
        view.lines += ["The books and the provider differ:", *(f"  {text}" for text in model.differences)]
    if model.unasked:
        view.lines.append(f"Could not be asked: {', '.join(model.unasked)}")
    return view


def _diagnosis(model: Diagnosis) -> View:
    rows = [[item.status, item.check, item.detail, item.fix] for item in model.items]
    return View([("", False), ("check", False), ("found", False), ("fix", False)], rows)


def _settings(model: Settings) -> View:
    if not model.items:  # `config path`: where things are, and no table
        return View(fields=list(model.paths.items()))
    rows = [[item.name, item.value, item.source, item.meaning] for item in model.items]
    view = View([("setting", False), ("value", False), ("from", False), ("meaning", False)], rows)
    view.footer = [f"{name}: {path}" for name, path in model.paths.items()]
    return view


def _sandbox(model: SandboxView) -> View:
    return View(
        fields=given(
            ("sandbox", model.state),
            ("url", model.url),
            ("pid", str(model.pid) if model.pid else None),
            ("LNbits", model.version),
            ("wallets", ", ".join(model.wallets)),
            ("outside", " ".join(each for each in (model.outside_state, model.outside_url) if each) or None),
        )
    )


def _backup(model: Backup) -> View:
    return View(
        fields=given(
            ("backup", f"{model.path} ({model.size_bytes / 1024:,.0f} KiB)"),
            ("made at", f"{local(model.made_at)} by amani {model.amani_version}"),
            ("wallets", ", ".join(model.wallets) or "none"),
            ("payments", str(model.payments)),
            ("audit log", f"{model.audit_entries} entries, head {model.audit_head}"),
            ("keys", f"{model.keys} secrets" if model.with_keys else "NOT in it"),
        ),
        lines=[f"not in it: {each}" for each in model.not_held],
    )


def _restored(model: Restored) -> View:
    return View(
        fields=given(
            ("restored", f"the backup of {local(model.made_at)}"),
            ("wallets", ", ".join(model.wallets) or "none"),
            ("keys", f"{model.keys_restored} secrets"),
            ("without a key", ", ".join(model.without_key)),
            ("before", model.replaced),
        )
    )


def _trace(model: Trace) -> View:
    """The day and time stand alone on the left, so that nothing that one copies is cut; a zone for all of them."""
    lines = [f"asked: {model.asked}", ""]
    lines += [f"{local(each.at) if each.at else '':16}  {each.text}  [{each.source}]" for each in model.timeline]
    for each in model.candidates:
        with_ = f"  {each.counterpart}" if each.counterpart else ""
        over = fiat(*each.amount) if each.amount else format_sat(each.amount_msat or 0)
        when = local(each.at) if each.at else ""
        lines += [f"{when:16}  {each.what} {over}, {each.status} ({each.wallet}){with_}", f"{'':16}  {each.id}"]
    if model.timeline or model.candidates:
        lines.append(f"times: {zone()}")
        lines.append("")
    lines += [f"tell the customer: {model.tell}", *(f"next: {each}" for each in model.next), ""]
    lines += [f"searched: {each}" for each in model.searched]
    lines += [f"NOT searched: {each.source}: {each.reason}" for each in model.not_searched]
    return View(lines=lines)


def _event(model: Event) -> View:
    """A line of a table that grows: its columns are as wide as what is usual, for nobody knows what comes."""
    held = format_sat(model.balance_msat) if model.balance_msat is not None else ""
    if model.request is not None:
        moved, memo = "REQUEST", f"{model.request.id}: {model.request.what} {model.request.destination}"
    elif model.payment is None:
        moved, memo = "BELOW", "the balance is under the mark"
    else:
        moved = ("+" if model.payment.direction == "in" else "-") + amount(model.payment)
        memo = model.payment.memo
    return View(lines=[f"{local(model.at)}  {model.wallet:<16} {moved:>16} {held:>18}  {memo}".rstrip()])


def _metrics_written(model: MetricsWritten) -> View:
    return View(lines=[f"{model.samples} figures written to {model.path}"])


def _explanation(model: Explanation) -> View:
    exits = ", ".join(map(str, model.exit_codes))
    return View(
        fields=given(
            ("code", model.code),
            ("exit code", exits if exits != model.code else None),
            ("happened", model.happened),
            ("money moved", model.money_moved),
            ("do", model.do),
        )
    )


def _explanations(model: Explanations) -> View:
    rows = [[item.code, ", ".join(map(str, item.exit_codes)), item.happened, item.do] for item in model.items]
    return View([("code", False), ("exit", False), ("what happened", False), ("what to do", False)], rows)


VIEWS: dict[type, Any] = {
    Backup: _backup,
    Restored: _restored,
    Trace: _trace,
    Event: _event,
    CompletionScript: lambda model: View(lines=[model.path or ""]),
    MetricsWritten: _metrics_written,
    Reconciliation: _reconciliation,
    Diagnosis: _diagnosis,
    Settings: _settings,
    SandboxView: _sandbox,
    Explanation: _explanation,
    Explanations: _explanations,
}

QUIET: dict[type, Any] = {
    Backup: lambda model: [model.audit_head],
    Restored: lambda model: model.without_key,
    Trace: lambda model: [model.tell],
    Event: lambda model: [(model.payment or model.request).id if model.what != "below" else sat(model.balance_msat)],
    CompletionScript: lambda model: [model.path or ""],
    MetricsWritten: lambda model: [model.path],
    Reconciliation: lambda model: [str(model.unknown)],
    Diagnosis: lambda model: [item.check for item in model.items if item.status == "fail"],
    Settings: lambda model: (
        [f"{item.name}={item.value}" for item in model.items]
        or [f"{name}={path}" for name, path in model.paths.items()]
    ),
    SandboxView: lambda model: [model.url or ""],
    Explanation: lambda model: [model.do],
    Explanations: lambda model: [item.code for item in model.items],
}
