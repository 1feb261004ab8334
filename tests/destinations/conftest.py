"""An LNURL server for each test, and a wallet that may use servers of this very machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held, change_database
from tests.kit.driver import Amani


@pytest.fixture
def payee(add_wallet: AddWallet) -> Held:
    """A wallet that amani knows too, empty."""
    return add_wallet("payee")


@pytest.fixture
def payer(payee: Held, add_wallet: AddWallet, amani: Amani, home: Path) -> Held:
    """The default wallet, one of the sandbox's as far as amani knows, with 100,000 sat."""
    held = add_wallet("payer", 100_000)
    assert amani("wallet", "use", "payer").code == 0
    mark_as_sandbox(home)
    return held


def mark_as_sandbox(home: Path) -> None:
    """Have every wallet count as one of the sandbox: the only ones that may use loopback for LNURL."""
    change_database(home, "UPDATE wallet SET sandbox=1")
