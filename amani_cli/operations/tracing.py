"""What became of anything: every source that can be asked, one timeline, what to tell the customer, what to do next.

Looks and changes nothing; providers are asked with read keys alone. "Not found here" is never "not paid": what could
not be searched is named beside what was. Where several things fit, nothing is said of any of them.
"""

from __future__ import annotations

from amani_cli.amounts import format_sat
from amani_cli.models.operations import Trace, TraceGap
from amani_cli.operations import advice, asking, clues
from amani_cli.operations.case import Case, amount_of
from amani_cli.store import holds, traces
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import R
from amani_cli.store.rows import ChequeRow
from amani_cli.store.traces import TracedInvoice
from amani_cli.text import one_line
from amani_cli.wallets import finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

HERE = "the journal of this amani"


def trace(ws: Workspace, text: str, *, redacted: bool = False) -> Trace:
    """All that is known of a thing, here and at the providers, oldest first; or the things that may be meant.

    `redacted` leaves out names, memos, addresses and whole hashes, for a case file that others may read.
    """
    clue = clues.read(ws, text)
    case = Case(clue, redacted)
    case.know(clue.hashes)
    if ws.has_store:
        case.is_held = bool(holds.of_copy(ws.store) or holds.everything(ws.store))
        _here(ws, case)
    else:
        case.missed.append(
            TraceGap(
                HERE, f"nothing has ever been recorded in {'its folder' if redacted else ws.paths.database.parent}"
            )
        )
    known = finding.everything(ws)
    if clue.kind != clues.AMOUNT:
        asking.ask(ws, case, known)
    case.banks_alone = {wallet.provider for wallet in known} == {"fincra"}
    case.nowhere = _nowhere(ws, known)
    things = case.things()
    shown = clue.kind if redacted or clue.kind in clues.SECRET else f"{clue.kind}: {one_line(text, 80)}"
    if len(things) > 1 or (things and clue.kind == clues.AMOUNT):
        candidates = sorted((case.candidate(each) for each in things), key=lambda each: each.at or "", reverse=True)
        tell, todo = advice.of_several(case, candidates)
        return Trace(shown, True, [], tell, todo, case.searched, case.missed, redacted, candidates)
    tell, todo = advice.of_one(case)
    events = sorted(case.events, key=lambda event: event.at or "")
    return Trace(shown, bool(events), events, tell, todo, case.searched, case.missed, redacted, [])


def _nowhere(ws: Workspace, known: list[KnownWallet]) -> str:
    """Why nothing could be found: there is no wallet to ask, or no journal to look in."""
    if not ws.has_store and not known:
        return "this amani is new: no wallet is registered and nothing was ever recorded"
    return "" if known else "no wallet is registered, so no provider was asked"


# -- here ------------------------------------------------------------------------------------------


def _here(ws: Workspace, case: Case) -> None:
    clue, store = case.clue, ws.store
    if clue.amount is not None:
        found = traces.Found(traces.of_amount(store, clue.amount, clue.period), [], [])
    else:
        found, case.is_named = traces.find(store, clue.wanted)
    case.payments, case.invoices, case.cheques = (
        found.payments[: traces.MOST],
        found.invoices[: traces.MOST],
        found.cheques[: traces.MOST],
    )
    if any(len(rows) > traces.MOST for rows in found):
        case.missed.append(TraceGap(HERE, f"only the newest {traces.MOST} are shown"))
    # What hangs together: both ends of a transfer, the invoice of a payment, the payment of a cheque.
    hashes = {payment.payment_hash for payment in case.payments} | {each.payment_hash for each in case.invoices}
    hashes |= {each for cheque in case.cheques for each in (cheque.funding_hash, cheque.payment_hash)}
    more, _ = traces.find(store, traces.Wanted(hashes=[each for each in hashes if each is not None]))
    case.payments = _joined(case.payments, more.payments)
    case.invoices = _joined(case.invoices, more.invoices)
    case.know(payment.payment_hash for payment in case.payments if payment.provider == "lnbits")
    case.know(invoice.payment_hash for invoice in case.invoices if invoice.provider == "lnbits")
    case.searched.append("the journal, invoices, cheques and audit log of this amani")
    for payment in case.payments:
        _about_payment(case, payment)
    for invoice in case.invoices:
        _about_invoice(case, invoice)
    for cheque in case.cheques:
        _about_cheque(case, cheque)
    subjects = [payment.id for payment in case.payments] + [cheque.id for cheque in case.cheques]
    for entry in traces.audit(store, [*subjects, *clue.exact]):
        who = "" if case.redacted else f" by {entry.who}" + (f" for {entry.actor}" if entry.actor else "")
        said = f"{entry.what} {entry.outcome or ''}{who}{case.text(entry.reason)}".strip()
        case.add(entry.at, "audit log", said, entry.subject)


def _joined(rows: list[R], more: list[R]) -> list[R]:
    known = {tuple(row) for row in rows}
    return rows + [row for row in more if tuple(row) not in known]


def _about_payment(case: Case, row: Entry) -> None:
    wallet, amount = case.wallet(row.wallet), amount_of(row)
    if row.direction == "in":
        came = "came back to" if row.kind == "refund" else "arrived on"
        who = f"; from{case.text(row.payer)}" if row.payer else ""
        memo = f"; memo{case.text(row.memo)}" if row.memo and row.currency else ""
        text = f"{amount} {came} {wallet}{who}{memo}"
        case.add(row.settled_at or row.created_at, "journal", text, row.id)
        return
    to = case.text(row.destination)
    memo = f"; memo{case.text(row.memo)}" if row.memo else ""
    begun = f"{row.kind} of {amount} from {wallet} was written down, to be sent{to}{memo}"
    case.add(row.created_at, "journal", begun, row.id)
    if row.status == "settled":
        case.add(row.settled_at, "journal", f"it settled: {amount} left {wallet}", row.id)
        if row.reversed_at:
            case.add(row.reversed_at, "journal", f"it came BACK: {amount} returned to {wallet}", row.id)
    elif row.status == "failed":
        case.add(row.checked_at or row.created_at, "journal", f"it failed{case.text(row.failure)}", row.id)
    else:
        waits = f": it waits for {row.documents}" if row.documents else ""
        case.add(row.checked_at or row.created_at, "journal", f"its outcome is OPEN{waits}", row.id)


def _about_invoice(case: Case, row: TracedInvoice) -> None:
    wallet, payment_hash = case.wallet(row.wallet), case.hash(row.payment_hash)
    memo = f"; memo{case.text(row.memo)}" if row.memo else ""
    asked = amount_of(row) if row.amount_msat or row.amount else "an amount"
    case.add(row.created_at, "invoices", f"invoice {payment_hash} over {asked} was made on {wallet}{memo}")
    if row.status == "paid":
        case.add(row.paid_at, "invoices", f"invoice {payment_hash} was paid")
    else:
        case.add(
            row.expires_at,
            "invoices",
            f"invoice {payment_hash} can be paid until then; last heard of as {row.status}",
        )


def _about_cheque(case: Case, row: ChequeRow) -> None:
    amount = format_sat(row.amount_msat)
    case.add(row.created_at, "cheques", f"cheque over {amount} written by {case.wallet(row.wallet)}", row.id)
    if row.status == "claimed":
        case.add(row.claimed_at, "cheques", "it was claimed", row.id)
    else:
        case.add(row.expires_at, "cheques", f"it is good until then; {row.status}", row.id)
