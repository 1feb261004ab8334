"""QR codes hold what they should, on screen and in files that only their owner can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import segno

from amani_cli.encodings import qr
from amani_cli.errors import Usage
from tests.kit.make_invoice import make_invoice

TEXT = "amani https://example.com/?q=1"
HALVES = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}


def modules(shown: str, color: bool) -> list[list[bool]]:
    """Read the dark modules back from what a terminal shows."""
    rows: list[list[bool]] = []
    for line in shown.split("\n"):
        if color:
            assert line.startswith("\x1b[38;5;16;48;5;231m")
            assert line.endswith("\x1b[0m")
            line = line.removeprefix("\x1b[38;5;16;48;5;231m").removesuffix("\x1b[0m")
        halves = [HALVES[letter] for letter in line]
        rows += [[half[i] == color for half in halves] for i in range(2)]
    return rows


@pytest.mark.parametrize("color", [True, False])
def test_terminal(color: bool) -> None:
    shown = modules(qr.terminal(TEXT, color=color), color)
    expected = segno.make_qr(TEXT, error="l", boost_error=False)
    wanted = [[bool(dark) for dark in row] for row in expected.matrix_iter(border=2)]
    assert shown[: len(wanted)] == wanted
    # What is left over from drawing two rows at once is quiet zone.
    assert not any(any(row) for row in shown[len(wanted) :])


def test_invoices_are_packed_in_upper_case() -> None:
    bolt11 = make_invoice()
    assert qr.terminal(bolt11) == qr.terminal(bolt11.upper())
    assert qr.terminal("lightning:" + bolt11) == qr.terminal("LIGHTNING:" + bolt11.upper())
    assert qr.terminal("lower case") != qr.terminal("LOWER CASE")


@pytest.mark.parametrize("text", ["", "x" * 5000])
def test_what_no_code_can_hold(text: str) -> None:
    with pytest.raises(Usage) as caught:
        qr.terminal(text)
    assert caught.value.code == "BAD_QR"


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("B.PNG", b"\x89PNG")])
def test_files(tmp_path: Path, name: str, magic: bytes) -> None:
    path = tmp_path / name
    before = os.umask(0)
    try:
        qr.write(TEXT, path)
    finally:
        os.umask(before)
    assert path.read_bytes().startswith(magic)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [name]


def test_an_older_file_is_replaced_not_opened(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    path = tmp_path / "a.svg"
    path.symlink_to(elsewhere)
    qr.write(TEXT, str(path))
    assert elsewhere.read_text() == "precious"
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.txt", "missing/a.png", "a\0.png", "folder.png"])
def test_files_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(Usage) as caught:
        qr.write(TEXT, str(tmp_path) + "/" + name)
    assert caught.value.code == "BAD_QR"
    assert os.listdir(tmp_path) == ["folder.png"]
