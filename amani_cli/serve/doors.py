"""The server: pages and claims have threads of their own, so that neither waits for the other; and it ends in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from waitress.task import ThreadedTaskDispatcher

from amani_cli.operations import lines

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PAGE_THREADS, CLAIM_THREADS = 4, 12
HEAD_LIMIT = 16 * 1024
ENDING_S = 30.0
"""How long what was begun may take once it is told to stop."""


class _Dispatcher:
    """Hands a request to the threads for pages, or to those for whatever waits for a provider."""

    def __init__(self) -> None:
        self._pages, self._claims = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        self._pages.set_thread_count(PAGE_THREADS)
        self._claims.set_thread_count(CLAIM_THREADS)

    def add_task(self, line: Any) -> None:
        """Take a line with a whole request on it."""
        request = line.requests[0] if line.requests else None
        path = str(getattr(request, "path", ""))
        waits = getattr(request, "command", "") == "POST" or path.endswith("/callback") or "/verify/" in path
        (self._claims if waits else self._pages).add_task(line)

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        """End the threads."""
        ended = [each.shutdown(cancel_pending, timeout) for each in (self._pages, self._claims)]
        return all(ended)


class Doors(lines.Server):
    """The server of `serve`."""

    _ends: float | None = None
    _is_open = True

    def run(self) -> None:
        """Listen until told to `stop`; then let what was begun end, and leave."""
        while self._ends is None or (self._is_busy() and time.monotonic() < self._ends):
            self.asyncore.loop(
                timeout=self.adj.asyncore_loop_timeout, map=self._map, use_poll=self.adj.asyncore_use_poll, count=1
            )
            if self._ends is not None and self._is_open:
                self._is_open = False
                self.del_channel()
                self.socket.close()
        self.task_dispatcher.shutdown()

    def stop(self) -> None:
        """Take nobody in any more. May be called by a signal, and again."""
        if self._ends is None:
            self._ends = time.monotonic() + ENDING_S
        self.pull_trigger()

    def _is_busy(self) -> bool:
        return self._is_open or any(not line.waits for line in self.active_channels.values())


def open_at(application: WSGIApplication, host: str, port: int, *, body_limit: int, behind_proxy: bool) -> Doors:
    """A server that listens. Raises `OSError` when the port is taken.

    With `behind_proxy` the last address of X-Forwarded-For is who asks, whoever connects; without it such headers are
    taken away.
    """
    proxy: dict[str, Any] = {"clear_untrusted_proxy_headers": True}
    if behind_proxy:
        proxy |= {"trusted_proxy": "*", "trusted_proxy_count": 1, "trusted_proxy_headers": {"x-forwarded-for"}}
    adjusted = lines.adjustments(
        host, port, body_limit=body_limit, max_request_header_size=HEAD_LIMIT, backlog=256, **proxy
    )
    doors = Doors(application, map={}, dispatcher=_Dispatcher(), adj=adjusted, sockinfo=adjusted.listen[0])
    doors.is_proxied = behind_proxy or host in ("127.0.0.1", "::1")  # there is no guest whose lines could be counted
    return doors
