"""Runs amani in straits, as cron, a unit of systemd, a full disk or a folder without rights have it.

    python -m tests.kit.straits no-rights stdin-closed -m amani_cli WORDS…

Each word before `-m` is one of `STRAITS`; `full=BYTES` lets no file grow beyond so many bytes.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable

PYTHON = sys.executable
_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def can_lose_rights() -> bool:
    """Whether file modes can be made to bind this process: they do for everybody but root."""
    return os.getuid() != 0 or sys.platform == "linux"


def _no_rights() -> None:
    """Let file modes bind root too: what is exec'd next can't override them."""
    if os.getuid() == 0:
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            if ctypes.CDLL(None, use_errno=True).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


def _no_folder() -> None:
    """A working folder that is gone."""
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    os.rmdir(gone)


def _pipe_without_reader() -> None:
    """Stdout is a pipe that nobody will ever read."""
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(reader)


STRAITS: dict[str, Callable[[], object]] = {
    "no-rights": _no_rights,
    "no-folder": _no_folder,
    "stdin-closed": lambda: os.close(0),
    "stdout-closed": lambda: os.close(1),
    "stderr-closed": lambda: os.close(2),
    "stdout-full": lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1),
    "stdout-broken": _pipe_without_reader,
    "umask-000": lambda: os.umask(0),
    "umask-777": lambda: os.umask(0o777),
    "sigpipe": lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL),
    "few-files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)),
}


def main() -> None:
    """Get into the straits, then become the interpreter that runs amani."""
    while (word := sys.argv.pop(1)) != "-m":
        if word.startswith("full="):
            size = int(word[5:])
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        else:
            STRAITS[word]()
    os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])


if __name__ == "__main__":
    main()
