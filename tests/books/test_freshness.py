"""`history list` says how fresh it is: when each wallet's own records were read, and which never were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import AddWallet, change_database
from tests.kit.driver import Amani
from tests.kit.journals import add_payment, writing
from tests.kit.journals import add_wallet as registered


def test_a_wallet_never_read_is_not_called_empty(amani: Amani, home: Path) -> None:
    assert amani("wallet", "list").code == 0
    with writing(home) as (_, db):
        registered(db, "bob")
    shown = amani("history", "list", tty=True)
    assert "Nothing is known of bob yet: amani history sync" in shown.stdout + shown.stderr
    assert "No payments" not in shown.stdout + shown.stderr
    assert amani("history", "list", "--json").data["read"] == [{"wallet": "bob", "as_of": None}]
    with writing(home) as (_, db):
        add_payment(db, 1, 5, "2026-11-20T12:00:00Z")
    assert "bob never read: amani history sync" in amani("history", "list", tty=True).stdout


@pytest.mark.lnbits
def test_sync_makes_it_fresh(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    main, other = add_wallet("main", 50), add_wallet("other")
    main.pay(other.invoice(7, "behind amani's back"))
    assert amani("history", "sync", "--wallet", "other").code == 0
    change_database(home, "UPDATE mark SET at='2026-11-20T12:00:00Z' WHERE name LIKE 'history read %'")
    shown = amani("history", "list", tty=True).stdout
    assert "as of " in shown
    assert " days ago; main never read: amani history sync" in shown
    listed = amani("history", "list", "--sync", "--json").data
    assert "behind amani's back" in [each["memo"] for each in listed["items"]]
    assert all(each["as_of"] for each in listed["read"])
    assert "as of just now" in amani("history", "list", tty=True).stdout
