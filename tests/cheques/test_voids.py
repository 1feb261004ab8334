"""`amani cheque void` and `sweep`: the money comes home by the safe order, or it was claimed a moment before."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli import errors
from amani_cli.cheques import standing
from amani_cli.encodings import cheque_code
from amani_cli.models.cheques import Cheques
from amani_cli.payments import engine
from tests.cheques.test_cheques import wallet_of, write
from tests.conftest import AddWallet, Held, change_database, mark_on_server
from tests.kit.books import compared, held_by, tell
from tests.kit.cheque_world import User, log_in, through
from tests.kit.crowd import at_once, codes
from tests.kit.driver import Amani
from tests.kit.fault_proxy import Exchange, FaultProxy, answer, cut

pytestmark = pytest.mark.lnbits

LONG_AGO = "UPDATE cheque SET expires_at='2026-01-01T00:00:00Z'"


def the_one(amani: Amani) -> dict[str, object]:
    """The only cheque."""
    (item,) = amani("cheque", "list", "--json").data["items"]
    assert isinstance(item, dict)
    return item


def test_an_invoice_of_another_wallet_is_not_what_funds_one(
    amani: Amani, giver: Held, proxy: FaultProxy, home: Path, shared_keyring: Path
) -> None:
    """Two answers of the server were mixed up: the money would go to whoever asked for the other invoice."""
    through(proxy, home)
    stranger = giver.server.new_wallet()
    body = {"out": False, "amount": 100, "memo": "mine"}
    theirs = giver.server.call("POST", "/api/v1/payments", key=stranger[2], json=body)
    proxy.on(answer(201, theirs), "POST", "/api/v1/payments", nth=1)
    refused = amani("cheque", "create", "100", "--yes", "--json")
    assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (10, "ODD_ANSWER", "no")
    assert giver.sat == 5000


def test_another_machine_s_cheque_is_not_what_holds_one(
    amani: Amani, giver: Held, proxy: FaultProxy, home: Path, shared_keyring: Path
) -> None:
    """The answer that another amani got is repeated: two codes would be for the same money."""
    through(proxy, home)
    theirs = giver.server.call("POST", "/api/v1/account", json={"name": "amani chq_01m3250vvqa6fx54ze"})
    proxy.on(answer(200, theirs), "POST", "/api/v1/account")
    refused = amani("cheque", "create", "100", "--yes", "--json")
    assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (10, "ODD_ANSWER", "no")
    assert (giver.sat, giver.server.balance_msat(theirs["inkey"])) == (5000, 0)
    assert amani("cheque", "create", "100", "--yes").code == 0


class TestVoid:
    def test_it_comes_home_and_the_wallet_is_gone(self, amani: Amani, giver: Held, user: User) -> None:
        code = write(amani)
        assert wallet_of(code) in {wallet["id"] for wallet in user.wallets()}
        done = amani("cheque", "void", code, "--reason", "changed my mind", "--yes", "--json").data
        assert (done["status"], done["outstanding_msat"]) == ("void", 0)
        assert giver.sat == 5000
        assert wallet_of(code) not in {wallet["id"] for wallet in user.wallets()}
        assert amani("cheque", "void", code, "--yes", "--json").data["status"] == "void"
        entries = amani("audit", "list", "--what", "cheque void", "--json").data["items"]
        assert [(item["outcome"], item["reason"]) for item in entries][-1] == ("begun", "changed my mind")
        assert entries[0]["outcome"] == "void"
        compared(amani, giver)

    def test_in_the_safe_order(
        self, amani: Amani, giver: Held, proxy: FaultProxy, home: Path, shared_keyring: Path
    ) -> None:
        """Rotate, sweep by trying to pay, confirm, and only then delete."""
        through(proxy, home)
        log_in(amani, giver.server, proxy.url)
        code = write(amani)
        before = len(proxy.seen)
        assert amani("cheque", "void", code, "--yes").code == 0
        calls = [f"{each.method} {each.path.partition('?')[0]}" for each in proxy.seen[before:]]
        rotate, delete = f"PUT /api/v1/wallet/reset/{wallet_of(code)}", f"DELETE /api/v1/wallet/{wallet_of(code)}"
        pay = [at for at, each in enumerate(proxy.seen[before:]) if each.method == "POST" and each.json["out"]]
        assert len(pay) == 1
        assert calls.index(rotate) < pay[0] < calls.index(delete)
        assert any(call.startswith("GET /api/v1/payments") for call in calls[pay[0] : calls.index(delete)])
        assert calls.count(rotate) == calls.count(delete) == 1

    @pytest.mark.parametrize("what", ["void", "reissue"])
    def test_another_cheque_s_keys_take_nothing_back(
        self, amani: Amani, giver: Held, proxy: FaultProxy, home: Path, shared_keyring: Path, what: str
    ) -> None:
        """Two answers were mixed up: by those keys the money of somebody else's cheque would come, or be given away."""
        through(proxy, home)
        log_in(amani, giver.server, proxy.url)
        stranger = giver.server.call("POST", "/api/v1/account", json={"name": "theirs"})
        amani.secrets |= {stranger["adminkey"], stranger["inkey"]}
        giver.server.fund(stranger["id"], 100)
        wallet_id = wallet_of(write(amani))
        cheque_id = str(the_one(amani)["id"])
        proxy.on(answer(200, stranger), "PUT", f"/api/v1/wallet/reset/{wallet_id}")
        refused = amani("cheque", what, cheque_id, "--yes", "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (10, "ODD_ANSWER", "no")
        assert (giver.sat, giver.server.balance_msat(stranger["inkey"])) == (4900, 100_000)
        assert amani("cheque", "void", cheque_id, "--yes", "--json").data["status"] == "void"
        assert (giver.sat, giver.server.balance_msat(stranger["inkey"])) == (5000, 100_000)

    @pytest.mark.parametrize("path", ["/api/v1/wallet", "/api/v1/payments/paginated"])
    def test_by_an_answer_about_another_wallet_nothing_is_concluded(
        self, amani: Amani, giver: Held, proxy: FaultProxy, home: Path, shared_keyring: Path, path: str
    ) -> None:
        """By another's balance a part stays behind; by another's payments it counts as claimed."""
        through(proxy, home)
        log_in(amani, giver.server, proxy.url)
        stranger = giver.server.new_wallet(40)
        pay = {"out": True, "bolt11": giver.invoice(10)}
        giver.server.call("POST", "/api/v1/payments", key=stranger[1], json=pay)
        theirs = giver.server.call("GET", path, key=stranger[1])
        write(amani)
        cheque_id = str(the_one(amani)["id"])
        proxy.on(answer(200, theirs), "GET", path, nth=1)
        refused = amani("cheque", "void", cheque_id, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (10, "ODD_ANSWER")
        assert refused.error["money_moved"] == ("no" if path == "/api/v1/wallet" else "yes")
        assert amani("cheque", "void", cheque_id, "--yes", "--json").data["status"] == "void"
        assert (giver.sat, giver.server.balance_msat(stranger[2])) == (5010, 30_000)

    def test_one_that_was_claimed(self, amani: Amani, giver: Held, taker: Held, user: User) -> None:
        code = write(amani)
        amani("cheque", "claim", "-", "--to", "taker", stdin=code)
        late = amani("cheque", "void", code, "--yes", "--json")
        assert (late.code, late.error["code"], late.error["retry"]) == (6, "CHEQUE_CLAIMED", "never")
        assert (the_one(amani)["status"], taker.sat, giver.sat) == ("claimed", 100, 4900)

    def test_one_that_was_claimed_elsewhere_a_moment_before(self, amani: Amani, giver: Held, user: User) -> None:
        code = write(amani)
        stranger = giver.server.new_wallet()
        body = {"out": False, "amount": 100, "memo": "mine"}
        made = giver.server.call("POST", "/api/v1/payments", key=stranger[2], json=body)
        pay = {"out": True, "bolt11": made["bolt11"]}
        giver.server.call("POST", "/api/v1/payments", key=cheque_code.decode(code).admin_key, json=pay)
        assert amani("cheque", "void", code, "--yes", "--json").error["code"] == "CHEQUE_CLAIMED"
        shown = the_one(amani)
        assert (shown["status"], shown["payment_hash"]) == ("claimed", made["payment_hash"])

    def test_without_a_login_it_is_a_race_that_can_be_won(self, amani: Amani, giver: Held, taker: Held) -> None:
        code = write(amani)
        assert amani("cheque", "void", code, "--yes").code == 0
        assert giver.sat == 5000
        empty = amani("cheque", "claim", "-", "--to", "taker", "--json", stdin=code)
        assert empty.code == 6

    def test_it_is_asked_about(self, amani: Amani, giver: Held) -> None:
        code = write(amani)
        assert amani("cheque", "void", code).code == 5
        assert giver.sat == 4900

    def test_back_into_the_giver_under_another_name(self, amani: Amani, giver: Held, taker: Held, home: Path) -> None:
        code = write(amani)
        kept = amani("wallet", "remove", "giver", "--yes", "--json")
        assert (kept.code, kept.error["code"]) == (9, "CHEQUES_OUTSTANDING")
        change_database(home, "DELETE FROM wallet WHERE name='giver'")
        gone = amani("cheque", "void", code, "--yes", "--json")
        assert (gone.code, gone.error["code"]) == (4, "NO_SUCH_WALLET")
        words = ("wallet", "add", "again", "--url", giver.server.url, "--key-file", giver.key_file)
        assert amani(*words).code == 0
        assert amani("cheque", "void", code, "--yes").code == 0
        assert (giver.sat, taker.sat) == (5000, 0)

    def test_a_rotation_whose_answer_is_lost(
        self, amani: Amani, giver: Held, proxy: FaultProxy, home: Path, shared_keyring: Path
    ) -> None:
        """The keys that are kept are dead; the same command makes new ones."""
        through(proxy, home)
        log_in(amani, giver.server, proxy.url)
        code = write(amani)
        proxy.on(cut(after=True), "PUT", "/api/v1/wallet/reset/.*")
        assert amani("cheque", "void", code, "--yes").code == 10
        assert the_one(amani)["status"] == "voiding"
        assert amani("cheque", "void", code, "--yes").code == 0
        assert (the_one(amani)["status"], giver.sat) == ("void", 5000)

    @pytest.mark.parametrize("after", [True, False], ids=["after it acted", "before it heard"])
    def test_a_draw_that_is_cut_off(
        self,
        amani: Amani,
        giver: Held,
        proxy: FaultProxy,
        home: Path,
        after: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.3)
        through(proxy, home)
        code = write(amani)
        proxy.on(cut(after=after), "POST", "/api/v1/payments", nth=2)
        assert amani("cheque", "void", code, "--yes", "--timeout", "1s").code == (0 if after else 8)
        assert amani("reconcile").code == 0
        assert (the_one(amani)["status"], giver.sat) == ("void", 5000)
        compared(amani, giver)

    def test_while_another_payment_out_of_it_is_on_its_way_nothing_is_deleted(
        self, amani: Amani, giver: Held, taker: Held, user: User
    ) -> None:
        """It may fail, and its money comes back to a wallet that must still be there."""
        code = cheque_code.decode(write(amani))
        cheque = Held("cheque", giver.server, code.wallet_id, code.admin_key, "", giver.key_file)
        payment_hash = str(cheque.pay(taker.invoice(20))["payment_hash"])
        mark_on_server(cheque, payment_hash, "pending")
        cheque_id = the_one(amani)["id"]
        for _ in range(2):
            void = amani("cheque", "void", cheque_id, "--yes", "--json")
            assert (void.code, void.error["id"]) == (8, cheque_id)
            assert (the_one(amani)["status"], giver.sat) == ("voiding", 4980)
            assert code.wallet_id in {wallet["id"] for wallet in user.wallets()}
        mark_on_server(cheque, payment_hash, "failed")
        assert amani("cheque", "void", cheque_id, "--yes", "--json").data["status"] == "void"
        assert giver.sat == 5000
        assert code.wallet_id not in {wallet["id"] for wallet in user.wallets()}

    @pytest.mark.parametrize("nth", [1, 2, 3])
    def test_the_answer_to_another_question_deletes_nothing(
        self, amani: Amani, giver: Held, proxy: FaultProxy, home: Path, shared_keyring: Path, nth: int
    ) -> None:
        """An empty list does not say whose it is: a wallet that somebody may still pay would be gone with the money."""
        through(proxy, home)
        log_in(amani, giver.server, proxy.url)
        code = cheque_code.decode(write(amani))
        body = {"out": False, "amount": 7, "memo": "somebody else's"}
        giver.server.call("POST", "/api/v1/payments", key=code.admin_key, json=body)
        proxy.on(answer(200, {"data": [], "total": 0}), "GET", "/api/v1/payments/paginated", nth=nth)
        assert amani("cheque", "void", str(the_one(amani)["id"]), "--yes", "--json").data["status"] == "void"
        assert (giver.sat, proxy.count("DELETE")) == (5000, 0)

    def test_many_at_once_bring_it_back_once(self, amani: Amani, giver: Held, user: User) -> None:
        code = write(amani)
        runs = at_once(amani, [(("cheque", "void", code, "--yes", "--json"), None)] * 8)
        assert set(codes(runs)) <= {0, 12}
        assert codes(runs)[0] >= 1
        assert amani("cheque", "void", code, "--yes").code == 0
        assert (the_one(amani)["status"], giver.sat) == ("void", 5000)
        tell(f"8 processes voided one cheque: it came back once; {compared(amani, giver)} msat compared")

    def test_come_home_and_not_written_down(self, amani: Amani, giver: Held, monkeypatch: pytest.MonkeyPatch) -> None:
        """What goes wrong behind the money does not say that none has moved."""
        write(amani)
        cheque_id = the_one(amani)["id"]

        def no_room(*words: object) -> None:
            if words[-1] == "void":
                raise errors.Usage("the disk is full", code="DISK_FULL")

        with monkeypatch.context() as full:
            full.setattr("amani_cli.cheques.taking_back.audit_step", no_room)
            stopped = amani("cheque", "void", cheque_id, "--yes", "--json")
        assert (stopped.code, stopped.error["code"], stopped.error["money_moved"]) == (2, "DISK_FULL", "yes")
        assert (giver.sat, stopped.error["id"]) == (5000, cheque_id)
        assert amani("cheque", "void", cheque_id, "--yes", "--json").data["status"] == "void"

    def test_voided_while_it_is_written_it_stays_void(
        self, amani: Amani, giver: Held, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = standing.opened

        def overtaken(*args: object) -> None:
            cheque_id = str(args[1].id)  # type: ignore[attr-defined]
            if not voided:
                voided.append(cheque_id)
                assert amani.process("cheque", "void", cheque_id, "--yes").code == 0
            opened(*args)  # type: ignore[arg-type]

        voided: list[str] = []
        monkeypatch.setattr("amani_cli.cheques.writing.opened", overtaken)
        assert amani("cheque", "create", "100", "--yes").code == 0
        listed = amani("cheque", "list", "--json").data
        assert (listed["items"][0]["status"], listed["outstanding_msat"], giver.sat) == ("void", 0, 5000)


@pytest.mark.parametrize("login", [True, False])
def test_what_a_claim_leaves_that_comes_in_between_comes_home_too(
    amani: Amani, giver: Held, taker: Held, proxy: FaultProxy, home: Path, shared_keyring: Path, login: bool
) -> None:
    """It is claimed between the look into its wallet and the draw: the fee reserve is in it still."""
    through(proxy, home)
    if login:
        log_in(amani, giver.server, proxy.url)
    code = amani("cheque", "create", "1000", "--outside", "--yes", "--json").data["code"]
    amani.secrets.add(code)
    assert giver.sat == 5000 - 1010

    def claimed_before(exchange: Exchange) -> None:
        if exchange.json["out"] and taker.sat == 0:
            key = next(value for name, value in exchange.headers.items() if name.lower() == "x-api-key")
            body = {"out": True, "bolt11": taker.invoice(1000)}
            taker.server.call("POST", "/api/v1/payments", key=key, json=body)
        exchange.reply(exchange.forward())

    proxy.on(claimed_before, "POST", "/api/v1/payments", times=None)
    ended = amani("cheque", "void", the_one(amani)["id"], "--yes", "--json")
    told = ended.error["code"], ended.error["hint"], ended.error["money_moved"]
    assert told == ("CHEQUE_CLAIMED", "What the claim left of a fee reserve is back.", "yes")
    assert (taker.sat, giver.sat) == (1000, 4000)
    assert amani("reconcile").code == 0


class TestSweep:
    def test_every_expired_one_and_no_other(self, amani: Amani, giver: Held, user: User, home: Path) -> None:
        for sat in (100, 200, 300):
            write(amani, sat)
        change_database(home, LONG_AGO + " WHERE amount_msat<300000")
        swept = amani("cheque", "sweep", "--json").data
        assert sorted(item["amount_msat"] for item in swept["items"]) == [100_000, 200_000]
        assert {item["status"] for item in swept["items"]} == {"expired"}
        assert swept["outstanding_msat"] == 0
        assert giver.sat == 4700
        assert amani("cheque", "list", "--json").data["outstanding_msat"] == 300_000
        assert amani("cheque", "sweep", "--json").data["items"] == []
        compared(amani, giver)

    def test_off_a_terminal_it_asks_nothing(self, amani: Amani, giver: Held, home: Path) -> None:
        write(amani)
        change_database(home, LONG_AGO)
        assert amani.process("cheque", "sweep", "--no-input").code == 0
        assert giver.sat == 5000

    def test_one_that_was_claimed_at_the_last_moment(self, amani: Amani, giver: Held, home: Path) -> None:
        code = write(amani)
        write(amani, 200)
        stranger = giver.server.new_wallet()
        body = {"out": False, "amount": 100, "memo": "mine"}
        made = giver.server.call("POST", "/api/v1/payments", key=stranger[2], json=body)
        pay = {"out": True, "bolt11": made["bolt11"]}
        giver.server.call("POST", "/api/v1/payments", key=cheque_code.decode(code).admin_key, json=pay)
        change_database(home, LONG_AGO)
        swept = amani("cheque", "sweep", "--json").data
        assert {item["amount_msat"]: item["status"] for item in swept["items"]} == {
            100_000: "claimed",
            200_000: "expired",
        }
        assert giver.sat == 4900

    def test_what_goes_wrong_with_one_stops_no_other(self, amani: Amani, giver: Held, home: Path) -> None:
        write(amani, 100)
        write(amani, 200)
        change_database(home, LONG_AGO)
        change_database(home, "UPDATE cheque SET url='http://127.0.0.1:9' WHERE amount_msat=100000")
        swept = amani("cheque", "sweep", "--json")
        assert swept.code == 10
        assert [item["amount_msat"] for item in swept.json["data"]["items"]] == [200_000]
        assert len(swept.json["warnings"]) == 1
        assert giver.sat == 4900

    def test_what_a_claim_left_of_the_reserve_comes_home(
        self, amani: Amani, giver: Held, taker: Held, user: User, home: Path
    ) -> None:
        code = write(amani, 1000, "--outside")
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=code).code == 0
        assert held_by(giver.server, [wallet_of(code)]) == 10_000
        change_database(home, LONG_AGO)
        assert amani("cheque", "sweep").code == 0
        assert (giver.sat, taker.sat) == (4000, 1000)
        assert the_one(amani)["status"] == "claimed"
        assert amani("cheque", "sweep", "--json").data["items"] == []
        compared(amani, giver, taker)

    @pytest.mark.parametrize("aside", [False, True])
    def test_whose_giver_is_gone(
        self, amani: Amani, giver: Held, taker: Held, add_wallet: AddWallet, user: User, home: Path, aside: bool
    ) -> None:
        """What was claimed in full is done with; only what is left in one needs somebody to bring it to."""
        gone = add_wallet("gone", 1020)
        words = ("cheque", "create", 1000, "--wallet", "gone", "--yes", "-q", *(["--outside"] if aside else []))
        code = amani(*words).stdout.strip()
        amani.secrets.add(code)
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=code).code == 0
        change_database(home, LONG_AGO)
        assert amani("wallet", "remove", "gone", "--yes").code == 0
        swept = amani("cheque", "sweep", "--json")
        assert swept.code == (4 if aside else 0)
        assert len(swept.json["warnings"]) == aside
        assert amani("wallet", "add", "again", "--url", gone.server.url, "--key-file", gone.key_file).code == 0
        assert amani("cheque", "sweep").code == 0
        assert gone.sat == 20

    def test_many_at_once(self, amani: Amani, giver: Held, user: User, home: Path) -> None:
        for _ in range(3):
            write(amani)
        change_database(home, LONG_AGO)
        runs = at_once(amani, [(("cheque", "sweep"), None)] * 4)
        assert set(codes(runs)) <= {0, 12}
        assert amani("cheque", "sweep").code == 0
        assert {item["status"] for item in amani("cheque", "list", "--json").data["items"]} == {"expired"}
        assert giver.sat == 5000
        tell(f"4 sweeps at once of 3 cheques: {compared(amani, giver)} msat compared")

    def test_a_doubt_outranks_a_server_that_is_away(
        self, amani: Amani, giver: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failed = [errors.Unreachable("away"), errors.OutcomeUnknown("open"), errors.BooksDiffer("differ")]
        monkeypatch.setattr("amani_cli.cheques.taking_back.sweep", lambda *_: (Cheques([], 0), failed))
        assert amani("cheque", "sweep").code == 8
