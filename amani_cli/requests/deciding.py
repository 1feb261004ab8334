"""Agreeing to a request, refusing it, taking it back: in the ledger it was filed in, or by files from elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amani_cli import errors, files, locks
from amani_cli.models.requests import ApprovalFile, Request, RequestFile
from amani_cli.requests import standing
from amani_cli.rules import approver_key, quorum, signatures, written
from amani_cli.rules.signatures import APPROVE, REFUSE
from amani_cli.rules.written import Body
from amani_cli.store import approvers, marks, requests
from amani_cli.store.rows import ApproverRow, RequestRow, Transaction
from amani_cli.times import from_rfc3339, now
from amani_cli.workspace import Workspace

LONGEST_FILE = 1024 * 1024

Confirm = Callable[[Request], None]


def approve(ws: Workspace, text: str, confirm: Confirm) -> Request:
    """Sign a request of this ledger with this person's own key, once it was shown and a yes was given.

    Raises `errors.RefusedByPolicy` for one's own, one that is closed, and by whom who is no approver of it.
    """
    return _decide(ws, text, APPROVE, None, confirm)


def refuse(ws: Workspace, text: str, reason: str | None, confirm: Confirm) -> Request:
    """Refuse a request of this ledger: it is at its end, whoever else agreed."""
    return _decide(ws, text, REFUSE, reason, confirm)


def cancel(ws: Workspace, text: str) -> Request:
    """Take a request back that one filed oneself; what is under way is not stopped by it."""
    row = standing.must(ws, text)
    me = signatures.myself()
    if (row.os_user, row.host) != me:
        raise errors.RefusedByPolicy(
            f"request {row.id} was filed by {row.os_user}@{row.host}, and you are {me}",
            code="NOT_YOURS",
            retry="never",
            hint="An approver refuses it: amani request refuse ID",
        )
    with _stopping(ws, row.id) as alone, ws.store.write() as db:
        _, body = _still_open(ws, db, row.id, alone=alone)
        requests.set_status(db, row.id, "cancelled", reason=ws.said.reason)
        standing.audit_step(ws, db, body, "cancelled")
    return standing.shown(ws, row.id)


def exported(ws: Workspace, text: str) -> RequestFile:
    """A request as a file for another machine."""
    body = written.read(standing.must(ws, text))
    return RequestFile(body.said, body.digest)


def sign_file(ws: Workspace, text: str, verdict: str, reason: str | None, confirm: Confirm) -> ApprovalFile:
    """Sign a request that came as a file; the signature is a file to send back. Nothing here is written.

    Whether the key is an approver's is for the ledger at home to say.
    """
    said = _load(text)
    body = written.read_file(said.get("request"), said.get("digest"))
    own = approver_key.own(ws)
    _refuse_own(body, own.person)
    shown, ends = _as_it_says(body)
    moment = ws.store.clock.now() if ws.has_store else from_rfc3339(now()).timestamp()
    if ends <= moment:
        raise errors.RefusedByPolicy(
            f"request {body.id} has expired", code="REQUEST_EXPIRED", retry="never", hint="Have it filed anew."
        )
    confirm(shown)
    public = signatures.public_of(own.private)
    signature = signatures.sign(own.private, body.digest, verdict)
    word = "approve" if verdict == APPROVE else "refuse"
    return ApprovalFile(body.id, body.digest, word, public, signature, reason, now())  # type: ignore[arg-type]


def _as_it_says(body: Body) -> tuple[Request, float]:
    """A request of a file as it is shown, and when it ends: its terms are whatever somebody wrote into it.

    Raises `errors.Usage` for what no amani files.
    """
    try:
        from_rfc3339(str(body.said["created_at"]))
        return standing.of_body(body), from_rfc3339(str(body.said["expires_at"])).timestamp()
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError):
        raise errors.Usage(
            "this file is not a request as this amani knows them",
            code="BAD_REQUEST",
            hint="Have it exported once more; of a newer amani's, approve it with that one.",
        ) from None


def at_home(ws: Workspace, path: str) -> RequestRow:
    """The request of this ledger that a file is of: the ledger's own copy is what counts.

    Raises `errors.RefusedByPolicy` for one that was filed elsewhere, or that was edited.
    """
    said = _load(path)
    body = written.read_file(said.get("request"), said.get("digest"))
    if body.said["ledger"] != marks.home(ws.store):
        raise errors.RefusedByPolicy(
            f"request {body.id} was filed in another ledger, whose journal alone knows whether it was paid",
            code="OTHER_LEDGER",
            retry="never",
            hint="It is carried out where it was filed; here it can be approved: amani request approve FILE",
        )
    row = standing.must(ws, body.id)
    if row.digest != body.digest:
        raise written.edited(row.id)
    return row


def take_in(ws: Workspace, row: RequestRow, path: str) -> None:
    """Keep a signature that came as a file. Raises `errors.RefusedByPolicy` for one that is not of this request, or not
    by an approver of it."""
    said = _load(path)
    try:
        words = {name: str(said[name]) for name in ("request", "digest", "verdict", "public_key", "signature")}
    except KeyError:
        raise errors.Usage(
            f"{path} is no approval", code="BAD_APPROVAL", hint="It is what 'amani request approve FILE' prints."
        ) from None
    if words["verdict"] not in (APPROVE, REFUSE):
        raise errors.Usage(f"{path} is no approval", code="BAD_APPROVAL")
    if words["request"] != row.id or words["digest"] != row.digest:
        raise errors.RefusedByPolicy(
            f"{path} is about another request than {row.id}, or about another text of it",
            code="WRONG_APPROVAL",
            retry="never",
            hint="A signature holds for what was signed and nothing else.",
        )
    reason = said.get("reason")
    if any(each.signature == words["signature"] for each in requests.signatures(ws.store, row.id)):
        return  # the same command again, for the receipt
    with _stopping(ws, row.id) as alone, ws.store.write() as db:
        _keep(ws, db, row.id, words["verdict"], words["public_key"], words["signature"], _text(reason), alone=alone)


def _decide(ws: Workspace, text: str, verdict: str, reason: str | None, confirm: Confirm) -> Request:
    row = standing.must(ws, text)
    own = approver_key.own(ws)
    body = written.read(row)
    _refuse_own(body, own.person)
    public = signatures.public_of(own.private)
    _approver(ws, body, public)
    with _stopping(ws, row.id) as alone:
        _still_open(ws, ws.store, row.id, alone=alone and verdict == REFUSE)
    confirm(standing.view(ws, row))
    signature = signatures.sign(own.private, row.digest, verdict)
    with _stopping(ws, row.id) as alone, ws.store.write() as db:
        _keep(ws, db, row.id, verdict, public, signature, reason, alone=alone)
    return standing.shown(ws, row.id)


def _keep(
    ws: Workspace,
    db: Transaction,
    id: str,
    verdict: str,
    public: str,
    signature: str,
    reason: str | None,
    *,
    alone: bool,
) -> None:
    """Keep a signature, in the transaction that sees how the request stands."""
    row, body = _still_open(ws, db, id, alone=alone and verdict == REFUSE)
    known = _approver(ws, body, public)
    if not signatures.is_signed(public, row.digest, verdict, signature):
        raise errors.RefusedByPolicy(
            f"this is not {known.name}'s signature of request {id}",
            code="WRONG_APPROVAL",
            retry="never",
            hint="Have it signed once more.",
        )
    requests.sign(db, id, known.name, public, verdict, signature)
    if verdict == REFUSE:
        requests.set_status(db, id, "refused", reason=reason)
    standing.audit_step(ws, db, body, f"{'approved' if verdict == APPROVE else 'refused'} by {known.name}", reason)


def _approver(ws: Workspace, body: Body, public: str) -> ApproverRow:
    """Whose key it is, if they may approve this. Raises `errors.RefusedByPolicy`."""
    found = {row.public_key: row for row in approvers.approvers(ws.store)}.get(public)
    if found is None:
        raise errors.RefusedByPolicy(
            "your key is no approver's here",
            code="NOT_AN_APPROVER",
            retry="never",
            hint="Have it added: amani approver add NAME PUBLIC (amani approver show prints it).",
        )
    why = quorum.may_not(ws.store, body, found)
    if why:
        own = signatures.Person(found.os_user, found.host) == body.asker
        raise errors.RefusedByPolicy(
            f"{why}; nothing was signed",
            code="OWN_REQUEST" if own else "NOT_AN_APPROVER",
            retry="never",
            hint="Somebody else must approve it: amani approver list",
        )
    return found


def _refuse_own(body: Body, me: signatures.Person) -> None:
    if body.asker == me:
        raise errors.RefusedByPolicy(
            f"request {body.id} is your own ({me}), whatever --actor says; nothing was signed",
            code="OWN_REQUEST",
            retry="never",
            hint="Somebody else must approve it: amani approver list",
        )


@contextmanager
def _stopping(ws: Workspace, id: str) -> Iterator[bool]:
    """Whether nobody carries out a request that says it is running, for as long as this lasts: a run that was killed
    leaves it so. Raises `errors.Locked` while somebody does."""
    row = requests.by_id(ws.store, id)
    if row is None or row.status != "running":
        yield False
        return
    with locks.held(ws, f"request-{id}", f"request {id}"):
        yield True


def _still_open(ws: Workspace, db: Any, id: str, *, alone: bool) -> tuple[RequestRow, Body]:
    """A request that waits still, or of which a run that is over (we are `alone`) sent nothing.

    Raises `errors.RefusedByPolicy` for one that is at its end or under way.
    """
    row = requests.by_id(db, id)
    assert row is not None
    body = written.read(row)
    status = standing.status_of(ws, db, row, body)
    sent = any(each.status != "failed" for each in requests.entries(db, id))
    if status not in ("open", "approved") and not (alone and status == "running" and not sent):
        raise standing.closed(row, status)
    return row, body


def _load(path: str) -> dict[str, Any]:
    """A file that amani printed: the document, or what is in it."""
    try:
        if path == "-":
            text = sys.stdin.read(LONGEST_FILE + 1)
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(LONGEST_FILE + 1)
        if len(text) > LONGEST_FILE:
            raise ValueError
        said = json.loads(text)
        found = said.get("data", said)
        assert isinstance(found, dict)
        return found
    except OSError as error:
        raise files.cant_read(path, error) from None
    except (ValueError, AttributeError, AssertionError, RecursionError):
        raise errors.Usage(
            f"{path} is not a file of amani's", code="BAD_REQUEST", hint="Make one: amani request export ID"
        ) from None


def _text(value: object) -> str | None:
    return value[:500] if isinstance(value, str) else None
