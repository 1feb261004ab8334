"""`amani history chart`: the figures, the bars of a terminal, and the pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.kit.driver import Amani
from tests.kit.journals import add_payment, add_wallet, writing


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def books(home: Path) -> Path:
    """Something before August 2026, some payments in it, a transfer, and naira."""
    with writing(home) as (_, db):
        main, other = add_wallet(db, "main <&>"), add_wallet(db, "other")
        fiat = add_wallet(db, "biz", provider="fincra", remote_id="biz")
        add_payment(db, main, 1000, "2026-07-20T10:00:00Z")
        add_payment(db, main, 500, "2026-08-02T10:00:00Z")
        add_payment(db, main, -300, "2026-08-02T11:00:00Z", fee_msat=2000)
        add_payment(db, main, -100, "2026-08-05T11:00:00Z", payment_hash="aa" * 32)
        add_payment(db, other, 100, "2026-08-05T11:00:00Z", payment_hash="aa" * 32, wallet="other")
        row = {"provider": "fincra", "amount_msat": None, "fee_msat": None, "currency": "NGN", "wallet": "biz"}
        add_payment(db, fiat, 1, "2026-08-04T10:00:00Z", amount="5000.00", **row)
    return home


def points(amani: Amani, *options: object) -> dict[str, tuple[Any, Any, Any]]:
    found = amani("history", "chart", "--json", *options).data["points"]
    return {point["day"]: (point["balance"], point["received"], point["sent"]) for point in found}


def test_each_day_ends_with_its_balance(amani: Amani, books: Path) -> None:
    found = points(amani, "--month", "2026-08")
    assert len(found) == 31
    assert found["2026-08-01"] == (1_000_000, 0, 0)
    assert found["2026-08-02"] == (1_198_000, 500_000, 302_000)
    assert found["2026-08-05"] == (1_198_000, 0, 0)  # between our own wallets
    assert found["2026-08-31"] == (1_198_000, 0, 0)
    assert points(amani, "--month", "2026-08", "-w", "other")["2026-08-05"] == (100_000, 100_000, 0)


def test_the_longer_the_time_the_wider_the_step(amani: Amani, books: Path) -> None:
    assert amani("history", "chart", "--json", "--since", "2026-06-01", "--until", "2026-09-01").data["step"] == "week"
    months = points(amani, "--since", "2025-01-01", "--until", "2026-09-01")
    assert len(months) == 20
    assert months["2026-07-01"] == (1_000_000, 1_000_000, 0)
    assert months["2026-08-01"][0] == 1_198_000


def test_fiat_is_exact(amani: Amani, books: Path) -> None:
    found = points(amani, "--month", "2026-08", "-w", "biz")
    assert found["2026-08-04"] == ("5000.00", "5000.00", "0")
    assert amani("history", "chart", "--month", "2026-08", "-w", "biz", "--currency", "GHS").code == 2


def test_bars_at_a_terminal(amani: Amani, books: Path) -> None:
    shown = amani("history", "chart", "--month", "2026-08").stdout.splitlines()
    assert shown[1] == "2026-08-02\t" + "█" * 30 + "\t1,198 sat\t+500 sat\t-302 sat"
    assert shown[0].startswith("2026-08-01\t" + "█" * 25)


def test_pictures(amani: Amani, books: Path, tmp_path: Path) -> None:
    svg = tmp_path / "chart.svg"
    assert amani("history", "chart", "--month", "2026-08", "-w", "main <&>", "--output", svg).code == 0
    tree = ElementTree.parse(svg).getroot()
    assert tree.tag.endswith("svg")
    assert any("main <&>" in (each.text or "") for each in tree.iter())
    assert svg.stat().st_mode & 0o777 == 0o600
    pytest.importorskip("PIL")
    png = tmp_path / "chart.png"
    assert amani("history", "chart", "--month", "2026-08", "-o", png).code == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert amani("history", "chart", "-o", tmp_path / "chart.gif").code == 2


def test_nothing_yet(amani: Amani) -> None:
    assert set(points(amani).values()) == {(0, 0, 0)}
