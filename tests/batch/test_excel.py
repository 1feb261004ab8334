"""Tables as Excel saves them: `sep=;` on a line of its own, and columns to the right that are empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amani_cli.commands.batch import _pace
from tests.conftest import AddWallet
from tests.kit.driver import Amani

pytestmark = pytest.mark.lnbits


@pytest.mark.parametrize(
    "table",
    [
        "sep=;\r\nto;amount;reference;;\r\nINVOICE;;a;;\r\n;;;;\r\n",
        "SEP=,\nto,amount,reference\nINVOICE,,a\n",
        "sep=;\nto;amount;reference\nINVOICE;;a\n",
        "\ufeffsep=\t\nto\tamount\treference\nINVOICE\t\ta\n",
        "to,amount,reference,,\nINVOICE,,a,,,,\n,,,,\n",
        "to;amount;reference;\nINVOICE;;a;\n",
    ],
)
def test_what_excel_saves_is_read(amani: Amani, add_wallet: AddWallet, table: str) -> None:
    payee = add_wallet("payee")
    add_wallet("main", 5_000)
    Path("wages.csv").write_bytes(table.replace("INVOICE", payee.invoice(21)).encode())
    planned = amani("batch", "plan", "wages.csv", "-o", "june.plan", "-w", "main", "--json")
    assert planned.data["rows"] == 1
    assert json.dumps(planned.data).count('"a"') <= 1


@pytest.mark.parametrize(
    "table", ["to,amount,,reference\nx,,y,a\n", "to,amount\nada@example.com,21,more\n", "sep=ab\nto,amount\nx,1\n"]
)
def test_a_cell_that_has_no_column_is_still_refused(amani: Amani, table: str) -> None:
    Path("wages.csv").write_text(table)
    assert amani("batch", "plan", "wages.csv", "-o", "june.plan", "--json").error["code"] == "BAD_ROWS"


def test_a_run_tells_sats_rate_and_time_left() -> None:
    assert _pace(10, 40, 210_000, 5.0) == "10 of 40 rows, 210 sat, 2.0/s, 15 s left"
    assert _pace(40, 40, 210_000, 5.0) == "40 of 40 rows, 210 sat"
    assert _pace(1, 1000, 0, 1.0) == "1 of 1000 rows, 1.0/s, 16 min left"
