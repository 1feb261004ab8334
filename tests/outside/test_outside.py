"""Payments that leave a real LNbits for another: a fee, a certain failure, a late outcome, a line that is lost.

Whatever happens between the two, the money on both servers is exact, the same command again pays once, and
`reconcile` ends.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.conftest import Held, change_database, write_key
from tests.kit.books import compared
from tests.kit.cheque_world import log_in
from tests.kit.driver import PATIENCE_S, Amani, Environment
from tests.kit.fault_proxy import Answer, Exchange, FaultProxy, cut, kill
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.outside_pair import FEE_MSAT, OutsidePair, as_it_is, charge, say, unknown_to_it, with_ids_of_its_own

pytestmark = [
    pytest.mark.lnbits,
    pytest.mark.faults,
    pytest.mark.since("1.6", "it calls failed what its upstream did not answer, or answered by an id of its own"),
]

SAT = 210
START = 5000
PAYMENTS = "/api/v1/payments"


@dataclass
class World:
    """`payer` on the second, by way of a proxy of its own; `till` on the first, which amani knows too."""

    amani: Amani
    folder: Path
    pair: OutsidePair
    payer: Held
    till: Held
    proxy: FaultProxy

    def books(self, paid_sat: int, fee_msat: int = 0) -> None:
        """Assert to the msat who holds what: the payer, the second's wallet on the first, and who was paid."""
        spent = paid_sat * 1000 + fee_msat
        assert self.pair.second.balance_msat(self.payer.read_key) == START * 1000 - spent
        assert self.pair.first.balance_msat(self.till.read_key) == paid_sat * 1000
        assert self.before - self.pair.funds_msat == paid_sat * 1000
        sent = self.pair.pays()
        assert len(sent) == len(set(sent)), "an invoice was sent outside twice"
        compared(self.amani, self.payer)

    before: int = 0


@pytest.fixture
def world(
    amani: Amani,
    tmp_path: Path,
    outside: OutsidePair,
    shared_keyring: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
    proxy = FaultProxy(outside.second.url)

    def add(name: str, server: LnbitsServer, url: str, sat: int) -> Held:
        held = Held(name, server, *server.new_wallet(sat), key_file=tmp_path / f"{name}.key")
        amani.secrets |= {held.admin_key, held.read_key}
        write_key(held.key_file, held.admin_key)
        added = amani("wallet", "add", name, "--url", url, "--key-file", held.key_file)
        assert added.code == 0, added
        return held

    payer = add("payer", outside.second, proxy.url, START)
    till = add("till", outside.first, outside.first.url, 0)
    outside.line.seen.clear()
    with proxy:
        yield World(amani, tmp_path, outside, payer, till, proxy, outside.funds_msat)


# -- each way out -------------------------------------------------------------------------------------------------


def pay(world: World) -> tuple[object, ...]:
    return ("pay", world.till.invoice(SAT), "--yes", "--json", "--timeout", "4s")


def transfer(world: World) -> tuple[object, ...]:
    return ("transfer", "till", SAT, "--reference", "r1", "--yes", "--json", "--timeout", "4s")


def batch(world: World) -> tuple[object, ...]:
    table, plan = world.folder / "people.csv", world.folder / "plan.json"
    table.write_text(f"to,memo\n{world.till.invoice(SAT)},one\n")
    assert world.amani("batch", "plan", table, "-o", plan, "--wallet", "payer").code == 0
    return ("batch", "run", plan, "--yes", "--timeout", "4s")


Way = Callable[[World], tuple[object, ...]]
each_way = pytest.mark.parametrize("way", [pay, transfer, batch], ids=lambda way: way.__name__)


@each_way
@pytest.mark.parametrize("own_ids", [False, True], ids=["by its hash", "by an id of its own"])
def test_settled_with_a_fee(amani: Amani, world: World, way: Way, own_ids: bool) -> None:
    words = way(world)
    if own_ids:
        with_ids_of_its_own(world.pair)
    else:
        world.pair.on_look(charge)
    fee = 0 if own_ids else FEE_MSAT
    for _ in range(2):
        assert amani(*words).code == 0
    item = amani("history", "list", "--wallet", "payer", "--json").data["items"][0]
    assert (item["status"], item["amount_msat"], item["fee_msat"]) == ("settled", SAT * 1000, fee)
    world.books(SAT, fee)
    assert amani("reconcile", "--json").data["unknown"] == 0


@each_way
def test_failed_for_certain(amani: Amani, world: World, way: Way) -> None:
    words = way(world)
    world.pair.on_pay(say(520, "no route", "failed"))
    refused = amani(*words)
    assert refused.code == (11 if way is batch else 6)
    item = amani("history", "list", "--wallet", "payer", "--json").data["items"][0]
    assert (item["status"], "no route" in item["failure"]) == ("failed", True)
    world.books(0)
    assert amani("reconcile", "--json").data["checked"] == 0


@each_way
@pytest.mark.parametrize("ends", ["settled", "failed"])
def test_pending_and_then_certain(amani: Amani, world: World, way: Way, ends: Literal["settled", "failed"]) -> None:
    """The first is slower than LNbits' patience and ours: its outcome is known later."""
    words = way(world)
    go_on, done = threading.Event(), threading.Event()

    def slowly(exchange: Exchange) -> None:
        go_on.wait(PATIENCE_S)
        with contextlib.suppress(OSError):  # LNbits has hung up by then
            (as_it_is if ends == "settled" else say(520, "no route", "failed"))(exchange)
        done.set()

    world.pair.on_pay(slowly)
    if ends == "failed":
        world.pair.on_look(lambda each: (failed if done.is_set() else unknown_to_it)(each))
    assert amani(*words).code == 8
    assert amani(*words).code == 8  # it is in flight: nothing is sent again
    assert amani("reconcile").code == 8
    held = world.pair.second.balance_msat(world.payer.read_key)
    assert held < (START - SAT) * 1000  # the amount and what it may cost
    go_on.set()
    assert done.wait(PATIENCE_S)
    asked = until_closed(amani)
    assert asked[ends] == 1
    if ends == "settled":
        assert amani(*words).code == 0
    world.books(SAT if ends == "settled" else 0)


def failed(exchange: Exchange) -> None:
    """The record of a payment that failed."""
    exchange.reply(Answer(200, b'{"paid":false,"status":"failed"}'))


def until_closed(amani: Amani) -> dict[str, int]:
    """Reconcile until nothing is open, which must come."""
    for _ in range(40):
        asked = amani("reconcile", "--json", "--no-books")
        if asked.code == 0:
            data = asked.data
            assert isinstance(data, dict)
            return data
    raise AssertionError(asked)


@each_way
@pytest.mark.parametrize("after", [False, True], ids=["before it paid", "after it paid"])
def test_the_upstream_is_lost(amani: Amani, world: World, way: Way, after: bool) -> None:
    """Nobody but the upstream knows: it stays open as long as LNbits can't tell, and is never sent again."""
    words = way(world)
    lost = threading.Event()
    world.pair.on_pay(cut(after=after))
    world.pair.on_look(lambda each: each.cut() if not lost.is_set() else as_it_is(each))
    assert amani(*words).code == 8
    assert amani(*words).code == 8
    assert amani("reconcile").code == 8
    lost.set()  # back again
    if after:
        assert until_closed(amani)["settled"] == 1
        assert amani(*words).code == 0
        world.books(SAT)
    else:  # LNbits itself asks its upstream, which has no record, and waits
        assert amani("reconcile").code == 8
        assert amani(*words).code == 8
        assert world.before == world.pair.funds_msat
    assert len(world.pair.pays()) == 1


@each_way
@pytest.mark.parametrize("after", [False, True], ids=["before it is heard", "after it is done"])
def test_killed_at_the_payment(amani: Amani, world: World, way: Way, after: bool) -> None:
    words = way(world)
    die = kill(after=after)

    def fall(exchange: Exchange) -> None:
        paying = exchange.json.get("out") is True
        die(exchange) if paying else exchange.reply(exchange.forward())

    world.proxy.victim = None
    world.proxy.on(fall, "POST", PAYMENTS, times=None)
    with amani.started(*words) as run:
        world.proxy.victim = run
        assert run.wait(PATIENCE_S) == -9
    world.proxy.heal()
    assert amani("reconcile").code == (0 if after else 8)
    assert amani(*words).code == 0  # what never arrived goes on
    world.books(SAT)
    assert amani("reconcile", "--json").data["unknown"] == 0


def test_killed_while_the_upstream_is_slow(amani: Amani, world: World) -> None:
    words = pay(world)
    go_on = threading.Event()

    def slowly(exchange: Exchange) -> None:
        world.proxy.await_victim().kill()
        go_on.wait(PATIENCE_S)
        exchange.reply(exchange.forward())

    world.pair.on_pay(slowly)
    with amani.started(*words) as run:
        world.proxy.victim = run
        assert run.wait(PATIENCE_S) == -9
    assert amani("pay", *words[1:]).code == 8
    go_on.set()
    assert until_closed(amani)["settled"] == 1
    assert amani(*words).data["replayed"] is True
    world.books(SAT)


def test_a_transfer_the_other_way_arrives_over_the_line(amani: Amani, world: World) -> None:
    """From the first, where it is internal, to an invoice of the second."""
    world.pair.first.fund(world.till.id, 1000)
    words = ("transfer", "payer", SAT, "--from", "till", "--reference", "r1", "--yes", "--json")
    assert amani(*words).data["fee_msat"] == 0
    assert amani(*words).data["replayed"] is True
    assert world.pair.first.balance_msat(world.till.read_key) == (1000 - SAT) * 1000
    made = amani("history", "list", "--wallet", "payer", "--json").data["items"][0]
    assert (made["direction"], made["status"], made["amount_msat"]) == ("in", "settled", SAT * 1000)
    world.pair.second.call("GET", f"/api/v1/payments/{made['payment_hash']}", key=world.payer.read_key)
    assert world.pair.second.balance_msat(world.payer.read_key) == (START + SAT) * 1000
    assert world.pair.funds_msat - world.before == SAT * 1000


# -- cheques ------------------------------------------------------------------------------------------------------


@pytest.fixture
def cheque(amani: Amani, world: World) -> str:
    """The code of a cheque on the second that may leave it."""
    log_in(amani, world.pair.second, world.proxy.url)
    written = amani("cheque", "create", SAT, "--outside", "--yes", "--json", "--wallet", "payer").data
    amani.secrets.add(written["code"])
    return str(written["code"])


@pytest.fixture
def abroad(amani: Amani, world: World) -> Environment:
    """Another machine, with a wallet on the first: one of the sandbox, as a cheque's server may be on loopback then."""
    env = {"AMANI_HOME": str(world.folder / "abroad")}
    added = amani("wallet", "add", "till", "--url", world.pair.first.url, "--key-file", world.till.key_file, env=env)
    assert added.code == 0
    change_database(world.folder / "abroad", "UPDATE wallet SET sandbox=1")
    return env


SPOILED: dict[str, Callable[[OutsidePair], None]] = {
    "settled with a fee": lambda pair: pair.on_look(charge),
    "an id of its own": with_ids_of_its_own,
    "lost after it paid": lambda pair: pair.on_pay(cut(after=True)),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_cheque_is_claimed_outside_once(
    amani: Amani, world: World, cheque: str, abroad: Environment, how: str
) -> None:
    SPOILED[how](world.pair)
    words = ("cheque", "claim", cheque, "--json", "--timeout", "10s")
    for _ in range(2):
        claimed = amani(*words, env=abroad)
        assert (claimed.data["status"], claimed.data["amount_msat"]) == ("settled", SAT * 1000)
    assert world.pair.first.balance_msat(world.till.read_key) == SAT * 1000
    assert len(world.pair.pays()) == 1
    assert amani("reconcile", "--json", env=abroad).data["unknown"] == 0
    shown = amani("cheque", "list", "--json").data["items"][0]
    assert shown["status"] == "claimed"


def test_a_claim_that_fails_outside_can_be_made_again(
    amani: Amani, world: World, cheque: str, abroad: Environment
) -> None:
    world.pair.on_pay(say(520, "no route", "failed"))
    words = ("cheque", "claim", cheque, "--json", "--timeout", "10s")
    assert amani(*words, env=abroad).code == 6
    assert amani(*words, env=abroad).data["status"] == "settled"
    assert world.pair.first.balance_msat(world.till.read_key) == SAT * 1000
    assert world.before - world.pair.funds_msat == SAT * 1000


@pytest.mark.parametrize("after", [False, True], ids=["before it is heard", "after it is done"])
def test_a_claim_is_killed(amani: Amani, world: World, cheque: str, abroad: Environment, after: bool) -> None:
    words = ("cheque", "claim", cheque, "--json", "--timeout", "10s")
    die = kill(after=after)
    world.proxy.victim = None
    world.proxy.on(die, "POST", PAYMENTS)
    with amani.started(*words, env=abroad) as run:
        world.proxy.victim = run
        assert run.wait(PATIENCE_S) == -9
    world.proxy.heal()
    assert amani(*words, env=abroad).data["status"] == "settled"
    assert world.pair.first.balance_msat(world.till.read_key) == SAT * 1000
    assert len(world.pair.pays()) == 1


def test_a_claim_to_somebody_s_invoice_outside(amani: Amani, world: World, cheque: str) -> None:
    words = ("cheque", "claim", cheque, "--to", world.till.invoice(SAT), "--json")
    world.pair.on_look(charge)
    assert amani(*words).data["fee_msat"] == FEE_MSAT
    assert amani(*words).data["replayed"] is True
    assert world.pair.first.balance_msat(world.till.read_key) == SAT * 1000
    assert len(world.pair.pays()) == 1
