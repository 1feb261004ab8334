"""What a visitor asks to be paid: an invoice by a wallet, an invoice or an address by the form; and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from amani_cli import errors
from amani_cli.cheques import by_link
from amani_cli.destinations import reading
from amani_cli.destinations.forms import Destination
from amani_cli.models.operations import Event
from amani_cli.payments import receipts
from amani_cli.rules import rulebook
from amani_cli.serve.desk import note
from amani_cli.serve.pages import Refusal
from amani_cli.serve.speech import Speech
from amani_cli.serve.visitors import Counts, Rate
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow
from amani_cli.times import now
from amani_cli.wallets import clients
from amani_cli.workspace import Workspace

OF_ONE = (20, 60)
"""So many claims of one cheque may be tried in so many seconds: each asks its server."""


class Said(NamedTuple):
    """The sentence for a failure, and the status of the page that says it."""

    key: str
    status: int


_SAID: dict[str, Said] = {
    "AMOUNT_DIFFERS": Said("e_amount", 400),
    "AMOUNTLESS": Said("e_amount", 400),
    "INVOICE_EXPIRED": Said("e_expired", 400),
    "WRONG_NETWORK": Said("e_network", 400),
    "PAID_BY_ANOTHER": Said("e_paid", 409),
    "CHEQUE_CLAIMING": Said("e_claiming", 409),
    "CHEQUE_CLAIMED": Said("e_claimed", 409),
    "CHEQUE_EXPIRED": Said("e_over", 410),
    "CHEQUE_VOID": Said("e_over", 410),
    "RECONCILE_FIRST": Said("held", 503),
    "LEDGER_MOVED": Said("held", 503),
}


class _NoAddress(Exception):
    """An address that can't be paid, for whatever reason of its own."""


class Claims:
    """Claims by links. `told` is given each that settled."""

    def __init__(self, in_all: Rate, counts: Counts, told: Callable[[Event], None]) -> None:
        self._in_all = in_all
        self._of_one = Rate(OF_ONE)
        self._counts = counts
        self._told = told
        self._telling = Lock()

    def by_text(self, ws: Workspace, row: ChequeRow, token: str, text: str, say: Speech) -> Refusal | None:
        """Pay an invoice or a Lightning address that was pasted; None once it is written down."""
        amount = say.amount(row.amount_msat)
        try:
            destination = reading.by_itself(text)
        except errors.Usage:
            destination = None
        if destination is None or destination.kind == "payout":
            return Refusal(say("e_not_payable"), 400)
        if destination.kind == "bolt11":
            return self.by_invoice(ws, row, token, destination.text, say)
        try:
            by_link.refuse_ended(ws, row)  # before a stranger's server is asked for anything
        except errors.AmaniError as error:
            return self._refusal(error, amount, say)
        if not self._may(row):
            return Refusal(say("e_busy"), 503)
        try:
            invoice = _invoice_of(ws, row, destination)
        except _NoAddress:
            self._counts.add("refused")
            return Refusal(say("e_address", amount=amount), 400)
        ws.restart_clock()
        return self._claim(ws, row, token, invoice, say)

    def by_invoice(self, ws: Workspace, row: ChequeRow, token: str, text: str, say: Speech) -> Refusal | None:
        """Pay an invoice; None once it is written down, also for whoever asks again and again."""
        if not self._may(row):
            return None if by_link.has_begun(ws, row, text) else Refusal(say("e_busy"), 503)
        return self._claim(ws, row, token, text, say)

    def _may(self, row: ChequeRow) -> bool:
        may = self._of_one.takes(row.id) and self._in_all.takes("all")
        if not may:
            self._counts.add("refused")
        return may

    def _claim(self, ws: Workspace, row: ChequeRow, token: str, text: str, say: Speech) -> Refusal | None:
        try:
            entry, is_new = by_link.claim(ws, row, token, text)
        except errors.AmaniError as error:
            self._counts.add("refused")
            note("info", "a Lightning claim by a link was refused", error, cheque=row.id)
            return self._refusal(error, say.amount(row.amount_msat), say)
        if not is_new:
            return None
        self._counts.add("claims_settled" if entry.status == "settled" else "claims_unknown")
        note("info", "a Lightning cheque is claimed by its link", cheque=row.id, payment=entry.id, status=entry.status)
        if entry.status == "settled":
            self.tell(entry)
        return None

    def tell(self, entry: Entry) -> None:
        """Tell whoever runs this of a claim that settled; where nobody listens, it has settled all the same."""
        try:
            with self._telling:
                self._told(Event(now(), "payment", entry.wallet, None, receipts.receipt(entry)))
        except Exception as error:
            note("warning", "nobody could be told of a Lightning claim by a link", error, payment=entry.id)

    def _refusal(self, error: errors.AmaniError, amount: str, say: Speech) -> Refusal:
        said = _SAID.get(error.code)
        if said is None:
            said = Said("e_not_payable", 400) if isinstance(error, errors.Usage) else Said("e_failed", 502)
        return Refusal(say(said.key, amount=amount), said.status)


def _invoice_of(ws: Workspace, row: ChequeRow, destination: Destination) -> str:
    """The invoice over a cheque's face that an address gives, by the guards that `pay` has. Raises `_NoAddress`."""
    from amani_cli.providers.lnurl import PayRequest

    giver = store_wallets.by_id(ws.store, row.wallet_id)
    is_sandbox = giver is not None and bool(giver.sandbox)
    assert destination.link is not None
    try:
        with clients.lnurl_for(ws, private=is_sandbox) as net:
            request = net.ask(destination.link)
            if not isinstance(request, PayRequest) or any(request.payer_data.values()):
                raise _NoAddress
            offer = net.invoice(request, row.amount_msat, "", rulebook.value(ws, "network"))
    except errors.AmaniError as error:
        note("info", "a Lightning address that was pasted can't be paid", error, cheque=row.id)
        raise _NoAddress from error
    return offer.invoice.bolt11
