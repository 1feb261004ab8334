"""`amani trace` by what people have: cut ids, screenshots, mails, contacts, amounts; and several things that fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

from amani_cli.encodings import bolt11
from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.journals import add_payment, add_wallet, writing
from tests.kit.make_invoice import make_invoice

HASH = "3f2a91bc" + "0" * 48 + "deadbeef"
NEW = "2026-11-20T12:00:00Z"


@pytest.fixture
def paid(amani: Amani, home: Path) -> dict[str, str]:
    """A wallet whose server is gone, a payment by Lightning and a payout; ids by name."""
    assert amani("wallet", "list").code == 0
    with writing(home) as (_, db):
        main = add_wallet(db, "main")
        book = add_wallet(db, "shop", provider="fincra")
        preimage = {"payment_hash": HASH, "preimage": "ab" * 32, "destination": "ada@example.com"}
        fiat = {"provider": "fincra", "amount_msat": None, "amount": "5000", "currency": "NGN", "kind": "payout"}
        names = {"our_reference": "amani-77aa", "provider_reference": "FCR-9", "session_id": "0900FCR"}
        return {
            "pay": add_payment(db, main, -2100, NEW, memo="Rent  for École", **preimage),
            "payout": add_payment(
                db, book, -1, NEW, wallet="shop", destination="momo:MTN/254722345678", **fiat, **names
            ),
        }


def traced(amani: Amani, *words: object) -> dict[str, Any]:
    found = amani("trace", *words, "--json").data
    assert isinstance(found, dict)
    return found


MAIL = """Hello,
> I have paid this on Friday and my wallet says
> sent:
> {}
> Where is it?"""


@pytest.mark.parametrize(
    "clue",
    [
        HASH[:8],
        HASH[:8] + "…",
        HASH[:6] + "…" + HASH[-6:],
        HASH[:6] + "..." + HASH[-6:],
        HASH[:10].upper() + "...",
        "ab" * 5 + "…" + "ab" * 3,
        "rent for école",
        "RENT FOR",
        "ada@example.com",
        MAIL.format(HASH),
        MAIL.format("to ada@example.com"),
        " \u200bada@example.com\u200b",
        "{pay}",
        MAIL.format("it is {pay}"),
    ],
)
def test_a_payment_is_found_by_what_people_have(amani: Amani, paid: dict[str, str], clue: str) -> None:
    found = traced(amani, clue.replace("{pay}", paid["pay"]))
    assert found["candidates"] == []
    assert found["tell"].startswith("It was paid on 2026-11-20 12:00 UTC: 2,100 sat. The proof is the preimage abab")
    assert found["next"] == [f"amani history show {paid['pay']}"]


@pytest.mark.parametrize(
    "clue",
    ["FCR-9", "0900FCR", "amani-77", "+254 722 345 678", "0722 345 678", "2547223", MAIL.format("+254722345678")],
)
def test_so_is_a_payout(amani: Amani, paid: dict[str, str], clue: str) -> None:
    found = traced(amani, clue)
    assert found["tell"].startswith("It was paid on 2026-11-20 12:00 UTC: 5,000.00 NGN")
    assert "session id 0900FCR and reference FCR-9" in found["tell"]


@pytest.mark.parametrize("broken", [False, True])
def test_an_invoice_in_a_mail(amani: Amani, home: Path, paid: dict[str, str], broken: bool) -> None:
    invoice = bolt11.decode_invoice(make_invoice())
    with writing(home) as (_, db):
        entry = add_payment(db, 1, -9, NEW, payment_hash=invoice.payment_hash)
    text = "\n> ".join([invoice.bolt11[:76], invoice.bolt11[76:]]) if broken else f"lightning:{invoice.bolt11}."
    assert traced(amani, MAIL.format(text))["next"] == [f"amani history show {entry}"]


def test_a_contact_and_all_its_numbers(amani: Amani, home: Path, paid: dict[str, str]) -> None:
    with writing(home) as (_, db):
        for name, to in (("Ada", "ada@example.com"), ("Ada phone", "momo:MTN/254722345678")):
            db.execute(
                "INSERT INTO contact (name, name_key, destination, created_at) VALUES (?,?,?,?)",
                (name, name.lower(), to, NEW),
            )
    assert traced(amani, "ADA phone")["next"][0] == f"amani history show {paid['payout']}"
    assert traced(amani, "ada")["next"][0] == f"amani history show {paid['pay']}"
    with writing(home) as (_, db):
        db.execute("UPDATE contact SET name='Ada L', name_key='ada l' WHERE name='Ada'")
    found = traced(amani, "ada")
    assert {each["id"] for each in found["candidates"]} == set(paid.values())


def test_several_are_candidates_and_no_verdict(amani: Amani, home: Path, paid: dict[str, str]) -> None:
    with writing(home) as (_, db):
        settled = add_payment(db, 1, -20, NEW, memo="order 7", payment_hash="1" * 64, destination="b@example.com")
        db.execute(
            "INSERT INTO invoice (payment_hash, wallet_id, wallet, bolt11, amount_msat, memo, status, purpose,"
            " created_at, expires_at) VALUES (?, 1, 'main', 'lnbc', 20000, 'Order 7', 'pending', 'invoice', ?, ?)",
            ("2" * 64, NEW, "2026-11-20T13:00:00Z"),
        )
    result = amani("trace", "order 7", "--json")
    found = result.data
    assert [(each["id"], each["status"]) for each in found["candidates"]] == [
        (settled, "settled"),
        ("2" * 64, "expired"),
    ]
    assert found["candidates"][0]["counterpart"] == "b@example.com"
    assert "paid" not in found["tell"]
    shown = amani("trace", "order 7").stdout
    assert "2026-11-20 12:00  pay 20 sat, settled (main)  b@example.com" in shown
    assert settled in shown
    assert "times: UTC" in shown
    assert traced(amani, settled)["tell"].startswith("It was paid on")
    redacted = amani("trace", "order 7", "--redacted").stdout
    assert "example.com" not in redacted
    assert "main" not in redacted


@pytest.mark.parametrize("clue", ["2100 sat, {day}", "2,100 sat on {date}", "2.1ksat {short}", "2100 sat"])
def test_an_amount_with_its_day(amani: Amani, home: Path, paid: dict[str, str], clue: str) -> None:
    day = (datetime.now(UTC) - timedelta(days=2)).replace(hour=12)
    with writing(home) as (_, db):
        db.execute("UPDATE payment SET created_at=?", (f"{day:%Y-%m-%d}T12:00:00Z",))
    found = traced(amani, clue.format(day=f"{day:%A}", date=f"{day:%Y-%m-%d}", short=f"{day.day} {day:%b}"))
    assert [each["id"] for each in found["candidates"]] == [paid["pay"]]
    line = found["next"][-1]
    assert line.startswith("amani history list")
    listed = amani(*line.split()[1:], "--json").data["items"]
    assert [each["id"] for each in listed] == [paid["pay"]]
    assert amani("trace", "2101 sat, yesterday").code == 4


def test_a_leap_day_that_is_still_to_come_is_no_day(amani: Amani, monkeypatch: pytest.MonkeyPatch) -> None:
    class InJanuary(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> InJanuary:
            return cls(2028, 1, 15, 12, tzinfo=tz or UTC)

    monkeypatch.setattr("amani_cli.operations.clues.datetime", InJanuary)
    assert amani("trace", "2100 sat, 29 feb").code == 4


def test_nowhere_to_look_is_said(amani: Amani) -> None:
    result = amani("trace", "order 7", "--json")
    assert result.code == 4
    # A ledger on a server is there before anything is recorded.
    nothing = "no provider was asked" if ledgers.on_postgres() else "nothing was ever recorded"
    assert "no wallet is registered" in result.json["data"]["next"][0]
    assert nothing in result.json["data"]["next"][0]


@pytest.mark.parametrize(
    ("status", "words"),
    [("failed", "It was not paid: nothing left."), ("unknown", "It is on its way. Please ask again")],
)
def test_the_customer_hears_nothing_of_servers(
    amani: Amani, home: Path, paid: dict[str, str], status: str, words: str
) -> None:
    with writing(home) as (_, db):
        entry = add_payment(db, 1, -5, NEW, status=status, settled_at=None, failure="520 from lnbits.example.com")
    found = traced(amani, entry)
    assert found["tell"].startswith(words)
    for word in ("lnbits", "provider", "520", "journal", "Z"):
        assert word not in found["tell"]
