"""Rates kept beside settled payments: best effort, marked with source and time, never on a payment's way."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from amani_cli import clocks
from amani_cli.books import valuations
from amani_cli.times import to_rfc3339
from amani_cli.workspace import Workspace
from tests.kit import ledgers
from tests.kit.driver import Amani, environment
from tests.kit.journals import add_payment, add_wallet, writing

RATE = "http://127.0.0.1:9/api/v1/rate/KES"


def kept(home: Path) -> list[tuple[Any, ...]]:
    return ledgers.ask(home, "SELECT rate, rate_currency, rate_source FROM payment ORDER BY id")


@pytest.fixture
def ws(home: Path, amani: Amani) -> Workspace:
    """Three payments: an old one, one of just now, and one on the sandbox."""
    just_now = to_rfc3339(int(time.time()) - 5)
    with writing(home) as (_, db):
        main = add_wallet(db, "main")
        add_payment(db, main, 5, "2026-08-01T00:00:00Z", id="pay_a")
        add_payment(db, main, 5, just_now, id="pay_b")
        add_payment(db, main, 5, just_now, id="pay_c", sandbox=1)
    assert amani("config", "set", "books_currency", "kes").code == 0
    return Workspace(environment())


def test_fresh_payments_get_todays_rate(ws: Workspace, home: Path, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=RATE, json={"rate": 12.1, "price": 8264462.81})
    assert valuations.remember(ws) == 1
    assert kept(home) == [(None, None, None), ("8264462.81", "KES", "127.0.0.1:9"), (None, None, None)]
    assert valuations.remember(ws) == 0  # and nobody is asked again


@pytest.mark.parametrize("wrong_s", [-200 * 86400, 2 * 86400])
def test_a_clock_that_is_wrong_gives_todays_rate_to_what_is_fresh_and_nothing_else(
    ws: Workspace, home: Path, httpx_mock: HTTPXMock, monkeypatch: pytest.MonkeyPatch, wrong_s: float
) -> None:
    httpx_mock.add_response(url=RATE, json={"rate": 12.1, "price": 8264462.81})
    clocks.hear("http://127.0.0.1:9", formatdate(usegmt=True))  # as reading the payments has told
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + wrong_s)
    assert valuations.remember(ws) == 1
    assert [row[0] for row in kept(home)] == [None, "8264462.81", None]


@pytest.mark.parametrize("answer", [{"rate": 0.0, "price": 0.0}, {}, {"price": "12"}, {"price": None}])
def test_no_rate_is_not_made_up(ws: Workspace, home: Path, httpx_mock: HTTPXMock, answer: dict[str, object]) -> None:
    httpx_mock.add_response(url=RATE, json=answer)
    assert valuations.remember(ws) == 0
    assert kept(home)[1] == (None, None, None)


def test_a_server_without_rates_is_no_failure(ws: Workspace, home: Path, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=RATE, status_code=400, json={"detail": "Currency 'KES' not allowed."})
    assert valuations.remember(ws) == 0


def test_off_asks_nobody(ws: Workspace, amani: Amani) -> None:
    amani("config", "set", "books_currency", "off")
    ws.config._stored = None
    assert valuations.remember(ws) == 0


def test_a_currency_must_be_one(amani: Amani) -> None:
    assert amani("config", "set", "books_currency", "shillings").code == 2
