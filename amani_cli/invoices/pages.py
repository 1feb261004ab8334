"""Asking for fiat: a payment page at Fincra under a reference of ours, and whether what was asked for has come."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from amani_cli import clocks, errors
from amani_cli.amounts import Fiat, format_fiat, padded
from amani_cli.models.invoices import BankAccount, Invoice, InvoiceStatus
from amani_cli.models.money import Money
from amani_cli.providers.fiat import Checkout
from amani_cli.rules import limits
from amani_cli.store import invoices as store_invoices
from amani_cli.store import journal, references
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import NewEntry
from amani_cli.store.rows import InvoiceRow, Transaction
from amani_cli.times import from_rfc3339, now, to_rfc3339
from amani_cli.wallets import fincra_environment
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

# Fincra lets a page that nobody paid expire after about two hours, and says so itself.
LIFE_S = 7200
MARK = 8  # characters of our reference that the payer of a transfer is asked to write to it


def create(
    ws: Workspace,
    wallet: KnownWallet,
    amount: Fiat,
    *,
    name: str,
    email: str,
    methods: list[str],
    memo: str = "",
    reference: str | None = None,
) -> Invoice:
    """Make a payment page and remember it, our own reference before anything is sent.

    The same `reference` again returns the same page. A page whose making was not answered is looked up by our
    reference, and never made anew under another one. Raises `errors.Usage` for a payer without a full name.
    """
    wallet.must_be("fincra")
    name, email = name.strip(), email.strip()
    if " " not in name:
        raise errors.Usage("Fincra wants the payer's full name", code="BAD_NAME", hint="E.g. --name 'Ada Obi'.")
    if "@" not in email.strip("@"):
        raise errors.Usage(f"'{email[:60]}' is not an email address", code="BAD_EMAIL")
    identify(wallet)
    what = f"invoice {wallet.identity} {amount.value} {amount.currency} {name} {email} {memo}"
    row, known = begin(ws, wallet, amount, memo, reference, what, life_s=LIFE_S)
    if known and row.link is not None:
        return view(row, replayed=True)
    slot = limits.take_now(ws, wallet, "invoice")
    wallet.public_key = wallet.public_key or fincra_environment.variables(ws)[1]
    try:
        with wallet.fincra("read") as client:
            # A row without a link was asked for before, and the answer never came.
            made = _found(wallet, client, row) if known else None
            if made is None:
                made = _make(wallet, client, row, amount, name=name, email=email, methods=methods, memo=memo)
    except errors.AmaniError as error:
        limits.give_back(ws, slot)
        if reference is None or not isinstance(error, errors.Unreachable):
            _forget(ws, row)
        raise
    link, code = made
    with ws.store.write() as db:
        store_invoices.set_link(db, row.payment_hash, link, code)
    return view(row_of(ws, row.payment_hash), replayed=known)


def begin(
    ws: Workspace,
    wallet: KnownWallet,
    amount: Fiat,
    memo: str,
    reference: str | None,
    what: str,
    *,
    life_s: int,
    account: str | None = None,
) -> tuple[InvoiceRow, bool]:
    """Write down what is asked for in fiat, or find (True) what this reference already stands for.

    `account` is JSON of the virtual account that it is to be paid to; there is none for a page.
    """
    with ws.store.write() as db:
        known = references.claim(db, reference, what) if reference is not None else None
        target = known or str(uuid.uuid4())
        if known is None:
            moment = to_rfc3339(int(clocks.best(wallet.url)))  # what came before that, by Fincra's word, is another's
            store_invoices.insert(
                db,
                payment_hash=target,
                wallet_id=wallet.id,
                wallet=wallet.name,
                bolt11="",
                amount_msat=0,
                amount=str(amount.value),
                currency=amount.currency,
                memo=memo,
                status="pending",
                reference=reference,
                category=ws.said.category,
                account=account,
                created_at=moment,
                expires_at=to_rfc3339(int(from_rfc3339(moment).timestamp()) + life_s),
            )
            if reference is not None:
                references.point(db, reference, target)
    return row_of(ws, target), known is not None


def _make(
    wallet: KnownWallet,
    client: Fincra,
    row: InvoiceRow,
    amount: Fiat,
    *,
    name: str,
    email: str,
    methods: list[str],
    memo: str,
) -> tuple[str, str | None]:
    """One POST; one that was not answered, or said to be a repetition, is looked up by our reference."""
    try:
        return client.create_checkout(
            amount.value, amount.currency, row.payment_hash, name=name, email=email, methods=methods, memo=memo
        )
    except (errors.Rejected, errors.Unreachable) as error:
        try:
            found = _found(wallet, client, row)
        except errors.AmaniError as unasked:
            # Refused or not, the page may be there: its entry must stay, so that the same reference finds it.
            text = f"{error.message}; whether the page was made could not be asked: {unasked.message}"
            raise errors.Unreachable(text, code=error.code, hint="Run the same command again.") from error
        if found is None:
            raise
        return found


def _found(wallet: KnownWallet, client: Fincra, row: InvoiceRow) -> tuple[str, str | None] | None:
    """A page that Fincra knows by our reference. It tells the address only when it makes one: it ends in the code."""
    found = client.checkout(row.payment_hash)
    if found is None or found.provider_reference is None:
        return None
    host = "checkout.fincra.com" if wallet.live else "sandbox-checkout.fincra.com"
    return f"https://{host}/pay/{found.provider_reference}", found.provider_reference


def _forget(ws: Workspace, row: InvoiceRow) -> None:
    with ws.store.write() as db:
        store_invoices.delete(db, row.payment_hash)
        if row.reference is not None:
            references.release(db, row.reference)


def ask(ws: Workspace, wallet: KnownWallet, client: Fincra, our_reference: str) -> Invoice:
    """Ask what became of a page, and write it down. Raises `errors.NotFound` when neither side knows it."""
    row = store_invoices.by_key(ws.store, our_reference)
    found = client.checkout(our_reference)
    if row is None:
        raise errors.NotFound(
            f"wallet '{wallet.name}' has no invoice {our_reference[:40]}",
            code="NO_SUCH_INVOICE",
            hint="Is it another wallet's? Say --wallet NAME.",
        )
    return view(row if found is None else note(ws, wallet, row, found))


def is_open(ws: Workspace, wallet: KnownWallet, our_reference: str | None) -> bool:
    """Whether a reference is that of one of the wallet's pages, and nothing of its money is in the journal."""
    if our_reference is None:
        return False
    is_own = store_invoices.of_wallet(ws.store, wallet.id, our_reference) is not None
    if not is_own and not store_invoices.orphans(ws.store, [our_reference]):
        return False
    return journal.by_our_reference(ws.store, our_reference, "in") is None


def settle(ws: Workspace, wallet: KnownWallet, client: Fincra, our_reference: str) -> bool:
    """Ask about a page that is open, and write it down; whether its money is in the journal now."""
    ask(ws, wallet, client, our_reference)
    return journal.by_our_reference(ws.store, our_reference, "in") is not None


def note(ws: Workspace, wallet: KnownWallet, row: InvoiceRow, found: Checkout) -> InvoiceRow:
    """Write down what Fincra says of a page. Paid is only what covers what was asked for.

    Fincra calls an underpaid page a success too. Whatever came enters the journal, once.
    """
    came = found.received if found.status == "success" else Decimal(0)
    status: InvoiceStatus = "pending"
    if came and came >= found.expected:
        status = "paid"
    elif found.status in ("failed", "expired"):
        status = "expired"
    store_invoices.take_over(ws.store, wallet.id, wallet.name, [row.payment_hash])
    with ws.store.write() as db:
        store_invoices.set_received(
            db,
            row.payment_hash,
            status,
            received=str(came) if came else None,
            paid_at=(found.paid_at or now()) if status == "paid" else None,
            provider_reference=found.provider_reference,
        )
        if came:
            _journal(db, wallet, row, found)
    return row_of(ws, row.payment_hash)


def _journal(db: Transaction, wallet: KnownWallet, row: InvoiceRow, found: Checkout) -> None:
    if journal.by_our_reference(db, row.payment_hash, "in") is not None:
        return
    entry = NewEntry(
        wallet.journaled,
        "in",
        "invoice",
        "settled",
        amount=str(found.received),
        currency=found.currency,
        our_reference=row.payment_hash,
        provider_reference=found.provider_reference,
        memo=row.memo,
        reference=row.reference,
        category=row.category,
        settled_at=found.paid_at or now(),
    )
    journal.insert(db, entry)
    store_wallets.clear_cached_balance(db, wallet.id)


def refuse_underpaid(invoice: Invoice) -> None:
    """End a wait for a page that was paid with too little: nothing more will come. Raises `errors.Rejected`."""
    if (
        invoice.account is None
        and invoice.variance == "underpayment"
        and invoice.amount is not None
        and invoice.received is not None
    ):
        came, asked = (format_fiat(Fiat(*money)) for money in (invoice.received, invoice.amount))
        raise errors.Rejected(
            f"{came} came, and {asked} was asked for",
            code="UNDERPAID",
            money_moved="yes",
            retry="never",
            hint="What came is in the wallet. Ask for the rest, or pay it back.",
        )


def view(row: InvoiceRow, *, replayed: bool = False) -> Invoice:
    """A page as it is shown."""
    assert row.amount is not None  # what is asked for by a page is fiat
    assert row.currency is not None
    asked = Decimal(row.amount)
    came = Decimal(row.received) if row.received is not None else None
    variance = None
    if came is not None and came != asked:
        variance = "underpayment" if came < asked else "overpayment"
    return Invoice(
        wallet=row.wallet,
        memo=row.memo,
        status=row.status,
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        reference=row.reference,
        replayed=replayed,
        amount=Money(asked, row.currency),
        received=Money(padded(came, row.currency), row.currency) if came is not None else None,
        variance=variance,  # type: ignore[arg-type]
        amount_received=Money(padded(came, row.currency), row.currency) if came is not None else None,
        underpaid=came < asked if came is not None else None,
        account=account_of(row),
        link=row.link,
        our_reference=row.payment_hash,
        provider_reference=row.provider_reference,
    )


def row_of(ws: Workspace, our_reference: str) -> InvoiceRow:
    """An invoice as it is written down."""
    row = store_invoices.by_key(ws.store, our_reference)
    assert row is not None
    return row


def account_of(row: InvoiceRow) -> BankAccount | None:
    """The account that an invoice is paid to, if it is paid by transfer."""
    if row.account is None:
        return None
    _, _, number, bank, name = json.loads(row.account)
    return BankAccount(bank, number, name, row.payment_hash[:MARK])
