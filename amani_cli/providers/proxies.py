"""Which proxy the environment names for a server, read as httpx reads it; and SOCKS, loaded where one is used."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def of(url: str) -> str | None:
    """The address of the proxy for a server, or None where the line goes straight there."""
    parts = urlsplit(url)
    known = getproxies()
    if proxy_bypass(parts.netloc):
        return None
    found = known.get(parts.scheme) or known.get("all")
    return found if not found or "://" in found else f"http://{found}"


def name_of(proxy: str) -> str:
    """A proxy as it may be shown: without its login."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def load_socks(proxy: str) -> None:
    """Have httpcore know SOCKS, which `wire` kept from it, if that is what a proxy speaks."""
    if not proxy.startswith("socks"):
        return
    import httpcore
    from httpcore._sync.socks_proxy import SOCKSProxy

    httpcore.SOCKSProxy = SOCKSProxy  # type: ignore[misc]


def socks_errors() -> tuple[type[Exception], ...]:
    """What is raised for an answer that is no SOCKS; nothing where none was loaded."""
    socksio = sys.modules.get("socksio")
    return (socksio.SOCKSError,) if socksio is not None else ()
