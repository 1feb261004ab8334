"""Asking for money on Lightning: create an invoice, and know whether it was paid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amani_cli import amounts, clocks, errors
from amani_cli.encodings import bolt11
from amani_cli.models.invoices import Invoice, InvoiceStatus
from amani_cli.providers.base import Record
from amani_cli.rules import limits
from amani_cli.store import invoices as store_invoices
from amani_cli.store import journal, marks, references
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import NewEntry
from amani_cli.store.rows import InvoiceRow, Transaction
from amani_cli.times import from_rfc3339, now, to_rfc3339
from amani_cli.wallets import rates
from amani_cli.wallets.known import KnownWallet, identify, identify_there
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits


DAY_S = 86400
MEMO_LIMIT_BYTES = 639  # what the description field of a bolt11 can hold
LONGEST_EXPIRY_S = 365 * 86400


def check_memo(memo: str) -> str:
    """A memo that fits into an invoice. Raises `errors.Usage`."""
    size = len(memo.encode("utf-8", "surrogatepass"))
    if size > MEMO_LIMIT_BYTES:
        raise errors.Usage(
            f"the memo is {size} bytes long; an invoice holds {MEMO_LIMIT_BYTES}",
            code="BAD_MEMO",
            hint="Shorten it.",
        )
    try:
        memo.encode("utf-8")
    except UnicodeEncodeError:
        raise errors.Usage("the memo is not valid text (UTF-8)", code="BAD_MEMO") from None
    if "\x00" in memo:
        raise errors.Usage("the memo holds a NUL character", code="BAD_MEMO")
    return memo


def create(
    ws: Workspace,
    wallet: KnownWallet,
    amount: int | amounts.Fiat,
    memo: str,
    expiry_s: int,
    *,
    webhook: str | None = None,
    reference: str | None = None,
    meaning: str | None = None,
    purpose: str = "invoice",
) -> Invoice:
    """Make an invoice over whole sat, given in msat or in fiat, and remember it. The read key is enough.

    The same `reference` again returns the same invoice; `meaning` is what it stands for, if not for the invoice as
    such. What the server made is checked against what was asked for.
    """
    if isinstance(amount, int):
        amounts.require_whole_sat(amount)
    check_memo(memo)
    if not 1 <= expiry_s <= LONGEST_EXPIRY_S:
        raise errors.Usage("an invoice can be paid for 1 s to 365 days", code="BAD_DURATION", hint="E.g. --expiry 1h.")
    if webhook is not None:
        _check_webhook(webhook)
    if reference is not None:
        identify_there(wallet)
    meant = f"{amount}" if isinstance(amount, int) else f"{amount.value} {amount.currency}"
    what = meaning or f"invoice {wallet.identity} {meant} {memo}"
    earlier = made_before(ws, reference, what)
    if earlier is not None:
        return earlier
    quoted = None if isinstance(amount, int) else rates.quote(wallet, amount)
    amount_msat = rates.to_msat(quoted) if quoted is not None else amount
    assert isinstance(amount_msat, int)
    made = _asked_for(ws, wallet, amount_msat, memo, expiry_s, webhook=webhook, limited=purpose == "invoice")
    with ws.store.write() as db:
        target = references.claim(db, reference, what) if reference is not None else None
        if target is None:
            remember(
                db,
                wallet,
                made,
                memo=memo,
                purpose=purpose,
                quoted=rates.to_text(quoted),
                reference=reference,
                category=ws.said.category,
            )
            if reference is not None:
                references.point(db, reference, made.payment_hash)
    row = store_invoices.by_key(ws.store, target or made.payment_hash)
    assert row is not None
    return view(row, replayed=target is not None)


def remember(
    db: Transaction,
    wallet: KnownWallet,
    made: bolt11.Invoice,
    *,
    memo: str,
    purpose: str,
    quoted: str | None = None,
    reference: str | None = None,
    category: str | None = None,
) -> None:
    """Write down an invoice that a server has just made for a wallet of ours, in the caller's transaction.

    Raises `errors.Unreachable` for one that another process has written down since `made_by` looked.
    """
    assert made.amount_msat is not None  # `made_by` has compared it
    is_new = store_invoices.insert(
        db,
        payment_hash=made.payment_hash,
        wallet_id=wallet.id,
        wallet=wallet.name,
        bolt11=made.bolt11,
        amount_msat=made.amount_msat,
        memo=memo,
        status="pending",
        purpose=purpose,
        quoted=quoted,
        reference=reference,
        category=category,
        created_at=to_rfc3339(made.created_at),
        expires_at=to_rfc3339(made.expires_at),
    )
    if not is_new:
        raise _another(wallet.url)


def _another(url: str) -> errors.Unreachable:
    return errors.Unreachable(
        f"{url} made another invoice than the one asked for",
        code="ODD_ANSWER",
        hint="Do not hand it out; 'amani doctor' says which version runs there.",
    )


def create_own(ws: Workspace, wallet: KnownWallet, amount_msat: int, memo: str, *, purpose: str) -> bolt11.Invoice:
    """Make an invoice that another wallet of ours pays at once; an invoice key knows its wallet's id from here on."""
    made = create(ws, wallet, amount_msat, memo, INVOICE_LIFE_S, purpose=purpose)
    identify(wallet)
    return bolt11.decode_invoice(made.to_pay)


def _check_webhook(webhook: str) -> None:
    if not webhook.startswith(("http://", "https://")):
        raise errors.Usage("a webhook is an address that begins with https://", code="BAD_URL")
    if re.match(r"\w+://[^/]*@", webhook):
        raise errors.Usage(
            "the webhook's address carries a login, which LNbits would keep and show",
            code="BAD_URL",
            hint="Give the address alone: what a webhook says is confirmed by asking, and needs no password.",
        )


def _asked_for(
    ws: Workspace,
    wallet: KnownWallet,
    amount_msat: int,
    memo: str,
    expiry_s: int,
    *,
    webhook: str | None,
    limited: bool,
) -> bolt11.Invoice:
    """The invoice that the server makes; with `limited` it takes a slot of the limit, unless none was made."""
    from amani_cli.providers.http import Lost

    slot = limits.take_now(ws, wallet, "invoice") if limited else None
    try:
        with wallet.lnbits("read") as client:
            return made_by(ws, client, amount_msat, memo, expiry_s, webhook=webhook, owner=wallet)
    except Lost:  # the server may have made it: an unknown outcome keeps its slot
        raise
    except errors.AmaniError:
        limits.give_back(ws, slot)
        raise


def made_before(ws: Workspace, reference: str | None, meaning: str) -> Invoice | None:
    """The invoice that a reference stands for. Raises `errors.RefusedByPolicy` if it stands for something else."""
    if reference is None or not ws.has_store or not references.is_known(ws.store, reference):
        return None
    with ws.store.write() as db:
        target = references.claim(db, reference, meaning)
    row = store_invoices.by_key(ws.store, target) if target is not None else None
    return view(row, replayed=True) if row is not None else None


def made_by(
    ws: Workspace,
    client: Lnbits,
    amount_msat: int,
    memo: str,
    expiry_s: int,
    *,
    webhook: str | None = None,
    described: bytes | None = None,
    owner: KnownWallet | None = None,
    wallet_id: str | None = None,
) -> bolt11.Invoice:
    """Have a server make an invoice for the wallet of `client`, which is `owner`'s or has that id: over what was asked
    for, and never seen before.

    An answer that something on the line kept from an earlier request names an invoice that may be paid already, and
    that payment's receipt would pass for this one's, whichever machine had asked; another wallet's would be paid to
    that one. Raises `errors.Unreachable`.
    """
    told = client.create_invoice(amount_msat // 1000, memo, expiry_s, webhook=webhook, described=described)
    if owner is not None:
        owner.must_match(told.wallet_id)  # by another wallet's key the money would come to that one
        wallet_id = owner.remote_id
        if owner.in_environment and told.wallet_id is not None:
            marks.now_in_environment(ws.store, told.wallet_id)
    made = bolt11.decode_invoice(told.bolt11)
    same = made.payment_hash == told.payment_hash and made.amount_msat == amount_msat
    is_ours = None in (told.wallet_id, wallet_id) or told.wallet_id == wallet_id
    if not same or not is_ours or not told.answers_this or store_invoices.is_known(ws.store, told.payment_hash):
        raise _another(client.url)
    return made


def ask(ws: Workspace, wallet: KnownWallet, client: Lnbits, payment_hash: str) -> Invoice:
    """Ask an open client about one invoice, and write down what it says. Refuses what is another wallet's key."""
    record = client.sure_record(payment_hash)
    row = store_invoices.of_wallet(ws.store, wallet.id, payment_hash)
    if record is not None:
        wallet.must_match(record.wallet_id)
    else:
        if row is not None and _is_past(row.expires_at, wallet.url):
            told = client.wallet().id
            wallet.must_match(told)  # by another wallet's key what was paid is not there either
            if not (wallet.in_environment and marks.was_another_there(ws.store, told)):
                return view(row, status="expired")
        raise errors.NotFound(
            f"wallet '{wallet.name}' has no invoice {payment_hash[:16]}…",
            code="NO_SUCH_INVOICE",
            hint="Is it another wallet's? Say --wallet NAME.",
        )
    if row is None and record.amount_msat > 0:
        store_invoices.take_over(ws.store, wallet.id, wallet.name, [payment_hash])
        row = store_invoices.of_wallet(ws.store, wallet.id, payment_hash)
    if row is None:
        row = _adopt(ws, wallet, record)
    return view(note_record(ws, wallet, row, record))


def note_record(ws: Workspace, wallet: KnownWallet, row: InvoiceRow, record: Record) -> InvoiceRow:
    """Write down what a record says of an invoice; a paid one enters the journal, once. Refuses another wallet's."""
    wallet.must_match(record.wallet_id)
    if record.status == "settled":
        status = "paid"
    elif record.status == "failed" or (_is_past(row.expires_at, wallet.url) and row.purpose != "withdraw"):
        # Whoever was shown it may have sent the money in time: only the record says that it will not come.
        status = "expired"
    else:
        status = "pending"
    if status == row.status:
        return row
    with ws.store.write() as db:
        paid_at = record.settled_at if status == "paid" else None
        store_invoices.set_status(
            db, wallet.id, record.payment_hash, status, paid_at, record.preimage if status == "paid" else None
        )
        if status == "paid" and journal.last_attempt(db, wallet.id, record.payment_hash, "in") is None:
            insert_incoming(
                db,
                wallet,
                record,
                kind=row.purpose,
                memo=row.memo,
                reference=row.reference,
                category=row.category,
                quoted=row.quoted,
            )
    fresh = store_invoices.of_wallet(ws.store, wallet.id, record.payment_hash)
    assert fresh is not None
    return fresh


def insert_incoming(
    db: Transaction,
    wallet: KnownWallet,
    record: Record,
    *,
    kind: str = "invoice",
    memo: str | None = None,
    reference: str | None = None,
    category: str | None = None,
    quoted: str | None = None,
    destination: str | None = None,
) -> str:
    """Journal money that came, in the caller's transaction; returns the entry's id."""
    entry = NewEntry(
        wallet.journaled._replace(remote_wallet_id=wallet.remote_id or record.wallet_id),
        "in",
        kind,
        "settled",
        amount_msat=abs(record.amount_msat),
        fee_msat=record.fee_msat if record.amount_msat > 0 else 0,
        payment_hash=record.payment_hash,
        bolt11=record.bolt11 or None,
        preimage=record.preimage,
        destination=destination,
        memo=memo if memo is not None else record.memo,
        reference=reference,
        category=category,
        quoted=quoted,
        created_at=record.created_at or now(),
        settled_at=record.settled_at or now(),
    )
    store_wallets.clear_cached_balance(db, wallet.id)
    return journal.insert(db, entry)


def _adopt(ws: Workspace, wallet: KnownWallet, record: Record) -> InvoiceRow:
    """Remember an invoice that was made elsewhere on one of our wallets."""
    if record.amount_msat < 0:
        raise errors.NotFound(
            "that is a payment this wallet made, not an invoice of its own",
            code="NO_SUCH_INVOICE",
            hint=f"See: amani history show {record.payment_hash}",
        )
    with ws.store.write() as db:
        store_invoices.insert(
            db,
            payment_hash=record.payment_hash,
            wallet_id=wallet.id,
            wallet=wallet.name,
            bolt11=record.bolt11,
            amount_msat=abs(record.amount_msat),
            memo=record.memo,
            status="pending",
            created_at=record.created_at or now(),
            expires_at=record.expires_at or _expiry_of(record.bolt11),
        )
    row = store_invoices.of_wallet(ws.store, wallet.id, record.payment_hash)
    assert row is not None
    return row


def _expiry_of(text: str) -> str:
    """When a bolt11 expires, where the server does not say; one that can't be read is taken for expired."""
    try:
        return to_rfc3339(bolt11.decode_invoice(text).expires_at)
    except errors.Usage:
        return now()


def view(row: InvoiceRow, *, status: InvoiceStatus | None = None, replayed: bool = False) -> Invoice:
    return Invoice(
        wallet=row.wallet,
        payment_hash=row.payment_hash,
        bolt11=row.bolt11,
        amount_msat=row.amount_msat,
        memo=row.memo,
        status=status or row.status,
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        preimage=row.preimage,
        reference=row.reference,
        replayed=replayed,
        quoted=rates.from_text(row.quoted),
        purpose=row.purpose,
    )


def is_hash(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)


def _is_past(when: str, url: str) -> bool:
    """Whether a moment has passed by our clock, and by that of the server there, which tells whole seconds, late."""
    return from_rfc3339(when).timestamp() <= min(clocks.wall(), clocks.best(url) + clocks.LAG_S)


# Long enough for a slow payment, short enough that a crash before the payment is soon provably nothing.
INVOICE_LIFE_S = 600
