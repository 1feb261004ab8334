"""Servers of Lightning addresses, which say one thing and may do another."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from hashlib import sha256

from tests.simulation.lnbits import Answer, Later, Request
from tests.simulation.network import Network


class LnurlHost:
    """One host with a few names. `mood` is what it does when it is asked for an invoice; honest unless said."""

    def __init__(self, name: str, network: Network, now: Callable[[], float], later: Later) -> None:
        self.name, self.network, self.now, self.later = name, network, now, later
        self.url = f"https://{name}"
        self.rng = random.Random(0)
        self.wallets: dict[str, object] = {}
        self.records: list[object] = []
        self.by_hash: dict[str, list[object]] = {}
        self.spent: set[str] = set()
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
        if request.path.startswith(("/w/", "/wcb/")):
            return self._withdraw(request, user)
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

    def _withdraw(self, request: Request, link: str) -> Answer:
        """Give money away once a link (LUD-03); in a bad mood say no and give it all the same, or later."""
        if request.path.startswith("/w/"):
            offer = {"tag": "withdrawRequest", "callback": f"https://{self.name}/wcb/{link}", "k1": f"k1of{link:0>28}"}
            told = {"minWithdrawable": 1000, "maxWithdrawable": 100_000, "defaultDescription": "a gift"}
            return Answer(200, offer | told)
        paper = self.network.by_text.get(request.query.get("pr", [""])[0].lower())
        if self.mood in ("refuses", "over") or link in self.spent or paper is None or paper.maker is None:
            return Answer(200, {"status": "ERROR", "reason": "not today"})
        self.spent.add(link)
        wallet = paper.maker
        if self.mood in ("short", "dear"):
            self.later(self.rng.random() * 4000, lambda: wallet.take(paper))
        else:
            wallet.take(paper)
        if self.mood in ("a bit dear", "dear"):
            return Answer(200, {"status": "ERROR", "reason": "something went wrong"})
        return Answer(200, {"status": "OK"})


MOODS = ("honest", "honest", "honest", "dear", "a bit dear", "other words", "short", "over", "refuses")
