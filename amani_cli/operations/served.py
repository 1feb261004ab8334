"""Whether what was given out as links and addresses can be reached: by the way that others come, from outside in."""

from __future__ import annotations

import time
from typing import Literal
from urllib.parse import urlsplit

from amani_cli import errors
from amani_cli.cheques import links
from amani_cli.models.operations import Finding
from amani_cli.store import addresses, marks, wallets
from amani_cli.store import links as store_links
from amani_cli.store.rows import AddressRow
from amani_cli.wallets import invoice_keys
from amani_cli.wallets.known import known
from amani_cli.workspace import Workspace

CHECK = "serve"
LOOK_S = 10.0
ANSWER = {"serves": "amani"}


def look(ws: Workspace) -> list[Finding]:
    """The address of `serve`: its name, its certificate, and whether amani answers there. Nothing secret is sent."""
    if not ws.has_store:
        return []
    out = len(store_links.open_cheques(ws.store)), len(addresses.every(ws.store))
    url = ws.config.get("base_url")
    if url == "off":
        words = f"{out[0]} open link(s) and {out[1]} address(es), and no base_url"
        return [Finding(CHECK, "fail", words, "amani config set base_url URL, and: amani serve")] if any(out) else []
    mark = marks.read(ws.store, links.mark_of(url))
    if mark is None and not any(out):
        return [Finding(CHECK, "ok", f"{url} is set, and nothing was given out yet")]
    if (urlsplit(url).hostname or "").endswith(".onion"):
        return [Finding(CHECK, "warn", f"{url} was not looked at: it takes Tor", "open it in Tor Browser")]
    return [_reached(ws, url, out)]


def invoice_keys_work(ws: Workspace) -> list[Finding]:
    """Whether the invoice key that is kept for a wallet's addresses by itself is still good: keys that were made anew
    elsewhere, in LNbits itself, leave it dead, and whoever pays is told that no invoice can be made."""
    found = list[Finding]()
    by_wallet: dict[int, AddressRow] = {}
    for row in addresses.every(ws.store) if ws.has_store else []:
        if row.place is not None:
            by_wallet.setdefault(row.wallet_id, row)
    for wallet_id, row in by_wallet.items():
        stored = wallets.by_id(ws.store, wallet_id)
        if stored is None:
            continue
        ws.restart_clock()
        try:
            with invoice_keys.client(ws, known(ws, stored), row.place) as client:
                client.wallet()
        except errors.NotAuthorised as error:  # of a team, one machine serves them
            status: Literal["warn", "fail"] = "warn" if error.code == "NO_KEY" and ws.is_shared else "fail"
            fix = f"remove and add again each address of it: amani address remove {row.name}"
            found.append(Finding(CHECK, status, f"nobody can pay {row.name}: {error.message}", fix))
        except errors.AmaniError:
            continue  # its server is told of with the wallet
    return found


def _reached(ws: Workspace, url: str, out: tuple[int, int]) -> Finding:
    from amani_cli.providers.http import Line

    given = f"{out[0]} open link(s), {out[1]} address(es)"
    try:
        with Line(url, deadline=time.monotonic() + min(ws.timeout, LOOK_S), timeout=LOOK_S, name="serve") as line:
            answer = line.read("/health")
    except errors.AmaniError as error:
        fix = "run 'amani serve', and look at the proxy, the name and the certificate (docs/serve.md)"
        return Finding(CHECK, "fail" if any(out) else "warn", f"{given}, and {error.message}", fix)
    if answer.status != 200 or answer.body != ANSWER:
        fix = "send everything of that name to 'amani serve', with its Host as it came (docs/serve.md)"
        return Finding(CHECK, "fail", f"{url} answers {answer.status}, and it is not amani that does", fix)
    return Finding(CHECK, "ok", f"{url} is served; {given}")
