"""The ledger goes away at any message of whatever moves money, and stays away: what is said then is true, and the same
command ends it once the ledger is back, so that it is done once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from amani_cli.agents import door
from amani_cli.agents.tools import Agent
from tests.agents.test_mcp import allow
from tests.conftest import AddWallet, Held
from tests.faults.tally import DEEP, Tally
from tests.kit import ledgers
from tests.kit.driver import Amani, Result, environment
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin
from tests.kit.ledger_proxy import Break, LedgerProxy
from tests.kit.lnurl_server import METADATA, LnurlServer
from tests.kit.machine import Machine
from tests.kit.persons import Person, filed

pytestmark = [pytest.mark.lnbits, pytest.mark.store, pytest.mark.faults]

SAT = 21
HOUR_S = 3600
WHEN: tuple[Break, ...] = ("before", "after")


@dataclass
class Movement:
    """What moves money: how much of it was done by now, as its provider says, and how much it is to do."""

    run: Callable[[], Result]
    done: Callable[[], int]
    whole: int = 1
    again: bool = True
    """Whether the same once more ends what was begun; else `reconcile` alone does."""


class Sweep:
    """Has the ledger go away at the first message of a movement, then at the second of the next one, and so on."""

    def __init__(self, amani: Amani, home: Path, proxy: LedgerProxy, tally: Tally, machine: Machine) -> None:
        self.amani, self.home, self.proxy, self.tally, self.machine = amani, home, proxy, tally, machine

    def of(self, words: list[Any], done: Callable[[], int], whole: int = 1, *, again: bool = True) -> Movement:
        """A command's."""
        return Movement(lambda: self.amani(*words, "--yes", "--json", "--timeout", "3s"), done, whole, again)

    def __call__(self, make: Callable[[int], Movement], least: int, every: int = 1) -> None:
        """Until a movement has no further message; `least` of them are certain. `every` which message is enough."""
        ways = WHEN if DEEP else ("before",)
        for nth, way in ((nth, way) for nth in itertools.count(1, 1 if DEEP else every) for way in ways):
            if not self._away(make(2 * nth + ways.index(way)), nth, way):
                break
            self.tally("faults")
        assert nth > least

    def _away(self, movement: Movement, nth: int, way: Break) -> bool:
        began, reached = len(self.proxy.seen), list[str]()

        def at(number: int, text: str) -> Break | None:
            if number - began < nth:
                return None
            reached.append(text)
            self.proxy.is_away = True
            return way

        before = movement.done()
        self.proxy.at = at
        told = movement.run()
        self.proxy.at, self.proxy.is_away = (lambda number, text: None), False
        self._is_true(told, movement.done() - before, movement.whole)
        # What this process had claimed is given up: a process of its own would be gone by now.
        ledgers.change(self.home, "DELETE FROM claim")
        assert self.amani("reconcile").code in (0, 8), (
            told,
            reached[:1],
        )  # 8 while what was journaled was not sent yet
        if movement.again:
            last = movement.run()
            if (
                last.code == 8
            ):  # a cheque is begun anew when the invoice of the one that was begun can't be paid any more
                self.machine.goes_on(HOUR_S)
                assert self.amani("reconcile").code == 0
                self.machine.goes_on(-HOUR_S)  # LNbits' own clock did not go on, and asks for invoices by it
                last = movement.run()
            assert last.code == 0, (told, last, reached[:1])
            assert movement.done() - before == movement.whole, (told, last, reached[:1])
        else:
            assert movement.done() - before in (0, movement.whole), (told, reached[:1])
        assert ledgers.ask(self.home, "SELECT count(*) FROM payment WHERE status='unknown'")[0][0] == 0
        return bool(reached)

    def _is_true(self, told: Result, done: int, whole: int) -> None:
        assert told.code in (0, 8, 10), told
        if told.code == 0:
            assert done == whole, told
            return
        moved = json.loads(told.stdout.splitlines()[-1])["error"]["money_moved"]  # a batch has told its rows before
        assert moved in ("maybe", "yes" if done else "no"), (told, done)
        if told.code == 8:
            assert moved == "maybe", told


@pytest.fixture
def sweep(
    amani: Amani, home: Path, proxy: LedgerProxy, tally: Tally, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> Sweep:
    monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.2)
    for rate in ("transfer", "cheque", "invoice"):
        assert amani("config", "set", f"limit.{rate}", "off").code == 0
    return Sweep(amani, home, proxy, tally, machine)


@pytest.fixture
def shop(sweep: Sweep, add_business: AddBusiness, double: Double, home: Path) -> Merchant:
    """A business of Fincra's whose everyday payouts need no PIN, and are over by the first look."""
    double.settle_on_read = 0
    merchant = add_business()
    without_pin(home, merchant)
    return merchant


@pytest.fixture
def main(sweep: Sweep, add_wallet: AddWallet) -> Held:
    return add_wallet("main", 50_000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    return add_wallet("other")


def test_a_payout_to_a_bank(sweep: Sweep, shop: Merchant, double: Double) -> None:
    def make(nth: int) -> Movement:
        words = ["pay", "bank:058/2345678901", "100NGN", "--reference", f"p{nth}"]
        return sweep.of(words, lambda: len(double.payouts))

    sweep(make, 5)


def test_a_payout_to_a_business_of_ours(
    sweep: Sweep, shop: Merchant, double: Double, add_business: AddBusiness
) -> None:
    add_business("branch", merchant=double.merchant("Ben Stores Ltd", NGN="0"))

    def make(nth: int) -> Movement:
        words = ["transfer", "branch", "100NGN", "--from", "shop", "--reference", f"t{nth}"]
        return sweep.of(words, lambda: len(double.payouts))

    sweep(make, 5)


def test_an_exchange(sweep: Sweep, shop: Merchant, double: Double) -> None:
    def make(nth: int) -> Movement:
        words = ["wallet", "convert", "1USD", "--to", "NGN", "--reference", f"x{nth}"]
        return sweep.of(words, lambda: len(double.conversions))

    sweep(make, 5)


def test_a_transfer(sweep: Sweep, amani: Amani, main: Held, other: Held) -> None:
    def make(nth: int) -> Movement:
        words = ["transfer", "other", str(SAT), "--from", "main", "--reference", f"t{nth}"]
        return sweep.of(words, lambda: other.sat // SAT)

    sweep(make, 5)


def test_a_request_that_was_approved(sweep: Sweep, amani: Amani, main: Held, other: Held, tmp_path: Path) -> None:
    (tmp_path / "ana").mkdir(mode=0o700)
    ana = Person(amani, "ana", tmp_path / "ana" / "home")
    ana.init()
    assert amani("approver", "add", "ana", ana.public).code == 0
    assert amani("wallet", "limit", "main", "--approve-above", "10sat").code == 0

    def make(nth: int) -> Movement:
        asked = filed(amani("pay", other.invoice(SAT, f"number {nth}"), "--wallet", "main", "--request", "--json"))
        assert ana("request", "approve", asked["id"], "--yes").code == 0
        words = ["request", "run", asked["id"]]
        return sweep.of(words, lambda: other.sat // SAT)

    sweep(make, 5, every=2)


def test_a_batch(sweep: Sweep, amani: Amani, main: Held, other: Held, tmp_path: Path) -> None:
    def make(nth: int) -> Movement:
        rows, plan = tmp_path / f"{nth}.csv", tmp_path / f"{nth}.json"
        rows.write_text("to\n" + "".join(f"{other.invoice(SAT, f'{nth} {row}')}\n" for row in range(3)))
        assert amani("batch", "plan", rows, "--output", plan, "--wallet", "main").code == 0
        words = ["batch", "run", plan]
        return sweep.of(words, lambda: other.sat // SAT, 3)

    sweep(make, 8, every=2)


def test_what_is_claimed_from_somebody_s_link(
    sweep: Sweep, amani: Amani, main: Held, other: Held, lnurl_server: LnurlServer
) -> None:
    """It is good once: what came is brought in by `reconcile`."""
    ledgers.change(sweep.home, "UPDATE wallet SET sandbox=1")  # these alone may go to a server on this machine
    used = list[str]()

    def pay(query: dict[str, str]) -> dict[str, str]:
        used.append(query["pr"])
        main.pay(query["pr"])
        return {"status": "OK"}

    def make(nth: int) -> Movement:
        lnurl_server.paths[f"/w{nth}"] = lambda _: {
            "tag": "withdrawRequest",
            "callback": f"{lnurl_server.url}/w{nth}/cb",
            "k1": f"k1-{nth}",
            "minWithdrawable": SAT * 1000,
            "maxWithdrawable": SAT * 1000,
            "defaultDescription": f"Voucher {nth}",
        }
        lnurl_server.paths[f"/w{nth}/cb"] = pay
        words = ["invoice", "claim", f"lnurlw://{lnurl_server.host}/w{nth}", "--wallet", "other"]
        return sweep.of(words, lambda: other.sat // SAT, again=False)

    sweep(make, 2)


def test_a_cheque_that_is_written(sweep: Sweep, amani: Amani, main: Held) -> None:
    def make(nth: int) -> Movement:
        words = ["cheque", "create", str(SAT), "--reference", f"c{nth}"]
        return sweep.of(words, lambda: (50_000 - main.sat) // SAT)

    sweep(make, 5, every=2)


def test_a_faucet_s_gift(sweep: Sweep, amani: Amani, main: Held, add_wallet: AddWallet) -> None:
    assert amani("faucet", "configure", "--wallet", "main", "--amount", str(SAT)).code == 0

    def make(nth: int) -> Movement:
        taker = add_wallet(f"taker{nth}")
        words = ["faucet", "claim", "--wallet", taker.name, "--reference", f"f{nth}"]
        return sweep.of(words, lambda: taker.sat // SAT)

    sweep(make, 5, every=2)


def test_whom_an_agent_pays(sweep: Sweep, amani: Amani, main: Held, other: Held, lnurl_server: LnurlServer) -> None:
    """It is told what a person is: not that nothing moved, where only the contact could not be written on any more."""
    allow(amani, per_day="9000sat")
    ledgers.change(sweep.home, "UPDATE wallet SET sandbox=1")  # these alone may go to a server on this machine
    agent, described = Agent("agent", ("main",)), METADATA.encode().hex()

    def call(tool: str, **said: str) -> Result:
        document = door.answer(environment(), agent, 3, tool, said)
        return Result(0 if document["ok"] else document["error"]["exit"], json.dumps(document), "")

    def make(nth: int) -> Movement:
        address = lnurl_server.pay_to(
            f"ada{nth}", lambda msat, _: other.invoice(msat // 1000, unhashed_description=described)
        )
        assert amani("contact", "add", f"ada{nth}", address).code == 0
        plan = call("plan", dest=f"ada{nth}", amount=f"{SAT}sat").data["plan_id"]
        return Movement(lambda: call("pay", plan_id=plan), lambda: other.sat // SAT)

    sweep(make, 5)
