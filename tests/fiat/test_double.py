"""The double keeps Fincra's rules itself: a test that passes against a lax one would prove nothing."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.kit.fincra_double import FAILING_ACCOUNT, Double, Merchant

PAYEE = {
    "type": "individual",
    "firstName": "Chinwe",
    "lastName": "Eze",
    "accountHolderName": "Chinwe Eze",
    "accountNumber": "2345678901",
    "bankCode": "058",
    "country": "NG",
}


def call(
    double: Double, merchant: Merchant | None, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any]:
    """One request, without anything of amani's."""
    if merchant is not None:
        headers["api-key"] = merchant.key
    content = None if body is None else json.dumps(body).encode()
    request = Request(double.url + path, data=content, method=method, headers=headers)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def payout(merchant: Merchant, amount: object = 5000, **changes: object) -> dict[str, Any]:
    return {
        "business": merchant.business,
        "sourceCurrency": "NGN",
        "destinationCurrency": "NGN",
        "amount": amount,
        "customerReference": str(uuid.uuid4()),
        "paymentDestination": "bank_account",
        "description": "rent",
        "beneficiary": PAYEE,
        **changes,
    }


def test_no_key_and_a_wrong_key_are_turned_away_by_the_gateway(double: Double, merchant: Merchant) -> None:
    assert call(double, None, "GET", "/profile/business/me")[1]["message"] == "No API key found in request"
    status, body = call(double, None, "GET", "/profile/business/me", **{"api-key": "wrong"})
    assert (status, body["message"]) == (401, "Invalid authentication credentials")


@pytest.mark.parametrize("path", ["/balance", "/payments", "/transfers", "/v2/wallets", "/wallets/1/2"])
def test_invented_endpoints_do_not_exist(double: Double, merchant: Merchant, path: str) -> None:
    status, body = call(double, merchant, "GET", path)
    assert (status, body) == (404, {"message": "no Route matched with those values"})


@pytest.mark.parametrize(
    ("change", "kind", "status"),
    [
        ({"amount": "5000"}, "VALIDATION_FAILED", 422),
        ({"phone": "1"}, "VALIDATION_FAILED", 422),
        ({"business": "0" * 24}, "ACCESS_DENIED", 403),
        ({"amount": 1_000_000}, "NO_ENOUGH_MONEY_IN_WALLET", 422),
        ({"beneficiary": {**PAYEE, "pone": "1"}}, "VALIDATION_FAILED", 422),
        ({"beneficiary": {**PAYEE, "mobileMoneyCode": "MTN"}}, "VALIDATION_FAILED", 422),
        ({"paymentDestination": "mobile_money_wallet"}, "UNPROCESSABLE_ENTITY", 422),
        ({"destinationCurrency": "XAF"}, "UNPROCESSABLE_ENTITY", 422),
        ({"sourceCurrency": "ZMW"}, "RESOURCE_NOT_FOUND", 404),
        ({"description": ""}, "VALIDATION_FAILED", 422),
        ({"beneficiary": {**PAYEE, "accountNumber": "12"}}, "VALIDATION_FAILED", 422),
        ({"destinationCurrency": "GHS"}, "UNPROCESSABLE_ENTITY", 422),
        ({"amount": 0.001}, "VALIDATION_FAILED", 422),
    ],
)
def test_payouts_are_checked_strictly(
    double: Double, merchant: Merchant, change: dict[str, object], kind: str, status: int
) -> None:
    body = payout(merchant, **change) if "amount" not in change else payout(merchant, change["amount"])
    said = call(double, merchant, "POST", "/disbursements/payouts", body)
    assert (said[0], said[1]["errorType"]) == (status, kind)
    assert merchant.accounts["NGN"].available == 100000
    assert not double.payouts


def test_a_payout_locks_the_money_and_settles_on_its_nth_read(double: Double, merchant: Merchant) -> None:
    double.settle_on_read = 2
    body = payout(merchant)
    _, made = call(double, merchant, "POST", "/disbursements/payouts", body)
    assert made["data"]["status"] == "processing"
    account = merchant.accounts["NGN"]
    assert (account.available, account.locked, account.ledger) == (
        Decimal("94989.25"),
        Decimal("5010.75"),
        Decimal(100000),
    )
    path = f"/disbursements/payouts/customer-reference/{body['customerReference']}"
    assert call(double, merchant, "GET", path)[1]["data"]["status"] == "processing"
    assert call(double, merchant, "GET", path)[1]["data"]["status"] == "successful"
    assert (account.available, account.locked) == (Decimal("94989.25"), Decimal(0))
    assert merchant.log[0]["merchantReference"] == body["customerReference"]


def test_a_failed_payout_gives_the_money_back_and_burns_its_reference(double: Double, merchant: Merchant) -> None:
    body = payout(merchant, beneficiary={**PAYEE, "accountNumber": FAILING_ACCOUNT})
    call(double, merchant, "POST", "/disbursements/payouts", body)
    path = f"/disbursements/payouts/customer-reference/{body['customerReference']}"
    assert call(double, merchant, "GET", path)[1]["data"]["status"] == "failed"
    assert merchant.accounts["NGN"].available == 100000
    status, again = call(double, merchant, "POST", "/disbursements/payouts", body)
    assert (status, again["errorType"]) == (422, "DUPLICATE_CUSTOMER_REFERENCE")


def test_a_quote_is_used_once_and_expires(double: Double, merchant: Merchant) -> None:
    ask = {
        "business": merchant.business,
        "sourceCurrency": "USD",
        "destinationCurrency": "NGN",
        "amount": 10,
        "action": "send",
        "transactionType": "conversion",
        "feeBearer": "business",
    }
    quotes = [call(double, merchant, "POST", "/quotes/generate", ask)[1]["data"]["reference"] for _ in range(2)]

    def convert(quote: str) -> tuple[int, Any]:
        body = {"business": merchant.business, "quoteReference": quote, "customerReference": str(uuid.uuid4())}
        return call(double, merchant, "POST", "/conversions/initiate", body)

    assert convert(quotes[0])[0] == 200
    assert convert(quotes[0])[1]["errorType"] == "QUOTE_EXPIRED"
    double.clock_ahead_s = 31
    assert convert(quotes[1])[1]["errorType"] == "QUOTE_EXPIRED"
    assert merchant.accounts["USD"].available == 490
    assert merchant.accounts["NGN"].available == 100000  # credited when it settles


def test_the_checkout_service_speaks_its_own_way(double: Double, merchant: Merchant) -> None:
    body = {
        "amount": 5000,
        "currency": "NGN",
        "reference": "inv-1",
        "customer": {"name": "Ada", "email": "a@example.com"},
    }
    headers = {"x-pub-key": merchant.public_key}
    assert call(double, merchant, "POST", "/checkout/payments", body)[0] == 401
    status, said = call(double, merchant, "POST", "/checkout/payments", body, **headers)
    assert (status, said["message"]) == (400, ["Customer's full name is required"])
    body["customer"] = {"name": "Ada Obi", "email": "a@example.com"}
    status, made = call(double, merchant, "POST", "/checkout/payments", body, **headers)
    assert (status, made["status"], made["data"]["reference"]) == (201, True, "inv-1")
    assert call(double, merchant, "POST", "/checkout/payments", body, **headers)[0] == 409
    path = "/checkout/payments/merchant-reference/inv-1"
    assert call(double, merchant, "GET", path)[0] == 401
    _, read = call(double, merchant, "GET", path, **{"x-business-id": merchant.business})
    assert (read["data"]["reference"], read["data"]["merchantReference"]) == (made["data"]["payCode"], "inv-1")
