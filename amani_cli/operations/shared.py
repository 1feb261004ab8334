"""What may be wrong with a ledger that several machines share, seen from this one."""

from __future__ import annotations

from amani_cli import errors, keys
from amani_cli.models.operations import Finding
from amani_cli.rules.held import SKEW_S
from amani_cli.rules.pins import place_of
from amani_cli.store import address, claims, opening, rules
from amani_cli.store.ledger import SCHEMA_VERSION
from amani_cli.workspace import Workspace


def ledger(ws: Workspace) -> list[Finding]:
    """The server, the line to it, the clock, claims that nobody holds any more, peppers, and who was here lately."""
    if not ws.is_shared:
        return []
    try:
        store = ws.store
        version, fsync = opening.server(store)
    except errors.AmaniError as error:
        return [Finding("ledger", "fail", error.message, error.hint)]
    found = [Finding("ledger", "ok", f"PostgreSQL {version}, schema {SCHEMA_VERSION}, at {store.where}")]
    if fsync != "on":
        words = "the server does not sync to its disk (fsync=off): a power cut takes payments away"
        found.append(Finding("ledger", "fail", words, "set fsync=on in postgresql.conf"))
    mode = address.sslmode(ws.config.get("store"), ws.environ)
    if mode not in (None, address.CHECKED):
        words = f"nobody checks that it is the right server (sslmode={mode})"
        found.append(Finding("ledger line", "warn", words, f"sslmode={address.CHECKED} in its address"))
    skew = store.clock.skew()
    if abs(skew) > SKEW_S:
        found.append(Finding("ledger clock", "warn", f"this machine's is {skew:+.0f} s off it", "timedatectl"))
    return [*found, *_claims(ws), *_peppers(ws), *_machines(ws)]


def _claims(ws: Workspace) -> list[Finding]:
    found = []
    for row in claims.every(ws.store):
        by = f"{row.what}: claimed by pid {row.pid} of {row.os_user} on {row.host} since {row.at}"
        if claims.is_gone(row):
            found.append(Finding("claim", "warn", f"{by}, which is gone", "amani reconcile"))
        elif not claims.is_here(row):
            found.append(Finding("claim", "ok", by, f"if that is gone for good: amani store release {row.id}"))
    return found


def _peppers(ws: Workspace) -> list[Finding]:
    missing = 0
    for row in rules.all_pins(ws.store):
        try:
            missing += keys.kept(place_of(ws, row), row.pepper) is None
        except errors.AmaniError:
            missing += 1
    if not missing:
        return []
    words = f"what belongs to {missing} PIN(s) is not on this machine: they can't be given here"
    return [Finding("pin", "warn", words, "amani backup restore FILE --keys-only, made where they were set")]


def _machines(ws: Workspace) -> list[Finding]:
    now = ws.store.clock.now()
    said = ", ".join(f"{host} {_ago(now - at)}" for host, at in claims.machines(ws.store))
    return [Finding("machines", "ok", f"wrote in the last week: {said}")] if said else []


def _ago(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    return "just now" if not minutes else f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
