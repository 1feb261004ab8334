"""A real LNbits on loopback to try amani on: installed, started, given wallets and fake sats, stopped.

It is LNbits from PyPI with its FakeWallet, in an environment of its own because its pins clash with amani's.
Everything lives below one folder, `root`:

    env/ data/ ext/    its Python environment, its database, its (empty) folder of extensions
    server.json        the process: pid, start, port
    keys.json          0600: the passwords and the keys of its wallets; the money behind them is fake
    lnbits.log install.log lock
    outside/           a second one, funded by the first, if it was asked for; the same again in it

Every step can be killed and done again: what is already there is found and kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from amani_cli import errors
from amani_cli.sandbox import outside
from amani_cli.sandbox.accounts import WALLETS, SandboxWallet, make_accounts, token_of, top_up, wallets_of
from amani_cli.sandbox.environment import LNBITS_VERSION, install, is_whole
from amani_cli.sandbox.folder import Progress, locked, make_folders, read_json
from amani_cli.sandbox.process import (
    Stopped,
    adopt,
    await_ready,
    client_of,
    end,
    health,
    listen,
    own_process,
    running_url,
    spawn,
)

__all__ = [
    "LNBITS_VERSION",
    "WALLETS",
    "Sandbox",
    "SandboxStatus",
    "SandboxWallet",
    "Stopped",
    "admin_token",
    "fund",
    "outside",
    "reset",
    "start",
    "start_outside",
    "status",
    "stop",
    "wallets",
]

State = Literal["not installed", "stopped", "running", "killed"]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. `username` and `password` log in to it as the user that owns its wallets."""

    root: Path
    url: str
    port: int
    pid: int
    version: str
    python: str
    started_at: datetime
    already_running: bool
    username: str
    password: str = field(repr=False)
    wallets: dict[str, SandboxWallet] = field(repr=False)
    log: Path


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """How the sandbox stands. `answers`: its HTTP interface is ready; state `killed`: it ended unasked."""

    state: State
    url: str | None
    port: int | None
    pid: int | None
    uptime_seconds: float | None
    version: str | None
    python: str | None
    answers: bool
    wallets: list[str]
    log: Path


def _silent(step: str, done: float | None) -> None:
    """Progress that nobody watches."""


def start(
    root: Path,
    *,
    port: int | None = None,
    progress: Progress = _silent,
    wanted: Mapping[str, int] = WALLETS,
    backend: Mapping[str, str] | None = None,
) -> Sandbox:
    """Have the sandbox run, whatever state it was left in, and return it.

    The first run installs LNbits (about 200 MB), makes its admin and the `wanted` wallets and funds them;
    later runs start it on the same data and port. A second `start` at the same time waits for the first.
    `backend` is what its money rests on instead of FakeWallet, see `outside`.
    `progress(step, done)` is told what is going on, `done` from 0 to 1 or None where it can't be known.
    Raises Usage (another port than the one it runs on), Unreachable (code NO_PYTHON, INSTALL_FAILED,
    PORT_TAKEN, START_FAILED) and NotAuthorised (its own passwords are gone).
    """
    root = root.absolute()
    make_folders(root)
    with locked(root, progress):
        record = read_json(root / "server.json")
        pid = own_process(root, record)
        already_running = pid is not None
        if pid is None:
            python = install(root, progress)
            progress("starting LNbits", None)
            with listen(record, port, keep=bool(wallets(root))) as listener:
                record = spawn(root, listener, python, backend or {})
        elif port not in (None, record.get("port")):
            raise errors.Usage(
                f"the sandbox already runs on port {record.get('port')}",
                hint=f"stop it first: amani sandbox stop && amani sandbox start --port {port}",
            )
        else:
            record = adopt(root, record, pid)
        url = str(record["url"])
        fresh = await_ready(root, record)
        progress("making wallets", None)
        with client_of(url) as client:
            keys = make_accounts(root, client, fresh=fresh, wanted=wanted)
        progress("ready", 1.0)
    return Sandbox(
        root=root,
        url=url,
        port=int(record["port"]),
        pid=int(record["pid"]),
        version=str(record["lnbits"]),
        python=str(record["python"]),
        started_at=datetime.fromisoformat(str(record["started_at"])),
        already_running=already_running,
        username=str(keys["user"]["username"]),
        password=str(keys["user"]["password"]),
        wallets=wallets_of(keys),
        log=root / "lnbits.log",
    )


def start_outside(root: Path, *, progress: Progress = _silent) -> Sandbox:
    """Have the second LNbits run, whose wallet is funded by the first, which must run. Raises what `start` raises."""
    root = root.absolute()
    outside.prepare(root)
    url = running_url(root)
    with client_of(url) as client:
        backend = outside.backend(root, url, client)
    return start(outside.folder(root), progress=progress, wanted=outside.WALLETS, backend=backend)


def stop(root: Path, *, progress: Progress = _silent) -> Stopped:
    """End the server that `start` started, a second one first; data, keys and ports stay for the next start.

    SIGTERM first, SIGKILL after `STOP_SECONDS`. A process that has merely got the same pid is left alone.
    """
    root = root.absolute()
    if not root.is_dir():
        return Stopped(None)
    stop(outside.folder(root), progress=progress)
    with locked(root, progress):
        return end(root)


def reset(root: Path, *, progress: Progress = _silent) -> Stopped:
    """Stop the sandbox and delete its data, keys and log: every wallet, a second one's too. The environment stays."""
    root = root.absolute()
    if not root.is_dir():
        return Stopped(None)
    stop(outside.folder(root), progress=progress)
    shutil.rmtree(outside.folder(root), ignore_errors=True)
    with locked(root, progress):
        stopped = end(root)
        # The keys go last: with them and no data the next start begins anew, without them on data it can't.
        for name in ("data", "ext"):
            shutil.rmtree(root / name, ignore_errors=True)
        for name in ("keys.json", "lnbits.log", "lnbits.log.1"):
            (root / name).unlink(missing_ok=True)
    return stopped


def status(root: Path) -> SandboxStatus:
    """How the sandbox stands now; changes nothing and asks nothing but the sandbox itself."""
    root = root.absolute()
    record = read_json(root / "server.json")
    pid = own_process(root, record)
    answers = False
    if pid is not None and record.get("url"):
        with client_of(str(record["url"]), timeout=3.0) as client:
            answers = health(client) == "ready"
    state: State
    if pid is not None:
        state = "running"
    elif record.get("pid"):
        state = "killed"
    else:
        state = "stopped" if is_whole(root) else "not installed"
    uptime = None
    if pid is not None and record.get("started_at"):
        started = datetime.fromisoformat(str(record["started_at"]))
        uptime = max(0.0, (datetime.now(UTC) - started).total_seconds())
    return SandboxStatus(
        state=state,
        url=record.get("url"),
        port=record.get("port"),
        pid=pid,
        uptime_seconds=uptime,
        version=record.get("lnbits"),
        python=record.get("python"),
        answers=answers,
        wallets=sorted(read_json(root / "keys.json").get("wallets", {})),
        log=root / "lnbits.log",
    )


def wallets(root: Path) -> dict[str, SandboxWallet]:
    """The sandbox's wallets by name, as written down at the last start; empty before the first."""
    return wallets_of(read_json(root / "keys.json"))


def fund(root: Path, wallet_id: str, amount_sat: int) -> None:
    """Put fake sats into a wallet of the running sandbox, as its admin; a negative amount takes some out.

    Raises Unreachable when it does not run, NotFound for a wallet that it doesn't have.
    """
    root = outside.root_of(root, wallet_id)
    keys = read_json(root / "keys.json")
    with client_of(running_url(root)) as client:
        top_up(root, client, keys, wallet_id, amount_sat)


def admin_token(root: Path) -> str:
    """A bearer token of the running sandbox's admin, who may do anything on it."""
    with client_of(running_url(root)) as client:
        return token_of(root, client, read_json(root / "keys.json"), "admin")
