"""The same amount to the same payee a moment ago: told before it goes again, for it may be a slip of the hand."""

from __future__ import annotations

from collections.abc import Callable

from amani_cli import clocks
from amani_cli.store import journal
from amani_cli.store.entries import Entry
from amani_cli.times import ago, to_rfc3339
from amani_cli.workspace import Workspace

WITHIN_S = 600


def point_out(ws: Workspace, remote_id: str | None, kind: str, is_same: Callable[[Entry], bool]) -> None:
    """Warn of the newest payment like this one that went out of the wallet within ten minutes. Refuses nothing."""
    since = to_rfc3339(int(clocks.wall()) - WITHIN_S)
    for row in journal.sent_since(ws.store, remote_id, kind, since):
        if is_same(row):
            when = ago(row.settled_at or row.created_at)
            ws.talk.warn(f"the same went {when} ({row.id}); with --reference a retry is never paid twice")
            return
