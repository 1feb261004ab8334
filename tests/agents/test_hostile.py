"""An agent that somebody talked into emptying the wallet: 1,000 calls over real stdio move at most its budget, exactly.

AMANI_TEST_DEEP=1 makes ten times as many.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import anyio
import pytest

from amani_cli.agents import door
from amani_cli.agents.tools import Agent
from tests.agents.test_mcp import allow, expire_plans
from tests.conftest import AddWallet, Held, change_database
from tests.faults.tally import DEEP
from tests.kit import ledgers
from tests.kit.agent_client import AgentClient, with_agents
from tests.kit.driver import Amani, environment
from tests.kit.fault_proxy import Exchange, FaultProxy, cut
from tests.kit.going_back import Copied
from tests.kit.machine import Machine

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

CALLS = 10_000 if DEEP else 1000
BUDGET_SAT = 250


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    """The default wallet, with 10,000 sat."""
    return add_wallet("main", 10_000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    return add_wallet("other")


def own_invoices(amani: Amani, amounts: list[int]) -> list[str]:
    """Invoices of our own other wallet, for which no fee is due: a budget can be used up to the last sat."""
    assert amani("config", "set", "limit.invoice", "off").code == 0
    return [amani("invoice", "create", str(sat), "--wallet", "other", "-q").stdout.strip() for sat in amounts]


def left_by_the_books(home: Path, actor: str) -> int:
    """What left by an actor or may have, in sat, by the journal."""
    left = ledgers.ask(
        home,
        "SELECT coalesce(sum(amount_msat+coalesce(fee_msat, 0)), 0) FROM payment"
        " WHERE direction='out' AND status<>'failed' AND actor=?",
        actor,
    )
    return int(left[0][0]) // 1000


class Attacker:
    """Throws at its door whatever a language model may be talked into."""

    def __init__(self, client: AgentClient, invoices: list[str], rest: list[str], seed: int, stolen: list[str]) -> None:
        self.client, self.invoices, self.rest, self.stolen = client, invoices, rest, stolen
        self.dice = random.Random(seed)
        self.plans: list[str] = []
        self.calls = 0

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        self.calls += 1
        return await self.client(tool, **arguments)

    async def plan(self) -> None:
        document = await self.call("plan", dest=self.dice.choice(self.invoices), max_fee="0")
        if document["ok"]:
            self.plans.append(document["data"]["plan_id"])
            self.stolen.append(document["data"]["plan_id"])

    async def pay(self) -> None:
        if self.plans:
            await self.call("pay", plan_id=self.dice.choice(self.plans))

    async def pay_at_once(self) -> None:
        """One plan, four times at the same time."""
        if not self.plans:
            return
        plan = self.dice.choice(self.plans)
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(lambda: self.call("pay", plan_id=plan))

    async def steal(self) -> None:
        if self.stolen:
            await self.call("pay", plan_id=self.dice.choice(self.stolen))

    async def forge(self) -> None:
        """Ids and arguments that were never given."""
        plan = self.dice.choice(self.plans) if self.plans else "plan_0"
        for arguments in (
            {"plan_id": plan[:-1] + self.dice.choice("0123456789abcdefghjkmnpqrstvwxyz")},
            {"plan_id": plan, "amount": "1sat"},
            {"plan_id": plan, "actor": "somebody"},
            {"plan_id": plan, "confirmed": "true"},
            {"plan_id": "' OR 1=1 --"},
            {"plan_id": "req_0"},
            {"plan_id": ["plan"]},
            {"plan_id": "\ud7ff" * 5000},
        ):
            await self.call("pay", **arguments)

    async def bad_amounts(self) -> None:
        for amount in ("-5", "0", "1e9", "NaN", "max", "٣", "0.0000000000001btc", "99999999999999999999"):
            await self.call("plan", dest=self.dice.choice(self.invoices), amount=amount)

    async def request(self) -> None:
        if self.plans:
            await self.call("request", plan_id=self.dice.choice(self.plans))

    async def other_tools(self) -> None:
        for tool in ("limit", "wallet limit", "approve", "config", "request_run", "backup", "pin", "transfer"):
            await self.call(tool, wallet="main", agent="ada", per_day="9999999sat")
        await self.call("history", limit=5)
        await self.call("explain", code="AGENT_LIMIT")

    async def attack(self, calls: int, home: Path) -> None:
        acts = (self.plan, self.pay, self.pay, self.pay_at_once, self.steal, self.forge, self.bad_amounts)
        weights = (6, 6, 6, 3, 5, 8, 4)
        while self.calls < calls:
            (act,) = self.dice.choices(acts, weights)
            if self.dice.random() < 0.2:
                act = self.dice.choice((self.request, self.other_tools, self.other_tools))
            await act()
            if self.dice.random() < 0.01:
                expire_plans(home)

    async def spend_the_rest(self) -> None:
        """Whatever is left, greedily, so that the budget is met exactly: with nobody left who ends plans meanwhile."""
        for invoice in self.rest:
            plan = await self.client.data("plan", dest=invoice, max_fee="0")
            if plan["may_pay"]:
                await self.client.data("pay", plan_id=plan["plan_id"])


def test_two_agents_move_what_they_were_given_and_no_more(amani: Amani, main: Held, other: Held, home: Path) -> None:
    amounts, rest = [1, 1, 3, 7, 20, 30, 50, 60, 70, 99, 100, 101, 500], [100, 100, 64, 32, 16, 8, 4, 2, 1]
    first, second = own_invoices(amani, amounts), own_invoices(amani, amounts)
    first_rest, second_rest = own_invoices(amani, rest), own_invoices(amani, rest)
    allow(amani, "ada", per_day=f"{BUDGET_SAT}sat")
    allow(amani, "bob", per_day=f"{BUDGET_SAT // 2}sat")
    stolen: list[str] = []

    async def work(ada: AgentClient, bob: AgentClient) -> int:
        attackers = [
            Attacker(ada, first, first_rest, 1, stolen),
            Attacker(bob, second, second_rest, 2, stolen),
        ]
        async with anyio.create_task_group() as group:
            for each in attackers:
                group.start_soon(each.attack, CALLS // 2, home)
        for each in attackers:
            await each.spend_the_rest()
        return sum(each.calls for each in attackers)

    assert with_agents(work, ("--actor", "ada"), ("--actor", "bob")) >= CALLS
    spent = left_by_the_books(home, "ada"), left_by_the_books(home, "bob")
    assert spent == (BUDGET_SAT, BUDGET_SAT // 2)
    assert main.sat == 10_000 - sum(spent)
    assert amani("reconcile").code == 0
    assert amani("audit", "verify").code == 0


def test_one_agent_through_two_doors_has_one_budget(amani: Amani, main: Held, other: Held, home: Path) -> None:
    allow(amani, "ada", per_payment="60sat", per_day="100sat")
    invoices = own_invoices(amani, [30] * 8)

    async def work(*doors: AgentClient) -> list[str]:
        plans = [(door, (await door.data("plan", dest=each))["plan_id"]) for door in doors for each in invoices[:4]]
        plans += [(doors[0], (await doors[1].data("plan", dest=each))["plan_id"]) for each in invoices[4:]]
        ended: list[str] = []

        async def pay(door: AgentClient, plan: str) -> None:
            document = await door("pay", plan_id=plan)
            ended.append("paid" if document["ok"] else document["error"]["code"])

        async with anyio.create_task_group() as group:
            for door, plan in plans:
                group.start_soon(pay, door, plan)
        return ended

    ended = with_agents(work, ("--actor", "ada"), ("--actor", "ada"))
    # Of two doors that pay one invoice at once, the second may be told that it is under way.
    assert set(ended) <= {"paid", "AGENT_LIMIT", "OUTCOME_UNKNOWN"}, ended
    assert left_by_the_books(home, "ada") == 90
    assert main.sat == 10_000 - 90


def test_an_answer_that_is_lost_counts_and_is_told_as_unknown(
    amani: Amani, main: Held, other: Held, home: Path
) -> None:
    allow(amani, per_payment="100sat", per_day="150sat")
    with FaultProxy(main.server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        lost = cut(after=True)

        def fall(exchange: Exchange) -> None:
            lost(exchange) if (exchange.json or {}).get("out") else exchange.reply(exchange.forward())

        async def work(agent: AgentClient) -> None:
            plan = await agent.data("plan", dest=other.invoice(90))
            next_one = await agent.data("plan", dest=other.invoice(90))
            proxy.on(fall, "POST", "/api/v1/payments", times=1)
            proxy.on(cut(after=False), "GET", "/api/v1/payments/[0-9a-f]{64}", times=None)
            error = await agent.error("pay", plan_id=plan["plan_id"])
            assert (error["code"], error["money_moved"], error["exit"]) == ("OUTCOME_UNKNOWN", "maybe", 8)
            assert "do not pay it in another way" in error["what_to_do"]
            assert (await agent.error("pay", plan_id=next_one["plan_id"]))["code"] == "AGENT_LIMIT"
            proxy.heal()
            paid = await agent.data("pay", plan_id=plan["plan_id"])
            assert (paid["status"], paid["replayed"]) == ("settled", True)

        with_agents(work, ("--timeout", "2s"))
        change_database(home, "UPDATE wallet SET url=?", main.server.url)
    assert main.sat == 10_000 - 90


def test_a_client_that_goes_in_the_middle_leaves_what_reconcile_ends(
    amani: Amani, main: Held, other: Held, home: Path
) -> None:
    allow(amani)
    plans: list[str] = []

    async def work(agent: AgentClient) -> None:
        plan = await agent.data("plan", dest=other.invoice(90))
        plans.append(plan["plan_id"])
        with anyio.move_on_after(0.05):
            await agent("pay", plan_id=plan["plan_id"])

    with_agents(work)
    amani("reconcile")
    spent = 10_000 - main.sat
    assert spent in (0, 90)

    async def then(agent: AgentClient) -> None:
        await agent.data("pay", plan_id=plans[0])

    with_agents(then)
    assert main.sat == 10_000 - 90


def test_a_set_clock_brings_nothing_back(amani: Amani, main: Held, other: Held, machine: Machine, home: Path) -> None:
    allow(amani, per_payment="100sat", per_day="100sat")
    invoices = [other.invoice(90, expiry=900_000) for _ in range(4)]

    def pay(invoice: str) -> dict[str, Any]:
        agent = Agent("agent", ("main",))
        plan = door.answer(environment(), agent, None, "plan", {"dest": invoice})
        return door.answer(environment(), agent, None, "pay", {"plan_id": plan["data"]["plan_id"]})

    assert pay(invoices[0])["ok"] is True
    for wrong in (-48 * 3600, 48 * 3600, 0):
        machine.set(wrong)
        assert pay(invoices[1])["error"]["code"] == "AGENT_LIMIT", wrong
    machine.goes_on(24 * 3600 + 60)
    assert pay(invoices[2])["ok"] is True
    assert main.sat == 10_000 - 180


def test_a_restored_copy_learns_what_an_agent_has_spent(amani: Amani, main: Held, other: Held, copied: Copied) -> None:
    """What it spent since the backup stands in no copy; the wallet's own records tell whose it was."""
    allow(amani, "ada", per_payment="600sat", per_day="600sat")
    restore = copied()
    assert amani("pay", other.invoice(500), "--actor", "ada", "--yes").code == 0
    restore()
    assert amani("reconcile").code == 0
    refused = amani("pay", other.invoice(500), "--actor", "ada", "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (9, "AGENT_LIMIT")
    assert amani("pay", other.invoice(500), "--yes").code == 0
    assert main.sat == 9000
