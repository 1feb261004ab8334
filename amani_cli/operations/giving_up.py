"""Giving up what can never be asked again, so that it holds up nothing else: a person's word, in the audit log."""

from __future__ import annotations

from collections.abc import Callable

from amani_cli import errors
from amani_cli.cheques import standing
from amani_cli.models.operations import Reconciliation
from amani_cli.operations import restored
from amani_cli.payments import lightning_rail
from amani_cli.rules import consent, pins
from amani_cli.store import audit as audit_log
from amani_cli.store import cheques, holds, journal
from amani_cli.store.entries import Entry
from amani_cli.store.ledger import only
from amani_cli.store.rows import ChequeRow, HoldRow, Transaction
from amani_cli.text import quoted
from amani_cli.times import now
from amani_cli.wallets import environment, finding
from amani_cli.wallets.clients import lnbits_client
from amani_cli.workspace import Workspace

Confirm = Callable[..., None]

CLAIM_S = 86400
"""For so long what a claim by a link came to may still be told: a line that is down for an hour loses no wallet."""


def resolve(ws: Workspace, text: str, *, confirm: Confirm) -> Reconciliation:
    """Give up a held wallet (by the name it had, or its id) or a cheque (by its id), if it can't be asked now either.

    `confirm` is told what may be lost by it, and raises to stop. Raises `errors.NotFound` for what is neither, and
    `errors.RefusedByPolicy` for what still answers, and while a PIN is needed.
    """
    waiting = [row for row in restored.held(ws) if row.here > 0] if ws.has_store else []
    held = [row for row in waiting if text in (row.wallet, row.remote_id)]
    if len(held) > 1:
        ids = ", ".join(row.remote_id for row in held)
        raise errors.Usage(f"{len(held)} held wallets were called {quoted(text)}", code="AMBIGUOUS", hint=f"Say: {ids}")
    found = cheques.find(ws.store, text.strip()) if ws.has_store and not held else []
    if held:
        given_up = _wallet(ws, held[0], confirm)
    elif found:
        given_up = _cheque(ws, only(found, text, "cheque"), confirm)
    else:
        names = ", ".join(f"'{row.wallet}'" for row in waiting) or "none is"
        raise errors.NotFound(
            f"{quoted(text)} is no wallet that is held, and no cheque", hint=f"Held wallets: {names}."
        )
    return Reconciliation(0, 0, 0, 0, [], 0, [], [], [], given_up=[given_up])


def _wallet(ws: Workspace, row: HoldRow, confirm: Confirm) -> str:
    """Let references wait no longer for a wallet that is held. It stays held itself, in case it is found again."""
    done, _ = restored.read(ws, [row])
    if done:
        raise errors.RefusedByPolicy(
            f"wallet '{row.wallet}' answers, and has been read back now",
            code="NOT_LOST",
            hint="Run 'amani reconcile': it lets spending go on when its books agree.",
        )
    confirm(
        f"What wallet '{row.wallet}' ({row.remote_id}) paid since this copy was made will not be known here:"
        " a --reference that it paid for can be paid again, from another wallet.",
        "It stays held itself: should it be found again, 'amani reconcile' reads it back.",
    )
    held = {each.remote_id for each in holds.everything(ws.store)}
    for holder in pins.holders(ws, [*finding.registered(ws), *environment.in_environment(ws)]):
        if holder.identity not in held:  # of those nothing can be spent, and their PINs may be lost with them
            consent.require_pin(ws, holder, "giving up a held wallet")
    with ws.store.write() as db:
        holds.give_up(db, row.remote_id)
        _audit(ws, db, "hold", row.wallet, row.remote_id)
    return row.wallet


def _cheque(ws: Workspace, row: ChequeRow, confirm: Confirm) -> str:
    """Count a cheque whose wallet is out of reach as claimed: its money is not coming home. A claim by its link that is
    open counts as the one that had it."""
    if row.status in ("funding", "void", "expired") or (row.status == "claimed" and row.swept):
        raise errors.RefusedByPolicy(
            f"cheque {row.id} is {row.status}, and nothing waits for it",
            code="NOT_LOST",
            hint="'amani cheque list' shows how cheques stand; 'amani reconcile' goes on with one being written.",
        )
    try:
        with lnbits_client(ws, row.url, standing.keys_of(row)[1]) as client:
            try:
                client.wallet()
            except errors.AmaniError:  # one answer may be that to another question, or a moment's fault
                client.wallet()
    except errors.AmaniError as error:
        why = error.message
    else:
        raise errors.RefusedByPolicy(
            f"the wallet of cheque {row.id} answers", code="NOT_LOST", hint=f"Take it back: amani cheque void {row.id}"
        )
    _refuse_young(ws, row, cheques.claim_of(ws.store, row), why)
    confirm(
        f"Cheque {row.id}: {why}.",
        "It will count as claimed. If it was not, its money is lost here: whoever has its code can still draw it.",
        f"Before this, try 'amani cheque void {row.id}' with the login that it was written under.",
    )
    if holds.of_wallet(ws.store, row.identity) is None:
        consent.require_pin(ws, pins.Removed(row.wallet, row.identity), "giving up a cheque")
    with ws.store.write() as db:
        claim = cheques.claim_of(db, cheques.by_id(db, row.id) or row)
        _refuse_young(ws, row, claim, why)  # it may have begun while whoever is asked made up their mind
        cheques.update(db, row.id, status="claimed", swept=1)
        if claim is not None and claim.status == "unknown":
            journal.update(db, claim.id, status="settled", reserved_msat=0, settled_at=now())
        _audit(ws, db, "cheque", row.wallet, row.id)
    return row.id


def _refuse_young(ws: Workspace, row: ChequeRow, claim: Entry | None, why: str) -> None:
    """Refuse to count an open claim by a cheque's link as settled that began too lately for its server to be lost."""
    if claim is not None and claim.status == "unknown" and not lightning_rail.has_passed(ws, claim, row.url, CLAIM_S):
        raise errors.RefusedByPolicy(
            f"cheque {row.id} is out of reach ({why}), but a claim by its link began within the last day",
            code="NOT_LOST",
            hint="Run 'amani reconcile' when its server can be reached; a day after the claim it can be given up.",
        )


def _audit(ws: Workspace, db: Transaction, what: str, wallet: str, subject: str) -> None:
    audit_log.append(
        db, what, wallet=wallet, subject=subject, outcome="given up", actor=ws.said.actor, reason=ws.said.reason
    )
