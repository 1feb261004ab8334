"""Folders of amani's own that can't be written: a lock, a secret that is dropped, codes that were kept. A real LNbits.

What comes before the money refuses, with the file's name; what comes behind it changes no answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cheques.test_cheques import write
from tests.cheques.test_voids import LONG_AGO, the_one
from tests.conftest import Held, change_database
from tests.faults.test_disk import NO_RIGHTS, bound_by_modes, modes
from tests.kit.driver import Amani

pytestmark = [pytest.mark.faults, pytest.mark.lnbits, pytest.mark.sqlite, bound_by_modes]

PIN = "8317"


@pytest.mark.parametrize("what", ["a folder to read only", "a file to read only", "no folder, and none to make"])
def test_a_lock_that_can_not_be_made(amani: Amani, giver: Held, home: Path, what: str) -> None:
    write(amani)
    cheque, locks = str(the_one(amani)["id"]), home / "locks"
    path, mode = {
        "a folder to read only": (locks, 0o500),
        "a file to read only": (locks / f"{cheque}.lock", 0o400),
        "no folder, and none to make": (home, 0o500),
    }[what]
    locks.mkdir(mode=0o700, exist_ok=True)
    if path.suffix:
        path.touch(mode=0o600)
    if path == home:
        locks.rmdir()
    held = giver.sat
    with modes(**{str(path): mode}):
        for words in (("cheque", "void", cheque), ("cheque", "reissue", cheque), ("wallet", "rotate-keys", "giver")):
            if path.suffix and words[0] != "cheque":
                continue
            refused = amani.process(*words, "--yes", "--json", python=NO_RIGHTS)
            unwritten = "DATABASE_UNUSABLE" if path == home else "CANT_WRITE"
            assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (2, unwritten, "no"), words
            assert "Permission denied" in refused.error["message"] or path == home
    assert (giver.sat, the_one(amani)["status"]) == (held, "open")
    assert amani("cheque", "void", cheque, "--yes", "--json").data["status"] == "void"


def test_a_sweep_without_locks_says_of_each_what_is_in_the_way(amani: Amani, giver: Held, home: Path) -> None:
    write(amani)
    write(amani)
    change_database(home, LONG_AGO)
    locks = home / "locks"
    locks.mkdir(mode=0o700, exist_ok=True)
    with modes(**{str(locks): 0o500}):
        swept = amani.process("cheque", "sweep", "--json", python=NO_RIGHTS)
    assert swept.code == 2
    assert swept.stdout.count("Permission denied") >= 1
    assert amani("cheque", "sweep", "--json").code == 0
    assert giver.sat == 5000


def test_a_pin_is_removed_though_what_was_kept_for_it_stays(amani: Amani, giver: Held) -> None:
    assert amani("pin", "set", "--pin-stdin", stdin=PIN).code == 0
    kept = giver.key_file.with_name(f"{giver.key_file.name}.amani")
    with modes(**{str(kept): 0o500}):
        removed = amani.process("pin", "remove", "--pin-stdin", "--json", stdin=PIN, python=NO_RIGHTS)
    assert (removed.code, removed.data["set"]) == (0, False), removed
    assert amani("pin", "set", "--pin-stdin", stdin=PIN).code == 0


def test_codes_that_can_not_be_read(amani: Amani, giver: Held, tmp_path: Path) -> None:
    rows, plan = tmp_path / "rows.csv", tmp_path / "plan"
    rows.write_text("to,amount,memo\ncheque,100,for you\n")
    assert amani("batch", "plan", rows, "-o", plan).code == 0
    assert amani("batch", "run", plan, "--yes").code == 0
    with modes(**{str(plan) + ".codes.csv": 0}):
        again = amani.process("batch", "run", plan, "--yes", python=NO_RIGHTS)
    assert again.code == 0
    assert "plan.codes.csv: Permission denied" in again.stderr
    assert giver.sat == 4900


@pytest.mark.parametrize("word", ["create", "verify", "restore"])
def test_a_backup_where_nothing_can_be_unpacked(amani: Amani, giver: Held, home: Path, word: str) -> None:
    made, secret = home.parent / "backup", home.parent / "passphrase"
    secret.write_text("a passphrase of five words\n")
    secret.chmod(0o600)
    opened = ("--passphrase-file", secret, "--json")
    if word != "create":
        assert amani("backup", "create", made, *opened).code == 0
    with modes(**{str(home): 0o500}):
        refused = amani.process("backup", word, made, *opened, "--yes", python=NO_RIGHTS)
    unwritten = "DATABASE_UNUSABLE" if word == "create" else "CANT_WRITE"
    assert (refused.code, refused.error["code"]) == (2, unwritten), refused
    assert made.exists() == (word != "create")
