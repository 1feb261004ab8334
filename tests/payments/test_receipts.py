"""A receipt begins with how the payment stands, and says "paid" of what settled alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.driver import Amani
from tests.kit.journals import add_payment, add_wallet, writing

NEW = "2026-11-20T12:00:00Z"


@pytest.mark.parametrize(
    ("sat", "columns", "status", "label"),
    [
        (-5, {}, "settled", "paid"),
        (-5, {"status": "failed"}, "FAILED: nothing left the wallet", "to be paid"),
        (-5, {"status": "unknown"}, "UNKNOWN: it may have left", "to be paid"),
        (-5, {"reversed_at": NEW}, "REVERSED: it settled, and came back on 2026-11-20 12:00", "was paid"),
        (5, {}, "settled", "received"),
        (5, {"status": "failed"}, "FAILED: nothing arrived", "to arrive"),
        (5, {"status": "unknown"}, "UNKNOWN: ask with amani reconcile", "to arrive"),
    ],
)
def test_says_paid_of_what_settled_alone(
    amani: Amani, home: Path, sat: int, columns: dict[str, str], status: str, label: str
) -> None:
    assert amani("wallet", "list").code == 0
    with writing(home) as (_, db):
        entry = add_payment(db, add_wallet(db, "main"), sat, NEW, **columns)
    lines = amani("history", "show", entry).stdout.splitlines()
    assert lines[0].startswith("status: ")
    assert lines[0].split(":", 1)[1].strip().startswith(status)
    assert [part.strip() for part in lines[1].split(":", 1)] == [label, "5 sat"]
