"""The Python environment that LNbits runs in: found, or made from the lock, by uv where there is one."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from amani_cli import errors
from amani_cli.sandbox.folder import Progress

LNBITS_VERSION = "1.6.2"
LOCK = Path(__file__).with_name("lnbits.lock")
UV_LOCK = Path(__file__).with_name("uv.lock")
PYTHONS = ((3, 12), (3, 11), (3, 10))  # what LNbits declares: >=3.10,<3.13


def _stamp() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def python_of(root: Path) -> Path:
    """The environment's Python, there or not."""
    return root / "env" / "bin" / "python"


def is_whole(root: Path) -> bool:
    """Whether all of the lock was installed, and the Python below it is still there."""
    try:
        whole = (root / "env" / ".amani-stamp").read_text().strip() == _stamp()
    except OSError:
        return False
    return whole and python_of(root).exists()  # exists() is False once the system's Python is gone


def install(root: Path, progress: Progress) -> Path:
    """The environment's Python; the environment is made where it is missing, half made or of another lock."""
    env = root / "env"
    python = python_of(root)
    if is_whole(root):
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
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
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
