"""A TZ that the system does not know is refused: in silence it would be UTC, and the ends of months would move."""

from __future__ import annotations

import pytest

from tests.kit.driver import Amani


@pytest.mark.parametrize("zone", ["Africa/Nairoby", "UTC+25", "Nairobi", "Africa", "../etc", "EAT"])
def test_an_unknown_zone_is_refused(amani: Amani, zone: str) -> None:
    result = amani("history", "list", "--json", env={"TZ": zone})
    assert (result.code, result.error["code"]) == (2, "BAD_ZONE")
    assert "TZ=Africa/Nairobi" in result.error["hint"]


@pytest.mark.parametrize("zone", ["", "UTC", ":UTC", "EAT-3", "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3"])
def test_one_that_is_known_is_not(amani: Amani, zone: str) -> None:
    assert amani("history", "list", "--json", env={"TZ": zone}).code == 0
