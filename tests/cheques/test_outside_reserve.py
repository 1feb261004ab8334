"""What is set aside on top of a cheque's face never passes for the face."""

from __future__ import annotations

import pytest

from tests.conftest import Held
from tests.kit.driver import Amani

pytestmark = pytest.mark.lnbits


@pytest.mark.parametrize("sat", [1, 2])
@pytest.mark.parametrize("way", ["--outside", "--link"])
def test_no_cheque_is_as_small_as_its_reserve(amani: Amani, giver: Held, sat: int, way: str) -> None:
    """A second claim would find its face in what the first one left."""
    assert amani("config", "set", "base_url", "https://pay.example.com").code == 0
    refused = amani("cheque", "create", sat, way, "--yes", "--json")
    assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (2, "BAD_AMOUNT", "no")
    assert amani("cheque", "list", "--json").data["items"] == []
