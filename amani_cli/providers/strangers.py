"""Lines to servers that somebody else named: an LNURL's, a cheque's. They must not lead into one's own network."""

from __future__ import annotations

from urllib.parse import urlsplit

from amani_cli.providers import addresses, proxies
from amani_cli.providers.http import Line

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
    allow: addresses.Allow | None = None
    if not private and not addresses.is_onion(origin):
        if parts.scheme == "http":
            raise addresses.private(parts.netloc)
        if addresses.ip(host) is not None:
            addresses.only_public(parts.netloc, [host])
        if proxies.of(origin) is None:
            allow = addresses.only_public
    return Line(origin, deadline=deadline, timeout=timeout, name=name, stranger=True, limit=limit, allow=allow)
