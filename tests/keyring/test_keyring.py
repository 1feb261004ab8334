"""Keys and tokens in the OS keyring: a real Secret Service, a locked one, none, and one that hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import secretstorage

from tests.conftest import write_key
from tests.kit import keyrings, ledgers
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.fault_proxy import FaultProxy
from tests.kit.lnbits_server import LnbitsServer

pytestmark = [pytest.mark.lnbits, pytest.mark.keyring]

PASSWORD = "correct horse battery"


def stored() -> dict[str, str]:
    """What the Secret Service holds for amani, by the name it is stored under."""
    with secretstorage.dbus_init() as bus:
        items = secretstorage.get_default_collection(bus).get_all_items()
        return {
            item.get_attributes()["username"]: item.get_secret().decode()
            for item in items
            if item.get_attributes().get("service") == "amani"
        }


def kinds() -> dict[str, str]:
    """The same, by the part of the name that says what it is: key or read."""
    return {name.rsplit(":")[-1]: value for name, value in stored().items()}


@pytest.mark.usefixtures("secret_service")
class TestUnlocked:
    @pytest.mark.parametrize("way", ["stdin", "prompt"])
    def test_a_key_is_kept_and_read_by_other_processes(
        self, amani: Amani, lnbits_server: LnbitsServer, home: Path, way: str
    ) -> None:
        _, admin_key, read_key = lnbits_server.new_wallet(50)
        amani.secrets |= {admin_key, read_key}
        words = ("wallet", "add", "main", "--url", lnbits_server.url)
        if way == "stdin":
            assert amani.process(*words, "--key-stdin", stdin=admin_key + "\n").code == 0
        else:
            with amani.terminal(*words) as terminal:
                terminal.answer("to look only): ", "not a key")
                terminal.answer("odd characters)\r\nAdmin key (or invoice key, to look only): ", admin_key)
                assert terminal.finish() == 0  # and the driver looks that nothing was echoed
        assert kinds() == {"key": admin_key, "read": read_key}
        assert amani.process("wallet", "balance", "-q").stdout == "50\n"
        assert amani("wallet", "show", "--json").data["key_source"] == "keyring"
        payee = lnbits_server.new_wallet()
        made = lnbits_server.call("POST", "/api/v1/payments", key=payee[2], json={"out": False, "amount": 20})
        assert amani.process("pay", made["bolt11"], "--yes").code == 0
        assert lnbits_server.balance_msat(read_key) == 30_000
        assert amani.process("wallet", "remove", "main", "--yes").code == 0
        assert stored() == {}

    def test_a_read_never_loads_the_paying_key(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        _, admin_key, read_key = lnbits_server.new_wallet(50)
        amani.secrets |= {admin_key, read_key}
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin")
        assert amani(*words, stdin=admin_key).code == 0
        with secretstorage.dbus_init() as bus:
            for item in secretstorage.get_default_collection(bus).get_all_items():
                if item.get_attributes()["username"].endswith(":key"):
                    item.set_secret(b"never to be sent")
        assert amani("wallet", "balance", "-q").stdout == "50\n"
        assert amani("invoice", "create", "5").code == 0
        assert amani("invoice", "list").code == amani("history", "sync").code == 0
        assert amani("doctor").code == (13 if ledgers.on_postgres() else 0)  # a server of the tests does not sync

    def test_read_only(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        _, admin_key, read_key = lnbits_server.new_wallet(50)
        amani.secrets |= {admin_key, read_key}
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", "--read-only")
        assert amani(*words, stdin=admin_key).code == 0
        assert kinds() == {"key": read_key}

    def test_login_rotate_and_logout(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        name, _ = lnbits_server.new_user(PASSWORD)
        amani.secrets.add(PASSWORD)
        with amani.terminal("login", lnbits_server.url) as terminal:
            terminal.expect("User name")
            terminal.type(name)
            terminal.expect("Password")
            terminal.type(PASSWORD)
            assert terminal.finish() == 0
        token = stored()[f"login:{lnbits_server.url}"]
        amani.secrets.add(token)
        assert amani.process("wallet", "create", "till", "--url", lnbits_server.url).code == 0
        before = kinds()
        assert amani.process("wallet", "rotate-keys", "till", "--yes").code == 0
        after = kinds()
        amani.secrets |= {before["key"], before["read"], after["key"], after["read"]}
        assert before["key"] != after["key"]
        assert amani.process("wallet", "balance", "-q").stdout == "0\n"
        with pytest.raises(httpx.HTTPStatusError):
            lnbits_server.balance_msat(before["read"])
        assert amani.process("logout").code == 0
        assert f"login:{lnbits_server.url}" not in stored()

    def test_doctor_names_it(self, amani: Amani) -> None:
        items = amani("doctor", "--json").json["data"]["items"]
        assert next(item for item in items if item["check"] == "keyring")["status"] == "ok"

    def test_a_key_that_is_gone(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        _, admin_key, _ = lnbits_server.new_wallet()
        amani.secrets.add(admin_key)
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin")
        assert amani(*words, stdin=admin_key).code == 0
        with secretstorage.dbus_init() as bus:
            for item in list(secretstorage.get_default_collection(bus).get_all_items()):
                item.delete()
        answer = amani("wallet", "balance", "--json")
        assert (answer.code, answer.error["code"]) == (3, "NO_KEY")
        assert "AMANI_KEY_FILE" in answer.error["hint"]


def test_locked(
    amani: Amani, lnbits_server: LnbitsServer, secret_service: Callable[[str], None], tmp_path: Path
) -> None:
    _, admin_key, _ = lnbits_server.new_wallet(50)
    amani.secrets.add(admin_key)
    words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin")
    assert amani.process(*words, stdin=admin_key).code == 0
    secret_service("another password")
    made = amani("wallet", "create", "other", "--url", lnbits_server.url, "--json")  # nowhere to put its keys: not made
    assert (made.code, made.error["code"], made.stderr.count("without a login")) == (3, "KEYRING_LOCKED", 0)
    looked = next(item for item in amani("doctor", "--json").json["data"]["items"] if item["check"] == "keyring")
    assert (looked["status"], looked["detail"]) == ("warn", "the keyring is locked")
    begun = time.monotonic()
    answer = amani.process("wallet", "balance", "--json")
    assert (answer.code, answer.error["code"]) == (3, "KEYRING_LOCKED")
    assert time.monotonic() - begun < PATIENCE_S
    for way in ("--key-file", "--key-command", "--key-credential"):
        assert way in answer.error["hint"]
    file = tmp_path / "key"
    file.write_text(admin_key)
    file.chmod(0o600)
    assert amani.process("wallet", "balance", "-q", env={"AMANI_KEY_FILE": str(file)}).stdout == "50\n"


class TestNone:
    """No Secret Service at all: what servers, cron and containers have."""

    def test_no_bus(self, amani: Amani, lnbits_server: LnbitsServer, home: Path) -> None:
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", "--json")
        answer = amani.process(*words, stdin="k" * 32)
        assert (answer.code, answer.error["code"]) == (3, "NO_KEYRING")
        assert "--key-file" in answer.error["hint"]
        assert not home.exists()

    def test_a_bus_that_is_gone(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", "--json")
        answer = amani.process(*words, stdin="k" * 32, env={"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"})
        assert (answer.code, answer.error["code"]) == (3, "NO_KEYRING")

    def test_each_command_leads_to_what_it_takes_itself(
        self, amani: Amani, lnbits_server: LnbitsServer, tmp_path: Path
    ) -> None:
        """Options that say where a wallet's key is are `wallet add`'s: others end with a mistake in usage."""
        _, admin_key, _ = lnbits_server.new_wallet()
        amani.secrets.add(admin_key)
        file = write_key(tmp_path / "main.key", admin_key)
        url = ("--url", lnbits_server.url)
        assert amani.process("wallet", "add", "main", *url, "--key-command", f"cat {file}").code == 0
        for words in (
            ("login", lnbits_server.url, "-u", "ada", "--password-stdin"),
            ("pin", "set", "--pin-stdin"),
            ("cheque", "create", "5", "--yes"),
            ("approver", "init"),
            ("wallet", "create", "till", *url),
        ):
            answer = amani.process(*words, "--json", stdin="8317")
            assert (answer.code, answer.error["code"]) == (3, "NO_KEYRING"), words
            assert "--key-command" not in answer.error["hint"], words
            assert "--key-file PATH" in answer.error["hint"], words
        assert amani.process("wallet", "remove", "main", "--yes").code == 0
        assert amani.process("wallet", "add", "main", *url, "--key-file", file).code == 0
        assert amani.process("pin", "set", "--pin-stdin", stdin="8317").code == 0

    def test_the_null_backend(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        """One that forgets all it is given: seen at once, not at the first payment."""
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", "--json")
        _, admin_key, _ = lnbits_server.new_wallet()
        amani.secrets.add(admin_key)
        answer = amani.process(*words, stdin=admin_key, env={"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})
        assert (answer.code, answer.error["code"]) == (3, "KEYRING")
        assert amani("wallet", "list", "-q").stdout == ""

    def test_the_null_backend_is_seen_before_a_wallet_is_made(
        self, amani: Amani, lnbits_server: LnbitsServer, home: Path
    ) -> None:
        """Its keys would be lost the moment it is there, and its money with them."""
        env = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        with FaultProxy(lnbits_server.url) as proxy:
            answer = amani.process("wallet", "create", "till", "--url", proxy.url, "--json", env=env)
            assert (answer.code, answer.error["code"]) == (3, "KEYRING")
            assert "--key-file" in answer.error["hint"]
            assert proxy.count() == 0

    def test_a_backend_that_does_not_exist(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", "--json")
        answer = amani.process(*words, stdin="k" * 32, env={"PYTHON_KEYRING_BACKEND": "no.such.Backend"})
        assert (answer.code, answer.error["code"]) == (3, "NO_KEYRING")

    def test_a_backend_named_in_keyringrc(
        self, amani: Amani, lnbits_server: LnbitsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        folder = tmp_path / "config" / "python_keyring"
        folder.mkdir(parents=True)
        (folder / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring={keyrings.LOCKED}\n")
        words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", "--json")
        _, admin_key, _ = lnbits_server.new_wallet()
        amani.secrets.add(admin_key)
        answer = amani.process(*words, stdin=admin_key, env={"XDG_CONFIG_HOME": str(tmp_path / "config")})
        assert (answer.code, answer.error["code"]) == (3, "KEYRING_LOCKED")


def test_one_that_hangs_is_given_up_after_three_seconds(amani: Amani, lnbits_server: LnbitsServer) -> None:
    _, admin_key, _ = lnbits_server.new_wallet()
    amani.secrets.add(admin_key)
    words = ("wallet", "add", "main", "--url", lnbits_server.url, "--key-stdin", "--json")
    begun = time.monotonic()
    answer = amani.process(*words, stdin=admin_key, env={"PYTHON_KEYRING_BACKEND": keyrings.HANGING})
    assert 3 <= time.monotonic() - begun < PATIENCE_S  # the keyring hangs twice as long
    assert (answer.code, answer.error["code"]) == (3, "KEYRING")
    assert "within 3 s" in answer.error["message"]
