"""The LNbits client without a server: what each call sends, and what each way to fail becomes."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from amani_cli import errors
from amani_cli.providers.addresses import clean_url
from amani_cli.providers.http import Line, Lost, NotSent
from amani_cli.providers.lnbits import Lnbits
from amani_cli.wallets import servers
from tests.kit.lnbits_server import free_port

URL = "https://lnbits.example/sub"
KEY = "0123456789abcdef" * 2
TOKEN = "a.token.of.a.user"
HASH = "ab" * 32
WALLET = "1dea" * 8
KEYS = {"id": WALLET, "name": "w", "adminkey": "a" * 32, "inkey": "b" * 32}
PAYMENT = {
    "payment_hash": HASH,
    "wallet_id": WALLET,
    "amount": -21_000,
    "fee": 0,
    "status": "success",
    "bolt11": "lnbc1",
    "memo": "m",
}


def make_client(url: str = URL, key: str | None = KEY, within: float = 0.4, timeout: float = 5) -> Lnbits:
    """Too short a time for a second try."""
    return Lnbits(Line(url, deadline=time.monotonic() + within, timeout=timeout), key)


@pytest.fixture
def client() -> Iterator[Lnbits]:
    with make_client() as client:
        yield client


def sent(httpx_mock: HTTPXMock) -> httpx.Request:
    """The one request that was sent."""
    (request,) = httpx_mock.get_requests()
    return request


MARK = {"amani": {"asked": "07" * 8}}


class TestWhatEachCallSends:
    """Method, address, header and body; the body as it is, so that no field is sent that was not meant."""

    @pytest.mark.parametrize(
        ("call", "method", "path", "body", "answer"),
        [
            (lambda c: c.wallet(), "GET", "/api/v1/wallet", None, {"name": "w", "balance": 0}),
            (
                lambda c: c.create_invoice(21, "tea", 60),
                "POST",
                "/api/v1/payments",
                {"out": False, "unit": "sat", "amount": 21, "memo": "tea", "expiry": 60, "extra": MARK},
                {"payment_hash": HASH, "bolt11": "lnbc1"},
            ),
            (
                lambda c: c.create_invoice(21, "tea", 60, webhook="https://x/y"),
                "POST",
                "/api/v1/payments",
                {
                    "out": False,
                    "unit": "sat",
                    "amount": 21,
                    "memo": "tea",
                    "expiry": 60,
                    "webhook": "https://x/y",
                    "extra": MARK,
                },
                {"payment_hash": HASH, "bolt11": "lnbc1"},
            ),
            (lambda c: c.record(HASH), "GET", f"/api/v1/payments/{HASH}", None, {"paid": True, "details": PAYMENT}),
            (
                lambda c: c.records(offset=1000),
                "GET",
                "/api/v1/payments/paginated?limit=1000&offset=1000&sortby=time&direction=desc",
                None,
                {"data": [], "total": 0},
            ),
            (
                lambda c: c.fee_reserve_msat("lnbc1"),
                "GET",
                "/api/v1/payments/fee-reserve?invoice=lnbc1",
                None,
                {"fee_reserve": 2000},
            ),
            (lambda c: c.version(), "GET", "/openapi.json", None, {"info": {"version": "1.6.2"}}),
            (lambda c: c.health(), "GET", "/api/v1/health", None, {"server_time": 1}),
            (
                lambda c: c.pay("lnbc1", HASH, WALLET),
                "POST",
                "/api/v1/payments",
                {"out": True, "bolt11": "lnbc1"},
                PAYMENT,
            ),
            (lambda c: c.create_account("w"), "POST", "/api/v1/account", {"name": "w"}, KEYS),
            (lambda c: c.keys_by_admin_key("w"), "PATCH", "/api/v1/wallet", {"name": "w"}, KEYS),
        ],
    )
    def test_with_a_key(
        self,
        client: Lnbits,
        httpx_mock: HTTPXMock,
        monkeypatch: pytest.MonkeyPatch,
        call: Any,
        method: str,
        path: str,
        body: Any,
        answer: Any,
    ) -> None:
        monkeypatch.setattr(os, "urandom", lambda count: b"\x07" * count)
        httpx_mock.add_response(json=answer)
        call(client)
        request = sent(httpx_mock)
        assert (request.method, str(request.url)) == (method, URL + path)
        assert request.headers["X-Api-Key"] == KEY
        assert request.headers["User-Agent"].startswith("amani/")
        assert "Cookie" not in request.headers
        assert (json.loads(request.content) if request.content else None) == body

    @pytest.mark.parametrize(
        ("call", "method", "path", "body", "answer"),
        [
            (lambda c: c.create_wallet(TOKEN, "w"), "POST", "/api/v1/wallet", {"name": "w"}, KEYS),
            (lambda c: c.wallets(TOKEN), "GET", "/api/v1/wallets", None, [KEYS]),
            (lambda c: c.rotate_keys(TOKEN, WALLET), "PUT", f"/api/v1/wallet/reset/{WALLET}", None, KEYS),
            (lambda c: c.delete_wallet(TOKEN, WALLET), "DELETE", f"/api/v1/wallet/{WALLET}", None, None),
        ],
    )
    def test_with_a_token_and_without_the_key(
        self, client: Lnbits, httpx_mock: HTTPXMock, call: Any, method: str, path: str, body: Any, answer: Any
    ) -> None:
        httpx_mock.add_response(json=answer)
        call(client)
        request = sent(httpx_mock)
        assert (request.method, str(request.url)) == (method, URL + path)
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert "X-Api-Key" not in request.headers
        assert (json.loads(request.content) if request.content else None) == body

    def test_a_login_sends_the_password_in_the_body_alone(self, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"access_token": TOKEN, "token_type": "bearer"})
        with make_client(key=None) as client:
            assert client.log_in("me", "secret") == TOKEN
        request = sent(httpx_mock)
        assert (request.method, str(request.url)) == ("POST", URL + "/api/v1/auth")
        assert json.loads(request.content) == {"username": "me", "password": "secret"}

    def test_the_login_s_cookies_are_not_kept(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        """They would authenticate later calls as that user."""
        httpx_mock.add_response(json=KEYS, headers={"Set-Cookie": "cookie_access_token=abc; Path=/"})
        httpx_mock.add_response(json={"name": "w", "balance": 0})
        client.create_account("w")
        client.wallet()
        assert "Cookie" not in httpx_mock.get_requests()[1].headers

    def test_every_page_of_records(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"data": [PAYMENT] * 1000, "total": 1001})
        httpx_mock.add_response(json={"data": [PAYMENT], "total": 1001})
        assert [len(page) for page in client.all_records()] == [1000, 1]
        assert [request.url.params["offset"] for request in httpx_mock.get_requests()] == ["0", "1000"]


# What an LNbits, or what stands in its place, may answer to a read: code, exit code, words of message and hint.
_JSON: dict[str, str] = {"Content-Type": "application/json"}
REFUSALS: list[tuple[str, dict[str, Any], str, int, str]] = [
    ("no key", {"status_code": 401, "json": {"detail": "No Api Key provided."}}, "KEY_REFUSED", 3, "refused the key"),
    ("unknown key", {"status_code": 404, "json": {"detail": "Wallet not found."}}, "KEY_REFUSED", 3, "no wallet with"),
    ("invoice key", {"status_code": 403, "json": {"detail": "Invalid adminkey."}}, "INVOICE_KEY", 3, "Admin key"),
    (
        "invoice key, misleading words",
        {"status_code": 403, "json": {"detail": "Invoice (or Admin) key required."}},
        "INVOICE_KEY",
        3,
        "not the Invoice key",
    ),
    (
        "no token",
        {"status_code": 401, "json": {"detail": "Missing user ID or access token."}},
        "TOKEN_EXPIRED",
        3,
        "Invalid or expired token",
    ),
    ("403 of another kind", {"status_code": 403, "json": {"detail": "Blocked."}}, "KEY_REFUSED", 3, "Blocked."),
    ("wrong path", {"status_code": 404, "json": {"detail": "Not Found"}}, "NOT_LNBITS", 10, "no LNbits API"),
    ("a web page", {"status_code": 200, "html": "<html>"}, "NOT_LNBITS", 10, "not JSON"),
    ("a web page's 404", {"status_code": 404, "html": "<html>"}, "NOT_LNBITS", 10, "404"),
    ("a proxy's 502", {"status_code": 502, "html": "<html>"}, "SERVER_ERROR", 10, "502"),
    ("cut JSON", {"status_code": 200, "content": b'{"balance": ', "headers": _JSON}, "NOT_LNBITS", 10, "not JSON"),
    ("deep JSON", {"status_code": 200, "content": b"[" * 10**5, "headers": _JSON}, "NOT_LNBITS", 10, "not JSON"),
    ("empty", {"status_code": 200, "content": b""}, "NOT_LNBITS", 10, "not JSON"),
    ("a list", {"status_code": 200, "json": [1]}, "ODD_ANSWER", 10, "a list"),
    (
        "first install",
        {"status_code": 307, "headers": {"Location": "/first_install"}},
        "FIRST_INSTALL",
        10,
        "/first_install in a browser",
    ),
    (
        "elsewhere",
        {"status_code": 302, "headers": {"Location": "https://evil.example/api/v1/wallet"}},
        "REDIRECT",
        10,
        "does not follow",
    ),
    (
        "too many",
        {"status_code": 429, "json": {"error": "Rate limit exceeded: 200 per 1 minute"}},
        "RATE_LIMITED",
        10,
        "Wait a minute",
    ),
    (
        "a crash",
        {"status_code": 500, "json": {"detail": "Unexpected error! ID: cDGHm"}},
        "SERVER_ERROR",
        10,
        "Unexpected error! ID: cDGHm",
    ),
    ("down", {"status_code": 503, "json": {}}, "SERVER_ERROR", 10, "503"),
    ("520", {"status_code": 520, "json": {"detail": "No.", "status": "failed"}}, "REJECTED", 6, "No."),
    (
        "validation, as a list",
        {"status_code": 400, "json": {"detail": [{"loc": ["body", "amount"], "msg": "too small"}]}},
        "REJECTED",
        6,
        "amount: too small",
    ),
    ("validation, as text", {"status_code": 400, "json": {"detail": "too small"}}, "REJECTED", 6, "too small"),
    ("message", {"status_code": 400, "json": {"message": "Failed to decode"}}, "REJECTED", 6, "Failed to decode"),
]


class TestRefusals:
    @pytest.mark.parametrize(
        ("answer", "code", "exit_code", "words"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
    )
    def test_each_has_its_own_line_hint_and_exit_code(
        self, client: Lnbits, httpx_mock: HTTPXMock, answer: dict[str, Any], code: str, exit_code: int, words: str
    ) -> None:
        httpx_mock.add_response(**answer)
        with pytest.raises(errors.AmaniError) as refused:
            client.wallet()
        error = refused.value
        assert (error.code, error.exit_code) == (code, exit_code)
        assert words in error.message + error.hint
        assert error.money_moved == "no"
        assert KEY not in error.message + error.hint
        if exit_code in (3, 10):
            assert error.hint

    def test_a_redirect_is_not_followed_so_the_key_goes_nowhere_else(
        self, client: Lnbits, httpx_mock: HTTPXMock
    ) -> None:
        httpx_mock.add_response(status_code=301, headers={"Location": "https://evil.example/"})
        with pytest.raises(errors.Unreachable, match="redirects elsewhere"):
            client.wallet()
        assert [request.url.host for request in httpx_mock.get_requests()] == ["lnbits.example"]

    def test_the_status_call_answers_a_junk_key_without_details(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        """200 and `paid`: true or not, this is a refused key and never a payment."""
        httpx_mock.add_response(json={"paid": True, "preimage": "cd" * 32})
        with pytest.raises(errors.NotAuthorised) as refused:
            client.record(HASH)
        assert refused.value.code == "KEY_REFUSED"

    def test_no_record_is_none_and_a_wrong_path_is_not(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(status_code=404, json={"detail": "Payment does not exist."})
        assert client.record(HASH) is None
        answers: list[dict[str, Any]] = [{"json": {"detail": "Not Found"}}, {"html": "<html>"}, {"json": {}}]
        for answer in answers:
            httpx_mock.add_response(status_code=404, **answer)
            with pytest.raises(errors.AmaniError):
                client.record(HASH)

    def test_wrong_passwords(self, httpx_mock: HTTPXMock) -> None:
        with make_client(key=None) as client:
            httpx_mock.add_response(status_code=401, json={"detail": "Invalid credentials."})
            with pytest.raises(errors.NotAuthorised) as wrong:
                client.log_in("me", "wrong")
            httpx_mock.add_response(status_code=429, json={"detail": "Too many login attempts. Try again later."})
            with pytest.raises(errors.NotAuthorised) as locked:
                client.log_in("me", "right")
        assert (wrong.value.code, locked.value.code) == ("WRONG_PASSWORD", "LOGIN_LOCKED")

    def test_keys_by_admin_key_is_a_convenience_that_may_fail(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(status_code=405, json={"detail": "Method Not Allowed"})  # 0.12 has no such call
        assert client.keys_by_admin_key("w") is None

    def test_keys_are_those_that_were_asked_for(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        """What belongs to another wallet is another answer, however well it is formed."""
        httpx_mock.add_response(json=KEYS)
        httpx_mock.add_response(json={**KEYS, "adminkey": KEY})
        httpx_mock.add_response(json={**KEYS, "id": "0" * 32})
        assert client.keys_by_admin_key("w") is None
        both = client.keys_by_admin_key("w")
        assert both is not None
        assert both.read_key == KEYS["inkey"]
        with pytest.raises(errors.Unreachable) as odd:
            client.rotate_keys(TOKEN, WALLET)
        assert odd.value.code == "ODD_ANSWER"


class TestTheLine:
    """Whether bytes may have left is what matters: `NotSent` proves that they did not."""

    @pytest.mark.parametrize(
        ("error", "kind", "code", "words"),
        [
            (httpx.ConnectError("[Errno 111] Connection refused"), NotSent, "CONNECTION_REFUSED", "Connection refused"),
            (httpx.ConnectError("[Errno 61] Connection refused"), NotSent, "CONNECTION_REFUSED", "Connection refused"),
            (httpx.ConnectTimeout("timed out"), NotSent, "TIMEOUT", "Request timeout"),
            (httpx.ConnectError("[Errno -2] Name or service not known"), NotSent, "DNS", "(DNS)"),
            (httpx.ConnectError("[Errno 8] nodename nor servname provided"), NotSent, "DNS", "(DNS)"),
            (httpx.ConnectError("[Errno -3] Temporary failure in name resolution"), NotSent, "DNS", "(DNS)"),
            (
                httpx.ConnectError(
                    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1002)"
                ),
                NotSent,
                "TLS",
                "certificate verify failed: self-signed certificate",
            ),
            (
                httpx.ConnectError("[Errno 101] Network is unreachable"),
                NotSent,
                "UNREACHABLE",
                "Network is unreachable",
            ),
            (httpx.ProxyError("407"), NotSent, "PROXY", "proxy"),
            (httpx.UnsupportedProtocol("x"), NotSent, "UNREACHABLE", "could not be made"),
            (httpx.ReadTimeout("timed out"), Lost, "TIMEOUT", "Request timeout"),
            (httpx.WriteTimeout("timed out"), Lost, "TIMEOUT", "Request timeout"),
            (httpx.ReadError("reset"), Lost, "LINE_CUT", "was cut"),
            (httpx.WriteError("reset"), Lost, "LINE_CUT", "was cut"),
            (httpx.RemoteProtocolError("hung up"), Lost, "LINE_CUT", "was cut"),
            (httpx.DecodingError("bad gzip"), Lost, "LINE_CUT", "was cut"),
        ],
    )
    def test_each_fault(
        self,
        client: Lnbits,
        httpx_mock: HTTPXMock,
        error: Exception,
        kind: type[errors.Unreachable],
        code: str,
        words: str,
    ) -> None:
        httpx_mock.add_exception(error)
        with pytest.raises(kind) as lost:
            client.wallet()
        assert type(lost.value) is kind
        assert (lost.value.code, lost.value.exit_code) == (code, 10)
        assert words in lost.value.message
        assert "_ssl.c" not in lost.value.message

    @pytest.mark.parametrize("fault", ["429", "502", "503", "504", "cut"])
    def test_a_read_is_tried_again(self, httpx_mock: HTTPXMock, fault: str) -> None:
        if fault == "cut":
            httpx_mock.add_exception(httpx.ReadError("reset"))
        else:
            httpx_mock.add_response(status_code=int(fault), json={"error": "later"})
        httpx_mock.add_response(json={"name": "w", "balance": 5})
        with make_client(within=10) as client:
            assert client.wallet().balance_msat == 5
        assert len(httpx_mock.get_requests()) == 2

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 520])
    def test_but_not_after_an_answer(self, httpx_mock: HTTPXMock, status: int) -> None:
        httpx_mock.add_response(status_code=status, json={"detail": "no"})
        with make_client(within=10) as client, pytest.raises(errors.AmaniError):
            client.wallet()
        assert len(httpx_mock.get_requests()) == 1

    def test_too_little_money_ends_in_its_own_code_wherever_it_is_said(self, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(status_code=520, json={"detail": "Insufficient balance.", "status": "failed"})
        with make_client(within=10) as client, pytest.raises(errors.InsufficientFunds) as failed:
            client.fee_reserve_msat("lnbc1")
        assert (failed.value.code, failed.value.exit_code) == ("INSUFFICIENT_FUNDS", 7)

    def test_nor_when_the_connection_is_refused(self, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_exception(httpx.ConnectError("[Errno 111] Connection refused"))
        with make_client(within=10) as client, pytest.raises(NotSent):
            client.wallet()

    @pytest.mark.parametrize("fault", ["429", "502", "503", "504", "cut", "timeout"])
    def test_what_changes_something_is_sent_once(self, httpx_mock: HTTPXMock, fault: str) -> None:
        if fault.isdigit():
            httpx_mock.add_response(status_code=int(fault), json={"error": "Rate limit exceeded"})
        else:
            httpx_mock.add_exception(httpx.ReadError("x") if fault == "cut" else httpx.ReadTimeout("x"))
        with make_client(within=10) as client:
            client.pay("lnbc1", HASH, WALLET)
        assert len(httpx_mock.get_requests()) == 1

    @pytest.mark.parametrize("key", [KEY + "\n", "kéy", "a\x00b"])
    def test_a_key_that_no_header_can_hold_is_not_shown(self, key: str) -> None:
        with (
            make_client(f"http://127.0.0.1:{free_port()}", key=key) as client,
            pytest.raises(errors.Unreachable) as odd,
        ):
            client.wallet()
        assert key not in odd.value.message
        assert odd.value.__cause__ is None


class TestRealSockets:
    """The same faults without a mock: what httpx and the system really say."""

    def test_refused(self) -> None:
        with make_client(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(NotSent) as refused:
            client.wallet()
        assert refused.value.code == "CONNECTION_REFUSED"

    def test_tls_where_there_is_none(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
            thread.start()
            url = f"https://127.0.0.1:{server.getsockname()[1]}"
            with make_client(url) as client, pytest.raises(NotSent) as failed:
                client.wallet()
            thread.join()
        assert failed.value.code == "TLS"

    def test_a_name_that_does_not_exist(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def look_up(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        with make_client("https://nowhere.invalid") as client, pytest.raises(NotSent) as unknown:
            client.wallet()
        assert (unknown.value.code, "nowhere.invalid" in unknown.value.message) == ("DNS", True)

    def test_a_server_that_says_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            with make_client(url, within=1, timeout=1) as client, pytest.raises(Lost) as late:
                client.wallet()
        assert (late.value.code, late.value.exit_code) == ("TIMEOUT", 10)

    def test_a_server_that_drips(self) -> None:
        """Each byte comes in time, and the whole never does."""

        def drip() -> None:
            line = server.accept()[0]
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
            try:
                while not done.wait(0.1):
                    line.sendall(b" ")
            except OSError:
                pass
            line.close()

        done = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=drip)
            thread.start()
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            with make_client(url, within=1, timeout=1) as client, pytest.raises(Lost) as late:
                client.wallet()
            done.set()
            thread.join()
        assert late.value.code == "TIMEOUT"


class TestAddresses:
    @pytest.mark.parametrize(
        ("typed", "url"),
        [
            ("lnbits.example", "https://lnbits.example"),
            ("https://LNbits.Example/", "https://lnbits.example"),
            ("https://lnbits.example:443", "https://lnbits.example"),
            ("https://lnbits.example:8443/sub/", "https://lnbits.example:8443/sub"),
            ("https://lnbits.example/sub/api/v1", "https://lnbits.example/sub"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("http://localhost:5000/", "http://localhost:5000"),
            ("http://[::1]:5000", "http://[::1]:5000"),
            ("  https://lnbits.example\n", "https://lnbits.example"),
        ],
    )
    def test_one_form(self, typed: str, url: str) -> None:
        assert clean_url(typed) == url

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "https://",
            "ftp://x",
            "https://u:p@x",
            "https://x/?a=b",
            "https://x/#a",
            "https://a b",
            "https://x:99999",
        ],
    )
    def test_what_is_none(self, typed: str) -> None:
        with pytest.raises(errors.Usage) as refused:
            clean_url(typed)
        assert refused.value.code == "BAD_URL"

    @pytest.mark.parametrize("typed", ["http://lnbits.example", "http://10.0.0.1", "http://localhost.example"])
    def test_plain_http_only_to_this_machine_or_on_request(self, typed: str) -> None:
        with pytest.raises(errors.Usage) as refused:
            clean_url(typed)
        assert refused.value.code == "INSECURE_HTTP"
        assert clean_url(typed, insecure_http=True) == typed


def test_the_server_s_clock(client: Lnbits, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"server_time": 1_700_000_000, "up_time": "00:00:03"})
    assert client.health() == datetime.fromtimestamp(1_700_000_000, UTC)


class TestOlderServers:
    """Answers as LNbits before 1.6 gives them; tests/versions asks real ones."""

    def test_a_wallet_for_a_user_whose_token_is_not_enough(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(method="POST", status_code=401, json={"detail": "No Api Key provided."})
        httpx_mock.add_response(method="GET", json=[{**KEYS, "adminkey": "c" * 32}])
        httpx_mock.add_response(method="POST", json=KEYS)
        assert client.create_wallet(TOKEN, "w").id == WALLET
        _, listed, made = httpx_mock.get_requests()
        assert listed.headers["Authorization"] == f"Bearer {TOKEN}"
        assert (made.headers["X-Api-Key"], json.loads(made.content)) == ("c" * 32, {"name": "w"})
        assert "Authorization" not in made.headers

    def test_a_wallet_for_such_a_user_who_has_none_left(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(method="POST", status_code=401, json={"detail": "No Api Key provided."})
        httpx_mock.add_response(method="GET", json=[])
        with pytest.raises(errors.Rejected) as refused:
            client.create_wallet(TOKEN, "w")
        assert refused.value.code == "TOO_OLD"

    @pytest.mark.parametrize(
        ("call", "status", "detail"),
        [
            (lambda c: c.rotate_keys(TOKEN, WALLET), 404, "Not Found"),
            (lambda c: c.delete_wallet(TOKEN, WALLET), 405, "Method Not Allowed"),
        ],
    )
    def test_what_they_can_t_do_yet(
        self, client: Lnbits, httpx_mock: HTTPXMock, call: Any, status: int, detail: str
    ) -> None:
        httpx_mock.add_response(status_code=status, json={"detail": detail})
        with pytest.raises(errors.Rejected) as refused:
            call(client)
        assert refused.value.code == "TOO_OLD"

    def test_a_wallet_that_is_not_the_user_s_is_no_matter_of_age(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(status_code=404, json={"detail": "Wallet not found"})
        with pytest.raises(errors.NotAuthorised) as refused:
            client.rotate_keys(TOKEN, WALLET)
        assert refused.value.code == "OTHER_LOGIN"

    def test_no_clock(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(content=b"null", headers={"Content-Type": "application/json"})
        assert client.health() is None

    def test_an_end_in_seconds_with_a_fraction(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        details = {**PAYMENT, "time": 1_700_000_000, "expiry": 1_700_000_060.0, "preimage": "0" * 64}
        httpx_mock.add_response(json={"paid": True, "details": details})
        record = client.record(HASH)
        assert record is not None
        assert (record.created_at, record.expires_at) == ("2023-11-14T22:13:20Z", "2023-11-14T22:14:20Z")
        assert record.preimage is None

    def test_no_price_while_they_are_offline(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(status_code=400, json={"detail": "Could not fetch any Bitcoin price."})
        assert client.rate("USD") == (None, None)

    def test_a_currency_they_don_t_have_is_refused(self, client: Lnbits, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(status_code=400, json={"detail": "Currency 'XXX' not allowed."})
        with pytest.raises(errors.Rejected):
            client.rate("XXX")


def test_what_a_double_spending_server_is_called() -> None:
    assert "1.0.0" in servers.unsafe_version("w")
