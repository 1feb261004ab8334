"""Read a Lightning invoice (BOLT 11), offline, and refuse every one that must not be paid.

The rules are those of https://github.com/lightning/bolts/blob/master/11-payment-encoding.md and of the
feature table in 09-features.md beside it. Where a rule is not obvious from the text, a comment names it.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from amani_cli.amounts import MAX_MSAT, MSAT_PER_BTC
from amani_cli.encodings import bech32, secp256k1
from amani_cli.encodings.bech32 import CHARSET
from amani_cli.encodings.bech32 import to_bytes as _bytes
from amani_cli.encodings.bech32 import to_integer as _integer
from amani_cli.errors import Usage

NETWORKS = {"bc": "bitcoin", "tb": "testnet", "tbs": "signet", "bcrt": "regtest", "sb": "simnet"}
"""BIP 173 prefix of each network, and the name amani gives it."""

DEFAULT_EXPIRY_S = 3600
DEFAULT_MIN_FINAL_CLTV = 18

_LONGEST = 7089  # characters: the most that the largest QR code holds
_TIMESTAMP_WORDS = 7
_SIGNATURE_WORDS = 104
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z, the last moment that RFC 3339 can write
_PREFIX_AND_AMOUNT = r"ln(bcrt|bc|tbs|tb|sb)(?:([0-9]+)([a-z]?))?"
_MSAT_DIVISORS = {"": 1, "m": 10**3, "u": 10**6, "n": 10**9, "p": 10**12}
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))

# BOLT 9: the even bit of each assigned pair. A required feature outside this table must fail the payment.
# Whether the paying node can do what is in the table is for that node to say.
_KNOWN_FEATURES = frozenset({0, 4, 6, 8, 10, 12, 14, 16, 18, 22, 24, 26, 28, 34, 36, 38, 42, 44, 46, 48, 50, 60})
_PAYMENT_SECRET, _BASIC_MPP, _SCID_ALIAS, _ZEROCONF = 14, 16, 46, 50
_DEPENDENCIES = {_BASIC_MPP: _PAYMENT_SECRET, _ZEROCONF: _SCID_ALIAS}


class Invoice(NamedTuple):
    """What an invoice says, its signature checked. Hashes and keys are lower-case hex, times unix seconds.

    `amount_msat` is None when the payer chooses. Exactly one of `description` and `description_hash` is set.
    """

    bolt11: str
    network: str
    payment_hash: str
    amount_msat: int | None
    description: str | None
    description_hash: str | None
    payee: str
    created_at: int
    expiry_s: int
    min_final_cltv: int
    payment_secret: str
    metadata: str | None
    features: int

    @property
    def expires_at(self) -> int:
        """The unix second from which the invoice must not be paid any more."""
        return self.created_at + self.expiry_s

    @property
    def feature_bits(self) -> tuple[int, ...]:
        """The numbers of the feature bits that are set, lowest first."""
        return tuple(bit for bit in range(self.features.bit_length()) if self.features >> bit & 1)

    def is_expired(self, now: float) -> bool:
        """Tell whether the invoice has expired at `now` (unix seconds)."""
        return now >= self.expires_at


def looks_like_invoice(text: str) -> bool:
    """Tell cheaply whether `text` is meant as a BOLT 11 invoice; `decode_invoice` says whether it is one."""
    head = bare(text)[:32].lower()
    return re.match(r"ln(bcrt|bc|tbs|tb|sb)[0-9]", head) is not None


def decode_invoice(text: str, *, payee: str | None = None) -> Invoice:
    """Return what the invoice in `text` says. A `payee` who is known to have signed it saves checking that again.

    A `lightning:` prefix, upper case, and white space around or inside are understood.

    Raises:
        Usage: code `BAD_INVOICE`, when BOLT 11 says that it must not be paid. The text is never repeated.
    """
    written = bare(text)
    if not looks_like_invoice(written):
        raise _not_an_invoice(written)
    prefix, words = _bech32(written)
    network, amount_msat = _network_and_amount(prefix)
    if len(words) < _TIMESTAMP_WORDS + _SIGNATURE_WORDS:
        raise _bad("is too short")
    signed, signature = words[:-_SIGNATURE_WORDS], words[-_SIGNATURE_WORDS:]
    created_at = _integer(signed[:_TIMESTAMP_WORDS])
    fields = _fields(signed[_TIMESTAMP_WORDS:])

    if "p" not in fields:
        raise _bad("has no payment hash")
    if "s" not in fields:
        raise _bad("has no payment secret, which every payer needs today")
    if ("d" in fields) == ("h" in fields):
        which = "both a description and the hash of one" if "d" in fields else "no description"
        raise _bad(f"has {which}, where exactly one is required")
    features = _integer(fields.get("9", b""))
    _check_features(features)
    min_final_cltv = _integer(fields["c"]) if "c" in fields else DEFAULT_MIN_FINAL_CLTV
    if min_final_cltv >= 2**32:
        raise _bad("asks for a final CLTV delta that no block height can satisfy")
    # 1023 × 5 bits can name a moment beyond every date that can be written: it is cut to the year 9999.
    expiry_s = _integer(fields["x"]) if "x" in fields else DEFAULT_EXPIRY_S

    return Invoice(
        bolt11=written.lower(),
        network=network,
        payment_hash=_bytes(fields["p"]).hex(),
        amount_msat=amount_msat,
        description=_description(fields["d"]) if "d" in fields else None,
        description_hash=_bytes(fields["h"]).hex() if "h" in fields else None,
        payee=payee or _payee(prefix, signed, signature, fields.get("n")),
        created_at=created_at,
        expiry_s=min(expiry_s, _LAST_SECOND - created_at),
        min_final_cltv=min_final_cltv,
        payment_secret=_bytes(fields["s"]).hex(),
        metadata=_bytes(fields["m"]).hex() if "m" in fields else None,
        features=features,
    )


def _bad(what: str, hint: str = "Ask the payee for a new invoice.") -> Usage:
    return Usage(f"The invoice {what}.", code="BAD_INVOICE", hint=hint)


_COPY_AGAIN = "Copy the whole invoice again: every character of it counts."


def bare(text: str) -> str:
    """Return `text` without white space, invisible characters and the `lightning:` scheme."""
    joined = "".join(text.split()).translate(_INVISIBLE)
    scheme, colon, rest = joined.partition(":")
    # BOLT 11 says `lightning:` and not `lightning://`, but the latter is met.
    return rest.removeprefix("//") if colon and scheme.lower() == "lightning" else joined


def _not_an_invoice(bare: str) -> Usage:
    """Say what `bare` seems to be. It may be a secret in the wrong place, so nothing of it is repeated."""
    lowered = bare.lower()
    what, hint = "that is not a Lightning invoice", "An invoice starts with lnbc, or lntb, lntbs, lnbcrt."
    if not bare:
        what = "no invoice given"
    elif re.fullmatch(r"[0-9a-f]{32}", lowered):
        what = "that looks like a wallet key, not an invoice"
        hint = "Keep keys off the command line; it may be in your shell's history now: rotate it."
    elif re.fullmatch(r"[0-9a-f]{64}", lowered):
        what = "that looks like a payment hash, not an invoice"
    elif lowered.startswith("lnurl1"):
        what = "that is an LNURL, not an invoice"
    elif lowered.startswith(("lno1", "lni1", "lnr1")):
        what, hint = (
            "that is a BOLT 12 offer, which can't be paid here",
            "Ask the payee for a BOLT 11 invoice.",
        )
    elif lowered.startswith(("bc1", "tb1", "bcrt1", "bitcoin:")):
        what = "that is an on-chain address or link, not a Lightning invoice"
    elif re.match(r"ln[a-z]+[0-9]", lowered):
        what = "that invoice is for a network that is not known here"
    elif "@" in bare:
        what = "that is a Lightning address, not an invoice"
    return Usage(what[0].upper() + what[1:] + ".", code="BAD_INVOICE", hint=hint)


def _bech32(bare: str) -> tuple[str, bytes]:
    """Return the human-readable part and the 5-bit words of the data part, its checksum checked."""
    if len(bare) > _LONGEST:
        raise _bad("is longer than any invoice can be", hint=_COPY_AGAIN)
    try:
        return bech32.decode(bare)
    except ValueError as error:
        raise _bad(str(error), hint=_COPY_AGAIN) from None


def _network_and_amount(prefix: str) -> tuple[str, int | None]:
    match = re.fullmatch(_PREFIX_AND_AMOUNT, prefix)
    if match is None:
        raise _bad("has an amount that can't be read")
    currency, digits, multiplier = match.groups()
    network = NETWORKS[currency]
    if digits is None:
        return network, None
    if multiplier not in _MSAT_DIVISORS:
        raise _bad(f"has an amount with the unknown multiplier '{multiplier}'")
    if digits[0] == "0":
        raise _bad("has an amount of zero or with leading zeros")
    # 21 million bitcoin are 20 digits of pico-bitcoin.
    too_much = len(digits) > 20
    if not too_much:
        amount_msat, rest = divmod(int(digits) * MSAT_PER_BTC, _MSAT_DIVISORS[multiplier])
        if rest:
            raise _bad("asks for a fraction of a millisatoshi, which can't be paid")
        too_much = amount_msat > MAX_MSAT
    if too_much:
        raise _bad("asks for more bitcoin than will ever exist")
    return network, amount_msat


def _fields(words: bytes) -> dict[str, bytes]:
    """Return the words of each tagged field by its letter: the first of each kind that is not skipped."""
    fixed_length = {"p": 52, "h": 52, "s": 52, "n": 53}
    fields: dict[str, bytes] = {}
    at = 0
    while at < len(words):
        if at + 3 > len(words):
            raise _bad("ends in the middle of a field")
        letter, length = CHARSET[words[at]], words[at + 1] << 5 | words[at + 2]
        data = words[at + 3 : at + 3 + length]
        if len(data) < length:
            raise _bad("ends in the middle of a field")
        at += 3 + length
        # The text's own example has fields p, h, s and n of other lengths beside proper ones and is valid.
        if fixed_length.get(letter, length) == length:
            # "MUST specify the most-preferred field first"; of several p fields, the first is the one to use.
            fields.setdefault(letter, data)
    return fields


def _description(words: bytes) -> str:
    try:
        return _bytes(words).decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("has a description that is not UTF-8 text") from None


def _check_features(features: int) -> None:
    for bit in range(0, features.bit_length(), 2):
        if features >> bit & 1 and bit not in _KNOWN_FEATURES:
            raise _bad(
                f"requires feature {bit}, which is not known here",
                hint="Ask the payee for an invoice that does not require it.",
            )
    for feature, needed in _DEPENDENCIES.items():
        if features >> feature & 3 and not features >> needed & 3:
            raise _bad(f"sets feature {feature} without feature {needed}, on which it depends")


def _payee(prefix: str, signed: bytes, signature: bytes, stated: bytes | None) -> str:
    """Return the node id that signed the invoice, in hex.

    A stated payee (`n`) is checked against the signature, which must then be of the low-S kind; without one,
    the key is recovered from the signature, and either kind will do.
    """
    spare = -len(signed) * 5 % 8
    preimage = (_integer(signed) << spare).to_bytes((len(signed) * 5 + spare) // 8, "big")
    digest = sha256(prefix.encode() + preimage).digest()
    raw = _bytes(signature)
    r, s, recovery_id = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64]
    if stated is None:
        key = secp256k1.recover(digest, r, s, recovery_id)
        if key is None:
            raise _bad("has a signature that no node can have made")
        return secp256k1.encode_point(key).hex()
    node_id = _bytes(stated)
    point = secp256k1.decode_point(node_id)
    if point is None:
        raise _bad("names a payee that is no public key")
    if s > secp256k1.N // 2:
        raise _bad("has a signature that is not in canonical form")
    if not secp256k1.verify(digest, r, s, point):
        raise _bad("is not signed by the payee that it names")
    return node_id.hex()
