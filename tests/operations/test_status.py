"""`amani status`: how everything stands, on one screen of forty lines and eighty columns."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from amani_cli.tables import wide
from tests.conftest import AddWallet, change_database, take_server_away
from tests.kit.driver import Amani

pytestmark = pytest.mark.lnbits

NARROW = {"COLUMNS": "80"}


def test_nothing_yet_says_how_to_begin(amani: Amani, home: Path) -> None:
    answer = amani("status", "--json")
    assert answer.data["findings"][0]["fix"] == "amani sandbox start, or amani wallet add NAME"
    assert answer.data["wallets"] == answer.data["open"] == answer.data["recent"] == []
    assert not home.exists()
    assert "no wallet yet" in amani("status").stdout


def test_everything_on_one_screen(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    payee = add_wallet("a-shop-with-quite-a-long-name")
    for number in range(12):
        add_wallet(f"wallet-{number}")
    add_wallet("main", 50_000)
    amani("wallet", "use", "main")
    amani("wallet", "limit", "main", "--per-day", "20k")
    for number in range(7):
        assert amani("pay", payee.invoice(21, f"order {number} " + "и" * 100), "--yes").code == 0
    assert amani("transfer", "wallet-1", "500", "--yes").code == 0
    for _ in range(6):
        amani("cheque", "create", "300", "--yes")
    change_database(home, "UPDATE payment SET status='unknown' WHERE direction='out'")
    stands = amani("status", "--json")
    assert stands.json["schema"] == "amani.status/1"
    assert len(stands.data["wallets"]) == 14
    assert stands.data["cheques"] == {"count": 6, "amount_msat": 1_800_000}
    assert len(stands.data["recent"]) == 5
    assert {each["what"] for each in stands.data["limits"]} >= {"per day", "cheque", "transfer"}
    one = stands.data["open"][0]
    screen = amani("status", env=NARROW).stdout
    lines = screen.splitlines()
    assert len(lines) <= 40
    assert max(map(wide, lines)) <= 80
    assert one["id"] in screen
    assert "… and 6 more" in screen
    assert "Cheques outstanding: 6, 1,800 sat" in screen


def test_balances_are_up_to_a_minute_old_and_their_age_is_told(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    add_wallet(sat=50)
    amani("wallet", "balance")
    take_server_away(home)
    cached = amani("status", "--json")
    assert cached.data["wallets"][0]["cached"] is True
    change_database(home, "UPDATE wallet SET balance_clock=balance_clock-3700, balance_at='2026-01-01T00:00:00Z'")
    old = amani("status", "--json", "--timeout", "1s")
    assert (old.code, old.json["data"]["wallets"][0]["balance_msat"]) == (10, 50_000)
    assert old.json["data"]["findings"][0]["status"] == "fail"
    assert "days ago" in amani("status", "--timeout", "1s").stdout


@pytest.mark.parametrize("is_sandbox", [0, 1])
def test_amounts_stand_under_each_other(amani: Amani, add_wallet: AddWallet, home: Path, is_sandbox: int) -> None:
    """Fake money, whose mark is longer than a column is wide, as well as real."""
    add_wallet("till", 1000)
    add_wallet("a longer name", 50)
    change_database(home, f"UPDATE wallet SET sandbox={is_sandbox}")
    assert amani("wallet", "balance", "--all").code == 0
    lines = [line for line in amani("status").stdout.splitlines() if "just now" in line]
    assert [(" (sandbox: fake sats) " in line) for line in lines] == [bool(is_sandbox)] * 2
    assert len({line.index(" sat ") for line in lines}) == 1, lines


def test_what_a_wallet_of_ours_was_paid_is_no_older_than_the_payment(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main", 1000)
    add_wallet("shop")
    made = amani("invoice", "create", "21", "--wallet", "shop", "-q").stdout.strip()
    assert amani("status").code == 0  # keeps what each of them held
    assert amani("pay", made, "--wallet", "main", "--yes").code == 0
    held = {each["wallet"]: each["balance_msat"] for each in amani("status", "--json").data["wallets"]}
    assert held == {"main": 979_000, "shop": 21_000}


def test_it_costs_little_more_than_the_balances(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet(sat=50)
    add_wallet("other", 50)

    def cpu(*words: str) -> float:
        best = []
        for _ in range(5):
            before = time.process_time()
            amani(*words)
            best.append(time.process_time() - before)
        return min(best)

    assert cpu("status", "--json") < 1.5 * cpu("wallet", "balance", "--all", "--json")


def test_watch_draws_it_again_until_ctrl_c(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet(sat=50)
    assert amani("status", "--watch").code == 2
    with amani.terminal("status", "--watch", "--every", "1s") as terminal:
        terminal.expect("50 sat")
        terminal.expect("Ctrl-C ends it.")
        terminal.seen = ""
        terminal.expect("Ctrl-C ends it.")
        terminal.press(b"\x03")
        assert terminal.finish() == 130
