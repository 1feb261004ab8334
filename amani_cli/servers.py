"""Which addresses are one server: what an id that a server made up is worth depends on who said it."""

from __future__ import annotations

from urllib.parse import urlsplit


def server_of(url: str) -> str:
    """The server that a checked address leads to, in a form to compare by; other addresses of it may exist.

    Without the scheme: whoever answers for a host by http answers for it by https too. This very machine has one name.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    numbers = host.split(".")
    if host == "::1" or (len(numbers) == 4 and numbers[0] == "127" and all(n.isdigit() for n in numbers)):
        host = "localhost"
    port = "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{parts.port}"
    return f"{host}{port}{parts.path.rstrip('/')}"
