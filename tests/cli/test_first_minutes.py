"""What a new user meets before there is any wallet, and after a slip at the keyboard."""

from __future__ import annotations

import pytest

from tests.kit.driver import Amani


@pytest.mark.parametrize("words", [("wallet", "balance"), ("pay", "ada@example.com", "5"), ("transfer", "a", "5")])
def test_without_a_wallet_the_sandbox_is_named_too(amani: Amani, words: tuple[str, ...]) -> None:
    refused = amani(*words, "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (3, "NO_KEY")
    assert "amani wallet add NAME --url URL" in refused.error["hint"]
    assert refused.error["hint"].endswith("To try amani without one: amani sandbox start.")


def test_nothing_is_called_closed_where_there_is_nothing_to_close(amani: Amani) -> None:
    closed = amani("close")
    assert closed.code == 0
    assert "Nothing was closed: there is no wallet." in closed.stdout
    assert "agree" not in closed.stdout + closed.stderr


def test_what_cannot_be_found_is_told_without_a_gap(amani: Amani) -> None:
    told = amani("trace", "foo")
    assert told.code == 4
    assert "\n\n\n" not in told.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pay",), "missing argument DEST"),
        (("wallet", "add"), "missing argument NAME"),
        (("login",), "missing argument URL"),
        (("store", "release"), "missing argument ID"),
        (("transfer", "bob"), "missing argument AMOUNT"),
        (("pay", "ada@example.com", "50", "sat"), "one word too many: sat"),
        (("contact", "list", "a", "b"), "too many words: a b"),
    ],
)
def test_an_argument_is_called_what_the_help_calls_it(amani: Amani, words: tuple[str, ...], said: str) -> None:
    refused = amani(*words, "--json")
    assert (refused.code, refused.error["message"]) == (2, said)
    shown = amani(*words[:1], *(words[1:2] if words[0] in ("wallet", "store", "contact") else ()), "--help").stdout
    if "missing" in said:
        assert said.rpartition(" ")[2] in shown


@pytest.mark.parametrize("amount", ["5", "2100", "21k", "1,000", "5USD", "1000sat"])
def test_an_amount_in_the_payee_s_place_is_told_the_order(amani: Amani, amount: str) -> None:
    refused = amani("pay", amount, "ada@example.com", "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (2, "BAD_DESTINATION")
    assert refused.error["message"] == f"'{amount}' is an amount, and no payee"
    assert refused.error["hint"] == "First whom, then how much: amani pay ada@example.com 2100"


def test_fake_sats_for_a_sandbox_that_is_not_there(amani: Amani) -> None:
    refused = amani("sandbox", "fund", "alice", "10", "--json")
    assert refused.code == 10
    assert (refused.error["code"], refused.error["hint"]) == ("SANDBOX_DOWN", "Start it with: amani sandbox start")


KEY = "8f8647620c184a81ad4c5efe6af0a4b0"


@pytest.mark.parametrize(
    "words",
    [
        ("wallet", "add", "shop", KEY, "--url", "https://lnbits.example.com"),
        ("wallet", "add", "shop", "--key", KEY),
        ("wallet", "add", "shop", f"--admin-key={KEY}"),
        ("cheque", "list", KEY),
        ("pay", "ada@example.com", "5", "--pin", "739142"),
        ("pin", "set", "739142"),
        ("login", "https://lnbits.example.com", "--password", "hunter22"),
        ("backup", "create", "file", "--passphrase=correct horse"),
    ],
)
def test_a_secret_that_was_typed_is_told_of_and_not_repeated(amani: Amani, words: tuple[str, ...]) -> None:
    refused = amani(*words, "--json")
    assert (refused.code, refused.error["code"]) == (2, "KEY_IN_ARGUMENT")
    assert "it is in your shell's history now: change it" in refused.error["hint"]
    assert refused.error["message"].startswith(("one word too many; ", "no such option: --"))
    for secret in (KEY, "739142", "hunter22", "correct horse"):
        assert secret not in refused.stdout + refused.stderr
