"""How wallets, invoices, payments, batches and cheques read."""

from __future__ import annotations

from typing import Any

from amani_cli import models
from amani_cli.amounts import Fiat, format_btc, format_fiat, format_sat
from amani_cli.times import ago, local
from amani_cli.views import Column, View, amount, fiat, given, sat


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


def _fee(payment: models.Payment) -> str:
    if payment.fee is not None:
        return fiat(payment.fee.value, payment.fee.currency)
    return format_sat(payment.fee_msat) if payment.fee_msat is not None else "not known yet"


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
        fields=given(
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
    fields = given(
        ("status", model.status),
        ("amount", _asked(model) + (f" ({format_btc(model.amount_msat)})" if model.amount_msat else "")),
        ("which is", _quoted(model.quoted)),
        (
            "received",
            fiat(*model.received) + (f": {model.variance}" if model.variance else "") if model.received else None,
        ),
        ("memo", model.memo),
        ("made for", model.purpose if model.purpose != "invoice" else None),
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
    return View(columns, rows, footer=footer, empty="No invoices.")


def _decoded(model: models.Decoded) -> View:
    return View(
        fields=given(
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
        fields=given(
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
            *(("in fiat", _quoted(each) or "") for each in model.quoted),
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
    view.fields += given(("PIN", "needed" if model.needs_pin else None), ("plan", model.plan))
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
        fields=given(
            (
                "received" if model.direction == "in" else "paid",
                amount(model) + _fake(model.sandbox, "money" if model.amount else "sats"),
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


def history(model: models.History) -> View:
    """A page of payments, one a row."""
    rows = [
        [
            local(item.created_at),
            item.wallet + _play_money(item),
            item.direction,
            ("+" if item.direction == "in" else "-") + amount(item),
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
        fields=given(
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
        fields=given(
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


def _play_money(item: models.Payment) -> str:
    if not item.sandbox:
        return ""
    return " [SANDBOX]" if item.amount is None else " [TEST]"


def _cheque(model: models.Cheque) -> View:
    again = " (written before; its code is not shown again)" if model.replayed and model.status == "open" else ""
    return View(
        fields=[
            *given(
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


VIEWS: dict[type, Any] = {
    models.Cheque: _cheque,
    models.Cheques: _cheques,
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
    models.History: history,
    models.Plan: _plan,
    models.PayoutPlan: _payout_plan,
    models.Banks: _banks,
    models.Removed: _removed,
    models.Login: _login,
}

QUIET: dict[type, Any] = {
    models.Cheque: lambda model: [model.code or model.id],
    models.Cheques: lambda model: [item.code or item.id for item in model.items],
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
    models.Plan: lambda model: [sat(model.max_fee_msat)],
    models.PayoutPlan: lambda model: [model.payee],
    models.Banks: lambda model: [item.code for item in model.items],
    models.Removed: lambda model: [model.wallet],
    models.Login: lambda model: [model.url],
}
