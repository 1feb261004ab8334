"""A payment's life, whatever the rail: journaled, sent once, judged, recorded, and asked about until it is certain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from amani_cli import errors
from amani_cli.models.payments import Payment
from amani_cli.payments.rail import Rail
from amani_cli.payments.receipts import open_outcome, receipt, reversed_payment
from amani_cli.payments.verdict import ABSENT, NOT_ASKED, Found, Verdict, failure, judge
from amani_cli.providers.base import FiatRecord, PayAnswer, Record
from amani_cli.store import audit as audit_log
from amani_cli.store import journal, references, rules
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry, EntryChanges, NewEntry
from amani_cli.store.rows import Transaction
from amani_cli.times import now
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

# Even when time is up, the record is asked for a little longer: an answer is worth more than punctuality.
LAST_LOOK_S = 4.0


class Purpose(NamedTuple):
    """What a payment is: its kind in the journal, the user's reference, and what that stands for."""

    kind: str
    reference: str | None = None
    meaning: str = ""


def begin(
    ws: Workspace,
    wallet: KnownWallet,
    wallet_id: str,
    purpose: Purpose,
    *,
    fill: Callable[[Transaction, NewEntry], NewEntry],
    sent: Callable[[Transaction], Entry | None] = lambda db: None,
    on_journal: Callable[[Transaction, str], object] | None = None,
    reason: str | None = None,
) -> tuple[Entry, bool]:
    """Journal a payment durably, or find (False) the attempt that another process made first.

    All in one transaction: `sent` looks for an earlier attempt, as the reference does; `fill` reserves the amount, or
    refuses, and says what else is journaled. Money leaves, unless that says that it comes.
    """
    kind, reference, meaning = purpose
    if reference is not None:
        references.expect(ws.store, reference)
    with ws.store.write() as db:
        earlier = first_attempt(db, sent(db), reference, meaning)
        if earlier is not None:
            return earlier, False
        stamp = ws.store.clock.stamp(wallet.url)
        entry = NewEntry(
            wallet.journaled._replace(remote_wallet_id=wallet_id),
            "out",
            kind,
            "unknown",
            reference=reference,
            category=ws.said.category,
            actor=ws.said.actor,
            request_id=ws.mandate.request,
            ledger_ahead=stamp.ledger_ahead,
            told_ahead=stamp.told_ahead,
        )
        entry = fill(db, entry)
        payment_id = journal.insert(db, entry)
        if reference is not None:
            references.point(db, reference, payment_id)
        if on_journal is not None:
            on_journal(db, payment_id)
        store_wallets.clear_cached_balance(db, wallet.id)
        ws.talk.untold.begin(payment_id)
        audit_log.append(
            db,
            kind,
            wallet=wallet.name,
            subject=payment_id,
            amount_msat=entry.amount_msat,
            outcome="sending" if entry.direction == "out" else "begun",
            actor=ws.said.actor,
            reason="; ".join(text for text in (reason, ws.said.reason) if text) or None,
        )
        _expect(ws, payment_id, reference)
    row = journal.by_id(ws.store, payment_id)
    assert row is not None
    return row, True


def first_attempt(db: Transaction, sent: Entry | None, reference: str | None, meaning: str) -> Entry | None:
    """The attempt that was made first: what was `sent`, else what the reference stands for. Whoever sent that may have
    had no reference or another: this one stands for it as well from now on. Raises what `references.claim` does."""
    if reference is None:
        return sent
    target = references.claim(db, reference, meaning)
    if sent is None:
        return journal.standing(db, target)
    references.point(db, reference, sent.id)
    return sent


def _expect(ws: Workspace, payment_id: str, reference: str | None) -> None:
    """Have the ledger asked along for the entry, and for what its provider is told along."""
    journal.expect(ws.store, payment_id)
    if reference is not None:
        references.expect(ws.store, reference)


def refuse_twin(twins: Iterable[Entry], what: str) -> None:
    """Refuse what looks like a retry of what is still open, where no invoice of the payee's can be paid only once.

    Raises `errors.OutcomeUnknown`.
    """
    for twin in twins:
        raise open_outcome(
            twin,
            f"the same {what} before and its outcome is still open; nothing was sent now."
            " If this is another one, give it a --reference of its own",
        )


class Told(NamedTuple):
    """What the user is told while it is sent, when they interrupt that, and after it was."""

    doing: str
    interrupted: str
    done: str


def send(ws: Workspace, wallet: KnownWallet, rail: Rail, row: Entry, *, wait: bool) -> Payment:
    """Send a journaled payment, once, and close its entry with what is certain."""
    told = Told(f"paying from {wallet.name}", "interrupted after the payment was sent", "the payment was sent")
    row, verdict = deliver(ws, rail, row, told, wait=wait)
    if row.status == "unknown":
        raise open_outcome(row, f"the payment was sent and its outcome is open: {verdict.reason}")
    if row.status == "failed":
        host = wallet.url.split("://", 1)[-1]
        raise failure(verdict, row.id, host, wallet.provider)
    if row.reversed_at:
        raise reversed_payment(row)
    return receipt(row)


def deliver(ws: Workspace, rail: Rail, row: Entry, told: Told, *, wait: bool = True) -> tuple[Entry, Verdict]:
    """Have a rail send what was journaled, once, and close its entry: as it stands then, and by which verdict.

    Raises `NotSent` when it provably never left, and `errors.OutcomeUnknown` for what goes wrong after that.
    """
    from amani_cli.providers.http import NotSent

    with in_doubt(row, told):
        ws.talk.progress(told.doing)
        ws.talk.untold.sent(row.id)
        try:
            answer = rail.post(row)
        except NotSent as error:
            row = close(ws, row, Verdict("failed", None, error.message, "NOT_SENT"), by_answer=True)
            if row.status == "settled":  # another amani sent it meanwhile
                return row, Verdict("settled", None, "")
            if row.status == "unknown":
                raise open_outcome(row, f"{error.message}; but another amani sent it meanwhile") from error
            error.id = row.id
            raise
        verdict = _settle(ws, rail, row, answer, wait=wait)
        row = close(ws, row, verdict, answered=answer.accepted, by_answer=True)
    if row.status == "failed" and verdict.status != "failed":  # another process knew it
        verdict = verdict._replace(reason=row.failure or "", code="REJECTED")
    return row, verdict


@contextmanager
def in_doubt(row: Entry, told: Told) -> Iterator[None]:
    """Have whatever goes wrong while something is sent say that it may have gone through; the entry stays open."""
    from amani_cli.providers.http import NotSent

    try:
        yield
    except KeyboardInterrupt:
        raise open_outcome(row, told.interrupted) from None
    except (NotSent, errors.OutcomeUnknown):
        raise
    except Exception as error:
        text = error.message if isinstance(error, errors.AmaniError) else type(error).__name__
        raise open_outcome(row, f"{told.done}, and then: {text}") from error


def ask_rail(ws: Workspace, rail: Rail, row: Entry) -> Entry:
    """Ask an open rail what became of a payment, and close its entry if that is certain. Raises what looking raises."""
    found, never_arrived = look(rail, row)
    return close(ws, row, judge(None, found, never_arrived=never_arrived))


def look(rail: Rail, row: Entry) -> tuple[Found, bool]:
    """A payment's record, and whether that there is none proves by now that the request never got there.

    "No such payment" does not say whom it is about, and may be the answer to another question, which the line mixed up:
    before it proves anything it is asked for once more. Raises what looking raises.
    """
    found = rail.find(row)
    if found != ABSENT or row.answered or not rail.never_arrived(row):
        return found, False
    found = rail.find(row)
    return found, found == ABSENT


def until_certain(ws: Workspace, look: Callable[[], Verdict], *, wait: bool = True) -> Verdict:
    """Look again, ever more slowly, until the verdict is certain or the time is up; once, if `wait` is off."""
    from amani_cli.providers.http import LEAST_S

    # The last look that is begun may take LEAST_S, and is over by then too.
    ends = max(ws.deadline, time.monotonic() + LAST_LOOK_S - LEAST_S)
    pause = 0.3
    while True:
        verdict = look()
        if verdict.status != "unknown" or not wait or time.monotonic() + pause > ends:
            return verdict
        ws.talk.progress("asking what became of the payment")
        time.sleep(pause)
        pause = min(pause * 1.6, 3.0)


def _settle(ws: Workspace, rail: Rail, row: Entry, answer: PayAnswer, *, wait: bool) -> Verdict:
    """Ask for the record until the outcome is certain or the time is up."""
    if answer.record is not None and answer.record.status == "settled":
        return judge(answer, answer.record)

    def judged() -> Verdict:
        found = _asked(rail, row)
        if found == ABSENT and answer.heard in ("failed", "refused", "limited"):
            found = _asked(rail, row)  # for both may be answers to other questions, see `look`
        return judge(answer, found)

    return until_certain(ws, judged, wait=wait)


def _asked(rail: Rail, row: Entry) -> Found:
    try:
        return rail.find(row)
    except errors.AmaniError:
        return NOT_ASKED


def close(ws: Workspace, row: Entry, verdict: Verdict, *, answered: bool = False, by_answer: bool = False) -> Entry:
    """Write a verdict into the journal: amounts and fee as the provider's record says, the reservation ended.

    `answered` says that the provider took the request: that it never arrived is never concluded then. `by_answer` says
    that what failed without a record was this one request: it stays open if another process has sent it again.

    An entry that somebody else has closed meanwhile is left as it is, unless a settled record overrules a failure.
    Returns the entry as it stands.
    """
    journal.expect(ws.store, row.id)
    with ws.store.write() as db:
        current = journal.by_id(db, row.id)
        assert current is not None
        if by_answer and current.resent and verdict.status == "failed" and verdict.record is None:
            verdict = verdict._replace(status="unknown")
        # A settled record is proof, even against a "failed" that another process took from a worse view of it.
        overruled = current.status == "failed" and verdict.status == "settled"
        if current.status == "unknown" or overruled:
            _write_verdict(db, row, verdict, ws.said.actor)
            if answered and verdict.status == "unknown":
                journal.update(db, row.id, answered=1)
        journal.expect(ws.store, row.id)
    fresh = journal.by_id(ws.store, row.id)
    assert fresh is not None
    if fresh.status == "failed":
        ws.talk.untold.told(row.id)
    _tell_dearer(ws, row, fresh)
    if fresh.status != "unknown" and row.wallet_id == journal.OUTSIDE:
        from amani_cli.wallets.outside import forget_key

        forget_key(ws, row)
    return fresh


def overrule(ws: Workspace, row: Entry, record: Record | FiatRecord) -> bool:
    """Let its record count for what was written down as failed: it settled, or is on its way and so is open again.

    That is so in a copy of the ledger, where one try failed and the next, under the same name, is not known. True if it
    changes the entry.
    """
    verdict = judge(None, record)
    with ws.store.write() as db:
        current = journal.by_id(db, row.id)
        if current is None or current.status != "failed" or verdict.status == "failed":
            return False
        columns: EntryChanges = {"status": verdict.status, "failure": None, "checked_at": now()}
        if verdict.status == "settled":
            columns = {**columns, **settled_columns(record, row.amount)}
        elif isinstance(record, Record):
            columns["reserved_msat"] = abs(record.amount_msat) + record.fee_msat
        learn_references(db, row, record)
        journal.update(db, row.id, **columns)
        store_wallets.clear_cached_balance(db, row.wallet_id)
        audit_log.append(db, "correction", wallet=row.wallet, subject=row.id, outcome=verdict.status)
    says = "it settled" if verdict.status == "settled" else "it is on its way"
    ws.talk.warn(f"{row.id} was written down as failed, and its provider says {says}")
    return True


def _tell_dearer(ws: Workspace, row: Entry, fresh: Entry) -> None:
    """Say that a payment of fiat cost more than was held back for it: what was quoted, or what such cost before."""
    if fresh.status != "settled" or row.currency is None or fresh.fee is None:
        return
    from decimal import Decimal

    expected = row.fee if row.fee is not None else row.fee_reserve
    if expected is not None and Decimal(fresh.fee) > Decimal(expected):
        said = "was quoted" if row.fee is not None else "such payments cost at most before"
        ws.talk.warn(f"{row.id} cost {fresh.fee} {row.currency}, more than the {expected} that {said}")


def _write_verdict(db: Transaction, row: Entry, verdict: Verdict, actor: str | None) -> None:
    record = verdict.record
    if record is not None and verdict.status != "failed":
        learn_references(db, row, record)
    if verdict.status == "unknown":
        changed: EntryChanges = {"checked_at": now()}
        if isinstance(record, FiatRecord) and record.documents is not None:
            changed["documents"] = "; ".join(record.documents) or None
        journal.update(db, row.id, **changed)
        return
    columns: EntryChanges = {"status": verdict.status, "reserved_msat": 0, "checked_at": now()}
    if verdict.status == "settled":
        assert record is not None
        columns = {**columns, "failure": None, **settled_columns(record, row.amount)}
    else:
        columns["failure"] = verdict.reason or "failed"
        rules.drop_events_for(db, row.id)
    journal.update(db, row.id, **columns)
    store_wallets.clear_cached_balance(db, row.wallet_id)
    if row.payment_hash is not None:
        store_wallets.clear_cached_balance_of_payee(db, row.payment_hash)
    audit_log.append(
        db,
        row.kind,
        wallet=row.wallet,
        subject=row.id,
        amount_msat=row.amount_msat,
        outcome=verdict.status,
        reason=verdict.reason or None,
        actor=actor,
    )


def learn_references(db: Transaction, row: Entry, record: Record | FiatRecord) -> None:
    """Let the references that the record of a payment tells stand for it, where one is not its own here: in a copy of
    the ledger from before it was sent again under that. A cheque's is kept with the cheque."""
    if isinstance(record, FiatRecord) or record.named is None or row.direction == "in" or row.kind == "cheque":
        return
    for reference, meaning in record.named.references:
        if reference != row.reference:
            references.restore(db, reference, meaning, row.id)


def settled_columns(record: Record | FiatRecord, amount: str | None = None) -> EntryChanges:
    """What the journal keeps of a settled record; for fiat `amount` is what was to go. Its fee has the duty in it."""
    if not isinstance(record, FiatRecord):
        return {
            "amount_msat": abs(record.amount_msat),
            "fee_msat": record.fee_msat,
            "preimage": record.preimage,
            "settled_at": record.settled_at or now(),
        }
    from decimal import Decimal

    columns: EntryChanges = {"settled_at": record.settled_at or now()}
    # What a record does not say is left as it was.
    if (fee := record.cost(Decimal(amount or 0))) is not None:
        columns["fee"] = str(fee)
    if record.duty:
        columns["duty"] = str(record.duty)
    if record.received is not None:
        columns["received"] = str(record.received)
    if record.received_currency is not None:
        columns["received_currency"] = record.received_currency
    if record.provider_reference is not None:
        columns["provider_reference"] = record.provider_reference
    if record.session is not None:
        columns["session_id"] = record.session
    reversed_at = record.reversed_at or (now() if record.status == "reversed" else None)
    if reversed_at is not None:
        columns["reversed_at"] = reversed_at
    return columns
