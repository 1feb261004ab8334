"""What became of anything: every source that can be asked, one timeline, what to tell the customer, what to do next.

Looks and changes nothing; providers are asked with read keys alone. "Not found here" is never "not paid": what could
not be searched is named beside what was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from amani_cli import errors, keys
from amani_cli.amounts import format_sat
from amani_cli.encodings import bolt11, cheque_code
from amani_cli.models.operations import Trace, TraceEvent, TraceGap
from amani_cli.providers.base import FiatRecord, Record
from amani_cli.store import traces
from amani_cli.store.ledger import R
from amani_cli.store.rows import ChequeRow, Entry, InvoiceRow
from amani_cli.store.traces import TracedInvoice
from amani_cli.text import one_line
from amani_cli.times import now
from amani_cli.wallets import finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra
    from amani_cli.providers.lnbits import Lnbits

NUMBER = "a phone or account number"
MOST_HASHES = 5
"""So many payments are asked about at the providers: a word that fits hundreds is no clue."""


class Clue(NamedTuple):
    """What was asked about: its `kind` in words, what to search for, and the payment hashes that it names."""

    kind: str
    text: str
    hashes: tuple[str, ...] = ()


def read(text: str) -> Clue:
    """Tell what a text is. A cheque's code is money: it is remembered for the mask and never shown again."""
    text = text.strip()
    if not text:
        raise errors.Usage(
            "what shall be traced?", hint="Give an invoice, hash, code, id, reference, address or words."
        )
    if text.lower().startswith(cheque_code.PREFIX):
        keys.SEEN.update((text, "".join(text.split())))
        code = cheque_code.decode(text)
        keys.SEEN.add(code.admin_key)
        return Clue("a cheque's code", code.wallet_id)
    if bolt11.looks_like_invoice(text):
        payment_hash = bolt11.decode_invoice(text).payment_hash
        return Clue("an invoice", payment_hash, (payment_hash,))
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        text = text.lower()
        return Clue("a payment hash or preimage", text, (text, sha256(bytes.fromhex(text)).hexdigest()))
    if re.fullmatch(r"(pay|chq)_[0-9a-z]+", text):
        return Clue("an id of amani's", text)
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        return Clue("an address", text)
    if re.fullmatch(r"\+?[0-9][0-9 ()/-]{6,}", text):
        return Clue(NUMBER, re.sub(r"[^0-9]", "", text).lstrip("0"))
    return Clue("a reference, an id or words", text)


def trace(ws: Workspace, text: str, *, redacted: bool = False) -> Trace:
    """All that is known of a thing, here and at the providers, oldest first.

    `redacted` leaves out names, memos, addresses and whole hashes, for a case file that others may read.
    """
    clue = read(text)
    case = _Case(clue, redacted)
    if ws.has_store:
        _here(ws, case)
    else:
        case.missed.append(TraceGap("the journal of this amani", "nothing has been recorded yet"))
    for wallet in finding.everything(ws):
        ws.talk.progress(f"asking about it at {wallet.name}")
        name = f"wallet {case.wallet(wallet.name)} at {wallet.url.split('://', 1)[-1]}"
        try:
            _there(case, wallet, name)
        except errors.AmaniError as error:
            case.missed.append(TraceGap(name, error.message))
    providers = {wallet.provider for wallet in finding.everything(ws)}
    case.banks_alone = providers == {"fincra"}
    tell, todo = _advice(case)
    events = sorted(case.events, key=lambda event: event.at or "")
    shown = clue.kind if redacted or clue.kind == "a cheque's code" else f"{clue.kind}: {one_line(text, 80)}"
    return Trace(shown, bool(events), events, tell, todo, case.searched, case.missed, redacted)


@dataclass
class _Case:
    """What has been gathered so far, and how it may be worded."""

    clue: Clue
    redacted: bool
    payments: list[Entry] = field(default_factory=list)
    invoices: list[TracedInvoice] = field(default_factory=list)
    cheques: list[ChequeRow] = field(default_factory=list)
    records: list[Record | FiatRecord] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    events: list[TraceEvent] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    missed: list[TraceGap] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    arrived: bool = False
    banks_alone: bool = False

    def add(self, at: str | None, source: str, text: str, id: str | None = None) -> None:
        self.events.append(TraceEvent(at, source, text, id))

    def wallet(self, name: str) -> str:
        return self.aliases.setdefault(name, f"no. {len(self.aliases) + 1}" if self.redacted else f"'{name}'")

    def text(self, text: str | None) -> str:
        """Words that came with it, fit to be read by whoever reads the case."""
        if not text:
            return ""
        return f" ({len(text)} characters left out)" if self.redacted else f": {one_line(text, 120)}"

    def hash(self, payment_hash: str | None) -> str:
        return f"{payment_hash[:8]}…" if payment_hash else "no hash"

    def know(self, hashes: Iterable[str | None]) -> None:
        for each in hashes:
            if each and each not in self.hashes:
                self.hashes.append(each)


# -- here ------------------------------------------------------------------------------------------


def _here(ws: Workspace, case: _Case) -> None:
    case.know(case.clue.hashes)
    case.payments = traces.payments(ws.store, case.clue.text, case.clue.hashes)
    case.cheques = traces.cheques(ws.store, case.clue.text, case.clue.hashes)
    case.invoices = traces.invoices(ws.store, case.clue.text, case.clue.hashes)
    if len(case.payments) > traces.MOST:
        del case.payments[traces.MOST :]
        case.missed.append(TraceGap("the journal of this amani", f"only the newest {traces.MOST} are shown"))
    # What hangs together: both ends of a transfer, the invoice of a payment, the payment of a cheque.
    found = {payment.payment_hash for payment in case.payments} | {each.payment_hash for each in case.invoices}
    found |= {cheque.funding_hash for cheque in case.cheques}
    known = tuple(each for each in found if each is not None)
    case.payments = _joined(case.payments, traces.payments(ws.store, "", known))
    case.invoices = _joined(case.invoices, traces.invoices(ws.store, "", known))
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
    for entry in traces.audit(ws.store, [*subjects, case.clue.text]):
        who = "" if case.redacted else f" by {entry.who}" + (f" for {entry.actor}" if entry.actor else "")
        said = f"{entry.what} {entry.outcome or ''}{who}{case.text(entry.reason)}".strip()
        case.add(entry.at, "audit log", said, entry.subject)


def _joined(rows: list[R], more: list[R]) -> list[R]:
    known = {tuple(row) for row in rows}
    return rows + [row for row in more if tuple(row) not in known]


def _amount(row: Entry | InvoiceRow) -> str:
    return format_sat(row.amount_msat or 0) if row.amount is None else f"{row.amount} {row.currency}"


def _about_payment(case: _Case, row: Entry) -> None:
    wallet, amount = case.wallet(row.wallet), _amount(row)
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


def _about_invoice(case: _Case, row: TracedInvoice) -> None:
    wallet, payment_hash = case.wallet(row.wallet), case.hash(row.payment_hash)
    memo = f"; memo{case.text(row.memo)}" if row.memo else ""
    asked = _amount(row) if row.amount_msat or row.amount else "an amount"
    case.add(row.created_at, "invoices", f"invoice {payment_hash} over {asked} was made on {wallet}{memo}")
    if row.status == "paid":
        case.add(row.paid_at, "invoices", f"invoice {payment_hash} was paid")
    else:
        case.add(
            row.expires_at,
            "invoices",
            f"invoice {payment_hash} can be paid until then; last heard of as {row.status}",
        )


def _about_cheque(case: _Case, row: ChequeRow) -> None:
    amount = format_sat(row.amount_msat)
    case.add(row.created_at, "cheques", f"cheque over {amount} written by {case.wallet(row.wallet)}", row.id)
    if row.status == "claimed":
        case.add(row.claimed_at, "cheques", "it was claimed", row.id)
    else:
        case.add(row.expires_at, "cheques", f"it is good until then; {row.status}", row.id)


# -- at the providers ----------------------------------------------------------------------------------


def _there(case: _Case, wallet: KnownWallet, name: str) -> None:
    if wallet.provider == "lnbits":
        with wallet.lnbits("read") as client:
            _at_lnbits(case, client, name)
        return
    with wallet.fincra("read") as fincra:
        _at_fincra(case, wallet, fincra, name)


def _at_fincra(case: _Case, wallet: KnownWallet, client: Fincra, name: str) -> None:
    """Its payouts, conversions and payment pages, each by our reference: there is no other way to ask for one."""
    from amani_cli.payments.fincra_rail import FiatRail

    sent = [row for row in case.payments if row.wallet_id == wallet.id and row.direction == "out"]
    sent = [row for row in sent if row.our_reference]
    pages = [row.payment_hash for row in case.invoices if row.wallet_id == wallet.id]
    for row in sent[:MOST_HASHES]:
        _about_fiat(case, FiatRail(wallet.ws, client).find(row), name)
    if not sent and not pages:
        if not re.fullmatch(r"[\w-]{6,100}", case.clue.text) or case.clue.kind == NUMBER:
            case.missed.append(TraceGap(name, "it can be asked by a reference alone"))
            return
        _about_fiat(case, client.record(case.clue.text), name)
        pages = [case.clue.text]
    for reference in pages[:MOST_HASHES]:
        page = client.checkout(reference)
        if page is not None:
            came = f"{page.received} of {page.expected} {page.currency} came"
            case.add(page.paid_at, name, f"payment page {case.hash(reference)}: {page.status}, {came}")
            case.arrived = case.arrived or (page.status == "success" and page.received >= page.expected)
    case.searched.append(name)


def _about_fiat(case: _Case, record: object, name: str) -> None:
    if isinstance(record, FiatRecord):
        case.records.append(record)
        told = record.amount if record.amount is not None else record.charged
        moved = f"{told} {record.currency}" if told is not None else "a payout"
        waits = f"; it waits for {', '.join(record.documents)}" if record.documents else ""
        case.add(
            record.reversed_at or record.settled_at, name, f"{moved}: {record.status}{waits}{case.text(record.reason)}"
        )


def _at_lnbits(case: _Case, client: Lnbits, name: str) -> None:
    for payment_hash in case.hashes[:MOST_HASHES]:
        record = client.record(payment_hash)
        if record is not None:
            _about_record(case, record, name)
    if case.hashes:
        case.searched.append(name)
        return
    records, more = client.records()
    wanted = case.clue.text.casefold()
    for record in records:
        if wanted in f"{record.memo}\n{record.preimage}\n{record.bolt11}".casefold():
            _about_record(case, record, name)
    case.searched.append(f"the newest {len(records)} records of {name}" if more else name)


def _about_record(case: _Case, record: Record, name: str) -> None:
    case.records.append(record)
    way = "leaving" if record.amount_msat < 0 else "arriving"
    amount, payment_hash = format_sat(abs(record.amount_msat)), case.hash(record.payment_hash)
    case.add(record.created_at, name, f"{amount} {way}, {payment_hash}{case.text(record.memo)}")
    fee = f", fee {format_sat(record.fee_msat)}" if record.amount_msat < 0 and record.status == "settled" else ""
    case.add(record.settled_at or record.created_at, name, f"{payment_hash} is {record.status} there{fee}")


# -- advice -----------------------------------------------------------------------------------------------


def _advice(case: _Case) -> tuple[str, list[str]]:
    """What to tell the customer, and the commands to go on with; by the most telling of what was found."""
    if case.cheques:
        return _cheque_advice(case.cheques[0])
    settled_there = [record for record in case.records if record.status == "settled"]
    paid = [row for row in case.payments if row.direction == "out"]
    for row in paid:
        if row.status == "unknown" and row.documents:
            tell = f"It was sent, and Fincra holds it until it has been given: {row.documents}."
            todo = ["Upload them in Fincra's dashboard, under the payout.", f"amani reconcile {row.id}"]
            return f"{tell} It must not be paid again meanwhile.", todo
        if row.status == "unknown":
            return (
                "It was sent, and its outcome is not certain yet. It must not be paid again meanwhile.",
                [f"amani reconcile {row.id}", f"amani history show {row.id}"],
            )
    for row in paid:
        if row.reversed_at:
            tell = f"It was paid on {row.settled_at}: {_amount(row)}. On {row.reversed_at} it came back"
            anew = "Ask them for another account; what is still due is paid under a new reference."
            return f"{tell}: the payee does not have it. {anew}", [f"amani history show {row.id}"]
        if row.status == "settled":
            return f"It was paid on {row.settled_at}: {_amount(row)}. {_proof(row)}", [f"amani history show {row.id}"]
    for row in case.payments:
        if row.kind == "refund" and row.direction == "in":
            return f"It came back on {row.settled_at}: {_amount(row)}, the return of a payout that had settled.", [
                f"amani history show {row.id}"
            ]
        if row.direction == "in" and row.status == "settled":
            return f"It arrived on {row.settled_at}: {_amount(row)}.", [f"amani history show {row.id}"]
    if settled_there or case.arrived:
        return "The provider says that it settled; the journal here does not have it yet.", ["amani history sync"]
    if paid:
        reason = "" if case.redacted else f" ({one_line(paid[-1].failure or 'failed', 120)})"
        anew = "It can be paid again." if paid[-1].currency else "A new invoice can be paid."
        return f"It failed{reason}; no money moved. {anew}", [f"amani history show {paid[-1].id}"]
    for asked in case.invoices:
        if asked.status == "pending" and asked.expires_at > now():
            return f"It is not paid yet, and can be until {asked.expires_at}.", [
                f"amani invoice check {asked.payment_hash}"
            ]
    if case.invoices:
        return "Its time to be paid is over, and it was not paid here as far as is known. Ask for a new invoice.", [
            f"amani invoice check {case.invoices[0].payment_hash}"
        ]
    if case.records:
        return f"The provider says: {case.records[0].status}.", ["amani history sync"]
    unknown = "Nothing is known of it here. That does not mean that it was not paid: it may be where nobody looked."
    ask = "Ask the customer for the invoice, the payment hash or the preimage that their wallet shows."
    if case.banks_alone:
        ask = "Ask the customer for the reference or the session id that their bank shows, the amount and the day."
    return unknown, ["amani history sync", ask]


def _proof(row: Entry) -> str:
    """By what the payee's side finds a payment: a preimage, or what banks know it by."""
    if row.currency is None:
        return "The preimage of the receipt is the proof."
    if row.kind == "convert":
        return "It was an exchange between two currencies of the wallet."
    names = [f"Fincra's reference {row.provider_reference}"] if row.provider_reference else []
    names += [f"session id {row.session_id}"] if row.session_id else []
    by = " and ".join(names) or f"our reference {row.our_reference}"
    return f"The payee's bank finds it by {by}; 'amani history show {row.id} --print FILE.pdf' makes an advice of it."


def _cheque_advice(row: ChequeRow) -> tuple[str, list[str]]:
    words = {
        "open": "The cheque is not claimed as far as is known here.",
        "claimed": "The cheque was claimed.",
        "void": "The cheque was taken back and is worth nothing.",
        "expired": "The cheque has expired and was taken back.",
    }
    told = words.get(row.status, "Something is under way with the cheque; nobody should try again until it is done.")
    done = row.status in ("open", "claimed", "void", "expired")
    return told, [f"amani cheque show {row.id}" if done else "amani reconcile"]
