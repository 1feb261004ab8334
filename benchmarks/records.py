"""A server that tells of many payments, page by page, as LNbits does: a process of its own, whose work nobody pays for.

python -m benchmarks.records NUMBER [CERTIFICATE]   prints the port that it listens on, in TLS with a certificate
"""

from __future__ import annotations

import json
import random
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

WALLET = "1dea" * 8
KEY = "0123456789abcdef" * 2
_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def _records(number: int) -> list[dict[str, object]]:
    """Payments, newest first, one every ten minutes, with what LNbits 1.5 says of each."""
    chance = random.Random(number)
    made = []
    for each in range(number):
        at = (_BEGIN + timedelta(minutes=10 * (number - each))).isoformat()
        came = chance.random() < 0.4
        amount = int(10 ** chance.uniform(3, 8)) // 1000 * 1000
        digest = chance.randbytes(32).hex()
        record: dict[str, object] = {
            "checking_id": digest,
            "payment_hash": digest,
            "wallet_id": WALLET,
            "amount": amount if came else -amount,
            "fee": 0 if came else -chance.randrange(5000),
            "bolt11": "lnbc" + chance.randbytes(150).hex(),
            "status": "success",
            "memo": chance.choice(("coffee", "rent for August", "airtime", "school fees", "market, stall 7")),
            "expiry": at,
            "webhook": None,
            "webhook_status": None,
            "preimage": chance.randbytes(32).hex(),
            "tag": None,
            "extension": None,
            "time": at,
            "created_at": at,
            "updated_at": at,
            "extra": {"wallet_fiat_currency": "USD", "wallet_fiat_amount": 1.234, "wallet_fiat_rate": 1020.5},
        }
        made.append(record)
    return made


def main() -> None:
    """Serve until killed."""
    records = _records(int(sys.argv[1]))
    texts = [json.dumps(each, separators=(",", ":")) for each in records]
    times = [datetime.fromisoformat(str(each["time"])).timestamp() for each in records]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = parse_qs(parts.query)
            if parts.path == "/api/v1/wallet":
                self._say({"id": WALLET, "name": "bench", "balance": 10**12})
                return
            if parts.path != "/api/v1/payments/paginated":
                self._say({"detail": "Not Found"}, 404)
                return
            until = float(asked.get("time[le]", ["inf"])[0])
            first = next((at for at, time in enumerate(times) if time <= until), len(times))
            begin = first + int(asked["offset"][0])
            page = ",".join(texts[begin : begin + int(asked["limit"][0])])
            self._send(f'{{"data":[{page}],"total":{len(records) - first}}}'.encode())

        def _say(self, body: object, status: int = 200) -> None:
            self._send(json.dumps(body).encode(), status)

        def _send(self, data: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if len(sys.argv) > 2:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[2])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_address[1], flush=True)
        server.serve_forever()


@contextmanager
def serving(number: int, certificate: Path | None = None) -> Iterator[str]:
    """Such a server; gives its address."""
    words = [sys.executable, "-m", "benchmarks.records", str(number), *([str(certificate)] if certificate else [])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        try:
            yield f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}"
        finally:
            process.kill()


if __name__ == "__main__":
    main()
