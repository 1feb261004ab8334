"""How requests stand: by what was written down, who has signed, what the journal says, and the time."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice

from amani_cli import errors
from amani_cli.models.money import Money
from amani_cli.models.requests import Approval, Request, Requests, RequestStatus
from amani_cli.models.rules import Limits, LimitView
from amani_cli.requests import telling
from amani_cli.rules import agents, budgets, lines, quorum, signatures, written
from amani_cli.rules.approval import shown as shown_amount
from amani_cli.rules.written import Body
from amani_cli.store import audit as audit_log
from amani_cli.store import requests
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import Ledger, beyond, only
from amani_cli.store.rows import RequestRow, Transaction
from amani_cli.times import to_rfc3339
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def must(ws: Workspace, text: str) -> RequestRow:
    """The request of an id or the beginning of one. Raises `errors.NotFound`, `errors.Usage` if it fits several."""
    text = text.strip()
    rows = requests.beginning(ws.store, text, beyond(text)) if text and ws.has_store else []
    return only(rows, text, "request")


def shown(ws: Workspace, text: str) -> Request:
    """One request as it stands."""
    return view(ws, must(ws, text))


def listed(ws: Workspace, *, status: str | None, identity: str | None, limit: int) -> Requests:
    """Requests, newest first; at most so many of a status, which some have by what became of them alone."""
    if not ws.has_store:
        return Requests([])
    few = limit if status is None else None
    every = (view(ws, row) for row in requests.page(ws.store, identity, few))
    return Requests(list(islice((item for item in every if status in (None, item.status)), limit)))


def status_of(ws: Workspace, db: Ledger, row: RequestRow, body: Body) -> RequestStatus:
    """How a request stands now."""
    if row.status == "settled":
        return "settled"
    entry = entry_of(db, row)
    if row.status in ("open", "refused", "cancelled"):
        # Carried out after this copy of the ledger was made, it may still be open in it, or have been ended since.
        sent = None if entry is None or not _is_its_own(row, entry) else outcome(body, entry, [])
        if sent in ("settled", "unknown"):
            return sent
    else:
        sent = outcome(body, entry, requests.entries(db, row.id))
        if sent is not None:
            return sent
    if row.status in ("refused", "cancelled", "failed"):
        ended: RequestStatus = row.status  # type: ignore[assignment]
        return ended
    if row.ends <= ws.store.clock.now():
        return "expired"
    if row.status != "open":
        return "running"
    enough = len(quorum.count(db, body).names) >= max(1, quorum.needed(db, body))
    return "approved" if enough else "open"


def _is_its_own(row: RequestRow, entry: Entry) -> bool:
    """Whether a payment under a request's reference was made for it: one that is at its end has set it free."""
    return row.status == "open" or entry.request_id == row.id or row.reference == row.id


def entry_of(db: Ledger, row: RequestRow) -> Entry | None:
    """The one payment that a request stands for, if it was begun; a failure that was there before is none of it."""
    found = None if row.reference is None else requests.entry_of(db, row.reference)
    return None if found is None or (found.status == "failed" and found.request_id != row.id) else found


def outcome(body: Body, entry: Entry | None, under: list[Entry]) -> RequestStatus | None:
    """What became of what was sent; None while nothing was, or not all."""
    if body.what in ("batch run", "cheque create"):
        if any(each.status == "unknown" for each in under):
            return "unknown"
        return None
    found = entry or (under[-1] if under else None)
    return None if found is None else found.status


def view(ws: Workspace, row: RequestRow) -> Request:
    """A request as it is shown."""
    db = ws.store
    body = written.read(row)
    entry = entry_of(db, row)
    under = requests.entries(db, row.id)
    shown = of_body(body)
    return shown._replace(
        status=status_of(ws, db, row, body),
        approvals=_approvals(ws, body),
        needed=quorum.needed(db, body),
        expires_at=to_rfc3339(int(db.clock.on_the_wall(row.ends))),
        not_before=_not_before(ws, row, body),
        reason=row.reason,
        payment=entry.id if entry is not None else under[-1].id if under else None,
    )


def of_body(body: Body) -> Request:
    """What a request says by itself, wherever it is read."""
    said, sums, fees = body.said, body.sums, body.fees
    fiat = [Money(amount, unit) for unit, amount in sums.items() if unit != "msat"]
    by = said["requested_by"]
    one = len(fiat) == 1 and "msat" not in sums
    return Request(
        id=body.id,
        status="open",
        what=body.what,
        wallet=body.wallet,
        destination=telling.destination(body),
        memo=str(said["memo"]),
        reference=body.reference,
        requested_by=str(by["actor"] or by["os_user"]),
        os_user=str(by["os_user"]),
        host=str(by["host"]),
        created_at=str(said["created_at"]),
        expires_at=str(said["expires_at"]),
        approvals=[],
        needed=0,
        digest=body.digest,
        details=telling.details(body),
        amount_msat=int(sums["msat"]) if "msat" in sums else None,
        max_fee_msat=int(fees["msat"]) if "msat" in fees else None,
        amount=fiat[0] if one else None,
        max_fee=None,
        fiat=fiat if fiat and not one else None,
    )


def _approvals(ws: Workspace, body: Body) -> list[Approval]:
    found = []
    for each in requests.signatures(ws.store, body.id):
        why = quorum.why_not(ws.store, body, each) if each.verdict == signatures.APPROVE else ""
        verdict = "approve" if each.verdict == signatures.APPROVE else "refuse"
        found.append(Approval(each.approver, verdict, each.at, verdict == "approve" and not why, why or None))  # type: ignore[arg-type]
    return found


def _not_before(ws: Workspace, row: RequestRow, body: Body) -> str | None:
    wait_s = body.terms.get("wait_s")
    return None if not wait_s else to_rfc3339(int(ws.store.clock.on_the_wall(row.filed + int(wait_s))))


def limits(ws: Workspace, wallet: KnownWallet) -> Limits:
    """Every limit of a wallet: rates, budget, its line, what agents may spend, what requests that wait would need."""
    found = budgets.limits(ws, wallet)
    items = [*found.items, *lines.limits(ws, wallet), *agents.limits(ws, wallet)]
    for unit in sorted({unit for row in requests.waiting(ws.store) for unit in written.read(row).sums}):
        needed = needs(ws, wallet.identity, unit)
        if needed:
            items.append(LimitView("requests waiting", "", "", "", shown_amount(needed, unit), None))
    return found._replace(items=items)


def needs(ws: Workspace, identity: str, unit: str) -> Decimal:
    """What a wallet's requests that wait would need if all were carried out, in a unit."""
    total = Decimal(0)
    for row in requests.waiting(ws.store):
        body = written.read(row)
        if status_of(ws, ws.store, row, body) in ("open", "approved") and unit in body.sums:
            total += body.sums[unit] if quorum.identity_in(body, unit) == identity else 0
    return total


def closed(row: RequestRow, status: str) -> errors.RefusedByPolicy:
    """The error for a request that nothing can be done about any more."""
    ways_out = {
        "settled": f"Its receipt: amani request run {row.id}",
        "unknown": "Run 'amani reconcile': it finds out what became of it.",
    }
    return errors.RefusedByPolicy(
        f"request {row.id} is {status}",
        code="REQUEST_EXPIRED" if status == "expired" else "REQUEST_CLOSED",
        retry="never",
        hint=ways_out.get(status, "What is still due is filed anew with --request."),
    )


def audit_step(ws: Workspace, db: Transaction, body: Body, outcome: str, reason: str | None = None) -> None:
    """Write a step of a request into the audit log."""
    audit_log.append(
        db,
        "request",
        wallet=body.wallet or None,
        subject=body.id,
        amount_msat=int(body.sums["msat"]) if "msat" in body.sums else None,
        outcome=outcome,
        actor=ws.said.actor,
        reason=reason or ws.said.reason,
    )
