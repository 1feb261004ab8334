"""`amani invoice claim`: money that comes by LNURL-withdraw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Held
from tests.driver import Amani
from tests.lnurl.server import LnurlServer, Query

pytestmark = pytest.mark.lnbits

SECRET = "k1-0123456789abcdef"


@pytest.fixture
def voucher(payer: Held, lnurl_server: LnurlServer) -> Callable[..., str]:
    """A link over some money of `payer`'s, good once."""

    def make(least: int = 1000, most: int = 50_000, answer: dict[str, Any] | None = None) -> str:
        used: list[str] = []

        def pay(query: Query) -> dict[str, Any]:
            if answer is not None:
                return answer
            if query["k1"] != SECRET or used:
                return {"status": "ERROR", "reason": "used up"}
            used.append(query["pr"])
            payer.pay(query["pr"])
            return {"status": "OK"}

        lnurl_server.paths["/w"] = lambda _: {
            "tag": "withdrawRequest",
            "callback": f"{lnurl_server.url}/w/cb?id=7",
            "k1": SECRET,
            "minWithdrawable": least,
            "maxWithdrawable": most,
            "defaultDescription": "A voucher",
        }
        lnurl_server.paths["/w/cb"] = pay
        return f"lnurlw://{lnurl_server.host}/w"

    return make


def test_all_of_it_comes_in_and_is_in_the_books(
    amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]
) -> None:
    claimed = amani("invoice", "claim", voucher(), "--wallet", "payee", "--json")
    assert claimed.data["status"] == "paid"
    assert claimed.data["amount_msat"] == 50_000
    assert claimed.data["memo"] == "A voucher"
    assert payee.sat == 50
    listed = amani("history", "list", "--direction", "in", "--json").data["items"]
    assert [item["amount_msat"] for item in listed] == [50_000]


def test_a_part_of_it(amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]) -> None:
    assert amani("invoice", "claim", voucher(), 20, "--wallet", "payee").code == 0
    assert payee.sat == 20


def test_too_much_or_too_little(amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]) -> None:
    for amount in ("51", "1sat"):
        refused = amani("invoice", "claim", voucher(least=2000), amount, "--wallet", "payee", "--json")
        assert (refused.code, refused.error["code"]) == (2, "AMOUNT_OUT_OF_RANGE")


def test_an_empty_one(amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]) -> None:
    refused = amani("invoice", "claim", voucher(0, 0), "--wallet", "payee", "--json")
    assert (refused.code, refused.error["code"]) == (6, "NOTHING_LEFT")


def test_a_refusal_is_a_failure(amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]) -> None:
    link = voucher(answer={"status": "ERROR", "reason": "used up"})
    refused = amani("invoice", "claim", link, "--wallet", "payee", "--json")
    assert (refused.code, refused.error["code"]) == (6, "LNURL_REFUSED")
    assert "used up" in refused.error["message"]


def test_a_server_that_says_yes_and_does_not_pay(
    amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]
) -> None:
    link = voucher(answer={"status": "OK"})
    waited = amani("invoice", "claim", link, "--wallet", "payee", "--timeout", "2s", "--json")
    assert (waited.code, waited.error["code"]) == (8, "INVOICE_PENDING")
    assert waited.error["money_moved"] == "no"


def test_the_secret_in_it_is_nowhere(amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]) -> None:
    amani.secrets.add(SECRET)
    link = voucher()
    shown = amani("invoice", "decode", link, "--json")
    assert shown.data["kind"] == "withdraw"
    assert "lnurlw" not in shown.stdout
    assert amani("invoice", "claim", link, "--wallet", "payee", "-vv").code == 0


def test_the_same_reference_makes_no_second_invoice(
    amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]
) -> None:
    link = voucher()
    first = amani("invoice", "claim", link, "--wallet", "payee", "--reference", "w1", "--json")
    again = amani("invoice", "claim", link, "--wallet", "payee", "--reference", "w1", "--json")
    assert again.data["payment_hash"] == first.data["payment_hash"]
    assert payee.sat == 50


@pytest.mark.parametrize(("command", "code"), [(("pay",), "NOT_PAY"), (("invoice", "claim"), "NOT_WITHDRAW")])
def test_each_link_at_its_own_command(
    amani: Amani,
    payer: Held,
    voucher: Callable[..., str],
    lnurl_server: LnurlServer,
    command: tuple[str, ...],
    code: str,
) -> None:
    link = voucher() if command == ("pay",) else lnurl_server.pay_to("ada", lambda *_: "")
    refused = amani(*command, link, "5", "--yes", "--json")
    assert refused.code in (2, 6)
    assert refused.error["code"] == code


def test_a_login_link_is_shown_and_not_used(amani: Amani, payer: Held, lnurl_server: LnurlServer) -> None:
    link = f"keyauth://{lnurl_server.host}/login?tag=login&k1={'00' * 32}"
    assert amani("invoice", "decode", link, "--json").data["kind"] == "login"
    assert amani("pay", link, 5, "--yes", "--json").error["code"] == "NOT_PAY"
    assert lnurl_server.seen == []
