"""LUD-18: what a payee's server is told of who pays. https://github.com/lnurl/luds/blob/luds/18.md"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Held
from tests.kit.driver import Amani
from tests.kit.lnurl_server import METADATA, LnurlServer, Query

pytestmark = pytest.mark.lnbits

Asking = Callable[..., str]


@pytest.fixture
def asking(payee: Held, lnurl_server: LnurlServer) -> Asking:
    """An address whose server asks who pays; its invoices carry the hash that LUD-18 wants, unless told otherwise."""

    def invoice(msat: int, query: Query) -> str:
        described = METADATA + query.get("payerdata", "")
        return payee.invoice(msat // 1000, unhashed_description=described.encode().hex())

    def ask(wanted: Any, made: Callable[[int, Query], str] = invoice) -> str:
        return lnurl_server.pay_to("ada", made, more={"payerData": wanted})

    return ask


def told(server: LnurlServer) -> list[Any]:
    """What the server heard of the payer, each time that it was asked for an invoice."""
    queries = [query for path, query in server.seen if path.startswith("/cb/")]
    return [json.loads(query["payerdata"]) if "payerdata" in query else None for query in queries]


NAME = {"name": {"mandatory": True}}


def test_what_it_insists_on_comes_from_an_option(
    amani: Amani, payer: Held, asking: Asking, lnurl_server: LnurlServer
) -> None:
    ada = asking(NAME)
    refused = amani("pay", ada, 21, "--yes", "--json")
    assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (2, "PAYER_DATA_NEEDED", "no")
    assert "--payer-name" in refused.error["hint"]
    assert (told(lnurl_server), payer.sat) == ([], 100_000)
    paid = amani("pay", ada, 21, "--yes", "--payer-name", " Ada  Obi ", "--json")
    assert (paid.data["status"], told(lnurl_server)) == ("settled", [{"name": "Ada  Obi"}])
    assert paid.json["warnings"] == []  # its invoice carries the hash of metadata and payer together
    assert "is told who pays" in paid.stderr


@pytest.mark.parametrize(
    ("kind", "value"), [("name", "Ada Obi"), ("email", "ada@example.com"), ("identifier", "ada@ln.example.com")]
)
def test_or_from_a_setting(
    amani: Amani, payer: Held, asking: Asking, lnurl_server: LnurlServer, kind: str, value: str
) -> None:
    ada = asking({kind: {"mandatory": True}})
    assert amani("config", "set", f"payer.{kind}", value).code == 0
    assert amani("pay", ada, 21, "--yes", "--json").data["status"] == "settled"
    assert told(lnurl_server) == [{kind: value}]


def test_what_it_would_merely_like_is_told_by_an_option_alone(
    amani: Amani, payer: Held, asking: Asking, lnurl_server: LnurlServer
) -> None:
    ada = asking({"name": {"mandatory": False}, "email": {}, "pubkey": {"mandatory": False}})
    amani("config", "set", "payer.name", "Ada Obi")
    assert amani("pay", ada, 21, "--yes").code == 0
    assert amani("pay", ada, 22, "--yes", "--payer-email", "a@example.com").code == 0
    assert told(lnurl_server) == [None, {"email": "a@example.com"}]


@pytest.mark.parametrize(
    ("wanted", "code", "error"),
    [
        ({"pubkey": {"mandatory": True}}, 6, "PAYER_DATA_UNKNOWN"),
        ({"auth": {"mandatory": True, "k1": "00" * 32}}, 6, "PAYER_DATA_UNKNOWN"),
        ({"shoe size": {"mandatory": True}}, 6, "PAYER_DATA_UNKNOWN"),
        ({"pubkey": {"mandatory": "yes"}}, 6, "PAYER_DATA_UNKNOWN"),
        ({"name": {"mandatory": 1}}, 2, "PAYER_DATA_NEEDED"),
        (["name"], 6, "LNURL_BROKEN"),
        ({"name": True}, 6, "LNURL_BROKEN"),
    ],
)
def test_what_amani_can_not_give_is_refused_before_paying(
    amani: Amani, payer: Held, asking: Asking, lnurl_server: LnurlServer, wanted: Any, code: int, error: str
) -> None:
    ada = asking(wanted)
    for words in (("--yes",), ("--dry-run",)):
        refused = amani("pay", ada, 21, *words, "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (code, error, "no")
    assert told(lnurl_server) == []
    assert payer.sat == 100_000


def test_nobody_is_told_what_they_did_not_ask_for(
    amani: Amani, payer: Held, asking: Asking, lnurl_server: LnurlServer
) -> None:
    for wanted in (None, {"email": {"mandatory": False}}):
        refused = amani("pay", asking(wanted), 21, "--yes", "--payer-name", "Ada", "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_PAYER_DATA")
    refused = amani("pay", payer.invoice(), "--yes", "--payer-name", "Ada", "--json")
    assert refused.code == 2
    assert told(lnurl_server) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", " "),
        ("name", "Ada\x1b"),
        ("name", "x" * 201),
        ("email", "ada"),
        ("email", "ada obi@x.org"),
        ("identifier", "@"),
    ],
)
def test_what_can_not_be_right(amani: Amani, option: str, value: str) -> None:
    refused = amani("pay", "ada@example.com", 21, "--yes", f"--payer-{option}={value}", "--json")
    assert (refused.code, refused.error["code"]) == (2, "BAD_PAYER_DATA")
    assert amani("config", "set", f"payer.{option}", value).code == 2


def test_an_invoice_that_does_not_carry_what_was_told_is_pointed_out(
    amani: Amani, payer: Held, payee: Held, asking: Asking
) -> None:
    ada = asking(NAME, lambda msat, _: payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex()))
    paid = amani("pay", ada, 21, "--yes", "--payer-name", "Ada", "--json")
    assert "does not carry the hash" in paid.json["warnings"][0]


def test_a_batch_tells_what_the_settings_say(
    amani: Amani, payer: Held, asking: Asking, lnurl_server: LnurlServer, tmp_path: Path
) -> None:
    table, plan = tmp_path / "people.csv", tmp_path / "plan.json"
    table.write_text(f"to,amount\n{asking(NAME)},21\n")
    refused = amani("batch", "plan", table, "-o", plan, "--json")
    assert (refused.code, refused.error["code"]) == (2, "BAD_ROWS")
    assert "takes no payment without the payer's name" in refused.error["message"]
    amani("config", "set", "payer.name", "Ada Obi")
    assert amani("batch", "plan", table, "-o", plan).code == 0
    amani("config", "set", "payer.name", "off")
    assert amani("batch", "run", plan, "--yes").code in (6, 11)
    assert told(lnurl_server) == []
    amani("config", "set", "payer.name", "Ada Obi")
    assert amani("batch", "run", plan, "--yes").code == 0
    assert told(lnurl_server) == [{"name": "Ada Obi"}]
