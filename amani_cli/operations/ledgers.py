"""The ledger itself: where it is, its schema, and what machines hold of it."""

from __future__ import annotations

from amani_cli import errors, locks
from amani_cli.books import audit
from amani_cli.models.ledgers import Claims, ClaimView, StoreCopy, StoreView
from amani_cli.store import audit as audit_log
from amani_cli.store import claims, copying, journal, marks, opening
from amani_cli.store.address import HERE
from amani_cli.store.ledger import SCHEMA_VERSION, Store
from amani_cli.store.rows import ClaimRow
from amani_cli.workspace import Workspace


def show(ws: Workspace) -> StoreView:
    """Where the ledger is and what is in it."""
    store = ws.store
    head, gone = audit_log.head(store), marks.read(store, marks.GONE)
    return StoreView(
        engine=store.engine,
        where=store.where,
        schema=SCHEMA_VERSION,
        payments=journal.count(store),
        open=journal.count_open(store)[0],
        audit_entries=head[0],
        audit_head=head[1],
        gone_to=gone.value if gone is not None else None,
    )


def upgrade(ws: Workspace) -> StoreView:
    """Make the ledger, or bring it to this amani's schema; a file of one machine is upgraded whenever it is opened."""
    if ws.is_shared:
        before, now = opening.upgrade(*ws.ledger)
        words = "is new" if not before else f"was at schema {before}" if before != now else "was up to date"
        ws.talk.note(f"The ledger {words}.")
    return show(ws)


def claimed(ws: Workspace) -> Claims:
    """What processes of all machines are at work on."""
    return Claims([_view(row) for row in claims.every(ws.store)])


def release(ws: Workspace, claim_id: str) -> Claims:
    """Give up, for a machine that is gone, what it had claimed; an entry of the audit log. Returns what is left.

    Raises `errors.NotFound`, and `errors.Locked` where the owner is seen to be running.
    """
    row = next((each for each in claims.every(ws.store) if each.id == claim_id), None)
    if row is None:
        raise errors.NotFound(f"no claim '{claim_id[:60]}'", hint="'amani store claims' shows what there is.")
    if _view(row).state == "running":
        raise errors.Locked(
            f"pid {row.pid} on this machine is at work on {row.what}", hint="Stop it, or wait until it is done."
        )
    with ws.store.write() as db:
        claims.drop(db, row.id)
        audit_log.append(
            db,
            "store release",
            subject=row.id,
            outcome=f"{row.what}, claimed by pid {row.pid} of {row.os_user} on {row.host}",
            reason=ws.said.reason,
            actor=ws.said.actor,
        )
    ws.talk.note(f"Released: {row.what}, which pid {row.pid} of {row.os_user} on {row.host} had claimed.")
    return claimed(ws)


def copy(ws: Workspace, to: str) -> StoreCopy:
    """Move the ledger into another store, an empty one: first nothing is spent here any more, then all of it is read as
    of one moment, written in one transaction, and compared.

    Raises `errors.Locked` while something is claimed or locked here, `errors.Usage` for a store that is not empty,
    `errors.BooksDiffer` where what came is not what went; then this ledger goes on. `errors.Unreachable` where nobody
    can tell whether it came: then it does not, until `undo` has asked.
    """
    _refuse_claimed(ws)
    source = ws.store
    if marks.read(source, marks.GONE) is not None:
        raise errors.RefusedByPolicy(
            "this ledger was moved away already",
            code="LEDGER_MOVED",
            hint="Copy from where it is now, or lift it: amani store copy --undo",
        )
    target = opening.open_named(to, *ws.ledger[1:])
    try:
        if target.where == source.where or not copying.is_empty(target):
            raise errors.Usage(f"{target.where} is not empty", code="STORE_NOT_EMPTY", hint=_make_room(ws, target))
        with source.write() as db:
            marks.make(db, marks.GONE, _kept_as(target, to))
            audit_log.append(db, copying.MOVED, subject=target.where, outcome="begun", actor=ws.said.actor)
        try:
            ws.talk.progress(f"copying to {target.where}")
            rows = copying.move(source, target, ws.said.actor, lambda: _prove_audit(source, target))
        except BaseException:
            _go_on(ws, source, target)
            raise
        ws.talk.note(f"Nothing is spent by the old one any more. {_point_at(ws, target, to)}")
        head = audit_log.head(target)
        return StoreCopy(
            source=source.where,
            target=target.where,
            rows=rows,
            payments=journal.count(target),
            open=journal.count_open(target)[0],
            audit_entries=head[0],
            audit_head=head[1],
        )
    finally:
        target.close()


def _kept_as(store: Store, said: str) -> str:
    """A store as the other remembers it; a file by its whole path, for it is opened from whatever folder."""
    return f"{HERE}:{store.where}" if store.engine == "sqlite" else said


def _make_room(ws: Workspace, target: Store) -> str:
    own = ws.paths.database
    if target.where == str(own):
        return f"An older ledger is there. If nobody needs it, put it aside: mv '{own}' '{own}.before'"
    return "Name a new file, or an empty database."


def _point_at(ws: Workspace, target: Store, to: str) -> str:
    """How the new one becomes the one that is used, in words."""
    if target.engine == "sqlite" and target.where != str(ws.paths.database):
        return f"The new one is used where it is the file '{ws.paths.database.name}' of an AMANI_HOME."
    if target.engine == "sqlite":
        return "Point at the new one: amani config set store sqlite"
    role = opening.role(target)
    by = f" (as the role that spends, not as {role.name}, which owns it)" if role.is_owner else ""
    return f"Point at the new one: amani config set store '{to}'{by}"


def _go_on(ws: Workspace, source: Store, target: Store) -> None:
    """Let the old ledger be spent from after a copy that failed, if it is certain that nothing came."""
    try:
        with target.write():  # whoever still commits there is waited for
            nothing_came = copying.is_empty(target)
    except errors.AmaniError:
        nothing_came = False
    if nothing_came:
        with source.write() as db:
            marks.wipe(db, marks.GONE)
        return
    ws.talk.warn(
        f"the copy at {target.where} may be whole, so this ledger is not spent from any more: 'amani store copy --undo'"
        " lets it go on, once the copy can be asked"
    )


def _prove_audit(source: Store, target: Store) -> None:
    """The log as it came, entry by entry, up to the head that the other has."""
    entries, head = audit_log.head(source)
    verdict = audit.verify_store(target)
    if not verdict.intact or (verdict.entries, verdict.head) != (entries, head):
        raise copying.differ(f"the audit log ({verdict.detail})")


def undo(ws: Workspace) -> StoreView:
    """Let spending go on here after a copy, while nothing was done with the copy: it is then the one that was left.

    Raises `errors.RefusedByPolicy` where the copy has entries of its own, and what opening it raises.
    """
    gone = marks.read(ws.store, marks.GONE)
    if gone is None:
        raise errors.Usage("this ledger was not moved away", hint="'amani store show' says where it is.")
    target = opening.open_named(gone.value, *ws.ledger[1:])
    try:
        with target.write() as db:  # of two at once one is first
            newest = audit_log.newest(db)
            if newest is not None and newest.what != copying.MOVED:
                raise errors.RefusedByPolicy(
                    f"{target.where} has entries of its own by now",
                    code="LEDGER_MOVED",
                    retry="never",
                    hint="Copy it back instead: point at it, and run amani store copy --to a new file or database.",
                )
            if newest is not None:
                marks.make(db, marks.GONE, _kept_as(ws.store, ws.config.get("store")))
                audit_log.append(db, copying.MOVED, subject=ws.store.where, outcome="undone", actor=ws.said.actor)
    finally:
        target.close()
    with ws.store.write() as db:
        marks.wipe(db, marks.GONE)
        audit_log.append(db, copying.MOVED, subject=target.where, outcome="undone", actor=ws.said.actor)
    return show(ws)


def _refuse_claimed(ws: Workspace) -> None:
    rows = claims.every(ws.store)
    busy = [f"{row.what}, by pid {row.pid} on {row.host}" for row in rows] or locks.busy(ws)
    if busy:
        raise errors.Locked(
            f"another amani is at work on {busy[0]}",
            hint="Copy when it is done: what is under way would be known to one of the two only.",
        )


def _view(row: ClaimRow) -> ClaimView:
    state = ("gone" if claims.is_gone(row) else "running") if claims.is_here(row) else "elsewhere"
    return ClaimView(row.id, row.what, row.host, row.os_user, row.pid, row.at, state)  # type: ignore[arg-type]
