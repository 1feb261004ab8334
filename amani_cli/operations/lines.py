"""The lines of what amani listens on: a slow one is cut, and none keeps others from being heard.

waitress counts any byte as activity, and stops listening at its limit of lines: whoever drips bytes into a hundred of
them would shut everybody out.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from amani_cli import errors

if TYPE_CHECKING:
    import socket

    from _typeshed.wsgi import WSGIApplication

REQUEST_S = 20.0
"""How long a line may be without a whole request, head and body, from its beginning or the last one."""
MOST_LINES = 200
MOST_LINES_OF_ONE = 50
"""Lines at once, of all and of one address, unless a proxy stands before it. A new one is let in for the slowest that
has no whole request on it."""
CHECK_EVERY_S = 1
_THREADS = 4


class Line(HTTPChannel):  # type: ignore[misc]  # waitress tells no types
    """A line, which knows since when it waits for a whole request."""

    waits_since = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.waits_since = time.monotonic()
        super().__init__(*args, **kwargs)

    @property
    def waits(self) -> bool:
        """Whether nothing of it is being answered."""
        return not self.requests and not self.total_outbufs_len

    def received(self, data: bytes) -> bool:
        """Take bytes in. Only a request that is whole ends the wait: blank lines and halves do not."""
        taken: bool = super().received(data)
        if self.requests:
            self.waits_since = time.monotonic()
        return taken


class Server(TcpWSGIServer):  # type: ignore[misc]  # waitress tells no types
    """Cuts lines that wait for too long, and the slowest where there are too many."""

    channel_class = Line
    is_proxied = False  # then every line is of one address, the proxy's

    def maintenance(self, now: float) -> None:
        """Cut what has waited for too long, whatever came meanwhile."""
        super().maintenance(now)
        latest = time.monotonic() - REQUEST_S
        for line in list(self.active_channels.values()):
            if line.waits and line.waits_since < latest:
                line.will_close = True

    def set_socket_options(self, conn: socket.socket) -> None:
        """Make room for a line that has just been accepted: among its own address' first, then among all."""
        super().set_socket_options(conn)
        lines = [line for line in self.active_channels.values() if not line.will_close]
        address = conn.getpeername()[0]
        own = [line for line in lines if line.addr[0] == address]
        if len(own) >= MOST_LINES_OF_ONE and not self.is_proxied:
            _cut_slowest(own)
        elif len(lines) >= MOST_LINES:
            _cut_slowest(lines)


def _cut_slowest(lines: list[Line]) -> None:
    waiting = [line for line in lines if line.waits]
    if waiting:
        min(waiting, key=lambda line: line.waits_since).handle_close()


def server(application: WSGIApplication, host: str, port: int, *, body_limit: int) -> Server:
    """A server that listens. Raises `OSError` when the port is taken."""
    from waitress.task import ThreadedTaskDispatcher

    adjusted = adjustments(host, port, body_limit=body_limit)
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(_THREADS)
    return Server(application, map={}, dispatcher=dispatcher, adj=adjusted, sockinfo=adjusted.listen[0])


def adjustments(host: str, port: int, *, body_limit: int, **more: Any) -> Adjustments:
    """What waitress is told, with `more` of its own words. Raises `errors.Usage` for what can't be listened on."""
    try:
        return Adjustments(
            host=host,
            port=port,
            threads=_THREADS,
            max_request_body_size=body_limit,
            channel_timeout=max(1, int(REQUEST_S)),
            cleanup_interval=CHECK_EVERY_S,
            connection_limit=10 * MOST_LINES,  # ours is below it, and makes room instead of shutting the door
            asyncore_loop_timeout=CHECK_EVERY_S,
            asyncore_use_poll=True,  # select() takes no descriptor above 1023
            ident=None,
            **more,
        )
    except ValueError:  # a name that leads nowhere, or no address
        raise errors.Usage(
            f"'{host}' is no address to listen on",
            hint="Leave --host out for 127.0.0.1, or write an address of this machine's.",
        ) from None
