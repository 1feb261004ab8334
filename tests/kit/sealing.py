"""Backups that are sealed in no time, for what is about anything else: age works for a second on each passphrase."""

from __future__ import annotations

import hashlib
from typing import Any

import pyrage
import pytest


def opened(sealed: bytes, passphrase: str) -> bytes:
    """The content of a sealed file.

    How much work a passphrase may be, age measures with each call, and refuses what would take too long: on a crowded
    machine that says nothing of the file.
    """
    for _ in range(30):
        try:
            content: bytes = pyrage.passphrase.decrypt(sealed, passphrase)
            return content
        except pyrage.DecryptError as error:
            if "xcessive work" not in str(error):
                raise
    raise AssertionError("this machine is too busy to open it")


def cheaply(patch: pytest.MonkeyPatch) -> None:
    """Have age put a sum of the passphrase before the content, in place of a seal."""

    def head(passphrase: str) -> bytes:
        return b"age-encryption.org/v1\n" + hashlib.sha256(passphrase.encode()).digest()

    def sealed(content: bytes, passphrase: str, *_: Any, **__: Any) -> bytes:
        return head(passphrase) + content

    def opened(content: bytes, passphrase: str) -> bytes:
        if not content.startswith(head(passphrase)):
            raise pyrage.DecryptError("Decryption failed")
        return content[len(head(passphrase)) :]

    patch.setattr(pyrage.passphrase, "encrypt", sealed)
    patch.setattr(pyrage.passphrase, "decrypt", opened)
