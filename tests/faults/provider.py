"""A provider in trouble, on loopback: it answers as LNbits does until it is told to stall or to hang up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.kit.driver import PATIENCE_S

WALLET_ID = "1dea" * 8
KEY = "0123456789abcdef" * 2

RECEIVED = {"payment_hash": "00" * 32, "wallet_id": WALLET_ID, "fee": 0, "status": "success", "memo": "top-up"}

Mood = Literal["well", "stall", "hang up"]


@dataclass
class Provider:
    """One wallet's server. `moods` says how a path is answered, `record` what it knows of a payment."""

    url: str = ""
    balance_msat: int = 1_000_000
    moods: dict[str, Mood] = field(default_factory=dict)
    record: dict[str, Any] | None = None
    seen: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def count(self, request: str) -> int:
        """How often a request, such as `POST /api/v1/payments`, has come."""
        return self.seen.count(request)

    def knows(self, bolt11: str, payment_hash: str, status: str, amount_msat: int) -> None:
        """From now on it has a record of this payment."""
        self.record = {
            "payment_hash": payment_hash,
            "wallet_id": WALLET_ID,
            "amount": -amount_msat,
            "fee": -1000,
            "bolt11": bolt11,
            "status": status,
            "memo": "test",
            "preimage": "ab" * 32,
            "created_at": "2026-08-01T12:00:00+00:00",
            "updated_at": "2026-08-01T12:00:01+00:00",
        }

    @property
    def spent_msat(self) -> int:
        """What the payment that it knows of took, the fee with it."""
        record = self.record
        return -record["amount"] - record["fee"] if record is not None and record["status"] == "success" else 0

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """What it says when it is well."""
        if path == "/api/v1/wallet":
            return 200, {"name": "w", "balance": self.balance_msat - self.spent_msat, "id": WALLET_ID}
        if path == "/api/v1/payments/paginated":  # where its money came from
            sent = [self.record] if self.record is not None else []
            return 200, {"data": [*sent, {**RECEIVED, "amount": self.balance_msat}]}
        if path == "/api/v1/payments/fee-reserve":
            return 200, {"fee_reserve": 2000}
        if path.startswith("/api/v1/payments") and self.record is not None:
            paid = self.record["status"] == "success"
            return (201, self.record) if method == "POST" else (200, {"paid": paid, "details": self.record})
        if path.startswith("/api/v1/payments/"):
            return 404, {"detail": "Payment does not exist."}
        return 404, {"detail": "Not Found"}


@contextmanager
def started() -> Iterator[Provider]:
    """A provider that is well, until the end of the block."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = f"{self.command} {path}"
            provider.seen.append(request)
            mood = provider.moods.get(request, "well")
            if mood != "well":
                provider.arrived.set()
                self.close_connection = True
                if mood == "stall":
                    provider.release.wait(PATIENCE_S)
                return
            status, body = provider.answer(self.command, path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 (the name that the server looks for)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        provider.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        provider.release.set()
        server.shutdown()
