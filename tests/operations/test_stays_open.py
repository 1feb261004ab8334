"""`reconcile` that could ask nobody is no success, and says why what is open stays so, and until when at most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kit.driver import Amani
from tests.kit.journals import add_payment, add_wallet, writing

SENT = "2026-11-20T12:00:00Z"
FIAT: dict[str, Any] = {"currency": "NGN", "amount": "5", "amount_msat": None, "provider": "fincra"}


@pytest.mark.parametrize("words", [(), ("--older-than", "10m")])
@pytest.mark.parametrize(
    ("columns", "reason", "until"),
    [
        ({"expires_at": "2026-11-20T13:00:00Z"}, "it may be held on its way, until 2026-12-04 12:00", "2026-12-04"),
        ({"expires_at": "2026-11-20T13:00:00Z"}, "that is certain from 2026-11-20 13:02 on", "2026-12-04"),
        (FIAT, "that is certain from 2026-11-21 12:00 on", None),
        ({**FIAT, "documents": "invoice"}, "until it has been given: invoice", None),
    ],
)
def test_it_says_why(
    amani: Amani, home: Path, words: tuple[str, ...], columns: dict[str, Any], reason: str, until: str | None
) -> None:
    assert amani("wallet", "list").code == 0
    with writing(home) as (_, db):
        wallet = add_wallet(db, "main", provider=columns.get("provider", "lnbits"))
        more = {"payment_hash": "1" * 64, "our_reference": "ours", "settled_at": None, "status": "unknown"}
        entry = add_payment(db, wallet, -5, SENT, **{**more, **columns})
    result = amani("reconcile", *words, "--json")
    assert result.code == 8
    (told,) = result.json["data"]["open"]
    assert told["id"] == entry
    assert reason in told["reason"]
    assert (told["until"] or "")[:10] == (until or "")
    assert f"{entry} stays open: " in amani("reconcile", *words).stdout
    assert 'command="reconcile"' not in amani("metrics").stdout


def test_nobody_could_be_asked(amani: Amani, home: Path) -> None:
    assert amani("wallet", "list").code == 0
    with writing(home) as (_, db):
        add_wallet(db, "main")
    result = amani("reconcile", "--json")
    assert (result.code, result.json["data"]["unasked"]) == (10, ["main"])
    assert 'command="reconcile"' not in amani("metrics").stdout
