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


def fault_of_settings(path: Path, *, others: int = 0o022) -> Fault | None:
    """Why settings can't be taken from a file, or a folder hold them: another's, or open for others to write.

    A link to what is one's own is fine. `others` are the rights that nobody else may have. Raises `OSError`.
    """
    return _whose(path, path.stat(), others)


def _whose(path: Path, about: os.stat_result, others: int) -> Fault | None:
    if about.st_uid != os.getuid():
        return Fault("belongs to another user", f"Use one of your own, or if it is yours: sudo chown $USER '{path}'")
    folder = stat.S_ISDIR(about.st_mode)
    wrong = about.st_mode & others if folder or stat.S_ISREG(about.st_mode) else 0
    if not wrong:
        return None
    mend = "go-w" if others == 0o022 else "700" if folder else "600"
    return Fault(f"can be {'written' if wrong & 0o022 else 'read'} by others", f"Run: chmod {mend} '{path}'")


def check(path: Path) -> bool:
    """Whether there is such a file. Raises `errors.Usage` (NOT_PRIVATE) for one that is not the user's alone."""
    try:
        refuse(path, fault(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_folder(path: Path) -> None:
    """Raise `errors.Usage` (NOT_PRIVATE) for a folder of another user's, or one that others can write in."""
    try:
        found = fault_of_settings(path)
    except OSError:  # there is none yet, or whoever uses it says what is wrong
        return
    refuse(path, found)


def refuse(path: Path, found: Fault | None) -> None:
    """Raise `errors.Usage` (NOT_PRIVATE) if there is a fault."""
    if found is not None:
        raise errors.Usage(f"{path} {found.words}", code="NOT_PRIVATE", hint=found.mend)


def check_replaceable(path: Path) -> None:
    """Raise `errors.Usage` (NOT_PRIVATE) for a link or another's file, whose place a secret one must not take."""
    try:
        about = path.lstat()
    except (OSError, ValueError):
        return
    if stat.S_ISLNK(about.st_mode) or about.st_uid != os.getuid():
        words = "is a link" if stat.S_ISLNK(about.st_mode) else "belongs to another user"
        refuse(path, Fault(words, "Name another file: nothing is written through a link or over a stranger's file."))


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
