"""A journal entry as it is shown, and the error for one whose outcome is open."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.models.money import Money
from amani_cli.models.payments import Payment
from amani_cli.payments import success_action
from amani_cli.store.entries import Entry
from amani_cli.times import local
from amani_cli.wallets import rates


def reversed_payment(row: Entry) -> errors.Rejected:
    """The error for an entry whose money left, arrived or not, and came back."""
    came_back = local(row.reversed_at or row.created_at)
    return errors.Rejected(
        f"this payment settled and came back on {came_back}; nothing was sent now ({row.id})",
        code="REVERSED",
        id=row.id,
        money_moved="no",
        retry="never",
        hint="Ask the payee why. If it is still due, pay it under a new --reference.",
    )


def open_outcome(row: Entry, message: str) -> errors.OutcomeUnknown:
    """The error for an entry whose outcome is not certain."""
    hint = f"Do not pay it again by other means. Ask what became of it: amani reconcile {row.id}"
    if row.direction == "out" and row.bolt11 is not None:
        hint += f". If it never arrived, go on with it: amani reconcile --resume {row.id}"
    return errors.OutcomeUnknown(f"{message} ({row.id})", id=row.id, hint=hint)


def receipt(row: Entry, *, replayed: bool = False) -> Payment:
    """A journal entry as it is shown."""
    currency = row.currency
    return Payment(
        id=row.id,
        wallet=row.wallet,
        direction=row.direction,
        kind=row.kind,
        status="reversed" if row.reversed_at else row.status,
        payment_hash=row.payment_hash,
        preimage=row.preimage,
        destination=row.destination,
        memo=row.memo,
        reference=row.reference,
        created_at=row.created_at,
        settled_at=row.settled_at,
        replayed=replayed,
        amount_msat=row.amount_msat,
        fee_msat=row.fee_msat,
        amount=_money(row.amount, currency),
        fee=_money(row.fee, currency),
        duty=_money(row.duty, currency),
        documents=row.documents,
        session_id=row.session_id,
        payer=row.payer,
        request=row.request_id,
        reversed_at=row.reversed_at,
        received=_money(row.received, row.received_currency),
        our_reference=row.our_reference,
        provider_reference=row.provider_reference,
        failure=row.failure,
        category=row.category,
        actor=row.actor,
        host=row.host,
        os_user=row.os_user,
        sandbox=bool(row.sandbox),
        success=success_action.from_text(row.success, row.preimage) if row.status == "settled" else None,
        quoted=rates.from_text(row.quoted),
    )


def _money(value: str | None, currency: str | None) -> Money | None:
    if value is None or currency is None:
        return None
    from decimal import Decimal

    from amani_cli.amounts import padded

    return Money(padded(Decimal(value), currency), currency)
