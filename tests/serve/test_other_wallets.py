"""Another LNbits, whose money is at the first: it claims a link by its own LNURL code, and pays an address by it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conftest import Held
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.outside_pair import OutsidePair
from tests.kit.serve_world import serving, write_link

pytestmark = pytest.mark.lnbits


@pytest.fixture
def other(outside: OutsidePair) -> Held:
    """A wallet on the other LNbits, which may ask servers on loopback for LNURL."""
    outside.second.call(
        "PATCH",
        "/admin/api/v1/settings",
        token=outside.second.admin_token,
        json={"lnbits_lnurl_allow_private_ips": True},
    )
    wallet = outside.second.new_wallet(2000)
    return Held("other", outside.second, *wallet, key_file=outside.second.root / "none")


def scanned(other: Held, lnurl: str) -> dict[str, Any]:
    told = other.server.call("POST", "/api/v1/lnurlscan", key=other.read_key, json={"lnurl": lnurl})
    assert isinstance(told, dict)
    return told


def test_claims_a_link(amani: Amani, giver: Held, other: Held, base_url: str) -> None:
    link = write_link(amani)
    with serving(base_url):
        offer = scanned(other, link.lnurl)
        assert (offer["tag"], offer["maxWithdrawable"]) == ("withdrawRequest", 1_000_000)
        body = {"out": False, "amount": 1000, "memo": "a link", "lnurl_withdraw": offer}
        made = other.server.call("POST", "/api/v1/payments", key=other.read_key, json=body)
        assert made["extra"].get("lnurl_response") is True, made
        await_sat(other, 3000)
    assert amani("cheque", "show", link.id, "--json").data["status"] == "claimed"
    assert amani("cheque", "sweep").code == 0
    assert giver.sat == 4000


def test_pays_an_address(amani: Amani, giver: Held, other: Held, base_url: str) -> None:
    assert amani("address", "add", "ada", "--wallet", "giver").code == 0
    with serving(base_url):
        offer = scanned(other, f"lnurlp://{base_url.removeprefix('http://')}/.well-known/lnurlp/ada")
        assert offer["tag"] == "payRequest"
        body = {"res": offer, "amount": 21_000, "comment": "hello"}
        paid = other.server.call("POST", "/api/v1/payments/lnurl", key=other.admin_key, json=body)
        assert paid["status"] == "success", paid
    assert giver.sat == 5021
    assert amani("history", "sync").code == 0
    listed = amani("invoice", "list", "--json").data["items"]
    assert [(each["status"], each["memo"].rpartition(": ")[2]) for each in listed] == [("paid", "hello")]


def await_sat(held: Held, sat: int) -> None:
    ends = time.monotonic() + PATIENCE_S
    while held.sat != sat:
        assert time.monotonic() < ends, held.sat
        time.sleep(0.1)
