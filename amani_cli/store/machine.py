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


class SeenHead:
    """The last entry of the audit log that this machine saw: a ledger without it went back to an earlier moment."""

    def __init__(self, folder: Path, where: str) -> None:
        """Kept in a file in `folder`, for the ledger that is at `where`."""
        self._path, self._where = folder / "ledgers.json", where
        self._seen: tuple[int, str] | None = None

    def read(self) -> tuple[int, str] | None:
        """Its number and hash, or None."""
        if self._seen is None:
            found = self._all().get(self._where)
            self._seen = (int(found[0]), str(found[1])) if found else None
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
            half.write_text(json.dumps({**self._all(), self._where: self._seen}))
            half.replace(self._path)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text())
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError):
            return {}
