"""Accounts and phones that are spelled in two ways are one payee: for replays, twins and pins."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli.fiat import moving
from amani_cli.providers.fiat import Holder
from tests.conftest import change_database
from tests.fiat.test_payouts import PAYOUTS, pay, shop
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant

__all__ = ["shop"]

SPELLINGS = [
    ("bank:058/2345678901", "bank:Guaranty Trust Bank/2345678901", "5000NGN", ()),
    ("bank:guaranty/2345678901", "bank:058/234 567 8901", "5000NGN", ()),
    (
        "momo:MTN/256701234567",
        "momo:MTN Uganda/+256 701 234-567",
        "500UGX",
        ("--to-name", "Ada Obi", "--name-unverified"),
    ),
]
spelled = pytest.mark.parametrize(("one", "other", "amount", "more"), SPELLINGS)


@spelled
def test_a_reference_replays_whatever_the_spelling(
    amani: Amani, shop: Merchant, double: Double, one: str, other: str, amount: str, more: tuple[str, ...]
) -> None:
    words = ("--reference", "rent-8", *more)
    first = pay(amani, one, amount, *words).data
    again = pay(amani, other, amount.replace("NGN", ".00 NGN"), *words).data
    assert (again["replayed"], again["id"]) == (True, first["id"])
    assert len(double.posts(PAYOUTS)) == 1
    refused = pay(amani, other, "7" + amount, *words)
    assert (refused.code, refused.error["code"]) == (9, "REFERENCE_TAKEN")


@spelled
def test_what_is_open_is_seen_whatever_the_spelling_and_the_name(
    amani: Amani, shop: Merchant, double: Double, one: str, other: str, amount: str, more: tuple[str, ...]
) -> None:
    double.settle_on_read = 1000
    assert pay(amani, one, amount, "--no-wait", *more).code == 8
    named = tuple(word.replace("Ada Obi", "Obi Ada Ngozi") for word in more)
    again = pay(amani, other, amount, "--no-wait", *named)
    assert (again.code, again.error["code"]) == (8, "OUTCOME_UNKNOWN")
    assert "the same amount to the same payee" in again.error["message"]
    assert len(double.posts(PAYOUTS)) == 1


@spelled
def test_what_was_written_down_as_it_was_typed_still_stands_for_the_same(
    amani: Amani, shop: Merchant, double: Double, home: Path, one: str, other: str, amount: str, more: tuple[str, ...]
) -> None:
    words = ("--reference", "rent-8", *more)
    pay(amani, one, amount, *words)
    value = amount[:-3] + (".00" if amount.endswith("NGN") else "")
    kind, _, rest = one.partition(":")
    typed = f"payout {kind}:{rest.rpartition('/')[0].casefold()}/{rest.rpartition('/')[2]} {value} {amount[-3:]}"
    change_database(home, "UPDATE reference SET what=?", f"{typed} {amount[-3:]}")
    assert pay(amani, one, amount, *words).data["replayed"] is True
    assert len(double.posts(PAYOUTS)) == 1


@spelled
def test_a_journal_from_before_finds_the_payment_whatever_the_spelling(
    amani: Amani, shop: Merchant, double: Double, home: Path, one: str, other: str, amount: str, more: tuple[str, ...]
) -> None:
    """Fincra takes a reference of ours once: the same payout is known by the same one, however it is spelled."""
    words = ("--reference", "rent-8", *more)
    assert pay(amani, one, amount, *words).code == 0
    for table in ("payment", "reference", "bank_list"):
        change_database(home, f"DELETE FROM {table}")
    left = {currency: account.ledger for currency, account in shop.accounts.items()}
    pay(amani, other, amount, *words)
    assert len({post["customerReference"] for post in double.posts(PAYOUTS)}) == 1
    assert {currency: account.ledger for currency, account in shop.accounts.items()} == left


def test_a_holder_that_is_another_when_a_quote_is_renewed_stops_it(
    amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "QUOTE_MARGIN_S", 60)
    names = iter([Holder("Chinwe Eze"), Holder("Ada Obi")])
    monkeypatch.setattr("amani_cli.providers.fincra.Fincra.resolve", lambda *_: next(names))
    refused = pay(amani, "bank:058/2345678901", "15000NGN", "--from-currency", "USD")
    assert (refused.code, refused.error["code"]) == (9, "PAYEE_CHANGED")
    assert not double.posts(PAYOUTS)
