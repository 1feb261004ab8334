"""How rules, books, checks, settings and what an operator watches read."""

from __future__ import annotations

from typing import Any

from amani_cli import models
from amani_cli.amounts import format_sat
from amani_cli.times import local
from amani_cli.views import View, amount, fiat, given, sat
from amani_cli.views.money import history


def _reconciliation(model: models.Reconciliation) -> View:
    view = history(models.History(model.items, None))
    view.empty = ""
    view.lines = [
        f"{model.checked} asked about: {model.settled} settled, {model.failed} failed, {model.unknown} still open"
    ]
    if model.differences:
        view.lines += ["The books and the provider differ:", *(f"  {text}" for text in model.differences)]
    if model.unasked:
        view.lines.append(f"Could not be asked: {', '.join(model.unasked)}")
    return view


def _diagnosis(model: models.Diagnosis) -> View:
    rows = [[item.status, item.check, item.detail, item.fix] for item in model.items]
    return View([("", False), ("check", False), ("found", False), ("fix", False)], rows)


def _settings(model: models.Settings) -> View:
    rows = [[item.name, item.value, item.source, item.meaning] for item in model.items]
    view = View([("setting", False), ("value", False), ("from", False), ("meaning", False)], rows)
    view.footer = [f"{name}: {path}" for name, path in model.paths.items()]
    return view


def _sandbox(model: models.SandboxView) -> View:
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


def _synced(model: models.Synced) -> View:
    return View(lines=[f"{model.new} new, {model.updated} updated, from: {', '.join(model.wallets) or 'no wallet'}"])


def _exported(model: models.Exported) -> View:
    return View(lines=[f"{model.payments} payments written to {model.path}"])


def _backup(model: models.Backup) -> View:
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


def _restored(model: models.Restored) -> View:
    return View(
        fields=given(
            ("restored", f"the backup of {local(model.made_at)}"),
            ("wallets", ", ".join(model.wallets) or "none"),
            ("keys", f"{model.keys_restored} secrets"),
            ("without a key", ", ".join(model.without_key)),
            ("before", model.replaced),
        )
    )


def _trace(model: models.Trace) -> View:
    lines = [f"asked: {model.asked}", ""]
    lines += [f"{local(each.at) if each.at else '':16}  {each.text}  [{each.source}]" for each in model.timeline]
    lines += ["", f"tell the customer: {model.tell}", *(f"next: {each}" for each in model.next), ""]
    lines += [f"searched: {each}" for each in model.searched]
    lines += [f"NOT searched: {each.source}: {each.reason}" for each in model.not_searched]
    return View(lines=lines)


def _event(model: models.Event) -> View:
    """A line of a table that grows: its columns are as wide as what is usual, for nobody knows what comes."""
    held = format_sat(model.balance_msat) if model.balance_msat is not None else ""
    if model.payment is None:
        moved, memo = "BELOW", "the balance is under the mark"
    else:
        moved = ("+" if model.payment.direction == "in" else "-") + amount(model.payment)
        memo = model.payment.memo
    return View(lines=[f"{local(model.at)}  {model.wallet:<16} {moved:>16} {held:>18}  {memo}".rstrip()])


def _closing(model: models.Closing) -> View:
    def shown(item: models.ClosedWallet, value: Any) -> str:
        if value is None:
            return "not known"
        return format_sat(value) if item.unit == "msat" else f"{value} {item.unit}"

    columns = ("opening", "received", "sent", "fees", "own_in", "own_out", "closing", "provider_closing")
    rows = [[item.wallet, *(shown(item, getattr(item, name)) for name in columns)] for item in model.items]
    headings = ["opening", "received", "sent", "fees", "from own", "to own", "closing", "provider says"]
    apart = [
        f"{item.wallet}: in these, {words} {shown(item, value)}"
        for item in model.items
        for name, words in (("faucet_out", "given by the faucet"), ("cheque_out", "put into cheques"))
        if (value := getattr(item, name))
    ]
    return View(
        [("wallet", False), *((each, True) for each in headings)],
        rows,
        lines=[
            f"{model.month}, days of {model.zone}",
            *apart,
            f"cheques not claimed today: {format_sat(model.open_cheques_msat)}; outcomes open: {model.open_outcomes}",
            *(f"explained: {note}" for item in model.items for note in item.notes),
            *(f"DIFFERS: {each}" for each in model.differences),
            "NOT closed." if model.differences else "Closed: the books and the provider agree.",
        ],
    )


def _chart(model: models.Chart) -> View:
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


def _metrics_written(model: models.MetricsWritten) -> View:
    return View(lines=[f"{model.samples} figures written to {model.path}"])


def _pin(model: models.Pin) -> View:
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
            ("locked until", local(model.locked_until) if model.locked_until else None),
            ("falls away at", local(model.reset_at) if model.reset_at else None),
        )
    )


def span(seconds: int) -> str:
    """A duration as it is typed: `24h`, `90s`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0 and seconds > length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _limits(model: models.Limits) -> View:
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


def _faucet(model: models.Faucet) -> View:
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
            ("next claim", local(model.next_claim_at) if model.next_claim_at else "now"),
        )
    )


def _audit(model: models.Audit) -> View:
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


def _audit_verdict(model: models.AuditVerdict) -> View:
    state = "whole" if model.intact else f"BROKEN at entry {model.broken_at}"
    return View(
        fields=[
            ("audit log", state),
            ("found", model.detail),
            ("entries" if model.intact else "good entries", str(model.entries)),
            ("head" if model.intact else "last good hash", model.head),
        ]
    )


def _explanation(model: models.Explanation) -> View:
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


def _explanations(model: models.Explanations) -> View:
    rows = [[item.code, ", ".join(map(str, item.exit_codes)), item.happened, item.do] for item in model.items]
    return View([("code", False), ("exit", False), ("what happened", False), ("what to do", False)], rows)


VIEWS: dict[type, Any] = {
    models.Faucet: _faucet,
    models.Audit: _audit,
    models.AuditVerdict: _audit_verdict,
    models.Pin: _pin,
    models.Limits: _limits,
    models.Backup: _backup,
    models.Restored: _restored,
    models.Trace: _trace,
    models.Event: _event,
    models.Closing: _closing,
    models.Chart: _chart,
    models.Exported: _exported,
    models.CompletionScript: lambda model: View(lines=[model.path or ""]),
    models.MetricsWritten: _metrics_written,
    models.Reconciliation: _reconciliation,
    models.Diagnosis: _diagnosis,
    models.Settings: _settings,
    models.SandboxView: _sandbox,
    models.Explanation: _explanation,
    models.Explanations: _explanations,
    models.Synced: _synced,
}

QUIET: dict[type, Any] = {
    models.Faucet: lambda model: [sat(model.balance_msat)],
    models.Audit: lambda model: [str(item.seq) for item in model.items],
    models.AuditVerdict: lambda model: [model.head],
    models.Pin: lambda model: ["set" if model.set else "not set"],
    models.Limits: lambda model: [f"{item.name}={item.left}" for item in model.items],
    models.Backup: lambda model: [model.audit_head],
    models.Restored: lambda model: model.without_key,
    models.Trace: lambda model: [model.tell],
    models.Event: lambda model: [model.payment.id if model.payment else sat(model.balance_msat)],
    models.Closing: lambda model: model.differences,
    models.Chart: lambda model: [str(point.balance) for point in model.points],
    models.Exported: lambda model: [model.path],
    models.CompletionScript: lambda model: [model.path or ""],
    models.MetricsWritten: lambda model: [model.path],
    models.Reconciliation: lambda model: [str(model.unknown)],
    models.Diagnosis: lambda model: [item.check for item in model.items if item.status == "fail"],
    models.Settings: lambda model: [f"{item.name}={item.value}" for item in model.items],
    models.SandboxView: lambda model: [model.url or ""],
    models.Explanation: lambda model: [model.do],
    models.Explanations: lambda model: [item.code for item in model.items],
    models.Synced: lambda model: [str(model.new)],
}
