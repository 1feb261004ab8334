"""Wallets for transfers, the faucet and cheques: a giver, a taker, a user's login, other machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit import keyrings, ledgers
from tests.kit.driver import Amani, Environment
from tests.kit.fault_proxy import FaultProxy, answer
from tests.kit.lnbits_server import LnbitsServer

PASSWORD = "correct horse battery"


@pytest.fixture
def giver(add_wallet: AddWallet) -> Held:
    """The default wallet, with 5,000 sat."""
    return add_wallet("giver", 5000)


@pytest.fixture
def taker(giver: Held, add_wallet: AddWallet) -> Held:
    """Another wallet on the same server, with nothing in it."""
    return add_wallet("taker")


@pytest.fixture
def shared_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A keyring that works for commands in any process."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", keyrings.IN_FOLDER)
    monkeypatch.setenv("AMANI_TEST_KEYRING", str(tmp_path / "keyring"))
    return tmp_path / "keyring"


@dataclass(frozen=True)
class User:
    """Somebody with an account on the server, logged in."""

    server: LnbitsServer
    token: str

    def wallets(self) -> list[dict[str, str]]:
        """The wallets of this user that are not deleted."""
        listed = self.server.call("GET", "/api/v1/wallets", token=self.token)
        assert isinstance(listed, list)
        return listed


@pytest.fixture
def user(amani: Amani, lnbits_server: LnbitsServer, shared_keyring: Path) -> User:
    """A login that `cheque create` finds."""
    return log_in(amani, lnbits_server, lnbits_server.url)


def log_in(amani: Amani, server: LnbitsServer, url: str) -> User:
    """Make a user and log in as them at this address of the server."""
    name, token = server.new_user(PASSWORD)
    amani.secrets |= {PASSWORD, token}
    assert amani("login", url, "--username", name, "--password-stdin", stdin=PASSWORD).code == 0
    return User(server, token)


@dataclass(frozen=True)
class Machine:
    """Another machine: an AMANI_HOME of its own, with one wallet."""

    held: Held
    env: Environment


Machines = Callable[[int], list[Machine]]


@pytest.fixture
def machines(amani: Amani, lnbits_server: LnbitsServer, tmp_path: Path) -> Machines:
    """Makes that many, each with an empty wallet on the same server."""

    def make(number: int) -> list[Machine]:
        made = []
        for index in range(number):
            env = {"AMANI_HOME": str(tmp_path / f"machine{index}")}
            held = Held("mine", lnbits_server, *lnbits_server.new_wallet(), key_file=tmp_path / f"machine{index}.key")
            amani.secrets |= {held.admin_key, held.read_key}
            write_key(held.key_file, held.admin_key)
            words = ("wallet", "add", "mine", "--url", lnbits_server.url, "--key-file", held.key_file)
            assert amani(*words, env=env).code == 0
            made.append(Machine(held, env))
        return made

    return make


@pytest.fixture
def proxy(lnbits_server: LnbitsServer) -> Iterator[FaultProxy]:
    """Goes between; `through` sends the wallets by way of it."""
    with FaultProxy(lnbits_server.url) as made:
        yield made


def through(proxy: FaultProxy, home: Path) -> None:
    """Let every wallet that amani knows be at the proxy's address."""
    change_database(home, "UPDATE wallet SET url=?", proxy.url)


def claim_to_be(proxy: FaultProxy, home: Path, version: str) -> None:
    """Let every wallet's server say that it is this version."""
    through(proxy, home)
    proxy.on(answer(200, {"info": {"version": version}}), "GET", "/openapi.json", times=None)
    change_database(home, "UPDATE wallet SET server_version=?", version)


def grow_older(home: Path) -> None:
    """Let an hour pass for what is open: an invoice's end is long ago, whoever was writing has given up."""
    for table, column in (("payment", "created_at"), ("payment", "expires_at"), ("cheque", "created_at")):
        ledgers.move_back(home, table, column, 3600, "status NOT IN ('settled', 'failed')")
