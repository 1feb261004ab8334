"""Stands between amani and its ledger's server, sees each message of the simple protocol, and breaks the line at one.

https://www.postgresql.org/docs/current/protocol-flow.html
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

Break = Literal["before", "during", "after", "late"]
"""Before the server has the message, once it has it, once it has answered; `late`: it gets it when the line is gone."""


class Instead(str):
    """What the server gets in place of a message."""


_ENDED = "SELECT pg_terminate_backend(pg_backend_pid())"


def statements(text: str) -> list[str]:
    """The statements of a message; a semicolon in quotes parts nothing."""
    return [each.strip() for each in re.findall(r"(?:'(?:[^']|'')*'|[^;'])+", text) if each.strip()]


def ended_after(text: str, number: int) -> Instead:
    """A message in which the backend is ended after so many of its statements, as by an administrator."""
    parts = statements(text)
    return Instead("; ".join([*parts[:number], _ENDED, *parts[number:]]))


_ENCRYPTION = (80877103, 80877104)
LATE_S = 0.4


class LedgerProxy:
    """A proxy on loopback: `seen` has each message; `at` says, by its number and text, how to break the line at one."""

    def __init__(self, port: int) -> None:
        self.seen: list[str] = []
        self.at: Callable[[int, str], Break | Instead | None] = lambda number, text: None
        self.is_away = False
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def address(self, upstream: str) -> str:
        """A server's address, through here."""
        return upstream.replace(f":{self._upstream}/", f":{self.port}/")

    def close(self) -> None:
        """Take no more lines."""
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every line there is."""
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            _break(line)

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_away:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                length = struct.unpack("!i", _exactly(client, 4))[0]
                body = _exactly(client, length - 4)
                if struct.unpack("!i", body[:4])[0] not in _ENCRYPTION:
                    break
                client.sendall(b"N")
            server = socket.create_connection(("127.0.0.1", self._upstream))
            for line in (
                client,
                server,
            ):  # an answer is many small messages: else each waits 40 ms for the last one's ACK
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._lines += [client, server]
            server.sendall(struct.pack("!i", length) + body)
            answers = _Answers(server, client)
            while True:
                kind, body = _message(client)
                raw = kind + struct.pack("!i", len(body) + 4) + body
                if kind != b"Q":
                    server.sendall(raw)
                    continue
                text = body.rstrip(b"\0").decode(errors="replace")
                with self._lock:
                    self.seen.append(text)
                    how = self.at(len(self.seen), text)
                if isinstance(how, Instead):
                    body = how.encode() + b"\0"
                    raw, how = kind + struct.pack("!i", len(body) + 4) + body, None
                if how is None:
                    server.sendall(raw)
                    continue
                if how != "before":
                    answers.keep()
                if how in ("during", "after"):
                    server.sendall(raw)
                if how == "after":
                    answers.wait()
                _break(client)
                if how == "late":
                    time.sleep(LATE_S)
                    server.sendall(raw)
                if how != "before":
                    answers.wait()
                _break(server)
                return


class _Answers:
    """Hands a server's answers on, until they are to be kept from the client."""

    def __init__(self, server: socket.socket, client: socket.socket) -> None:
        self._server, self._client = server, client
        self._kept = False
        self._ready = threading.Event()
        threading.Thread(target=self._pass_on, daemon=True).start()

    def keep(self) -> None:
        self._ready.clear()
        self._kept = True

    def wait(self) -> None:
        """Until the server has answered, or is gone."""
        self._ready.wait(10)

    def _pass_on(self) -> None:
        try:
            while True:
                kind, body = _message(self._server)
                if not self._kept:
                    self._client.sendall(kind + struct.pack("!i", len(body) + 4) + body)
                elif kind == b"Z":
                    self._ready.set()
        except (OSError, EOFError):
            self._ready.set()
            _break(self._client)


def _message(line: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(line, 1)
    return kind, _exactly(line, struct.unpack("!i", _exactly(line, 4))[0] - 4)


def _exactly(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = line.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _break(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@contextlib.contextmanager
def between(port: int) -> Iterator[LedgerProxy]:
    """A proxy before the server at a port."""
    proxy = LedgerProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
