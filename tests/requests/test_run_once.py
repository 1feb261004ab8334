"""Killed at each step, run by many at once, decided by two at once: a request is carried out once, or not at all."""

from __future__ import annotations

import itertools
import signal
from pathlib import Path

import pytest

from amani_cli.requests import running
from tests.conftest import Held, change_database
from tests.faults.tally import DEEP
from tests.kit.crowd import at_once, codes
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.persons import Person, exported, filed

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]


@pytest.fixture
def approved(amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> str:
    """A request that Ana has signed."""
    request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
    signed = ana.signs(exported(amani, request["id"], tmp_path / "r.json"))
    assert amani("request", "run", request["id"], "--approval", signed).code == 5  # keeps it, and nobody says yes
    return str(request["id"])


def test_kill_9_after_each_step_that_lasts(amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> None:
    """Whatever a kill leaves behind, the same command again ends it, and the money leaves once."""
    for step in itertools.count(1, 1 if DEEP else 2):
        line.server.fund(line.id, 1001)
        before = line.sat
        request = filed(amani("pay", other.invoice(1001), "--request", "--json"))
        signed = ana.signs(exported(amani, request["id"], tmp_path / "r.json"))
        run = ("request", "run", request["id"], "--yes")
        first = amani.process(*run, "--approval", signed, python=("-m", "tests.kit.stop_at", str(step)))
        assert first.code in (0, -signal.SIGKILL), first
        again = amani(*run, "--approval", signed, "--json")
        if again.code == 8:
            amani("reconcile")
            again = amani(*run, "--json")
        assert again.data["status"] == "settled", (step, again)
        assert line.sat == before - 1001, step
        assert amani("request", "show", request["id"], "--json").data["status"] == "settled"
        if first.code == 0:
            break
    assert step > 4
    assert amani("audit", "verify").code == 0


@pytest.mark.parametrize("by", ["cancel", "refuse"])
def test_a_run_that_was_killed_before_it_sent_anything_can_still_be_stopped(
    amani: Amani, line: Held, approved: str, ana: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(running._DOES, "pay", killed)
        assert amani("request", "run", approved, "--yes").code == 130
    assert amani("request", "show", approved, "--json").data["status"] == "running"
    if by == "cancel":
        assert amani("request", "cancel", approved).code == 0
    else:
        refused = ana.signs(exported(amani, approved, tmp_path / "again.json"), "refuse")
        assert amani("request", "run", approved, "--approval", refused, "--yes").code == 9
    again = amani("request", "run", approved, "--yes", "--json")
    assert (again.code, again.error["code"]) == (9, "REQUEST_CLOSED")
    assert line.sat == 10_000


def test_many_at_once(amani: Amani, line: Held, approved: str) -> None:
    ran = at_once(amani, [(("request", "run", approved, "--yes", "--json"), None)] * 8, crowded=True)
    assert set(codes(ran)) <= {0, 12}
    assert line.sat == 8000


def test_two_shells_carry_out_and_cancel_at_once(amani: Amani, line: Held, approved: str) -> None:
    """Either it is sent and can't be taken back, or it is taken back and never sent."""
    run, cancel = at_once(
        amani, [(("request", "run", approved, "--yes", "--json"), None), (("request", "cancel", approved), None)]
    )
    status = amani("request", "show", approved, "--json").data["status"]
    assert (status, line.sat) in (("settled", 8000), ("cancelled", 10_000)), (run, cancel)
    assert {run.code, cancel.code} in ({0, 9}, {12, 9}, {12, 0})


class TestInOneLedger:
    """On a ledger that several machines share an approver signs in place."""

    def test_approve_and_refuse_at_once(self, amani: Amani, line: Held, other: Held, ana: Person, home: Path) -> None:
        change_database(home, "UPDATE approver SET os_user='ana'")
        (ana.home / "approver.json").rename(home / "approver.json")
        for first, then, status in (("approve", "refuse", "refused"), ("refuse", "approve", "refused")):
            request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
            one = ana("request", first, request["id"], "--yes", "--json", home=home)
            assert one.code == 0, one
            two = ana("request", then, request["id"], "--yes", "--json", home=home)
            assert two.code == (0 if then == "refuse" else 9)
            assert amani("request", "show", request["id"], "--json").data["status"] == status
            closed = amani("request", "run", request["id"], "--yes", "--json")
            assert closed.error["code"] == "REQUEST_CLOSED"
        assert line.sat == 10_000

    def test_it_is_asked_about_and_no_is_the_default(
        self, amani: Amani, line: Held, other: Held, ana: Person, home: Path
    ) -> None:
        (ana.home / "approver.json").rename(home / "approver.json")
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        asked = ana("request", "approve", request["id"], home=home, tty=True, stdin="\n")
        assert asked.code == 5
        assert "2,000 sat" in asked.stderr
        assert amani("request", "show", request["id"], "--json").data["status"] == "open"
        assert ana("request", "approve", request["id"], home=home, tty=True, stdin="y\n").code == 0
        assert amani("request", "show", request["id"], "--json").data["status"] == "approved"

    def test_one_s_own(self, amani: Amani, line: Held, other: Held, ana: Person, home: Path) -> None:
        (ana.home / "approver.json").rename(home / "approver.json")
        request = filed(ana("pay", other.invoice(2000), "--wallet", "main", "--request", "--json", home=home))
        for actor in (("--actor", "ben"), ()):
            refused = ana("request", "approve", request["id"], "--yes", "--json", *actor, home=home)
            assert refused.error["code"] == "OWN_REQUEST"


class TestSeen:
    def test_in_status_metrics_and_watch(self, amani: Amani, line: Held, other: Held, tmp_path: Path) -> None:
        with amani.started("watch", "main", "--json", "--every", "1s", "--for", "20s") as watch:
            assert watch.stderr is not None
            watch.stderr.readline()
            request = ""
            for _ in range(3):  # the first may have come before the watch began
                request = str(filed(amani("pay", other.invoice(2000), "--request", "--json"))["id"])
                import json
                import select

                assert watch.stdout is not None
                if select.select([watch.stdout], [], [], PATIENCE_S / 3)[0]:
                    event = json.loads(watch.stdout.readline())["data"]
                    assert (event["what"], event["wallet"]) == ("request", "main")
                    assert event["request"]["amount_msat"] == 2_000_000
                    break
            else:
                pytest.fail("nobody was told")
        waiting = len(amani("request", "list", "--json").data["items"])
        assert amani("status", "--json").data["requests"] == waiting
        assert f"Requests waiting: {waiting}" in amani("status").stdout
        assert f"amani_requests_waiting {waiting}\n" in amani("metrics").stdout
        assert "amani_request_oldest_age_seconds " in amani("metrics").stdout
        assert amani("request", "cancel", request).code == 0
        assert amani("status", "--json").data["requests"] == waiting - 1
