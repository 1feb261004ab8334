"""Bech32 (BIP 173) without its limit of 90 characters, as Lightning invoices and LNURLs use it.

https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki. Bech32m (BIP 350) is another checksum, for neither.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(CHARSET)}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What the five bits that fall out at the top stand for: BIP 173 adds up its generators bit by bit, at each character.
_FOLDS = tuple(reduce(xor, (g for i, g in enumerate(_GENERATORS) if top >> i & 1), 0) for top in range(32))
_CHECKSUM_WORDS = 6


def decode(text: str) -> tuple[str, bytes]:
    """Return the human-readable part, in lower case, and the 5-bit words of the data part, its checksum checked.

    Raises ValueError, its text saying what is wrong as in "it … ".
    """
    # Before lower(): a few letters outside ASCII have an ASCII letter as their lower case.
    if not text.isascii():
        raise ValueError("holds characters that can't be in it")
    if text not in (text.lower(), text.upper()):
        raise ValueError("mixes upper and lower case")
    prefix, separator, data = text.lower().rpartition("1")
    if not separator or not prefix:
        raise ValueError("has no separator between prefix and data")
    try:
        words = bytes(map(_VALUES.__getitem__, data))
    except KeyError:
        raise ValueError("holds characters that can't be in it") from None
    if _checksum(prefix, words) != 1 or len(words) < _CHECKSUM_WORDS:
        raise ValueError("has a typing error or is cut off: its checksum is wrong")
    return prefix, words[:-_CHECKSUM_WORDS]


def encode(prefix: str, data: bytes) -> str:
    """Write bytes behind a human-readable part in lower case, with their checksum."""
    size = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << size * 5 - len(data) * 8
    words = bytes(number >> 5 * at & 31 for at in reversed(range(size)))
    check = _checksum(prefix, words + bytes(_CHECKSUM_WORDS)) ^ 1
    words += bytes(check >> 5 * at & 31 for at in reversed(range(_CHECKSUM_WORDS)))
    return f"{prefix}1{''.join(CHARSET[word] for word in words)}"


def _checksum(prefix: str, words: bytes) -> int:
    """What BIP 173 makes of a text; 1 for one that is whole."""
    checksum = 1
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    for value in (*expanded, *words):
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _FOLDS[checksum >> 25]
    return checksum


def to_integer(words: bytes) -> int:
    """The number that 5-bit words spell, the most significant first."""
    value = 0
    for word in words:
        value = value << 5 | word
    return value


def to_bytes(words: bytes) -> bytes:
    """The whole bytes in 5-bit words; what is left over (less than a byte) is padding."""
    spare = len(words) * 5 % 8
    return (to_integer(words) >> spare).to_bytes(len(words) * 5 // 8, "big")
