"""`amani batch plan`: tables read and checked, and plans that hold to what was checked."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import WriteTable
from tests.conftest import AddWallet, Held
from tests.kit.driver import Amani
from tests.kit.lnurl_server import LnurlServer
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits


def plan(amani: Amani, table: Path | str, output: Path, *options: str, stdin: str = "") -> Any:
    return amani("batch", "plan", table, "--output", output, *options, "--json", stdin=stdin)


def problems(result: Any) -> list[tuple[int, str]]:
    assert (result.code, result.error["code"]) == (2, "BAD_ROWS"), result
    return [(each["row"], each["column"]) for each in result.error["rows"]]


class TestTables:
    def test_the_sums_and_the_file(
        self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        rows = [{"to": payee.invoice(sat), "amount": "", "memo": "x"} for sat in (10, 20, 30)]
        made = plan(amani, table(rows), tmp_path / "plan").data
        assert (made["rows"], made["kinds"], made["total_msat"]) == (3, {"bolt11": 3}, 60_000)
        assert made["max_fee_msat"] == 6000
        assert made["left_msat"] == 9_000_000 - 66_000
        assert made["sufficient"] is True
        assert stat.S_IMODE((tmp_path / "plan").stat().st_mode) == 0o600
        assert payer.sat == 9000

    @pytest.mark.parametrize(
        "text",
        [
            "to,amount\n{0},\n\n{1},15\n",
            "\ufeffto,amount\r\n{0},\r\n{1},15\r\n",
            "To;Amount\n{0};\n{1};15sat\n",
            "to\tamount\n{0}\t\n{1}\t15\n",
            '"to","memo","amount"\n"{0}","two\nlines",""\n"{1}","","15"\n',
            '{{"to": "{0}"}}\n\n{{"to": "{1}", "amount": 15, "memo": null}}\n',
        ],
    )
    def test_every_way_to_write_one(self, amani: Amani, payer: Held, payee: Held, tmp_path: Path, text: str) -> None:
        (tmp_path / "t").write_bytes(text.format(payee.invoice(5), payee.invoice(15)).encode())
        assert plan(amani, tmp_path / "t", tmp_path / "plan").data["total_msat"] == 20_000

    @pytest.mark.parametrize("column", ["to", "amount", "comment", "to_name", "category"])
    def test_half_a_character_is_no_text(self, amani: Amani, payer: Held, tmp_path: Path, column: str) -> None:
        row = {"to": "ada@example.com", "amount": "10", column: "\ud83d"}
        (tmp_path / "t").write_text(json.dumps(row))
        refused = plan(amani, tmp_path / "t", tmp_path / "plan", "--offline")
        assert (refused.code, refused.error["code"]) == (2, "BAD_ROWS")

    def test_from_stdin(self, amani: Amani, payer: Held, payee: Held, tmp_path: Path) -> None:
        text = f"to\n{payee.invoice(5)}\n"

        assert plan(amani, "-", tmp_path / "plan", stdin=text).data["rows"] == 1

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "no rows"),
            ("to,amount\n", "no rows"),
            ("name,amount\nx,1\n", "no column 'to'"),
            ("to,to\nx,1\n", "twice"),
            ("to,iban\nx,1\n", "no column 'iban'"),
            ("to\nx,1\n", "more cells"),
            ('to\n"x', "not CSV"),
            ('{"to": ["x"]}\n', "not a JSON object"),
            ("{]\n", "not a JSON object"),
            (b"to\n\xff\xfe\n", "line 2: not UTF-8"),
        ],
    )
    def test_what_is_no_table(
        self, amani: Amani, add_wallet: AddWallet, tmp_path: Path, text: str | bytes, why: str
    ) -> None:
        add_wallet()
        (tmp_path / "t").write_bytes(text if isinstance(text, bytes) else text.encode())
        refused = plan(amani, tmp_path / "t", tmp_path / "plan")
        assert (refused.code, refused.error["code"]) == (2, "BAD_ROWS")
        assert why in refused.error["message"]
        assert not (tmp_path / "plan").exists()

    def test_a_file_that_is_not_there_or_there_already(
        self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        assert plan(amani, tmp_path / "none", tmp_path / "plan").error["code"] == "CANT_READ"
        (tmp_path / "plan").write_text("mine")
        assert plan(amani, table([{"to": payee.invoice(5)}]), tmp_path / "plan").error["code"] == "FILE_EXISTS"
        assert (tmp_path / "plan").read_text() == "mine"


class TestRows:
    def test_each_error_has_its_row_and_column(
        self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        once = payee.invoice(5)
        rows = [
            {"to": "nobody"},
            {"to": "", "amount": "5"},
            {"to": "ada@example.com"},
            {"to": "ada@example.com", "amount": "1,5"},
            {"to": "ada@example.com", "amount": "max"},
            {"to": once, "amount": "6"},
            {"to": once, "amount": "5USD"},
            {"to": once, "comment": "hello"},
            {"to": make_invoice(amount_msat=None)},
            {"to": make_invoice(network="testnet")},
            {"to": make_invoice(created_at=1_700_000_000)},
            {"to": "cheque"},
            {"to": "cheque", "amount": "5USD"},
            {"to": once, "memo": "x" * 640},
            {"to": once, "reference": "a\x07"},
            {"to": f"bitcoin:x?amount=0.1&lightning={once}"},
        ]
        found = problems(plan(amani, table(rows), tmp_path / "plan"))
        assert found == [
            (2, "to"),
            (3, "to"),
            (4, "amount"),
            (5, "amount"),
            (6, "amount"),
            (7, "amount"),
            (8, "amount"),
            (9, "comment"),
            (10, "to"),
            (11, "to"),
            (12, "to"),
            (13, "amount"),
            (14, "amount"),
            (15, "memo"),
            (16, "reference"),
            (17, "to"),
        ]
        assert not (tmp_path / "plan").exists()

    def test_doubles(self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path) -> None:
        once = payee.invoice(5)
        rows = [
            {"to": once, "reference": "a"},
            {"to": f"lightning:{once.upper()}"},
            {"to": payee.invoice(5), "reference": "a"},
        ]
        assert problems(plan(amani, table(rows), tmp_path / "plan")) == [(3, "to"), (4, "reference")]
        rows = [{"to": "ada@example.com", "amount": "5"}] * 2
        made = plan(amani, table(rows), tmp_path / "plan", "--offline")
        assert made.json["warnings"] == ["rows 2, 3: ada@example.com gets 5 sat each time"]

    def test_what_was_paid_already_is_pointed_out(
        self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        invoice = payee.invoice(5)
        amani("pay", invoice, "--yes")
        made = plan(amani, table([{"to": invoice}]), tmp_path / "plan")
        assert "got the same on" in made.json["warnings"][0]

    def test_the_servers_of_addresses_are_asked(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, table: WriteTable, tmp_path: Path
    ) -> None:
        ada = lnurl_server.pay_to("ada", lambda *_: "", least=2000, most=5000)
        rows = [
            {"to": ada, "amount": "1"},
            {"to": ada, "amount": "3"},
            {"to": ada, "amount": "4", "comment": "hi"},
            {"to": f"nobody@{lnurl_server.host}", "amount": "3"},
        ]
        refused = plan(amani, table(rows), tmp_path / "plan")
        assert problems(refused) == [(2, "amount"), (4, "comment"), (5, "to")]
        assert len(lnurl_server.seen) == 2  # each server's address once, and no invoice was fetched
        made = plan(amani, table(rows[1:2]), tmp_path / "plan")
        assert made.code == 0
        assert plan(amani, table(rows), tmp_path / "plan2", "--offline").code == 0

    def test_more_than_there_is_and_more_than_may_go_without_a_pin(
        self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        made = plan(amani, table([{"to": payee.invoice(11_000)}]), tmp_path / "plan")
        assert (made.data["sufficient"], made.data["needs_pin"]) == (False, True)
        assert any("has no PIN" in warning for warning in made.json["warnings"])
        assert any("holds 9,000 sat" in warning for warning in made.json["warnings"])


class TestPlans:
    @pytest.fixture
    def written(self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path) -> Path:
        assert plan(amani, table([{"to": payee.invoice(5), "memo": "x"}]), tmp_path / "plan").code == 0
        return tmp_path / "plan"

    @pytest.mark.parametrize("change", [{"wallets": {}}, {"rows": []}, {"home": "x"}, {"hash": "0" * 64}])
    def test_a_changed_plan_is_refused(self, amani: Amani, written: Path, change: dict[str, Any]) -> None:
        said = json.loads(written.read_text())
        written.write_text(json.dumps({**said, **change}))
        for command in ("run", "status", "results"):
            refused = amani("batch", command, written, "--yes", "--json")
            assert (refused.code, refused.error["code"]) == (2, "BAD_PLAN")

    @pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"amani_batch": 2}', "\xff"])
    def test_what_is_no_plan(self, amani: Amani, payer: Held, tmp_path: Path, text: str) -> None:
        (tmp_path / "p").write_text(text, encoding="latin-1")
        assert amani("batch", "run", tmp_path / "p", "--yes", "--json").error["code"] == "BAD_PLAN"

    def test_two_plans_of_one_table_are_two(
        self, amani: Amani, payer: Held, payee: Held, table: WriteTable, tmp_path: Path
    ) -> None:
        path = table([{"to": "ada@example.com", "amount": "5"}])
        hashes = [plan(amani, path, tmp_path / name, "--offline").data["hash"] for name in "ab"]
        assert hashes[0] != hashes[1]

    def test_another_wallet_is_refused(self, amani: Amani, written: Path) -> None:
        refused = amani("batch", "run", written, "--wallet", "payee", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "WRONG_WALLET")
        assert amani("wallet", "rename", "payer", "boss").code == 0
        assert amani("batch", "run", written, "--wallet", "boss", "--yes").code == 0
