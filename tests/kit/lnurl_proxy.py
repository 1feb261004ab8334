"""A reverse proxy on loopback before the real LNbits that gives its own answers to chosen paths."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any] | None


class Proxy:
    """`answer(method, path)` gives a status and a JSON body, or None for the server's own; `seen` is all of it."""

    def __init__(self, port: int) -> None:
        self.answer: Callable[[str, str], Answer] = lambda *_: None
        self.seen: list[tuple[str, str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

            def finish(self) -> None:
                self.upstream.close()
                super().finish()

            def handle_any(self) -> None:
                owner.seen.append((self.command, self.path))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                own = owner.answer(self.command, self.path)
                if own is None:
                    headers = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
                    self.upstream.request(self.command, self.path, body or None, headers)
                    answer = self.upstream.getresponse()
                    status, kind, data = answer.status, answer.headers.get("Content-Type", ""), answer.read()
                else:
                    status, kind, data = own[0], "application/json", json.dumps(own[1]).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                return None

        for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler.handle_any)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that was killed is what these tests are about."""

        self._http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
