"""One table for all rails: invoices, addresses and cheques from one wallet, banks and phones from another."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.batch.conftest import WriteTable, lines
from tests.conftest import Held, change_database
from tests.kit.driver import Amani
from tests.kit.fincra_double import FAILING_ACCOUNT, Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin

pytestmark = pytest.mark.lnbits

PAYOUTS = "/disbursements/payouts"
PIN = "8317"
Planned = Callable[..., Path]


@pytest.fixture
def shop(payer: Held, amani: Amani, add_business: AddBusiness, home: Path) -> Merchant:
    """A business beside the Lightning wallets; what it pays out a day here needs no PIN."""
    business = add_business()
    without_pin(home, business, NGN=50_000, UGX=500_000)
    return business


def test_each_row_is_paid_from_the_wallet_of_its_rail(
    amani: Amani, payer: Held, payee: Held, shop: Merchant, double: Double, planned: Planned
) -> None:
    rows = [
        {"to": payee.invoice(10)},
        {"to": "bank:058/2345678901", "amount": "5000NGN", "description": "rent", "reference": "rent-8"},
        {"to": "bank:058/2345678901", "amount": "100.50NGN", "to_name": "Chinwe Eze"},
        {"to": "cheque", "amount": "20"},
    ]
    plan = planned(rows)
    run = amani("batch", "run", plan, "--yes", "--json")
    assert run.code == 0, run
    summary = lines(run.stdout)[-1]["data"]
    assert (summary["settled"], summary["paid_msat"]) == (4, 30_000)
    assert summary["paid"] == [{"value": "5100.50", "currency": "NGN"}]
    assert {post["description"] for post in double.posts(PAYOUTS)} == {"rent", "Payout to Chinwe Eze"}
    assert payee.sat == 10
    assert amani("batch", "run", plan, "--yes").code == 0
    assert len(double.posts(PAYOUTS)) == 2
    read = list(csv.DictReader(io.StringIO(amani("batch", "results", plan).stdout)))
    assert [(each["amount"], each["currency"]) for each in read[1:3]] == [("5000.00", "NGN"), ("100.50", "NGN")]
    assert amani("history", "show", "rent-8", "--json").data["kind"] == "payout"


def test_the_sums_of_each_currency_are_planned_and_asked_about(
    amani: Amani, payer: Held, payee: Held, shop: Merchant, table: WriteTable, tmp_path: Path
) -> None:
    rows = [
        {"to": payee.invoice(10)},
        {"to": "bank:058/2345678901", "amount": "5000NGN"},
        {"to": "bank:305/0987654321", "amount": "2000NGN"},
    ]
    plan = tmp_path / "plan"
    made = amani("batch", "plan", table(rows), "-o", plan, "--json").data
    assert made["kinds"] == {"bolt11": 1, "payout": 2}
    (fiat,) = made["fiat"]
    assert (fiat["wallet"], fiat["currency"], Decimal(fiat["total"])) == ("shop", "NGN", Decimal(7000))
    assert (fiat["sufficient"], made["needs_pin"]) == (True, False)
    with amani.terminal("batch", "run", plan) as terminal:
        terminal.expect("Pay them? [y/N]")
        assert "7,000.00 NGN from shop" in terminal.seen
        terminal.type("n")
        assert terminal.finish() == 5


def test_fiat_rows_that_can_not_be_right(
    amani: Amani, payer: Held, shop: Merchant, table: WriteTable, tmp_path: Path
) -> None:
    rows = [
        {"to": "bank:058", "amount": "5000NGN"},
        {"to": "bank:058/2345678901", "amount": "5000"},
        {"to": "bank:058/2345678901"},
        {"to": "ada@example.com", "amount": "5", "to_name": "Ada"},
        {"to": "momo:MTN/233241234567", "amount": "5GHS", "name_unverified": "perhaps"},
    ]
    refused = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--offline", "--json")
    found = [(each["row"], each["column"]) for each in refused.error["rows"]]
    assert found == [(2, "to"), (3, "amount"), (4, "amount"), (5, "to_name"), (6, "name_unverified")]


def test_more_than_the_business_has_stops_all_of_it_before_it_begins(
    amani: Amani, payer: Held, payee: Held, shop: Merchant, double: Double, planned: Planned
) -> None:
    plan = planned([{"to": payee.invoice(10)}, {"to": "bank:058/2345678901", "amount": "200000NGN"}])
    assert amani("pin", "set", "--wallet", "shop", "--pin-stdin", stdin=PIN).code == 0
    refused = amani("batch", "run", plan, "--yes", "--pin-stdin", "--json", stdin=PIN)
    assert (refused.code, refused.error["code"]) == (7, "INSUFFICIENT_FUNDS")
    assert payee.sat == 0
    assert double.posts(PAYOUTS) == []


def test_the_pin_of_a_total_is_asked_for_once(
    amani: Amani, payer: Held, shop: Merchant, double: Double, planned: Planned
) -> None:
    plan = planned([{"to": "bank:058/2345678901", "amount": f"{each}NGN"} for each in (30_000, 30_001)])
    assert amani("batch", "run", plan, "--yes", "--json").error["code"] == "PIN_NEEDED"
    assert amani("pin", "set", "--wallet", "shop", "--pin-stdin", stdin=PIN).code == 0
    assert amani("batch", "run", plan, "--yes", "--pin-stdin", stdin=PIN).code == 0
    assert len(double.posts(PAYOUTS)) == 2


@pytest.mark.parametrize("name", ["payer", "zoe"])
def test_each_wallet_has_a_pin_of_its_own(
    amani: Amani, payer: Held, payee: Held, shop: Merchant, double: Double, planned: Planned, name: str
) -> None:
    """A line each in the order of names, for a script can be asked nothing."""
    plan = planned([{"to": payee.invoice(10)}, {"to": "bank:058/2345678901", "amount": "5000NGN"}])
    if name != "payer":
        assert amani("wallet", "rename", "payer", name).code == 0
    pins = {name: "4829", "shop": PIN}
    for wallet, pin in pins.items():
        assert amani("pin", "set", "--always", "--wallet", wallet, "--pin-stdin", stdin=pin).code == 0
    first, second = sorted(pins)
    run = ("batch", "run", plan, "--yes", "--pin-stdin", "--json")
    lacking = amani(*run, stdin=f"{pins[first]}\n")
    assert (lacking.code, lacking.error["code"]) == (9, "PIN_NEEDED")
    assert f"'{second}'" in lacking.error["message"]
    assert "a line each" in lacking.error["hint"]
    assert (payee.sat, double.posts(PAYOUTS)) == (0, [])
    assert amani(*run, stdin=f"{pins[first]}\n{pins[second]}\n").code == 0
    assert (payee.sat, len(double.posts(PAYOUTS))) == (10, 1)


def test_a_failed_payout_is_a_failed_row(
    amani: Amani, payer: Held, payee: Held, shop: Merchant, planned: Planned
) -> None:
    plan = planned([{"to": f"bank:058/{FAILING_ACCOUNT}", "amount": "10NGN"}, {"to": payee.invoice(10)}])
    run = amani("batch", "run", plan, "--yes", "--json")
    assert run.code == 11
    rows = {each["data"]["row"]: each["data"] for each in lines(run.stdout)[:-1]}
    assert (rows[2]["status"], rows[3]["status"]) == ("failed", "settled")


def test_a_contact_at_a_bank_is_pinned_by_the_holders_name(
    amani: Amani, payer: Held, shop: Merchant, double: Double, planned: Planned, home: Path
) -> None:
    amani("contact", "add", "Chinwe", "bank:058/2345678901")
    plan = planned([{"to": "chinwe", "amount": "10NGN"}])
    assert amani("batch", "run", plan, "--yes").code == 0
    assert amani("contact", "show", "Chinwe", "--json").data["pinned"]["name"] == "Chinwe Eze"
    change_database(home, "UPDATE contact SET seen=replace(seen, 'Chinwe Eze', 'Ada Obi')")
    refused = amani("pay", "Chinwe", "11NGN", "--wallet", "shop", "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (9, "PAYEE_CHANGED")
    assert "name at the bank was Ada Obi and is Chinwe Eze" in refused.error["message"]
    assert len(double.posts(PAYOUTS)) == 1
    assert amani("pay", "Chinwe", "11NGN", "--wallet", "shop", "--yes", "--accept-change").code == 0
