"""Requests: filed, approved by somebody else, carried out once; every other way is refused with its sentence."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AddWallet, Held, change_database
from tests.kit import ledgers
from tests.kit.driver import Amani, Result
from tests.kit.machine import Machine
from tests.kit.persons import Person, edited, exported, filed
from tests.requests.conftest import NewPerson

pytestmark = pytest.mark.lnbits


def refused(run: Result, code: str, exit_code: int = 9) -> str:
    """The sentence of a run that was refused, with nothing moved."""
    assert (run.code, run.error["code"], run.error["money_moved"]) == (exit_code, code, "no"), run
    return str(run.error["message"])


class TestFilesBetweenMachines:
    def test_a_payment_from_filing_to_receipt(
        self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path
    ) -> None:
        invoice = other.invoice(2000, "rent")
        said = refused(amani("pay", invoice, "--yes", "--json"), "NEEDS_APPROVAL")
        assert "2,000 sat" in said
        assert "1,000 sat" in said
        request = filed(amani("pay", invoice, "--memo", "rent of may", "--request", "--json"))
        assert (request["status"], request["needed"], request["amount_msat"]) == ("open", 1, 2_000_000)
        assert refused(amani("request", "run", request["id"], "--yes", "--json"), "NEEDS_APPROVAL").startswith(
            f"request {request['id']} has 0 of the 1 approvals"
        )
        file = exported(amani, request["id"], tmp_path / "r.json")
        signed = ana.signs(file)
        assert line.sat == 10_000
        words = ("request", "run", "-", "--approval", signed, "--yes", "--json")
        run = amani(*words, stdin=file.read_text())
        assert run.data["status"] == "settled"
        assert run.data["memo"] == "rent of may"
        assert line.sat == 8000
        again = amani("request", "run", file, "--approval", signed, "--yes", "--json")
        assert (again.data["id"], again.data["replayed"]) == (run.data["id"], True)
        assert amani("pay", invoice, "--yes", "--json").data["replayed"] is True
        assert line.sat == 8000
        shown = amani("request", "show", request["id"], "--json").data
        assert (shown["status"], shown["payment"]) == ("settled", run.data["id"])
        assert [(each["name"], each["counts"]) for each in shown["approvals"]] == [("ana", True)]

    def test_the_newest_of_a_status_are_listed_however_many_others_came_since(
        self, amani: Amani, line: Held, other: Held
    ) -> None:
        waiting = filed(amani("pay", other.invoice(2000), "--request", "--json"))["id"]
        later = filed(amani("pay", other.invoice(2001), "--request", "--json"))["id"]
        assert amani("request", "cancel", later, "--yes").code == 0
        found = amani("request", "list", "--status", "open", "--limit", 1, "--json").data["items"]
        assert [each["id"] for each in found] == [waiting]

    def test_it_reads_like_the_question(self, amani: Amani, line: Held, other: Held) -> None:
        request = filed(amani("pay", other.invoice(2000, "rent"), "--request", "--json"))
        shown = amani("request", "show", request["id"]).stdout
        for part in ("2,000 sat", "wallet:", "main", "fee at most", "rent", "0 of 1 needed", request["digest"]):
            assert part in shown
        assert request["id"] in amani("request", "list").stdout

    def test_below_the_line_nothing_changes(self, amani: Amani, line: Held, other: Held) -> None:
        assert amani("pay", other.invoice(1000), "--yes").code == 0

    def test_edited_by_one_byte(self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> None:
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        file = exported(amani, request["id"], tmp_path / "r.json")

        def more(data: dict[str, dict[str, dict[str, str]]]) -> None:
            data["request"]["sums"]["msat"] = "2000001"

        edited(file, more)
        assert "was changed since it was filed" in refused(
            ana("request", "approve", file, "--yes", "--json"), "REQUEST_EDITED"
        )
        refused(amani("request", "run", file, "--yes", "--json"), "REQUEST_EDITED")

    def test_edited_in_the_ledger(
        self, amani: Amani, line: Held, other: Held, ana: Person, home: Path, tmp_path: Path
    ) -> None:
        """Even with the digest made to fit: the signature was about another one."""
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        signed = ana.signs(exported(amani, request["id"], tmp_path / "r.json"))
        amani("request", "run", request["id"], "--approval", signed, "--no-input")  # keeps the signature
        change_database(home, "UPDATE request SET body=replace(body, '2000000', '2000001')")
        refused(amani("request", "run", request["id"], "--yes", "--json"), "REQUEST_EDITED")
        from hashlib import sha256

        body = ledgers.ask(home, "SELECT body FROM request")[0][0]
        change_database(home, "UPDATE request SET digest=?", sha256(body.encode()).hexdigest())
        assert "what ana signed is not this request" in refused(
            amani("request", "run", request["id"], "--yes", "--json"), "NEEDS_APPROVAL"
        )
        assert line.sat == 10_000

    def test_one_that_was_put_together_by_hand(
        self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path
    ) -> None:
        """What an approver sees is made of the terms: it can't say one thing and do another."""
        from amani_cli.rules import written

        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        for terms in ({"to": other.invoice(9000)}, {"to": line.invoice(2000)}, {"payee": "02" * 33}):
            file = exported(amani, request["id"], tmp_path / "r.json")

            def change(data: dict[str, Any], terms: dict[str, str] = terms) -> None:
                data["request"]["terms"] |= terms
                data["digest"] = written.written(data["request"])[1].digest

            refused(ana("request", "approve", edited(file, change), "--yes", "--json"), "REQUEST_EDITED")

    def test_one_that_no_amani_filed(self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> None:
        """Whoever approves has it from somebody else: it may lack anything, hold anything, and its digest fits."""
        from amani_cli.rules import written

        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        lacking: list[dict[str, Any]] = [{"what": "give"}, {"terms": {"a": 1}}, {"terms": [1]}, {"terms": {}}]
        lacking += [{"requested_by": {"os_user": "me", "host": "here"}}, {"expires_at": "soon"}, {"created_at": 5}]
        lacking += [{"sums": {"msat": number}} for number in ("1e99999999", "NaN", "x", None, "1" * 500)]
        for each in lacking:
            file = exported(amani, request["id"], tmp_path / "r.json")

            def change(data: dict[str, Any], each: dict[str, Any] = each) -> None:
                data["request"] |= each
                text = written.canonical(data["request"])
                data["digest"] = sha256(text.encode()).hexdigest()

            run = ana("request", "approve", edited(file, change), "--yes", "--json")
            assert (run.code, run.error["code"]) in ((2, "BAD_REQUEST"), (2, "BAD_DATE"), (9, "REQUEST_EDITED")), each

    def test_a_signature_for_another_request(
        self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path
    ) -> None:
        first = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        second = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        signed = ana.signs(exported(amani, first["id"], tmp_path / "r.json"))
        said = refused(amani("request", "run", second["id"], "--approval", signed, "--yes", "--json"), "WRONG_APPROVAL")
        assert "about another request" in said
        forged = json.loads(signed.read_text())
        forged["data"] |= {"request": second["id"], "digest": second["digest"]}
        signed.write_text(json.dumps(forged))
        said = refused(amani("request", "run", second["id"], "--approval", signed, "--yes", "--json"), "WRONG_APPROVAL")
        assert "not ana's signature" in said
        assert line.sat == 10_000

    def test_by_who_asked(self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> None:
        """--actor makes nobody else: it is the OS user and host that count."""
        asked = filed(
            ana(
                "pay",
                other.invoice(2000),
                "--request",
                "--actor",
                "ben",
                "--wallet",
                "main",
                "--json",
                home=line_home(),
            )
        )
        assert (asked["requested_by"], asked["os_user"]) == ("ben", "ana")
        file = exported(amani, asked["id"], tmp_path / "r.json")
        said = refused(ana("request", "approve", file, "--actor", "carl", "--yes", "--json"), "OWN_REQUEST")
        assert "is your own (ana@anas-laptop)" in said

    def test_own_signature_made_elsewhere_does_not_count(
        self, amani: Amani, line: Held, other: Held, ana: Person, home: Path, tmp_path: Path
    ) -> None:
        """A tool of one's own may sign anything: who asked is in what is signed, and is compared when it runs."""
        from amani_cli.rules import signatures

        asked = filed(ana("pay", other.invoice(2000), "--request", "--wallet", "main", "--json", home=home))
        private = (tmp_path / "ana" / "ana.approver").read_text().strip()
        forged = tmp_path / "a.json"
        forged.write_text(
            json.dumps(
                {
                    "request": asked["id"],
                    "digest": asked["digest"],
                    "verdict": "approve",
                    "public_key": signatures.public_of(private),
                    "signature": signatures.sign(private, asked["digest"], "approve"),
                }
            )
        )
        said = refused(amani("request", "run", asked["id"], "--approval", forged, "--yes", "--json"), "OWN_REQUEST")
        assert "ana is who asked for it" in said

    def test_by_nobody_s_key(self, amani: Amani, line: Held, other: Held, person: NewPerson, tmp_path: Path) -> None:
        mallory = person("mallory")
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        signed = mallory.signs(exported(amani, request["id"], tmp_path / "r.json"))
        refused(amani("request", "run", request["id"], "--approval", signed, "--yes", "--json"), "NOT_AN_APPROVER")

    def test_by_an_approver_who_was_removed_meanwhile(
        self, amani: Amani, line: Held, other: Held, ana: Person, person: NewPerson, tmp_path: Path
    ) -> None:
        ben = person("ben")
        change = filed(amani("approver", "add", "ben", ben.public, "--request", "--json"))
        assert change["needed"] == 1
        signed = ana.signs(exported(amani, change["id"], tmp_path / "c.json"))
        assert amani("request", "run", change["id"], "--approval", signed, "--yes").code == 0
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        signed = ben.signs(exported(amani, request["id"], tmp_path / "r.json"))
        stopped = amani("request", "run", request["id"], "--approval", signed, "--no-input", "--json")
        assert stopped.error["code"] == "NOT_CONFIRMED"
        assert amani("request", "show", request["id"], "--json").data["status"] == "approved"
        gone = filed(amani("approver", "remove", "ben", "--request", "--json"))
        signed = ana.signs(exported(amani, gone["id"], tmp_path / "g.json"))
        assert amani("request", "run", gone["id"], "--approval", signed, "--yes").code == 0
        said = refused(amani("request", "run", request["id"], "--yes", "--json"), "NEEDS_APPROVAL")
        assert "ben is no approver any more" in said
        assert line.sat == 10_000

    def test_refused_elsewhere(self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> None:
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        file = exported(amani, request["id"], tmp_path / "r.json")
        approved, no = ana.signs(file), ana.signs(file, "refuse", "--reason", "who is that?")
        run = amani("request", "run", request["id"], "--approval", no, "--yes", "--json")
        assert "is refused" in refused(run, "REQUEST_CLOSED")
        run = amani("request", "run", request["id"], "--approval", approved, "--yes", "--json")
        refused(run, "REQUEST_CLOSED")
        shown = amani("request", "show", request["id"], "--json").data
        assert (shown["status"], shown["reason"]) == ("refused", "who is that?")

    def test_in_another_ledger(self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path) -> None:
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        file = exported(amani, request["id"], tmp_path / "r.json")
        said = refused(ana("request", "run", file, "--yes", "--json"), "OTHER_LEDGER")
        assert "filed in another ledger" in said


def line_home() -> Path:
    import os

    return Path(os.environ["AMANI_HOME"])


class TestEnds:
    def test_expired(
        self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path, machine: Machine
    ) -> None:
        request = filed(amani("pay", other.invoice(2000, expiry=200_000), "--request", "--json"))
        file = exported(amani, request["id"], tmp_path / "r.json")
        signed = ana.signs(file)
        machine.goes_on(24 * 3600 + 1)
        assert "has expired" in refused(ana("request", "approve", file, "--yes", "--json"), "REQUEST_EXPIRED")
        run = amani("request", "run", request["id"], "--approval", signed, "--yes", "--json")
        assert "is expired" in refused(run, "REQUEST_EXPIRED")
        machine.set(-48 * 3600)  # a clock that is turned back brings nothing back
        refused(amani("request", "run", request["id"], "--approval", signed, "--yes", "--json"), "REQUEST_EXPIRED")
        assert line.sat == 10_000

    def test_one_that_expired_is_filed_anew_by_the_same_reference(
        self, amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path, machine: Machine
    ) -> None:
        invoice = other.invoice(2000, expiry=200_000)
        words = ("pay", invoice, "--reference", "rent-may", "--request", "--json")
        old = filed(amani(*words))
        machine.goes_on(24 * 3600 + 1)
        new = filed(amani(*words))
        assert (new["status"], new["id"] == old["id"]) == ("open", False)
        signed = ana.signs(exported(amani, new["id"], tmp_path / "r.json"))
        assert amani("request", "run", new["id"], "--approval", signed, "--yes", "--json").data["status"] == "settled"
        refused(amani(*words), "REFERENCE_TAKEN")
        assert line.sat == 8000

    def test_cancelled_by_who_asked_alone(self, amani: Amani, line: Held, other: Held, ana: Person) -> None:
        request = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        refused(ana("request", "cancel", request["id"], "--json", home=line_home()), "NOT_YOURS")
        assert amani("request", "cancel", request["id"], "--json").data["status"] == "cancelled"
        refused(amani("request", "run", request["id"], "--yes", "--json"), "REQUEST_CLOSED")

    def test_a_status_is_looked_for_beyond_the_newest(self, amani: Amani, line: Held, other: Held) -> None:
        """What waits must not be left out of a list because others were filed since."""
        first = filed(amani("pay", other.invoice(2000), "--request", "--json"))
        for _ in range(2):
            later = filed(amani("pay", other.invoice(2000), "--request", "--json"))
            assert amani("request", "cancel", later["id"]).code == 0
        listed = amani("request", "list", "--status", "open", "--limit", 1, "--json").data["items"]
        assert [each["id"] for each in listed] == [first["id"]]
        listed = amani("request", "list", "--status", "cancelled", "--limit", 1, "--json").data["items"]
        assert [each["id"] for each in listed] == [later["id"]]

    def test_the_reference_is_taken_when_it_is_filed(self, amani: Amani, line: Held, other: Held) -> None:
        first = filed(amani("pay", other.invoice(2000), "--reference", "rent-may", "--request", "--json"))
        refused(amani("pay", other.invoice(2001), "--reference", "rent-may", "--request", "--json"), "REFERENCE_TAKEN")
        refused(amani("pay", other.invoice(500), "--reference", "rent-may", "--yes", "--json"), "REFERENCE_TAKEN")
        assert first["reference"] == "rent-may"

    def test_filing_twice_is_one_request(self, amani: Amani, line: Held, other: Held) -> None:
        words = ("pay", other.invoice(2000), "--reference", "rent-may", "--request", "--json")
        assert filed(amani(*words))["id"] == filed(amani(*words))["id"]

    def test_what_was_paid_is_not_filed(self, amani: Amani, main: Held, other: Held) -> None:
        invoice = other.invoice(20)
        assert amani("pay", invoice, "--yes").code == 0
        assert "was sent before" in refused(amani("pay", invoice, "--request", "--json"), "REFERENCE_TAKEN")


class TestWallets:
    def test_a_wallet_of_the_same_name_is_another(
        self, amani: Amani, line: Held, other: Held, ana: Person, add_wallet: AddWallet, tmp_path: Path
    ) -> None:
        request = filed(amani("pay", other.invoice(2000), "--request", "--wallet", "main", "--json"))
        signed = ana.signs(exported(amani, request["id"], tmp_path / "r.json"))
        assert amani("wallet", "remove", "main", "--yes").code == 0
        (tmp_path / "main.key").unlink()
        add_wallet("main", 5000)
        run = amani("request", "run", request["id"], "--approval", signed, "--yes", "--json")
        assert "A wallet of the same name" in run.error["hint"]
        refused(run, "WRONG_WALLET")

    def test_removing_it_and_adding_it_again_is_no_way_around(
        self, amani: Amani, line: Held, other: Held, tmp_path: Path
    ) -> None:
        assert amani("wallet", "remove", "main", "--yes").code == 0
        words = ("--url", line.server.url, "--key-file", line.key_file)
        assert amani("wallet", "add", "another name", *words).code == 0
        run = amani("pay", other.invoice(2000), "--wallet", "another name", "--yes", "--json")
        refused(run, "NEEDS_APPROVAL")
