"""The sandbox's folder: one command at a time works on it, and its notes are whole or not there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from amani_cli import private

Progress = Callable[[str, float | None], None]


def make_folders(root: Path) -> None:
    """Make what is missing of `root` and its folders, for nobody else to look into."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("data", "ext"):
        (root / name).mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def locked(root: Path, progress: Progress) -> Iterator[None]:
    """One `start`, `stop` or `reset` at a time; the lock goes with the process that holds it."""
    private.check_folder(root)
    handle = private.opened(root / "lock", os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another amani that is at work on the sandbox", None)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_json(path: Path) -> dict[str, Any]:
    """A note as it was written; empty when it is missing or makes no sense."""
    try:
        private.check(path)
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
