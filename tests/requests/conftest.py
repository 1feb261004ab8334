"""A wallet with a line, and people who may approve what is above it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held
from tests.kit.driver import Amani
from tests.kit.persons import Person

NewPerson = Callable[[str], Person]


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    """The default wallet, with 10,000 sat."""
    return add_wallet("main", 10_000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    return add_wallet("other")


@pytest.fixture
def person(amani: Amani, tmp_path: Path) -> NewPerson:
    """Makes somebody with a key of their own."""

    def make(name: str) -> Person:
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        made = Person(amani, name, folder / "home")
        made.init()
        return made

    return make


@pytest.fixture
def ana(person: NewPerson, amani: Amani) -> Person:
    """Somebody who may approve."""
    made = person("ana")
    assert amani("approver", "add", "ana", made.public).code == 0
    return made


@pytest.fixture
def line(amani: Amani, main: Held, ana: Person) -> Held:
    """The default wallet, above whose 1,000 sat Ana must agree."""
    assert amani("wallet", "limit", "main", "--approve-above", "1000sat").code == 0
    return main
