"""Servers on loopback that never come to an end: whoever talks to one must know by itself when time is up.

with dripping("head") as port:  # or another of `WAYS`
    …
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

EVERY_S = 0.05
"""Between two drops: far less than any timeout, so that none for a single read ever runs out."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


def _until_asked(line: socket.socket) -> None:
    heard = b""
    while b"\r\n\r\n" not in heard:
        data = line.recv(65536)
        if not data:
            raise OSError("gone")
        heard += data


def _head(line: socket.socket, drop: Callable[[bytes], None]) -> None:
    _until_asked(line)
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        drop(b"x")


def _body(line: socket.socket, drop: Callable[[bytes], None]) -> None:
    _until_asked(line)
    line.sendall(HEAD)
    while True:
        drop(b" ")


def _chunks(line: socket.socket, drop: Callable[[bytes], None]) -> None:
    _until_asked(line)
    line.sendall(HEAD.replace(b"Content-Length: 100000", b"Transfer-Encoding: chunked"))
    while True:
        drop(b"1\r\n \r\n")


def _informed(line: socket.socket, drop: Callable[[bytes], None]) -> None:
    _until_asked(line)
    while True:
        drop(b"HTTP/1.1 102 Processing\r\n\r\n")


def _tls(line: socket.socket, drop: Callable[[bytes], None]) -> None:
    line.recv(65536)
    line.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")  # a handshake record of 16 KiB begins
    while True:
        drop(b"\x00")


def _deaf(line: socket.socket, drop: Callable[[bytes], None]) -> None:
    """Takes in a sip of what is sent, now and then."""
    while True:
        drop(b"")
        if not line.recv(1024):
            raise OSError("gone")


def _silent(line: socket.socket, drop: Callable[[bytes], None]) -> None:
    while True:
        drop(b"")


WAYS = {
    "head": _head,
    "body": _body,
    "chunks": _chunks,
    "1xx": _informed,
    "tls": _tls,
    "deaf": _deaf,
    "silent": _silent,
}


@contextlib.contextmanager
def dripping(way: str, *, small: bool = False) -> Iterator[int]:
    """A server that answers in one of `WAYS`; gives its port. `small` has it take in little at once."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        if small:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        def serve(line: socket.socket) -> None:
            def drop(data: bytes) -> None:
                if over.wait(EVERY_S):
                    raise OSError("over")
                line.sendall(data)

            with contextlib.suppress(OSError), line:
                WAYS[way](line, drop)

        def listen() -> None:
            while not over.is_set():
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(line,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1]
        over.set()
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
