"""What is said of a server by its version and clock: at `wallet add`, by `doctor`, and before paying."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from tests.conftest import write_key
from tests.kit import ledgers
from tests.kit.driver import Amani, Result

pytestmark = pytest.mark.httpx_mock(assert_all_requests_were_expected=False, assert_all_responses_were_requested=False)

URL = "https://lnbits.example"
KEY = "0123456789abcdef" * 2


def add(amani: Amani, httpx_mock: HTTPXMock, version: Any, clock: int = 0, **wallet: Any) -> Result:
    """Register a wallet of a server that says it is of this version, and whose clock is so far off."""
    amani.secrets.add(KEY)
    body = {"name": "w", "balance": 0, "id": "1dea" * 8, **wallet}
    httpx_mock.add_response(url=f"{URL}/api/v1/wallet", json=body, is_reusable=True)
    about: dict[str, Any] = {"status_code": 404} if version is None else {"json": {"info": {"version": version}}}
    httpx_mock.add_response(url=f"{URL}/openapi.json", is_reusable=True, **about)
    told = {"server_time": int(time.time()) + clock}
    httpx_mock.add_response(url=f"{URL}/api/v1/health", json=told, is_reusable=True)
    page = re.compile(rf"{URL}/api/v1/payments/paginated\?.*")
    httpx_mock.add_response(url=page, json={"data": [], "total": 0}, is_reusable=True)
    added = amani("wallet", "add", "main", "--url", URL, "--key-file", write_key(Path("key"), KEY), "--json")
    assert added.code == 0
    return added


def of_the_wallet(amani: Amani) -> list[tuple[str, str]]:
    items = amani("doctor", "--json").json["data"]["items"]
    return [(item["status"], item["detail"]) for item in items if item["check"] == "wallet main"]


def test_one_that_double_spends(amani: Amani, httpx_mock: HTTPXMock) -> None:
    added = add(amani, httpx_mock, "1.0.0")
    assert "version 1.0.0, which can spend a balance twice" in added.json["warnings"][0]
    assert ("fail", "LNbits 1.0.0 can spend a balance twice") in of_the_wallet(amani)


@pytest.mark.parametrize(
    ("version", "finding"),
    [
        ("1.6.2", ("ok", "LNbits 1.6.2")),
        ("1.3.1", ("ok", "LNbits 1.3.1")),
        ("0.12.12", ("warn", "LNbits 0.12.12 is old")),
        (None, ("warn", "the server does not tell its version")),
    ],
)
def test_others(amani: Amani, httpx_mock: HTTPXMock, version: str | None, finding: tuple[str, str]) -> None:
    added = add(amani, httpx_mock, version)
    assert (added.json["warnings"], added.data["server_version"]) == ([], version)
    assert finding in of_the_wallet(amani)


@pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (25, "ok"), (90, "warn"), (-90, "warn")])
def test_a_clock_that_is_off(amani: Amani, httpx_mock: HTTPXMock, seconds: int, status: str) -> None:
    add(amani, httpx_mock, "1.6.2", seconds)
    about = [found for found in of_the_wallet(amani) if "apart" in found[1]]
    assert [found[0] for found in about] == (["warn"] if status == "warn" else [])


def test_whoever_runs_it_holds_the_money(amani: Amani, httpx_mock: HTTPXMock) -> None:
    """Ruling 19: said by `wallet add` and by `doctor`."""
    added = add(amani, httpx_mock, "1.6.2")
    assert f"Whoever runs {URL} holds this wallet's money" in added.stderr
    assert ("ok", f"whoever runs {URL} holds its money") in of_the_wallet(amani)


def test_a_slow_server(amani: Amani, httpx_mock: HTTPXMock, monkeypatch: pytest.MonkeyPatch) -> None:
    add(amani, httpx_mock, "1.6.2")
    monkeypatch.setattr("amani_cli.operations.doctor.SLOW_S", 0)
    assert of_the_wallet(amani)[0][0] == "warn"


def test_an_invoice_key(amani: Amani, httpx_mock: HTTPXMock) -> None:
    added = add(amani, httpx_mock, "1.6.2", id=None)
    assert (added.data["access"], added.data["id"]) == ("read", None)
    assert "This is an invoice key" in added.stderr


def test_two_adds_at_once(amani: Amani, httpx_mock: HTTPXMock, home: Path) -> None:
    """The one that comes second to the database is told, and the first is left as it is."""
    add(amani, httpx_mock, "1.6.2")
    words = ("wallet", "add", "other", "--url", "https://lnbits.example/sub", "--key-file", "key", "--json")
    body = {"name": "w", "balance": 0, "id": "x"}
    httpx_mock.add_response(url="https://lnbits.example/sub/api/v1/wallet", json=body, is_reusable=True)
    records = re.compile("https://lnbits.example/sub/api/v1/payments/paginated.*")
    httpx_mock.add_response(url=records, json={"data": []})
    httpx_mock.add_response(url="https://lnbits.example/sub/openapi.json", status_code=404)
    with ledgers.meanwhile(home, "INSERT ON wallet", "UPDATE wallet SET name_key=NEW.name_key"):
        second = amani(*words)
    assert (second.code, second.error["code"]) == (2, "NAME_TAKEN")
