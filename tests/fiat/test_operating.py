"""What an operator does with a Fincra wallet: trace, watch, close, webhooks, figures, and its payments compared."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import change_database, take_server_away, write_key
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin
from tests.operations.test_metrics import parsed, value
from tests.operations.test_watch import watching
from tests.operations.test_webhooks import SECRET, listening

BANK = "bank:058/2345678901"
CUSTOMER = ("--name", "Ada Obi", "--email", "ada@example.com")


def deposit(double: Double, merchant: Merchant, amount: str, currency: str = "NGN", reference: str = "va-1") -> None:
    """Have money come in that amani did not ask for."""
    with double.lock:
        double.account(merchant, currency).available += Decimal(amount)
        double._log(merchant, "credit", Decimal(amount), currency, "collections", reference, f"fcr-{reference}")


@pytest.fixture
def shop(amani: Amani, add_business: AddBusiness, double: Double, home: Path) -> Merchant:
    """A registered business whose log goes back to its beginning: 50,000 NGN and 500 USD came."""
    merchant = double.merchant("Ada Books Ltd", NGN="0", USD="0")
    deposit(double, merchant, "50000")
    deposit(double, merchant, "500", "USD", "va-2")
    add_business("shop", merchant=merchant)
    without_pin(home, merchant)
    return merchant


def paid(amani: Amani, *words: str) -> dict[str, Any]:
    data = amani("pay", BANK, *(words or ("5000NGN",)), "--yes", "--json").data
    assert isinstance(data, dict)
    return data


class TestTrace:
    def test_a_payout_by_whatever_names_it(self, amani: Amani, shop: Merchant) -> None:
        entry = paid(amani, "5000NGN", "--memo", "rent of August")
        for clue in (entry["id"], entry["our_reference"], entry["provider_reference"], "2345678901", "rent of Aug"):
            found = amani("trace", clue, "--json").data
            assert found["tell"].startswith("It was paid on"), clue
            there = [event["text"] for event in found["timeline"] if event["source"].startswith("wallet 'shop' at")]
            assert there == ["5000 NGN: settled: Approved"], clue

    def test_a_conversion_is_found_at_the_provider_too(self, amani: Amani, shop: Merchant) -> None:
        entry = amani("wallet", "convert", "100USD", "--to", "NGN", "--yes", "--json").data
        found = amani("trace", entry["id"], "--json").data
        there = [event["text"] for event in found["timeline"] if event["source"].startswith("wallet 'shop' at")]
        assert there == ["100 USD: settled"]
        assert found["not_searched"] == []

    def test_a_page_that_a_customer_has_paid(self, amani: Amani, shop: Merchant, double: Double) -> None:
        page = amani("invoice", "create", "2500NGN", *CUSTOMER, "--json").data
        found = amani("trace", page["our_reference"], "--json").data
        assert "not received yet" in found["tell"]
        double.receive(page["our_reference"], None)
        found = amani("trace", page["our_reference"], "--json").data
        assert found["tell"].startswith("It was paid")
        assert any("success, 2500 of 2500 NGN came" in event["text"] for event in found["timeline"])

    def test_what_it_can_not_be_asked_about_is_said(self, amani: Amani, shop: Merchant) -> None:
        found = amani("trace", "+234 803 123 4567", "--json")
        assert found.code == 4
        assert [gap["reason"] for gap in found.json["data"]["not_searched"]] == ["it can be asked by a reference alone"]
        assert amani("trace", "no-such-reference", "--json").json["data"]["not_searched"] == []


def test_watch_tells_of_what_comes_and_goes(amani: Amani, shop: Merchant, double: Double) -> None:
    page = amani("invoice", "create", "2500NGN", *CUSTOMER, "--memo", "order 9", "--json").data
    with watching("shop", "--every", "1s", until="Watching shop") as watch:
        paid(amani)
        seen = watch.next()
        assert (seen["wallet"], seen["balance_msat"]) == ("shop", None)
        assert (seen["payment"]["direction"], seen["payment"]["amount"]["value"]) == ("out", "5000.00")
        deposit(double, shop, "700", reference="va-9")
        assert watch.next()["payment"]["amount"] == {"value": "700.00", "currency": "NGN"}
        double.receive(page["our_reference"], None)
        told = watch.next()["payment"]
        assert (told["kind"], told["memo"], told["amount"]["value"]) == ("invoice", "order 9", "2500.00")
        assert watch.silent()
    assert amani("invoice", "show", page["our_reference"], "--json").data["status"] == "paid"
    assert amani("history", "sync", "--json").data["new"] == 0


LAST = (datetime.now().astimezone().replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


def test_close_adds_up_for_each_currency(amani: Amani, shop: Merchant, double: Double, home: Path) -> None:
    paid(amani)
    assert amani("wallet", "convert", "100USD", "--to", "NGN", "--yes").code == 0
    assert amani("history", "sync").code == 0
    change_database(home, f"UPDATE payment SET settled_at='{LAST}-15T12:00:00Z', created_at='{LAST}-15T12:00:00Z'")
    paid(amani, "10NGN")  # in this month
    closed = amani("close", "--json").data
    naira, dollars = (next(each for each in closed["items"] if each["unit"] == unit) for unit in ("NGN", "USD"))
    fee = Decimal(naira["fees"])
    assert closed["differences"] == []
    assert fee > 0
    assert Decimal(naira["closing"]) == Decimal(naira["provider_closing"]) == 50000 - 5000 - fee + 150000
    assert Decimal(dollars["closing"]) == Decimal(dollars["provider_closing"]) == 400
    double.account(shop, "NGN").available -= 3
    again = amani("close", "--json")
    assert again.code == 13
    assert again.json["data"]["differences"] == ["shop: the provider holds 3.00 NGN less than the journal accounts for"]


def test_a_payout_in_flight_is_no_difference(amani: Amani, shop: Merchant, double: Double, home: Path) -> None:
    double.settle_on_read = 1000
    assert amani("pay", BANK, "5000NGN", "--yes", "--no-wait").code == 8
    assert amani("close", "--json").data["differences"] == []  # locked money is in the ledger still
    double.settle(double.payouts[0])  # gone there, and the journal has not heard of it
    assert amani("close", "--json").data["differences"] == []


def test_a_payment_that_is_named_is_compared(amani: Amani, shop: Merchant, home: Path) -> None:
    entry = paid(amani)["id"]
    converted = amani("wallet", "convert", "100USD", "--to", "NGN", "--yes", "--json").data["id"]
    assert amani("reconcile", entry, converted, "--json").data["differences"] == []
    change_database(home, "UPDATE payment SET amount='4999' WHERE id=?", entry)
    apart = amani("reconcile", entry, "--json")
    assert (apart.code, apart.json["data"]["differences"]) == (
        13,
        [f"{entry}: amount 4999 NGN here, 5000 NGN at the provider"],
    )


def test_who_could_not_be_asked_what_came_back_is_named(amani: Amani, shop: Merchant, home: Path) -> None:
    paid(amani)
    assert amani("reconcile", "--json").data["unasked"] == []
    take_server_away(home)
    asked = amani("reconcile", "--json")
    assert (asked.code, asked.json["data"]["unasked"]) == (10, ["shop"])


def test_figures(amani: Amani, shop: Merchant) -> None:
    assert amani("wallet", "limit", "shop", "--per-day", "20000NGN").code == 0
    sent = paid(amani)
    samples = parsed(amani("metrics").stdout)
    left = 20000 - 5000 - float(sent["fee"]["value"])
    labels = {"wallet": "shop", "provider": "fincra", "currency": "NGN"}
    assert value(samples, "amani_budget_left_fiat", **labels) == left
    assert value(samples, "amani_wallet_balance_fiat", **labels) == 50000 - (20000 - left)
    assert value(samples, "amani_provider_up", provider="fincra") == 1


class TestWebhooks:
    def signed(self, event: str, **data: object) -> tuple[str, dict[str, str]]:
        body = json.dumps({"event": event, "data": data})
        return body, {"signature": hmac.new(SECRET.encode(), body.encode(), hashlib.sha512).hexdigest()}

    def test_a_payout_that_was_open_is_settled_once(
        self, amani: Amani, shop: Merchant, double: Double, tmp_path: Path
    ) -> None:
        double.settle_on_read = 1000
        assert amani("history", "sync").code == 0
        assert amani("pay", BANK, "5000NGN", "--yes", "--no-wait").code == 8
        body, headers = self.signed("payout.successful", customerReference=double.payouts[0]["customerReference"])
        with listening("--fincra-secret-file", write_key(tmp_path / "secret", SECRET)) as listener:
            assert listener.post("/fincra", body, **headers).text == "asked about\n"  # what it says is not believed
            assert listener.silent()
            double.settle(double.payouts[0])
            assert listener.post("/fincra", body, **headers).status_code == 200
            assert listener.next()["payment"]["status"] == "settled"
            assert listener.post("/fincra", body, **headers).text == "0 new\n"
            assert listener.silent()
        assert amani("history", "list", "--direction", "out", "--json").data["items"][0]["status"] == "settled"

    @pytest.mark.parametrize("name", ["merchantReference", "reference"])
    def test_a_page_that_was_paid_settles_its_invoice_once(
        self, amani: Amani, shop: Merchant, double: Double, tmp_path: Path, name: str
    ) -> None:
        page = amani("invoice", "create", "2500NGN", *CUSTOMER, "--memo", "order 9", "--json").data
        body, headers = self.signed("charge.successful", **{name: page["our_reference"]})
        assert amani("history", "sync").code == 0
        with listening("--fincra-secret-file", write_key(tmp_path / "secret", SECRET)) as listener:
            assert listener.post("/fincra", body, **headers).text == "0 new\n"
            double.receive(page["our_reference"], None)
            assert listener.post("/fincra", body, **headers).text == "asked about\n"
            told = listener.next()["payment"]
            assert (told["kind"], told["memo"]) == ("invoice", "order 9")
            assert listener.post("/fincra", body, **headers).text == "0 new\n"
            assert listener.silent()
        assert amani("invoice", "show", page["our_reference"], "--json").data["status"] == "paid"

    def test_money_nobody_asked_for_is_told(self, amani: Amani, shop: Merchant, double: Double, tmp_path: Path) -> None:
        assert amani("history", "sync").code == 0
        with listening("--fincra-secret-file", write_key(tmp_path / "secret", SECRET)) as listener:
            deposit(double, shop, "700", reference="va-9")
            body, headers = self.signed("collection.successful", reference="fcr-va-9")
            assert listener.post("/fincra", body, **headers).text == "1 new\n"
            assert listener.next()["payment"]["amount"]["value"] == "700.00"

    def test_what_could_not_be_read_is_told_by_a_later_call_after_hours_as_well(
        self, amani: Amani, shop: Merchant, double: Double, tmp_path: Path
    ) -> None:
        assert amani("history", "sync").code == 0
        with listening("--fincra-secret-file", write_key(tmp_path / "secret", SECRET)) as listener:
            body, headers = self.signed("collection.successful", reference="fcr-va-9")
            assert listener.post("/fincra", body, **headers).text == "0 new\n"
            deposit(double, shop, "700", reference="va-9")
            double.clock_ahead_s = 3 * 3600
            double.fail("500", "GET", "/wallets/logs", times=9)
            assert listener.post("/fincra", body, **headers).status_code == 503
            double.faults.clear()
            assert listener.post("/fincra", body, **headers).text == "1 new\n"
            assert listener.next()["payment"]["amount"]["value"] == "700.00"
            assert listener.post("/fincra", body, **headers).text == "0 new\n"

    def test_a_clock_that_is_ahead_here_hides_nothing(
        self, amani: Amani, shop: Merchant, double: Double, tmp_path: Path
    ) -> None:
        double.clock_ahead_s = -7200
        assert amani("history", "sync").code == 0
        with listening("--fincra-secret-file", write_key(tmp_path / "secret", SECRET)) as listener:
            deposit(double, shop, "700", reference="va-9")
            body, headers = self.signed("collection.successful", reference="fcr-va-9")
            assert listener.post("/fincra", body, **headers).text == "1 new\n"
            assert listener.next()["payment"]["amount"]["value"] == "700.00"
