"""Money in by bank transfer: virtual accounts asked for, transfers with who sent them, and what came short."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.conftest import write_key
from tests.fiat import test_operating
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness
from tests.kit.machine import Machine
from tests.operations.test_webhooks import SECRET, listening

ASK = ("invoice", "create", "5000NGN", "--virtual-account")


@pytest.fixture
def shop(amani: Amani, add_business: AddBusiness, double: Double) -> Merchant:
    """A registered business whose log was read."""
    merchant = add_business(merchant=double.merchant("Ada Stores Ltd", NGN="0", USD="0"))
    assert amani("history", "sync").code == 0
    return merchant


class TestVirtualAccounts:
    def test_the_only_one_is_given_with_bank_and_number(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.virtual_account(shop, "8540012345")
        data = amani(*ASK, "--json", "--memo", "lesson").data
        assert data["account"]["bank"] == "Wema Bank"
        assert (data["account"]["number"], data["account"]["name"]) == ("8540012345", "Ada Stores Ltd")
        assert data["our_reference"].startswith(data["account"]["mark"])
        assert (data["status"], data["amount"]["value"]) == ("pending", "5000.00")
        shown = amani("invoice", "show", data["our_reference"]).stdout
        assert "8540012345 (Ada Stores Ltd)" in shown
        assert "Wema Bank" in shown
        assert amani(*ASK, "-q").stdout == "8540012345\n"
        assert not [body for method, _, body in double.requests if method == "POST"]

    def test_of_several_one_is_chosen(self, amani: Amani, shop: Merchant, double: Double) -> None:
        first = double.virtual_account(shop, "8540012345")
        double.virtual_account(shop, "9990012345", "Globus Bank")
        double.virtual_account(shop, "7770012345", status="declined")
        refused = amani(*ASK, "--json")
        assert (refused.code, refused.error["code"]) == (2, "WHICH_ACCOUNT")
        for words in ("8540012345", "Wema Bank", "9990012345", "Globus Bank"):
            assert words in refused.error["message"]
        assert "7770012345" not in refused.error["message"]
        assert amani(*ASK, "9990012345", "--json").data["account"]["bank"] == "Globus Bank"
        assert amani(*ASK, first["_id"], "--json").data["account"]["bank"] == "Wema Bank"
        assert amani(*ASK, "0000000000", "--json").error["code"] == "WHICH_ACCOUNT"

    def test_without_one_that_is_said(self, amani: Amani, shop: Merchant, double: Double) -> None:
        refused = amani(*ASK, "--json")
        assert (refused.code, refused.error["code"]) == (4, "NO_VIRTUAL_ACCOUNT")

    def test_the_same_reference_gives_the_same(self, amani: Amani, shop: Merchant, double: Double) -> None:
        double.virtual_account(shop, "8540012345")
        first = amani(*ASK, "--json", "--reference", "lesson-1").data
        again = amani(*ASK, "--json", "--reference", "lesson-1").data
        assert (again["our_reference"], again["replayed"]) == (first["our_reference"], True)
        taken = amani("invoice", "create", "6000NGN", "--virtual-account", "--reference", "lesson-1", "--json")
        assert taken.error["code"] == "REFERENCE_TAKEN"

    @pytest.mark.parametrize("options", [test_operating.CUSTOMER, ("--method", "card")])
    def test_it_takes_no_options_of_a_page(self, amani: Amani, shop: Merchant, options: tuple[str, ...]) -> None:
        assert amani(*ASK, *options, "--json").code == 2

    @pytest.mark.parametrize("wrong", [7200, -7200])
    def test_with_a_clock_that_is_wrong_here_what_came_since_pays_it_and_nothing_else(
        self, amani: Amani, shop: Merchant, double: Double, machine: Machine, wrong: float
    ) -> None:
        account = double.virtual_account(shop, "8540012345")
        double.collect(shop, account, "5000", payer="Somebody", fee="25")
        time.sleep(1.1)  # by the second it is told when that came
        machine.set(wrong)
        made = amani(*ASK, "--json").data
        assert amani("invoice", "check", made["our_reference"], "--json").data["status"] == "pending"
        double.collect(shop, account, "5000", payer="Bola Ade", fee="25")
        assert amani("invoice", "check", made["our_reference"], "--json").data["status"] == "paid"

    def test_a_part_of_another_that_is_as_much_does_not_pay_it(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        account = double.virtual_account(shop, "8540012345")
        dearer = amani("invoice", "create", "6000NGN", "--virtual-account", "--json").data
        made = amani(*ASK, "--json").data
        double.collect(shop, account, "5000", payer="Bola Ade", narration=f"for {dearer['account']['mark']}")
        assert amani("invoice", "check", made["our_reference"], "--json").data["status"] == "pending"
        assert amani("invoice", "check", dearer["our_reference"], "--json").data["underpaid"] is True

    def test_it_is_paid_though_its_wallet_was_removed_and_added_again(
        self, amani: Amani, shop: Merchant, double: Double, add_business: AddBusiness
    ) -> None:
        account = double.virtual_account(shop, "8540012345")
        made = amani(*ASK, "--json", "--reference", "lesson-1").data
        assert amani("wallet", "remove", "shop", "--yes").code == 0
        add_business("again", merchant=shop)
        double.collect(shop, account, "5000", payer="Bola Ade")
        paid = amani("invoice", "check", made["our_reference"], "--wallet", "again", "--json").data
        assert (paid["status"], paid["wallet"]) == ("paid", "again")
        assert amani("history", "show", "lesson-1", "--json").data["amount"]["value"] == "5000.00"

    def test_a_transfer_of_the_amount_pays_it(self, amani: Amani, shop: Merchant, double: Double) -> None:
        account = double.virtual_account(shop, "8540012345")
        made = amani(*ASK, "--json", "--memo", "lesson").data
        assert amani("invoice", "check", made["our_reference"], "--json").data["status"] == "pending"
        double.collect(shop, account, "5000", payer="Bola Ade", fee="25")
        paid = amani("invoice", "check", made["our_reference"], "--json").data
        assert (paid["status"], paid["underpaid"]) == ("paid", False)
        assert paid["amount_received"] == {"value": "5000.00", "currency": "NGN"}
        (came,) = amani("history", "list", "--json").data["items"]
        assert (came["kind"], came["memo"], came["payer"], came["amount"]["value"]) == (
            "invoice",
            "lesson",
            "Bola Ade",
            "4975.00",  # what the wallet got
        )
        assert amani("history", "sync", "--json").data["new"] == 0

    def test_one_transfer_pays_one_invoice(self, amani: Amani, shop: Merchant, double: Double) -> None:
        account = double.virtual_account(shop, "8540012345")
        first, second = (amani(*ASK, "--json").data["our_reference"] for _ in range(2))
        double.collect(shop, account, "5000", payer="Bola Ade")
        # Either could be meant: only its mark says which.
        statuses = {amani("invoice", "check", each, "--json").data["status"] for each in (first, second)}
        assert statuses == {"pending"}
        double.collect(shop, account, "5000", payer="Chi Obi", narration=f"for {second[:8].upper()}")
        assert amani("invoice", "check", second, "--json").data["status"] == "paid"
        assert amani("invoice", "check", first, "--json").data["status"] == "paid"  # the other transfer, unmarked

    def test_one_that_comes_short_is_pending_and_underpaid_until_the_rest_comes(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        account = double.virtual_account(shop, "8540012345")
        made = amani(*ASK, "--json").data["our_reference"]
        double.collect(shop, account, "3000", payer="Bola Ade", narration=made[:8])
        short = amani("invoice", "list", "--json").data["items"][0]
        assert (short["status"], short["underpaid"]) == ("pending", True)
        assert short["amount_received"] == {"value": "3000.00", "currency": "NGN"}
        listed = amani("invoice", "list").stdout
        assert "pending, underpaid" in listed
        assert "3,000.00 of 5,000.00 NGN" in listed
        double.collect(shop, account, "2000", payer="Bola Ade", narration=made[:8])
        assert amani("invoice", "check", made, "--json").data["status"] == "paid"


def test_a_page_that_comes_short_says_so_in_the_list(amani: Amani, shop: Merchant, double: Double) -> None:
    made = amani("invoice", "create", "5000NGN", *test_operating.CUSTOMER, "--json").data["our_reference"]
    double.receive(made, "4000")
    item = amani("invoice", "list", "--json").data["items"][0]
    assert (item["status"], item["underpaid"], item["amount_received"]["value"]) == ("pending", True, "4000.00")


class TestWhoSentIt:
    def test_sync_brings_the_payer_and_what_they_wrote(self, amani: Amani, shop: Merchant, double: Double) -> None:
        account = double.virtual_account(shop, "8540012345")
        row = double.collect(shop, account, "900", payer="Bola Ade", narration="school fees Tunde")
        assert amani("history", "sync", "--json").data["new"] == 1
        (came,) = amani("history", "list", "--json").data["items"]
        assert (came["payer"], came["memo"], came["session_id"]) == ("Bola Ade", "school fees Tunde", row["sessionId"])
        assert came["provider_reference"] == row["reference"]
        shown = amani("history", "show", came["id"]).stdout
        assert "Bola Ade" in shown
        assert row["sessionId"] in shown
        assert any("Bola Ade" in event["text"] for event in amani("trace", "Tunde", "--json").data["timeline"])

    def test_without_the_list_the_money_is_there_all_the_same(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        double.collect(shop, double.virtual_account(shop, "8540012345"), "900", payer="Bola Ade")
        double.fail("403 OPERATION_FORBIDDEN", "GET", "/collections", times=9)
        assert amani("history", "sync", "--json").data["new"] == 1

    @pytest.mark.parametrize("event", ["collection.successful", "charge.successful", "payment.successful"])
    def test_a_webhook_tells_it_once(
        self, amani: Amani, shop: Merchant, double: Double, tmp_path: Path, event: str
    ) -> None:
        row = double.collect(shop, double.virtual_account(shop, "8540012345"), "900", payer="Bola Ade")
        body, headers = test_operating.TestWebhooks().signed(event, reference=row["reference"])
        with listening("--fincra-secret-file", write_key(tmp_path / "secret", SECRET)) as listener:
            assert listener.post("/fincra", body, **headers).text == "1 new\n"
            assert listener.next()["payment"]["payer"] == "Bola Ade"
            assert listener.post("/fincra", body, **headers).text == "0 new\n"
            assert listener.silent()


def test_a_text_that_was_cut_in_the_middle_of_a_character(amani: Amani, shop: Merchant, double: Double) -> None:
    account = double.virtual_account(shop, "8540012345")
    came = double.collect(shop, account, "20", payer="Ada \ud83d", narration="thanks \ud83d")
    shop.log[0]["description"] = "thanks \ud83d"
    assert amani("history", "sync").code == 0
    [entry] = amani("history", "list", "--json").data["items"]
    assert (entry["provider_reference"], entry["amount"]["value"]) == (came["reference"], "20.00")
    assert amani("history", "list", "--search", "thanks ?", "--json").data["items"] == [entry]
