"""A restored copy holds spending on every rail until it has been reconciled."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from amani_cli import errors
from amani_cli.rules import budgets, lines
from amani_cli.store import marks
from amani_cli.wallets import finding
from amani_cli.workspace import Workspace
from tests.kit.driver import environment
from tests.kit.journals import add_wallet, writing


def test_nothing_is_checked_or_reserved_while_spending_is_held(home: Path) -> None:
    with writing(home) as (_, db):
        add_wallet(db, "main")
        add_wallet(db, "biz", provider="fincra", remote_id="biz")
        marks.make(db, marks.HELD, "a copy restored from the backup of yesterday")
    ws = Workspace(environment())
    main, biz = (finding.resolve(ws, name) for name in ("main", "biz"))
    db = ws.store.current
    for act in (
        lambda: budgets.check(ws, main, 1000, 0),
        lambda: budgets.reserve(ws, db, main, 1000, 0, "ada@example.com"),
        lambda: budgets.check_fiat(ws, biz, Decimal(5), "NGN"),
        lambda: budgets.reserve_fiat(ws, db, biz, lines.Spend("NGN", Decimal(5), Decimal(0))),
    ):
        with pytest.raises(errors.RefusedByPolicy, match="a copy restored") as refused:
            act()
        assert refused.value.code == "RECONCILE_FIRST"
    ws.store.close()
