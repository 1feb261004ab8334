"""CPU time, wall time and memory of whole processes, alternating, so that a busy machine spoils all of them alike."""

from __future__ import annotations

import fcntl
import os
import pty
import statistics
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple


class Failed(Exception):
    """A command did not end as it should; its figures would mean nothing."""


@dataclass(frozen=True)
class Command:
    """One process. `prepare` makes more words just before each run, untimed; `terminal` gives it one of its own."""

    words: Sequence[object]
    env: Mapping[str, str]
    terminal: bool = False
    code: int = 0
    prepare: Callable[[], Sequence[str]] | None = None


class Sample(NamedTuple):
    """What one run took: user and system time, time on the clock, and the most memory it held."""

    cpu_ms: float
    wall_ms: float
    peak_kib: int


def run(command: Command) -> Sample:
    """Run it once. Raises `Failed` if it ends otherwise than it should."""
    words = [str(word) for word in (*command.words, *(command.prepare() if command.prepare else ()))]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as talk:
        master, slave = _terminal() if command.terminal else (None, None)
        begun = time.perf_counter()
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=slave or out, stderr=talk, env=dict(command.env)
        )
        if master is not None and slave is not None:
            os.close(slave)
            _drain(master)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != command.code:
            raise Failed(f"{' '.join(words)} ended with {process.returncode}:\n{_text(talk)}{_text(out)}")
    return Sample((usage.ru_utime + usage.ru_stime) * 1000, wall * 1000, usage.ru_maxrss)


def alternate(commands: Mapping[str, Command], times: int) -> dict[str, list[Sample]]:
    """Run each in turn, so many times, after one round that warms the caches and is not counted."""
    taken: dict[str, list[Sample]] = {name: [] for name in commands}
    for turn in range(times + 1):
        for name, command in commands.items():
            sample = run(command)
            if turn:
                taken[name].append(sample)
    return taken


class Spread(NamedTuple):
    """A median, with the least and the most."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of some values."""
    return Spread(statistics.median(values), min(values), max(values))


def _terminal() -> tuple[int, int]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    return master, slave


def _drain(master: int) -> None:
    try:
        while os.read(master, 65536):
            pass
    except OSError:  # the command has closed its side
        pass
    os.close(master)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(4000).decode(errors="replace")
