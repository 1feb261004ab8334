"""A ledger that goes back to an earlier moment: a backup that is restored, or a database that its server puts back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from amani_cli.store import audit
from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.journals import writing

PASSPHRASE = "correct horse battery staple"


class Copied(Protocol):
    """See `copied`."""

    def __call__(self, *options: str) -> Callable[[], Path]: ...


@pytest.fixture
def copied(amani: Amani, home: Path, tmp_path: Path, cheap_seal: None, monkeypatch: pytest.MonkeyPatch) -> Copied:
    """Makes a backup now; what it returns restores that on another machine, each time on a new one, and says its home.

    A ledger on a server is backed up and put back there, and this machine, which saw it later than that, notices.
    """
    phrase = tmp_path / "copied.phrase"
    opened = ("--passphrase-file", phrase)
    files, homes = list[Path](), list[Path]()

    def copy(*options: str) -> Callable[[], Path]:
        if ledgers.on_postgres():
            kept = ledgers.Kept(home)

            def put_back() -> Path:
                with writing(home) as (_, db):
                    audit.append(db, "something", outcome="that the copy lacks")
                kept.put_back(seen=True)
                return home

            return put_back
        amani.secrets.add(PASSPHRASE)
        phrase.write_text(PASSPHRASE)
        phrase.chmod(0o600)
        file = tmp_path / f"copied-{len(files)}.backup"
        files.append(file)
        assert amani("backup", "create", file, *opened, *options).code == 0

        def restore() -> Path:
            homes.append(tmp_path / f"restored-{len(homes)}")
            monkeypatch.setenv("AMANI_HOME", str(homes[-1]))
            assert amani("backup", "restore", file, *opened, "--yes").code == 0
            return homes[-1]

        return restore

    return copy
