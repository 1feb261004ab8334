"""Money in by bank transfer: a Fincra business' own virtual accounts, asked for and matched, and who paid into them."""

from __future__ import annotations

import json
from collections.abc import Collection as AnyOf
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import Fiat
from amani_cli.invoices import pages
from amani_cli.invoices.pages import MARK
from amani_cli.models.invoices import Invoice
from amani_cli.providers.fiat import Collection, VirtualAccount
from amani_cli.store import invoices as store_invoices
from amani_cli.store import journal, references
from amani_cli.store.rows import InvoiceRow
from amani_cli.times import now
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

LIFE_S = 30 * 86400
"""The account stays; what comes later than this is in the history, and no longer tied to what was asked for."""
MOST_PAGES = 5


def create(
    ws: Workspace, wallet: KnownWallet, amount: Fiat, which: str, *, memo: str = "", reference: str | None = None
) -> Invoice:
    """Ask for money by transfer to one of the business' virtual accounts: `which` is an id or a number, or empty.

    The same `reference` again returns the same. Raises `errors.NotFound` where there is none in that currency,
    `errors.Usage` where there are several and none was chosen, with the list.
    """
    wallet.must_be("fincra")
    identify(wallet)
    meaning = f"transfer invoice {wallet.identity} {amount.value} {amount.currency} {which} {memo}"
    if reference is not None and references.is_known(ws.store, reference):
        with ws.store.write() as db:
            known = references.claim(db, reference, meaning)
        if known is not None:
            return pages.view(pages.row_of(ws, known), replayed=True)
    with wallet.fincra("read") as client:
        account = _chosen(wallet, client.virtual_accounts(amount.currency), which, amount.currency)
    row, known_by_now = pages.begin(
        ws, wallet, amount, memo, reference, meaning, life_s=LIFE_S, account=json.dumps(account)
    )
    return pages.view(row, replayed=known_by_now)


def _chosen(wallet: KnownWallet, every: list[VirtualAccount], which: str, currency: str) -> VirtualAccount:
    if not every:
        raise errors.NotFound(
            f"'{wallet.name}' has no virtual account for {currency} that can be paid to",
            code="NO_VIRTUAL_ACCOUNT",
            hint="Ask for one in Fincra's dashboard; or leave --virtual-account out, for a payment page.",
        )
    found = [each for each in every if which in (each.id, each.number)] if which else every
    if len(found) == 1:
        return found[0]
    names = "; ".join(f"{each.number} ({each.bank}, {each.name})" for each in every[:10])
    what = f"no virtual account '{which[:40]}'" if which else "which virtual account?"
    raise errors.Usage(
        f"{what} There is {names}", code="WHICH_ACCOUNT", hint=f"E.g. --virtual-account {every[0].number}."
    )


def ask(ws: Workspace, wallet: KnownWallet, client: Fincra, row: InvoiceRow) -> InvoiceRow:
    """Look for transfers to the account that pay what was asked for, and write down what came.

    A transfer is taken for it that has the invoice's mark in what the payer wrote to it, or that is over exactly this
    amount and has no other's mark, if no other invoice of that account waits for the same. The money itself comes in
    with the wallet's log.
    """
    assert row.account is not None  # it is one that has an account
    assert row.amount is not None
    account = json.loads(row.account)[0]
    marked, exact = [], []
    others = [each[:MARK].casefold() for each in store_invoices.others_on(ws.store, row)]
    for page in islice(client.collections(account), MOST_PAGES):
        for each in page:
            if each.at is not None and each.at < row.created_at:
                continue
            if each.currency != row.currency or _is_anothers(ws, row, each):
                continue
            written = each.narration.casefold()
            if row.payment_hash[:MARK].casefold() in written:
                marked.append(each)
            elif each.amount == Decimal(row.amount) and not any(mark in written for mark in others):
                exact.append(each)
        if page and page[-1].at is not None and page[-1].at < row.created_at:
            break
    came = marked or (exact[-1:] if not store_invoices.others_like(ws.store, row) else [])
    if not came:
        return row
    received = sum((each.amount for each in came), Decimal(0))
    paid = received >= Decimal(row.amount)
    store_invoices.take_over(ws.store, wallet.id, wallet.name, [row.payment_hash])
    with ws.store.write() as db:
        store_invoices.set_received(
            db,
            row.payment_hash,
            "paid" if paid else "pending",
            received=str(received),
            paid_at=(came[0].at or now()) if paid else None,
            provider_reference=" ".join(each.reference for each in came),
        )
    ws.catch_up(wallet)
    with ws.store.write() as db:
        for each in came:
            journal.name_invoice(
                db, wallet.remote_id, each.reference, row.memo or each.narration, row.reference, row.category
            )
    return pages.row_of(ws, row.payment_hash)


def _is_anothers(ws: Workspace, row: InvoiceRow, came: Collection) -> bool:
    """Whether a transfer was taken for another invoice before."""
    return store_invoices.is_matched(ws.store, came.reference, but=row.payment_hash)


def name_payers(ws: Workspace, wallet: KnownWallet, client: Fincra, wanted: AnyOf[str]) -> None:
    """Write down who sent what has just come in, by Fincra's references: name, session, and what they wrote to it.

    Where Fincra has no such list, or won't show it, what came is in the journal all the same.
    """
    missing = set(wanted)
    try:
        for page in islice(client.collections(), MOST_PAGES):
            with ws.store.write() as db:
                for each in page:
                    if each.reference in missing:
                        journal.name_payer(
                            db, wallet.remote_id, each.reference, each.payer, each.session, each.narration
                        )
                        missing.discard(each.reference)
            if not missing:
                return
    except (errors.NotFound, errors.Rejected, errors.Unreachable):
        return
