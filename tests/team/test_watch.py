"""`watch` on a ledger that several machines share: it waits for one that is away, as for a server."""

from __future__ import annotations

import pytest

from tests.conftest import AddWallet
from tests.kit.postgres_server import PostgresServer
from tests.operations.test_watch import watching

pytestmark = [pytest.mark.lnbits, pytest.mark.store]


@pytest.mark.usefixtures("ledger")
def test_a_ledger_that_goes_away_and_comes_back(add_wallet: AddWallet, postgres_server: PostgresServer) -> None:
    main, other = add_wallet("main"), add_wallet("other", 100)
    with watching("main", "--every", "1s") as watch:
        postgres_server.stop()
        try:
            other.pay(main.invoice(7))
            assert watch.silent()
            assert watch.run.poll() is None, watch.talk
        finally:
            postgres_server.start()
        assert watch.next()["payment"]["amount_msat"] == 7000
