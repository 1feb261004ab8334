"""Files that somebody else chose, could read or could write: refused before anything else happens, in one clear line.

What holds keys, codes or the journal is the user's own, with no link in its place and no rights for others; what
settings come from can't be written by others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import AddWallet, write_key
from tests.faults import fiat
from tests.faults.fiat import BANK, World
from tests.faults.tally import Tally
from tests.kit.driver import Amani, Result

pytestmark = pytest.mark.faults

STRANGER = 12345
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")

Spoil = Callable[[Path], object]


def link(path: Path) -> None:
    """A link to what was there, which is our own."""
    kept = path.with_name(f"kept-{path.name}")
    path.rename(kept)
    path.symlink_to(kept)


def another_s(path: Path) -> None:
    os.chown(path, STRANGER, STRANGER)


def readable(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o040)


def writable(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o022)


SECRET: dict[str, Spoil] = {"a link": link, "another user's": another_s, "readable": readable, "writable": writable}
TRUSTED: dict[str, Spoil] = {"another user's": another_s, "writable": writable}


def cases(ways: dict[str, Spoil]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "spoil",
        [pytest.param(ways[way], id=way, marks=needs_root if way.startswith("another") else ()) for way in ways],
    )


@pytest.fixture
def line(amani: Amani, home: Path, tmp_path: Path) -> Iterator[World]:
    with fiat.world(amani, home, tmp_path) as made:
        yield made


PAY = ("pay", BANK, "5000NGN", "--reference", "r", "--yes", "--json")


def is_refused(run: Result, path: Path, *, code: str = "NOT_PRIVATE", exit_code: int = 2) -> None:
    assert (run.code, run.error["code"], run.error["money_moved"]) == (exit_code, code, "no"), run
    assert str(path) in run.error["message"]
    assert run.error["hint"]
    assert len([said for said in run.stderr.splitlines() if said.startswith("error: ")]) == 1


@pytest.mark.sqlite
@cases(SECRET)
@pytest.mark.parametrize("name", ["amani.db", "amani.db-wal", "amani.db-shm"])
def test_the_journal(line: World, home: Path, name: str, spoil: Spoil, tally: Tally) -> None:
    path = home / name
    if not path.exists():
        path.touch(mode=0o600)
    spoil(path)
    for words in (PAY, ("wallet", "list", "--json"), ("audit", "verify", "--json"), ("reconcile", "--json")):
        is_refused(line.amani(*words), path)
        tally("faults")
    assert line.stored == {}
    doctor = line.amani("doctor", "--json")
    assert doctor.code == 13
    failed = [item for item in doctor.json["data"]["items"] if item["status"] == "fail"]
    assert [str(path) in item["check"] for item in failed] == [True], failed


@cases(TRUSTED)
@pytest.mark.parametrize("name", ["", "config.toml"])
def test_where_settings_come_from(line: World, home: Path, name: str, spoil: Spoil) -> None:
    assert line.amani("config", "set", "timeout", "20s").code == 0
    spoil(home / name)
    for words in (PAY, ("config", "show", "--json"), ("config", "set", "timeout", "30s", "--json")):
        is_refused(line.amani(*words), home / name)
    assert line.stored == {}
    doctor = line.amani("doctor", "--json")
    assert str(home / name) in [item["check"][5:] for item in doctor.json["data"]["items"] if item["status"] == "fail"]


def test_settings_may_be_a_link_to_one_s_own(amani: Amani, home: Path, tmp_path: Path) -> None:
    assert amani("config", "set", "timeout", "20s").code == 0
    link(home / "config.toml")
    assert "timeout=20s" in amani("config", "explain", "timeout", "-q").stdout
    assert amani("config", "set", "timeout", "30s").code == 0
    assert (home / "config.toml").is_symlink()
    assert "30s" in (home / "kept-config.toml").read_text()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(home)
    assert "timeout=30s" in amani("config", "explain", "timeout", "-q", env={"AMANI_HOME": str(elsewhere)}).stdout


def test_root_s_files_are_another_user_s_too(line: World, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not their owner is refused, whoever the owner is."""
    monkeypatch.setattr(os, "getuid", lambda: STRANGER)
    for words in (PAY, ("wallet", "list", "--json"), ("config", "show", "--json")):
        is_refused(line.amani(*words), home)


@cases(SECRET)
def test_a_key_file(line: World, spoil: Spoil) -> None:
    path = Path(line.blanks["key"])
    spoil(path)
    words = ("wallet", "add", "new", "--provider", "fincra", "--url", line.blanks["url"], "--key-file", path, "--json")
    is_refused(line.amani(*words), path, code="KEY_FILE", exit_code=3)


@cases(SECRET)
def test_a_pin_a_passphrase_and_what_is_kept_beside_a_key(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, spoil: Spoil
) -> None:
    held = add_wallet("main")
    pin = write_key(tmp_path / "pin", "8317")
    assert amani("pin", "set", "--pin-file", pin).code == 0
    spoil(pin)
    is_refused(amani("pin", "verify", "--pin-file", pin, "--json"), pin, code="KEY_FILE", exit_code=3)
    (pepper,) = Path(f"{held.key_file}.amani").iterdir()
    spoil(pepper)
    is_refused(amani("pin", "verify", "--pin-stdin", "--json", stdin="8317"), pepper, code="KEY_FILE", exit_code=3)
    phrase = write_key(tmp_path / "phrase", "correct horse battery staple")
    spoil(phrase)
    made = amani("backup", "create", tmp_path / "b", "--passphrase-file", phrase, "--json")
    is_refused(made, phrase, code="KEY_FILE", exit_code=3)
    assert not (tmp_path / "b").exists()


def test_a_descriptor_of_one_s_own_is_no_link(amani: Amani, add_wallet: AddWallet) -> None:
    """`--pin-file <(pass show pin)` names a link to a pipe."""
    add_wallet("main")
    assert amani("pin", "set", "--pin-stdin", stdin="8317").code == 0
    reader, writer = os.pipe()
    os.write(writer, b"8317\n")
    os.close(writer)
    try:
        assert amani("pin", "verify", "--pin-file", f"/dev/fd/{reader}").code == 0
    finally:
        os.close(reader)


@cases(SECRET)
def test_the_codes_of_a_batch(amani: Amani, add_wallet: AddWallet, tmp_path: Path, spoil: Spoil, tally: Tally) -> None:
    """Refused before the first cheque gets its money, and what is there stays as it is."""
    main = add_wallet("main", 500)
    table, plan = tmp_path / "t.csv", tmp_path / "p.plan"
    table.write_text("to,amount\ncheque,21\ncheque,22\n")
    assert amani("batch", "plan", table, "-o", plan).code == 0
    codes = tmp_path / "p.plan.codes.csv"
    codes.write_text("precious")
    codes.chmod(0o600)
    spoil(codes)
    is_refused(amani("batch", "run", plan, "--yes", "--json"), codes)
    tally("faults")
    assert amani("batch", "results", plan).code == 2
    assert main.sat == 500
    assert codes.read_text() == "precious"
    codes.unlink()
    assert amani("batch", "run", plan, "--yes").code == 0
    assert codes.stat().st_mode & 0o777 == 0o600


@cases({name: SECRET[name] for name in ("a link", "another user's")})
@pytest.mark.parametrize("option", ["--qr-file=out.svg", "--print=out.html"])
def test_what_a_cheque_is_drawn_into(amani: Amani, add_wallet: AddWallet, option: str, spoil: Spoil) -> None:
    main = add_wallet("main", 500)
    path = Path(option.partition("=")[2])
    write_key(path, "precious")
    spoil(path)
    run = amani("cheque", "create", "21", option, "--force", "--yes", "--json")
    assert (run.code, run.error["code"]) == (2, "NOT_PRIVATE"), run
    assert (main.sat, path.read_text()) == (500, "precious\n")


@cases({name: SECRET[name] for name in ("a link", "another user's")})
def test_what_results_are_written_into(amani: Amani, add_wallet: AddWallet, tmp_path: Path, spoil: Spoil) -> None:
    add_wallet("main", 500)
    table, plan, out = tmp_path / "t.csv", tmp_path / "p.plan", write_key(tmp_path / "out.csv", "precious")
    table.write_text("to,amount\ncheque,21\n")
    assert amani("batch", "plan", table, "-o", plan).code == 0
    assert amani("batch", "run", plan, "--yes").code == 0
    spoil(out)
    is_refused(amani("batch", "results", plan, "-o", out, "--force", "--json"), out)
    assert out.read_text() == "precious\n"


@pytest.mark.sqlite  # a shared ledger has rows in place of lock files
@cases(SECRET)
def test_a_lock(amani: Amani, add_wallet: AddWallet, home: Path, spoil: Spoil) -> None:
    add_wallet("main", 50)
    (home / "locks").mkdir(mode=0o700)
    lock = home / "locks" / "keys-1.lock"
    lock.touch(mode=0o600)
    spoil(lock)
    is_refused(amani("wallet", "rotate-keys", "main", "--yes", "--json"), lock)
