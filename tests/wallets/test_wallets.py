"""`amani wallet` on a real server: add, list, show, balance, use, rename, remove."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AddWallet, change_database, write_key
from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits


class TestAdd:
    def test_an_admin_key_makes_a_wallet_that_pays(self, amani: Amani, lnbits_server: LnbitsServer, home: Path) -> None:
        wallet_id, admin_key, _ = lnbits_server.new_wallet()
        amani.secrets.add(admin_key)
        file = write_key(Path("key"), admin_key)
        added = amani("wallet", "add", "Ops Café", "--url", lnbits_server.url, "--key-file", file, "--json")
        expected = {
            "name": "Ops Café",
            "provider": "lnbits",
            "url": lnbits_server.url,
            "id": wallet_id,
            "access": "spend",
            "default": True,
            "key_source": f"file {file.absolute()}",
            "server_version": lnbits_server.version,
        }
        assert added.data.items() >= expected.items()
        assert "'Ops Café' is now the default wallet" in added.stderr
        kept = "in the ledger at postgresql://" if ledgers.on_postgres() else str(home)
        assert kept in added.stderr  # limits, PIN and journal are per ledger: ruling 13

    def test_an_invoice_key_makes_a_wallet_that_can_only_look(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet(sat=50, key="read")
        shown = amani("wallet", "show", "--json").data
        assert shown["access"] == "read"
        assert amani("wallet", "balance", "-q").stdout == "50\n"
        refused = amani("pay", held.invoice(5), "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (3, "READ_ONLY_WALLET")
        assert "Admin key" in refused.error["hint"]
        assert held.sat == 50

    def test_one_that_can_only_look_pays_once_it_is_added_as_its_refusal_says(
        self, amani: Amani, add_wallet: AddWallet, tmp_path: Path
    ) -> None:
        held, other = add_wallet("till", 50, key="read"), add_wallet("other")
        assert amani("invoice", "create", "5", "--wallet", "till").code == 0  # from which its id is known
        invoice = other.invoice(5)
        hint = amani("pay", invoice, "--wallet", "till", "--yes", "--json").error["hint"]
        assert f"amani wallet remove 'till', then: amani wallet add 'till' --url {held.server.url}" in hint
        assert amani("wallet", "remove", "till", "--yes").code == 0
        key = write_key(tmp_path / "admin.key", held.admin_key)
        assert amani("wallet", "add", "till", "--url", held.server.url, "--key-file", key).code == 0
        assert amani("pay", invoice, "--wallet", "till", "--yes").code == 0

    def test_read_only_on_request(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet("audit", 50, "--read-only")
        assert amani("wallet", "show", "--json").data["access"] == "read"
        assert amani("pay", held.invoice(5), "--yes").code == 3
        assert held.sat == 50

    def test_without_a_keyring_nothing_is_stored_and_the_other_ways_are_named(
        self, amani: Amani, lnbits_server: LnbitsServer, home: Path
    ) -> None:
        _, admin_key, _ = lnbits_server.new_wallet()
        amani.secrets.add(admin_key)
        refused = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-stdin", "--json", stdin=admin_key)
        assert (refused.code, refused.error["code"]) == (3, "NO_KEYRING")
        for way in ("--key-file", "--key-command", "--key-credential"):
            assert way in refused.error["hint"]
        assert not any(admin_key.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())

    def test_a_key_from_stdin_goes_to_the_keyring_with_the_read_key_beside_it(
        self, amani: Amani, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        _, admin_key, read_key = lnbits_server.new_wallet()
        amani.secrets |= {admin_key, read_key}
        added = amani(
            "wallet", "add", "a", "--url", lnbits_server.url, "--key-stdin", "--json", stdin=f"  {admin_key}\r\n"
        )
        assert added.data["key_source"] == "keyring"
        assert {name.rsplit(":")[-1]: key for (_, name), key in keyring.items()} == {"key": admin_key, "read": read_key}
        assert amani("wallet", "balance", "-q").code == 0
        # A look needs the read key alone.
        keyring.pop(next(slot for slot in keyring if slot[1].endswith(":key")))
        assert amani("wallet", "balance", "-q").code == 0

    def test_read_only_keeps_the_read_key_alone(
        self, amani: Amani, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        _, admin_key, read_key = lnbits_server.new_wallet()
        amani.secrets |= {admin_key, read_key}
        added = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-stdin", "--read-only", stdin=admin_key)
        assert added.code == 0
        assert list(keyring.values()) == [read_key]
        assert amani("wallet", "balance").code == 0

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    def test_a_key_file_that_others_can_read_is_refused(
        self, amani: Amani, lnbits_server: LnbitsServer, mode: int
    ) -> None:
        _, admin_key, _ = lnbits_server.new_wallet()
        amani.secrets.add(admin_key)
        file = write_key(Path("key"), admin_key, mode)
        refused = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-file", file, "--json")
        assert refused.code == 3
        assert "chmod 600" in refused.error["hint"]

    def test_a_key_file_of_another_user_is_refused(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        if os.getuid() != 0:
            pytest.skip("only root can give a file away")
        file = write_key(Path("key"), "k" * 32)
        os.chown(file, 1, 1)
        refused = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-file", file, "--json")
        assert refused.code == 3
        assert "another user" in refused.error["message"]

    def test_a_key_command(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        _, admin_key, _ = lnbits_server.new_wallet(7)
        amani.secrets.add(admin_key)
        write_key(Path("key"), admin_key)
        command = f"cat '{Path('key').absolute()}'"
        added = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-command", command, "--json")
        assert added.data["key_source"] == f"command {command}"
        assert amani("wallet", "balance", "-q").stdout == "7\n"
        Path("key").unlink()
        failed = amani("wallet", "balance", "--json")
        assert (failed.code, failed.error["code"]) == (3, "KEY_COMMAND")

    def test_a_systemd_credential(
        self, amani: Amani, lnbits_server: LnbitsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, admin_key, _ = lnbits_server.new_wallet(7)
        amani.secrets.add(admin_key)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        write_key(tmp_path / "lnbits", admin_key, 0o440)  # as systemd makes them
        added = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-credential", "lnbits")
        assert added.code == 0
        assert amani("wallet", "balance", "-q").stdout == "7\n"
        missing = amani("wallet", "balance", "--json", env={"CREDENTIALS_DIRECTORY": None})
        assert missing.code == 3
        assert "LoadCredential=lnbits" in missing.error["hint"]

    def test_the_environment_s_key_file_and_command_outrank_what_is_stored(
        self, amani: Amani, add_wallet: AddWallet, tmp_path: Path
    ) -> None:
        held = add_wallet(sat=7)
        other, elsewhere = add_wallet("other", 8), held.key_file.rename(tmp_path / "elsewhere.key")
        assert amani("wallet", "balance", "main").code == 3
        ways = ({"AMANI_KEY_FILE": str(elsewhere)}, {"AMANI_KEY_COMMAND": f"cat {elsewhere}"})
        for env in ways:
            assert amani("wallet", "balance", "main", "-q", env=env).stdout == "7\n"
        write_key(held.key_file, held.admin_key)
        refused = amani("wallet", "balance", "main", "--json", env={"AMANI_KEY_FILE": str(other.key_file)})
        assert (refused.code, refused.error["code"]) == (3, "WRONG_KEY")

    def test_a_key_that_the_server_does_not_know_is_refused(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        key = "0123456789abcdef" * 2
        amani.secrets.add(key)
        file = write_key(Path("key"), key)
        refused = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-file", file, "--json")
        assert (refused.code, refused.error["code"]) == (3, "KEY_REFUSED")
        assert amani("wallet", "list", "--json").data["items"] == []

    def test_a_wallet_that_is_known_already_is_refused_by_the_other_name(
        self, amani: Amani, add_wallet: AddWallet
    ) -> None:
        held = add_wallet("one")
        again = amani("wallet", "add", "two", "--url", held.server.url, "--key-file", held.key_file, "--json")
        assert (again.code, again.error["code"]) == (2, "WALLET_KNOWN")
        assert "'one'" in again.error["message"]

    @pytest.mark.parametrize("name", ["main", "MAIN", "  main "])
    def test_a_name_that_is_taken(self, amani: Amani, add_wallet: AddWallet, name: str) -> None:
        held = add_wallet("main")
        taken = amani("wallet", "add", name, "--url", held.server.url, "--key-file", held.key_file, "--json")
        assert (taken.code, taken.error["code"]) == (2, "NAME_TAKEN")

    @pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\tb\x1b", "env", "ENV"])
    def test_a_name_that_can_t_be(self, amani: Amani, lnbits_server: LnbitsServer, name: str) -> None:
        file = write_key(Path("key"), "k" * 32)
        refused = amani("wallet", "add", name, "--url", lnbits_server.url, "--key-file", file, "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_NAME")

    def test_a_key_as_the_name_is_refused_without_an_echo(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        key = "0123456789abcdef0123456789ABCDEF"
        amani.secrets.add(key)
        file = write_key(Path("key"), "k" * 32)
        refused = amani("wallet", "add", key, "--url", lnbits_server.url, "--key-file", file, "--json")
        assert (refused.code, refused.error["code"]) == (2, "KEY_IN_ARGUMENT")

    def test_the_second_wallet_is_not_the_default(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("one")
        add_wallet("two")
        defaults = {item["name"]: item["default"] for item in amani("wallet", "list", "--json").data["items"]}
        assert defaults == {"one": True, "two": False}

    def test_two_ways_at_once_are_refused(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        file = write_key(Path("key"), "k" * 32)
        both = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-file", file, "--key-command", "x")
        assert both.code == 2

    def test_plain_http_off_loopback_is_refused_before_anything_is_sent(self, amani: Amani) -> None:
        file = write_key(Path("key"), "k" * 32)
        refused = amani("wallet", "add", "a", "--url", "http://lnbits.example", "--key-file", file, "--json")
        assert (refused.code, refused.error["code"]) == (2, "INSECURE_HTTP")
        assert "--insecure-http" in refused.error["hint"]

    @pytest.mark.parametrize(
        "url", ["ftp://x", "https://user:pass@host", "https://host/?api-key=abc", "http://[::1", ""]
    )
    def test_what_is_no_address(self, amani: Amani, url: str) -> None:
        file = write_key(Path("key"), "k" * 32)
        refused = amani("wallet", "add", "a", "--url", url or "https://", "--key-file", file, "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_URL")
        assert "pass" not in refused.stdout
        assert "abc" not in refused.stdout

    @pytest.mark.parametrize("ending", ["/", "/api/v1", "/api/v1/", "/wallet", "/docs"])
    def test_an_address_copied_from_a_browser_is_brought_into_form(
        self, amani: Amani, lnbits_server: LnbitsServer, ending: str
    ) -> None:
        _, admin_key, _ = lnbits_server.new_wallet()
        file = write_key(Path("key"), admin_key)
        added = amani("wallet", "add", "a", "--url", lnbits_server.url + ending, "--key-file", file, "--json")
        assert added.data["url"] == lnbits_server.url


class TestLook:
    def test_list_and_show(self, amani: Amani, add_wallet: AddWallet) -> None:
        one = add_wallet("one")
        add_wallet("two", key="read")
        items = amani("wallet", "list", "--json").data["items"]
        assert [(item["name"], item["access"]) for item in items] == [("one", "spend"), ("two", "read")]
        assert amani("wallet", "list", "-q").stdout == "one\ntwo\n"
        assert amani("wallet", "list").stdout.splitlines()[0].split("\t")[:2] == ["*", "one"]
        shown = amani("wallet", "show", "ONE", "--json").data
        assert (shown["name"], shown["id"]) == ("one", one.id)
        text = amani("wallet", "show", "one").stdout
        assert f"file {one.key_file}" in text

    def test_show_of_none_at_all(self, amani: Amani) -> None:
        empty = amani("wallet", "list")
        assert (empty.code, empty.stdout) == (0, "")
        assert "amani wallet add" in empty.stderr
        assert amani("wallet", "list", "--json").data == {"items": []}
        missing = amani("wallet", "show", "--json")
        assert (missing.code, missing.error["code"]) == (3, "NO_KEY")
        assert missing.error["message"] == "LNbits API key not configured"
        assert "Admin key" in missing.error["hint"]

    def test_an_unknown_name_lists_those_there_are(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("one")
        unknown = amani("wallet", "show", "eins", "--json")
        assert (unknown.code, unknown.error["code"]) == (4, "NO_SUCH_WALLET")
        assert "one" in unknown.error["hint"]

    def test_which_wallet_is_meant(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("one", 1)
        add_wallet("two", 2)
        add_wallet("three", 3)
        assert amani("wallet", "balance", "-q").stdout == "1\n"
        assert amani("wallet", "balance", "-q", env={"AMANI_WALLET": "two"}).stdout == "2\n"
        assert amani("wallet", "balance", "-q", "-w", "three", env={"AMANI_WALLET": "two"}).stdout == "3\n"
        assert amani("-w", "three", "wallet", "balance", "-q").stdout == "3\n"
        assert amani("wallet", "remove", "one", "--yes").code == 0
        ambiguous = amani("wallet", "balance", "--json")
        assert (ambiguous.code, ambiguous.error["code"]) == (2, "AMBIGUOUS_WALLET")
        assert "three, two" in ambiguous.error["hint"]
        assert amani("wallet", "remove", "two", "--yes").code == 0
        assert amani("wallet", "balance", "-q").stdout == "3\n"  # the only one there is


class TestBalance:
    def test_one(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet(sat=1234)
        data = amani("wallet", "balance", "--json").data
        assert (data["wallet"], data["balance_msat"], data["cached"]) == ("main", 1_234_000, False)
        assert data["as_of"].endswith("Z")
        assert amani("wallet", "balance", "main", "-q").stdout == "1234\n"
        assert "sat" in amani("wallet", "balance").stdout

    def test_several_and_all_with_a_total(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("one", 1)
        add_wallet("two", 20)
        add_wallet("three", 300)
        two = amani("wallet", "balance", "three", "one", "--json").data
        assert [(item["wallet"], item["balance_msat"]) for item in two["items"]] == [("three", 300_000), ("one", 1000)]
        assert two["total_msat"] == 301_000
        every = amani("wallet", "balance", "--all", "--json").data
        assert every["total_msat"] == 321_000
        assert amani("wallet", "balance", "--all", "-q").stdout == "1\n300\n20\n"
        shown = amani("wallet", "balance", "--all", tty=True).stdout
        assert "total: 321 sat" in shown

    def test_one_that_fails_does_not_hide_the_others(
        self, amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer
    ) -> None:
        add_wallet("one", 1)
        two = add_wallet("two", 20)
        two.key_file.unlink()
        partly = amani("wallet", "balance", "--all", "--json")
        assert partly.code == 3
        assert [item["wallet"] for item in partly.json["data"]["items"]] == ["one"]
        assert "'two'" in partly.json["warnings"][0]

    def test_by_a_key_that_became_another_wallet_s(self, amani: Amani, add_wallet: AddWallet) -> None:
        """What that one holds is not told as this one's."""
        main, other = add_wallet(sat=42), add_wallet("other", 7)
        assert amani("wallet", "balance", "main", "-q").stdout == "42\n"
        write_key(main.key_file, other.admin_key)
        for words in (
            ("wallet", "balance", "main"),
            ("pay", other.invoice(5), "--dry-run", "--wallet", "main"),
            ("transfer", "other", "max", "--from", "main", "--yes"),
        ):
            refused = amani(*words, "--json")
            assert (refused.code, refused.error["code"]) == (3, "WRONG_KEY"), words
        every = amani("wallet", "balance", "--all", "--json")
        assert (every.code, every.json["data"]["total_msat"]) == (3, 7000)
        found = {item["detail"]: item["status"] for item in amani("doctor", "--json").json["data"]["items"]}
        assert found["the key at hand is not that of wallet 'main', but another wallet's"] == "fail"

    def test_a_cached_answer_only_on_request_and_only_while_it_is_young(
        self, amani: Amani, add_wallet: AddWallet
    ) -> None:
        held = add_wallet(sat=10)
        amani("wallet", "balance")
        held.server.fund(held.id, 5)
        cached = amani("wallet", "balance", "--max-age", "1h", "--json").data
        assert (cached["balance_msat"], cached["cached"]) == (10_000, True)
        assert "cached" in amani("wallet", "balance", "--max-age", "1h").stdout
        assert amani("wallet", "balance", "--max-age", "0s", "--json").data["balance_msat"] == 15_000
        held.server.fund(held.id, 5)
        assert amani("wallet", "balance", "--json").data["balance_msat"] == 20_000

    def test_a_payment_clears_the_cache(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("main", 100)
        other = add_wallet("other")
        amani("wallet", "balance", "main")
        assert amani("pay", other.invoice(30), "--yes").code == 0
        after = amani("wallet", "balance", "main", "--max-age", "1h", "--json").data
        assert (after["balance_msat"], after["cached"]) == (70_000, False)

    def test_an_unpaid_attempt_clears_it_too(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("main", 100)
        amani("wallet", "balance", "main")
        assert amani("pay", make_invoice(amount_msat=10_000), "--yes").code == 6
        assert amani("wallet", "balance", "--max-age", "1h", "--json").data["cached"] is False


class TestNames:
    def test_use(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("one")
        add_wallet("two")
        assert amani("wallet", "use", "two", "--json").data["default"] is True
        names = {item["name"]: item["default"] for item in amani("wallet", "list", "--json").data["items"]}
        assert names == {"one": False, "two": True}
        assert amani("wallet", "use", "three").code == 4

    def test_rename_and_the_history_follows(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("old", 100)
        other = add_wallet("other")
        made = amani("invoice", "create", "5", "-w", "old", "-q").stdout.strip()
        paid = amani("pay", other.invoice(30), "--yes", "--json").data
        assert amani("wallet", "rename", "old", "new name", "--json").data["name"] == "new name"
        assert amani("history", "show", paid["id"], "--json").data["wallet"] == "new name"
        assert amani("history", "list", "-w", "new name", "-q").stdout == paid["id"] + "\n"
        assert amani("invoice", "show", made, "--json").data["wallet"] == "new name"
        assert amani("wallet", "show", "old").code == 4
        assert amani("wallet", "balance", "new name", "-q").stdout == "70\n"

    def test_rename_to_one_that_is_taken_or_to_another_case(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("one")
        add_wallet("two")
        assert amani("wallet", "rename", "one", "TWO").code == 2
        assert amani("wallet", "rename", "one", " One\n", "--json").data["name"] == "One"

    @pytest.mark.parametrize("name", ["", "x" * 81, "env", "a\x1bb", "0123456789abcdef" * 2])
    def test_rename_holds_to_the_rules_of_names(self, amani: Amani, add_wallet: AddWallet, name: str) -> None:
        add_wallet("one")
        renamed = amani("wallet", "rename", "one", name, "--json")
        assert (renamed.code, amani("wallet", "list", "-q").stdout) == (2, "one\n")


class TestRemove:
    def test_it_says_what_is_lost_and_asks(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet(sat=10)
        refused = amani("wallet", "remove", "main", "--json")
        assert (refused.code, refused.error["code"]) == (5, "NOT_CONFIRMED")
        with amani.terminal("wallet", "remove", "main") as terminal:
            terminal.expect("[y/N]")
            assert "without another copy of the Admin key nobody reaches" in " ".join(terminal.seen.split())
            terminal.type("")
            assert terminal.finish() == 5
        assert amani("wallet", "list", "-q").stdout == "main\n"
        removed = amani("wallet", "remove", "main", "--yes", "--json").data
        assert removed == {"wallet": "main", "keys_deleted": False, "remote_deleted": False}
        assert held.key_file.exists()  # the user's own
        assert held.sat == 10

    def test_the_keyring_s_keys_go_with_it(
        self, amani: Amani, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        _, admin_key, _ = lnbits_server.new_wallet()
        assert amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-stdin", stdin=admin_key).code == 0
        assert amani("wallet", "remove", "a", "--yes", "--json").data["keys_deleted"] is True
        assert keyring == {}

    def test_what_was_paid_stays_on_record(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("main", 100)
        other = add_wallet("other")
        paid = amani("pay", other.invoice(30), "--yes", "--json").data
        assert amani("wallet", "remove", "main", "--yes").code == 0
        assert amani("history", "show", paid["id"], "--json").data["wallet"] == "main"

    def test_not_while_an_outcome_is_open(self, amani: Amani, add_wallet: AddWallet, home: Path) -> None:
        add_wallet("main", 100)
        other = add_wallet("other")
        paid = amani("pay", other.invoice(30), "--yes", "--json").data
        change_database(home, "UPDATE payment SET status='unknown' WHERE id=?", paid["id"])
        refused = amani("wallet", "remove", "main", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "OPEN_OUTCOMES")
        assert "amani reconcile" in refused.error["hint"]
        assert amani("reconcile", "--json").data["settled"] == 1
        assert amani("wallet", "remove", "main", "--yes").code == 0

    def test_deleting_it_on_the_server_needs_a_login(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet()
        refused = amani("wallet", "remove", "main", "--delete-remote", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (3, "LOGIN_NEEDED")
        assert f"amani login {held.server.url}" in refused.error["hint"]


class TestShared:
    """A wallet of another user's that this key may use: its payments are recorded as the other wallet's."""

    @pytest.fixture(params=["view-payments", "send-payments"])
    def guest(
        self, amani: Amani, lnbits_server: LnbitsServer, request: pytest.FixtureRequest
    ) -> tuple[str, Callable[[], int]]:
        """The admin key of a guest who may view too, or only send; and what the owner's wallet holds, in sat."""
        _, owner, _ = lnbits_server.new_wallet(100)
        name, token = lnbits_server.new_user("correct horse")
        may = list({"send-payments", request.param})
        invite = {"username": name, "permissions": may, "status": "invite_sent"}
        lnbits_server.call("PUT", "/api/v1/wallet/share/invite", key=owner, json=invite)
        owner_id = lnbits_server.call("GET", "/api/v1/wallet", key=owner)["id"]
        wanted = {"name": "G", "wallet_type": "lightning-shared", "shared_wallet_id": owner_id}
        made = lnbits_server.call("POST", "/api/v1/wallet", token=token, json=wanted)
        amani.secrets |= {owner, token, made["adminkey"], made["inkey"]}
        return made["adminkey"], lambda: lnbits_server.balance_msat(owner) // 1000

    def test_it_can_t_be_added_nor_paid_from(
        self, amani: Amani, lnbits_server: LnbitsServer, guest: tuple[str, Callable[[], int]], tmp_path: Path
    ) -> None:
        key, held = guest
        file = write_key(tmp_path / "guest.key", key)
        added = amani("wallet", "add", "guest", "--url", lnbits_server.url, "--key-file", file, "--json")
        assert (added.code, added.error["code"]) == (9, "SHARED_WALLET")
        _, _, payee = lnbits_server.new_wallet()
        body = {"out": False, "amount": 10, "memo": ""}
        invoice = lnbits_server.call("POST", "/api/v1/payments", key=payee, json=body)["bolt11"]
        env = {"LNBITS_API_KEY": key, "LNBITS_BASE_URL": lnbits_server.url}
        refused = amani("pay", invoice, "--yes", "--json", env=env)
        assert (refused.code, refused.error["code"]) == (9, "SHARED_WALLET")
        assert (held(), lnbits_server.balance_msat(payee)) == (100, 0)
