"""Rate limits: so many invoices, checks, cheques, transfers in so long."""

from __future__ import annotations

import time

from amani_cli import errors
from amani_cli.rules import pins, rulebook
from amani_cli.settings import parse_rate
from amani_cli.store import rules
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import Transaction
from amani_cli.times import to_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

DAY_S = 86400


def look(ws: Workspace, wallet: KnownWallet, kind: str) -> None:
    """Refuse early, taking nothing, what `take` would refuse."""
    rate = parse_rate(rulebook.value(ws, f"limit.{kind}"))
    if rate is not None:
        _refuse_excess(ws, ws.store, wallet, kind, rate)


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
    return rules.add_event(db, wallet.identity, kind, moment, actor=ws.said.actor, subject=subject)()


def _refuse_excess(ws: Workspace, db: Ledger, wallet: KnownWallet, kind: str, rate: tuple[int, int]) -> None:
    moment = ws.store.clock.now()
    opens = opens_at(db, wallet, ws.said.actor, kind, rate, moment)
    if opens is not None:
        number, window = rate
        when = to_rfc3339(int(ws.store.clock.on_the_wall(opens)) + 1)
        raise errors.RefusedByPolicy(
            f"limit reached: {number} {KINDS[kind]} in {window_of(window)}; it works again at {when}",
            code="RATE_LIMIT",
            details={"opens_at": when, "wait_s": max(1, int(opens - moment) + 1)},
            hint=f"Wait, or change it: amani config set limit.{kind} N/1m",
        )


def _longest_window(ws: Workspace) -> int:
    rates = [parse_rate(rulebook.value(ws, f"limit.{kind}")) for kind in KINDS]
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
            ws.talk.progress(error.message)
            time.sleep(min(wait_s, 5))


def opens_at(
    db: Ledger, wallet: KnownWallet, actor: str | None, kind: str, rate: tuple[int, int], moment: float
) -> float | None:
    """When the next slot opens, None when one is free now."""
    number, window = rate
    used = [rules.events(db, wallet.identity, kind, moment - window)]
    if actor is not None:
        used.append(rules.events_of_actor(db, actor, kind, moment - window))
    full = [each[-number] + window for each in used if len(each) >= number]
    return max(full) if full else None


KINDS = {
    "invoice": "invoices",
    "check": "status checks",
    "cheque": "cheques",
    "transfer": "transfers",
}


def window_of(seconds: int) -> str:
    return {60: "a minute", 3600: "an hour", DAY_S: "a day"}.get(seconds, f"{seconds} s")
