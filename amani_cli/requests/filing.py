"""Filing a request: what would be sent, looked at as a payment would look, and written down exactly. Sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from amani_cli import errors
from amani_cli.requests import standing, telling
from amani_cli.rules import signatures, written
from amani_cli.rules.changes import Change
from amani_cli.servers import server_of
from amani_cli.store import journal, marks, references, requests
from amani_cli.store.ledger import new_id
from amani_cli.store.rows import RequestRow
from amani_cli.times import to_rfc3339
from amani_cli.wallets import known
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

PLAN_LIFE_S = 600


@dataclass(frozen=True)
class Draft:
    """What is to be filed: `terms` are all that carrying it out needs, `meaning` what its reference stands for.

    `sums` and `max_fees` are the most that may leave, by unit. `payment_hash` is of the one invoice that it pays.
    `life_s` is how long it holds, `wait_s` how long nothing may be done about it first.
    """

    what: str
    sums: dict[str, Decimal | int]
    max_fees: dict[str, Decimal | int]
    terms: dict[str, Any]
    meaning: str | None = None
    memo: str = ""
    reference: str | None = None
    payment_hash: str | None = None
    life_s: int = written.LIFE_S


def file(ws: Workspace, wallet: KnownWallet | None, draft: Draft) -> RequestRow:
    """Write a request down with a reference of its own, or find the live one that the reference stands for.

    Raises `errors.RefusedByPolicy` (REFERENCE_TAKEN) for what was sent before, or for another thing.
    """
    return _file(ws, wallet, draft, "req", "open")


def plan(ws: Workspace, wallet: KnownWallet, draft: Draft) -> RequestRow:
    """Write down what an agent plans, for ten minutes: a request that nobody was asked yet. It takes its own id for a
    reference when it is paid."""
    return _file(ws, wallet, draft, "plan", "planned")


def of_plan(ws: Workspace, wallet: KnownWallet, row: RequestRow) -> RequestRow:
    """File what was planned, for a person to approve or carry out."""
    said = dict(written.read(row).said)
    meaning = said["terms"].get("meaning")
    draft = Draft(
        said["what"],
        {unit: Decimal(amount) for unit, amount in said["sums"].items()},
        {unit: Decimal(amount) for unit, amount in said["max_fees"].items()},
        said["terms"],
        meaning=meaning,
        memo=said["memo"],
        reference=row.id,  # paying the plan after all, and carrying out the request, are one payment
        payment_hash=said["terms"].get("payment_hash"),
    )
    return file(ws, wallet, draft)


def _file(ws: Workspace, wallet: KnownWallet | None, draft: Draft, prefix: str, status: str) -> RequestRow:
    id = new_id(prefix)
    reference = draft.reference or (id if draft.meaning is not None else None)
    me = signatures.myself()
    home = marks.home(ws.store)
    clock = ws.store.clock
    life_s = PLAN_LIFE_S if status == "planned" else draft.life_s
    with ws.store.write() as db:
        filed = clock.now()
        wall = int(clock.on_the_wall(filed))
        text, body = written.written(
            {
                "amani_request": written.FORMAT,
                "ledger": home,
                "id": id,
                "what": draft.what,
                "wallet": _wallet(wallet),
                "sums": {unit: _number(amount) for unit, amount in draft.sums.items()},
                "max_fees": {unit: _number(amount) for unit, amount in draft.max_fees.items()},
                "terms": {**draft.terms, "meaning": None if draft.meaning is None else str(draft.meaning)},
                "memo": draft.memo,
                "reference": reference,
                "requested_by": {"actor": ws.said.actor, "os_user": me.os_user, "host": me.host},
                "created_at": to_rfc3339(wall),
                "expires_at": to_rfc3339(wall + life_s),
            }
        )
        if status != "planned" and reference is not None and draft.meaning is not None:
            earlier = _taken(db, reference, draft, filed)
            if earlier is not None:
                return earlier
        requests.insert(
            db,
            id=id,
            status=status,
            what=draft.what,
            identity=body.identity,
            body=text,
            digest=body.digest,
            reference=reference,
            actor=ws.said.actor,
            os_user=me.os_user,
            host=me.host,
            filed=filed,
            ends=filed + life_s,
            reason=ws.said.reason,
            changed_at=to_rfc3339(wall),
        )
        if status == "planned":
            requests.drop_plans(db, filed - 24 * 3600)
        else:
            standing.audit_step(ws, db, body, f"filed: {body.what} {telling.destination(body)}".strip())
        row = requests.by_id(db, id)
    assert row is not None
    return row


def _taken(db: Any, reference: str, draft: Draft, moment: float) -> RequestRow | None:
    """Take the reference, or find the live request that has it. Raises for what was sent before."""
    assert draft.meaning is not None
    target = references.claim(db, reference, draft.meaning)
    sent = journal.standing(db, target)
    if sent is None and draft.payment_hash is not None:
        sent = journal.sent_for(db, draft.payment_hash)
    if sent is not None and sent.status != "failed":
        raise errors.RefusedByPolicy(
            f"this was sent before ({sent.id}, {sent.status}); nothing was filed",
            code="REFERENCE_TAKEN",
            retry="never",
            id=sent.id,
            hint=f"See: amani history show {sent.id}",
        )
    return requests.live(db, reference, moment)


def _wallet(wallet: KnownWallet | None) -> dict[str, str]:
    if wallet is None:
        return {"name": "", "identity": "", "provider": "", "server": ""}
    known.identify(wallet)
    return {
        "name": wallet.name,
        "identity": wallet.identity,
        "provider": wallet.provider,
        "server": server_of(wallet.url),
    }


def _number(amount: Decimal | int) -> str:
    return format(Decimal(amount), "f")


def of_change(change: Change) -> Draft:
    """A change of the rules, as it is filed."""
    return Draft(change.what, {}, {}, change.terms)
