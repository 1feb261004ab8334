"""Moving fiat between our own: transfers between businesses, conversions, test money, and the wallet's log."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import change_database, full_disk, write_key
from tests.kit.driver import Amani, Result
from tests.kit.fincra_double import FAILING_ACCOUNT, RATES, Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin

WALLET_PAYOUTS = "/disbursements/payouts/wallets"
CONVERSIONS = "/conversions/initiate"


@pytest.fixture
def shop(add_business: AddBusiness, double: Double, home: Path) -> Merchant:
    """A registered business."""
    merchant = add_business()
    without_pin(home, merchant)
    return merchant


@pytest.fixture
def branch(add_business: AddBusiness, double: Double, shop: Merchant) -> Merchant:
    """Another one."""
    return add_business("branch", merchant=double.merchant("Ada Branch Ltd", NGN="0"))


class TestTransfer:
    def go(self, amani: Amani, *words: str) -> Result:
        return amani("transfer", "branch", "5000NGN", "--from", "shop", "--yes", "--json", *words)

    def test_moves_it_free_and_journals_both_sides(
        self, amani: Amani, shop: Merchant, branch: Merchant, double: Double
    ) -> None:
        data = self.go(amani, "--memo", "float").data
        assert (data["status"], data["kind"], data["to_wallet"]) == ("settled", "transfer", "branch")
        assert data["fee"] == {"value": "0.00", "currency": "NGN"}
        assert "Ada Branch Ltd" in data["destination"]
        assert branch.accounts["NGN"].available == 5000
        assert shop.accounts["NGN"].available == 95000
        items = amani("history", "list", "--json").data["items"]
        assert {(item["wallet"], item["direction"], item["amount"]["value"]) for item in items} == {
            ("shop", "out", "5000.00"),
            ("branch", "in", "5000.00"),
        }
        sent = double.posts(WALLET_PAYOUTS)[0]
        assert (sent["amount"], sent["description"]) == (5000, "float")

    def test_all_that_there_is(self, amani: Amani, shop: Merchant, branch: Merchant) -> None:
        words = ("transfer", "branch", "max", "--from", "shop", "--yes", "--json")
        assert "'max' of which currency?" in amani(*words).error["message"]
        for currency in shop.accounts.keys() - {"NGN"}:
            shop.accounts[currency].available = Decimal(0)
        shop.accounts["NGN"].available = Decimal(40_000)
        assert amani(*words).data["amount"] == {"value": "40000.00", "currency": "NGN"}
        assert [each.accounts["NGN"].available for each in (shop, branch)] == [0, 40_000]
        assert amani(*words).json["schema"] == "amani.nothing/1"

    def test_all_that_there_is_leaves_what_no_payment_can_have(
        self, amani: Amani, shop: Merchant, branch: Merchant, double: Double
    ) -> None:
        words = ("transfer", "branch", "max", "--from", "shop", "--yes", "--json")
        for currency in shop.accounts.keys() - {"NGN"}:
            shop.accounts[currency].available = Decimal(0)
        shop.accounts["NGN"].available = Decimal("40000.119")
        assert amani(*words).data["amount"] == {"value": "40000.11", "currency": "NGN"}
        assert double.posts(WALLET_PAYOUTS)[0]["amount"] == Decimal("40000.11")
        assert amani(*words).data["reason"].startswith("nothing to do")

    def test_no_room_to_write_the_arrival_down(
        self, amani: Amani, shop: Merchant, branch: Merchant, double: Double, home: Path
    ) -> None:
        """It is paid: the receipt says so, a retry replays it, and the arrival is written down then or by a sync."""
        with full_disk(home, "INSERT ON payment WHEN new.direction='in'"):
            done = self.go(amani, "--reference", "float-1")
            assert (done.data["status"], len(done.json["warnings"])) == ("settled", 1)
            assert "paid, but the arrival at 'branch'" in done.stderr
        assert self.go(amani, "--reference", "float-1").data["replayed"] is True
        assert len(amani("history", "list", "--direction", "in", "--json").data["items"]) == 1
        assert len(double.posts(WALLET_PAYOUTS)) == 1

    def test_shows_whose_wallet_the_number_is(
        self, amani: Amani, shop: Merchant, branch: Merchant, double: Double
    ) -> None:
        with amani.terminal("transfer", "branch", "5000NGN", "--from", "shop") as terminal:
            terminal.expect("[y/N]")
            for words in ("Ada Branch Ltd", branch.accounts["NGN"].number, "5,000.00 NGN", "[TEST]"):
                assert words in terminal.seen
            terminal.type("n")
            assert terminal.finish() == 5
        assert not double.posts(WALLET_PAYOUTS)

    @pytest.mark.parametrize("fault", ["drop", "500", "html"])
    def test_a_broken_answer_moves_it_once(
        self, amani: Amani, shop: Merchant, branch: Merchant, double: Double, fault: str
    ) -> None:
        double.fail(fault, "POST", WALLET_PAYOUTS)
        assert self.go(amani, "--reference", "float-1").data["status"] == "settled"
        assert self.go(amani, "--reference", "float-1").data["replayed"] is True
        assert branch.accounts["NGN"].available == 5000

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (("shop", "5000NGN"), "SAME_WALLET"),
            (("branch", "5000GHS"), "NO_SUCH_CURRENCY"),
            (("branch", "100001NGN"), "PIN_NEEDED"),
            (("branch", "5000"), "BAD_AMOUNT"),
        ],
    )
    def test_what_can_not_be_is_refused(
        self, amani: Amani, shop: Merchant, branch: Merchant, double: Double, words: tuple[str, ...], code: str
    ) -> None:
        result = amani("transfer", *words, "--from", "shop", "--yes", "--json")
        assert result.error["code"] == (code if words[1] != "100001NGN" else "INSUFFICIENT_FUNDS")
        assert not double.posts(WALLET_PAYOUTS)

    def test_test_money_does_not_become_real(
        self, amani: Amani, shop: Merchant, add_business: AddBusiness, double: Double
    ) -> None:
        add_business("branch", "--live", merchant=double.merchant("Real Ltd", NGN="0"))
        assert self.go(amani).error["code"] == "WRONG_ENVIRONMENT"


class TestConvert:
    def test_a_quote_is_shown_first(self, amani: Amani, shop: Merchant, double: Double) -> None:
        data = amani("wallet", "convert", "100USD", "--to", "ngn", "--dry-run", "--json").data
        assert data["amount"] == {"value": "100.00", "currency": "USD"}
        assert data["received"] == {"value": "150000.00", "currency": "NGN"}
        assert data["fee"] == {"value": "0.00", "currency": "USD"}
        assert not double.posts(CONVERSIONS)

    def test_exchanges_it_once(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.noise = Decimal("-0.00000001")
        words = ("wallet", "convert", "100USD", "--to", "NGN", "--yes", "--json", "--reference", "fx-1")
        data = amani(*words).data
        assert (data["status"], data["kind"], data["received"]["value"]) == ("settled", "convert", "150000.00")
        assert amani(*words).data["replayed"] is True
        assert len(double.conversions) == 1
        assert shop.accounts["USD"].available == 400
        assert shop.accounts["NGN"].available == 250000

    @pytest.mark.parametrize("fault", ["drop", "500", "html", "null"])
    def test_an_answer_that_is_lost_is_looked_up_in_the_list(
        self, amani: Amani, shop: Merchant, double: Double, fault: str
    ) -> None:
        double.fail(fault, "POST", CONVERSIONS)
        data = amani("wallet", "convert", "100USD", "--to", "NGN", "--yes", "--json").data
        assert (data["status"], len(double.conversions)) == ("settled", 1)

    def test_one_is_found_behind_those_that_came_after_it(
        self, amani: Amani, shop: Merchant, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A day without a record proves that it never arrived, so the record must not be on a page unread."""
        monkeypatch.setattr("amani_cli.providers.fincra_line.PAGE", 2)
        words = ("wallet", "convert", "10USD", "--to", "NGN", "--yes", "--json")
        monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.1)
        double.fail("drop", "POST", CONVERSIONS)
        double.fail("500", "GET", "/conversions", times=9)
        assert amani(*words, "--timeout", "1s", "--reference", "first").code == 8
        double.faults.clear()
        for number in range(4):
            assert amani(*words, "--reference", f"later-{number}").code == 0
        change_database(home, "UPDATE payment SET created_at='2026-01-01T00:00:00Z' WHERE status='unknown'")
        told = amani("reconcile", "--json").data
        assert (told["settled"], told["failed"]) == (1, 0)

    def test_a_retry_is_seen_whatever_the_rate_is_by_now(
        self, amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(RATES, ("USD", "NGN"), Decimal(1500))
        double.settle_on_read = 10**9
        words = ("wallet", "convert", "100USD", "--to", "NGN", "--yes", "--json", "--timeout", "1s")
        first = amani(*words).error
        monkeypatch.setitem(RATES, ("USD", "NGN"), Decimal("1500.05"))
        assert amani("wallet", "rename", "shop", "store").code == 0
        again = amani(*words).error
        assert (first["exit"], again["exit"], again["id"]) == (8, 8, first["id"])
        assert "nothing was sent now" in again["message"]
        assert len(double.conversions) == 1
        # Another amount, or a reference of its own, is another exchange.
        for other in (("90USD", *words[3:]), (*words[2:], "--reference", "fx-2")):
            assert amani("wallet", "convert", *other).error["id"] != first["id"]
        assert len(double.conversions) == 3

    @pytest.mark.parametrize("logged", [True, False])
    def test_a_list_that_says_of_none_whose_it_is_proves_nothing(
        self, amani: Amani, shop: Merchant, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch, logged: bool
    ) -> None:
        """The log tells, for all time to come; without it the exchange stays open, and is never called failed."""
        monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.1)
        double.unnamed_conversions = True
        double.fail("drop", "POST", CONVERSIONS)
        double.fail("500", "GET", "/wallets/logs", times=9)
        words = ("wallet", "convert", "100USD", "--to", "NGN", "--yes", "--json", "--reference", "fx-1")
        assert amani(*words, "--timeout", "1s").code == 8
        double.faults.clear()
        change_database(home, "UPDATE payment SET created_at='2026-01-01T00:00:00Z' WHERE status='unknown'")
        if not logged:
            shop.log.clear()
        told = amani("reconcile", "--json").json["data"]
        assert (told["settled"], told["failed"], told["unknown"]) == (int(logged), 0, int(not logged))
        assert amani(*words, "--timeout", "1s").code == (0 if logged else 8)
        assert len(double.conversions) == 1

    def test_one_that_takes_its_time_is_reconciled(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.settle_on_read = 1000
        words = ("wallet", "convert", "100USD", "--to", "NGN", "--yes", "--json", "--timeout", "1s")
        assert amani(*words).code == 8
        assert amani(*words).code == 8  # a retry while it is open
        assert len(double.conversions) == 1
        double.settle_on_read = 1
        assert amani("reconcile", "--json").data["settled"] == 1

    @pytest.mark.parametrize(
        ("words", "code", "exit_code"),
        [
            (("100USD", "--to", "USD"), "BAD_CURRENCY", 2),
            (("100USD", "--to", "dollars"), "BAD_CURRENCY", 2),
            (("100USD", "--to", "KES"), "INVALID_CURRENCY_PAIR", 6),
            (("501USD", "--to", "NGN"), "INSUFFICIENT_FUNDS", 7),
            (("100EUR", "--to", "NGN"), "NO_SUCH_CURRENCY", 4),
        ],
    )
    def test_what_can_not_be_is_refused(
        self, amani: Amani, shop: Merchant, double: Double, words: tuple[str, ...], code: str, exit_code: int
    ) -> None:
        result = amani("wallet", "convert", *words, "--yes", "--json")
        assert (result.error["code"], result.code) == (code, exit_code)
        assert not double.posts(CONVERSIONS)


class TestTheLog:
    @pytest.mark.parametrize("as_text", [True, False])
    def test_brings_in_what_others_did_once(self, amani: Amani, shop: Merchant, double: Double, as_text: bool) -> None:
        double.ids_as_text = as_text
        double._log(shop, "debit", Decimal("12.50"), "NGN", "payout initiated", "theirs-1", "fcr-1")
        double._log(shop, "credit", Decimal(900), "NGN", "collections", "theirs-2", "fcr-2")
        assert amani("history", "sync", "--json").data["new"] == 2
        assert amani("history", "sync", "--json").data["new"] == 0
        shown = amani("history", "show", "fcr-1", "--json").data
        assert (shown["direction"], shown["amount"]["value"], shown["our_reference"]) == ("out", "12.50", "theirs-1")

    def test_ties_lines_to_our_own_entries(self, amani: Amani, shop: Merchant, double: Double) -> None:
        paid = amani("pay", "bank:058/2345678901", "10NGN", "--yes", "--json").data
        double._log(shop, "debit", Decimal(1), "NGN", "fee", paid["our_reference"], "fcr-fee")
        data = amani("history", "sync", "--json").data
        assert (data["new"], data["updated"]) == (0, 0)  # a line of its own for the fee tells nothing new
        assert len(amani("history", "list", "--json").data["items"]) == 1

    def test_what_a_failed_payout_gave_back_is_no_income(self, amani: Amani, shop: Merchant, double: Double) -> None:
        assert amani("pay", f"bank:058/{FAILING_ACCOUNT}", "10NGN", "--yes").code == 6
        ours = double.payouts[0]["customerReference"]
        double._log(shop, "debit", Decimal("20.75"), "NGN", "payout initiated", ours, "fcr-1")
        double._log(shop, "credit", Decimal("20.75"), "NGN", "payout reversed", ours, "fcr-1")
        assert amani("history", "sync", "--json").data["new"] == 0
        assert [item["status"] for item in amani("history", "list", "--json").data["items"]] == ["failed"]

    def test_what_comes_back_after_it_settled_is_a_refund(self, amani: Amani, shop: Merchant, double: Double) -> None:
        paid = amani("pay", "bank:058/2345678901", "10NGN", "--yes", "--json").data
        double._log(shop, "credit", Decimal(10), "NGN", "payout reversed", paid["our_reference"], "fcr-1")
        assert amani("history", "sync", "--json").data["new"] == 1
        items = amani("history", "list", "--direction", "in", "--json").data["items"]
        assert [(item["kind"], item["amount"]["value"]) for item in items] == [("refund", "10.00")]

    def test_settles_what_is_open(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.settle_on_read = 2
        assert amani("pay", "bank:058/2345678901", "10NGN", "--yes", "--no-wait").code == 8
        double.settle_on_read = 1
        double.settle(double.payouts[0])
        assert amani("history", "sync", "--json").data == {"wallets": ["shop"], "new": 0, "updated": 1}

    def test_knows_the_other_half_of_a_conversion(self, amani: Amani, shop: Merchant, double: Double) -> None:
        assert amani("wallet", "convert", "100USD", "--to", "NGN", "--yes").code == 0
        assert amani("history", "sync", "--json").data["new"] == 1
        items = amani("history", "list", "--direction", "in", "--json").data["items"]
        assert [(item["kind"], item["amount"]["value"]) for item in items] == [("convert", "150000.00")]

    def test_knows_the_other_side_of_a_transfer(
        self, amani: Amani, shop: Merchant, branch: Merchant, double: Double, home: Path
    ) -> None:
        assert amani("transfer", "branch", "5000NGN", "--from", "shop", "--yes").code == 0
        change_database(home, "DELETE FROM payment WHERE direction='in'")  # as after a crash
        assert amani("history", "sync", "--json").data["new"] == 1
        items = amani("history", "list", "--direction", "in", "--json").data["items"]
        assert [(item["wallet"], item["kind"]) for item in items] == [("branch", "transfer")]

    def test_a_wallet_added_again_brings_nothing_in_twice(
        self, amani: Amani, shop: Merchant, add_business: AddBusiness, double: Double
    ) -> None:
        double._log(shop, "credit", Decimal(900), "NGN", "collections", "theirs-1", "fcr-1")
        assert amani("history", "sync", "--json").data["new"] == 1
        assert amani("wallet", "remove", "shop", "--yes").code == 0
        add_business("again")
        assert amani("history", "sync", "--json").data["new"] == 0

    def test_is_read_to_its_end(self, amani: Amani, shop: Merchant, double: Double) -> None:
        for number in range(230):
            double._log(shop, "credit", Decimal(1), "NGN", "collections", f"theirs-{number}", f"fcr-{number}")
        assert amani("history", "sync", "--json").data["new"] == 230


class TestTestMoney:
    def test_is_made_from_nothing_in_the_sandbox_alone(
        self, amani: Amani, shop: Merchant, add_business: AddBusiness, double: Double
    ) -> None:
        funded = amani("sandbox", "fund", "shop", "500.50NGN", "--json").data
        assert funded["balances"][0]["value"] == "100500.50"
        add_business("bank", "--live", merchant=double.merchant("Bank Ltd", NGN="1"))
        refused = amani("sandbox", "fund", "bank", "500NGN", "--json")
        assert (refused.code, refused.error["code"]) == (9, "LIVE_WALLET")
        assert len(double.posts("/wallets/fund")) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("cheque", "create", "1000"),
        ("faucet", "configure", "--wallet", "shop"),
        (
            "invoice",
            "claim",
            "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS",
        ),
    ],
)
def test_lightning_only_is_refused_before_anything_is_sent(
    amani: Amani, shop: Merchant, double: Double, words: tuple[str, ...]
) -> None:
    asked = [request for request in double.requests if request[0] == "POST"]
    result = amani(*words, "--yes", "--json")
    assert (result.code, result.error["code"]) == (2, "WRONG_PROVIDER")
    assert [request for request in double.requests if request[0] == "POST"] == asked


def test_fiat_and_lightning_do_not_transfer_to_each_other(
    amani: Amani, shop: Merchant, tmp_path: Path, double: Double
) -> None:
    write_key(tmp_path / "key", "0" * 32)
    env: dict[str, str | None] = {"LNBITS_API_KEY": "0" * 32, "LNBITS_BASE_URL": double.url}
    for words in (("env", "5000NGN", "--from", "shop"), ("shop", "1000", "--from", "env")):
        result = amani("transfer", *words, "--yes", "--json", env=env)
        assert result.error["code"] == "WRONG_PROVIDER"
