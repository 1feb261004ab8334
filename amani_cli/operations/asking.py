"""What the providers know of what was asked about, each by what can be asked there; with read keys alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import format_sat
from amani_cli.models.operations import TraceGap
from amani_cli.operations.case import Case, Told
from amani_cli.operations.clues import NUMBER
from amani_cli.providers.base import FiatRecord, Record
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra
    from amani_cli.providers.lnbits import Lnbits

MOST_HASHES = 5
"""So many payments are asked about by their hashes: a word that fits hundreds is no clue."""


def ask(ws: Workspace, case: Case, known: list[KnownWallet]) -> None:
    """Ask every wallet's provider; who could not be asked, and why, goes to what was missed."""
    for wallet in known:
        ws.talk.progress(f"asking about it at {wallet.name}")
        name = f"wallet {case.wallet(wallet.name)} at {wallet.url.split('://', 1)[-1]}"
        try:
            _at(case, wallet, name)
        except errors.AmaniError as error:
            why = f"{error.code} (amani explain {error.code})" if case.redacted else error.message
            case.missed.append(TraceGap(name, why))  # a message may name a wallet, or where its key lies


def _at(case: Case, wallet: KnownWallet, name: str) -> None:
    if wallet.provider == "lnbits":
        with wallet.lnbits("read") as client:
            _at_lnbits(case, client, wallet, name)
        return
    with wallet.fincra("read") as fincra:
        _at_fincra(case, wallet, fincra, name)


def _at_fincra(case: Case, wallet: KnownWallet, client: Fincra, name: str) -> None:
    """Its payouts, conversions and payment pages, each by our reference: there is no other way to ask for one."""
    from amani_cli.payments.fincra_rail import FiatRail

    sent = [row for row in case.payments if row.wallet_id == wallet.id and row.direction == "out"]
    sent = [row for row in sent if row.our_reference]
    pages = [row.payment_hash for row in case.invoices if row.wallet_id == wallet.id]
    for row in sent[:MOST_HASHES]:
        _about_fiat(case, FiatRail(wallet.ws, client).find(row), row.our_reference or row.id, wallet, name)
    if not sent and not pages:
        pages = [each for each in case.clue.exact if re.fullmatch(r"[\w-]{6,100}", each)]
        if not pages or case.clue.kind == NUMBER:
            case.missed.append(TraceGap(name, "it can be asked by a reference alone"))
            return
        _about_fiat(case, client.record(pages[0]), pages[0], wallet, name)
    for reference in pages[:MOST_HASHES]:
        page = client.checkout(reference)
        if page is not None:
            came = f"{page.received} of {page.expected} {page.currency} came"
            case.add(page.paid_at, name, f"payment page {case.hash(reference)}: {page.status}, {came}")
            if page.status == "success" and page.received >= page.expected:
                case.arrived.add(reference)
    case.searched.append(name)


def _about_fiat(case: Case, record: object, asked: str, wallet: KnownWallet, name: str) -> None:
    if isinstance(record, FiatRecord):
        case.records.append(Told(record, wallet.name, asked))
        told = record.amount if record.amount is not None else record.charged
        moved = f"{told} {record.currency}" if told is not None else "a payout"
        waits = f"; it waits for {', '.join(record.documents)}" if record.documents else ""
        case.add(
            record.reversed_at or record.settled_at, name, f"{moved}: {record.status}{waits}{case.text(record.reason)}"
        )


def _at_lnbits(case: Case, client: Lnbits, wallet: KnownWallet, name: str) -> None:
    if wallet.may_have_changed:
        client.held()  # refuses a key that has become another wallet's, by which nothing of this one is found
    for payment_hash in case.hashes[:MOST_HASHES]:
        record = client.record(payment_hash)
        if record is not None:
            _about_record(case, record, wallet, name)
    if case.clue.hashes or case.is_named:
        case.searched.append(name)
        return
    records, more = client.records()
    for record in records:
        ids = (record.payment_hash, record.preimage, record.bolt11)
        if record.payment_hash not in case.hashes[:MOST_HASHES] and case.clue.fits(ids, (record.memo,)):
            _about_record(case, record, wallet, name)
    case.searched.append(f"the newest {len(records)} records of {name}" if more else name)


def _about_record(case: Case, record: Record, wallet: KnownWallet, name: str) -> None:
    case.records.append(Told(record, wallet.name, record.payment_hash))
    way = "leaving" if record.amount_msat < 0 else "arriving"
    amount, payment_hash = format_sat(abs(record.amount_msat)), case.hash(record.payment_hash)
    case.add(record.created_at, name, f"{amount} {way}, {payment_hash}{case.text(record.memo)}")
    fee = f", fee {format_sat(record.fee_msat)}" if record.amount_msat < 0 and record.status == "settled" else ""
    case.add(record.settled_at or record.created_at, name, f"{payment_hash} is {record.status} there{fee}")
