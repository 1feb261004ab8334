"""A payout of which Fincra has no record: only a day by its own clock, or by one that can't be set, proves anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import change_database
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness
from tests.kit.machine import Machine

DAY = 86400
POSTS = {
    "payout": ("/disbursements/payouts", ("pay", "bank:058/2345678901", "5000NGN")),
    "exchange": ("/conversions/initiate", ("wallet", "convert", "10USD", "--to", "NGN")),
}


@pytest.fixture
def shop(machine: Machine, amani: Amani, add_business: AddBusiness, home: Path) -> Merchant:
    merchant = add_business()
    for currency in ("NGN", "USD"):
        change_database(home, "INSERT INTO pin_threshold VALUES (?,?,'100000')", merchant.business, currency)
    return merchant


@pytest.fixture(params=list(POSTS))
def lost(
    request: pytest.FixtureRequest, amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
) -> object:
    """Sends what never arrives."""
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.1)
    path, words = POSTS[request.param]

    def lose() -> None:
        double.fail("drop", "POST", path, stored=False)
        assert amani(*words, "--yes", "--timeout", "1s", "--json").code == 8

    return lose


def outcome(amani: Amani) -> str:
    """What reconcile makes of it."""
    data = amani("reconcile", "--json").json["data"]
    return next(word for word in ("settled", "failed", "unknown") if data[word])


@pytest.mark.parametrize(("sent", "then"), [(-2 * DAY, 0), (-20_000 * DAY, 0), (0, 2 * DAY), (2 * DAY, 5 * DAY)])
@pytest.mark.parametrize("started_anew", [False, True])
def test_a_clock_that_was_wrong_or_jumps_proves_nothing(
    amani: Amani, lost: object, machine: Machine, sent: float, then: float, started_anew: bool
) -> None:
    machine.set(sent)
    assert callable(lost)
    lost()
    if started_anew:
        machine.restart()
    machine.set(then)
    assert outcome(amani) == "unknown"
    machine.goes_on(DAY - 3600)
    assert outcome(amani) == "unknown"
    machine.goes_on(3700)
    assert outcome(amani) == "failed"


@pytest.mark.sqlite  # a server's clock, which counts, has seen the day pass
def test_where_fincra_tells_no_time_it_is_told_why_nothing_is_proven(
    amani: Amani, lost: object, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amani_cli.clocks.hear", lambda url, date: None)
    assert callable(lost)
    lost()
    machine.set(-2 * DAY)
    machine.restart(off=DAY)
    told = amani("reconcile", "--json")
    assert told.json["data"]["unknown"] == 1
    (warning,) = told.json["warnings"]
    assert "this machine's clock is behind the newest entry" in warning
    assert "timedatectl" in warning
    machine.set(0)
    assert outcome(amani) == "failed"
