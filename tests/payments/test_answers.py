"""`amani pay` for every answer beside every record: exit code, journal, and exactly one POST."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from amani_cli.encodings import bolt11
from amani_cli.explanations import ERROR_CODES
from tests.conftest import change_database, write_key
from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.httpx_mock(assert_all_requests_were_expected=False)

URL = "https://lnbits.example"
WALLET = "1dea" * 8
TEXT = make_invoice(amount_msat=21_000)
HASH = bolt11.decode_invoice(TEXT).payment_hash

Reply = dict[str, Any] | Exception | Callable[[httpx.Request], httpx.Response]


def own(**changed: Any) -> dict[str, Any]:
    """This wallet's own record, as it is settled."""
    body = {"payment_hash": HASH, "wallet_id": WALLET, "amount": -21_000, "fee": -1234, "bolt11": TEXT, "memo": "m"}
    return {**body, "status": "success", "preimage": "cd" * 32, **changed}


def posted(status: int, body: Any) -> Reply:
    return {"status_code": status, "json": body}


def found(**changed: Any) -> Reply:
    """The status call's answer about a record."""
    details = own(**changed)
    return {"json": {"paid": details["status"] == "success", "details": details}}


def failed(detail: str, status: str = "failed") -> Reply:
    return posted(520, {"detail": detail, "status": status})


PAGE: Reply = {"status_code": 502, "html": "<html>"}
ABSENT: Reply = {"status_code": 404, "json": {"detail": "Payment does not exist."}}
NO_DETAILS: Reply = {"json": {"paid": False, "preimage": None}}
SILENT = httpx.ReadTimeout("timed out")
CUT = httpx.RemoteProtocolError("hung up")


@dataclass(frozen=True)
class Case:
    post: Reply
    record: Reply | None  # None: nobody asks
    code: int
    error: str = ""

    @property
    def status(self) -> str:
        return {0: "settled", 8: "unknown"}.get(self.code, "failed")


CASES = {
    "paid": Case(posted(201, own()), None, 0),
    "paid, known a moment later": Case(posted(201, own(status="pending")), found(), 0),
    "accepted, then failed": Case(posted(201, own(status="pending")), found(status="failed"), 6, "REJECTED"),
    "accepted, in flight": Case(posted(201, own(status="pending")), found(status="pending"), 8),
    "the record of an attempt before": Case(posted(201, own(status="failed")), found(status="failed"), 6, "REJECTED"),
    "0.12": Case(posted(201, {"payment_hash": HASH, "checking_id": HASH}), found(status=None, pending=False), 0),
    "the payee's record, and none of ours": Case(posted(201, own(amount=21_000, wallet_id="x")), ABSENT, 8),
    "201 that says nothing, and paid": Case({"status_code": 201, "html": "ok"}, found(), 0),
    "no way": Case(failed("Payment failed: no route"), ABSENT, 6, "REJECTED"),
    "no way, with a record": Case(failed("Payment failed: no route"), found(status="failed"), 6, "REJECTED"),
    "called failed, and paid": Case(failed("Could not fetch wallet 'x'."), found(), 0),
    "called failed, in flight": Case(failed("?"), found(status="pending"), 8),
    "called failed, and nobody to ask": Case(failed("Payment failed: no route"), PAGE, 8),
    "too little": Case(failed("Insufficient balance."), ABSENT, 7, "INSUFFICIENT_FUNDS"),
    "paid by us before": Case(failed("Internal invoice already paid."), found(), 0),
    "paid by another, inside": Case(failed("Internal invoice already paid."), ABSENT, 6, "PAID_BY_ANOTHER"),
    "paid by another, outside": Case(failed("Payment already paid.", "success"), ABSENT, 6, "PAID_BY_ANOTHER"),
    "another wallet's record": Case(failed("Payment already paid.", "success"), found(wallet_id="x"), 8),
    "still pending": Case(failed("Payment is still pending.", "pending"), found(status="pending"), 8),
    "still pending, no record": Case(failed("Payment is still pending.", "pending"), ABSENT, 8),
    "an invoice key": Case(posted(403, {"detail": "Invoice (or Admin) key required."}), NO_DETAILS, 3, "INVOICE_KEY"),
    "a key that is unknown": Case(posted(404, {"detail": "Wallet not found."}), ABSENT, 3, "KEY_REFUSED"),
    "a key that died, and paid before": Case(posted(404, {"detail": "Wallet not found."}), found(), 0),
    "a path that is none": Case(posted(404, {"detail": "Not Found"}), ABSENT, 10, "NOT_LNBITS"),
    "a path that is none, and paid": Case(posted(404, {"detail": "Not Found"}), found(), 0),
    "a 404 of another kind": Case(posted(404, {"detail": "Nothing here."}), ABSENT, 6, "REJECTED"),
    "a bad invoice": Case(posted(400, {"detail": "Bolt11 decoding failed."}), ABSENT, 6, "BAD_INVOICE"),
    "limited": Case(posted(429, {"error": "Rate limit exceeded: 200 per 1 minute"}), ABSENT, 10, "RATE_LIMITED"),
    "limited, and nobody to ask": Case(posted(429, {"error": "Rate limit exceeded: 200 per 1 minute"}), PAGE, 8),
    "a crash": Case(posted(500, {"detail": "Unexpected error!"}), ABSENT, 8),
    "a crash, and paid": Case(posted(500, {"detail": "Unexpected error!"}), found(), 0),
    "a proxy's 502, and paid": Case(PAGE, found(), 0),
    "a proxy's 502, and failed": Case(PAGE, found(status="failed"), 6, "REJECTED"),
    "a proxy's 502, no record yet": Case(PAGE, ABSENT, 8),
    "a proxy's 404": Case({"status_code": 404, "html": "<html>"}, ABSENT, 8),
    "a redirect": Case({"status_code": 307, "headers": {"Location": "/first_install"}}, ABSENT, 8),
    "silence": Case(SILENT, SILENT, 8),
    "silence, no record yet": Case(SILENT, ABSENT, 8),
    "silence, and paid": Case(SILENT, found(), 0),
    "silence, and failed": Case(SILENT, found(status="failed"), 6, "REJECTED"),
    "a cut line, and paid": Case(CUT, found(), 0),
    "a cut line, an odd record": Case(CUT, found(amount=-21_000.5), 8),
    "a cut line, a key that is refused": Case(CUT, NO_DETAILS, 8),
    "nothing answers": Case(httpx.ConnectError("[Errno 111] Connection refused"), None, 10, "CONNECTION_REFUSED"),
    "no connection": Case(httpx.ConnectTimeout("timed out"), None, 10, "TIMEOUT"),
}


@pytest.fixture
def answer(httpx_mock: HTTPXMock, amani: Amani) -> Any:
    """Registers a wallet, and sets what the server answers to the payment and about it."""
    httpx_mock.add_response(url=f"{URL}/api/v1/wallet", json={"name": "w", "balance": 1_000_000, "id": WALLET})
    # A wallet with money is asked for a record, which says whether it is its user's own.
    records = re.compile(re.escape(f"{URL}/api/v1/payments/paginated") + ".*")
    httpx_mock.add_response(url=records, json={"data": [own()], "total": 1})
    httpx_mock.add_response(url=f"{URL}/openapi.json", json={"info": {"version": "1.6.2"}})
    key = "0123456789abcdef" * 2
    amani.secrets.add(key)
    assert amani("wallet", "add", "main", "--url", URL, "--key-file", write_key(Path("key"), key)).code == 0

    def add(method: str, url: Any, reply: Reply) -> None:
        about: dict[str, Any] = {"method": method, "url": url, "is_reusable": True, "is_optional": True}
        if isinstance(reply, Exception):
            httpx_mock.add_exception(reply, **about)
        elif callable(reply):
            httpx_mock.add_callback(reply, **about)
        else:
            httpx_mock.add_response(**reply, **about)

    def answer(post: Reply, record: Reply | None) -> None:
        httpx_mock.reset()
        # A key from a file may have become another wallet's: its wallet is asked for before anything is paid.
        add("GET", f"{URL}/api/v1/wallet", {"json": {"name": "w", "balance": 1_000_000, "id": WALLET}})
        add("POST", f"{URL}/api/v1/payments", post)
        if record is not None:
            add("GET", re.compile(rf"{URL}/api/v1/payments/{HASH}$"), record)

    return answer


def posts(httpx_mock: HTTPXMock) -> int:
    return len(httpx_mock.get_requests(method="POST"))


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_it(amani: Amani, httpx_mock: HTTPXMock, answer: Any, name: str) -> None:
    case = CASES[name]
    answer(case.post, case.record)
    ended = amani("pay", TEXT, "--yes", "--json", "--no-wait", "--timeout", "1s")
    assert ended.code == case.code
    assert posts(httpx_mock) == 1
    (entry,) = amani("history", "list", "--json").data["items"]
    assert entry["status"] == case.status
    if case.code == 0:
        assert (ended.data["fee_msat"], ended.data["preimage"]) == (1234, "cd" * 32)
        assert entry == ended.data
    elif case.code == 8:
        assert (ended.error["code"], ended.error["money_moved"]) == ("OUTCOME_UNKNOWN", "maybe")
        assert ended.error["retry"] == "after_reconcile"
        assert ended.error["id"] == entry["id"]
    else:
        assert (ended.error["code"], ended.error["money_moved"]) == (case.error, "no")
        assert ended.error["hint"]
        assert ended.code in ERROR_CODES[case.error][0]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.code in (0, 8)])
def test_again_it_is_never_sent_anew(amani: Amani, httpx_mock: HTTPXMock, answer: Any, name: str) -> None:
    answer(CASES[name].post, CASES[name].record)
    amani("pay", TEXT, "--yes", "--no-wait", "--timeout", "1s")
    again = amani("pay", TEXT, "--yes", "--no-wait", "--timeout", "1s")
    assert (again.code, posts(httpx_mock)) == (CASES[name].code, 1)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.code == 8])
@pytest.mark.parametrize(("record", "status"), [(found(), "settled"), (found(status="failed"), "failed")])
def test_reconcile_asks_and_sends_nothing(
    amani: Amani, httpx_mock: HTTPXMock, answer: Any, name: str, record: Reply, status: str
) -> None:
    answer(CASES[name].post, CASES[name].record)
    amani("pay", TEXT, "--yes", "--no-wait", "--timeout", "1s")
    answer(posted(201, own()), record)
    reconciled = amani("reconcile", "--no-books", "--json").data
    assert (reconciled[status], posts(httpx_mock)) == (1, 0)


def test_a_failed_payment_may_be_tried_again_and_each_attempt_is_on_record(
    amani: Amani, httpx_mock: HTTPXMock, answer: Any
) -> None:
    answer(failed("Payment failed: no route"), ABSENT)
    assert amani("pay", TEXT, "--yes").code == 6
    answer(posted(201, own()), None)
    assert amani("pay", TEXT, "--yes").code == 0
    statuses = [item["status"] for item in amani("history", "list", "--json").data["items"]]
    assert statuses == ["settled", "failed"]


def test_with_wait_the_record_is_asked_for_again(
    amani: Amani, httpx_mock: HTTPXMock, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("amani_cli.payments.engine.time.sleep", pauses.append)
    answer(posted(201, own(status="pending")), None)
    for reply in (ABSENT, PAGE, found(status="pending"), found()):
        assert isinstance(reply, dict)
        httpx_mock.add_response(method="GET", url=f"{URL}/api/v1/payments/{HASH}", **reply)
    assert amani("pay", TEXT, "--yes", "--json").data["status"] == "settled"
    assert len(pauses) >= 2
    assert posts(httpx_mock) == 1


@pytest.mark.parametrize("post", [failed("Insufficient balance."), posted(429, {"error": "Rate limit exceeded: 200"})])
def test_a_refusal_and_no_record_may_both_be_the_answers_to_other_questions(
    amani: Amani, httpx_mock: HTTPXMock, answer: Any, post: Reply
) -> None:
    """Neither says what it is about: a line that mixes up answers would have it paid a second time."""
    answer(post, None)
    for reply in (ABSENT, found()):
        assert isinstance(reply, dict)
        httpx_mock.add_response(method="GET", url=f"{URL}/api/v1/payments/{HASH}", **reply)
    assert amani("pay", TEXT, "--yes", "--json").data["status"] == "settled"
    assert posts(httpx_mock) == 1


@pytest.mark.parametrize("wait", [True, False])
def test_a_refusal_and_one_look_are_no_proof_where_the_second_look_fails(
    amani: Amani, httpx_mock: HTTPXMock, answer: Any, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    monkeypatch.setattr("amani_cli.payments.engine.time.sleep", lambda _: None)
    answer(failed("Internal invoice already paid."), None)
    url = f"{URL}/api/v1/payments/{HASH}"
    assert isinstance(ABSENT, dict)
    httpx_mock.add_response(method="GET", url=url, **ABSENT)
    httpx_mock.add_exception(httpx.ReadTimeout("timed out"), method="GET", url=url)
    if wait:
        reply = found()
        assert isinstance(reply, dict)
        httpx_mock.add_response(method="GET", url=url, **reply)
        assert amani("pay", TEXT, "--yes", "--json").data["status"] == "settled"
    else:
        told = amani("pay", TEXT, "--yes", "--no-wait", "--json")
        assert (told.code, told.error["money_moved"]) == (8, "maybe")
    assert posts(httpx_mock) == 1


def test_the_journal_is_closed_only_once(amani: Amani, httpx_mock: HTTPXMock, answer: Any, home: Path) -> None:
    """What another process has settled meanwhile stays as it is."""
    answer(PAGE, ABSENT)
    assert amani("pay", TEXT, "--yes", "--no-wait", "--timeout", "1s").code == 8
    change_database(home, "UPDATE payment SET status='settled', fee_msat=7")
    answer(PAGE, found(status="failed"))
    with ledgers.refusing(home, "UPDATE OF checked_at ON payment WHEN OLD.status='settled'"):
        replayed = amani("pay", TEXT, "--yes", "--json").data
    assert (replayed["status"], replayed["fee_msat"], replayed["replayed"]) == ("settled", 7, True)


@pytest.mark.parametrize(("status", "code"), [("settled", 0), ("unknown", 8)])
def test_what_could_not_be_sent_is_told_as_what_another_process_made_of_it(
    amani: Amani, httpx_mock: HTTPXMock, answer: Any, home: Path, status: str, code: int
) -> None:
    """It took the open entry for one that never arrived, and sent it again while this one still looked for the host."""

    def refuse(request: httpx.Request) -> httpx.Response:
        change_database(home, "UPDATE payment SET status=?, fee_msat=7, resent=1", status)
        raise httpx.ConnectError("refused", request=request)

    answer(refuse, ABSENT)
    ended = amani("pay", TEXT, "--yes", "--json")
    assert ended.code == code
    if code:
        assert (ended.error["code"], ended.error["money_moved"]) == ("OUTCOME_UNKNOWN", "maybe")
    else:
        assert (ended.data["status"], ended.data["fee_msat"]) == ("settled", 7)
    listed = amani("history", "list", "--json").data["items"]
    assert [item["status"] for item in listed] == [status]


def test_every_verdict_is_audited(amani: Amani, httpx_mock: HTTPXMock, answer: Any) -> None:
    answer(PAGE, ABSENT)
    assert amani("pay", TEXT, "--yes", "--no-wait", "--timeout", "1s", "--actor", "bot:7").code == 8
    answer(PAGE, found())
    assert amani("reconcile", "--no-books").code == 0
    entries = amani("audit", "list", "--json").data["items"]
    about = [(entry["what"], entry["outcome"], entry["actor"]) for entry in entries if entry["what"] == "pay"]
    assert about == [("pay", "settled", None), ("pay", "sending", "bot:7")]
