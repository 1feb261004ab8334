"""`amani cheque create --lnurl`: a link of LNbits' withdraw extension over the cheque's wallet, and what it may do.

The extension is no package: its double here does what its source does (https://github.com/lnbits/withdraw,
views_lnurl.py): one use is taken when the payment went through, and after any failure, an ambiguous one too, the link
is good again. The payments are those of a real LNbits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from amani_cli.encodings import bech32, cheque_code
from tests.cheques.test_cheques import write
from tests.cheques.test_voids import LONG_AGO, the_one
from tests.conftest import Held, change_database, mark_on_server
from tests.kit.books import compared
from tests.kit.cheque_world import User
from tests.kit.driver import Amani
from tests.kit.make_invoice import bech32 as written

pytestmark = pytest.mark.lnbits

mocked = pytest.mark.httpx_mock(should_mock=lambda request: request.url.path.startswith("/withdraw/"))
URL = "https://lnbits.example/withdraw/api/v1/lnurl/Hq3"
LNURL = "LNURL1DP68GURN8GHJ7MRWVF5HGUEWV4UXZMTSD3JJ7AMFW35XGUNPWUHKZURF9AMRZTMVDE6HYMP0FPCNXF34207"


@mocked
@pytest.mark.parametrize(
    ("made", "lnurl"),
    [
        ({"lnurl": LNURL, "lnurl_url": URL}, LNURL),
        ({"lnurl": None, "lnurl_url": URL}, LNURL),
        ({"lnurl_url": URL}, LNURL),
        ({"lnurl_url": "lnurlw://" + URL.partition("://")[2]}, LNURL),
        ({"lnurl": LNURL}, LNURL),
        ({"lnurl": LNURL.lower(), "lnurl_url": None}, LNURL.lower()),
    ],
)
def test_the_link_in_whichever_field_it_is_told(
    amani: Amani, giver: Held, user: User, httpx_mock: HTTPXMock, made: dict[str, Any], lnurl: str
) -> None:
    httpx_mock.add_response(method="GET", json=[])
    httpx_mock.add_response(method="POST", status_code=201, json=made)
    told = amani("cheque", "create", "100", "--lnurl", "--yes", "--json").data["lnurl"]
    assert told == lnurl
    prefix, words = bech32.decode(told)
    assert (prefix, bech32.to_bytes(words).decode()) == ("lnurl", URL)


@mocked
@pytest.mark.parametrize(
    "made",
    [
        {},
        {"lnurl_url": "javascript:alert(1)"},
        {"lnurl": "x", "lnurl_url": 7},
        {"id": "a"},
        {"lnurl": LNURL, "wallet": "ab" * 16},  # another cheque's
    ],
)
def test_a_link_that_is_none_leaves_the_code_good(
    amani: Amani, giver: Held, taker: Held, user: User, httpx_mock: HTTPXMock, made: dict[str, Any]
) -> None:
    httpx_mock.add_response(method="GET", json=[])
    httpx_mock.add_response(method="POST", status_code=201, json=made)
    cheque = amani("cheque", "create", "100", "--lnurl", "--yes", "--json")
    assert "lnurl" not in cheque.data
    assert "the code is good all the same" in cheque.json["warnings"][0]
    assert amani("cheque", "claim", "-", "--to", "taker", stdin=cheque.data["code"]).code == 0


@pytest.mark.parametrize("length", range(12))
def test_an_lnurl_is_written_as_others_write_it(length: int) -> None:
    data = bytes(range(200, 200 + length))
    bits = "".join(f"{byte:08b}" for byte in data)
    words = [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    assert bech32.encode("lnurl", data) == written("lnurl", words)


@dataclass
class Link:
    """The extension's link over a cheque's wallet; the upstream of its payments is as it is told to be."""

    cheque: Held
    upstream: str = "pays"
    spent: bool = False
    sent: list[str] = field(default_factory=list)

    def claim(self, bolt11: str) -> dict[str, str]:
        """A phone shows its invoice."""
        if self.spent:
            return {"status": "ERROR", "reason": "withdraw is spent."}
        try:
            payment_hash = str(self.cheque.pay(bolt11)["payment_hash"])
        except Exception as error:
            return {"status": "ERROR", "reason": f"withdraw not working. {error}"}
        self.sent.append(payment_hash)
        if self.upstream == "pays late":
            self.turns("pending")
            return {"status": "ERROR", "reason": "withdraw not working. Payment is pending."}
        self.spent = True
        return {"status": "OK"}

    def turns(self, status: Any) -> None:
        """What the server learns of the first payment."""
        mark_on_server(self.cheque, self.sent[0], status)


@pytest.fixture
def link(amani: Amani, giver: Held, user: User) -> Link:
    code = cheque_code.decode(write(amani))
    return Link(
        Held("cheque", giver.server, code.wallet_id, code.admin_key, code.admin_key, giver.key_file), "pays late"
    )


@pytest.fixture
def phones(giver: Held) -> list[Held]:
    """Two, each with an empty wallet that amani does not know."""
    return [Held("phone", giver.server, *giver.server.new_wallet(), key_file=Path("none")) for _ in range(2)]


class TestAnUpstreamThatPaysLate:
    """The link is claimable again at once: what the cheque's wallet holds is all that it can cost."""

    def test_then_it_was_claimed(self, amani: Amani, giver: Held, link: Link, phones: list[Held]) -> None:
        assert link.claim(phones[0].invoice(100))["status"] == "ERROR"
        assert (
            link.claim(phones[1].invoice(100))["status"] == "ERROR"
        )  # its wallet is empty while the first is on its way
        assert the_one(amani)["status"] == "claiming"
        cheque_id = the_one(amani)["id"]
        shown = amani("cheque", "show", cheque_id, "--json").data
        assert (shown["status"], shown["outstanding_msat"]) == ("claiming", 100_000)
        assert amani("cheque", "list", "--status", "claiming", "-q").stdout.strip() != ""
        assert amani("cheque", "reissue", cheque_id, "--yes", "--json").error["code"] == "NOT_OPEN"
        void = amani("cheque", "void", cheque_id, "--yes", "--json")
        assert (void.code, void.error["money_moved"]) == (8, "maybe")
        assert amani("reconcile").code == 8
        assert the_one(amani)["status"] == "voiding"
        link.turns("success")
        assert amani("reconcile").code == 0
        assert (the_one(amani)["status"], giver.sat) == ("claimed", 4900)
        assert phones[0].sat + phones[1].sat == 100
        compared(amani, giver)

    def test_or_it_failed_and_comes_home(self, amani: Amani, giver: Held, link: Link, phones: list[Held]) -> None:
        link.claim(phones[0].invoice(100))
        assert amani("cheque", "void", the_one(amani)["id"], "--yes").code == 8
        link.turns("failed")
        assert amani("reconcile").code == 0
        assert (the_one(amani)["status"], giver.sat) == ("void", 5000)
        compared(amani, giver)

    def test_or_it_failed_and_the_next_has_it(self, amani: Amani, giver: Held, link: Link, phones: list[Held]) -> None:
        link.claim(phones[0].invoice(100))
        assert the_one(amani)["status"] == "claiming"
        link.turns("failed")
        assert the_one(amani)["status"] == "open"
        link.upstream = "pays"
        assert link.claim(phones[1].invoice(100)) == {"status": "OK"}
        assert the_one(amani)["status"] == "claimed"
        assert amani("cheque", "void", the_one(amani)["id"], "--yes", "--json").error["code"] == "CHEQUE_CLAIMED"
        assert giver.sat == 4900

    def test_one_that_expires_meanwhile_is_not_swept(
        self, amani: Amani, giver: Held, link: Link, phones: list[Held], home: Path
    ) -> None:
        link.claim(phones[0].invoice(100))
        change_database(home, LONG_AGO)
        assert the_one(amani)["status"] == "claiming"
        assert amani("cheque", "sweep").code == 8
        assert the_one(amani)["status"] == "voiding"
        link.turns("success")
        assert amani("cheque", "sweep").code == 0
        assert (the_one(amani)["status"], giver.sat) == ("claimed", 4900)
