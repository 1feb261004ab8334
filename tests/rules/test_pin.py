"""`amani pin`: which PINs may be set, how they are given, what a wrong one costs, when one is needed."""

from __future__ import annotations

import re
import shutil
import signal
import time
from pathlib import Path

import bcrypt
import pytest

from amani_cli.rules import pins
from amani_cli.times import from_rfc3339, local
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit import ledgers
from tests.kit.books import tell
from tests.kit.crowd import at_once, codes
from tests.kit.driver import Amani, Result
from tests.kit.fincra_world import AddBusiness

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

PIN, OTHER, WRONG = "271828", "4831", "3690"
K = 1000


@pytest.fixture
def rich(add_wallet: AddWallet) -> Held:
    """The default wallet, with 50,000 sat."""
    return add_wallet("rich", 50 * K)


@pytest.fixture
def other(rich: Held, add_wallet: AddWallet) -> Held:
    """Where they go."""
    return add_wallet("other")


@pytest.fixture
def pinned(amani: Amani, rich: Held) -> Held:
    """The default wallet with a PIN."""
    assert amani("pin", "set", "--pin-stdin", stdin=PIN).code == 0
    return rich


def verify(amani: Amani, pin: str) -> Result:
    return amani("pin", "verify", "--pin-stdin", "--json", stdin=pin)


def status(amani: Amani) -> dict[str, object]:
    data = amani("pin", "status", "--json").data
    assert isinstance(data, dict)
    return data


class TestSet:
    def test_the_status_before_and_after(self, amani: Amani, rich: Held) -> None:
        before = status(amani)
        expected = {"wallet": "rich", "set": False, "locked_until": None, "attempts_left": 5, "always": False}
        assert before.items() >= expected.items()
        assert before["threshold_msat"] == 10_000_000
        answer = amani("pin", "set", "--pin-stdin", "--json", stdin=PIN + "\n")
        assert answer.data == {**before, "set": True}
        assert amani("pin", "status", "-q").stdout == "set\n"
        assert "needed:        above 10,000 sat" in amani("pin", "status").stdout

    def test_a_weak_one_is_refused_with_the_rule(self, amani: Amani, rich: Held) -> None:
        weak = (
            *("0000", "77777", "999999"),  # all the same
            *("1234", "56789", "456789", "7890", "890123"),  # ascending, through 0 too
            *("4321", "98765", "3210", "210987"),  # descending
            *("1212", "4747", "909090"),  # one pair again and again
            *("1900", "1984", "2026", "2099"),  # a year
        )
        for pin in weak:
            refused = amani("pin", "set", "--pin-stdin", "--json", stdin=pin)
            assert (refused.code, refused.error["code"]) == (2, "WEAK_PIN"), pin
            assert "not all the same, not ascending or descending" in refused.error["hint"]
            assert pin not in refused.error["message"] + refused.error["hint"].replace("1900-2099", "")
        assert status(amani)["set"] is False

    def test_anything_else_is_no_pin(self, amani: Amani, rich: Held) -> None:
        none = (
            "123",
            "2718281",
            "abcd",
            "27 18",
            " 2718",
            "27\x0018",
            "2718\x00",
            "٢٧١٨",
            "²718",
            "-271",
            "27.1",
            "\n",
        )
        for pin in none:
            assert amani("pin", "set", "--pin-stdin", "--json", stdin=pin).code == 2, pin
        assert status(amani)["set"] is False

    def test_what_the_rule_allows(self, amani: Amani, rich: Held) -> None:
        for pin in ("2718", "27182", "271828", "1213", "0001", "1899", "2100", "19840", "121213"):
            assert amani("pin", "set", "--pin-stdin", stdin=pin).code == 0, pin
            assert verify(amani, pin).code == 0
            assert amani("pin", "remove", "--pin-stdin", stdin=pin).code == 0

    def test_a_second_set_is_refused(self, amani: Amani, pinned: Held) -> None:
        refused = amani("pin", "set", "--pin-stdin", "--json", stdin=OTHER)
        assert (refused.code, refused.error["code"]) == (9, "PIN_SET")
        assert verify(amani, PIN).code == 0

    def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(self, amani: Amani, rich: Held) -> None:
        with amani.terminal("pin", "set") as run:
            run.expect("New PIN: ")
            run.type(PIN)
            run.expect("New PIN again: ")
            run.type(PIN)
            assert run.finish() == 0
        assert PIN not in run.seen
        assert verify(amani, PIN).code == 0

    def test_what_can_t_be_set_is_asked_for_again(self, amani: Amani, rich: Held) -> None:
        """Two that differ, and one that is easy to guess; an empty answer gives up, with nothing set."""
        with amani.terminal("pin", "set") as run:
            run.answer("New PIN: ", PIN)
            run.answer("New PIN again: ", OTHER)
            run.answer("the two are not the same; nothing was changed\r\nNew PIN: ", "1234")
            run.answer("New PIN again: ", "1234")
            run.answer("this PIN is too easy to guess\r\nNew PIN: ", "")
            assert run.finish() == 2
        assert status(amani)["set"] is False

    def test_a_wrong_one_is_asked_for_again_until_it_is_locked(self, amani: Amani, pinned: Held) -> None:
        with amani.terminal("pin", "change") as run:
            run.answer("PIN: ", WRONG)
            run.answer("wrong PIN; 4 attempts left this hour\r\nPIN: ", PIN)
            run.answer("New PIN: ", OTHER)
            run.answer("New PIN again: ", OTHER)
            assert run.finish() == 0
        assert verify(amani, OTHER).code == 0
        for words in (("pin", "remove"), ("pin", "change", "--always")):
            with amani.terminal(*words) as run:
                run.answer("PIN: ", WRONG)
                run.answer("attempts left this hour\r\nPIN: ", "")
                assert run.finish() == 3
        assert amani("pin", "verify", "--pin-stdin", stdin=WRONG).code == 3
        with amani.terminal("pin", "remove") as run:
            run.answer("PIN: ", WRONG)
            run.answer("1 attempts left this hour\r\nPIN: ", WRONG)
            run.expect("wrong PIN; locked until")
            assert run.finish() == 3  # and nothing more is asked
        assert run.seen.count("PIN: ") == 2
        assert status(amani)["set"] is True

    def test_a_wrong_admin_key_is_asked_for_again(self, amani: Amani, pinned: Held) -> None:
        with amani.terminal("pin", "reset") as run:
            run.answer("Admin key: ", pinned.read_key)
            run.answer("Admin key: ", pinned.admin_key)
            assert run.finish() == 0
        assert status(amani)["reset_at"] is not None

    def test_off_a_terminal_nothing_is_asked(self, amani: Amani, rich: Held) -> None:
        refused = amani("pin", "set", "--json")
        assert refused.code == 3
        assert "--pin-stdin or --pin-file" in refused.error["hint"]

    def test_never_as_an_argument(self, amani: Amani, rich: Held) -> None:
        """No option of any command takes a PIN as its value, and no argument either."""
        for words in (("pin", "set", PIN), ("pin", "set", "--pin", PIN), ("pin", "verify", PIN)):
            assert amani(*words).code == 2
        assert amani("pin", "set", "--pin-stdin=" + PIN).code == 2

    def test_two_at_once_leave_one_that_works(self, amani: Amani, rich: Held, tmp_path: Path) -> None:
        given = ["2718", "4831", "9045", "3177"]
        files = [write_key(tmp_path / f"pin{pin}", pin) for pin in given]
        runs = at_once(amani, [(("pin", "set", "--pin-file", file), None) for file in files])
        assert codes(runs) == {0: 1, 9: 3}
        assert verify(amani, given[[run.code for run in runs].index(0)]).code == 0


class TestKept:
    def test_neither_the_pin_nor_the_pepper_is_in_the_database(self, amani: Amani, pinned: Held, home: Path) -> None:
        verify(amani, WRONG)
        amani("pin", "change", "--pin-stdin", stdin=f"{PIN}\n{OTHER}\n")
        (kept,) = Path(f"{pinned.key_file}.amani").iterdir()
        pepper = kept.read_text().split(":")[0]
        assert re.fullmatch("[0-9a-f]{64}", pepper)
        assert kept.stat().st_mode & 0o777 == 0o600
        assert kept.parent.stat().st_mode & 0o777 == 0o700
        amani.secrets.add(pepper)  # the fixture looks for it in the database at the end
        amani.secrets.add(bytes.fromhex(pepper).hex().upper())
        assert ledgers.ask(home, "SELECT hash FROM pin")[0][0].startswith("$2b$")
        for path in home.glob("amani.db*"):
            assert bytes.fromhex(pepper) not in path.read_bytes()

    def test_the_hash_alone_is_of_no_use(self, amani: Amani, pinned: Held, home: Path) -> None:
        """The thief of the database tries the right PIN, and learns nothing."""
        (hashed,) = ledgers.ask(home, "SELECT hash FROM pin")[0]
        assert not bcrypt.checkpw(PIN.encode(), hashed.encode())
        assert amani.process("pin", "change", "--pin-stdin", stdin=f"{PIN}\n{OTHER}\n").code == 0
        assert ledgers.ask(home, "SELECT hash FROM pin")[0][0].startswith("$2b$12$")  # at the real cost
        shutil.rmtree(f"{pinned.key_file}.amani")
        lost = verify(amani, PIN)
        assert (lost.code, lost.error["code"]) == (3, "NO_PEPPER")
        assert "amani pin reset" in lost.error["hint"]
        assert amani("pay", pinned.invoice(11 * K), "--yes", "--pin-stdin", stdin=PIN).code == 3


class TestGiven:
    def test_by_stdin_file_or_prompt(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        assert verify(amani, PIN).code == 0
        assert amani("pin", "verify", "--pin-stdin", stdin=PIN + "\r\n").code == 0
        assert amani("pin", "verify", "--pin-file", write_key(tmp_path / "pin", PIN)).code == 0
        with amani.terminal("pin", "verify") as run:
            run.expect("PIN: ")
            run.type(PIN)
            assert run.finish() == 0
        assert PIN not in run.seen

    def test_a_file_that_others_can_read_is_refused(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        refused = amani("pin", "verify", "--pin-file", write_key(tmp_path / "pin", PIN, 0o644), "--json")
        assert refused.code == 3
        assert "chmod 600" in refused.error["hint"]
        assert status(amani)["attempts_left"] == 5

    def test_in_two_ways_at_once(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        path = write_key(tmp_path / "pin", PIN)
        assert amani("pin", "verify", "--pin-stdin", "--pin-file", path, stdin=PIN).code == 2
        assert amani("pay", pinned.invoice(1), "--yes", "--pin-stdin", "--pin-file", path, stdin=PIN).code == 2

    def test_what_is_nearly_right_is_wrong(self, amani: Amani, pinned: Held, home: Path) -> None:
        for pin in (PIN + "\n\n", " " + PIN, PIN + " ", PIN + "\x00", PIN[:-1], PIN + "0", "x" * 100):
            assert verify(amani, pin).code == 3, pin
            assert status(amani)["attempts_left"] == 4
            change_database(home, "DELETE FROM event")


class TestChange:
    def test_it_takes_the_old_one(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        assert amani("pin", "change", "--pin-stdin", stdin=f"{WRONG}\n{OTHER}\n").code == 3
        assert amani("pin", "change", "--pin-stdin", stdin=f"{PIN}\n{OTHER}\n").code == 0
        assert (verify(amani, PIN).code, verify(amani, OTHER).code) == (3, 0)
        old, new = write_key(tmp_path / "old", OTHER), write_key(tmp_path / "new", PIN)
        assert amani("pin", "change", "--pin-file", old, "--new-pin-file", new).code == 0
        assert verify(amani, PIN).code == 0

    def test_at_a_terminal(self, amani: Amani, pinned: Held) -> None:
        with amani.terminal("pin", "change") as run:
            run.answer("PIN: ", PIN)
            run.answer("New PIN: ", OTHER)
            run.answer("New PIN again: ", OTHER)
            assert run.finish() == 0
        assert OTHER not in run.seen
        assert verify(amani, OTHER).code == 0

    def test_to_a_weak_one(self, amani: Amani, pinned: Held) -> None:
        refused = amani("pin", "change", "--pin-stdin", "--json", stdin=f"{PIN}\n1111\n")
        assert (refused.code, refused.error["code"]) == (2, "WEAK_PIN")
        assert verify(amani, PIN).code == 0

    def test_killed_in_the_middle_one_of_the_two_works(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        files = {pin: write_key(tmp_path / pin, pin) for pin in (PIN, OTHER)}
        now, new = PIN, OTHER
        for step in range(1, 20):
            words = ("pin", "change", "--pin-file", files[now], "--new-pin-file", files[new])
            run = amani.process(*words, python=("-m", "tests.kit.stop_at", str(step)))
            works = [pin for pin in (PIN, OTHER) if verify(amani, pin).code == 0]
            assert len(works) == 1
            now, new = works[0], (OTHER if works[0] == PIN else PIN)
            if run.code == 0:
                break
        tell(f"{step - 1} kills in the middle of a change")
        assert step > 2

    def test_remove(self, amani: Amani, pinned: Held) -> None:
        assert amani("pin", "remove", "--pin-stdin", stdin=WRONG).code == 3
        assert amani("pin", "remove", "--pin-stdin", "--json", stdin=PIN).data["set"] is False
        assert list(Path(f"{pinned.key_file}.amani").iterdir()) == []
        gone = amani("pin", "remove", "--pin-stdin", "--json", stdin=PIN)
        assert (gone.code, gone.error["code"]) == (4, "NO_PIN")

    def test_the_threshold_is_changed_with_the_pin_alone(self, amani: Amani, pinned: Held) -> None:
        words = ("pin", "change", "--threshold", "20k", "--pin-stdin")
        assert amani(*words, stdin=WRONG).code == 3
        assert status(amani)["threshold_msat"] == 10_000_000
        assert amani("pin", "change", "--threshold", "20k").code == 3
        assert amani(*words, "--json", stdin=PIN).data["threshold_msat"] == 20_000_000
        assert amani("pin", "change", "--always", "--pin-stdin", stdin=WRONG).code == 3
        assert amani("pin", "change", "--always", "--pin-stdin", "--json", stdin=PIN).data["always"] is True
        assert verify(amani, PIN).code == 0

    @pytest.mark.parametrize("words", [("change",), ("set",)])
    def test_a_threshold_in_what_the_wallet_does_not_pay_in(
        self, amani: Amani, rich: Held, words: tuple[str, ...]
    ) -> None:
        """It would be kept, and never asked for anything."""
        if words == ("change",):
            amani("pin", "set", "--pin-stdin", stdin=PIN)
        refused = amani("pin", *words, "--threshold", "5USD", "--pin-stdin", "--json", stdin=PIN)
        assert (refused.code, refused.error["code"]) == (2, "BAD_AMOUNT")
        assert "is in sats" in refused.error["message"]
        status = amani("pin", "status", "--json").data
        assert (status["set"], status["thresholds"]) == (words == ("change",), [])

    @pytest.mark.parametrize("amount", ["5000", "5000sat", "0"])
    def test_a_threshold_of_a_fiat_wallet_without_a_currency(
        self, amani: Amani, add_business: AddBusiness, amount: str
    ) -> None:
        add_business()
        refused = amani("pin", "set", "--threshold", amount, "--pin-stdin", "--json", stdin=PIN)
        assert (refused.code, refused.error["code"]) == (2, "BAD_AMOUNT")
        assert amani("pin", "status", "--json").data["set"] is False
        set_ = amani("pin", "set", "--threshold", "NGN 5000", "--pin-stdin", "--json", stdin=PIN).data
        assert set_["thresholds"] == [{"value": "5000.00", "currency": "NGN"}]

    def test_a_new_pin_beside_a_threshold_is_not_ignored(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        new = write_key(tmp_path / "new.pin", OTHER)
        for words, stdin in (((), f"{PIN}\n{OTHER}\n"), (("--new-pin-file", new), PIN)):
            for when in (("--threshold", "60"), ("--always",)):
                refused = amani("pin", "change", *when, "--pin-stdin", *words, stdin=stdin)
                assert (refused.code, "a command of its own" in refused.stderr) == (2, True)
        status = amani("pin", "status", "--json").data
        assert (status["threshold_msat"], status["always"]) == (10_000_000, False)
        assert amani("pin", "verify", "--pin-stdin", stdin=PIN).code == 0

    def test_a_wallet_without_a_pin_has_no_threshold_to_change(self, amani: Amani, rich: Held) -> None:
        refused = amani("pin", "change", "--threshold", "20k", "--pin-stdin", "--json", stdin=PIN)
        assert (refused.code, refused.error["code"]) == (4, "NO_PIN")


class TestAttempts:
    def test_a_wrong_one_is_3_and_the_sixth_is_9_with_the_time(self, amani: Amani, pinned: Held, home: Path) -> None:
        for left in (4, 3, 2, 1):
            wrong = verify(amani, WRONG)
            assert (wrong.code, wrong.error["code"], wrong.error["money_moved"]) == (3, "WRONG_PIN", "no")
            assert f"{left} attempts left" in wrong.error["message"]
        assert verify(amani, WRONG).code == 3
        locked = verify(amani, PIN)  # the right one too
        assert (locked.code, locked.error["code"]) == (9, "PIN_LOCKED")
        until = str(status(amani)["locked_until"])
        assert f"locked until {local(until)}" in locked.error["message"]
        assert 3500 < from_rfc3339(until).timestamp() - time.time() < 3605
        assert status(amani)["attempts_left"] == 0
        change_database(home, "UPDATE event SET at=at-3590 WHERE kind='pin'")
        assert verify(amani, PIN).code == 9
        change_database(home, "UPDATE event SET at=at-11 WHERE kind='pin'")
        assert verify(amani, PIN).code == 0
        assert status(amani)["attempts_left"] == 5

    def test_the_hour_slides(self, amani: Amani, pinned: Held, home: Path) -> None:
        for _ in range(5):
            verify(amani, WRONG)
        change_database(home, "UPDATE event SET at=at-3700 WHERE id=(SELECT min(id) FROM event WHERE kind='pin')")
        assert verify(amani, WRONG).code == 3
        assert verify(amani, WRONG).code == 9

    def test_the_right_one_gives_them_back(self, amani: Amani, pinned: Held) -> None:
        for _ in range(3):
            for _ in range(4):
                assert verify(amani, WRONG).code == 3
            assert verify(amani, PIN).code == 0

    def test_a_clock_set_back_opens_no_lock(self, amani: Amani, pinned: Held, home: Path) -> None:
        for _ in range(5):
            verify(amani, WRONG)
        change_database(home, "UPDATE event SET at=at+86400 WHERE kind='pin'")
        assert verify(amani, PIN).code == 9

    def test_another_name_or_a_new_registration_buys_no_attempt(self, amani: Amani, pinned: Held) -> None:
        for _ in range(5):
            verify(amani, WRONG)
        amani("wallet", "rename", "rich", "poor")
        assert verify(amani, PIN).code == 9
        assert amani("wallet", "remove", "poor", "--yes").code == 0
        words = ("wallet", "add", "again", "--url", pinned.server.url, "--key-file", pinned.key_file)
        assert amani(*words).code == 0
        assert verify(amani, PIN).code == 9

    def test_fifty_at_once_get_five(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        """Fifty guesses, the right one not among them."""
        files = [write_key(tmp_path / f"guess{n}", f"{3000 + n * 7}") for n in range(50)]
        runs = at_once(amani, [(("pin", "verify", "--pin-file", file, "--json"), None) for file in files])
        assert codes(runs) == {3: 5, 9: 45}
        assert {run.error["code"] for run in runs} == {"WRONG_PIN", "PIN_LOCKED"}
        assert verify(amani, PIN).code == 9
        tell("50 processes guessed at one PIN: 5 were tried")

    def test_four_at_once_leave_one(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        file = write_key(tmp_path / "guess", WRONG)
        for _ in range(2):
            runs = at_once(amani, [(("pin", "verify", "--pin-file", file), None)] * 4)
            assert codes(runs) == {3: 4}
            assert status(amani)["attempts_left"] == 1
            assert verify(amani, PIN).code == 0

    def test_a_wrong_one_beside_the_right_one_locks_nothing(
        self, amani: Amani, pinned: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process is wrong just when another looks: that is no database restored from an older copy."""
        look, wrongs = pins._pepper, iter([WRONG])

        def slow_look(*args: object) -> tuple[str, int]:
            for pin in wrongs:
                assert amani.process("pin", "verify", "--pin-stdin", stdin=pin).code == 3
            return look(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(pins, "_pepper", slow_look)
        assert verify(amani, PIN).code == 0

    def test_killed_while_it_hashes_the_attempt_is_gone(self, amani: Amani, pinned: Held, tmp_path: Path) -> None:
        file = write_key(tmp_path / "guess", WRONG)
        hook = (
            "import bcrypt, os, sys; bcrypt.checkpw = lambda *_: os.kill(os.getpid(), 9);"
            "from amani_cli.__main__ import main; sys.argv[1:3] = []; main()"
        )
        for left in (4, 3, 2, 1, 0):
            run = amani.process("pin", "verify", "--pin-file", file, python=("-c", hook))
            assert run.code == -signal.SIGKILL
            assert status(amani)["attempts_left"] == left
        assert amani.process("pin", "verify", "--pin-file", file, python=("-c", hook)).code == 9
        assert verify(amani, PIN).code == 9
        tell("5 kills inside bcrypt cost 5 attempts")

    def test_a_database_restored_from_an_older_copy_starts_locked(self, amani: Amani, pinned: Held, home: Path) -> None:
        verify(amani, PIN)
        copy = ledgers.Kept(home)
        for _ in range(3):
            verify(amani, WRONG)
        copy.put_back()
        locked = verify(amani, PIN)
        assert (locked.code, locked.error["code"]) == (9, "PIN_LOCKED")
        change_database(home, "UPDATE event SET at=at-3700 WHERE kind='pin'")
        assert verify(amani, PIN).code == 0  # once: the copy has caught up
        assert verify(amani, PIN).code == 0

    def test_each_is_in_the_audit_log(self, amani: Amani, rich: Held) -> None:
        amani("pin", "set", "--pin-stdin", "--actor", "asha", stdin=PIN)
        verify(amani, WRONG)
        amani("pin", "change", "--pin-stdin", stdin=f"{PIN}\n{OTHER}\n")
        amani("pin", "change", "--threshold", "5k", "--pin-stdin", stdin=OTHER)
        amani("pin", "remove", "--pin-stdin", stdin=OTHER)
        items = amani("audit", "list", "--what", "pin", "--json").data["items"]
        assert [(item["what"], item["outcome"]) for item in items][::-1] == [
            ("pin set", "done"),
            ("pin", "wrong"),
            ("pin change", "done"),
            ("pin threshold", "above 5000000 msat"),
            ("pin remove", "done"),
        ]
        assert items[-1]["actor"] == "asha"


class TestNeeded:
    def test_up_to_and_including_10_000_sat_by_nobody(self, amani: Amani, rich: Held, other: Held) -> None:
        assert amani("pay", other.invoice(10 * K), "--yes").code == 0
        refused = amani("pay", other.invoice(10 * K + 1), "--yes", "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (9, "PIN_NEEDED", "no")
        assert "10,000 sat" in refused.error["message"]
        assert "amani pin set" in refused.error["hint"]
        assert (rich.sat, other.sat) == (40 * K, 10 * K)

    def test_above_it_the_pin(self, amani: Amani, pinned: Held, other: Held) -> None:
        text = other.invoice(10 * K + 1)
        nobody = amani("pay", text, "--yes", "--json")
        assert (nobody.code, nobody.error["code"]) == (9, "PIN_NEEDED")
        wrong = amani("pay", text, "--yes", "--pin-stdin", "--json", stdin=WRONG)
        assert (wrong.code, wrong.error["code"]) == (3, "WRONG_PIN")
        assert other.records() == [each for each in other.records() if each["status"] == "pending"]
        assert amani("history", "list", "--json").data["items"] == []
        assert amani("pay", text, "--yes", "--pin-stdin", stdin=PIN).code == 0
        assert other.sat == 10 * K + 1
        assert amani("pay", other.invoice(10 * K), "--yes").code == 0

    def test_at_a_terminal_it_is_asked_for_after_the_question(self, amani: Amani, pinned: Held, other: Held) -> None:
        with amani.terminal("pay", other.invoice(11 * K)) as run:
            run.expect("[y/N]")
            run.type("y")
            run.answer("PIN of wallet 'rich': ", WRONG)
            run.answer("PIN of wallet 'rich': ", PIN)
            assert run.finish() == 0
        assert PIN not in run.seen
        assert other.sat == 11 * K

    def test_yes_skips_no_rule(self, amani: Amani, pinned: Held, other: Held) -> None:
        assert amani("pay", other.invoice(11 * K), "--yes").code == 9
        assert amani("transfer", "other", "11k", "--yes").code == 9
        assert amani("cheque", "create", "11k", "--yes").code == 9
        assert pinned.sat == 50 * K

    @pytest.mark.parametrize("words", [("transfer", "other"), ("cheque", "create")])
    def test_for_all_that_leaves(self, amani: Amani, pinned: Held, other: Held, words: tuple[str, ...]) -> None:
        assert amani(*words, "11k", "--yes").code == 9
        assert amani(*words, "11k", "--yes", "--pin-stdin", stdin=WRONG).code == 3
        assert amani("history", "list", "--json").data["items"] == []
        assert amani(*words, "11k", "--yes", "--pin-stdin", stdin=PIN).code == 0
        assert pinned.sat == 39 * K

    def test_always(self, amani: Amani, rich: Held, other: Held) -> None:
        assert amani("pin", "set", "--always", "--pin-stdin", "--json", stdin=PIN).data["always"] is True
        for words in (("pay", other.invoice(1)), ("transfer", "other", "1"), ("cheque", "create", "1")):
            refused = amani(*words, "--yes", "--json")
            assert (refused.code, refused.error["code"]) == (9, "PIN_NEEDED")
            assert amani(*words, "--yes", "--pin-stdin", stdin=PIN).code == 0
        assert rich.sat == 50 * K - 3

    def test_looking_never_needs_it(self, amani: Amani, rich: Held) -> None:
        amani("pin", "set", "--always", "--pin-stdin", stdin=PIN)
        for words in (("wallet", "balance"), ("invoice", "create", "5"), ("history", "list"), ("reconcile",)):
            assert amani(*words).code == 0

    def test_count_times_amount(self, amani: Amani, rich: Held) -> None:
        """Ruling 3: the threshold looks at the whole of one command."""
        assert amani("cheque", "create", "2501", "--count", "4", "--yes").code == 9
        assert amani("cheque", "create", "9999", "--outside", "--yes").code == 9  # with its reserve
        assert rich.sat == 50 * K
        assert amani("cheque", "create", "2500", "--count", "4", "--yes").code == 0
        amani("pin", "set", "--pin-stdin", stdin=PIN)
        assert amani("cheque", "create", "2501", "--count", "4", "--yes", "--pin-stdin", stdin=PIN).code == 0

    def test_the_threshold_that_was_set(self, amani: Amani, rich: Held, other: Held) -> None:
        amani("pin", "set", "--threshold", "100", "--pin-stdin", stdin=PIN)
        assert amani("pay", other.invoice(100), "--yes").code == 0
        assert amani("pay", other.invoice(101), "--yes").code == 9
        amani("pin", "change", "--threshold", "0", "--pin-stdin", stdin=PIN)
        assert amani("pay", other.invoice(1), "--yes").code == 9

    def test_locked_it_sends_what_needs_none(self, amani: Amani, pinned: Held, other: Held) -> None:
        for _ in range(5):
            verify(amani, WRONG)
        refused = amani("pay", other.invoice(11 * K), "--yes", "--pin-stdin", "--json", stdin=PIN)
        assert (refused.code, refused.error["code"]) == (9, "PIN_LOCKED")
        assert amani("pay", other.invoice(5), "--yes").code == 0

    def test_the_wallet_of_the_environment_too(self, amani: Amani, pinned: Held, other: Held) -> None:
        """The same wallet by its key in the environment has the same PIN."""
        env = {"LNBITS_API_KEY": pinned.admin_key, "LNBITS_BASE_URL": pinned.server.url, "AMANI_WALLET": "env"}
        assert amani("pin", "status", "--json", env=env).data["set"] is True
        assert amani("pay", other.invoice(11 * K), "--yes", env=env).code == 9


class TestReset:
    @pytest.fixture
    def forgotten(self, amani: Amani, pinned: Held) -> Held:
        answer = amani("pin", "reset", "--key-stdin", "--json", stdin=pinned.admin_key)
        due = from_rfc3339(answer.data["reset_at"]).timestamp()
        assert 86_300 < due - time.time() < 86_500
        return pinned

    def test_it_falls_away_after_a_day_and_not_before(
        self, amani: Amani, forgotten: Held, other: Held, home: Path
    ) -> None:
        assert status(amani)["set"] is True
        assert amani("pay", other.invoice(11 * K), "--yes").code == 9
        ledgers.move_back(home, "pin", "reset_at", 86_390)
        assert status(amani)["set"] is True
        ledgers.move_back(home, "pin", "reset_at", 15)
        assert status(amani)["set"] is False
        # Without one it can't send more than the threshold; a new one can be set.
        assert amani("pay", other.invoice(11 * K), "--yes", "--pin-stdin", stdin=PIN).code == 9
        assert amani("pin", "set", "--pin-stdin", stdin=OTHER).code == 0
        assert amani("pay", other.invoice(11 * K), "--yes", "--pin-stdin", stdin=OTHER).code == 0
        steps = [(item["what"], item["outcome"]) for item in amani("audit", "list", "--json").data["items"]]
        assert ("pin reset", "begun") in steps
        assert ("pin reset", "done") in steps

    def test_the_right_pin_calls_it_off(self, amani: Amani, forgotten: Held) -> None:
        verify(amani, WRONG)
        assert status(amani)["reset_at"] is not None
        verify(amani, PIN)
        assert status(amani)["reset_at"] is None
        items = amani("audit", "list", "--what", "pin reset", "--json").data["items"]
        assert [item["outcome"] for item in items] == ["called off", "begun"]

    def test_the_lost_pepper_s_way_out(self, amani: Amani, forgotten: Held, home: Path) -> None:
        shutil.rmtree(f"{forgotten.key_file}.amani")
        change_database(home, "UPDATE pin SET reset_at='2026-01-01T00:00:00Z'")
        assert amani("pin", "set", "--pin-stdin", stdin=OTHER).code == 0
        assert verify(amani, OTHER).code == 0

    def test_it_wants_this_wallet_s_admin_key(self, amani: Amani, pinned: Held, other: Held) -> None:
        for key in (other.admin_key, pinned.read_key, "0123456789abcdef" * 2):
            refused = amani("pin", "reset", "--key-stdin", "--json", stdin=key)
            assert (refused.code, refused.error["code"]) == (3, "KEY_REFUSED")
        assert amani("pin", "reset").code == 3
        assert status(amani)["reset_at"] is None

    def test_the_delay_is_a_setting(self, amani: Amani, pinned: Held) -> None:
        amani("config", "set", "pin_reset_delay", "7d")
        answer = amani("pin", "reset", "--key-stdin", "--json", stdin=pinned.admin_key)
        assert from_rfc3339(answer.data["reset_at"]).timestamp() - time.time() > 6.9 * 86400
