"""The double, and a client of it, for tests of everything fiat."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from amani_cli.providers.fincra import Fincra
from amani_cli.providers.http import Line
from tests.fincra.double import Double, Merchant


@pytest.fixture
def double() -> Iterator[Double]:
    """Fincra's stand-in, serving."""
    with Double().running() as running:
        yield running


@pytest.fixture
def merchant(double: Double) -> Merchant:
    """A business with naira, cedis, shillings and dollars."""
    return double.merchant("Ada Stores Ltd", NGN="100000", GHS="5000.125", UGX="1000000", USD="500")


@pytest.fixture
def client(double: Double, merchant: Merchant) -> Iterator[Fincra]:
    """amani's own client of the double."""
    line = Line(double.url, deadline=time.monotonic() + 10, timeout=10, name="FinCra")
    with Fincra(line, merchant.key, business=merchant.business, public_key=merchant.public_key) as made:
        yield made
