"""Asking for fiat: a payment page, paid only when what came covers what was asked for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import change_database
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness

CHECKOUT = "/checkout/payments"
ASK = ("invoice", "create", "5000NGN", "--name", "Ada Obi", "--email", "ada@example.com", "--json")


@pytest.fixture
def shop(add_business: AddBusiness) -> Merchant:
    """A registered business."""
    return add_business()


@pytest.mark.parametrize("created", [200, 201])
def test_a_page_is_made_under_a_reference_of_ours(amani: Amani, shop: Merchant, double: Double, created: int) -> None:
    double.created = created
    data = amani(*ASK, "--memo", "lesson", "--method", "bank_transfer").data
    assert data["status"] == "pending"
    assert data["amount"] == {"value": "5000.00", "currency": "NGN"}
    assert data["link"].startswith("https://sandbox-checkout.fincra.com/pay/fcr-p-")
    assert not {"bolt11", "payment_hash", "amount_msat"} & data.keys()
    sent = double.posts(CHECKOUT)[0]
    assert (sent["reference"], sent["amount"], sent["paymentMethods"]) == (
        data["our_reference"],
        5000,
        ["bank_transfer"],
    )
    assert amani(*ASK[:-1], "-q").stdout.startswith("https://")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("5000NGN", "--name", "Ada", "--email", "a@b.c"), "BAD_NAME"),
        (("5000NGN", "--name", "Ada Obi"), "BAD_EMAIL"),
        (("5000", "--name", "Ada Obi", "--email", "a@b.c"), "BAD_AMOUNT"),
        (("5000.001NGN", "--name", "Ada Obi", "--email", "a@b.c"), "BAD_AMOUNT"),
        (("1000sat", "--name", "Ada Obi", "--email", "a@b.c"), "BAD_AMOUNT"),
        (("5000NGN", "--name", "Ada Obi", "--email", "a@b.c", "--expiry", "1h"), "USAGE"),
    ],
)
def test_what_can_not_be_right_is_refused_offline(
    amani: Amani, shop: Merchant, double: Double, words: tuple[str, ...], code: str
) -> None:
    assert amani("invoice", "create", *words, "--json").error["code"] == code
    assert not double.posts(CHECKOUT)


def test_a_public_key_that_is_refused_is_called_that(
    amani: Amani, shop: Merchant, add_business: AddBusiness, home: Path
) -> None:
    change_database(home, "UPDATE wallet SET public_key='pk_test_0123456789abcdef'")
    refused = amani(*ASK)
    assert (refused.code, refused.error["code"]) == (3, "KEY_REFUSED")
    assert "public key" in refused.error["message"]
    assert "FINCRA_PUBLIC_KEY" in refused.error["hint"]
    assert amani("wallet", "remove", "shop", "--yes").code == 0  # which is the way out that is named
    add_business()
    assert amani(*ASK).code == 0


def test_what_fincra_refuses_leaves_nothing_behind(amani: Amani, shop: Merchant, double: Double) -> None:
    result = amani(*ASK, "--method", "mobile_money", "--reference", "lesson-1")
    assert result.code == 6
    assert "Invalid payment method" in result.error["message"]
    assert amani("invoice", "list", "--json").data["items"] == []
    assert amani(*ASK, "--method", "card", "--reference", "lesson-1").code == 0


def test_a_wallet_of_one_currency_takes_a_bare_number(amani: Amani, add_business: AddBusiness, double: Double) -> None:
    add_business("one", merchant=double.merchant("One Ltd", NGN="0"))
    words = ("invoice", "create", "5000", "--name", "Ada Obi", "--email", "ada@example.com", "--json")
    assert amani(*words).data["amount"]["currency"] == "NGN"


def test_without_a_public_key_it_is_said_how_to_get_one(amani: Amani, double: Double, merchant: Merchant) -> None:
    env = {"FINCRA_API_KEY": merchant.key, "FINCRA_BASE_URL": double.url}
    result = amani(*ASK, env=env)
    assert (result.code, result.error["code"]) == (3, "NO_PUBLIC_KEY")
    assert amani(*ASK, env={**env, "FINCRA_PUBLIC_KEY": merchant.public_key}).code == 0


@pytest.mark.parametrize(
    ("received", "status", "variance"),
    [
        (None, "paid", None),
        ("4999.99", "pending", "underpayment"),
        ("5000.50", "paid", "overpayment"),
    ],
)
def test_paid_is_only_what_covers_it(
    amani: Amani,
    shop: Merchant,
    double: Double,
    received: str | None,
    status: str,
    variance: str | None,
) -> None:
    made = amani(*ASK).data
    assert amani("invoice", "check", made["our_reference"], "--json").data["status"] == "pending"
    double.receive(made["our_reference"], received)
    data = amani("invoice", "check", made["our_reference"][:10], "--json").data
    assert (data["status"], data.get("variance")) == (status, variance)
    items = amani("history", "list", "--json").data["items"]
    assert [(item["direction"], item["amount"]["value"]) for item in items] == [("in", received or "5000.00")]
    amani("invoice", "check", made["our_reference"])
    assert len(amani("history", "list", "--json").data["items"]) == 1
    waited = amani("invoice", "wait", made["our_reference"], "--timeout", "5s", "--json")
    if status == "paid":
        assert waited.data["paid_at"]
    else:
        assert (waited.code, waited.error["code"]) == (6, "UNDERPAID")
    if variance:
        assert variance in amani("invoice", "show", made["our_reference"]).stdout


@pytest.mark.parametrize("asked", [False, True])
def test_a_page_is_paid_though_its_wallet_was_removed_and_added_again(
    amani: Amani, shop: Merchant, double: Double, add_business: AddBusiness, asked: bool
) -> None:
    made = amani(*ASK, "--reference", "order-9", "--category", "Income:Shop").data
    assert amani("wallet", "remove", "shop", "--yes").code == 0
    add_business("again", merchant=shop)
    double.receive(made["our_reference"], "5000")
    if asked:
        assert amani("invoice", "check", "order-9", "--wallet", "again", "--json").data["status"] == "paid"
    assert amani("history", "sync").code == 0
    (came,) = amani("history", "list", "--json").data["items"]
    assert (came["reference"], came["category"], came["wallet"]) == ("order-9", "Income:Shop", "again")
    assert amani("invoice", "check", "order-9", "--json").data["status"] == "paid"


def test_a_page_that_nobody_paid_expires(amani: Amani, shop: Merchant, double: Double) -> None:
    made = amani(*ASK).data
    double.receive(made["our_reference"], "0", status="expired")
    assert amani("invoice", "check", made["our_reference"], "--json").data["status"] == "expired"
    waited = amani("invoice", "wait", made["our_reference"], "--json")
    assert (waited.code, waited.error["code"]) == (6, "INVOICE_EXPIRED")


def test_a_wait_may_end_before(amani: Amani, shop: Merchant) -> None:
    made = amani(*ASK).data
    waited = amani("invoice", "wait", made["our_reference"], "--timeout", "1s", "--json")
    assert (waited.code, waited.error["code"]) == (8, "STILL_PENDING")


@pytest.mark.parametrize("fault", ["drop", "500", "html", "null"])
def test_a_page_whose_making_was_not_answered_is_looked_up(
    amani: Amani, shop: Merchant, double: Double, fault: str
) -> None:
    double.fail(fault, "POST", CHECKOUT)
    data = amani(*ASK).data
    assert data["link"].endswith(double.checkouts[0]["reference"])
    assert len(double.posts(CHECKOUT)) == 1


def test_a_retry_with_the_same_reference_makes_no_second_page(amani: Amani, shop: Merchant, double: Double) -> None:
    words = (*ASK, "--reference", "lesson-1")
    double.fail("drop", "POST", CHECKOUT)
    double.fail("500", "GET", CHECKOUT, times=1)
    assert amani(*words).code == 10
    first = amani(*words).data
    again = amani(*words).data
    assert (again["our_reference"], again["replayed"]) == (first["our_reference"], True)
    assert len(double.checkouts) == len(double.posts(CHECKOUT)) == 1
    assert amani("invoice", "check", "lesson-1", "--json").data["our_reference"] == first["our_reference"]


def test_the_list_asks_for_news(amani: Amani, shop: Merchant, double: Double) -> None:
    made = [amani(*ASK).data["our_reference"] for _ in range(2)]
    double.receive(made[0], None)
    items = amani("invoice", "list", "--json").data["items"]
    assert {item["our_reference"]: item["status"] for item in items} == {made[0]: "paid", made[1]: "pending"}
    assert "5,000.00 NGN" in amani("invoice", "list").stdout


def test_the_address_is_drawn_as_it_is(amani: Amani, shop: Merchant, tmp_path: Path) -> None:
    result = amani(*ASK, "--qr", "--qr-file", tmp_path / "page.svg")
    assert result.code == 0
    assert "█" in result.stderr
    assert (tmp_path / "page.svg").exists()


def test_what_came_raises_the_balance(amani: Amani, shop: Merchant, double: Double) -> None:
    double.receive(amani(*ASK).data["our_reference"], None)
    assert shop.accounts["NGN"].available == Decimal(105000)
