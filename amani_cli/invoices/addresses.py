"""Lightning addresses of ours (LUD-16): whose wallet they pay, and the invoices that payers are given (LUD-06, 12, 21).

https://github.com/lnurl/luds. All of it is done by the wallet's invoice key; no admin key is opened.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlsplit

from amani_cli import amounts, clocks, errors
from amani_cli.amounts import format_sat
from amani_cli.encodings import bolt11
from amani_cli.invoices import lightning
from amani_cli.invoices.lightning import INVOICE_LIFE_S
from amani_cli.models.addresses import Address, Addresses
from amani_cli.providers.base import Record
from amani_cli.store import addresses as store_addresses
from amani_cli.store import audit as audit_log
from amani_cli.store import invoices as store_invoices
from amani_cli.store import wallets as store_wallets
from amani_cli.store.rows import AddressRow, InvoiceRow
from amani_cli.text import quoted
from amani_cli.times import from_rfc3339, to_rfc3339
from amani_cli.wallets import invoice_keys
from amani_cli.wallets.known import KnownWallet, known
from amani_cli.workspace import Workspace

FORGET_AFTER_S = 24 * 3600
"""So long after an invoice of an address has ended unpaid it is forgotten."""
FORGOTTEN_AT_ONCE, FORGETTING_S = 100, 2.0
LONGEST_COMMENT = 500  # with the address before it, a memo that every export can take
_NAME = re.compile(r"[a-z0-9_.-]{1,64}")


class Wanted(NamedTuple):
    """What an address shall be: between which amounts (msat) it takes, and how long a comment may be."""

    name: str
    min_msat: int
    max_msat: int
    comment: int


def add(ws: Workspace, wallet: KnownWallet, wanted: Wanted, base_url: str) -> Address:
    """Have an address pay into a wallet. Raises `errors.Usage` for what can't be one, or is taken."""
    wallet.must_be("lnbits")
    if wallet.in_environment:
        raise errors.Usage(
            "an address pays into a wallet that is registered",
            code="NOT_REGISTERED",
            hint="Add it: amani wallet add NAME --url URL",
        )
    name, at, host = wanted.name.strip().lower().partition("@")
    if not _NAME.fullmatch(name) or (at and host != urlsplit(base_url).netloc):
        raise errors.Usage(
            f"{quoted(wanted.name)} can't stand before the @",
            code="BAD_ADDRESS",
            hint="Small letters, digits and - _ . are fine, up to 64 of them.",
        )
    amounts.require_whole_sat(wanted.min_msat)
    amounts.require_whole_sat(wanted.max_msat)
    if not 1000 <= wanted.min_msat <= wanted.max_msat:
        raise errors.Usage("the least amount is more than the most", code="BAD_AMOUNT", hint="E.g. --min 1 --max 1M.")
    if not 0 <= wanted.comment <= LONGEST_COMMENT:
        raise errors.Usage(
            f"a comment has up to {LONGEST_COMMENT} characters", code="BAD_COMMENT", hint="--comment 120"
        )
    place = invoice_keys.learn(wallet)
    try:
        with ws.store.write() as db:
            bounds = (wanted.min_msat, wanted.max_msat)
            store_addresses.insert(db, name, wallet.id, place, bounds, wanted.comment)
            audit_log.append(db, "address add", wallet=wallet.name, subject=name, outcome="done", actor=ws.said.actor)
    except errors.Duplicate:
        raise errors.Usage(
            f"there is an address {name} already",
            code="NAME_TAKEN",
            hint=f"See it: amani address show {name}",
        ) from None
    return shown(ws, name, base_url)


def every(ws: Workspace, base_url: str | None) -> Addresses:
    """Every address, by name; how it is written is known where `base_url` is."""
    rows = store_addresses.every(ws.store) if ws.has_store else []
    return Addresses([_view(ws, row, base_url) for row in rows])


def shown(ws: Workspace, name: str, base_url: str | None) -> Address:
    """One address. Raises `errors.NotFound`."""
    return _view(ws, _must(ws, name), base_url)


def remove(ws: Workspace, name: str, base_url: str | None) -> Address:
    """Forget an address; what it was paid stays on record."""
    row = _must(ws, name)
    view = _view(ws, row, base_url)
    with ws.store.write() as db:
        store_addresses.delete(db, row.name)
        audit_log.append(
            db, "address remove", wallet=view.wallet, subject=row.name, outcome="done", actor=ws.said.actor
        )
    return view


def _must(ws: Workspace, text: str) -> AddressRow:
    name = text.strip().lower().partition("@")[0]
    row = store_addresses.by_name(ws.store, name) if ws.has_store else None
    if row is None:
        raise errors.NotFound(f"no address {quoted(text)}", code="NO_SUCH_ADDRESS", hint="See: amani address list")
    return row


def _view(ws: Workspace, row: AddressRow, base_url: str | None) -> Address:
    wallet = store_wallets.by_id(ws.store, row.wallet_id)
    return Address(
        name=row.name,
        address=address_of(row, base_url) if base_url is not None else None,
        wallet=wallet.name if wallet is not None else "",
        min_msat=row.min_msat,
        max_msat=row.max_msat,
        comment=row.comment,
        created_at=row.created_at,
    )


def address_of(row: AddressRow, base_url: str) -> str:
    """How an address is written."""
    return f"{row.name}@{urlsplit(base_url).netloc}"


def metadata(row: AddressRow, base_url: str) -> str:
    """What a payer is shown, whose hash the invoice carries (LUD-06); the same text each time."""
    address = address_of(row, base_url)
    return json.dumps([["text/plain", f"Payment to {address}"], ["text/identifier", address]])


def invoice(ws: Workspace, row: AddressRow, base_url: str, amount_msat: int, comment: str) -> bolt11.Invoice:
    """An invoice over exactly so much, which carries the hash of what the payer was shown, checked before it is given
    out; the comment is kept here.

    Raises `errors.Usage` for an amount or comment that the address does not take, `errors.Unreachable` for an answer
    that is not what was asked for.
    """
    amounts.require_whole_sat(amount_msat)  # LNbits would cut it
    if not row.min_msat <= amount_msat <= row.max_msat:
        raise errors.Usage(
            f"{row.name} takes {format_sat(row.min_msat)} to {format_sat(row.max_msat)}",
            code="AMOUNT_OUT_OF_RANGE",
            hint="Choose an amount between the two.",
        )
    if len(comment) > row.comment:
        raise errors.Usage(f"a comment has up to {row.comment} characters", code="BAD_COMMENT", hint="Shorten it.")
    wallet, shown_to_payer = _wallet(ws, row), metadata(row, base_url)
    with invoice_keys.client(ws, wallet, row.place) as client:
        made = lightning.made_by(
            ws, client, amount_msat, "", INVOICE_LIFE_S, described=shown_to_payer.encode(), owner=wallet
        )
    if made.description_hash != sha256(shown_to_payer.encode()).hexdigest():
        raise errors.Unreachable(
            f"{wallet.url} made an invoice without the hash of its description",
            code="ODD_ANSWER",
            hint="It was given to nobody. 'amani doctor' says which version runs there.",
        )
    with ws.store.write() as db:
        address = address_of(row, base_url)
        lightning.remember(db, wallet, made, memo=f"{address}: {comment}" if comment else address, purpose="address")
    return made


def settled(ws: Workspace, row: AddressRow, payment_hash: str) -> tuple[bool, str | None, str] | None:
    """Whether an invoice of an address was paid, asked now; its preimage, told only then; and the invoice (LUD-21).

    None for one that the address did not make.
    """
    made = store_invoices.of_wallet(ws.store, row.wallet_id, payment_hash)
    if made is None or made.purpose != "address":
        return None
    wallet = _wallet(ws, row)
    with invoice_keys.client(ws, wallet, row.place) as client:
        record = client.record(payment_hash)
    if record is None or record.status != "settled":
        return False, None, made.bolt11
    lightning.note_record(ws, wallet, made, record)
    return True, record.preimage, made.bolt11


def forget_unpaid(ws: Workspace) -> None:
    """Forget invoices of addresses that nobody has paid: anybody can have any number of them made.

    A day after one has ended, by its server's clock too, that server is asked what became of it; one that was paid is
    written down, and one that it can't be asked about stays. It takes `FORGETTING_S` at most, and goes on another time.
    """
    ends = time.monotonic() + FORGETTING_S
    before = to_rfc3339(int(ws.store.clock.earlier()) - FORGET_AFTER_S)
    for wallet_id in store_invoices.with_unpaid(ws.store, before):
        found = store_wallets.by_id(ws.store, wallet_id)
        if found is None:
            continue
        wallet = known(ws, found)
        ws.restart_clock()
        with suppress(errors.NotAuthorised, errors.Unreachable), invoice_keys.kept_client(ws, wallet) as client:
            for made in store_invoices.long_unpaid(ws.store, wallet_id, before, FORGOTTEN_AT_ONCE):
                if time.monotonic() > ends:
                    return
                _forget(ws, wallet, made, client.sure_record(made.payment_hash))


def _forget(ws: Workspace, wallet: KnownWallet, made: InvoiceRow, record: Record | None) -> None:
    if record is not None and record.status == "settled":
        lightning.note_record(ws, wallet, made, record)
        return
    told = clocks.told(wallet.url)
    if told is None or told - FORGET_AFTER_S < from_rfc3339(made.expires_at).timestamp():
        return
    with ws.store.write() as db:
        store_invoices.forget_unpaid(db, wallet.id, made.payment_hash)


def _wallet(ws: Workspace, row: AddressRow) -> KnownWallet:
    found = store_wallets.by_id(ws.store, row.wallet_id)
    if found is None:
        raise errors.NotFound(
            f"the wallet of {row.name} is not known here any more",
            code="NO_SUCH_WALLET",
            hint=f"amani address remove {row.name}",
        )
    return known(ws, found)
