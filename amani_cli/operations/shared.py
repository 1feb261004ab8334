"""What may be wrong with a ledger that several machines share, seen from this one."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.models.operations import Finding
from amani_cli.rules import pins
from amani_cli.rules.held import SKEW_S
from amani_cli.store import address, claims, opening, rules
from amani_cli.store.ledger import SCHEMA_VERSION
from amani_cli.times import local
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
    is_off = abs(skew) > SKEW_S
    words = "this machine's agrees with it" if not is_off else f"this machine's is {skew:+.0f} s off it, which counts"
    found.append(Finding("ledger clock", "warn" if is_off else "ok", words, "timedatectl" if is_off else ""))
    return [*found, _role(ws), *_claims(ws), *_peppers(ws), *_machines(ws)]


def _role(ws: Workspace) -> Finding:
    role = opening.role(ws.store)
    if role.is_owner:
        words = f"{role.name} owns the tables, and can change what the audit log says"
        return Finding("ledger role", "warn", words, "name a role in AMANI_STORE that only spends (docs/team-store.md)")
    if role.edits_audit:
        fix = f"as the owner: REVOKE UPDATE, DELETE ON audit FROM {role.name}"
        return Finding("ledger role", "warn", f"{role.name} can change what the audit log says", fix)
    does = "writes, and can't change what the audit log says" if role.writes else "only looks: nothing is spent with it"
    return Finding("ledger role", "ok", f"{role.name} {does}")


def _claims(ws: Workspace) -> list[Finding]:
    found = []
    for row in claims.every(ws.store):
        by = f"{row.what}: claimed by pid {row.pid} of {row.os_user} on {row.host} since {local(row.at)}"
        if claims.is_gone(row):
            found.append(Finding("claim", "warn", f"{by}, which is gone", "amani reconcile"))
        elif not claims.is_here(row):
            found.append(Finding("claim", "ok", by, f"if that is gone for good: amani store release {row.id}"))
    return found


def _peppers(ws: Workspace) -> list[Finding]:
    """Whether what each PIN was set with is here: by its fingerprint, under which the ledger knows it."""
    here, missing = list[str](), list[str]()
    for row in rules.all_pins(ws.store):
        try:
            is_here = pins.is_here(ws, row)
        except errors.AmaniError:
            is_here = False
        (here if is_here else missing).append(row.pepper.partition(":")[2])
    found = []
    if here:
        found.append(Finding("pin", "ok", f"what belongs to {len(here)} PIN(s) is here: {', '.join(here)}"))
    if missing:
        words = f"what belongs to {len(missing)} PIN(s) is not on this machine, so that they can't be given here:"
        fix = "amani backup restore FILE --keys-only, made where they were set"
        found.append(Finding("pin", "warn", f"{words} {', '.join(missing)}", fix))
    return found


def _machines(ws: Workspace) -> list[Finding]:
    now = ws.store.clock.now()
    said = ", ".join(f"{host} {_ago(now - at)}" for host, at in claims.machines(ws.store))
    return [Finding("machines", "ok", f"wrote in the last week: {said}")] if said else []


def _ago(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    return "just now" if not minutes else f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
