"""What has been gathered about one question of the support desk, and how it may be worded for whoever reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from amani_cli.amounts import format_sat
from amani_cli.models.money import Money
from amani_cli.models.operations import TraceCandidate, TraceEvent, TraceGap
from amani_cli.operations.clues import Clue
from amani_cli.providers.base import FiatRecord, Record
from amani_cli.store.entries import Entry
from amani_cli.store.rows import ChequeRow, InvoiceRow
from amani_cli.store.traces import TracedInvoice
from amani_cli.text import one_line
from amani_cli.times import now


class Told(NamedTuple):
    """A provider's record, which wallet's it is, and what it was asked by."""

    record: Record | FiatRecord
    wallet: str
    asked: str


class Thing(NamedTuple):
    """One row or record: exactly one of these. Rows of all tables are of one class, so which it is stands beside."""

    payment: Entry | None = None
    invoice: TracedInvoice | None = None
    cheque: ChequeRow | None = None
    told: Told | None = None

    @property
    def names(self) -> Iterator[str]:
        """What makes two of them one thing."""
        if self.told is not None:
            yield f"={self.told.asked}"
        if self.cheque is not None:
            yield f"={self.cheque.id}"
            yield from (f"={each}" for each in (self.cheque.funding_hash, self.cheque.payment_hash) if each)
            yield from (f"wallet {each}" for each in (self.cheque.remote_id,) if each)
        row = self.payment or self.invoice
        if row is not None:
            yield from (f"={each}" for each in (row.payment_hash,) if each)
            yield from (f"reference {each}" for each in (row.reference,) if each)
        if self.payment is not None:
            yield from (f"={each}" for each in (self.payment.id, self.payment.our_reference) if each)
            if self.payment.wallet_id < 0 and self.payment.remote_wallet_id:
                yield f"wallet {self.payment.remote_wallet_id}"

    @property
    def rank(self) -> int:
        """How much less than the best it tells of its group."""
        if self.payment is not None:
            return (1 if self.payment.status != "failed" else 3) + (self.payment.direction == "in")
        return 0 if self.cheque else 5 if self.invoice else 6


@dataclass
class Case:
    """What has been gathered so far."""

    clue: Clue
    redacted: bool
    payments: list[Entry] = field(default_factory=list)
    invoices: list[TracedInvoice] = field(default_factory=list)
    cheques: list[ChequeRow] = field(default_factory=list)
    records: list[Told] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    events: list[TraceEvent] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    missed: list[TraceGap] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)
    is_named: bool = False
    banks_alone: bool = False
    nowhere: str = ""
    is_held: bool = False

    def add(self, at: str | None, source: str, text: str, id: str | None = None) -> None:
        """One more thing that happened."""
        self.events.append(TraceEvent(at, source, text, id))

    def wallet(self, name: str) -> str:
        """A wallet's name, or a number that stands for it."""
        return self.aliases.setdefault(name, f"no. {len(self.aliases) + 1}" if self.redacted else f"'{name}'")

    def text(self, text: str | None) -> str:
        """Words that came with it, fit to be read by whoever reads the case."""
        if not text:
            return ""
        return f" ({len(text)} characters left out)" if self.redacted else f": {one_line(text, 120)}"

    def hash(self, payment_hash: str | None) -> str:
        """The beginning of a hash, by which it is found again."""
        return f"{payment_hash[:8]}…" if payment_hash else "no hash"

    def know(self, hashes: Iterable[str | None]) -> None:
        """Hashes to ask the providers about."""
        for each in hashes:
            if each and each not in self.hashes:
                self.hashes.append(each)

    def things(self) -> list[list[Thing]]:
        """What was found, each thing with all that hangs together with it: both ends of a transfer, the invoice of a
        payment, the attempts under one reference, a cheque and its money."""
        groups: list[tuple[set[str], list[Thing]]] = []
        found = [Thing(payment=each) for each in self.payments] + [Thing(invoice=each) for each in self.invoices]
        found += [Thing(cheque=each) for each in self.cheques] + [Thing(told=each) for each in self.records]
        for thing in found:
            tags, members = set(thing.names), [thing]
            apart: list[tuple[set[str], list[Thing]]] = []
            for others, known in groups:
                if tags & others:
                    tags, members = tags | others, known + members
                else:
                    apart.append((others, known))
            groups = [*apart, (tags, members)]
        return [members for _, members in groups]

    def candidate(self, group: list[Thing]) -> TraceCandidate:
        """One of several things that may be meant."""
        best = min(group, key=lambda each: each.rank)
        if best.told is not None:
            return _of_record(best.told, self)
        if best.cheque is not None:
            row = best.cheque
            wallet, who = self._name(row.wallet), self.shown(row.memo)
            return TraceCandidate(row.created_at, "cheque", row.status, wallet, who, row.amount_msat, None, row.id)
        if best.payment is not None:
            paid = best.payment
            what, who = paid.kind, self.shown(paid.destination or paid.memo)
            if paid.direction == "in":
                what, who = "received", self.shown(paid.payer or paid.memo)
            status, wallet = "reversed" if paid.reversed_at else paid.status, self._name(paid.wallet)
            return TraceCandidate(paid.created_at, what, status, wallet, who, *_amounts(paid), paid.id)
        assert best.invoice is not None
        asked = best.invoice
        arrived = asked.payment_hash in self.arrived
        arrived |= any(each.told is not None and each.told.record.status == "settled" for each in group)
        over = asked.status == "pending" and asked.expires_at <= now()
        stands, wallet = "paid" if arrived else "expired" if over else asked.status, self._name(asked.wallet)
        who = self.shown(asked.memo)
        return TraceCandidate(asked.created_at, "invoice", stands, wallet, who, *_amounts(asked), asked.payment_hash)

    def _name(self, wallet: str) -> str:
        return self.wallet(wallet).strip("'")

    def shown(self, text: str | None) -> str | None:
        """With whom or for what, unless that is left out."""
        return one_line(text, 80) if text and not self.redacted else None


def amount_of(row: Entry | InvoiceRow) -> str:
    """What it is over."""
    return format_sat(row.amount_msat or 0) if row.amount is None else f"{row.amount} {row.currency}"


def _amounts(row: Entry | InvoiceRow) -> tuple[int | None, Money | None]:
    return (row.amount_msat, None) if row.amount is None else (None, Money(Decimal(row.amount), row.currency or ""))


def _of_record(told: Told, case: Case) -> TraceCandidate:
    record, wallet = told.record, case.wallet(told.wallet).strip("'")
    if isinstance(record, Record):
        what, who = "pay" if record.amount_msat < 0 else "received", case.shown(record.memo)
        amount = abs(record.amount_msat)
        return TraceCandidate(record.created_at, what, record.status, wallet, who, amount, None, record.payment_hash)
    value = record.amount if record.amount is not None else record.charged
    money = Money(value, record.currency) if value is not None and record.currency else None
    who = case.shown(record.payee)
    return TraceCandidate(record.settled_at, "payout", record.status, wallet, who, None, money, told.asked)
