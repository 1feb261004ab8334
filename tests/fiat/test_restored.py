"""After a restore: what was moved under a reference since the copy was made is moved once, synced or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.fincra_double import FAILING_ACCOUNT, Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin

COMMANDS = {
    "payout": ("pay", "bank:058/2345678901", "5000NGN"),
    "transfer": ("transfer", "branch", "5000NGN", "--from", "shop"),
    "convert": ("wallet", "convert", "100USD", "--to", "NGN", "--wallet", "shop"),
}


@pytest.fixture
def shop(amani: Amani, add_business: AddBusiness, double: Double, home: Path) -> Merchant:
    """A registered business with another one beside it."""
    merchant = add_business()
    without_pin(home, merchant)
    add_business("branch", merchant=double.merchant("Ada Branch Ltd", NGN="0"))
    assert amani("wallet", "use", "shop").code == 0
    return merchant


def sent(double: Double) -> int:
    """How many movements Fincra has made."""
    return len(double.payouts) + len(double.conversions)


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_moves_nothing_a_second_time(
    amani: Amani, shop: Merchant, double: Double, home: Path, name: str, synced: bool
) -> None:
    words = (*COMMANDS[name], "--reference", "rent-11", "--yes", "--json")
    copy = ledgers.Kept(home)
    first = amani(*words).data
    copy.put_back()
    if synced:
        assert amani("history", "sync").code == 0
    again = amani(*words).data
    same = ("status", "kind", "amount", "fee", "received", "our_reference", "provider_reference", "reference")
    assert {key: again[key] for key in same} == {key: first[key] for key in same}
    assert again["replayed"] is synced
    assert amani(*words).data["replayed"] is True
    assert sent(double) == 1
    out = amani("history", "list", "--direction", "out", "--json").data["items"]
    assert [item["our_reference"] for item in out] == [first["our_reference"]]


def test_one_that_failed_is_tried_under_another_name(amani: Amani, shop: Merchant, double: Double, home: Path) -> None:
    """Fincra takes a name once, whatever became of it."""
    copy = ledgers.Kept(home)
    words = ("pay", f"bank:058/{FAILING_ACCOUNT}", "10NGN", "--reference", "rent-11", "--yes", "--json")
    for number in (1, 2):
        assert amani(*words).code == 6
        assert len({each["customerReference"] for each in double.payouts}) == number
    copy.put_back()
    for _ in range(2):  # told again of the two, one after the other
        assert amani(*words).code == 6
    assert len(double.payouts) == 2
    assert amani(*words).code == 6
    assert len(double.payouts) == 3
