"""The same payout within ten minutes is told before it goes, and never refused."""

from __future__ import annotations

from tests.fiat.test_operating import BANK, shop
from tests.kit.driver import Amani
from tests.kit.fincra_double import Merchant

__all__ = ["shop"]
TELLS = "the same went "


def test_a_payout_again_is_told(amani: Amani, shop: Merchant) -> None:
    words = ("pay", BANK, "5000NGN", "--yes", "--json")
    first = amani(*words)
    again = amani(*words)
    assert any(TELLS in each and first.data["id"] in each for each in again.json["warnings"])
    assert not any(TELLS in each for each in amani(*words, "--reference", "rent").json["warnings"])
