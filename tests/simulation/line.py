"""The line between amani and the world's servers: what httpx would send goes here, and comes back as fate has it.

Faults stand in a step by the number of the request within it: what `FAULTS` names happens to that request. "pay 0" is
the first request that pays, "ask 0" the first that asks for an invoice, an address, a new wallet or new keys;
"from 5" the sixth and all after it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx

from tests.simulation.lnbits import Answer, Request, read_query

if TYPE_CHECKING:
    from tests.simulation.world import World

# What may happen to a request. `acts` says how often the server got it; what comes back is in `_bent`.
FAULTS = {
    "refused": 0,  # no connection: not one byte left
    "no-connection": 0,  # the same, after a long time
    "cut-before": 0,
    "cut-after": 1,
    "cut-body": 1,
    "silence": 0,  # never got there, and nobody says so
    "late": 0,  # gets there when nobody waits any more
    "no-answer": 1,
    "doubled": 2,
    "dripped": 1,
    "429": 0,
    "500": 0,
    "502": 0,
    "504": 0,
    "504-after": 1,
    "502-after": 1,
    "html": 0,
    "html-after": 1,
    "520": 0,
    "redirect": 0,
    "empty": 1,
    "old": 0,  # an answer to the very same question, kept by something on the line
    "other": 0,  # the answer to another question
    "other-after": 1,
    "elsewhere": 0,  # another server answers
    "404": 0,
    "400-wallet": 0,
}
# Those that money is lost by most easily: nobody heard what became of it. They befall payments more often.
HEAVY = ("late", "late", "late", "late", "no-answer", "504-after", "cut-after", "other")
# A cache keeps no answer for longer.
OLDEST_S = 60.0
# A request that got lost arrives after so long, if at all.
LATEST_S = 60.0


class Line:
    """Carries requests to servers by their host."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._told: list[tuple[float, str, str, Answer]] = []

    def send(self, request: httpx.Request) -> httpx.Response:
        """Carry one request, and whatever befalls it."""
        world = self.world
        host = request.headers.get("host") or request.url.netloc.decode()
        content = request.read()
        asks = b'"out": false' in content or b'"out":false' in content or "/lnurlp/" in request.url.path
        asks = asks or (request.method == "POST" and request.url.path in ("/api/v1/wallet", "/api/v1/account"))
        asks = asks or request.url.path.startswith("/api/v1/wallet/reset/")
        pays = b'"bolt11"' in content or b'"customerReference"' in content
        fault = world.next_fault(pays, asks)
        world.point(f"{request.method} {request.url.path}")
        world.clock.pass_(0.01 + world.rng.random() * 0.05)
        asked = Request(
            request.method,
            request.url.path,
            read_query(request.url.query.decode()),
            {name.lower(): value for name, value in request.headers.items()},
            _json(content),
            world.running(),
        )
        if host not in world.servers:
            raise httpx.ConnectError("[Errno -2] Name or service not known", request=request)
        if fault is None:
            answer = self._ask(host, asked)
            world.point(f"answered {request.method} {request.url.path}")
            return self._response(request, answer)
        return self._bent(fault, host, request, asked)

    def _ask(self, host: str, asked: Request) -> Answer:
        server = self.world.servers[host]
        server.rng = self.world.rng
        answer: Answer = server.handle(asked)
        self._told.append((self.world.clock.now, host, _name(asked), answer))
        del self._told[:-60]
        return answer

    def _arrive(self, host: str, asked: Request) -> None:
        self._ask(host, asked)

    def _bent(self, fault: str, host: str, request: httpx.Request, asked: Request) -> httpx.Response:
        world, rng = self.world, self.world.rng
        wait = max(0.0, _ends(request) - time.monotonic())
        if fault == "refused":
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        if fault == "no-connection":
            world.clock.pass_(wait)
            raise httpx.ConnectTimeout("timed out", request=request)
        if fault == "late":
            world.later(wait + rng.random() * LATEST_S, lambda: self._arrive(host, asked))
        answer = None
        for _ in range(FAULTS[fault]):
            answer = self._ask(host, asked)
        world.point(f"{fault} {request.method} {request.url.path}")
        if fault in ("silence", "late", "no-answer"):
            world.clock.pass_(wait)
            raise httpx.ReadTimeout("timed out", request=request)
        if fault in ("cut-before", "cut-after"):
            raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
        if fault == "elsewhere" and asked.path.startswith("/cb/"):  # whose invoice it is, nothing in it tells
            return self._response(request, _odd("502"))
        if fault == "elsewhere":
            others = [each for each in world.servers if each != host]
            return self._response(request, self._ask(rng.choice(others), asked))
        if fault in ("old", "other", "other-after"):
            return self._response(request, self._kept(fault, host, asked) or Answer(502, "<h1>Bad Gateway</h1>"))
        if fault == "500":  # a server in trouble repeats what it should not
            said = f"Unexpected error! ID: cDGHm {asked.headers.get('x-api-key', '')}"
            return self._response(request, Answer(500, {"detail": said}))
        if answer is None:
            return self._response(request, _odd(fault))
        if fault in ("504-after", "502-after", "html-after"):
            return self._response(request, _odd(fault.removesuffix("-after")))
        if fault == "empty":
            return self._response(request, Answer(200, ""))
        return self._response(request, answer, fault)

    def _kept(self, fault: str, host: str, asked: Request) -> Answer | None:
        """An answer that something on the line had kept, not too long ago."""
        now, name = self.world.clock.now, _name(asked)
        fresh = [each for each in self._told if each[1] == host and each[0] >= now - OLDEST_S]
        if fault == "old" or asked.path.startswith("/cb/"):  # whose invoice it is, nothing in it tells
            fresh = [each for each in fresh if each[2] == name]
        else:
            fresh = [each for each in fresh if each[2] != name]
        return self.world.rng.choice(fresh)[3] if fresh else None

    def _response(self, request: httpx.Request, answer: Answer, fault: str = "") -> httpx.Response:
        headers = {"content-type": answer.content_type, "date": self.world.clock.date(), **answer.headers}
        return httpx.Response(
            answer.status, headers=headers, stream=_Body(self.world, answer.content, fault, request), request=request
        )


class _Body(httpx.SyncByteStream):
    """An answer's body: whole, cut in its middle, or in drips."""

    def __init__(self, world: World, content: bytes, fault: str, request: httpx.Request) -> None:
        self._world, self._content, self._fault, self._request = world, content, fault, request

    def __iter__(self) -> Iterator[bytes]:
        half = len(self._content) // 2
        if self._fault == "cut-body":
            yield self._content[:half]
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
        if self._fault == "dripped":
            for at in range(0, len(self._content), max(1, len(self._content) // 8)):
                left = max(0.0, _ends(self._request) - time.monotonic())
                self._world.clock.pass_(min(4.9, left))
                if left < 4.9:
                    raise httpx.ReadTimeout("timed out", request=self._request)
                yield self._content[at : at + max(1, len(self._content) // 8)]
            return
        yield self._content


def _ends(request: httpx.Request) -> float:
    """The moment by which a request must be over: amani's own transport takes it so (providers/wire.py)."""
    ends = request.extensions.get("timeout", {}).get("read")
    return time.monotonic() + 30.0 if ends is None else float(ends)


def _odd(fault: str) -> Answer:
    if fault == "html":
        return Answer(200, "<html><body>Welcome to the hotel's network</body></html>")
    if fault == "redirect":
        return Answer(307, "", {"location": "http://127.0.0.99/login"})
    if fault == "429":
        return Answer(429, {"error": "Rate limit exceeded: 200 per 1 minute"})
    if fault == "520":
        return Answer(520, "<h1>Web server is returning an unknown error</h1>")
    if fault == "404":
        return Answer(404, "<h1>Not Found</h1>")
    if fault == "400-wallet":
        return Answer(404, {"detail": "Not Found"})
    return Answer(int(fault), "<h1>Bad Gateway</h1>")


def _name(asked: Request) -> str:
    """What a cache goes by: not by what makes a question the only one of its kind."""
    made = asked.method == "POST" and asked.path in ("/api/v1/wallet", "/api/v1/account")
    key = "" if made else asked.headers.get("x-api-key", "") + asked.headers.get("authorization", "")
    said = asked.body
    if asked.method == "POST" and isinstance(said, dict):
        said = {name: value for name, value in said.items() if name not in ("extra", "name")}
    body = json.dumps(said, sort_keys=True, default=str) if said is not None else ""
    return f"{asked.method} {asked.path} {sorted(asked.query.items())} {key} {body}"


def _json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_float=Decimal) if content else None
    except ValueError:
        return None


def draw(rng: random.Random, requests: int) -> dict[str, str]:
    """Faults for a step: mostly one, early; sometimes a whole bad hour."""
    names = sorted(FAULTS)
    if rng.random() < 0.15:
        return {str(number): rng.choice(names) for number in range(requests) if rng.random() < 0.5}
    if rng.random() < 0.15:  # the answer about an invoice that is asked for is another one's
        return {f"ask {rng.choice([0, 0, 1, 2])}": rng.choice(["old", "old", "other", "other", "elsewhere", "doubled"])}
    if rng.random() < 0.15:  # the line is down, and stays so
        down = ["refused", "cut-before", "silence", "502", "429", "html"]
        return {f"from {1 + int(rng.expovariate(0.15))}": rng.choice(down)}
    if rng.random() < 0.4:
        return {"pay 0": rng.choice([*names, *HEAVY])}
    return {str(int(rng.expovariate(0.25))): rng.choice(names)}
