"""What was asked for, whichever provider it is to come by: looked at, waited for, listed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.encodings import bolt11
from amani_cli.invoices.lightning import DAY_S, ask, is_hash, note_record, view
from amani_cli.models.invoices import Invoice, Invoices
from amani_cli.rules import limits
from amani_cli.store import invoices as store_invoices
from amani_cli.store.ledger import only
from amani_cli.store.rows import InvoiceRow
from amani_cli.times import local, to_rfc3339
from amani_cli.wallets import environment, finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


def check(ws: Workspace, text: str, wallet_name: str | None) -> Invoice:
    """What became of an invoice, asked live; paid ones enter the history.

    `text` is a payment hash, a bolt11, a reference or an unambiguous beginning of a hash. An invoice that was made
    elsewhere is asked about by its full hash, on the wallet that is meant.
    """
    wallet, payment_hash = locate(ws, text, wallet_name)
    limits.take_now(ws, wallet, "check")
    with _asking(ws, wallet) as asked:
        return asked(payment_hash)


@contextmanager
def _asking(ws: Workspace, wallet: KnownWallet) -> Iterator[Callable[[str], Invoice]]:
    """An open line that is asked about invoices of a wallet, whatever its provider, by hash or our reference."""
    if wallet.provider == "fincra":
        with wallet.fincra("read") as business:
            yield lambda key: _ask_business(ws, wallet, business, key)
    else:
        with wallet.lnbits("read") as client:
            yield lambda key: ask(ws, wallet, client, key)


def locate(ws: Workspace, text: str, wallet_name: str | None) -> tuple[KnownWallet, str]:
    """The wallet and the payment hash that a text names."""
    text = text.strip()
    if bolt11.looks_like_invoice(text):
        text = bolt11.decode_invoice(text).payment_hash
    text = text.lower() if is_hash(text.lower()) else text
    rows = store_invoices.find(ws.store, text) if ws.has_store else []
    if wallet_name is not None:
        meant = finding.resolve(ws, wallet_name)
        rows = [row for row in rows if row.wallet_id == meant.id] or rows
    if not rows and is_hash(text):
        return finding.resolve(ws, wallet_name), text
    row = only(rows, text, "invoice")
    return _wallet_of(ws, row, wallet_name), row.payment_hash


def _wallet_of(ws: Workspace, row: InvoiceRow, wallet_name: str | None) -> KnownWallet:
    """The wallet of an invoice, or if that is not registered the one that is to be asked whether it is its own."""
    known = [*finding.registered(ws), *environment.in_environment(ws)]
    meant = finding.resolve(ws, wallet_name) if wallet_name is not None else None
    own = next((wallet for wallet in known if wallet.id == row.wallet_id), None)
    if own is not None and (meant is None or not own.in_environment):
        return own
    named = meant or next((wallet for wallet in known if wallet.name == row.wallet), None)
    if named is not None:
        named.must_be("lnbits" if row.currency is None else "fincra")
        return named
    raise errors.NotFound(
        f"the invoice's wallet '{row.wallet}' is not known here any more",
        code="NO_SUCH_WALLET",
        hint="Add it again; if it has another name now, say --wallet NAME.",
    )


def wait(ws: Workspace, text: str, wallet_name: str | None, *, limit_s: float | None) -> Invoice:
    """Wait until an invoice is paid or has expired, by asking every second or two; `limit_s` None waits until then.

    Raises `errors.Rejected` when it expires, `errors.OutcomeUnknown` (nothing lost: wait again by the same hash) when
    the limit is reached first.
    """
    wallet, payment_hash = locate(ws, text, wallet_name)
    ends = None if limit_s is None else time.monotonic() + limit_s
    pause, failures = 0.5, 0
    while True:
        # A wait outlasts a command's usual time: each question gets its own.
        ws.deadline = time.monotonic() + ws.timeout
        invoice = None
        try:
            with _asking(ws, wallet) as asked:
                while True:
                    if not limits.pace(ws, wallet, "check", ends=ends):
                        raise _not_paid_yet(payment_hash)
                    ws.deadline = time.monotonic() + ws.timeout
                    invoice = asked(payment_hash)
                    failures = 0
                    if invoice.status == "paid":
                        return invoice
                    if invoice.variance == "underpayment":
                        from amani_cli.invoices import pages

                        pages.refuse_underpaid(invoice)
                    if invoice.status == "expired":
                        raise errors.Rejected(
                            f"the invoice expired unpaid at {local(invoice.expires_at)}",
                            code="INVOICE_EXPIRED",
                            hint="Make a new one: amani invoice create",
                        )
                    if ends is not None and time.monotonic() + pause > ends:
                        raise _not_paid_yet(payment_hash)
                    ws.talk.progress(f"waiting for payment of {payment_hash[:12]}…, until {local(invoice.expires_at)}")
                    time.sleep(pause)
                    pause = min(pause * 1.3, 2.0)
        except errors.Unreachable as error:
            failures += 1
            out_of_time = ends is not None and time.monotonic() + 3 > ends
            if (invoice is None and failures == 1) or failures > 20 or out_of_time:
                raise
            ws.talk.progress(f"trying again: {error.message}")
            time.sleep(3)


def _not_paid_yet(payment_hash: str) -> errors.OutcomeUnknown:
    return errors.OutcomeUnknown(
        "the invoice is not paid yet",
        code="STILL_PENDING",
        money_moved="no",
        retry="safe",
        hint=f"Wait on: amani invoice wait {payment_hash}",
    )


def listed(ws: Workspace, wallet: KnownWallet | None, *, status: str | None, after: str | None, limit: int) -> Invoices:
    """Invoices made here, newest first. Pending ones are asked about first, one question a wallet."""
    if not ws.has_store:
        return Invoices([])
    _refresh(ws, wallet)
    start: tuple[str, str] | None = None
    if after is not None:
        last = store_invoices.by_key(ws.store, after)
        if last is None:
            raise errors.NotFound(f"no invoice '{after}' to go on from")
        start = (last.created_at, last.payment_hash)
    rows = store_invoices.page(
        ws.store, wallet_id=wallet.id if wallet else None, status=status, after=start, limit=limit + 1
    )
    more = len(rows) > limit
    rows = rows[:limit]
    return Invoices([_view(row) for row in rows], rows[-1].payment_hash if more else None)


def _refresh(ws: Workspace, only: KnownWallet | None) -> None:
    """Bring pending invoices up to date; a server that can't be reached leaves them as last seen, and says so."""
    pending = store_invoices.to_ask_about(ws.store, to_rfc3339(int(time.time()) - DAY_S))
    for wallet in finding.everything(ws):
        wanted = {row.payment_hash: row for row in pending if row.wallet_id == wallet.id}
        if not wanted or (only is not None and wallet.id != only.id):
            continue
        try:
            if wallet.provider == "fincra":
                with _asking(ws, wallet) as asked:
                    for our_reference in wanted:
                        asked(our_reference)
                continue
            with wallet.lnbits("read") as client:
                for row in [row for row in wanted.values() if row.purpose == "withdraw"]:
                    ask(ws, wallet, client, row.payment_hash)  # which alone has the server look whether it failed
                records, _ = client.records()
            for record in records:
                if record.payment_hash in wanted and record.amount_msat > 0:
                    note_record(ws, wallet, wanted[record.payment_hash], record)
        except errors.AmaniError as error:
            ws.talk.warn(f"status as last seen for wallet '{wallet.name}': {error.message}")


def _ask_business(ws: Workspace, wallet: KnownWallet, business: Fincra, key: str) -> Invoice:
    """Ask about a payment page, or about transfers to a virtual account."""
    from amani_cli.invoices import pages, virtual_accounts

    row = store_invoices.by_key(ws.store, key)
    if row is not None and row.account is not None:
        return pages.view(virtual_accounts.ask(ws, wallet, business, row))
    return pages.ask(ws, wallet, business, key)


def _view(row: InvoiceRow) -> Invoice:
    if row.currency is None:
        return view(row)
    from amani_cli.invoices import pages

    return pages.view(row)
