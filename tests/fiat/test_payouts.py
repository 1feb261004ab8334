"""Paying banks and phones: whose account it is, what it costs, one POST, and what became of it."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from amani_cli.fiat import moving
from tests.conftest import change_database
from tests.kit import fincra_double as doubles
from tests.kit.driver import Amani, Result
from tests.kit.fincra_double import FAILING_ACCOUNT, Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin

PAYOUTS = "/disbursements/payouts"
BANK = "bank:058/2345678901"
PIN = "8317"


@pytest.fixture
def shop(amani: Amani, add_business: AddBusiness, double: Double, home: Path) -> Merchant:
    """A registered business whose payouts of everyday size need no PIN (see `TestRules` for how that is said)."""
    merchant = add_business()
    without_pin(home, merchant, NGN=50_000, GHS=1000, UGX=500_000, USD=100)
    return merchant


def allow(amani: Amani, threshold: str, wallet: str = "shop") -> None:
    """Set a PIN (once) and up to which amount none is asked for."""
    words = ("--wallet", wallet, "--pin-stdin", "--threshold", threshold)
    if amani("pin", "set", *words, stdin=PIN).code:
        assert amani("pin", "change", *words, stdin=PIN).code == 0


def pay(amani: Amani, *words: str, **more: Any) -> Result:
    return amani("pay", *words, "--yes", "--json", "--timeout", "5s", **more)


class TestABank:
    def test_is_paid_once_the_bank_has_said_whose_account_it_is(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        words = ("--memo", "he is late again", "--description", "rent")
        data = pay(amani, BANK, "5000.50NGN", *words).data
        assert (data["status"], data["kind"], data["direction"]) == ("settled", "payout", "out")
        assert data["amount"] == {"value": "5000.50", "currency": "NGN"}
        assert data["fee"] == {"value": "10.75", "currency": "NGN"}
        assert data["destination"] == "bank:058/2345678901 Chinwe Eze"
        assert data["payment_hash"] is None
        sent = double.posts(PAYOUTS)[0]
        assert sent["amount"] == Decimal("5000.5")
        assert sent["customerReference"] == data["our_reference"]
        # The memo stays here; what the payee sees on a statement has a word of its own.
        assert (data["memo"], sent["description"]) == ("he is late again", "rent")
        assert sent["beneficiary"] == {
            "type": "individual",
            "firstName": "Chinwe",
            "lastName": "Eze",
            "accountHolderName": "Chinwe Eze",
            "accountNumber": "2345678901",
            "bankCode": "058",
            "country": "NG",
        }
        assert shop.accounts["NGN"].ledger == Decimal("94988.75")

    @pytest.mark.parametrize("bank", ["058", "Guaranty Trust Bank", "guaranty"])
    def test_is_found_by_code_or_name(self, amani: Amani, shop: Merchant, double: Double, bank: str) -> None:
        assert pay(amani, f"bank:{bank}/2345678901", "10NGN").code == 0
        assert double.posts(PAYOUTS)[0]["beneficiary"]["bankCode"] == "058"

    @pytest.mark.parametrize(
        ("dest", "amount", "code", "exit_code"),
        [
            ("bank:058", "10NGN", "BAD_DESTINATION", 2),
            ("bank:/2345678901", "10NGN", "BAD_DESTINATION", 2),
            ("bank:058/12345", "10NGN", "BAD_ACCOUNT", 2),
            ("bank:999/2345678901", "10NGN", "NO_SUCH_BANK", 4),
            ("bank:bank/2345678901", "10NGN", "AMBIGUOUS", 2),
            (BANK, "10", "BAD_AMOUNT", 2),
            (BANK, "10.001NGN", "BAD_AMOUNT", 2),
            (BANK, "1000sat", "BAD_AMOUNT", 2),
            (BANK, "10USD", "BAD_DESTINATION", 2),
            ("bank:044/0123456789", "10NGN", "NAME_UNRESOLVED", 6),
            ("momo:MTN/024123456", "10GHS", "BAD_PHONE", 2),
            ("momo:MTN/0201234567", "10GHS", "NAME_UNRESOLVED", 6),
            ("momo:AIRTEL/233541234567", "10.50GHS", "BAD_AMOUNT", 2),
            ("momo:MTN/256701234567", "10.5UGX", "BAD_AMOUNT", 2),
            (BANK, "10KES", "NO_SUCH_BANK", 4),
        ],
    )
    def test_what_can_not_be_right_is_refused_before_anything_is_sent(
        self, amani: Amani, shop: Merchant, double: Double, dest: str, amount: str, code: str, exit_code: int
    ) -> None:
        result = pay(amani, dest, amount)
        assert (result.error["code"], result.code) == (code, exit_code)
        assert not double.posts(PAYOUTS)

    def test_of_another_name_is_refused(self, amani: Amani, shop: Merchant, double: Double) -> None:
        result = pay(amani, BANK, "10NGN", "--to-name", "Ada Obi")
        assert (result.code, result.error["code"]) == (9, "NAME_MISMATCH")
        assert "Chinwe Eze" in result.error["message"]
        assert not double.posts(PAYOUTS)
        assert pay(amani, BANK, "10NGN", "--to-name", "EZE, chinwé").code == 0

    def test_with_data_null_for_a_name_is_not_paid(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.fail("null", "POST", "/core/accounts/resolve")
        assert pay(amani, BANK, "10NGN").error["code"] == "NAME_UNRESOLVED"

    def test_in_ghana_goes_by_swift_code(self, amani: Amani, shop: Merchant, double: Double) -> None:
        assert pay(amani, "bank:GH130100/4005006007", "10.25GHS").code == 0
        assert double.posts(PAYOUTS)[0]["beneficiary"]["bankSwiftCode"] == "ECOCGHAC"

    def test_of_a_company(self, amani: Amani, shop: Merchant, double: Double) -> None:
        assert pay(amani, BANK, "10NGN", "--company").code == 0
        sent = double.posts(PAYOUTS)[0]["beneficiary"]
        assert (sent["type"], "firstName" in sent) == ("corporate", False)


class TestAPhone:
    @pytest.mark.parametrize("phone", ["233541234567", "+233541234567", "+233 54 123 4567"])
    def test_is_paid_without_its_plus(self, amani: Amani, shop: Merchant, double: Double, phone: str) -> None:
        data = pay(amani, f"momo:AIRTEL/{phone}", "120GHS").data
        assert data["destination"] == "momo:AIRTEL/233541234567 Ama Boateng"
        sent = double.posts(PAYOUTS)[0]
        assert (sent["paymentDestination"], sent["amount"]) == ("mobile_money_wallet", 120)
        assert sent["beneficiary"]["accountNumber"] == "233541234567"
        assert sent["beneficiary"]["mobileMoneyCode"] == "AIRTEL"
        assert "phone" not in sent["beneficiary"]

    def test_where_no_check_exists_that_is_said_and_must_be_accepted(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        dest = "momo:MTN/256701234567"
        refused = pay(amani, dest, "5000UGX", "--to-name", "Ada Obi")
        assert (refused.code, refused.error["code"]) == (9, "NAME_UNVERIFIED")
        assert pay(amani, dest, "5000UGX", "--name-unverified").code == 9
        plan = amani("pay", dest, "5000UGX", "--to-name", "Ada Obi", "--name-unverified", "--dry-run")
        assert "Ada Obi (NOT verified)" in plan.stdout
        data = pay(amani, dest, "5000UGX", "--to-name", "Ada Obi", "--name-unverified").data
        assert data["amount"] == {"value": "5000", "currency": "UGX"}


class TestTheQuestion:
    def test_a_dry_run_sends_nothing(self, amani: Amani, shop: Merchant, double: Double) -> None:
        data = amani("pay", BANK, "5000NGN", "--dry-run", "--json").data
        assert (data["payee"], data["verified"], data["at"], data["sufficient"], data["live"]) == (
            "Chinwe Eze",
            True,
            "Guaranty Trust Bank",
            True,
            False,
        )
        assert "fee" not in data
        assert data["left"] == {"value": "95000.00", "currency": "NGN"}
        assert not double.posts(PAYOUTS)
        assert "not known beforehand" in amani("pay", BANK, "5000NGN", "-n").stdout

    def test_without_a_yes_nothing_is_sent(self, amani: Amani, shop: Merchant, double: Double) -> None:
        result = amani("pay", BANK, "5000NGN", "--json")
        assert (result.code, result.error["money_moved"]) == (5, "no")
        assert not double.posts(PAYOUTS)

    def test_shows_who_where_and_that_it_is_live(self, amani: Amani, add_business: AddBusiness, double: Double) -> None:
        add_business("bank", "--live")
        allow(amani, "50000NGN", "bank")
        with amani.terminal("pay", BANK, "5000NGN") as terminal:
            terminal.expect("[y/N]")
            for words in ("Chinwe Eze", "Guaranty Trust Bank", "5,000.00 NGN", "[LIVE]", "not known beforehand"):
                assert words in terminal.seen
            terminal.type("n")
            assert terminal.finish() == 5
        assert not double.posts(PAYOUTS)

    def test_too_little_money_is_seen_before(self, amani: Amani, shop: Merchant, double: Double) -> None:
        shop.accounts["NGN"].available = Decimal("4999.99")
        result = pay(amani, BANK, "5000NGN")
        assert (result.code, result.error["code"]) == (7, "INSUFFICIENT_FUNDS")
        assert not double.posts(PAYOUTS)

    def test_what_the_fee_does_not_leave_room_for_is_refused_by_fincra(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        shop.accounts["NGN"].available = Decimal(5000)
        result = pay(amani, BANK, "5000NGN")
        assert (result.code, result.error["code"], result.error["money_moved"]) == (7, "INSUFFICIENT_FUNDS", "no")
        assert shop.accounts["NGN"].ledger == 5000

    def test_banks_are_asked_for_once_a_day(self, amani: Amani, shop: Merchant, double: Double) -> None:
        for _ in range(2):
            amani("pay", BANK, "5000NGN", "--dry-run")
        assert [where for _, where, _ in double.requests].count("/core/banks") == 1


class TestTwoCurrencies:
    def test_a_quote_says_rate_fee_and_expiry(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.noise = Decimal("0.0000001")
        words = ("pay", BANK, "15000NGN", "--from-currency", "usd")
        plan = amani(*words, "--dry-run", "--json").data
        assert plan["amount"] == {"value": "10.00", "currency": "USD"}
        assert plan["fee"] == {"value": "0.50", "currency": "USD"}
        assert plan["received"] == {"value": "15000.00", "currency": "NGN"}
        assert plan["left"] == {"value": "489.50", "currency": "USD"}
        assert plan["rate"] == "1500"
        assert plan["expires_at"]
        double.fee = Decimal("0.50")
        data = pay(amani, *words[1:]).data
        assert (data["amount"]["value"], data["received"]["value"]) == ("10.00", "15000.00")
        assert shop.accounts["USD"].available == Decimal("489.50")

    def test_one_without_a_rate_is_refused(self, amani: Amani, shop: Merchant) -> None:
        result = pay(amani, BANK, "15000NGN", "--from-currency", "GHS")
        assert (result.code, result.error["code"]) == (6, "INVALID_CURRENCY_PAIR")

    def test_a_quote_that_runs_out_is_asked_for_anew(
        self, amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(moving, "QUOTE_MARGIN_S", 60)
        assert pay(amani, BANK, "15000NGN", "--from-currency", "USD").code == 0
        assert len(double.posts("/quotes/generate")) == 2

    def test_a_new_quote_must_not_be_dearer(
        self, amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(moving, "QUOTE_MARGIN_S", 60)
        rates = iter([Decimal(1500), Decimal(1400)])
        monkeypatch.setattr(doubles, "rate", lambda pair: next(rates))
        result = pay(amani, BANK, "15000NGN", "--from-currency", "USD")
        assert (result.code, result.error["code"]) == (6, "QUOTE_EXPIRED")
        assert not double.posts(PAYOUTS)


class TestTheOutcome:
    def test_accepted_is_not_paid(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.settle_on_read = 1000
        result = pay(amani, BANK, "5000NGN", "--no-wait")
        assert (result.code, result.error["code"], result.error["money_moved"]) == (8, "OUTCOME_UNKNOWN", "maybe")
        double.settle_on_read = 1
        data = amani("reconcile", "--json").data
        assert (data["settled"], data["unknown"]) == (1, 0)
        assert data["items"][0]["fee"] == {"value": "10.75", "currency": "NGN"}
        assert shop.accounts["NGN"].locked == 0

    def test_it_is_polled_until_it_is_settled(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.settle_on_read = 3
        assert pay(amani, BANK, "5000NGN").data["status"] == "settled"

    @pytest.mark.parametrize("new", [True, False])
    def test_a_failure_is_said_with_its_reason(self, amani: Amani, shop: Merchant, double: Double, new: bool) -> None:
        double.new_field_names = new
        result = pay(amani, f"bank:058/{FAILING_ACCOUNT}", "5000NGN")
        assert (result.code, result.error["money_moved"]) == (6, "no")
        assert "refused it" in result.error["message"]
        assert shop.accounts["NGN"].available == 100000
        assert amani("history", "show", result.error["id"], "--json").data["status"] == "failed"

    @pytest.mark.parametrize("fault", ["drop", "500", "503", "422", "html", "empty", "false", "null"])
    def test_a_broken_answer_is_looked_up_by_our_reference(
        self, amani: Amani, shop: Merchant, double: Double, fault: str
    ) -> None:
        double.fail(fault, "POST", PAYOUTS)
        data = pay(amani, BANK, "5000NGN").data
        assert (data["status"], data["our_reference"]) == ("settled", double.payouts[0]["customerReference"])
        assert len(double.posts(PAYOUTS)) == len(double.payouts) == 1

    @pytest.mark.parametrize("fault", ["drop", "500", "html", "false"])
    def test_not_found_right_after_sending_is_unknown(
        self, amani: Amani, shop: Merchant, double: Double, fault: str
    ) -> None:
        double.fail(fault, "POST", PAYOUTS, stored=False)
        result = pay(amani, BANK, "5000NGN", "--no-wait")
        assert (result.code, result.error["retry"]) == (8, "after_reconcile")
        reconciled = amani("reconcile", "--json")
        assert (reconciled.code, reconciled.json["data"]["unknown"]) == (8, 1)
        assert len(double.posts(PAYOUTS)) == 1

    def test_what_is_stored_late_is_found_in_the_end(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.forget_for_reads = 2
        double.fail("drop", "POST", PAYOUTS)
        assert pay(amani, BANK, "5000NGN").data["status"] == "settled"

    def test_a_day_without_a_record_proves_that_it_never_arrived(
        self, amani: Amani, shop: Merchant, double: Double, home: Path
    ) -> None:
        double.fail("drop", "POST", PAYOUTS, stored=False)
        assert pay(amani, BANK, "5000NGN", "--no-wait").code == 8
        change_database(home, "UPDATE payment SET created_at='2026-01-01T00:00:00Z'")
        assert amani("reconcile", "--json").data["failed"] == 1

    def test_the_answer_to_another_question_proves_nothing(
        self, amani: Amani, shop: Merchant, double: Double, home: Path
    ) -> None:
        assert pay(amani, BANK, "5000NGN").code == 0
        long_ago = "2026-01-01T00:00:00Z"
        change_database(home, "UPDATE payment SET status='unknown', created_at=?, provider_reference=NULL", long_ago)
        double.payouts[-1]["hidden"] = 1
        assert amani("reconcile", "--json").data["settled"] == 1

    def test_a_rate_limit_sends_nothing(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.fail("429", "POST", PAYOUTS, stored=False)
        result = pay(amani, BANK, "5000NGN")
        assert (result.code, result.error["code"], result.error["money_moved"]) == (10, "RATE_LIMITED", "no")
        assert pay(amani, BANK, "5000NGN").code == 0

    def test_nobody_there_is_not_sent(self, amani: Amani, shop: Merchant, double: Double) -> None:
        assert amani("pay", BANK, "5000NGN", "--dry-run").code == 0
        double.merchants.clear()
        result = pay(amani, BANK, "5000NGN")
        assert (result.code, result.error["code"]) == (3, "KEY_REFUSED")

    @pytest.mark.parametrize("as_text", [True, False])
    def test_it_is_shown_by_anybodys_reference(
        self, amani: Amani, shop: Merchant, double: Double, as_text: bool
    ) -> None:
        double.ids_as_text = as_text
        data = pay(amani, BANK, "5000NGN", "--reference", "rent-08").data
        for text in (
            data["id"],
            data["our_reference"],
            data["our_reference"][:8],
            data["provider_reference"],
            "rent-08",
        ):
            assert amani("history", "show", text, "--json").data["id"] == data["id"]
        assert "our reference" in amani("history", "show", data["id"]).stdout

    def test_a_read_only_wallet_pays_nothing(self, amani: Amani, add_business: AddBusiness, double: Double) -> None:
        add_business("look", "--read-only")
        result = pay(amani, BANK, "10NGN")
        assert (result.code, result.error["code"]) == (3, "READ_ONLY_WALLET")
        assert amani("wallet", "balance", "--currency", "NGN", "-q").stdout == "100000.00\n"


class TestReferences:
    def test_the_same_again_is_the_receipt(self, amani: Amani, shop: Merchant, double: Double) -> None:
        first = pay(amani, BANK, "5000NGN", "--reference", "rent").data
        again = pay(amani, BANK, "5000NGN", "--reference", "rent").data
        assert (again["id"], again["replayed"]) == (first["id"], True)
        assert pay(amani, BANK, "5001NGN", "--reference", "rent").error["code"] == "REFERENCE_TAKEN"
        assert len(double.payouts) == 1

    def test_after_a_failure_it_may_be_tried_again_under_a_new_reference_of_ours(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        dest = f"bank:058/{FAILING_ACCOUNT}"
        for _ in range(2):
            assert pay(amani, dest, "10NGN", "--reference", "rent").code == 6
        ours = [body["customerReference"] for body in double.posts(PAYOUTS)]
        assert len(set(ours)) == 2

    def test_a_retry_without_one_does_not_pay_twice_while_the_first_is_open(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        double.settle_on_read = 1000
        assert pay(amani, BANK, "5000NGN", "--no-wait").code == 8
        again = pay(amani, BANK, "5000NGN", "--no-wait")
        assert (again.code, len(double.payouts)) == (8, 1)
        assert "--reference" in again.error["message"]
        assert pay(amani, BANK, "5000NGN", "--no-wait", "--reference", "another").code == 8
        assert len(double.payouts) == 2

    def test_an_open_one_is_never_sent_again(self, amani: Amani, shop: Merchant, double: Double) -> None:
        """Fincra takes a reference once and may lose the first request: going on is Lightning's alone."""
        double.settle_on_read = 1000
        open_ = pay(amani, BANK, "5000NGN", "--no-wait").error
        refused = amani("reconcile", "--resume", open_["id"], "--yes", "--json")
        assert (refused.code, refused.error["id"]) == (8, open_["id"])
        assert "only a payment by Lightning can go on" in refused.error["message"]
        assert len(double.payouts) == len(double.posts(PAYOUTS)) == 1

    def test_twenty_processes_with_one_reference_pay_once(self, amani: Amani, shop: Merchant, double: Double) -> None:
        words = ("pay", BANK, "5000NGN", "--yes", "--json", "--reference", "rent", "--timeout", "30s")
        results: list[Result] = []
        runs = [threading.Thread(target=lambda: results.append(amani.process(*words))) for _ in range(20)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert len(double.payouts) == len(double.posts(PAYOUTS)) == 1
        assert {result.code for result in results} <= {0, 8}
        assert any(result.code == 0 for result in results)
        assert pay(amani, *words[1:3], "--reference", "rent").data["replayed"] is True


class TestRules:
    def test_every_payout_needs_the_pin_until_a_threshold_is_set(
        self, amani: Amani, add_business: AddBusiness, double: Double
    ) -> None:
        add_business()
        refused = pay(amani, BANK, "10NGN")
        assert (refused.code, refused.error["code"]) == (9, "PIN_NEEDED")
        assert amani("pin", "set", "--pin-stdin", stdin=PIN).code == 0
        assert pay(amani, BANK, "10NGN").error["code"] == "PIN_NEEDED"
        assert pay(amani, BANK, "10NGN", "--pin-stdin", stdin="1111").code == 3
        assert not double.posts(PAYOUTS)
        assert pay(amani, BANK, "10NGN", "--pin-stdin", stdin=PIN).code == 0
        allow(amani, "100NGN")
        assert pay(amani, BANK, "100NGN").code == 0
        assert pay(amani, BANK, "100.01NGN").error["code"] == "PIN_NEEDED"

    def test_the_thresholds_are_told_by_currency(self, amani: Amani, shop: Merchant) -> None:
        data = amani("pin", "status", "--json").data
        assert data["threshold_msat"] is None
        assert {"value": "50000", "currency": "NGN"} in data["thresholds"]
        assert "above 1,000.00 GHS" in amani("pin", "status").stdout

    def test_a_forgotten_pin_falls_away_for_the_secret_key_alone(self, amani: Amani, shop: Merchant) -> None:
        assert amani("pin", "set", "--pin-stdin", stdin=PIN).code == 0
        assert amani("pin", "reset", "--key-stdin", "--json", stdin="sk_test_somebody_elses").code == 3
        assert amani("pin", "reset", "--key-stdin", "--json", stdin=shop.key).data["reset_at"]

    def test_a_days_budget_counts_what_left_and_what_is_open(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        assert amani("wallet", "limit", "shop", "--per-day", "10000NGN").code == 0
        assert pay(amani, BANK, "4000NGN").code == 0
        double.settle_on_read = 1000
        assert pay(amani, BANK, "4000NGN", "--no-wait").code == 8
        refused = pay(amani, BANK, "2000NGN")
        assert (refused.code, refused.error["code"]) == (9, "BUDGET")
        assert pay(amani, "momo:AIRTEL/233541234567", "10GHS", "--no-wait").code == 8  # another currency
        items = {item["name"]: item for item in amani("wallet", "limit", "shop", "--json").data["items"]}
        assert items["per day"]["left"] == "1978.50 NGN"  # a fee like the last one is held back

    def test_what_it_did_is_in_the_audit_log(self, amani: Amani, shop: Merchant) -> None:
        pay(amani, BANK, "5000NGN")
        entries = amani("audit", "list", "--json").data["items"]
        told = [(entry["what"], entry["outcome"], entry["reason"]) for entry in entries if entry["what"] == "payout"]
        assert told == [
            ("payout", "settled", None),
            ("payout", "sending", "5,000.00 NGN to bank:058/2345678901 Chinwe Eze"),
        ]


def test_lightning_and_fiat_wallets_refuse_each_others(amani: Amani, shop: Merchant, double: Double) -> None:
    asked = len(double.requests)
    result = pay(amani, "alice@example.com", "1000sat")
    assert (result.code, result.error["code"]) == (2, "WRONG_PROVIDER")
    env: dict[str, str | None] = {"LNBITS_API_KEY": "0" * 32, "AMANI_HOME": "nowhere-yet"}
    assert pay(amani, BANK, "10NGN", env=env).error["code"] == "WRONG_PROVIDER"
    assert len(double.requests) == asked


def test_banks_are_listed_with_the_codes_that_pay_takes(amani: Amani, shop: Merchant, double: Double) -> None:
    data = amani("contact", "banks", "ghs", "--json").data
    assert data["currency"] == "GHS"
    assert {"kind": "momo", "code": "MTN", "name": "MTN", "swift": None} in data["items"]
    assert "bank:044\tAccess Bank" in amani("contact", "banks", "NGN").stdout  # the leading zero counts
    asked = len(double.requests)
    assert amani("contact", "banks", "NGN", "-q").stdout.split() == ["044", "058", "305"]
    assert len(double.requests) == asked
    assert amani("contact", "banks", "naira", "--json").error["code"] == "BAD_CURRENCY"
    assert "pays no banks in CHF" in amani("contact", "banks", "CHF").stderr


def test_an_empty_list_of_banks_does_not_stand_for_a_day(amani: Amani, shop: Merchant, double: Double) -> None:
    all_of_them = doubles.BANKS["NGN"][:]
    doubles.BANKS["NGN"].clear()
    try:
        assert pay(amani, BANK, "5000NGN").error["code"] == "NO_SUCH_BANK"
    finally:
        doubles.BANKS["NGN"].extend(all_of_them)
    assert pay(amani, BANK, "5000NGN").code == 0
