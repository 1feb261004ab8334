"""Carrying a request out: once, as it was written down, by the engine that every command uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from amani_cli import errors, locks
from amani_cli.amounts import Fiat
from amani_cli.batch import crew, plans
from amani_cli.batch import running as batch_running
from amani_cli.cheques import links, writing
from amani_cli.destinations import contacts, ordering, reading
from amani_cli.destinations import paying as destinations_paying
from amani_cli.lightning import transfers as lightning_transfers
from amani_cli.models.cheques import Cheque
from amani_cli.models.payments import Payment, PayoutPlan, Plan
from amani_cli.models.requests import Request
from amani_cli.requests import standing
from amani_cli.rules import lines, quorum, written
from amani_cli.rules.changes import Change, apply, require_pins
from amani_cli.rules.written import CHANGES, Body
from amani_cli.store import approvers, marks, requests
from amani_cli.store.rows import RequestRow
from amani_cli.wallets import finding, rates
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

Shown = Plan | PayoutPlan


@dataclass(frozen=True)
class Person:
    """Who carries it out: how they are asked about a plan (None: a yes was given), about what has none (`agree`, told
    of the request), and how they hear of a batch's rows, and of cheques, whose codes are shown once. `wait` is whether
    they wait for the outcome of a slow payment."""

    confirm: Callable[[Shown], None] | None
    agree: Callable[[Request], None]
    on_row: crew.OnRow = lambda row, done, of: None
    on_cheque: Callable[[Cheque, int], None] = lambda cheque, of: None
    wait: bool = True


def run(ws: Workspace, row: RequestRow, person: Person) -> Any:
    """Carry a request out, or say again what became of it: a payment, cheques, a batch, or the request of a change.

    Enough approvals are needed first, and counted anew in the transaction that journals. However often and wherever
    at once it is run, it is sent once: its reference stands for one thing. Raises what the command itself raises.
    """
    if written.read(row).said["ledger"] != marks.home(ws.store):
        raise errors.RefusedByPolicy(
            f"request {row.id} was filed in another ledger", code="OTHER_LEDGER", retry="never", hint="Run it there."
        )
    with locks.held(ws, f"request-{row.id}", f"request {row.id}"):
        row = standing.must(ws, row.id)
        body = written.read(row)
        if body.what in CHANGES:
            return _change(ws, row, body, person)
        wallet = _wallet(ws, body)
        _begin(ws, row, body, person)
        ws.said.category = body.terms.get("category")
        with _carrying(ws, row, body):
            return _DOES[body.what](ws, wallet, body, person)


def pay_plan(ws: Workspace, row: RequestRow, wallet: KnownWallet) -> Payment:
    """Pay what an agent planned, by the plan's own id for a reference; the same plan again gives the receipt.

    No approval stands behind it: what is above the line is refused like any payment's. Raises what paying raises.
    """
    body = written.read(row)
    entry = standing.entry_of(ws.store, row)
    if entry is None and row.ends <= ws.store.clock.now():
        raise plan_expired(row)
    ws.said.category = None
    person = Person(lambda plan: None, lambda request: None)
    paid = _pay(ws, wallet, body, person)
    assert isinstance(paid, Payment)
    return paid


def plan_expired(row: RequestRow) -> errors.RefusedByPolicy:
    """The error for an agent's plan whose time is up."""
    return errors.RefusedByPolicy(
        f"plan {row.id} has expired", code="PLAN_EXPIRED", retry="never", hint="Plan it anew; nothing was sent."
    )


def _begin(ws: Workspace, row: RequestRow, body: Body, person: Person) -> None:
    """Note that a request is being carried out; what was carried out before is told again instead.

    Raises `errors.RefusedByPolicy` for what is closed, expired or not approved by enough.
    """
    status = standing.status_of(ws, ws.store, row, body)
    if status in ("settled", "failed", "unknown"):  # its reference knows: the receipt, or what is open is asked about
        if row.status == "open":
            _mark(ws, row, body, "running")
        return
    if status not in ("open", "approved", "running"):
        raise standing.closed(row, status)
    needed, counted = quorum.needed(ws.store, body), quorum.count(ws.store, body)
    if len(counted.names) < needed:
        raise lines.missing(body, counted, needed)
    person.agree(standing.view(ws, row))
    with ws.store.write() as db:
        fresh = requests.by_id(db, row.id)
        assert fresh is not None
        now = standing.status_of(ws, db, fresh, body)
        if now not in ("open", "approved", "running"):
            raise standing.closed(fresh, now)
        requests.set_status(db, row.id, "running")
        standing.audit_step(
            ws, db, body, f"carried out, approved by {', '.join(counted.names) or 'nobody: none is needed'}"
        )


@contextmanager
def _carrying(ws: Workspace, row: RequestRow, body: Body) -> Iterator[None]:
    """Have the run be that of a request, and write down how it ended: what was refused first can be tried again."""
    ws.mandate.request = row.id
    try:
        yield
    except errors.OutcomeUnknown:
        _mark(ws, row, body, "unknown")
        raise
    except errors.AmaniError:
        entry, under = standing.entry_of(ws.store, row), requests.entries(ws.store, row.id)
        # What is in doubt stays in doubt, whatever stood in the way of going on with it.
        sent = standing.outcome(body, entry, under)
        _mark(ws, row, body, sent or ("running" if entry or under else "open"))
        raise
    finally:
        ws.mandate.request = None


def _mark(ws: Workspace, row: RequestRow, body: Body, status: str) -> None:
    with ws.talk.once_paid("the request does not say so yet"), ws.store.write() as db:
        requests.set_status(db, row.id, status)
        if status != "running":
            standing.audit_step(ws, db, body, "stopped: nothing was sent" if status == "open" else status)


def _wallet(ws: Workspace, body: Body) -> KnownWallet:
    """The wallet that a request is for, whatever it is called here by now."""
    found = finding.with_identity(finding.everything(ws), body.identity)
    if found is None:
        raise errors.RefusedByPolicy(
            f"request {body.id} is for wallet '{body.wallet}' ({body.identity}), which is not known here",
            code="WRONG_WALLET",
            hint="A wallet of the same name is not enough: its id at its server is what counts.",
        )
    return found


def _pay(ws: Workspace, wallet: KnownWallet, body: Body, person: Person) -> Any:
    terms = body.terms
    to = reading.read(ws, terms["to"])
    if to.shown != terms["shown"]:
        raise errors.RefusedByPolicy(
            f"'{terms['to']}' meant {terms['shown']} when request {body.id} was filed and means {to.shown} now",
            code="NOT_AS_REQUESTED",
            retry="never",
            hint="Nothing was sent. File it anew.",
        )
    if to.payout is not None:
        return _settled(ws, body, _pay_out(ws, wallet, to, body, person))
    quoted = None if terms["quoted"] is None else rates.from_json(terms["quoted"])
    most = body.fees.get("msat")
    wish = ordering.Wish(
        to,
        Fiat(quoted.value, quoted.currency) if quoted is not None else _amount(terms, to),
        comment=terms["comment"],
        memo=body.said["memo"],
        reference=body.reference,
        max_fee_msat=None if most is None else int(most),
        max_slippage=None if terms["max_slippage"] is None else Decimal(terms["max_slippage"]),
        accept_change=terms["accept_change"],
        quoted=quoted,
        seen=terms["seen"],
        payer=terms["payer"],
    )
    confirm = person.confirm or _no_question
    return _settled(ws, body, destinations_paying.pay(ws, wallet, wish, confirm=confirm, wait=person.wait))


def _amount(terms: dict[str, Any], to: Any) -> int | None:
    return None if to.kind == "bolt11" else int(terms["amount_msat"])


def _pay_out(ws: Workspace, wallet: KnownWallet, to: Any, body: Body, person: Person) -> Payment:
    from amani_cli.fiat import orders

    terms = body.terms
    wanted = orders.Order(
        to.payout,
        Fiat(Decimal(terms["value"]), terms["currency"]),
        terms["source"],
        to_name=terms["to_name"],
        name_unverified=terms["name_unverified"],
        company=terms["company"],
        description=terms["description"],
        memo=body.said["memo"],
        reference=body.reference,
    )

    def confirm(plan: Shown) -> None:
        assert isinstance(plan, PayoutPlan)
        contacts.refuse_other(terms["shown"], terms["seen"], {"bank": plan.destination, "name": plan.payee})
        if person.confirm is not None:
            person.confirm(plan)

    accept = terms.get("accept_change", False)  # which older requests do not tell
    return destinations_paying.pay_out(ws, wallet, to, wanted, confirm=confirm, wait=person.wait, accept_change=accept)


def _transfer(ws: Workspace, wallet: KnownWallet, body: Body, person: Person) -> Payment:
    terms, memo = body.terms, str(body.said["memo"])
    target = finding.with_identity(finding.everything(ws), terms["target"])
    if target is None:
        raise errors.RefusedByPolicy(
            f"the wallet that request {body.id} moves money to ({terms['target']}) is not known here any more",
            code="WRONG_WALLET",
            hint="Add it again, or file the transfer anew.",
        )
    confirm = person.confirm or _no_question
    if "amount_msat" in terms:
        paid = lightning_transfers.transfer(
            ws, wallet, target, terms["amount_msat"], memo=memo, reference=body.reference, confirm=confirm
        )
    else:
        from amani_cli.fiat import transfers

        value = Fiat(Decimal(terms["value"]), terms["currency"])
        paid = transfers.transfer(ws, wallet, target, value, memo=memo, reference=body.reference, confirm=confirm)
    assert isinstance(paid, Payment)  # a request is over an amount
    _settled(ws, body, paid)
    return paid


def _convert(ws: Workspace, wallet: KnownWallet, body: Body, person: Person) -> Payment:
    from amani_cli.fiat import conversions

    terms = body.terms

    def confirm(plan: Shown) -> None:
        assert isinstance(plan, PayoutPlan)
        if plan.received.value < Decimal(terms["least"]):
            raise errors.RefusedByPolicy(
                f"by now it would bring {plan.received.value} {plan.received.currency}, less than the"
                f" {terms['least']} that request {body.id} allows",
                code="SLIPPAGE",
                hint="Nothing was exchanged. File it anew at the rate of now.",
            )
        if person.confirm is not None:
            person.confirm(plan)

    value = Fiat(Decimal(terms["value"]), terms["currency"])
    memo = str(body.said["memo"])
    done = conversions.convert(ws, wallet, value, terms["to"], memo=memo, reference=body.reference, confirm=confirm)
    _settled(ws, body, done)
    return done


def _cheques(ws: Workspace, wallet: KnownWallet, body: Body, person: Person) -> Any:
    """The cheques one by one, as they are written: each code is money, and shown at once."""
    terms = body.terms
    if terms["base_url"] is not None:
        _refuse_other_address(ws, body)
    wanted = writing.Wanted(
        terms["amount_msat"],
        body.said["memo"],
        terms["expires_s"],
        terms["count"],
        terms["outside"],
        body.reference,
        terms["lnurl"],
        terms["base_url"],
    )
    made = []
    for each in writing.write(ws, wallet, wanted, confirm=None):
        made.append(each)
        person.on_cheque(each, wanted.count)
    return _settled(ws, body, made)


def _batch(ws: Workspace, wallet: KnownWallet, body: Body, person: Person) -> Any:
    terms = body.terms
    plan = plans.load(Path(terms["path"]))
    if plan.hash != terms["plan"]:
        raise errors.RefusedByPolicy(
            f"{plan.path} is another plan than the one that request {body.id} is for",
            code="NOT_AS_REQUESTED",
            retry="never",
            hint="Put the plan back, or file the new one.",
        )
    if any(row.is_link for row in plan.rows):
        _refuse_other_address(ws, body)
    batch, interrupted = batch_running.run(
        ws,
        plans.purse_of(ws, plan, wallet.name),
        plan,
        jobs=terms["jobs"],
        stop_on_failure=terms.get("stop_on_failure", False),  # which older requests do not tell
        max_slippage=Decimal(terms["max_slippage"]),
        confirm=None,
        on_row=person.on_row,
    )
    if batch.settled == batch.rows:
        _settled(ws, body, batch)
    return batch, interrupted


def _refuse_other_address(ws: Workspace, body: Body) -> None:
    """Refuse links that would lead elsewhere than was agreed to; what is written from here on leads there."""
    now, agreed = links.base_url(ws), body.terms.get("base_url")
    if now != agreed:
        raise errors.RefusedByPolicy(
            f"links lead to {now} now, and request {body.id} is for links to {agreed or 'an address that it lacks'}",
            code="NOT_AS_REQUESTED",
            retry="never",
            hint="Set base_url back, or file it anew.",
        )
    ws.mandate.base_url = now


def _change(ws: Workspace, row: RequestRow, body: Body, person: Person) -> Request:
    """Make a change of the rules that was asked for; its own transaction counts who has signed."""
    if row.status == "settled":
        return standing.view(ws, row)
    status = standing.status_of(ws, ws.store, row, body)
    if status not in ("open", "approved"):
        raise standing.closed(row, status)
    wallet = None if body.identity == approvers.EVERY else _wallet(ws, body)
    change = Change(body.what, wallet, body.terms)
    _refuse_early(ws, row, body)
    needed, counted = quorum.needed(ws.store, body), quorum.count(ws.store, body)
    if len(counted.names) < needed:
        raise lines.missing(body, counted, needed)
    person.agree(standing.view(ws, row))
    require_pins(ws, change)
    with ws.store.write() as db:
        fresh = requests.by_id(db, row.id)
        assert fresh is not None
        now = standing.status_of(ws, db, fresh, body)
        if now not in ("open", "approved"):
            raise standing.closed(fresh, now)
        needed, counted = quorum.needed(db, body), quorum.count(db, body)
        if len(counted.names) < needed:
            raise lines.missing(body, counted, needed)
        apply(ws, db, change)
        requests.set_status(db, row.id, "settled")
        standing.audit_step(ws, db, body, f"done, approved by {', '.join(counted.names) or 'nobody'}")
    return standing.shown(ws, row.id)


def _refuse_early(ws: Workspace, row: RequestRow, body: Body) -> None:
    wait_s = int(body.terms.get("wait_s") or 0)
    if row.filed + wait_s > ws.store.clock.now():
        raise errors.RefusedByPolicy(
            f"request {row.id} can't be carried out yet: approvers have time to refuse it",
            code="TOO_EARLY",
            details={"opens_at": standing.view(ws, row).not_before},
            hint=f"See when: amani request show {row.id}",
        )


def _settled(ws: Workspace, body: Body, done: Any) -> Any:
    if ws.mandate.request is not None:
        row = requests.by_id(ws.store, body.id)
        if row is not None and row.status != "settled":
            _mark(ws, row, body, "settled")
    return done


def _no_question(plan: Shown) -> None:
    """A yes was given beforehand."""


_DOES: dict[str, Callable[[Workspace, KnownWallet, Body, Person], Any]] = {
    "pay": _pay,
    "transfer": _transfer,
    "wallet convert": _convert,
    "cheque create": _cheques,
    "batch run": _batch,
}
