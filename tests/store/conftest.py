"""What the store's own tests have otherwise than the rest."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _ready_ledgers() -> None:
    """None here: each is made step by step."""
