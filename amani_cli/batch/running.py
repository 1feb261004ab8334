"""Many payments by one plan: run, resumed after whatever stopped it, looked at, and written out for a spreadsheet.

Each row is a payment of its own with a reference of its own, journaled before it is sent. A plan can be run as often
as one likes: what settled is left alone, what is in doubt is asked about, and only what is left is paid.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from amani_cli import errors, files, locks
from amani_cli.amounts import Fiat, format_fiat, format_sat
from amani_cli.batch import plans
from amani_cli.batch import rows as batch_rows
from amani_cli.batch.crew import Crew, OnRow
from amani_cli.batch.plans import Plan, Purse
from amani_cli.batch.table import CHEQUE, Row
from amani_cli.batch.terms import Allowance, Terms
from amani_cli.models.batches import Batch, BatchPlan, BatchRow
from amani_cli.rules import approval, held, limits, lines
from amani_cli.store import marks
from amani_cli.text import csv_cell
from amani_cli.wallets import rates, servers
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def status(ws: Workspace, plan: Plan) -> Batch:
    """How each row of a plan stands by our own books; nobody is asked."""
    return batch_rows.summary(plan, list(batch_rows.told(ws, plan)))


def results(ws: Workspace, plan: Plan) -> Iterator[str]:
    """Every row as CSV that a spreadsheet takes for text and numbers, never for formulas."""
    codes = batch_rows.good_codes(ws, plan)
    money = ("amount_msat", "amount", "currency", "fee_msat", "fee")
    rest = ("memo", "reference", "id", "payment_hash", "preimage", "settled_at", "failure")
    yield _csv(["row", "to", "status", *money, *rest, *(["code"] if codes else [])])
    for item in batch_rows.told(ws, plan):
        cells: list[Any] = [
            item.row,
            csv_cell(item.to),
            item.status,
            item.amount_msat,
            item.amount.value if item.amount else None,
            item.amount.currency if item.amount else None,
            item.fee_msat,
            item.fee.value if item.fee else None,
            csv_cell(item.memo),
            csv_cell(item.reference),
            item.id,
            csv_cell(item.payment_hash or ""),
            csv_cell(item.preimage or ""),
            item.settled_at,
            csv_cell(item.failure or ""),
        ]
        yield _csv([*cells, *([codes.get(item.id or "", "")] if codes else [])])


def write_results(ws: Workspace, plan: Plan, path: Path) -> None:
    """The same into a file for its owner alone, in place of an older one."""
    with files.replaced(path) as out:
        out.writelines(results(ws, plan))


def _csv(cells: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def run(
    ws: Workspace,
    purse: Purse,
    plan: Plan,
    *,
    jobs: int,
    stop_on_failure: bool,
    max_slippage: Decimal,
    confirm: Callable[[BatchPlan], None] | None,
    on_row: OnRow,
) -> tuple[Batch, bool]:
    """Pay what is left of a plan, and say how it stands then, and whether it was interrupted.

    Asked about once, the PIN once for the whole; what was agreed to so is what is paid: `max_slippage` is how far, in
    percent, the price of bitcoin may move before a row in fiat is left unpaid instead. `on_row` hears of each row as
    it is done, how many are done and how many there were to do. Raises only what stops it before anything is sent;
    rows' failures are in the result. On Ctrl-C what is on its way is seen through and nothing more is begun.
    """
    for wallet in (purse.lightning, purse.fincra):
        if wallet is not None:
            held.refuse_held(ws, wallet)
    if purse.lightning is not None:
        servers.refuse_shared(purse.lightning)
        servers.warn_of_version(purse.lightning)
        if purse.lightning.server_version == servers.DOUBLE_SPENDING_VERSION:
            jobs = 1  # it is payments that overlap that it double-spends
    with locks.held(ws, f"batch-{plan.hash[:32]}", f"the plan {plan.path.name}"):
        stand = {item.row: item for item in batch_rows.standing(ws, plan)}
        left = [row for row in plan.rows if stand[row.row].status != "settled"]
        if not left:
            _tell_codes(ws, plan, [*stand.values()])
            return status(ws, plan), False
        if any(row.kind == CHEQUE for row in left):
            batch_rows.check_codes(plan)
        here = plan.home == marks.home(ws.store)
        payable = [row for row in left if here or row.kind == "bolt11"]
        if len(payable) < len(left):
            ws.talk.warn(
                f"{len(left) - len(payable)} rows are not paid here: this plan was made in another AMANI_HOME, whose"
                " journal alone knows whether they were paid. Invoices can't be paid twice anywhere, and are."
            )
        for row in payable:
            if stand[row.row].status != "unknown":
                held.refuse_unread(ws, row.reference)  # those made for the plan are of wallets that `refuse_held` saw
        begun = {item.row: item.amount_msat for item in stand.values() if item.status == "unknown"}
        agreed = plans.terms(ws, purse, plan, payable, begun=begun, asked=confirm is not None)
        ws.mandate.plan = plan.hash
        for whose, unit, whole in plans.whole(purse, plan, agreed, stand):
            ws.mandate.whole[whose.identity, unit] = whole
            lines.check(ws, whose, unit, whole)
        overview = plans.overview(ws, purse, plan, payable, agreed)
        _ask(ws, purse, overview, agreed, confirm, takes_slot=_takes_slot(plan, payable, stand))
        rates.forget(ws)  # they may have moved while somebody thought
        allowance = Allowance(agreed, max_slippage)
        crew = Crew(ws, purse, plan, allowance, jobs=jobs, stop_on_failure=stop_on_failure)
        interrupted = crew.work_through(payable, on_row)
    items = _stand(ws, plan, crew.done)
    _tell_codes(ws, plan, items)
    return batch_rows.summary(plan, items), interrupted


def _tell_codes(ws: Workspace, plan: Plan, items: list[BatchRow]) -> None:
    """Say where the cheques' codes are, and whose is not there."""
    if not any(row.kind == CHEQUE for row in plan.rows):
        return
    path = batch_rows.codes_path(plan)
    ws.talk.note(f"The cheques' codes are in {path}: whoever reads it has the money.")
    try:
        for item in batch_rows.without_code(ws, plan, items):
            ws.talk.warn(
                f"row {item.row}: cheque {item.id} was written, and its code is not in {path}; a new one: amani cheque"
                f" reissue {item.id}; or take it back: amani cheque void {item.id}"
            )
    except errors.AmaniError as error:  # what was written is told of all the same
        ws.talk.warn(f"whether each code is in {path} is not known: {error.message}")


def _stand(ws: Workspace, plan: Plan, done: list[BatchRow]) -> list[BatchRow]:
    """How each row stands once some were done."""
    told = {item.row: item for item in done}
    try:
        return [told.get(item.row, item) for item in batch_rows.standing(ws, plan)]
    except errors.AmaniError as error:
        raise _behind_rows(error, done) from error


def _behind_rows(error: errors.AmaniError, done: list[BatchRow]) -> errors.AmaniError:
    """What an error amounts to that came once rows were done and told."""
    again = "Run the same command again: it asks about what is open, and pays only what is left."
    in_doubt = [row.id for row in done if row.status == "unknown" and row.id is not None]
    if in_doubt:
        return errors.OutcomeUnknown(f"{error.message}, and rows are open", hint=again, details={"ids": in_doubt})
    if any(row.status == "settled" for row in done):
        error.hint = f"Rows were paid. {again}"
    return error


def _takes_slot(plan: Plan, payable: list[Row], stand: dict[int, BatchRow]) -> bool:
    """Whether cheques are to be written and no run has begun with them: one slot of their limit is for all of them."""
    begun = any(row.kind == CHEQUE and stand[row.row].status in ("settled", "unknown") for row in plan.rows)
    return not begun and any(row.kind == CHEQUE for row in payable)


def _ask(
    ws: Workspace,
    purse: Purse,
    overview: BatchPlan,
    agreed: Terms,
    confirm: Callable[[BatchPlan], None] | None,
    *,
    takes_slot: bool,
) -> None:
    """See to everything that concerns the whole: the sums, the yes, the PIN, the money."""
    wallet = purse.lightning
    if wallet is not None and overview.balance_msat is not None and overview.balance_msat < overview.total_msat:
        raise errors.InsufficientFunds(
            f"wallet '{wallet.name}' holds {format_sat(overview.balance_msat)},"
            f" less than the {format_sat(overview.total_msat)} to pay",
            hint="Top it up; nothing was sent.",
        )
    for each in overview.fiat:
        if not each.sufficient:
            raise errors.InsufficientFunds(
                f"wallet '{each.wallet}' can spend {format_fiat(Fiat(each.balance, each.currency))},"
                f" less than the {format_fiat(Fiat(each.total, each.currency))} to pay out",
                hint="Top it up; nothing was sent.",
            )
    due: list[tuple[KnownWallet, Decimal | int, str]] = []
    if wallet is not None and overview.balance_msat is not None:
        due.append((wallet, agreed.leaving_msat, "msat"))
    if purse.fincra is not None:
        due.extend((purse.fincra, each.total, each.currency) for each in overview.fiat)
    due.sort(key=lambda each: each[0].name)  # PINs that come by stdin or a file stand in that order
    for whose, total, unit in due:
        approval.check_pin(ws, whose, total, unit)
    if confirm is not None:
        confirm(overview)
    with _pin_once(ws):
        for whose, total, unit in due:
            approval.authorise(ws, whose, total, unit)
    if wallet is not None and takes_slot:
        limits.take_now(ws, wallet, "cheque")


@contextmanager
def _pin_once(ws: Workspace) -> Iterator[None]:
    """Ask for each wallet's PIN once, however many currencies it is needed for."""
    ask, told = ws.said.ask_pin, dict[str, str | None]()
    tell_wrong = ws.said.tell_wrong

    def ask_once(wallet: str) -> str | None:
        if wallet not in told:
            told[wallet] = ask(wallet)
        return told[wallet]

    def forget(message: str) -> None:
        told.clear()
        assert tell_wrong is not None
        tell_wrong(message)

    if tell_wrong is not None:
        ws.said.tell_wrong = forget
    ws.said.ask_pin = ask_once
    try:
        yield
    finally:
        ws.said.ask_pin, ws.said.tell_wrong = ask, tell_wrong
