"""Who comes to a machine by itself: a wallet that takes the money of a link from `serve`, a server with a webhook."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from werkzeug.test import Client

BASE_URL = "http://127.0.0.1:8190"


def _served(part: Any) -> Client:
    """A wallet that is connected to `serve`, which has just done what it does by itself."""
    rate = part("serve.visitors").Rate
    desk = part("serve.desk").Desk(
        lambda seconds: part("workspace").Workspace(dict(os.environ), timeout_s=seconds), BASE_URL
    )
    site = part("serve.site").Site(desk, rate(None), rate(None))
    keeper = part("serve.keeping").Keeper(desk, site.counts, site.claims, "off")
    for moment in (10.0**12, 10.0**13):
        with contextlib.suppress(part("errors").AmaniError):  # as it goes on whatever is away
            keeper.look_around(moment)
    return Client(site)


def take(part: Any, argv: list[str]) -> int:
    """Both steps of LUD-03 by a link's token and an invoice (`phone TOKEN BOLT11`).

    Prints what the wallet is told; 0 if that is OK, else 6.
    """
    _, token, invoice = argv
    wallet = _served(part)
    told = wallet.get(f"/c/{token}/lnurl", base_url=BASE_URL).json or {}
    is_claim = "k1" in told
    if is_claim:
        query = {"k1": told["k1"], "pr": invoice}
        told = wallet.get(f"/c/{token}/callback", base_url=BASE_URL, query_string=query).json or {}
    sys.stdout.write(json.dumps({**told, "by": "the callback" if is_claim else "the first step"}) + "\n")
    return 0 if told.get("status") == "OK" else 6


def ask(part: Any, argv: list[str]) -> int:
    """Ask an address of ours for an invoice over so many msat, and whether it is paid (`payer NAME MSAT`)."""
    _, name, amount = argv
    wallet = _served(part)
    offer = wallet.get(f"/.well-known/lnurlp/{name}", base_url=BASE_URL).json or {}
    made: dict[str, Any] = {}
    if "callback" in offer:
        made = wallet.get(f"/a/{name}/callback", base_url=BASE_URL, query_string={"amount": amount}).json or {}
    if "pr" not in made:
        sys.stdout.write(json.dumps(made or offer) + "\n")
        return 6
    seen = wallet.get(made["verify"].removeprefix(BASE_URL), base_url=BASE_URL).json or {}
    sys.stdout.write(json.dumps({"data": {"bolt11": made["pr"], "settled": seen.get("settled")}}) + "\n")
    return 0


def call(part: Any, argv: list[str]) -> int:
    """An LNbits, or who says to be one, tells of a payment (`hook HASH WALLET-ID`); 0 if it is answered 200."""
    _, payment_hash, wallet_id = argv

    def workspace() -> Any:
        ws = part("workspace").Workspace(dict(os.environ), timeout_s=30.0)
        ws.catch_up = lambda wallet: part("options").catch_up(ws, wallet)
        return ws

    receiver = part("webhooks").Receiver(workspace, lambda event: None)
    said = json.dumps(json.dumps({"payment_hash": payment_hash, "wallet_id": wallet_id}))
    answer = Client(receiver).post("/lnbits", base_url=BASE_URL, data=said)
    sys.stdout.write(answer.text)
    return {200: 0, 503: 10}.get(answer.status_code, 1)


VISITS: dict[str, Callable[[Any, list[str]], int]] = {"phone": take, "hook": call, "payer": ask}
"""What stands in a script like a command, and is somebody who comes to one that goes on by itself."""
