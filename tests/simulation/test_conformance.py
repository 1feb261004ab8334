"""The LNbits of memory answers as the real one does: one script of calls against both, and what amani reads compared.

Ids, keys, hashes and times differ; statuses, words, amounts, and which fields are there do not.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.kit.lnbits_server import LnbitsServer
from tests.simulation.lnbits import Answer, Lnbits, Request
from tests.simulation.network import Network

Call = Callable[..., tuple[int, Any]]
READ = ("payment_hash", "wallet_id", "amount", "fee", "bolt11", "status", "memo", "time", "expiry", "extra")
"""The fields of a payment that amani reads and no server leaves out."""


class _Real:
    def __init__(self, server: LnbitsServer) -> None:
        self.server = server

    def wallet(self, sat: int) -> tuple[str, str, str]:
        return self.server.new_wallet(sat)

    def call(self, method: str, path: str, key: str = "", body: Any = None) -> tuple[int, Any]:
        with httpx.Client(trust_env=False) as client:
            answer = client.request(method, self.server.url + path, headers=_headers(key), json=body, timeout=30)
        return answer.status_code, answer.json() if "json" in answer.headers.get("content-type", "") else None


class _Memory:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.server = Lnbits("http://127.0.1.1", Network(), lambda: self.now, lambda after, act: None)

    def wallet(self, sat: int) -> tuple[str, str, str]:
        rng = random.Random(len(self.server.wallets))
        self.server.rng = rng
        made = self.server.new_wallet(rng, "user", "test")
        if sat:
            self.server.give(rng, made, sat * 1000)
        return made.id, made.adminkey, made.inkey

    def call(self, method: str, path: str, key: str = "", body: Any = None) -> tuple[int, Any]:
        from tests.simulation.lnbits import read_query

        bare, _, query = path.partition("?")
        self.now += 1
        answer: Answer = self.server.handle(Request(method, bare, read_query(query), _headers(key), body))
        return answer.status, json.loads(answer.content) if not isinstance(answer.body, str) else None


def _headers(key: str) -> dict[str, str]:
    return {"x-api-key": key} if key else {}


def _told(side: _Real | _Memory) -> list[Any]:
    """The script: what each call was answered, less what must differ."""
    told: list[Any] = []
    _, giver, giver_read = side.wallet(10_000)
    _, taker, taker_read = side.wallet(0)
    asked = ""

    def note(what: str, answer: tuple[int, Any]) -> Any:
        told.append((what, answer[0], _plain(answer[1])))
        return answer[1]

    pay = "/api/v1/payments"
    note("the wallet by its admin key", side.call("GET", "/api/v1/wallet", giver))
    note("the wallet by its read key", side.call("GET", "/api/v1/wallet", giver_read))
    note("an unknown key", side.call("GET", "/api/v1/wallet", "0" * 32))
    note("no key", side.call("GET", "/api/v1/wallet"))
    hello = {"out": False, "amount": 21, "memo": "hello", "extra": {"amani": {"asked": "ab" * 8}}}
    made = note("an invoice, told by which request", side.call("POST", pay, taker_read, hello))
    asked, text = made["payment_hash"], made["bolt11"]
    note("an invoice over nothing", side.call("POST", pay, taker_read, {"out": False, "amount": 0, "memo": "x"}))
    too_much = {"out": False, "amount": 10_000_001, "memo": "x"}
    note("an invoice over too much", side.call("POST", pay, taker_read, too_much))
    note("pending", side.call("GET", f"{pay}/{asked}", taker_read))
    note("of another wallet", side.call("GET", f"{pay}/{asked}", giver))
    note("by an unknown key", side.call("GET", f"{pay}/{asked}", "0" * 32))
    note("an unknown hash", side.call("GET", f"{pay}/{'ab' * 32}", giver))
    note("a read key pays", side.call("POST", pay, giver_read, {"out": True, "bolt11": text}))
    note("nothing to pay", side.call("POST", pay, giver, {"out": True, "bolt11": ""}))
    note("not an invoice", side.call("POST", pay, giver, {"out": True, "bolt11": "lnbc1nothing"}))
    extra = {"amani": {"reference": "r", "meaning": "m", "also": [["s", "m"]]}}
    note("paid", side.call("POST", pay, giver, {"out": True, "bolt11": text, "extra": extra}))
    note("paid again", side.call("POST", pay, giver, {"out": True, "bolt11": text}))
    note("settled, the payer", side.call("GET", f"{pay}/{asked}", giver))
    note("settled, the payee", side.call("GET", f"{pay}/{asked}", taker))
    own = note("an invoice of one's own", side.call("POST", pay, giver, {"out": False, "amount": 5, "memo": "me"}))
    note("asked before it is paid", side.call("GET", f"{pay}/{own['payment_hash']}", giver))
    note("paid to oneself", side.call("POST", pay, giver, {"out": True, "bolt11": own["bolt11"]}))
    note("asked by hash: it left", side.call("GET", f"{pay}/{own['payment_hash']}", giver))
    listed = side.call("GET", f"{pay}/paginated?payment_hash={own['payment_hash']}&sortby=time&direction=desc", giver)
    told.append(("both are listed", listed[0], sorted(each["amount"] for each in listed[1]["data"])))
    dear = note("more than there is", side.call("POST", pay, taker, {"out": False, "amount": 9_999_999, "memo": "x"}))
    note("too poor", side.call("POST", pay, giver, {"out": True, "bolt11": dear["bolt11"]}))
    listed = side.call("GET", f"{pay}/paginated?limit=2&offset=1&sortby=time&direction=desc", taker)
    told.append(("a page", listed[0], (len(listed[1]["data"]), listed[1]["total"])))
    note("what is left", side.call("GET", "/api/v1/wallet", giver))
    account = side.call("POST", "/api/v1/account", "", {"name": "amani chq_01m3250w2wacxev0dg"})
    told.append(("a wallet is called as was asked", account[0], account[1]["name"]))
    note("a token is missing", side.call("POST", "/api/v1/wallet", "", {"name": "x"}))
    told.append(("the version", *_version(side.call("GET", "/openapi.json"))))
    return told


def _version(answer: tuple[int, Any]) -> tuple[int, bool]:
    return answer[0], bool(answer[1]["info"]["version"])


def _plain(body: Any) -> Any:
    """An answer less ids, keys, hashes, texts and moments."""
    if not isinstance(body, dict):
        return body
    plain = {}
    for name, value in body.items():
        if name == "details" or (name == "extra" and isinstance(value, dict)):
            plain[name] = _plain(value)
        elif name in ("amount", "fee", "balance", "paid", "status", "detail", "amani", "memo") and name != "wallet":
            plain[name] = value
    if "payment_hash" in body and "amount" in body:
        plain["reads"] = [name for name in READ if name in body]
    if "name" in body and "balance" in body:
        plain["has_id"] = "id" in body
    return plain


@pytest.fixture
def real(lnbits_server: LnbitsServer) -> _Real:
    return _Real(lnbits_server)


def test_both_answer_alike(real: _Real) -> None:
    if not real.server.version.startswith("1.6"):
        pytest.skip("the LNbits of memory is a 1.6")
    there, here = _told(real), _told(_Memory())
    for one, other in zip(there, here, strict=True):
        assert one == other
