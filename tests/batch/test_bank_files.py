"""A batch out of a table as banks and payroll programs write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit.driver import Amani
from tests.kit.fincra_double import Double
from tests.kit.fincra_world import AddBusiness


def planned(amani: Amani, folder: Path, text: str) -> list[dict[str, object]]:
    """The rows of the plan that is made of a table."""
    (folder / "people.csv").write_text(text)
    made = amani("batch", "plan", folder / "people.csv", "-o", folder / "plan.json", "--json")
    assert made.code == 0, made
    rows: list[dict[str, object]] = json.loads((folder / "plan.json").read_text())["rows"]
    return rows


@pytest.mark.parametrize(
    "text",
    [
        "S/N,Account Number,Bank,Account Name,Amount (NGN),Narration\n1,2345678901,058,Chinwe Eze,5000,rent\n",
        "Beneficiary;Account_No;Bank Code;Bank;Amount;Currency;Remarks\nChinwe Eze;2345678901;058;GT;5000;NGN;rent\n",
        "name,account,bank,amount,description\nChinwe Eze,2345678901,058,5000NGN,rent\n",
    ],
)
def test_its_columns_are_understood(
    amani: Amani, add_business: AddBusiness, double: Double, tmp_path: Path, text: str
) -> None:
    add_business()
    (row,) = planned(amani, tmp_path, text)
    assert (row["to"], row["amount"], row["to_name"], row["description"]) == (
        "bank:058/2345678901",
        "5000NGN",
        "Chinwe Eze",
        "rent",
    )


def test_phones_too(amani: Amani, add_business: AddBusiness, double: Double, tmp_path: Path) -> None:
    add_business()
    (row,) = planned(amani, tmp_path, "Phone Number,Network,Name,Amount (GHS)\n233541234567,AIRTEL,Ama Boateng,120\n")
    assert (row["to"], row["amount"]) == ("momo:AIRTEL/233541234567", "120GHS")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Account Number,Bank,Amount (NGN),Branch\n2345678901,058,5000,Ikeja\n", "no column 'branch'"),
        ("Account Number,Account,Bank,Amount (NGN)\n2345678901,2345678901,058,5000\n", "twice"),
        ("Account Number,Bank\n2345678901,058\n", "no column 'to'"),
        ("Account Number,Bank,Amount (NGN)\n,058,5000\n", "is not where fiat can go"),
        ('Account Number,Bank,Amount (NGN)\n2345678901,058,"5,000"\n', "5000NGN"),
    ],
)
def test_what_is_not_understood_is_refused(
    amani: Amani, add_business: AddBusiness, tmp_path: Path, text: str, words: str
) -> None:
    add_business()
    (tmp_path / "people.csv").write_text(text)
    refused = amani("batch", "plan", tmp_path / "people.csv", "-o", tmp_path / "plan.json", "--json")
    assert (refused.code, refused.error["code"]) == (2, "BAD_ROWS")
    assert words in refused.error["message"]
    assert not (tmp_path / "plan.json").exists()
