"""Word from LNbits' websocket that something happened on a wallet; a thread keeps the line up and dials again.

Whoever knows the address can push any text into it (POST /api/v1/ws/{id}), so what is heard is a hint to ask, and is
never believed. Its address ends in the wallet's invoice key, and there is no replay: whoever hears `up` asks what
happened before. (https://github.com/lnbits/lnbits/blob/main/lnbits/core/views/websocket_api.py)
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from amani_cli import __version__, log
from amani_cli.providers.addresses import is_loopback
from amani_cli.providers.http import tls
from amani_cli.providers.wire import connect

CONNECT_S = 10.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
# A server (or a proxy before it) that answers the handshake with a plain status has no websocket; it may have one day.
NONE_HERE_S = 600.0
MESSAGE_LIMIT = 256 * 1024


class Word(NamedTuple):
    """What an ear heard: that its line is `up` or `down`, or `news`, with the payment hash that it may be about."""

    what: Literal["up", "down", "news"]
    payment_hash: str | None = None


class Ear:
    """Listens to one wallet from `start` to `stop`, and tells `heard` each word, in a thread of its own."""

    def __init__(self, url: str, key: str, heard: Callable[[Word], None]) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        self._tls = tls(url) or None
        self._uri = f"{'wss' if self._tls else 'ws'}://{parts.netloc}{parts.path}/api/v1/ws/{key}"
        self._heard = heard
        self._stopped = threading.Event()
        self._line: Any = None
        self._thread = threading.Thread(target=self._listen, name=f"amani ear of {self._host}", daemon=True)

    def start(self) -> None:
        """Dial, without waiting for an answer."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up."""
        self._stopped.set()
        if (line := self._line) is not None:
            with contextlib.suppress(OSError):
                line.close_socket()
        self._thread.join(1)

    def _listen(self) -> None:
        from websockets.exceptions import InvalidStatus, WebSocketException

        pause = FIRST_PAUSE_S
        while not self._stopped.is_set():
            wait, was_up = pause, False
            try:
                with self._connected() as self._line:
                    was_up = True
                    self._say("websocket is up")
                    self._heard(Word("up"))
                    for message in self._line:
                        self._heard(Word("news", _payment_hash(message)))
                reason = "closed by the server"
            except InvalidStatus as error:
                status = error.response.status_code
                reason = f"answered {status}"
                wait = pause if status in (429, 500, 502, 503, 504) else NONE_HERE_S
            except (OSError, EOFError, WebSocketException, ValueError) as error:
                reason = type(error).__name__  # its text may hold the address, and so the key
            self._line = None
            if was_up:
                wait = pause = FIRST_PAUSE_S
                self._heard(Word("down"))
            if not self._stopped.is_set():
                self._say(f"websocket is down ({reason}); next try in {wait:.0f} s")
            # Jitter, so that many listeners don't come back together.
            self._stopped.wait(wait * (0.5 + os.urandom(1)[0] / 255))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _connected(self) -> Any:
        from websockets.sync.client import connect as upgraded

        # With a socket of our own no redirect is followed, which might take the key elsewhere.
        line = connect(*self._address, time.monotonic() + CONNECT_S)
        line.settimeout(None)
        return upgraded(
            self._uri,
            sock=line,
            ssl=self._tls,
            proxy=None,
            compression=None,
            open_timeout=CONNECT_S,
            close_timeout=1,
            max_size=MESSAGE_LIMIT,
            user_agent_header=f"amani/{__version__}",
            logger=_NOBODY,
        )

    def _say(self, text: str) -> None:
        log.event("info", f"LNbits {text}", event="push", host=self._host)


def can_dial(url: str) -> bool:
    """Whether a server can be dialled directly: through a proxy it is asked instead."""
    from amani_cli.providers import proxies

    return is_loopback(url) or proxies.of(url) is None


def _payment_hash(message: object) -> str | None:
    """The payment that a message says it is about, if it is one of LNbits' own and well made."""
    try:
        said = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        return None
    payment = said.get("payment") if isinstance(said, dict) else None
    found = payment.get("payment_hash") if isinstance(payment, dict) else None
    is_hash = isinstance(found, str) and len(found) == 64 and set(found) <= set("0123456789abcdef")
    return found if is_hash else None


# The library's own log lines hold the address.
_NOBODY = logging.getLogger("amani_cli.pushes")
_NOBODY.disabled = True
