"""Which files and folders are the user's own: what holds keys, codes or the journal is looked at before it is used.

A link in such a file's place, another owner, or rights for others mean that somebody else may read it, or has chosen
what it is. Modes are those that OpenSSH asks of its keys.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from amani_cli import errors


class Fault(NamedTuple):
    """What is wrong with a file, in words that follow its name, and the way out."""

    words: str
    mend: str


def fault(path: Path) -> Fault | None:
    """Why a file that holds keys, codes or the journal can't be used; None if it can. Raises `OSError`.

    `/dev/fd/63` and its like are open descriptors of our own and no links that somebody made.
    """
    if str(path).startswith(("/dev/", "/proc/")):
        about = path.stat()
        return _whose(path, about, 0o077) if stat.S_ISREG(about.st_mode) else None
    about = path.lstat()
    if stat.S_ISLNK(about.st_mode):
        target = os.readlink(path)
        gone = "" if path.exists() else ", where there is nothing (is its disk mounted?)"
        return Fault(f"is a link to {target}{gone}", f"Name or move the file itself: '{path}' must be no link.")
    return _whose(path, about, 0o077)


def folder_fault(path: Path) -> Fault | None:
    """Why a folder can't hold the user's settings or journal: another's, or open for others to write in."""
    try:
        return _whose(path, path.stat(), 0o022)
    except OSError:
        return None  # there is none yet, or whoever uses it says what is wrong


def settings_fault(path: Path) -> Fault | None:
    """Why settings can't be taken from a file. A link to a file of one's own is fine. Raises `OSError`."""
    return _whose(path, path.stat(), 0o022)


def _whose(path: Path, about: os.stat_result, others: int) -> Fault | None:
    if about.st_uid != os.getuid():
        return Fault("belongs to another user", f"Use one of your own, or if it is yours: sudo chown $USER '{path}'")
    wrong = about.st_mode & others
    if not wrong or not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
        return None
    if wrong & 0o022:
        return Fault("can be written by others", f"Run: chmod go-{'w' if others == 0o022 else 'rwx'} '{path}'")
    return Fault("can be read by others", f"Run: chmod 600 '{path}'")


def check(path: Path) -> bool:
    """Whether there is such a file. Raises `errors.Usage` (NOT_PRIVATE) for one that is not the user's alone."""
    try:
        refuse(path, fault(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_folder(path: Path) -> None:
    """Raise `errors.Usage` (NOT_PRIVATE) for a folder of another user's, or one that others can write in."""
    refuse(path, folder_fault(path))


def refuse(path: Path, found: Fault | None) -> None:
    """Raise `errors.Usage` (NOT_PRIVATE) if there is a fault."""
    if found is not None:
        raise errors.Usage(f"{path} {found.words}", code="NOT_PRIVATE", hint=found.mend)


def opened(path: Path, flags: int) -> int:
    """Open a file that is the user's alone, through no link; one that is made is 0600. Returns the descriptor.

    Raises `errors.Usage` (NOT_PRIVATE), or `OSError`.
    """
    check(path)
    # What comes between the look and the opening is refused too: a link by the system, another's file below.
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode):
            refuse(path, _whose(path, about, 0o077))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
