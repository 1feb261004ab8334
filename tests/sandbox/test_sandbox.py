"""The sandbox itself, on real servers: it starts from any state it was left in, and ends only its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from amani_cli import errors
from amani_cli.sandbox import environment, folder, process, running
from tests.kit.lnbits_server import copy_of, free_port

pytestmark = pytest.mark.lnbits


@pytest.fixture
def root(sandbox_template: Path, tmp_path: Path) -> Iterator[Path]:
    """A stopped sandbox with data; whatever a test leaves running is ended."""
    folder = copy_of(sandbox_template, tmp_path / "sandbox")
    yield folder
    running.stop(folder)


@pytest.fixture(scope="module")
def shared(sandbox_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sandbox that is started once, for tests that `start` it again: a server that runs costs them nothing."""
    folder = copy_of(sandbox_template, tmp_path_factory.mktemp("shared") / "sandbox")
    running.start(folder, port=free_port())
    yield folder
    running.stop(folder)


def balance_sat(box: running.Sandbox, name: str) -> int:
    key = box.wallets[name].inkey
    answer = httpx.get(f"{box.url}/api/v1/wallet", headers={"X-Api-Key": key}, trust_env=False)
    return int(answer.json()["balance"]) // 1000


def test_it_starts_pays_keeps_its_data_and_stops(root: Path) -> None:
    box = running.start(root, port=free_port())
    assert set(box.wallets) == set(running.WALLETS)
    assert not box.already_running
    assert {name: balance_sat(box, name) for name in box.wallets} == dict(running.WALLETS)

    running.fund(root, box.wallets["bob"].id, 21)
    again = running.start(root)
    assert (again.pid, again.already_running) == (box.pid, True)
    state = running.status(root)
    assert (state.state, state.answers, state.pid, state.url) == ("running", True, box.pid, box.url)
    assert state.uptime_seconds is not None
    assert state.version == running.LNBITS_VERSION

    assert running.stop(root) == running.Stopped(box.pid)
    assert running.status(root).state == "stopped"
    assert running.stop(root) == running.Stopped(None)

    restarted = running.start(root)
    assert (restarted.url, restarted.wallets) == (box.url, box.wallets)
    assert balance_sat(restarted, "bob") == running.WALLETS["bob"] + 21


def test_a_first_start_makes_and_funds_everything(sandbox_template: Path, tmp_path: Path) -> None:
    root = tmp_path / "sandbox"
    root.mkdir(mode=0o700)
    (root / "env").symlink_to(sandbox_template / "env")
    steps: list[str] = []
    box = running.start(root, port=free_port(), progress=lambda step, _: steps.append(step))
    try:
        assert steps == ["starting LNbits", "making wallets", "ready"]
        assert {name: balance_sat(box, name) for name in box.wallets} == dict(running.WALLETS)
        assert len({wallet.user for wallet in box.wallets.values()}) == 1  # so one login rotates and deletes
        login = {"username": box.username, "password": box.password}
        answer = httpx.post(f"{box.url}/api/v1/auth", json=login, trust_env=False)
        assert answer.status_code == 200
    finally:
        running.stop(root)
    for path in root.rglob("*"):
        if not path.is_symlink():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_reset_forgets_the_money_and_keeps_the_environment(root: Path) -> None:
    box = running.start(root, port=free_port())
    running.fund(root, box.wallets["alice"].id, 5)
    assert running.reset(root).pid == box.pid
    assert not (root / "data").exists()
    assert not running.wallets(root)
    assert (root / "env").exists()
    anew = running.start(root)
    assert anew.wallets["alice"].id != box.wallets["alice"].id
    assert balance_sat(anew, "alice") == running.WALLETS["alice"]


def test_a_killed_server_is_seen_and_started_again(root: Path) -> None:
    box = running.start(root, port=free_port())
    os.kill(box.pid, signal.SIGKILL)
    assert process._gone_within(box.pid, 5)
    assert running.status(root).state == "killed"
    with pytest.raises(errors.Unreachable) as refused:
        running.fund(root, box.wallets["bob"].id, 1)
    assert "amani sandbox start" in refused.value.hint
    again = running.start(root)
    assert (again.url, again.wallets) == (box.url, box.wallets)


def test_a_start_killed_before_it_wrote_the_pid_is_found(shared: Path) -> None:
    box = running.start(shared)
    record = folder.read_json(shared / "server.json")
    folder.write_json(shared / "server.json", {**record, "pid": None, "process": None})
    assert running.start(shared).pid == box.pid
    folder.write_json(shared / "server.json", {**record, "pid": None, "process": None})
    assert running.stop(shared).pid == box.pid


def test_half_made_accounts_are_completed_without_doubling(shared: Path) -> None:
    box = running.start(shared)
    keys = folder.read_json(shared / "keys.json")
    wallets = {name: entry for name, entry in keys["wallets"].items() if name != "alice"}
    wallets["bob"]["funded"] = False
    del keys["user"]["token"]
    folder.write_json(shared / "keys.json", {**keys, "wallets": wallets})
    again = running.start(shared)
    assert again.wallets == box.wallets
    assert {name: balance_sat(again, name) for name in again.wallets} == dict(running.WALLETS)


def test_lost_keys_are_a_clear_error(root: Path) -> None:
    (root / "keys.json").unlink()
    with pytest.raises(errors.NotAuthorised) as lost:
        running.start(root, port=free_port())
    assert "amani sandbox reset" in lost.value.hint


def test_another_port_while_it_runs_is_refused(shared: Path) -> None:
    box = running.start(shared)
    with pytest.raises(errors.Usage) as refused:
        running.start(shared, port=free_port())
    assert str(box.port) in refused.value.message
    assert "amani sandbox stop" in refused.value.hint


def test_a_port_taken_by_another_program_is_named(root: Path) -> None:
    box = running.start(root, port=free_port())
    running.stop(root)
    with socket.create_server(("127.0.0.1", box.port)), pytest.raises(errors.Unreachable) as taken:
        running.start(root)
    assert (taken.value.code, str(box.port) in taken.value.message) == ("PORT_TAKEN", True)
    assert "--port" in taken.value.hint
    assert running.start(root).url == box.url


def test_a_taken_default_port_is_evaded_at_first(sandbox_template: Path, tmp_path: Path) -> None:
    root = copy_of(sandbox_template, tmp_path / "sandbox")
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(OSError):  # already taken by another program: as good
            taken.enter_context(process._listen_on(process.DEFAULT_PORT))
        # A first start that failed after it had chosen the port.
        folder.write_json(root / "server.json", {"port": process.DEFAULT_PORT})
        (root / "keys.json").unlink()
        shutil.rmtree(root / "data")
        assert running.start(root).port != process.DEFAULT_PORT
    running.stop(root)


def test_two_sandboxes_never_share_a_port(sandbox_template: Path, tmp_path: Path) -> None:
    """Each starts for seconds before it listens by itself; the port is its own from the first moment."""
    port = free_port()
    first, second = (copy_of(sandbox_template, tmp_path / name) for name in ("first", "second"))
    with process._listen_on(port), pytest.raises(errors.Unreachable, match="taken"):
        running.start(second, port=port)
    box = running.start(first, port=port)
    try:
        with pytest.raises(errors.Unreachable, match="taken"):
            running.start(second, port=port)
        assert running.status(second).state == "stopped"
        assert running.status(first).pid == box.pid
    finally:
        running.stop(first)


def test_a_foreign_process_with_the_old_pid_is_not_ended(root: Path) -> None:
    lives = "import time; print('on', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", lives], stdout=subprocess.PIPE) as foreign:
        try:
            assert foreign.stdout is not None
            foreign.stdout.readline()  # until then what it runs may not be told yet
            for start in (process._process_start(foreign.pid), "another boot:1"):
                record = {"pid": foreign.pid, "process": start, "port": 1, "url": "http://127.0.0.1:1"}
                folder.write_json(root / "server.json", record)
                assert running.status(root).state == "killed"
                assert running.stop(root) == running.Stopped(None)
                assert foreign.poll() is None
        finally:
            foreign.kill()


def test_two_starts_at_once_make_one_server(root: Path) -> None:
    port = free_port()
    pids: list[int] = []
    steps: list[str] = []

    def start() -> None:
        pids.append(running.start(root, port=port, progress=lambda step, _: steps.append(step)).pid)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(pids) == 2
    assert len(set(pids)) == 1
    assert any("waiting for another amani" in step for step in steps)


def test_a_server_that_dies_while_starting_shows_its_log(root: Path) -> None:
    (root / "data" / "database.sqlite3").write_bytes(b"this is no database, " * 100)
    with pytest.raises(errors.Unreachable) as failed:
        running.start(root, port=free_port())
    assert failed.value.code == "START_FAILED"
    assert "not a database" in failed.value.message
    assert str(root / "lnbits.log") in failed.value.hint
    assert running.status(root).state == "stopped"


def test_a_server_that_ignores_sigterm_is_killed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = running.start(root, port=free_port())
    monkeypatch.setattr(process, "STOP_SECONDS", 0.5)
    os.kill(box.pid, signal.SIGSTOP)
    assert running.stop(root) == running.Stopped(box.pid, forced=True)


def test_a_server_that_is_just_being_killed_is_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its memory and its sockets the kernel has taken its command line away, and the port is its own still."""
    box = running.start(root, port=free_port())
    monkeypatch.setattr(process, "_command", lambda pid: "")
    assert running.stop(root).pid == box.pid
    assert not process._is_alive(box.pid)


def test_the_server_sees_none_of_the_users_settings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LNBITS_API_KEY", "a-secret")
    monkeypatch.setenv("FINCRA_API_KEY", "a-secret")
    assert "a-secret" not in process.server_environment(root, 5055).values()
    assert "a-secret" not in environment._install_environment(root).values()


def test_without_proc_ps_tells_the_same(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not process._ps("-p", str(os.getpid())):
        pytest.skip("ps is not installed")
    monkeypatch.setattr(process, "PROC", tmp_path / "no-proc")
    box = running.start(root, port=free_port())
    assert running.status(root).state == "running"
    record = folder.read_json(root / "server.json")
    folder.write_json(root / "server.json", {**record, "pid": None, "process": None})
    assert running.stop(root).pid == box.pid


class TestTheEnvironment:
    """How it is made, with the slow part, the download of LNbits, left out."""

    @pytest.fixture(autouse=True)
    def _no_download(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "_install_locked", lambda *_: None)

    def test_a_half_made_one_is_made_anew(self, tmp_path: Path) -> None:
        env = tmp_path / "env"
        (env / "bin").mkdir(parents=True)
        (env / "half").touch()
        python = environment.install(tmp_path, lambda *_: None)
        assert not (env / "half").exists()
        version = subprocess.run([python, "-c", "print('runs')"], capture_output=True, text=True, check=True)
        assert version.stdout == "runs\n"
        made = (env / ".amani-stamp").stat().st_mtime_ns
        environment.install(tmp_path, lambda *_: None)
        assert (env / ".amani-stamp").stat().st_mtime_ns == made

    def test_one_of_another_lock_is_made_anew(self, tmp_path: Path) -> None:
        environment.install(tmp_path, lambda *_: None)
        (tmp_path / "env" / ".amani-stamp").write_text("the hash of an older lock\n")
        (tmp_path / "env" / "old").touch()
        environment.install(tmp_path, lambda *_: None)
        assert not (tmp_path / "env" / "old").exists()

    def test_a_shim_that_does_not_run_is_passed_over(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "python3.12").write_text("#!/bin/sh\necho 'python3.12: command not found' >&2\nexit 127\n")
        (tmp_path / "python3.12").chmod(0o755)
        (tmp_path / "python3.11").write_text("#!/bin/sh\necho 3 11\n")
        (tmp_path / "python3.11").chmod(0o755)
        monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        assert environment.find_python() == tmp_path / "python3.11"

    def test_no_python_that_lnbits_runs_on_is_a_clear_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(environment, "find_python", lambda: None)
        monkeypatch.setattr(environment, "_fetch_uv", lambda *_: None)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(errors.Unreachable) as none:
            running.start(tmp_path / "sandbox")
        assert none.value.code == "NO_PYTHON"
        assert "3.10, 3.11 and 3.12" in none.value.message
        assert none.value.hint

    def test_an_installer_that_fails_names_its_log(self, tmp_path: Path) -> None:
        script = "print('Collecting x'); print('ERROR: no network'); print('bye'); raise SystemExit(1)"
        with pytest.raises(errors.Unreachable) as failed:
            environment._run(tmp_path, [sys.executable, "-c", script])
        assert "no network" in failed.value.message
        assert str(tmp_path / "install.log") in failed.value.hint


def test_status_of_nothing(tmp_path: Path) -> None:
    state = running.status(tmp_path / "nowhere")
    assert (state.state, state.answers, state.wallets) == ("not installed", False, [])
    assert running.stop(tmp_path / "nowhere") == running.Stopped(None)
    assert not (tmp_path / "nowhere").exists()


def test_started_at_is_now_in_utc(shared: Path) -> None:
    before = datetime.now(UTC)
    begun = time.monotonic()
    box = running.start(shared)
    assert (box.started_at - before).total_seconds() <= time.monotonic() - begun
    assert box.started_at.utcoffset() is not None
