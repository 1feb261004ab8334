"""`amani login` and `logout`, and what needs one: wallets made as a user, keys rotated, a wallet deleted there."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from amani_cli import errors
from amani_cli.encodings.bolt11 import decode_invoice
from amani_cli.providers.lnbits import Lnbits
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets import removing
from amani_cli.workspace import Workspace
from tests.conftest import Held, change_database, mark_on_server
from tests.kit import keyrings
from tests.kit.cheque_world import log_in
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.fault_proxy import FaultProxy, answer, kill
from tests.kit.lnbits_server import LnbitsServer

pytestmark = [pytest.mark.lnbits, pytest.mark.usefixtures("keyring")]

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class User:
    """Somebody with an account on the server."""

    name: str
    token: str


@pytest.fixture
def user(amani: Amani, lnbits_server: LnbitsServer) -> User:
    name, token = lnbits_server.new_user(PASSWORD)
    amani.secrets |= {PASSWORD, token}
    return User(name, token)


@pytest.fixture
def logged_in(amani: Amani, user: User, lnbits_server: LnbitsServer) -> User:
    words = ("login", lnbits_server.url, "--username", user.name, "--password-stdin")
    assert amani(*words, stdin=PASSWORD).code == 0
    return user


def wallets_of(server: LnbitsServer, user: User) -> dict[str, dict[str, str]]:
    listed = server.call("GET", "/api/v1/wallets", token=user.token)
    return {wallet["name"]: wallet for wallet in listed}


class TestLogin:
    def test_the_token_is_kept_and_the_password_is_not(
        self, amani: Amani, user: User, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        answer = amani("login", lnbits_server.url, "-u", user.name, "--password-stdin", "--json", stdin=PASSWORD + "\n")
        assert answer.data == {"url": lnbits_server.url, "username": user.name, "logged_in": True}
        (token,) = keyring.values()
        amani.secrets.add(token)
        assert lnbits_server.call("GET", "/api/v1/auth", token=token)["username"] == user.name
        assert PASSWORD not in str(keyring)

    def test_a_wrong_password(self, amani: Amani, user: User, lnbits_server: LnbitsServer) -> None:
        answer = amani(
            "login", lnbits_server.url, "-u", user.name, "--password-stdin", "--json", stdin="not the password"
        )
        assert (answer.code, answer.error["code"]) == (3, "WRONG_PASSWORD")
        assert "locks the login" in answer.error["hint"]  # ruling 21
        assert "not the password" not in answer.stdout + answer.stderr

    def test_off_a_terminal_nothing_is_asked(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        assert amani("login", lnbits_server.url).code == 2
        no_password = amani("login", lnbits_server.url, "-u", "x", "--json")
        assert no_password.code == 3
        assert "--password-stdin" in no_password.error["hint"]

    def test_without_a_keyring_the_password_is_not_even_sent(
        self, amani: Amani, user: User, lnbits_server: LnbitsServer
    ) -> None:
        words = ("login", lnbits_server.url, "-u", user.name, "--password-stdin", "--json")
        answer = amani(*words, stdin=PASSWORD, env={"PYTHON_KEYRING_BACKEND": None})
        assert (answer.code, answer.error["code"]) == (3, "NO_KEYRING")

    def test_logout(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        answer = amani("logout", "--json")
        assert answer.data == {"url": lnbits_server.url, "username": logged_in.name, "logged_in": False}
        assert "valid for up to a year" in answer.stderr  # ruling 21
        assert keyring == {}
        again = amani("logout", "--json")
        assert (again.code, again.error["code"]) == (4, "NO_LOGIN")

    def test_an_expired_token_says_log_in_again(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        for name in keyring:
            keyring[name] = "x" * 40
        answer = amani("wallet", "create", "a", "--url", lnbits_server.url, "--json")
        assert (answer.code, answer.error["code"]) == (3, "TOKEN_EXPIRED")
        assert "Invalid or expired token" in answer.error["message"]  # ruling 20
        assert f"Log in again: amani login {lnbits_server.url}" in answer.error["hint"]
        assert amani("wallet", "list", "-q").stdout == ""


class TestCreate:
    def test_nameless_where_there_is_no_login(
        self, amani: Amani, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        answer = amani("wallet", "create", "till", "--url", lnbits_server.url, "--json")
        assert (answer.data["access"], answer.data["login"], answer.data["default"]) == ("spend", False, True)
        assert "without a login" in answer.stderr
        assert "rotate its keys or delete it" in answer.stderr
        assert {name.rsplit(":")[-1] for _, name in keyring} == {"key", "read"}
        amani.secrets |= set(keyring.values())
        assert amani("wallet", "balance", "-q").stdout == "0\n"

    def test_nameless_into_a_key_file(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        words = ("wallet", "create", "till", "--url", lnbits_server.url, "--key-file", "new.key")
        assert amani(*words, env={"PYTHON_KEYRING_BACKEND": None}).code == 0
        file = Path("new.key")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        key = file.read_text().strip()
        amani.secrets.add(key)
        assert (
            lnbits_server.call("GET", "/api/v1/wallet", key=key)["id"] == amani("wallet", "show", "--json").data["id"]
        )
        assert amani("wallet", "balance", "-q").stdout == "0\n"

    def test_a_file_that_exists_is_not_overwritten(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        Path("old.key").write_text("precious")
        words = ("wallet", "create", "till", "--url", lnbits_server.url, "--key-file", "old.key", "--json")
        answer = amani(*words)
        assert (answer.code, answer.error["code"]) == (2, "FILE_EXISTS")
        assert Path("old.key").read_text() == "precious"

    def test_without_a_place_for_the_keys_no_wallet_is_made(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer
    ) -> None:
        words = ("wallet", "create", "till", "--url", lnbits_server.url, "--json")
        answer = amani(*words, env={"PYTHON_KEYRING_BACKEND": None})
        assert (answer.code, answer.error["code"]) == (3, "NO_KEYRING")
        assert "till" not in wallets_of(lnbits_server, logged_in)

    @pytest.mark.parametrize("login", [True, False], ids=["login", "no login"])
    def test_the_keys_of_another_wallet_make_none(
        self, amani: Amani, lnbits_server: LnbitsServer, request: pytest.FixtureRequest, login: bool
    ) -> None:
        """Something on the way repeats what it answered before: to another machine that made one, say."""
        theirs = lnbits_server.call("POST", "/api/v1/account", json={"name": "theirs"})
        with FaultProxy(lnbits_server.url) as proxy:
            if login:
                user = request.getfixturevalue("user")
                words = ("login", proxy.url, "--username", user.name, "--password-stdin")
                assert amani(*words, stdin=PASSWORD).code == 0
            create = ("wallet", "create", "till", "--url", proxy.url, "--json")
            proxy.on(answer(200, theirs), "POST", "/api/v1/wallet" if login else "/api/v1/account")
            refused = amani(*create)
            assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (10, "ODD_ANSWER", "no")
            assert amani("wallet", "list", "--json").data["items"] == []
            assert amani(*create).data["id"] != theirs["id"]

    def test_as_the_user_that_is_logged_in(self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer) -> None:
        answer = amani("wallet", "create", "till", "--url", lnbits_server.url, "--json")
        assert answer.data["login"] is True
        assert answer.data["id"] == wallets_of(lnbits_server, logged_in)["till"]["id"]
        assert "Made with your login" in answer.stderr

    def test_the_same_reference_makes_no_second_wallet(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer
    ) -> None:
        words = ("wallet", "create", "till", "--url", lnbits_server.url, "--reference", "r1", "--json")
        first, second = amani(*words), amani(*words)
        assert first.data["id"] == second.data["id"]
        other = amani("wallet", "create", "bar", "--url", lnbits_server.url, "--reference", "r1", "--json")
        assert (other.code, other.error["code"]) == (9, "REFERENCE_TAKEN")
        assert list(wallets_of(lnbits_server, logged_in)).count("till") == 1
        assert "bar" not in wallets_of(lnbits_server, logged_in)

    def test_a_reference_that_was_interrupted_before_the_wallet_was_made_can_go_on(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer
    ) -> None:
        words = ("wallet", "create", "till", "--url", lnbits_server.url, "--reference", "r1")
        assert amani(*words, env={"PYTHON_KEYRING_BACKEND": None}).code == 3
        assert amani(*words).code == 0


class TestRotate:
    def test_new_keys_take_the_place_of_the_old(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        amani("wallet", "create", "till", "--url", lnbits_server.url)
        before = wallets_of(lnbits_server, logged_in)["till"]
        amani.secrets |= {before["adminkey"], before["inkey"]}
        assert amani("wallet", "rotate-keys", "till").code == 5  # it asks first
        assert wallets_of(lnbits_server, logged_in)["till"]["adminkey"] == before["adminkey"]
        assert amani("wallet", "rotate-keys", "till", "--yes", "--json").data["name"] == "till"
        after = wallets_of(lnbits_server, logged_in)["till"]
        amani.secrets |= {after["adminkey"], after["inkey"]}
        assert not {before["adminkey"], before["inkey"]} & {after["adminkey"], after["inkey"]}
        stored = {name.rsplit(":")[-1]: key for (_, name), key in keyring.items() if name.startswith("key_")}
        assert stored == {"key": after["adminkey"], "read": after["inkey"]}
        assert amani("wallet", "balance", "-q").stdout == "0\n"
        with pytest.raises(httpx.HTTPStatusError):
            lnbits_server.balance_msat(before["inkey"])

    def test_a_kill_after_the_server_has_rotated_is_survived(
        self, amani: Amani, lnbits_server: LnbitsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", keyrings.IN_FOLDER)
        monkeypatch.setenv("AMANI_TEST_KEYRING", str(tmp_path / "keyring"))
        with FaultProxy(lnbits_server.url) as proxy:
            user = log_in(amani, lnbits_server, proxy.url)
            assert amani("wallet", "create", "till", "--url", proxy.url).code == 0
            proxy.on(kill(after=True), "PUT", "/api/v1/wallet/reset/.*")
            with amani.started("wallet", "rotate-keys", "till", "--yes") as run:
                proxy.victim = run
                run.wait(PATIENCE_S)
            assert amani("wallet", "balance", "--json").error["code"] == "KEY_REFUSED"
            assert amani("wallet", "rotate-keys", "till", "--yes").code == 0
            assert amani("wallet", "balance", "-q").stdout == "0\n"
            (till,) = user.wallets()[-1:]
            amani.secrets |= {till["adminkey"], till["inkey"]}

    def test_one_that_ends_before_the_new_keys_are_relied_on_can_be_done_again(
        self,
        amani: Amani,
        logged_in: User,
        lnbits_server: LnbitsServer,
        keyring: dict[tuple[str, str], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        amani("wallet", "create", "till", "--url", lnbits_server.url)
        with monkeypatch.context() as patch:
            patch.setattr(store_wallets, "update", interrupted)
            assert amani("wallet", "rotate-keys", "till", "--yes").code == 130
        assert amani("wallet", "rotate-keys", "till", "--yes").code == 0
        assert amani("wallet", "balance", "-q").stdout == "0\n"
        assert wallets_of(lnbits_server, logged_in)["till"]["adminkey"] in keyring.values()

    def test_a_key_file_is_replaced(self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer) -> None:
        amani("wallet", "create", "till", "--url", lnbits_server.url, "--key-file", "till.key")
        old = Path("till.key").read_text()
        amani.secrets.add(old.strip())
        assert amani("wallet", "rotate-keys", "--yes").code == 0
        new = Path("till.key").read_text()
        amani.secrets.add(new.strip())
        assert new.strip() == wallets_of(lnbits_server, logged_in)["till"]["adminkey"] != old.strip()
        assert stat.S_IMODE(Path("till.key").stat().st_mode) == 0o600
        assert [path.name for path in Path().iterdir()] == ["till.key"]

    def test_without_a_login_it_is_refused(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        amani("wallet", "create", "till", "--url", lnbits_server.url)
        answer = amani("wallet", "rotate-keys", "till", "--yes", "--json")
        assert (answer.code, answer.error["code"]) == (3, "LOGIN_NEEDED")
        assert amani("wallet", "balance").code == 0

    def test_keys_that_amani_cant_write_to_are_left_alone(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer
    ) -> None:
        amani("wallet", "create", "till", "--url", lnbits_server.url, "--key-file", "till.key")
        assert amani("wallet", "remove", "till", "--yes").code == 0
        command = f"cat {Path('till.key').absolute()}"
        assert amani("wallet", "add", "till", "--url", lnbits_server.url, "--key-command", command).code == 0
        answer = amani("wallet", "rotate-keys", "till", "--yes", "--json")
        assert (answer.code, answer.error["code"]) == (9, "KEY_SOURCE_READ_ONLY")
        assert amani("wallet", "balance").code == 0


class TestDeleteRemote:
    def test_only_when_it_is_empty(self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer) -> None:
        wallet_id = amani("wallet", "create", "till", "--url", lnbits_server.url, "--json").data["id"]
        lnbits_server.fund(wallet_id, 1)
        full = amani("wallet", "remove", "till", "--delete-remote", "--yes", "--json")
        assert (full.code, full.error["code"]) == (9, "NOT_EMPTY")
        assert "1000 msat" in full.error["message"]
        assert "till" in wallets_of(lnbits_server, logged_in)
        lnbits_server.fund(wallet_id, -1)
        assert amani("wallet", "remove", "till", "--delete-remote").code == 5
        removed = amani("wallet", "remove", "till", "--delete-remote", "--yes", "--json").data
        assert removed == {"wallet": "till", "keys_deleted": True, "remote_deleted": True}
        assert "till" not in wallets_of(lnbits_server, logged_in)
        assert amani("wallet", "show", "till").code == 4

    def test_while_money_may_still_come(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer, home: Path
    ) -> None:
        """LNbits takes a payer's money for the invoice of a wallet that is gone."""
        till = amani("wallet", "create", "till", "--url", lnbits_server.url, "--json").data["id"]
        assert amani("invoice", "create", "5", "--wallet", "till").code == 0
        remove = ("wallet", "remove", "till", "--delete-remote", "--yes", "--json")
        expected = amani(*remove)
        assert (expected.code, expected.error["code"]) == (9, "MONEY_EXPECTED")
        # It has ended, but a payment of ours may have been sent in time.
        change_database(home, "UPDATE invoice SET expires_at='2026-01-01T00:00:00Z'")
        sender = amani("wallet", "create", "sender", "--url", lnbits_server.url, "--json").data["id"]
        lnbits_server.fund(sender, 10)
        invoice = amani("invoice", "list", "--wallet", "till", "--json").data["items"][0]["bolt11"]
        assert amani("pay", invoice, "--wallet", "sender", "--yes").code == 0
        lnbits_server.fund(till, -5)
        change_database(home, "UPDATE payment SET status='unknown' WHERE direction='out'")
        change_database(home, "UPDATE invoice SET status='pending'")
        assert amani(*remove).error["code"] == "MONEY_EXPECTED"
        assert "till" in wallets_of(lnbits_server, logged_in)
        change_database(home, "UPDATE payment SET status='settled'")
        assert amani(*remove).data["remote_deleted"] is True

    def test_money_that_comes_while_a_person_thinks_is_not_destroyed(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer
    ) -> None:
        wallet_id = amani("wallet", "create", "till", "--url", lnbits_server.url, "--json").data["id"]
        asked = []

        def confirm(loss: str) -> None:
            asked.append(loss)
            lnbits_server.fund(wallet_id, 1)

        with pytest.raises(errors.RefusedByPolicy) as refused:
            removing.remove(Workspace(dict(os.environ)), "till", delete_remote=True, confirm=confirm)
        assert (refused.value.code, len(asked)) == ("NOT_EMPTY", 1)
        assert "till" in wallets_of(lnbits_server, logged_in)

    def test_an_invoice_that_amani_knows_nothing_of(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One made in LNbits' own page, further back than a page of records reaches."""
        amani("wallet", "create", "till", "--url", lnbits_server.url)
        made = wallets_of(lnbits_server, logged_in)["till"]
        till = Held("till", lnbits_server, made["id"], made["adminkey"], made["inkey"], Path("none"))
        text = till.invoice(5)
        payer = Held("payer", lnbits_server, *lnbits_server.new_wallet(100), key_file=Path("none"))
        for _ in range(3):
            payer.pay(till.invoice(1))
            till.pay(payer.invoice(1))
        records = Lnbits.records
        monkeypatch.setattr(Lnbits, "records", lambda self, *, offset=0, limit=2: records(self, offset=offset, limit=2))
        remove = ("wallet", "remove", "till", "--delete-remote", "--yes", "--json")
        refused = amani(*remove)
        assert (refused.code, refused.error["code"]) == (9, "MONEY_EXPECTED")
        assert "5 sat" in refused.error["message"]
        payer.pay(text)
        assert amani(*remove).error["code"] == "NOT_EMPTY"
        till.pay(payer.invoice(5))
        assert amani(*remove).data["remote_deleted"] is True

    def test_an_invoice_that_has_ended_can_be_paid_no_more(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer
    ) -> None:
        """LNbits pays an ended one of its own until somebody asks about it; then the payer keeps the money."""
        amani("wallet", "create", "till", "--url", lnbits_server.url)
        made = wallets_of(lnbits_server, logged_in)["till"]
        till = Held("till", lnbits_server, made["id"], made["adminkey"], made["inkey"], Path("none"))
        text = till.invoice(5, expiry=1)
        ends = decode_invoice(text).expires_at
        payer = Held("payer", lnbits_server, *lnbits_server.new_wallet(100), key_file=Path("none"))
        while time.time() <= ends + 1:
            time.sleep(0.1)
        assert amani("wallet", "remove", "till", "--delete-remote", "--yes").code == 0
        payer.pay(text)
        assert payer.sat == 100

    def test_a_payment_that_is_on_its_way(self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer) -> None:
        """Should it fail, its money comes back to a wallet that must still be there."""
        amani("wallet", "create", "till", "--url", lnbits_server.url)
        made = wallets_of(lnbits_server, logged_in)["till"]
        till = Held("till", lnbits_server, made["id"], made["adminkey"], made["inkey"], Path("none"))
        payee = Held("payee", lnbits_server, *lnbits_server.new_wallet(), key_file=Path("none"))
        lnbits_server.fund(till.id, 5)
        payment_hash = str(till.pay(payee.invoice(5))["payment_hash"])
        mark_on_server(till, payment_hash, "pending")
        refused = amani("wallet", "remove", "till", "--delete-remote", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "MONEY_EXPECTED")
        assert "till" in wallets_of(lnbits_server, logged_in)

    @pytest.mark.parametrize("what", ["money", "an invoice"])
    def test_what_comes_at_the_last_moment_is_seen(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer, what: str
    ) -> None:
        amani("wallet", "create", "till", "--url", lnbits_server.url)
        made = wallets_of(lnbits_server, logged_in)["till"]
        till = Held("till", lnbits_server, made["id"], made["adminkey"], made["inkey"], Path("none"))

        def confirm(_: str) -> None:
            if what == "money":
                lnbits_server.fund(till.id, 1)
            else:
                till.invoice(5)

        with pytest.raises(errors.RefusedByPolicy) as refused:
            removing.remove(Workspace(dict(os.environ)), "till", delete_remote=True, confirm=confirm)
        assert refused.value.code == ("NOT_EMPTY" if what == "money" else "MONEY_EXPECTED")
        assert "till" in wallets_of(lnbits_server, logged_in)


class TestAnotherUsersLogin:
    """A login says who one is there; it may be another user's than the one who made a wallet."""

    @pytest.mark.parametrize("words", [("remove", "till", "--delete-remote"), ("rotate-keys", "till")])
    def test_what_only_its_user_can_do_is_refused_and_says_so(
        self, amani: Amani, logged_in: User, lnbits_server: LnbitsServer, words: tuple[str, ...]
    ) -> None:
        amani("wallet", "create", "till", "--url", lnbits_server.url)
        log_in(amani, lnbits_server, lnbits_server.url)
        refused = amani("wallet", *words, "--yes", "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (3, "OTHER_LOGIN", "no")
        assert f"amani login {lnbits_server.url}" in refused.error["hint"]
        assert "till" in wallets_of(lnbits_server, logged_in)
        assert amani("wallet", "balance", "--wallet", "till").code == 0
