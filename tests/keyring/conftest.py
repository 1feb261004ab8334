"""A real Secret Service: gnome-keyring on a D-Bus session of its own, no desktop needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

NEEDED = ("dbus-run-session", "gnome-keyring-daemon")
# The first start makes the login collection with this password; the same HOME and another one is the locked case.
_SCRIPT = 'printf %s "$0" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; '
_SCRIPT += 'echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat'


@pytest.fixture
def secret_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Starts the service with a password, in place of one that runs already; amani finds it in the environment."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (Debian: apt-get install gnome-keyring dbus)")
    home = tmp_path / "keyring-home"
    home.mkdir(mode=0o700)
    with ExitStack() as running:

        def start(password: str) -> None:
            running.close()
            address = running.enter_context(service(home, password))
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)

        start("pw")
        yield start


@contextmanager
def service(home: Path, password: str) -> Iterator[str]:
    """A Secret Service unlocked with a password; gives the address of its bus."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    with subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", _SCRIPT, password],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as session:
        assert session.stdout is not None
        yield session.stdout.readline().strip()
        assert session.stdin is not None
        session.stdin.close()  # `cat` ends, and the session with it
