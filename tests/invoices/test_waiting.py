"""Waiting for an invoice over a line that comes and goes, and servers that make another invoice than was asked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from amani_cli.encodings import bolt11
from tests.conftest import write_key
from tests.kit.driver import Amani
from tests.kit.make_invoice import make_invoice

URL = "https://lnbits.example"
KEY = "0123456789abcdef" * 2
TEXT = make_invoice(amount_msat=5000, description="m")
HASH = bolt11.decode_invoice(TEXT).payment_hash


@pytest.fixture(autouse=True)
def _wallet(amani: Amani, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=f"{URL}/api/v1/wallet", json={"name": "w", "balance": 0, "id": "1dea" * 8})
    httpx_mock.add_response(url=re.compile(re.escape(URL) + "/api/v1/payments/paginated.*"), json={"data": []})
    httpx_mock.add_response(url=f"{URL}/openapi.json", json={"info": {"version": "1.6.2"}})
    amani.secrets.add(KEY)
    assert amani("wallet", "add", "main", "--url", URL, "--key-file", write_key(Path("key"), KEY)).code == 0


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("amani_cli.invoices.desk.time.sleep", slept.append)
    return slept


def record(status: str) -> dict[str, Any]:
    details = {
        "payment_hash": HASH,
        "wallet_id": "1dea" * 8,
        "amount": 5000,
        "fee": 0,
        "bolt11": TEXT,
        "status": status,
    }
    return {"paid": status == "success", "details": details}


class TestWait:
    def test_a_line_that_breaks_is_mended(self, amani: Amani, httpx_mock: HTTPXMock, pauses: list[float]) -> None:
        httpx_mock.add_response(json=record("pending"))
        for _ in range(3):
            httpx_mock.add_exception(httpx.ConnectError("[Errno 111] Connection refused"))
        httpx_mock.add_response(json=record("pending"))
        httpx_mock.add_response(json=record("success"))
        assert amani("invoice", "wait", HASH, "--json").data["status"] == "paid"
        assert pauses.count(3) == 3

    def test_one_that_never_was_is_said_at_once(self, amani: Amani, httpx_mock: HTTPXMock, pauses: list[float]) -> None:
        httpx_mock.add_exception(httpx.ConnectError("[Errno 111] Connection refused"))
        ended = amani("invoice", "wait", HASH, "--json")
        assert (ended.code, ended.error["code"], pauses) == (10, "CONNECTION_REFUSED", [])

    def test_one_that_stays_broken_is_given_up(self, amani: Amani, httpx_mock: HTTPXMock, pauses: list[float]) -> None:
        httpx_mock.add_response(json=record("pending"))
        httpx_mock.add_exception(httpx.ConnectError("[Errno 111] Connection refused"), is_reusable=True)
        assert amani("invoice", "wait", HASH).code == 10
        assert pauses.count(3) == 20


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ("5", {"payment_hash": HASH, "bolt11": make_invoice(amount_msat=5000)}),  # another hash than it says
        ("6", {"payment_hash": HASH, "bolt11": TEXT}),  # another amount
        ("5", {"payment_hash": HASH, "bolt11": "lnbc1nonsense"}),
    ],
)
def test_an_invoice_that_was_not_asked_for_is_not_handed_out(
    amani: Amani, httpx_mock: HTTPXMock, asked: str, made: dict[str, str]
) -> None:
    httpx_mock.add_response(status_code=201, json=made)
    refused = amani("invoice", "create", asked, "--json")
    assert refused.code != 0
    assert made["bolt11"] not in refused.stdout + refused.stderr
    assert amani("invoice", "list", "--json").data["items"] == []


def test_an_answer_that_was_lost_is_a_failure_to_ask(amani: Amani, httpx_mock: HTTPXMock) -> None:
    """No money moves by it, so it may be asked for again; it is not tried again by itself."""
    httpx_mock.add_exception(httpx.ReadTimeout("timed out"))
    refused = amani("invoice", "create", "5", "--json")
    assert (refused.code, refused.error["code"], refused.error["retry"]) == (10, "TIMEOUT", "safe")
