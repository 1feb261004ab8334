"""`amani trace` on a real server: by whatever a customer may have, and never a guess."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from amani_cli.encodings import bolt11
from tests.conftest import AddWallet, Held
from tests.kit.driver import Amani
from tests.kit.journals import add_payment, writing
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits


@pytest.fixture
def paid(amani: Amani, add_wallet: AddWallet) -> dict[str, Any]:
    """A payment of 25 sat from main to other, under a reference, and its receipt."""
    add_wallet("main", 100)
    other = add_wallet("other")
    invoice = other.invoice(25, "Rent for Wanjiku, August")
    receipt = amani("pay", invoice, "--yes", "--reference", "rent-8", "--json").data
    return {**receipt, "bolt11": invoice}


def traced(amani: Amani, *words: object) -> dict[str, Any]:
    found = amani("trace", *words, "--json").data
    assert isinstance(found, dict)
    return found


def named(word: str, text: str) -> bool:
    """Whether the text has the word on its own: a short one (a machine called `vm`) may stand in an id by chance."""
    return re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text) is not None


@pytest.mark.parametrize("clue", ["bolt11", "payment_hash", "preimage", "id", "reference"])
def test_a_payment_is_found_by_anything_it_is_called(amani: Amani, paid: dict[str, Any], clue: str) -> None:
    found = traced(amani, paid[clue])
    assert found["found"]
    assert "It was paid on" in found["tell"]
    assert "25 sat" in found["tell"]
    assert found["next"] == [f"amani history show {paid['id']}"]
    texts = " | ".join(event["text"] for event in found["timeline"])
    assert "was written down, to be sent" in texts
    assert "it settled" in texts
    assert "25 sat leaving" in texts  # as main's server has it
    assert "25 sat arriving" in texts  # and other's
    assert {event["source"] for event in found["timeline"]} >= {"journal", "audit log"}
    times = [event["at"] for event in found["timeline"]]
    assert times == sorted(times)
    assert len(found["searched"]) == 3
    assert found["not_searched"] == []


@pytest.mark.parametrize("words", ["Wanjiku", "rent for wanj", "rent"])
def test_half_a_memo_will_do(amani: Amani, paid: dict[str, Any], words: str) -> None:
    assert traced(amani, words)["next"] == [f"amani history show {paid['id']}"]


def test_what_others_did_is_found_at_the_server(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    invoice = other.invoice(7, "behind amani's back")
    main.pay(invoice)
    for clue in (invoice, "behind amani"):
        found = traced(amani, clue)
        assert found["tell"].startswith("It was paid on")
        assert "amani history sync" in found["next"][0]


def test_not_found_is_not_called_unpaid(amani: Amani, add_wallet: AddWallet) -> None:
    held: Held = add_wallet("main", 5)
    unreachable = add_wallet("gone")
    unreachable.key_file.unlink()
    result = amani("trace", make_invoice(), "--json")
    assert result.code == 4
    found = result.json["data"]
    assert not found["found"]
    assert "does not mean that it was not paid" in found["tell"]
    assert [gap["source"].split(" at ")[0] for gap in found["not_searched"]] == ["wallet 'gone'"]
    assert any("wallet 'main'" in each for each in found["searched"])
    assert "NOT searched: wallet 'gone'" in amani("trace", "nothing like it").stdout
    assert held.sat == 5


def test_by_another_wallet_s_key_a_wallet_was_not_searched(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 5), add_wallet("other", 9)
    invoice = main.invoice(7, "order 42")
    other.pay(invoice)
    main.key_file.write_text(other.key_file.read_text())
    for clue in (make_invoice(), "nothing like it", invoice):
        found = amani("trace", clue, "--json").json["data"]
        assert [gap["source"].split(" at ")[0] for gap in found["not_searched"]] == ["wallet 'main'"]
        assert not any("'main'" in each for each in found["searched"])


def test_an_open_outcome_must_not_be_paid_again(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    main = add_wallet("main", 50)
    invoice = bolt11.decode_invoice(make_invoice())
    with writing(home) as (_, db):
        row = {"status": "unknown", "settled_at": None, "payment_hash": invoice.payment_hash, "bolt11": invoice.bolt11}
        entry = add_payment(db, 1, -9, "2026-11-20T00:00:00Z", remote_wallet_id=main.id, **row)
    found = traced(amani, invoice.bolt11)
    assert "must not be paid again" in found["tell"]
    assert found["next"][0].startswith(f"amani reconcile {entry}")


def test_an_invoice_nobody_paid(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main", 50)
    made = amani("invoice", "create", "12", "--memo", "eggs", "--json").data
    found = traced(amani, made["bolt11"])
    assert "not received yet. The invoice can be paid until" in found["tell"]
    assert found["next"] == [f"amani invoice check {made['payment_hash']}"]


def test_a_cheque_by_its_code_which_is_never_shown(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main", 100)
    written = amani.process("cheque", "create", "40", "--memo", "for Njeri", "--yes", "--json").data
    amani.secrets.add(written["code"])
    result = amani("trace", "-", "--json", stdin=written["code"])
    assert result.json["warnings"] == []
    assert result.data["asked"] == "a cheque's code"
    assert "not claimed" in result.data["tell"]
    assert traced(amani, written["id"])["next"] == [f"amani cheque show {written['id']}"]
    assert traced(amani, "Njeri")["found"]
    assert "command line" in amani("trace", written["code"], "--json").json["warnings"][0]


def test_a_case_file_without_names(amani: Amani, paid: dict[str, Any]) -> None:
    found = traced(amani, paid["bolt11"], "--redacted")
    text = json.dumps(found, ensure_ascii=False)
    for word in ("Wanjiku", "main", "other", "rent", os.uname().nodename):
        assert not named(word, text.replace("other users", "")), word
    for word in (paid["bolt11"], paid["payment_hash"], paid["preimage"]):
        assert word not in text, word
    assert "25 sat" in text
    assert paid["id"] in text
    assert found["redacted"]


def test_nor_does_it_tell_whose_key_is_where(amani: Amani, add_wallet: AddWallet) -> None:
    lost, other, wrong = add_wallet("lost"), add_wallet("other"), add_wallet("wrong")
    lost.key_file.unlink()
    wrong.key_file.write_text(other.key_file.read_text())
    found = amani("trace", "order 42", "--redacted", "--json").json["data"]
    assert len(found["not_searched"]) == 2
    for word in ("lost", "wrong", str(lost.key_file.parent)):
        assert not named(word, json.dumps(found, ensure_ascii=False)), word


def test_looking_changes_nothing(amani: Amani, paid: dict[str, Any]) -> None:
    before = amani("history", "list", "--json").data, amani("audit", "verify", "-q").stdout
    traced(amani, paid["bolt11"])
    assert (amani("history", "list", "--json").data, amani("audit", "verify", "-q").stdout) == before
    assert amani("trace", "  ").code == 2
