"""Starts amani's processes as forks of one that has its modules already: a start of Python costs ten times as much.

What begins is a process as any other: its own words, variables, working folder, umask, streams, signals and terminal,
and a child of whoever asked for it. What has options for the interpreter gets a Python of its own.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import gc
import importlib
import inspect
import json
import os
import pkgutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_LIBC = ctypes.CDLL(None)
_PR_SET_CHILD_SUBREAPER = 36
_CLONE = str(Path(__file__).resolve().parents[2])
_PROGRAMS = ("amani_cli", "tests.kit.stop_at")
# What commands import when they need it; a test of what is imported has a Python of its own.
_LATER = ("bcrypt", "httpx", "psycopg", "pyrage", "rich.console", "rich.table", "sqlite3", "ssl", "werkzeug.serving")
_NOT_THESE = ("amani_cli.agents.mcp",)  # a second to import, and few tests have it


def start(
    command: Sequence[str], env: Mapping[str, str], *, terminal: int | None = None, **streams: Any
) -> subprocess.Popen[str]:
    """Start it, with Popen's `stdin`, `stdout` and `stderr`, or at a terminal of its own: all three are that."""
    words = [str(word) for word in command]
    kind: type[subprocess.Popen[str]] = subprocess.Popen
    if _is_amani(words) and sys.platform == "linux" and env.get("PYTHONPATH") == _CLONE:
        kind = _Fork
    if terminal is None:
        return kind(words, env=env, text=True, **streams)
    own: dict[str, Any] = {"start_new_session": True}
    if kind is subprocess.Popen:
        own = {"preexec_fn": lambda: _own_terminal(terminal)}
    return kind(words, env=env, text=True, stdin=terminal, stdout=terminal, stderr=terminal, **own)


def _is_amani(words: list[str]) -> bool:
    return words[:2] == [sys.executable, "-m"] and words[2] in _PROGRAMS


def _for_python(env: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """The variables that Python reads while it starts: for each set of them there is a server."""
    read_later = "PYTHON_KEYRING_BACKEND"
    return frozenset(
        (name, value)
        for name, value in env.items()
        if name.startswith(("PYTHON", "LANG", "LC_")) and name != read_later
    )


def _own_terminal(terminal: int) -> None:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


class _Fork(subprocess.Popen[str]):
    """A Popen whose child the server forks."""

    def _execute_child(self, *given: Any) -> None:
        names = list(inspect.signature(subprocess.Popen._execute_child).parameters)  # type: ignore[attr-defined]
        said = dict(zip(names[1:], given, strict=True))
        ours = [said[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        streams = [number if each == -1 else each for number, each in enumerate(ours)]
        server = _server(_for_python(said["env"]))
        self.pid = server.fork(said["args"][2:], said["env"], streams, said["start_new_session"])
        self._child_created = True
        self._close_pipe_fds(*(said[name] for name in names if name in _PIPES))  # type: ignore[attr-defined]


_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


@cache
def _server(for_python: frozenset[tuple[str, str]]) -> _Server:
    return _Server(dict(for_python))


class _Server:
    """The process that forks, from the side of whoever asks."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        self._line = ours
        command = [sys.executable, "-m", __name__, str(theirs.fileno())]
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=env, cwd="/"
        )
        theirs.close()

    def fork(self, words: list[str], env: Mapping[str, str], streams: list[int], terminal: bool) -> int:
        """Let it fork a child that runs amani and is ours; returns its process id."""
        folder = os.open(".", os.O_PATH)
        said = json.dumps({"words": words, "env": dict(env), "umask": _umask(), "terminal": terminal}).encode()
        handed = array.array("i", [*streams, folder])
        try:
            with self._lock, _adopting():
                self._line.sendmsg([struct.pack("!I", len(said))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed)])
                self._line.sendall(said)
                return int(struct.unpack("!I", self._line.recv(4, socket.MSG_WAITALL))[0])
        finally:
            os.close(folder)


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """Whose parent is gone becomes a child of this process; else it would be one of the machine's first process."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _umask() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("\nUmask:")[2].split()[0], 8)


def _serve(line: socket.socket) -> dict[str, Any]:
    """Fork until nobody asks any more, and then end; returns in each child, with what it is to be."""
    while True:
        head, handed, _, _ = socket.recv_fds(line, 4, 4)
        if not head:
            sys.exit()
        said = json.loads(line.recv(struct.unpack("!I", head)[0], socket.MSG_WAITALL))
        reader, writer = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid == 0:
                return {**said, "handed": handed}
            os.write(writer, struct.pack("!I", pid))
            os._exit(0)
        os.waitpid(between, 0)  # from here on the child is whose it is to be
        line.sendall(os.read(reader, 4))
        for each in (*handed, reader, writer):
            os.close(each)


def _become(said: dict[str, Any]) -> None:
    """Be what a process of Python is that somebody just started."""
    *streams, folder = said["handed"]
    if said["terminal"]:
        _own_terminal(streams[0])
    os.fchdir(folder)
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in streams]
    for number, each in enumerate(moved):
        os.dup2(each, number)
    os.closerange(3, 1024)
    os.umask(said["umask"])
    os.environ.clear()
    os.environ.update(said["env"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = open(0, encoding=sys.stdin.encoding, errors=sys.stdin.errors, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding=sys.stderr.encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def _import_all() -> None:
    import amani_cli

    for each in pkgutil.walk_packages(amani_cli.__path__, "amani_cli."):
        if not each.name.startswith(_NOT_THESE):
            importlib.import_module(each.name)
    for name in _LATER:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_all()
    from amani_cli.__main__ import main as amani
    from tests.kit import stop_at

    gc.collect()
    gc.freeze()
    said = _serve(line)
    line.detach()
    _become(said)
    program, *words = said["words"]
    sys.argv[:] = [program, *words]
    if program == "tests.kit.stop_at":
        stop_at.main()
    else:
        sys.argv[0] = str(sys.modules["amani_cli.__main__"].__file__)
        amani()


if __name__ == "__main__":
    _main()
