"""Log lines for stderr and a file: what was asked of a provider and how it went. The mask keeps keys out of both.

The keys `message`, `level` and `timestamp`, and the words LNbits, Lightning and FinCra in messages, are what filters
written for the amani backend match on.
"""

from __future__ import annotations

import os
import sys
import time

_LEVELS = {"warning": 0, "info": 1, "debug": 2}
LARGEST = 5 * 1024 * 1024
OLDER = 5

_verbosity = 0
_as_json = False
_path: str | None = None
_run = ""


def configure(verbosity: int, as_json: bool, path: str | None = None) -> None:
    """Choose what stderr shows (0 warnings, 1 info, 2 debug) and how, and the file that lines go to besides."""
    global _verbosity, _as_json, _path, _run
    _verbosity, _as_json = max(verbosity, 1 if as_json else 0), as_json
    # One id for all lines of a run, so that those of processes side by side can be told apart.
    _path, _run = path, os.urandom(4).hex() if path or as_json else ""


def event(level: str, message: str, **fields: object) -> None:
    """Write one line to stderr, if the verbosity asks for its level, and to the log file, if there is one."""
    shown = _LEVELS[level] <= _verbosity and (level != "warning" or _verbosity > 0)
    filed = _path is not None and _LEVELS[level] <= max(_verbosity, 1)
    if not shown and not filed:
        return
    from amani_cli import keys
    from amani_cli.text import json_line, mask, plain

    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    said: dict[str, object] = {"message": message, **fields}
    # Texts alone: a number that happens to look like a secret must stay the number it is.
    said = {name: mask(value, keys.SEEN) if isinstance(value, str) else value for name, value in said.items()}
    about = {"timestamp": stamp, "level": level, **said, "request_id": _run}
    if filed:
        _append(json_line(about))
    if shown:
        if _as_json:
            line = json_line(about)[:-1]
        else:
            rest = " ".join(f"{name}={value}" for name, value in said.items() if name != "message")
            line = plain(f"{stamp} {level} {said['message']} {rest}".rstrip())
        sys.stderr.write(line + "\n")


def ended(command: str, code: int, *, wallet: str | None) -> None:
    """Note in the file, if there is one, how a run ended."""
    if _path is not None:
        level = "info" if code == 0 else "warning"
        event(level, f"amani {command} ended with {code}", event="command", command=command, wallet=wallet, exit=code)


def _append(line: str) -> None:
    """Add a line to the file, 0600, whatever other processes do; a log that can't be written stops nothing."""
    global _path
    assert _path is not None
    try:
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_NOFOLLOW
        file = os.open(_path, flags, 0o600)
        try:
            os.write(file, line.encode())  # one write, so that lines of several processes don't mix
            full = os.fstat(file).st_size > LARGEST
        finally:
            os.close(file)
        if full:
            _rotate(_path)
    except OSError as error:
        sys.stderr.write(f"warning: no log in {_path}: {error.strerror}\n")
        _path = None


def _rotate(path: str) -> None:
    """Make room: FILE becomes FILE.1, that FILE.2, and so on. Of several processes that find it full, one does it."""
    import fcntl

    with open(os.open(path + ".lock", os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path) or os.stat(path).st_size <= LARGEST:
            return  # another process was first
        for number in range(OLDER - 1, 0, -1):
            if os.path.exists(f"{path}.{number}"):
                os.replace(f"{path}.{number}", f"{path}.{number + 1}")
        os.replace(path, path + ".1")
