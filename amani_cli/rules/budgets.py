"""The rules of amani's own that a payment must pass before a byte is sent: PIN, rate limits, budgets.

`check` refuses early and writes nothing, `authorise` asks for the PIN, and `reserve` decides, inside the transaction
that journals the payment, so that parallel payments can't slip under a limit together.
"""

from __future__ import annotations

from decimal import Decimal

from amani_cli import errors
from amani_cli.models.rules import Limits, LimitView
from amani_cli.rules import agents, lines, pins, rulebook
from amani_cli.rules.approval import check_pin, check_unit, shown
from amani_cli.rules.held import refuse_held
from amani_cli.rules.limits import DAY_S, KINDS, opens_at, window_of
from amani_cli.settings import parse_rate
from amani_cli.store import audit as audit_log
from amani_cli.store import rules
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import BudgetRow, Transaction
from amani_cli.times import local, to_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def has_budget(ws: Workspace, wallet: KnownWallet) -> bool:
    """Whether a Lightning wallet has a budget: then the fee that is reserved must be the server's own figure."""
    return rules.budget(ws.store, wallet.identity, "msat") is not None


def check(ws: Workspace, wallet: KnownWallet, amount_msat: int, max_fee_msat: int) -> None:
    """Refuse early, before anybody is asked, what `reserve` would refuse; decides nothing."""
    refuse_held(ws, wallet)
    lines.check(ws, wallet, "msat", Decimal(amount_msat))
    check_pin(ws, wallet, amount_msat)
    _within_budget(ws, ws.store, wallet, amount_msat + max_fee_msat)


def check_again(ws: Workspace, wallet: KnownWallet, amount_msat: int) -> None:
    """The same for a payment that is open and goes on: what it may cost is reserved already."""
    refuse_held(ws, wallet)
    check_pin(ws, wallet, amount_msat)


def reserve(
    ws: Workspace, db: Transaction, wallet: KnownWallet, amount_msat: int, max_fee_msat: int, payee: str
) -> int:
    """What to hold back for a payment until its outcome is certain: amount and worst-case fee, in msat.

    Called inside the transaction that journals the payment. `payee` is the one text of who is paid. Raises
    `errors.RefusedByPolicy`: code BUDGET when the wallet's budget does not cover it beside what is in flight,
    NEEDS_APPROVAL when it is above the line without enough approvals, AGENT_LIMIT when an agent may not.
    """
    _decide(ws, db, wallet, lines.Spend("msat", Decimal(amount_msat), Decimal(max_fee_msat), payee))
    return amount_msat + max_fee_msat


def check_fiat(
    ws: Workspace, wallet: KnownWallet, charged: Decimal, currency: str, reserve: Decimal = Decimal(0)
) -> None:
    """The same for fiat: `charged` has the fee in it where that was quoted, `reserve` is held back where it was not."""
    refuse_held(ws, wallet)
    lines.check(ws, wallet, currency, charged)
    check_pin(ws, wallet, charged, currency)
    _within_budget(ws, ws.store, wallet, charged + reserve, currency)


def reserve_fiat(ws: Workspace, db: Transaction, wallet: KnownWallet, spend: lines.Spend) -> None:
    """The same for fiat: what an open entry of the journal is over is held back."""
    _decide(ws, db, wallet, spend)


def refuse_large(ws: Workspace, wallet: KnownWallet, wanted: Decimal | int, unit: str = "msat") -> BudgetRow | None:
    """Refuse what is more, with its worst-case fee, than one payment may be; returns the wallet's budget, if any.

    Raises `errors.RefusedByPolicy` (code BUDGET).
    """
    row = rules.budget(ws.store, wallet.identity, unit)
    if row is not None and row.per_payment is not None and wanted > Decimal(row.per_payment):
        raise errors.RefusedByPolicy(
            f"{shown(wanted, unit)} with the {_fee(unit)} is more than the"
            f" {shown(Decimal(row.per_payment), unit)} that one payment from '{wallet.name}' may be",
            code="BUDGET",
            hint=f"See: amani wallet limit '{wallet.name}'",
        )
    return row


def _fee(unit: str) -> str:
    return "worst-case fee" if unit == "msat" else "fee as far as it is known"


def _decide(ws: Workspace, db: Transaction, wallet: KnownWallet, spend: lines.Spend) -> None:
    if wallet.remote_id is None:  # by another name neither its budget nor what was spent of it would be found
        raise errors.Bug(f"wallet '{wallet.name}' is to pay, and its id at its server is not known")
    refuse_held(ws, wallet)
    agents.require(ws, db, wallet, spend)
    lines.require(ws, db, wallet, spend)
    _within_budget(ws, db, wallet, spend.amount + spend.fee, spend.unit)


def _within_budget(ws: Workspace, db: Ledger, wallet: KnownWallet, wanted: Decimal | int, unit: str = "msat") -> None:
    row = refuse_large(ws, wallet, wanted, unit)
    if row is None or row.per_day is None:
        return
    since = _a_day_ago(ws)
    spent, flying = rules.spent(db, wallet.remote_id, unit, since)
    left = Decimal(row.per_day) - spent - flying
    if wanted > left:
        oldest = rules.oldest_spend(db, wallet.remote_id, unit, since)
        opens = to_rfc3339(int(ws.store.clock.on_the_wall(oldest)) + DAY_S) if oldest is not None else None
        raise errors.RefusedByPolicy(
            f"{shown(wanted, unit)} with the {_fee(unit)} is more than the"
            f" {shown(max(Decimal(0), left), unit)} left of the day's budget of '{wallet.name}'"
            f" ({shown(flying, unit)} is in flight)",
            code="BUDGET",
            details={"opens_at": opens} if opens else {},
            hint=f"Part of it comes free at {local(opens)}." if opens else f"See: amani wallet limit '{wallet.name}'",
        )


def _a_day_ago(ws: Workspace) -> rules.Since:
    """A day ago by the ledger's time, and for what others have dated by the earlier of that and this machine's."""
    ledger, earlier = ws.store.clock.lately()
    return rules.Since(int(ledger) - DAY_S, int(earlier) - DAY_S)


def expect(ws: Workspace, wallet: KnownWallet) -> None:
    """Say that a wallet's budget, if it has one, is looked at soon."""
    row = rules.budget(ws.store, wallet.identity, "msat")
    if row is not None and row.per_day is not None:
        rules.expect_spent(ws.store, wallet.remote_id, _a_day_ago(ws))


def day_budgets_left(ws: Workspace, wallet: KnownWallet) -> dict[str, Decimal]:
    """What is left of a wallet's budgets of 24 hours, by unit (`msat` or a currency), what is in flight counted in."""
    since = _a_day_ago(ws)
    left = {}
    for row in rules.budgets(ws.store, wallet.identity):
        if row.per_day is not None:
            spent, flying = rules.spent(ws.store, wallet.remote_id, row.unit, since)
            left[row.unit] = max(Decimal(0), Decimal(row.per_day) - spent - flying)
    return left


def units(ws: Workspace, wallet: KnownWallet) -> list[str]:
    """In which units (`msat` or currencies) a wallet has a budget."""
    return [row.unit for row in rules.budgets(ws.store, wallet.identity)]


def set_budget(
    ws: Workspace,
    wallet: KnownWallet,
    *,
    unit: str,
    per_payment: str | None,
    per_day: str | None,
) -> Limits:
    """Set a wallet's budget in `unit`; 'off' lifts a part, None leaves it. Needs the PIN of a wallet that has one."""
    check_unit(wallet, unit, "the budget")
    if pins.is_set(ws, wallet) and not pins.is_given(ws, wallet):
        raise errors.RefusedByPolicy(
            f"changing the budget of '{wallet.name}' needs its PIN",
            code="PIN_NEEDED",
            hint="Give it by --pin-stdin or --pin-file.",
        )
    old = rules.budget(ws.store, wallet.identity, unit)

    old_payment, old_day = (None, None) if old is None else (old.per_payment, old.per_day)
    payment = old_payment if per_payment is None else (None if per_payment == "off" else per_payment)
    day = old_day if per_day is None else (None if per_day == "off" else per_day)
    before = f"before: per payment {old_payment or 'off'}, per day {old_day or 'off'}"
    with ws.store.write() as db:
        rules.save_budget(db, wallet.identity, unit, payment, day)
        audit_log.append(
            db,
            "limit change",
            wallet=wallet.name,
            outcome=f"per payment {payment or 'off'}, per day {day or 'off'} ({unit}), {before}",
            actor=ws.said.actor,
            reason=ws.said.reason,
        )
    return limits(ws, wallet)


def limits(ws: Workspace, wallet: KnownWallet) -> Limits:
    """Every limit and budget of a wallet: what is used, reserved and left, and when the next slot opens."""
    moment = ws.store.clock.now()
    items = []
    db = ws.store
    for kind in KINDS:
        rate = parse_rate(rulebook.value(ws, f"limit.{kind}"))
        if rate is None:
            items.append(LimitView(kind, "off", "", "", "", None))
            continue
        number, window = rate
        used = len(rules.events(db, wallet.identity, kind, moment - window))
        opens = opens_at(db, wallet, ws.said.actor, kind, rate, moment)
        when = to_rfc3339(int(ws.store.clock.on_the_wall(opens)) + 1) if opens else None
        allowed = f"{number} in {window_of(window)}"
        items.append(LimitView(kind, allowed, str(used), "", str(max(0, number - used)), when))
    for row in rules.budgets(ws.store, wallet.identity):
        if row.per_payment is not None:
            items.append(LimitView("per payment", shown(Decimal(row.per_payment), row.unit), "", "", "", None))
        if row.per_day is not None:
            unit, day = row.unit, Decimal(row.per_day)
            spent, flying = rules.spent(db, wallet.remote_id, unit, _a_day_ago(ws))
            left = max(Decimal(0), day - spent - flying)
            per_day, gone, reserved, free = (shown(each, unit) for each in (day, spent, flying, left))
            items.append(LimitView("per day", per_day, gone, reserved, free, None))
    return Limits(wallet.name, items)
