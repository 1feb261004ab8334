"""Lines to servers that somebody else named: an LNURL's, a cheque's. They must not lead into one's own network."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from amani_cli.providers import addresses
from amani_cli.providers.http import Line, NotSent

# A picture in an LNURL's metadata may have 136,536 characters (LUD-06), and nothing else there is large.
LIMIT = 256 * 1024


def line(origin: str, *, deadline: float, timeout: float, name: str, private: bool, limit: int = LIMIT) -> Line:
    """A line to a stranger's server: https to the public internet, and to onion services through a proxy alone.

    `private` allows private and loopback addresses, and http to this machine. What is checked is the address that is
    connected to; behind a proxy it is the proxy that resolves the name, and its own rules say where it may go. `limit`
    is the most that an answer may hold, in bytes.

    Raises `errors.RefusedByPolicy` (code PRIVATE_ADDRESS), here or when it connects, and `NotSent` where Tor is needed.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    proxied = _proxied(parts.scheme, host)
    allow: addresses.Allow | None = None
    if host.endswith(".onion"):
        if not proxied:
            raise NotSent(
                f"{parts.netloc} can be reached through Tor only",
                code="NEEDS_TOR",
                hint="Name an HTTP proxy that goes through Tor in ALL_PROXY, e.g. ALL_PROXY=http://127.0.0.1:8118.",
            )
    elif not private:
        if parts.scheme == "http":
            raise addresses.private(parts.netloc)
        if addresses.ip(host) is not None:
            addresses.only_public(parts.netloc, [host])
        if not proxied:
            allow = addresses.only_public
    return Line(origin, deadline=deadline, timeout=timeout, name=name, stranger=True, limit=limit, allow=allow)


def _proxied(scheme: str, host: str) -> bool:
    """Whether the environment names a proxy for a host, read as httpx reads it."""
    proxies = getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(host)
