"""What commands about the ledger hand to the printer: where it is, what holds it, and how it was moved."""

from typing import Literal, NamedTuple

from amani_cli.models.document import document


@document("amani.store/1")
class StoreView(NamedTuple):
    """Where the ledger is and what is in it. `gone_to` is set where it was moved away, and nothing is spent here."""

    engine: Literal["sqlite", "postgresql"]
    where: str
    schema: int
    payments: int
    open: int
    audit_entries: int
    audit_head: str
    gone_to: str | None


class ClaimView(NamedTuple):
    """What a process of some machine is at work on. `state` is `gone` only where that is certain: on its machine."""

    id: str
    what: str
    host: str
    os_user: str
    pid: int
    since: str
    state: Literal["running", "gone", "elsewhere"]


@document("amani.store_copy/1")
class StoreCopy(NamedTuple):
    """A ledger that was moved, with the proof: rows by table, and the audit log's head, verified where it came."""

    source: str
    target: str
    rows: dict[str, int]
    payments: int
    open: int
    audit_entries: int
    audit_head: str


@document("amani.claims/1")
class Claims(NamedTuple):
    """What is claimed by whom."""

    items: list[ClaimView]
