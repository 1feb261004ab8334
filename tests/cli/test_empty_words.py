"""A script's variable that was not set: an empty word is refused, and never taken for one that was left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Held
from tests.kit.driver import Amani

pytestmark = pytest.mark.lnbits


@pytest.fixture
def chosen(amani: Amani, giver: Held, taker: Held) -> Held:
    """The wallet that is meant where none is named."""
    assert amani("wallet", "use", "giver").code == 0
    return giver


@pytest.mark.parametrize(
    "words",
    [
        ("transfer", "taker", "10", "--from", ""),
        ("transfer", "taker", "10", "--wallet", ""),
        ("--wallet", " ", "transfer", "taker", "10"),
        ("transfer", "", "10", "--from", "taker"),
        ("cheque", "create", "10", "--wallet", ""),
        ("cheque", "create", "10", "--expires", ""),
        ("wallet", "remove", ""),
        ("wallet", "balance", ""),
        ("wallet", "rotate-keys", ""),
        ("wallet", "limit", "", "--per-day", "10sat"),
        ("wallet", "limit", "giver", "--per-day", ""),
        ("faucet", "configure", "--wallet", "giver", "--daily-cap", ""),
        ("pin", "status", "--wallet", ""),
        ("history", "export", "--format", "csv", "--since", ""),
        ("pay", "ada@example.com", "10", "--reference", ""),
    ],
)
def test_it_is_refused(amani: Amani, chosen: Held, taker: Held, words: tuple[str, ...]) -> None:
    refused = amani(*words, "--yes", "--json")
    assert (refused.code, refused.error["money_moved"]) == (2, "no"), refused
    assert (chosen.sat, taker.sat) == (5000, 0)
    assert [item["name"] for item in amani("wallet", "list", "--json").data["items"]] == ["giver", "taker"]


@pytest.mark.parametrize(
    "words",
    [
        ("transfer", "giver", "10", "--from", "taker", "--wallet", "giver"),
        ("wallet", "limit", "taker", "--per-day", "10sat", "--wallet", "giver"),
        ("wallet", "balance", "taker", "--wallet", "giver"),
        ("wallet", "rotate-keys", "taker", "--wallet", "giver"),
        ("wallet", "remove", "taker", "--wallet", "giver"),
        ("wallet", "use", "taker", "--wallet", "giver"),
        ("wallet", "rename", "taker", "branch", "--wallet", "giver"),
        ("sandbox", "fund", "taker", "10", "--wallet", "giver"),
        ("watch", "taker", "--for", "1s", "--wallet", "giver"),
        ("wallet", "balance", "giver", "taker", "--wallet", "giver"),
    ],
)
def test_of_two_wallets_none_is_guessed(amani: Amani, chosen: Held, taker: Held, words: tuple[str, ...]) -> None:
    refused = amani(*words, "--yes", "--json")
    assert (refused.code, refused.error["message"]) == (2, "'taker' and --wallet 'giver' are two wallets")
    assert amani("transfer", "taker", "1", "--from", "giver", "--wallet", "Giver", "--yes").code == 0


def test_a_blank_home_begins_no_journal(amani: Amani, chosen: Held, taker: Held, tmp_path: Path) -> None:
    refused = amani("pay", taker.invoice(10), "--yes", "--json", env={"AMANI_HOME": " "})
    assert (refused.code, refused.error["code"], taker.sat) == (2, "NO_HOME", 0)
    assert not Path(" ").exists()


def test_blanks_around_a_name_make_nobody_else_of_them(amani: Amani, chosen: Held, taker: Held) -> None:
    assert amani("transfer", "taker", "1", "--yes", "--actor", " ada ").code == 0
    assert amani("transfer", "taker", "2", "--yes", env={"AMANI_ACTOR": "ada "}).code == 0
    assert amani("transfer", "taker", "3", "--yes", env={"AMANI_ACTOR": " "}).code == 0
    found = amani("history", "list", "--by", "ada ", "--direction", "out", "--json").data["items"]
    assert [(each["amount_msat"], each["actor"]) for each in found] == [(2000, "ada"), (1000, "ada")]


@pytest.mark.parametrize("words", [("giver",), ("--wallet", "giver")])
def test_every_wallet_is_not_one(amani: Amani, chosen: Held, words: tuple[str, ...]) -> None:
    assert amani("wallet", "balance", "--all", *words, "--json").code == 2
    assert len(amani("wallet", "balance", "--all", "--json", env={"AMANI_WALLET": "giver"}).data["items"]) == 2


@pytest.mark.parametrize("words", [("--max-fee", ""), ("",), ("--keep", ""), ("--max-slippage", "")])
def test_no_condition_of_a_payment_falls_away(amani: Amani, chosen: Held, taker: Held, words: tuple[str, ...]) -> None:
    invoice = taker.invoice(10)
    refused = amani("pay", invoice, *words, "--yes", "--json")
    assert (refused.code, chosen.sat, taker.sat) == (2, 5000, 0), refused
    assert amani("pay", invoice, "--memo", "", "--reason", "", "--yes").code == 0  # what is only told may be nothing
