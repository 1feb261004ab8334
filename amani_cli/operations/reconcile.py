"""Every open outcome, asked again, until each is settled or failed; no payment is ever sent anew.

What never arrived can be gone on with, by `resume` alone: the same invoice, under the same entry.
A cheque that was being taken back is taken back to the end: that was asked for, and moves money home alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from amani_cli import errors
from amani_cli.books import differences, valuations
from amani_cli.cheques import standing as cheque_standing
from amani_cli.cheques import taking_back
from amani_cli.destinations import withdrawals
from amani_cli.lightning import paying, transfers
from amani_cli.models.operations import OpenOutcome, Reconciliation
from amani_cli.models.payments import Payment, Plan
from amani_cli.operations import restored
from amani_cli.payments import earlier, rails, receipts, waiting
from amani_cli.payments.verdict import ABSENT
from amani_cli.providers.base import FiatRecord, Record
from amani_cli.store import claims, journal, marks
from amani_cli.store import invoices as store_invoices
from amani_cli.store.entries import Entry
from amani_cli.store.rows import HoldRow
from amani_cli.text import quoted
from amani_cli.times import to_rfc3339
from amani_cli.wallets import finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def reconcile(ws: Workspace, ids: list[str], older_than_s: int = 0, *, compare: bool = True) -> Reconciliation:
    """Ask about the open payments (or those named by id, hash, bolt11 or reference) and close what is certain.

    Then the journal is read against what the providers say (`compare`): of named payments their records; of all, every
    Lightning wallet's newest records and its balance. The books of fiat wallets are left to `close`, for Fincra's log
    need not go back to their beginning; what came back to them after it had settled is looked for. After a restore, one
    over everything first brings in what each wallet did since the copy was made, and lets spending go on from those
    whose books agree. `unasked` names whoever was to be asked and could not be. Raises `errors.NotFound` for an id that
    is not in the journal.
    """
    if not ws.has_store:
        if ids:
            raise errors.NotFound(f"no payment {quoted(ids[0])}", hint="Nothing has been recorded yet.")
        return Reconciliation(0, 0, 0, 0, [], 0, [], [], [])
    standing = [] if ids else restored.held(ws)
    done, unasked = _catch_up(ws, standing, older_than_s)
    rows = _chosen(ws, ids, older_than_s)
    apart: list[str] = []
    for row in rows:
        ws.talk.progress(f"asking about {row.id}")
        if row.status == "unknown":
            row = earlier.ask_again(ws, row)
        elif compare:
            differ, missed = _compared(ws, row)
            apart, unasked = apart + differ, unasked + missed
        _arrival(ws, row)
    if not ids:
        _tidy(ws)
    cheque_standing.note_claims(ws)
    unfinished = 0 if ids else taking_back.settle_unfinished(ws) + withdrawals.settle_open(ws)
    free, differ, missed = restored.release(ws, done)
    apart, unasked = apart + differ, unasked + missed
    # Read anew: a cheque that has been taken back to the end closed its entry.
    items = [receipts.receipt(journal.by_id(ws.store, row.id) or row) for row in rows]
    if items:
        valuations.remember(ws)
    compared = sum(wallet.provider == "lnbits" and wallet.name not in missed for wallet in done)
    if compare and not ids and not older_than_s:
        others, differ, missed = _compare(ws, {wallet.name for wallet in done} | set(unasked))
        compared, apart, unasked = compared + others, apart + differ, unasked + missed
    _tell_released(ws, free, is_all=not apart and not unasked)
    back, missed = _came_back(ws) if compare and not ids and not older_than_s else ([], [])
    unasked += [name for name in missed if name not in unasked]
    items += [each for each in back if each.id not in {item.id for item in items}]
    asked = len(rows)
    counts = {status: sum(item.status == status for item in items) for status in ("settled", "failed", "unknown")}
    open_now = counts["unknown"] + unfinished
    return Reconciliation(
        asked,
        counts["settled"],
        counts["failed"],
        open_now,
        items,
        compared,
        apart,
        unasked,
        _why_open(ws, rows),
        len(back),
    )


def _tidy(ws: Workspace) -> None:
    """Let go of claims whose owner is dead, and write down arrivals that a crash left out."""
    claims.end(ws.store)
    for row in journal.without_arrival(ws.store):
        _arrival(ws, row)


def _why_open(ws: Workspace, rows: list[Entry]) -> list[OpenOutcome]:
    now_ = [journal.by_id(ws.store, row.id) or row for row in rows]
    return [OpenOutcome(row.id, *waiting.of(row)) for row in now_ if row.status == "unknown"]


def _came_back(ws: Workspace) -> tuple[list[Payment], list[str]]:
    """The payouts of fiat wallets that turn out to have come back, and the wallets that could not be asked; without
    such a wallet nothing is loaded for it."""
    if not any(wallet.provider == "fincra" for wallet in finding.registered(ws)):
        return [], []
    from amani_cli.operations import returned

    return returned.find(ws)


def resume(ws: Workspace, text: str, *, confirm: Callable[[Plan], None] | None, wait: bool = True) -> Reconciliation:
    """Go on with the one open payment that an id, hash, bolt11 or reference names, if it never arrived.

    One that turns out to be settled is not sent. Raises `errors.NotFound`, `errors.Usage` when it is not clear which
    payment is meant, and what `payments.resume` and `engine.again` raise.
    """
    found = earlier.named(ws, text)
    rows = [row for row in found if row.direction == "out" or row.status == "unknown"]
    open_ones = [row for row in rows if row.status == "unknown"] or rows
    if not open_ones:
        raise errors.NotFound(f"no payment {quoted(text)}", hint="'amani history list' shows what there is.")
    if len(open_ones) > 1:
        raise errors.Usage(
            f"{quoted(text)} names {len(open_ones)} payments", code="AMBIGUOUS", hint="Give the whole id of one."
        )
    paid = earlier.again(ws, open_ones[0], go_on=lambda row: _gone_on_with(ws, row, confirm, wait=wait))
    row = journal.by_id(ws.store, paid.id)
    assert row is not None
    _arrival(ws, row)
    taking_back.settle_funded(ws, row)
    return Reconciliation(1, 1, 0, 0, [paid], 0, [], [], [])


def _gone_on_with(ws: Workspace, row: Entry, confirm: Callable[[Plan], None] | None, *, wait: bool) -> Payment:
    if row.direction == "in":
        error = receipts.open_outcome(row, "a cheque that is being drawn goes on by the command that draws it")
        error.hint = "Run the same 'amani cheque claim' or 'amani cheque void' again."
        raise error
    if row.bolt11 is None:
        raise receipts.open_outcome(
            row, "only a payment by Lightning can go on; this one is asked about, never sent again"
        )
    wallet = rails.wallet_of(ws, row)
    if wallet is None:
        error = receipts.open_outcome(row, f"wallet '{row.wallet}' is not known here any more")
        error.hint = "Add it again, under any name, and run this again."
        raise error
    return paying.resume(ws, wallet, row, confirm=confirm, wait=wait)


def _chosen(ws: Workspace, ids: list[str], older_than_s: int) -> list[Entry]:
    """The entries to ask about: those that are named, or all open ones that are old enough."""
    if not ids:
        before = to_rfc3339(int(time.time()) - older_than_s + 1) if older_than_s else None
        return journal.open_payments(ws.store, before=before)
    rows: list[Entry] = []
    for text in ids:
        found = earlier.named(ws, text)
        if not found:
            raise errors.NotFound(f"no payment {quoted(text)}", hint="'amani history list' shows what there is.")
        # What arrived settled needs no question; a cheque that is being drawn is money on its way in.
        rows.extend(row for row in found if row.direction == "out" or row.status == "unknown")
    return rows


def _catch_up(ws: Workspace, standing: list[HoldRow], older_than_s: int) -> tuple[list[KnownWallet], list[str]]:
    """Read the held wallets back; which were, and who could not be asked. With an age nothing but old outcomes is."""
    if not older_than_s:
        return restored.read(ws, standing) if standing else ([], [])
    names = [row.wallet for row in standing if row.here > 0]
    if names:
        ws.talk.warn(f"spending stays held ({', '.join(names)}): run 'amani reconcile' without --older-than")
    return [], names


def _tell_released(ws: Workspace, free: list[str], *, is_all: bool) -> None:
    if marks.read(ws.store, marks.GONE) is not None:  # nothing is spent by this one, whatever was read back
        return
    if free and is_all:
        ws.talk.note("Spending is possible again.")
        return
    for name in free:
        ws.talk.note(f"Wallet '{name}' has been read back, and can be spent from.")


def _compare(ws: Workspace, without: set[str]) -> tuple[int, list[str], list[str]]:
    """Read every Lightning wallet's books against its server; how many could be, where they part, who was not asked.

    The wallet in the environment may be another one with every run: its entries add up to nothing.
    """
    compared, found, unasked = 0, [], []
    for wallet in finding.real(finding.registered(ws)):
        if wallet.provider != "lnbits" or wallet.name in without:
            continue
        ws.talk.progress(f"comparing the books of {wallet.name}")
        try:
            found += differences.of_wallet(ws, wallet)
            compared += 1
        except errors.AmaniError as error:
            ws.talk.warn(f"the books of '{wallet.name}' could not be compared: {error.message}")
            unasked.append(wallet.name)
    return compared, found, unasked


def _compared(ws: Workspace, row: Entry) -> tuple[list[str], list[str]]:
    """How an entry that is certain here differs from the provider's record; and its wallet, if that can't be asked."""
    nameless = row.payment_hash is None and row.our_reference is None
    if nameless or row.wallet_id == journal.OUTSIDE:
        return [], []
    try:
        found = earlier.look_up(ws, row)
    except errors.AmaniError as error:
        ws.talk.warn(f"{row.id} could not be compared: {error.message}")
        return [], [row.wallet]
    if isinstance(found, Record | FiatRecord):
        text = differences.of_record(row, found)
        return ([text] if text else []), []
    if found == ABSENT and row.status == "settled":
        return [f"{row.id}: settled here, and the provider has no record of it"], []
    return [], []


def _arrival(ws: Workspace, row: Entry) -> None:
    """A settled payment between two of our wallets has arrived as well: journal that side too."""
    if row.status != "settled" or row.direction != "out":
        return
    invoice = store_invoices.by_key(ws.store, row.payment_hash) if row.payment_hash is not None else None
    if invoice is None or invoice.purpose == "invoice":
        return
    for wallet in finding.registered(ws):
        if wallet.id == invoice.wallet_id:
            memo = invoice.memo or f"from {row.wallet}"
            transfers.note_arrival(ws, wallet, receipts.receipt(row), kind=invoice.purpose, memo=memo)
