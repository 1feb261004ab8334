"""Locks between processes for what must not overlap; refused rather than stolen.

Of one machine they are locked files, which are free when their process ends. Where several machines share a ledger they
are claims in it (`store.claims`), which no clock releases.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from amani_cli import errors, files, private
from amani_cli.store import claims
from amani_cli.times import local
from amani_cli.workspace import Workspace


@contextmanager
def held(ws: Workspace, name: str, what: str) -> Iterator[None]:
    """Hold a lock for a while. Raises `errors.Locked` when another amani has it and `--lock-wait` has passed.

    `name` is part of a file's name; `what` says in words what is locked.
    """
    with _claimed(ws, name, what) if ws.is_shared else _file_locked(ws, name, what):
        yield


@contextmanager
def _file_locked(ws: Workspace, name: str, what: str) -> Iterator[None]:
    path = ws.paths.locks / f"{name}.lock"
    try:
        ws.paths.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (ws.paths.data, ws.paths.locks):
            private.check_folder(folder)
        handle = private.opened(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:  # a folder that is read-only, of another user's, or on a full disk
        raise files.cant_write(path, error) from None

    def taken() -> str | None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ""
        return None

    try:
        _wait(ws, what, taken)
        yield
    finally:
        os.close(handle)


def busy(ws: Workspace) -> list[str]:
    """What is locked by files of this machine just now."""
    found = []
    for path in sorted(ws.paths.locks.glob("*.lock")):
        try:
            handle = private.opened(path, os.O_RDWR)
        except OSError as error:
            raise files.cant_write(path, error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found.append(path.stem)
        finally:
            os.close(handle)
    return found


@contextmanager
def _claimed(ws: Workspace, name: str, what: str) -> Iterator[None]:
    mine: list[str] = []

    def taken() -> str | None:
        with ws.store.write() as db:
            found = claims.take(db, name, what)
        if isinstance(found, str):
            mine.append(found)
            return None
        return f": pid {found.pid} of {found.os_user} on {found.host}, since {local(found.at)} ({found.id})"

    _wait(ws, what, taken)
    try:
        yield
    finally:
        # Where the ledger is away the claim stays, and is taken over here once this process is gone.
        with contextlib.suppress(errors.AmaniError), ws.store.write() as db:
            claims.drop(db, mine[0])


def _wait(ws: Workspace, what: str, taken: Callable[[], str | None]) -> None:
    """Try until it is got (`taken` gives None) or time is up; what it gives else says who has it."""
    ends = time.monotonic() + ws.said.lock_wait_s
    while (owner := taken()) is not None:
        if time.monotonic() >= ends:
            hint = "Run this again when it is done, or wait for it with --lock-wait 30s."
            if owner:
                hint += " If that machine is gone for good: amani store claims, amani store release ID."
            raise errors.Locked(f"another amani is at work on {what}{owner}", hint=hint)
        ws.talk.progress(f"waiting for another amani at work on {what}")
        time.sleep(0.1 if not owner else 0.5)
