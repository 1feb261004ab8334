"""The rules of amani's own that a payment must pass before a byte is sent: PIN, rate limits, budgets.

`check` refuses early and writes nothing, `authorise` asks for the PIN, and `reserve` decides, inside the transaction
that journals the payment, so that parallel payments can't slip under a limit together.
"""

from __future__ import annotations

import time
from decimal import Decimal

from amani_cli import errors, models, pins, rulebook
from amani_cli.config import parse_rate
from amani_cli.store import Row, Transaction, holds, rules
from amani_cli.store import audit as audit_log
from amani_cli.times import to_rfc3339
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace

DAY_S = 86400


# -- PIN ------------------------------------------------------------------------------------


def check_pin(ws: Workspace, wallet: KnownWallet, total: Decimal | int, unit: str = "msat") -> bool:
    """Whether a command that sends `total` (msat, or major units of a currency) needs the PIN.

    Raises `errors.RefusedByPolicy` when it does and the wallet has none.
    """
    limit = pins.threshold(ws, wallet, unit)
    above = limit is None or Decimal(total) > limit
    if not above:
        return pins.is_always_asked(ws, wallet)
    if not pins.is_set(ws, wallet):
        how_much = "anything" if limit is None else f"more than {_shown(limit, unit)}"
        raise errors.RefusedByPolicy(
            f"wallet '{wallet.name}' has no PIN, and without one it can't send {how_much}",
            code="PIN_NEEDED",
            hint=f"Set one: amani pin set --wallet '{wallet.name}'",
        )
    return True


def authorise(ws: Workspace, wallet: KnownWallet, total: Decimal | int, unit: str = "msat") -> None:
    """Have the PIN given and checked if sending `total` needs it. Nothing has been journaled yet.

    Raises `errors.RefusedByPolicy` when nobody can give it or it is locked, `errors.NotAuthorised` when it is wrong.
    """
    if not check_pin(ws, wallet, total, unit):
        return
    pin = ws.ask_pin(wallet.name)
    if pin is None:
        raise errors.RefusedByPolicy(
            f"this needs the PIN of wallet '{wallet.name}'",
            code="PIN_NEEDED",
            hint="Give it by --pin-stdin or --pin-file (or a systemd credential as the file).",
        )
    pins.verify(ws, wallet, pin)


# -- rate limits -----------------------------------------------------------------------------


def look(ws: Workspace, wallet: KnownWallet, kind: str) -> None:
    """Refuse early, taking nothing, what `take` would refuse."""
    rate = parse_rate(rulebook.value(ws, f"limit.{kind}"))
    if rate is not None:
        _refuse_excess(ws, ws.store.connection, wallet, kind, rate)


def take(ws: Workspace, db: Transaction, wallet: KnownWallet, kind: str, subject: str | None = None) -> int | None:
    """Take one slot of the wallet's (and the actor's) limit for `kind`, in the caller's transaction.

    `subject` is the payment it is for: if that definitely fails, the slot is free again; an unknown outcome keeps it.
    Returns what `give_back` takes, None when the limit is off. Raises `errors.RefusedByPolicy` (code RATE_LIMIT)
    with the second at which it works again.
    """
    rate = parse_rate(rulebook.value(ws, f"limit.{kind}"))
    if rate is None:
        return None
    moment = ws.store.clock.now()
    _refuse_excess(ws, db, wallet, kind, rate)
    rules.prune(db, moment - _longest_window(ws))
    return rules.add_event(db, wallet.identity, kind, moment, actor=ws.actor, subject=subject)


def _refuse_excess(ws: Workspace, db: Transaction, wallet: KnownWallet, kind: str, rate: tuple[int, int]) -> None:
    moment = ws.store.clock.now()
    opens = _opens(db, wallet, ws.actor, kind, rate, moment)
    if opens is not None:
        number, window = rate
        when = to_rfc3339(int(ws.store.clock.on_the_wall(opens)) + 1)
        raise errors.RefusedByPolicy(
            f"limit reached: {number} {_KINDS[kind]} in {_window(window)}; it works again at {when}",
            code="RATE_LIMIT",
            details={"opens_at": when, "wait_s": max(1, int(opens - moment) + 1)},
            hint=f"Wait, or change it: amani config set limit.{kind} N/1m",
        )


def _longest_window(ws: Workspace) -> int:
    rates = [parse_rate(rulebook.value(ws, f"limit.{kind}")) for kind in _KINDS]
    return max([pins.LONGEST_LOCK_S, *(rate[1] for rate in rates if rate is not None)])


def take_now(ws: Workspace, wallet: KnownWallet, kind: str) -> int | None:
    """Take a slot in a transaction of its own."""
    if rulebook.value(ws, f"limit.{kind}") == "off":
        return None
    with ws.store.write() as db:
        return take(ws, db, wallet, kind)


def give_back(ws: Workspace, slot: int | None) -> None:
    """Give back the slot of something that was refused."""
    if slot is not None:
        with ws.store.write() as db:
            rules.drop_event(db, slot)


def pace(ws: Workspace, wallet: KnownWallet, kind: str, *, ends: float | None = None) -> bool:
    """Take a slot, waiting for one if need be: a wait or a batch slows down instead of failing.

    False if none comes free before `ends`, a moment of the monotonic clock.
    """
    while True:
        try:
            take_now(ws, wallet, kind)
            return True
        except errors.RefusedByPolicy as error:
            if error.code != "RATE_LIMIT":
                raise
            wait_s = int(error.details["wait_s"])
            if ends is not None and time.monotonic() + wait_s > ends:
                return False
            ws.progress(error.message)
            time.sleep(min(wait_s, 5))


def _opens(
    db: Transaction, wallet: KnownWallet, actor: str | None, kind: str, rate: tuple[int, int], moment: float
) -> float | None:
    """When the next slot opens, None when one is free now."""
    number, window = rate
    used = [rules.events(db, wallet.identity, kind, moment - window)]
    if actor is not None:
        used.append(rules.events_of_actor(db, actor, kind, moment - window))
    full = [each[-number] + window for each in used if len(each) >= number]
    return max(full) if full else None


_KINDS = {
    "invoice": "invoices",
    "check": "status checks",
    "cheque": "cheques",
    "transfer": "transfers",
}


def _window(seconds: int) -> str:
    return {60: "a minute", 3600: "an hour", DAY_S: "a day"}.get(seconds, f"{seconds} s")


# -- after a restore ------------------------------------------------------------------------


def refuse_held(ws: Workspace, wallet: KnownWallet) -> None:
    """Refuse to spend from a wallet that a restored copy knew until `reconcile` has read it back, by its own id.

    Raises `errors.RefusedByPolicy`.
    """
    copy = holds.of_copy(ws.store)
    held = holds.of_wallet(ws.store, wallet.remote_id)
    if copy is None and held is None:
        return
    why = copy["value"] if copy is not None else held["why"] if held is not None else ""
    raise errors.RefusedByPolicy(
        f"wallet '{wallet.name}' is held: this is {why}, and what was paid from it since then may be missing",
        code="RECONCILE_FIRST",
        hint="Run 'amani reconcile': it reads that back, and lets spending go on when the books agree.",
    )


def refuse_unread(ws: Workspace, reference: str | None) -> None:
    """Refuse a reference that is new here while a wallet is held that may have paid for it since the copy was made.

    Whichever wallet it would be paid from now: a reference does not say from which it was. An invoice needs no such
    care, for it is paid once. Raises `errors.RefusedByPolicy`.
    """
    held = [row["wallet"] for row in holds.everything(ws.store) if row["here"]] if reference is not None else []
    if held:
        raise errors.RefusedByPolicy(
            f"wallet '{held[0]}' is held, and what it paid since this copy was made is not known: '{reference}' may be"
            " paid already",
            code="RECONCILE_FIRST",
            hint=f"Run 'amani reconcile' when '{held[0]}' can be asked. Invoices, and what has no reference, can be"
            " paid from other wallets meanwhile.",
        )


# -- budgets -----------------------------------------------------------------------------------


def has_budget(ws: Workspace, wallet: KnownWallet) -> bool:
    """Whether a Lightning wallet has a budget: then the fee that is reserved must be the server's own figure."""
    return rules.budget(ws.store, wallet.identity, "msat") is not None


def check(ws: Workspace, wallet: KnownWallet, amount_msat: int, max_fee_msat: int) -> None:
    """Refuse early, before anybody is asked, what `reserve` would refuse; decides nothing."""
    refuse_held(ws, wallet)
    check_pin(ws, wallet, amount_msat)
    _within_budget(ws, ws.store.connection, wallet, amount_msat + max_fee_msat)


def check_again(ws: Workspace, wallet: KnownWallet, amount_msat: int) -> None:
    """The same for a payment that is open and goes on: what it may cost is reserved already."""
    refuse_held(ws, wallet)
    check_pin(ws, wallet, amount_msat)


def reserve(ws: Workspace, db: Transaction, wallet: KnownWallet, amount_msat: int, max_fee_msat: int) -> int:
    """What to hold back for a payment until its outcome is certain: amount and worst-case fee, in msat.

    Called inside the transaction that journals the payment. Raises `errors.RefusedByPolicy` (code BUDGET) when the
    wallet's budget does not cover it beside what is in flight.
    """
    _decide(ws, db, wallet, amount_msat + max_fee_msat)
    return amount_msat + max_fee_msat


def check_fiat(ws: Workspace, wallet: KnownWallet, charged: Decimal, currency: str) -> None:
    """The same for fiat; `charged` is the amount with the fee, as far as that is known beforehand."""
    refuse_held(ws, wallet)
    check_pin(ws, wallet, charged, currency)
    _within_budget(ws, ws.store.connection, wallet, charged, currency)


def reserve_fiat(ws: Workspace, db: Transaction, wallet: KnownWallet, charged: Decimal, currency: str) -> None:
    """The same for fiat: what an open entry of the journal is over is held back."""
    _decide(ws, db, wallet, charged, currency)


def refuse_large(ws: Workspace, wallet: KnownWallet, wanted: Decimal | int, unit: str = "msat") -> Row | None:
    """Refuse what is more, with its worst-case fee, than one payment may be; returns the wallet's budget, if any.

    Raises `errors.RefusedByPolicy` (code BUDGET).
    """
    row = rules.budget(ws.store, wallet.identity, unit)
    if row is not None and row["per_payment"] is not None and wanted > Decimal(row["per_payment"]):
        raise errors.RefusedByPolicy(
            f"{_shown(wanted, unit)} with the {_fee(unit)} is more than the"
            f" {_shown(Decimal(row['per_payment']), unit)} that one payment from '{wallet.name}' may be",
            code="BUDGET",
            hint=f"See: amani wallet limit '{wallet.name}'",
        )
    return row


def _fee(unit: str) -> str:
    return "worst-case fee" if unit == "msat" else "fee as far as it is known"


def _decide(ws: Workspace, db: Transaction, wallet: KnownWallet, wanted: Decimal | int, unit: str = "msat") -> None:
    if wallet.remote_id is None:  # by another name neither its budget nor what was spent of it would be found
        raise errors.Bug(f"wallet '{wallet.name}' is to pay, and its id at its server is not known")
    refuse_held(ws, wallet)
    _within_budget(ws, db, wallet, wanted, unit)


def _within_budget(
    ws: Workspace, db: Transaction, wallet: KnownWallet, wanted: Decimal | int, unit: str = "msat"
) -> None:
    row = refuse_large(ws, wallet, wanted, unit)
    if row is None or row["per_day"] is None:
        return
    since = _a_day_ago(ws)
    spent, flying = rules.spent(db, wallet.remote_id, unit, since)
    left = Decimal(row["per_day"]) - spent - flying
    if wanted > left:
        oldest = rules.oldest_spend(db, wallet.remote_id, unit, since)
        opens = to_rfc3339(int(ws.store.clock.on_the_wall(oldest)) + DAY_S) if oldest is not None else None
        raise errors.RefusedByPolicy(
            f"{_shown(wanted, unit)} with the {_fee(unit)} is more than the"
            f" {_shown(max(Decimal(0), left), unit)} left of the day's budget of '{wallet.name}'"
            f" ({_shown(flying, unit)} is in flight)",
            code="BUDGET",
            details={"opens_at": opens} if opens else {},
            hint=f"Part of it comes free at {opens}." if opens else f"See: amani wallet limit '{wallet.name}'",
        )


def _a_day_ago(ws: Workspace) -> rules.Since:
    """A day ago by the ledger's time, and for what others have dated by the earlier of that and this machine's."""
    clock = ws.store.clock
    return rules.Since(int(clock.now()) - DAY_S, int(clock.earlier()) - DAY_S)


def day_budgets_left(ws: Workspace, wallet: KnownWallet) -> dict[str, Decimal]:
    """What is left of a wallet's budgets of 24 hours, by unit (`msat` or a currency), what is in flight counted in."""
    since = _a_day_ago(ws)
    left = {}
    for row in rules.budgets(ws.store, wallet.identity):
        if row["per_day"] is not None:
            spent, flying = rules.spent(ws.store.connection, wallet.remote_id, row["unit"], since)
            left[row["unit"]] = max(Decimal(0), Decimal(row["per_day"]) - spent - flying)
    return left


def set_budget(
    ws: Workspace,
    wallet: KnownWallet,
    *,
    unit: str,
    per_payment: str | None,
    per_day: str | None,
) -> models.Limits:
    """Set a wallet's budget in `unit`; 'off' lifts a part, None leaves it. Needs the PIN of a wallet that has one."""
    if (unit == "msat") != (wallet.provider == "lnbits"):
        raise errors.Usage(
            f"the budget of '{wallet.name}' is in {'sats' if wallet.provider == 'lnbits' else 'its currencies'}",
            code="BAD_AMOUNT",
            hint="E.g. 50000sat on a Lightning wallet, 20000NGN on a Fincra wallet.",
        )
    if pins.is_set(ws, wallet):
        pin = ws.ask_pin(wallet.name)
        if pin is None:
            raise errors.RefusedByPolicy(
                f"changing the budget of '{wallet.name}' needs its PIN", code="PIN_NEEDED", hint="Use --pin-stdin."
            )
        pins.verify(ws, wallet, pin)
    old = rules.budget(ws.store, wallet.identity, unit)

    def part(given: str | None, name: str) -> str | None:
        if given is None:
            return None if old is None else old[name]
        return None if given == "off" else given

    payment, day = part(per_payment, "per_payment"), part(per_day, "per_day")
    was = ["off" if old is None else old[name] or "off" for name in ("per_payment", "per_day")]
    before = f"before: per payment {was[0]}, per day {was[1]}"
    with ws.store.write() as db:
        rules.save_budget(db, wallet.identity, unit, payment, day)
        audit_log.append(
            db,
            "limit change",
            wallet=wallet.name,
            outcome=f"per payment {payment or 'off'}, per day {day or 'off'} ({unit}), {before}",
            actor=ws.actor,
            reason=ws.reason,
        )
    return limits(ws, wallet)


def limits(ws: Workspace, wallet: KnownWallet) -> models.Limits:
    """Every limit and budget of a wallet: what is used, reserved and left, and when the next slot opens."""
    moment = ws.store.clock.now()
    items = []
    db = ws.store.connection
    for kind in _KINDS:
        rate = parse_rate(rulebook.value(ws, f"limit.{kind}"))
        if rate is None:
            items.append(models.LimitView(kind, "off", "", "", "", None))
            continue
        number, window = rate
        used = len(rules.events(db, wallet.identity, kind, moment - window))
        opens = _opens(db, wallet, ws.actor, kind, rate, moment)
        when = to_rfc3339(int(ws.store.clock.on_the_wall(opens)) + 1) if opens else None
        allowed = f"{number} in {_window(window)}"
        items.append(models.LimitView(kind, allowed, str(used), "", str(max(0, number - used)), when))
    for row in rules.budgets(ws.store, wallet.identity):
        if row["per_payment"] is not None:
            items.append(
                models.LimitView("per payment", _shown(Decimal(row["per_payment"]), row["unit"]), "", "", "", None)
            )
        if row["per_day"] is not None:
            unit, day = row["unit"], Decimal(row["per_day"])
            spent, flying = rules.spent(db, wallet.remote_id, unit, _a_day_ago(ws))
            left = max(Decimal(0), day - spent - flying)
            per_day, gone, reserved, free = (_shown(each, unit) for each in (day, spent, flying, left))
            items.append(models.LimitView("per day", per_day, gone, reserved, free, None))
    return models.Limits(wallet.name, items)


def _shown(amount: Decimal | int, unit: str) -> str:
    if unit == "msat":
        from amani_cli.amounts import format_sat

        return format_sat(int(amount))
    return f"{amount} {unit}"
