"""Sentences of the pages that promise an exit code, each beside what is run to hold it; blocks are in test_docs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AddWallet, take_server_away
from tests.kit.driver import CLONE, Amani, Result

pytestmark = pytest.mark.lnbits


def _waited_in_vain(amani: Amani, add_wallet: AddWallet) -> Result:
    """An invoice that nobody has paid yet, waited for as long as was said."""
    add_wallet("main")
    made = amani("invoice", "create", "21", "--json").data
    return amani("invoice", "wait", made["payment_hash"], "--timeout", "1s")


def _server_gone(amani: Amani, add_wallet: AddWallet) -> Result:
    add_wallet("main")
    take_server_away(Path(amani("config", "path", "--json").data["paths"]["database"]).parent)
    return amani("reconcile")


def _unconfirmed(amani: Amani, add_wallet: AddWallet) -> Result:
    add_wallet("main", 100)
    return amani("pay", add_wallet("payee").invoice(5), "--wallet", "main")


def _another_meaning(amani: Amani, add_wallet: AddWallet) -> Result:
    add_wallet("main", 100)
    payee = add_wallet("payee")
    first = amani("pay", payee.invoice(5), "--wallet", "main", "--reference", "rent", "--yes")
    assert first.code == 0
    return amani("pay", payee.invoice(6), "--wallet", "main", "--reference", "rent", "--yes")


def _failed_check(amani: Amani, add_wallet: AddWallet) -> Result:
    return amani("doctor", env={"AMANI_TIMEOUT": "soon"})


def _bad_value(amani: Amani, add_wallet: AddWallet) -> Result:
    add_wallet("main")
    return amani("wallet", "balance", env={"AMANI_TIMEOUT": "soon"})


PROMISES: list[tuple[str, str, int, Callable[[Amani, AddWallet], Result]]] = [
    ("support", "It ends with exit code 4 when nothing is known", 4, lambda amani, _: amani("trace", "0badc0de")),
    ("support", '"Not found" (exit 4)', 4, lambda amani, _: amani("invoice", "check", "0badc0de")),
    ("operating", "it ends with 10, or with 8 while an outcome is open", 10, _server_gone),
    ("cron-and-systemd", "`doctor` ends with 13 when a check fails", 13, _failed_check),
    ("operating", "that need it with exit code 2", 2, _bad_value),
    ("scripting", "a payment ends with exit code 5", 5, _unconfirmed),
    ("scripting", "stands for something else is refused (exit 9)", 9, _another_meaning),
    ("scripting", "sooner (exit 8)", 8, _waited_in_vain),
]


@pytest.mark.parametrize(("page", "sentence", "code", "run"), PROMISES, ids=[each[1] for each in PROMISES])
def test_the_page_is_right(
    amani: Amani, add_wallet: AddWallet, page: str, sentence: str, code: int, run: Callable[[Amani, AddWallet], Result]
) -> None:
    said = " ".join((CLONE / "docs" / f"{page}.md").read_text().split())
    assert sentence in said, f"{page}.md promises it no more in these words"
    assert run(amani, add_wallet).code == code
