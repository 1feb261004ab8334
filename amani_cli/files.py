"""Files written whole or not at all, and for their owner alone unless they are meant for others."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from amani_cli import errors, private

_LONGEST_NAME, _LONGEST_PATH = 255, 4096  # bytes and characters: what Linux and macOS take at most


def named(text: str) -> Path:
    """The path that a person named, `~` being a home. Raises `errors.Usage` for one that can't be."""
    try:
        path = Path(text).expanduser()
        if all(len(os.fsencode(part)) <= _LONGEST_NAME for part in path.parts) and len(text) < _LONGEST_PATH:
            return path
        raise errors.Usage("that is too long for the name of a file", code="BAD_PATH", hint="Name another file.")
    except RuntimeError:
        raise errors.Usage(
            f"there is no home folder for '{text[:80]}'", code="BAD_PATH", hint="Write the path out."
        ) from None


def write_private(path: Path, content: str | bytes, *, replace: bool = True) -> None:
    """Write a file, 0600 from its first byte and durable when this returns; a crash leaves the old one or the new.

    With `replace` off a file that exists is refused. Raises `errors.Usage` when it can't be written.
    """
    data = content.encode() if isinstance(content, str) else content
    half = _half(path)
    try:
        _make_folder(path.parent)
        half.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                half.replace(path)
            else:
                os.link(half, path)  # unlike a rename, this fails when there is such a file
            sync_folder(path.parent)
        finally:
            half.unlink(missing_ok=True)
    except FileExistsError:
        raise errors.Usage(f"{path} exists already", code="FILE_EXISTS", hint="Name a new file.") from None
    except OSError as error:
        raise cant_write(path, error) from None


def check_new(path: str | Path, *, force: bool) -> None:
    """Refuse a path where something is already, unless it is to be replaced; before anything else is done."""
    _refuse_device(path)
    if not force and os.path.lexists(path) and not os.path.isdir(path):
        raise errors.Usage(
            f"{path} exists already", code="FILE_EXISTS", hint="Name a new file, or say --force to replace it."
        )


def check_writable(path: Path) -> None:
    """Try whether a file can be written at a path, before there is anything to write. Raises `errors.Usage`."""
    private.check_replaceable(path)
    half = _half(path)
    try:
        _make_folder(path.parent)
        half.unlink(missing_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        half.unlink()
    except OSError as error:
        raise cant_write(path, error) from None


@contextmanager
def replaced(path: Path, *, mode: int = 0o600) -> Iterator[IO[str]]:
    """A text file to write into bit by bit, which takes the place of `path` when the block ends without an error.

    It has `mode` from its first byte. Raises `errors.Usage` when it can't be written, or would be for its owner alone
    and is a link or another's.
    """
    if mode == 0o600:
        private.check_replaceable(path)
    half = _half(path)
    try:
        half.unlink(missing_ok=True)
        descriptor = os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                os.fchmod(descriptor, mode)  # the umask has taken bits away
                yield file
                file.flush()
                os.fsync(descriptor)
            half.replace(path)
            sync_folder(path.parent)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise cant_write(path, error) from None


def cant_write(path: Path, error: OSError) -> errors.Usage:
    """The error for a file that the system won't have written."""
    return errors.Usage(
        f"can't write {path}: {error.strerror}", code="CANT_WRITE", hint="Check the folder, its owner and its room."
    )


def cant_read(path: str | Path, error: OSError) -> errors.Usage:
    """The error for a file that the system won't have read."""
    return errors.Usage(f"can't read {path}: {error.strerror}", code="CANT_READ")


def _half(path: Path) -> Path:
    """Where a file is written before it takes its place. Raises `errors.Usage` for what names no file."""
    _refuse_device(path)
    try:
        return path.with_name(f".{path.name}.{os.getpid()}")
    except ValueError:
        raise errors.Usage(f"'{path}' is no name for a file", code="CANT_WRITE", hint="Name a new file.") from None


def _refuse_device(path: str | Path) -> None:
    """Refuse a device or pipe: a file in the place of /dev/null, which root may put there, breaks the whole machine."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise errors.Usage(
            f"{path} is a device or a pipe, and no file", code="CANT_WRITE", hint="Name a new file; or leave it out."
        )


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, so that their names last too."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in made:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Have the name of a new file survive a power cut too, not only what is in it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_paper(path: str, what: str = "cheques are") -> str:
    """The form a path asks for, `.html` or `.pdf`. Raises `errors.Usage` for another, or where PDF can't be made."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".html", ".pdf"):
        raise errors.Usage(f"{what} printed as .html or .pdf, not as '{suffix}'", code="BAD_PRINT")
    if suffix == ".pdf":
        from importlib.util import find_spec

        if find_spec("fpdf") is None:
            raise errors.Usage(
                "making a PDF needs fpdf2, which is not installed",
                code="NO_PDF",
                hint="Run: pipx inject amani-cli fpdf2. Or use a .html file and print it from a browser.",
            )
    return suffix
