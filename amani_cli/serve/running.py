"""Starting and ending the site: what is refused before it listens, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import NamedTuple

from amani_cli import errors
from amani_cli.cheques import links
from amani_cli.models.operations import Event
from amani_cli.serve import doors
from amani_cli.serve.desk import Desk
from amani_cli.serve.keeping import Keeper
from amani_cli.serve.site import BODY_LIMIT, Site
from amani_cli.serve.visitors import Rate
from amani_cli.settings import parse_rate
from amani_cli.store import marks
from amani_cli.workspace import Workspace


class Place(NamedTuple):
    """Where it listens, and what stands before it."""

    host: str
    port: int
    behind_proxy: bool = False


def read_place(listen: str, *, behind_proxy: bool) -> Place:
    """Read HOST:PORT. Raises `errors.Usage`, and `errors.RefusedByPolicy` for what the whole network could reach."""
    from amani_cli.providers.addresses import is_loopback_ip

    host, colon, port = listen.strip().rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise errors.Usage(
            f"'{listen[:60]}' is no address to listen on", code="BAD_LISTEN", hint="Write it as 127.0.0.1:8190."
        )
    if not is_loopback_ip(host) and host != "localhost" and not behind_proxy:
        raise errors.RefusedByPolicy(
            f"{host} can be reached by others, without TLS: whoever is on the line would have the links",
            code="PUBLIC_LISTEN",
            hint="Listen on 127.0.0.1 and put Caddy, nginx or Tor before it (docs/serve.md); or say --behind-proxy if a"
            " proxy elsewhere does that.",
        )
    return Place(host, int(port), behind_proxy)


def refuse_root(as_root: bool) -> None:
    """Refuse to serve the whole internet as root. Raises `errors.RefusedByPolicy`."""
    if os.geteuid() == 0 and not as_root:
        raise errors.RefusedByPolicy(
            "serve answers strangers, and this is root",
            code="AS_ROOT",
            hint="Run it as the user whose wallets these are (docs/serve.md has a systemd unit), or say --as-root.",
        )


def serve(
    ws: Workspace,
    base_url: str,
    place: Place,
    make: Callable[[float], Workspace],
    *,
    told: Callable[[Event], None],
    ready: Callable[[str], None],
) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C); what was begun ends first.

    `make` builds a workspace for a request; `told` is given each claim that settled, `ready` where it listens. Raises
    `errors.Unreachable` when the port is taken.
    """
    desk = Desk(make, base_url)
    visitor = parse_rate(ws.config.get("limit.visitor"))
    site = Site(desk, Rate(visitor), Rate(parse_rate(ws.config.get("limit.serve"))), place.behind_proxy, told=told)
    try:
        server = doors.open_at(site, place.host, place.port, body_limit=BODY_LIMIT, behind_proxy=place.behind_proxy)
    except OSError as error:
        raise errors.Unreachable(
            f"can't listen on {place.host}:{place.port}: {error.strerror}",
            code="PORT_TAKEN",
            hint="Choose another with --listen.",
        ) from None
    _take_over(ws, base_url)
    keeper = Keeper(desk, site.counts, site.claims, ws.config.get("books_currency"))
    keeper.start()
    _stop_by_signal(server)
    host = f"[{server.effective_host}]" if ":" in server.effective_host else server.effective_host
    ready(f"http://{host}:{server.effective_port}")
    try:
        server.run()
    finally:
        keeper.stop()
        server.close()


def _take_over(ws: Workspace, base_url: str) -> None:
    """Write down that this machine is the one that serves an address: links to it are written here alone."""
    name = links.mark_of(base_url)
    before = marks.read(ws.store, name)
    if before is not None and before.value == links.machine():
        return
    if before is not None:
        ws.talk.warn(
            f"{base_url} was served by {before.value} until now; links that were written there need its cheques' keys"
        )
    with ws.store.write() as db:
        marks.make(db, name, links.machine())


def _stop_by_signal(server: doors.Doors) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
