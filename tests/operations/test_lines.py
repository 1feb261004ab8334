"""The receiver for webhooks on real sockets: lines stay in step, slow ones are cut, and none shuts others out."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from amani_cli.operations import lines, webhooks
from amani_cli.workspace import Workspace
from tests.kit.driver import PATIENCE_S, Amani, environment

SECRET = "whsec-0123456789abcdef"


@pytest.fixture
def receiver(amani: Amani) -> webhooks.Receiver:
    assert amani("history", "list").code == 0
    return webhooks.Receiver(lambda: Workspace(environment(), timeout_s=5), lambda _: None, SECRET)


class Place:
    """Where a receiver listens."""

    def __init__(self, port: int) -> None:
        self.port = port

    def dial(self, said: bytes = b"") -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        line.sendall(said)
        return line

    def ask(self, said: bytes) -> bytes:
        """All that is answered until the line is closed."""
        with self.dial(said) as line:
            return rest(line)


def rest(line: socket.socket) -> bytes:
    heard = b""
    while part := line.recv(65536):
        heard += part
    return heard


@pytest.fixture
def place(receiver: webhooks.Receiver) -> Iterator[Place]:
    server = lines.server(receiver, "127.0.0.1", 0, body_limit=webhooks.BODY_LIMIT)
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            server.asyncore.loop(timeout=0.05, map=server._map, use_poll=True, count=1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield Place(int(server.effective_port))
    over.set()
    thread.join(PATIENCE_S)
    server.task_dispatcher.shutdown()
    server.asyncore.close_all(server._map)


HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/lnbits", 405), ("/fincra", 405), ("/none", 404)])
def test_head_has_no_body_and_the_line_stays_in_step(place: Place, path: str, status: int) -> None:
    heard = place.ask(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + HEALTH)
    head, _, after = heard.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert after.startswith(b"HTTP/1.1 200 OK\r\n"), heard
    assert heard.endswith(b"listening\n")


def test_a_request_that_drips_is_cut(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever part of it is slow, and though each byte is activity."""
    monkeypatch.setattr(lines, "REQUEST_S", 0.3)
    monkeypatch.setattr(lines.Server, "next_channel_cleanup", 0)
    for begun in (b"", b"POST /lnb", b"POST /lnbits HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"):
        with place.dial(begun) as line:
            line.settimeout(0.05)
            ends = time.monotonic() + PATIENCE_S
            while time.monotonic() < ends:
                try:
                    line.sendall(b"x" if begun else b"\r\n")
                    if not line.recv(100):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert time.monotonic() < ends, begun


@pytest.mark.parametrize(
    "begun", [b"", b"POST /lnbits HTTP/1.1\r\n", b"POST /lnbits HTTP/1.1\r\nContent-Length: 9\r\n\r\n"]
)
def test_slow_lines_keep_nobody_out(place: Place, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(lines, "MOST_LINES_OF_ONE", 20)
    with ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(place.dial(begun))
        for _ in range(5):
            assert place.ask(HEALTH).endswith(b"listening\n")


def test_what_is_being_answered_is_not_cut(
    place: Place, receiver: webhooks.Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_LINES_OF_ONE", 3)
    body = b'{"event": "x", "data": {}}'
    signature = hmac.new(SECRET.encode(), body, hashlib.sha512).hexdigest()
    head = f"POST /fincra HTTP/1.1\r\nHost: x\r\nConnection: close\r\nSignature: {signature}\r\n"
    head += f"Content-Length: {len(body)}"
    with receiver._lock, ExitStack() as stack:
        genuine = stack.enter_context(place.dial(head.encode() + b"\r\n\r\n" + body))
        assert place.ask(HEALTH).endswith(b"listening\n")
        for _ in range(10):
            stack.enter_context(place.dial(b"POST"))
        assert place.ask(HEALTH).endswith(b"listening\n")
        heard = threading.Thread(target=lambda: answers.append(rest(genuine)))
        answers: list[bytes] = []
        heard.start()
        receiver._lock.release()
        heard.join(PATIENCE_S)
        receiver._lock.acquire()
    assert answers[0].startswith(b"HTTP/1.1 200"), answers


SHAPES: list[Any] = [
    *([], [[]], 5, 1.5, None, True, "x", {}, {"data": []}, {"data": "x"}, {"data": {"reference": []}}),
    *({"data": {"reference": {}}}, {"data": {"reference": ["a"]}}, {"data": {"customerReference": 5}}),
    *({"data": {"reference": "\ud800" * 64}}, {"data": {"merchantReference": "../../profile/me"}}),
    *({"data": {"reference": "a\x00b\r\nX: y"}}, {"business": ["x"], "data": {"reference": "x"}}),
    *({"business": "\udfff", "data": {}}, {"data": {"reference": "x" * 60000}}),
    *({"payment_hash": ["a"]}, {"payment_hash": "\ud800" * 64}, {"payment_hash": "../" * 21 + "x"}),
    *(
        {"payment_hash": "a" * 63 + "/"},
        {"payment_hash": "a" * 62 + "?x"},
        {"payment_hash": "é" * 64},
        {"payment_hash": 5},
    ),
    *({"payment_hash": "ab" * 32, "wallet_id": ["\ud800"]}, {"payment_hash": "ab" * 32, "wallet_id": {}}),
]


@pytest.mark.parametrize("path", ["/lnbits", "/fincra"])
def test_any_shape_of_json_is_answered(receiver: webhooks.Receiver, path: str) -> None:
    import io

    bodies = [json.dumps(shape).encode() for shape in SHAPES]
    bodies += [json.dumps(json.dumps(shape)).encode() for shape in SHAPES]
    bodies += [b"[" * 60000, b'{"data":' * 7000, b"\xff\xfe{", b"1" * 9999, b"\x00", b'{"data": {"reference": 1e999}}']
    for body in bodies:
        answered: list[str] = []
        environ = {
            "PATH_INFO": path,
            "REQUEST_METHOD": "POST",
            "wsgi.input": io.BytesIO(body),
            "HTTP_SIGNATURE": hmac.new(SECRET.encode(), body, hashlib.sha512).hexdigest(),
        }
        receiver(environ, lambda status, _headers, answered=answered: answered.append(status))
        assert answered[0][:3] in ("200", "400"), (body[:80], answered)
