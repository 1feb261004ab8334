"""Who may approve, above which line: loosening takes the PIN, and once there is an approver, signatures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held
from tests.kit.driver import Amani, Result
from tests.kit.going_back import Copied
from tests.kit.machine import Machine
from tests.kit.persons import Person, exported, filed
from tests.requests.conftest import NewPerson

pytestmark = pytest.mark.lnbits

PIN = "4825\n"


def error(run: Result) -> tuple[int, str]:
    """How a run was refused."""
    return run.code, str(run.error["code"])


@pytest.fixture
def done(amani: Amani, ana: Person, tmp_path: Path) -> Callable[..., Result]:
    """Files a change, has it signed by Ana (or who is said), and carries it out."""

    def do(*words: object, by: Person = ana) -> Result:
        change = filed(amani(*words, "--request", "--json"))
        signed = by.signs(exported(amani, change["id"], tmp_path / f"{change['id']}.json"))
        return amani("request", "run", change["id"], "--approval", signed, "--yes", "--json")

    return do


LOOSER = {
    "raising the line": ("wallet", "limit", "main", "--approve-above", "1001sat"),
    "lifting the line": ("wallet", "limit", "main", "--approve-above", "off"),
    "by whom": ("wallet", "limit", "main", "--approvers", "any"),
}


class TestLoosening:
    @pytest.mark.parametrize("what", LOOSER)
    def test_takes_a_signature(
        self, amani: Amani, line: Held, ana: Person, done: Callable[..., Result], what: str
    ) -> None:
        assert amani("wallet", "limit", "main", "--approve-above", "900sat", "--approvers", "ana", "--json").code == 9
        # Naming who may is a change of who decides, even when they are the same.
        assert amani("wallet", "limit", "main", "--approve-above", "900sat").code == 0  # tighter: the PIN is enough
        words = LOOSER[what]
        if what == "by whom":
            assert done("wallet", "limit", "main", "--approvers", "ana").code == 0
        assert error(amani(*words, "--json")) == (9, "NEEDS_APPROVAL")
        assert error(amani(*words, "--yes", "--json")) == (9, "NEEDS_APPROVAL")
        assert done(*words).data["status"] == "settled"
        shown = {each["name"]: each["allowed"] for each in amani("wallet", "limit", "main", "--json").data["items"]}
        expected = {"raising the line": "1,001 sat", "lifting the line": None, "by whom": "900 sat"}[what]
        assert shown.get("approval above") == expected

    def test_adding_and_removing_approvers(
        self, amani: Amani, line: Held, other: Held, ana: Person, person: NewPerson, done: Callable[..., Result]
    ) -> None:
        mallory = person("mallory")
        for more in ((), ("--wallet", "main"), ("--wallet", "other")):
            assert error(amani("approver", "add", "mallory", mallory.public, *more, "--json")) == (9, "NEEDS_APPROVAL")
        assert error(amani("approver", "remove", "ana", "--json")) == (9, "NEEDS_APPROVAL")
        assert error(done("approver", "remove", "ana")) == (9, "TOO_FEW_APPROVERS")
        assert done("approver", "add", "ben", mallory.public).code == 0
        assert [each["name"] for each in amani("approver", "list", "--json").data["items"]] == ["ana", "ben"]
        assert done("approver", "remove", "ana").code == 0

    def test_a_key_that_was_added_by_mallory_alone_is_no_way_around(
        self, amani: Amani, line: Held, other: Held, person: NewPerson, tmp_path: Path
    ) -> None:
        """Signing one's own admission does not count: one is no approver yet."""
        mallory = person("mallory")
        change = filed(amani("approver", "add", "mallory", mallory.public, "--request", "--json"))
        signed = mallory.signs(exported(amani, change["id"], tmp_path / "c.json"))
        run = amani("request", "run", change["id"], "--approval", signed, "--yes", "--json")
        assert error(run) == (9, "NOT_AN_APPROVER")

    def test_lowering_the_line_and_raising_it_again_is_no_way_around(self, amani: Amani, line: Held) -> None:
        assert amani("wallet", "limit", "main", "--approve-above", "1sat").code == 0
        assert error(amani("wallet", "limit", "main", "--approve-above", "1000sat", "--json")) == (9, "NEEDS_APPROVAL")

    def test_asking_for_fewer_approvals(
        self,
        amani: Amani,
        line: Held,
        other: Held,
        ana: Person,
        person: NewPerson,
        done: Callable[..., Result],
        tmp_path: Path,
    ) -> None:
        ben = person("ben")
        assert done("approver", "add", "ben", ben.public).code == 0
        assert error(amani("wallet", "limit", "main", "--approvals", "3", "--json")) == (2, "TOO_FEW_APPROVERS")
        assert amani("wallet", "limit", "main", "--approvals", "2").code == 0
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        assert request["needed"] == 2
        file = exported(amani, request["id"], tmp_path / "r.json")
        words = ("request", "run", request["id"], "--yes", "--json")
        one = amani(*words, "--approval", ana.signs(file))
        assert "has 1 of the 2 approvals" in one.error["message"]
        twice = amani(*words, "--approval", ana.signs(file))
        assert "has 1 of the 2 approvals" in twice.error["message"]
        # One of two can't take the rule away from the other.
        assert error(done("wallet", "limit", "main", "--approvals", "1")) == (9, "NEEDS_APPROVAL")
        assert amani(*words, "--approval", ben.signs(file)).data["status"] == "settled"

    def test_takes_the_pin_as_well(self, amani: Amani, line: Held, ana: Person, tmp_path: Path) -> None:
        assert amani("pin", "set", "--pin-stdin", "--wallet", "main", stdin=PIN).code == 0
        assert error(amani("wallet", "limit", "main", "--approve-above", "900sat", "--json")) == (9, "PIN_NEEDED")
        words = ("wallet", "limit", "main", "--approve-above", "900sat", "--pin-stdin")
        assert amani(*words, stdin=PIN).code == 0
        change = filed(amani("wallet", "limit", "main", "--approve-above", "off", "--request", "--json"))
        signed = ana.signs(exported(amani, change["id"], tmp_path / "c.json"))
        run = ("request", "run", change["id"], "--approval", signed, "--yes", "--json")
        assert error(amani(*run)) == (9, "PIN_NEEDED")
        assert amani(*run[:3], "--yes", "--pin-stdin", stdin=PIN).code == 0

    def test_a_change_that_was_edited_or_made_twice(
        self, amani: Amani, line: Held, ana: Person, tmp_path: Path, home: Path
    ) -> None:
        change = filed(amani("wallet", "limit", "main", "--approve-above", "2000sat", "--request", "--json"))
        signed = ana.signs(exported(amani, change["id"], tmp_path / "c.json"))
        words = ("request", "run", change["id"], "--approval", signed, "--yes", "--json")
        assert amani(*words).data["status"] == "settled"
        assert amani("wallet", "limit", "main", "--approve-above", "500sat").code == 0
        assert amani(*words).data["status"] == "settled"  # told again, not done again
        shown = {each["name"]: each["allowed"] for each in amani("wallet", "limit", "main", "--json").data["items"]}
        assert shown["approval above"] == "500 sat"


class TestApprovers:
    def test_the_public_half_says_whose_it_is(self, amani: Amani, main: Held, ana: Person) -> None:
        (row,) = amani("approver", "list", "--json").data["items"]
        assert (row["os_user"], row["host"]) == ("ana", "anas-laptop")
        changed = ana.public.replace("ana@", "ben@")
        assert error(amani("approver", "add", "ben", changed, "--json")) == (2, "BAD_APPROVER_KEY")
        assert error(amani("approver", "add", "ben", "hello", "--json")) == (2, "BAD_APPROVER_KEY")
        assert error(amani("approver", "add", "ben", ana.public, "--json")) == (2, "NAME_TAKEN")

    def test_a_key_is_made_once_and_is_its_maker_s(self, amani: Amani, ana: Person) -> None:
        assert error(ana("approver", "init", "--json")) == (2, "APPROVER_SET")
        assert ana("approver", "show", "-q").stdout.strip() == ana.public
        ana.name = "ben"  # somebody else in Ana's home
        assert error(ana("approver", "show", "--json")) == (3, "NO_APPROVER_KEY")

    def test_in_the_keyring(self, amani: Amani, keyring: dict[tuple[str, str], str]) -> None:
        made = amani("approver", "init", "--json").data
        assert any("approver:" in name for _, name in keyring)
        assert amani("approver", "show", "--json").data["public_key"] == made["public_key"]

    def test_variables_make_nobody_else(self, amani: Amani, line: Held, other: Held) -> None:
        words = ("pay", other.invoice(2000), "--request", "--json")
        mallory = {"USER": "ana", "LOGNAME": "ana", "HOSTNAME": "anas-laptop", "AMANI_ACTOR": "ana"}
        plain, claimed = filed(amani(*words)), filed(amani.process(*words, env=mallory))
        assert (claimed["os_user"], claimed["host"]) == (plain["os_user"], plain["host"])

    def test_for_one_wallet_alone(
        self, amani: Amani, main: Held, other: Held, person: NewPerson, tmp_path: Path
    ) -> None:
        ana, ben = person("ana"), person("ben")
        assert amani("approver", "add", "ana", ana.public, "--wallet", "main").code == 0
        assert amani("approver", "add", "ben", ben.public, "--wallet", "other").code == 0
        assert amani("wallet", "limit", "main", "--approve-above", "100sat").code == 0
        request = filed(amani("pay", other.invoice(200), "--wallet", "main", "--request", "--json"))
        file = exported(amani, request["id"], tmp_path / "r.json")
        words = ("request", "run", request["id"], "--yes", "--json", "--approval")
        assert error(amani(*words, ben.signs(file))) == (9, "NOT_AN_APPROVER")
        assert amani(*words, ana.signs(file)).data["status"] == "settled"
        # Somebody for every wallet would approve for this one too: that is for Ana and Ben to say, not for the PIN.
        mallory = person("mallory")
        assert error(amani("approver", "add", "mallory", mallory.public, "--json")) == (9, "NEEDS_APPROVAL")

    def test_a_line_needs_who_can_approve(self, amani: Amani, main: Held) -> None:
        assert error(amani("wallet", "limit", "main", "--approve-above", "5sat", "--json")) == (2, "TOO_FEW_APPROVERS")


class TestLostKeys:
    def test_the_way_of_a_forgotten_pin(
        self, amani: Amani, line: Held, other: Held, person: NewPerson, machine: Machine
    ) -> None:
        words = ("approver", "remove", "ana", "--lost", "--key-stdin", "--wallet", "main", "--json")
        assert error(amani(*words, stdin=other.admin_key)) == (3, "KEY_REFUSED")
        asked = filed(amani(*words, stdin=line.admin_key))
        assert asked["not_before"] is not None
        run = ("request", "run", asked["id"], "--yes", "--json")
        assert error(amani(*run)) == (9, "TOO_EARLY")
        machine.set(25 * 3600)  # a clock that is set ahead lets no day pass
        assert error(amani(*run)) == (9, "TOO_EARLY")
        machine.set(0)
        machine.goes_on(24 * 3600 + 60)
        assert amani(*run).data["status"] == "settled"
        assert amani("approver", "list", "--json").data["items"] == []
        invoice = other.invoice(2000, expiry=500_000)
        assert error(amani("pay", invoice, "--yes", "--json")) == (9, "NEEDS_APPROVAL")
        assert amani("approver", "add", "ben", person("ben").public).code == 0

    def test_whoever_has_it_still_can_refuse(
        self, amani: Amani, line: Held, ana: Person, machine: Machine, tmp_path: Path
    ) -> None:
        words = ("approver", "remove", "ana", "--lost", "--key-stdin", "--wallet", "main", "--json")
        asked = filed(amani(*words, stdin=line.admin_key))
        no = ana.signs(exported(amani, asked["id"], tmp_path / "l.json"), "refuse")
        run = amani("request", "run", asked["id"], "--approval", no, "--yes", "--json")
        assert error(run) == (9, "REQUEST_CLOSED")
        machine.goes_on(24 * 3600 + 60)
        assert error(amani("request", "run", asked["id"], "--yes", "--json")) == (9, "REQUEST_CLOSED")

    def test_a_line_that_was_drawn_meanwhile_needs_them_too(
        self, amani: Amani, line: Held, other: Held, ana: Person, machine: Machine
    ) -> None:
        words = ("approver", "remove", "ana", "--lost", "--key-stdin", "--wallet", "main", "--json")
        asked = filed(amani(*words, stdin=line.admin_key))
        assert amani("wallet", "limit", "other", "--approve-above", "1sat").code == 0
        machine.goes_on(24 * 3600 + 60)
        run = amani("request", "run", asked["id"], "--yes", "--json")
        assert error(run) == (9, "NOT_AN_APPROVER")
        assert "other" in run.error["message"]
        assert [each["name"] for each in amani("approver", "list", "--json").data["items"]] == ["ana"]

    def test_not_with_the_key_of_another_wallet(
        self, amani: Amani, line: Held, other: Held, ana: Person, done: Callable[..., Result]
    ) -> None:
        words = ("approver", "remove", "ana", "--lost", "--key-stdin", "--wallet", "other", "--json")
        assert error(amani(*words, stdin=other.admin_key)) == (9, "NOT_AN_APPROVER")


def test_a_copy_that_is_restored_pays_nothing_twice(
    amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path, copied: Copied
) -> None:
    """Approved in the copy too: held until it was read back, and then it is known to be paid."""
    request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
    signed = ana.signs(exported(amani, request["id"], tmp_path / "r.json"))
    words = ("request", "run", request["id"])
    assert amani(*words, "--approval", signed).code == 5
    restore = copied()
    paid = amani(*words, "--yes", "--json").data["payment_hash"]
    restore()
    assert error(amani(*words, "--yes", "--json")) == (9, "RECONCILE_FIRST")
    amani("reconcile")
    again = amani(*words, "--yes", "--json").data
    assert (again["payment_hash"], again["replayed"]) == (paid, True)
    assert line.sat == 8000


def test_it_follows_the_wallet_at_its_server(amani: Amani, line: Held, other: Held, add_wallet: AddWallet) -> None:
    assert amani("wallet", "rename", "main", "till").code == 0
    assert error(amani("pay", other.invoice(2000), "--wallet", "till", "--yes", "--json")) == (9, "NEEDS_APPROVAL")
    change = {"LNBITS_API_KEY": line.admin_key, "LNBITS_BASE_URL": line.server.url}
    assert amani("wallet", "remove", "till", "--yes").code == 0
    assert amani("wallet", "remove", "other", "--yes").code == 0
    run = amani("pay", other.invoice(2000), "--wallet", "env", "--yes", "--json", env=change)
    assert error(run) == (9, "NEEDS_APPROVAL")
    assert line.sat == 10_000


def test_all_of_it_is_audited(amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> None:
    request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
    signed = ana.signs(exported(amani, request["id"], tmp_path / "r.json"))
    assert amani("request", "run", request["id"], "--approval", signed, "--yes").code == 0
    entries = amani("audit", "list", "--limit", "50", "--json").data["items"]
    told = [(each["what"], each["outcome"].split(" ")[0]) for each in reversed(entries)]
    for each in (("approver add", "ana"), ("approval line", "line"), ("request", "filed:"), ("request", "approved")):
        assert each in told
    assert [outcome for what, outcome in told if what == "request"] == ["filed:", "approved", "carried", "settled"]
    assert amani("audit", "verify").code == 0
