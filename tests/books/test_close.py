"""`amani close` on a real server: the books of a month against what LNbits holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AddWallet, change_database, mark_on_server
from tests.kit.driver import Amani, Environment
from tests.kit.fault_proxy import Exchange, FaultProxy
from tests.kit.lnbits_server import LnbitsServer

pytestmark = pytest.mark.lnbits

LAST = (datetime.now().astimezone().replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
IN_LAST = f"{LAST}-15T12:00:00Z"


def long_ago(home: Path, where: str = "true") -> None:
    """Have what is in the journal have happened last month."""
    change_database(home, f"UPDATE payment SET settled_at=?, created_at=? WHERE {where}", IN_LAST, IN_LAST)


def closed(amani: Amani, *options: object, env: Environment | None = None) -> tuple[int, dict[str, Any]]:
    result = amani("close", "--json", *options, env=env)
    assert "data" in result.json, result
    return result.code, result.json["data"]


@pytest.fixture
def month(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    """Last month: 500 sat came, 30 were paid away, 20 moved to our other wallet; 5 were paid since."""
    main, other = add_wallet("main", 500), add_wallet("other")
    stranger = main.server.new_wallet()
    body = {"out": False, "amount": 30, "memo": "paid"}
    invoice = main.server.call("POST", "/api/v1/payments", key=stranger[2], json=body)["bolt11"]
    assert amani("pay", invoice, "--yes", "-w", "main").code == 0
    assert amani("transfer", "other", "20", "--from", "main", "--yes").code == 0
    assert amani("history", "sync").code == 0
    long_ago(home)
    assert amani("pay", other.invoice(5), "--yes", "-w", "main").code == 0


def test_a_month_that_adds_up_is_closed(amani: Amani, month: None) -> None:
    code, found = closed(amani)
    assert code == 0, found
    assert found["month"] == LAST
    assert found["zone"]
    main = next(item for item in found["items"] if item["wallet"] == "main")
    assert (main["unit"], main["opening"], main["received"], main["sent"]) == ("msat", 0, 500_000, 30_000)
    assert (main["own_out"], main["fees"], main["closing"], main["provider_closing"]) == (20_000, 0, 450_000, 450_000)
    other = next(item for item in found["items"] if item["wallet"] == "other")
    assert (other["own_in"], other["received"], other["closing"]) == (20_000, 0, 20_000)
    assert found["differences"] == []
    shown = amani("close").stdout
    assert "Closed: the books and the provider agree." in shown
    assert "450 sat" in shown


def test_a_wallet_that_was_removed_since_is_named(amani: Amani, month: None) -> None:
    assert amani("wallet", "remove", "other", "--yes").code == 0
    run = amani("close", "--json")
    assert (run.code, [item["wallet"] for item in run.data["items"]]) == (0, ["main"])
    assert "left out, for they are not registered any more: 'other'" in run.stderr
    assert "left out" not in amani("close", "-w", "main").stderr


def test_the_next_month_opens_with_its_closing(amani: Amani, month: None) -> None:
    before = (datetime.fromisoformat(f"{LAST}-01") - timedelta(days=1)).strftime("%Y-%m")
    code, found = closed(amani, "--month", before)
    assert (code, {item["closing"] for item in found["items"]}) == (0, {0})


@pytest.mark.parametrize("path", ["/api/v1/payments/paginated", "/api/v1/wallet"])
def test_what_comes_meanwhile_is_no_difference(amani: Amani, add_wallet: AddWallet, home: Path, path: str) -> None:
    main, other = add_wallet("main", 100), add_wallet("other", 50)
    invoice = main.invoice(7, "meanwhile")
    assert amani("history", "sync").code == 0

    def answered_and_paid(exchange: Exchange) -> None:
        exchange.reply(exchange.forward())
        other.pay(invoice)

    with FaultProxy(main.server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=? WHERE name='main'", proxy.url)
        proxy.on(answered_and_paid, "GET", path)
        code, found = closed(amani, "--month", "this")
    assert (code, found["differences"]) == (0, [])
    assert {item["provider_closing"] for item in found["items"]} == {107_000, 43_000}


def test_each_wallet_in_the_environment_has_books_of_its_own(
    amani: Amani, lnbits_server: LnbitsServer, home: Path
) -> None:
    """What the key of another wallet did is in no figure of this one's, and no month of this one's was closed by it."""
    first, second = (
        {"LNBITS_API_KEY": lnbits_server.new_wallet(sat)[1], "LNBITS_BASE_URL": lnbits_server.url} for sat in (100, 10)
    )
    for env in (first, second):
        assert amani("history", "sync", env=env).code == 0
    long_ago(home)
    for env, msat in 2 * [(first, 100_000), (second, 10_000)]:
        (item,) = amani("close", "--json", env=env).data["items"]
        assert (item["closing"], item["provider_closing"]) == (msat, msat)
    change_database(home, "UPDATE payment SET amount_msat=9000 WHERE amount_msat=10000")
    assert [amani("close", env=env).code for env in (first, second)] == [0, 13]


@pytest.mark.parametrize("key", [1, 2])
def test_the_wallet_in_the_environment_beside_the_sandbox_s(
    amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer, home: Path, key: int
) -> None:
    add_wallet("play", 10)
    change_database(home, "UPDATE wallet SET sandbox=1, live=0")
    for sat in (0, 100):
        made = lnbits_server.new_wallet(sat)
        env = {"LNBITS_API_KEY": made[key], "LNBITS_BASE_URL": lnbits_server.url}
        code, found = closed(amani, "--month", "this", env=env)
        assert (code, [item["closing"] for item in found["items"]]) == (0, [sat * 1000])
    exported = amani("history", "export", "--format", "csv", env=env).stdout
    assert exported.count("env,in,invoice,100,") == 1


def test_a_difference_is_13(amani: Amani, month: None, home: Path) -> None:
    change_database(home, "UPDATE payment SET amount_msat=31000 WHERE amount_msat=30000")
    code, found = closed(amani)
    assert code == 13
    assert found["differences"] == ["main: the provider holds 1 sat more than the journal accounts for"]
    assert "NOT closed." in amani("close").stdout


def test_a_closed_month_that_changes_is_13_until_accepted(amani: Amani, month: None, home: Path) -> None:
    assert closed(amani)[0] == 0
    assert closed(amani)[0] == 0
    long_ago(home, "amount_msat=5000")  # a payment turns out to be of that month
    code, found = closed(amani)
    assert code == 13
    assert "sent 30000 → 30000" not in found["differences"][0]
    assert "closing 450000 → 445000" in found["differences"][0]
    assert closed(amani, "--accept", "--reason", "late statement")[0] == 0
    assert closed(amani)[0] == 0
    entry = amani("audit", "list", "--what", "month", "--json").data["items"][0]
    assert (entry["subject"], entry["reason"]) == (LAST, "late statement")


def test_what_is_open_explains_a_difference(amani: Amani, month: None, add_wallet: AddWallet, home: Path) -> None:
    main = add_wallet("third", 100)
    stranger = main.server.new_wallet()
    body = {"out": False, "amount": 40, "memo": "in flight"}
    invoice = main.server.call("POST", "/api/v1/payments", key=stranger[2], json=body)["bolt11"]
    paid = amani("pay", invoice, "--yes", "-w", "third", "--json").data
    mark_on_server(main, paid["payment_hash"], "pending")
    opened = "UPDATE payment SET status='unknown', settled_at=NULL, reserved_msat=42000 WHERE id=?"
    change_database(home, opened, paid["id"])
    long_ago(home, f"id='{paid['id']}'")
    change_database(home, "UPDATE payment SET settled_at=NULL WHERE id=?", paid["id"])
    code, found = closed(amani)
    third = next(item for item in found["items"] if item["wallet"] == "third")
    assert (code, third["differences"]) == (0, [])
    assert third["notes"] == ["40 sat are held back for open outcomes: amani reconcile"]
    assert found["open_outcomes"] == 1


def test_fake_sats_have_no_place_in_real_books(amani: Amani, month: None, home: Path) -> None:
    change_database(home, "UPDATE wallet SET sandbox=1 WHERE name='other'")
    change_database(home, "UPDATE payment SET sandbox=1 WHERE wallet='other'")
    code, found = closed(amani)
    assert (code, [item["wallet"] for item in found["items"]]) == (0, ["main"])
    code, found = closed(amani, "-w", "other")
    assert (code, [item["wallet"] for item in found["items"]]) == (0, ["other"])


def test_a_month_that_is_not_over(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main")
    for month in ("2099-01", "2026-13", "soon"):
        assert amani("close", "--month", month).code == 2
