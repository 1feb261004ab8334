"""What the desk tells the customer, in a customer's words, and beside it what the desk does next.

A customer hears what stands, when that was in local time, and what proves it; never whose server said so, nor a
program's error.
"""

from __future__ import annotations

from decimal import Decimal

from amani_cli.amounts import Fiat, format_fiat, format_sat
from amani_cli.models.operations import TraceCandidate
from amani_cli.operations import clues
from amani_cli.operations.case import Case
from amani_cli.payments import waiting
from amani_cli.providers.base import Record
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow, InvoiceRow
from amani_cli.times import in_zone, now

Advice = tuple[str, list[str]]


def of_several(case: Case, candidates: list[TraceCandidate]) -> Advice:
    """No verdict: which one is meant has to be asked."""
    todo = ["Find out which one is meant, then: amani trace ID"]
    if case.clue.kind == clues.AMOUNT:
        todo.append(_list_line(case))
    found = "One payment fits" if len(candidates) == 1 else f"{len(candidates)} payments or invoices fit"
    return f"Nothing yet. {found}: ask the customer for the invoice, the payment hash or the exact time.", todo


def of_one(case: Case) -> Advice:
    """What stands of the one thing that was found, or that nothing is known; by the most telling of what there is."""
    if case.cheques:
        return _of_cheque(case.cheques[0])
    out = [row for row in case.payments if row.direction == "out"]
    for row in out:
        if row.status == "unknown":
            return _of_open(row)
    for row in out:
        if row.status == "settled":
            return _of_paid(case, row)
    for row in case.payments:
        if row.direction == "in" and row.status == "settled":
            came = "It came back" if row.kind == "refund" else "It arrived"
            return f"{came} on {in_zone(row.settled_at or row.created_at)}: {_amount(row)}.", [_show(row)]
    there = [each.record for each in case.records if each.record.status == "settled"]
    if there or case.arrived:
        when = next((each.settled_at for each in there if each.settled_at), None)
        on = f" on {in_zone(when)}" if when else ""
        paid = [each.preimage for each in there if isinstance(each, Record) and each.preimage and not case.redacted]
        proof = f" The proof is the preimage {paid[0]}." if paid else ""
        return f"It was paid{on}.{proof}", [f"{_catch_up(case)} (it is not in the journal here yet)"]
    if out:
        anew = "It can be paid again." if out[-1].currency else "With a new invoice it can be paid again."
        return f"It was not paid: nothing left. {anew}", [_show(out[-1])]
    if case.invoices:
        return _of_invoice(case.invoices[0])
    if case.records:
        words = {"pending": "It is on its way. Please ask again in an hour.", "failed": "It was not paid."}
        return words.get(case.records[0].record.status, "It came back."), [_catch_up(case)]
    return _of_nothing(case)


def _of_nothing(case: Case) -> Advice:
    where = f" ({case.nowhere})" if case.nowhere else ""
    tell = "We have not found it yet. That does not mean that it was not paid: it may be where nobody looked."
    ask = "Ask the customer for the invoice, the payment hash or the preimage that their wallet shows."
    if case.banks_alone:
        ask = "Ask the customer for the reference or the session id that their bank shows, the amount and the day."
    if case.clue.kind == clues.AMOUNT:
        return tell, [_list_line(case), ask]
    if where:
        first = f"Nothing could be found here{where}: amani wallet add, or set AMANI_HOME to the right folder."
        return tell, [first, ask]
    return tell, [_catch_up(case), ask]


def _catch_up(case: Case) -> str:
    """What brings in what is missing: after a restore, what lifts the holds as well."""
    return "amani reconcile" if case.is_held else "amani history sync"


def _list_line(case: Case) -> str:
    wanted, days = case.clue.amount, clues.days(case.clue.period)
    bounds = ""
    if isinstance(wanted, int):
        text = format_sat(wanted).replace(",", "").replace(" ", "")
        bounds = f"--min {text} --max {text}"
    return " ".join(f"amani history list {days} {bounds}".split())


def _of_open(row: Entry) -> Advice:
    why = waiting.of(row)
    again = "Please ask again in an hour; it must not be paid again meanwhile."
    if row.documents:
        return f"It is on its way, and waits for papers: {row.documents}. {again}", [
            "Upload them in Fincra's dashboard, under the payout.",
            f"amani reconcile {row.id}",
        ]
    return f"It is on its way. {again}", [f"amani reconcile {row.id} ({why.reason})", _show(row)]


def _of_paid(case: Case, row: Entry) -> Advice:
    paid = f"It was paid on {in_zone(row.settled_at or row.created_at)}: {_amount(row)}."
    if row.reversed_at:
        return (
            f"{paid} On {in_zone(row.reversed_at)} it came back: the payee does not have it. We need another account.",
            ["Ask for another account; what is still due is paid under a new reference.", _show(row)],
        )
    todo = [_show(row)]
    if row.currency is not None and row.kind != "convert":
        todo.append(f"amani history show {row.id} --print FILE.pdf (an advice for the payee)")
    return f"{paid} {_proof(case, row)}".strip(), todo


def _proof(case: Case, row: Entry) -> str:
    """By what the payee's side finds a payment: a preimage, or what banks know it by."""
    if row.currency is None:
        return f"The proof is the preimage {row.preimage}." if row.preimage and not case.redacted else ""
    if row.kind == "convert":
        return "It was an exchange between two currencies of the wallet."
    names = [f"session id {row.session_id}"] if row.session_id else []
    names += [f"reference {row.provider_reference}"] if row.provider_reference else []
    by = " and ".join(names) or f"reference {row.our_reference}"
    return f"The payee's bank finds it by {by}."


def _of_invoice(row: InvoiceRow) -> Advice:
    todo = [f"amani invoice check {row.payment_hash}"]
    if row.status == "paid":
        return f"It was paid on {in_zone(row.paid_at or row.created_at)}.", todo
    if row.status == "pending" and row.expires_at > now():
        return f"It is not received yet. The invoice can be paid until {in_zone(row.expires_at)}.", todo
    ended = in_zone(row.expires_at)
    tell = f"It was not received, and the invoice ended on {ended}. If your wallet says that it was sent, the money"
    return f"{tell} comes back to you; please ask for a new invoice.", todo


def _of_cheque(row: ChequeRow) -> Advice:
    words = {
        "open": f"The cheque is not claimed. It is good until {in_zone(row.expires_at)}.",
        "claimed": f"The cheque was claimed{' on ' + in_zone(row.claimed_at) if row.claimed_at else ''}.",
        "void": "The cheque was taken back and is worth nothing.",
        "expired": f"The cheque ended on {in_zone(row.expires_at)} and was taken back.",
    }
    told = words.get(row.status, "The cheque is on its way. Please ask again in an hour, and do not try it again.")
    return told, [f"amani cheque show {row.id}" if row.status in words else "amani reconcile"]


def _amount(row: Entry) -> str:
    if row.amount is None:
        return format_sat(row.amount_msat or 0)
    return format_fiat(Fiat(Decimal(row.amount), row.currency or ""))


def _show(row: Entry) -> str:
    return f"amani history show {row.id}"
