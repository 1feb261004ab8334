"""Many payments by one plan: run, resumed after whatever stopped it, looked at, and written out for a spreadsheet.

Each row is a payment of its own with a reference of its own, journaled before it is sent. A plan can be run as often
as one likes: what settled is left alone, what is in doubt is asked about, and only what is left is paid.
"""

from __future__ import annotations

import csv
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from amani_cli import batch_plans, cheques, destinations, errors, files, locks, models, payments, policy
from amani_cli.amounts import Fiat, format_fiat, format_sat
from amani_cli.batch_plans import CHEQUE, PAYOUT, Plan, Purse, Row
from amani_cli.providers.base import PayAnswer
from amani_cli.store import Row as Entry
from amani_cli.store import payments as journal
from amani_cli.store import references
from amani_cli.text import csv_cell
from amani_cli.verdict import Found
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits
    from amani_cli.providers.lnurl import Lnurl

MOST_JOBS = 16
# A stock LNbits takes 200 requests a minute of one address on one route, and says no more than 429 to the next one.
STOCK_INTERVAL_S = 60 / 195
PAUSE_S, LONGEST_PAUSE_S = 2.0, 20.0
# After one of these no other row can be paid either.
HOPELESS = frozenset(
    {"INSUFFICIENT_FUNDS", "KEY_REFUSED", "INVOICE_KEY", "CONNECTION_REFUSED", "DNS", "TLS", "DISK_FULL"}
)

OnRow = Callable[[models.BatchRow, int, int], None]


# -- how it stands -------------------------------------------------------------------------------


def status(ws: Workspace, plan: Plan) -> models.Batch:
    """How each row of a plan stands by our own books; nobody is asked."""
    return _summary(ws, plan, list(_standing(ws, plan)))


def results(ws: Workspace, plan: Plan, out: IO[str]) -> None:
    """Write every row as CSV that a spreadsheet takes for text and numbers, never for formulas."""
    codes = _kept_codes(plan)
    writer = csv.writer(out)
    money = ("amount_msat", "amount", "currency", "fee_msat", "fee")
    rest = ("memo", "reference", "id", "payment_hash", "preimage", "settled_at", "failure")
    writer.writerow(["row", "to", "status", *money, *rest, *(["code"] if codes else [])])
    for item in _standing(ws, plan):
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
            item.payment_hash,
            item.preimage,
            item.settled_at,
            csv_cell(item.failure or ""),
        ]
        writer.writerow([*cells, *([codes.get(item.row, "")] if codes else [])])


def write_results(ws: Workspace, plan: Plan, path: Path) -> None:
    """The same into a file for its owner alone, in place of an older one."""
    with files.replaced(path) as out:
        results(ws, plan, out)


def _standing(ws: Workspace, plan: Plan) -> Iterator[models.BatchRow]:
    named = [row.reference_in(plan) for row in plan.rows if row.kind != CHEQUE]
    paid = references.targets(ws.store, named, "payment") if ws.has_store else {}
    for row in plan.rows:
        reference = row.reference_in(plan)
        if row.kind == CHEQUE:
            yield _of_cheque(row, *_cheque(ws, reference))
        else:
            yield _of_payment(row, reference, paid.get(reference))


def _cheque(ws: Workspace, reference: str) -> tuple[str, Entry | None]:
    """The cheque of a row, and the reference it has or will have: one that never got its money is not written on."""
    for attempt in range(1, 100):
        named = reference if attempt == 1 else f"{reference}#{attempt}"
        entry = references.targets(ws.store, [named], "cheque").get(named) if ws.has_store else None
        if entry is None or entry["status"] != "void":
            return named, entry
        if journal.sent_for(ws.store.connection, entry["funding_hash"] or "") is not None:
            return named, entry
    raise errors.RefusedByPolicy(f"{reference} was tried a hundred times", code="REFERENCE_TAKEN")


def _of_payment(row: Row, reference: str, entry: Entry | None, failure: str | None = None) -> models.BatchRow:
    return models.BatchRow(
        row=row.row,
        to=row.shown,
        status=_stands(entry, failure),
        amount_msat=entry["amount_msat"] if entry is not None else row.amount_msat,
        fee_msat=entry["fee_msat"] if entry is not None else None,
        memo=row.memo,
        reference=reference,
        id=entry["id"] if entry is not None else None,
        payment_hash=entry["payment_hash"] if entry is not None else row.payment_hash,
        preimage=entry["preimage"] if entry is not None else None,
        settled_at=entry["settled_at"] if entry is not None else None,
        failure=failure or (entry["failure"] if entry is not None else None),
        amount=_money(entry, "amount") or (models.Money(*row.fiat) if row.kind == PAYOUT else None),
        fee=_money(entry, "fee"),
    )


def _money(entry: Entry | None, column: Literal["amount", "fee"]) -> models.Money | None:
    if entry is None or entry[column] is None:
        return None
    return models.Money(Decimal(entry[column]), entry["currency"])


def _of_receipt(row: Row, reference: str, paid: models.Payment) -> models.BatchRow:
    return models.BatchRow(
        row=row.row,
        to=row.shown,
        status=paid.status,
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
    stands: Literal["settled", "failed", "unknown"] = entry["status"]
    return stands


def _of_cheque(row: Row, reference: str, entry: Entry | None, failure: str | None = None) -> models.BatchRow:
    stands: Any = "failed" if failure else "open"
    if entry is not None and not failure:
        # A cheque that was written is a row that is done, whatever became of the cheque.
        stands = {"funding": "unknown", "unknown": "unknown"}.get(entry["status"], "settled")
    return models.BatchRow(
        row=row.row,
        to=CHEQUE,
        status=stands,
        amount_msat=row.amount_msat,
        fee_msat=0 if stands == "settled" else None,
        memo=row.memo,
        reference=reference,
        id=entry["id"] if entry is not None else None,
        payment_hash=entry["funding_hash"] if entry is not None else None,
        preimage=None,
        settled_at=entry["created_at"] if entry is not None and stands == "settled" else None,
        failure=failure,
    )


def _summary(ws: Workspace, plan: Plan, items: list[models.BatchRow]) -> models.Batch:
    counts = {name: sum(item.status == name for item in items) for name in ("settled", "failed", "unknown", "open")}
    settled = [item for item in items if item.status == "settled"]
    sums: dict[str, Decimal] = {}
    for item in settled:
        if item.amount is not None:
            sums[item.amount.currency] = sums.get(item.amount.currency, Decimal(0)) + item.amount.value
    lightning = plan.wallets.get("lightning")
    return models.Batch(
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
        paid=[models.Money(value, currency) for currency, value in sums.items()],
        items=items,
    )


# -- running -------------------------------------------------------------------------------------


def run(
    ws: Workspace,
    purse: Purse,
    plan: Plan,
    *,
    jobs: int,
    stop_on_failure: bool,
    confirm: Callable[[models.BatchPlan], None] | None,
    on_row: OnRow,
) -> tuple[models.Batch, bool]:
    """Pay what is left of a plan, and say how it stands then, and whether it was interrupted.

    Asked about once, the PIN once for the whole. `on_row` hears of each row as it is done, how many are done and how
    many there were to do. Raises only what stops it before anything is sent; rows' failures are in the result. On
    Ctrl-C what is on its way is seen through and nothing more is begun.
    """
    with locks.held(ws, f"batch-{plan.hash[:32]}", "this plan"):
        left = _left(ws, plan)
        if not left:
            return status(ws, plan), False
        here = plan.home == batch_plans.home_id(ws)
        payable = [row for row in left if here or row.kind == "bolt11"]
        if len(payable) < len(left):
            ws.warn(
                f"{len(left) - len(payable)} rows are not paid here: this plan was made in another AMANI_HOME, whose"
                " journal alone knows whether they were paid. Invoices can't be paid twice anywhere, and are."
            )
        _ask(ws, purse, plan, payable, confirm)
        crew = _Crew(ws, purse, plan, jobs=jobs, stop_on_failure=stop_on_failure)
        interrupted = crew.work_through(payable, on_row)
    done = {item.row: item for item in crew.done}
    items = [done.get(item.row, item) for item in _standing(ws, plan)]
    if any(row.kind == CHEQUE for row in plan.rows):
        ws.note(f"The cheques' codes are in {codes_path(plan)}: whoever reads it has the money.")
    return _summary(ws, plan, items), interrupted


def _left(ws: Workspace, plan: Plan) -> list[Row]:
    settled = {item.row for item in _standing(ws, plan) if item.status == "settled"}
    return [row for row in plan.rows if row.row not in settled]


def _ask(
    ws: Workspace,
    purse: Purse,
    plan: Plan,
    rows: list[Row],
    confirm: Callable[[models.BatchPlan], None] | None,
) -> None:
    """See to everything that concerns the whole: the sums, the yes, the PIN, the money."""
    overview = batch_plans.overview(ws, purse, plan, rows)
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
        due.append((wallet, overview.total_msat, "msat"))
    if purse.fincra is not None:
        due.extend((purse.fincra, each.total, each.currency) for each in overview.fiat)
    for whose, total, unit in due:
        policy.check_pin(ws, whose, total, unit)
    if confirm is not None:
        confirm(overview)
    with _pin_once(ws):
        for whose, total, unit in due:
            policy.authorise(ws, whose, total, unit)
    if wallet is not None and any(row.kind == CHEQUE for row in rows):
        policy.take_now(ws, wallet, "cheque")  # one slot for all of them


@contextmanager
def _pin_once(ws: Workspace) -> Iterator[None]:
    """Ask for each wallet's PIN once, however many currencies it is needed for."""
    ask, told = ws.ask_pin, dict[str, str | None]()

    def ask_once(wallet: str) -> str | None:
        if wallet not in told:
            told[wallet] = ask(wallet)
        return told[wallet]

    ws.ask_pin = ask_once
    try:
        yield
    finally:
        ws.ask_pin = ask


class _Pace:
    """When the next request may go out: at once, until the server says that it is too much; then as it likes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0
        self._interval = 0.0
        self._pause = PAUSE_S

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._interval
        time.sleep(max(0.0, turn - time.monotonic()))

    def too_much(self) -> None:
        """The server refused a request for its number: it did nothing with it. Everybody slows down."""
        with self._lock:
            self._interval = STOCK_INTERVAL_S
            self._next = max(self._next, time.monotonic() + self._pause)
            self._pause = min(self._pause * 1.5, LONGEST_PAUSE_S)

    def fine(self) -> None:
        """A request got through."""
        self._pause = PAUSE_S


@dataclass(frozen=True)
class _Paced:
    """A Lightning rail that waits out the server's rate limit: a 429 is no answer to a payment."""

    client: Lnbits
    ws: Workspace
    pace: _Pace
    rail: payments.Lightning

    def post(self, row: Entry) -> PayAnswer:
        """Pay the entry's bolt11 as soon as the server takes it."""
        while True:
            self.pace.wait()
            self.ws.deadline = self.client.line.deadline = time.monotonic() + self.ws.timeout
            answer = self.rail.post(row)
            if answer.heard != "limited":
                self.pace.fine()
                return answer
            self.pace.too_much()

    def find(self, row: Entry) -> Found:
        """The wallet's own record of it."""
        return self.rail.find(row)

    def never_arrived(self, row: Entry) -> bool:
        """As for any payment."""
        return self.rail.never_arrived(row)


class _Crew:
    """The threads that work through rows, each with a database and a connection of its own."""

    def __init__(self, ws: Workspace, purse: Purse, plan: Plan, *, jobs: int, stop_on_failure: bool) -> None:
        self.ws, self.purse, self.plan = ws, purse, plan
        self.done: list[models.BatchRow] = []
        self._jobs = jobs
        self._stop_on_failure = stop_on_failure
        self.pace = _Pace()
        self._stop = threading.Event()
        self._todo: queue.SimpleQueue[Row] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[models.BatchRow | BaseException | None] = queue.SimpleQueue()
        self._codes = threading.Lock()

    def work_through(self, rows: list[Row], on_row: OnRow) -> bool:
        """Do the rows, in their order but for what runs side by side; returns whether it was interrupted."""
        for row in rows:
            self._todo.put(row)
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(self._jobs, len(rows)))]
        for thread in threads:
            thread.start()
        working, interrupted = len(threads), False
        failure: BaseException | None = None
        while working:
            try:
                result = self._results.get()
                if result is None:
                    working -= 1
                elif isinstance(result, BaseException):
                    failure = failure or result
                    self._stop.set()
                else:
                    self.done.append(result)
                    on_row(result, len(self.done), len(rows))
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self._stop.set()
                self.ws.progress("finishing what is on its way; once more to leave it in doubt")
        if failure is not None and not self.done:
            raise failure
        if failure is not None:
            self.ws.warn(str(failure))
        return interrupted

    def _work(self) -> None:
        try:
            with _Worker(self) as worker:
                while not self._stop.is_set():
                    try:
                        row = self._todo.get_nowait()
                    except queue.Empty:
                        break
                    result, hopeless = worker.do(row)
                    if hopeless or (self._stop_on_failure and result.status != "settled"):
                        self._stop.set()
                    self._results.put(result)
        except BaseException as error:
            self._results.put(error)
        finally:
            self._results.put(None)

    def keep_code(self, row: Row, cheque: models.Cheque) -> None:
        """Put a cheque's code on disk, durably, before anything else: it is shown once."""
        with self._codes:
            path = codes_path(self.plan)
            new = not path.exists()
            descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                if new:
                    writer.writerow(["row", "id", "code"])
                writer.writerow([row.row, cheque.id, cheque.code])
                file.flush()
                os.fsync(file.fileno())


class _Worker:
    """One thread's workspace, client and links."""

    def __init__(self, crew: _Crew) -> None:
        self._crew = crew
        self._ws = replace(crew.ws, progress=lambda _: None)
        self._wallet = replace(crew.purse.lightning, ws=self._ws) if crew.purse.lightning is not None else None
        self._fincra = replace(crew.purse.fincra, ws=self._ws) if crew.purse.fincra is not None else None

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        # Only what was used has been opened.
        if "_rail" in self.__dict__:
            self._rail.client.line.close()
        if "_net" in self.__dict__:
            self._net.__exit__()
        self._ws.store.close()

    @cached_property
    def _rail(self) -> _Paced:
        client = self._lightning.lnbits("admin")
        return _Paced(client, self._ws, self._crew.pace, payments.Lightning(client))

    @cached_property
    def _net(self) -> Lnurl:
        from amani_cli.providers.lnurl import Lnurl

        return Lnurl(deadline=self._ws.deadline, timeout=self._ws.timeout, private=self._lightning.sandbox)

    @property
    def _lightning(self) -> KnownWallet:
        assert self._wallet is not None
        return self._wallet

    def do(self, row: Row) -> tuple[models.BatchRow, bool]:
        """Do one row; returns how it stands, and whether going on is pointless."""
        plan = self._crew.plan
        reference = row.reference_in(plan)
        self._ws.restart_clock()
        self._ws.category = row.category
        failure, hopeless = None, False
        if row.kind == CHEQUE:
            reference, _ = _cheque(self._ws, reference)
        try:
            if row.kind == CHEQUE:
                self._write_cheque(row, reference)
            else:
                return _of_receipt(row, reference, self._pay(row, reference)), False
        except errors.OutcomeUnknown:
            pass
        except errors.AmaniError as error:
            failure, hopeless = error.message, error.code in HOPELESS
        if row.kind == CHEQUE:
            written = references.targets(self._ws.store, [reference], "cheque").get(reference)
            return _of_cheque(row, reference, written, failure), hopeless
        entry = references.targets(self._ws.store, [reference], "payment").get(reference)
        return _of_payment(row, reference, entry, failure), hopeless

    def _pay(self, row: Row, reference: str) -> models.Payment:
        if row.kind == PAYOUT:
            return self._pay_out(row, reference)
        ws, wallet = self._ws, self._lightning
        self._rail.client.line.deadline = ws.deadline
        if row.payment_hash is not None:
            earlier = journal.sent_for(ws.store.connection, row.payment_hash)
        else:
            earlier = references.targets(ws.store, [reference], "payment").get(reference)
        if earlier is not None and earlier["status"] == "unknown":
            if earlier["remote_wallet_id"] == wallet.remote_id:
                return payments.resume(ws, wallet, self._rail, earlier)
            raise payments.open_outcome(earlier, "another wallet's payment of this invoice is still open")
        if row.kind == "bolt11":
            return payments.pay_one_of_many(ws, wallet, self._rail, batch_plans.order_of(ws, row, reference))
        return self._pay_address(row, reference)

    def _pay_address(self, row: Row, reference: str) -> models.Payment:
        from amani_cli import contacts
        from amani_cli.amounts import parse_amount

        ws, wallet = self._ws, self._lightning
        self._net.deadline = ws.deadline
        destination = self._destination(row)
        amount = row.amount_msat if row.amount_msat is not None else parse_amount(row.amount)
        wish = destinations.Wish(destination, amount, comment=row.comment, memo=row.memo, reference=reference)
        replay = payments.replayed(ws, reference, wish.meaning)
        if replay is not None:
            return replay
        wanted = destinations.order(ws, wallet, wish, self._net)
        assert isinstance(wanted, payments.Order)
        paid = payments.pay_one_of_many(ws, wallet, self._rail, replace(wanted, authorised=True))
        if destination.contact is not None and wanted.seen is not None:
            contacts.pin(ws, destination.contact, wanted.seen)
        return paid

    def _pay_out(self, row: Row, reference: str) -> models.Payment:
        from amani_cli import payouts

        assert self._fincra is not None
        destination = self._destination(row)
        assert destination.payout is not None
        wanted = payouts.Order(
            destination.payout,
            row.fiat,
            row.fiat.currency,
            to_name=row.to_name,
            name_unverified=row.name_unverified,
            memo=row.memo,
            reference=reference,
            authorised=True,
        )
        return destinations.pay_out(self._ws, self._fincra, destination, wanted, confirm=None)

    def _destination(self, row: Row) -> destinations.Destination:
        """Whom a row pays: a contact must still be what it was when the plan was made."""
        destination = destinations.read(self._ws, row.to)
        if destination.shown != row.shown:
            raise errors.Usage(
                f"'{row.to}' meant {row.shown} when the plan was made and means {destination.shown} now",
                code="BAD_PLAN",
            )
        return destination

    def _write_cheque(self, row: Row, reference: str) -> None:
        assert row.amount_msat is not None
        wanted = cheques.Wanted(row.amount_msat, row.memo, reference=reference, authorised=True)
        for cheque in cheques.write(self._ws, self._lightning, wanted, confirm=None):
            if cheque.code is not None:
                self._crew.keep_code(row, cheque)
            elif cheque.status not in ("funding", "unknown") and row.row not in _kept_codes(self._crew.plan):
                self._ws.warn(f"row {row.row}: the code was lost; a new one: amani cheque reissue {cheque.id}")


def codes_path(plan: Plan) -> Path:
    """Where the codes of a plan's cheques are put, for their owner alone."""
    return plan.path.with_name(plan.path.name + ".codes.csv")


def _kept_codes(plan: Plan) -> dict[int, str]:
    try:
        with codes_path(plan).open(encoding="utf-8", newline="") as file:
            return {int(cells[0]): cells[2] for cells in csv.reader(file) if len(cells) == 3 and cells[0].isdigit()}
    except FileNotFoundError:
        return {}
