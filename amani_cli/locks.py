"""Locks between processes for what must not overlap; each dies with its process, and is refused rather than stolen."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from amani_cli import errors, private
from amani_cli.workspace import Workspace


@contextmanager
def held(ws: Workspace, name: str, what: str) -> Iterator[None]:
    """Hold a lock for a while. Raises `errors.Locked` when another amani has it and `--lock-wait` has passed.

    `name` is part of a file's name; `what` says in words what is locked.
    """
    ws.paths.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (ws.paths.data, ws.paths.locks):
        private.check_folder(folder)
    handle = private.opened(ws.paths.locks / f"{name}.lock", os.O_RDWR | os.O_CREAT)
    try:
        ends = time.monotonic() + ws.said.lock_wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= ends:
                    raise errors.Locked(
                        f"another amani is at work on {what}",
                        hint="Run this again when it is done, or wait for it with --lock-wait 30s.",
                    ) from None
                ws.talk.progress(f"waiting for another amani at work on {what}")
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)
