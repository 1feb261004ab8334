"""The real LNbits that tests drive: amani's own sandbox code, installed once, its data copied for each run.

`from tests.kit.lnbits_server import lnbits_server, sandbox_template` in a conftest gives the two fixtures. Each
worker of pytest-xdist has its own server (about 160 MB of memory) on its own copy of the data.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import random
import secrets
import shutil
import socket
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from amani_cli import errors
from amani_cli.sandbox import running
from tests.kit import lnbits_rows

CLONE = Path(__file__).resolve().parents[2]
# As pytest was started, before a test has a world of its own: to install may take a proxy, certificates or an index.
ENVIRONMENT = dict(os.environ)
ANOTHER_VERSION = os.environ.get("AMANI_TEST_LNBITS", "") not in ("", running.LNBITS_VERSION)


class LnbitsServer:
    """One running LNbits, with FakeWallet, that belongs to this test run. Amounts are in sat if not named."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.running = _start_on_a_free_port(root)
        self.admin_token = running.admin_token(root)

    @property
    def version(self) -> str:
        return self.running.version

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def port(self) -> int:
        return self.running.port

    @property
    def wallets(self) -> dict[str, running.SandboxWallet]:
        """operator, alice, bob and faucet, as a newcomer's sandbox has them; prefer `new_wallet`."""
        return self.running.wallets

    def new_wallet(self, sat: int = 0, name: str = "test") -> tuple[str, str, str]:
        """A wallet of a new user that no other test touches, with `sat` in it: id, admin key, invoice key."""
        return self._wallet_pattern.write(self.root / "data", name=name, sat=sat)

    def asked_for_wallet(self, sat: int = 0, name: str = "test") -> tuple[str, str, str]:
        """The same, made by the server itself."""
        wallet = self.call("POST", "/api/v1/account", json={"name": name})
        key = wallet["adminkey"]
        self.call("PATCH", "/api/v1/wallet", key=key, json={"currency": ""})
        if sat:
            self.fund(wallet["id"], sat)
        return wallet["id"], key, wallet["inkey"]

    def new_user(self, password: str) -> tuple[str, str]:
        """A user of a name that no other test has, with one wallet: the name, and the token of a login.

        The password is hashed at the least cost, which each login then pays as well.
        """
        name = _free_name()
        account = {"username": name, "password_hash": bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}
        self._user_pattern.write(self.root / "data", account=account)
        login = {"username": name, "password": password}
        return name, str(self.call("POST", "/api/v1/auth", json=login)["access_token"])

    def asked_for_user(self, password: str) -> tuple[str, str]:
        """The same, made by the server itself."""
        name = _free_name()
        body = {"username": name, "password": password, "password_repeat": password}
        return name, str(self.call("POST", "/api/v1/auth/register", json=body)["access_token"])

    def fund(self, wallet_id: str, sat: int) -> None:
        """Add fake sats; a negative number takes them out."""
        body = {"id": wallet_id, "amount": sat}
        self.call("PUT", "/users/api/v1/balance", token=self.admin_token, json=body)

    def end_invoices(self, wallet_id: str) -> None:
        """Let the time be over of each invoice of a wallet that is still to be paid."""
        lnbits_rows.end_invoices(self.root / "data", wallet_id)

    def balance_msat(self, key: str) -> int:
        """What the wallet of this admin or invoice key holds."""
        return int(self.call("GET", "/api/v1/wallet", key=key)["balance"])

    @cached_property
    def _wallet_pattern(self) -> lnbits_rows.Pattern:
        """What this server writes for a wallet that it is asked for."""
        return lnbits_rows.Pattern.of(self.root / "data", self.asked_for_wallet(1)[0])

    @cached_property
    def _user_pattern(self) -> lnbits_rows.Pattern:
        """What it writes for a user who registers."""
        _, token = self.asked_for_user(secrets.token_hex(8))
        (wallet,) = self.call("GET", "/api/v1/wallets", token=token)
        return lnbits_rows.Pattern.of(self.root / "data", wallet["id"])

    @cached_property
    def _client(self) -> httpx.Client:
        """Made once: the certificates that a client reads cost more than a request.

        No line outlives its request, since a server that is started again knows none of them.
        """
        return httpx.Client(timeout=30, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def call(self, method: str, path: str, *, key: str = "", token: str = "", json: Any = None) -> Any:
        """The JSON of a request that must succeed; raises httpx.HTTPStatusError otherwise."""
        headers = {"X-Api-Key": key} if key else {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._client.request(method, self.url + path, headers=headers, json=json)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        """End the server; its port stays its own for `start`."""
        running.stop(self.root)

    def start(self) -> None:
        """Start it again, on the same data and port."""
        self.running = running.start(self.root)

    def restart(self) -> None:
        """Stop and start. FakeWallet forgets its invoices: those unpaid before are failed afterwards."""
        self.stop()
        self.start()


def _free_name() -> str:
    return "user" + secrets.token_hex(4)


def free_port() -> int:
    """A port of loopback that is free now, and that no line of another test will be given for its own end."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.SystemRandom().randrange(15_000, 32_000)))  # below those given away
            return int(probe.getsockname()[1])


def _start_on_a_free_port(root: Path) -> running.Sandbox:
    # Between finding a free port and LNbits taking it another worker can be faster.
    for _ in range(4):
        with contextlib.suppress(errors.Unreachable):
            return running.start(root, port=free_port())
    return running.start(root, port=free_port())


def copy_of(template: Path, root: Path) -> Path:
    """A sandbox folder at `root` with the template's environment (a link) and a copy of its data and keys."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (template / "template-lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # another clone that shares it may be making it anew
        (root / "env").symlink_to(template / "env")
        shutil.copytree(template / "data", root / "data")
        shutil.copy2(template / "keys.json", root / "keys.json")
    return root


def template_folder() -> Path:
    """Where what is made once is kept; several clones may share it."""
    return Path(os.environ.get("AMANI_TEST_SANDBOX") or CLONE / ".cache" / "sandbox").absolute()


@contextlib.contextmanager
def environment_of_the_run() -> Iterator[None]:
    """`ENVIRONMENT` in place of a test's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(ENVIRONMENT):
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


def prepare_template() -> Path:
    """A stopped sandbox with wallets and funds to copy; made once, and again when its makers changed."""
    template = template_folder()
    template.mkdir(mode=0o700, parents=True, exist_ok=True)
    makers = sorted(path for path in Path(running.__file__).parent.iterdir() if path.suffix in (".py", ".lock"))
    made_by = hashlib.sha256(b"".join(path.read_bytes() for path in makers)).hexdigest()
    stamp = template / "template-stamp"
    with (template / "template-lock").open("w") as lock, environment_of_the_run():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != made_by:
            stamp.unlink(missing_ok=True)
            running.reset(template)
            running.start(template, port=free_port())
            running.stop(template)
            stamp.write_text(made_by)
    return template


@pytest.fixture(scope="session")
def sandbox_template() -> Path:
    """The folder that `copy_of` copies; never start it."""
    if ANOTHER_VERSION:
        pytest.skip(f"the sandbox is always LNbits {running.LNBITS_VERSION}")
    return prepare_template()


@pytest.fixture(scope="session")
def lnbits_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LnbitsServer]:
    """A real LNbits for the whole run of this worker: the sandbox's, or of the version in AMANI_TEST_LNBITS."""
    root = tmp_path_factory.mktemp("lnbits") / "sandbox"
    if ANOTHER_VERSION:
        from tests.kit.lnbits_versions import other_server

        server = other_server(root)
    else:
        server = LnbitsServer(copy_of(request.getfixturevalue("sandbox_template"), root))
    yield server
    server.stop()


@pytest.fixture
def sandbox_home(lnbits_server: LnbitsServer) -> Iterator[Path]:
    """An AMANI_HOME whose sandbox is the running server, with nothing in it that another test left, nor leaves."""
    home, keys = lnbits_server.root.parent, lnbits_server.root / "keys.json"
    home.chmod(0o700)
    before = keys.read_bytes()
    yield home
    keys.write_bytes(before)
    for path in home.iterdir():
        if path.is_dir() and path != lnbits_server.root:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
