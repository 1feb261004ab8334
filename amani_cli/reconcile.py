"""Every open outcome, asked again, until each is settled or failed. Nothing is ever sent anew."""

from __future__ import annotations

from amani_cli import errors, models, payments
from amani_cli.store import Row
from amani_cli.store import payments as journal
from amani_cli.times import to_rfc3339
from amani_cli.workspace import Workspace


def reconcile(ws: Workspace, ids: list[str], older_than_s: int = 0) -> models.Reconciliation:
    """Ask about the open payments (or those named by id, hash or reference) and close what is certain.

    Raises `errors.NotFound` for an id that is not in the journal.
    """
    import time

    if not ws.has_store:
        if ids:
            raise errors.NotFound(f"no payment '{ids[0]}'", hint="Nothing has been recorded yet.")
        return models.Reconciliation(0, 0, 0, 0, [])
    if ids:
        rows: list[Row] = []
        for text in ids:
            found = journal.find(ws.store, text)
            if not found:
                raise errors.NotFound(f"no payment '{text[:80]}'", hint="'amani history list' shows what there is.")
            rows.extend(row for row in found if row["direction"] == "out")
    else:
        before = to_rfc3339(int(time.time()) - older_than_s + 1) if older_than_s else None
        rows = journal.open_payments(ws.store, before=before)
    items = []
    for row in rows:
        ws.progress(f"asking about {row['id']}")
        if row["status"] == "unknown":
            row = payments.ask_again(ws, row)
        items.append(payments.receipt(row))
    counts = {status: sum(item.status == status for item in items) for status in ("settled", "failed", "unknown")}
    return models.Reconciliation(len(items), counts["settled"], counts["failed"], counts["unknown"], items)
