"""What every movement of fiat has in common: rules, a journal entry under a reference of ours, one POST, the record.

Payouts, transfers between businesses and conversions say what is to be moved (`Move`); `carry_out` moves it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

from amani_cli import clocks, errors
from amani_cli.amounts import Fiat, format_fiat
from amani_cli.fiat import in_flight, names
from amani_cli.fiat.looking import refuse_poor
from amani_cli.models.money import Money
from amani_cli.models.payments import Payment, PayoutPlan
from amani_cli.payees import canonical
from amani_cli.payments import earlier, engine, just_paid
from amani_cli.payments.engine import Purpose
from amani_cli.payments.fincra_rail import FiatRail
from amani_cli.providers.base import PayAnswer
from amani_cli.providers.fiat import Quote
from amani_cli.rules import approval, budgets, held, lines
from amani_cli.store import journal, references
from amani_cli.store.entries import Entry, NewEntry
from amani_cli.store.rows import Transaction
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


# A quote holds for about 30 s; one that is this near its end is asked for anew.
QUOTE_MARGIN_S = 4


Confirm = Callable[[PayoutPlan], None]


@dataclass(frozen=True)
class Move:
    """A movement that could be made now. `charged` leaves, the fee with it as far as it is known; `order` is the POST.

    `quote` is what its rate rests on, where two currencies are about.
    """

    plan: PayoutPlan
    charged: Decimal
    order: Callable[[str], PayAnswer]
    quote: Quote | None = None

    @property
    def reserve(self) -> Decimal:
        """What is held back for a fee that is not known: the most that such payouts cost lately."""
        return self.plan.fee_before.highest if self.plan.fee_before is not None else Decimal(0)


def carry_out(
    ws: Workspace,
    wallet: KnownWallet,
    client: Fincra,
    move: Move,
    purpose: Purpose,
    *,
    confirm: Confirm | None,
    again: Callable[[], Move],
    wait: bool = True,
    on_journal: Callable[[Transaction, str], object] | None = None,
    authorised: bool = False,
) -> Payment:
    """Make a movement once, and return its receipt.

    `confirm` is shown the plan and raises to stop; None when a yes was given beforehand. `again` prepares the move
    anew, for a quote that has run out meanwhile. `authorised` says that the PIN was given for a batch that this is a
    part of. Raises `errors.OutcomeUnknown` (money maybe moved, or an equal movement is still open), or a failure that
    proves that none did.
    """
    currency, reference = move.plan.amount.currency, purpose.reference
    if reference is not None:
        known = _brought_in(ws, client, move, purpose.kind, reference, purpose.meaning)
        if known is not None:
            return earlier.again(ws, known)
    refuse_poor(move.plan)
    if not authorised:
        budgets.check_fiat(ws, wallet, move.charged, currency, move.reserve)
        held.refuse_unread(ws, reference)
    if reference is None and purpose.kind != "convert":
        just_paid.point_out(ws, client.identity(), purpose.kind, lambda row: _is_same(ws, row, move.plan))
    if confirm is not None:
        confirm(move.plan)
    if not authorised:
        approval.authorise(ws, wallet, move.charged, currency)
    client.line.deadline = ws.deadline  # which starts anew when a person has answered
    move = _still(move, again, clocks.best(client.line.url))
    row, begun = _begin(ws, wallet, client, move, purpose, on_journal)
    if not begun:
        return earlier.again(ws, row)
    return engine.send(ws, wallet, FiatRail(ws, client, move.order), row, wait=wait)


def _begin(
    ws: Workspace,
    wallet: KnownWallet,
    client: Fincra,
    move: Move,
    purpose: Purpose,
    on_journal: Callable[[Transaction, str], object] | None,
) -> tuple[Entry, bool]:
    business = client.identity()
    kind, reference, meaning = purpose

    def fill(db: Transaction, entry: NewEntry) -> NewEntry:
        if reference is None:
            _refuse_twin(ws, db, business, kind, move.plan)
        budgets.reserve_fiat(ws, db, wallet, spend_of(ws, move))
        ours = names.our_reference(db, business, reference, meaning)
        return entry._replace(**_columns(move.plan), our_reference=ours)

    return engine.begin(
        ws,
        wallet,
        business,
        purpose,
        fill=fill,
        on_journal=on_journal,
        reason=f"{format_fiat(Fiat(*move.plan.received))} to {_destination(move.plan)}",
    )


def spend_of(ws: Workspace, move: Move) -> lines.Spend:
    """What the rules are held against: what leaves with the fee in it, what is held back beside, and to whom."""
    received = move.plan.received.currency
    payee = canonical.of_destination(ws, _destination(move.plan), received)
    return lines.Spend(move.plan.amount.currency, move.charged, move.reserve, payee)


def _destination(planned: PayoutPlan) -> str:
    return f"{planned.destination} {planned.payee}"


class _Columns(TypedDict):
    amount: str
    currency: str
    fee: str | None
    fee_reserve: str | None
    received: str
    received_currency: str
    destination: str
    memo: str


def _columns(planned: PayoutPlan) -> _Columns:
    return {
        "amount": str(planned.amount.value),
        "currency": planned.amount.currency,
        "fee": str(planned.fee.value) if planned.fee else None,
        "fee_reserve": str(planned.fee_before.highest) if planned.fee_before else None,
        "received": str(planned.received.value),
        "received_currency": planned.received.currency,
        "destination": _destination(planned),
        "memo": planned.memo,
    }


def _brought_in(ws: Workspace, client: Fincra, move: Move, kind: str, reference: str, meaning: str) -> Entry | None:
    """The entry, if a sync has brought in this very movement from Fincra, which knows no reference of the user's.

    It becomes that reference's, open until Fincra's record is asked: a line of the log does not say how it ended.
    Raises `errors.RefusedByPolicy` for a reference that another movement was made under.
    """
    found = names.brought_in(ws.store, client.identity(), reference, meaning)
    if found is None:
        return None
    with ws.store.write() as db:
        references.claim(db, reference, meaning)
        references.point(db, reference, found.id)
        journal.update(
            db, found.id, **_columns(move.plan), kind=kind, reference=reference, status="unknown", settled_at=None
        )
    return journal.by_id(ws.store, found.id)


def _still(move: Move, again: Callable[[], Move], moment: float) -> Move:
    """The move with a quote that holds at this moment of its maker's clock: a new one if need be, no dearer, to the
    same payee."""
    if move.quote is None or moment < move.quote.expires_at - QUOTE_MARGIN_S:
        return move
    fresh = again()
    dearer = fresh.charged > move.charged or fresh.plan.received.value < move.plan.received.value
    if dearer:
        now = [format_fiat(Fiat(value, currency)) for value, currency in (fresh.plan.amount, fresh.plan.received)]
        raise errors.Rejected(
            f"the quote expired, and now {now[0]} would bring {now[1]}; nothing was sent",
            code="QUOTE_EXPIRED",
            hint="Run the same command again to see and accept the new rate.",
        )
    was, now_is = ((each.plan.destination, each.plan.payee) for each in (move, fresh))
    if was != now_is:
        raise errors.RefusedByPolicy(
            f"{' of '.join(was)} was agreed to, and by now it is {' of '.join(now_is)}; nothing was sent",
            code="PAYEE_CHANGED",
            retry="never",
            hint="Ask the payee whose account it is.",
        )
    return fresh


def _refuse_twin(ws: Workspace, db: Transaction, business: str, kind: str, planned: PayoutPlan) -> None:
    """Refuse a retry of what is still open. What an exchange would bring moves with the rate, and was not asked for.

    Raises `errors.OutcomeUnknown`.
    """
    if kind == "convert":
        alike = journal.open_like(db, kind, remote_id=business)
        into = planned.received.currency
        twins = [row for row in alike if _amount(row) == planned.amount and row.received_currency == into]
        engine.refuse_twin(twins, "exchange was begun")
    else:
        alike = journal.open_like(db, kind)
        engine.refuse_twin((row for row in alike if _is_same(ws, row, planned)), "amount to the same payee was sent")


def _amount(row: Entry) -> Money | None:
    return Money(Decimal(row.amount), row.currency) if row.amount is not None and row.currency is not None else None


def _is_same(ws: Workspace, row: Entry, planned: PayoutPlan) -> bool:
    """Whether an entry brought as much to the same payee, however either was spelled."""
    if row.received is None or Decimal(row.received) != planned.received.value:
        return False
    if row.received_currency != planned.received.currency:
        return False
    if in_flight.is_brought_in(row):  # it tells whose account it went to at most, and not which
        return row.destination in (in_flight.NOBODY, planned.payee)
    payee = canonical.of_destination(ws, _destination(planned), planned.received.currency)
    return canonical.of_entry(ws, row) == payee
