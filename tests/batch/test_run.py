"""`amani batch run`, `status` and `results`: each row paid once, whatever stops it on the way."""

from __future__ import annotations

import csv
import errno
import io
import itertools
import os
import random
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from amani_cli import errors
from amani_cli.batch import rows as batch_rows
from amani_cli.batch.plans import Plan
from amani_cli.batch.table import Row
from amani_cli.batch.worker import Codes, Worker
from amani_cli.cheques import naming
from amani_cli.models.batches import BatchRow
from amani_cli.models.cheques import Cheque
from amani_cli.store.rows import ChequeRow
from amani_cli.workspace import Workspace
from tests.batch.conftest import WriteTable, lines
from tests.conftest import AddWallet, Held, change_database
from tests.kit import ledgers
from tests.kit.cheque_world import log_in
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.lnurl_proxy import Answer, Proxy
from tests.kit.lnurl_server import METADATA, LnurlServer, Query
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits

Planned = Callable[..., Path]


@pytest.fixture
def ada(payee: Held, lnurl_server: LnurlServer) -> str:
    def invoice(msat: int, _: Query) -> str:
        return payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())

    return lnurl_server.pay_to("ada", invoice)


@pytest.fixture
def proxy(payer: Held, lnbits_server: LnbitsServer, home: Path) -> Iterator[Proxy]:
    """Stands between amani and the server for every wallet."""
    made = Proxy(lnbits_server.port)
    change_database(home, "UPDATE wallet SET url=?", made.url)
    yield made
    made.stop()


def paid_once(payer: Held) -> list[dict[str, Any]]:
    """What the server says left the wallet and settled; no hash stands there twice."""
    records: list[dict[str, Any]] = []
    while True:  # the server gives a thousand at once
        query = f"limit=1000&offset={len(records)}&sortby=time&direction=asc"
        page = payer.server.call("GET", f"/api/v1/payments/paginated?{query}", key=payer.read_key)["data"]
        records += page
        if len(page) < 1000:
            break
    records = [each for each in records if each["amount"] < 0 and each["status"] == "success"]
    assert len({each["payment_hash"] for each in records}) == len(records)
    return records


class TestRunning:
    def test_every_kind_of_row(
        self, amani: Amani, payer: Held, payee: Held, ada: str, planned: Planned, tmp_path: Path
    ) -> None:
        amani("contact", "add", "Ada", ada)
        rows = [
            {"to": payee.invoice(10), "memo": "first", "reference": "salary-ada", "category": "wages"},
            {"to": f"lightning:{payee.invoice(11)}".upper()},
            {"to": ada, "amount": "12"},
            {"to": "Ada", "amount": "13"},
            {"to": "cheque", "amount": "100", "memo": "a prize"},
        ]
        plan = planned(rows)
        told = lines(amani("batch", "run", plan, "--yes", "--json").stdout)
        assert [each["schema"] for each in told] == ["amani.batch_row/1"] * 5 + ["amani.batch/1"]
        assert sorted(each["data"]["row"] for each in told[:-1]) == [2, 3, 4, 5, 6]
        assert all(each["data"]["status"] == "settled" for each in told[:-1])
        summary = told[-1]["data"]
        assert (summary["rows"], summary["settled"], summary["paid_msat"]) == (5, 5, 146_000)
        assert (payer.sat, payee.sat) == (9000 - 146, 46)
        shown = amani("history", "show", "salary-ada", "--json").data
        assert (shown["memo"], shown["category"]) == ("first", "wages")
        assert amani("contact", "show", "Ada", "--json").data["pinned"]["domain"]

    def test_rows_at_the_same_time_keep_their_own_categories(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both, pay = threading.Barrier(2, timeout=PATIENCE_S), Worker._pay

        def together(*args: Any) -> Any:
            both.wait()
            return pay(*args)

        monkeypatch.setattr(Worker, "_pay", together)
        named = ("wages", "rent")
        plan = planned([{"to": payee.invoice(10), "reference": each, "category": each} for each in named])
        assert amani("batch", "run", plan, "--yes", "--jobs", 2).code == 0
        assert [amani("history", "show", each, "--json").data["category"] for each in named] == list(named)

    def test_again_pays_nothing_and_asks_nobody(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned, proxy: Proxy
    ) -> None:
        plan = planned([{"to": payee.invoice(10)}, {"to": payee.invoice(11)}])
        assert amani("batch", "run", plan, "--yes").code == 0
        seen = len(proxy.seen)
        again = amani("batch", "run", plan, "--yes", "--json")
        assert (again.code, lines(again.stdout)[-1]["data"]["settled"]) == (0, 2)
        assert len(proxy.seen) == seen
        assert payee.sat == 21

    @pytest.mark.parametrize("jobs", [1, 4])
    def test_exactly_one_request_a_row(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned, proxy: Proxy, jobs: int
    ) -> None:
        plan = planned([{"to": payee.invoice(1)} for _ in range(20)])
        seen = len(proxy.seen)
        assert amani("batch", "run", plan, "--yes", "--jobs", jobs).code == 0
        asked = proxy.seen[seen:]
        assert asked.count(("POST", "/api/v1/payments")) == 20
        # What it holds, once; and each thread asks whose the key is that it is about to pay by.
        assert asked.count(("GET", "/api/v1/wallet")) == len(asked) - 20 == 1 + jobs

    def test_it_asks_once_with_the_sums(
        self, amani: Amani, payer: Held, payee: Held, ada: str, planned: Planned
    ) -> None:
        plan = planned([{"to": payee.invoice(10)}, {"to": ada, "amount": "20"}])
        with amani.terminal("batch", "run", plan) as terminal:
            terminal.expect("Pay them? [y/N]")
            for text in ("2: 1 invoices, 1 addresses or links", "30 sat", "4 sat", "9,000 sat"):
                assert text in terminal.seen
            terminal.type("y")
            assert terminal.finish() == 0
            assert "100%" in terminal.seen
        assert payee.sat == 30

    def test_without_a_yes_or_with_a_no_nothing_is_sent(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned
    ) -> None:
        plan = planned([{"to": payee.invoice(10)}])
        assert amani("batch", "run", plan).code == 5
        with amani.terminal("batch", "run", plan) as terminal:
            terminal.expect("[y/N]")
            terminal.type("")
            assert terminal.finish() == 5
        assert payee.sat == 0

    def test_the_pin_is_asked_for_once_and_for_the_total(
        self, amani: Amani, add_wallet: AddWallet, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        held = add_wallet("rich", 50_000)
        plan = tmp_path / "plan"
        rows = [{"to": payee.invoice(4_000)} for _ in range(3)]
        assert amani("batch", "plan", table(rows), "-o", plan, "--wallet", "rich").code == 0
        refused = amani("batch", "run", plan, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "PIN_NEEDED")
        assert amani("pin", "set", "--wallet", "rich", "--pin-stdin", stdin="4829\n").code == 0
        assert amani("batch", "run", plan, "--yes").code == 9
        assert held.sat == 50_000
        wrong = amani("batch", "run", plan, "--yes", "--pin-stdin", "--json", stdin="1111\n")
        assert (wrong.code, wrong.error["code"]) == (3, "WRONG_PIN")
        assert amani("batch", "run", plan, "--yes", "--pin-stdin", stdin="4829\n").code == 0
        assert payee.sat == 12_000

    def test_more_than_there_is_stops_it_before_it_begins(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned
    ) -> None:
        plan = planned([{"to": payee.invoice(5_000)}, {"to": payee.invoice(4_500)}])
        refused = amani("batch", "run", plan, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (7, "INSUFFICIENT_FUNDS")
        assert payer.sat == 9000


class TestFailures:
    def test_a_failed_row_leaves_the_others_alone(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned
    ) -> None:
        outside = make_invoice(amount_msat=5_000)  # FakeWallet can't pay what is not on its own server
        plan = planned([{"to": payee.invoice(10)}, {"to": outside}, {"to": payee.invoice(11)}])
        run = amani("batch", "run", plan, "--yes", "--json")
        assert run.code == 11
        rows = {each["data"]["row"]: each["data"] for each in lines(run.stdout)[:-1]}
        assert [rows[number]["status"] for number in (2, 3, 4)] == ["settled", "failed", "settled"]
        assert rows[3]["failure"]
        assert payee.sat == 21
        status = amani("batch", "status", plan, "--json").data
        assert (status["settled"], status["failed"], status["open"]) == (2, 1, 0)

    def test_stop_on_failure(self, amani: Amani, payer: Held, payee: Held, planned: Planned) -> None:
        outside = make_invoice(amount_msat=5_000)
        plan = planned([{"to": outside}, *[{"to": payee.invoice(1)} for _ in range(10)]])
        run = amani("batch", "run", plan, "--yes", "--stop-on-failure", "--jobs", 1, "--json")
        assert run.code == 11
        assert lines(run.stdout)[-1]["data"]["open"] == 10
        assert amani("batch", "run", plan, "--yes").code == 11  # the rest is paid now
        assert payee.sat == 10

    def test_stop_on_failure_holds_for_what_is_filed(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned
    ) -> None:
        outside = make_invoice(amount_msat=5_000)
        plan = planned([{"to": outside}, *[{"to": payee.invoice(1)} for _ in range(10)]])
        filed = amani("batch", "run", plan, "--stop-on-failure", "--jobs", 1, "--request", "--json").data
        assert "begins nothing more after a failure" in filed["details"]
        assert amani("request", "run", filed["id"], "--yes").code == 11
        assert amani("batch", "status", plan, "--json").data["open"] == 10
        assert payee.sat == 0

    def test_an_address_that_cheats_fails_its_own_row(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, planned: Planned
    ) -> None:
        thief = lnurl_server.pay_to("thief", lambda *_: payee.invoice(500))
        plan = planned([{"to": thief, "amount": "5"}, {"to": payee.invoice(6)}])
        run = amani("batch", "run", plan, "--yes", "--json")
        assert run.code == 11
        rows = {each["data"]["row"]: each["data"] for each in lines(run.stdout)[:-1]}
        assert rows[2]["status"] == "failed"
        assert "wrong invoice" in rows[2]["failure"]
        assert payee.sat == 6

    def test_a_budget_stops_rows_and_a_later_run_goes_on(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned
    ) -> None:
        assert amani("wallet", "limit", "payer", "--per-day", "50").code == 0
        plan = planned([{"to": payee.invoice(20)} for _ in range(3)])
        assert amani("batch", "run", plan, "--yes").code == 11
        assert payee.sat == 40
        assert amani("wallet", "limit", "payer", "--per-day", "off").code == 0
        assert amani("batch", "run", plan, "--yes").code == 0
        assert payee.sat == 60

    def test_its_cheques_take_one_slot_of_their_limit_however_often_it_is_run(
        self, amani: Amani, payer: Held, planned: Planned
    ) -> None:
        amani("config", "set", "limit.cheque", "1/1h")
        assert amani("wallet", "limit", "payer", "--per-day", "50").code == 0
        plan = planned([{"to": "cheque", "amount": "30"}, {"to": "cheque", "amount": "31"}])
        assert amani("batch", "run", plan, "--yes").code == 11
        assert amani("wallet", "limit", "payer", "--per-day", "off").code == 0
        assert amani("batch", "run", plan, "--yes").code == 0
        assert payer.sat == 9000 - 61
        other = planned([{"to": "cheque", "amount": "5"}], "other.json")
        assert amani("batch", "run", other, "--yes", "--json").error["code"] == "RATE_LIMIT"

    def test_the_servers_rate_limit_is_waited_out(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("amani_cli.batch.pace.PAUSE_S", 0.05)
        monkeypatch.setattr("amani_cli.batch.pace.STOCK_INTERVAL_S", 0.01)
        plan = planned([{"to": payee.invoice(1)} for _ in range(10)])
        count = 0

        def every_other(method: str, path: str) -> Answer:
            nonlocal count
            if (method, path) != ("POST", "/api/v1/payments"):
                return None
            count += 1
            return (429, {"error": "Rate limit exceeded: 200 per 1 minute"}) if count % 2 else None

        proxy.answer = every_other
        assert amani("batch", "run", plan, "--yes").code == 0
        assert payee.sat == 10
        listed = amani("history", "list", "--direction", "out", "--limit", 100, "--json").data["items"]
        assert [item["status"] for item in listed] == ["settled"] * 10

    @pytest.mark.parametrize("budget", [True, False])
    def test_the_servers_rate_limit_is_not_waited_out_for_ever(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        planned: Planned,
        proxy: Proxy,
        monkeypatch: pytest.MonkeyPatch,
        budget: bool,
    ) -> None:
        monkeypatch.setattr("amani_cli.batch.pace.PAUSE_S", 0.05)
        monkeypatch.setattr("amani_cli.batch.pace.STOCK_INTERVAL_S", 0.01)
        monkeypatch.setattr("amani_cli.batch.pace.LONGEST_WAIT_S", 0.2)
        if budget:  # then what the way may cost is asked for first
            assert amani("wallet", "limit", "payer", "--per-day", "50").code == 0
        plan = planned([{"to": payee.invoice(1)}])

        def always(method: str, path: str) -> Answer:
            limited = (method, path) == ("POST", "/api/v1/payments") or "fee-reserve" in path
            return (429, {"error": "Rate limit exceeded: 200 per 1 minute"}) if limited else None

        proxy.answer = always
        run = amani("batch", "run", plan, "--yes", "--json")
        assert (run.code, lines(run.stdout)[-1]["data"]["failed"]) == (11, 1)
        assert "429" in lines(run.stdout)[0]["data"]["failure"]
        assert payee.sat == 0
        proxy.answer = lambda *_: None
        assert amani("batch", "run", plan, "--yes").code == 0
        assert payee.sat == 1

    def test_a_silent_server_leaves_rows_in_doubt_and_the_next_run_settles_them(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned, proxy: Proxy
    ) -> None:
        plan = planned([{"to": payee.invoice(10)}, {"to": payee.invoice(11)}])

        def broken(method: str, path: str) -> Answer:
            return (502, "bad gateway") if "/api/v1/payments" in path else None

        proxy.answer = broken
        run = amani("batch", "run", plan, "--yes", "--timeout", "1s", "--json")
        assert (run.code, lines(run.stdout)[-1]["data"]["unknown"]) == (8, 2)
        assert amani("batch", "status", plan, "--json").data["unknown"] == 2
        proxy.answer = lambda *_: None
        assert amani("batch", "run", plan, "--yes").code == 0
        assert len(paid_once(payer)) == 2
        assert payee.sat == 21


class TestFiles:
    def test_the_names_of_what_holds_codes_last(
        self, amani: Amani, payer: Held, planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file outlives a power cut only with its name, which is its folder's."""
        synced: list[Path] = []
        fsync = os.fsync

        def watched(descriptor: int) -> None:
            synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
            fsync(descriptor)

        plan = planned([{"to": "cheque", "amount": "100"}])
        monkeypatch.setattr(os, "fsync", watched)
        assert amani("batch", "run", plan, "--yes").code == 0
        codes = synced.index(tmp_path / "plan.json.codes.csv")
        assert tmp_path in synced[codes:]
        synced.clear()
        assert amani("batch", "results", plan, "-o", tmp_path / "results.csv").code == 0
        assert tmp_path in synced
        synced.clear()
        deep = tmp_path / "new" / "deep"
        assert amani("batch", "plan", tmp_path / "plan.json.csv", "-o", deep / "plan").code == 0
        assert {tmp_path, deep.parent, deep} <= set(synced)


class TestReferences:
    """A row's own reference may stand for something else by the time it is run, or have done so all along."""

    @pytest.mark.parametrize("status", ["settled", "unknown"])
    def test_one_that_was_used_for_another_payment_since_is_refused(
        self, amani: Amani, payer: Held, payee: Held, ada: str, planned: Planned, home: Path, status: str
    ) -> None:
        rows = [
            {"to": payee.invoice(10), "reference": "rent-1"},
            {"to": ada, "amount": "11", "reference": "rent-2"},
            {"to": "cheque", "amount": "100", "reference": "rent-3"},
            {"to": payee.invoice(12), "reference": "rent-4"},
        ]
        plan = planned(rows)
        for reference in ("rent-1", "rent-2"):
            assert amani("pay", payee.invoice(20), "--reference", reference, "--yes").code == 0
        assert amani("cheque", "create", "50", "--reference", "rent-3", "--yes").code == 0
        change_database(home, "UPDATE payment SET status=? WHERE kind='pay'", status)
        assert amani("batch", "status", plan, "--json").data["open"] == 4
        run = amani("batch", "run", plan, "--yes", "--json")
        assert run.code == 11
        told = {each["data"]["row"]: each["data"] for each in lines(run.stdout)[:-1]}
        assert [told[number]["status"] for number in (2, 3, 4, 5)] == ["failed"] * 3 + ["settled"]
        assert all("already stands for something else" in told[number]["failure"] for number in (2, 3, 4))
        assert payee.sat == 40 + 12

    def test_one_that_is_taken_is_no_row_of_a_plan(
        self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        assert amani("pay", payee.invoice(20), "--reference", "rent-1", "--yes").code == 0
        same = payee.invoice(21)
        assert amani("pay", same, "--reference", "rent-2", "--yes").code == 0
        rows = [{"to": payee.invoice(10), "reference": "rent-1"}, {"to": same, "reference": "rent-2"}]
        refused = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_ROWS")
        assert [(each["row"], each["column"]) for each in refused.error["rows"]] == [(2, "reference")]


class TestElsewhere:
    def test_a_second_machine_pays_invoices_only_and_none_twice(
        self, amani: Amani, payer: Held, payee: Held, ada: str, planned: Planned, tmp_path: Path, home: Path
    ) -> None:
        plan = planned([{"to": payee.invoice(10)}, {"to": payee.invoice(11)}, {"to": ada, "amount": "12"}])
        there = {"AMANI_HOME": str(tmp_path / "there")}
        added = amani("wallet", "add", "x", "--url", payer.server.url, "--key-file", payer.key_file, env=there)
        assert added.code == 0
        other = amani("batch", "run", plan, "--yes", "--json", env=there)
        assert other.code == 11
        assert "1 rows are not paid here" in lines(other.stdout)[-1]["warnings"][0]
        assert payee.sat == 21
        run = amani("batch", "run", plan, "--yes", "--json")  # where it was made
        assert payee.sat == 21 + 12
        assert len(paid_once(payer)) == 3
        assert run.code == 0

    def test_two_runs_at_once_are_one(self, amani: Amani, payer: Held, payee: Held, planned: Planned) -> None:
        plan = planned([{"to": payee.invoice(1)} for _ in range(30)])
        with amani.started("batch", "run", plan, "--yes", "--jobs", 1) as first:
            while not paid_once(payer):
                time.sleep(0.05)
            second = amani("batch", "run", plan, "--yes", "--json")
            assert (second.code, second.error["code"]) == (12, "LOCKED")
            assert amani.ended(first).code == 0
        assert payee.sat == 30


class TestKilled:
    @pytest.mark.parametrize(
        ("rows", "kills"),
        [
            (120, 3),
            pytest.param(
                1000, 10, marks=pytest.mark.skipif("AMANI_TEST_LONG" not in os.environ, reason="takes minutes")
            ),
        ],
    )
    def test_at_random_and_resumed_each_row_is_paid_once(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        lnbits_server: LnbitsServer,
        planned: Planned,
        rows: int,
        kills: int,
    ) -> None:
        chance = random.Random()
        plan = planned([{"to": payee.invoice(1 + number % 7)} for number in range(rows)])
        total = sum(1 + number % 7 for number in range(rows))
        killed = 0
        while killed < kills:
            goal = rows * (killed + 1) // (kills + 1)
            with amani.started("batch", "run", plan, "--yes", "--jobs", 1 + killed % 3) as run:
                while amani_has_settled(plan, amani) < goal:
                    time.sleep(0.05)
                time.sleep(chance.uniform(0, 0.1))
                run.send_signal(signal.SIGKILL if killed % 3 else signal.SIGTERM)
                run.communicate()
            killed += 1
        last = amani("batch", "run", plan, "--yes", "--json")
        assert last.code == 0, last
        summary = lines(last.stdout)[-1]["data"]
        assert (summary["settled"], summary["paid_msat"]) == (rows, total * 1000)
        assert (payer.sat, payee.sat) == (9000 - total, total)
        assert len(paid_once(payer)) == rows
        assert summary["paid_msat"] == sum(-each["amount"] for each in paid_once(payer))

    def test_ctrl_c_sees_through_what_is_on_its_way(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned
    ) -> None:
        plan = planned([{"to": payee.invoice(1)} for _ in range(40)])
        with amani.terminal("batch", "run", plan, "--yes", "--jobs", "2") as terminal:
            terminal.expect("3 of 40")
            terminal.press(b"\x03")
            assert terminal.finish() == 130
        status = amani("batch", "status", plan, "--json").data
        assert status["unknown"] == 0
        assert 3 <= status["settled"] < 40
        assert payee.sat == status["settled"]
        assert amani("batch", "run", plan, "--yes").code == 0
        assert payee.sat == 40

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (KeyboardInterrupt(), (130, "INTERRUPTED", "yes")),
            (errors.Unreachable("the database is in use", code="LEDGER_BUSY"), (10, "LEDGER_BUSY", "yes")),
            (ValueError("a defect"), (1, "BUG", "maybe")),
        ],
    )
    def test_whatever_comes_once_rows_are_told_does_not_say_that_nothing_moved(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        planned: Planned,
        monkeypatch: pytest.MonkeyPatch,
        error: BaseException,
        told: tuple[int, str, str],
    ) -> None:
        """The rows are paid and told, and then it can't be read how the whole stands."""
        plan, read = planned([{"to": payee.invoice(10)}, {"to": payee.invoice(10)}]), itertools.count()
        standing = batch_rows.standing

        def once(ws: Workspace, plan: Plan) -> Iterator[BatchRow]:
            if next(read):
                raise error
            return standing(ws, plan)

        with monkeypatch.context() as patch:
            patch.setattr(batch_rows, "standing", once)
            amani.crashes = isinstance(error, ValueError)
            run = amani("batch", "run", plan, "--yes", "--json")
        *rows, last = lines(run.stdout)
        assert [row["data"]["status"] for row in rows] == ["settled", "settled"]
        assert (run.code, last["error"]["code"], last["error"]["money_moved"]) == told
        assert payee.sat == 20

    def test_between_the_journal_and_the_first_byte(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = planned([{"to": payee.invoice(10)}])

        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.payments.engine.send", killed)
            amani("batch", "run", plan, "--yes")
        assert amani("batch", "status", plan, "--json").data["unknown"] == 1
        assert payee.sat == 0
        assert amani("batch", "run", plan, "--yes").code == 0
        assert payee.sat == 10
        assert len(paid_once(payer)) == 1


def amani_has_settled(plan: Path, amani: Amani) -> int:
    """How many rows our own books say are settled."""
    sql = "SELECT count(*) FROM payment WHERE direction='out' AND status='settled'"
    return int(ledgers.ask(Path(os.environ["AMANI_HOME"]), sql)[0][0])


class TestResults:
    def test_they_are_safe_in_a_spreadsheet(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned, tmp_path: Path
    ) -> None:
        rows = [{"to": payee.invoice(10), "memo": "=HYPERLINK(1)", "reference": "@cmd"}, {"to": payee.invoice(11)}]
        plan = planned(rows)
        assert amani("batch", "run", plan, "--yes").code == 0
        read = list(csv.DictReader(io.StringIO(amani("batch", "results", plan).stdout)))
        assert [each["status"] for each in read] == ["settled", "settled"]
        assert [each["amount_msat"] for each in read] == ["10000", "11000"]
        assert (read[0]["memo"], read[0]["reference"]) == ("'=HYPERLINK(1)", "'@cmd")
        assert len(read[0]["preimage"]) == 64
        file = tmp_path / "results.csv"
        assert amani("batch", "results", plan, "--output", file).code == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(csv.DictReader(file.open())) == read

    def test_a_code_that_was_not_kept_is_told_of_until_its_cheque_has_ended(
        self, amani: Amani, add_wallet: AddWallet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The disk was full, or the run was killed, once the cheque had its money."""
        main = add_wallet("main", 5000)
        table, plan, kept = tmp_path / "three.csv", tmp_path / "three.json", Codes.keep
        table.write_text("to,amount\ncheque,10\ncheque,11\ncheque,12\n")
        assert amani("batch", "plan", table, "-o", plan).code == 0

        def keep(codes: Codes, row: Row, cheque: Cheque) -> None:
            if row.amount_msat == 11_000:
                raise OSError(errno.EDQUOT, "Disk quota exceeded")
            kept(codes, row, cheque)

        words = ("batch", "run", plan, "--yes", "--jobs", "1")
        with monkeypatch.context() as patch:
            patch.setattr(Codes, "keep", keep)
            told = amani(*words)
        assert (told.code, main.sat) == (11, 4979)
        lost = next(
            each["id"] for each in amani("cheque", "list", "--json").data["items"] if each["amount_msat"] == 11_000
        )
        assert f"cheque void {lost}" in told.stderr
        again = amani(*words)
        assert (again.code, main.sat) == (0, 4967)
        assert f"cheque void {lost}" in again.stderr
        assert f"cheque void {lost}" in amani(*words).stderr
        assert amani("cheque", "void", lost, "--yes").code == 0
        assert "cheque void" not in amani(*words).stderr

    def test_the_codes_of_cheques_are_in_them_and_for_their_owner_alone(
        self, amani: Amani, payer: Held, payee: Held, planned: Planned
    ) -> None:
        plan = planned([{"to": "cheque", "amount": "50"}, {"to": "cheque", "amount": "60"}])
        run = amani("batch", "run", plan, "--yes", "--json")
        assert run.code == 0
        assert "amani1" not in run.stdout
        kept = plan.with_name(plan.name + ".codes.csv")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        read = list(csv.DictReader(io.StringIO(amani("batch", "results", plan).stdout)))
        assert len({each["code"] for each in read}) == 2
        claimed = amani("cheque", "claim", "-", "--wallet", "payee", "--json", stdin=read[0]["code"])
        assert claimed.data["amount_msat"] == 50_000
        assert payee.sat == 50
        assert amani("batch", "run", plan, "--yes").code == 0  # what became of a cheque is no row's affair

    def test_a_code_that_is_worthless_by_now_is_not_given_out(
        self, amani: Amani, payer: Held, planned: Planned, shared_keyring: Path
    ) -> None:
        log_in(amani, payer.server, payer.server.url)
        plan = planned([{"to": "cheque", "amount": amount} for amount in ("50", "60", "70")])
        assert amani("batch", "run", plan, "--yes").code == 0
        before = results_of(amani, plan)
        assert all(each["code"] for each in before)
        assert amani("cheque", "reissue", before[0]["id"], "--yes").code == 0
        assert amani("cheque", "void", before[1]["id"], "--yes").code == 0
        assert [each["code"] for each in results_of(amani, plan)] == ["", "", before[2]["code"]]

    def test_a_plan_in_an_earlier_one_s_place_has_none_of_its_codes(
        self, amani: Amani, payer: Held, planned: Planned, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each row's code goes to somebody: another month's would go to the wrong one."""
        plan = planned([{"to": "cheque", "amount": "100"}])
        assert amani("batch", "run", plan, "--yes").code == 0
        plan.unlink()
        plan = planned([{"to": "cheque", "amount": "200"}])
        assert results_of(amani, plan)[0]["code"] == ""

        def full(*_: object) -> None:
            raise OSError("No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.batch.worker.Codes.keep", full)
            assert amani("batch", "run", plan, "--yes").code == 0
        assert results_of(amani, plan)[0]["code"] == ""
        assert "its code is not in" in amani("batch", "run", plan, "--yes").stderr


def results_of(amani: Amani, plan: Path) -> list[dict[str, str]]:
    """The rows as `batch results` has them."""
    return list(csv.DictReader(io.StringIO(amani("batch", "results", plan).stdout)))


def test_a_restored_copy_pays_nothing_before_it_has_been_reconciled(
    amani: Amani, payer: Held, payee: Held, planned: Planned, home: Path
) -> None:
    plan = planned([{"to": payee.invoice(10)}])
    change_database(home, "INSERT INTO mark VALUES ('spending held', 'a copy of yesterday', '2026-08-01T00:00:00Z')")
    refused = amani("batch", "run", plan, "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (9, "RECONCILE_FIRST")
    assert payee.sat == 0


def test_a_server_that_double_spends_gets_one_payment_at_a_time(
    amani: Amani, payer: Held, payee: Held, planned: Planned, home: Path, proxy: Proxy
) -> None:
    plan = planned([{"to": payee.invoice(10)} for _ in range(3)])
    proxy.answer = lambda _, path: (200, {"info": {"version": "1.0.0"}}) if path == "/openapi.json" else None
    change_database(home, "UPDATE wallet SET server_version='1.0.0'")
    run = amani("batch", "run", plan, "--yes", "--jobs", 4, "--json")
    rows = [each["data"]["row"] for each in lines(run.stdout)[:-1]]
    assert (run.code, rows) == (0, [2, 3, 4])
    assert any("1.0.0" in warning for warning in lines(run.stdout)[-1]["warnings"])


class TestCodes:
    """What goes wrong once a row's cheque is funded makes no failure of it."""

    def test_a_ledger_that_goes_away_behind_it(
        self, amani: Amani, payer: Held, planned: Planned, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan, read = planned([{"to": "cheque", "amount": "100"}]), itertools.count(1)

        def gone(ws: Workspace, id: str) -> ChequeRow:
            if next(read) == 2:  # it is read twice once it is paid
                raise errors.Unreachable("the ledger is away", code="LEDGER_AWAY")
            return naming.must(ws, id)

        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.cheques.writing.must", gone)
            run = amani("batch", "run", plan, "--yes", "--json")
        told = lines(run.stdout)
        assert payer.sat == 9000 - 100
        assert told[0]["data"]["status"] == "settled"
        assert (run.code, told[-1]["data"]["failed"]) == (0, 0)
        assert "a new one: amani cheque reissue chq_" in run.stderr

    @pytest.mark.parametrize("error", [OSError(28, "No space left on device"), errors.Usage("not yours alone")])
    def test_a_code_that_can_t_be_kept(
        self, amani: Amani, payer: Held, planned: Planned, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        """The rest is not written: its codes would be lost too."""
        plan = planned([{"to": "cheque", "amount": "100"}, {"to": "cheque", "amount": "100"}])

        def full(*_: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.batch.worker.Codes.keep", full)
            run = amani("batch", "run", plan, "--yes", "--json", "--jobs", 1)
        *rows, last = lines(run.stdout)
        assert payer.sat == 9000 - 100
        assert [row["data"]["status"] for row in rows] == ["settled"]
        assert (run.code, last["data"]["settled"], last["data"]["open"]) == (11, 1, 1)
        assert "a new one: amani cheque reissue chq_" in run.stderr
