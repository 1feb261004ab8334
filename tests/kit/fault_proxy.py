"""A proxy on loopback between amani and a server, that does to chosen requests what networks and servers do.

    with FaultProxy(server.url) as proxy:
        proxy.on(cut(after=True), "POST", "/api/v1/payments", nth=2)  # the second one: done, and the answer lost
        amani("pay", …)  # with the wallet's address being proxy.url
        assert proxy.count("POST", "/api/v1/payments") == 2

A fault is a function of the `Exchange`; those below cut, stall, answer in the server's place, garble, repeat, refuse
and kill the client. Whatever no fault is for goes through unchanged, and every request is kept in `seen`. Websockets
are a thing that it does not have, as many a proxy, unless it is made with `websockets=True`.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

PATIENCE_S = 30.0
# Not passed on: what is between two neighbours, and the offer to compress, so that a body can be cut in half.
_OF_THE_LINE = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade", "accept-encoding"}


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    location: str = ""


@dataclass
class Exchange:
    """One request on its way; `answer` is what the server said to it, if it was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    proxy: FaultProxy = field(repr=False)
    handler: http.server.BaseHTTPRequestHandler = field(repr=False)
    answer: Answer | None = None

    @property
    def json(self) -> Any:
        """What the client sent."""
        return json.loads(self.body)

    def forward(self) -> Answer:
        """Have the server do it, and read its whole answer; each call sends it again."""
        upstream = urlsplit(self.proxy.upstream)
        assert upstream.hostname
        line = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=PATIENCE_S)
        with contextlib.closing(line):
            line.request(self.method, self.path, self.body or None, self.headers)
            heard = line.getresponse()
            self.answer = Answer(heard.status, heard.read(), heard.getheader("content-type", ""))
        return self.answer

    def reply(self, answer: Answer, *, promise: int = 0, close: bool = False) -> None:
        """Give the client an answer, promising `promise` bytes more than come."""
        handler = self.handler
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.content_type)
        handler.send_header("Content-Length", str(len(answer.body) + promise))
        if answer.location:
            handler.send_header("Location", answer.location)
        if close or promise:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        handler.wfile.write(answer.body)
        handler.wfile.flush()

    def cut(self) -> None:
        """Break the line off: a reset, as from a peer that is gone."""
        self.handler.close_connection = True
        with contextlib.suppress(OSError):
            self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.handler.connection.close()


Fault = Callable[[Exchange], None]


# -- faults -----------------------------------------------------------------------------------------------------------


def cut(*, after: bool) -> Fault:
    """The line breaks: before the server hears of the request, or after it did what was asked."""

    def fault(exchange: Exchange) -> None:
        if after:
            exchange.forward()
        exchange.cut()

    return fault


def stall(seconds: float, *, after: bool) -> Fault:
    """Nothing for so long, then the line breaks; `after` says that the server did what was asked at once."""

    def fault(exchange: Exchange) -> None:
        if after:
            exchange.forward()
        exchange.proxy.closing.wait(seconds)
        exchange.cut()

    return fault


def drip(what: Literal["head", "body", "1xx"], *, after: bool) -> Fault:
    """An answer that never comes to its end, a little of it every now and then."""
    begins = {
        "head": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        "body": (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n", b" "),
        "1xx": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    }
    begin, drop = begins[what]

    def fault(exchange: Exchange) -> None:
        if after:
            exchange.forward()
        exchange.handler.close_connection = True
        with contextlib.suppress(OSError):
            exchange.handler.wfile.write(begin)
            while not exchange.proxy.closing.wait(0.05):
                exchange.handler.wfile.write(drop)

    return fault


def delay(seconds: float) -> Fault:
    """The server hears of it so much later; the client gets its answer."""

    def fault(exchange: Exchange) -> None:
        exchange.proxy.closing.wait(seconds)
        exchange.reply(exchange.forward())

    return fault


def answer(status: int, body: object, content_type: str = "application/json", *, after: bool = False) -> Fault:
    """Somebody else answers: bytes as they are, anything else as JSON; `after` says that the server was asked too."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def fault(exchange: Exchange) -> None:
        if after:
            exchange.forward()
        exchange.reply(Answer(status, content, content_type))

    return fault


def redirect(location: str, status: int = 307) -> Fault:
    """Look elsewhere, as a reverse proxy that was set up anew, or somebody on the line, has it."""

    def fault(exchange: Exchange) -> None:
        exchange.reply(Answer(status, b"{}", location=location))

    return fault


def html(status: int, *, after: bool = False) -> Fault:
    """The error page of a reverse proxy or a captive portal."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>".encode()
    return answer(status, page, "text/html", after=after)


def garbled(exchange: Exchange) -> None:
    """The server acts, and its JSON arrives cut in the middle, as if that were all of it."""
    heard = exchange.forward()
    exchange.reply(Answer(heard.status, heard.body[: len(heard.body) // 2], heard.content_type))


def torn(exchange: Exchange) -> None:
    """The server acts, and the line breaks in the middle of its answer."""
    heard = exchange.forward()
    half = heard.body[: len(heard.body) // 2]
    exchange.reply(Answer(heard.status, half, heard.content_type), promise=len(heard.body) - len(half))


def twice(exchange: Exchange) -> None:
    """The request reaches the server two times, as a middlebox that retries has it; the last answer is heard."""
    exchange.forward()
    exchange.reply(exchange.forward())


def refuse_from_here_on(exchange: Exchange) -> None:
    """This one goes through; whoever connects afterwards is refused, until `FaultProxy.up`."""
    heard = exchange.forward()
    exchange.proxy.down()
    exchange.reply(heard, close=True)


def kill(*, after: bool) -> Fault:
    """`kill -9` of the client (`FaultProxy.victim`), before the server hears of the request or after it acted."""

    def fault(exchange: Exchange) -> None:
        if after:
            exchange.forward()
        victim = exchange.proxy.await_victim()
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(PATIENCE_S)
        exchange.cut()

    return fault


def only_pay(fault: Fault) -> Fault:
    """Do this to what pays, and let what asks for an invoice through: LNbits has one route for both."""

    def chosen(exchange: Exchange) -> None:
        if exchange.json.get("out") is True:
            fault(exchange)
        else:
            exchange.reply(exchange.forward())

    return chosen


# -- the proxy --------------------------------------------------------------------------------------------------------


@dataclass
class _Rule:
    fault: Fault
    method: str
    path: re.Pattern[str]
    skip: int
    left: int | None


class FaultProxy:
    """Listens on a port of its own; use it as a context manager."""

    def __init__(self, upstream: str, *, websockets: bool = False) -> None:
        self.upstream = upstream
        self.websockets = websockets
        self.tunnels: list[socket.socket] = []
        self.seen: list[Exchange] = []
        self.closing = threading.Event()
        self._rules: list[_Rule] = []
        self._lock = threading.Condition()
        self._victim: subprocess.Popen[str] | None = None
        self._listener: _Listener | None = None
        self._port = 0
        self.up()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def on(self, fault: Fault, method: str = "", path: str = "", *, nth: int = 1, times: int | None = 1) -> None:
        """Do this to the `nth` request of the method whose path matches (from now on), and to `times` in all.

        `path` is a regular expression for the whole path without the query; None for `times` is all from there on.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, re.compile(path or ".*"), nth - 1, times))

    def heal(self) -> None:
        """No faults any more."""
        with self._lock:
            self._rules.clear()
        self.up()

    def count(self, method: str = "", path: str = "") -> int:
        """How many such requests came."""
        return len(self.those(method, path))

    def those(self, method: str = "", path: str = "") -> list[Exchange]:
        """The requests of the method whose path matches."""
        pattern = re.compile(path or ".*")
        return [each for each in self.seen if _fits(each, method, pattern)]

    def down(self) -> None:
        """Refuse connections."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown()
            listener.server_close()

    def up(self) -> None:
        """Accept connections (again), on the same port."""
        if self._listener is None:
            self._listener = _Listener(("127.0.0.1", self._port), _handler_for(self))
            self._port = self._listener.server_address[1]
            threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()

    def cut_tunnels(self) -> None:
        """Break off every websocket that goes through here."""
        tunnels, self.tunnels = self.tunnels, []
        for line in tunnels:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    @property
    def victim(self) -> subprocess.Popen[str] | None:
        """Whom `kill` is for; it may be named after the fault."""
        return self._victim

    @victim.setter
    def victim(self, process: subprocess.Popen[str] | None) -> None:
        with self._lock:
            self._victim = process
            self._lock.notify_all()

    def await_victim(self) -> subprocess.Popen[str]:
        """The victim, as soon as it is named."""
        with self._lock:
            assert self._lock.wait_for(lambda: self._victim is not None, PATIENCE_S)
        assert self._victim is not None
        return self._victim

    def fault_for(self, exchange: Exchange) -> Fault | None:
        """The fault that falls on a request; it is used up by that."""
        with self._lock:
            self.seen.append(exchange)
            for rule in self._rules:
                if not _fits(exchange, rule.method, rule.path) or rule.left == 0:
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        return None

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.cut_tunnels()
        self.down()


def _tunnel(exchange: Exchange) -> None:
    """Hand a websocket's handshake on as it is, then every byte either way, until one side or `cut_tunnels` ends it."""
    upstream = urlsplit(exchange.proxy.upstream)
    below, above = exchange.handler.connection, socket.create_connection((upstream.hostname, upstream.port))
    exchange.proxy.tunnels += [below, above]
    exchange.handler.close_connection = True
    head = [f"{exchange.method} {exchange.path} HTTP/1.1", *(f"{n}: {v}" for n, v in exchange.handler.headers.items())]
    above.sendall("\r\n".join([*head, "", ""]).encode())

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=copy, args=(below, above), daemon=True)
    thread.start()
    copy(above, below)
    thread.join(PATIENCE_S)
    above.close()


def _fits(exchange: Exchange, method: str, path: re.Pattern[str]) -> bool:
    return method in ("", exchange.method) and path.fullmatch(exchange.path.partition("?")[0]) is not None


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed break off; that is what this is for."""


def _handler_for(proxy: FaultProxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else headers and body, sent apart, wait 40 ms for each other

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_LINE}
            exchange = Exchange(self.command, self.path, headers, body, proxy, self)
            fault = proxy.fault_for(exchange)
            if fault is not None:
                fault(exchange)
            elif proxy.websockets and self.headers.get("upgrade"):
                _tunnel(exchange)
            else:
                exchange.reply(exchange.forward())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 (named by http.server)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: pytest shows what a test prints."""

    return Handler
