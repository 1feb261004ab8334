"""This machine, as a ledger that several share knows it; and what it remembers of that ledger by itself."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import threading
from functools import cache
from pathlib import Path
from typing import Any

from amani_cli import errors, private
from amani_cli.files import write_private

_SEEN = "ledgers.json"


@cache
def host() -> str:
    """The machine's name."""
    return socket.gethostname()


@cache
def os_user() -> str:
    """The user's name; neither changes while a command runs, and a batch writes thousands of entries."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no passwd entry, as in a bare container
        return "unknown"


def is_here(pid: int, started: str) -> bool:
    """Whether a process of this start of the machine is still there, and no other that got its number."""
    return start_of(pid) == started


def start_of(pid: int) -> str:
    """When a process began, as the system tells it; "" where there is none, or where that can't be seen."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "" if Path("/proc/self/stat").exists() else "there"


class OwnKeys:
    """Where this machine has its keys to the wallets of a ledger that several share.

    The ledger knows of none of them: whoever writes to it from elsewhere must not say what is read, run or sent here.
    So each stands with the server that it was given for.
    """

    def __init__(self, folder: Path, ledger: str) -> None:
        """Kept in a file in `folder`, for the ledger of that id."""
        self._path, self.ledger = folder / "keys-here.json", ledger

    def of(self, wallet_id: int) -> dict[str, Any] | None:
        """What was kept of a wallet: `key_source`, `has_read_key`, `access` and `server`; None without a key here."""
        found = self._mine()["wallets"].get(str(wallet_id))
        return found if isinstance(found, dict) else None

    def keep(self, wallet_id: int, **about: object) -> None:
        """Keep where the key of a wallet is; what is not said stays. Durable when this returns."""
        mine = self._mine()
        mine["wallets"][str(wallet_id)] = {**(mine["wallets"].get(str(wallet_id)) or {}), **about}
        self._write(mine)

    def drop(self, wallet_id: int) -> None:
        """Forget where the key of a wallet is."""
        mine = self._mine()
        if mine["wallets"].pop(str(wallet_id), None) is not None:
            self._write(mine)

    def place(self, theirs: str) -> str:
        """Where this machine keeps what another says is in a place of its own."""
        return str(self._mine()["places"].get(theirs, theirs))

    def move(self, theirs: str, ours: str) -> None:
        """Keep what another machine has in a place of its own in one of ours."""
        mine = self._mine()
        mine["places"][theirs] = ours
        self._write(mine)

    def _mine(self) -> dict[str, dict[str, Any]]:
        return {"wallets": {}, "places": {}, **self._all().get(self.ledger, {})}

    def _write(self, mine: dict[str, dict[str, Any]]) -> None:
        write_private(self._path, json.dumps({**self._all(), self.ledger: mine}, indent=1))

    def _all(self) -> dict[str, Any]:
        try:
            private.check(self._path)
            found = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise errors.Usage(
                f"can't read {self._path}: {error}",
                code="BAD_SETTINGS",
                hint="Mend it, or remove it and add keys anew.",
            ) from error
        return found if isinstance(found, dict) else {}


def every_seen(folder: Path) -> dict[str, tuple[int, str]]:
    """The last entry of the audit log that this machine saw in each ledger, by the ledger's id: number and hash."""
    try:
        found = json.loads((folder / _SEEN).read_text())
        return {str(ledger): (int(head[0]), str(head[1])) for ledger, head in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return {}


class SeenHead:
    """The last entry of the audit log that this machine saw: a ledger without it went back to an earlier moment."""

    def __init__(self, folder: Path, ledger: str) -> None:
        """Kept in a file in `folder`, for the ledger of that id."""
        self._path, self._ledger = folder / _SEEN, ledger
        self._seen: tuple[int, str] | None = None

    def read(self) -> tuple[int, str] | None:
        """Its number and hash, or None."""
        if self._seen is None:
            self._seen = every_seen(self._path.parent).get(self._ledger)
        return self._seen

    def keep(self, seq: int, hashed: str) -> None:
        """Remember what was just committed."""
        if self._seen == (seq, hashed):
            return
        self._seen = (seq, hashed)
        half = self._path.with_name(f".{self._path.name}.{os.getpid()}-{threading.get_ident()}")
        # Not synced: what a power cut takes is a check, and no reason to wait or to fail for.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            half.write_text(json.dumps({**every_seen(self._path.parent), self._ledger: self._seen}))
            half.replace(self._path)
