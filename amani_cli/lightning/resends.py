"""Going on with a payment that never arrived: the same bolt11, under the same entry, where a server pays a hash once.

Nothing is begun here: the entry and what it reserves stay as they are, and an invoice of its own is never asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from amani_cli import clocks, errors
from amani_cli.models.payments import Payment
from amani_cli.payees import canonical
from amani_cli.payments import earlier, engine, receipts, verdict
from amani_cli.payments.rail import Rail
from amani_cli.payments.verdict import ABSENT, Found, Verdict, judge
from amani_cli.providers.base import PayAnswer, Record
from amani_cli.rules import agents, held, lines
from amani_cli.store import audit as audit_log
from amani_cli.store import journal
from amani_cli.store.entries import Entry
from amani_cli.store.rows import Transaction
from amani_cli.times import from_rfc3339, local
from amani_cli.wallets import servers
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:  # a provider's client would cost httpx at every start
    from amani_cli.providers.lnbits import Lnbits

# Each was shown to by tests/versions/test_paid_once.py, with an upstream that has ids of its own among what it tries.
# Before 1.0 none was, and 1.0.0 spends a balance twice: they never belong here.
PAYS_A_HASH_ONCE = frozenset({"1.3.1", "1.5.4", "1.6.2"})
# An invoice that ends while it is on its way would be paid all the same: LNbits does not look.
LEAST_LIFE_S = 5


class LightningRail(Rail, Protocol):
    """A rail of an LNbits wallet, by its admin key."""

    @property
    def client(self) -> Lnbits:
        """The line to its server."""
        ...


def go_on(
    ws: Workspace,
    wallet: KnownWallet,
    rail: LightningRail,
    row: Entry,
    *,
    agree: Callable[[], object] | None = None,
    wait: bool = True,
) -> Payment:
    """What became of an open payment; if its server has no record of it, the very same invoice is sent again.

    That can't pay twice, even if the first request should still arrive: the server must be of a version that was shown
    to pay a hash once, and is asked for it now. `agree` asks whoever must agree, before anything is sent, and raises to
    stop. What is answered to this proves nothing about the first request: our own record alone closes the entry, or
    its absence once the invoice has ended. Raises `errors.OutcomeUnknown` while it is open, and for an entry that can't
    be sent again with the way out; `errors.Rejected` and its like for one that failed.
    """
    if row.remote_wallet_id != wallet.remote_id:
        raise receipts.open_outcome(row, "another wallet's payment of this invoice is still open")
    row, found = _asked(ws, rail, row)
    if row.status != "unknown":
        return earlier.again(ws, row)
    _refuse(wallet, rail.client, row, found)
    try:
        if wallet.id != journal.OUTSIDE:
            held.refuse_held(ws, wallet)
        if agree is not None:
            agree()
    except errors.OutcomeUnknown:
        raise
    except errors.AmaniError as error:  # nothing was sent now, and the first time stays in doubt
        error.id, error.money_moved, error.retry = row.id, "maybe", "after_reconcile"
        raise
    _refuse_ended(wallet.url, row)  # while a yes or a PIN was waited for
    has_begun = _begin(ws, wallet, row)
    fresh = journal.by_id(ws.store, row.id)
    assert fresh is not None
    if not has_begun:  # another process has closed it meanwhile
        return earlier.again(ws, fresh)
    return _send(ws, wallet, rail, fresh, wait=wait)


def refuse_unproven(client: Lnbits, row: Entry) -> None:
    """Refuse to send a bolt11 again where nobody has shown that the server pays a hash once; it is asked for anew.

    Raises `errors.OutcomeUnknown`, with the way out.
    """
    version = servers.told_version(client)
    if version in PAYS_A_HASH_ONCE:
        return
    which = f"LNbits {version}" if version else "an LNbits that does not tell its version"
    raise _stuck(row, f"its server is {which}, which is not known to pay an invoice once however often it is sent")


def _asked(ws: Workspace, rail: LightningRail, row: Entry) -> tuple[Entry, Found]:
    """The entry, closed if what became of it is certain, and the record it was judged by."""
    try:
        found, never_arrived = engine.look(rail, row)
    except errors.AmaniError as error:
        raise receipts.open_outcome(row, f"what became of it could not be asked: {error.message}") from error
    return engine.close(ws, row, judge(None, found, never_arrived=never_arrived)), found


def _refuse(wallet: KnownWallet, client: Lnbits, row: Entry, found: Found) -> None:
    """Refuse what is not surely sent a first time or paid once."""
    if found != ABSENT:
        raise receipts.open_outcome(row, "this payment was sent before and is still in flight")
    if row.answered:
        raise receipts.open_outcome(row, "its server took this payment on, and has no record of it now")
    _refuse_ended(wallet.url, row)
    try:
        told = client.wallet().id
    except errors.AmaniError as error:
        raise receipts.open_outcome(row, f"its wallet could not be asked: {error.message}") from error
    if told != row.remote_wallet_id:  # the key of another wallet finds no record either
        raise receipts.open_outcome(row, f"the key at hand is not that of wallet '{row.wallet}'")
    refuse_unproven(client, row)


def _refuse_ended(url: str, row: Entry) -> None:
    if row.expires_at is None or from_rfc3339(row.expires_at).timestamp() <= clocks.best(url) + LEAST_LIFE_S:
        raise _stuck(row, "its invoice has ended")


def _stuck(row: Entry, why: str) -> errors.OutcomeUnknown:
    """The error for an entry that nothing can be done about but to wait."""
    error = receipts.open_outcome(row, f"this payment was sent before, its outcome is open and it can't go on: {why}")
    hint = _until_its_end(row)
    error.hint = hint[:1].upper() + hint[1:]
    return error


def _begin(ws: Workspace, wallet: KnownWallet, row: Entry) -> bool:
    """Write down, durably, that an entry is sent again; False if it is closed by now."""
    with ws.store.write() as db:
        if not journal.is_open(db, row.id):
            return False
        if wallet.id != journal.OUTSIDE:
            _require(ws, db, wallet, row)
        journal.update(db, row.id, resent=1)
        audit_log.append(
            db,
            row.kind,
            wallet=row.wallet,
            subject=row.id,
            amount_msat=row.amount_msat,
            outcome="sending again",
            actor=ws.said.actor,
            reason=ws.said.reason,
        )
    ws.talk.untold.begin(row.id)
    return True


def _require(ws: Workspace, db: Transaction, wallet: KnownWallet, row: Entry) -> None:
    """Hold what goes on to the line as it is now; what an agent began is reserved out of its budget already."""
    amount, fee = Decimal(row.amount_msat or 0), Decimal(row.reserved_msat - (row.amount_msat or 0))
    try:
        agents.require_standing(ws, db, wallet, row.actor, canonical.of_lightning(row.destination or ""))
        lines.require(ws, db, wallet, lines.Spend("msat", amount, fee), row.request_id or "")
    except errors.AmaniError as error:  # nothing was sent now, and the first time stays in doubt
        error.id, error.money_moved, error.retry = row.id, "maybe", "after_reconcile"
        if error.code == "NEEDS_APPROVAL" and row.request_id is None:
            # The line came later, and what was sent once is not filed any more.
            error.hint = f"Have the line raised to go on with it, or {_until_its_end(row)}"
        raise


def _until_its_end(row: Entry) -> str:
    ends = local(row.expires_at or row.created_at)
    return (
        f"wait until its invoice has ended ({ends}) and a little longer, then run: amani reconcile"
        f" {row.id}. What never arrived has failed then, and can be paid anew."
    )


def _send(ws: Workspace, wallet: KnownWallet, rail: LightningRail, row: Entry, *, wait: bool) -> Payment:
    from amani_cli.providers.http import NotSent

    told = engine.Told(
        f"sending it again from {wallet.name}",
        "interrupted after the payment was sent again",
        "the payment was sent again",
    )
    ws.talk.progress(told.doing)
    with engine.in_doubt(row, told):
        ws.talk.untold.sent(row.id)
        try:
            answer = rail.post(row)
        except NotSent as error:
            raise receipts.open_outcome(row, f"it could not be sent again: {error.message}") from error
        judged = _settle(ws, rail, row, answer, wait=wait)
        row = engine.close(ws, row, judged, answered=answer.accepted)
    if row.status == "unknown":
        raise receipts.open_outcome(row, f"the payment was sent again and its outcome is open: {judged.reason}")
    if row.status == "failed":
        raise verdict.failure(judged, row.id, wallet.url.split("://", 1)[-1], wallet.provider)
    return receipts.receipt(row, replayed=True)  # the entry is an earlier run's


def _settle(ws: Workspace, rail: LightningRail, row: Entry, answer: PayAnswer, *, wait: bool) -> Verdict:
    """Ask for our own record until it is certain or time is up.

    LNbits looks at balance and reserve before it looks for an earlier payment, so a refusal without a record is nothing
    to wait for, and no proof either.
    """
    if answer.record is not None and answer.record.status == "settled":
        return judge(answer, answer.record)

    def look() -> Verdict:
        try:
            found = rail.find(row)
        except errors.AmaniError as error:
            return Verdict("unknown", None, error.message)
        if isinstance(found, Record):
            return judge(answer, found)
        return Verdict("unknown", None, answer.reason or "the provider has no record of it yet")

    return engine.until_certain(ws, look, wait=wait and answer.heard not in ("failed", "refused", "limited"))
