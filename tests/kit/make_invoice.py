"""Make and sign BOLT 11 invoices of any kind, right and wrong, for tests.

The signing here leaks its key through timing and is for tests only.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256

from amani_cli.encodings import secp256k1
from amani_cli.encodings.bech32 import CHARSET
from amani_cli.encodings.bolt11 import NETWORKS

SPEC_KEY = "e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734"
"""The private key that the examples of the BOLT 11 text are signed with."""

_PREFIXES = {network: prefix for prefix, network in NETWORKS.items()}
Field = tuple[str, Sequence[int]]


def make_invoice(
    *,
    amount_msat: int | None = 1_000_000,
    description: str | bytes | None = "test",
    description_hash: str | None = None,
    expiry_s: int | None = None,
    created_at: int | None = None,
    network: str = "bitcoin",
    features: Iterable[int] = (8, 14),
    min_final_cltv: int | None = None,
    payment_hash: str | None = None,
    payment_secret: str | None = "11" * 32,
    metadata: str | None = None,
    key: str | None = None,
    state_payee: bool = False,
    high_s: bool = False,
    amount: str | None = None,
    extra: Iterable[Field] = (),
) -> str:
    """Return a signed invoice; what is not given is ordinary: now, one hour, mainnet, its own key and hash.

    Hashes, secrets and `key` are hex. `state_payee` adds the `n` field; `amount` replaces the text of the
    amount (`2500x`); `extra` are fields as (letter, 5-bit words), put before all others. A description or
    secret of None is left out.
    """
    key = key or secrets.token_hex(32)
    fields: list[Field] = [*extra]
    fields.append(("p", words(bytes.fromhex(payment_hash or secrets.token_hex(32)))))
    if payment_secret is not None:
        fields.append(("s", words(bytes.fromhex(payment_secret))))
    if description is not None:
        fields.append(("d", words(description.encode() if isinstance(description, str) else description)))
    if description_hash is not None:
        fields.append(("h", words(bytes.fromhex(description_hash))))
    if metadata is not None:
        fields.append(("m", words(bytes.fromhex(metadata))))
    if state_payee:
        fields.append(("n", words(bytes.fromhex(node_id(key)))))
    if expiry_s is not None:
        fields.append(("x", number(expiry_s)))
    if min_final_cltv is not None:
        fields.append(("c", number(min_final_cltv)))
    bits = sum(1 << bit for bit in set(features))
    if bits:
        fields.append(("9", number(bits)))
    prefix = "ln" + _PREFIXES[network] + (amount_text(amount_msat) if amount is None else amount)
    return sign(prefix, int(time.time()) if created_at is None else created_at, fields, key, high_s=high_s)


def sign(prefix: str, created_at: int, fields: Iterable[Field], key: str, *, high_s: bool = False) -> str:
    """Return the invoice of exactly this prefix, moment and fields, in this order."""
    data = number(created_at, length=7)
    for letter, field in fields:
        data += [CHARSET.index(letter), *number(len(field), length=2), *field]
    packed, spare = 0, -len(data) * 5 % 8
    for word in data:
        packed = packed << 5 | word
    message = prefix.encode() + (packed << spare).to_bytes((len(data) * 5 + spare) // 8, "big")
    return bech32(prefix, data + words(_signature(sha256(message).digest(), int(key, 16), high_s)))


def node_id(key: str) -> str:
    """Return the public key, in hex, of a private key in hex."""
    point = secp256k1.multiply(int(key, 16))
    assert point is not None
    return secp256k1.encode_point(point).hex()


def words(data: bytes) -> list[int]:
    """Return `data` as 5-bit words, padded with zeros at the end."""
    spare = -len(data) * 8 % 5
    return number(int.from_bytes(data, "big") << spare, length=(len(data) * 8 + spare) // 5)


def number(value: int, length: int | None = None) -> list[int]:
    """Return `value` as 5-bit words, the most significant first: `length` of them, or as few as will do."""
    if length is None:
        length = (value.bit_length() + 4) // 5
    return [value >> 5 * i & 31 for i in reversed(range(length))]


def amount_text(amount_msat: int | None) -> str:
    """Return the amount as an invoice writes it, as short as can be."""
    if amount_msat is None:
        return ""
    for multiplier, msat in (("", 10**11), ("m", 10**8), ("u", 10**5), ("n", 10**2)):
        if amount_msat % msat == 0:
            return f"{amount_msat // msat}{multiplier}"
    return f"{amount_msat * 10}p"


def bech32(prefix: str, data: Sequence[int]) -> str:
    """Return `prefix` and `data` with their BIP 173 checksum."""
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    checksum = 1
    for value in (*expanded, *data, 0, 0, 0, 0, 0, 0):
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> i & 1 else 0
    return prefix + "1" + "".join(CHARSET[word] for word in (*data, *number(checksum ^ 1, length=6)))


def _signature(digest: bytes, key: int, high_s: bool) -> bytes:
    z = int.from_bytes(digest, "big")
    nonce = _nonce(digest, key)
    point = secp256k1.multiply(nonce)
    assert point is not None
    r = point[0] % secp256k1.N
    s = pow(nonce, -1, secp256k1.N) * (z + r * key) % secp256k1.N
    recovery_id = (2 if point[0] >= secp256k1.N else 0) | point[1] & 1
    if (s > secp256k1.N // 2) != high_s:
        s, recovery_id = secp256k1.N - s, recovery_id ^ 1
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([recovery_id])


def _nonce(digest: bytes, key: int) -> int:
    # RFC 6979, 3.2: one key and digest give one signature, so the text's examples can be made again.
    secret = key.to_bytes(32, "big") + (int.from_bytes(digest, "big") % secp256k1.N).to_bytes(32, "big")
    k, v = bytes(32), b"\x01" * 32
    for step in (b"\x00", b"\x01"):
        k = hmac.digest(k, v + step + secret, "sha256")
        v = hmac.digest(k, v, "sha256")
    while True:
        v = hmac.digest(k, v, "sha256")
        nonce = int.from_bytes(v, "big")
        if 0 < nonce < secp256k1.N:
            return nonce
        k = hmac.digest(k, v + b"\x00", "sha256")
        v = hmac.digest(k, v, "sha256")
