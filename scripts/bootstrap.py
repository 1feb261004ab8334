"""Makes `.venv` in this clone from the lock files, with nothing but Python: `python3 bootstrap.py [--dev]`.

What is needed is Python 3.11 or newer. uv is used when it is on PATH; else the standard library's venv and
pip; and where ensurepip is missing, as on a Debian without python3-venv, the pip that the lock pins is
fetched and run from its wheel. Caches live in `.cache/`, nothing is written outside the clone, and a second
run only compares a stamp. The syntax is kept to what Python 3.6 can read, so that it gets the line below.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said here, before a line that an older Python can't run
    sys.exit(
        "amani needs Python 3.11 or newer, and this is Python {}.{}.".format(*sys.version_info[:2])
        + " Install one, then: make PYTHON=python3.12 demo"
    )

import argparse
import base64
import configparser
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
DEFAULT_INDEX = "https://pypi.org/simple"


class SetupFailed(Exception):
    """The environment could not be made; the message says why and what to do."""


def main() -> int:
    """Make or bring up to date the environment; 0 when it stands, 1 with a line on stderr when it can't."""
    parser = argparse.ArgumentParser(description="Make .venv from the lock files.")
    parser.add_argument("--dev", action="store_true", help="with what the tests and the linters need")
    options = parser.parse_args()
    try:
        with _one_at_a_time(CLONE / ".cache"):
            set_up(CLONE, dev=options.dev)
    except SetupFailed as failure:
        print(f"bootstrap: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbootstrap: interrupted; run it again and it starts this step afresh", file=sys.stderr)
        return 130
    return 0


def set_up(clone: Path, *, dev: bool) -> bool:
    """Make `clone/.venv` hold exactly the lock, and say whether anything had to be done.

    An environment without a valid stamp (half made, of another Python, moved, of older locks) is thrown away
    and made anew; one that only lacks the development tools gets them added. Raises SetupFailed.
    """
    venv = clone / ".venv"
    stamp = venv / ".amani-stamp"
    wanted = _fingerprint(clone, venv)
    have = _read_stamp(stamp)
    sound = have is not None and {**have, "dev": ""} == {**wanted, "dev": ""} and _runs(venv)
    if sound and have is not None and (have["dev"] == wanted["dev"] or (not dev and not have["dev"])):
        return False

    started = time.monotonic()
    stamp.unlink(missing_ok=True)
    uv = shutil.which("uv")
    if not (sound and have is not None and not have["dev"]):
        _remove(venv)
        _say(f"making {venv.name} with {'uv' if uv else 'venv and pip'} (first run only, a minute or so)")
        _create(venv, clone, uv)
    _install(venv, clone, clone / ("requirements-dev.lock" if dev else "requirements.lock"), uv)
    _say("installing amani from this clone")
    _run([*_installer(venv, uv), "--no-deps", "--no-build-isolation", "-e", str(clone)], clone)
    _run([str(venv / "bin" / "python"), "-m", "compileall", "-q", "amani_cli"], clone)

    stamp.write_text(json.dumps({**wanted, "dev": wanted["dev"] if dev else ""}, indent=1) + "\n")
    _say(f"{venv.name} is ready ({time.monotonic() - started:.0f} s)")
    return True


def install_wheel(clone: Path, venv: Path) -> None:
    """Have `venv` hold the lock and amani's wheel, compiled and not editable: what a user has. Raises SetupFailed."""
    stamp = venv / ".amani-stamp"
    wanted = _fingerprint(clone, venv)
    uv = shutil.which("uv")
    if _read_stamp(stamp) != wanted or not _runs(venv):
        _remove(venv)
        _create(venv, clone, uv)
        _install(venv, clone, clone / "requirements.lock", uv)
    stamp.unlink(missing_ok=True)
    again = ["--reinstall", "--compile-bytecode"] if uv else ["--force-reinstall"]
    _run([*_installer(venv, uv), "--no-deps", "--no-build-isolation", *again, str(clone)], clone)
    stamp.write_text(json.dumps(wanted))


def _fingerprint(clone: Path, venv: Path) -> dict[str, str]:
    """What an environment depends on; any other value of these and it is another environment."""
    digest = {
        name: hashlib.sha256((clone / file).read_bytes()).hexdigest()
        for name, file in {
            "runtime": "requirements.lock",
            "dev": "requirements-dev.lock",
            "project": "pyproject.toml",
        }.items()
    }
    # Scripts in a venv name its path, so a clone that was moved needs a new one.
    return {**digest, "python": sys.version.split()[0], "base": sys.base_prefix, "path": str(venv)}


def _read_stamp(stamp: Path) -> dict[str, str] | None:
    try:
        content = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or "dev" not in content:
        return None
    return {str(key): str(value) for key, value in content.items()}


def _runs(venv: Path) -> bool:
    """Whether the environment's Python is still there; an upgrade of the system can take it away."""
    return (venv / "bin" / "python").exists() and (venv / "bin" / "amani").exists()


def _remove(venv: Path) -> None:
    if venv.is_symlink():
        raise SetupFailed(f"{venv} is a link, which bootstrap neither follows nor removes; remove it yourself")
    if venv.exists():
        shutil.rmtree(venv)


def _create(venv: Path, clone: Path, uv: str | None) -> None:
    """An empty environment that `_installer` can install into."""
    if uv:
        _run([uv, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, str(venv)], clone)
    elif importlib.util.find_spec("ensurepip"):
        _run([sys.executable, "-m", "venv", str(venv)], clone)
    else:
        _run([sys.executable, "-m", "venv", "--without-pip", str(venv)], clone)
        wheel = fetch_pip(clone / "requirements.lock", clone / ".cache")
        # A wheel is a zip that Python can run from: https://pip.pypa.io/en/stable/installation/#standalone-zip-application
        command = [
            str(venv / "bin" / "python"),
            f"{wheel}/pip",
            "install",
            "--no-index",
            "--no-deps",
            str(wheel),
        ]
        _run(command, clone)


def _installer(venv: Path, uv: str | None) -> list[str]:
    python = str(venv / "bin" / "python")
    if uv:
        return [uv, "pip", "install", "--quiet", "--no-progress", "--python", python]
    return [python, "-m", "pip", "install", "--progress-bar", "off", "--no-warn-script-location"]


def _install(venv: Path, clone: Path, lock: Path, uv: str | None) -> None:
    """Everything in the lock, each file checked against its hash."""
    total = len(locked(lock))
    _say(f"installing {total} packages from {lock.name}")
    options = ["--require-hashes", "--no-deps", "-r", str(lock)]  # the lock is complete
    if uv:
        _run([*_installer(venv, uv), "--compile-bytecode", *options], clone)
    else:
        _run([*_installer(venv, uv), *options], clone, total=total)


def locked(lock: Path) -> dict[str, str]:
    """The names in a lock file and the version each is pinned to."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE))


def locked_hashes(lock: Path, name: str) -> set[str]:
    """The SHA-256 sums, in hex, of the files that the lock accepts for a package."""
    block = re.search(rf"^{re.escape(name)}==.*(?:\n[ \t]+--hash=.*)*", lock.read_text(), re.MULTILINE)
    return set(re.findall(r"--hash=sha256:([0-9a-f]{64})", block[0])) if block else set()


# --- pip where Python comes without it ---


def fetch_pip(lock: Path, cache: Path) -> Path:
    """The wheel of the pip that the lock pins, from the configured index, checked against the lock's hash.

    `PIP_INDEX_URL` and pip's configuration files name the index; proxies and certificates come from the
    environment as they do for pip. Raises SetupFailed.
    """
    version = locked(lock).get("pip")
    if not version:
        raise SetupFailed(f"{lock.name} pins no pip; the clone is damaged")
    name = f"pip-{version}-py3-none-any.whl"
    wheel = cache / name
    accepted = locked_hashes(lock, "pip")
    if wheel.is_file() and hashlib.sha256(wheel.read_bytes()).hexdigest() in accepted:
        return wheel
    index = index_url().rstrip("/") + "/pip/"
    _say(f"this Python has no ensurepip; fetching {name}")
    try:
        page_url, page = _get(index)
        content = _get(_link_to(name, page_url, page.decode("utf-8", "replace")))[1]
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error
        raise SetupFailed(
            f"could not fetch pip from {_without_login(index)}: {reason}. "
            "Check the network (PIP_INDEX_URL, HTTPS_PROXY), or install python3-venv or uv, and run it again"
        ) from error
    if hashlib.sha256(content).hexdigest() not in accepted:
        raise SetupFailed(f"the {name} of {_without_login(index)} is not the file that {lock.name} pins; not used")
    cache.mkdir(parents=True, exist_ok=True)
    part = wheel.with_suffix(".part")
    part.write_bytes(content)
    part.replace(wheel)
    return wheel


def index_url() -> str:
    """The package index that pip would ask: the environment, then pip's configuration files, then PyPI."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    config = configparser.ConfigParser(interpolation=None, strict=False)
    home = Path.home()
    files = [
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf",
        home / "Library" / "Application Support" / "pip" / "pip.conf",
    ]
    if os.environ.get("PIP_CONFIG_FILE"):
        files.append(Path(os.environ["PIP_CONFIG_FILE"]))
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):
        config.read(files)
    for section in ("install", "global"):
        url = config.get(section, "index-url", fallback="")
        if url:
            return url
    return DEFAULT_INDEX


class _Links(HTMLParser):
    """The links of a "simple" index page: https://packaging.python.org/en/latest/specifications/simple-repository-api/."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get("href")
        if tag == "a" and url:
            self.urls.append(url)


def _link_to(name: str, page_url: str, page: str) -> str:
    links = _Links()
    links.feed(page)
    for link in links.urls:
        url = urllib.parse.urljoin(page_url, link).partition("#")[0]
        if urllib.parse.unquote(url).endswith("/" + name):
            return url
    raise SetupFailed(f"{_without_login(page_url)} does not offer {name}; install python3-venv or uv instead")


def _get(url: str) -> tuple[str, bytes]:
    """The address that answered, and its body; a login in the URL is sent as one."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("https", "http", "file"):
        raise SetupFailed(f"the package index must be an https address, not {_without_login(url)!r}")
    request = urllib.request.Request(_without_login(url), headers={"Accept": "text/html"})  # noqa: S310 - scheme checked
    if parts.username:
        login = urllib.parse.unquote(f"{parts.username}:{parts.password or ''}")
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    bundle = next(
        (os.environ[n] for n in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if os.environ.get(n)),
        None,
    )
    context = ssl.create_default_context(cafile=bundle)
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:  # noqa: S310 - scheme checked
        body: bytes = answer.read()
        where: str = answer.geturl()
    return (url if where == _without_login(url) else where), body


def _without_login(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


# --- running and telling ---


def _environment(clone: Path) -> dict[str, str]:
    """The user's environment, with caches in the clone and without what would install somewhere else."""
    drop = {
        "PYTHONHOME",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_USER",
        "PIP_REQUIRE_VIRTUALENV",
    }
    env = {name: value for name, value in os.environ.items() if name not in drop}
    env.setdefault("PIP_CACHE_DIR", str(clone / ".cache" / "pip"))
    env.setdefault("UV_CACHE_DIR", str(clone / ".cache" / "uv"))
    env.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_USER="0", PYTHONUNBUFFERED="1")
    env["PIP_ROOT_USER_ACTION"] = "ignore"
    return env


def _run(command: list[str], clone: Path, *, total: int = 0) -> None:
    """Run one step to its end, counting packages against `total`; raises SetupFailed with its last lines."""
    tail: list[str] = []
    seen = 0
    with subprocess.Popen(
        command,
        cwd=clone,
        env=_environment(clone),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail = [*tail[-14:], line.rstrip()]
            if total and line.startswith(("Collecting ", "Requirement already satisfied", "Ignoring ")):
                seen += 1
                _draw(f"  {min(seen, total)}/{total} {' '.join(line.split()[1:2])}")
            elif total and line.startswith("Installing collected"):
                _draw(f"  {total}/{total} unpacking")
    _draw("")
    if process.returncode:
        shown = "\n".join("    " + line for line in tail)
        raise SetupFailed(f"this step failed with exit code {process.returncode}:\n  {' '.join(command)}\n{shown}")


def _draw(text: str) -> None:
    """One line that overwrites itself; nothing where nobody is watching."""
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text[:100]}", end="", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    """Two `make`s at once: the second waits, then finds the work done."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another bootstrap is at work here; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
