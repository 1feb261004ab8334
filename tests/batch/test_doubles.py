"""Rows that pay the same payee the same amount are told as doubles, however each is spelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.batch.conftest import WriteTable
from tests.batch.test_mixed import shop
from tests.conftest import Held
from tests.kit.driver import Amani
from tests.kit.fincra_double import Merchant
from tests.kit.lnurl_server import METADATA, LnurlServer
from tests.kit.make_invoice import bech32, words

__all__ = ["shop"]

pytestmark = pytest.mark.lnbits


@pytest.fixture
def ada(payee: Held, lnurl_server: LnurlServer) -> str:
    return lnurl_server.pay_to(
        "ada", lambda msat, _: payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())
    )


def link_of(address: str) -> str:
    user, _, host = address.rpartition("@")
    return f"lnurlp://{host}/.well-known/lnurlp/{user}"


@pytest.mark.parametrize("amounts", [("100", "100sat"), ("0.000001btc", "0.1k"), ("100", "100000msat")])
def test_an_address_and_its_links(
    amani: Amani, payer: Held, ada: str, table: WriteTable, tmp_path: Path, amounts: tuple[str, str]
) -> None:
    link = link_of(ada)
    encoded = bech32("lnurl", words(link.replace("lnurlp", "http", 1).encode()))
    ways = [ada, ada.upper(), link, f"lightning:{encoded}", "Ada"]
    amani("contact", "add", "Ada", ada)
    rows = [{"to": to, "amount": amounts[index % 2]} for index, to in enumerate(ways)]
    made = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json")
    (warning,) = made.json["warnings"]
    assert warning.startswith(f"rows 2, 3, 4, 5, 6: {ada}")
    assert warning.endswith("gets 100 sat each time")
    # What was paid under one spelling is pointed out under another.
    assert amani("pay", ada, "100", "--yes").code == 0
    again = amani("batch", "plan", table([rows[2]]), "-o", tmp_path / "plan2", "--json")
    assert "got the same on" in again.json["warnings"][0]


def test_banks_and_phones(amani: Amani, payer: Held, shop: Merchant, table: WriteTable, tmp_path: Path) -> None:
    unverified = {"to_name": "Ada Obi", "name_unverified": "yes"}
    rows = [
        {"to": "bank:058/2345678901", "amount": "5000NGN"},
        {"to": "bank:guaranty trust bank/2345 678 901", "amount": "5000.00 ngn"},
        {"to": "momo:MTN/256701234567", "amount": "500UGX", **unverified},
        {"to": "momo:mtn uganda/+256 701 234567", "amount": "500 UGX", **unverified},
        {"to": "bank:058/2345678901", "amount": "5000.01NGN"},
    ]
    made = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json")
    told = [warning for warning in made.json["warnings"] if "each time" in warning]
    assert [warning.partition(":")[0] for warning in told] == ["rows 2, 3", "rows 4, 5"]
    assert amani("pay", rows[0]["to"], "5000NGN", "--wallet", "shop", "--yes").code == 0
    again = amani("batch", "plan", table([rows[1]]), "-o", tmp_path / "plan2", "--json")
    assert "got the same on" in again.json["warnings"][0]


def test_a_rows_own_reference_is_the_same_under_another_spelling(
    amani: Amani, payer: Held, payee: Held, ada: str, table: WriteTable, tmp_path: Path
) -> None:
    assert amani("pay", ada, "100", "--reference", "r", "--yes").code == 0
    plan = tmp_path / "plan"
    rows = [{"to": link_of(ada), "amount": "100sat", "reference": "r"}]
    assert amani("batch", "plan", table(rows), "-o", plan).code == 0
    assert amani("batch", "run", plan, "--yes").code == 0
    assert payee.sat == 100
    taken = amani("batch", "plan", table([{**rows[0], "amount": "101"}]), "-o", tmp_path / "plan2", "--json")
    assert [(each["row"], each["column"]) for each in taken.error["rows"]] == [(2, "reference")]
