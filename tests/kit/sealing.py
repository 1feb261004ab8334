"""Backups that are sealed in no time, for what is about anything else: age works for a second on each passphrase."""

from __future__ import annotations

import hashlib
from typing import Any

import pyrage
import pytest


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
