"""`amani backup` on a real server: what is in it, what opens it, and that a restored wallet works, once."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pyrage
import pytest

from amani_cli.store import migrations
from amani_cli.store.ledger import SCHEMA_VERSION
from amani_cli.store.sqlite import open_store
from tests.conftest import AddWallet, write_key
from tests.kit import sealing
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.persons import Person

pytestmark = [pytest.mark.lnbits, pytest.mark.sqlite]  # a ledger on a server is backed up there (tests/team)
about_another_thing = pytest.mark.usefixtures("cheap_seal")

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def passphrase(tmp_path: Path, amani: Amani) -> tuple[str, Path]:
    """How a passphrase is given: --passphrase-file and the file."""
    amani.secrets.add(PASSPHRASE)
    return "--passphrase-file", write_key(tmp_path / "passphrase", PASSPHRASE)


def go_to(home: Path) -> None:
    """Be on another machine; the fixtures undo it."""
    os.environ["AMANI_HOME"] = str(home)


def parts(file: Path) -> dict[str, bytes]:
    """What a backup holds, opened as `age -d FILE | tar xz` would."""
    content = sealing.opened(file.read_bytes(), PASSPHRASE)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def test_a_backup_is_one_private_file_that_tells_nothing(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    main = add_wallet("main", 100)
    amani("config", "set", "timeout", "20s")
    file = tmp_path / "a.backup"
    made = amani("backup", "create", file, *passphrase, "--json").data
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n-> scrypt ")
    for word in (b"SQLite", b"main", main.id.encode(), main.admin_key.encode()):
        assert word not in content
    assert (made["wallets"], made["with_keys"], made["keys"]) == (["main"], False, 0)
    assert "--with-keys" in made["not_held"][0]
    assert any("LNbits" in each for each in made["not_held"])
    assert any("hannel" in each for each in made["not_held"])
    found = parts(file)
    assert set(found) == {"manifest.json", "amani.db", "config.toml"}
    assert main.admin_key.encode() not in b"".join(found.values())
    checked = amani("backup", "verify", file, *passphrase, "--json").data
    assert {**made, "not_held": []} == checked
    assert amani("audit", "verify", "--head", made["audit_head"]).code == 0
    again = amani("backup", "create", file, *passphrase, "--json")
    assert (again.code, again.error["code"]) == (2, "FILE_EXISTS")
    assert file.read_bytes() == content
    assert not list(Path(os.environ["AMANI_HOME"]).glob(".backup-*"))


@about_another_thing
def test_the_approver_key_that_is_not_in_it_is_named(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    add_wallet("main", 0)
    for there in (False, True):
        made = amani("backup", "create", tmp_path / f"{there}.backup", *passphrase, "--json").data
        assert any("approver key" in each for each in made["not_held"]) is there
        if not there:
            assert amani("approver", "init", "--key-file", tmp_path / "approver.key").code == 0


def test_an_empty_machine_gets_a_working_wallet_and_spends_after_a_reconcile(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    main, other = add_wallet("main", 500), add_wallet("other", 0)
    amani("pin", "set", "--pin-stdin", "--wallet", "main", stdin="8317")
    amani("config", "set", "timeout", "20s")
    assert amani("pay", other.invoice(10), "--yes").code == 0
    file = tmp_path / "a.backup"
    made = amani("backup", "create", file, "--with-keys", *passphrase, "--json").data
    assert made["keys"] == 3  # two wallets and a pepper
    late = other.invoice(20)
    assert amani("pay", late, "--yes", "--json").code == 0  # after the backup was made

    go_to(elsewhere)
    main.key_file.unlink()
    shutil.rmtree(f"{main.key_file}.amani")
    done = amani("backup", "restore", file, *passphrase, "--yes", "--json")
    assert done.data["without_key"] == []
    assert done.data["wallets"] == ["main", "other"]
    assert "reconcile" in done.stderr
    assert main.key_file.stat().st_mode & 0o777 == 0o600
    assert amani("wallet", "balance", "-q").stdout == "470\n"
    assert amani("config", "explain", "timeout", "-q").stdout == "timeout=20s\n"
    assert amani("pin", "verify", "--pin-stdin", "--wallet", "main", stdin="8317").code == 0
    # It does not know of the late payment yet, so nothing may be paid.
    held = amani("pay", other.invoice(5), "--yes", "--json")
    assert (held.code, held.error["code"]) == (9, "RECONCILE_FIRST")
    assert amani("transfer", "other", "5", "--yes").code == 9
    assert amani("reconcile", "--older-than", "1h").code == 10  # it asks nobody who is held
    assert amani("pay", other.invoice(5), "--yes").code == 9
    assert "possible again" in amani("reconcile").stderr
    replay = amani("pay", late, "--yes", "--json").data
    assert replay["replayed"]
    assert main.sat == 470
    assert amani("pay", other.invoice(5), "--yes").code == 0
    assert main.sat == 465
    assert amani("audit", "verify", "--head", made["audit_head"]).code == 0
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    assert (elsewhere / "amani.db").stat().st_mode & 0o777 == 0o600


@about_another_thing
def test_a_copy_beside_the_live_one_pays_an_invoice_no_second_time(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path], home: Path
) -> None:
    main, other = add_wallet("main", 500), add_wallet("other", 0)
    file = tmp_path / "a.backup"
    amani("backup", "create", file, "--with-keys", *passphrase)
    copy = {"AMANI_HOME": str(tmp_path / "copy")}
    restored = amani("backup", "restore", file, *passphrase, env=copy)
    assert restored.code == 0, restored
    assert "a Lightning address or a payout paid by both is paid twice" in restored.stderr
    assert amani("reconcile", env=copy).code == 0
    for first, second in ((None, copy), (copy, None)):
        invoice = other.invoice(20)
        paid = amani("pay", invoice, "--yes", "--reference", invoice[-20:], "--json", env=first).data
        again = amani("pay", invoice, "--yes", "--reference", invoice[-20:], "--json", env=second).data
        assert again["payment_hash"] == paid["payment_hash"]
    assert (main.sat, other.sat) == (460, 40)
    for env in (None, copy):
        assert amani("reconcile", "--json", env=env).data["differences"] == []


@about_another_thing
def test_the_hold_stays_while_a_wallet_cannot_be_asked(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    main = add_wallet("main", 50)
    file = tmp_path / "a.backup"
    amani("backup", "create", file, "--with-keys", *passphrase)
    go_to(tmp_path / "third")
    assert amani("backup", "restore", file, *passphrase).code == 0
    saved = main.key_file.read_text()
    main.key_file.unlink()
    assert "stays held" in amani("reconcile").stderr
    write_key(main.key_file, saved.strip())
    assert amani("pay", main.invoice(5), "--yes").code == 9
    assert amani("reconcile").code == 0
    assert amani("pay", main.invoice(5), "--yes").code == 0


@about_another_thing
def test_keys_from_a_keyring_go_back_to_one(
    amani: Amani,
    lnbits_server: LnbitsServer,
    tmp_path: Path,
    passphrase: tuple[str, Path],
    keyring: dict[tuple[str, str], str],
) -> None:
    wallet_id, admin_key, _ = lnbits_server.new_wallet(30)
    amani.secrets.add(admin_key)
    amani("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", stdin=admin_key)
    amani("pin", "set", "--pin-stdin", stdin="8317")
    file = tmp_path / "a.backup"
    assert amani("backup", "create", file, "--with-keys", *passphrase, "--json").data["keys"] == 3
    before = dict(keyring)
    keyring.clear()
    go_to(tmp_path / "b")
    assert amani("backup", "restore", file, *passphrase, "--json").data["without_key"] == []
    assert keyring == before
    # And where there is none, to files.
    keyring.clear()
    go_to(tmp_path / "c")
    no_keyring = {"PYTHON_KEYRING_BACKEND": None}
    refused = amani("backup", "restore", file, *passphrase, "--json", env=no_keyring)
    assert (refused.code, refused.error["code"]) == (3, "NO_KEYRING")
    assert "--key-folder" in refused.error["hint"]
    assert not (tmp_path / "c" / "amani.db").exists()
    folder = tmp_path / "keys"
    amani("backup", "restore", file, *passphrase, "--key-folder", folder, "--json", env=no_keyring)
    assert amani("wallet", "balance", "-q", env=no_keyring).stdout == "30\n"
    assert amani("wallet", "show", "--json", env=no_keyring).data["id"] == wallet_id
    assert amani("pin", "verify", "--pin-stdin", stdin="8317", env=no_keyring).code == 0
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}


@about_another_thing
def test_newer_data_is_not_overwritten_and_older_is_kept_aside(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path], home: Path
) -> None:
    main, other = add_wallet("main", 100), add_wallet("other", 0)
    old = tmp_path / "old-home"
    file = tmp_path / "a.backup"
    shutil.copytree(home, old)
    assert amani("pay", other.invoice(10), "--yes").code == 0
    amani("backup", "create", file, *passphrase)
    assert amani("pay", other.invoice(10), "--yes").code == 0
    refused = amani("backup", "restore", file, *passphrase, "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (9, "NEWER_DATA")
    assert amani("history", "list", "--direction", "out", "-q").stdout.count("\n") == 2
    go_to(old)
    assert amani("backup", "restore", file, *passphrase, "--no-input").code == 5
    done = amani("backup", "restore", file, *passphrase, "--yes", "--json").data
    assert amani("history", "list", "--direction", "out", "-q").stdout.count("\n") == 1
    aside = Path(done["replaced"])
    assert aside.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(aside) as db:
        assert db.execute("SELECT count(*) FROM payment").fetchone() == (0,)
        assert db.execute("SELECT wallet FROM hold ORDER BY wallet").fetchall() == [("main",), ("other",)]
    db.close()
    assert amani("backup", "restore", file, *passphrase, "--yes").code == 0  # again, by mistake, is no harm
    assert main.sat == 80


@pytest.mark.parametrize("cut", [10, 200, -1, -1000])
def test_a_cut_file_is_told_from_a_wrong_passphrase(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path], cut: int
) -> None:
    add_wallet("main")
    file = tmp_path / "a.backup"
    amani("backup", "create", file, *passphrase)
    wrong = write_key(tmp_path / "wrong", "another passphrase")
    for command in ("verify", "restore"):
        refused = amani("backup", command, file, "--passphrase-file", wrong, "--json")
        assert (refused.code, refused.error["code"]) == (3, "WRONG_PASSPHRASE")
    file.write_bytes(file.read_bytes()[:cut])
    damaged = amani("backup", "verify", file, *passphrase, "--json")
    assert (damaged.code, damaged.error["code"]) == (2, "BAD_BACKUP")


@pytest.mark.parametrize(("times", "code"), [(3, 0), (1000, 2)])
def test_a_machine_that_is_measured_too_slow_is_measured_again(
    amani: Amani,
    add_wallet: AddWallet,
    tmp_path: Path,
    passphrase: tuple[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    code: int,
) -> None:
    """age measures for a millisecond, in which a busy machine does something else; the file is whole."""
    add_wallet("main")
    file = tmp_path / "a.backup"
    amani("backup", "create", file, *passphrase)
    right, asked = pyrage.passphrase.decrypt, []

    def slow(content: bytes, word: str) -> bytes:
        asked.append(word)
        if len(asked) <= times:
            raise pyrage.DecryptError(
                "Excessive work parameter for passphrase.\nDecryption would take around 32 seconds."
            )
        opened: bytes = right(content, word)
        return opened

    monkeypatch.setattr(pyrage.passphrase, "decrypt", slow)
    result = amani("backup", "verify", file, *passphrase)
    assert result.code == code, result
    assert ("too busy" in result.stderr) == (code == 2)
    assert len(asked) < 100


def test_a_flipped_bit_and_a_file_of_something_else(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    add_wallet("main")
    file = tmp_path / "a.backup"
    amani("backup", "create", file, *passphrase)
    content = bytearray(file.read_bytes())
    content[-300] ^= 1
    file.write_bytes(content)
    assert amani("backup", "verify", file, *passphrase, "--json").error["code"] == "BAD_BACKUP"
    file.write_bytes(pyrage.passphrase.encrypt(b"not an archive", PASSPHRASE))
    assert amani("backup", "verify", file, *passphrase, "--json").error["code"] == "BAD_BACKUP"
    assert amani("backup", "verify", tmp_path / "none", *passphrase, "--json").error["code"] == "BAD_BACKUP"


def test_ways_to_give_the_passphrase(amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
    add_wallet("main")
    amani.secrets.add(PASSPHRASE)
    file = tmp_path / "a.backup"
    command = ("--passphrase-command", f"echo {PASSPHRASE}")
    assert amani("backup", "create", file, "--json").error["code"] == "NO_KEY"
    short = amani("backup", "create", file, "--passphrase-command", "echo short", "--json")
    assert (short.code, short.error["code"]) == (2, "WEAK_PASSPHRASE")
    readable = write_key(tmp_path / "p", PASSPHRASE, mode=0o644)
    assert amani("backup", "create", file, "--passphrase-file", readable).code == 3
    assert amani("backup", "create", file, "--passphrase-file", readable, *command).code == 2
    assert amani("backup", "create", file, *command).code == 0
    with amani.terminal("backup", "verify", file) as terminal:
        terminal.answer("Passphrase of the backup: ", "not the right words")
        terminal.answer("wrong passphrase\r\nPassphrase of the backup: ", PASSPHRASE)
        assert terminal.finish() == 0
    with amani.terminal("backup", "create", tmp_path / "b.backup") as terminal:
        terminal.answer("Passphrase of the backup: ", PASSPHRASE)
        terminal.answer("The same again: ", "something else")
        terminal.answer("the two are not the same; nothing was changed\r\nPassphrase of the backup: ", "short")
        terminal.answer("The same again: ", "short")
        terminal.answer("characters or more\r\nPassphrase of the backup: ", PASSPHRASE)
        terminal.answer("The same again: ", PASSPHRASE)
        assert terminal.finish() == 0
    assert (tmp_path / "b.backup").exists()


@about_another_thing
def test_keys_of_cheques_left_out_are_warned_of(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    add_wallet("main", 100)
    written = amani.process("cheque", "create", "40", "--yes", "--json").data
    amani.secrets.add(written["code"])
    made = amani("backup", "create", tmp_path / "a.backup", *passphrase, "--json")
    assert "1 unclaimed cheque(s) over 40 sat" in made.json["warnings"][0]
    with_keys = amani("backup", "create", tmp_path / "b.backup", *passphrase, "--with-keys", "--json")
    assert with_keys.json["warnings"] == []
    assert with_keys.data["keys"] == 2
    go_to(tmp_path / "b")
    assert amani("backup", "restore", tmp_path / "b.backup", *passphrase, "--key-folder", tmp_path / "keys").code == 0
    shutil.rmtree(tmp_path / "main.key.amani")
    assert amani("cheque", "void", written["id"], "--yes", "--json").data["status"] == "void"
    assert amani("wallet", "balance", "-q").stdout == "100\n"


def test_the_copy_from_before_an_upgrade_is_held_too(home: Path, amani: Amani, add_wallet: AddWallet) -> None:
    main = add_wallet("main", 50)
    store = open_store(home / "amani.db")
    migrations._copy(store.connection, home / "amani.db", SCHEMA_VERSION)
    store.close()
    copy: Any = migrations.copy_path(home / "amani.db", SCHEMA_VERSION)
    for ending in ("", "-wal", "-shm"):
        (home / f"amani.db{ending}").unlink(missing_ok=True)
    copy.rename(home / "amani.db")
    assert amani("pay", main.invoice(5), "--yes", "--json").error["code"] == "RECONCILE_FIRST"


@about_another_thing
def test_it_is_whole_though_others_write(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path], home: Path
) -> None:
    main, other = add_wallet("main", 500), add_wallet("other", 0)
    invoices = [other.invoice(1) for _ in range(2)]
    with amani.started("pay", invoices[0], "--yes") as first, amani.started("pay", invoices[1], "--yes") as second:
        assert amani("backup", "create", tmp_path / "a.backup", *passphrase).code == 0
        assert amani.ended(first).code == amani.ended(second).code == 0
    assert amani("backup", "verify", tmp_path / "a.backup", *passphrase).code == 0
    assert main.sat == 498


@about_another_thing
def test_it_replaces_no_database_that_another_has_open(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path], home: Path
) -> None:
    add_wallet("main", 100)
    file = tmp_path / "a.backup"
    amani("backup", "create", file, *passphrase)
    with contextlib.closing(sqlite3.connect(home / "amani.db")) as other:
        other.execute("SELECT * FROM wallet").fetchall()
        refused = amani("backup", "restore", file, *passphrase, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (12, "LOCKED")
        assert "--lock-wait" in refused.error["hint"]
        assert not list(home.glob("*.before-restore-*"))
    assert amani("backup", "restore", file, *passphrase, "--yes").code == 0
    assert amani("wallet", "balance", "-q").stdout == "100\n"


@about_another_thing
def test_a_restore_says_that_what_others_were_told_since_counts_for_nothing(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path], home: Path
) -> None:
    """No provider knows of an approver that was removed, nor of a request that was refused."""
    add_wallet("main", 100)
    told = "Rules and requests are as they were then"
    for number in range(2):
        file = tmp_path / f"{number}.backup"
        assert amani("backup", "create", file, *passphrase).code == 0
        go_to(tmp_path / f"other-{number}")
        restored = amani("backup", "restore", file, *passphrase, "--yes")
        assert (restored.code, told in restored.stderr) == (0, number == 1), restored
        go_to(home)
        if number == 0:
            public = Person(amani, "zawadi", tmp_path / "zawadi").init()
            assert amani("approver", "add", "zawadi", public).code == 0


@about_another_thing
def test_a_request_that_was_carried_out_since_is_settled_whatever_the_copy_was_told(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    """To be told that it was cancelled is to be told to file it anew, and an address would be paid twice."""
    main, other = add_wallet("main", 100), add_wallet("other")
    amani("wallet", "use", "main")
    request = amani("pay", other.invoice(10), "--request", "--json").data["id"]
    file = tmp_path / "a.backup"
    assert amani("backup", "create", file, *passphrase).code == 0
    assert amani("request", "run", request, "--yes").code == 0
    for number, is_hasty in enumerate((False, True)):
        go_to(tmp_path / f"machine-{number}")
        assert amani("backup", "restore", file, *passphrase, "--yes").code == 0
        if is_hasty:
            assert amani("request", "cancel", request).code == 0
        assert amani("reconcile").code == 0
        late = amani("request", "cancel", request, "--json")
        assert late.error["code"] == "REQUEST_CLOSED"
        assert "anew" not in late.error["hint"]
        assert amani("request", "show", request, "--json").data["status"] == "settled"
        assert amani("request", "list", "--status", "open", "--json").data["items"] == []
        assert amani("request", "run", request, "--yes", "--json").data["replayed"]
    assert main.sat == 90


@about_another_thing
def test_the_copy_of_a_ledger_that_was_moved_away_says_nothing_of_spending(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, passphrase: tuple[str, Path]
) -> None:
    main = add_wallet("main", 100)
    assert amani("store", "copy", "--to", f"sqlite:{tmp_path / 'new.db'}", "--yes").code == 0
    file = tmp_path / "a.backup"
    assert amani("backup", "create", file, *passphrase).code == 0
    go_to(tmp_path / "machine")
    assert amani("backup", "restore", file, *passphrase, "--yes").code == 0
    read_back = amani("reconcile")
    assert (read_back.code, "possible again" in read_back.stderr) == (0, False), read_back
    refused = amani("pay", main.invoice(1), "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (9, "LEDGER_MOVED")
