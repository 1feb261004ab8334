"""The appendix of docs/fincra.md: each rule names a test that exists, each currency is in its table."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from amani_cli.providers.corridors import ABROAD, CORRIDORS

CLONE = Path(__file__).resolve().parents[2]
PAGE = (CLONE / "docs" / "fincra.md").read_text()
TABLE = PAGE[PAGE.index("## Where money can go") : PAGE.index("## Appendix: what amani relies on")]
RULES = re.findall(r"^\| [^|]+ \| ([^|]+) \| `(tests/[^`]+)` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("source", "test"), RULES, ids=[test.rpartition("::")[2] for _, test in RULES])
def test_each_rule_has_a_source_and_a_test(source: str, test: str) -> None:
    path, *names = test.split("::")
    body = ast.parse((CLONE / path).read_text()).body
    for name in names:
        found = [each for each in body if isinstance(each, (ast.ClassDef, ast.FunctionDef)) and each.name == name]
        assert found, f"{test} does not exist"
        body = found[0].body
    assert source.strip()


def test_there_are_rules() -> None:
    assert len(RULES) > 20


@pytest.mark.parametrize("currency", sorted(CORRIDORS))
def test_each_currency_is_in_the_table(currency: str) -> None:
    row = next(line for line in TABLE.splitlines() if re.match(rf"\|[^|]*\b{currency}\b", line))
    corridor = CORRIDORS[currency]
    _, banks, phones, _, rests = (cell.strip() for cell in row.strip("|").split("|"))
    assert (banks != "none") == (corridor.country is not None)
    assert (phones != "none") == bool(corridor.phones)
    assert all(each.calling in phones for each in corridor.phones)
    assert ("SWIFT" in banks) == (corridor.code == "bankSwiftCode")
    for source in {each.source for each in corridor.phones} | {corridor.source}:
        assert source in rests


@pytest.mark.parametrize("currency", sorted(ABROAD))
def test_what_is_paid_abroad_is_said_to_be_refused(currency: str) -> None:
    assert re.search(rf"Payouts in [^.]*\b{currency}\b", PAGE)
