"""After a restore: what was moved under a reference since the copy was made is moved once, synced or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import write_key
from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.fincra_double import FAILING_ACCOUNT, Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin
from tests.kit.going_back import Copied

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


@pytest.mark.sqlite
@pytest.mark.parametrize("is_new", [True, False], ids=["names of today", "older names"])
def test_one_that_is_on_its_way_is_known_again(
    amani: Amani, shop: Merchant, double: Double, home: Path, tmp_path: Path, is_new: bool
) -> None:
    """No log has it before it settles: the copy asks for the payouts themselves, before money may leave again."""
    double.new_field_names, double.settle_on_read = is_new, 1000
    restore = ("--passphrase-file", write_key(tmp_path / "pass", "correct horse battery"), "--yes")
    copy = tmp_path / "copy"
    assert amani("backup", "create", copy, *restore[:2]).code == 0
    rent = ("pay", "bank:058/2345678901", "5000NGN", "--yes", "--json", "--no-wait")
    assert amani(*rent, "--reference", "rent-11").code == 8
    assert amani(*rent[:2], "70NGN", *rent[3:]).code == 8
    for file in home.glob("amani.db*"):
        file.unlink()
    assert amani("backup", "restore", copy, *restore).code == 0

    assert amani(*rent, "--reference", "rent-11").code == 9  # held, until it has been read back
    asked = amani("reconcile", "--json")
    assert (asked.code, asked.json["data"]["unknown"]) == (8, 2)
    other = amani(*rent[:2], "4999NGN", *rent[3:], "--reference", "rent-11")
    assert (other.code, other.error["code"]) == (9, "REFERENCE_TAKEN")
    for again in ((*rent, "--reference", "rent-11"), (*rent[:2], "70NGN", *rent[3:])):
        assert amani(*again).error["code"] == "OUTCOME_UNKNOWN"
        assert sent(double) == 2
    for payout in double.payouts:
        double.settle(payout)
    assert amani("reconcile").code == 0
    assert amani(*rent, "--reference", "rent-11").data["replayed"] is True
    out = amani("history", "list", "--direction", "out", "--json").data["items"]
    assert sorted((item["amount"]["value"], item["status"]) for item in out) == [
        ("5000.00", "settled"),
        ("70.00", "settled"),
    ]
    assert sent(double) == 2


@pytest.mark.parametrize(
    ("name", "is_over"),
    [("payout", True), ("payout", False), ("transfer", True), ("convert", True), ("convert", False)],
)
def test_what_failed_in_the_copy_alone(
    amani: Amani, shop: Merchant, double: Double, copied: Copied, name: str, is_over: bool
) -> None:
    """It went through under the same name since then: called failed, the next try would move it under another."""
    words = (*COMMANDS[name], "--reference", "rent-11", "--yes", "--json", "--timeout", "1s")
    before = copied()
    double.fail("429", "POST", "/conversions/initiate" if name == "convert" else "/disbursements", stored=False)
    assert amani(*words).code == 10
    later = copied()
    before()
    assert amani("reconcile").code == 0
    double.settle_on_read = 1 if is_over else 1000
    assert amani(*words).code == (0 if is_over else 8)
    later()
    (failed,) = amani("history", "list", "--direction", "out", "--json").data["items"]
    assert failed["status"] == "failed"
    asked = amani("reconcile", "--json")
    assert asked.code == (0 if is_over else 8)
    says = "it settled" if is_over else "it is on its way"
    assert f"{failed['id']} was written down as failed, and its provider says {says}" in asked.stderr
    again = amani(*words)
    if is_over:
        assert (again.data["replayed"], again.data["status"]) == (True, "settled")
    else:
        assert (again.code, again.error["code"], again.error["id"]) == (8, "OUTCOME_UNKNOWN", failed["id"])
    assert sent(double) == 1
    assert amani("audit", "verify").code == 0


@pytest.mark.parametrize("logged", ["ours", "theirs"])
def test_what_failed_in_the_copy_alone_and_came_back_since(
    amani: Amani, shop: Merchant, double: Double, copied: Copied, logged: str
) -> None:
    words = (*COMMANDS["payout"], "--reference", "rent-11", "--yes", "--json", "--timeout", "1s")
    before = copied()
    double.fail("429", "POST", "/disbursements", stored=False)
    assert amani(*words).code == 10
    later = copied()
    before()
    assert amani("reconcile").code == 0
    assert amani(*words).code == 0
    double.give_back(double.payouts[-1], logged=logged)
    later()
    assert amani("reconcile").code == 0
    items = amani("history", "list", "--json").data["items"]
    assert sorted((item["direction"], item["kind"], item["status"]) for item in items) == [
        ("in", "refund", "settled"),
        ("out", "payout", "reversed"),
    ]
    assert sent(double) == 1


def test_a_reference_that_was_used_for_another_is_taken(
    amani: Amani, shop: Merchant, double: Double, home: Path
) -> None:
    copy = ledgers.Kept(home)
    paid = amani(*COMMANDS["payout"], "--reference", "rent-11", "--yes", "--json").data
    copy.put_back()
    assert amani("history", "sync").code == 0
    for words in (("pay", "bank:058/2345678901", "4999NGN"), COMMANDS["transfer"], COMMANDS["convert"]):
        refused = amani(*words, "--reference", "rent-11", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "REFERENCE_TAKEN"), words
        (listed,) = amani("history", "list", "--direction", "out", "--json").data["items"]
        assert (listed["our_reference"], listed["id"] in refused.error["hint"]) == (paid["our_reference"], True)
    assert sent(double) == 1
