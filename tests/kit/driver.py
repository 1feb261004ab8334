"""Drives amani as its users do: in this process (fast), as a process of its own, and at a terminal.

Whatever a test is about, each run is held to what amani promises of every run: with --json exactly one document
that its own schema allows, the error's exit code is the process's, and no known secret on either stream.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from amani_cli import cli, clocks, keys, log, schemas
from tests.kit import fork_server, json_schema, ledgers

CLONE = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0
"""How long anything may take before a test gives up; nothing waits for it that goes well."""

Environment = Mapping[str, str | None]


@dataclass(frozen=True)
class Result:
    """How a run of amani ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document on stdout."""
        document = json.loads(self.stdout)
        assert isinstance(document, dict)
        return document

    @property
    def data(self) -> Any:
        """What a successful run with --json answered."""
        assert self.code == 0, self
        return self.json["data"]

    @property
    def error(self) -> dict[str, Any]:
        """The error of a failed run with --json."""
        found = self.json["error"]
        assert isinstance(found, dict)
        return found


@dataclass
class Amani:
    """Runs amani; `secrets` are what must never be seen on a stream, `crashes` that a defect is made to happen."""

    secrets: set[str] = field(default_factory=set)
    crashes: bool = False

    def __call__(self, *argv: object, stdin: str = "", env: Environment | None = None, tty: bool = False) -> Result:
        """Run in this process. `env` adds variables (None takes one away); with `tty` every stream is a terminal."""
        words = [str(word) for word in argv]
        streams = [_Stream(stdin, tty), _Stream("", tty), _Stream("", tty)]
        umask = os.umask(0o022)
        os.umask(umask)
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with pytest.MonkeyPatch.context() as patch:
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            for variable, value in {**(env or {}), **ledgers.of_home(env)}.items():
                patch.delenv(variable, raising=False) if value is None else patch.setenv(variable, value)
            forget()
            try:
                code = cli.run(words)
            finally:
                os.umask(umask)
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        return self._held_to_its_word(words, Result(code, streams[1].written(), streams[2].written()))

    def process(
        self, *argv: object, stdin: str = "", env: Environment | None = None, python: tuple[str, ...] = ()
    ) -> Result:
        """Run as a process of its own, off any terminal; `python` are options for the interpreter."""
        words = [str(word) for word in argv]
        command = [sys.executable, *python, "-m", "amani_cli", *words]
        pipe = subprocess.PIPE
        with fork_server.start(command, environment(env), stdin=pipe, stdout=pipe, stderr=pipe) as run:
            try:
                stdout, stderr = run.communicate(stdin, timeout=2 * PATIENCE_S)
            finally:
                run.kill()
        return self._held_to_its_word(words, Result(run.returncode, stdout, stderr))

    @contextlib.contextmanager
    def started(self, *argv: object, env: Environment | None = None) -> Iterator[subprocess.Popen[str]]:
        """A process that goes on while the test does something to it; killed if it is still there at the end."""
        words = [sys.executable, "-m", "amani_cli", *[str(word) for word in argv]]
        quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
        with fork_server.start(words, environment(env), stdin=quiet, stdout=pipe, stderr=pipe) as run:
            try:
                yield run
            finally:
                run.kill()

    def line(self, run: subprocess.Popen[str]) -> str:
        """The next line that a started process prints, which must not wait in a buffer for its end."""
        assert run.stdout is not None
        assert select.select([run.stdout], [], [], PATIENCE_S)[0], "nothing was printed"
        return run.stdout.readline()

    def ended(self, run: subprocess.Popen[str]) -> Result:
        """Wait for a started process."""
        stdout, stderr = run.communicate(timeout=PATIENCE_S)
        return self._held_to_its_word([str(word) for word in run.args][3:], Result(run.returncode, stdout, stderr))  # type: ignore[union-attr]

    @contextlib.contextmanager
    def terminal(self, *argv: object, env: Environment | None = None) -> Iterator[Terminal]:
        """A process with a terminal of its own."""
        with Terminal([sys.executable, "-m", "amani_cli", *[str(word) for word in argv]], environment(env)) as run:
            yield run
        for secret in self.secrets:
            assert secret not in run.seen

    def _held_to_its_word(self, argv: list[str], result: Result) -> Result:
        gives_code = ("cheque" in argv and not {"create", "reissue"}.isdisjoint(argv)) or argv[:2] == ["request", "run"]
        for secret in self.secrets | keys.SEEN:
            if len(secret) >= 16:
                # A new cheque's code or link, on stdout, is the one secret that is ever shown.
                code = gives_code and re.match(r"(?i)amani1|lnurl1|[A-Z2-7]{26}$", secret) is not None
                assert secret not in result.stderr + ("" if code else result.stdout), f"a secret is shown by: {argv}"
        if not self.crashes:
            assert "Traceback" not in result.stderr, result.stderr
            assert result.code != 1, result
        if "--json" in argv and not {"--help", "-h", "schema"}.intersection(argv):
            # A batch that runs tells of each row as it is done, and at the end how the whole stands.
            told = result.stdout.splitlines(keepends=True) if argv[:2] == ["batch", "run"] else [result.stdout]
            for document in told:
                _is_one_valid_document(Result(result.code, document, result.stderr))
        return result


def _is_one_valid_document(result: Result) -> None:
    assert result.stdout.endswith("}\n"), result
    assert result.stdout.count("\n") == 1, result
    document = result.json
    assert set(document) == {"schema", "ok", "warnings", "data" if document["ok"] else "error"}
    json_schema.check(document, schema_of(document["schema"]))
    if not document["ok"]:
        assert document["error"]["exit"] == result.code
        assert "error: " in result.stderr
    for warning in document["warnings"]:
        assert "warning: " in result.stderr, warning


@cache
def schema_of(name: str) -> dict[str, Any]:
    """The schema that amani itself publishes for a document."""
    return schemas.schemas(name)


def environment(more: Environment | None = None) -> dict[str, str]:
    """This process's environment and `more`; None takes a variable away."""
    merged = {**os.environ, **(more or {}), **ledgers.of_home(more)}
    return {name: value for name, value in merged.items() if value is not None}


def forget() -> None:
    """What a process forgets when it ends."""
    keys.SEEN.clear()
    clocks.forget()
    log.configure(0, False)
    if "keyring" in sys.modules:
        import keyring.core

        keyring.core._keyring_backend = None


class _Stream(io.TextIOWrapper):
    """One of the three standard streams, in memory."""

    def __init__(self, text: str, terminal: bool) -> None:
        self.bytes = io.BytesIO(text.encode())
        self.terminal = terminal
        super().__init__(self.bytes, encoding="utf-8", newline="\n", write_through=True)

    def isatty(self) -> bool:
        return self.terminal

    def written(self) -> str:
        return self.bytes.getvalue().decode()


def tell_to_stop(run: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to what is about to wait for an answer, once it waits."""
    _await_wait(run.pid)
    run.send_signal(number)


def _await_wait(pid: int) -> None:
    """Return once a process waits for something.

    Between the last look of Python at its signals and the system call that waits lie microseconds: a signal that comes
    then is heeded after that call only. No person is that fast; where there is no /proc to look at, neither is a test,
    nearly always.
    """
    stat = Path(f"/proc/{pid}/stat")
    ends = time.monotonic() + PATIENCE_S
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in ("S", "Z"):
        assert time.monotonic() < ends, "it never waits"


class Terminal:
    """A command at a pseudo-terminal: what a person sees, and what they type."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self.seen = ""
        self._answered = 0
        self.code: int | None = None
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (50, 200))
        self._process = fork_server.start(command, env, terminal=slave)
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def expect(self, text: str) -> None:
        """Wait until `text` has been shown."""
        ends = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert self._read(ends), f"never saw {text!r} in:\n{self.seen}"

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, text.encode() + b"\n")

    def answer(self, question: str, text: str) -> None:
        """Type a line at a question, the next of its words after that of the answer before."""
        ends = time.monotonic() + PATIENCE_S
        while question not in self.seen[self._answered :]:
            assert self._read(ends), f"never asked {question!r} in:\n{self.seen}"
        self._answered = self.seen.index(question, self._answered) + len(question)
        self.type(text)

    def press(self, key: bytes) -> None:
        """Press a key, such as Ctrl-C: b"\\x03"."""
        os.write(self._master, key)

    def interrupt(self) -> None:
        """Press Ctrl-C at a question, once the command waits for an answer."""
        _await_wait(self._process.pid)
        self.press(b"\x03")

    def finish(self) -> int:
        """Wait for the end; returns the exit code."""
        ends = time.monotonic() + PATIENCE_S
        while self._read(ends):
            pass
        self.code = self._process.wait(PATIENCE_S)
        return self.code

    def _read(self, ends: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, ends - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)
