"""LNbits' websocket as a hint: what a message may say, where its address goes and where it does not."""

from __future__ import annotations

import json
import socket
import threading
from queue import SimpleQueue

import pytest

from amani_cli.providers.pushes import Ear, Word, _payment_hash, can_dial
from tests.kit.driver import PATIENCE_S

HASH = "ab" * 32


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (json.dumps({"wallet_balance": 1, "payment": {"payment_hash": HASH}}), HASH),
        (json.dumps({"payment": {"payment_hash": HASH.upper()}}), None),
        (json.dumps({"payment": {"payment_hash": f"../{HASH[3:]}"}}), None),
        (json.dumps({"payment": {"payment_hash": 7}}), None),
        (json.dumps({"payment": [HASH]}), None),
        (json.dumps({"pending": False}), None),
        ("[" * 100_000, None),
        ("", None),
        (b"\x00\xff", None),
    ],
)
def test_a_payment_is_named_by_a_hash_alone(message: object, found: str | None) -> None:
    assert _payment_hash(message) == found


def test_where_a_proxy_stands_between_it_is_not_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_dial("https://lnbits.example.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert not can_dial("https://lnbits.example.com")
    assert can_dial("http://lnbits.example.com")
    assert can_dial("http://127.0.0.1:5000")
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert can_dial("https://lnbits.example.com")


def test_a_redirect_takes_the_key_nowhere() -> None:
    heard: SimpleQueue[Word] = SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as here, socket.create_server(("127.0.0.1", 0)) as there:
        there.settimeout(0.5)
        ear = Ear(f"http://127.0.0.1:{here.getsockname()[1]}", "k" * 32, heard.put)
        ear.start()
        line, _ = here.accept()
        with line:
            asked = line.recv(4096).decode()
            assert asked.startswith(f"GET /api/v1/ws/{'k' * 32} HTTP/1.1\r\n")
            port = there.getsockname()[1]
            line.sendall(f"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:{port}/{'k' * 32}\r\n\r\n".encode())
        with pytest.raises(TimeoutError):
            there.accept()
        ear.stop()
    assert heard.empty()
    for thread in threading.enumerate():
        if thread.name.startswith("amani ear"):
            thread.join(PATIENCE_S)
    assert not any(thread.name.startswith("amani ear") for thread in threading.enumerate())
