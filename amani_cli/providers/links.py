"""LNURLs and Lightning addresses, read offline: LUD-01 and LUD-17 (links), LUD-16 (addresses).

https://github.com/lnurl/luds. Nothing of a bech32 LNURL is ever repeated: it may be a secret.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from amani_cli import errors
from amani_cli.encodings import bech32
from amani_cli.encodings.bolt11 import looks_like_invoice
from amani_cli.providers.addresses import is_loopback

LONGEST = 2000  # characters of a link; a URL that is longer is not taken by servers either

Purpose = Literal["pay", "withdraw", "login", "channel"]
_SCHEMES: dict[str, Purpose] = {"lnurlp": "pay", "lnurlw": "withdraw", "keyauth": "login", "lnurlc": "channel"}
_ADDRESS = r"([a-z0-9_.+-]{1,64})@([^\s@/?#]{1,255})"


class Link(NamedTuple):
    """Where an LNURL or a Lightning address leads. `purpose` is what its form promises; None if only the server knows.

    `domain` is what a person is shown: in ASCII, so that a letter of another script can't pass for a Latin one.
    """

    url: str
    domain: str
    address: str | None
    purpose: Purpose | None


def read_link(text: str) -> Link | None:
    """What an LNURL in any form, a Lightning address or an https link says; None for what is no such thing.

    Raises `errors.Usage` for what is one and can't be right. Nothing of a bech32 LNURL is repeated: it may be a secret.
    """
    lowered = text.lower()
    if lowered.startswith("lnurl1"):
        return _from_bech32(text)
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if separator and scheme in _SCHEMES:
        return link_to(rest, _SCHEMES[scheme])
    if separator and scheme in ("https", "http"):
        hidden = _fallback(text)
        return _from_bech32(hidden) if hidden else link_to(rest, None, scheme)
    return _from_address(lowered)


def _from_bech32(text: str) -> Link:
    if len(text) > LONGEST * 2:
        raise _bad("is longer than any LNURL can be")
    try:
        prefix, words = bech32.decode(text)
        url = bech32.to_bytes(words).decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("holds no link") from None
    except ValueError as error:
        raise _bad(str(error)) from None
    scheme, separator, rest = url.partition("://")
    if prefix != "lnurl" or not separator or scheme.lower() not in ("https", "http"):
        raise _bad("holds no https link")
    return link_to(rest, None, scheme.lower())


def _from_address(text: str) -> Link | None:
    match = re.fullmatch(_ADDRESS, text)
    if match is None:
        return None
    user, host = match.groups()
    link = link_to(f"{host}/.well-known/lnurlp/{quote(user, safe='+')}", "pay")
    return link._replace(address=f"{user}@{link.domain}")


def is_of(address: str, identifier: str) -> bool:
    """Whether what a server says of itself names the address that it was asked for; a `+tag` may be left out of it."""
    try:
        told = _from_address(identifier.strip().lower())
    except errors.Usage:
        return False
    user, _, host = address.rpartition("@")
    return told is not None and told.address in (address, f"{user.partition('+')[0]}@{host}")


def _fallback(url: str) -> str | None:
    """The LNURL that a web link carries in its query (LUD-01)."""
    found = _lightning_part(url)
    return found if found is not None and found.lower().startswith("lnurl1") else None


def _lightning_part(url: str) -> str | None:
    """What a web link says as `lightning=`."""
    try:
        query = urlsplit(url).query
    except ValueError:
        raise _bad("holds no link that can be right") from None
    found = [value for name, value in query_of(query) if name.lower() == "lightning"]
    if len(found) > 1:
        raise _bad("has more than one lightning= part, and nobody can say which is meant")
    return found[0] if found else None


def invoice_inside(text: str) -> str | None:
    """The invoice that a web link carries as `lightning=` in its query, as payment pages do; None without one.

    Raises `errors.Usage` where there is more than one `lightning=`.
    """
    if not text.lower().startswith(("https://", "http://")):
        return None
    found = _lightning_part(text)
    return found if found is not None and looks_like_invoice(found) else None


def query_of(text: str) -> list[tuple[str, str]]:
    """The names and values of a query, percent-decoded and no more: a `+` is a plus, as in BIP 21 and URLs."""
    parts = (part.partition("=") for part in text.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def link_to(rest: str, purpose: Purpose | None, scheme: str | None = None) -> Link:
    """The link to `rest`, a URL without its scheme: https, but http for onion services and this very machine."""
    if len(rest) > LONGEST or any(c.isspace() or not c.isprintable() for c in rest):
        raise _bad("is too long or holds spaces")
    try:
        parts = urlsplit("//" + rest)
        port = parts.port
    except ValueError:
        raise _bad("holds no link that can be right") from None
    host = _ascii_host(parts.hostname or "")
    if parts.username is not None or parts.password is not None:
        raise _bad("holds a login, which can hide where it leads")
    plain_http = host.endswith(".onion") or is_loopback(f"http://{_bracketed(host)}")
    if scheme == "http" and not plain_http:
        raise _bad(f"leads to {host} by plain http, which anybody on the way can change")
    if scheme is None:
        scheme = "http" if plain_http else "https"
    domain = _bracketed(host) + (f":{port}" if port else "")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]{}|") if parts.query else ""
    is_login = ("tag", "login") in query_of(parts.query)
    return Link(f"{scheme}://{domain}{path}{query}", domain, None, "login" if is_login else purpose)


def _ascii_host(host: str) -> str:
    if ":" in host:  # an IPv6 address; urlsplit has looked at it
        return host
    try:
        name = host.removesuffix(".")
        if not name.isprintable():  # UTS 46 leaves out what can't be seen
            raise _bad("leads to a domain that can't exist")
        if not name.isascii():
            import idna

            name = idna.encode(name, uts46=True).decode()
    except UnicodeError:
        raise _bad("leads to a domain that can't exist") from None
    name = name.lower()
    label = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
    if len(name) > 253 or not re.fullmatch(rf"{label}(?:\.{label})*", name):
        raise _bad("leads to a domain that can't exist")
    if "." not in name and name != "localhost":
        raise _bad(f"leads to '{name}', which is no domain", hint="An address looks like ada@example.com.")
    return name


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bad(what: str, hint: str = "Copy it again: every character of it counts.") -> errors.Usage:
    return errors.Usage(f"this LNURL or address {what}", code="BAD_LNURL", hint=hint)
