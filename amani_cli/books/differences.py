"""Where the journal and the providers' own figures part: records, one by one, and the balance they must add up to."""

from __future__ import annotations

import time
from decimal import Decimal

from amani_cli import errors
from amani_cli.amounts import format_sat
from amani_cli.books import history
from amani_cli.providers.base import FiatRecord, Record
from amani_cli.store import journal, read_back, totals
from amani_cli.store.entries import Entry
from amani_cli.wallets.known import KnownWallet, learn
from amani_cli.workspace import Workspace

# While records are read a payment may settle: a difference is one only if nothing has moved meanwhile.
LOOKS = 5
PAUSE_S = 0.3


def of_wallet(ws: Workspace, wallet: KnownWallet) -> list[str]:
    """Read a Lightning wallet's newest records and its balance against the journal; each difference in words.

    What the journal lacks is brought in first. Before the balances are said to differ, all records are read once, from
    the newest to the first: what a clock that was wrong has put out of its place is found then. Raises
    `errors.AmaniError` when the wallet can't be asked, its key is another wallet's, or so much happens on it that the
    two never stand still.
    """
    found: dict[str, None] = {}

    def look(page: list[Record]) -> None:
        for record in page:
            direction = "out" if record.amount_msat < 0 else "in"
            row = journal.last_attempt(ws.store, wallet.id, record.payment_hash, direction)
            if row is not None and (text := of_record(row, record)) is not None:
                found[text] = None

    is_whole = False
    for _ in range(LOOKS):
        ws.restart_clock()
        held = _held(wallet)
        history.sync(ws, wallet, look=look)
        with ws.store.reading():
            here = totals.balance_msat(ws.store, wallet.id, wallet.remote_id)
            apart = Decimal(held - here).scaleb(-3)
            flying = totals.flying(ws.store, wallet.id, "sat", wallet.remote_id)
        if is_explained(apart, flying):
            return list(found)
        if _held(wallet) == held:  # nothing has moved meanwhile
            if is_whole:
                return [*found, of_balance(wallet, apart, "sat")]
            read_back.forget(ws.store, wallet.identity)
            is_whole = True
            continue
        time.sleep(PAUSE_S)
    raise errors.Unreachable("too much happens on it to tell", hint="Try again when it is quieter.")


def _held(wallet: KnownWallet) -> int:
    with wallet.lnbits("read") as client:
        remote = client.wallet()
    wallet.must_match(remote.id)
    if remote.id is not None and wallet.remote_id is None:
        learn(wallet, remote.id)
    return remote.balance_msat


def of_record(row: Entry, record: Record | FiatRecord) -> str | None:
    """How an entry and the provider's own record of it differ, in words; None if they don't.

    An open entry is no difference, nor is a failed one that settled after all (the one is asked about, the other is
    corrected when it is seen), nor one that failed to come in and can still be paid.
    """
    if row.status == "unknown":
        return None
    if record.status == "reversed" and row.reversed_at:
        return None
    if row.status != record.status:
        # An invoice of a draw that failed can be paid still: it is pending there, and nothing is on its way.
        fine = row.status == "failed" and (record.status == "settled" or row.direction == "in")
        return None if fine else f"{row.id}: {row.status} here, {record.status} at the provider"
    if row.status == "failed":
        return None
    if isinstance(record, Record):
        pairs = [
            ("amount", row.amount_msat or 0, abs(record.amount_msat)),
            ("fee", row.fee_msat or 0, record.fee_msat),
        ]
        parts = [(name, format_sat(here), format_sat(there)) for name, here, there in pairs if here != there]
    else:
        unit, amount, fee = row.currency, Decimal(row.amount or 0), Decimal(row.fee or 0)
        told = [("amount", amount, record.amount, {amount}), ("cost", fee, record.cost(amount), {fee})]
        parts = [
            (name, f"{here} {unit}", f"{there} {unit}")
            for name, here, there, right in told
            if there is not None and there not in right
        ]
    return "; ".join(f"{row.id}: {name} {here} here, {there} at the provider" for name, here, there in parts) or None


def is_explained(apart: Decimal, flying: Decimal) -> bool:
    """Whether open outcomes explain what a provider holds more than the journal: they may have left, with a fee."""
    return -flying <= apart <= 0


def of_balance(wallet: KnownWallet, apart: Decimal, unit: str) -> str:
    """What a provider holds more (or less) than the journal accounts for, in words."""
    sign = "more" if apart > 0 else "less"
    return f"{wallet.name}: the provider holds {shown(abs(apart), unit)} {sign} than the journal accounts for"


def shown(amount: Decimal, unit: str) -> str:
    """An amount in words; `unit` is `sat` or a currency."""
    return format_sat(int(amount.scaleb(3))) if unit == "sat" else f"{amount} {unit}"
