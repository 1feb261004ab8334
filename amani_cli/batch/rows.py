"""How the rows of a batch stand, by our own books: each by the payment or cheque that its reference stands for."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from amani_cli import errors, files, private
from amani_cli.batch.plans import Plan
from amani_cli.batch.table import CHEQUE, PAYOUT, Row
from amani_cli.models.batches import Batch, BatchRow
from amani_cli.models.money import Money
from amani_cli.models.payments import Payment
from amani_cli.store import audit, cheques, journal, references
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow
from amani_cli.workspace import Workspace


def standing(ws: Workspace, plan: Plan) -> Iterator[BatchRow]:
    """How each row stands. A reference of its own that stands for something else is not the row's: it is open."""
    named = {row.reference_in(plan.hash): row.meaning(ws) for row in plan.rows if row.kind != CHEQUE}
    paid = references.targets(ws.store, named, Entry) if ws.has_store else {}
    for row in plan.rows:
        reference = row.reference_in(plan.hash)
        if row.kind == CHEQUE:
            yield of_cheque(row, *cheque(ws, plan, row))
        else:
            yield of_payment(row, reference, paid.get(reference))


def told(ws: Workspace, plan: Plan) -> Iterator[BatchRow]:
    """The same for who asks: an invoice that a payment beside the plan leaves in doubt is in doubt here as well."""
    beside = {row.payment_hash: row for row in journal.open_payments(ws.store)} if ws.has_store else {}
    for row, item in zip(plan.rows, standing(ws, plan), strict=True):
        entry = beside.get(row.payment_hash) if item.status == "open" and row.payment_hash is not None else None
        yield item if entry is None or entry.direction != "out" else of_payment(row, item.reference, entry)


def cheque(ws: Workspace, plan: Plan, row: Row) -> tuple[str, ChequeRow | None]:
    """The cheque of a row, and the reference it has or will have: one that never got its money is not written on."""
    reference, meant = row.reference_in(plan.hash), row.meaning(ws, plan.wallets["lightning"].identity)
    names = [reference, *(f"{reference}#{attempt}" for attempt in range(2, 100))]
    # A restored copy has learned of the attempt that got its money alone: those before it left no record anywhere.
    known = references.known(ws.store, names) if ws.has_store else set()
    for named in names[max((names.index(each) for each in known), default=0) :]:
        entry = references.targets(ws.store, {named: meant}, ChequeRow).get(named) if ws.has_store else None
        if entry is None or entry.status != "void":
            return named, entry
        if journal.sent_for(ws.store, entry.funding_hash or "") is not None:
            return named, entry
    raise errors.RefusedByPolicy(f"{reference} was tried a hundred times", code="REFERENCE_TAKEN")


def of_payment(row: Row, reference: str, entry: Entry | None, failure: str | None = None) -> BatchRow:
    return BatchRow(
        row=row.row,
        to=row.shown,
        status=_stands(entry, failure),
        amount_msat=entry.amount_msat if entry is not None else row.amount_msat,
        fee_msat=entry.fee_msat if entry is not None else None,
        memo=row.memo,
        reference=reference,
        id=entry.id if entry is not None else None,
        payment_hash=entry.payment_hash if entry is not None else row.payment_hash,
        preimage=entry.preimage if entry is not None else None,
        settled_at=entry.settled_at if entry is not None else None,
        failure=failure or (entry.failure if entry is not None else None),
        amount=_money(entry, "amount") or (Money(*row.fiat) if row.kind == PAYOUT else None),
        fee=_money(entry, "fee"),
    )


def _money(entry: Entry | None, column: Literal["amount", "fee"]) -> Money | None:
    value = None if entry is None else entry.amount if column == "amount" else entry.fee
    if entry is None or value is None or entry.currency is None:
        return None
    return Money(Decimal(value), entry.currency)


def of_receipt(row: Row, reference: str, paid: Payment) -> BatchRow:
    return BatchRow(
        row=row.row,
        to=row.shown,
        # What came back had settled: the row was done, and is not sent again.
        status="settled" if paid.status == "reversed" else paid.status,
        amount_msat=paid.amount_msat,
        fee_msat=paid.fee_msat,
        memo=row.memo,
        reference=reference,
        id=paid.id,
        payment_hash=paid.payment_hash,
        preimage=paid.preimage,
        settled_at=paid.settled_at,
        amount=paid.amount,
        fee=paid.fee,
    )


def _stands(entry: Entry | None, failure: str | None) -> Literal["settled", "failed", "unknown", "open"]:
    if entry is None:
        return "failed" if failure else "open"
    return entry.status


def of_cheque(row: Row, reference: str, entry: ChequeRow | None, failure: str | None = None) -> BatchRow:
    stands: Any = "failed" if failure else "open"
    if entry is not None and not (failure and entry.status == "void"):
        # A cheque that was written is a row that is done, whatever became of the cheque, or went wrong behind it.
        stands = {"funding": "unknown", "unknown": "unknown"}.get(entry.status, "settled")
    return BatchRow(
        row=row.row,
        to=row.shown,
        status=stands,
        amount_msat=row.amount_msat,
        fee_msat=0 if stands == "settled" else None,
        memo=row.memo,
        reference=reference,
        id=entry.id if entry is not None else None,
        payment_hash=entry.funding_hash if entry is not None else None,
        preimage=None,
        settled_at=entry.created_at if entry is not None and stands == "settled" else None,
        failure=failure,
    )


def summary(plan: Plan, items: list[BatchRow]) -> Batch:
    counts = {name: sum(item.status == name for item in items) for name in ("settled", "failed", "unknown", "open")}
    settled = [item for item in items if item.status == "settled"]
    sums: dict[str, Decimal] = {}
    for item in settled:
        if item.amount is not None:
            sums[item.amount.currency] = sums.get(item.amount.currency, Decimal(0)) + item.amount.value
    lightning = plan.wallets.get("lightning")
    return Batch(
        plan=str(plan.path),
        hash=plan.hash,
        wallet=lightning.name if lightning is not None else None,
        rows=len(items),
        settled=counts["settled"],
        failed=counts["failed"],
        unknown=counts["unknown"],
        open=counts["open"],
        paid_msat=sum(item.amount_msat or 0 for item in settled),
        fee_msat=sum(item.fee_msat or 0 for item in settled),
        paid=[Money(value, currency) for currency, value in sums.items()],
        items=items,
    )


def codes_path(plan: Plan) -> Path:
    """Where the codes of a plan's cheques are put, for their owner alone."""
    return plan.path.with_name(plan.path.name + ".codes.csv")


def check_codes(plan: Plan) -> None:
    """Make sure, before a cheque is written, that its code can be kept. Raises `errors.Usage`."""
    path = codes_path(plan)
    if not private.check(path):
        files.check_writable(path)
        return
    try:
        os.close(private.opened(path, os.O_APPEND | os.O_WRONLY))
    except OSError as error:
        raise files.cant_write(path, error) from None


def kept_codes(plan: Plan) -> dict[str, str]:
    """The codes that were kept, by cheque: the file may be that of an earlier plan of this name, which had other rows.

    Raises `errors.Usage` for a file that can't be read, or is not the user's alone.
    """
    path = codes_path(plan)
    try:
        descriptor = private.opened(path, os.O_RDONLY)
        with os.fdopen(descriptor, encoding="utf-8", newline="") as file:
            return {cells[1]: cells[2] for cells in csv.reader(file) if len(cells) == 3 and cells[0].isdigit()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise files.cant_read(path, error) from None


def good_codes(ws: Workspace, plan: Plan) -> dict[str, str]:
    """The codes that were kept; empty where one is worthless by now: its cheque was taken back, or issued anew."""
    kept = kept_codes(plan)
    if not kept:
        return kept
    over = {row.id for row in cheques.with_status(ws.store, "void", "expired")}
    dead = over | audit.subjects(ws.store, "cheque reissue")
    return {cheque: "" if cheque in dead else code for cheque, code in kept.items()}


def without_code(ws: Workspace, plan: Plan, items: list[BatchRow]) -> Iterator[BatchRow]:
    """The rows whose cheque is open and has no code in the plan's file: the run was cut short, or there was no room."""
    kept, wanted = kept_codes(plan), {row.row for row in plan.rows if row.kind == CHEQUE}
    for item in items:
        if item.status == "settled" and item.id is not None and item.row in wanted and item.id not in kept:
            written = cheques.by_id(ws.store, item.id)
            if written is not None and written.status == "open":
                yield item
