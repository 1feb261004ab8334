"""Servers of Lightning addresses, which say one thing and may do another."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from hashlib import sha256

from tests.simulation.lnbits import Answer, Request
from tests.simulation.network import Network


class LnurlHost:
    """One host with a few names. `mood` is what it does when it is asked for an invoice; honest unless said."""

    def __init__(self, name: str, network: Network, now: Callable[[], float]) -> None:
        self.name, self.network, self.now = name, network, now
        self.url = f"https://{name}"
        self.rng = random.Random(0)
        self.wallets: dict[str, object] = {}
        self.records: list[object] = []
        self.tokens: dict[str, str] = {}
        self.mood = "honest"
        self.most = 100_000_000

    def handle(self, request: Request) -> Answer:
        """Answer a request (LUD-06, LUD-16)."""
        user = request.path.rpartition("/")[2]
        metadata = json.dumps([["text/plain", f"to {user}"], ["text/identifier", f"{user}@{self.name}"]])
        if request.path.startswith("/.well-known/lnurlp/"):
            return Answer(
                200,
                {
                    "tag": "payRequest",
                    "callback": f"https://{self.name}/cb/{user}",
                    "minSendable": 1000,
                    "maxSendable": self.most,
                    "metadata": metadata,
                    "commentAllowed": 0,
                },
            )
        if not request.path.startswith("/cb/"):
            return Answer(404, "<h1>Not Found</h1>")
        amount = int(request.query.get("amount", ["0"])[0])
        if self.mood == "refuses":
            return Answer(200, {"status": "ERROR", "reason": "not today"})
        told = {"dear": amount * 2, "a bit dear": amount + 1000}.get(self.mood, amount)
        described = sha256((metadata + "!" if self.mood == "other words" else metadata).encode()).hexdigest()
        expiry = {"short": 30, "over": 1}.get(self.mood, 3600)
        made_at = self.now() - (3600 if self.mood == "over" else 0)
        paper = self.network.invoice(
            self.rng,
            told,
            made_at,
            expiry=expiry,
            payee=sha256(f"{self.name}/{user}".encode()).hexdigest(),
            description_hash=described,
        )
        paper.asked = f"{user}@{self.name}"
        return Answer(200, {"pr": paper.bolt11, "routes": []})


MOODS = ("honest", "honest", "honest", "dear", "a bit dear", "other words", "short", "over", "refuses")
