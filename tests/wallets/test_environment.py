"""The wallet in the environment, a `.env`, and the two providers' keys beside each other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer, free_port
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits


class Unregistered:
    """A wallet on the server that amani holds no key of, but what the environment says."""

    def __init__(self, amani: Amani, server: LnbitsServer, sat: int) -> None:
        self.id, self.admin_key, self.read_key = server.new_wallet(sat)
        self.url = server.url
        amani.secrets |= {self.admin_key, self.read_key}

    @property
    def env(self) -> dict[str, str]:
        return {"LNBITS_API_KEY": self.admin_key, "LNBITS_BASE_URL": self.url}

    def write(self, mode: int = 0o600, url: str | None = None, **more: str) -> Path:
        path = Path(".env")
        lines = {"LNBITS_API_KEY": self.admin_key, "LNBITS_BASE_URL": url or self.url, **more}
        path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        path.chmod(mode)
        return path


@pytest.fixture
def mine(amani: Amani, lnbits_server: LnbitsServer) -> Unregistered:
    return Unregistered(amani, lnbits_server, 77)


class TestTheEnvironment:
    def test_it_is_the_wallet_env(self, amani: Amani, mine: Unregistered) -> None:
        data = amani("wallet", "balance", "--json", env=mine.env).data
        assert (data["wallet"], data["balance_msat"]) == ("env", 77_000)
        (item,) = amani("wallet", "list", "--json", env=mine.env).data["items"]
        assert (item["name"], item["key_source"], item["url"]) == ("env", "environment", mine.url)
        assert amani("wallet", "show", "env", "--json", env=mine.env).data["access"] == "spend"

    def test_it_asks_pays_and_remembers(self, amani: Amani, mine: Unregistered, add_wallet: AddWallet) -> None:
        text = amani("invoice", "create", "5", "-q", env=mine.env).stdout.strip()
        assert amani("invoice", "check", text, "--json", env=mine.env).data["status"] == "pending"
        payee = add_wallet("payee")
        assert amani("wallet", "remove", "payee", "--yes").code == 0
        invoice = payee.invoice(7)
        paid = amani("pay", invoice, "--yes", "--json", env=mine.env).data
        assert (paid["wallet"], paid["status"], payee.sat) == ("env", "settled", 7)
        assert amani("pay", invoice, "--yes", "--json", env=mine.env).data["replayed"] is True
        assert amani("history", "list", "-w", "env", "-q", env=mine.env).stdout == paid["id"] + "\n"
        assert amani("history", "sync", "--json", env=mine.env).data["new"] == 1  # the top-up

    def test_open_outcomes_are_settled_with_the_same_key_and_with_no_other(
        self, amani: Amani, mine: Unregistered, lnbits_server: LnbitsServer, home: Path
    ) -> None:
        assert amani("pay", make_invoice(amount_msat=1000), "--yes", env=mine.env).code == 6
        long_ago = "2026-08-01T11:00:00Z"
        change_database(home, "UPDATE payment SET status='unknown', created_at=?1, expires_at=?1", long_ago)
        another = Unregistered(amani, lnbits_server, 5)
        assert amani("reconcile", env=another.env).code == 8
        assert amani("reconcile", "--json", env=mine.env).data["failed"] == 1

    def test_a_registered_wallet_outranks_it(self, amani: Amani, mine: Unregistered, add_wallet: AddWallet) -> None:
        add_wallet("main", 5)
        assert amani("wallet", "balance", "-q", env=mine.env).stdout == "5\n"
        assert amani("wallet", "balance", "env", "-q", env=mine.env).stdout == "77\n"  # but it can be named

    def test_an_invoice_key_there(self, amani: Amani, mine: Unregistered) -> None:
        """Told apart where it matters: it looks, and paying says exactly what is wrong (ruling 19)."""
        env = {**mine.env, "LNBITS_API_KEY": mine.read_key}
        assert amani("wallet", "balance", "-q", env=env).stdout == "77\n"
        refused = amani("pay", make_invoice(), "--yes", "--json", env=env)
        assert (refused.code, refused.error["code"]) == (3, "INVOICE_KEY")
        assert "take the Admin key, not the Invoice key" in refused.error["hint"]

    @pytest.mark.parametrize("space", ["{} ", " {}", "{}\n", "{}\r\n"])
    def test_a_key_with_white_space_around_it(self, amani: Amani, mine: Unregistered, space: str) -> None:
        env = {**mine.env, "LNBITS_API_KEY": space.format(mine.admin_key)}
        assert amani("wallet", "balance", "-q", env=env).stdout == "77\n"

    @pytest.mark.parametrize("key", ["a b" * 11, "ключ" * 8, "x\x01y" * 10])
    def test_what_can_t_be_a_key_is_refused_without_being_shown(
        self, amani: Amani, mine: Unregistered, key: str
    ) -> None:
        amani.secrets.add(key)
        refused = amani("wallet", "balance", "--json", env={**mine.env, "LNBITS_API_KEY": key})
        assert (refused.code, refused.error["code"]) == (3, "BAD_KEY")

    def test_without_a_key(self, amani: Amani, mine: Unregistered) -> None:
        for env in ({}, {"LNBITS_BASE_URL": mine.url}, {"LNBITS_API_KEY": ""}):
            missing = amani("wallet", "balance", "--json", env=env)
            assert (missing.code, missing.error["code"]) == (3, "NO_KEY")
            assert missing.error["message"] == "LNbits API key not configured"
            assert "LNBITS_API_KEY" in missing.error["hint"]

    def test_it_can_t_be_renamed_removed_or_used(self, amani: Amani, mine: Unregistered) -> None:
        for words in (("rename", "env", "x"), ("remove", "env", "--yes"), ("use", "env")):
            refused = amani("wallet", *words, "--json", env=mine.env)
            assert (refused.code, refused.error["code"]) == (2, "ENV_WALLET")

    def test_the_default_address(self, amani: Amani, mine: Unregistered) -> None:
        env = {"LNBITS_API_KEY": mine.admin_key}
        assert amani("wallet", "show", "--json", env=env).data["url"] == "https://legend.lnbits.com"
        assert amani("config", "set", "default_url", mine.url).code == 0
        assert amani("wallet", "balance", "-q", env=env).stdout == "77\n"

    def test_keys_of_both_providers_are_ambiguous(self, amani: Amani, mine: Unregistered) -> None:
        env = {**mine.env, "FINCRA_API_KEY": "f" * 32}
        refused = amani("wallet", "balance", "--json", env=env)
        assert (refused.code, refused.error["code"]) == (2, "AMBIGUOUS_WALLET")
        assert "--wallet env" in refused.error["hint"]
        assert amani("wallet", "balance", "-q", "-w", "env", env=env).stdout == "77\n"


class TestDotEnv:
    def test_an_old_backend_s_file_works_unchanged(self, amani: Amani, mine: Unregistered) -> None:
        mine.write(DATABASE_URL="postgres://u:p@h/db", AMANI_HOME="/nowhere", AMANI_WALLET="other", PATH="/nowhere")
        assert amani("wallet", "balance", "-q").stdout == "77\n"
        (item,) = amani("wallet", "list", "--json").data["items"]
        assert item["name"] == "env"

    @pytest.mark.parametrize(
        "line",
        [
            '{name}="{value}"',
            "{name}='{value}'",
            "export {name}={value}",
            " {name} = {value} # note",
            "{name}={value}\r",
        ],
    )
    def test_the_ways_to_write_it(self, amani: Amani, mine: Unregistered, line: str) -> None:
        lines = [line.format(name=name, value=value) for name, value in mine.env.items()]
        write_key(Path(".env"), "﻿# comment\n\nnot a line\n" + "\n".join(lines))
        assert amani("wallet", "balance", "-q").stdout == "77\n"

    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    def test_one_that_others_can_write_is_not_read(self, amani: Amani, mine: Unregistered, mode: int) -> None:
        mine.write(mode)
        answer = amani("wallet", "balance", "--json")
        assert (answer.code, answer.error["code"]) == (3, "NO_KEY")
        assert "others can write it" in answer.json["warnings"][0]

    def test_one_of_another_user_is_not_read(self, amani: Amani, mine: Unregistered) -> None:
        if os.getuid() != 0:
            pytest.skip("only root can give a file away")
        os.chown(mine.write(), 1, 1)
        answer = amani("wallet", "balance", "--json")
        assert (answer.code, answer.error["code"]) == (3, "NO_KEY")
        assert "belongs to another user" in answer.json["warnings"][0]

    def test_its_address_never_gets_a_key_from_the_environment(self, amani: Amani, mine: Unregistered) -> None:
        mine.write(url=f"http://127.0.0.1:{free_port()}")
        env = {"LNBITS_API_KEY": mine.admin_key}
        for words in (("wallet", "show"), ("wallet", "balance", "--wallet", "env")):  # nor does a public server get it
            answer = amani(*words, "--json", env=env)
            assert (answer.code, answer.error["code"]) == (2, "NO_ADDRESS")
            assert "Export LNBITS_BASE_URL too" in answer.error["hint"]
        listed = amani("wallet", "list", "--json", env=env)
        assert (listed.data["items"], len(listed.json["warnings"])) == ([], 1)

    def test_nor_the_key_of_a_registered_wallet(self, amani: Amani, mine: Unregistered, add_wallet: AddWallet) -> None:
        held: Held = add_wallet("main", 5)
        mine.write(url=f"http://127.0.0.1:{free_port()}")
        assert amani("wallet", "balance", "-q").stdout == "5\n"
        assert amani("wallet", "show", "--json").data["url"] == held.server.url
        env = {"LNBITS_BASE_URL": f"http://127.0.0.1:{free_port()}"}
        assert amani("wallet", "balance", "-q", env=env).stdout == "5\n"

    def test_the_environment_outranks_it(self, amani: Amani, mine: Unregistered, lnbits_server: LnbitsServer) -> None:
        mine.write()
        other = Unregistered(amani, lnbits_server, 8)
        assert amani("wallet", "balance", "-q", env=other.env).stdout == "8\n"

    def test_only_the_current_folder_s(self, amani: Amani, mine: Unregistered, monkeypatch: pytest.MonkeyPatch) -> None:
        mine.write()
        Path("sub").mkdir()
        monkeypatch.chdir("sub")
        assert amani("wallet", "balance").code == 3
