"""`amani reconcile --resolve`: what can never be asked again is given up by a person, and holds up nothing more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from amani_cli.encodings import cheque_code
from amani_cli.rules import consent, pins
from amani_cli.store import wallets
from amani_cli.times import to_rfc3339
from tests.cheques.test_cheques import write
from tests.cheques.test_voids import LONG_AGO, the_one
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit.cheque_world import User
from tests.kit.driver import Amani, Result
from tests.kit.going_back import Copied
from tests.kit.journals import add_payment, writing

pytestmark = pytest.mark.lnbits

PIN = "271828"


def refused(result: Result, code: str) -> None:
    assert (result.code, result.error["code"], result.error["money_moved"]) == (9, code, "no"), result


def begin_claim(home: Path, seconds_ago: int) -> str:
    """A claim of the only cheque by its link that is under way, as `serve` writes it down."""
    began = to_rfc3339(int(time.time()) - seconds_ago)
    under_way = {"status": "unknown", "kind": "cheque", "settled_at": None, "reserved_msat": 101_000}
    with writing(home) as (store, db):
        (wallet,) = wallets.all_wallets(store)
        claim = add_payment(db, wallet.id, -100, began, wallet="giver", **under_way)
        db.execute("UPDATE cheque SET claim=?", (claim,))
    return claim


class TestAWallet:
    @pytest.mark.parametrize("how", ["key lost", "removed"])
    def test_references_wait_for_it_no_longer(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        add_wallet: AddWallet,
        copied: Copied,
        how: str,
    ) -> None:
        lost = add_wallet("lost", 100)
        copied()()
        lost_key = lost.key_file.read_text()
        lost.key_file.unlink()
        if how == "removed":
            assert amani("wallet", "remove", "lost", "--yes").code == 0
        assert amani("reconcile").code == 10
        late = ("transfer", "taker", "5", "--from", "giver", "--reference", "r-1", "--yes", "--json")
        held = amani(*late)
        refused(held, "RECONCILE_FIRST")
        assert "amani reconcile --resolve 'lost'" in held.error["hint"]
        fixes = [each["fix"] for each in amani("doctor", "--json").json["data"]["items"] if each["check"] == "held"]
        assert "amani reconcile --resolve 'lost'" in fixes[0]
        assert "amani_spending_held 1" in amani("metrics").stdout

        assert amani("reconcile", "--resolve", "lost", "--json").error["code"] == "NOT_CONFIRMED"
        done = amani("reconcile", "--resolve", "lost", "--reason", "its disk is gone", "--yes", "--json")
        assert (done.code, done.data["given_up"]) == (0, ["lost"])
        assert "can be paid again" in done.stderr
        entry = amani("audit", "list", "--what", "hold", "--json").data["items"][0]
        assert (entry["wallet"], entry["outcome"], entry["reason"]) == ("lost", "given up", "its disk is gone")
        assert amani(*late).code == 0
        assert taker.sat == 5
        assert "amani_spending_held 0" in amani("metrics").stdout
        if how == "removed":
            assert amani("reconcile").code == 0
        assert [each for each in amani("doctor", "--json").json["data"]["items"] if each["check"] == "held"] == []

        # Found again after all: it is still held itself, until it was read back.
        write_key(lost.key_file, lost_key)
        if how == "removed":
            words = ("wallet", "add", "lost", "--url", lost.server.url, "--key-file", lost.key_file)
            assert amani(*words).code == 0
        refused(amani("pay", taker.invoice(1), "--wallet", "lost", "--yes", "--json"), "RECONCILE_FIRST")
        assert amani("reconcile").code == 0
        assert amani("pay", taker.invoice(1), "--wallet", "lost", "--yes").code == 0

    def test_not_one_that_answers(self, amani: Amani, giver: Held, taker: Held, copied: Copied) -> None:
        copied()()
        refused(amani("reconcile", "--resolve", "giver", "--yes", "--json"), "NOT_LOST")
        refused(amani("transfer", "taker", "5", "--reference", "r-1", "--yes", "--json"), "RECONCILE_FIRST")
        assert amani("reconcile").code == 0
        gone = amani("reconcile", "--resolve", "giver", "--yes", "--json")
        assert (gone.code, gone.error["code"]) == (4, "NOT_FOUND")
        assert amani("reconcile", "--resolve", "giver", "pay_1", "--yes").code == 2

    def test_with_the_pin_of_whoever_can_spend(
        self,
        amani: Amani,
        giver: Held,
        add_wallet: AddWallet,
        copied: Copied,
        monkeypatch: pytest.MonkeyPatch,
        shared_keyring: Path,
    ) -> None:
        monkeypatch.setattr(pins, "COST", 4)
        lost = add_wallet("lost", 100)
        for name in ("giver", "lost"):  # that of the lost one may be lost with it
            assert amani("pin", "set", "--wallet", name, "--pin-stdin", stdin=PIN).code == 0
        copied()()
        lost.key_file.unlink()
        assert amani("reconcile").code == 10
        refused(amani("reconcile", "--resolve", "lost", "--yes", "--json"), "PIN_NEEDED")
        wrong = amani("reconcile", "--resolve", "lost", "--pin-stdin", "--yes", "--json", stdin="314159")
        assert (wrong.code, wrong.error["code"]) == (3, "WRONG_PIN")
        assert amani("reconcile").code == 10
        assert amani("reconcile", "--resolve", "lost", "--pin-stdin", "--yes", stdin=PIN).code == 0


class TestACheque:
    def test_that_was_claimed_and_swept_since(
        self, amani: Amani, giver: Held, user: User, home: Path, copied: Copied
    ) -> None:
        """Its wallet is deleted and its keys are gone: nobody can say any more who had the money."""
        code = write(amani)
        change_database(home, LONG_AGO)
        restore = copied()
        stranger = giver.server.new_wallet()
        body = {"out": False, "amount": 100, "memo": "mine"}
        made = giver.server.call("POST", "/api/v1/payments", key=stranger[2], json=body)
        pay = {"out": True, "bolt11": made["bolt11"]}
        giver.server.call("POST", "/api/v1/payments", key=cheque_code.decode(code).admin_key, json=pay)
        assert amani("cheque", "sweep").code == 0
        restore()
        assert amani("reconcile").code == 0
        stuck = amani("cheque", "sweep", "--json")
        assert stuck.code != 0
        assert amani("reconcile").code == 8
        (cheque,) = amani("cheque", "list", "--json").data["items"]
        stuck = amani("cheque", "void", cheque["id"], "--yes", "--json")
        assert f"amani reconcile --resolve {cheque['id']}" in stuck.error["hint"]
        done = amani("reconcile", "--resolve", cheque["id"], "--yes", "--json")
        assert (done.code, done.data["given_up"]) == (0, [cheque["id"]])
        assert the_one(amani)["status"] == "claimed"
        assert (amani("reconcile").code, amani("cheque", "sweep").code) == (0, 0)
        refused(amani("reconcile", "--resolve", cheque["id"], "--yes", "--json"), "NOT_LOST")

    def test_not_within_a_day_of_a_claim_by_its_link(
        self, amani: Amani, giver: Held, home: Path, shared_keyring: Path
    ) -> None:
        """What is out of reach for a moment may be on its way: counted as the one that had it, it may have failed."""
        made = amani("cheque", "create", "100", "--yes", "--json").data
        amani.secrets.add(made["code"])
        change_database(home, "UPDATE cheque SET url='http://127.0.0.1:1'")
        claim = begin_claim(home, 80_000)
        resolve = ("reconcile", "--resolve", made["id"], "--yes", "--json")
        early = amani(*resolve)
        refused(early, "NOT_LOST")
        assert "within the last day" in early.error["message"]
        assert amani("history", "show", claim, "--json").data["status"] == "unknown"
        assert the_one(amani)["status"] == "claiming"
        change_database(
            home, "UPDATE payment SET created_at=? WHERE id=?", to_rfc3339(int(time.time()) - 90_000), claim
        )
        assert amani(*resolve).data["given_up"] == [made["id"]]
        assert amani("history", "show", claim, "--json").data["status"] == "settled"

    def test_nor_of_one_that_begins_before_the_yes(
        self, amani: Amani, giver: Held, home: Path, shared_keyring: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`serve` goes on while a person makes up their mind."""
        made = amani("cheque", "create", "100", "--yes", "--json").data
        amani.secrets.add(made["code"])
        change_database(home, "UPDATE cheque SET url='http://127.0.0.1:1'")
        claims = list[str]()
        monkeypatch.setattr(consent, "require_pin", lambda *_: claims.append(begin_claim(home, 0)))
        refused(amani("reconcile", "--resolve", made["id"], "--yes", "--json"), "NOT_LOST")
        (claim,) = claims
        assert amani("history", "show", claim, "--json").data["status"] == "unknown"
        assert the_one(amani)["status"] == "claiming"

    def test_not_one_whose_wallet_answers(self, amani: Amani, giver: Held, shared_keyring: Path) -> None:
        cheque = amani("cheque", "create", "100", "--yes", "--json").data
        amani.secrets.add(cheque["code"])
        refused(amani("reconcile", "--resolve", cheque["id"], "--yes", "--json"), "NOT_LOST")
        assert amani("cheque", "void", cheque["id"], "--yes").code == 0
        assert giver.sat == 5000
