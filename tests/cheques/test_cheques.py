"""`amani cheque create|list|show|reissue`: funds set aside for real, the code shown once, sets that can be resumed."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_httpx import HTTPXMock

from amani_cli import clocks, errors
from amani_cli.cheques import naming
from amani_cli.encodings import cheque_code
from amani_cli.store.rows import ChequeRow
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace
from tests.conftest import AddWallet, Held, change_database
from tests.kit.books import compared, held_by, tell
from tests.kit.cheque_world import User, claim_to_be, grow_older
from tests.kit.driver import Amani, environment
from tests.kit.fault_proxy import FaultProxy
from tests.kit.machine import Machine

pytestmark = pytest.mark.lnbits

CREATE = ("cheque", "create")


def write(amani: Amani, sat: int = 100, *words: object) -> str:
    """Write a cheque; returns its code, which no other command may show from now on."""
    code = amani(*CREATE, sat, *words, "--yes", "-q").stdout.strip()
    assert code.startswith("amani1")
    amani.secrets.add(code)
    return code


def wallet_of(code: str) -> str:
    """The id of the wallet that holds a cheque's money."""
    return cheque_code.decode(code).wallet_id


class TestCreate:
    def test_the_funds_are_set_aside(self, amani: Amani, giver: Held) -> None:
        made = amani(*CREATE, "100", "--memo", "for Asha", "--yes", "--json").data
        expected = {"amount_msat": 100_000, "memo": "for Asha", "status": "open", "wallet": "giver", "replayed": False}
        assert made.items() >= expected.items()
        assert made["id"].startswith("chq_")
        assert 86_300 < from_rfc3339(made["expires_at"]).timestamp() - time.time() <= 86_401
        code = cheque_code.decode(made["code"])
        assert (code.amount_msat, code.url, code.network) == (100_000, giver.server.url, "bitcoin")
        assert giver.sat == 4900
        assert giver.server.balance_msat(code.admin_key) == 100_000
        assert "for Asha" not in str(giver.server.call("GET", "/api/v1/payments", key=code.admin_key))
        compared(amani, giver)

    def test_it_ends_by_its_server_s_clock(self, amani: Amani, giver: Held, machine: Machine) -> None:
        """Ours is 400 days ahead, and nothing was heard of the server before: nobody would sweep it for so long."""
        machine.set(400 * 86_400)
        clocks.forget()
        made = amani(*CREATE, "100", "--expires", "1h", "--yes", "--json").data
        assert abs(from_rfc3339(made["expires_at"]).timestamp() - time.time() - 3600) <= 10
        assert abs(cheque_code.decode(made["code"]).expires_at - time.time() - 3600) <= 10

    def test_the_code_is_shown_once(self, amani: Amani, giver: Held, home: Path) -> None:
        """The driver looks for it on every stream of every run afterwards, the fixture in the database."""
        code = write(amani)
        amani.secrets.add(cheque_code.decode(code).admin_key)
        cheque_id = amani("cheque", "list", "-q").stdout.strip()
        for words in (
            ("cheque", "list"),
            ("cheque", "list", "--json"),
            ("cheque", "show", cheque_id, "--json"),
            ("cheque", "show", code),
            ("history", "list", "--json"),
            ("audit", "list", "--json"),
            ("cheque", "void", cheque_id, "--yes", "--json"),
        ):
            assert amani(*words).code == 0

    def test_the_newest_of_a_status_are_listed_however_many_others_came_since(self, amani: Amani, giver: Held) -> None:
        old = amani("cheque", "create", 10, "--yes", "--json").data["id"]
        new = amani("cheque", "create", 20, "--yes", "--json").data["id"]
        assert amani("cheque", "void", new, "--yes").code == 0
        listed = amani("cheque", "list", "--status", "open", "--limit", 1, "--json").data
        assert ([each["id"] for each in listed["items"]], listed["outstanding_msat"]) == ([old], 10_000)

    def test_of_one_wallet_alone(self, amani: Amani, giver: Held, taker: Held, home: Path) -> None:
        assert amani("transfer", "taker", 100, "--from", "giver", "--yes").code == 0
        own = amani("cheque", "create", 10, "--wallet", "giver", "--yes", "--json").data["id"]
        assert amani("cheque", "create", 20, "--wallet", "taker", "--yes").code == 0
        listed = amani("cheque", "list", "--wallet", "giver", "--json").data
        assert ([each["id"] for each in listed["items"]], listed["outstanding_msat"]) == ([own], 10_000)
        change_database(home, "UPDATE cheque SET expires_at='2026-01-01T00:00:00Z'")
        swept = amani("cheque", "sweep", "--wallet", "giver", "--json").data["items"]
        assert [each["id"] for each in swept] == [own]
        assert amani("cheque", "list", "--wallet", "nobody", "--json").code == 4

    def test_what_is_said_beside_it(self, amani: Amani, giver: Held) -> None:
        talk = amani(*CREATE, "100", "--yes").stderr
        assert "Whoever has the code has the money." in talk
        assert "cheque sweep" in talk  # ruling 8
        assert "There is no login" in talk
        assert "a race with whoever has the code" in talk
        assert "amani serve" not in talk

    def test_a_link_says_what_answers_it(self, amani: Amani, giver: Held) -> None:
        """Who tries one for the first time opens it in a browser, and nothing is there."""
        assert amani("config", "set", "base_url", "http://127.0.0.1:8190").code == 0
        talk = amani(*CREATE, "100", "--link", "--yes").stderr
        assert "Whoever has the link has the money. It is answered as long as 'amani serve' runs." in talk

    def test_it_is_asked_about(self, amani: Amani, giver: Held) -> None:
        assert amani(*CREATE, "100").code == 5
        with amani.terminal(*CREATE, "100") as run:
            run.expect("100 sat are set aside from 'giver'.")
            run.expect("Write it? [y/N]")
            run.type("n")
            assert run.finish() == 5
        assert (giver.sat, amani("cheque", "list", "-q").stdout) == (5000, "")

    def test_good_for_an_hour_to_a_week(self, amani: Amani, giver: Held) -> None:
        for expires in ("1h", "168h", "7d", "60m"):
            assert amani(*CREATE, "1", "--expires", expires, "--yes").code == 0, expires
        for expires in ("59m", "3599s", "169h", "604801s", "8d", "0", "-1h", "x"):
            assert amani(*CREATE, "1", "--expires", expires, "--yes").code == 2, expires
        assert giver.sat == 4996

    def test_amounts_that_can_t_be(self, amani: Amani, giver: Held) -> None:
        for amount in ("0", "-1", "1.5", "max", "5NGN", "1e3"):
            assert amani(*CREATE, amount, "--yes").code == 2, amount
        assert giver.sat == 5000

    def test_more_than_there_is(self, amani: Amani, giver: Held) -> None:
        poor = amani(*CREATE, "5001", "--yes", "--json")
        assert (poor.code, poor.error["code"], poor.error["money_moved"]) == (7, "INSUFFICIENT_FUNDS", "no")
        assert "code" not in poor.json.get("data", {})
        assert amani("cheque", "list", "--json").data["outstanding_msat"] == 0

    def test_lnbits_1_0_0_is_refused(self, amani: Amani, giver: Held, home: Path, proxy: FaultProxy) -> None:
        claim_to_be(proxy, home, "1.0.0")
        refused = amani(*CREATE, "100", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "UNSAFE_SERVER")
        assert "1.0.0" in refused.error["message"]
        assert (giver.sat, len(giver.records())) == (5000, 1)

    def test_with_its_reserve(self, amani: Amani, giver: Held) -> None:
        code = write(amani, 1000, "--outside")
        assert giver.server.balance_msat(cheque_code.decode(code).admin_key) == 1_010_000
        assert amani("cheque", "list", "--json").data["outstanding_msat"] == 1_010_000
        small = write(amani, 10, "--outside")
        assert giver.server.balance_msat(cheque_code.decode(small).admin_key) == 12_000
        assert giver.sat == 5000 - 1010 - 12

    def test_a_qr_code(self, amani: Amani, giver: Held, tmp_path: Path) -> None:
        made = amani(*CREATE, "5", "--qr", "--qr-file", tmp_path / "cheque.png", "--yes")
        assert "█" in made.stderr or "▀" in made.stderr
        assert (tmp_path / "cheque.png").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("option", ["--print", "--qr-file"])
    def test_a_place_that_takes_no_file_is_refused_before_there_is_a_code(
        self, amani: Amani, giver: Held, tmp_path: Path, option: str
    ) -> None:
        """Once the money is set aside a code that is not shown is lost."""
        ending = {"--print": "html", "--qr-file": "svg"}[option]
        for place in (tmp_path / f"a.{ending}", Path(f"/proc/amani.{ending}")):
            if place.parent == tmp_path:
                place.mkdir()
            refused = amani(*CREATE, "100", option, place, "--yes", "--json")
            assert (refused.code, refused.error["code"]) == (2, "CANT_WRITE")
        assert giver.sat == 5000
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]

    def test_paper_that_fails_after_all_leaves_the_codes_shown(
        self, amani: Amani, giver: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise errors.Usage("can't write it: No space left on device", code="CANT_WRITE")

        monkeypatch.setattr("amani_cli.cheques.paper.write", full)
        made = amani(*CREATE, "100", "--count", "2", "--print", tmp_path / "a.html", "--yes", "--json")
        assert (made.code, [item["code"][:6] for item in made.json["data"]["items"]]) == (11, ["amani1"] * 2)
        assert "No space left on device" in made.stderr

    def test_paper_that_holds_the_codes_outlives_the_same_command_again(
        self, amani: Amani, giver: Held, tmp_path: Path
    ) -> None:
        """They are shown once: a page without them in its place, as a retry by cron would make it, loses money."""
        page = tmp_path / "a.html"
        words = (*CREATE, "10", "--count", "3", "--reference", "r1", "--yes", "--print", page, "--force")
        giver.server.fund(giver.id, -4975)
        first = amani(*words)
        assert first.code == 11
        before = page.read_text()
        giver.server.fund(giver.id, 100)
        second = amani(*words)
        assert (second.code, page.read_text()) == (11, before)
        assert all(code in before for code in first.stdout.split())
        assert len(second.stdout.split()) == 1
        assert "stands in the answer alone" in second.stderr
        third = amani(*words)
        assert (third.code, third.stdout, page.read_text()) == (0, "", before)
        assert "left alone" in third.stderr

    @pytest.mark.parametrize("count", ["1", "2"])
    def test_interrupted_on_paper_they_are_told_of_once_and_not_as_never_paid(
        self, amani: Amani, giver: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: str
    ) -> None:
        def cut_short(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("amani_cli.cheques.paper.write", cut_short)
        made = amani(*CREATE, "100", "--count", count, "--print", tmp_path / "a.html", "--yes", "--json")
        assert (made.code, made.json["ok"], giver.sat) == (11, True, 5000 - 100 * int(count))
        assert "no payment was under way" not in made.stderr


class TestSets:
    def test_one_code_a_line(self, amani: Amani, giver: Held) -> None:
        made = amani(*CREATE, "10", "--count", "5", "--yes")
        codes = made.stdout.splitlines()
        assert len(set(codes)) == 5
        assert {giver.server.balance_msat(cheque_code.decode(code).admin_key) for code in codes} == {10_000}
        assert giver.sat == 4950
        assert amani("cheque", "list", "--json").data["outstanding_msat"] == 50_000

    def test_json_has_them_all(self, amani: Amani, giver: Held) -> None:
        data = amani(*CREATE, "10", "--count", "3", "--yes", "--json").data
        assert len({item["code"] for item in data["items"]}) == 3
        assert data["outstanding_msat"] == 30_000

    def test_no_more_than_the_setting(self, amani: Amani, giver: Held) -> None:
        refused = amani(*CREATE, "1", "--count", "101", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "COUNT")
        amani("config", "set", "cheque_count", "3")
        assert amani(*CREATE, "1", "--count", "4", "--yes").code == 9
        assert amani(*CREATE, "1", "--count", "3", "--yes").code == 0
        assert amani(*CREATE, "1", "--count", "0", "--yes").code == 2

    def test_resumed_by_its_reference(self, amani: Amani, giver: Held) -> None:
        """The money ends in the middle; after a top-up the same command writes the rest, and no other."""
        giver.server.fund(giver.id, -4975)
        words = (*CREATE, "10", "--count", "4", "--reference", "r1", "--yes")
        first = amani(*words)
        assert first.code == 11  # ruled by the contract: some are done
        assert len(first.stdout.splitlines()) == 2
        giver.server.fund(giver.id, 100)
        second = amani(*words)
        assert second.code == 0
        codes = [*first.stdout.splitlines(), *second.stdout.splitlines()]
        assert len(set(codes)) == 4
        assert second.stderr.count("was written before; its code is not shown again") == 2
        assert {giver.server.balance_msat(cheque_code.decode(code).admin_key) for code in codes} == {10_000}
        assert giver.sat == 125 - 40
        assert amani(*words).stdout == ""
        assert giver.sat == 85
        compared(amani, giver)

    def test_killed_in_the_middle(self, amani: Amani, giver: Held, user: User, home: Path) -> None:
        """Each code is on its way as soon as it is money; what was not written is written by the same command."""
        words = (*CREATE, "10", "--count", "4", "--reference", "r1", "--yes")
        codes: list[str] = []
        killed = 0
        for step in itertools.count(14, 7):
            run = amani.process(*words, python=("-m", "tests.kit.stop_at", str(step)))
            codes += run.stdout.splitlines()
            if run.code == 0:
                break
            assert run.code in (-9, 8)
            killed += run.code == -9
            grow_older(home)
            amani("reconcile")
        assert len(set(codes)) == len(codes)
        shown = amani("cheque", "list", "--json").data
        open_ = [item for item in shown["items"] if item["status"] == "open"]
        assert sorted(item["reference"] for item in open_) == [f"r1#{number}" for number in (1, 2, 3, 4)]
        assert giver.sat == 5000 - 40
        assert held_by(giver.server, [wallet["id"] for wallet in user.wallets()]) == 40_000
        tell(f"{killed} kills in a set of four: 4 cheques; {compared(amani, giver)} msat compared")

    @pytest.mark.parametrize("by", ["create", "request"])
    def test_a_ledger_that_goes_away_behind_the_second_leaves_it_in_doubt_by_name(
        self, amani: Amani, giver: Held, user: User, monkeypatch: pytest.MonkeyPatch, by: str
    ) -> None:
        words: tuple[object, ...] = (*CREATE, "100", "--count", "3")
        if by == "request":
            words = ("request", "run", amani(*words, "--request", "--json").data["id"])
        read = list[str]()

        def gone(ws: Workspace, id: str) -> ChequeRow:
            read.append(id)
            if len(read) == 4:  # each is read twice once it is paid
                raise errors.Unreachable("the ledger is away", code="LEDGER_AWAY")
            return naming.must(ws, id)

        monkeypatch.setattr("amani_cli.cheques.writing.must", gone)
        run = amani(*words, "--yes", "--json")
        assert run.code == 8
        assert f"is in doubt: {read[3]}" in run.stderr
        assert giver.sat == 4800

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
    @pytest.mark.parametrize("by", ["create", "request"])
    def test_a_code_that_nobody_saw_is_told_of(self, amani: Amani, giver: Held, user: User, by: str) -> None:
        """Money left, so that 8 wins over 141."""
        words: tuple[object, ...] = (*CREATE, "100")
        if by == "request":
            words = ("request", "run", amani(*words, "--request", "--json").data["id"])
        with Path("/dev/full").open("w") as full:
            line = (sys.executable, "-m", "amani_cli", *map(str, words), "--yes", "--json")
            done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), check=False)
        [cheque] = amani("cheque", "list", "--json").data["items"]
        assert done.returncode == 8
        assert f"{cheque['id']}: begun, and the answer could not be written" in done.stderr
        assert giver.sat == 4900


class TestReference:
    def test_the_same_again_writes_no_second(self, amani: Amani, giver: Held) -> None:
        words = (*CREATE, "100", "--reference", "r1", "--yes", "--json")
        first = amani(*words).data
        amani.secrets.add(first.pop("code"))
        again = amani(*words).data
        assert again == {**first, "replayed": True}  # ruling 2: without the code
        assert giver.sat == 4900
        assert "its code is not shown again" in amani(*words[:-1]).stdout

    def test_for_something_else_it_is_refused(self, amani: Amani, giver: Held, taker: Held) -> None:
        write(amani, 100, "--reference", "r1")
        for words in ((*CREATE, "101"), (*CREATE, "100", "--memo", "x"), ("transfer", "taker", "100")):
            refused = amani(*words, "--reference", "r1", "--yes", "--json")
            assert (refused.code, refused.error["code"]) == (9, "REFERENCE_TAKEN")
        assert giver.sat == 4900

    def test_one_that_failed_is_written_anew(self, amani: Amani, giver: Held) -> None:
        words = (*CREATE, "5100", "--reference", "r1", "--yes", "--json")
        assert amani(*words).code == 7
        giver.server.fund(giver.id, 200)
        made = amani(*words).data
        assert (made["replayed"], made["status"]) == (False, "open")
        assert cheque_code.decode(made["code"]).amount_msat == 5_100_000
        assert amani("cheque", "show", "r1", "--json").data["id"] == made["id"]
        assert giver.sat == 100

    def test_and_the_pin_is_asked_for_again(self, amani: Amani, add_wallet: AddWallet) -> None:
        rich = add_wallet("rich", 10_000)
        amani("pin", "set", "--pin-stdin", stdin="271828")
        words = (*CREATE, "11k", "--reference", "r1", "--yes")
        assert amani(*words, "--pin-stdin", stdin="271828").code == 7
        rich.server.fund(rich.id, 10_000)
        assert amani(*words).code == 9
        assert rich.sat == 20_000
        assert amani(*words, "--pin-stdin", stdin="271828").code == 0
        assert amani(*words).code == 0  # it is written: nothing leaves, so nothing is asked

    def test_what_was_written_is_shown_again_whatever_the_rules_say_by_now(self, amani: Amani, giver: Held) -> None:
        """A retry from cron is told of its cheque, and not that nothing was sent."""
        amani("config", "set", "limit.cheque", "1/1h")
        one = (*CREATE, "100", "--reference", "r1", "--yes", "--json")
        made = amani(*one).data
        amani.secrets.add(made["code"])
        assert amani(*CREATE, "100", "--reference", "r2", "--yes", "--json").error["code"] == "RATE_LIMIT"
        assert amani("wallet", "limit", "giver", "--per-day", "1sat").code == 0
        again = amani(*one).data
        assert (again["id"], again["replayed"]) == (made["id"], True)
        assert giver.sat == 4900

    def test_a_set_that_was_begun_has_its_slot(self, amani: Amani, giver: Held) -> None:
        amani("config", "set", "limit.cheque", "1/1h")
        giver.server.fund(giver.id, -4985)
        words = (*CREATE, "10", "--count", "2", "--reference", "r1", "--yes")
        assert amani(*words).code == 11
        giver.server.fund(giver.id, 100)
        assert amani(*words).code == 0
        assert giver.sat == 95


class TestList:
    def test_what_is_outstanding_beside_what_the_wallets_hold(self, amani: Amani, giver: Held, taker: Held) -> None:
        codes = [write(amani, sat) for sat in (100, 200, 300)]
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=codes[1]).code == 0
        data = amani("cheque", "list", "--json").data
        assert [item["status"] for item in data["items"]] == ["open", "claimed", "open"]
        assert (data["outstanding_msat"], data["wallets_msat"]) == (400_000, giver.sat * 1000)
        assert all("code" not in item for item in data["items"])
        claimed = data["items"][1]
        assert (claimed["claimed_by"], claimed["outstanding_msat"]) == ("taker", 0)
        assert [item["amount_msat"] for item in amani("cheque", "list", "--status", "claimed", "--json").data["items"]]
        with amani.terminal("cheque", "list") as run:
            run.expect("outstanding: 400 sat")
            assert run.finish() == 0

    def test_a_status_is_looked_for_beyond_the_newest(self, amani: Amani, giver: Held, taker: Held, home: Path) -> None:
        """A list of what is open must not leave the oldest out because others were written since."""
        _, _, *rest = (write(amani, sat) for sat in (1, 2, 3, 4))
        for code in rest:
            assert amani("cheque", "claim", "-", "--to", "taker", stdin=code).code == 0
        change_database(home, "UPDATE cheque SET expires_at='2020-01-01T00:00:00Z' WHERE amount_msat=2000")

        def found(status: str, limit: int) -> list[int]:
            listed = amani("cheque", "list", "--status", status, "--limit", limit, "--json").data["items"]
            return [item["amount_msat"] // 1000 for item in listed]

        assert (found("open", 1), found("expired", 1)) == ([1], [2])
        assert (found("claimed", 1), found("claimed", 5)) == ([4], [4, 3])
        assert found("void", 5) == []

    def test_a_claim_elsewhere_is_seen(self, amani: Amani, giver: Held) -> None:
        code = write(amani)
        bearer = cheque_code.decode(code).admin_key
        stranger = giver.server.new_wallet()
        body = {"out": False, "amount": 100, "memo": "mine"}
        made = giver.server.call("POST", "/api/v1/payments", key=stranger[2], json=body)
        giver.server.call("POST", "/api/v1/payments", key=bearer, json={"out": True, "bolt11": made["bolt11"]})
        shown = amani("cheque", "show", code, "--json").data
        assert (shown["status"], shown["claimed_by"], shown["payment_hash"]) == ("claimed", None, made["payment_hash"])
        assert shown["claimed_at"].endswith("Z")

    def test_a_server_that_is_away(self, amani: Amani, giver: Held, home: Path) -> None:
        write(amani)
        change_database(home, "UPDATE cheque SET url='http://127.0.0.1:9'")
        listed = amani("cheque", "list", "--json")
        assert listed.data["items"][0]["status"] == "open"
        assert "as last seen" in listed.json["warnings"][0]

    def test_past_its_end_it_is_expired_and_still_outstanding(self, amani: Amani, giver: Held, home: Path) -> None:
        write(amani)
        change_database(home, "UPDATE cheque SET expires_at='2026-01-01T00:00:00Z'")
        data = amani("cheque", "list", "--json").data
        assert (data["items"][0]["status"], data["outstanding_msat"]) == ("expired", 100_000)

    def test_words_that_are_none(self, amani: Amani, giver: Held) -> None:
        for command in ("cheque", "invoice", "request", "history"):
            lost = amani(command, "list", "--status", "expird", "--json")
            assert (lost.code, lost.error["message"]) == (2, "no status 'expird'")
            near = "paid" if command == "history" else "expired"
            assert lost.error["hint"].startswith(f"Did you mean '{near}'? There are: ")
            assert amani(command, "list", "--status", near.upper()).code == 0
        assert amani("cheque", "show", "chq_nothing").code == 4


class TestReissue:
    def test_the_old_code_is_worthless(self, amani: Amani, giver: Held, taker: Held, user: User) -> None:
        old = write(amani)
        cheque_id = amani("cheque", "list", "-q").stdout.strip()
        fresh = amani("cheque", "reissue", cheque_id, "--yes", "-q").stdout.strip()
        assert fresh != old
        void = amani("cheque", "claim", "-", "--to", "taker", "--json", stdin=old)
        assert (void.code, void.error["code"]) == (6, "CHEQUE_VOID")
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=fresh).code == 0
        assert taker.sat == 100

    def test_without_a_login_it_is_refused(self, amani: Amani, giver: Held) -> None:
        code = write(amani)
        refused = amani("cheque", "reissue", code, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "LOGIN_NEEDED")
        assert "amani login" in refused.error["hint"]

    def test_of_one_that_is_over(self, amani: Amani, giver: Held, user: User, home: Path) -> None:
        """Nobody could claim it by the new code either."""
        code = write(amani)
        change_database(home, "UPDATE cheque SET expires_at='2020-01-01T00:00:00Z'")
        refused = amani("cheque", "reissue", code, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (6, "NOT_OPEN")
        assert "is expired" in refused.error["message"]

    def test_of_one_that_is_taken_back_just_then(
        self, amani: Amani, giver: Held, taker: Held, user: User, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its keys are left alone: a new code of it would be worth nothing to whoever it is given to."""
        code, read = write(amani), itertools.count(1)

        def over(ws: Workspace, text: str) -> ChequeRow:
            if next(read) == 2:
                change_database(home, "UPDATE cheque SET status='void'")
            return naming.must(ws, text)

        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.cheques.taking_back.must", over)
            refused = amani("cheque", "reissue", code, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (6, "NOT_OPEN")
        assert "is void" in refused.error["message"]
        change_database(home, "UPDATE cheque SET status='open'")
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=code).code == 0

    def test_of_one_that_is_claimed(self, amani: Amani, giver: Held, taker: Held, user: User) -> None:
        code = write(amani)
        amani("cheque", "claim", "-", "--to", "taker", stdin=code)
        assert amani("cheque", "reissue", code, "--yes", "--json").error["code"] == "NOT_OPEN"


class TestLnurl:
    def test_without_the_extension_it_is_refused(self, amani: Amani, giver: Held, user: User) -> None:
        refused = amani(*CREATE, "100", "--lnurl", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (6, "NO_WITHDRAW_EXTENSION")
        assert "withdraw" in refused.error["hint"]
        assert (giver.sat, amani("cheque", "list", "-q").stdout) == (5000, "")

    @pytest.mark.httpx_mock(should_mock=lambda request: request.url.path.startswith("/withdraw/"))
    def test_with_it_any_phone_can_claim(
        self, amani: Amani, giver: Held, user: User, httpx_mock: HTTPXMock, tmp_path: Path
    ) -> None:
        lnurl = "LNURL1DP68GURN8GHJ7MRWW4EXCTN8XYERY"
        httpx_mock.add_response(method="GET", json=[])
        httpx_mock.add_response(method="POST", status_code=201, json={"lnurl": lnurl})
        made = amani(*CREATE, "100", "--lnurl", "--qr-file", tmp_path / "q.svg", "--yes", "--json").data
        assert made["lnurl"] == lnurl
        assert made["code"].startswith("amani1")
        asked, linked = httpx_mock.get_requests()
        assert asked.method == "GET"
        body = json.loads(linked.content)
        assert (body["min_withdrawable"], body["max_withdrawable"], body["uses"]) == (100, 100, 1)
        assert linked.headers["X-Api-Key"] == cheque_code.decode(made["code"]).admin_key
        assert (tmp_path / "q.svg").exists()

    @pytest.mark.httpx_mock(should_mock=lambda request: request.url.path.startswith("/withdraw/"))
    def test_a_link_that_can_t_be_made_leaves_the_code_good(
        self, amani: Amani, giver: Held, taker: Held, user: User, httpx_mock: HTTPXMock
    ) -> None:
        httpx_mock.add_response(method="GET", json=[])
        httpx_mock.add_response(method="POST", status_code=500, text="oops")
        made = amani(*CREATE, "100", "--lnurl", "--yes", "--json")
        assert "the code is good all the same" in made.json["warnings"][0]
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=made.data["code"]).code == 0
