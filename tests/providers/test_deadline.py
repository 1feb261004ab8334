"""Every wait for a server has one deadline, whoever drips what: name, connection, TLS, sending, head and body."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from amani_cli import errors
from amani_cli.providers import addresses, http, pushes, strangers, wire
from amani_cli.providers.http import Line, Lost, NotSent
from tests.kit.drips import dripping

LIMIT_S = 0.5
SLACK_S = 2.0  # for a busy machine; what drips does so for ever


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LEAST_S", LIMIT_S)


def line_to(url: str) -> Line:
    return Line(url, deadline=time.monotonic() + LIMIT_S, timeout=LIMIT_S)


@pytest.fixture
def in_time() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < LIMIT_S + SLACK_S


@pytest.mark.usefixtures("in_time")
class TestOneRequest:
    @pytest.mark.parametrize("way", ["head", "body", "chunks", "1xx", "silent"])
    @pytest.mark.parametrize("stranger", [False, True])
    def test_an_answer_that_never_ends(self, way: str, stranger: bool) -> None:
        with dripping(way) as port:
            line = Line(
                f"http://127.0.0.1:{port}", deadline=time.monotonic() + LIMIT_S, timeout=LIMIT_S, stranger=stranger
            )
            with line, pytest.raises(Lost) as lost:
                line.send("GET", "/x")
        assert (lost.value.code, lost.value.exit_code) == ("TIMEOUT", 10)

    def test_a_request_that_is_taken_in_by_sips(self) -> None:
        with (
            dripping("deaf", small=True) as port,
            line_to(f"http://127.0.0.1:{port}") as line,
            pytest.raises(Lost) as lost,
        ):
            line.send("POST", "/x", body={"x": "x" * 8_000_000})
        assert lost.value.code == "TIMEOUT"

    def test_a_handshake_that_never_ends(self) -> None:
        with (
            dripping("tls") as port,
            line_to(f"https://127.0.0.1:{port}") as line,
            pytest.raises(NotSent) as unsent,
        ):
            line.send("POST", "/x", body={})
        assert unsent.value.code == "TIMEOUT"

    @pytest.mark.parametrize("way", ["head", "1xx", "silent"])
    def test_a_proxy_that_never_answers(self, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with dripping(way) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
            with line_to("https://lnbits.example.com") as line, pytest.raises((Lost, NotSent)) as told:
                line.send("POST", "/x", body={})
        assert told.value.code == "TIMEOUT"

    def test_a_name_that_nobody_can_look_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        never = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(30))
        with line_to("https://lnbits.example.com") as line, pytest.raises(NotSent) as unsent:
            line.send("POST", "/x", body={})
        never.set()
        assert unsent.value.code == "TIMEOUT"

    def test_a_server_with_many_addresses_of_which_none_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            waiting = [socket.socket() for _ in range(4)]
            for each in waiting:  # until no more are taken in: whoever comes next waits for an answer
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())] * 3
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: known)
            monkeypatch.setattr(addresses, "_resolved", lambda *_: [(each[0], each[4]) for each in known])
            with line_to("https://lnbits.example.com") as line, pytest.raises(NotSent):
                line.send("POST", "/x", body={})
            for each in waiting:
                each.close()

    def test_a_read_is_not_tried_again_when_time_is_up(self) -> None:
        with dripping("head") as port, line_to(f"http://127.0.0.1:{port}") as line, pytest.raises(Lost):
            line.read("/x")

    @pytest.mark.parametrize(("way", "scheme"), [("head", "http"), ("1xx", "http"), ("tls", "https")])
    def test_a_websocket(self, way: str, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pushes, "CONNECT_S", LIMIT_S)
        with dripping(way) as port:
            ear = pushes.Ear(f"{scheme}://127.0.0.1:{port}", "k" * 32, lambda _: None)
            with pytest.raises((OSError, EOFError, WebSocketException)):
                ear._connected()


def test_a_line_that_is_kept_up_has_a_deadline_for_each_request() -> None:
    """The first answer comes at once; the second, on the same connection, never."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines: list[Any] = []

        def serve() -> None:
            line, _ = server.accept()
            lines.append(line)
            line.recv(65536)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            line.recv(65536)
            line.sendall(b"HTTP/1.1 200 OK\r\n")

        threading.Thread(target=serve, daemon=True).start()
        with line_to(f"http://127.0.0.1:{server.getsockname()[1]}") as line:
            assert line.send("GET", "/x").body == {}
            time.sleep(0.05)
            line.deadline = time.monotonic() + LIMIT_S
            begun = time.monotonic()
            with pytest.raises(Lost):
                line.send("GET", "/x")
            assert LIMIT_S * 0.9 < time.monotonic() - begun < LIMIT_S + SLACK_S
        for each in lines:
            each.close()


class TestWhereItConnects:
    """The address that was looked at is the one that is connected to."""

    @pytest.fixture
    def server(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @staticmethod
    def resolving(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Callable[[], int]:
        """A resolver that gives one answer after the other; returns how often it was asked."""
        asked: list[str] = []

        def look_up(host: str, port: int, *_: object, **__: object) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, 1, 6, "", (answers[min(len(asked), len(answers)) - 1], port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return lambda: len(asked)

    def test_a_name_that_changes_its_mind_is_refused(self, monkeypatch: pytest.MonkeyPatch, server: int) -> None:
        """DNS rebinding: what was looked at is public, and a second look would have led inside."""
        reached: list[object] = []

        def nobody(_: socket.socket, address: object) -> None:
            reached.append(address)
            raise ConnectionRefusedError("refused")

        monkeypatch.setattr(socket.socket, "connect", nobody)
        count = self.resolving(monkeypatch, "93.184.216.34", "127.0.0.1")
        line = strangers.line(
            "https://rebinds.example", deadline=time.monotonic() + 1, timeout=1, name="x", private=False
        )
        with line, pytest.raises(NotSent):
            line.send("GET", "/x")
        assert count() == 1
        assert reached == [("93.184.216.34", 443)]

    @pytest.mark.parametrize("host", ["localhost", "wallet.localhost", "a.b.localhost"])
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_name_of_this_machine_leads_nowhere_else(
        self, monkeypatch: pytest.MonkeyPatch, host: str, scheme: str
    ) -> None:
        self.resolving(monkeypatch, "93.184.216.34")
        for line in (
            line_to(f"{scheme}://{host}"),
            strangers.line(f"{scheme}://{host}", deadline=time.monotonic() + 1, timeout=1, name="x", private=True),
        ):
            with line, pytest.raises(errors.RefusedByPolicy) as refused:
                line.send("GET", "/x")
            assert refused.value.code == "NOT_THIS_MACHINE"
        with pytest.raises(errors.RefusedByPolicy):
            wire.connect(host, 80, time.monotonic() + 1)

    @pytest.mark.parametrize(
        "way", ["http://localhost", "http://app.localhost:5000", "http://127.0.0.1", "http://[::1]"]
    )
    def test_what_is_this_machine(self, way: str) -> None:
        assert addresses.is_loopback(way)

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost.example.com",
            "http://notlocalhost",
            "http://127.0.0.1.example.com",
            "http://127.0.0.999",
            "http://127.0.0.٣",
            "http://127.0.0.01",
            "http://127.1",
            "http://[::2]",
            "http://10.0.0.1",
        ],
    )
    def test_what_is_not(self, url: str) -> None:
        assert not addresses.is_loopback(url)
