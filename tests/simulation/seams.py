"""Every place where the world takes hold of amani and of the libraries below it: nothing else here knows its insides.

Modules of amani are named by the last part of their names, wherever in the package they stand.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime as real_datetime
import errno
import fcntl
import functools
import hashlib
import importlib
import json
import os
import pkgutil
import queue
import random
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import amani_cli
from tests.kit import keyrings, sealing
from tests.simulation import phones

if TYPE_CHECKING:
    from tests.simulation.world import World

_REAL_DATETIME = real_datetime.datetime
_loaded: list[str] = []
_QUIET = {"__main__", "sandbox"}


def load() -> None:
    """Import all of amani: a class that is replaced must be replaced wherever it was taken into."""
    if not _loaded:
        for found in pkgutil.walk_packages(amani_cli.__path__, "amani_cli."):
            if not _QUIET.intersection(found.name.split(".")):
                importlib.import_module(found.name)
                _loaded.append(found.name)


@functools.cache
def part(name: str) -> Any:
    """The module of amani that is called so."""
    load()
    found = [each for each in _loaded if each.endswith(f".{name}")]
    assert found, name
    return sys.modules[min(found, key=lambda each: (each.count("."), each))]


@functools.cache
def holders(name: str) -> list[Any]:
    """Every module of amani that has taken something by this name into it."""
    load()
    return [
        module for each, module in list(sys.modules.items()) if each.startswith("amani_cli") and name in vars(module)
    ]


class _AnyDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _REAL_DATETIME)


@dataclass
class Memory:
    """What amani and click keep in a process' memory, of which two that take turns must not see each other's."""

    heard: dict[str, tuple[str, float]] = field(default_factory=dict)
    newest: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    contexts: list[Any] = field(default_factory=list)


def remembered() -> Memory:
    """What the process that is on has in its memory."""
    clocks = part("clocks")
    return Memory(dict(clocks._heard), list(clocks._newest), set(part("keys").SEEN), list(_contexts()))


def remember(memory: Memory) -> None:
    """Put that into its memory again."""
    clocks, seen = part("clocks"), part("keys").SEEN
    clocks.forget()
    clocks._heard.update(memory.heard)
    clocks._newest.extend(memory.newest)
    seen.clear()
    seen.update(memory.seen)
    _contexts()[:] = memory.contexts


def _contexts() -> list[Any]:
    """The commands that click is in."""
    from typer._click import globals as of_click

    found: list[Any] = of_click._local.__dict__.setdefault("stack", [])
    return found


_cli_root: list[Any] = []


def run_command(argv: list[str]) -> int:
    """One run of amani in this process, which forgets what a process forgets."""
    keys = part("keys")
    keys.SEEN.clear()
    if "keyring.core" in sys.modules:
        sys.modules["keyring.core"]._keyring_backend = None  # type: ignore[attr-defined]
    part("clocks").forget()
    part("log").configure(0, False)
    calls = part("calls")
    calls.taken()
    if argv[0] in phones.VISITS:
        return phones.VISITS[argv[0]](part, argv)
    return int(part("cli").run(argv))


def explained() -> dict[str, tuple[int, ...]]:
    """Every error code that amani explains, with the exit codes it comes with."""
    return {code: exits for code, (exits, _, _) in part("explanations").ERROR_CODES.items()}


def commands() -> set[str]:
    """Every command there is, in words."""
    load()

    def below(command: Any, words: str) -> Iterator[str]:
        names = command.list_commands(None) if hasattr(command, "list_commands") else []
        for name in names:
            yield from below(command.get_command(None, name), f"{words} {name}".strip())
        if not names:
            yield words

    return set(below(part("cli").root(), ""))


@contextlib.contextmanager
def laid(world: World) -> Iterator[None]:
    """Have amani live in the world until the block ends."""
    load()
    with pytest.MonkeyPatch.context() as patch:
        _lay_time(patch, world)
        _lay_chance(patch, world)
        _lay_line(patch, world)
        _lay_disk(patch, world)
        _lay_keyring(patch, world)
        _lay_ledger(patch, world)
        _lay_speed(patch, world)
        yield


def _lay_time(patch: pytest.MonkeyPatch, world: World) -> None:
    patch.setattr(time, "time", lambda: world.watch.wall())
    patch.setattr(time, "monotonic", lambda: world.watch.steady())
    patch.setattr(time, "clock_gettime", lambda which: world.watch.steady())
    patch.setattr(time, "sleep", world.sleep)
    patch.setattr(part("clocks"), "boot", lambda: world.watch.boot())

    class Datetime(_REAL_DATETIME, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return _REAL_DATETIME.fromtimestamp(world.watch.wall(), tz)

    for module in holders("datetime"):
        if vars(module)["datetime"] is _REAL_DATETIME:
            patch.setattr(module, "datetime", Datetime)


def _lay_chance(patch: pytest.MonkeyPatch, world: World) -> None:
    patch.setattr(os, "urandom", lambda count: world.rng.randbytes(count))
    patch.setattr(random, "_urandom", lambda count: world.rng.randbytes(count))
    import bcrypt

    def hashed(password: bytes, salt: bytes) -> bytes:
        return salt[:29] + hashlib.sha256(salt[:29] + password).hexdigest()[:31].encode()

    def salt(rounds: int = 12, prefix: bytes = b"2b") -> bytes:
        return b"$2b$12$" + world.rng.randbytes(11).hex().encode()

    patch.setattr(bcrypt, "hashpw", hashed)
    patch.setattr(bcrypt, "gensalt", salt)
    patch.setattr(bcrypt, "checkpw", lambda password, stored: hashed(password, stored) == stored)
    sealing.cheaply(patch)


def _lay_line(patch: pytest.MonkeyPatch, world: World) -> None:
    import httpx

    def nothing(self: Any, *_: Any, **__: Any) -> None:
        return None

    def begin(self: Any, *_: Any, **__: Any) -> None:
        self._pool = SimpleNamespace()  # which amani gives a network backend of its own

    patch.setattr(httpx.HTTPTransport, "__init__", begin)
    patch.setattr(httpx.HTTPTransport, "close", nothing)
    patch.setattr(httpx.HTTPTransport, "__enter__", lambda self: self)
    patch.setattr(httpx.HTTPTransport, "__exit__", nothing)
    patch.setattr(httpx.HTTPTransport, "handle_request", lambda self, request: world.line.send(request))
    patch.setattr(part("http"), "tls", lambda url: False)

    def look_up(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.4.4", port))]

    def nowhere(*_: Any) -> None:
        raise AssertionError("amani has touched a real socket")

    patch.setattr(socket, "getaddrinfo", look_up)
    patch.setattr(socket, "gethostname", lambda: world.host())
    patch.setattr(socket.socket, "connect", nowhere)


class Pool:
    """Connections that wait for the next command that opens the same file: to open one, to read its schema and to
    prepare its statements anew takes longer than most commands. Whoever changes files empties it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], list[Any]] = {}

    def take(self, path: str) -> Any:
        """A connection that was closed, to the very file that is there; or None."""
        try:
            kept = self._kept.get((path, os.stat(path).st_ino))
        except OSError:
            return None
        return kept.pop() if kept else None

    def give(self, connection: Any) -> None:
        """Keep one that is closed."""
        self._kept.setdefault(connection.file, []).append(connection)

    def empty(self, below: str) -> None:
        """Close those to files in a folder."""
        for path, file in list(self._kept):
            if path.startswith(below):
                for each in self._kept.pop((path, file)):
                    each.really_close()


def _lay_disk(patch: pytest.MonkeyPatch, world: World) -> None:
    connect = sqlite3.connect

    class Watched(sqlite3.Connection):
        """A connection that stops at each statement, where a kill or another command may come in."""

        on_disk = True
        file = ("", 0)
        patience_s = 30.0

        def __init__(self, *words: Any, **more: Any) -> None:
            super().__init__(*words, **more)
            self.settings: dict[str, str] = {}

        def execute(self, sql: str, *values: Any) -> Any:
            if world.ledger is not None and not self.on_disk:  # what was brought from the server
                return super().execute(sql, *values)
            world.point(sql)
            if self.on_disk:
                world.need_room(sql)
            if sql.startswith("PRAGMA ") and self._is_so(sql):
                return self.cursor()
            if world.is_alone:
                return super().execute(sql, *values)
            return world.patiently(lambda: super(Watched, self).execute(sql, *values), self.patience_s)

        def _is_so(self, pragma: str) -> bool:
            """Whether a setting needs not be said to SQLite: it forgets every statement that it has prepared."""
            name, is_set, value = pragma.removeprefix("PRAGMA ").partition("=")
            if name == "busy_timeout":
                self.patience_s = int(value) / 1000
                return True
            if name == "synchronous":  # no power is cut here: a kill loses nothing that was written
                return True
            was, self.settings[name] = self.settings.get(name), value
            return bool(is_set) and was == value

        def executemany(self, sql: str, *values: Any) -> Any:
            if world.ledger is not None and not self.on_disk:
                return super().executemany(sql, *values)
            world.point(sql)
            if self.on_disk:
                world.need_room(sql)
            return super().executemany(sql, *values)

        def commit(self) -> None:
            world.point("COMMIT")
            if self.on_disk:
                world.need_room("COMMIT")
            world.patiently(super().commit, self.patience_s)

        def close(self) -> None:
            if not self.file[1] or world.is_dying:
                super().close()
                return
            if self.in_transaction:
                super().rollback()
            self.row_factory = None
            world.pool.give(self)

        def really_close(self) -> None:
            super().close()

    def opened(path: Any, *rest: Any, **more: Any) -> Any:
        is_journal = str(path).endswith("/amani.db") and not rest and set(more) == {"timeout", "isolation_level"}
        kept = world.pool.take(str(path)) if is_journal else None
        if kept is not None:
            kept.patience_s = 30.0
            return kept
        more["factory"] = Watched
        more["timeout"] = 0
        more["cached_statements"] = 1000
        made: Watched = connect(path, *rest, **more)
        made.on_disk = str(path) != ":memory:"
        made.file = (str(path), os.stat(path).st_ino) if is_journal else made.file
        return made

    patch.setattr(sqlite3, "connect", opened)
    _lay_shut_disk(patch, world)
    flock = fcntl.flock

    def locked(handle: int, how: int) -> None:
        """Wait for a lock by letting the other run go on."""
        while True:
            try:
                flock(handle, how | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if how & fcntl.LOCK_NB:
                    raise
                world.sleep(0.1)

    patch.setattr(fcntl, "flock", locked)
    _lay_first_journal(patch, world)


def _lay_shut_disk(patch: pytest.MonkeyPatch, world: World) -> None:
    """Have a disk that is full take no new file, and one that can be read alone nothing that changes it; in the words
    of the system."""
    names = ("mkdir", "rename", "replace", "unlink", "link")
    real: dict[str, Any] = {name: getattr(os, name) for name in ("open", *names)}

    def refuse(path: Any, *, makes: bool) -> None:
        why = errno.EROFS if world.is_shut() else errno.ENOSPC if makes and world.is_full() else 0
        if why:
            raise OSError(why, os.strerror(why), os.fspath(path))

    def opened(path: Any, flags: int, *rest: Any, **more: Any) -> Any:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path, makes=bool(flags & os.O_CREAT) and not os.path.lexists(path))
        return real["open"](path, flags, *rest, **more)

    def watched(name: str) -> Any:
        def changed(path: Any, *rest: Any, **more: Any) -> Any:
            refuse(path, makes=name == "mkdir")
            return real[name](path, *rest, **more)

        return changed

    def synced(handle: int) -> None:
        if world.is_full():  # the room for what was written is found by now at the latest, or is not
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(os, "open", opened)
    patch.setattr(os, "fsync", synced)
    for name in names:
        patch.setattr(os, name, watched(name))


def _lay_keyring(patch: pytest.MonkeyPatch, world: World) -> None:
    """Have a kill come in before each look into the keyring, and the keyring of a step be locked."""
    from keyring.errors import KeyringLocked

    def watched(real: Any) -> Any:
        def act(self: Any, *words: str) -> Any:
            world.point(real.__name__)
            if world.step.get("keyring") == "locked":
                world.count("locked keyring")
                raise KeyringLocked("the collection is locked")
            return real(self, *words)

        return act

    for name in ("get_password", "set_password", "delete_password"):
        patch.setattr(keyrings.InMemory, name, watched(getattr(keyrings.InMemory, name)))


def _lay_ledger(patch: pytest.MonkeyPatch, world: World) -> None:
    """Where machines share a ledger: have every message to it go through the world, and each run be a process."""
    ledger = world.ledger
    if ledger is None:
        return
    import psycopg

    wire = part("store.postgres_wire")
    ledger.gone, ledger.held = part("store.marks").GONE, part("store.marks").HELD
    ledger.send, copy_in = wire.exchange, wire.Wire.copy_in

    def copied(self: Any, *words: Any) -> int:
        ledger.copying(self._line)
        return int(copy_in(self, *words))

    patch.setattr(psycopg, "connect", ledger.connect)
    patch.setattr(wire, "exchange", ledger.exchange)
    patch.setattr(wire.Wire, "copy_in", copied)
    machine = part("store.machine")
    patch.setattr(machine, "host", lambda: world.host())
    patch.setattr(machine, "start_of", lambda pid: world.process())
    patch.setattr(machine, "is_here", lambda pid, started: world.goes_on(started))
    patch.setattr(part("store.claims"), "start", lambda: world.watch.boot())


_empty_journal: list[bytes] = []


def _lay_first_journal(patch: pytest.MonkeyPatch, world: World) -> None:
    """Make the empty journal of a world's beginning once: two hundred steps of its schema are the same each time."""
    sqlite = part("store.sqlite")
    make = sqlite._make

    def made(path: Any) -> None:
        if world.is_set:
            make(path)
            return
        if not _empty_journal:
            with world.unseen(), tempfile.TemporaryDirectory() as folder:
                make(Path(folder) / "amani.db")
                _empty_journal.append((Path(folder) / "amani.db").read_bytes())
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(_empty_journal[0])
        path.chmod(0o600)

    patch.setattr(sqlite, "_make", made)


def _lay_speed(patch: pytest.MonkeyPatch, world: World) -> None:
    cli, bolt11 = part("cli"), part("bolt11")
    if not _cli_root:
        _cli_root.append(cli.root())
    patch.setattr(cli, "root", lambda: _cli_root[0])
    _lay_parsers(patch)
    patch.setattr(signal, "signal", lambda *_: signal.SIG_DFL)
    as_bytes = part("bech32").to_bytes

    def payee(prefix: str, signed: bytes, signature: bytes, stated: bytes | None) -> str:
        return f"02{as_bytes(signature)[:32].hex()}"

    patch.setattr(bolt11, "_payee", payee)
    from tests.kit import make_invoice

    patch.setattr(make_invoice, "_signature", lambda digest, key, high_s: key.to_bytes(32, "big") + bytes(33))

    class AtOnce(threading.Thread):
        """A thread that has done its work when it has started."""

        def start(self) -> None:
            self.run()

        def join(self, timeout: float | None = None) -> None:
            return None

    class Words:
        """What a watch waits for: nobody has a websocket here."""

        def get(self, timeout: float) -> None:
            world.sleep(timeout)
            raise queue.Empty

    patch.setattr(part("operations.watching"), "SimpleQueue", Words)
    patch.setattr(part("pushes"), "can_dial", lambda url: False)
    _unlock(patch)
    # Some import them only where they are used: the libraries' own names are replaced as well.
    for module in [concurrent.futures, *holders("ThreadPoolExecutor")]:
        patch.setattr(module, "ThreadPoolExecutor", _Pool)
    patch.setattr(threading, "Thread", AtOnce)


def _lay_parsers(patch: pytest.MonkeyPatch) -> None:
    """Make the parser of a command's words once: a process makes it once as well, and has no second command."""
    from typer._click.core import Command

    make, made = Command.make_parser, {}

    def parser(self: Any, ctx: Any) -> Any:
        if id(self) not in made:
            made[id(self)] = make(self, ctx)
        made[id(self)].ctx = ctx
        return made[id(self)]

    patch.setattr(Command, "make_parser", parser)


def _unlock(patch: pytest.MonkeyPatch) -> None:
    """Take away the lock that a cached property of Python 3.11 has, one for all instances: runs that take turns would
    wait for each other, as processes never do."""
    for each in _kept_properties():
        patch.setattr(each, "lock", contextlib.nullcontext())


@functools.cache
def _kept_properties() -> list[Any]:
    """Every cached property of amani's own that has a lock."""
    kinds = {each for name in _loaded for each in vars(sys.modules[name]).values() if isinstance(each, type)}
    found = {id(each): each for kind in kinds for each in vars(kind).values() if hasattr(each, "lock")}
    return [each for each in found.values() if isinstance(each, functools.cached_property)]


class _Pool(concurrent.futures.Executor):
    """A pool that does everything at once, one after another."""

    def __init__(self, max_workers: int | None = None, **_: Any) -> None:
        self.size = max_workers

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


# -- who approves ----------------------------------------------------------------------------------------------------

_BOSS = hashlib.sha256(b"the boss").hexdigest()


def boss() -> str:
    """The public half of the boss's key, who is somebody else, elsewhere."""
    signatures = part("signatures")
    return str(signatures.public_half(_BOSS, signatures.Person("boss", "elsewhere")))


def boss_signs(request: str, digest: str) -> str:
    """The file by which the boss approves a request."""
    signatures = part("signatures")
    said = {"request": request, "digest": digest, "verdict": "approve", "public_key": signatures.public_of(_BOSS)}
    return json.dumps({**said, "signature": signatures.sign(_BOSS, digest, "approve")})


def has_signed(body: str, signature: str, amount_msat: int) -> bool:
    """Whether the boss has signed this very text, and it is over that much at least."""
    signatures = part("signatures")
    digest = hashlib.sha256(body.encode()).hexdigest()
    enough = amount_msat <= int(json.loads(body)["sums"]["msat"])
    return enough and bool(signatures.is_signed(signatures.public_of(_BOSS), digest, "approve", signature))
