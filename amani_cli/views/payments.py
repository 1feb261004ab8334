"""How payments read, whom they are for and what they would do."""

from __future__ import annotations

import time
from typing import Any

from amani_cli.amounts import format_btc, format_sat
from amani_cli.models.payments import Banks, Contact, Contacts, FeeRange, Nothing, Payee, Payment, PayoutPlan, Plan
from amani_cli.times import from_rfc3339, local
from amani_cli.views.parts import View, amount, as_quoted, fake, fiat, given, mark_of, sat, when


def _fee(payment: Payment) -> str:
    if payment.fee is not None:
        duty = f" ({fiat(*payment.duty)} of it stamp duty)" if payment.duty is not None else ""
        return fiat(payment.fee.value, payment.fee.currency) + duty
    return format_sat(payment.fee_msat) if payment.fee_msat is not None else "not known yet"


def _payee(model: Payee) -> View:
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


def _contact(model: Contact) -> View:
    pinned = ", ".join(f"{name} {value}" for name, value in model.pinned.items())
    since = f" ({local(model.pinned_at)})" if model.pinned_at else ""
    return View(
        fields=[
            ("contact", model.name),
            ("pays to", model.destination),
            ("pinned", pinned + since if pinned else "nothing yet: the first payment does"),
            *given(
                ("holder", model.holder),
                ("checked", when(model.checked_at) if model.checked_at else None),
            ),
        ]
    )


def _contacts(model: Contacts) -> View:
    rows = [[item.name, item.destination, "pinned" if item.pinned else ""] for item in model.items]
    return View([("contact", False), ("pays to", False), ("", False)], rows, empty="No contacts: amani contact add")


def _nothing(model: Nothing) -> View:
    kept = f", {format_sat(model.keep_msat)} of it to be kept" if model.keep_msat else ""
    held = fiat(*model.balance) if model.balance else format_sat(model.balance_msat or 0)
    return View(lines=[f"{model.reason}: '{model.wallet}' holds {held}{kept}"])


def _success(payment: Payment) -> list[tuple[str, str | None]]:
    """What the payee wants shown, marked as the payee's word."""
    said = payment.success
    if said is None:
        return []
    if said.tag == "aes":
        return [("payee says", said.text), ("its secret", said.secret or "(can't be opened)")]
    return [("payee says", said.text), ("its link", said.url)]


_OUTCOMES = {
    "settled": "settled",
    "failed": "FAILED: nothing left the wallet",
    "unknown": "UNKNOWN: it may have left; ask with amani reconcile, and never pay it again by other means",
}


def _moved(model: Payment) -> str:
    """What stands before the amount: it was paid only where that is certain."""
    if model.direction == "in":
        return "received" if model.status == "settled" else "to arrive"
    return {"settled": "paid", "reversed": "was paid"}.get(model.status, "to be paid")


def _payment(model: Payment) -> View:
    back = f"REVERSED: it settled, and came back on {local(model.reversed_at or model.created_at)}"
    outcome = back if model.status == "reversed" else _OUTCOMES[model.status]
    if model.direction == "in" and model.status != "settled":
        outcome = "FAILED: nothing arrived" if model.status == "failed" else "UNKNOWN: ask with amani reconcile"
    again = " (this is the receipt of the earlier payment; nothing was sent)" if model.replayed else ""
    return View(
        fields=given(
            ("status", outcome + again),
            (_moved(model), amount(model) + fake(model.sandbox, "money" if model.amount else "sats")),
            ("which is", as_quoted(model.quoted)),
            ("arrived", fiat(*model.received) if model.received and model.received != model.amount else None),
            ("fee", _fee(model) if model.direction == "out" else None),
            ("reason", model.failure),
            ("waits for", f"{model.documents}: upload in Fincra's dashboard" if model.documents else None),
            ("wallet", model.wallet),
            ("to", model.to_wallet or model.destination),
            ("memo", model.memo),
            ("reference", model.reference),
            ("category", model.category),
            ("our reference", model.our_reference),
            ("Fincra's", model.provider_reference),
            ("session", model.session_id),
            ("from", model.payer),
            ("request", model.request),
            ("by", model.actor),
            ("hash", model.payment_hash),
            ("preimage", model.preimage),
            *_success(model),
            ("at", when(model.settled_at or model.created_at)),
            ("id", model.id),
            ("next claim", when(model.next_claim_at) if model.next_claim_at else None),
        )
    )


def _plan(model: Plan) -> View:
    enough = "" if model.sufficient else " (NOT ENOUGH)"
    return View(
        fields=given(
            ("would pay", f"{format_sat(model.amount_msat)} ({format_btc(model.amount_msat)})"),
            ("which is", as_quoted(model.quoted)),
            ("contact", model.contact),
            ("to", model.destination),
            ("domain", model.domain),
            ("it says", model.description),
            ("comment", model.comment),
            ("memo", model.memo if model.memo != model.description else None),
            ("fee at most", format_sat(model.max_fee_msat)),
            ("from", model.wallet + fake(model.sandbox)),
            ("left", f"at least {format_sat(model.left_msat)}{enough}"),
            ("expires", when(model.expires_at)),
        ),
        lines=["Nothing was sent."],
    )


def _payout_plan(model: PayoutPlan) -> View:
    fee = fiat(*model.fee) if model.fee else "not known beforehand; Fincra takes it on top"
    if model.fee is None and model.fee_before is not None:
        fee = f"on top: {_fees_before(model.fee_before)}"
    name = model.payee if model.verified else f"{model.payee} (NOT verified)"
    same = model.received.currency == model.amount.currency
    mark = mark_of("fincra", sandbox=False, live=model.live)
    return View(
        fields=given(
            ("would pay", fiat(*model.amount)),
            ("to", name),
            ("at", f"{model.at} ({model.destination})"),
            ("arrives", None if same else fiat(*model.received)),
            ("rate", f"{model.rate:f}" if model.rate else None),
            ("quote holds", _holds(model.expires_at) if model.expires_at else None),
            ("fee", fee),
            ("they see", model.description),
            ("memo", model.memo if model.memo != model.description else None),
            ("from", model.wallet + mark),
            ("left", f"at most {fiat(*model.left)}{'' if model.sufficient else ' (NOT ENOUGH)'}"),
        ),
        lines=["Nothing was sent."],
    )


def _holds(until: str) -> str:
    """How long a quote holds: for some seconds, and until when to the second."""
    moment = from_rfc3339(until)
    left = max(0, int(moment.timestamp() - time.time()))
    return f"{left} s, until {moment.astimezone():%H:%M:%S}"


def _fees_before(before: FeeRange) -> str:
    """What such payouts cost: `10.75 NGN, as your last one`, or the range of several."""
    if before.lowest == before.highest:
        return (
            f"{before.highest:,f} {before.currency}, as your last {before.payments if before.payments > 1 else 'one'}"
        )
    return f"your last {before.payments}: {before.lowest:,f}–{before.highest:,f} {before.currency}"


def _banks(model: Banks) -> View:
    rows = [[f"{item.kind}:{item.code}", item.name, item.swift or ""] for item in model.items]
    columns = [("code", False), ("name", False), ("swift", False)]
    return View(columns, rows, empty=f"Fincra's list of banks and operators for {model.currency} is empty.")


VIEWS: dict[type, Any] = {
    Payment: _payment,
    Payee: _payee,
    Nothing: _nothing,
    Contact: _contact,
    Contacts: _contacts,
    Plan: _plan,
    PayoutPlan: _payout_plan,
    Banks: _banks,
}

QUIET: dict[type, Any] = {
    Payment: lambda model: [model.payment_hash or model.id],
    Payee: lambda model: [model.destination],
    Nothing: lambda model: [],
    Contact: lambda model: [model.destination],
    Contacts: lambda model: [item.name for item in model.items],
    Plan: lambda model: [sat(model.max_fee_msat)],
    PayoutPlan: lambda model: [model.payee],
    Banks: lambda model: [item.code for item in model.items],
}
