"""Looking at the audit log: what it says, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from amani_cli import errors
from amani_cli.models.books import Audit, AuditEntry, AuditVerdict
from amani_cli.store import audit as log
from amani_cli.store.audit import GENESIS, Filter
from amani_cli.store.ledger import Store
from amani_cli.store.rows import AuditRow
from amani_cli.workspace import Workspace


def listed(ws: Workspace, wanted: Filter) -> Audit:
    """A page of the audit log, newest first; `next` is what `Filter.after` takes to go on."""
    if not ws.has_store:
        return Audit([], None)
    rows = log.page(ws.store, replace(wanted, limit=wanted.limit + 1))
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    return Audit([_entry(row) for row in rows], str(rows[-1].seq) if more else None)


def verify(ws: Workspace, head: str | None = None) -> AuditVerdict:
    """Walk the whole chain: the first entry that was changed, removed or put in between is named.

    Who can write the database can drop the newest entries, or write the whole chain anew, and it is whole again: only
    `head`, a hash that was noted elsewhere earlier, shows that. Raises `errors.Usage` for a `head` that is no hash.
    """
    if head is not None:
        head = head.strip().lower()
        if len(head) != 64 or not set(head) <= set("0123456789abcdef"):
            raise errors.Usage(
                "a head is a hash of 64 hexadecimal digits",
                code="BAD_HASH",
                hint="'amani audit verify --quiet' prints the one of today.",
            )
    if not ws.has_store:
        return _judged(iter(()), head)
    return verify_store(ws.store, head)


def verify_store(store: Store, head: str | None = None) -> AuditVerdict:
    """The same for any database."""
    return _judged(log.walk(store), head)


def _judged(rows: Iterator[AuditRow], head: str | None) -> AuditVerdict:
    seen, last, found = 0, GENESIS, head in (None, GENESIS)
    for row in rows:
        wrong = _wrong(row, seen + 1, last)
        if wrong:
            at = min(seen + 1, row.seq) if isinstance(row.seq, int) else seen + 1  # type: ignore[redundant-expr]  # a damaged log
            return AuditVerdict(seen, last, False, at, wrong)
        seen, last = seen + 1, row.hash
        found = found or last == head
    if not found:
        detail = "no entry has the hash that was noted: later entries were removed, or the log was written anew"
        return AuditVerdict(seen, last, False, seen + 1, detail)
    return AuditVerdict(seen, last, True, None, "every entry follows from the one before")


def _wrong(row: AuditRow, seq: int, previous: str) -> str:
    """What is wrong with an entry that should be number `seq` after the hash `previous`; nothing: it is right."""
    if row.seq < seq:
        return f"entry {row.seq} was put before the first"
    if row.seq > seq:
        missing = f"{seq}" if row.seq == seq + 1 else f"{seq} to {row.seq - 1}"
        return f"entry {missing} is missing"
    try:
        right = log.chained(previous, tuple(row)[:-1])
    except TypeError:  # bytes where text was: nothing that amani wrote
        right = ""
    if row.hash != right:
        return f"entry {seq} is not what was written: it was changed, or put in"
    return ""


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(*row)
