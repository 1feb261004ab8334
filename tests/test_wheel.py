"""What `pipx install .` installs: the wheel holds the package with its data, and what man and the shells look for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from scripts import generate
from tests.kit.driver import CLONE


def test_the_wheel_holds_all_that_amani_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = pytest.importorskip("hatchling.build", reason="the build backend is not installed")
    monkeypatch.chdir(CLONE)
    with zipfile.ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as wheel:
        held = set(wheel.namelist())
        scripts = next(wheel.read(name).decode() for name in held if name.endswith("entry_points.txt"))
    assert "amani = amani_cli.__main__:main" in scripts
    package = {str(path.relative_to(CLONE)) for path in (CLONE / "amani_cli").rglob("*") if path.is_file()}
    assert {path for path in package if "__pycache__" not in path} <= held
    shared = {name.partition(".data/data/share/")[2] for name in held if ".data/data/share/" in name}
    assert shared == {
        "bash-completion/completions/amani",
        "zsh/site-functions/_amani",
        "fish/vendor_completions.d/amani.fish",
        *(f"man/man1/{name.removeprefix('man/')}" for name in generate.files() if name.startswith("man/")),
    }
