"""Commands whose server never comes to an end of its answer: they end by --timeout, whoever drips what."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from amani_cli.payments import engine
from tests.conftest import AddWallet, Held
from tests.destinations.conftest import mark_as_sandbox
from tests.kit.cheque_world import through
from tests.kit.drips import dripping
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy, drip
from tests.kit.lnbits_server import LnbitsServer

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

TIMEOUT_S = 1.0
SLACK_S = 3.0  # for a busy machine; what drips does so for ever
What = Literal["head", "body", "1xx"]
WHATS: tuple[What, ...] = ("head", "body", "1xx")


@pytest.fixture
def main(add_wallet: AddWallet, amani: Amani, home: Path) -> Held:
    """The default wallet, with 1,000 sat, which may use servers of this machine."""
    held = add_wallet("main", 1000)
    mark_as_sandbox(home)
    return held


@pytest.fixture
def line(main: Held, lnbits_server: LnbitsServer, home: Path) -> Iterator[FaultProxy]:
    with FaultProxy(lnbits_server.url) as proxy:
        through(proxy, home)
        yield proxy


class Clock:
    def __init__(self) -> None:
        self._begun = time.monotonic()

    def is_within(self, seconds: float) -> bool:
        return time.monotonic() - self._begun < seconds + SLACK_S


@pytest.mark.parametrize("what", WHATS)
def test_a_wallets_server(amani: Amani, line: FaultProxy, what: What) -> None:
    line.on(drip(what, after=False), times=None)
    clock = Clock()
    refused = amani("wallet", "balance", "--json", "--timeout", "1s")
    assert (refused.code, refused.error["code"]) == (10, "TIMEOUT")
    assert clock.is_within(TIMEOUT_S)


@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("after", [True, False])
def test_the_answer_to_a_payment(
    amani: Amani, main: Held, add_wallet: AddWallet, line: FaultProxy, what: What, after: bool
) -> None:
    """Settled, the last look says so; never heard of, it is in doubt. The last look may take its own time."""
    text = add_wallet("payee").invoice(21)
    line.on(drip(what, after=after), "POST", "/api/v1/payments")
    clock = Clock()
    ended = amani("pay", text, "--yes", "--json", "--timeout", "1s")
    assert clock.is_within(TIMEOUT_S + engine.LAST_LOOK_S)
    assert ended.code == (0 if after else 8)
    assert main.sat == (979 if after else 1000)
    assert line.count("POST", "/api/v1/payments") == 1


def test_everything_after_a_payment_was_sent(amani: Amani, main: Held, add_wallet: AddWallet, line: FaultProxy) -> None:
    """The last look has LAST_LOOK_S for all that it asks."""
    text = add_wallet("payee").invoice(21)
    line.on(drip("head", after=True), "POST", "/api/v1/payments")
    line.on(drip("1xx", after=False), "GET", "/api/v1/payments/[0-9a-f]{64}", times=None)
    clock = Clock()
    assert amani("pay", text, "--yes", "--json", "--timeout", "1s").code == 8
    assert clock.is_within(TIMEOUT_S + engine.LAST_LOOK_S)
    line.heal()
    assert amani("reconcile").code == 0
    assert main.sat == 979


@pytest.mark.parametrize("way", ["head", "body", "1xx"])
def test_a_payees_server(amani: Amani, main: Held, way: str) -> None:
    with dripping(way) as port:
        for words in (("pay", f"ada@127.0.0.1:{port}", 21, "--yes"), ("invoice", "decode", f"ada@127.0.0.1:{port}")):
            clock = Clock()
            refused = amani(*words, "--json", "--timeout", "1s")
            assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (10, "TIMEOUT", "no")
            assert clock.is_within(TIMEOUT_S)
    assert main.sat == 1000


def test_a_payee_in_a_batch_stops_nobody_else(amani: Amani, main: Held, add_wallet: AddWallet, tmp_path: Path) -> None:
    text = add_wallet("payee").invoice(21)
    table, plan = tmp_path / "people.csv", tmp_path / "plan.json"
    with dripping("head") as port:
        table.write_text(f"to,amount\nada@127.0.0.1:{port},21\n{text},\n")
        clock = Clock()
        words = ("batch", "plan", table, "-o", plan, "--wallet", "main", "--timeout", "1s", "--json")
        (problem,) = amani(*words).error["rows"]
        assert clock.is_within(TIMEOUT_S)
        assert ((problem["row"], problem["column"]), "did not answer" in problem["message"]) == ((2, "to"), True)
        assert amani(*words, "--offline").code == 0
        clock = Clock()
        ran = amani("batch", "run", plan, "--yes", "--json", "--jobs", 1, "--timeout", "1s")
        assert clock.is_within(2 * TIMEOUT_S)
    rows = {each["data"]["row"]: each["data"] for each in map(json.loads, ran.stdout.splitlines()[:-1])}
    assert (ran.code, rows[2]["status"], rows[3]["status"]) == (11, "failed", "settled")
    assert main.sat == 979


@pytest.mark.parametrize("way", ["head", "1xx"])
def test_fincra(amani: Amani, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(way) as port:
        monkeypatch.setenv("FINCRA_API_KEY", "k" * 32)
        monkeypatch.setenv("FINCRA_BUSINESS_ID", "b" * 24)
        monkeypatch.setenv("FINCRA_BASE_URL", f"http://127.0.0.1:{port}")
        clock = Clock()
        refused = amani("wallet", "balance", "--json", "--timeout", "1s")
        assert (refused.code, refused.error["code"]) == (10, "TIMEOUT")
        assert clock.is_within(TIMEOUT_S)
