"""`amani invoice claim`: money that comes by LNURL-withdraw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amani_cli import errors
from amani_cli.destinations import withdrawals
from amani_cli.providers.lnbits import Lnbits
from tests.conftest import Held, change_database, mark_on_server
from tests.kit.driver import Amani
from tests.kit.lnbits_server import free_port
from tests.kit.lnurl_server import LnurlServer, Query

pytestmark = pytest.mark.lnbits

SECRET = "k1-0123456789abcdef"


@pytest.fixture
def voucher(payer: Held, lnurl_server: LnurlServer) -> Callable[..., str]:
    """A link over some money of `payer`'s, good once."""

    def make(least: int = 1000, most: int = 50_000, answer: Any = None, *, pays: bool = False) -> str:
        used: list[str] = []

        def pay(query: Query) -> Any:
            if pays:
                payer.pay(query["pr"])
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


ODD = {
    "an error in LUD-03's own words": {"status": "ERROR", "reason": "used up"},
    "an error of a framework": (400, {}, b'{"detail": "Unexpected error! ID: x"}'),
    "502 in HTML": (502, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>"),
    "504 in JSON": (504, {}, b'{"message": "upstream"}'),
    "nothing": (200, {}, b""),
    "another word than OK": {"status": "PENDING"},
    "a redirect": (302, {"Location": "https://elsewhere.example"}, b""),
    "a list": (200, {}, b"[]"),
    "garbage": (200, {}, b'{"status": "O'),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own record is not watched for long."""
    monkeypatch.setattr(withdrawals, "PATIENCE_S", 0.2)


@pytest.mark.usefixtures("impatient")
class TestDoubt:
    """Once the invoice was shown, no answer proves that it will not be paid: our own record does."""

    @pytest.mark.parametrize("answer", ODD.values(), ids=ODD.keys())
    def test_a_server_that_paid_and_then_said_something_else(
        self, amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str], answer: Any
    ) -> None:
        link = voucher(answer=answer, pays=True)
        claimed = amani("invoice", "claim", link, "--wallet", "payee", "--json")
        assert claimed.data["status"] == "paid"
        assert payee.sat == 50

    @pytest.mark.parametrize("answer", ODD.values(), ids=ODD.keys())
    def test_a_server_that_pays_later(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        voucher: Callable[..., str],
        lnurl_server: LnurlServer,
        answer: Any,
    ) -> None:
        words = ("invoice", "claim", voucher(answer=answer), "--wallet", "payee", "--reference", "w1", "--json")
        opened = amani(*words)
        assert (opened.code, opened.error["code"], opened.error["money_moved"]) == (8, "WITHDRAW_OPEN", "maybe")
        (listed,) = amani("invoice", "list", "--json").data["items"]
        assert (listed["purpose"], listed["status"], listed["reference"]) == ("withdraw", "pending", "w1")
        asked = len(lnurl_server.seen)
        again = amani(*words)
        assert (again.code, again.error["id"]) == (8, listed["payment_hash"])
        assert len(lnurl_server.seen) == asked  # nobody was shown another, nor this one once more
        assert amani("reconcile", "--json").code == 8
        assert amani("wallet", "remove", "payee", "--yes", "--json").error["code"] == "OPEN_OUTCOMES"
        payer.pay(listed["bolt11"])
        assert amani("reconcile").code == 0
        assert amani(*words).data["payment_hash"] == listed["payment_hash"]
        assert amani("invoice", "list", "--json").data["items"][0]["status"] == "paid"
        (came,) = amani("history", "list", "--wallet", "payee", "--json").data["items"]
        assert (came["amount_msat"], came["kind"], came["reference"]) == (50_000, "withdraw", "w1")

    def test_a_server_that_says_yes_and_does_not_pay(
        self, amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]
    ) -> None:
        link = voucher(answer={"status": "OK"})
        waited = amani("invoice", "claim", link, "--wallet", "payee", "--timeout", "2s", "--json")
        assert (waited.code, waited.error["code"], waited.error["money_moved"]) == (8, "WITHDRAW_OPEN", "maybe")
        pending = amani("invoice", "claim", link, "--wallet", "payee", "--no-wait", "--json").data
        assert (pending["status"], pending["purpose"]) == ("pending", "withdraw")

    def test_an_invoice_that_has_ended_may_have_been_paid_in_time(
        self, amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str], home: Path
    ) -> None:
        """Its end here proves nothing; the wallet's record does, whatever it says by then."""
        words = ("invoice", "claim", voucher(answer=ODD["nothing"]), "--wallet", "payee", "--json")
        payment_hash = amani(*words).error["id"]
        change_database(home, "UPDATE invoice SET expires_at='2026-01-01T00:00:00Z'")
        assert amani("invoice", "check", payment_hash, "--json").data["status"] == "pending"
        assert amani("reconcile").code == 8
        mark_on_server(payee, payment_hash, "failed")
        assert amani("invoice", "check", payment_hash, "--json").data["status"] == "expired"
        assert amani("reconcile").code == 0

    def test_what_was_never_shown_is_a_failure_and_can_be_done_again(
        self, amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str], lnurl_server: LnurlServer
    ) -> None:
        link = voucher()
        offer: Callable[[Query], Any] = lnurl_server.paths["/w"]
        nobody = f"http://127.0.0.1:{free_port()}/cb"
        lnurl_server.paths["/w"] = lambda query: {**offer(query), "callback": nobody}
        words = ("invoice", "claim", link, "--wallet", "payee", "--reference", "w1", "--json")
        failed = amani(*words)
        assert (failed.code, failed.error["money_moved"]) == (10, "no")
        assert amani("reconcile").code == 0
        lnurl_server.paths["/w"] = offer
        assert amani(*words).data["status"] == "paid"
        assert payee.sat == 50

    def test_our_own_server_is_away_when_it_should_be_looked_at(
        self, amani: Amani, payer: Held, payee: Held, voucher: Callable[..., str]
    ) -> None:
        def away(*_: object) -> None:
            raise errors.Unreachable("away")

        link = voucher(answer={"status": "OK"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Lnbits, "record", away)
            opened = amani("invoice", "claim", link, "--wallet", "payee", "--json")
        assert (opened.code, opened.error["money_moved"]) == (8, "maybe")


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
