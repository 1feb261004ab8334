"""The client reads every shape that Fincra's sources document, and sends amounts digit for digit."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from amani_cli import errors
from amani_cli.providers import fincra_wire as wire
from amani_cli.providers.fiat import Payee
from amani_cli.providers.fincra import Fincra
from amani_cli.providers.fincra_line import LIVE_URL, SANDBOX_URL, check_environment
from amani_cli.providers.http import Answer, _json
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness

CHINWE = Payee("Chinwe Eze", "2345678901", "058", "NG", mobile=False)


def pay(client: Fincra, amount: str = "5000.10", payee: Payee = CHINWE) -> tuple[str, object]:
    reference = str(uuid.uuid4())
    return reference, client.pay(reference, Decimal(amount), "NGN", "NGN", payee, description="rent")


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Answer(401, {"message": "No API key found in request", "request_id": "1"}, True, None), "", "No API key"),
        (Answer(429, {"message": "API rate limit exceeded"}, True, None), "", "API rate limit"),
        (
            Answer(429, {"success": False, "error": "Slow down", "errorType": "RATE_LIMIT_EXCEEDED"}, True, None),
            "RATE_LIMIT_EXCEEDED",
            "Slow down",
        ),
        (Answer(422, {"success": False, "error": "a", "errorType": "B", "errors": ["c"]}, True, None), "B", "a"),
        (Answer(422, {"success": False, "errorType": "B", "errors": {"x": ["c", "d"]}}, True, None), "B", "c; d"),
        (Answer(422, {"success": False, "errorType": "B", "errors": "c"}, True, None), "B", "c"),
        (Answer(400, {"statusCode": 400, "message": ["m", "n"], "error": "Bad Request"}, True, None), "", "m; n"),
        (Answer(400, {"statusCode": 400, "message": "m", "error": "Bad Request"}, True, None), "", "m"),
        (Answer(200, {"success": False, "error": "no"}, True, None), "", "no"),
        (Answer(200, {"status": False, "message": "no"}, True, None), "", "no"),
        (Answer(502, None, False, None), "", ""),
        (Answer(500, {}, True, None), "", ""),
    ],
)
def test_every_shape_of_an_error_is_read(answer: Answer, kind: str, text: str) -> None:
    found = wire.refusal(answer)
    assert found is not None
    assert found.code == kind
    assert text in found.text


@pytest.mark.parametrize(
    "body", [{"success": True, "data": {}}, {"status": True, "data": {}}, {"data": {"status": False}}]
)
def test_success_is_success_in_either_envelope(body: dict[str, object]) -> None:
    assert wire.refusal(Answer(200, body, True, None)) is None
    assert wire.refusal(Answer(201, body, True, None)) is None


@pytest.mark.parametrize(
    ("status", "code", "heard"),
    [
        *[(422, code, "refused") for code in sorted(wire.PAYOUT_REFUSALS - {"RESOURCE_NOT_FOUND"})],
        *[
            (status, code, "silence")
            for code in (
                "TRANSACTION_NOT_INITIATED",
                "TRADE_EXECUTION_FAILED",
                "WALLET_AUDIT_CHECK_ERROR",
                "TRANSACTION_LOCK_DUPLICATE_ERROR",
                "AMOUNT_TO_CHARGE_EMPTY",
                "INVALID_OTP",
                "WALLET_NOT_FOUND",
                "SOMETHING_NEW",
                "",
            )
            for status in (200, 400, 403, 404, 410, 422, 500)
        ],
        (404, "RESOURCE_NOT_FOUND", "silence"),
        (500, "VALIDATION_FAILED", "silence"),
        (401, "", "refused"),
        (422, "DUPLICATE_CUSTOMER_REFERENCE", "pending"),
        (422, "SERVICE_UNAVAILABLE", "silence"),
        (503, "SERVICE_UNAVAILABLE", "silence"),
        (422, "DISBURSEMENT_CHANNEL_ERROR", "silence"),
        (500, "INTERNAL_SERVER_ERROR", "silence"),
        (500, "SOMETHING_NEW", "silence"),
        (200, "SOMETHING_NEW", "silence"),
        (200, "NO_ENOUGH_MONEY_IN_WALLET", "refused"),
        (408, "SOMETHING_NEW", "silence"),
        (429, "", "limited"),
        (200, "TOO_MANY_REQUESTS", "limited"),
    ],
)
def test_what_a_refused_payout_proves(status: int, code: str, heard: str) -> None:
    assert wire.heard(wire.Refusal(status, code, "words"), wire.PAYOUT_REFUSALS) == heard


@pytest.mark.parametrize("text", ["Quote not found. Kindly do a re-quote to continue", "The sender has no KES wallet"])
def test_a_404_about_the_quote_or_the_wallet_comes_before_the_payout(text: str) -> None:
    assert wire.heard(wire.Refusal(404, "RESOURCE_NOT_FOUND", text), wire.PAYOUT_REFUSALS) == "refused"


@pytest.mark.parametrize(
    ("status", "code", "heard"),
    [
        *[(400, code, "refused") for code in sorted(wire.CONVERSION_REFUSALS)],
        (410, "TRADE_EXECUTION_FAILED", "silence"),
        (422, "TRADE_PRECONDITION_FAILED", "silence"),
        (503, "WALLET_DEBIT_FAILED", "silence"),
        (503, "QUOTE_RETRIEVAL_FAILED", "silence"),
        (422, "UNPROCESSABLE_ENTITY", "silence"),
        (400, "SOMETHING_NEW", "silence"),
        (422, "DUPLICATE_CUSTOMER_REFERENCE", "pending"),
    ],
)
def test_what_a_refused_conversion_proves(status: int, code: str, heard: str) -> None:
    assert wire.heard(wire.Refusal(status, code, "words"), wire.CONVERSION_REFUSALS) == heard


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, Decimal(5)),
        ("5.10", Decimal("5.10")),
        (Decimal("0.125"), Decimal("0.125")),
        (True, None),
        (None, None),
        ("NaN", None),
        ("Infinity", None),
        ("1,5", None),
        ("", None),
        ([], None),
    ],
)
def test_amounts_may_be_numbers_or_text(value: object, number: Decimal | None) -> None:
    assert wire.decimal(value) == number


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.1", "0.1"), ("5000.00", "5000"), ("123456789012345.67", "123456789012345.67"), ("1E+3", "1000")],
)
def test_amounts_are_sent_digit_for_digit(amount: str, text: str) -> None:
    assert _json({"a": [Decimal(amount), "é", True, None]}) == f'{{"a":[{text},"\\u00e9",true,null]}}'


def test_balances_keep_three_decimals(client: Fincra) -> None:
    held = {each.currency: each for each in client.held()}
    assert held["GHS"].value == Decimal("5000.125")
    assert held["NGN"].ledger == 100000


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("new", [True, False])
def test_a_payout_reads_the_same_in_both_field_sets(double: Double, client: Fincra, as_text: bool, new: bool) -> None:
    double.ids_as_text, double.new_field_names = as_text, new
    reference, _ = pay(client)
    record = client.record(reference)
    assert record is not None
    assert (record.status, record.cost(Decimal("5000.1")), record.payee) == ("settled", Decimal("10.75"), "Chinwe Eze")
    assert client.record("another") is None


@pytest.mark.parametrize("fault", ["drop", "500", "503", "422", "html", "empty", "false", "null"])
def test_no_broken_answer_to_a_payout_is_taken_for_an_outcome(double: Double, client: Fincra, fault: str) -> None:
    double.fail(fault, "POST", "/disbursements/payouts")
    reference, answer = pay(client)
    assert getattr(answer, "heard") in ("silence", "pending")  # noqa: B009
    assert len(double.posts("/disbursements/payouts")) == 1
    record = client.record(reference)
    assert record is not None
    assert record.status == "settled"


@pytest.mark.parametrize("created", [200, 201])
def test_a_checkout_is_made_whether_200_or_201(
    double: Double, merchant: Merchant, client: Fincra, created: int
) -> None:
    double.created = created
    link, code = client.create_checkout(
        Decimal(5000), "NGN", "inv-1", name="Ada Obi", email="ada@example.com", methods=["card"]
    )
    assert link.endswith(str(code))
    found = client.checkout("inv-1")
    assert found is not None
    assert (found.status, found.provider_reference) == ("pending", code)
    assert (found.expected, found.received) == (Decimal(5000), Decimal(0))
    assert client.checkout("inv-2") is None


def test_unresolved_accounts_have_no_name(double: Double, client: Fincra) -> None:
    body = {"currency": "NGN", "type": "nuban", "accountNumber": "2345678901", "bankCode": "058"}
    assert client.resolve(body) == ("Chinwe Eze", "")
    assert client.resolve({**body, "accountNumber": "0123456789"}) == (None, "")
    double.fail("null", "POST", "/core/accounts/resolve")
    assert client.resolve(body) == (None, "")


@pytest.mark.parametrize(
    ("fault", "code"),
    [("429", "RATE_LIMITED"), ("html", "SERVER_ERROR"), ("empty", "SERVER_ERROR"), ("500", "SERVER_ERROR")],
)
def test_a_read_that_keeps_failing_is_unreachable(double: Double, client: Fincra, fault: str, code: str) -> None:
    client.line.deadline -= 9.4  # leaves no time to try again
    double.fail(fault, "GET", "/wallets", times=99)
    with pytest.raises(errors.Unreachable) as caught:
        client.held()
    assert caught.value.code == code


def test_a_read_is_tried_again(double: Double, client: Fincra) -> None:
    double.fail("429", "GET", "/wallets")
    assert len(client.held()) == 4


def test_an_address_off_the_list_and_a_wrong_key_are_told_apart(double: Double, client: Fincra) -> None:
    double.unlisted_ip = True
    with pytest.raises(errors.NotAuthorised, match="allow-list") as caught:
        client.held()
    assert caught.value.code == "IP_NOT_ALLOWED"
    double.unlisted_ip = False
    double.merchants.clear()
    with pytest.raises(errors.NotAuthorised) as refused:
        client.business()
    assert refused.value.code == "KEY_REFUSED"
    assert "allow-list" in refused.value.hint


@pytest.mark.parametrize(("key", "url"), [("sk_live_1", SANDBOX_URL), ("sk_test_1", LIVE_URL), ("pk_test_1", LIVE_URL)])
def test_a_key_of_the_other_environment_is_never_sent(key: str, url: str) -> None:
    with pytest.raises(errors.NotAuthorised) as caught:
        check_environment(key, url)
    assert caught.value.code == "WRONG_ENVIRONMENT"


@pytest.mark.parametrize(("key", "url"), [("sk_test_1", SANDBOX_URL), ("abc", LIVE_URL), ("abc", SANDBOX_URL)])
def test_other_keys_pass(key: str, url: str) -> None:
    check_environment(key, url)


@pytest.mark.parametrize(("status", "code", "exit_code"), [(404, "NOT_FOUND", 4), (422, "REJECTED", 6)])
def test_a_word_of_fincras_that_nobody_explains_is_no_code_of_ours(
    amani: Amani, add_business: AddBusiness, double: Double, status: int, code: str, exit_code: int
) -> None:
    add_business("shop")
    double.fail(f"{status} SOMETHING_NEW", "GET", "/wallets", times=9)
    told = amani("wallet", "balance", "--json")
    assert (told.code, told.error["code"]) == (exit_code, code)
    assert amani("explain", code).code == 0
