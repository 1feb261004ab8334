"""The double, and a client of it, for tests of everything fiat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from amani_cli.providers.fincra import Fincra
from amani_cli.providers.http import Line
from tests.conftest import change_database, write_key
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant


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


def without_pin(home: Path, *merchants: Merchant, **most: int) -> None:
    """Let everyday amounts go without a PIN: up to so much of each currency."""
    for merchant in merchants:
        for currency, amount in (most or {"NGN": 50_000, "USD": 50_000}).items():
            row = (merchant.business, currency, str(amount))
            change_database(home, "INSERT INTO pin_threshold VALUES (?,?,?)", *row)


class AddBusiness(Protocol):
    """See `add_business`."""

    def __call__(self, name: str = "shop", *options: str, merchant: Merchant | None = None) -> Merchant: ...


@pytest.fixture
def add_business(amani: Amani, double: Double, merchant: Merchant, tmp_path: Path) -> AddBusiness:
    """Registers a business of the double as a wallet, by a key file."""
    whose = merchant

    def add(name: str = "shop", *options: str, merchant: Merchant | None = None) -> Merchant:
        owner = merchant or whose
        amani.secrets.add(owner.key)
        key_file = write_key(tmp_path / f"{name}.key", owner.key)
        words = ("wallet", "add", name, "--provider", "fincra", "--url", double.url, "--key-file", key_file)
        added = amani(*words, "--public-key", owner.public_key, *options)
        assert added.code == 0, added
        return owner

    return add
