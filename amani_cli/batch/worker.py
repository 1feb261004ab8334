"""One row of a batch after the other, by one thread: each is a payment, a payout or a cheque of its own."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from amani_cli import errors, files, private
from amani_cli.batch import plans
from amani_cli.batch import rows as batch_rows
from amani_cli.batch.pace import Pace, Paced
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
from amani_cli.store import journal, references
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnurl import Lnurl

# After one of these no other row can be paid either.
_UNREACHED = ("CONNECTION_REFUSED", "DNS", "TLS", "PROXY", "NEEDS_TOR")
HOPELESS = frozenset({"INSUFFICIENT_FUNDS", "KEY_REFUSED", "WRONG_KEY", "INVOICE_KEY", "DISK_FULL", *_UNREACHED})


class Codes:
    """The file that a plan's codes are put into, by whichever thread."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._lock = threading.Lock()

    def keep(self, row: Row, cheque: Cheque) -> None:
        """Put a cheque's code on disk, durably, before anything else: it is shown once."""
        with self._lock:
            path = batch_rows.codes_path(self._plan)
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


@dataclass(frozen=True)
class Job:
    """What the threads of a batch have in common."""

    purse: Purse
    plan: Plan
    allowance: Allowance
    pace: Pace
    codes: Codes


class Worker:
    """One thread's workspace, client and links."""

    def __init__(self, ws: Workspace, job: Job) -> None:
        """`ws` is the run's own; this thread's is a copy of it."""
        self._job = job
        # What was said is copied too: each row has a category of its own, and others are done at the same time.
        quiet = replace(ws.talk, progress=lambda _: None)
        self._ws = replace(ws, said=replace(ws.said), talk=quiet)
        self._wallet = replace(job.purse.lightning, ws=self._ws) if job.purse.lightning is not None else None
        self._fincra = replace(job.purse.fincra, ws=self._ws) if job.purse.fincra is not None else None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        # Only what was used has been opened.
        if "_rail" in self.__dict__:
            self._rail.client.line.close()
        if "_net" in self.__dict__:
            self._net.__exit__()
        self._ws.store.close()

    @cached_property
    def _rail(self) -> Paced:
        client = self._lightning.lnbits("admin")
        try:
            self._lightning.spending_id(client)  # the key's file may have become another wallet's since the yes
        except BaseException:
            client.line.close()
            raise
        return Paced(client, self._ws, self._job.pace, lightning_rail.Lightning(self._ws, client))

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
        reference = row.reference_in(self._job.plan.hash)
        self._ws.restart_clock()
        self._ws.said.category = row.category
        failure, hopeless = None, False
        if row.kind == CHEQUE:
            reference, _ = batch_rows.cheque(self._ws, self._job.plan, row)
        try:
            if row.kind == CHEQUE:
                hopeless = not self._write_cheque(row, reference)
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
        return batch_rows.of_payment(row, reference, self._stands_for(row, reference), failure), hopeless

    def _stands_for(self, row: Row, reference: str) -> Entry | None:
        """The payment that a row came to: its reference's, or one of its invoice that was begun under another."""
        found = self._earlier(row, reference)
        return found or (journal.sent_for(self._ws.store, row.payment_hash) if row.payment_hash is not None else None)

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
        allowance = self._job.allowance
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
        wish = replace(wish, quoted=self._job.allowance.quoted(wallet, row), seen=row.seen)
        wanted = ordering.order(ws, wallet, wish, self._net)
        assert isinstance(wanted, paying.Order)
        paid = self._replayed(wanted) or self._pay_order(row, replace(wanted, authorised=True))
        if destination.contact is not None and wanted.seen is not None:
            contacts.pin(ws, destination.contact, wanted.seen)
        return paid

    def _pay_out(self, row: Row, reference: str) -> Payment:
        from amani_cli.destinations import contacts
        from amani_cli.fiat import orders

        row.refuse_other_holder()
        destination = self._destination(row)
        assert self._fincra is not None
        assert destination.payout is not None
        wanted = orders.Order(
            destination.payout,
            row.fiat,
            row.fiat.currency,
            to_name=row.signed_off or row.to_name,
            name_unverified=row.name_unverified,
            memo=row.memo,
            description=row.description,
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

    def _write_cheque(self, row: Row, reference: str) -> bool:
        """Write the cheque of a row and keep its code; False where codes can't be kept, and no other is to be made."""
        assert row.amount_msat is not None
        taken_msat = self._job.allowance.take(row, row.amount_msat)
        try:
            url = links.base_url(self._ws) if row.is_link else None
            wanted = writing.Wanted(row.amount_msat, row.memo, reference=reference, authorised=True, base_url=url)
            written = list(writing.write(self._ws, self._lightning, wanted, confirm=None))
        except errors.OutcomeUnknown:
            raise
        except errors.AmaniError:
            self._job.allowance.spent(taken_msat, 0)
            raise
        for cheque in written:
            if cheque.code is not None:
                try:
                    self._job.codes.keep(row, cheque)
                except (OSError, errors.AmaniError) as error:
                    self._ws.talk.warn(f"row {row.row}: the code can't be kept: {error}")
                    return False
        return True
