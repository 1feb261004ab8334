"""The sandbox's money is fake: its keys alone lie in a file, keys.json, 0600, that the sandbox itself writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amani_cli import errors, keys, private
from amani_cli.files import write_private


def _content(path: Path) -> dict[str, Any]:
    import json

    try:
        private.check(path)
        content = json.loads(path.read_text())
        for wallet in content["wallets"].values():
            keys.SEEN.update((wallet["adminkey"], wallet["inkey"]))
        keys.SEEN.add(content["user"]["password"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise errors.NotAuthorised(
            "the sandbox's keys are gone", code="NO_KEY", hint="Run: amani sandbox start"
        ) from None
    assert isinstance(content, dict)
    return content


def of_wallet(path: Path, wallet_id: str) -> dict[str, str]:
    """Both keys of a wallet of the sandbox or of its second LNbits, as `adminkey` and `inkey`."""
    second = path.parent / "outside" / path.name
    for file in (path, *([second] if second.exists() else [])):
        for wallet in _content(file)["wallets"].values():
            if wallet["id"] == wallet_id:
                return dict(wallet)
    raise errors.NotAuthorised(
        "the sandbox has no key for this wallet any more", code="NO_KEY", hint="Run: amani sandbox start"
    )


def token(path: Path) -> str:
    """The token of the user that owns the sandbox's wallets, as the last start left it."""
    held = _content(path)["user"].get("token")
    if not isinstance(held, str):
        raise errors.NotAuthorised("the sandbox is not set up", code="NO_KEY", hint="Run: amani sandbox start")
    keys.SEEN.add(held)
    return held


def replace(path: Path, wallet_id: str, admin_key: str, read_key: str) -> None:
    """Store a sandbox wallet's rotated keys."""
    with _changing(path) as content:
        for wallet in content["wallets"].values():
            if wallet["id"] == wallet_id:
                wallet |= {"adminkey": admin_key, "inkey": read_key}


def add(path: Path, name: str, wallet_id: str, admin_key: str, read_key: str) -> None:
    """Keep the keys of a wallet that was made on the sandbox beside the sandbox's own."""
    with _changing(path) as content:
        owner = next((wallet["user"] for wallet in content["wallets"].values()), "")
        content["wallets"][name] = {"id": wallet_id, "user": owner, "adminkey": admin_key, "inkey": read_key}


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, Any]]:
    """The sandbox's file to change, by one process at a time: of two that read it at once, one's keys would be lost.

    The lock is the sandbox's own: its start writes the file too.
    """
    import fcntl
    import json

    _content(path)  # without one there is nothing to lock
    handle = private.opened(path.with_name("lock"), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        content = _content(path)
        yield content
        write_private(path, json.dumps(content, indent=1))
    finally:
        os.close(handle)
