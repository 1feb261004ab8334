"""The ledger itself: where it is, its schema, and what machines hold of it."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.models.ledgers import Claims, ClaimView, StoreView
from amani_cli.store import audit as audit_log
from amani_cli.store import claims, journal, marks
from amani_cli.store.ledger import SCHEMA_VERSION
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
        from amani_cli.store import opening

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
    return claimed(ws)


def _view(row: ClaimRow) -> ClaimView:
    state = ("gone" if claims.is_gone(row) else "running") if claims.is_here(row) else "elsewhere"
    return ClaimView(row.id, row.what, row.host, row.os_user, row.pid, row.at, state)  # type: ignore[arg-type]
