"""What may be wrong here that can be seen without asking anybody; looks, and changes nothing."""

from __future__ import annotations

import time
from pathlib import Path

from amani_cli import clocks, errors, keys, private
from amani_cli.models.operations import Finding
from amani_cli.rules.held import SKEW_S
from amani_cli.store import cheques, holds, journal, marks, rules
from amani_cli.times import ago, from_rfc3339, local
from amani_cli.workspace import Workspace


def files(ws: Workspace, *, thorough: bool = False) -> list[Finding]:
    """Files that others may read, and what a killed backup left; with `thorough` every page of the database is read."""
    found = []
    paths = ws.paths
    database = paths.database
    secret = [database.with_name(database.name + ending) for ending in ("", "-wal", "-shm")]
    secret += [paths.sandbox / name for name in ("keys.json", "outside/keys.json", "outside/funds.json")]
    for path in dict.fromkeys((paths.data, paths.config, paths.settings, *secret)):
        try:
            fault = private.fault(path) if path in secret else private.fault_of_settings(path, others=0o077)
        except OSError:
            continue
        if fault is not None:
            found.append(Finding(f"file {path}", "fail", fault.words, fault.mend))
    if thorough and ws.has_store:
        try:
            if not ws.store.is_whole():
                found.append(Finding("database", "fail", "it is damaged", "restore it from a backup"))
        except errors.AmaniError as error:
            if error.code not in ("NOT_PRIVATE", "BAD_SETTINGS"):
                found.append(Finding("database", "fail", error.message, error.hint))
    fix = "the next 'amani backup verify' removes it"
    found += [Finding(f"file {each}", "warn", "left by a killed backup", fix) for each in _left_behind(ws)]
    return found or [Finding("files", "ok", f"private, in {paths.data}")]


def settings(ws: Workspace) -> list[Finding]:
    """What can't be right among the settings, and names that are none. From here on what is wrong counts as not said.

    Raises `errors.Usage` (NOT_PRIVATE).
    """
    faults = ws.config.set_aside()
    unknown = ws.config.unknown()
    for told in (*unknown, *(fault.message for fault in faults)):  # which a finding says better than a warning
        if told in ws.talk.warnings:
            ws.talk.warnings.remove(told)
    fix = "amani config show lists what there is"
    found = [Finding("settings", "fail", fault.message, fault.hint) for fault in faults]
    return found + [Finding("settings", "warn", line, fix) for line in unknown]


def own_clock(ws: Workspace) -> list[Finding]:
    """What this machine's clock is worth, by the ledger and by whoever told the time just now."""
    if not ws.has_store:
        return []
    fix = "set this machine's clock (timedatectl): nothing is proven by it, and no lock or budget ends by it"
    if ws.store.clock.is_behind():
        return [Finding("clock", "fail", "it is behind the newest entry of the journal", fix)]
    by_theirs = clocks.told()
    apart = 0.0 if by_theirs is None else abs(clocks.wall() - by_theirs)
    if apart > clocks.TOLERANCE_S:
        return [Finding("clock", "fail", f"it is {apart / 60:.0f} min off what a provider tells", fix)]
    doubt = ws.store.clock.doubt()
    if doubt:
        return [Finding("clock", "warn", doubt, fix)]
    if abs(ws.store.clock.skew()) > SKEW_S:  # told of with the ledger that it differs from
        return []
    return [Finding("clock", "ok", "it agrees with the journal and with what providers tell")]


def cheques_out(ws: Workspace) -> list[Finding]:
    """Cheques that are outstanding, and those that should have been swept."""
    if not ws.has_store:
        return []
    open_ones = cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    expired = [row for row in open_ones if from_rfc3339(row.expires_at).timestamp() <= time.time()]
    if expired:
        words = f"{len(expired)} expired and not swept: other tools can still claim them"
        return [Finding("cheques", "warn", words, "amani cheque sweep (from cron)")]
    return [Finding("cheques", "ok", f"{len(open_ones)} outstanding")] if open_ones else []


def kept(ws: Workspace) -> list[Finding]:
    """PINs that can't be given any more and cheques that can't be taken back: what is kept beside the keys is gone.

    On a ledger that several machines share another one may have it. Nothing is said of a place that can't be asked.
    """
    if not ws.has_store or ws.is_shared:
        return []
    fix = "restore a backup that was made --with-keys, into another AMANI_HOME: it puts them back where they were"
    found = []
    peppers = _gone([(row.place, row.pepper) for row in rules.all_pins(ws.store)])
    if peppers:
        words = f"what belongs to {len(peppers)} PIN(s) is no longer kept with the key, so that they can't be given"
        found.append(Finding("pin", "fail", words, f"{fix}; or: amani pin reset"))
    out = cheques.with_status(ws.store, "open", *cheques.UNFINISHED)
    made = [row for row in out if row.remote_id is not None]  # before its wallet is made there are none
    lost = [made[at].id for at in _gone([(row.place, f"cheque:{row.id}") for row in made])]
    if lost:
        words = f"the keys of {len(lost)} outstanding are gone, so that they can't be taken back: {', '.join(lost[:5])}"
        found.append(Finding("cheques", "fail", words, f"{fix}; or, lost for ever: amani reconcile --resolve CHEQUE"))
    return found


def _gone(secrets: list[tuple[str, str]]) -> list[int]:
    """Which of these secrets are gone from their places; none where one can't be asked: each question would wait."""
    try:
        return [at for at, (place, name) in enumerate(secrets) if keys.kept(place, name) is None]
    except errors.AmaniError:
        return []


def held(ws: Workspace) -> list[Finding]:
    """Wallets of a restored copy that have not been read back: nothing is spent from them, and references wait."""
    if not ws.has_store:
        return []
    waiting = holds.waiting(ws.store)
    names = "every wallet" if holds.of_copy(ws.store) else ", ".join(f"'{row.wallet}'" for row in waiting)
    if not names:
        return []
    words = f"{names}: held until read back, for this copy does not know what was paid since it was made"
    lost = f" (or, if it is lost for ever: amani reconcile --resolve '{waiting[0].wallet}')" if waiting else ""
    return [Finding("held", "warn", words, f"amani reconcile{lost}")]


def moved(ws: Workspace) -> list[Finding]:
    """Whether this ledger is the one that was left: nothing is spent by it, and nobody else knows what it is told."""
    gone = marks.read(ws.store, marks.GONE) if ws.has_store else None
    if gone is None:
        return []
    words = (
        f"this ledger was moved to {gone.value}: nothing is spent by it, and what is written here is not known there"
    )
    return [Finding("moved", "fail", words, "point at the new one: amani config set store ADDRESS, or AMANI_STORE")]


def outcomes(ws: Workspace) -> list[Finding]:
    """Whether any outcome is open."""
    if not ws.has_store:
        return []
    count, since = journal.count_open(ws.store)
    if not count:
        return [Finding("outcomes", "ok", "none is open")]
    found = Finding("outcomes", "fail", f"{count} open, the oldest since {_since(since)}", "amani reconcile")
    return [found, *documents(ws)]


def _since(moment: str | None) -> str:
    return f"{local(moment)} ({ago(moment)})" if moment else "some time ago"


def documents(ws: Workspace) -> list[Finding]:
    """Payouts that wait for documents."""
    fix = "upload them in Fincra's dashboard, under the payout"
    waiting = [row for row in journal.open_payments(ws.store) if row.documents] if ws.has_store else []
    return [Finding("documents", "warn", f"{row.id} waits for {row.documents}", fix) for row in waiting]


def _left_behind(ws: Workspace) -> list[Path]:
    if not any(ws.paths.data.glob(".backup-*")):
        return []
    from amani_cli.operations import backup

    return backup.left_behind(ws)
