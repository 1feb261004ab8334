"""Whoever sets this machine's clock frees nothing: no lock, window, budget, cool-down or delay, and proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amani_cli.payments import engine
from tests.conftest import AddWallet, Held, change_database
from tests.kit import ledgers
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import FaultProxy, cut
from tests.kit.machine import Machine

pytestmark = pytest.mark.lnbits

DAY = 86400
PIN, WRONG = "271828", "3690"


@pytest.fixture(autouse=True)
def _short_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LAST_LOOK_S", 0.1)


@pytest.fixture
def main(machine: Machine, add_wallet: AddWallet) -> Held:
    """The default wallet, with 50,000 sat."""
    return add_wallet("main", 50_000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    return add_wallet("other")


def lock(amani: Amani) -> Callable[[], Result]:
    assert amani("pin", "set", "--pin-stdin", stdin=PIN).code == 0
    for _ in range(5):
        amani("pin", "verify", "--pin-stdin", stdin=WRONG)
    return lambda: amani("pin", "verify", "--pin-stdin", stdin=PIN)


def window(amani: Amani) -> Callable[[], Result]:
    amani("config", "set", "limit.invoice", "1/1h")
    amani("invoice", "create", "5")
    return lambda: amani("invoice", "create", "5")


def budget(amani: Amani) -> Callable[[], Result]:
    amani("wallet", "limit", "--per-day", "1000")
    assert amani("transfer", "other", "1000", "--yes").code == 0
    return lambda: amani("transfer", "other", "1", "--yes")


def cool_down(amani: Amani) -> Callable[[], Result]:
    amani("faucet", "configure", "--wallet", "main", "--amount", "5", "--cooldown", "1h")
    assert amani("faucet", "claim", "--wallet", "other").code == 0
    return lambda: amani("faucet", "claim", "--wallet", "other")


def daily_cap(amani: Amani) -> Callable[[], Result]:
    amani("faucet", "configure", "--wallet", "main", "--amount", "5", "--cooldown", "1s", "--daily-cap", "5")
    assert amani("faucet", "claim", "--wallet", "other").code == 0
    return lambda: amani("faucet", "claim", "--wallet", "other")


HELD = [lock, window, budget, cool_down, daily_cap]


@pytest.mark.parametrize("held", HELD)
def test_what_is_held_is_held_whatever_the_clock_is_set_to(
    amani: Amani, main: Held, other: Held, machine: Machine, held: Callable[[Amani], Callable[[], Result]]
) -> None:
    again = held(amani)
    assert again().code == 9
    for wrong in (2 * DAY, 400 * DAY, -2 * DAY, 0):
        machine.set(wrong)
        assert again().code == 9, wrong
    machine.goes_on(2 * DAY)
    assert again().code != 9


@pytest.mark.parametrize("held", HELD)
def test_what_is_held_is_held_over_a_start_with_a_clock_that_is_wrong(
    amani: Amani, main: Held, other: Held, machine: Machine, held: Callable[[Amani], Callable[[], Result]]
) -> None:
    again = held(amani)
    machine.set(-2 * DAY)
    machine.restart()
    assert again().code == 9
    machine.set(2 * DAY)
    # What asks a provider is told what time it is, and what asks none remembers.
    assert amani("wallet", "balance").code == 0
    assert again().code == 9
    machine.set(0)
    assert amani("wallet", "balance").code == 0
    assert again().code == 9
    machine.restart(off=5 * DAY)  # beyond the newest entry, which bears a date two days ahead
    assert again().code != 9


def test_a_reset_that_was_begun_comes_no_sooner(amani: Amani, main: Held, machine: Machine) -> None:
    lock(amani)
    begun = amani("pin", "reset", "--key-stdin", "--json", stdin=main.admin_key).data
    for wrong in (2 * DAY, -2 * DAY, 0):
        machine.set(wrong)
        assert amani("pin", "status", "--json").data["set"] is True
    assert amani("pin", "status", "--json").data["reset_at"] == begun["reset_at"]
    machine.goes_on(DAY + 1)
    assert amani("pin", "status", "--json").data["set"] is False


def test_a_balance_that_was_kept_is_as_old_as_it_is(amani: Amani, main: Held, other: Held, machine: Machine) -> None:
    assert amani("wallet", "balance", "--json").data["cached"] is False
    machine.goes_on(3600)
    machine.set(-3600)
    assert amani("wallet", "balance", "--max-age", "1m", "--json").data["cached"] is False
    assert amani("wallet", "balance", "--max-age", "1m", "--json").data["cached"] is True


def test_a_cheque_is_swept_when_its_server_too_says_that_it_is_over(amani: Amani, main: Held, machine: Machine) -> None:
    made = amani("cheque", "create", "100", "--expires", "24h", "--yes", "--json").data
    machine.set(2 * DAY)
    swept = amani("cheque", "sweep", "--json")
    assert swept.data["items"] == []
    assert "not over by its server's clock" in swept.stderr
    machine.set(0)
    assert amani("cheque", "show", made["id"], "--json").data["status"] == "open"
    machine.goes_on(2 * DAY)
    assert len(amani("cheque", "sweep", "--json").data["items"]) == 1


def test_a_cheque_that_is_being_written_is_not_given_up_by_a_clock_that_jumps(
    amani: Amani, main: Held, machine: Machine, home: Path
) -> None:
    made = amani("cheque", "create", "100", "--yes", "--json").data
    change_database(home, "UPDATE cheque SET status='funding', funding_hash='00'")
    machine.set(2 * DAY)
    assert amani("cheque", "show", made["id"], "--json").data["status"] == "funding"


@pytest.fixture
def line(amani: Amani, main: Held, home: Path) -> Iterator[FaultProxy]:
    """The line to the server, on which a payment can be lost."""
    with FaultProxy(main.server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        yield proxy


def pay_into_the_void(amani: Amani, other: Held, line: FaultProxy) -> str:
    """A payment whose request was lost on its way; returns its invoice, which lives for ten minutes."""
    text = other.invoice(500, expiry=600)
    line.on(cut(after=False), "POST", "/api/v1/payments")
    assert amani("pay", text, "--yes", "--timeout", "1s").code == 8
    return text


class TestInDoubt:
    """A payment of which its server has no record."""

    @pytest.mark.parametrize("then", [0, 2 * DAY])
    def test_a_clock_that_was_wrong_when_it_was_sent_proves_nothing(
        self, amani: Amani, other: Held, line: FaultProxy, machine: Machine, then: float
    ) -> None:
        machine.set(-2 * DAY)
        text = pay_into_the_void(amani, other, line)
        machine.set(then)
        assert amani("reconcile", "--json").json["data"]["unknown"] == 1
        machine.goes_on(400)  # the invoice still lives
        assert amani("reconcile", "--json").json["data"]["unknown"] == 1
        machine.goes_on(400)
        assert amani("reconcile", "--json").data["failed"] == 1
        assert amani("pay", text, "--yes").code == 6

    def test_nor_one_that_jumps_afterwards(self, amani: Amani, other: Held, line: FaultProxy, machine: Machine) -> None:
        pay_into_the_void(amani, other, line)
        machine.set(400 * DAY)
        assert amani("reconcile", "--json").json["data"]["unknown"] == 1
        machine.restart()
        assert amani("reconcile", "--json").json["data"]["unknown"] == 1
        machine.goes_on(1000)
        assert amani("reconcile", "--json").data["failed"] == 1

    def test_a_clock_that_is_ahead_proves_nothing_where_the_server_tells_no_time(
        self, amani: Amani, other: Held, line: FaultProxy, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What has passed is what passed by the ledger's clock: a server's, or this start's own count."""
        monkeypatch.setattr("amani_cli.clocks.hear", lambda url, date: None)
        pay_into_the_void(amani, other, line)
        machine.set(2 * DAY)
        assert amani("reconcile", "--json").json["data"]["unknown"] == 1
        machine.goes_on(1000)
        assert amani("reconcile", "--json").data["failed"] == 1

    def test_where_the_server_tells_no_time_the_whole_life_of_the_invoice_must_have_passed(
        self, amani: Amani, other: Held, line: FaultProxy, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("amani_cli.clocks.hear", lambda url, date: None)
        machine.set(-2 * DAY)
        pay_into_the_void(amani, other, line)
        machine.set(0)
        for _ in range(2):
            assert amani("reconcile", "--json").json["data"]["unknown"] == 1
            machine.goes_on(350)
        machine.restart()
        machine.set(-DAY)  # behind the newest entry
        told = amani("reconcile", "--json")
        assert told.json["data"]["unknown"] == 1
        # That of a server is told by the server, and never behind.
        assert ledgers.on_postgres() or "clock is behind the newest entry" in told.stderr
        machine.set(0)
        machine.goes_on(350)
        assert amani("reconcile", "--json").data["failed"] == 1


class TestLengthening:
    def test_each_five_wrong_ones_lock_for_longer_up_to_a_day_until_the_right_one(
        self, amani: Amani, main: Held, machine: Machine
    ) -> None:
        again = lock(amani)
        for hours in (1, 2, 4, 8, 16, 24, 24):
            machine.goes_on(hours * 3600 - 60)
            assert again().code == 9, hours
            machine.goes_on(120)
            for left in (4, 3, 2, 1, 0):
                assert amani("pin", "status", "--json").data["attempts_left"] == left + 1
                assert amani("pin", "verify", "--pin-stdin", stdin=WRONG).code == 3, (hours, left)
            assert amani("pin", "status", "--json").data["attempts_left"] == 0
        machine.goes_on(DAY + 60)
        assert again().code == 0
        for _ in range(5):
            amani("pin", "verify", "--pin-stdin", stdin=WRONG)
        machine.goes_on(3600 + 60)
        assert again().code == 0
