"""Every open outcome, asked again, until each is settled or failed; no payment is ever sent anew.

What never arrived can be gone on with, by `resume` alone: the same invoice, under the same entry.
A cheque that was being taken back is taken back to the end: that was asked for, and moves money home alone.
"""

from __future__ import annotations

from collections.abc import Callable

from amani_cli import (
    cheque_voids,
    differences,
    engine,
    errors,
    history,
    models,
    payments,
    rails,
    transfers,
    valuations,
    wallets,
)
from amani_cli.providers.base import FiatRecord, Record
from amani_cli.store import Row, marks
from amani_cli.store import audit as audit_log
from amani_cli.store import payments as journal
from amani_cli.text import quoted
from amani_cli.times import to_rfc3339
from amani_cli.verdict import ABSENT
from amani_cli.workspace import Workspace


def reconcile(ws: Workspace, ids: list[str], older_than_s: int = 0, *, compare: bool = True) -> models.Reconciliation:
    """Ask about the open payments (or those named by id, hash or reference) and close what is certain.

    Then the journal is read against what the providers say (`compare`): of named payments their records; of all, every
    Lightning wallet's newest records and its balance. Fiat wallets are left to `close`: Fincra's log need not go back
    to their beginning. After a restore, one over everything first brings in what was paid since the copy
    was made, and lets spending go on. Raises `errors.NotFound` for an id that is not in the journal.
    """
    import time

    if not ws.has_store:
        if ids:
            raise errors.NotFound(f"no payment {quoted(ids[0])}", hint="Nothing has been recorded yet.")
        return models.Reconciliation(0, 0, 0, 0, [], 0, [])
    held = None if ids or older_than_s else marks.read(ws.store, marks.HELD)
    caught_up = _catch_up(ws) if held else False
    if ids:
        rows: list[Row] = []
        for text in ids:
            found = journal.find(ws.store, text)
            if not found:
                raise errors.NotFound(f"no payment {quoted(text)}", hint="'amani history list' shows what there is.")
            # What arrived settled needs no question; a cheque that is being drawn is money on its way in.
            rows.extend(row for row in found if row["direction"] == "out" or row["status"] == "unknown")
    else:
        before = to_rfc3339(int(time.time()) - older_than_s + 1) if older_than_s else None
        rows = journal.open_payments(ws.store, before=before)
    apart: list[str] = []
    for row in rows:
        ws.progress(f"asking about {row['id']}")
        if row["status"] == "unknown":
            row = engine.ask_again(ws, row)
        elif compare:
            apart += _compared(ws, row)
        _arrival(ws, row)
    if not ids:
        for row in journal.without_arrival(ws.store):
            _arrival(ws, row)
    unfinished = 0 if ids else cheque_voids.settle_unfinished(ws)
    if caught_up:
        with ws.store.write() as db:
            marks.wipe(db, marks.HELD)
            audit_log.append(db, "spending released", outcome="done", actor=ws.actor)
        ws.note("Spending is possible again.")
    # Read anew: a cheque that has been taken back to the end closed its entry.
    items = [engine.receipt(journal.by_id(ws.store, row["id"]) or row) for row in rows]
    if items:
        valuations.remember(ws)
    compared = 0
    if compare and not ids and not older_than_s:
        compared, apart = _compare(ws)
    counts = {status: sum(item.status == status for item in items) for status in ("settled", "failed", "unknown")}
    still_open = counts["unknown"] + unfinished
    return models.Reconciliation(len(items), counts["settled"], counts["failed"], still_open, items, compared, apart)


def resume(
    ws: Workspace, text: str, *, confirm: Callable[[models.Plan], None] | None, wait: bool = True
) -> models.Reconciliation:
    """Go on with the one open payment that an id, hash or reference names, if it never arrived.

    One that turns out to be settled is not sent. Raises `errors.NotFound`, `errors.Usage` when it is not clear which
    payment is meant, and what `payments.resume` and `engine.again` raise.
    """
    found = journal.find(ws.store, text) if ws.has_store else []
    rows = [row for row in found if row["direction"] == "out" or row["status"] == "unknown"]
    open_ones = [row for row in rows if row["status"] == "unknown"] or rows
    if not open_ones:
        raise errors.NotFound(f"no payment {quoted(text)}", hint="'amani history list' shows what there is.")
    if len(open_ones) > 1:
        raise errors.Usage(
            f"{quoted(text)} names {len(open_ones)} payments", code="AMBIGUOUS", hint="Give the whole id of one."
        )
    paid = engine.again(ws, open_ones[0], go_on=lambda row: _gone_on_with(ws, row, confirm, wait=wait))
    row = journal.by_id(ws.store, paid.id)
    assert row is not None
    _arrival(ws, row)
    cheque_voids.settle_funded(ws, row)
    return models.Reconciliation(1, 1, 0, 0, [paid], 0, [])


def _gone_on_with(
    ws: Workspace, row: Row, confirm: Callable[[models.Plan], None] | None, *, wait: bool
) -> models.Payment:
    if row["direction"] == "in":
        error = engine.open_outcome(row, "a cheque that is being drawn goes on by the command that draws it")
        error.hint = "Run the same 'amani cheque claim' or 'amani cheque void' again."
        raise error
    if row["bolt11"] is None:
        raise engine.open_outcome(
            row, "only a payment by Lightning can go on; this one is asked about, never sent again"
        )
    wallet = rails.wallet_of(ws, row)
    if wallet is None:
        error = engine.open_outcome(row, f"wallet '{row['wallet']}' is not known here any more")
        error.hint = "Add it again, under any name, and run this again."
        raise error
    return payments.resume(ws, wallet, row, confirm=confirm, wait=wait)


def _compare(ws: Workspace) -> tuple[int, list[str]]:
    """Read every Lightning wallet's books against its server; how many could be, and where they part.

    The wallet in the environment may be another one with every run: its entries add up to nothing.
    """
    compared, found = 0, []
    for wallet in wallets.real(wallets.registered(ws)):
        if wallet.provider != "lnbits":
            continue
        ws.progress(f"comparing the books of {wallet.name}")
        try:
            found += differences.of_wallet(ws, wallet)
            compared += 1
        except errors.AmaniError as error:
            ws.warn(f"the books of '{wallet.name}' could not be compared: {error.message}")
    return compared, found


def _compared(ws: Workspace, row: Row) -> list[str]:
    """How an entry that is certain here differs from the provider's record, where there is a way to ask for it."""
    nameless = row["payment_hash"] is None and row["our_reference"] is None
    if nameless or row["wallet_id"] == journal.OUTSIDE:
        return []
    try:
        found = engine.look_up(ws, row)
    except errors.AmaniError as error:
        ws.warn(f"{row['id']} could not be compared: {error.message}")
        return []
    if isinstance(found, Record | FiatRecord):
        text = differences.of_record(row, found)
        return [text] if text else []
    if found == ABSENT and row["status"] == "settled":
        return [f"{row['id']}: settled here, and the provider has no record of it"]
    return []


def _catch_up(ws: Workspace) -> bool:
    """Bring in what every wallet did since a restored copy was made; whether all of them could be asked."""
    missed = 0
    for wallet in wallets.everything(ws):
        try:
            history.sync(ws, [wallet])
        except errors.AmaniError as error:
            ws.warn(f"spending stays held: wallet '{wallet.name}' could not be asked ({error.message})")
            missed += 1
    return missed == 0


def _arrival(ws: Workspace, row: Row) -> None:
    """A settled payment between two of our wallets has arrived as well: journal that side too."""
    if row["status"] != "settled" or row["direction"] != "out":
        return
    invoice = ws.store.one("SELECT * FROM invoice WHERE payment_hash=? AND purpose<>'invoice'", row["payment_hash"])
    for wallet in wallets.registered(ws):
        if invoice is not None and wallet.id == invoice["wallet_id"]:
            memo = invoice["memo"] or f"from {row['wallet']}"
            transfers.note_arrival(ws, wallet, engine.receipt(row), kind=invoice["purpose"], memo=memo)
