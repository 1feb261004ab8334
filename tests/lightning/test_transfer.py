"""`amani transfer` on a real server: once, both sides journaled, the reference, many processes, a line that breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli.encodings.bolt11 import decode_invoice
from amani_cli.payments import engine
from tests.conftest import AddWallet, Held, write_key
from tests.kit.books import compared, tell
from tests.kit.cheque_world import claim_to_be, through
from tests.kit.crowd import at_once, codes
from tests.kit.driver import Amani
from tests.kit.fault_proxy import Fault, FaultProxy, answer, cut, garbled, html, refuse_from_here_on, torn, twice

pytestmark = pytest.mark.lnbits

PAYMENTS = "/api/v1/payments"


def test_once_with_a_receipt_on_both_sides(amani: Amani, giver: Held, taker: Held) -> None:
    paid = amani("transfer", "taker", "21", "--memo", "rent", "--reason", "November", "--yes", "--json").data
    expected = {
        "wallet": "giver",
        "direction": "out",
        "kind": "transfer",
        "status": "settled",
        "amount_msat": 21_000,
        "fee_msat": 0,
        "to_wallet": "taker",
        "memo": "rent",
        "replayed": False,
    }
    assert paid.items() >= expected.items()
    assert (giver.sat, taker.sat) == (4979, 21)
    out, came = sorted(amani("history", "list", "--json").data["items"], key=lambda item: item["direction"])[::-1]
    assert (out["direction"], came["direction"], came["wallet"]) == ("out", "in", "taker")
    assert out["payment_hash"] == came["payment_hash"]
    entries = amani("audit", "list", "--what", "transfer", "--json").data["items"]
    assert [(item["outcome"], item["amount_msat"]) for item in entries] == [("settled", 21_000), ("sending", 21_000)]
    assert entries[1]["reason"] == "November"
    compared(amani, giver, taker)


def test_from_another_wallet(amani: Amani, giver: Held, taker: Held) -> None:
    amani("transfer", "taker", "100", "--yes")
    for words in (("--from", "taker"), ("--wallet", "taker")):
        assert amani("transfer", "giver", "10", *words, "--yes").code == 0
    assert taker.sat == 80


def test_a_key_that_became_another_wallet_s_asks_for_no_money(amani: Amani, giver: Held, taker: Held) -> None:
    """By the giver's key the invoice would be the giver's own: nothing would arrive, and the books would say so."""
    write_key(taker.key_file, giver.admin_key)
    for words in (("transfer", "taker", "5", "--from", "giver"), ("invoice", "create", "5", "--wallet", "taker")):
        refused = amani(*words, "--yes", "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (3, "WRONG_KEY", "no"), words
    assert (giver.sat, taker.sat) == (5000, 0)
    assert amani("invoice", "list", "--json").data["items"] == []


def test_all_that_there_is(amani: Amani, giver: Held, taker: Held) -> None:
    """Every sat: no fee is kept back inside one server. The same reference again is the same transfer."""
    words = ("transfer", "taker", "max", "--reference", "empty", "--json")
    assert amani(*words).code == 5
    assert amani(*words, "--yes").data["amount_msat"] == 5_000_000
    assert (giver.sat, taker.sat) == (0, 5000)
    nothing = amani("transfer", "taker", "max", "--yes", "--json")
    assert nothing.json["schema"] == "amani.nothing/1"
    assert amani("transfer", "giver", "30", "--from", "taker", "--yes").code == 0
    again = amani(*words, "--yes").data
    assert (again["replayed"], again["amount_msat"], giver.sat) == (True, 5_000_000, 30)


def test_what_a_script_reads(amani: Amani, giver: Held, taker: Held) -> None:
    quiet = amani("transfer", "taker", "5", "--yes", "-q").stdout
    assert len(quiet) == 65
    assert "received" not in amani("transfer", "taker", "5", "--yes").stdout


def test_it_is_asked_about(amani: Amani, giver: Held, taker: Held) -> None:
    refused = amani("transfer", "taker", "5", "--json")
    assert (refused.code, refused.error["code"]) == (5, "NOT_CONFIRMED")
    with amani.terminal("transfer", "taker", "5") as run:
        run.expect("Transfer? [y/N]")
        run.type("")
        assert run.finish() == 5
    assert "at least 4,995 sat" in run.seen
    assert (giver.sat, taker.sat) == (5000, 0)


class TestRefused:
    def test_to_itself(self, amani: Amani, giver: Held) -> None:
        refused = amani("transfer", "giver", "5", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "SAME_WALLET")
        env = {"LNBITS_API_KEY": giver.admin_key, "LNBITS_BASE_URL": giver.server.url}
        for words in (("env", "--from", "giver"), ("giver", "--from", "env")):
            again = amani("transfer", words[0], "5", *words[1:], "--yes", "--json", env=env)
            assert (again.code, again.error["code"]) == (2, "SAME_WALLET")
        assert len(giver.records()) == 1

    def test_an_amount_that_can_t_be(self, amani: Amani, giver: Held, taker: Held) -> None:
        for amount in ("0", "-5", "1.5", "1500msat", "NaN", "1,000", "5NGN"):
            assert amani("transfer", "taker", amount, "--yes").code == 2, amount
        assert taker.records() == []

    def test_to_nobody(self, amani: Amani, giver: Held) -> None:
        refused = amani("transfer", "nobody", "5", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (4, "NO_SUCH_WALLET")

    def test_more_than_there_is(self, amani: Amani, giver: Held, taker: Held) -> None:
        refused = amani("transfer", "taker", "5001", "--yes", "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (7, "INSUFFICIENT_FUNDS", "no")
        assert amani("transfer", "taker", "5000", "--yes").code == 0  # all of it, free inside one server
        assert (giver.sat, taker.sat) == (0, 5000)

    def test_from_a_wallet_that_can_only_look(self, amani: Amani, giver: Held, add_wallet: AddWallet) -> None:
        watched = add_wallet("watched", 100, key="read")
        refused = amani("transfer", "giver", "5", "--from", "watched", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (3, "READ_ONLY_WALLET")
        assert amani("transfer", "watched", "5", "--yes").code == 0  # into it is fine
        assert watched.sat == 105
        compared(amani, giver, watched)


class TestReference:
    def test_the_same_again_replays(self, amani: Amani, giver: Held, taker: Held) -> None:
        words = ("transfer", "taker", "21", "--reference", "r1", "--yes", "--json")
        first, second = amani(*words).data, amani(*words).data
        assert second == {**first, "replayed": True}
        assert (giver.sat, taker.sat) == (4979, 21)
        assert len(taker.records()) == 1  # not even an invoice was made

    def test_for_something_else_it_is_refused(self, amani: Amani, giver: Held, taker: Held) -> None:
        amani("transfer", "taker", "21", "--reference", "r1", "--yes")
        for words in (
            ("transfer", "taker", "22"),
            ("transfer", "giver", "21", "--from", "taker"),
            ("cheque", "create", "21"),
            ("pay", taker.invoice(21)),
        ):
            refused = amani(*words, "--reference", "r1", "--yes", "--json")
            assert (refused.code, refused.error["code"]) == (9, "REFERENCE_TAKEN"), words
        assert (giver.sat, taker.sat) == (4979, 21)

    def test_after_a_failure_it_is_free_again(self, amani: Amani, giver: Held, taker: Held) -> None:
        words = ("transfer", "taker", "6000", "--reference", "r1", "--yes", "--json")
        assert amani(*words).code == 7
        giver.server.fund(giver.id, 1000)
        assert amani(*words).data["replayed"] is False
        assert taker.sat == 6000

    def test_into_a_wallet_whose_id_the_invoice_has_told_meanwhile(
        self, amani: Amani, giver: Held, add_wallet: AddWallet
    ) -> None:
        """An invoice key hides it until there is a first record; the reference stands for the same thing all along."""
        add_wallet("till", key="read")
        asked = ("invoice", "create", "5", "-w", "till", "--reference", "i1", "--json")
        made = amani(*asked).data
        words = ("transfer", "till", "21", "--reference", "r1", "--yes", "--json")
        first = amani(*words).data
        assert amani(*words).data == {**first, "replayed": True}
        assert amani(*asked).data["bolt11"] == made["bolt11"]
        assert giver.sat == 4979

    def test_one_that_is_open_stays_open_once_the_id_is_known(
        self,
        amani: Amani,
        giver: Held,
        add_wallet: AddWallet,
        home: Path,
        proxy: FaultProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        add_wallet("till", key="read")
        through(proxy, home)
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.3)
        proxy.on(cut(after=False), "POST", PAYMENTS, nth=2)
        words = ("transfer", "till", "21", "--reference", "r1", "--yes", "--json", "--timeout", "2s")
        first = amani(*words).error
        again = amani(*words).data
        assert (first["exit"], again["id"]) == (8, first["id"])
        sent = [each.json["bolt11"] for each in proxy.those("POST", PAYMENTS) if each.json["out"]]
        assert len(sent) == 2
        assert len(set(sent)) == 1

    def test_twenty_processes_one_transfer(self, amani: Amani, giver: Held, taker: Held) -> None:
        words = ("transfer", "taker", "21", "--reference", "r1", "--yes", "--json")
        runs = at_once(amani, [(words, None)] * 20, crowded=True)
        assert set(codes(runs)) <= {0, 8}  # 8: while the one that sends it has no answer yet
        assert codes(runs)[0] >= 1
        ids = {run.data["id"] for run in runs if run.code == 0}
        assert len(ids) == 1
        assert sum(not run.data["replayed"] for run in runs if run.code == 0) == 1
        assert (giver.sat, taker.sat) == (4979, 21)
        assert amani(*words).data["replayed"] is True
        tell(f"20 processes with one reference: 1 transfer; {compared(amani, giver, taker)} msat compared")


class TestFaults:
    @pytest.fixture
    def line(
        self, giver: Held, taker: Held, home: Path, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
    ) -> FaultProxy:
        """Both wallets by way of the proxy; nothing is waited for long."""
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.3)
        through(proxy, home)
        return proxy

    @pytest.mark.parametrize(
        "fault", [cut(after=True), torn, garbled, html(502, after=True), html(200, after=True), twice]
    )
    def test_the_answer_is_lost_and_the_record_tells(
        self, amani: Amani, giver: Held, taker: Held, line: FaultProxy, fault: Fault
    ) -> None:
        line.on(fault, "POST", PAYMENTS, nth=2)
        assert amani("transfer", "taker", "21", "--yes", "--json").data["status"] == "settled"
        assert line.count("POST", PAYMENTS) == 2  # the invoice and the one payment
        assert (giver.sat, taker.sat) == (4979, 21)
        compared(amani, giver, taker)

    @pytest.mark.parametrize("fault", [cut(after=False), html(504), html(200)])
    def test_it_never_got_there_and_nothing_proves_it_yet(
        self, amani: Amani, giver: Held, taker: Held, line: FaultProxy, fault: Fault
    ) -> None:
        line.on(fault, "POST", PAYMENTS, nth=2)
        words = ("transfer", "taker", "21", "--reference", "r1", "--yes", "--json", "--timeout", "2s")
        open_ = amani(*words)
        assert (open_.code, open_.error["money_moved"], open_.error["retry"]) == (8, "maybe", "after_reconcile")
        assert amani("reconcile", "--json").json["data"]["unknown"] == 1
        assert line.count("POST", PAYMENTS) == 2
        assert (giver.sat, taker.sat) == (5000, 0)
        assert amani(*words).data["id"] == open_.error["id"]  # the same invoice again
        assert (giver.sat, taker.sat) == (4979, 21)

    def test_a_retry_without_a_reference_is_seen(
        self, amani: Amani, giver: Held, taker: Held, line: FaultProxy
    ) -> None:
        """Each has an invoice of its own, so that the server would pay both."""
        line.on(cut(after=False), "POST", PAYMENTS, nth=2)
        words = ("transfer", "taker", "21", "--yes", "--json", "--timeout", "2s")
        first = amani(*words).error
        again = amani(*words).error
        assert (first["exit"], again["exit"], again["id"]) == (8, 8, first["id"])
        assert "nothing was sent now" in again["message"]
        assert "--reference" in again["message"]
        assert (giver.sat, taker.sat) == (5000, 0)
        # Another amount, or a reference of its own, is another transfer.
        for other in (("22", *words[3:]), ("21", *words[3:], "--reference", "r2")):
            assert amani("transfer", "taker", *other).code == 0
        assert taker.sat == 43

    def test_a_retry_is_seen_under_the_payee_s_new_name(
        self, amani: Amani, giver: Held, taker: Held, line: FaultProxy
    ) -> None:
        line.on(cut(after=False), "POST", PAYMENTS, nth=2)
        words = ("21", "--yes", "--json", "--timeout", "2s")
        first = amani("transfer", "taker", *words).error
        assert amani("wallet", "rename", "taker", "till").code == 0
        again = amani("transfer", "till", *words).error
        assert (again["exit"], again["id"]) == (8, first["id"])
        assert amani("status", "--json").data["open"][0]["what"] == "transfer from giver to till"
        assert amani("reconcile", "--resume", first["id"], "--yes").code == 0
        assert (giver.sat, taker.sat) == (4979, 21)

    def test_the_server_is_gone_before_the_payment(
        self, amani: Amani, giver: Held, taker: Held, line: FaultProxy
    ) -> None:
        line.on(refuse_from_here_on, "POST", PAYMENTS)
        refused = amani("transfer", "taker", "21", "--yes", "--json")
        assert (refused.code, refused.error["money_moved"], refused.error["retry"]) == (10, "no", "safe")
        line.heal()
        assert amani("reconcile", "--json").data["checked"] == 0
        assert amani("transfer", "taker", "21", "--yes").code == 0
        assert (giver.sat, taker.sat) == (4979, 21)

    def test_a_server_that_makes_another_invoice(
        self, amani: Amani, giver: Held, taker: Held, line: FaultProxy
    ) -> None:
        """A hostile or broken server asks for more than was said."""
        text = taker.invoice(999)
        made = taker.server.call("GET", f"/api/v1/payments/{decode_invoice(text).payment_hash}", key=taker.read_key)[
            "details"
        ]
        line.on(answer(201, made), "POST", PAYMENTS)
        refused = amani("transfer", "taker", "21", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (10, "ODD_ANSWER")
        assert giver.sat == 5000

    @pytest.mark.parametrize(
        ("words", "sat", "is_paid"),
        [
            (("transfer", "taker", "21", "--yes"), 21, True),
            (("transfer", "taker", "21", "--yes"), 21, False),
            (("transfer", "taker", "max", "--yes"), 5000, True),
            (("faucet", "claim", "--wallet", "taker", "--yes"), 21, True),
            (("invoice", "create", "21", "--wallet", "taker"), 21, False),
        ],
    )
    def test_an_invoice_that_another_machine_had_asked_for(
        self,
        amani: Amani,
        giver: Held,
        taker: Held,
        line: FaultProxy,
        words: tuple[str, ...],
        sat: int,
        is_paid: bool,
    ) -> None:
        """Something on the line repeats the answer that another amani got to the same question: what that one's
        invoice was paid with is no receipt of ours, and money sent by it would be a payment of theirs."""
        assert amani("faucet", "configure", "--wallet", "giver", "--amount", "21").code == 0
        body = {"out": False, "amount": sat, "memo": "from giver", "extra": {"amani": {"asked": "ab" * 8}}}
        theirs = giver.server.call("POST", PAYMENTS, key=taker.read_key, json=body)
        if is_paid:
            giver.pay(theirs["bolt11"])
            giver.server.fund(giver.id, sat)
        held = giver.sat, taker.sat
        line.on(answer(201, theirs), "POST", PAYMENTS)
        refused = amani(*words, "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (10, "ODD_ANSWER", "no")
        assert (giver.sat, taker.sat) == held
        assert line.count("POST", PAYMENTS) == 1
        assert amani(*words, "--json").code == 0


def test_a_removed_wallet_s_past_stays(amani: Amani, giver: Held, taker: Held, home: Path) -> None:
    amani("transfer", "taker", "21", "--yes")
    assert amani("wallet", "remove", "taker", "--yes").code == 0
    items = amani("history", "list", "--json").data["items"]
    assert {(item["wallet"], item["direction"]) for item in items} == {("giver", "out"), ("taker", "in")}


def test_an_old_server_is_warned_about(amani: Amani, giver: Held, taker: Held, home: Path, proxy: FaultProxy) -> None:
    claim_to_be(proxy, home, "1.0.0")
    assert "version 1.0.0" in amani("transfer", "taker", "5", "--yes", "--json").json["warnings"][0]
