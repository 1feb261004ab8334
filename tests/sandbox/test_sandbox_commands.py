"""`amani sandbox` as a user has it: its wallets are known at once, marked as fake, and never mistaken for real ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from amani_cli.sandbox import running
from amani_cli.wallets import of_sandbox
from amani_cli.workspace import Workspace
from tests.conftest import AddWallet, write_key
from tests.kit.driver import Amani
from tests.kit.lnbits_server import copy_of, free_port

pytestmark = pytest.mark.lnbits

WALLETS = {"operator", "alice", "bob", "faucet"}


@pytest.fixture
def box(amani: Amani, home: Path, sandbox_template: Path) -> Iterator[Path]:
    """A sandbox of this test's own that `amani sandbox start` has started; what is left running is ended."""
    root = copy_of(sandbox_template, home / "sandbox")
    started = amani("sandbox", "start", "--port", free_port(), "--json")
    assert (started.data["state"], set(started.data["wallets"])) == ("running", WALLETS)
    assert "Its sats are fake" in started.stderr
    yield root
    running.stop(root)


def test_its_wallets_pay_each_other(amani: Amani, box: Path) -> None:
    items = amani("wallet", "list", "--json").data["items"]
    assert {item["name"] for item in items} == WALLETS
    assert all(item["sandbox"] and not item["live"] for item in items)
    assert next(item["name"] for item in items if item["default"]) == "operator"
    assert "[SANDBOX]" in amani("wallet", "list").stdout
    text = amani("invoice", "create", "1000", "-w", "alice", "--memo", "tea", "-q").stdout.strip()
    paid = amani("pay", text, "--yes", "--json").data
    assert (paid["status"], paid["sandbox"]) == ("settled", True)
    assert "(sandbox: fake sats)" in amani("history", "show", paid["id"]).stdout
    before = amani("wallet", "balance", "bob", "--json").data["balance_msat"]
    assert amani("sandbox", "fund", "bob", "21", "--json").data["balance_msat"] == before + 21_000
    # It is a whole LNbits, with a login of its own.
    url = amani("sandbox", "status", "--json").data["url"]
    made = amani("wallet", "create", "carol", "--url", url, "--json")
    assert (made.data["sandbox"], made.data["login"], made.data["key_source"]) == (True, True, "the sandbox's own file")
    assert amani("sandbox", "fund", "carol", "10", "-q").stdout == "10\n"
    assert amani("wallet", "rotate-keys", "carol", "--yes").code == 0
    assert amani("wallet", "balance", "carol", "-q").stdout == "10\n"
    text = amani("invoice", "create", "10", "-w", "bob", "-q").stdout.strip()
    assert amani("pay", text, "-w", "carol", "--yes").code == 0
    assert amani("wallet", "remove", "carol", "--delete-remote", "--yes", "--json").data["remote_deleted"] is True


def test_a_wallet_of_it_that_was_added_by_its_key_stays_that(amani: Amani, box: Path, tmp_path: Path) -> None:
    entry = running.wallets(box)["alice"]
    url = amani("sandbox", "status", "--json").data["url"]
    amani.secrets.add(entry.adminkey)
    assert amani("wallet", "remove", "alice", "--yes").code == 0
    key_file = write_key(tmp_path / "mine.key", entry.adminkey)
    assert amani("wallet", "add", "mine", "--url", url, "--key-file", key_file).code == 0
    again = amani("sandbox", "start")
    assert again.code == 0, again
    assert "'alice' is known as 'mine'" in again.stderr
    names = {"mine", "operator", "bob", "faucet"}
    assert {item["name"] for item in amani("wallet", "list", "--json").data["items"]} == names
    # And a name that stands for another one is not taken twice.
    for old, new in (("bob", "alice"), ("faucet", "sandbox-alice")):
        assert amani("wallet", "rename", old, new).code == 0
    assert amani("wallet", "remove", "mine", "--yes").code == 0
    assert amani("sandbox", "start").code == 0
    assert amani("wallet", "show", "sandbox-alice-2", "--json").data["id"] == entry.id


def test_fake_and_real_are_kept_apart(amani: Amani, box: Path, add_wallet: AddWallet) -> None:
    add_wallet("main", 5)
    assert amani("wallet", "show", "--json").data["name"] == "main"  # the first real one is the default (ruling 18)
    refused = amani("wallet", "use", "alice", "--json")
    assert (refused.code, refused.error["code"]) == (2, "SANDBOX_DEFAULT")
    totals = amani("wallet", "balance", "--all", "--json").data
    assert totals["total_msat"] == 5000
    assert totals["sandbox_total_msat"] > 5000
    assert amani("sandbox", "fund", "main", "5").code == 2
    taken = amani("wallet", "add", "alice", "--url", "http://127.0.0.1:1", "--key-file", "x")
    assert taken.code != 0


def test_a_name_that_is_taken_is_evaded(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("alice", 5)
    of_sandbox.register_sandbox(Workspace(os.environ), "http://127.0.0.1:5055", [("alice", "a"), ("bob", "b")], "me")
    names = {item["name"]: item["sandbox"] for item in amani("wallet", "list", "--json").data["items"]}
    assert names == {"alice": False, "sandbox-alice": True, "bob": True}
    assert amani("wallet", "show", "--json").data["name"] == "alice"


def test_stop_start_and_reset(amani: Amani, box: Path) -> None:
    amani("sandbox", "fund", "bob", "21")
    held = amani("wallet", "balance", "bob", "-q").stdout
    stopped = amani("sandbox", "stop", "--json")
    assert stopped.data["state"] == "stopped"
    assert "not running" in amani("sandbox", "stop").stderr
    gone = amani("wallet", "balance", "bob", "--json")
    assert (gone.code, gone.error["code"]) == (10, "CONNECTION_REFUSED")
    assert "amani sandbox start" in gone.error["hint"]
    assert amani("sandbox", "start", "--json").data["state"] == "running"
    assert amani("wallet", "balance", "bob", "-q").stdout == held
    assert amani("sandbox", "reset").code == 5
    assert amani("sandbox", "reset", "--yes").code == 0
    assert amani("wallet", "list", "-q").stdout == ""
    assert amani("sandbox", "status", "--json").data["wallets"] == []


def test_before_it_was_ever_started(amani: Amani, home: Path) -> None:
    assert amani("sandbox", "status", "--json").data["state"] == "not installed"
    assert amani("sandbox", "stop").code == 0
    assert amani("sandbox", "fund", "bob", "5").code == 4
    assert not home.exists()


def test_a_second_one_that_pays_outside(amani: Amani, box: Path) -> None:
    """Funded by the first: what its wallet pays leaves its server, and needs a reserve for the fee."""
    url = amani("sandbox", "status", "--json").data["url"]
    started = amani("sandbox", "start", "--outside", "--json").data
    assert (started["outside_state"], started["url"]) == ("running", url)
    assert started["outside_url"] not in (None, url)
    assert set(started["wallets"]) == {*WALLETS, "outside"}
    shown = amani("wallet", "show", "outside", "--json").data
    assert (shown["sandbox"], shown["live"], shown["url"]) == (True, False, started["outside_url"])
    before = amani("wallet", "balance", "bob", "--json").data["balance_msat"]
    text = amani("invoice", "create", "500", "-w", "bob", "-q").stdout.strip()
    assert amani("pay", text, "-w", "outside", "--dry-run", "--json").data["max_fee_msat"] > 0
    assert amani("transfer", "bob", "500", "--from", "outside", "--yes").code == 0
    assert amani("transfer", "outside", "100", "--from", "alice", "--yes").code == 0
    assert amani("sandbox", "fund", "outside", "7", "-q").stdout == "99607\n"
    assert amani("wallet", "balance", "bob", "--json").data["balance_msat"] == before + 500_000
    # Both are stopped, started and reset together.
    assert amani("sandbox", "stop").code == 0
    stopped = amani("sandbox", "status", "--json").data
    assert (stopped["state"], stopped["outside_state"]) == ("stopped", "stopped")
    again = amani("sandbox", "start", "--json").data
    assert (again["outside_state"], again["outside_url"]) == ("running", started["outside_url"])
    assert amani("wallet", "balance", "outside", "-q").stdout == "99607\n"
    assert amani("sandbox", "reset", "--yes").code == 0
    assert amani("wallet", "list", "-q").stdout == ""
    assert not (box / "outside").exists()
    assert "outside_state" not in amani("sandbox", "status", "--json").data
