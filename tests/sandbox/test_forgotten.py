"""What `sandbox reset` leaves behind: nothing that waits for a server that is gone, and no PIN of its wallets."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli.payments import engine
from tests.conftest import Held, change_database
from tests.destinations.conftest import mark_as_sandbox
from tests.kit.cheque_world import through
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy, cut

pytestmark = pytest.mark.lnbits


@pytest.fixture
def sandbox(amani: Amani, giver: Held, taker: Held, home: Path) -> Held:
    """Two wallets of the sandbox."""
    mark_as_sandbox(home)
    return giver


def test_a_payment_that_was_open_stays_open_for_nobody(
    amani: Amani, sandbox: Held, taker: Held, home: Path, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LAST_LOOK_S", 0.3)
    through(proxy, home)
    proxy.on(cut(after=False), "POST", "/api/v1/payments")
    words = ("pay", taker.invoice(10), "--wallet", "giver", "--yes", "--json", "--timeout", "1s")
    entry = amani(*words).error["id"]
    assert amani("reconcile").code == 8
    assert amani("sandbox", "reset", "--yes").code == 0
    assert amani("reconcile", "--json").data["unknown"] == 0
    shown = amani("history", "show", entry, "--json").data
    assert (shown["status"], shown["failure"]) == ("failed", "the sandbox that it was of was deleted")
    found = {item["check"]: item["status"] for item in amani("doctor", "--json").json["data"]["items"]}
    assert found["outcomes"] == "ok"


def test_a_cheque_that_was_open_is_void(amani: Amani, sandbox: Held, taker: Held, home: Path) -> None:
    assert amani("cheque", "create", "10", "--wallet", "giver", "--yes").code == 0
    code = amani("cheque", "create", "5", "--wallet", "giver", "--yes", "-q").stdout
    assert amani("cheque", "claim", "-", "--to", "taker", "--yes", stdin=code).code == 0
    change_database(home, "UPDATE cheque SET swept=0")  # what a claim by a link leaves
    assert amani("sandbox", "reset", "--yes").code == 0
    change_database(home, "UPDATE cheque SET url='http://127.0.0.1:1'")  # as it is, its server being gone
    assert {item["status"] for item in amani("cheque", "list", "--json").data["items"]} == {"void", "claimed"}
    assert amani("cheque", "sweep").code == 0
    assert amani("status", "--json").data["cheques"]["count"] == 0
    assert amani("reconcile").code == 0


def test_its_pin_is_asked_for_nothing_any_more(amani: Amani, sandbox: Held) -> None:
    """Nobody could have it reset: there is no wallet to show the key of."""
    assert amani("pin", "set", "--wallet", "giver", "--pin-stdin", stdin="271828").code == 0
    assert amani("config", "set", "limit.transfer", "off").code == 9
    assert amani("sandbox", "reset", "--yes").code == 0
    assert amani("config", "set", "limit.transfer", "off").code == 0
    done = amani("audit", "list", "--what", "pin remove", "--json").data["items"][0]
    assert (done["wallet"], done["outcome"]) == ("giver", "gone with the sandbox")
