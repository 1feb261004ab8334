"""Which machine an address means: this one, one of a private network, one of the internet; and names looked up in time.

This is the only place that decides it. What a name stands for is decided by the addresses that it resolves to, at the
moment when one of them is connected to (`wire`).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from amani_cli import errors

if TYPE_CHECKING:
    import ipaddress

# Refuses, by raising, to connect to a host (the first argument) that resolved to these addresses.
Allow = Callable[[str, list[str]], None]


def is_loopback(url: str) -> bool:
    """Whether an address is meant to be this very machine; `wire` connects such a name to nothing else."""
    host = urlsplit(url).hostname or ""
    return is_localhost(host) or is_loopback_ip(host)


def is_onion(url: str) -> bool:
    """Whether an address is a Tor onion service, whose line is private and proven by its name, whatever the scheme."""
    return (urlsplit(url).hostname or "").endswith(".onion")


def is_localhost(host: str) -> bool:
    """Whether a name is one of those kept for this very machine (RFC 6761, 6.3), which a resolver need not know."""
    return host == "localhost" or host.endswith(".localhost")


def is_loopback_ip(text: str) -> bool:
    """Whether a text is an IP address of this machine: 127.0.0.0/8 in dotted form, and ::1."""
    # Without the ipaddress module, which every start would pay for.
    numbers = text.split(".")
    dotted = len(numbers) == 4 and numbers[0] == "127" and text.isascii()
    return text == "::1" or (dotted and all(n.isdigit() and int(n) < 256 and n == str(int(n)) for n in numbers))


def ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a text is; None for a name."""
    import ipaddress

    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the public internet; those that wrap an IPv4 address are judged by it."""
    import ipaddress

    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if wrapped is None and address in ipaddress.IPv6Network("64:ff9b::/96"):  # NAT64
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
    return address.is_global and not address.is_multicast


def only_this_machine(host: str, found: list[str]) -> None:
    """Refuse a name of this machine that resolves to another. Raises `errors.RefusedByPolicy`."""
    if not all(map(is_loopback_ip, found)):
        raise errors.RefusedByPolicy(
            f"{host} should be this very machine, and leads to {', '.join(found)[:100]}",
            code="NOT_THIS_MACHINE",
            retry="never",
            hint="Write 127.0.0.1, or look at who answers for that name: /etc/hosts and your resolver.",
        )


def only_public(host: str, found: list[str]) -> None:
    """Refuse a host unless every one of its addresses is of the public internet. Raises `errors.RefusedByPolicy`."""
    if not all((address := ip(text)) is not None and is_public(address) for text in found):
        raise private(host)


def private(host: str) -> errors.RefusedByPolicy:
    """The error for a stranger's server that would lead into one's own network."""
    return errors.RefusedByPolicy(
        f"{host} leads to a private address or this very machine, not to the internet",
        code="PRIVATE_ADDRESS",
        retry="never",
        hint="What others give you must not reach into your own network. Only a wallet of the sandbox may go there, and"
        " a cheque may where a wallet of yours is already.",
    )


def look_up(host: str, port: int, ends: float) -> list[tuple[int, tuple[object, ...]]]:
    """The addresses of a host, each with its family, by `ends` on the monotonic clock.

    A resolver can't be told how long to take, so a name is looked up in a thread that nobody waits for any longer.
    Raises `TimeoutError`, and other `OSError` for a name that can't be found.
    """
    if _is_number(host):
        return _resolved(host, port)
    import queue
    import threading

    told: queue.SimpleQueue[list[tuple[int, tuple[object, ...]]] | BaseException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            told.put(_resolved(host, port))
        except BaseException as error:
            told.put(error)

    threading.Thread(target=ask, name=f"amani looks up {host}", daemon=True).start()
    try:
        found = told.get(timeout=max(0.0, ends - time.monotonic()))
    except queue.Empty:
        raise TimeoutError(f"{host} was not found in time (DNS)") from None
    if isinstance(found, BaseException):
        raise found
    return found


def _is_number(host: str) -> bool:
    """Whether a host is an IP address, for which nobody has to be asked."""
    if ":" in host:
        return True
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        return False
    return True


def _resolved(host: str, port: int) -> list[tuple[int, tuple[object, ...]]]:
    try:
        known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is too long for a name
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in known))


def clean_url(text: str, *, insecure_http: bool = False) -> str:
    """Bring a server's address into its one form: no trailing slash, no API path, host in lower case.

    Raises `errors.Usage` for what is not an address, for one that carries a login, and for plain http off
    loopback and onion services unless `insecure_http`.
    """
    text = text.strip()
    try:
        if "://" not in text:
            text = ("http://" if _needs_no_tls("http://" + text) else "https://") + text
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _no_address() from None
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in text):
        raise _no_address()
    path = parts.path.rstrip("/")
    for ending in ("/api/v1", "/api", "/wallet", "/docs"):
        path = path.removesuffix(ending)
    host = parts.hostname.lower()
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    url = f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "") + path
    if parts.query or parts.fragment or parts.username or parts.password:
        raise errors.Usage(
            "the address carries a login or a query, which is a secret",
            code="BAD_URL",
            hint=f"Give the server's address alone: {url}",
        )
    if parts.scheme == "http" and not insecure_http and not _needs_no_tls(url):
        raise errors.Usage(
            f"plain http to {host} would send the key in the clear",
            code="INSECURE_HTTP",
            hint="Use https://, or add the wallet with --insecure-http if the line is safe by other means.",
        )
    return url


def _needs_no_tls(url: str) -> bool:
    return is_loopback(url) or is_onion(url)


def _no_address() -> errors.Usage:
    # Without what was given, which may hold a password, or be a key in the wrong place.
    return errors.Usage("that is not a web address", code="BAD_URL", hint="Give it as https://lnbits.example.com.")
