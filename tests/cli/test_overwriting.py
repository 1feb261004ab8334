"""A file that is there is left as it is, by every command that writes one, unless --force says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.kit.driver import Amani
from tests.kit.journals import add_payment, add_wallet, writing

WRITERS = [
    ("cheque create 5 --yes --print {file}.html", "html"),
    ("cheque create 5 --yes --qr-file {file}.svg", "svg"),
    ("invoice create 5 --qr-file {file}.svg", "svg"),
    ("invoice show abcdef --qr-file {file}.svg", "svg"),
    ("history export --format csv -o {file}.csv", "csv"),
    ("history chart -o {file}.svg", "svg"),
    ("history show {entry} --print {file}.html", "html"),
    ("metrics -o {file}.prom", "prom"),
]


@pytest.fixture
def entry(amani: Amani, home: Path) -> str:
    """A payment that settled, on a wallet whose server is gone."""
    assert amani("wallet", "list").code == 0
    with writing(home) as (_, db):
        return add_payment(db, add_wallet(db, "main"), -5, "2026-11-20T12:00:00Z")


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize(("line", "suffix"), WRITERS)
def test_nothing_is_overwritten(amani: Amani, entry: str, tmp_path: Path, line: str, suffix: str, link: bool) -> None:
    target = tmp_path / f"mine.{suffix}"
    if link:
        target.symlink_to(tmp_path / "nowhere")
    else:
        target.write_text("a cheque's only page")
    result = amani(*line.format(file=tmp_path / "mine", entry=entry).split(), "--json")
    assert (result.code, result.error["code"]) == (2, "FILE_EXISTS")
    assert os.path.islink(target) if link else target.read_text() == "a cheque's only page"


@pytest.mark.parametrize(("line", "suffix"), [each for each in WRITERS if each[0].startswith("history")])
def test_force_replaces_it(amani: Amani, entry: str, tmp_path: Path, line: str, suffix: str) -> None:
    target = tmp_path / f"mine.{suffix}"
    target.write_text("old")
    assert amani(*line.format(file=tmp_path / "mine", entry=entry).split(), "--force").code == 0
    assert target.read_text() != "old"


@pytest.mark.parametrize(("line", "suffix"), WRITERS)
def test_a_pipe_stays_one(amani: Amani, entry: str, tmp_path: Path, line: str, suffix: str) -> None:
    target = tmp_path / f"mine.{suffix}"
    os.mkfifo(target)
    words = line.format(file=tmp_path / "mine", entry=entry).split()
    result = amani(*words, *([] if line.startswith("metrics") else ["--force"]), "--json")
    assert result.code == 2
    assert target.is_fifo()


def test_figures_replace_figures(amani: Amani, entry: str, tmp_path: Path) -> None:
    words = ("metrics", "-o", tmp_path / "amani.prom")
    assert [amani(*words).code, amani(*words).code] == [0, 0]
