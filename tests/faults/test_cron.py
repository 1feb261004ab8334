"""Where cron, systemd and containers put a command: no terminal, no home, no locale, streams that are closed or full.

Each command works there, or says in one line what is missing; what it writes is private whatever the umask.
"""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import write_key
from tests.faults import fiat
from tests.faults.fiat import BANK, COMMANDS, World
from tests.faults.tally import DEEP, Tally
from tests.kit import keyrings, ledgers
from tests.kit.driver import Amani, Environment, environment
from tests.kit.straits import PYTHON

pytestmark = pytest.mark.faults

CRON: Environment = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C",
    **dict.fromkeys(("HOME", "USER", "LOGNAME", "TERM", "SHELL", "LC_ALL", "PYTHONIOENCODING", "PYTHONUTF8")),
}
# The straits (see tests/kit/straits.py) and what is in the environment besides.
PLACES: dict[str, tuple[tuple[str, ...], Environment]] = {
    "cron": (("stdin-closed",), CRON),
    "cron without a locale": (
        ("stdin-closed",),
        {**CRON, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ),
    "ascii streams": ((), {**CRON, "PYTHONIOENCODING": "ascii"}),
    "a folder that is gone": (("stdin-closed", "no-folder"), CRON),
    "nobody's home": ((), {**CRON, "HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"}),
    "no stderr": (("stdin-closed", "stderr-closed"), CRON),
    "few files": (("few-files",), CRON),
    "a zone of its own": ((), {**CRON, "TZ": "<+0545>-5:45"}),
    "no umask": (("umask-000",), CRON),
    "a umask that takes all": (("umask-777",), CRON),
}
# What a cron job would do, in an order in which each can; the exit code it ends with.
JOBS: tuple[tuple[str, int], ...] = (
    ("wallet balance", 0),
    (f"pay {BANK} 10NGN --memo {{memo}} --reference r", 5),
    (f"pay {BANK} 10NGN --memo {{memo}} --reference r --yes", 0),
    ("history list", 0),
    ("invoice create 10NGN --name Ada·Obi --email a@example.com", 0),
    ("reconcile", 0),
    ("doctor", 13 if ledgers.on_postgres() else 0),  # a server of the tests does not sync, and doctor says so
)
MORE_JOBS: tuple[tuple[str, int], ...] = (
    ("wallet list", 0),
    ("transfer branch 10NGN --from shop --yes", 0),
    ("wallet convert 10USD --to NGN --yes", 0),
    ("history list --since 7d", 0),
    ("audit verify", 0),
    ("config set timeout 20s", 0),
)


@pytest.fixture
def line(amani: Amani, home: Path, tmp_path: Path) -> Iterator[World]:
    with fiat.world(amani, home, tmp_path) as made:
        yield made


@pytest.mark.parametrize("place", PLACES)
def test_every_job(line: World, home: Path, place: str, tally: Tally) -> None:
    straits, env = PLACES[place]
    jobs = JOBS + (MORE_JOBS if DEEP or place == "cron" else ())
    # With neither a locale nor Python's own remedies for that, an argument can't be told from rubbish.
    memo = "rent" if "PYTHONCOERCECLOCALE" in env else "café·₦·日本"
    for text, code in jobs:
        argv = [word.format(memo=memo).replace("·", " ") for word in text.split()]
        command = [PYTHON, "-m", "tests.kit.straits", *straits, "-m", "amani_cli", *argv]
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, env=environment(env), check=False, timeout=60
        )
        tally("processes")
        told = done.stderr.decode("utf-8", "replace")
        assert done.returncode == code, (text, done)
        assert "Traceback" not in told
        assert "Exception ignored" not in told
        if code == 5:
            assert line.stored == {}
            assert "stderr" in place or "needs a yes" in told
        elif argv[0] != "config":
            assert done.stdout, (text, done)
    assert len(line.stored) == 1 + 2 * (len(jobs) > len(JOBS))
    assert set(line.stored.values()) == {"successful"}
    line.holds_journal_to_the_record()
    for path in [home, *home.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_home_made_from_nothing_is_private(line: World, tmp_path: Path) -> None:
    """The very first command, in the worst umask: folders 0700, files 0600, from the first byte."""
    for strait in ("umask-000", "umask-777"):
        fresh = tmp_path / strait
        env = {**CRON, "AMANI_HOME": str(fresh), "AMANI_LOG": str(fresh / "log")}
        added = line.amani.process(
            *line.words(COMMANDS["wallet add"]), env=env, python=("-m", "tests.kit.straits", strait)
        )
        assert added.code == 0, added
        for path in [fresh, *fresh.rglob("*")]:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_pin_from_a_closed_stdin(line: World) -> None:
    run = line.amani.process(
        "pin", "set", "--pin-stdin", "--json", python=("-m", "tests.kit.straits", "stdin-closed"), env=CRON
    )
    assert run.code == 2
    assert "stdin" in run.error["message"]


def test_no_folder_to_keep_things_in(amani: Amani) -> None:
    """No AMANI_HOME and no HOME: the folder of the user's entry in passwd, or a line that names AMANI_HOME."""
    run = amani.process("config", "path", "--json", env={**CRON, "AMANI_HOME": None})
    assert run.code in (0, 2)
    if run.code:
        assert "AMANI_HOME" in run.error["hint"]


# -- keys where there is no keyring --------------------------------------------------------------------------------


class TestKeyCommands:
    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("amani_cli.keys.COMMAND_CAP_S", 1.0)

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            ("false", "failed with exit code 1"),
            ("/no/such/program", "can't be run: No such file or directory"),
            ("/etc/passwd", "can't be run: Permission denied"),
            ("echo 'unbalanced", "can't be run: not a command line"),
            ("  ", "can't be run: not a command line"),
            ("sleep 60", "gave no key within 1 s"),
            ("sh -c 'sleep 60 & echo key'", "gave no key within 1 s"),
            ("yes", "prints far more than a key"),
            ("cat /dev/zero", "prints far more than a key"),
            ("true", "is empty"),
            ("printf 'two\\nlines\\n'", "is not a key"),
            ("printf '\\377\\376\\000'", "is not a key"),
            ("printf 'kéy'", "is not a key"),
            ("sh -c 'kill -9 $$'", "failed with exit code -9"),
        ],
    )
    def test_one_that_gives_none(self, line: World, command: str, said: str) -> None:
        asked = len(line.double.requests)
        began = time.monotonic()
        run = line.amani("wallet", "balance", "--json", env={"AMANI_KEY_COMMAND": command})
        assert time.monotonic() - began < 10
        assert run.code == 3, run
        assert said in run.error["message"]
        assert len(line.double.requests) == asked

    def test_its_environment_holds_no_key(self, line: World, tmp_path: Path) -> None:
        seen = tmp_path / "seen"
        env = {"AMANI_KEY_COMMAND": f"sh -c 'env >{seen}; cat {tmp_path / 'shop.key'}'", "LNBITS_API_KEY": "c" * 32}
        assert line.amani("wallet", "balance", env=env).code == 0
        assert "c" * 32 not in seen.read_text()


class TestKeyFiles:
    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (lambda path: path.mkdir(mode=0o700), "Is a directory"),
            (lambda path: path.symlink_to("nowhere"), "is a link to nowhere"),
            (lambda path: path.symlink_to(path), "is a link"),
            (lambda path: write_key(path, ""), "is empty"),
            (lambda path: write_key(path, "x" * 100_000), "is not a key"),
            (lambda path: write_key(path, "key", 0o644), "can be read by others"),
            (lambda path: write_key(path, "key", 0o620), "can be written by others"),
            (lambda path: (path.write_bytes(b"\xff\xfe"), path.chmod(0o600)), "not text"),
            (lambda path: path.symlink_to("/dev/zero"), "is a link"),
        ],
        ids=["folder", "dead link", "loop", "empty", "long", "0644", "0620", "bytes", "endless"],
    )
    def test_one_that_holds_none(self, line: World, tmp_path: Path, make: object, said: str) -> None:
        make(tmp_path / "a-key")  # type: ignore[operator]
        asked = len(line.double.requests)
        run = line.amani("wallet", "balance", "--json", env={"AMANI_KEY_FILE": str(tmp_path / "a-key")})
        assert run.code == 3, run
        assert said in run.error["message"]
        assert len(line.double.requests) == asked

    @pytest.mark.parametrize("name", ["../shop.key", "", ".", "..", "a/b", "missing", "folder"])
    def test_a_credential_that_is_none(self, line: World, tmp_path: Path, name: str) -> None:
        (tmp_path / "credentials" / "folder").mkdir(parents=True)
        env = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
        words = ("wallet", "add", "new", "--provider", "fincra", "--url", line.proxy.url)
        run = line.amani(*words, "--key-credential", name, "--no-input", "--json", env=env)
        assert run.code in (2, 3), run
        assert [row["name"] for row in line.amani("wallet", "list", "--json").data["items"]] == ["shop", "branch"]


@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring", keyrings.LOCKED])
def test_no_keyring_that_keeps_anything(line: World, tmp_path: Path, home: Path, backend: str) -> None:
    """Said before anything is stored, and never put into a file in the clear instead."""
    key = (tmp_path / "new.key").read_text().strip()
    words = ("wallet", "add", "new", "--provider", "fincra", "--url", line.proxy.url, "--key-stdin", "--json")
    run = line.amani.process(*words, stdin=key, env={**CRON, "PYTHON_KEYRING_BACKEND": backend})
    assert run.code == 3, run
    assert "--key-file" in run.error["hint"]
    for path in home.rglob("*"):
        assert path.is_dir() or key.encode() not in path.read_bytes(), path
    assert os.listdir(home) != []
