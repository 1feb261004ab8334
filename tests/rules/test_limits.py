"""Rate limits: sliding windows a wallet (and an actor), held across processes; what gives a slot back, what keeps it.

Time passes by moving the events in the database: nothing here waits for a window.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from amani_cli.payments import engine
from amani_cli.times import from_rfc3339
from tests.conftest import AddWallet, Held, change_database, take_server_away
from tests.kit.books import tell
from tests.kit.crowd import at_once, codes
from tests.kit.driver import PATIENCE_S, Amani, Result
from tests.kit.fault_proxy import FaultProxy, cut, refuse_from_here_on, stall
from tests.kit.lnbits_server import LnbitsServer

pytestmark = [pytest.mark.lnbits, pytest.mark.store]


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    """The default wallet, with 1,000 sat."""
    return add_wallet("main", 1000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    return add_wallet("other")


def pass_time(home: Path, seconds: float) -> None:
    """Let so much time pass for the windows."""
    change_database(home, "UPDATE event SET at=at-?", seconds)


def limits(amani: Amani, *words: object) -> dict[str, dict[str, str | None]]:
    """`wallet limit`, by the limit's name."""
    items = amani("wallet", "limit", *words, "--json").data["items"]
    return {item["name"]: item for item in items}


def refused(result: Result) -> dict[str, object]:
    """The error of a command that a limit stopped."""
    assert (result.code, result.error["code"], result.error["money_moved"]) == (9, "RATE_LIMIT", "no")
    assert result.error["retry"] == "safe"
    return result.error


class TestEach:
    def test_ten_invoices_a_minute(self, amani: Amani, main: Held, home: Path) -> None:
        for _ in range(10):
            assert amani("invoice", "create", "5").code == 0
        error = refused(amani("invoice", "create", "5", "--json"))
        assert "10 invoices in a minute" in str(error["message"])
        assert "amani config set limit.invoice" in str(error["hint"])
        opens = from_rfc3339(str(error["opens_at"])).timestamp()
        assert str(error["opens_at"]) in str(error["message"])
        assert 40 < opens - time.time() <= 62
        assert 40 < int(str(error["wait_s"])) <= 61
        assert len(main.records()) == 11  # the server heard nothing of the eleventh
        pass_time(home, opens - time.time() - 1.5)
        refused(amani("invoice", "create", "5", "--json"))
        pass_time(home, 1.6)
        assert amani("invoice", "create", "5").code == 0

    def test_the_window_slides(self, amani: Amani, main: Held, home: Path) -> None:
        for _ in range(5):
            assert amani("invoice", "create", "5").code == 0
        pass_time(home, 50)
        for _ in range(5):
            assert amani("invoice", "create", "5").code == 0
        refused(amani("invoice", "create", "5", "--json"))
        pass_time(home, 11)
        for _ in range(5):
            assert amani("invoice", "create", "5").code == 0
        refused(amani("invoice", "create", "5", "--json"))

    def test_sixty_status_checks_a_minute(self, amani: Amani, main: Held, home: Path) -> None:
        payment_hash = amani("invoice", "create", "5", "--json").data["payment_hash"]
        change_database(
            home,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<59)"
            " INSERT INTO event (identity, kind, at) SELECT (SELECT remote_id FROM wallet), 'check', ? FROM n",
            time.time(),
        )
        assert amani("invoice", "check", payment_hash).code == 0
        for verb in ("check", "show"):
            assert "60 status checks in a minute" in str(
                refused(amani("invoice", verb, payment_hash, "--json"))["message"]
            )
        pass_time(home, 61)
        assert amani("invoice", "check", payment_hash).code == 0

    def test_ten_cheques_an_hour_a_set_being_one(self, amani: Amani, main: Held, home: Path) -> None:
        assert amani("cheque", "create", "1", "--count", "3", "--yes").code == 0
        for _ in range(9):
            assert amani("cheque", "create", "1", "--yes").code == 0
        balance = main.sat
        error = refused(amani("cheque", "create", "1", "--yes", "--json"))
        assert "10 cheques in an hour" in str(error["message"])
        assert main.sat == balance
        pass_time(home, 3601)
        assert amani("cheque", "create", "1", "--yes").code == 0
        # Ruling 5: the invoice inside took none of the ten a minute.
        assert limits(amani)["invoice"]["used"] == "0"

    def test_twenty_transfers_an_hour(self, amani: Amani, main: Held, other: Held, home: Path) -> None:
        for _ in range(20):
            assert amani("transfer", "other", "1", "--yes").code == 0
        error = refused(amani("transfer", "other", "1", "--yes", "--json"))
        assert "20 transfers in an hour" in str(error["message"])
        assert (main.sat, other.sat) == (980, 20)
        assert len(other.records()) == 20  # no invoice was made for the twenty-first
        assert amani("transfer", "main", "1", "--from", "other", "--yes").code == 0  # each wallet has its own
        pass_time(home, 3601)
        assert amani("transfer", "other", "1", "--yes").code == 0
        assert limits(amani, "other")["invoice"]["used"] == "0"

    def test_many_at_once_get_no_more(self, amani: Amani, main: Held, other: Held) -> None:
        amani("config", "set", "limit.transfer", "3/1h")
        words = ("transfer", "other", "1", "--yes", "--json", "--reference")
        runs = at_once(amani, [((*words, f"r{number}"), None) for number in range(12)], crowded=True)
        assert codes(runs) == {0: 3, 9: 9}
        assert (main.sat, other.sat) == (997, 3)
        tell("12 processes, a limit of 3: 3 transfers")


class TestSettings:
    def test_config_changes_them(self, amani: Amani, main: Held) -> None:
        shown = {item["name"]: item for item in amani("config", "show", "--json").data["items"]}
        wanted = {"invoice": "10/1m", "check": "60/1m", "cheque": "10/1h", "transfer": "20/1h"}
        assert {name: shown[f"limit.{name}"]["value"] for name in wanted} == wanted
        assert amani("config", "set", "limit.invoice", "2/1h").code == 0
        for _ in range(2):
            assert amani("invoice", "create", "5").code == 0
        assert "2 invoices in an hour" in str(refused(amani("invoice", "create", "5", "--json"))["message"])
        assert amani("config", "set", "limit.invoice", "off").code == 0
        assert amani("invoice", "create", "5").code == 0
        assert limits(amani)["invoice"]["allowed"] == "off"

    def test_the_environment_outranks_them(self, amani: Amani, main: Held) -> None:
        env = {"AMANI_LIMIT_INVOICE": "1/1m"}
        assert amani("invoice", "create", "5", env=env).code == 0
        refused(amani("invoice", "create", "5", "--json", env=env))

    def test_what_is_no_limit(self, amani: Amani, main: Held) -> None:
        for value in ("10", "0/1m", "-1/1m", "x/1m", "10/x", "10/", "1.5/1m", "١/1m"):
            assert amani("config", "set", "limit.invoice", value).code == 2, value
        assert amani("invoice", "create", "5").code == 0

    def test_a_window_longer_than_a_week(self, amani: Amani, main: Held, other: Held, home: Path) -> None:
        amani("config", "set", "limit.transfer", "2/30d")
        for _ in range(2):
            assert amani("transfer", "other", "1", "--yes").code == 0
            pass_time(home, 8 * 86400)
        for kind in ("invoice", "cheque"):
            assert amani(kind, "create", "1", "--yes").code == 0
        refused(amani("transfer", "other", "1", "--yes", "--json"))


class TestShown:
    def test_used_left_and_when_the_next_opens(self, amani: Amani, main: Held, home: Path) -> None:
        fresh = limits(amani)["invoice"]
        assert fresh == {
            "name": "invoice",
            "allowed": "10 in a minute",
            "used": "0",
            "reserved": "",
            "left": "10",
            "opens_at": None,
        }
        for _ in range(4):
            amani("invoice", "create", "5")
        assert limits(amani)["invoice"].items() >= {"used": "4", "left": "6", "opens_at": None}.items()
        for _ in range(6):
            amani("invoice", "create", "5")
        full = limits(amani, "main")["invoice"]
        assert (full["used"], full["left"]) == ("10", "0")
        error = refused(amani("invoice", "create", "5", "--json"))
        assert full["opens_at"] == error["opens_at"]
        assert "invoice=0" in amani("wallet", "limit", "-q").stdout.splitlines()
        assert amani("wallet", "limit", "main").stdout.startswith("invoice\t10 in a minute\t10\t\t0\t")

    def test_the_faucet_s_too_has_its_own_place(self, amani: Amani, main: Held) -> None:
        assert set(limits(amani)) == {"invoice", "check", "cheque", "transfer"}


class TestActor:
    def test_counted_by_actor_whichever_the_wallet(self, amani: Amani, main: Held, other: Held) -> None:
        amani("config", "set", "limit.invoice", "3/1h")
        for wallet in ("main", "main", "other"):
            assert amani("invoice", "create", "5", "-w", wallet, "--actor", "bot:7").code == 0
        refused(amani("invoice", "create", "5", "-w", "other", "--actor", "bot:7", "--json"))
        refused(amani("invoice", "create", "5", "-w", "other", "--json", env={"AMANI_ACTOR": "bot:7"}))
        assert amani("invoice", "create", "5", "-w", "other", "--actor", "bot:8").code == 0
        assert amani("invoice", "create", "5", "-w", "other").code == 0
        refused(amani("invoice", "create", "5", "-w", "other", "--actor", "bot:9", "--json"))  # the wallet is full


class TestIdentity:
    def test_another_name_gets_round_none(self, amani: Amani, main: Held) -> None:
        amani("config", "set", "limit.invoice", "1/1h")
        assert amani("invoice", "create", "5").code == 0
        amani("wallet", "rename", "main", "second")
        refused(amani("invoice", "create", "5", "--json"))
        assert amani("wallet", "remove", "second", "--yes").code == 0
        words = ("wallet", "add", "third", "--url", main.server.url, "--key-file", main.key_file)
        assert amani(*words).code == 0
        refused(amani("invoice", "create", "5", "--json"))

    def test_a_new_wallet_is_not_charged_for_a_removed_one(
        self, amani: Amani, main: Held, other: Held, add_wallet: AddWallet
    ) -> None:
        amani("wallet", "limit", "other", "--per-day", "10")
        other.server.fund(other.id, 100)
        assert amani("transfer", "main", "10", "--from", "other", "--yes").code == 0
        assert amani("wallet", "remove", "other", "--yes").code == 0
        add_wallet("newcomer", 100)
        amani("wallet", "limit", "newcomer", "--per-day", "10")
        assert limits(amani, "newcomer")["per day"]["used"] == "0 sat"
        assert amani("transfer", "main", "10", "--from", "newcomer", "--yes").code == 0


class TestGivenBack:
    def test_a_failed_transfer_s_slot(self, amani: Amani, main: Held, other: Held) -> None:
        amani("config", "set", "limit.transfer", "1/1h")
        for _ in range(3):
            poor = amani("transfer", "other", "5000", "--yes", "--json")
            assert (poor.code, poor.error["code"]) == (7, "INSUFFICIENT_FUNDS")
        assert amani("transfer", "other", "5", "--yes").code == 0
        refused(amani("transfer", "other", "5", "--yes", "--json"))

    def test_a_failed_cheque_s_slot(self, amani: Amani, main: Held) -> None:
        amani("config", "set", "limit.cheque", "1/1h")
        for _ in range(2):
            assert amani("cheque", "create", "5000", "--yes").code == 7
        assert amani("cheque", "create", "5", "--yes").code == 0
        refused(amani("cheque", "create", "5", "--yes", "--json"))

    def test_an_invoice_that_was_refused(self, amani: Amani, main: Held, home: Path) -> None:
        amani("config", "set", "limit.invoice", "1/1h")
        assert amani("invoice", "create", "20_000_000").code == 6  # more than the server takes
        url = main.server.url
        take_server_away(home)
        assert amani("invoice", "create", "5").code == 10
        change_database(home, "UPDATE wallet SET url=?", url)
        assert amani("invoice", "create", "5").code == 0

    def test_one_whose_answer_was_lost_keeps_it(
        self, amani: Amani, main: Held, home: Path, lnbits_server: LnbitsServer
    ) -> None:
        """The server made it: only that nobody knows its bolt11."""
        amani("config", "set", "limit.invoice", "1/1h")
        with FaultProxy(lnbits_server.url) as proxy:
            change_database(home, "UPDATE wallet SET url=?", proxy.url)
            proxy.on(cut(after=True), "POST", "/api/v1/payments")
            assert amani("invoice", "create", "5").code == 10
            refused(amani("invoice", "create", "5", "--json"))

    def test_an_unknown_transfer_keeps_it_until_it_is_settled(
        self,
        amani: Amani,
        main: Held,
        other: Held,
        home: Path,
        lnbits_server: LnbitsServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.1)
        amani("config", "set", "limit.transfer", "1/1h")
        with FaultProxy(lnbits_server.url) as proxy:
            change_database(home, "UPDATE wallet SET url=?", proxy.url)
            proxy.on(refuse_from_here_on, "POST", "/api/v1/payments")  # the invoice is made, then nothing answers
            assert amani("transfer", "other", "5", "--yes").code == 10
            proxy.heal()
            proxy.on(cut(after=False), "POST", "/api/v1/payments", nth=2)
            assert amani("transfer", "other", "5", "--yes", "--timeout", "1s").code == 8
            refused(amani("transfer", "other", "5", "--yes", "--json"))
            change_database(
                home, "UPDATE payment SET created_at='2026-01-01T00:00:00Z', expires_at='2026-01-01T00:10:00Z'"
            )
            assert amani("reconcile", "--json").data["failed"] == 1
            assert amani("transfer", "other", "5", "--yes").code == 0
        assert (main.sat, other.sat) == (995, 5)


class TestWaiting:
    def test_a_wait_paces_itself(self, amani: Amani, main: Held, other: Held, lnbits_server: LnbitsServer) -> None:
        text = amani("invoice", "create", "5", "-q").stdout.strip()
        env = {"AMANI_LIMIT_CHECK": "1/1s"}
        began = time.monotonic()
        with amani.started("invoice", "wait", text, "--json", env=env) as run:
            while time.monotonic() - began < 3.5:
                time.sleep(0.1)
                assert run.poll() is None
            lnbits_server.fund(other.id, 5)
            other.pay(text)
            assert amani.ended(run).data["status"] == "paid"
        assert int(limits(amani)["check"]["used"] or 0) <= time.monotonic() - began + 1

    def test_it_ends_when_its_time_is_up_all_the_same(self, amani: Amani, main: Held) -> None:
        text = amani("invoice", "create", "5", "-q").stdout.strip()
        waited = amani.process("invoice", "wait", text, "--timeout", "1s", "--json", env={"AMANI_LIMIT_CHECK": "1/1h"})
        assert (waited.code, waited.error["code"]) == (8, "STILL_PENDING")
        assert waited.error["money_moved"] == "no"


def test_a_stalled_server_holds_no_other_process_up(
    amani: Amani, main: Held, other: Held, home: Path, lnbits_server: LnbitsServer
) -> None:
    """No transaction is open while the network is waited for."""
    with FaultProxy(lnbits_server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=? WHERE name='main'", proxy.url)
        proxy.on(stall(2 * PATIENCE_S, after=True), "POST", "/api/v1/payments")
        with amani.started("pay", other.invoice(5), "--yes") as run:
            ends = time.monotonic() + PATIENCE_S
            while not proxy.count("POST"):
                assert time.monotonic() < ends
                time.sleep(0.02)
            assert amani("invoice", "create", "5", "-w", "other").code == 0
            assert run.poll() is None
