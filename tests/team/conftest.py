"""Every test here has its ledger on a PostgreSQL server, whatever the rest of the suite runs on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kit.ledger_proxy import LedgerProxy, between
from tests.kit.postgres_server import PostgresServer


@pytest.fixture(autouse=True)
def ledger(postgres_server: PostgresServer, _own_world: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty ledger, which amani is pointed at."""
    if "AMANI_STORE" in os.environ:
        yield os.environ["AMANI_STORE"]
        return
    address = postgres_server.database()
    monkeypatch.setenv("AMANI_STORE", address)
    yield address
    postgres_server.drop(address)


@pytest.fixture
def proxy(postgres_server: PostgresServer, ledger: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LedgerProxy]:
    """A proxy on the way to the ledger."""
    with between(postgres_server.port) as proxy:
        monkeypatch.setenv("AMANI_STORE", proxy.address(ledger))
        yield proxy
