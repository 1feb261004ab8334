"""The settings that are rules: what the ledger last agreed to, beside what the file and the environment say now.

A tighter value counts at once, wherever it stands. A looser one counts once the PINs were given for it (`consent`), and
without that only where no wallet has a PIN. Either is an entry of the audit log when it is first seen.
"""

from __future__ import annotations

from collections.abc import Callable

from amani_cli.settings import parse_rate
from amani_cli.store import audit as audit_log
from amani_cli.store import rules
from amani_cli.store.rows import Transaction
from amani_cli.times import from_rfc3339, parse_duration
from amani_cli.workspace import Workspace


def _is_looser_rate(old: str, new: str) -> bool:
    """A rate is no looser if it allows no more in no less time: all else lets more through at some moment."""
    before, after = parse_rate(old), parse_rate(new)
    if after is None or before is None:
        return before is not None
    return after[0] > before[0] or after[1] < before[1]


# Whether a new value lets more happen than an old one. Of networks none is tighter than another.
_IS_LOOSER: dict[str, Callable[[str, str], bool]] = {
    "limit.invoice": _is_looser_rate,
    "limit.check": _is_looser_rate,
    "limit.cheque": _is_looser_rate,
    "limit.transfer": _is_looser_rate,
    "cheque_count": lambda old, new: int(new) > int(old),
    "pin_reset_delay": lambda old, new: parse_duration(new) < parse_duration(old),
    "network": lambda old, new: new != old,
}


def is_rule(name: str) -> bool:
    """Whether a setting is a rule, which nobody loosens in passing."""
    return name in _IS_LOOSER


def is_looser(name: str, old: str, new: str) -> bool:
    """Whether a value of a rule lets more happen than another."""
    return _IS_LOOSER[name](old, new)


def standing(ws: Workspace, name: str) -> tuple[str, str]:
    """The value that a rule has now, and where it comes from; notes nothing."""
    said, source = ws.config.explain(name)
    if not ws.has_store:
        return said, source
    agreed = _agreed(ws, name)
    if said != agreed and is_looser(name, agreed, said) and has_pins(ws):
        return agreed, f"agreed to; {said} by {source} takes the PIN"
    return said, source


def value(ws: Workspace, name: str) -> str:
    """The value of a rule that counts now. A change by the file or the environment is audited the first time."""
    if name not in ws.rules:
        ws.rules[name] = _noticed(ws, name) if ws.has_store else ws.config.get(name)
    return ws.rules[name]


def has_pins(ws: Workspace) -> bool:
    """Whether any wallet has a PIN that has not fallen away."""
    moment = ws.store.clock.now()
    resets = [row.reset_at for row in rules.all_pins(ws.store)]
    return any(at is None or from_rfc3339(at).timestamp() > moment for at in resets)


def agree(ws: Workspace, db: Transaction, name: str, new: str) -> None:
    """Take a value as agreed to, in the caller's transaction, with its audit entry."""
    old = _agreed(ws, name)
    rules.save_rule(db, name, "agreed", new)
    rules.save_rule(db, name, "settings", new)
    if new != old:
        audit_log.append(
            db, "setting", subject=name, outcome=f"{old} → {new}", actor=ws.said.actor, reason=ws.said.reason
        )
    ws.rules.pop(name, None)


def _agreed(ws: Workspace, name: str) -> str:
    return rules.agreed(ws.store, name).get("agreed", ws.config.default(name))


def _noticed(ws: Workspace, name: str) -> str:
    said, where = ws.config.explain(name)
    source = "environment" if where.startswith("environment") else "settings"
    known = rules.agreed(ws.store, name)
    agreed = known.get("agreed", ws.config.default(name))
    counts = said == agreed or not is_looser(name, agreed, said) or not has_pins(ws)
    if not counts:
        ws.talk.warn(
            f"{name} {said} ({where}) is looser than the {agreed} that was agreed to, and does not count:"
            f" that takes the PIN, by 'amani config set {name} {said}'"
        )
    if said != known.get(source, agreed):
        with ws.store.join() as db:
            # What stands in the environment of one run is not what the next is held to.
            if counts and source == "settings":
                rules.save_rule(db, name, "agreed", said)
            rules.save_rule(db, name, source, said)
            words = f"{agreed} → {said}" if counts else f"{agreed} → {said} refused: it takes the PIN"
            audit_log.append(
                db, "setting", subject=name, outcome=words, actor=ws.said.actor, reason=f"found in {where}"
            )
    return said if counts else agreed
