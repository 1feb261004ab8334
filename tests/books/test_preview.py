"""The running month is shown and not closed; one that has not begun is refused. `paid` is taken where `settled` is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import AddWallet
from tests.kit.driver import Amani
from tests.kit.journals import add_payment, writing
from tests.kit.journals import add_wallet as registered


@pytest.mark.lnbits
def test_the_running_month_closes_nothing(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main", 50)
    found = amani("close", "--month", "this", "--json").data
    assert found["preview"]
    assert found["items"][0]["closing"] == 50_000
    assert "A preview: the month is not over, and nothing was closed." in amani("close", "--month", "this").stdout
    assert amani("close", "--month", "this", "--accept").code == 2
    assert amani("close", "--month", "2099-01").code == 2


def test_paid_is_settled(amani: Amani, home: Path) -> None:
    assert amani("wallet", "list").code == 0
    with writing(home) as (_, db):
        wallet = registered(db, "main")
        paid = add_payment(db, wallet, -5, "2026-11-20T12:00:00Z")
        add_payment(db, wallet, -6, "2026-11-20T12:00:00Z", status="failed")
    assert [each["id"] for each in amani("history", "list", "--status", "paid", "--json").data["items"]] == [paid]
