"""Phones in the world: `serve` on the machine that a link was written on, and a wallet that takes the money."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from werkzeug.test import Client

BASE_URL = "http://127.0.0.1:8190"


def take(part: Any, argv: list[str]) -> int:
    """Both steps of LUD-03 by a link's token and an invoice (`phone TOKEN BOLT11`), after what `serve` does by itself.

    Prints what the wallet is told; 0 if that is OK, else 6.
    """
    _, token, invoice = argv
    rate = part("serve.visitors").Rate
    desk = part("serve.desk").Desk(
        lambda seconds: part("workspace").Workspace(dict(os.environ), timeout_s=seconds), BASE_URL
    )
    site = part("serve.site").Site(desk, rate(None), rate(None))
    keeper = part("serve.keeping").Keeper(desk, site.counts, site.claims, "off")
    for moment in (10.0**12, 10.0**13):
        keeper.look_around(moment)
    wallet = Client(site)
    told = wallet.get(f"/c/{token}/lnurl", base_url=BASE_URL).json or {}
    if "k1" in told:
        query = {"k1": told["k1"], "pr": invoice}
        told = wallet.get(f"/c/{token}/callback", base_url=BASE_URL, query_string=query).json or {}
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if told.get("status") == "OK" else 6
