"""How each model reads to a person, and which one value `--quiet` prints; plain text, no terminal codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from amani_cli import models
from amani_cli.amounts import Fiat, format_btc, format_fiat, format_sat
from amani_cli.times import ago, local

Column = tuple[str, bool]  # heading, and whether it is right-aligned


@dataclass
class View:
    """Rows under columns, labelled fields, then lines; `footer` stands under a table at a terminal."""

    columns: list[Column] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    footer: list[str] = field(default_factory=list)
    empty: str = ""

    @property
    def label_width(self) -> int:
        """The longest label, so that the values line up."""
        return max((len(label) for label, _ in self.fields), default=0)


def view(model: Any) -> View:
    """What a person reads of a model."""
    shown: View = _VIEWS[type(model)](model)
    return shown


def quiet(model: Any) -> list[str]:
    """The lines that `--quiet` prints: the one value that a script wants, or one a row of a list."""
    lines: list[str] = _QUIET[type(model)](model)
    return lines


def sat(amount_msat: int | None) -> str:
    """A bare number of sat, exact: `1000`, or `1.5` where there is a fraction."""
    if amount_msat is None:
        return ""
    whole, rest = divmod(abs(amount_msat), 1000)
    sign = "-" if amount_msat < 0 else ""
    return f"{sign}{whole}" + (f".{rest:03}".rstrip("0") if rest else "")


def fiat(amount: Decimal, currency: str) -> str:
    """An amount of a currency, as people write it."""
    return format_fiat(Fiat(amount, currency))


def _mark(provider: str, *, sandbox: bool, live: bool) -> str:
    """What stands behind a wallet's name: whether its money is play money, and where fiat is concerned, real."""
    if sandbox:
        return " [SANDBOX]"
    if provider == "fincra":
        return " [LIVE]" if live else " [TEST]"
    return ""


def _quoted(quoted: models.Quoted | None, about: str = "") -> str | None:
    """A fiat amount with the price behind it, whose it is and how old."""
    if quoted is None:
        return None
    amount = format_fiat(Fiat(quoted.value, quoted.currency))
    return f"{about}{amount}, at {quoted.price:,f} {quoted.currency} for 1 BTC by {quoted.source}, {ago(quoted.at)}"


def _fake(sandbox: bool, money: str = "sats") -> str:
    return f" (sandbox: fake {money})" if sandbox else ""


def _amount(payment: models.Payment) -> str:
    if payment.amount is not None:
        return fiat(payment.amount.value, payment.amount.currency)
    return format_sat(payment.amount_msat or 0)


def _fee(payment: models.Payment) -> str:
    if payment.fee is not None:
        return fiat(payment.fee.value, payment.fee.currency)
    return format_sat(payment.fee_msat) if payment.fee_msat is not None else "not known yet"


def _given(*fields: tuple[str, str | None]) -> list[tuple[str, str]]:
    return [(label, value) for label, value in fields if value]


def _balance(model: models.Balance) -> View:
    when = f"as of {local(model.as_of)}" + (", cached" if model.cached else "")
    if model.balances is not None:
        name = model.wallet + _mark(model.provider, sandbox=model.sandbox, live=model.live)
        rows = [
            [name, fiat(each.value, each.currency), f"ledger {each.ledger:f}, locked {each.locked:f}", when]
            for each in model.balances
        ]
        columns = [("wallet", False), ("available", True), ("", False), ("", False)]
        return View(columns, rows, empty="It holds no currency yet.")
    row = [model.wallet, format_sat(model.balance_msat or 0), format_btc(model.balance_msat or 0), when]
    view = View(
        columns=[("wallet", False), ("balance", True), ("", True), ("", False)],
        rows=[[row[0] + _fake(model.sandbox), *row[1:]]],
    )
    if model.about is not None:
        view.columns.append(("worth", False))
        view.rows[0].append(_quoted(model.about, "about ") or "")
    return view


def _quiet_balance(model: models.Balance) -> list[str]:
    """The bare number; of several currencies, each with its name."""
    if model.balances is None:
        return [sat(model.balance_msat)]
    if len(model.balances) == 1:
        return [f"{model.balances[0].value:f}"]
    return [f"{each.value:f} {each.currency}" for each in model.balances]


def _balances(model: models.Balances) -> View:
    views = [_balance(item) for item in model.items]
    columns: list[Column] = max((view.columns for view in views), key=len, default=[("wallet", False)])
    rows = [row + [""] * (len(columns) - len(row)) for view in views for row in view.rows]
    footer = []
    if any(not item.sandbox and item.balance_msat is not None for item in model.items):
        footer.append(f"total: {format_sat(model.total_msat)} ({format_btc(model.total_msat)})")
    if any(item.sandbox for item in model.items):
        footer.append(f"total on the sandbox: {format_sat(model.sandbox_total_msat)}, all fake")
    return View(columns, rows, footer=footer)


def _wallet_name(model: models.Wallet) -> str:
    return model.name + _mark(model.provider, sandbox=model.sandbox, live=model.live)


def _wallet(model: models.Wallet) -> View:
    can = "pay and look" if model.access == "spend" else "look and ask for money, not pay"
    return View(
        fields=_given(
            ("wallet", _wallet_name(model) + (" (default)" if model.default else "")),
            ("provider", model.provider),
            ("url", model.url),
            ("id", model.id),
            ("can", can),
            ("key from", model.key_source),
            ("login", ("yes" if model.login else "no") if model.provider == "lnbits" else None),
            ("server", model.server_version),
            ("known since", local(model.created_at) if model.created_at else None),
        )
    )


def _wallets(model: models.Wallets) -> View:
    rows = [
        [
            "*" if item.default else "",
            _wallet_name(item),
            item.provider,
            item.url,
            item.access,
            item.key_source,
        ]
        for item in model.items
    ]
    columns = [
        ("", False),
        ("wallet", False),
        ("provider", False),
        ("url", False),
        ("access", False),
        ("key", False),
    ]
    return View(columns, rows, empty="No wallet yet: amani wallet add NAME --url URL, or amani sandbox start")


def _invoice(model: models.Invoice) -> View:
    fields = _given(
        ("status", model.status),
        ("amount", _asked(model) + (f" ({format_btc(model.amount_msat)})" if model.amount_msat else "")),
        ("which is", _quoted(model.quoted)),
        (
            "received",
            fiat(*model.received) + (f": {model.variance}" if model.variance else "") if model.received else None,
        ),
        ("memo", model.memo),
        ("wallet", model.wallet),
        ("hash", model.payment_hash),
        ("our reference", model.our_reference),
        ("Fincra's", model.provider_reference),
        ("paid at" if model.paid_at else "expires", local(model.paid_at or model.expires_at)),
        ("reference", model.reference),
    )
    return View(fields=[*fields, ("", model.to_pay)] if model.status == "pending" else fields)


def _asked(model: models.Invoice) -> str:
    return fiat(*model.amount) if model.amount else format_sat(model.amount_msat or 0)


def _invoices(model: models.Invoices) -> View:
    rows = [
        [
            local(item.created_at),
            item.status,
            _asked(item),
            item.wallet,
            item.key[:16],
            item.memo,
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
    return View(columns, rows, footer=footer, empty="No invoices.")


def _decoded(model: models.Decoded) -> View:
    return View(
        fields=_given(
            ("amount", format_sat(model.amount_msat) if model.amount_msat is not None else "left open"),
            ("description", model.description),
            ("description hash", model.description_hash),
            ("payee", model.payee),
            ("network", model.network),
            ("hash", model.payment_hash),
            ("created", local(model.created_at)),
            ("expired" if model.expired else "expires", local(model.expires_at)),
        )
    )


def _payee(model: models.Payee) -> View:
    bounds = None
    if model.min_msat is not None and model.max_msat is not None:
        bounds = format_sat(model.min_msat)
        if model.min_msat != model.max_msat:
            bounds += f" to {format_sat(model.max_msat)}"
    verb = {"pay": "takes", "withdraw": "gives", "login": "", "payout": ""}[model.kind]
    comment = f"up to {model.comment_limit} characters" if model.comment_limit else None
    return View(
        fields=_given(
            ("payee" if model.kind in ("pay", "payout") else model.kind, model.destination),
            ("domain", model.domain),
            ("says it is", model.identifier),
            ("description", model.description),
            ("more", model.long_description),
            (verb, bounds),
            ("comment", comment),
        )
    )


def _contact(model: models.Contact) -> View:
    pinned = ", ".join(f"{name} {value}" for name, value in model.pinned.items())
    when = f" ({local(model.pinned_at)})" if model.pinned_at else ""
    return View(
        fields=[
            ("contact", model.name),
            ("pays to", model.destination),
            ("pinned", pinned + when if pinned else "nothing yet: the first payment does"),
        ]
    )


def _contacts(model: models.Contacts) -> View:
    rows = [[item.name, item.destination, "pinned" if item.pinned else ""] for item in model.items]
    return View([("contact", False), ("pays to", False), ("", False)], rows, empty="No contacts: amani contact add")


def _batch_plan(model: models.BatchPlan) -> View:
    kinds = ", ".join(f"{count} {_KINDS.get(kind, kind)}" for kind, count in model.kinds.items())
    view = View(fields=[("rows", f"{model.rows}: {kinds}")])
    if model.balance_msat is not None and model.left_msat is not None:
        short = "" if model.balance_msat >= model.total_msat else " (NOT ENOUGH)"
        view.fields += [
            ("total", f"{format_sat(model.total_msat)} ({format_btc(model.total_msat)})"),
            ("fees at most", format_sat(model.max_fee_msat)),
            ("from", (model.wallet or "") + _fake(model.sandbox)),
            ("holds", format_sat(model.balance_msat)),
            ("left at least", format_sat(model.left_msat) + short),
        ]
    for each in model.fiat:
        short = "" if each.sufficient else " (NOT ENOUGH)"
        held = fiat(each.balance, each.currency)
        view.fields.append(
            ("paid out", f"{fiat(each.total, each.currency)} from {each.wallet}, which can spend {held}{short}")
        )
    view.fields += _given(("PIN", "needed" if model.needs_pin else None), ("plan", model.plan))
    return view


_KINDS = {"bolt11": "invoices", "lnurl": "addresses or links", "cheque": "cheques", "payout": "banks or phones"}


def _batch_row(model: models.BatchRow) -> list[str]:
    amount = format_sat(model.amount_msat) if model.amount_msat is not None else ""
    if model.amount is not None:
        amount = fiat(model.amount.value, model.amount.currency)
    return [str(model.row), model.to[:40], amount, model.status, model.failure or ""]


def _batch_rows(items: list[models.BatchRow]) -> View:
    columns = [("row", True), ("to", False), ("amount", True), ("status", False), ("", False)]
    return View(columns, [_batch_row(item) for item in items])


def _batch(model: models.Batch) -> View:
    view = _batch_rows([item for item in model.items if item.status != "settled"])
    counts = f"{model.settled} settled, {model.failed} failed, {model.unknown} in doubt, {model.open} not yet tried"
    view.lines = [f"{model.rows} rows: {counts}"]
    if model.wallet is not None:
        view.lines.append(f"paid {format_sat(model.paid_msat)}, fees {format_sat(model.fee_msat)}")
    view.lines += [f"paid out {fiat(each.value, each.currency)}" for each in model.paid]
    if model.settled < model.rows:
        view.lines.append("Run the same plan again to go on: no row is paid twice.")
    return view


def _nothing(model: models.Nothing) -> View:
    kept = f", {format_sat(model.keep_msat)} of it to be kept" if model.keep_msat else ""
    return View(lines=[f"{model.reason}: '{model.wallet}' holds {format_sat(model.balance_msat)}{kept}"])


def _success(payment: models.Payment) -> list[tuple[str, str | None]]:
    """What the payee wants shown, marked as the payee's word."""
    said = payment.success
    if said is None:
        return []
    if said.tag == "aes":
        return [("payee says", said.text), ("its secret", said.secret or "(can't be opened)")]
    return [("payee says", said.text), ("its link", said.url)]


def _payment(model: models.Payment) -> View:
    how = {
        "settled": "settled",
        "failed": "failed: no money moved",
        "unknown": "UNKNOWN: ask with amani reconcile",
    }
    again = " (this is the receipt of the earlier payment; nothing was sent)" if model.replayed else ""
    return View(
        fields=_given(
            (
                "received" if model.direction == "in" else "paid",
                _amount(model) + _fake(model.sandbox, "money" if model.amount else "sats"),
            ),
            ("which is", _quoted(model.quoted)),
            ("arrived", fiat(*model.received) if model.received and model.received != model.amount else None),
            ("fee", _fee(model) if model.direction == "out" else None),
            ("status", how[model.status] + again),
            ("reason", model.failure),
            ("wallet", model.wallet),
            ("to", model.to_wallet or model.destination),
            ("memo", model.memo),
            ("reference", model.reference),
            ("category", model.category),
            ("our reference", model.our_reference),
            ("Fincra's", model.provider_reference),
            ("by", model.actor),
            ("hash", model.payment_hash),
            ("preimage", model.preimage),
            *_success(model),
            ("at", local(model.settled_at or model.created_at)),
            ("id", model.id),
            ("next claim", local(model.next_claim_at) if model.next_claim_at else None),
        )
    )


def _history(model: models.History) -> View:
    rows = [
        [
            local(item.created_at),
            item.wallet + _play_money(item),
            item.direction,
            ("+" if item.direction == "in" else "-") + _amount(item),
            item.status,
            item.memo,
            item.id,
        ]
        for item in model.items
    ]
    columns = [
        ("when", False),
        ("wallet", False),
        ("", False),
        ("amount", True),
        ("status", False),
        ("memo", False),
        ("id", False),
    ]
    return View(columns, rows, footer=[f"more: --after {model.next}"] if model.next else [], empty="No payments.")


def _plan(model: models.Plan) -> View:
    enough = "" if model.sufficient else " (NOT ENOUGH)"
    return View(
        fields=_given(
            ("would pay", f"{format_sat(model.amount_msat)} ({format_btc(model.amount_msat)})"),
            ("which is", _quoted(model.quoted)),
            ("contact", model.contact),
            ("to", model.destination),
            ("domain", model.domain),
            ("it says", model.description),
            ("comment", model.comment),
            ("memo", model.memo if model.memo != model.description else None),
            ("fee at most", format_sat(model.max_fee_msat)),
            ("from", model.wallet + _fake(model.sandbox)),
            ("left at least", format_sat(model.left_msat) + enough),
            ("expires", local(model.expires_at)),
        ),
        lines=["Nothing was sent."],
    )


def _payout_plan(model: models.PayoutPlan) -> View:
    fee = fiat(*model.fee) if model.fee else "not known beforehand; Fincra takes it on top"
    name = model.payee if model.verified else f"{model.payee} (NOT verified)"
    same = model.received.currency == model.amount.currency
    mark = _mark("fincra", sandbox=False, live=model.live)
    return View(
        fields=_given(
            ("would pay", fiat(*model.amount)),
            ("to", name),
            ("at", f"{model.at} ({model.destination})"),
            ("arrives", None if same else fiat(*model.received)),
            ("rate", f"{model.rate:f}" if model.rate else None),
            ("quote until", local(model.expires_at) if model.expires_at else None),
            ("fee", fee),
            ("memo", model.memo),
            ("from", model.wallet + mark),
            ("left at most", fiat(*model.left) + ("" if model.sufficient else " (NOT ENOUGH)")),
        ),
        lines=["Nothing was sent."],
    )


def _banks(model: models.Banks) -> View:
    rows = [[f"{item.kind}:{item.code}", item.name, item.swift or ""] for item in model.items]
    columns = [("code", False), ("name", False), ("swift", False)]
    return View(columns, rows, empty=f"Fincra pays nobody in {model.currency}.")


def _reconciliation(model: models.Reconciliation) -> View:
    view = _history(models.History(model.items, None))
    view.empty = ""
    view.lines = [
        f"{model.checked} asked about: {model.settled} settled, {model.failed} failed, {model.unknown} still open"
    ]
    if model.differences:
        view.lines += ["The books and the provider differ:", *(f"  {text}" for text in model.differences)]
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
        fields=_given(
            ("sandbox", model.state),
            ("url", model.url),
            ("pid", str(model.pid) if model.pid else None),
            ("LNbits", model.version),
            ("wallets", ", ".join(model.wallets)),
        )
    )


def _removed(model: models.Removed) -> View:
    parts = [f"removed wallet '{model.wallet}'"]
    if model.keys_deleted:
        parts.append("and its keys")
    if model.remote_deleted:
        parts.append("and deleted it at its server")
    return View(lines=[" ".join(parts)])


def _login(model: models.Login) -> View:
    state = "logged in to" if model.logged_in else "logged out of"
    return View(lines=[f"{state} {model.url} as {model.username}"])


def _synced(model: models.Synced) -> View:
    return View(lines=[f"{model.new} new, {model.updated} updated, from: {', '.join(model.wallets) or 'no wallet'}"])


def _exported(model: models.Exported) -> View:
    return View(lines=[f"{model.payments} payments written to {model.path}"])


def _backup(model: models.Backup) -> View:
    return View(
        fields=_given(
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
        fields=_given(
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
        moved = ("+" if model.payment.direction == "in" else "-") + _amount(model.payment)
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


def _play_money(item: models.Payment) -> str:
    if not item.sandbox:
        return ""
    return " [SANDBOX]" if item.amount is None else " [TEST]"


def _pin(model: models.Pin) -> View:
    asked = "at any amount"
    if not model.always and (model.threshold_msat is not None or model.thresholds):
        limits = [format_sat(model.threshold_msat)] if model.threshold_msat is not None else []
        limits += [fiat(*each) for each in model.thresholds]
        asked = f"above {', '.join(limits)}"
    return View(
        fields=_given(
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
        fields=_given(
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
        fields=_given(
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


def _cheque(model: models.Cheque) -> View:
    again = " (written before; its code is not shown again)" if model.replayed and model.status == "open" else ""
    return View(
        fields=[
            *_given(
                ("cheque", model.id),
                ("worth", f"{format_sat(model.amount_msat)} ({format_btc(model.amount_msat)}){_fake(model.sandbox)}"),
                ("status", model.status + again),
                ("memo", model.memo),
                ("wallet", model.wallet),
                ("good until", local(model.expires_at)),
                ("claimed", local(model.claimed_at) if model.claimed_at else None),
                ("by", model.claimed_by),
                ("reference", model.reference),
                ("lnurl", model.lnurl),
            ),
            *([("", model.code)] if model.code else []),
        ]
    )


def _cheques(model: models.Cheques) -> View:
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
    return View(columns, rows, footer=footer, empty="No cheques.")


_VIEWS: dict[type, Any] = {
    models.Cheque: _cheque,
    models.Cheques: _cheques,
    models.Faucet: _faucet,
    models.Audit: _audit,
    models.AuditVerdict: _audit_verdict,
    models.Pin: _pin,
    models.Limits: _limits,
    models.Balance: _balance,
    models.Balances: _balances,
    models.Wallet: _wallet,
    models.Wallets: _wallets,
    models.Invoice: _invoice,
    models.Invoices: _invoices,
    models.Decoded: _decoded,
    models.Payment: _payment,
    models.Payee: _payee,
    models.Nothing: _nothing,
    models.BatchPlan: _batch_plan,
    models.BatchRow: lambda model: _batch_rows([model]),
    models.Batch: _batch,
    models.Contact: _contact,
    models.Contacts: _contacts,
    models.History: _history,
    models.Plan: _plan,
    models.Backup: _backup,
    models.Restored: _restored,
    models.Trace: _trace,
    models.Event: _event,
    models.Closing: _closing,
    models.Chart: _chart,
    models.Exported: _exported,
    models.CompletionScript: lambda model: View(lines=[model.path or ""]),
    models.MetricsWritten: _metrics_written,
    models.PayoutPlan: _payout_plan,
    models.Banks: _banks,
    models.Reconciliation: _reconciliation,
    models.Diagnosis: _diagnosis,
    models.Settings: _settings,
    models.SandboxView: _sandbox,
    models.Explanation: _explanation,
    models.Explanations: _explanations,
    models.Removed: _removed,
    models.Login: _login,
    models.Synced: _synced,
}

_QUIET: dict[type, Any] = {
    models.Cheque: lambda model: [model.code or model.id],
    models.Cheques: lambda model: [item.code or item.id for item in model.items],
    models.Faucet: lambda model: [sat(model.balance_msat)],
    models.Audit: lambda model: [str(item.seq) for item in model.items],
    models.AuditVerdict: lambda model: [model.head],
    models.Pin: lambda model: ["set" if model.set else "not set"],
    models.Limits: lambda model: [f"{item.name}={item.left}" for item in model.items],
    models.Balance: _quiet_balance,
    models.Balances: lambda model: [line for item in model.items for line in _quiet_balance(item)],
    models.Wallet: lambda model: [model.name],
    models.Wallets: lambda model: [item.name for item in model.items],
    models.Invoice: lambda model: [model.to_pay if model.status == "pending" else model.status],
    models.Invoices: lambda model: [item.key for item in model.items],
    models.Decoded: lambda model: [model.payment_hash],
    models.Payment: lambda model: [model.payment_hash or model.id],
    models.Payee: lambda model: [model.destination],
    models.Nothing: lambda model: [],
    models.BatchPlan: lambda model: [model.hash],
    models.BatchRow: lambda model: [model.status],
    models.Batch: lambda model: [str(model.rows - model.settled)],
    models.Contact: lambda model: [model.destination],
    models.Contacts: lambda model: [item.name for item in model.items],
    models.History: lambda model: [item.id for item in model.items],
    models.Backup: lambda model: [model.audit_head],
    models.Restored: lambda model: model.without_key,
    models.Trace: lambda model: [model.tell],
    models.Event: lambda model: [model.payment.id if model.payment else sat(model.balance_msat)],
    models.Closing: lambda model: model.differences,
    models.Chart: lambda model: [str(point.balance) for point in model.points],
    models.Exported: lambda model: [model.path],
    models.CompletionScript: lambda model: [model.path or ""],
    models.MetricsWritten: lambda model: [model.path],
    models.Plan: lambda model: [sat(model.max_fee_msat)],
    models.PayoutPlan: lambda model: [model.payee],
    models.Banks: lambda model: [item.code for item in model.items],
    models.Reconciliation: lambda model: [str(model.unknown)],
    models.Diagnosis: lambda model: [item.check for item in model.items if item.status == "fail"],
    models.Settings: lambda model: [f"{item.name}={item.value}" for item in model.items],
    models.SandboxView: lambda model: [model.url or ""],
    models.Explanation: lambda model: [model.do],
    models.Explanations: lambda model: [item.code for item in model.items],
    models.Removed: lambda model: [model.wallet],
    models.Login: lambda model: [model.url],
    models.Synced: lambda model: [str(model.new)],
}
