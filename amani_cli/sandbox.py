"""A real LNbits on loopback to try amani on: installed, started, given wallets and fake sats, stopped.

It is LNbits from PyPI with its FakeWallet, in an environment of its own because its pins clash with amani's.
Everything lives below one folder, `root`:

    env/ data/ ext/    its Python environment, its database, its (empty) folder of extensions
    server.json        the process: pid, start, port
    keys.json          0600: the passwords and the keys of its wallets; the money behind them is fake
    lnbits.log install.log lock

Every step can be killed and done again: what is already there is found and kept.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from amani_cli import errors

if TYPE_CHECKING:
    import httpx

LNBITS_VERSION = "1.6.2"
LOCK = Path(__file__).with_name("sandbox.lock")
UV_LOCK = Path(__file__).with_name("sandbox-uv.lock")
PYTHONS = ((3, 12), (3, 11), (3, 10))  # what LNbits declares: >=3.10,<3.13
DEFAULT_PORT = 5055
USERNAME = "amani"
# Name and fake sats at the start.
WALLETS: Mapping[str, int] = {"operator": 1_000_000, "alice": 100_000, "bob": 100_000, "faucet": 1_000_000}

START_SECONDS = 120.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
LARGEST_TOP_UP_SAT = 10_000_000  # LNbits' default limit for one incoming payment
APP = "lnbits.__main__:app"
PROC = Path("/proc")  # where it is missing, as on macOS, ps is asked

Progress = Callable[[str, float | None], None]
State = Literal["not installed", "stopped", "running", "killed"]


@dataclass(frozen=True, slots=True)
class SandboxWallet:
    """A wallet of the sandbox; its keys are bearer secrets, of fake money only."""

    name: str
    id: str
    user: str
    adminkey: str = field(repr=False)
    inkey: str = field(repr=False)


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


@dataclass(frozen=True, slots=True)
class Stopped:
    """What `stop` did: the `pid` that it ended, None when nothing ran; `forced` when that took a SIGKILL."""

    pid: int | None
    forced: bool = False


def _silent(step: str, done: float | None) -> None:
    """Progress that nobody watches."""


def start(root: Path, *, port: int | None = None, progress: Progress = _silent) -> Sandbox:
    """Have the sandbox run, whatever state it was left in, and return it.

    The first run installs LNbits (about 200 MB), makes its admin and the wallets of `WALLETS` and funds them;
    later runs start it on the same data and port. A second `start` at the same time waits for the first.
    `progress(step, done)` is told what is going on, `done` from 0 to 1 or None where it can't be known.
    Raises Usage (another port than the one it runs on), Unreachable (code NO_PYTHON, INSTALL_FAILED,
    PORT_TAKEN, START_FAILED) and NotAuthorised (its own passwords are gone).
    """
    root = root.absolute()
    _make_folders(root)
    with _locked(root, progress):
        record = _read_json(root / "server.json")
        pid = _own_process(root, record)
        already_running = pid is not None
        if pid is None:
            python = _install(root, progress)
            progress("starting LNbits", None)
            with _listen(root, record, port) as listener:
                record = _spawn(root, listener, python)
        elif port not in (None, record.get("port")):
            raise errors.Usage(
                f"the sandbox already runs on port {record.get('port')}",
                hint=f"stop it first: amani sandbox stop && amani sandbox start --port {port}",
            )
        else:
            record = _adopt(root, record, pid)
        url = str(record["url"])
        fresh = _await_ready(root, record)
        progress("making wallets", None)
        with _client(url) as client:
            keys = _make_accounts(root, client, fresh=fresh)
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
        wallets=_wallets(keys),
        log=root / "lnbits.log",
    )


def stop(root: Path, *, progress: Progress = _silent) -> Stopped:
    """End the server that `start` started and nothing else; data, keys and port stay for the next start.

    SIGTERM first, SIGKILL after `STOP_SECONDS`. A process that has merely got the same pid is left alone.
    """
    root = root.absolute()
    if not root.is_dir():
        return Stopped(None)
    with _locked(root, progress):
        return _stop(root)


def reset(root: Path, *, progress: Progress = _silent) -> Stopped:
    """Stop the sandbox and delete its data, keys and log: all its wallets. The environment stays."""
    root = root.absolute()
    if not root.is_dir():
        return Stopped(None)
    with _locked(root, progress):
        stopped = _stop(root)
        # The keys go last: with them and no data the next start begins anew, without them on data it can't.
        for name in ("data", "ext"):
            shutil.rmtree(root / name, ignore_errors=True)
        for name in ("keys.json", "lnbits.log", "lnbits.log.1"):
            (root / name).unlink(missing_ok=True)
    return stopped


def status(root: Path) -> SandboxStatus:
    """How the sandbox stands now; changes nothing and asks nothing but the sandbox itself."""
    root = root.absolute()
    record = _read_json(root / "server.json")
    pid = _own_process(root, record)
    answers = False
    if pid is not None and record.get("url"):
        with _client(str(record["url"]), timeout=3.0) as client:
            answers = _health(client) == "ready"
    state: State
    if pid is not None:
        state = "running"
    elif record.get("pid"):
        state = "killed"
    else:
        state = "stopped" if _environment_is_whole(root) else "not installed"
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
        wallets=sorted(_read_json(root / "keys.json").get("wallets", {})),
        log=root / "lnbits.log",
    )


def wallets(root: Path) -> dict[str, SandboxWallet]:
    """The sandbox's wallets by name, as written down at the last start; empty before the first."""
    return _wallets(_read_json(root / "keys.json"))


def fund(root: Path, wallet_id: str, amount_sat: int) -> None:
    """Put fake sats into a wallet of the running sandbox, as its admin; a negative amount takes some out.

    Raises Unreachable when it does not run, NotFound for a wallet that it doesn't have.
    """
    keys = _read_json(root / "keys.json")
    with _client(_running_url(root)) as client:
        _top_up(root, client, keys, wallet_id, amount_sat)


def admin_token(root: Path) -> str:
    """A bearer token of the running sandbox's admin, who may do anything on it."""
    with _client(_running_url(root)) as client:
        return _token(root, client, _read_json(root / "keys.json"), "admin")


# --- the folder ---


def _make_folders(root: Path) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("data", "ext"):
        (root / name).mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def _locked(root: Path, progress: Progress) -> Iterator[None]:
    """One `start`, `stop` or `reset` at a time; the lock goes with the process that holds it."""
    handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another amani that is at work on the sandbox", None)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


# --- the environment ---


def _stamp() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _env_python(root: Path) -> Path:
    return root / "env" / "bin" / "python"


def _environment_is_whole(root: Path) -> bool:
    try:
        whole = (root / "env" / ".amani-stamp").read_text().strip() == _stamp()
    except OSError:
        return False
    return whole and _env_python(root).exists()  # exists() is False once the system's Python is gone


def _install(root: Path, progress: Progress) -> Path:
    """The environment's Python; the environment is made where it is missing, half made or of another lock."""
    env = root / "env"
    python = _env_python(root)
    if _environment_is_whole(root):
        return python
    progress("preparing to install LNbits (first run only)", None)
    if env.is_symlink():
        env.unlink()
    elif env.exists():
        shutil.rmtree(env)
    (root / "install.log").unlink(missing_ok=True)
    uv = shutil.which("uv")
    base = find_python()
    if base is None and uv is None:
        uv = _fetch_uv(root, progress)
    if base is None:
        _make_with_managed_python(root, uv, env, progress)
    elif uv:
        _run(root, [uv, "venv", "--no-config", "--no-python-downloads", "--python", str(base), str(env)])
    else:
        # Without its own pip: ours installs into it, so Debian's Python without ensurepip is enough.
        _run(root, [str(base), "-m", "venv", "--without-pip", str(env)])
    _install_locked(root, python, uv, progress)
    for cache in ("cache", "tools"):
        shutil.rmtree(root / cache, ignore_errors=True)
    (env / ".amani-stamp").write_text(_stamp() + "\n")
    return python


def find_python() -> Path | None:
    """A Python that LNbits runs on: the one running now, else the first on PATH that really starts."""
    here = Path(getattr(sys, "_base_executable", "") or sys.executable)
    candidates = [here] if sys.version_info[:2] in PYTHONS else []
    for version in PYTHONS:
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            candidate = Path(folder or ".") / "python{}.{}".format(*version)
            if os.access(candidate, os.X_OK):
                candidates.append(candidate)
    return next((candidate for candidate in candidates if _is_usable(candidate)), None)


def _is_usable(python: Path) -> bool:
    """Whether it starts and is of a version LNbits runs on; version managers leave shims that do neither."""
    try:
        answer = subprocess.run(
            [python, "-c", "import sys, venv; print(*sys.version_info[:2])"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.split() in [[str(a), str(b)] for a, b in PYTHONS]


def _no_python(tried: str = "") -> errors.Unreachable:
    here = "{}.{}".format(*sys.version_info[:2])
    return errors.Unreachable(
        f"LNbits {LNBITS_VERSION} runs on Python 3.10, 3.11 and 3.12 only, and none of them was found"
        f" (amani itself runs on {here}){tried}",
        hint="put one on PATH, for example with `uv python install 3.12`, `brew install python@3.12` or"
        " `apt install python3.11`, and run amani sandbox start again",
        code="NO_PYTHON",
    )


def _fetch_uv(root: Path, progress: Progress) -> str | None:
    """uv from PyPI, pinned: where every Python is too new for LNbits, it can fetch one that is not."""
    if importlib.util.find_spec("pip") is None:
        return None
    progress("fetching uv, to get a Python that LNbits runs on", None)
    tools = root / "tools"
    shutil.rmtree(tools, ignore_errors=True)
    with contextlib.suppress(errors.Unreachable):
        pip = [sys.executable, "-m", "pip", "install", "--progress-bar", "off", "--require-hashes"]
        _run(root, [*pip, "--target", str(tools), "-r", str(UV_LOCK)])
        return str(tools / "bin" / "uv")
    return None


def _make_with_managed_python(root: Path, uv: str | None, env: Path, progress: Progress) -> None:
    if uv is None:
        raise _no_python()
    progress("fetching Python 3.12 for LNbits", None)
    try:
        _run(root, [uv, "venv", "--no-config", "--python", "3.12", str(env)])
    except errors.Unreachable as failure:
        raise _no_python(f"; fetching one failed, see {root / 'install.log'}") from failure


def _install_locked(root: Path, python: Path, uv: str | None, progress: Progress) -> None:
    """Everything in the lock, each file checked against its hash, with progress as the tool reports it."""
    total = len(re.findall(r"^[a-z0-9][^\s=]*==", LOCK.read_text(), re.MULTILINE))
    step = f"installing LNbits {LNBITS_VERSION}"
    seen = 0

    def pip_line(line: str) -> None:
        nonlocal seen
        if line.startswith(("Collecting ", "Ignoring ", "Requirement already")):
            seen += 1
            progress(step, 0.8 * min(1.0, seen / total))
        elif line.startswith("Installing collected"):
            progress(step, 0.8)

    def uv_line(line: str) -> None:
        nonlocal seen
        if line.startswith("DEBUG Sending fresh GET request"):  # about three for each package
            seen += 1
            progress(step, 0.9 * min(1.0, seen / (3 * total)))

    progress(step, 0.0)
    if uv:
        command = [uv, "pip", "install", "--no-config", "--verbose", "--no-progress", "--python", str(python)]
    elif importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-compile"]
        command += ["--progress-bar", "off", "--no-warn-script-location"]
    else:
        raise errors.Unreachable(
            "installing LNbits needs uv or pip, and this Python has neither",
            hint="install uv, or add pip to the environment that amani runs in",
            code="INSTALL_FAILED",
        )
    # The lock is complete. With dependencies, pip refuses pydantic[email], which the lock has as pydantic.
    _run(root, [*command, "--require-hashes", "--no-deps", "-r", str(LOCK)], uv_line if uv else pip_line)
    progress(step, 1.0)


def _run(root: Path, command: list[str], each_line: Callable[[str], None] | None = None) -> None:
    """Run one step of the installation, its output in install.log; raises Unreachable when it fails."""
    log = root / "install.log"
    last = error = ""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        try:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=_install_environment(root),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                umask=0o077,
            )
        except OSError as failure:
            raise _install_failed(log, f"{command[0]}: {failure.strerror}") from failure
        with process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    file.write(line)
                    if line.strip() and not line.startswith(("DEBUG", "TRACE", "[notice]")):
                        last = line.strip()
                    if line.lower().startswith("error:"):
                        error = line[6:].strip()
                    if each_line:
                        each_line(line)
            except BaseException:
                process.terminate()
                raise
    if process.returncode:
        raise _install_failed(log, error or last)


def _install_failed(log: Path, reason: str) -> errors.Unreachable:
    return errors.Unreachable(
        f"installing the sandbox failed: {reason[:300]}",
        hint=f"check the network and the disk, then run amani sandbox start again; details are in {log}",
        code="INSTALL_FAILED",
        details={"log": str(log)},
    )


def _install_environment(root: Path) -> dict[str, str]:
    """The user's own (index, proxy, certificates), with caches below `root` and nothing leading elsewhere."""
    drop = ("PYTHON", "LNBITS_", "FINCRA_", "AMANI_", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    env = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    env.setdefault("PIP_CACHE_DIR", str(root / "cache" / "pip"))
    env.setdefault("UV_CACHE_DIR", str(root / "cache" / "uv"))
    env["UV_PYTHON_INSTALL_DIR"] = str(root / "python")
    env.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_ROOT_USER_ACTION="ignore", PIP_USER="0")
    env.update(PIP_REQUIRE_VIRTUALENV="0", PYTHONUNBUFFERED="1")
    return env


# --- the process ---


def _listen(root: Path, record: Mapping[str, Any], asked: int | None) -> socket.socket:
    """A socket that listens on the port asked for, else the one used before, else `DEFAULT_PORT` or a free one.

    The server is handed this very socket: a port that was only found to be free could be another's by the time
    LNbits has started, and we would go on to talk to that one.
    """
    # Wallets are registered by their URL, so the port must stay; before there are any, another does as well.
    remembered = record.get("port") if wallets(root) else None
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


def _spawn(root: Path, listener: socket.socket, python: Path) -> dict[str, Any]:
    """Start the server on its own, detached from the terminal, and write down which process it is."""
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
    _write_json(root / "server.json", record)  # the port first: a kill here leaves a server that can be found
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        command = [str(python), "-m", "uvicorn", APP, "--fd", str(listener.fileno())]
        process = subprocess.Popen(
            # --app-dir names this sandbox's own path on the command line, by which `_is_ours` knows it.
            [*command, "--app-dir", str(site)],
            cwd=site,
            env=server_environment(root, port),
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
    return _adopt(root, record, process.pid)


def _adopt(root: Path, record: Mapping[str, Any], pid: int) -> dict[str, Any]:
    adopted = {**record, "pid": pid, "process": _process_start(pid)}
    if adopted != record:
        _write_json(root / "server.json", adopted)
    return adopted


def _own_process(root: Path, record: Mapping[str, Any]) -> int | None:
    """The pid of this sandbox's server if it is alive; another process with its old pid doesn't count."""
    pid = record.get("pid")
    if isinstance(pid, int):
        # Alive, started when we wrote it down, and running out of our own folder.
        if _is_alive(pid) and _process_start(pid) == record.get("process") and _is_ours(root, _command(pid)):
            return pid
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


def _stop(root: Path) -> Stopped:
    path = root / "server.json"
    record = _read_json(path)
    pid = _own_process(root, record)
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
        _write_json(path, {**record, "pid": None, "process": None})
    return Stopped(pid, forced)


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _await_ready(root: Path, record: Mapping[str, Any]) -> bool:
    """Wait until the server answers; True when its first installation is still to be done."""
    pid = int(record["pid"])
    deadline = time.monotonic() + START_SECONDS
    with _client(str(record["url"]), timeout=5.0) as client:
        while True:
            alive = _is_alive(pid)
            answer = _health(client) if alive else None
            if answer is not None:
                return answer == "first install"
            if not alive:
                _write_json(root / "server.json", {**record, "pid": None, "process": None})
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


# --- talking to it ---


def _client(url: str, *, timeout: float = 30.0) -> httpx.Client:
    """A client for loopback: no proxy of the environment, no redirects (they mean: not set up yet)."""
    import httpx

    return httpx.Client(base_url=url, timeout=timeout, trust_env=False, follow_redirects=False)


def _health(client: httpx.Client) -> Literal["ready", "first install"] | None:
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


def _call(
    client: httpx.Client, method: str, path: str, *, json: Any = None, token: str = "", key: str = ""
) -> tuple[int, Any]:
    """One request; the status and the decoded body. Raises Unreachable when it does not get through."""
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if key:
        headers["X-Api-Key"] = key
    try:
        answer = client.request(method, path, json=json, headers=headers)
    except httpx.HTTPError as error:
        raise errors.Unreachable(
            f"the sandbox at {client.base_url} does not answer ({type(error).__name__})",
            hint="amani sandbox status says how it stands; amani sandbox start starts it",
        ) from error
    client.cookies.clear()  # LNbits sets a login cookie, which would outrank the next call's token
    try:
        body = answer.json()
    except ValueError:
        body = {"detail": answer.text[:200]}
    return answer.status_code, body


def _refused(doing: str, status: int, body: Any) -> errors.AmaniError:
    detail = body.get("detail", body) if isinstance(body, dict) else body
    error = errors.NotFound if status == 404 else errors.NotAuthorised if status in (401, 403) else errors.Unreachable
    return error(
        f"the sandbox refused {doing}: {status} {str(detail)[:200]}",
        hint="amani sandbox reset makes a new one (its fake money is lost)",
    )


def _running_url(root: Path) -> str:
    record = _read_json(root / "server.json")
    if _own_process(root.absolute(), record) is None:
        raise errors.Unreachable("the sandbox does not run", hint="start it: amani sandbox start", code="SANDBOX_DOWN")
    return str(record["url"])


# --- accounts, wallets, fake money ---


def _wallets(keys: Mapping[str, Any]) -> dict[str, SandboxWallet]:
    return {
        name: SandboxWallet(name, entry["id"], entry["user"], entry["adminkey"], entry["inkey"])
        for name, entry in keys.get("wallets", {}).items()
    }


def _make_accounts(root: Path, client: httpx.Client, *, fresh: bool) -> dict[str, Any]:
    """Admin, user, wallets and funds, each only where it is missing and written down before it is used.

    Keys are read anew from the server, so that ones rotated there are right here.
    """
    keys_path = root / "keys.json"
    keys = _read_json(keys_path)
    if not fresh and "admin" not in keys:
        raise errors.NotAuthorised(
            f"the sandbox has data but {keys_path} is gone, and with it every key to it",
            hint="put the file back, or begin anew: amani sandbox reset",
        )
    if "admin" not in keys or "user" not in keys:
        keys["admin"] = keys.get("admin") or {"username": "admin", "password": secrets.token_urlsafe(24)}
        keys["user"] = {"username": USERNAME, "password": secrets.token_urlsafe(24)}
        _write_json(keys_path, keys)
    if fresh:
        admin = keys["admin"]
        login = {
            "username": admin["username"],
            "password": admin["password"],
            "password_repeat": admin["password"],
        }
        status, body = _call(client, "PUT", "/api/v1/auth/first_install", json=login)
        if status != 200:
            raise _refused("its first installation", status, body)
        keys = {"admin": {**admin, "token": body["access_token"]}, "user": keys["user"], "wallets": {}}
        keys["user"].pop("token", None)
        _write_json(keys_path, keys)

    token = _token(root, client, keys, "user")
    known = keys.setdefault("wallets", {})
    on_server = _list_wallets(client, token)
    for name, sats in WALLETS.items():
        before = known.get(name, {})
        wallet = next((w for w in on_server if w["id"] == before.get("id")), None)
        wallet = wallet or next((w for w in on_server if w["name"] == name), None)
        if wallet is None:
            wallet = _make_wallet(client, token, name, on_server)
        entry = {field: wallet[field] for field in ("id", "user", "adminkey", "inkey")}
        entry["funded"] = bool(before.get("funded")) and before.get("id") == wallet["id"]
        if entry != before:
            known[name] = entry
            _write_json(keys_path, keys)
        if not entry["funded"]:
            # In no currency: for a wallet in dollars, LNbits' default, each payment asks for their price.
            _call(client, "PATCH", "/api/v1/wallet", json={"currency": ""}, key=entry["adminkey"])
            if not _has_payments(client, entry["inkey"]):
                _top_up(root, client, keys, entry["id"], sats)
            entry["funded"] = True
            _write_json(keys_path, keys)
    return keys


def _make_wallet(client: httpx.Client, token: str, name: str, on_server: list[dict[str, Any]]) -> dict[str, Any]:
    """A wallet of that name; the nameless one that LNbits gives every new user becomes the first."""
    if len(on_server) == 1 and on_server[0]["name"] not in WALLETS:
        wallet = on_server[0]
        status, body = _call(client, "PATCH", "/api/v1/wallet", json={"name": name}, key=wallet["adminkey"])
    else:
        status, body = _call(client, "POST", "/api/v1/wallet", json={"name": name}, token=token)
        if status == 200:
            on_server.append(body)
    if status != 200:
        raise _refused(f"the wallet {name}", status, body)
    made: dict[str, Any] = body
    if len(on_server) == 1:
        on_server[0] = made
    return made


def _list_wallets(client: httpx.Client, token: str) -> list[dict[str, Any]]:
    status, body = _call(client, "GET", "/api/v1/wallets", token=token)
    if status != 200 or not isinstance(body, list):
        raise _refused("the list of wallets", status, body)
    return [wallet for wallet in body if not wallet.get("deleted")]


def _has_payments(client: httpx.Client, inkey: str) -> bool:
    status, body = _call(client, "GET", "/api/v1/payments?limit=1", key=inkey)
    if status != 200:
        raise _refused("the list of payments", status, body)
    return bool(body)


def _token(root: Path, client: httpx.Client, keys: dict[str, Any], who: Literal["admin", "user"]) -> str:
    """A bearer token that the server accepts, of the admin or of the user (registered where missing)."""
    account = keys.get(who)
    if not account:
        raise errors.NotAuthorised(
            f"{root / 'keys.json'} has no login for the sandbox's {who}", hint="amani sandbox start makes one"
        )
    if account.get("token") and _call(client, "GET", "/api/v1/auth", token=account["token"])[0] == 200:
        return str(account["token"])
    login = {"username": account["username"], "password": account["password"]}
    status, body = _call(client, "POST", "/api/v1/auth", json=login)
    if status != 200 and who == "user":
        login["password_repeat"] = login["password"]
        status, body = _call(client, "POST", "/api/v1/auth/register", json=login)
    if status != 200:
        raise _refused(f"the login of its {who}", status, body)
    account["token"] = body["access_token"]
    _write_json(root / "keys.json", keys)
    return str(account["token"])


def _top_up(root: Path, client: httpx.Client, keys: dict[str, Any], wallet_id: str, amount_sat: int) -> None:
    token = _token(root, client, keys, "admin")
    left = amount_sat
    while left:
        part = max(-LARGEST_TOP_UP_SAT, min(LARGEST_TOP_UP_SAT, left))
        json = {"id": wallet_id, "amount": part}
        status, body = _call(client, "PUT", "/users/api/v1/balance", json=json, token=token)
        if status != 200:
            raise _refused(f"{part} sat for the wallet {wallet_id}", status, body)
        left -= part
