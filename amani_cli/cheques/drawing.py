"""Taking the funds of a cheque: by whoever claims it, and by the giver who takes it back. One way, journaled first.

The cheque's wallet pays an invoice of ours, in full. The server decides who was first; what arrived is judged by our
own wallet's record, never by the word of the server that a code names.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.invoices import lightning
from amani_cli.invoices.lightning import INVOICE_LIFE_S
from amani_cli.lightning import fees, resends
from amani_cli.payments import engine, lightning_rail, receipts
from amani_cli.payments.verdict import Verdict, judge
from amani_cli.providers.base import PayAnswer, Record
from amani_cli.store import audit as audit_log
from amani_cli.store import cheques, journal
from amani_cli.store.rows import Entry
from amani_cli.times import from_rfc3339
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits


def earlier(
    ws: Workspace, target: KnownWallet, url: str, remote_id: str, *, face_msat: int | None = None
) -> Entry | None:
    """The draw on this cheque by this wallet that settled, or may have.

    With `face_msat` it may be from before cheques were named by their server too, and then tells by its amount, which
    is the face less a fee reserve at most.
    """
    before = None
    if face_msat is not None:
        before = (f"cheque {remote_id}", face_msat - fees.worst_fee_msat(face_msat) - 1000, face_msat)
    rows = cheques.draws(ws.store, target.remote_id, cheques.destination_of(url, remote_id), before)
    return rows[0] if rows else None


def begin(ws: Workspace, target: KnownWallet, cheque: str, amount_msat: int, *, kind: str, memo: str) -> Entry:
    """Make an invoice on `target` and journal the draw that will pay it; `cheque` is its `destination_of`."""
    made = lightning.create(ws, target, amount_msat, memo, INVOICE_LIFE_S, purpose=kind)
    identify(target)  # an invoice key learns its wallet's id from the first invoice
    with ws.store.write() as db:
        entry = journal.insert(
            db,
            **target.journaled,
            direction="in",
            kind=kind,
            status="unknown",
            amount_msat=amount_msat,
            payment_hash=made.payment_hash,
            bolt11=made.bolt11,
            destination=cheque,
            memo=memo,
            actor=ws.said.actor,
            expires_at=made.expires_at,
            **ws.store.clock.stamp(target.url),
        )
        audit_log.append(
            db, kind, wallet=target.name, subject=entry, amount_msat=amount_msat, outcome="begun", actor=ws.said.actor
        )
    row = journal.by_id(ws.store, entry)
    assert row is not None
    return row


def can_go_on(row: Entry) -> bool:
    """Whether a draw that was begun before may be sent (again): the same invoice, which pays once at most."""
    return row.expires_at is not None and from_rfc3339(row.expires_at).timestamp() > time.time() + 5


def finish(
    ws: Workspace, target: KnownWallet, cheque: Lnbits, remote_id: str, row: Entry, *, resumed: bool = False
) -> tuple[Entry, PayAnswer]:
    """Have the cheque's wallet pay the draw's invoice, once, and close the entry with what is certain.

    `resumed` says that it may have been sent before: then a key that is refused now proves nothing about that time, and
    the cheque's server must be one that pays a hash once. Returns the entry as it stands and the server's answer.
    Raises `errors.OutcomeUnknown` while it is open, and `NotSent` when nothing left.
    """
    from amani_cli.providers.http import NotSent

    assert row.bolt11 is not None
    assert row.payment_hash is not None
    if resumed:
        resends.refuse_unproven(cheque, row)
    # What is needed to see the money arrive is opened first: once it is sent, a key that fails to load must not matter.
    with target.lnbits("read") as own:
        try:
            ws.talk.progress("drawing the cheque")
            ws.talk.untold.begin(row.id)
            try:
                answer = cheque.pay(row.bolt11, row.payment_hash, remote_id)
            except NotSent as error:
                if not resumed:
                    engine.close(ws, row, Verdict("failed", None, error.message, "NOT_SENT"))
                error.id = row.id
                raise
            if resumed and answer.heard == "refused":
                answer = PayAnswer("silence", None, answer.reason)
            row = engine.close(ws, row, _settle(ws, own, target.remote_id, cheque, remote_id, row, answer))
        except KeyboardInterrupt:
            raise receipts.open_outcome(row, "interrupted while the cheque was drawn") from None
        except NotSent:
            raise
        except Exception as error:
            text = error.message if isinstance(error, errors.AmaniError) else type(error).__name__
            raise receipts.open_outcome(row, f"the cheque was drawn, and then: {text}") from error
    if row.status == "unknown":
        raise receipts.open_outcome(row, "the cheque was drawn and the outcome is open")
    return row, answer


def _settle(
    ws: Workspace, own: Lnbits, own_id: str | None, cheque: Lnbits, remote_id: str, row: Entry, answer: PayAnswer
) -> Verdict:
    payment_hash = row.payment_hash
    assert payment_hash is not None

    def look() -> Verdict:
        mine = judge(None, lightning_rail.find(own, payment_hash, own_id, incoming=True))
        if mine.status == "settled":
            return mine
        drawn = judge(answer, answer.record or lightning_rail.find(cheque, payment_hash, remote_id))
        # The other side's "settled" is believed when our own record says so too, and only then.
        return drawn if drawn.status == "failed" else Verdict("unknown", None, drawn.reason or "not arrived yet")

    return engine.until_certain(ws, look)


def payments_out(cheque: Lnbits) -> list[Record]:
    """What left a cheque's wallet, or is about to.

    LNbits asks its node about a pending payment when that very payment is asked for, and not when it lists them: after
    a line was lost the list says "pending" for up to half an hour.
    """
    records, _ = cheque.records()
    out = [each for each in records if each.amount_msat < 0]
    return [(cheque.record(each.payment_hash) or each) if each.status == "pending" else each for each in out]


def refused(answer: PayAnswer, entry: str | None) -> errors.AmaniError:
    """Why a cheque could not be drawn: claimed before, taken back, or the server's own reason."""
    if answer.code == "INSUFFICIENT_FUNDS":
        return errors.Rejected(
            "this cheque has been claimed already",
            code="CHEQUE_CLAIMED",
            retry="never",
            id=entry,
            hint="Whoever claims it first has it. Nothing came.",
        )
    if answer.code in ("KEY_REFUSED", "INVOICE_KEY"):
        return voided()
    if answer.heard == "limited":
        return errors.Unreachable(
            "the cheque's server takes no more requests for now (429)",
            code="RATE_LIMITED",
            hint="Try again in a minute.",
        )
    return errors.Rejected(f"the cheque could not be drawn: {answer.reason}", id=entry)


def voided() -> errors.Rejected:
    """The error for a cheque whose key its server does not know any more."""
    return errors.Rejected(
        "this cheque is void: its giver took it back or gave it a new code",
        code="CHEQUE_VOID",
        retry="never",
        hint="Ask whoever gave it to you. Nothing came.",
    )
