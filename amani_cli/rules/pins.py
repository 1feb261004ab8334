"""The PIN of a wallet: 4 to 6 digits that guard against slips, borrowed terminals and scripts gone wild.

What is stored is bcrypt over base64 of HMAC-SHA256(pepper, PIN). The pepper is 32 random bytes that live with the
wallet's keys, so that the database alone lets nobody try a million PINs. An attempt is counted, durably, before the
hash is computed: killing amani or running fifty at once buys no extra try.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import itertools
import secrets
from decimal import Decimal
from typing import NamedTuple, Protocol

from amani_cli import errors, keys
from amani_cli.models.rules import Pin
from amani_cli.rules import rulebook
from amani_cli.store import audit as audit_log
from amani_cli.store import rules
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import PinRow
from amani_cli.times import from_rfc3339, local, parse_duration, to_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

ATTEMPTS = 5
WINDOW_S = 3600
LONGEST_LOCK_S = 86400
COST = 12  # 240 ms: asked for above the threshold only, never on a read
_FINGERPRINT = 24
DEFAULT_THRESHOLD_MSAT = 10_000_000  # 10,000 sat: up to and including this no PIN is asked for
RULE = "4 to 6 digits; not all the same, not ascending or descending, not one pair repeated, not a year 1900-2099"


class Holder(Protocol):
    """Whoever has a PIN: a wallet, or what is left of one that was removed here."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def identity(self) -> str:
        """What its PIN goes by."""
        ...


class Removed(NamedTuple):
    """A wallet that is not registered here any more and whose PIN still stands."""

    name: str
    identity: str


def check_new(pin: str) -> str:
    """A PIN that may be set. Raises `errors.Usage`, naming the rule, for any other; never repeats it."""
    if not (4 <= len(pin) <= 6 and pin.isascii() and pin.isdigit()):
        raise errors.Usage("a PIN is 4 to 6 digits", code="BAD_PIN", hint=f"The rule: {RULE}.")
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(pin)}
    pair_repeated = len(pin) % 2 == 0 and pin == pin[:2] * (len(pin) // 2)
    year = len(pin) == 4 and pin[:2] in ("19", "20")
    if steps in ({0}, {1}, {9}) or pair_repeated or year:
        raise errors.Usage("this PIN is too easy to guess", code="WEAK_PIN", hint=f"The rule: {RULE}.")
    return pin


def status(ws: Workspace, wallet: KnownWallet) -> Pin:
    """Whether a wallet has a PIN, above what it is needed, and whether it is locked."""
    row = _row(ws, wallet)
    limit = threshold(ws, wallet, "msat") if wallet.provider == "lnbits" else None
    attempts, locked_until = 0, None
    if row is not None:
        attempts, locked_until = _attempts(ws.store, wallet, ws.store.clock.now())
    return Pin(
        wallet=wallet.name,
        set=row is not None,
        locked_until=_shown(ws, locked_until) if locked_until else None,
        attempts_left=0 if locked_until else max(0, ATTEMPTS - attempts),
        always=bool(row.always) if row else False,
        threshold_msat=int(limit) if limit is not None and wallet.provider == "lnbits" else None,
        reset_at=_shown(ws, from_rfc3339(row.reset_at).timestamp()) if row and row.reset_at else None,
        thresholds=rules.fiat_thresholds(ws.store, wallet.identity) if ws.has_store else [],
    )


def is_set(ws: Workspace, wallet: Holder) -> bool:
    """Whether the wallet has a PIN."""
    return _row(ws, wallet) is not None


def holders(ws: Workspace, known: list[KnownWallet]) -> list[Holder]:
    """Everybody who has a PIN, by name: of the wallets that are `known`, and of those that were removed here."""
    names = {wallet.identity: wallet for wallet in known}
    found: list[Holder] = [
        names.get(row.identity) or Removed(f"{row.identity} (removed)", row.identity)
        for row in rules.all_pins(ws.store)
    ]
    return sorted((each for each in found if is_set(ws, each)), key=lambda each: each.name)


def is_always_asked(ws: Workspace, wallet: KnownWallet) -> bool:
    """Whether the wallet's PIN is needed for any amount."""
    row = _row(ws, wallet)
    return row is not None and bool(row.always)


def threshold(ws: Workspace, wallet: KnownWallet, unit: str) -> Decimal | None:
    """Up to and including which amount no PIN is needed, in msat or a currency; None: it always is."""
    stored = rules.threshold(ws.store, wallet.identity, unit)
    if stored is not None:
        return Decimal(stored)
    return Decimal(DEFAULT_THRESHOLD_MSAT) if unit == "msat" else None


def set_pin(ws: Workspace, wallet: KnownWallet, pin: str, *, always: bool = False) -> Pin:
    """Give a wallet its first PIN. Raises `errors.RefusedByPolicy` if it has one."""
    check_new(pin)
    if _row(ws, wallet) is not None:
        raise _has_one(wallet)
    place = keys.place_for(wallet.key_source, ws.paths.sandbox)
    pepper = secrets.token_hex(32)
    name = _named(pepper)
    keys.keep(place, name, f"{pepper}:0")
    hashed = _hashed(pin, pepper)
    with ws.store.write() as db:
        if rules.has_pin(db, wallet.identity):
            raise _has_one(wallet)  # of two at once, the other was first
        rules.insert_pin(db, wallet.identity, hashed, place, name, always=always)
        audit_log.append(db, "pin set", wallet=wallet.name, outcome="done", actor=ws.said.actor)
    return status(ws, wallet)


def change(ws: Workspace, wallet: KnownWallet, old: str, new: str) -> Pin:
    """Replace a wallet's PIN, given the old one."""
    row = _must(ws, wallet)
    check_new(new)
    verify(ws, wallet, old)
    # The pepper stays, so that a crash leaves the old PIN or the new one and never neither.
    pepper, _ = _pepper(ws, wallet, row)
    hashed = _hashed(new, pepper)
    with ws.store.write() as db:
        rules.change_pin(db, wallet.identity, hashed)
        audit_log.append(db, "pin change", wallet=wallet.name, outcome="done", actor=ws.said.actor)
    return status(ws, wallet)


def set_threshold(
    ws: Workspace, wallet: KnownWallet, pin: str, *, unit: str | None, amount: Decimal, always: bool | None
) -> Pin:
    """Change above which amount the PIN is needed (`unit` None leaves it), or whether it always is, given the PIN."""
    row = _must(ws, wallet)
    verify(ws, wallet, pin)
    old = threshold(ws, wallet, unit) if unit is not None else None
    with ws.store.write() as db:
        if unit is not None:
            rules.save_threshold(db, wallet.identity, unit, format(amount, "f"))
        if always is not None:
            rules.set_always(db, wallet.identity, always)
        words = [f"above {amount} {unit}"] if unit else []
        if always is not None:
            words.append("always" if always else "above the threshold")
        before = [f"{'above ' + format(old, 'f') if old is not None else 'always'} {unit}"] if unit else []
        if always is not None:
            before.append("always" if row.always else "above the threshold")
        audit_log.append(
            db,
            "pin threshold",
            wallet=wallet.name,
            outcome=", ".join(words),
            actor=ws.said.actor,
            reason=f"before: {', '.join(before)}",
        )
    return status(ws, wallet)


def remove(ws: Workspace, wallet: KnownWallet, pin: str) -> Pin:
    """Take a wallet's PIN away, given the PIN."""
    row = _must(ws, wallet)
    verify(ws, wallet, pin)
    with ws.store.write() as db:
        rules.delete_pin(db, wallet.identity)
        audit_log.append(db, "pin remove", wallet=wallet.name, outcome="done", actor=ws.said.actor)
    with contextlib.suppress(errors.AmaniError):  # the PIN is gone, and its pepper alone is worth nothing
        keys.unkeep(place_of(ws, row), row.pepper)
    return status(ws, wallet)


def reset(ws: Workspace, wallet: KnownWallet, admin_key: str) -> Pin:
    """Have a forgotten PIN fall away after a delay, given the key that pays; giving the right PIN calls it off."""
    _must(ws, wallet)
    if wallet.remote_id is None or wallet.owner_of(admin_key) != wallet.remote_id:
        raise errors.NotAuthorised(
            f"that is not the key by which wallet '{wallet.name}' pays",
            code="KEY_REFUSED",
            hint="Take the Admin key (LNbits) or the secret key (Fincra).",
        )
    delay = parse_duration(rulebook.value(ws, "pin_reset_delay"))
    with ws.store.write() as db:
        rules.set_reset(db, wallet.identity, to_rfc3339(int(ws.store.clock.now()) + delay))
        audit_log.append(db, "pin reset", wallet=wallet.name, outcome="begun", actor=ws.said.actor)
    return status(ws, wallet)


def verify(ws: Workspace, wallet: Holder, pin: str) -> None:
    """Check a PIN. Each call costs an attempt before the hash is computed; the right PIN gives all of them back.

    Raises `errors.NotAuthorised` for a wrong PIN (saying how many attempts are left) and `errors.RefusedByPolicy`
    while it is locked (saying until when).
    """
    row = _must(ws, wallet)
    pepper, failures_kept = _pepper(ws, wallet, row)
    streak = _count_attempt(ws, wallet, failures_kept)
    if _matches(pin, pepper, row.hash):
        given_at = ws.store.clock.now()
        ws.store.before_long(lambda db: rules.forgive(db, wallet.identity, given_at, streak))
        if row.reset_at:
            with ws.store.write() as db:
                rules.set_reset(db, wallet.identity, None)
                audit_log.append(db, "pin reset", wallet=wallet.name, outcome="called off", actor=ws.said.actor)
        return
    with ws.store.write() as db:
        failures = rules.count_failure(db, wallet.identity)
        used, until = _attempts(db, wallet, ws.store.clock.now())
        audit_log.append(db, "pin", wallet=wallet.name, outcome="wrong", actor=ws.said.actor)
    # The high-water mark beside the pepper: a database restored from an older copy brings no attempts back.
    keys.keep(place_of(ws, row), row.pepper, f"{pepper}:{failures}")
    left = max(0, ATTEMPTS - used)
    more = f"locked until {local(_shown(ws, until))}" if until else f"{left} attempts left this hour"
    opens = {"opens_at": _shown(ws, until)} if until else {}
    raise errors.NotAuthorised(f"wrong PIN; {more}", code="WRONG_PIN", details=opens, hint="Nothing was sent.")


def is_given(ws: Workspace, wallet: Holder) -> bool:
    """Have the PIN given and checked; at a terminal a wrong one is asked for again, as long as it is not locked.

    False when nobody can give it. Raises what `verify` raises.
    """
    pin = ws.said.ask_pin(wallet.name)
    while pin is not None:
        try:
            verify(ws, wallet, pin)
            return True
        except errors.NotAuthorised as wrong:
            if ws.said.tell_wrong is None or wrong.code != "WRONG_PIN" or wrong.details.get("opens_at"):
                raise
            ws.said.tell_wrong(wrong.message)
            pin = ws.said.ask_pin(wallet.name)
            if not pin:
                raise
    return False


def _count_attempt(ws: Workspace, wallet: Holder, failures_kept: int) -> int:
    """Count an attempt, durably; returns how many there were in a row with it."""
    moment = ws.store.clock.now()
    rules.expect_events(ws.store, wallet.identity, "pin", moment - LONGEST_LOCK_S)
    with ws.store.write() as db:
        failures, streak = rules.failures(db, wallet.identity)
        if failures < failures_kept:
            # This database knows of fewer failures than were kept with the pepper: it is an old copy. Start locked.
            for _ in range(ATTEMPTS - _attempts(db, wallet, moment)[0]):
                rules.add_event(db, wallet.identity, "pin", moment)
            rules.set_failures(db, wallet.identity, failures_kept)
            streak += failures_kept - failures
            rules.set_streak(db, wallet.identity, streak)
        _, until = _attempts(db, wallet, moment)
        if until is None:
            rules.add_event(db, wallet.identity, "pin", moment)
            rules.set_streak(db, wallet.identity, streak + 1)
    if until is None:
        return streak + 1
    raise errors.RefusedByPolicy(
        f"the PIN of wallet '{wallet.name}' is locked until {local(_shown(ws, until))}",
        code="PIN_LOCKED",
        retry="safe",
        details={"opens_at": _shown(ws, until)},
        hint=f"{ATTEMPTS} attempts an hour are allowed, and each further {ATTEMPTS} lock it for longer."
        " Nothing was sent.",
    )


def _attempts(db: Ledger, wallet: Holder, moment: float) -> tuple[int, float | None]:
    """How many attempts the hour before a moment saw, and, if none is allowed then, when the next one is.

    That is when the oldest that counts is an hour old. From the tenth wrong one in a row on, every fifth locks for two
    hours, four, and so on up to a day: only the right PIN ends the row.
    """
    _, streak = rules.failures(db, wallet.identity)
    seen = rules.events(db, wallet.identity, "pin", moment - LONGEST_LOCK_S)
    used = [at for at in seen if at > moment - WINDOW_S]
    ends = [used[-ATTEMPTS] + WINDOW_S] if len(used) >= ATTEMPTS else []
    rows, more = divmod(streak, ATTEMPTS)
    if rows > 1 and not more and seen:
        lock_s = min(LONGEST_LOCK_S, WINDOW_S << min(rows - 1, 5))
        ends += [seen[-1] + lock_s] if seen[-1] + lock_s > moment else []
    return len(used), max(ends) + 1 if ends else None


def _shown(ws: Workspace, at: float) -> str:
    """A moment of the ledger's time as this machine's clock will show it."""
    return to_rfc3339(int(ws.store.clock.on_the_wall(at)))


def _row(ws: Workspace, wallet: Holder) -> PinRow | None:
    """The PIN's entry, unless a reset has fallen due."""
    row = rules.pin(ws.store, wallet.identity) if ws.has_store else None
    if row is None or row.reset_at is None or from_rfc3339(row.reset_at).timestamp() > ws.store.clock.now():
        return row
    with ws.store.write() as db:
        rules.delete_pin(db, wallet.identity)
        audit_log.append(db, "pin reset", wallet=wallet.name, outcome="done", actor=ws.said.actor)
    return None


def _must(ws: Workspace, wallet: Holder) -> PinRow:
    row = _row(ws, wallet)
    if row is None:
        raise errors.NotFound(f"wallet '{wallet.name}' has no PIN", code="NO_PIN", hint="Set one: amani pin set")
    return row


def _has_one(wallet: KnownWallet) -> errors.RefusedByPolicy:
    return errors.RefusedByPolicy(
        f"wallet '{wallet.name}' has a PIN already",
        code="PIN_SET",
        hint="Change it with 'amani pin change'; a forgotten one: 'amani pin reset'.",
    )


def _hashed(pin: str, pepper: str) -> str:
    import bcrypt

    return bcrypt.hashpw(_peppered(pin, pepper), bcrypt.gensalt(COST)).decode()


def place_of(ws: Workspace, row: PinRow) -> str:
    """Where a PIN's pepper is kept on this machine: where it was set, unless it was brought here from another."""
    own = store_wallets.own_keys(ws.store)
    return row.place if own is None else own.place(row.place)


def _named(pepper: str) -> str:
    """Under which name a pepper is kept: the ledger knows it by that, and nobody learns the pepper from it."""
    return f"pepper:{hmac.digest(bytes.fromhex(pepper), b'amani pepper', 'sha256').hex()[:_FINGERPRINT]}"


def is_here(ws: Workspace, row: PinRow) -> bool:
    """Whether the very pepper that a PIN was set with is on this machine. Raises `errors.NotAuthorised`."""
    return _kept(ws, row) is not None


def _kept(ws: Workspace, row: PinRow) -> tuple[str, int] | None:
    try:
        pepper, mark = (keys.kept(place_of(ws, row), row.pepper) or "").split(":")
        # Shorter names are older ones, which were drawn.
        if len(row.pepper) < len("pepper:") + _FINGERPRINT or _named(pepper) == row.pepper:
            return pepper, int(mark)
    except ValueError:
        pass
    return None


def _pepper(ws: Workspace, wallet: Holder, row: PinRow) -> tuple[str, int]:
    """The pepper and the count of failures that was kept with it."""
    found = _kept(ws, row)
    if found is None:
        if ws.is_shared:
            raise errors.NotAuthorised(
                f"what belongs to the PIN of wallet '{wallet.name}' is not on this machine",
                code="NO_PEPPER",
                hint="Bring it from the machine where the PIN was set: there 'amani backup create FILE --keys-only',"
                " here 'amani backup restore FILE --keys-only'. If it is gone there too: amani pin reset",
            )
        raise errors.NotAuthorised(
            f"what belongs to the PIN of wallet '{wallet.name}' is no longer kept with its key",
            code="NO_PEPPER",
            hint="Restore it from a backup, or have the PIN fall away: amani pin reset",
        )
    return found


def _peppered(pin: str, pepper: str) -> bytes:
    """44 bytes without a NUL, well under bcrypt's 72."""
    return base64.b64encode(hmac.digest(bytes.fromhex(pepper), pin.encode(), "sha256"))


def _matches(pin: str, pepper: str, hashed: str) -> bool:
    import bcrypt

    return bcrypt.checkpw(_peppered(pin, pepper), hashed.encode())
