"""Whom a text names: one reading for every command that takes one; trimmed at its ends, never changed inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from amani_cli.destinations.reading import read
from amani_cli.workspace import Workspace
from tests.kit.driver import Amani, Result
from tests.kit.make_invoice import bech32, make_invoice, words

INVOICE = make_invoice(amount_msat=21_000)
OPEN = make_invoice(amount_msat=None)
LNURL = bech32("lnurl", words(b"https://example.com/pay"))
CONTACT = "Ada"

Take = Callable[[Amani, str], Result]


def _batch(amani: Amani, text: str) -> Result:
    Path("people.csv").write_text('to,amount\n"' + text.replace('"', '""') + '",21\n')
    return amani("batch", "plan", "people.csv", "-o", "plan.json", "--json")


# No wallet is known here, and no server can be reached: whatever gets beyond reading ends with another code.
COMMANDS: dict[str, Take] = {
    "pay": lambda amani, text: amani("pay", "--yes", "--json", "--", text, "21"),
    "pay -": lambda amani, text: amani("pay", "-", "21", "--yes", "--json", stdin=text + "\n"),
    "contact add": lambda amani, text: amani("contact", "add", "--json", "--", "Bo", text),
    "invoice decode": lambda amani, text: amani("invoice", "decode", "--json", "--", text),
    "cheque claim --to": lambda amani, text: amani("cheque", "claim", "-", "--json", f"--to={text}", stdin="amani1x"),
    "batch plan": _batch,
}

REFUSED = {
    "white space in an address": "ada tips@example.com",
    "white space around the at": "ada @example.com",
    "a name before an address": "Ada Lovelace ada@example.com",
    "a word behind an address": "ada@example.com tips",
    "two addresses": "ada@example.com bo@example.com",
    "a line break in an address": "ada\ntips@example.com",
    "white space in a domain": "ada@exam ple.com",
    "what can't be seen in a domain": "ada@exam\u00adple.com",
    "what can't be seen in a name": "ada\u200btips@example.com",
    "white space in a link": "lnurlp://example.com/a b",
    "white space in a scheme": "light ning:ada@example.com",
    "a blank in a bitcoin link": "bitcoin:?lightning=ada%20tips@example.com",
    "a contact in a bitcoin link": f"bitcoin:?lightning={CONTACT}",
    "a contact and an amount in a bitcoin link": f"bitcoin:?lightning={CONTACT}&amount=0.00000021",
    "a contact in a lightning link": f"lightning:{CONTACT}",
    "a bank in a bitcoin link": "bitcoin:?lightning=bank:058/0123456789&amount=0.00000021",
    "a phone in a lightning link": "lightning:momo:MTN/233241234567",
    "a link in a link": "bitcoin:?lightning=" + quote(f"bitcoin:?lightning={INVOICE}", safe=""),
    "lightning in lightning": f"lightning:lightning:{INVOICE}",
    "lightning in bitcoin": f"bitcoin:?lightning=lightning:{INVOICE}",
    "a link 1,200 deep": "bitcoin:?lightning=" * 1200 + INVOICE,
    "two lightning parts": f"bitcoin:?lightning={INVOICE}&lightning={INVOICE}",
    "two lightning parts in either case": f"bitcoin:?lightning={INVOICE}&LIGHTNING=ada@example.com",
    "two lightning parts in a web link": f"https://example.com/?lightning={LNURL}&lightning={LNURL}",
    "two amounts": f"bitcoin:?amount=0.00000021&amount=0.00000021&lightning={INVOICE}",
    "another amount than the invoice's": f"bitcoin:?amount=0.00000022&lightning={INVOICE}",
    "no lightning part": "bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?lightning=",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_every_command_before_anybody_is_asked(
    what: str, command: str, amani: Amani, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert amani("contact", "add", CONTACT, "ada@example.com").code == 0
    refused = COMMANDS[command](amani, REFUSED[what])
    assert refused.error["money_moved"] == "no"
    # A wallet may be called nearly anything: what can't be a payee may still be a wallet's name.
    expected = {"BAD_DESTINATION", "BAD_LNURL", "BAD_INVOICE", "AMOUNT_DIFFERS", "BAD_ROWS"}
    may_be_a_name = {"NO_SUCH_WALLET", "BAD_CHEQUE"} if command == "cheque claim --to" else set()
    assert refused.error["code"] in expected | may_be_a_name
    assert refused.code in (2, 4)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bitcoin:?lightning=ada+tips@example.com", "ada+tips@example.com"),
        ("bitcoin:?lightning=ada%2Btips@example.com", "ada+tips@example.com"),
        ("BITCOIN:?LIGHTNING=ADA+TIPS@EXAMPLE.COM", "ada+tips@example.com"),
        ("lightning:ada+tips@example.com", "ada+tips@example.com"),
        ("  ada+tips@example.com \n", "ada+tips@example.com"),
        ("https://example.com/pay?to=a+b", "lnurlp://example.com/pay?to=a+b"),
        (f"{LNURL[:20]} {LNURL[20:40]}\n\t{LNURL[40:]}", "lnurlp://example.com/pay"),
        (f"lightning:{LNURL[:20]} {LNURL[20:]}", "lnurlp://example.com/pay"),
        (f"{INVOICE[:50]}\n{INVOICE[50:100]} {INVOICE[100:]}", INVOICE),
        (f"bitcoin:?amount=0.00000021&lightning={INVOICE}", INVOICE),
        (f"bitcoin:?lightning={INVOICE[:50]}%0A{INVOICE[50:]}", INVOICE),
    ],
)
def test_what_is_understood(text: str, shown: str) -> None:
    found = read(Workspace({"AMANI_HOME": "/nonexistent"}), text)
    assert found.shown == shown
    if found.kind == "lnurl":
        assert found.link is not None
        assert found.link.url.isascii()
        assert " " not in found.link.url


def test_an_address_with_a_plus_is_kept_as_it_is(amani: Amani) -> None:
    added = amani("contact", "add", "Tips", "bitcoin:?lightning=ada+tips@example.com", "--json")
    assert added.data["destination"] == "ada+tips@example.com"


@pytest.mark.parametrize("amount", ["1 000", "1 000sat", "1000 s at", "5 000NGN", "0.00 1btc"])
def test_an_amount_with_white_space_in_its_number_is_refused(amount: str, amani: Amani) -> None:
    refused = amani("pay", "ada@example.com", amount, "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (2, "BAD_AMOUNT")


def test_names_and_words_are_kept_as_they_were_typed(amani: Amani) -> None:
    added = amani("contact", "add", "  Ada  Lovelace ", "ada@example.com", "--json")
    assert added.data["name"] == "Ada  Lovelace"
    assert amani("contact", "show", "ada lovelace", "-q").stdout == "ada@example.com\n"
    assert amani("contact", "add", "Ada\tLovelace", "bo@example.com", "--json").error["code"] == "BAD_NAME"


@pytest.mark.parametrize("reference", ["", "  "])
def test_a_reference_of_nothing_is_refused(reference: str, amani: Amani) -> None:
    refused = amani("pay", "ada@example.com", "21", "--yes", "--json", f"--reference={reference}")
    assert (refused.code, refused.error["code"]) == (2, "USAGE")
    assert "reference is empty" in refused.error["message"]
