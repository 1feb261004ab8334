"""`wallet limit --per-payment --per-day`: amount and fee, with what is in flight reserved, across processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amani_cli.payments import engine
from tests.conftest import AddWallet, Held, change_database
from tests.kit import ledgers
from tests.kit.books import compared, tell
from tests.kit.crowd import Run, at_once, codes
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import FaultProxy, answer, cut
from tests.kit.fincra_world import AddBusiness
from tests.kit.lnbits_server import LnbitsServer

pytestmark = [pytest.mark.lnbits, pytest.mark.store]


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    """The default wallet, with 10,000 sat."""
    return add_wallet("main", 10_000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    return add_wallet("other")


def over(result: Result) -> dict[str, object]:
    """The error of a command that the budget stopped."""
    assert (result.code, result.error["code"], result.error["money_moved"]) == (9, "BUDGET", "no")
    return result.error


def day(amani: Amani, *words: object) -> tuple[str, str, str]:
    """Used, reserved and left of the day's budget, in sat."""
    items = amani("wallet", "limit", *words, "--json").data["items"]
    (item,) = [item for item in items if item["name"] == "per day"]
    return tuple(str(item[name]).removesuffix(" sat") for name in ("used", "reserved", "left"))  # type: ignore[return-value]


class TestPerPayment:
    def test_amount_and_worst_fee(self, amani: Amani, main: Held, other: Held) -> None:
        assert amani("wallet", "limit", "--per-payment", "100").code == 0
        error = over(amani("pay", other.invoice(99), "--yes", "--json"))  # 2 sat may be due for the way
        assert "101 sat" in str(error["message"])
        assert amani("pay", other.invoice(98), "--yes").code == 0
        over(amani("transfer", "other", "101", "--yes", "--json"))
        assert amani("transfer", "other", "100", "--yes").code == 0  # between our own no fee is due
        over(amani("cheque", "create", "101", "--yes", "--json"))
        assert amani("cheque", "create", "100", "--yes").code == 0
        assert main.sat == 10_000 - 98 - 100 - 100

    def test_the_fee_is_the_server_s_own_figure(
        self, amani: Amani, main: Held, other: Held, home: Path, lnbits_server: LnbitsServer, tmp_path: Path
    ) -> None:
        """A yes given beforehand, and a batch, reserve no less than what a question shows."""
        with FaultProxy(lnbits_server.url) as proxy:
            change_database(home, "UPDATE wallet SET url=?", proxy.url)
            proxy.on(answer(200, {"fee_reserve": 20_000}), "GET", "/api/v1/payments/fee-reserve", times=None)
            amani("wallet", "limit", "--per-payment", "100")
            over(amani("pay", other.invoice(81), "--yes", "--json"))
            table = tmp_path / "table.csv"
            table.write_text(f"to\n{other.invoice(81)}\n{other.invoice(80)}\n")
            assert amani("batch", "plan", table, "--output", tmp_path / "plan", "--wallet", "main").code == 0
            run = amani("batch", "run", tmp_path / "plan", "--yes", "--json")
            assert run.code == 11
            told = [json.loads(line)["data"] for line in run.stdout.splitlines()][:-1]
            assert {each["row"]: each["status"] for each in told} == {2: "failed", 3: "settled"}
            assert amani("wallet", "limit", "--per-payment", "off").code == 0
            asked = proxy.count("GET", "/api/v1/payments/fee-reserve")
            assert amani("pay", other.invoice(81), "--yes").code == 0
            assert proxy.count("GET", "/api/v1/payments/fee-reserve") == asked  # nothing rests on it

    def test_each_of_a_set_of_cheques(self, amani: Amani, main: Held) -> None:
        amani("wallet", "limit", "--per-payment", "100")
        assert amani("cheque", "create", "60", "--count", "2", "--yes").code == 0
        over(amani("cheque", "create", "101", "--count", "2", "--yes", "--json"))

    def test_what_is_refused_leaves_nothing_behind(self, amani: Amani, main: Held, other: Held) -> None:
        amani("wallet", "limit", "--per-payment", "100")
        for words in (("transfer", "other", "500"), ("cheque", "create", "500")):
            over(amani(*words, "--yes", "--json"))
        assert amani("history", "list", "--json").data["items"] == []
        assert amani("cheque", "list", "--json").data["items"] == []
        assert other.records() == []

    def test_off_lifts_it(self, amani: Amani, main: Held, other: Held) -> None:
        amani("wallet", "limit", "--per-payment", "100", "--per-day", "1000")
        assert amani("wallet", "limit", "--per-payment", "off").code == 0
        assert amani("transfer", "other", "500", "--yes").code == 0
        over(amani("transfer", "other", "501", "--yes", "--json"))
        amani("wallet", "limit", "--per-day", "off")
        assert amani("transfer", "other", "501", "--yes").code == 0
        names = [item["name"] for item in amani("wallet", "limit", "--json").data["items"]]
        assert "per day" not in names
        assert "per payment" not in names


class TestPerDay:
    def test_used_reserved_left(self, amani: Amani, main: Held, other: Held) -> None:
        amani("wallet", "limit", "--per-day", "1000")
        assert day(amani) == ("0", "0", "1,000")
        amani("pay", other.invoice(300), "--yes")
        assert day(amani) == ("300", "0", "700")
        error = over(amani("pay", other.invoice(699), "--yes", "--json"))
        assert "700 sat left of the day's budget" in str(error["message"])
        assert "opens_at" in error
        assert amani("transfer", "other", "700", "--yes").code == 0
        assert day(amani) == ("1,000", "0", "0")
        over(amani("cheque", "create", "1", "--yes", "--json"))

    def test_a_day_later_it_is_free_again(self, amani: Amani, main: Held, other: Held, home: Path) -> None:
        amani("wallet", "limit", "--per-day", "1000")
        amani("transfer", "other", "1000", "--yes")
        ledgers.move_back(home, "payment", "created_at", 86_300)
        over(amani("transfer", "other", "1", "--yes", "--json"))
        ledgers.move_back(home, "payment", "created_at", 200)
        assert amani("transfer", "other", "1", "--yes").code == 0

    def test_what_failed_is_given_back(self, amani: Amani, main: Held, other: Held) -> None:
        amani("wallet", "limit", "--per-day", "20000")
        main.server.fund(main.id, -9_500)
        for _ in range(3):
            assert amani("transfer", "other", "9000", "--yes").code == 7
        assert day(amani) == ("0", "0", "20,000")

    def test_what_is_open_stays_reserved(
        self,
        amani: Amani,
        main: Held,
        other: Held,
        home: Path,
        lnbits_server: LnbitsServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.1)
        with FaultProxy(lnbits_server.url) as proxy:
            change_database(home, "UPDATE wallet SET url=?", proxy.url)
            amani("wallet", "limit", "--per-day", "1000")
            proxy.on(cut(after=False), "POST", "/api/v1/payments")
            assert amani("pay", other.invoice(500), "--yes", "--timeout", "1s").code == 8
            assert day(amani) == ("0", "505", "495")
            over(amani("transfer", "other", "496", "--yes", "--json"))
            assert amani("transfer", "other", "495", "--yes").code == 0
            change_database(
                home,
                "UPDATE payment SET created_at='2026-01-01T00:00:00Z', expires_at='2026-01-01T00:10:00Z'"
                " WHERE status='unknown'",
            )
            assert day(amani) == ("495", "505", "0")  # however old it is
            assert amani("reconcile").code == 0
            assert day(amani) == ("495", "0", "505")

    @pytest.mark.parametrize("verb", ["transfer", "pay", "cheque"])
    def test_many_at_once_never_overrun_it(self, amani: Amani, main: Held, other: Held, verb: str) -> None:
        amani("wallet", "limit", "--per-day", "1000")
        number = 24 if verb == "pay" else 12
        for name in ("limit.transfer", "limit.cheque"):
            amani("config", "set", name, "off")
        runs: list[Run]
        if verb == "pay":  # 90 sat and 2 for the way: ten while all are in flight, eleven if some have settled
            runs = [(("pay", other.invoice(90), "--yes"), None) for _ in range(number)]
        else:
            words = {"transfer": ("transfer", "other", "150"), "cheque": ("cheque", "create", "150")}[verb]
            runs = [((*words, "--yes", "--reference", f"r{each}"), None) for each in range(number)]
        ended = codes(at_once(amani, runs, crowded=True))
        assert set(ended) == {0, 9}
        sent = 10_000 - main.sat
        each = 90 if verb == "pay" else 150
        assert sent == ended[0] * each
        assert 1000 - 2 * each < sent <= 1000
        amani("history", "sync")  # the invoices of the other were made behind amani's back
        used, reserved, _ = day(amani)
        assert (used, reserved) == (f"{sent:,}", "0")
        tell(
            f"{number} processes on a budget of 1,000 sat sent {sent} sat by {verb};"
            f" {compared(amani, main, other)} msat compared"
        )


class TestChanging:
    def test_it_needs_the_pin_of_a_wallet_that_has_one(self, amani: Amani, main: Held) -> None:
        amani("wallet", "limit", "--per-day", "1000")
        amani("pin", "set", "--pin-stdin", stdin="271828")
        for words, stdin, code in (((), "", 9), (("--pin-stdin",), "3690", 3), (("--pin-stdin",), "271828", 0)):
            assert amani("wallet", "limit", "--per-day", "2000", *words, stdin=stdin).code == code
        assert day(amani)[2] == "2,000"

    def test_it_is_in_the_audit_log(self, amani: Amani, main: Held) -> None:
        amani("wallet", "limit", "--per-day", "1000", "--reason", "a new till")
        (item,) = amani("audit", "list", "--what", "limit", "--json").data["items"]
        assert (item["what"], item["wallet"], item["reason"]) == ("limit change", "main", "a new till")
        assert item["outcome"] == ("per payment off, per day 1000000 (msat), before: per payment off, per day off")

    def test_what_is_no_budget(self, amani: Amani, main: Held) -> None:
        for amount in ("max", "-5", "1,000", "many", "1.5"):
            assert amani("wallet", "limit", "--per-day", amount).code == 2, amount
        assert amani("wallet", "limit", "--per-day", "1000", "--per-payment", "5NGN").code == 2

    def test_the_wallet_of_the_environment(self, amani: Amani, add_wallet: AddWallet, main: Held, other: Held) -> None:
        """Set by its key in the environment, it holds for the same wallet by name, and the other way round."""
        env = {"LNBITS_API_KEY": main.admin_key, "LNBITS_BASE_URL": main.server.url, "AMANI_WALLET": "env"}
        assert amani("wallet", "limit", "--per-day", "1000", env=env).code == 0
        assert day(amani, "main")[2] == "1,000"
        over(amani("pay", other.invoice(1000), "--yes", "--json", env=env))
        over(amani("pay", other.invoice(1000), "--yes", "--json"))
        assert amani("pay", other.invoice(900), "--yes", env=env).code == 0
        assert day(amani, "main")[0] == "900"

    def test_removing_and_adding_it_again_buys_nothing(self, amani: Amani, main: Held, other: Held) -> None:
        amani("wallet", "limit", "--per-day", "1000")
        amani("transfer", "other", "900", "--yes")
        assert amani("wallet", "remove", "main", "--yes").code == 0
        words = ("wallet", "add", "again", "--url", main.server.url, "--key-file", main.key_file)
        assert amani(*words).code == 0
        assert day(amani, "again") == ("900", "0", "100")
        over(amani("transfer", "other", "101", "--from", "again", "--yes", "--json"))


class TestFiat:
    """A budget is lifted in the currency that it is in, which nobody need say where there is one alone."""

    @pytest.fixture
    def shop(self, add_business: AddBusiness) -> None:
        add_business()

    def names(self, amani: Amani) -> list[str]:
        items = amani("wallet", "limit", "--json").data["items"]
        return [item["allowed"] for item in items if item["name"] in ("per day", "per payment")]

    def test_it_is_lifted(self, amani: Amani, shop: None) -> None:
        words = ("--per-day", "20000NGN", "--per-payment", "5000NGN")
        assert amani("wallet", "limit", *words).code == 0
        assert self.names(amani) == ["5000.00 NGN", "20000.00 NGN"]
        assert amani("wallet", "limit", "--per-day", "off").code == 0
        assert self.names(amani) == ["5000.00 NGN"]
        assert amani("wallet", "limit", "--per-payment", "off NGN").code == 0
        assert self.names(amani) == []
        assert amani("wallet", "limit", *words).code == 0
        assert amani("wallet", "limit", "--per-day", "off", "--per-payment", "off").code == 0
        assert self.names(amani) == []

    def test_of_several_it_is_said_which(self, amani: Amani, shop: None) -> None:
        for amount in ("20000NGN", "50USD"):
            assert amani("wallet", "limit", "--per-payment", amount).code == 0
        refused = amani("wallet", "limit", "--per-payment", "off", "--json")
        assert (refused.code, refused.error["hint"]) == (2, "Say which: --per-payment 'off NGN'.")
        assert amani("wallet", "limit", "--per-payment", "off ngn").code == 0
        assert self.names(amani) == ["50.00 USD"]

    def test_an_agent_s_is_in_what_the_wallet_pays_in(self, amani: Amani, shop: None, main: Held) -> None:
        """It would be told that it may spend, and may spend nothing."""
        for wallet, amount in (("shop", "5sat"), ("main", "5USD"), ("shop", "off NGN")):
            words = (
                "wallet",
                "limit",
                wallet,
                "--agent",
                "bot",
                "--per-payment",
                amount,
                "--per-day",
                amount,
                "--json",
            )
            refused = amani(*words)
            assert (refused.code, refused.error["code"]) == (2, "BAD_AMOUNT")
