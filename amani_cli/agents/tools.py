"""What an agent may ask for. Each is a command's own function, for the wallets that this door was opened for alone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from amani_cli import amounts, errors, explanations
from amani_cli.books import history
from amani_cli.destinations import looking, ordering, payers, reading
from amani_cli.invoices import desk, lightning
from amani_cli.models.money import Balances, Money
from amani_cli.models.requests import AgentPlan
from amani_cli.operations import tracing
from amani_cli.payments import earlier
from amani_cli.requests import drafts, filing, running, standing
from amani_cli.rules import agents as agents_rules
from amani_cli.rules import approval, budgets, lines, written
from amani_cli.store import requests
from amani_cli.store.listing import Filter
from amani_cli.store.rows import RequestRow
from amani_cli.times import parse_duration
from amani_cli.wallets import balances, finding, known
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

LONGEST_TEXT = 4096


class Agent(NamedTuple):
    """Who is at the door, and the names of the wallets that it was opened for; the first is meant if none is said."""

    name: str
    wallets: tuple[str, ...]


class Call(NamedTuple):
    """One call of a tool: the workspace that was made for it, who calls, and the arguments."""

    ws: Workspace
    agent: Agent
    said: dict[str, Any]


class Tool(NamedTuple):
    """One tool: what it says of itself, its arguments (all of them text but where said), which must be given, and the
    command whose document it answers with."""

    says: str
    arguments: dict[str, str]
    required: tuple[str, ...]
    document: str
    does: Callable[[Call], Any]


def balance(call: Call) -> Any:
    """What the wallets hold, asked live."""
    found, failed = balances.balances(call.ws, [_wallet(call.ws, call.agent, name) for name in call.agent.wallets])
    for error in failed:
        call.ws.talk.warn(error.message)
    if failed and not found.items:
        raise failed[0]
    assert isinstance(found, Balances)
    return found


def decode(call: Call) -> Any:
    """What an invoice asks for, offline; for an address or link its server is asked."""
    return looking.looked_at(call.ws, _wallet(call.ws, call.agent, None), call.said["text"])


def invoice_create(call: Call) -> Any:
    """Ask for money."""
    wallet = _wallet(call.ws, call.agent, call.said.get("wallet"))
    wallet.must_be("lnbits")
    amount = amounts.parse_amount(call.said["amount"])
    if isinstance(amount, str):
        raise errors.Usage("an invoice is over an amount", code="BAD_AMOUNT", hint="E.g. 1000sat.")
    memo = lightning.check_memo(call.said.get("memo", ""))
    expiry = parse_duration(call.said.get("expiry", "1h"))
    return lightning.create(call.ws, wallet, amount, memo, expiry, reference=call.said.get("reference"))


def invoice_check(call: Call) -> Any:
    """Whether an invoice was paid."""
    wallet, _ = desk.locate(call.ws, call.said["hash"], call.agent.wallets[0])
    _refuse_foreign(call.agent, wallet)
    return desk.check(call.ws, call.said["hash"], wallet.name)


def plan(call: Call) -> AgentPlan:
    """Resolve, decode and price a payment; ten minutes long `pay` makes it, and nothing else."""
    wallet = _wallet(call.ws, call.agent, call.said.get("wallet"))
    to = reading.read(call.ws, call.said["dest"])
    amount = amounts.parse_amount(call.said["amount"]) if call.said.get("amount") else None
    if amount == "max":
        raise errors.Usage("an agent names the amount", code="BAD_AMOUNT", hint="E.g. 1000sat.")
    if to.payout is not None:
        drawn = _payout(call.ws, wallet, to, call.said, amount)
    else:
        wallet.must_be("lnbits")
        most = call.said.get("max_fee")
        wish = ordering.Wish(
            to,
            amount,
            comment=call.said.get("comment", ""),
            memo=call.said.get("memo", ""),
            max_fee_msat=None if most is None else 0 if most == "0" else amounts.parse_msat(most),
            payer=payers.said(None, None, None),
        )
        found = drafts.pay(call.ws, wallet, wish)
        assert isinstance(found, drafts.Drawn)  # only 'max' can come to nothing
        drawn = found
    row = filing.plan(call.ws, wallet, drawn.draft)
    return _planned(call.ws, wallet, row, drawn)


def pay(call: Call) -> Any:
    """Pay a plan, once; the same plan again gives the receipt."""
    row = _own_plan(call.ws, call.agent, call.said["plan_id"])
    if row is None:
        entry = requests.entry_of(call.ws.store, call.said["plan_id"])
        if entry is None or entry.actor != call.agent.name:
            raise _no_plan()
        return earlier.again(call.ws, entry)
    return running.pay_plan(call.ws, row, _of(call.ws, call.agent, row))


def request(call: Call) -> Any:
    """File a plan for a person to approve and carry out."""
    row = _own_plan(call.ws, call.agent, call.said["plan_id"])
    if row is None:
        raise _no_plan()
    if row.ends <= call.ws.store.clock.now():
        raise running.plan_expired(row)
    return standing.view(call.ws, filing.of_plan(call.ws, _of(call.ws, call.agent, row), row))


def listed(call: Call) -> Any:
    """The last payments of one wallet."""
    wallet = _wallet(call.ws, call.agent, call.said.get("wallet"))
    limit = call.said.get("limit", 20)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 100:
        raise errors.Usage("limit is a number from 1 to 100")
    return history.listed(call.ws, Filter(wallet_id=wallet.id, limit=limit))


def trace(call: Call) -> Any:
    """What became of a payment, without names, memos and addresses."""
    return tracing.trace(call.ws, call.said["anything"], redacted=True)


def explain(call: Call) -> Any:
    """What a code means."""
    return explanations.explain(call.said["code"])


TOOLS: dict[str, Tool] = {
    "balance": Tool("What the wallets hold, asked live.", {}, (), "wallet balance --all", balance),
    "decode": Tool(
        "What an invoice, Lightning address or LNURL asks for. Nothing is paid.",
        {"text": "The invoice, address, LNURL or link."},
        ("text",),
        "invoice decode",
        decode,
    ),
    "invoice_create": Tool(
        "Ask for money: makes a Lightning invoice.",
        {
            "amount": "How much, e.g. 1000sat or 5USD.",
            "memo": "What it is for; the payer sees it.",
            "expiry": "How long it can be paid, e.g. 15m or 24h (1h).",
            "reference": "A word of yours: the same one again returns the same invoice.",
            "wallet": "Which wallet, if there are several.",
        },
        ("amount",),
        "invoice create",
        invoice_create,
    ),
    "invoice_check": Tool(
        "Whether an invoice was paid, asked live.",
        {"hash": "Its payment hash, bolt11 or reference."},
        ("hash",),
        "invoice check",
        invoice_check,
    ),
    "plan": Tool(
        "Resolve and price a payment. Nothing is sent: pay(plan_id) sends exactly this, within ten minutes.",
        {
            "dest": "An invoice, Lightning address, LNURL or contact; bank: or momo: from a Fincra wallet.",
            "amount": "How much, e.g. 1000sat, 5USD, 5000NGN; left out for an invoice that says it.",
            "max_fee": "The most that the fee may be, e.g. 10sat.",
            "memo": "A note for the wallet's own history.",
            "comment": "A word for the payee, where its server takes one.",
            "wallet": "Which wallet, if there are several.",
        },
        ("dest",),
        "mcp plan",
        plan,
    ),
    "pay": Tool(
        "Pay a plan, once. The same plan_id again returns the receipt and sends nothing. If the outcome is unknown, do"
        " not pay it in another way: ask trace, or call pay with the same plan_id.",
        {"plan_id": "What plan returned."},
        ("plan_id",),
        "pay",
        pay,
    ),
    "request": Tool(
        "File a plan that you may not pay yourself, for a person to approve and carry out elsewhere.",
        {"plan_id": "What plan returned."},
        ("plan_id",),
        "request show",
        request,
    ),
    "history": Tool(
        "The last payments of a wallet, newest first.",
        {"limit": "How many, a number up to 100 (20).", "wallet": "Which wallet, if there are several."},
        (),
        "history list",
        listed,
    ),
    "trace": Tool(
        "What became of a payment or invoice: asks here and at the provider, changes nothing.",
        {"anything": "An id, plan_id, payment hash, bolt11 or reference."},
        ("anything",),
        "trace",
        trace,
    ),
    "explain": Tool(
        "What an exit code or error code means, whether money moved, and what to do.",
        {"code": "E.g. 8 or OUTCOME_UNKNOWN."},
        ("code",),
        "explain",
        explain,
    ),
}


def called(ws: Workspace, agent: Agent, name: str, said: dict[str, Any]) -> Any:
    """Do what a tool does. Raises `errors.Usage` for a tool or argument that there is not."""
    tool = TOOLS.get(name)
    if tool is None:
        raise errors.Usage(f"no tool '{name[:40]}'", hint=f"There are: {', '.join(TOOLS)}.")
    for key, value in said.items():
        if key not in tool.arguments:
            raise errors.Usage(
                f"{name} takes no '{key[:40]}'", hint=f"It takes: {', '.join(tool.arguments) or 'nothing'}."
            )
        if key != "limit" and (not isinstance(value, str) or len(value) > LONGEST_TEXT or "\0" in value):
            raise errors.Usage(f"{key} is a text of up to {LONGEST_TEXT} characters")
    missing = [key for key in tool.required if not said.get(key)]
    if missing:
        raise errors.Usage(f"{name} needs {', '.join(missing)}")
    trimmed = {key: value.strip() if isinstance(value, str) else value for key, value in said.items()}
    return tool.does(Call(ws, agent, trimmed))


def _wallet(ws: Workspace, agent: Agent, name: str | None) -> KnownWallet:
    """One of the wallets that the door was opened for."""
    wallet = finding.resolve(ws, name or agent.wallets[0])
    _refuse_foreign(agent, wallet)
    return wallet


def _refuse_foreign(agent: Agent, wallet: KnownWallet) -> None:
    if wallet.name not in agent.wallets:
        raise errors.NotFound(
            "no such wallet here", code="NO_SUCH_WALLET", hint=f"There are: {', '.join(agent.wallets)}."
        )


def _of(ws: Workspace, agent: Agent, row: RequestRow) -> KnownWallet:
    """The wallet that a plan is for."""
    for name in agent.wallets:
        wallet = finding.resolve(ws, name)
        known.identify(wallet)
        if wallet.identity == row.identity:
            return wallet
    raise _no_plan()


def _own_plan(ws: Workspace, agent: Agent, id: str) -> RequestRow | None:
    """This agent's plan of an id, if it is kept still."""
    row = requests.by_id(ws.store, id)
    return row if row is not None and row.id.startswith("plan_") and row.actor == agent.name else None


def _no_plan() -> errors.NotFound:
    return errors.NotFound("no such plan of yours", code="NO_SUCH_PLAN", hint="Make one with the tool plan.")


def _payout(ws: Workspace, wallet: KnownWallet, to: Any, said: dict[str, Any], amount: Any) -> drafts.Drawn:
    from amani_cli.fiat import orders
    from amani_cli.wallets import businesses

    wallet.must_be("fincra")
    if amount is None:
        raise errors.Usage("how much?", code="BAD_AMOUNT", hint="E.g. 5000NGN.")
    value = businesses.amount(wallet, said["amount"])
    return drafts.pay_out(ws, wallet, to, orders.Order(to.payout, value, value.currency, memo=said.get("memo", "")))


def _planned(ws: Workspace, wallet: KnownWallet, row: RequestRow, drawn: drafts.Drawn) -> AgentPlan:
    body = written.read(row)
    shown = standing.of_body(body)
    ((unit, amount),) = body.sums.items()
    fee = body.fees.get(unit, Decimal(0))
    why = None
    try:
        spend = lines.Spend(unit, amount, fee, body.terms["payee"])
        agents_rules.require(ws, ws.store, wallet, spend)
        if unit == "msat":
            budgets.check(ws, wallet, int(amount), int(fee))
        else:
            budgets.check_fiat(ws, wallet, amount, unit)
        if approval.check_pin(ws, wallet, amount, unit):
            why = f"this needs the PIN of wallet '{wallet.name}', which no agent can give"
    except errors.RefusedByPolicy as refused:
        why = refused.message
    return AgentPlan(
        plan_id=row.id,
        wallet=wallet.name,
        destination=shown.destination,
        description=getattr(drawn.plan, "description", None) or shown.memo,
        details=shown.details,
        may_pay=why is None,
        why_not=why,
        sufficient=bool(drawn.plan.sufficient),
        expires_at=shown.expires_at,
        amount_msat=shown.amount_msat,
        max_fee_msat=shown.max_fee_msat,
        amount=None if unit == "msat" else Money(amount, unit),
    )
