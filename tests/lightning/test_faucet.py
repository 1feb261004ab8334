"""`amani faucet`: it really pays, once per wallet and cool-down, within a day's cap, whatever the crowd or clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from amani_cli.payments import engine
from amani_cli.rules import pins
from amani_cli.times import from_rfc3339, local
from tests.conftest import AddWallet, Held, change_database
from tests.kit.books import compared, tell
from tests.kit.cheque_world import grow_older, through
from tests.kit.crowd import at_once, codes
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import FaultProxy, cut
from tests.kit.going_back import Copied
from tests.kit.persons import Person

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

PASSPHRASE = "correct horse battery staple"
CLAIM = ("faucet", "claim", "--wallet", "taker")


@pytest.fixture
def faucet(amani: Amani, giver: Held, taker: Held) -> Held:
    """A faucet that gives 100 sat once in 24 hours, and is the giver's wallet."""
    assert amani("faucet", "configure", "--wallet", "giver").code == 0
    return giver


def refused(result: Result, code: str) -> dict[str, object]:
    """The error of a claim that a rule stopped."""
    assert (result.code, result.error["code"], result.error["money_moved"]) == (9, code, "no")
    return result.error


def opens(error: dict[str, object]) -> float:
    """When a refusal says that it works again, in unix seconds."""
    return from_rfc3339(str(error["opens_at"])).timestamp()


class TestConfigure:
    def test_what_it_says(self, amani: Amani, giver: Held, taker: Held) -> None:
        none = amani("faucet", "status", "--json").data
        assert none["configured"] is False
        assert amani(*CLAIM, "--json").error["code"] == "NO_FAUCET"
        words = ("--amount", "50", "--cooldown", "1h", "--daily-cap", "200")
        data = amani("faucet", "configure", "--wallet", "giver", *words, "--json").data
        expected = {"configured": True, "wallet": "giver", "amount_msat": 50_000, "cooldown_s": 3600}
        assert data.items() >= {**expected, "daily_cap_msat": 200_000, "balance_msat": 5_000_000}.items()
        entry = amani("audit", "list", "--what", "faucet", "--json").data["items"][0]
        assert entry["outcome"] == "cool-down 3600 s, daily cap 200000 msat"
        lifted = amani("faucet", "configure", "--wallet", "giver", "--json")
        assert (lifted.code, lifted.data["daily_cap_msat"]) == (0, None)
        assert "no daily cap any more; to keep the one it had: --daily-cap 200000msat" in lifted.stderr

    def test_a_claim_that_would_need_the_pin(
        self, amani: Amani, add_wallet: AddWallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pins, "COST", 4)
        add_wallet("rich", 50_000)
        refused(amani("faucet", "configure", "--amount", "10001", "--json"), "PIN_NEEDED")
        amani("pin", "set", "--always", "--pin-stdin", stdin="271828")
        refused(amani("faucet", "configure", "--amount", "1", "--json"), "PIN_NEEDED")

    def test_what_can_t_be(self, amani: Amani, giver: Held) -> None:
        for words in (("--amount", "0"), ("--amount", "1.5"), ("--daily-cap", "99"), ("--cooldown", "x")):
            assert amani("faucet", "configure", *words).code == 2, words

    def test_a_wallet_that_can_only_look(self, amani: Amani, giver: Held, add_wallet: AddWallet) -> None:
        add_wallet("watched", 100, key="read")
        assert amani("faucet", "configure", "--wallet", "watched").code == 2


class TestClaim:
    def test_it_pays(self, amani: Amani, faucet: Held, taker: Held) -> None:
        data = amani(*CLAIM, "--json").data
        expected = {"wallet": "taker", "direction": "in", "kind": "faucet", "status": "settled", "amount_msat": 100_000}
        assert data.items() >= expected.items()
        assert 86_300 < from_rfc3339(data["next_claim_at"]).timestamp() - time.time() < 86_410
        assert (faucet.sat, taker.sat) == (4900, 100)
        status = amani("faucet", "status", "--wallet", "taker", "--json").data
        assert (status["claimed_today_msat"], status["balance_msat"]) == (100_000, 4_900_000)
        assert status["next_claim_at"] == data["next_claim_at"]
        compared(amani, faucet, taker)

    def test_once_per_cool_down(self, amani: Amani, faucet: Held, taker: Held, home: Path) -> None:
        first = amani(*CLAIM, "--json").data
        error = refused(amani(*CLAIM, "--json"), "COOL_DOWN")
        assert error["opens_at"] == first["next_claim_at"]
        assert local(str(error["opens_at"])) in str(error["message"])
        change_database(home, "UPDATE event SET at=at-86390 WHERE kind='faucet'")
        refused(amani(*CLAIM, "--json"), "COOL_DOWN")
        change_database(home, "UPDATE event SET at=at-11 WHERE kind='faucet'")
        assert amani(*CLAIM).code == 0
        assert taker.sat == 200

    def test_a_clock_set_back_buys_no_second(self, amani: Amani, faucet: Held, taker: Held, home: Path) -> None:
        amani(*CLAIM)
        change_database(home, "UPDATE event SET at=at+10*86400 WHERE kind='faucet'")  # ten days back
        refused(amani(*CLAIM, "--json"), "COOL_DOWN")
        assert taker.sat == 100

    def test_another_name_or_registration_buys_no_second(self, amani: Amani, faucet: Held, taker: Held) -> None:
        amani(*CLAIM)
        amani("wallet", "rename", "taker", "other")
        refused(amani("faucet", "claim", "--wallet", "other", "--json"), "COOL_DOWN")
        amani("wallet", "remove", "other", "--yes")
        words = ("wallet", "add", "taker", "--url", taker.server.url, "--key-file", taker.key_file)
        assert amani(*words).code == 0
        refused(amani(*CLAIM, "--json"), "COOL_DOWN")

    def test_nor_does_its_invoice_key(self, amani: Amani, faucet: Held, taker: Held) -> None:
        """Claimed by the invoice key first, then by the admin key: one wallet, one claim."""
        amani("wallet", "remove", "taker", "--yes")
        taker.key_file.write_text(taker.read_key)
        words = ("wallet", "add", "taker", "--url", taker.server.url, "--key-file", taker.key_file)
        assert amani(*words).code == 0
        assert amani(*CLAIM).code == 0
        amani("wallet", "remove", "taker", "--yes")
        taker.key_file.write_text(taker.admin_key)
        assert amani(*words).code == 0
        refused(amani(*CLAIM, "--json"), "COOL_DOWN")
        assert taker.sat == 100

    def test_a_pin_that_came_later(
        self, amani: Amani, faucet: Held, taker: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever claims can't give it, and is not told to."""
        monkeypatch.setattr(pins, "COST", 4)
        assert amani("pin", "set", "--wallet", "giver", "--always", "--pin-stdin", stdin="271828").code == 0
        error = refused(amani(*CLAIM, "--json"), "PIN_NEEDED")
        assert "faucet configure" in str(error["hint"])
        assert "--pin-stdin" not in str(error["hint"])
        assert amani("invoice", "list", "--wallet", "taker", "--json").data["items"] == []

    def test_a_line_that_was_drawn_later(self, amani: Amani, faucet: Held, taker: Held, tmp_path: Path) -> None:
        """A claim has no --request."""
        assert amani("approver", "add", "zawadi", Person(amani, "zawadi", tmp_path / "zawadi").init()).code == 0
        assert amani("wallet", "limit", "giver", "--approve-above", "50sat").code == 0
        error = refused(amani(*CLAIM, "--json"), "NEEDS_APPROVAL")
        assert "faucet configure" in str(error["hint"])
        assert "--request" not in str(error["hint"])
        refused(amani("faucet", "configure", "--wallet", "giver", "--amount", "60", "--json"), "NEEDS_APPROVAL")
        assert amani("faucet", "configure", "--wallet", "giver", "--amount", "50").code == 0
        assert amani(*CLAIM).code == 0

    def test_not_from_itself(self, amani: Amani, faucet: Held) -> None:
        refused(amani("faucet", "claim", "--wallet", "giver", "--json"), "SAME_WALLET")

    def test_a_reference_replays(self, amani: Amani, faucet: Held, taker: Held) -> None:
        first = amani(*CLAIM, "--reference", "r1", "--json").data
        again = amani(*CLAIM, "--reference", "r1", "--json").data
        assert again == {**first, "replayed": True}
        assert taker.sat == 100

    def test_a_reference_replays_once_the_claimer_s_id_is_known(
        self, amani: Amani, faucet: Held, add_wallet: AddWallet
    ) -> None:
        till = add_wallet("till", key="read")
        words = ("faucet", "claim", "--wallet", "till", "--reference", "r1", "--json")
        first = amani(*words).data
        assert amani(*words).data == {**first, "replayed": True}
        assert till.sat == 100

    def test_the_daily_cap(self, amani: Amani, giver: Held, taker: Held, add_wallet: AddWallet, home: Path) -> None:
        amani("faucet", "configure", "--wallet", "giver", "--daily-cap", "250")
        for name in ("a", "b", "c"):
            add_wallet(name)
        assert amani("faucet", "claim", "--wallet", "a").code == 0
        change_database(home, "UPDATE event SET at=at-3600 WHERE kind='faucet'")
        assert amani("faucet", "claim", "--wallet", "b").code == 0
        error = refused(amani("faucet", "claim", "--wallet", "c", "--json"), "DAILY_CAP")
        assert 82_000 < opens(error) - time.time() < 82_900  # when the first claim is a day old
        change_database(home, "UPDATE event SET at=at-82900 WHERE kind='faucet'")
        assert amani("faucet", "claim", "--wallet", "c").code == 0
        assert giver.sat == 4700

    def test_an_empty_one_uses_up_nothing(self, amani: Amani, faucet: Held, taker: Held) -> None:
        faucet.server.fund(faucet.id, -4950)
        for _ in range(2):
            empty = amani(*CLAIM, "--json")
            assert (empty.code, empty.error["code"], empty.error["money_moved"]) == (7, "INSUFFICIENT_FUNDS", "no")
        assert amani("faucet", "status", "--wallet", "taker", "--json").data["next_claim_at"] is None
        faucet.server.fund(faucet.id, 100)
        assert amani(*CLAIM).code == 0
        assert (faucet.sat, taker.sat) == (50, 100)

    def test_an_unknown_outcome_holds_the_claim(
        self,
        amani: Amani,
        faucet: Held,
        taker: Held,
        home: Path,
        proxy: FaultProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.3)
        through(proxy, home)
        proxy.on(cut(after=False), "POST", "/api/v1/payments", nth=2)
        assert amani(*CLAIM, "--timeout", "1s").code == 8
        refused(amani(*CLAIM, "--json"), "COOL_DOWN")
        assert proxy.count("POST", "/api/v1/payments") == 2
        grow_older(home)
        assert amani("reconcile", "--json").data["failed"] == 1
        assert amani(*CLAIM).code == 0
        assert (faucet.sat, taker.sat) == (4900, 100)
        compared(amani, faucet, taker)

    def test_a_restored_copy_learns_who_has_claimed(
        self, amani: Amani, faucet: Held, taker: Held, add_wallet: AddWallet, copied: Copied
    ) -> None:
        """Claims since the backup stand in no copy; the records of the faucet's wallet tell them."""
        amani("faucet", "configure", "--wallet", "giver", "--daily-cap", "250")
        restore = copied()
        first = amani(*CLAIM, "--reference", "r1", "--json").data
        late = add_wallet("late")
        assert amani("faucet", "claim", "--wallet", "late").code == 0
        restore()
        refused(amani(*CLAIM, "--json"), "RECONCILE_FIRST")
        assert amani("reconcile").code == 0
        error = refused(amani(*CLAIM, "--json"), "COOL_DOWN")
        assert abs(opens(error) - from_rfc3339(first["next_claim_at"]).timestamp()) <= 3
        assert amani(*CLAIM, "--reference", "r1", "--json").data["replayed"] is True
        words = ("wallet", "add", "late", "--url", late.server.url, "--key-file", late.key_file)
        assert amani(*words).code == 0
        refused(amani("faucet", "claim", "--wallet", "late", "--json"), "COOL_DOWN")
        assert amani("faucet", "status", "--json").data["claimed_today_msat"] == 200_000
        add_wallet("third")
        refused(amani("faucet", "claim", "--wallet", "third", "--json"), "DAILY_CAP")
        assert (faucet.sat, taker.sat, late.sat) == (4800, 100, 100)
        listed = amani("history", "list", "--wallet", "giver", "--json").data["items"]
        assert [each["kind"] for each in listed if each["direction"] == "out"] == ["faucet", "faucet"]

    def test_the_faucet_s_wallet_is_not_removed(self, amani: Amani, faucet: Held) -> None:
        """The next claim would pay from nothing, or from whatever came in its place."""
        refused(amani("wallet", "remove", "giver", "--yes", "--json"), "IS_FAUCET")
        assert amani(*CLAIM).code == 0


class TestCrowds:
    def test_fifty_at_once_for_one_wallet(self, amani: Amani, faucet: Held, taker: Held) -> None:
        runs = at_once(amani, [((*CLAIM, "--json"), None)] * 50, crowded=True)
        assert codes(runs) == {0: 1, 9: 49}
        assert {run.error["code"] for run in runs if run.code} == {"COOL_DOWN"}
        assert (faucet.sat, taker.sat) == (4900, 100)
        tell(f"50 processes on one faucet: 1 claim; {compared(amani, faucet, taker)} msat compared")

    def test_many_wallets_and_a_cap(self, amani: Amani, giver: Held, taker: Held, add_wallet: AddWallet) -> None:
        amani("faucet", "configure", "--wallet", "giver", "--daily-cap", "350")
        held = [add_wallet(f"w{number}") for number in range(12)]
        runs = at_once(amani, [(("faucet", "claim", "--wallet", e.name, "--json"), None) for e in held], crowded=True)
        assert codes(runs) == {0: 3, 9: 9}
        assert {run.error["code"] for run in runs if run.code} == {"DAILY_CAP"}
        assert giver.sat == 4700
        tell(f"12 processes on a cap of three claims: 3; {compared(amani, giver, *held)} msat compared")
