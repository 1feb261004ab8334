"""The sockets beneath the HTTP client: looking up, connecting, TLS, sending and reading all end by one moment.

httpx limits each single read, so that a server which sends a byte a second is never timed out. What it hands down as
a timeout is, for these, the moment on the monotonic clock by which everything must be over.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

# httpcore loads what it finds of these, of which amani uses none: SOCKS is 2 to 15 ms of every start, anyio 2, and trio
# 60 where something else has brought it. Here it finds none; `proxies.load_socks` brings SOCKS in where it is used.
if "httpcore" not in sys.modules:
    for _name in {"socksio", "anyio", "trio", "h2"}.difference(sys.modules):
        sys.modules[_name] = None  # type: ignore[assignment]
import httpcore

if "httpcore" in sys.modules:
    for _name in ("socksio", "anyio", "trio", "h2"):
        if sys.modules.get(_name, ...) is None:
            del sys.modules[_name]

from amani_cli.providers.addresses import Allow, is_localhost, look_up, only_this_machine

_RECORD = 65536

T = TypeVar("T")


def connect(host: str, port: int, ends: float, allow: Allow | None = None) -> socket.socket:
    """A connection to a host, made by `ends`; its addresses are tried in turn, each for its share of what is left.

    `allow` is shown the addresses first and raises to refuse them; one of those it saw is connected to, and no other.
    A name of this very machine never leads elsewhere. Raises `TimeoutError` and other `OSError`.
    """
    known = look_up(host, port, ends)
    found = list(dict.fromkeys(str(address[0]) for _, address in known))
    if is_localhost(host):
        only_this_machine(host, found)
    if allow is not None:
        allow(host, found)
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    for number, (family, address) in enumerate(known):
        line = None
        try:
            line = socket.socket(family, socket.SOCK_STREAM)
            line.settimeout(left(ends) / (len(known) - number))
            line.connect(address)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return line
        except OSError as error:
            failure = error
            if line is not None:
                line.close()
    raise failure


def left(ends: float) -> float:
    """Seconds until `ends`. Raises `TimeoutError` when there are none."""
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


class Wire(httpcore.NetworkBackend):
    """Makes the HTTP client's connections; `allow` as in `connect`. They may be those to a `proxy`."""

    def __init__(self, allow: Allow | None = None, *, proxy: bool = False) -> None:
        self._allow = allow
        self._failures = _NO_PROXY if proxy else _CONNECTING

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection; `timeout` is the moment by which it must be there."""
        assert timeout is not None
        return _Stream(_told(lambda: connect(host, port, timeout, self._allow), self._failures), timeout)


_Errors = tuple[type[Exception], type[Exception]]
_CONNECTING: _Errors = (httpcore.ConnectTimeout, httpcore.ConnectError)


class NoProxy(httpcore.ProxyError):
    """The proxy itself could not be reached."""


_NO_PROXY: _Errors = (NoProxy, NoProxy)


def _told(act: Callable[[], T], errors: _Errors) -> T:
    """Do it, with its failures in httpcore's words."""
    try:
        return act()
    except TimeoutError as error:
        raise errors[0](str(error)) from error
    except OSError as error:
        raise errors[1](str(error)) from error


class _Stream(httpcore.NetworkStream):
    """A connection on which each `timeout` is a moment.

    httpcore names none for what it says to a SOCKS proxy, which must be over by `ends`, and is the proxy's fault.
    """

    def __init__(self, line: socket.socket, ends: float) -> None:
        self._line = line
        self._ends = ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived; nothing at the end."""
        if timeout is None:
            return self._asked(lambda: self.read(max_bytes, self._ends) or _hung_up())
        # Spelled out, not by `_told`: every answer comes through here.
        try:
            self._line.settimeout(left(timeout))
            return self._line.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        if timeout is None:
            return self._asked(lambda: self.write(buffer, self._ends))
        try:
            while buffer:
                self._line.settimeout(left(timeout))
                buffer = buffer[self._line.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def _asked(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except httpcore.TimeoutException:
            raise httpcore.ProxyError("it did not answer in time") from None
        except httpcore.NetworkError as error:
            raise httpcore.ProxyError(str(error)) from error

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on in TLS; within TLS, where a proxy is spoken to so."""
        assert timeout is not None
        try:
            if isinstance(self._line, ssl.SSLSocket):
                return _Tunnel(self, ssl_context, server_hostname, timeout)

            def wrapped() -> socket.socket:
                self._line.settimeout(left(timeout))  # a handshake takes it as the time for the whole of it
                return ssl_context.wrap_socket(self._line, server_hostname=server_hostname)

            return _Stream(_told(wrapped, _CONNECTING), timeout)
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        """What the client asks of a connection: whether something waits on it that should not be there."""
        if info == "is_readable":
            return _is_readable(self._line)
        return None


def _hung_up() -> bytes:
    raise httpcore.ProxyError("it hung up")


class _Tunnel(httpcore.NetworkStream):
    """TLS within a connection that is in TLS already, which `SSLSocket` can't do."""

    def __init__(self, outer: _Stream, context: ssl.SSLContext, name: str | None, ends: float) -> None:
        self._outer = outer
        self._from, self._to = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._from, self._to, server_hostname=name)
        try:
            self._done(self._tls.do_handshake, ends)
        except (httpcore.ReadTimeout, httpcore.WriteTimeout) as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except (httpcore.ReadError, httpcore.WriteError) as error:
            raise httpcore.ConnectError(str(error)) from error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived; nothing at the end."""
        assert timeout is not None
        return self._done(lambda: self._tls.read(max_bytes), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        assert timeout is not None
        while buffer:
            part = buffer
            buffer = buffer[self._done(lambda: self._tls.write(part), timeout) :]  # noqa: B023 (called at once)

    def close(self) -> None:
        """Hang up."""
        self._outer.close()

    def get_extra_info(self, info: str) -> Any:
        """As of the connection around it."""
        return self._outer.get_extra_info(info)

    def _done(self, act: Callable[[], T], ends: float) -> T:
        """Do a step of TLS, carrying its bytes to and fro as long as it asks for more."""
        while True:
            wants = False
            try:
                result = act()
            except ssl.SSLWantReadError:
                wants = True
            except OSError as error:
                raise httpcore.ReadError(str(error)) from error
            if self._to.pending:
                self._outer.write(self._to.read(), ends)
            if not wants:
                return result
            data = self._outer.read(_RECORD, ends)
            self._from.write(data) if data else self._from.write_eof()


def _is_readable(line: socket.socket) -> bool:
    """Whether a connection that should be silent is not: the other side has hung up, or never stopped talking."""
    with contextlib.suppress(OSError, ValueError):  # it may be closed already
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(line, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([line], [], [], 0)[0])
    return True
