"""Tables of payments, plans of them, and the wallets they go between."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AddWallet, Held
from tests.destinations.conftest import mark_as_sandbox
from tests.kit.driver import Amani

WriteTable = Callable[..., Path]


@pytest.fixture
def payee(add_wallet: AddWallet) -> Held:
    """A wallet that amani knows too, empty."""
    return add_wallet("payee")


@pytest.fixture
def payer(payee: Held, add_wallet: AddWallet, amani: Amani, home: Path) -> Held:
    """The default wallet, which may use servers of this machine."""
    held = add_wallet("payer", 9_000)
    assert amani("wallet", "use", "payer").code == 0
    mark_as_sandbox(home)
    return held


@pytest.fixture
def table(tmp_path: Path) -> WriteTable:
    """Writes rows (dicts of cells) as CSV."""

    def write(rows: Iterable[dict[str, Any]], name: str = "people.csv") -> Path:
        rows = list(rows)
        path = tmp_path / name
        names = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def planned(amani: Amani, table: WriteTable, tmp_path: Path) -> Callable[..., Path]:
    """Plans rows and returns the plan's path."""

    def plan(rows: Iterable[dict[str, Any]], name: str = "plan.json") -> Path:
        path = tmp_path / name
        made = amani("batch", "plan", table(rows, name + ".csv"), "-o", path, "--json")
        assert made.code == 0, made
        return path

    return plan


def lines(stdout: str) -> list[dict[str, Any]]:
    """The documents of a run with --json: one a row, then how the whole stands."""
    return [json.loads(line) for line in stdout.splitlines()]
