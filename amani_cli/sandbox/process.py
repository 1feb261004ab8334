"""The sandbox's server: started, found again, told from any other process, and ended."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from amani_cli import errors
from amani_cli.sandbox.environment import LNBITS_VERSION
from amani_cli.sandbox.folder import read_json, write_json

if TYPE_CHECKING:
    import httpx

DEFAULT_PORT = 5055
START_SECONDS = 120.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
APP = "lnbits.__main__:app"
PROC = Path("/proc")  # where it is missing, as on macOS, ps is asked


@dataclass(frozen=True, slots=True)
class Stopped:
    """What `stop` did: the `pid` that it ended, None when nothing ran; `forced` when that took a SIGKILL."""

    pid: int | None
    forced: bool = False


def listen(record: Mapping[str, Any], asked: int | None, *, keep: bool) -> socket.socket:
    """A socket that listens on the port asked for, else the one used before, else `DEFAULT_PORT` or a free one.

    `keep` says that the one used before must stay: wallets are registered by their URL.

    The server is handed this very socket: a port that was only found to be free could be another's by the time
    LNbits has started, and we would go on to talk to that one.
    """
    remembered = record.get("port") if keep else None
    port = int(asked or remembered or DEFAULT_PORT)
    if not 0 < port < 65536:
        raise errors.Usage(f"{port} is no port", hint="choose one from 1024 to 65535")
    with contextlib.suppress(OSError):
        return _listen_on(port)
    if asked is None and remembered is None:
        # One of the next, below the range of ports that systems give out to clients.
        for near in (*range(DEFAULT_PORT + 1, DEFAULT_PORT + 50), 0):
            with contextlib.suppress(OSError):
                return _listen_on(near)
    other = port + 1 if port < 65535 else DEFAULT_PORT
    raise errors.Unreachable(
        f"port {port} is taken by another program",
        hint=f"end that program, or choose another port: amani sandbox start --port {other}",
        code="PORT_TAKEN",
    )


def _listen_on(port: int) -> socket.socket:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if port and probe.connect_ex(("127.0.0.1", port)) == 0:  # macOS would let us share it
            raise OSError(errno.EADDRINUSE, "in use")
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _site_packages(root: Path) -> Path:
    found = sorted((root / "env" / "lib").glob("python3*/site-packages"))
    if not found:
        raise errors.Bug(f"{root / 'env'} has no site-packages")
    return found[0]


def server_environment(root: Path, port: int) -> dict[str, str]:
    """The whole environment of the server: nothing of the user's settings, nothing that asks the network.

    Without the two price settings each payment asks price sites first; callbacks and LNURL to loopback are
    allowed because all that can call is on this machine. LNbits reads these at its first start and keeps
    them in its database, which wins from then on.
    """
    keep = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    return env | {
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LNBITS_BASEURL": f"http://127.0.0.1:{port}/",
        "LNBITS_DATA_FOLDER": str(root / "data"),
        "LNBITS_EXTENSIONS_PATH": str(root / "ext"),
        "LNBITS_BACKEND_WALLET_CLASS": "FakeWallet",
        "LNBITS_ADMIN_UI": "true",
        "ENABLE_LOG_TO_FILE": "false",
        "AUTH_HTTPS_ONLY": "false",
        "AUTH_ALLOWED_METHODS": "username-password,user-id-only",
        "LNBITS_RATE_LIMIT_NO": "1000000",
        "LNBITS_RATE_LIMIT_UNIT": "second",
        "LNBITS_EXTENSIONS_MANIFESTS": "[]",
        "LNBITS_WASM_EXTENSIONS_MANIFESTS": "[]",
        "LNBITS_EXTENSIONS_DEACTIVATE_ALL": "true",
        "LNBITS_PRICE_AGGREGATOR_ENABLED": "false",
        "LNBITS_EXCHANGE_RATE_PROVIDERS": "[]",
        "LNBITS_CALLBACK_URL_RULES": "[]",
        "LNBITS_CALLBACK_ALLOW_PRIVATE_IPS": "true",
        "LNBITS_LNURL_ALLOW_PRIVATE_IPS": "true",
    }


# Children of this very process stay here, so that they can be reaped when they end.
_children: dict[int, subprocess.Popen[bytes]] = {}


def spawn(root: Path, listener: socket.socket, python: Path, backend: Mapping[str, str]) -> dict[str, Any]:
    """Start the server on its own, detached from the terminal, and write down which process it is.

    `backend` are settings of its first start that say what its money rests on, other than FakeWallet.
    """
    # LNbits looks for its own templates below the working directory; elsewhere it starts and never serves.
    site = _site_packages(root)
    port = listener.getsockname()[1]
    log = root / "lnbits.log"
    if log.exists() and log.stat().st_size > 5_000_000:
        log.replace(log.with_name("lnbits.log.1"))
    record: dict[str, Any] = {
        "pid": None,
        "process": None,
        "port": port,
        "url": f"http://127.0.0.1:{port}",
        "python": site.parent.name.removeprefix("python"),
        "lnbits": LNBITS_VERSION,
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    write_json(root / "server.json", record)  # the port first: a kill here leaves a server that can be found
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        command = [str(python), "-m", "uvicorn", APP, "--fd", str(listener.fileno())]
        process = subprocess.Popen(
            # --app-dir names this sandbox's own path on the command line, by which `_is_ours` knows it.
            [*command, "--app-dir", str(site)],
            cwd=site,
            env={**server_environment(root, port), **backend},
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            pass_fds=[listener.fileno()],
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(handle)
    _children[process.pid] = process
    return adopt(root, record, process.pid)


def adopt(root: Path, record: Mapping[str, Any], pid: int) -> dict[str, Any]:
    """Write down which process the server is, if that is not what stands there."""
    adopted = {**record, "pid": pid, "process": _process_start(pid)}
    if adopted != record:
        write_json(root / "server.json", adopted)
    return adopted


def own_process(root: Path, record: Mapping[str, Any]) -> int | None:
    """The pid of this sandbox's server if it is alive; another process with its old pid doesn't count."""
    pid = record.get("pid")
    if isinstance(pid, int):
        # Alive, started when we wrote it down, and running out of our own folder. One that is just being killed has no
        # command line any more, and its port still.
        if _is_alive(pid) and _process_start(pid) == record.get("process"):
            command = _command(pid)
            return pid if not command or _is_ours(root, command) else None
    elif record.get("port"):
        # Stopped cleanly, or a `start` was killed between starting the server and writing its pid down.
        return next((pid for pid, command in _all_commands() if _is_ours(root, command) and _is_alive(pid)), None)
    return None


def _is_ours(root: Path, command: str) -> bool:
    return APP in command and f"{root / 'env'}{os.sep}" in command


def _is_alive(pid: int) -> bool:
    child = _children.get(pid)
    if child is not None:
        if child.poll() is None:
            return True
        del _children[pid]
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _stat_field(pid, 0) != "Z"


def _stat_field(pid: int, number: int) -> str | None:
    """A field of /proc/PID/stat counted from the state; None on systems without /proc."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[number]
    except (OSError, IndexError):
        return None


def _process_start(pid: int) -> str | None:
    """When a process started, as text that no later process of the same pid has; None when it is gone."""
    ticks = _stat_field(pid, 19)
    if ticks is not None:
        # Ticks since boot, so two boots could give the same number.
        boot = PROC / "sys" / "kernel" / "random" / "boot_id"
        return f"{boot.read_text().strip() if boot.exists() else ''}:{ticks}"
    return _ps("-o", "lstart=", "-p", str(pid)).strip() or None


def _command(pid: int) -> str:
    if (PROC / "self").exists():
        try:
            return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    return _ps("-ww", "-o", "command=", "-p", str(pid))


def _all_commands() -> Iterator[tuple[int, str]]:
    if (PROC / "self").exists():
        for entry in PROC.iterdir():
            if entry.name.isdigit():
                yield int(entry.name), _command(int(entry.name))
        return
    for line in _ps("-axww", "-o", "pid=,command=").splitlines():
        pid, _, command = line.strip().partition(" ")
        if pid.isdigit():
            yield int(pid), command


def _ps(*options: str) -> str:
    try:
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        answer = subprocess.run(["ps", *options], capture_output=True, text=True, env=env, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout


def end(root: Path) -> Stopped:
    """End the server, if it runs: SIGTERM, then SIGKILL after `STOP_SECONDS`."""
    path = root / "server.json"
    record = read_json(path)
    pid = own_process(root, record)
    forced = False
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not _gone_within(pid, STOP_SECONDS):
            forced = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _gone_within(pid, STOP_SECONDS)
    if record.get("pid"):
        write_json(path, {**record, "pid": None, "process": None})
    return Stopped(pid, forced)


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def await_ready(root: Path, record: Mapping[str, Any]) -> bool:
    """Wait until the server answers; True when its first installation is still to be done."""
    pid = int(record["pid"])
    deadline = time.monotonic() + START_SECONDS
    with client_of(str(record["url"]), timeout=5.0) as client:
        while True:
            alive = _is_alive(pid)
            answer = health(client) if alive else None
            if answer is not None:
                return answer == "first install"
            if not alive:
                write_json(root / "server.json", {**record, "pid": None, "process": None})
                raise _start_failed(root, "LNbits ended while it was starting")
            if time.monotonic() > deadline:
                raise _start_failed(root, f"LNbits (pid {pid}) has not answered for {START_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)


def _start_failed(root: Path, what: str) -> errors.Unreachable:
    log = root / "lnbits.log"
    try:
        lines = log.read_text(errors="replace").splitlines()[-8:]
    except OSError:
        lines = []
    last = "; the last lines of its log:\n" + "\n".join("    " + line[:200] for line in lines) if lines else ""
    return errors.Unreachable(
        what + last,
        hint=f"the whole log is {log}; amani sandbox stop, then start; amani sandbox reset begins anew",
        code="START_FAILED",
        details={"log": str(log)},
    )


def client_of(url: str, *, timeout: float = 30.0) -> httpx.Client:
    """A client for loopback: no proxy of the environment, no redirects (they mean: not set up yet)."""
    import httpx

    return httpx.Client(base_url=url, timeout=timeout, trust_env=False, follow_redirects=False)


def health(client: httpx.Client) -> Literal["ready", "first install"] | None:
    """How far the server is, None while it does not answer."""
    import httpx

    try:
        answer = client.get("/api/v1/health")
    except httpx.HTTPError:
        return None
    if answer.status_code == 307:
        return "first install"
    if answer.status_code == 200 and "json" in answer.headers.get("content-type", ""):
        return "ready"
    return None


def running_url(root: Path) -> str:
    """Where the server answers. Raises `errors.Unreachable` when it does not run."""
    record = read_json(root / "server.json")
    if own_process(root.absolute(), record) is None:
        raise errors.Unreachable(
            "the sandbox does not run", hint="Start it with: amani sandbox start", code="SANDBOX_DOWN"
        )
    return str(record["url"])
