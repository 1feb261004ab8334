"""What a person sees at a terminal: a pager for long lists, colour for status, and help where something is missing."""

from __future__ import annotations

import pytest

from tests.conftest import AddWallet
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
    red = "\x1b[31merror:\x1b[0m no wallet"
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
