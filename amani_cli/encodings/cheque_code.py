"""The code of a cheque: everything a claimer needs, in one line that is itself the money.

`amani1` and the base32 (RFC 4648, lower case, no padding) of: a version byte, the network, the admin key and the id of
the wallet that holds the funds, a fingerprint of the wallet that gave them, the amount in msat, the expiry, the
server's address, and four bytes of SHA-256 over all that, which catch a damaged code before anybody is asked about it.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import NamedTuple

from amani_cli import errors

PREFIX = "amani1"
_VERSION = 1
_NETWORKS = ("bitcoin", "testnet", "signet", "regtest")
_HEAD = struct.Struct(">BB16s16s8sQQ")
_CHECK = 4
_LONGEST = 2000


class ChequeCode(NamedTuple):
    """What a code says. `admin_key` is the bearer secret; `origin` tells the giver's wallet without naming it."""

    admin_key: str
    wallet_id: str
    origin: bytes
    amount_msat: int
    expires_at: int
    network: str
    url: str


def origin_of(identity: str) -> bytes:
    """The fingerprint of a giver's wallet: enough to know one's own, nothing to find another's by."""
    return hashlib.sha256(identity.encode()).digest()[:8]


def encode(code: ChequeCode) -> str:
    """Write a cheque as one line. Raises `errors.Usage` for keys that are not LNbits' 32 hex digits."""
    try:
        key, wallet_id = bytes.fromhex(code.admin_key), bytes.fromhex(code.wallet_id)
    except ValueError:
        key = wallet_id = b""
    if len(key) != 16 or len(wallet_id) != 16:
        raise errors.Usage("this server's keys are not of the form that a cheque can carry", code="ODD_KEYS")
    network = _NETWORKS.index(code.network)
    head = _HEAD.pack(_VERSION, network, key, wallet_id, code.origin, code.amount_msat, code.expires_at)
    payload = head + code.url.encode()
    payload += hashlib.sha256(payload).digest()[:_CHECK]
    return PREFIX + base64.b32encode(payload).decode().rstrip("=").lower()


def decode(text: str) -> ChequeCode:
    """Read a code, whatever its case and white space. Raises `errors.Usage` for one that is damaged or none.

    The error never repeats the code: it may be one letter away from somebody's money.
    """
    bare = "".join(text.split()).lower()
    if not bare.startswith(PREFIX) or len(bare) > _LONGEST:
        hint = f"A cheque's code begins with {PREFIX}."
        if bare.startswith(("http", "lnurl", "lightning:")):
            hint = "A link is claimed by: amani invoice claim LINK"
        raise errors.Usage("that is not a cheque", code="BAD_CHEQUE", hint=hint)
    digits = bare[len(PREFIX) :].upper()
    try:
        payload = base64.b32decode(digits + "=" * (-len(digits) % 8))
    except ValueError:
        raise _damaged() from None
    body, check = payload[:-_CHECK], payload[-_CHECK:]
    if len(body) <= _HEAD.size or hashlib.sha256(body).digest()[:_CHECK] != check:
        raise _damaged()
    version, network, key, wallet_id, origin, amount_msat, expires_at = _HEAD.unpack(body[: _HEAD.size])
    if version != _VERSION or network >= len(_NETWORKS):
        raise errors.Usage(
            "this cheque was made by a newer amani", code="NEWER_CHEQUE", hint="Upgrade amani and claim it again."
        )
    try:
        url = body[_HEAD.size :].decode()
    except UnicodeDecodeError:
        raise _damaged() from None
    return ChequeCode(key.hex(), wallet_id.hex(), origin, amount_msat, expires_at, _NETWORKS[network], url)


def looks_like_code(text: str) -> bool:
    """Whether a text may be a cheque's code, and so a secret."""
    return "".join(text.split()).lower().startswith(PREFIX)


def _damaged() -> errors.Usage:
    return errors.Usage(
        "this cheque's code is damaged or cut off", code="BAD_CHEQUE", hint="Copy it again, from amani1 to its end."
    )
