"""Queries about PINs, rate limits and budgets; every one that decides runs inside the caller's write transaction."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from amani_cli.models.money import Money
from amani_cli.store.journal import OUTSIDE
from amani_cli.store.ledger import Ledger, Store, upsert
from amani_cli.store.rows import BudgetRow, PinRow, Row, Transaction
from amani_cli.times import now, to_rfc3339

DAY_S = 86400


def pin(store: Store, identity: str) -> PinRow | None:
    """The PIN's entry of a wallet, or None."""
    return store.one(PinRow, "SELECT * FROM pin WHERE identity=?", identity)


def all_pins(store: Store) -> list[PinRow]:
    """Every wallet's PIN."""
    return store.all(PinRow, "SELECT * FROM pin ORDER BY identity")


def has_pin(db: Transaction, identity: str) -> bool:
    """Whether a wallet has a PIN, inside the transaction that sets one."""
    return db.execute("SELECT 1 FROM pin WHERE identity=?", (identity,)).fetchone() is not None


def insert_pin(db: Transaction, identity: str, hashed: str, place: str, pepper: str, *, always: bool) -> None:
    """Set a wallet's first PIN; `pepper` is the name under which its pepper is kept at `place`."""
    db.execute(
        "INSERT INTO pin (identity, hash, place, pepper, always, changed_at) VALUES (?,?,?,?,?,?)",
        (identity, hashed, place, pepper, int(always), now()),
    )


def change_pin(db: Transaction, identity: str, hashed: str) -> None:
    """Replace a wallet's PIN; what was said about a reset is over."""
    db.execute("UPDATE pin SET hash=?, reset_at=NULL, changed_at=? WHERE identity=?", (hashed, now(), identity))


def failures(db: Ledger, identity: str) -> tuple[int, int]:
    """How many wrong PINs there ever were, and tries since the last right one, as this transaction sees it."""
    row = db.execute("SELECT failures, streak FROM pin WHERE identity=?", (identity,)).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def set_streak(db: Transaction, identity: str, streak: int) -> None:
    """Keep how many PINs were tried since the last right one."""
    db.execute("UPDATE pin SET streak=? WHERE identity=?", (streak, identity))


def delete_pin(db: Transaction, identity: str) -> None:
    """Remove a wallet's PIN and its attempts; thresholds stay for the next one."""
    db.execute("DELETE FROM pin WHERE identity=?", (identity,))
    db.execute("DELETE FROM event WHERE identity=? AND kind='pin'", (identity,))


def set_reset(db: Transaction, identity: str, reset_at: str | None) -> None:
    """Note when, by the ledger's time, a forgotten PIN falls away, or that it does not after all."""
    db.execute("UPDATE pin SET reset_at=? WHERE identity=?", (reset_at, identity))


def threshold(store: Store, identity: str, unit: str) -> str | None:
    """Above which amount a wallet's PIN is needed, in `unit` (msat or a currency), if it was set."""
    row = store.one(Row, "SELECT amount FROM pin_threshold WHERE identity=? AND unit=?", identity, unit)
    return None if row is None else str(row[0])


def fiat_thresholds(store: Store, identity: str) -> list[Money]:
    """Above which amounts of which currencies a wallet's PIN is needed."""
    rows = store.all(
        Row, "SELECT unit, amount FROM pin_threshold WHERE identity=? AND unit<>'msat' ORDER BY unit", identity
    )
    return [Money(Decimal(row[1]), row[0]) for row in rows]


def save_threshold(db: Transaction, identity: str, unit: str, amount: str) -> None:
    """Set above which amount a wallet's PIN is needed."""
    db.execute(upsert("pin_threshold", "identity, unit", "amount"), (identity, unit, amount))


_EVENTS = "SELECT at FROM event WHERE identity=? AND kind=? AND at>? ORDER BY at"


def events(db: Ledger, identity: str, kind: str, since: float) -> list[float]:
    """When, by the ledger's time, a wallet did something since a moment, oldest first."""
    return [row[0] for row in db.execute(_EVENTS, (identity, kind, since)).fetchall()]


def expect_events(store: Store, identity: str, kind: str, since: float) -> None:
    """Say that a wallet's events are asked for soon."""
    store.expect(_EVENTS, identity, kind, since)


def events_of_actor(db: Ledger, actor: str, kind: str, since: float) -> list[float]:
    """The same for a person, whichever wallet they used."""
    rows = db.execute(
        "SELECT at FROM event WHERE actor=? AND kind=? AND at>? ORDER BY at", (actor, kind, since)
    ).fetchall()
    return [row[0] for row in rows]


def add_event(
    db: Transaction, identity: str, kind: str, at: float, *, actor: str | None = None, subject: str | None = None
) -> Callable[[], int]:
    """Note that a wallet does something; `subject` is the entry that a refusal gives the slot back for.

    Returns what tells the event's number.
    """
    cursor = db.execute(
        "INSERT INTO event (identity, kind, actor, at, subject) VALUES (?,?,?,?,?)",
        (identity, kind, actor, at, subject),
    )

    def number() -> int:
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    return number


def drop_event(db: Transaction, event_id: int) -> None:
    """Give a slot back."""
    db.execute("DELETE FROM event WHERE id=?", (event_id,))


def drop_events_for(db: Transaction, subject: str) -> None:
    """Give back the slots that were taken for an entry."""
    db.execute("DELETE FROM event WHERE subject=?", (subject,))


def forgive(db: Transaction, identity: str, until: float, streak: int) -> None:
    """Give back the attempts at a PIN that were made until the right one was given, `streak` in a row; once."""
    made = "identity=?1 AND kind='pin' AND at<=?2"
    db.execute(
        "UPDATE pin SET streak=CASE WHEN streak>?3 THEN streak-?3 ELSE 0 END"
        f" WHERE identity=?1 AND EXISTS (SELECT 1 FROM event WHERE {made})",
        (identity, until, streak),
    )
    db.execute(f"DELETE FROM event WHERE {made}", (identity, until))


def prune(db: Transaction, before: float) -> None:
    """Drop events that no window reaches any more."""
    db.execute("DELETE FROM event WHERE at<? AND kind<>'faucet'", (before,))


def count_failure(db: Transaction, identity: str) -> int:
    """Count a wrong PIN for ever; returns the count."""
    db.execute("UPDATE pin SET failures=failures+1 WHERE identity=?", (identity,))
    return int(db.execute("SELECT failures FROM pin WHERE identity=?", (identity,)).fetchone()[0])


def set_failures(db: Transaction, identity: str, failures: int) -> None:
    """Take over the count of wrong PINs that was kept elsewhere."""
    db.execute("UPDATE pin SET failures=? WHERE identity=?", (failures, identity))


def set_always(db: Transaction, identity: str, always: bool) -> None:
    """Have a PIN asked for at any amount, or only above the threshold."""
    db.execute("UPDATE pin SET always=? WHERE identity=?", (int(always), identity))


def budget(store: Store, identity: str, unit: str) -> BudgetRow | None:
    """A wallet's budget in `unit`, or None."""
    return store.one(BudgetRow, "SELECT * FROM budget WHERE identity=? AND unit=?", identity, unit)


def budgets(store: Store, identity: str) -> list[BudgetRow]:
    """All budgets of a wallet."""
    return store.all(BudgetRow, "SELECT * FROM budget WHERE identity=? ORDER BY unit", identity)


def save_budget(db: Transaction, identity: str, unit: str, per_payment: str | None, per_day: str | None) -> None:
    """Set a wallet's budget in `unit`; None lifts that part."""
    if per_payment is None and per_day is None:
        db.execute("DELETE FROM budget WHERE identity=? AND unit=?", (identity, unit))
    else:
        db.execute(upsert("budget", "identity, unit", "per_payment", "per_day"), (identity, unit, per_payment, per_day))


class Since(NamedTuple):
    """A moment from which spending counts, in unix seconds: by the ledger's time, and for entries it has not dated."""

    ledger: int
    undated: int


# What was dated by a clock that was not the ledger's is found by an index of its own, so that a range of dates will do
# for all the rest. ?1 is the wallet's id at its server, ?2 and ?3 the two moments of `Since`, ?4
# the earlier of them.
_SPENT_SINCE = f"""(
    SELECT *, CAST(strftime('%s', created_at) AS INTEGER) AS at FROM payment
    WHERE remote_wallet_id=?1 AND created_at>=?4 AND direction='out' AND status='settled'
    AND wallet_id<>{OUTSIDE}
    AND created_at>=CASE WHEN ledger_ahead IS NULL THEN ?3 ELSE ?2 END AND coalesce(ledger_ahead, 0)=0
    UNION ALL
    SELECT *, CAST(strftime('%s', created_at) AS INTEGER)+ledger_ahead AS at FROM payment
    WHERE remote_wallet_id=?1 AND ledger_ahead<>0 AND direction='out' AND status='settled' AND wallet_id<>{OUTSIDE}
    AND CAST(strftime('%s', created_at) AS INTEGER)+ledger_ahead>=CAST(strftime('%s', ?2) AS INTEGER)
) AS spent"""


def spent(
    db: Ledger, remote_id: str | None, unit: str, since: Since, *, actor: str | None = None
) -> tuple[Decimal, Decimal]:
    """What left a wallet since a moment (amount and fee), and what is in flight (reserved), in `unit`; by one actor
    alone, if it is named.

    By its id at the server: the same wallet under another name has the same budget. What a cheque's wallet paid counts
    for none: its id is what the cheque's code says it is.
    """
    if unit != "msat":
        return _spent_fiat(db, remote_id, unit, since, actor)
    if actor is None:
        gone, flying = db.execute(_sums(""), _values(remote_id, since)).fetchone()
    else:
        gone, flying = db.execute(_sums("actor=?5"), (*_values(remote_id, since), actor)).fetchone()
    return Decimal(gone), Decimal(flying)


def expect_spent(store: Store, remote_id: str | None, since: Since) -> None:
    """Say that what left a Lightning wallet since a moment is asked soon."""
    store.expect(_sums(""), *_values(remote_id, since))


def _sums(whose: str) -> str:
    """What left and what is in flight, in msat, by one query: each may be a round trip."""
    return (
        "SELECT (SELECT coalesce(sum(amount_msat + coalesce(fee_msat, 0)), 0)"
        f" FROM {_SPENT_SINCE}{' WHERE ' * bool(whose)}{whose}),"
        " (SELECT coalesce(sum(reserved_msat), 0) FROM payment WHERE remote_wallet_id=?1 AND direction='out'"
        f" AND status='unknown' AND wallet_id<>{OUTSIDE}{' AND ' * bool(whose)}{whose})"
    )


def _values(remote_id: str | None, since: Since) -> tuple[object, ...]:
    moments = to_rfc3339(since.ledger), to_rfc3339(since.undated)
    return remote_id, *moments, min(moments)


def _spent_fiat(
    db: Ledger, remote_id: str | None, currency: str, since: Since, actor: str | None
) -> tuple[Decimal, Decimal]:
    """The same for a currency. Its amounts are text, so that no sum in SQL takes them through a float."""
    whose = () if actor is None else (actor,)
    gone = db.execute(
        f"SELECT amount, fee FROM {_SPENT_SINCE} WHERE currency=?5{'' if actor is None else ' AND actor=?6'}",
        (*_values(remote_id, since), currency, *whose),
    )
    flying = db.execute(
        "SELECT amount, coalesce(fee, fee_reserve) FROM payment WHERE remote_wallet_id=? AND direction='out'"
        f" AND currency=? AND status='unknown'{'' if actor is None else ' AND actor=?'}",
        (remote_id, currency, *whose),
    )
    sums = [sum((Decimal(amount) + Decimal(fee or 0) for amount, fee in rows), Decimal(0)) for rows in (gone, flying)]
    return sums[0], sums[1]


def oldest_spend(db: Ledger, remote_id: str | None, unit: str, since: Since) -> int | None:
    """When, by the ledger's time, the oldest payment that still counts for the day was made."""
    row = db.execute(
        f"SELECT min(at) FROM {_SPENT_SINCE} WHERE coalesce(currency, 'msat')=?5", (*_values(remote_id, since), unit)
    ).fetchone()
    return None if row[0] is None else int(row[0])


def agreed(store: Store, name: str) -> dict[str, str]:
    """What is known of a setting that is a rule: its value as `agreed` to, and what was last noticed by source."""
    return {row[0]: row[1] for row in store.all(Row, "SELECT source, value FROM rule WHERE name=?", name)}


def save_rule(db: Transaction, name: str, source: str, value: str) -> None:
    """Keep a rule's value as it was agreed to, or as it was noticed in the settings or the environment."""
    db.execute(upsert("rule", "name, source", "value"), (name, source, value))
