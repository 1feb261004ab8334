"""`amani doctor`: it finds what is wrong, says how to mend it, and changes nothing."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from amani_cli.store.ledger import TABLES
from amani_cli.store.opening import Role
from tests.conftest import AddWallet, change_database, take_server_away, write_key
from tests.kit import keyrings, ledgers
from tests.kit.driver import Amani, Result
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.machine import Machine

pytestmark = pytest.mark.lnbits


@pytest.fixture(autouse=True)
def _as_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger's server as the docs have it: that of the tests does not sync, and its one role may do everything."""
    monkeypatch.setattr("amani_cli.store.opening.server", lambda store: ("15", "on"))
    monkeypatch.setattr("amani_cli.store.opening.role", lambda store: Role("amani_spend", False, False, True))


def findings(result: Result) -> list[dict[str, Any]]:
    document = result.json
    assert document["schema"] == "amani.diagnosis/1"
    assert result.code == (13 if any(item["status"] == "fail" for item in document["data"]["items"]) else 0)
    return list(document["data"]["items"])


def failures(result: Result) -> list[dict[str, Any]]:
    return [item for item in findings(result) if item["status"] == "fail"]


def kept(home: Path) -> list[str]:
    """All that is written down, but for the figures about amani's own runs."""
    tables = TABLES - {"provider_call", "command_success"}
    return [str(row) for table in sorted(tables) for row in ledgers.ask(home, f"SELECT * FROM {table}")]


def test_all_is_well(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    held = add_wallet()
    before = kept(home)
    result = amani("doctor", "--json", env={"PYTHON_KEYRING_BACKEND": keyrings.IN_MEMORY})
    by_check: dict[str, list[dict[str, Any]]] = {}
    for item in findings(result):
        assert item["status"] == "ok", item
        by_check.setdefault(item["check"], []).append(item)
    assert {"files", "keyring", "wallet main", "outcomes"} <= set(by_check)
    reached, version = by_check["wallet main"][:2]
    assert f"key from file {held.key_file} accepted by {held.server.url} in " in reached["detail"]
    assert version["detail"] == f"LNbits {held.server.version}"
    assert kept(home) == before


def test_nothing_is_set_up(amani: Amani, home: Path) -> None:
    by_check = {item["check"]: item for item in findings(amani("doctor", "--json"))}
    assert by_check["wallets"]["status"] == "warn"
    assert "amani wallet add" in by_check["wallets"]["fix"]
    assert by_check["keyring"]["status"] == "warn"
    assert "--key-file" in by_check["keyring"]["fix"]
    assert not home.exists()


@pytest.mark.parametrize(
    ("path", "mode", "fix"),
    [
        pytest.param("amani.db", 0o644, "chmod 600", marks=pytest.mark.sqlite),
        ("", 0o755, "chmod 700"),
        ("config.toml", 0o640, "600"),
    ],
)
def test_what_others_can_read(amani: Amani, add_wallet: AddWallet, home: Path, path: str, mode: int, fix: str) -> None:
    add_wallet()
    amani("config", "set", "timeout", "20s")
    (home / path).chmod(mode)
    (found,) = failures(amani("doctor", "--json"))
    assert fix in found["fix"]
    assert str(home / path) in found["fix"]
    assert (home / path).stat().st_mode & 0o777 == mode  # it only looks


def test_a_dead_server_and_a_refused_key(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    dead, refused = add_wallet("dead"), add_wallet("refused")
    unreadable = add_wallet("unreadable")
    add_wallet("fine")
    change_database(home, "UPDATE wallet SET url='http://127.0.0.1:1' WHERE name='dead'")
    write_key(refused.key_file, "0123456789abcdef" * 2)
    unreadable.key_file.chmod(0o644)
    found = {item["check"]: item for item in failures(amani("doctor", "--json"))}
    assert set(found) == {"wallet dead", "wallet refused", "wallet unreadable"}
    assert "Connection refused" in found["wallet dead"]["detail"]
    assert "no wallet with this key" in found["wallet refused"]["detail"]
    assert found["wallet unreadable"]["fix"].replace("'", "") == f"Run: chmod 600 {unreadable.key_file}"
    assert amani("doctor", "-q").stdout.split("\n")[:-1] == ["wallet dead", "wallet refused", "wallet unreadable"]
    assert dead.key_file.exists()


def ages(amani: Amani) -> list[str]:
    return [item["detail"] for item in findings(amani("doctor", "--json")) if "has been stored" in item["detail"]]


def test_a_key_file_that_has_not_changed_for_long(amani: Amani, add_wallet: AddWallet) -> None:
    held = add_wallet()
    assert ages(amani) == []
    year_ago = time.time() - 370 * 86400
    os.utime(held.key_file, (year_ago, year_ago))
    assert ages(amani) == ["its key has been stored for 370 days"]
    assert "key_max_age=365d" in amani("config", "explain", "key_max_age", "-q").stdout
    assert amani("config", "set", "key_max_age", "380d").code == 0
    assert ages(amani) == []
    assert amani("config", "set", "key_max_age", "OFF").code == amani("config", "set", "key_max_age", "x").code == 2
    assert amani("config", "set", "key_max_age", "30d").code == 0
    (found,) = [item for item in findings(amani("doctor", "--json")) if item["status"] == "warn"][-1:]
    assert (found["check"], found["fix"].split(" (")[0]) == ("wallet main", "amani wallet rotate-keys 'main'")
    assert amani("config", "set", "key_max_age", "off").code == 0
    assert ages(amani) == []


def test_a_key_in_the_keyring(
    amani: Amani, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key, read_key = lnbits_server.new_wallet()
    amani.secrets |= {key, read_key}
    with monkeypatch.context() as patch:
        now = time.time
        patch.setattr(time, "time", lambda: now() - 400 * 86400)
        words = ("wallet", "add", "old", "--url", lnbits_server.url, "--key-stdin")
        assert amani(*words, stdin=key).code == 0
    assert ages(amani) == ["its key has been stored for 400 days"]


def test_open_outcomes(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    add_wallet("main", 10)
    other = add_wallet("other")
    amani("pay", other.invoice(5), "--yes")
    change_database(home, "UPDATE payment SET status='unknown'")
    (found,) = failures(amani("doctor", "--json"))
    assert (found["check"], found["fix"]) == ("outcomes", "amani reconcile")


@pytest.mark.sqlite
def test_a_damaged_database(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    add_wallet()
    (home / "amani.db").write_bytes(b"no database at all, " * 1000)
    for path in home.glob("amani.db-*"):
        path.unlink()
    found = failures(amani("doctor", "--json"))
    assert found
    assert all(item["check"] == "database" for item in found)
    assert all("backup" in item["fix"] for item in found)


def test_a_dotenv_that_others_read_or_git_tracks(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet()
    write_key(Path(".env"), "LNBITS_BASE_URL=http://127.0.0.1", 0o644)
    (found,) = failures(amani("doctor", "--json"))
    assert (found["check"], found["fix"]) == (".env", "chmod 600 .env")
    Path(".env").chmod(0o600)
    assert failures(amani("doctor", "--json")) == []
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", ".env"], check=True)
    (found,) = failures(amani("doctor", "--json"))
    assert "git rm --cached .env" in found["fix"]


def test_a_proxy_s_password_is_not_shown(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet()
    amani.secrets.add("a-secret-of-the-proxy")
    result = amani("doctor", "--json", env={"HTTPS_PROXY": "http://me:a-secret-of-the-proxy@proxy.example:3128"})
    assert any("proxy.example:3128" in item["detail"] for item in findings(result))


def test_the_lines_for_a_person(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    add_wallet()
    take_server_away(home)
    shown = amani("doctor")
    assert shown.code == 13
    line = next(line for line in shown.stdout.splitlines() if line.startswith("fail"))
    assert line.split("\t")[1] == "wallet main"


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        (0, "ok", "agrees"),
        (400, "fail", "7 min off what a provider tells"),
        pytest.param(-86400, "fail", "behind the newest entry", marks=pytest.mark.sqlite),
        pytest.param(-400, "fail", "behind the newest entry", marks=pytest.mark.sqlite),
    ],
)
def test_this_machine_s_own_clock(
    machine: Machine, add_wallet: AddWallet, amani: Amani, wrong: float, status: str, words: str
) -> None:
    add_wallet()
    machine.set(wrong)
    (found,) = [each for each in amani("doctor", "--json").json["data"]["items"] if each["check"] == "clock"]
    assert (found["status"], words in found["detail"]) == (status, True), found


@pytest.mark.sqlite  # a server's: tests/team
def test_a_clock_that_is_behind_is_seen_without_anybody_to_ask(
    machine: Machine, add_wallet: AddWallet, amani: Amani, home: Path
) -> None:
    add_wallet()
    take_server_away(home)
    machine.set(-86400)
    (found,) = [each for each in amani("doctor", "--json").json["data"]["items"] if each["check"] == "clock"]
    assert (found["status"], "timedatectl" in found["fix"]) == ("fail", True)


@pytest.mark.sqlite  # on a ledger that several share another machine may have them (tests/team)
def test_what_was_kept_beside_a_key_and_is_gone(amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
    main = add_wallet("main", 100)
    assert amani("pin", "set", "--pin-stdin", stdin="8317").code == 0
    cheque = amani("cheque", "create", "10", "--yes", "--json").data
    assert failures(amani("doctor", "--json")) == []
    Path(f"{main.key_file}.amani").rename(tmp_path / "away")
    pin, cheques = failures(amani("doctor", "--json"))
    assert (pin["check"], cheques["check"]) == ("pin", "cheques")
    assert "amani pin reset" in pin["fix"]
    assert cheque["id"] in cheques["detail"]
    file = write_key(tmp_path / "passphrase", "correct horse battery staple")
    refused = amani("backup", "restore", tmp_path / "x", "--keys-only", "--passphrase-file", file, "--json")
    assert "--with-keys" not in refused.error["hint"]  # restore takes none
