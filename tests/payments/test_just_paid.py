"""Arrow-up: the same amount to the same payee within ten minutes is told before it goes, and never refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import AddWallet, change_database
from tests.kit.driver import Amani

TELLS = "the same went "


@pytest.mark.lnbits
def test_a_transfer_again_is_told(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    add_wallet("main", 100)
    add_wallet("other")
    words = ("transfer", "other", "5", "--from", "main")
    first = amani(*words, "--yes", "--json")
    assert first.json["warnings"] == []
    again = amani(*words, "--yes", "--json")
    assert any(TELLS in each and first.data["id"] in each for each in again.json["warnings"])
    assert TELLS in again.stderr
    asked = amani(*words, stdin="n\n", tty=True)
    assert asked.code == 5
    assert asked.stderr.index(TELLS) < asked.stderr.index("Transfer?")
    for quiet in (("transfer", "other", "6", "--from", "main"), (*words, "--reference", "till-1")):
        assert TELLS not in amani(*quiet, "--yes").stderr
    change_database(home, "UPDATE payment SET created_at='2026-11-20T12:00:00Z', settled_at='2026-11-20T12:00:00Z'")
    assert TELLS not in amani(*words, "--yes").stderr
