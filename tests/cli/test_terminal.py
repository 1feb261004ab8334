"""What a person sees at a terminal: a pager for long lists, colour for status, and help where something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli import tried
from tests.conftest import AddWallet, change_database
from tests.kit.driver import Amani

LONG = ("explain",)  # a list that is longer than a terminal of fifty lines


def test_a_long_list_goes_through_the_pager(amani: Amani) -> None:
    for env, paged in (
        ({"PAGER": "sed s/^/PAGED:/"}, True),
        ({"PAGER": "cat"}, False),
        ({"PAGER": ""}, False),
        ({"PAGER": "no-such-pager"}, False),
        ({"PAGER": "sed s/^/PAGED:/", "TERM": "dumb"}, False),
    ):
        with amani.terminal(*LONG, env=env) as terminal:
            assert terminal.finish() == 0
            assert ("PAGED:" in terminal.seen) is paged, env
            assert "OUTCOME_UNKNOWN" in terminal.seen
    with amani.terminal(*LONG, "--no-pager", env={"PAGER": "sed s/^/PAGED:/"}) as terminal:
        assert terminal.finish() == 0
        assert "PAGED:" not in terminal.seen


def test_no_pager_for_what_fits_or_goes_elsewhere(amani: Amani) -> None:
    with amani.terminal("config", "show", env={"PAGER": "sed s/^/PAGED:/"}) as terminal:
        assert terminal.finish() == 0
        assert "PAGED:" not in terminal.seen
    assert "PAGED:" not in amani.process(*LONG, env={"PAGER": "sed s/^/PAGED:/"}).stdout


def test_errors_are_coloured_at_a_terminal_alone(amani: Amani) -> None:
    red = "\x1b[31merror: \x1b[0mno wallet"
    assert red in amani("wallet", "show", "nobody", tty=True).stderr
    assert red not in amani("wallet", "show", "nobody", tty=True, env={"NO_COLOR": "1"}).stderr
    assert red not in amani("wallet", "show", "nobody").stderr
    assert red in amani("wallet", "show", "nobody", "--color", "always").stderr


@pytest.mark.lnbits
def test_a_receipt_has_its_status_in_colour_and_says_how_long_ago(amani: Amani, add_wallet: AddWallet) -> None:
    payee = add_wallet("payee")
    add_wallet("main", 50)
    paid = amani("pay", payee.invoice(21), "--yes", "--wallet", "main", tty=True)
    assert "\x1b[32msettled\x1b[0m" in paid.stdout
    assert " ago)" in paid.stdout or "(just now)" in paid.stdout


# -- words that people try ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", tried.WORDS)
def test_a_word_that_people_try_leads_to_a_command_that_is_there(amani: Amani, word: str) -> None:
    answer = amani(word)
    assert answer.code == 2
    assert f"Did you mean 'amani {tried.WORDS[word]}'?" in answer.stderr
    assert amani(*tried.WORDS[word].split(), "--help").code == 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("walet",), "Did you mean 'amani wallet'?"),
        (("balanc",), "Did you mean 'amani wallet balance'?"),
        (("PAY",), "Did you mean 'amani pay'?"),
        (("create",), "There are: amani wallet create, amani invoice create, amani cheque create"),
        (("sweep",), "There are: amani cheque sweep."),
        (("xyzzy",), "See: amani --help"),
        (("wallet", "ls"), "Did you mean 'amani wallet list'?"),
        (("wallet", "balanc"), "Did you mean 'amani wallet balance'?"),
        (("cheque", "redeem"), "Did you mean 'amani cheque claim'?"),
        (("contact", "rm"), "Did you mean 'amani contact remove'?"),
        (("wallet", "xyzzy"), "See: amani wallet --help"),
        (("config", "set", "timeot", "5s"), "Did you mean 'timeout'?"),
        (("config", "explain", "limits.cheque"), "Did you mean 'limit.cheque'?"),
    ],
)
def test_a_slip_leads_to_what_was_meant(amani: Amani, words: tuple[str, ...], hint: str) -> None:
    answer = amani(*words)
    assert answer.code == 2
    assert hint in answer.stderr


@pytest.mark.lnbits
def test_mistyped_wallets_and_contacts(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("market-stall")
    assert amani("contact", "add", "bayo", "bayo@example.com").code == 0
    for words in (
        ("wallet", "show", "marketstall"),
        ("history", "list", "-w", "Market-Stal"),
        ("transfer", "market", "5"),
    ):
        answer = amani(*words)
        assert (answer.code, "Did you mean 'market-stall'?" in answer.stderr) == (4, True), answer
    assert "Did you mean 'bayo'?" in amani("contact", "show", "bay").stderr
    assert "Did you mean 'bayo'?" in amani("pay", "bayoo", "21", "--yes").stderr
    meant = amani("pay", "market-stall", "21", "--yes")
    assert (meant.code, "amani transfer 'market-stall' AMOUNT" in meant.stderr) == (2, True)


# -- asked for where it is missing -------------------------------------------------------------------------------


@pytest.mark.lnbits
def test_what_is_missing_is_asked_for_at_a_terminal(amani: Amani, add_wallet: AddWallet) -> None:
    payee = add_wallet("payee")
    main = add_wallet("main", 5_000)
    amani("wallet", "use", "main")
    amani("contact", "add", "ada", "ada@example.com")
    with amani.terminal("pay") as terminal:
        terminal.expect("Pay whom? ada: ")
        terminal.type(payee.invoice(21))
        terminal.expect("Pay? [y/N]")
        terminal.type("y")
        assert terminal.finish() == 0
    with amani.terminal("transfer") as terminal:
        terminal.expect("To which wallet? main, payee: ")
        terminal.type("payee")
        terminal.expect("How much?")
        terminal.type("500")
        terminal.expect("Transfer? [y/N]")
        terminal.type("y")
        assert terminal.finish() == 0
    with amani.terminal("invoice", "create", "--memo", "bread") as terminal:
        terminal.expect("How much?")
        terminal.type("77")
        assert terminal.finish() == 0
    assert (payee.sat, main.sat) == (521, 4_479)


@pytest.mark.lnbits
def test_which_wallet_is_asked_for_at_a_terminal(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    add_wallet("one", 7)
    add_wallet("two", 8)
    change_database(home, "UPDATE wallet SET is_default=0")
    with amani.terminal("wallet", "balance") as terminal:
        terminal.expect("Which wallet? one, two: ")
        terminal.type("two")
        assert terminal.finish() == 0
        assert "8 sat" in terminal.seen
    assert amani("wallet", "balance", "--json").error["code"] == "AMBIGUOUS_WALLET"


@pytest.mark.parametrize("words", [("pay",), ("transfer", "x"), ("invoice", "create"), ("cheque", "create")])
def test_nothing_is_asked_for_off_a_terminal(amani: Amani, words: tuple[str, ...]) -> None:
    assert amani(*words).code == 2
    assert amani(*words, "--no-input", tty=True).code == 2
    assert amani(*words, "--json", tty=True).code == 2
    assert amani(*words, tty=True, stdin="\n").code == 2


# -- QR codes ----------------------------------------------------------------------------------------------------


@pytest.mark.lnbits
def test_a_qr_code_wider_than_the_terminal_is_not_wrapped(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet()
    narrow = amani("invoice", "create", "21", "--qr", tty=True, env={"COLUMNS": "40"})
    assert narrow.code == 0
    assert "lnbc" in narrow.stdout
    assert "▀" not in narrow.stderr
    assert "columns wide and this terminal 40" in narrow.stderr
    assert "--qr-file" in narrow.stderr
    assert "▀" in amani("invoice", "create", "21", "--qr", tty=True, env={"COLUMNS": "100"}).stderr


@pytest.mark.lnbits
@pytest.mark.parametrize("words", [("invoice", "create", "21"), ("cheque", "create", "21", "--yes")])
def test_no_qr_code_on_an_ascii_stream(amani: Amani, add_wallet: AddWallet, words: tuple[str, ...]) -> None:
    held = add_wallet("main", 5_000)
    answer = amani.process(*words, "--qr", "--json", env={"PYTHONIOENCODING": "ascii"})
    assert (answer.code, answer.error["code"]) == (2, "BAD_QR")
    assert "--qr-file" in answer.error["hint"]
    assert (held.sat, amani("invoice", "list", "--json").data["items"]) == (5_000, [])
