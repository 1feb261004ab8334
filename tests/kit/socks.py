"""A small SOCKS5 server (RFC 1928, 1929) on loopback: whatever host is asked for, it leads to one port.

with socks_proxy(server.port) as proxy:
    … ALL_PROXY=proxy.url …
    proxy.asked  # [("lnbits.example", 80)]
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

WAYS = ("refuses", "silent", "hangs up", "garbage", "wants a login")


@dataclass
class SocksProxy:
    """Where it listens, and what it was asked for: names as they came, never looked up on this side."""

    port: int
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What ALL_PROXY is set to."""
        return f"socks5h://127.0.0.1:{self.port}"


@contextlib.contextmanager
def socks_proxy(to_port: int, way: str = "", login: bytes = b"") -> Iterator[SocksProxy]:
    """A proxy; with `login` (`name:password`) it asks for one, and with one of `WAYS` it does something else."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = SocksProxy(listener.getsockname()[1])

        def serve() -> None:
            while not ended.is_set():
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(line,), daemon=True).start()

        def one(line: socket.socket) -> None:
            with line, contextlib.suppress(OSError, IndexError):
                if way == "hangs up":
                    return
                line.recv(1024)
                if way in ("silent", "garbage"):
                    line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" if way == "garbage" else b"")
                    ended.wait()
                    return
                line.sendall(b"\x05\xff" if way == "wants a login" else b"\x05\x02" if login else b"\x05\x00")
                if login:
                    name, _, password = login.partition(b":")
                    right = bytes([1, len(name)]) + name + bytes([len(password)]) + password
                    line.sendall(b"\x01\x00" if line.recv(1024) == right else b"\x01\x01")
                request = line.recv(1024)
                assert request[3] == 3, "a name was looked up on the wrong side"
                proxy.asked.append((request[5 : 5 + request[4]].decode(), int.from_bytes(request[-2:], "big")))
                if way == "refuses":
                    line.sendall(b"\x05\x04\x00\x01" + bytes(6))
                    return
                with socket.create_connection(("127.0.0.1", to_port)) as there:
                    line.sendall(b"\x05\x00\x00\x01" + bytes(6))
                    _carry(line, there)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield proxy
        finally:
            ended.set()


def _carry(one: socket.socket, other: socket.socket) -> None:
    ways = {one: other, other: one}
    while True:
        for line in select.select([*ways], [], [])[0]:
            data = line.recv(65536)
            if not data:
                return
            ways[line].sendall(data)
