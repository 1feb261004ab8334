"""The threads that work through a batch, each with a database and connections of its own."""

from __future__ import annotations

import csv
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from amani_cli import errors, files, private
from amani_cli.batch import plans
from amani_cli.batch import rows as batch_rows
from amani_cli.batch.plans import Plan, Purse
from amani_cli.batch.table import CHEQUE, PAYOUT, Row
from amani_cli.batch.terms import Allowance
from amani_cli.cheques import links, writing
from amani_cli.destinations import ordering, reading
from amani_cli.destinations import paying as destinations_paying
from amani_cli.destinations.forms import Destination
from amani_cli.lightning import paying, resends
from amani_cli.models.batches import BatchRow
from amani_cli.models.cheques import Cheque
from amani_cli.models.payments import Payment, PayoutPlan
from amani_cli.payments import earlier as payments_earlier
from amani_cli.payments import lightning_rail
from amani_cli.payments.verdict import Found
from amani_cli.providers.base import PayAnswer
from amani_cli.store import journal, references
from amani_cli.store.rows import ChequeRow, Entry
from amani_cli.times import from_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits
    from amani_cli.providers.lnurl import Lnurl

# A stock LNbits takes 200 requests a minute of one address on one route, and says no more than 429 to the next one.
STOCK_INTERVAL_S = 60 / 195
PAUSE_S, LONGEST_PAUSE_S = 2.0, 20.0
LONGEST_WAIT_S = 600.0  # its window is a minute: whoever is turned away for so long is not waited for
# After one of these no other row can be paid either.
HOPELESS = frozenset(
    {"INSUFFICIENT_FUNDS", "KEY_REFUSED", "INVOICE_KEY", "CONNECTION_REFUSED", "DNS", "TLS", "DISK_FULL"}
)

OnRow = Callable[[BatchRow, int, int], None]


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

    @property
    def next(self) -> float:
        """The moment, on the monotonic clock, before which no request goes out."""
        return self._next

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
    rail: lightning_rail.Lightning

    def post(self, row: Entry) -> PayAnswer:
        """Pay the entry's bolt11 as soon as the server takes it; not for ever, and not past the invoice's end."""
        ends = time.monotonic() + min(LONGEST_WAIT_S, _left_s(row))
        while True:
            self._take_turn()
            answer = self.rail.post(row)
            if answer.heard != "limited":
                self.pace.fine()
                return answer
            self.pace.too_much()
            if self.pace.next > ends:
                return answer

    def fee_reserve(self, bolt11: str) -> int:
        """The most that routing may cost, by the server's settings."""
        ends = time.monotonic() + LONGEST_WAIT_S
        while True:
            self._take_turn()
            try:
                return self.client.fee_reserve_msat(bolt11)
            except errors.Unreachable as error:
                if error.code != "RATE_LIMITED":
                    raise
                self.pace.too_much()
                if self.pace.next > ends:
                    raise

    def _take_turn(self) -> None:
        self.pace.wait()
        self.ws.deadline = self.client.line.deadline = time.monotonic() + self.ws.timeout

    def find(self, row: Entry) -> Found:
        """The wallet's own record of it."""
        return self.rail.find(row)

    def never_arrived(self, row: Entry) -> bool:
        """As for any payment."""
        return self.rail.never_arrived(row)


def _left_s(row: Entry) -> float:
    """How long an entry's invoice can still be paid."""
    assert row.expires_at is not None  # every invoice ends
    return from_rfc3339(row.expires_at).timestamp() - time.time()


class Crew:
    """The threads that work through rows, each with a database and a connection of its own."""

    def __init__(
        self, ws: Workspace, purse: Purse, plan: Plan, allowance: Allowance, *, jobs: int, stop_on_failure: bool
    ) -> None:
        self.ws, self.purse, self.plan, self.allowance = ws, purse, plan, allowance
        self.done: list[BatchRow] = []
        self._jobs = jobs
        self._stop_on_failure = stop_on_failure
        self.pace = _Pace()
        self._stop = threading.Event()
        self._todo: queue.SimpleQueue[Row] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[BatchRow | BaseException | None] = queue.SimpleQueue()
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
                    self.ws.talk.untold.told(result.id)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self._stop.set()
                self.ws.talk.progress("finishing what is on its way; once more to leave it in doubt")
        if failure is not None and not self.done:
            raise failure
        if failure is not None:
            self.ws.talk.warn(str(failure))
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

    def keep_code(self, row: Row, cheque: Cheque) -> None:
        """Put a cheque's code on disk, durably, before anything else: it is shown once."""
        with self._codes:
            path = batch_rows.codes_path(self.plan)
            descriptor = private.opened(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
            new = os.fstat(descriptor).st_size == 0
            with os.fdopen(descriptor, "a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                if new:
                    writer.writerow(["row", "id", "code"])
                writer.writerow([row.row, cheque.id, cheque.link or cheque.code])
                file.flush()
                os.fsync(file.fileno())
            if new:
                files.sync_folder(path.parent)


class _Worker:
    """One thread's workspace, client and links."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        # What was said is copied too: each row has a category of its own, and others are done at the same time.
        quiet = replace(crew.ws.talk, progress=lambda _: None)
        self._ws = replace(crew.ws, said=replace(crew.ws.said), talk=quiet)
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
        return _Paced(client, self._ws, self._crew.pace, lightning_rail.Lightning(self._ws, client))

    @cached_property
    def _net(self) -> Lnurl:
        from amani_cli.providers.lnurl import Lnurl

        return Lnurl(deadline=self._ws.deadline, timeout=self._ws.timeout, private=self._lightning.sandbox)

    @property
    def _lightning(self) -> KnownWallet:
        assert self._wallet is not None
        return self._wallet

    def do(self, row: Row) -> tuple[BatchRow, bool]:
        """Do one row; returns how it stands, and whether going on is pointless."""
        reference = row.reference_in(self._crew.plan.hash)
        self._ws.restart_clock()
        self._ws.said.category = row.category
        failure, hopeless = None, False
        if row.kind == CHEQUE:
            reference, _ = batch_rows.cheque(self._ws, self._crew.plan, row)
        try:
            if row.kind == CHEQUE:
                self._write_cheque(row, reference)
            else:
                return batch_rows.of_receipt(row, reference, self._pay(row, reference)), False
        except errors.OutcomeUnknown:
            pass
        except errors.AmaniError as error:
            failure, hopeless = error.message, error.code in HOPELESS
        if row.kind == CHEQUE:
            wanted = {reference: row.meaning(self._ws, self._lightning.identity)}
            written = references.targets(self._ws.store, wanted, ChequeRow).get(reference)
            return batch_rows.of_cheque(row, reference, written, failure), hopeless
        return batch_rows.of_payment(row, reference, self._earlier(row, reference), failure), hopeless

    def _earlier(self, row: Row, reference: str) -> Entry | None:
        """The payment that a row's reference stands for, if it is the row's."""
        return references.targets(self._ws.store, {reference: row.meaning(self._ws)}, Entry).get(reference)

    def _pay(self, row: Row, reference: str) -> Payment:
        if row.kind == PAYOUT:
            return self._pay_out(row, reference)
        ws, wallet = self._ws, self._lightning
        self._rail.client.line.deadline = ws.deadline
        if row.payment_hash is not None:
            earlier = journal.sent_for(ws.store, row.payment_hash)
        else:
            earlier = self._earlier(row, reference)
        if earlier is not None and earlier.status == "unknown":
            begun = earlier  # as a name of its own, which the function below can rely on
            return self._within(row, earlier.amount_msat or 0, lambda: resends.go_on(ws, wallet, self._rail, begun))
        if row.payment_hash is None:
            return self._pay_address(row, reference)
        wanted = plans.order_of(row, reference)
        replay = self._replayed(wanted) if earlier is not None else None
        return replay or self._pay_order(row, wanted)

    def _replayed(self, wanted: paying.Order) -> Payment | None:
        return payments_earlier.replayed(self._ws, wanted.reference, wanted.meaning, wanted.invoice.payment_hash)

    def _pay_order(self, row: Row, wanted: paying.Order) -> Payment:
        ws, wallet, rail = self._ws, self._lightning, self._rail
        pay = paying.pay_one_of_many
        return self._within(row, wanted.amount_msat, lambda: pay(ws, wallet, rail, wanted, rail.fee_reserve))

    def _within(self, row: Row, amount_msat: int, pay: Callable[[], Payment]) -> Payment:
        """Pay a row out of what was agreed to for it and for the whole; what is in doubt counts as spent."""
        allowance = self._crew.allowance
        taken_msat = allowance.take(row, amount_msat)
        try:
            paid = pay()
        except errors.OutcomeUnknown:
            raise
        except errors.AmaniError:
            allowance.spent(taken_msat, 0)
            raise
        allowance.spent(taken_msat, (paid.amount_msat or 0) + (paid.fee_msat or 0))
        return paid

    def _pay_address(self, row: Row, reference: str) -> Payment:
        from amani_cli.destinations import contacts

        ws, wallet = self._ws, self._lightning
        self._net.deadline = ws.deadline
        destination = self._destination(row)
        amount = row.amount_msat if row.amount_msat is not None else row.fiat
        wish = ordering.Wish(destination, amount, comment=row.comment, memo=row.memo, reference=reference)
        replay = payments_earlier.replayed(ws, reference, wish.meaning)
        if replay is not None:
            return replay
        # Before the invoice is fetched: one that is thrown away would have to be paid the next time.
        wish = replace(wish, quoted=self._crew.allowance.quoted(wallet, row), seen=row.seen)
        wanted = ordering.order(ws, wallet, wish, self._net)
        assert isinstance(wanted, paying.Order)
        paid = self._replayed(wanted) or self._pay_order(row, replace(wanted, authorised=True))
        if destination.contact is not None and wanted.seen is not None:
            contacts.pin(ws, destination.contact, wanted.seen)
        return paid

    def _pay_out(self, row: Row, reference: str) -> Payment:
        from amani_cli.destinations import contacts
        from amani_cli.fiat import payouts

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

        def look_at(plan: PayoutPlan) -> None:
            contacts.refuse_other(row.shown, row.seen or {}, {"bank": plan.destination, "name": plan.payee})

        return destinations_paying.pay_out(self._ws, self._fincra, destination, wanted, confirm=look_at)

    def _destination(self, row: Row) -> Destination:
        """Whom a row pays: a contact must still be what it was when the plan was made."""
        destination = reading.read(self._ws, row.to)
        if destination.shown != row.shown:
            raise errors.Usage(
                f"'{row.to}' meant {row.shown} when the plan was made and means {destination.shown} now",
                code="BAD_PLAN",
            )
        return destination

    def _write_cheque(self, row: Row, reference: str) -> None:
        assert row.amount_msat is not None
        taken_msat = self._crew.allowance.take(row, row.amount_msat)
        try:
            url = links.base_url(self._ws) if row.is_link else None
            wanted = writing.Wanted(row.amount_msat, row.memo, reference=reference, authorised=True, base_url=url)
            written = list(writing.write(self._ws, self._lightning, wanted, confirm=None))
        except errors.OutcomeUnknown:
            raise
        except errors.AmaniError:
            self._crew.allowance.spent(taken_msat, 0)
            raise
        for cheque in written:
            if cheque.code is not None:
                self._crew.keep_code(row, cheque)
            elif cheque.status not in ("funding", "unknown") and row.row not in batch_rows.kept_codes(self._crew.plan):
                self._ws.talk.warn(f"row {row.row}: the code was lost; a new one: amani cheque reissue {cheque.id}")
