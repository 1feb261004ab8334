"""What LNbits answers, from 0.12 to 1.6, becomes one kind of record; what is of the wrong shape is refused."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from amani_cli import errors
from amani_cli.providers.base import Heard, Named, NewWallet, Record
from amani_cli.providers.http import Line
from amani_cli.providers.lnbits import Lnbits

URL = "https://lnbits.example"
HASH = "ab" * 32
WALLET = "1dea" * 8
PREIMAGE = "cd" * 32


@pytest.fixture
def client() -> Iterator[Lnbits]:
    with Lnbits(Line(URL, deadline=time.monotonic() + 0.4, timeout=5), "k" * 32) as client:
        yield client


def payment(**changed: Any) -> dict[str, Any]:
    """A payment object as 1.6.2 answers it, for money that left."""
    body = {
        "checking_id": f"internal_{HASH}",
        "payment_hash": HASH,
        "wallet_id": WALLET,
        "amount": -21_000,
        "fee": -1234,
        "bolt11": "LNBC210N1",
        "payment_request": "LNBC210N1",
        "fiat_provider": None,
        "status": "success",
        "memo": "tea",
        "expiry": "2026-11-24T07:22:37+00:00",
        "webhook": None,
        "webhook_status": None,
        "preimage": PREIMAGE,
        "tag": None,
        "extension": None,
        "time": "2026-11-24T06:22:37.847874+00:00",
        "created_at": "2026-11-24T06:22:37.847877+00:00",
        "updated_at": "2026-11-24T06:22:39.847878+00:00",
        "labels": [],
        "extra": {},
        "external_id": None,
    }
    return {name: value for name, value in (body | changed).items() if value is not ...}


RECORD = Record(
    payment_hash=HASH,
    wallet_id=WALLET,
    amount_msat=-21_000,
    fee_msat=1234,
    status="settled",
    preimage=PREIMAGE,
    memo="tea",
    bolt11="lnbc210n1",
    created_at="2026-11-24T06:22:37Z",
    expires_at="2026-11-24T07:22:37Z",
    settled_at="2026-11-24T06:22:39Z",
    listed_at=1_795_501_357.847874,
)
AT_12 = {"time": 1_795_501_357, "expiry": 1_795_504_957, "created_at": ..., "updated_at": ..., "payment_request": ...}


class TestRecords:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ({"paid": True, "preimage": PREIMAGE, "details": payment()}, RECORD),
            # The success form of the status answer has no status; 0.12's details have `pending` and whole seconds.
            ({"paid": True, "details": payment(status=..., pending=False)}, RECORD),
            (
                {"paid": True, "details": payment(status="complete", **AT_12)},
                RECORD._replace(settled_at="2026-11-24T06:22:37Z", listed_at=1_795_501_357),
            ),
            ({"paid": True, "details": payment(status=..., bolt11=...)}, RECORD),
            (
                {"paid": False, "status": "pending", "details": payment(status="pending", preimage="0" * 64)},
                RECORD._replace(status="pending", preimage=None, settled_at=None),
            ),
            (
                {"paid": False, "details": payment(status=..., pending=True)},
                RECORD._replace(status="pending", settled_at=None),
            ),
            ({"paid": False, "details": payment(status=...)}, RECORD._replace(status="pending", settled_at=None)),
            (
                {"paid": False, "status": "failed", "details": payment(status="failed", preimage=None)},
                RECORD._replace(status="failed", preimage=None, settled_at=None),
            ),
            # What is not known is not called settled or failed.
            ({"paid": False, "details": payment(status="odd")}, RECORD._replace(status="pending", settled_at=None)),
            ({"paid": True, "details": payment(memo=None)}, RECORD._replace(memo="")),
            ({"paid": True, "details": payment(wallet_id=None)}, RECORD._replace(wallet_id=None)),
            ({"paid": True, "details": payment(expiry="2026-11-24T07:22:37")}, RECORD),  # without its offset: UTC
            ({"paid": True, "details": payment(expiry="soon")}, RECORD._replace(expires_at=None)),
            ({"paid": True, "details": payment(expiry=10**30)}, RECORD._replace(expires_at=None)),
        ],
    )
    def test_of_every_version(
        self, client: Lnbits, httpx_mock: HTTPXMock, answer: dict[str, Any], expected: Record
    ) -> None:
        httpx_mock.add_response(json=answer)
        assert client.record(HASH) == expected

    @pytest.mark.parametrize(
        "changed",
        [
            {"amount": -21_000.0},  # a float is no amount of money
            {"amount": "-21000"},
            {"amount": None},
            {"amount": True},
            {"amount": 10**40},
            {"fee": 0.5},
            {"fee": None},
            {"payment_hash": None},
            {"payment_hash": "cd" * 32},  # somebody else's
        ],
    )
    def test_of_the_wrong_shape(self, client: Lnbits, httpx_mock: HTTPXMock, changed: dict[str, Any]) -> None:
        httpx_mock.add_response(json={"paid": True, "details": payment(**changed)})
        with pytest.raises(errors.Unreachable) as odd:
            client.record(HASH)
        assert odd.value.code == "ODD_ANSWER"

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            ({"reference": "r", "meaning": "m"}, Named("r", "m")),
            ({"reference": "r"}, None),  # one says nothing without the other
            ({"reference": "r", "meaning": 5, "claimer": "c"}, Named(None, None, "c")),
            (
                {"reference": "r", "meaning": "m", "also": [["s", "n"], ["t"], ["u", 5], "vw", ["x", "y", "z"]]},
                Named("r", "m", also=(("s", "n"),)),
            ),
            ({"also": [["s", "n"]]}, Named(None, None, also=(("s", "n"),))),
            ({"also": {"s": "n"}}, None),
            ("r", None),
        ],
    )
    def test_what_was_told_along(
        self, client: Lnbits, httpx_mock: HTTPXMock, told: object, expected: Named | None
    ) -> None:
        """Others may write there too."""
        httpx_mock.add_response(json={"paid": True, "details": payment(extra={"amani": told})})
        assert client.record(HASH) == RECORD._replace(named=expected)

    def test_a_page(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"data": [payment(), payment(amount=5000, fee=0)], "total": 2})
        records, more = client.records()
        assert (records, more) == ([RECORD, RECORD._replace(amount_msat=5000, fee_msat=0)], False)

    @pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": {}}, {"data": [{}]}])
    def test_a_page_that_is_none(self, client: Lnbits, httpx_mock: HTTPXMock, answer: Any) -> None:
        httpx_mock.add_response(json=answer)
        with pytest.raises(errors.Unreachable):
            client.records()


class TestWallets:
    def test_an_admin_key_is_told_by_the_id(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"name": "w", "balance": 2**53 + 1, "id": WALLET})
        assert client.wallet() == ("w", 2**53 + 1, WALLET, True)  # to the last millisatoshi
        httpx_mock.add_response(json={"name": "w", "balance": 5})
        assert client.wallet() == ("w", 5, None, False)

    @pytest.mark.parametrize("balance", [5.0, 5.5, 1e18, "5", None, True, 10**25, [5], ...])
    def test_what_is_no_balance(self, client: Lnbits, httpx_mock: HTTPXMock, balance: Any) -> None:
        httpx_mock.add_response(json={"name": "w"} if balance is ... else {"name": "w", "balance": balance})
        with pytest.raises(errors.Unreachable) as odd:
            client.wallet()
        assert odd.value.code == "ODD_ANSWER"

    def test_a_new_one(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"id": WALLET, "name": "w", "adminkey": "a" * 32, "inkey": "b" * 32, "user": "u"})
        assert client.create_account("w") == NewWallet(WALLET, "w", "a" * 32, "b" * 32)

    @pytest.mark.parametrize("missing", ["id", "name", "adminkey", "inkey"])
    def test_a_new_one_without_its_keys(self, client: Lnbits, httpx_mock: HTTPXMock, missing: str) -> None:
        whole = {"id": WALLET, "name": "w", "adminkey": "a" * 32, "inkey": "b" * 32}
        for value in (None, "", 5):
            httpx_mock.add_response(json=whole | {missing: value})
            with pytest.raises(errors.Unreachable):
                client.create_account("w")


class TestInvoices:
    @pytest.mark.parametrize(
        "answer",
        [
            payment(status="pending", amount=21_000, expiry="2026-11-24T07:22:37"),  # 1.6
            {"payment_hash": HASH, "payment_request": "lnbc210n1", "checking_id": HASH, "lnurl_response": None},  # 0.12
            {"payment_hash": HASH, "bolt11": "lnbc210n1"},  # 1.0
        ],
    )
    def test_of_every_version(self, client: Lnbits, httpx_mock: HTTPXMock, answer: Any) -> None:
        httpx_mock.add_response(status_code=201, json=answer)
        assert client.create_invoice(21, "m", 60)[:2] == (HASH, "lnbc210n1")

    @pytest.mark.parametrize(
        ("extra", "is_ours"),
        [
            ({"extra": {"amani": {"asked": "07" * 8}}}, True),
            ({"extra": {"amani": {"asked": "07" * 8}, "tag": "x"}}, True),
            ({"extra": {"amani": {"asked": "08" * 8}}}, False),
            ({"extra": {"amani": "07" * 8}}, False),
            ({"extra": {}}, False),
            ({"extra": None}, True),  # 0.12 says nothing of it
            ({}, True),
        ],
    )
    def test_whether_it_answers_this_request(
        self,
        client: Lnbits,
        httpx_mock: HTTPXMock,
        monkeypatch: pytest.MonkeyPatch,
        extra: dict[str, Any],
        is_ours: bool,
    ) -> None:
        monkeypatch.setattr(os, "urandom", lambda count: b"\x07" * count)
        httpx_mock.add_response(status_code=201, json={"payment_hash": HASH, "bolt11": "lnbc210n1", **extra})
        assert client.create_invoice(21, "m", 60).answers_this is is_ours

    @pytest.mark.parametrize(
        "answer", [{}, {"payment_hash": HASH}, {"bolt11": "lnbc1"}, {"payment_hash": 5, "bolt11": 6}]
    )
    def test_of_the_wrong_shape(self, client: Lnbits, httpx_mock: HTTPXMock, answer: Any) -> None:
        httpx_mock.add_response(status_code=201, json=answer)
        with pytest.raises(errors.Unreachable):
            client.create_invoice(21, "m", 60)


class TestOddsAndEnds:
    @pytest.mark.parametrize(
        ("answer", "version"),
        [
            ({"info": {"version": "1.6.2"}}, "1.6.2"),
            ({"info": {}}, None),
            ({"info": []}, None),
            ([], None),
            ({"info": {"version": "x" * 100}}, None),
            ({"info": {"version": 1}}, None),
        ],
    )
    def test_the_version(self, client: Lnbits, httpx_mock: HTTPXMock, answer: Any, version: str | None) -> None:
        httpx_mock.add_response(json=answer)
        assert client.version() == version

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_version_that_is_kept_secret(self, client: Lnbits, httpx_mock: HTTPXMock, status: int) -> None:
        httpx_mock.add_response(status_code=status, html="<html>")
        assert client.version() is None

    @pytest.mark.parametrize("answer", [{}, {"fee_reserve": -1}, {"fee_reserve": 2000.0}, {"fee_reserve": "2000"}])
    def test_a_fee_reserve_that_is_none(self, client: Lnbits, httpx_mock: HTTPXMock, answer: Any) -> None:
        httpx_mock.add_response(json=answer)
        with pytest.raises(errors.Unreachable):
            client.fee_reserve_msat("lnbc1")

    def test_a_clock_that_is_none(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"server_time": "now"})
        assert client.health() is None

    def test_an_answer_without_end(
        self, client: Lnbits, httpx_mock: HTTPXMock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("amani_cli.providers.http.BODY_LIMIT", 1000)
        httpx_mock.add_response(json={"name": "x" * 2000, "balance": 5})
        with pytest.raises(errors.Unreachable) as odd:
            client.wallet()
        assert odd.value.code == "ODD_ANSWER"


MINE = payment()
# What may come back from the one POST that pays: what was heard, whether it is our own record, and the code.
ANSWERS: list[tuple[str, dict[str, Any], Heard, bool, str]] = [
    ("our own record, settled", {"status_code": 201, "json": MINE}, "settled", True, ""),
    ("our own record, pending", {"status_code": 201, "json": payment(status="pending")}, "pending", True, ""),
    ("our own record, failed before", {"status_code": 201, "json": payment(status="failed")}, "failed", True, ""),
    ("the payee's record", {"status_code": 201, "json": payment(amount=21_000, wallet_id="x")}, "pending", False, ""),
    ("another wallet's record", {"status_code": 201, "json": payment(wallet_id="x")}, "pending", False, ""),
    ("money that came", {"status_code": 201, "json": payment(amount=21_000)}, "pending", False, ""),
    ("another payment's record", {"status_code": 201, "json": payment(payment_hash="x")}, "pending", False, ""),
    (
        "0.12: a hash alone",
        {"status_code": 201, "json": {"payment_hash": HASH, "checking_id": HASH}},
        "pending",
        False,
        "",
    ),
    ("no status", {"status_code": 201, "json": payment(status=...)}, "pending", False, ""),
    ("a float", {"status_code": 201, "json": payment(amount=-21_000.0)}, "pending", False, ""),
    ("200", {"status_code": 200, "json": MINE}, "settled", True, ""),
    ("201 without JSON", {"status_code": 201, "html": "ok"}, "silence", False, ""),
    ("201 with a list", {"status_code": 201, "json": [MINE]}, "silence", False, ""),
    (
        "no way",
        {"status_code": 520, "json": {"detail": "Payment failed: no route", "status": "failed"}},
        "failed",
        False,
        "REJECTED",
    ),
    (
        "too little",
        {"status_code": 520, "json": {"detail": "Insufficient balance.", "status": "failed"}},
        "failed",
        False,
        "INSUFFICIENT_FUNDS",
    ),
    (
        "no reserve",
        {
            "status_code": 520,
            "json": {
                "detail": "You must reserve at least (2  sat) to cover potential routing fees.",
                "status": "failed",
            },
        },
        "failed",
        False,
        "INSUFFICIENT_FUNDS",
    ),
    (
        "internal, paid",
        {"status_code": 520, "json": {"detail": "Internal invoice already paid.", "status": "failed"}},
        "failed",
        False,
        "PAID_BY_ANOTHER",
    ),
    (
        "paid by somebody",
        {"status_code": 520, "json": {"detail": "Payment already paid.", "status": "success"}},
        "failed",
        False,
        "PAID_BY_ANOTHER",
    ),
    (
        "in flight",
        {"status_code": 520, "json": {"detail": "Payment is still pending.", "status": "pending"}},
        "pending",
        False,
        "",
    ),
    ("520 of another kind", {"status_code": 520, "json": {"detail": "?"}}, "pending", False, ""),
    ("Cloudflare's 520", {"status_code": 520, "html": "<html>"}, "silence", False, ""),
    (
        "a bad invoice",
        {"status_code": 400, "json": {"detail": "Bolt11 decoding failed."}},
        "refused",
        False,
        "BAD_INVOICE",
    ),
    ("no such key", {"status_code": 404, "json": {"detail": "Wallet not found."}}, "refused", False, "KEY_REFUSED"),
    (
        "an invoice key",
        {"status_code": 403, "json": {"detail": "Invoice (or Admin) key required."}},
        "refused",
        False,
        "INVOICE_KEY",
    ),
    ("a proxy's 403", {"status_code": 403, "html": "<html>"}, "silence", False, ""),
    ("a proxy's JSON 404", {"status_code": 404, "json": {"message": "no such route"}}, "silence", False, ""),
    ("limited", {"status_code": 429, "json": {"error": "Rate limit exceeded: 200 per 1 minute"}}, "limited", False, ""),
    ("a proxy's 429", {"status_code": 429, "html": "<html>"}, "silence", False, ""),
    ("a crash", {"status_code": 500, "json": {"detail": "Unexpected error!"}}, "silence", False, ""),
    ("502", {"status_code": 502, "html": "<html>"}, "silence", False, ""),
    ("504", {"status_code": 504, "json": {"detail": "timeout"}}, "silence", False, ""),
    ("a redirect", {"status_code": 307, "headers": {"Location": "/elsewhere"}}, "silence", False, ""),
]


@pytest.mark.parametrize(
    ("answer", "heard", "own", "code"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_what_the_answer_to_a_payment_means(
    client: Lnbits, httpx_mock: HTTPXMock, answer: dict[str, Any], heard: Heard, own: bool, code: str
) -> None:
    """201 is not "paid" and 520 is not "unpaid"."""
    httpx_mock.add_response(**answer)
    said = client.pay("lnbc1", HASH, WALLET)
    assert (said.heard, said.record is not None, said.code) == (heard, own, code)
