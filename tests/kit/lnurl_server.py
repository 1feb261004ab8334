"""A small LNURL server on loopback that answers whatever a test tells it to, honest or hostile."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

METADATA = json.dumps([["text/plain", "Coffee for Ada"], ["text/long-desc", "Beans from a small farm"]])
METADATA_HASH = sha256(METADATA.encode()).hexdigest()

Query = dict[str, str]
Answer = dict[str, Any] | bytes | tuple[int, dict[str, str], bytes]


def _no_such_page(_: Query) -> Answer:
    return 404, {}, b"<html>no such page</html>"


class LnurlServer:
    """Answers GETs by path: `paths` maps a path to a function of the query. `seen` is every request, in order."""

    def __init__(self) -> None:
        self.paths: dict[str, Callable[[Query], Answer]] = {}
        self.seen: list[tuple[str, Query]] = []
        self.headers: list[dict[str, str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                owner.seen.append((parts.path, query))
                owner.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = owner.paths.get(parts.path, _no_such_page)(query)
                status, more, body = answer if isinstance(answer, tuple) else (200, {}, answer)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **more}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                return None

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that hangs up on a hostile answer is right to."""

        self._http = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._http.server_address[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def pay_to(
        self,
        user: str,
        invoice: Callable[[int, Query], str],
        *,
        metadata: str = METADATA,
        least: int = 1000,
        most: int = 10_000_000,
        callback: str | None = None,
        more: dict[str, Any] | None = None,
        along: dict[str, Any] | None = None,
    ) -> str:
        """Take payments for `user`; `invoice` makes one over so many msat. Returns the Lightning address."""
        offer = {
            "tag": "payRequest",
            "callback": callback or f"{self.url}/cb/{user}",
            "minSendable": least,
            "maxSendable": most,
            "metadata": metadata,
            **(more or {}),
        }
        self.paths[f"/.well-known/lnurlp/{user}"] = lambda _: offer
        self.paths[f"/cb/{user}"] = lambda query: {
            "pr": invoice(int(query["amount"]), query),
            "routes": [],
            **(along or {}),
        }
        return f"{user}@{self.host}"


@pytest.fixture
def lnurl_server() -> Iterator[LnurlServer]:
    server = LnurlServer()
    yield server
    server.stop()
