"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from amani_cli import errors


def write_private(path: Path, content: str | bytes, *, replace: bool = True) -> None:
    """Write a file, 0600 from its first byte and durable when this returns; a crash leaves the old one or the new.

    With `replace` off a file that exists is refused. Raises `errors.Usage` when it can't be written.
    """
    data = content.encode() if isinstance(content, str) else content
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        finally:
            half.unlink(missing_ok=True)
    except FileExistsError:
        raise errors.Usage(f"{path} exists already", code="FILE_EXISTS", hint="Name a new file.") from None
    except OSError as error:
        raise errors.Usage(
            f"can't write {path}: {error.strerror}", code="CANT_WRITE", hint="Check the folder, its owner and its room."
        ) from None
