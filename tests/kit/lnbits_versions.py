"""An LNbits of another version than the sandbox's, for the opt-in run that AMANI_TEST_LNBITS asks for.

`AMANI_TEST_LNBITS=1.5.4 pytest tests/lnbits` drives that version: it is installed from PyPI once, beside the sandbox
of the tests, and its data is copied for each run. How the versions differ for whoever sets one up: before 1.0 fake
sats came by another endpoint, and none could be taken out.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from amani_cli.sandbox import environment, process, running
from tests.kit.lnbits_server import LnbitsServer, environment_of_the_run, free_port, template_folder

VERSION = os.environ.get("AMANI_TEST_LNBITS") or running.LNBITS_VERSION
# With bitstring 5, which all of them allow, none of them starts.
REQUIREMENTS = (f"lnbits=={VERSION}", "bitstring<5")
START_S = 120
ADMIN = {"username": "admin", "password": "admin-of-fake-money"}


def numbers(version: str) -> tuple[int, ...]:
    """A version to compare."""
    return tuple(int(part) for part in version.split("."))


class OtherLnbits(LnbitsServer):
    """One running LNbits of `VERSION`, with FakeWallet, that belongs to this test run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._port = free_port()
        self.start()
        self.admin_token = self._log_in()

    @property
    def version(self) -> str:
        return VERSION

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def new_wallet(self, sat: int = 0, name: str = "test") -> tuple[str, str, str]:
        """A wallet that this version makes: how others write one down is nothing to rely on."""
        return self.asked_for_wallet(sat, name)

    def new_user(self, password: str) -> tuple[str, str]:
        """A user that this version makes."""
        return self.asked_for_user(password)

    def fund(self, wallet_id: str, sat: int) -> None:
        """Add fake sats; a negative number takes them out, from 1.0 on."""
        if numbers(VERSION) >= (1,):
            super().fund(wallet_id, sat)
            return
        assert sat > 0, "before 1.0 LNbits' admin could not take sats out"
        self.call("PUT", "/users/api/v1/topup", token=self.admin_token, json={"id": wallet_id, "amount": sat})

    def start(self) -> None:
        """Start it, or start it again on the same data and port."""
        site = next((self.root / "env" / "lib").glob("python3*/site-packages"))  # where LNbits finds its templates
        command = [str(self.root / "env" / "bin" / "python"), "-m", "uvicorn", process.APP, "--host", "127.0.0.1"]
        with (self.root / "lnbits.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self._port)],
                cwd=site,
                env=process.server_environment(self.root, self._port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ends = time.monotonic() + START_S
        while self._health() not in (200, 307):
            gone = self._process.poll() is not None
            assert not gone, f"LNbits {VERSION} ended: {(self.root / 'lnbits.log').read_text()[-2000:]}"
            assert time.monotonic() < ends, f"LNbits {VERSION} did not answer within {START_S} s"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server; its port stays its own for `start`."""
        self._process.terminate()
        self._process.wait(30)

    def _log_in(self) -> str:
        if self._health() == 307:  # not set up yet
            body = {**ADMIN, "password_repeat": ADMIN["password"]}
            return str(self.call("PUT", "/api/v1/auth/first_install", json=body)["access_token"])
        return str(self.call("POST", "/api/v1/auth", json=ADMIN)["access_token"])

    def _health(self) -> int | None:
        try:
            return httpx.get(self.url + "/api/v1/health", timeout=5, trust_env=False).status_code
        except httpx.HTTPError:
            return None


def prepare_other_template() -> Path:
    """A stopped LNbits of `VERSION` with an admin, to copy; made once."""
    template = template_folder().with_name(f"lnbits-{VERSION}")
    template.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = template / "template-stamp"
    with (template / "template-lock").open("w") as lock, environment_of_the_run():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            for folder in ("env", "data", "ext"):
                shutil.rmtree(template / folder, ignore_errors=True)
            _install(template / "env")
            OtherLnbits(template).stop()
            stamp.write_text(" ".join(REQUIREMENTS))
    return template


def _install(env: Path) -> None:
    base = environment.find_python()
    assert base is not None, f"LNbits {VERSION} runs on Python 3.10, 3.11 and 3.12 only, and none of them was found"
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv:
        make = [uv, "venv", "--quiet", "--no-python-downloads", "--python", str(base), str(env)]
        install = [uv, "pip", "install", "--quiet", "--python", str(env / "bin" / "python")]
    else:
        make = [str(base), "-m", "venv", str(env)]
        install = [str(env / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run(make, check=True)
    subprocess.run([*install, *REQUIREMENTS], check=True)


def other_server(root: Path) -> LnbitsServer:
    """An LNbits of `VERSION` below `root`, running."""
    template = prepare_other_template()
    root.mkdir(mode=0o700)
    (root / "env").symlink_to(template / "env")
    shutil.copytree(template / "data", root / "data")
    return OtherLnbits(root)


def choose(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests to run on `VERSION`, and those to leave out; marks with a reason what the version does not have.

    `versions` marks what is for other versions alone (for those it names, if it names any); `since(version, reason)`
    what an older one does not have. Before 1.3.1 amani promises no more than what `versions` marks.
    """
    chosen: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        mark = item.get_closest_marker("versions")
        if mark is not None:
            meant = "AMANI_TEST_LNBITS" in os.environ and VERSION in (mark.args or (VERSION,))
            (chosen if meant else left_out).append(item)
            continue
        if item.get_closest_marker("lnbits") and numbers(VERSION) < (1, 3, 1):
            item.add_marker(pytest.mark.skip(reason=f"on LNbits {VERSION} amani promises only a part: -m versions"))
        for since in item.iter_markers("since"):
            if numbers(VERSION) < numbers(since.args[0]):
                item.add_marker(pytest.mark.skip(reason=f"LNbits {VERSION}: {since.args[1]}"))
        chosen.append(item)
    return chosen, left_out
