"""Every test runs in a world of its own: empty folders, no keys in the environment, no network but loopback."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from amani_cli import keys
from amani_cli.wallets import keeping
from amani_cli.workspace import Workspace
from tests.faults.tally import pytest_terminal_summary, tally
from tests.kit import keyrings, ledgers, lnbits_versions, ready_ledger, sealing
from tests.kit.driver import CLONE, Amani, forget
from tests.kit.lnbits_server import LnbitsServer, free_port, lnbits_server, sandbox_home, sandbox_template
from tests.kit.machine import Machine
from tests.kit.outside_pair import outside, outside_servers

pytest_plugins = [
    "tests.kit.cheque_world",
    "tests.kit.going_back",
    "tests.kit.fincra_world",
    "tests.kit.lnurl_server",
    "tests.kit.serve_world",
    "tests.kit.postgres_server",
    "tests.kit.skips",
]

__all__ = [
    "lnbits_server",
    "outside",
    "outside_servers",
    "pytest_terminal_summary",
    "sandbox_home",
    "sandbox_template",
    "tally",
]

_PREFIXES = ("LNBITS_", "FINCRA_", "AMANI_", "XDG_")
_NAMES = {
    *("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND", "DISPLAY", "WAYLAND_DISPLAY", "CREDENTIALS_DIRECTORY"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS", "PYTHONUNBUFFERED"),
}


# What a script starts with `&` ignores Ctrl-C, and so would every amani that is started from here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for other versions of LNbits, unless AMANI_TEST_LNBITS names one, or for the other engine."""
    items[:], left_out = lnbits_versions.choose(items)
    if ledgers.on_postgres():
        left_out += [item for item in items if item.get_closest_marker("sqlite")]
        items[:] = [item for item in items if not item.get_closest_marker("sqlite")]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True)
def _own_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for name in list(os.environ):
        ours = name.startswith(_PREFIXES) and not name.startswith("AMANI_TEST_")
        if ours or name.upper() in _NAMES:
            monkeypatch.delenv(name)
    world = tmp_path_factory.mktemp("world")
    for folder in ("home", "here"):
        (world / folder).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(world / "home"))
    monkeypatch.setenv("AMANI_HOME", str(world / "amani"))
    monkeypatch.setenv("PYTHONPATH", str(CLONE))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.chdir(world / "here")
    # In this process a PIN is hashed with the least cost; processes of their own hash with the real one.
    monkeypatch.setattr("amani_cli.rules.pins.COST", 4)
    forget()  # what a provider told the test before, by which a new ledger would begin its time
    if not ledgers.on_postgres():
        yield
        return
    server = request.getfixturevalue("postgres_server")
    monkeypatch.setenv("AMANI_STORE", ledgers.begin(server.database))
    yield
    for address in ledgers.all_made():
        server.drop(address)


@pytest.fixture(autouse=True)
def _ready_ledgers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new ledger of this process is a copy of one; tests/store and processes of their own make each by steps."""
    ready_ledger.at_once(monkeypatch)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in this process out: an attempt is a failure, not an OSError that amani would explain."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _stay_here(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _stay_here(self.family, address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _stay_here(socket.AF_INET, (host, 0))
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


def _stay_here(family: int, address: Any) -> None:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if host in (None, "", "localhost"):
        return
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    assert inside, f"a test tried to reach {host}"


@pytest.fixture
def home(_own_world: None) -> Path:
    """Where this test's amani keeps everything."""
    return Path(os.environ["AMANI_HOME"])


@pytest.fixture
def amani(home: Path) -> Iterator[Amani]:
    """The command. At the end, nothing it wrote to its database or settings may hold a secret."""
    runner = Amani()
    yield runner
    for path in [*home.glob("amani.db*"), *home.glob("config.toml")]:
        content = path.read_bytes()
        for secret in runner.secrets:
            assert secret.encode() not in content, f"a secret was written to {path.name}"
    if "AMANI_STORE" in os.environ:
        assert not ledgers.tables_with(runner.secrets), "a secret was written to the ledger"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """This machine, for commands in this process: its clock can be set, and it can be started anew."""
    return Machine(monkeypatch)


@pytest.fixture
def cheap_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups of this process that are sealed in no time: age takes a second for each, as it should."""
    sealing.cheaply(monkeypatch)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[tuple[str, str], str]]:
    """A keyring that works, for commands in this process; and what is in it, by service and name."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", keyrings.IN_MEMORY)
    keyrings.InMemory.content.clear()  # another test of this process may have used it by itself
    yield keyrings.InMemory.content
    keyrings.InMemory.content.clear()


@pytest.fixture
def add_wallet(amani: Amani, request: pytest.FixtureRequest, tmp_path: Path) -> AddWallet:
    """Makes a wallet on the real server, with `sat` in it, and registers it by a key file.

    What `wallet add` writes is written without asking the server what is known here, unless it is to be asked: with an
    option, or for a key that may only look. The command itself is driven by tests/wallets.
    """
    server: LnbitsServer = request.getfixturevalue("lnbits_server")

    def add(name: str = "main", sat: int = 0, *options: str, key: Literal["admin", "read"] = "admin") -> Held:
        held = Held(name, server, *server.new_wallet(sat), key_file=tmp_path / f"{name}.key")
        amani.secrets |= {held.admin_key, held.read_key}
        write_key(held.key_file, held.admin_key if key == "admin" else held.read_key)
        if key == "admin" and not options:
            _register(held)
            return held
        added = amani("wallet", "add", name, "--url", server.url, "--key-file", held.key_file, *options)
        assert added.code == 0, added
        return held

    return add


def _register(held: Held) -> None:
    ws = Workspace(dict(os.environ))
    keeping.register(
        ws,
        name=keeping.free_name(ws, held.name),
        url=held.server.url,
        remote_id=held.id,
        access="spend",
        key_source=keys.KeySource(f"file:{held.key_file}"),
        has_read_key=0,
        insecure_http=0,
        server_version=held.server.version,
        own=True,
    )
    ws.store.close()


def write_key(path: Path, key: str, mode: int = 0o600) -> Path:
    """A key file as a careful user has it."""
    path.write_text(key + "\n")
    path.chmod(mode)
    return path


def change_database(home: Path, sql: str, *values: object) -> None:
    """Do to amani's database what only time, a crash or another amani could."""
    ledgers.change(home, sql, *values)


@contextlib.contextmanager
def full_disk(home: Path, when: str) -> Iterator[None]:
    """Let there be no room for one kind of writing, such as "UPDATE ON contact"."""
    with ledgers.refusing(home, when):
        yield


def take_server_away(home: Path) -> None:
    """Let every wallet's server be one that nothing answers at; faster than to stop the real one."""
    change_database(home, "UPDATE wallet SET url=?", f"http://127.0.0.1:{free_port()}")


@dataclass(frozen=True)
class Held:
    """A wallet on the real server that amani knows, seen from the server's side."""

    name: str
    server: LnbitsServer
    id: str
    admin_key: str
    read_key: str
    key_file: Path

    @property
    def sat(self) -> int:
        """What the server says it holds."""
        return self.server.balance_msat(self.read_key) // 1000

    def invoice(self, sat: int = 21, memo: str = "test", **more: object) -> str:
        """Ask for money behind amani's back; returns the bolt11."""
        body = {"out": False, "amount": sat, "memo": memo, **more}
        made = self.server.call("POST", "/api/v1/payments", key=self.read_key, json=body)
        return str(made.get("bolt11") or made["payment_request"])

    def pay(self, bolt11: str) -> dict[str, Any]:
        """Pay behind amani's back."""
        body = {"out": True, "bolt11": bolt11}
        answer = self.server.call("POST", "/api/v1/payments", key=self.admin_key, json=body)
        assert isinstance(answer, dict)
        return answer

    def records(self) -> list[dict[str, Any]]:
        """Every payment that the server has of it, failed ones too."""
        listed = self.server.call("GET", "/api/v1/payments/paginated?limit=1000", key=self.read_key)
        return list(listed["data"])


def mark_on_server(held: Held, payment_hash: str, status: Literal["pending", "success", "failed"]) -> None:
    """Let the server believe that a payment of `held` has this status, as a node in trouble would."""
    with contextlib.closing(sqlite3.connect(held.server.root / "data" / "database.sqlite3", timeout=30)) as db, db:
        changed = db.execute(
            "UPDATE apipayments SET status=? WHERE payment_hash=? AND wallet_id=?", (status, payment_hash, held.id)
        )
        assert changed.rowcount == 1


class AddWallet(Protocol):
    """See `add_wallet`."""

    def __call__(
        self, name: str = "main", sat: int = 0, *options: str, key: Literal["admin", "read"] = "admin"
    ) -> Held: ...
