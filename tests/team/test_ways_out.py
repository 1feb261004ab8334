"""What somebody meets who sets a team's ledger up for the first time: each refusal and each hint is one that helps."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import AddWallet
from tests.kit import ledgers
from tests.kit.driver import Amani, Environment, Result
from tests.kit.postgres_server import PostgresServer

pytestmark = [pytest.mark.lnbits, pytest.mark.store]


@pytest.fixture
def second(home: Path, ledger: str) -> Environment:
    """Another machine: a home of its own, the same ledger."""
    return {"AMANI_HOME": str(home.with_name("second")), "AMANI_STORE": ledger}


@pytest.fixture
def alone(home: Path) -> Environment:
    """The same machine by itself: its ledger is its own file."""
    return {"AMANI_HOME": str(home), "AMANI_STORE": None}


def checks(run: Result) -> dict[str, tuple[str, str, str]]:
    """What `doctor` found, by what it looked at."""
    return {each["check"]: (each["status"], each["detail"], each["fix"]) for each in run.json["data"]["items"]}


class TestKeys:
    def test_a_machine_without_every_key_is_in_order(
        self, amani: Amani, add_wallet: AddWallet, second: Environment
    ) -> None:
        """A till that pays from one wallet is no machine to mend, and no monitoring is to be woken by it."""
        add_wallet("shop", 1000)
        safe = add_wallet("safe", 1000)
        assert amani("wallet", "balance", "--all").code == 0
        given = ("wallet", "add", "safe", "--url", safe.server.url, "--key-file", safe.key_file)
        assert amani(*given, env=second).code == 0
        found = checks(amani("doctor", "--json", env=second))
        assert found["wallet shop"][0] == "warn"
        assert "amani wallet add 'shop'" in found["wallet shop"][2]
        looked = amani("status", "--json", env=second)
        assert looked.code == 0
        assert [each["wallet"] for each in looked.data["wallets"]] == ["shop", "safe"]
        told = [each["detail"] for each in looked.data["findings"] if each["check"] == "keys"]
        assert told == ["none on this machine for 'shop'"]

    def test_it_looks_after_what_is_open_and_leaves_the_books_to_others(
        self, amani: Amani, add_wallet: AddWallet, second: Environment
    ) -> None:
        """As the page says that its cron should: what it can't compare is no reason to wake anybody every night."""
        add_wallet("shop", 1000)
        safe = add_wallet("safe", 1000)
        given = ("wallet", "add", "safe", "--url", safe.server.url, "--key-file", safe.key_file)
        assert amani(*given, env=second).code == 0
        whole = amani("reconcile", env=second)
        assert (whole.code, "Could not be asked: shop" in whole.stdout) == (10, True)
        looked = amani("reconcile", "--older-than", "10m", env=second)
        assert (looked.code, looked.stderr) == (0, "")

    @pytest.mark.parametrize("is_team", [True, False])
    def test_a_key_file_that_was_moved_is_told_of_by_the_wallet_s_name(
        self, amani: Amani, add_wallet: AddWallet, alone: Environment, tmp_path: Path, is_team: bool
    ) -> None:
        """To remove the wallet and add it again would take it from every machine."""
        env = None if is_team else alone
        held = add_wallet("payer", 1000)
        words = ("wallet", "add", "payer", "--url", held.server.url, "--key-file")
        if not is_team:
            assert amani(*words, held.key_file, env=env).code == 0
        assert amani(*words, held.key_file, "--json", env=env).error["code"] == "NAME_TAKEN"
        moved = tmp_path / "moved.key"
        shutil.move(held.key_file, moved)
        lost = amani("wallet", "balance", "payer", "--json", env=env)
        assert (lost.code, lost.error["code"]) == (3, "KEY_FILE")
        assert f"amani wallet add 'payer' --url {held.server.url} --key-file" in lost.error["hint"]
        wrong = amani(*words, add_wallet("other").key_file, "--json", env=env)
        assert (wrong.code, wrong.error["code"]) == (3, "WRONG_KEY")
        assert amani(*words, moved, env=env).code == 0
        assert amani("wallet", "balance", "payer", "--quiet", env=env).stdout == "1000\n"

    def test_keys_that_were_brought_to_the_wrong_place_are_brought_again(
        self, amani: Amani, add_wallet: AddWallet, second: Environment, tmp_path: Path
    ) -> None:
        held = add_wallet("payer", 1000)
        phrase = tmp_path / "phrase"
        phrase.write_text("five random words are enough")
        phrase.chmod(0o600)
        chest = tmp_path / "chest"
        assert amani("backup", "create", chest, "--keys-only", "--passphrase-file", phrase).code == 0
        bring = ("backup", "restore", chest, "--keys-only", "--passphrase-file", phrase, "--yes", "--json")
        assert amani(*bring, env=second).data["without_key"] == []
        shutil.move(held.key_file, tmp_path / "gone")
        assert amani(*bring, "--key-folder", tmp_path / "keys", env=second).data["without_key"] == []
        assert amani("wallet", "balance", "payer", "--quiet", env=second).stdout == "1000\n"

    def test_a_chest_without_a_key_says_so(self, amani: Amani, tmp_path: Path) -> None:
        phrase = tmp_path / "phrase"
        phrase.write_text("five random words are enough")
        phrase.chmod(0o600)
        made = amani("backup", "create", tmp_path / "chest", "--keys-only", "--passphrase-file", phrase)
        assert made.code == 0
        assert "warning: there is no key in it" in made.stderr


class TestMoving:
    def test_who_goes_on_with_the_ledger_that_was_left_is_told(
        self, amani: Amani, add_wallet: AddWallet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_wallet("payer", 1000)
        folder = tmp_path / "left"
        folder.mkdir(mode=0o700)
        monkeypatch.chdir(folder)
        copied = amani("store", "copy", "--to", "sqlite:new.db", "--yes")
        assert copied.code == 0
        assert "is used where it is the file 'amani.db' of an AMANI_HOME" in copied.stderr
        assert "not known there" not in copied.stderr, "the command that moved it says so itself"
        told = f"This ledger was moved to sqlite:{folder / 'new.db'}: what is written here is not known there"
        for words in (("contact", "add", "ada", "ada@example.com"), ("history", "list"), ("wallet", "list")):
            assert told in amani(*words).stderr, words
        assert checks(amani("doctor", "--json"))["moved"][0] == "fail"
        assert "moved" in [each["check"] for each in amani("status", "--json").data["findings"]]
        monkeypatch.chdir(tmp_path)  # the path is no other one in another folder
        assert amani("store", "copy", "--undo").code == 0
        assert "not known there" not in amani("wallet", "list").stderr

    def test_back_to_this_machine_s_own_file(
        self, amani: Amani, add_wallet: AddWallet, alone: Environment, home: Path
    ) -> None:
        payer, payee = add_wallet("payer", 1000), add_wallet("payee")
        assert amani("wallet", "list", env=alone).code == 0
        assert amani("contact", "add", "ada", "ada@example.com", env=alone).code == 0
        full = amani("store", "copy", "--to", "sqlite", "--yes", "--json")
        assert (full.code, full.error["code"]) == (2, "STORE_NOT_EMPTY")
        file = home / "amani.db"
        assert full.error["hint"].endswith(f"mv '{file}' '{file}.before'")
        file.rename(home / "amani.db.before")
        back = amani("store", "copy", "--to", "sqlite", "--yes")
        assert back.code == 0, back
        assert "Point at the new one: amani config set store sqlite" in back.stderr
        assert amani("pay", payee.invoice(21), "--wallet", "payer", "--yes", env=alone).code == 0
        assert payer.sat == 1000 - 21

    def test_the_owner_is_not_the_one_to_point_at(
        self, amani: Amani, add_wallet: AddWallet, alone: Environment, postgres_server: PostgresServer
    ) -> None:
        assert amani("contact", "add", "ada", "ada@example.com", env=alone).code == 0
        address = postgres_server.database()
        copied = amani("store", "copy", "--to", address, "--yes", env=alone)
        assert copied.code == 0, copied
        assert "as the role that spends, not as" in copied.stderr
        postgres_server.drop(address)


class TestRefusals:
    def test_each_names_who_can(
        self, amani: Amani, postgres_server: PostgresServer, alone: Environment, home: Path
    ) -> None:
        empty = postgres_server.empty()
        for words, env in (
            (("wallet", "list"), {"AMANI_STORE": empty}),
            (("store", "copy", "--to", empty, "--yes"), alone),
        ):
            none = amani(*words, "--json", env=env)
            assert (none.code, none.error["code"]) == (2, "NO_LEDGER"), words
            assert "AMANI_STORE=postgresql://OWNER@… amani store upgrade" in none.error["hint"]
        postgres_server.run("DROP ROLE IF EXISTS clerk")
        postgres_server.run("CREATE ROLE clerk LOGIN")
        clerk: Environment = {"AMANI_STORE": empty.replace("amani@", "clerk@")}
        refused = amani("store", "upgrade", "--json", env=clerk)
        assert (refused.code, refused.error["code"]) == (3, "LEDGER_REFUSED")
        assert "Only its owner can" in refused.error["hint"]
        postgres_server.drop(empty)

    def test_a_claim_is_named_by_its_plan_and_its_release_is_told(
        self, amani: Amani, add_wallet: AddWallet, home: Path
    ) -> None:
        ledgers.change(
            home,
            "INSERT INTO claim VALUES ('x','clm_1','the plan june.plan','till','ada','b',7,'1','2026-01-01T00:00:00Z')",
        )
        released = amani("store", "release", "clm_1", "--yes")
        assert released.code == 0
        assert "Released: the plan june.plan, which pid 7 of ada on till had claimed." in released.stderr
        assert released.stdout.strip() == ""

    def test_a_budget_and_a_row_name_the_way(self, amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
        add_wallet("payer", 1000)
        assert amani("pin", "set", "--wallet", "payer", "--pin-stdin", stdin="739154").code == 0
        refused = amani("wallet", "limit", "payer", "--per-day", "5k", "--json", "--no-input")
        assert (refused.code, refused.error["hint"]) == (9, "Give it by --pin-stdin or --pin-file.")
        table = tmp_path / "rows.csv"
        table.write_text("to,amount\npayer,5\npayer,6\n")
        bad = amani("batch", "plan", table, "--wallet", "payer", "--output", tmp_path / "plan", "--json")
        assert (bad.code, bad.error["code"]) == (2, "BAD_ROWS")
        assert bad.error["message"].endswith("To move money to it: amani transfer 'payer' AMOUNT (and 1 more)")
