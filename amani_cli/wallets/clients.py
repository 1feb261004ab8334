"""Clients of the servers that wallets are on, within this command's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import clocks
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits
    from amani_cli.providers.lnurl import Lnurl


def lnurl_for(ws: Workspace, *, private: bool) -> Lnurl:
    """Lines to LNURL servers, within this command's time."""
    from amani_cli.providers.lnurl import Lnurl

    return Lnurl(deadline=ws.deadline, timeout=ws.timeout, private=private)


def lnbits_client(ws: Workspace, url: str, key: str | None = None) -> Lnbits:
    """A client for an LNbits, with a key or none, within this command's time."""
    from amani_cli.providers.http import Line
    from amani_cli.providers.lnbits import Lnbits

    return Lnbits(Line(url, deadline=ws.deadline, timeout=ws.timeout), key)


def hear_time(ws: Workspace, url: str) -> None:
    """Ask an LNbits for its health, so that `clocks` know its time, unless it was heard in this run.

    Raises what asking raises.
    """
    if clocks.told(url) is None:
        with lnbits_client(ws, url) as client:
            client.health()
