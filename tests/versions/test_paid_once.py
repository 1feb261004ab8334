"""That an LNbits pays a hash once, however often and at once it is told to: what `resends.PAYS_A_HASH_ONCE` rests on.

It is told so over HTTP, without amani, with a second LNbits that is funded by the first, as any outside payment is; the
first gives payments ids of its own in half of these, as hosted nodes do. Run for another version with
`AMANI_TEST_LNBITS=1.5.4 pytest tests/versions/test_paid_once.py`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from amani_cli.encodings.bolt11 import decode_invoice
from amani_cli.lightning.resends import PAYS_A_HASH_ONCE
from tests.kit.fault_proxy import Exchange, cut
from tests.kit.lnbits_versions import VERSION
from tests.kit.outside_pair import OutsidePair, say, with_ids_of_its_own

pytestmark = pytest.mark.lnbits

CUTS_MS = (0, 1, 2, 4, 8, 16, 32) if "AMANI_TEST_LNBITS" in os.environ else (0, 4, 16)
"""When the line is cut: a version that is to be put on the list is tried harder."""
SAT = 21
HELD = 1000


@dataclass(frozen=True)
class Payer:
    """A wallet of the second, and an invoice of somebody on the first."""

    pair: OutsidePair
    key: str
    payee: str
    bolt11: str

    def pay(self, timeout: float = 30) -> httpx.Response | None:
        """Tell it to pay, once; None if the answer was not waited for."""
        body = {"out": True, "bolt11": self.bolt11}
        try:
            return httpx.post(
                self.pair.second.url + "/api/v1/payments",
                headers={"X-Api-Key": self.key},
                json=body,
                timeout=timeout,
                trust_env=False,
            )
        except httpx.TransportError:
            return None

    def record(self) -> dict[str, Any] | None:
        """Its own record of the payment."""
        answer = httpx.get(
            f"{self.pair.second.url}/api/v1/payments/{decode_invoice(self.bolt11).payment_hash}",
            headers={"X-Api-Key": self.key},
            timeout=30,
            trust_env=False,
        )
        return answer.json().get("details") if answer.status_code == 200 else None

    def until(self, *statuses: str) -> None:
        """Wait until its record says so."""
        ends = time.monotonic() + 20
        while (self.record() or {}).get("status") not in statuses:
            assert time.monotonic() < ends, self.record()
            time.sleep(0.1)

    def paid_once(self, times: int = 1) -> None:
        """The payee has it `times` (once or not at all), the first was told once at most, and nothing else left."""
        assert self.pair.first.balance_msat(self.payee) == SAT * 1000 * times
        assert self.pair.pays().count(self.bolt11) <= 1, "the same invoice was sent upstream twice"
        gone = HELD * 1000 - self.pair.second.balance_msat(self.key)
        assert gone <= SAT * 1000 + 2000  # what is pending holds the reserve of 2 sat as well


@pytest.fixture(params=[False, True], ids=["by its hash", "by an id of its own"])
def payer(outside: OutsidePair, request: pytest.FixtureRequest) -> Payer:
    """With 1,000 sat, and an upstream that knows payments by their hash, or by an id of its own alone."""
    if request.param:
        with_ids_of_its_own(outside)
    _, key, _ = outside.second.new_wallet(HELD)
    _, _, payee = outside.first.new_wallet()
    wanted = {"out": False, "amount": SAT, "memo": "once"}
    made = outside.first.call("POST", "/api/v1/payments", key=payee, json=wanted)
    return Payer(outside, key, payee, made["bolt11"])


def test_the_version_is_on_the_list(outside: OutsidePair) -> None:
    assert VERSION in PAYS_A_HASH_ONCE
    told = httpx.get(outside.second.url + "/openapi.json", trust_env=False, timeout=30).json()["info"]["version"]
    assert told == VERSION


def test_again_once_it_is_settled(payer: Payer) -> None:
    payer.pay()
    for _ in range(3):
        payer.pay()
    payer.paid_once()


def test_many_at_once(payer: Payer) -> None:
    """The first of them is on its way when the others come."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: payer.pay(), range(8)))
    payer.paid_once()


def test_again_while_it_is_in_flight(payer: Payer) -> None:
    """Slower than LNbits' own patience, so that it says pending, and the answer comes later."""
    go_on = threading.Event()

    def slowly(exchange: Exchange) -> None:
        go_on.wait(20)
        payer.pair.fault_of(exchange)(exchange)

    payer.pair.on_pay(slowly)
    first = threading.Thread(target=payer.pay)
    first.start()
    payer.until("pending")
    for _ in range(2):
        payer.pay()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: payer.pay(), range(4)))
    go_on.set()
    first.join()
    until_paid(payer)
    payer.pay()
    payer.paid_once()


@pytest.mark.parametrize("after_ms", CUTS_MS)
def test_again_when_the_line_to_it_was_cut(payer: Payer, after_ms: int) -> None:
    """The record is not there yet, or never will be: who was cut off can't know, and sends it again at once."""
    payer.pay(timeout=max(after_ms, 0.2) / 1000)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: payer.pay(), range(2)))
    payer.until("success", "failed", "pending")
    until_paid(payer)
    payer.paid_once()


@pytest.mark.parametrize("after", [False, True], ids=["before it paid", "after it paid"])
def test_again_when_the_upstream_was_lost(payer: Payer, after: bool) -> None:
    payer.pair.on_pay(cut(after=after))
    payer.pay()
    for _ in range(3):
        payer.pay()
    payer.paid_once(int(after))


def test_again_when_it_failed_for_certain(payer: Payer) -> None:
    payer.pair.on_pay(say(520, "no route", "failed"))
    payer.pay()
    payer.until("failed")
    for _ in range(3):
        payer.pay()
    payer.paid_once(0)


@pytest.mark.parametrize("paid", [False, True], ids=["before the upstream paid", "after the upstream paid"])
def test_again_after_the_server_died_with_it_in_flight(payer: Payer, paid: bool) -> None:
    """kill -9 of LNbits, whose own record must be on disk before it tells the upstream anything."""
    here, gone = threading.Event(), threading.Event()

    def die(exchange: Exchange) -> None:
        if paid:
            exchange.forward()
        here.set()
        gone.wait(20)
        exchange.cut()

    payer.pair.on_pay(die)
    first = threading.Thread(target=payer.pay)
    first.start()
    assert here.wait(20)
    kill_server(payer.pair)
    gone.set()
    first.join()
    payer.pair.second.start()
    for _ in range(2):
        payer.pay()
    payer.paid_once(int(paid))


def until_paid(payer: Payer) -> None:
    """Wait until the payee has it."""
    ends = time.monotonic() + 20
    while not payer.pair.first.balance_msat(payer.payee):
        assert time.monotonic() < ends
        time.sleep(0.1)


def kill_server(pair: OutsidePair) -> None:
    """kill -9 of the second LNbits."""
    running = getattr(pair.second, "running", None)
    pid = running.pid if running is not None else pair.second._process.pid  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGKILL)
    pair.second.stop()
