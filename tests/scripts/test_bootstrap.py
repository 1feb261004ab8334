"""bootstrap.py makes .venv from the locks, again only when something changed, and without ensurepip too."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

CLONE = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", CLONE / "scripts" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bootstrap = load()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with the locks, in which installing is left out and written down instead."""
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(CLONE / name, tmp_path / name)
    ran: list[str] = []

    def run(command: list[str], where: Path, **_: object) -> None:
        ran.append(" ".join(command).replace(str(where), "."))
        if "venv" in command:
            (where / ".venv" / "bin").mkdir(parents=True)
            for program in ("python", "amani"):
                (where / ".venv" / "bin" / program).touch()

    monkeypatch.setattr(bootstrap, "_run", run)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: None)
    monkeypatch.setattr(sys.modules[__name__], "commands", ran, raising=False)
    return tmp_path


commands: list[str] = []


def test_a_second_run_has_nothing_to_do(clone: Path) -> None:
    assert bootstrap.set_up(clone, dev=False)
    assert any("--require-hashes" in command and "requirements.lock" in command for command in commands)
    assert not bootstrap.set_up(clone, dev=False)


def test_the_development_tools_are_added_to_what_is_there(clone: Path) -> None:
    bootstrap.set_up(clone, dev=False)
    (clone / ".venv" / "kept").touch()
    assert bootstrap.set_up(clone, dev=True)
    assert (clone / ".venv" / "kept").exists()
    assert any("requirements-dev.lock" in command for command in commands)
    assert not bootstrap.set_up(clone, dev=True)
    assert not bootstrap.set_up(clone, dev=False)  # more than enough


@pytest.mark.parametrize("spoil", ["no stamp", "broken stamp", "other lock", "other project", "no python"])
def test_what_is_not_sound_is_made_anew(clone: Path, spoil: str) -> None:
    bootstrap.set_up(clone, dev=False)
    venv = clone / ".venv"
    (venv / "old").touch()
    if spoil == "no stamp":
        (venv / ".amani-stamp").unlink()
    elif spoil == "broken stamp":
        (venv / ".amani-stamp").write_text('{"runtime": ')
    elif spoil == "no python":
        (venv / "bin" / "python").unlink()
    else:
        name = "requirements.lock" if spoil == "other lock" else "pyproject.toml"
        (clone / name).write_text((clone / name).read_text() + "\n# changed\n")
    assert bootstrap.set_up(clone, dev=False)
    assert not (venv / "old").exists()


def test_a_link_in_place_of_the_environment_is_left_alone(clone: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (clone / ".venv").symlink_to(elsewhere)
    with pytest.raises(bootstrap.SetupFailed, match="link"):
        bootstrap.set_up(clone, dev=False)
    assert elsewhere.is_dir()


def test_caches_stay_in_the_clone_and_nothing_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    env = bootstrap._environment(Path("/clone"))
    assert env["PIP_CACHE_DIR"] == "/clone/.cache/pip"
    assert env["UV_CACHE_DIR"] == "/clone/.cache/uv"
    assert "/elsewhere" not in env.values()


def test_an_old_python_gets_one_clear_line() -> None:
    """The file has to be readable by it for that; 3.7 is the oldest grammar that ast knows well."""
    source = (CLONE / "scripts" / "bootstrap.py").read_text()
    ast.parse(source, feature_version=(3, 7))
    old = "import sys; sys.version_info = (3, 9, 1); exec(compile(open(sys.argv[1]).read(), 'b', 'exec'))"
    answer = subprocess.run(
        [sys.executable, "-c", old, str(CLONE / "scripts" / "bootstrap.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert re.fullmatch(r"amani needs Python 3\.11 or newer, and this is Python 3\.9\. .*\n", answer.stderr)


class TestFetchingPip:
    """From an index in a folder, as pip would find it."""

    @pytest.fixture
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        wheel = b"the wheel"
        page = tmp_path / "simple" / "pip"
        (page / "files").mkdir(parents=True)
        (page / "files" / "pip-1.2-py3-none-any.whl").write_bytes(wheel)
        link = '<a href="files/pip-1.2-py3-none-any.whl#sha256=0">pip-1.2-py3-none-any.whl</a>'
        (page / "index.html").write_text(f'<html><a href="pip-0.1.zip">old</a>{link}</html>')
        digest = hashlib.sha256(wheel).hexdigest()
        (tmp_path / "lock").write_text(
            f"pep==1\npip==1.2 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{digest}\n    # via x\n"
        )
        get = bootstrap._get
        monkeypatch.setattr(bootstrap, "_get", lambda url: get(url + "index.html") if url.endswith("/") else get(url))
        monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
        return tmp_path

    def test_the_pinned_wheel_is_fetched_once(self, index: Path) -> None:
        wheel = bootstrap.fetch_pip(index / "lock", index / "cache")
        assert wheel.read_bytes() == b"the wheel"
        shutil.rmtree(index / "simple")
        assert bootstrap.fetch_pip(index / "lock", index / "cache") == wheel

    def test_another_file_of_that_name_is_not_used(self, index: Path) -> None:
        (index / "simple" / "pip" / "files" / "pip-1.2-py3-none-any.whl").write_bytes(b"another")
        with pytest.raises(bootstrap.SetupFailed, match="not the file"):
            bootstrap.fetch_pip(index / "lock", index / "cache")
        assert not list((index / "cache").glob("*.whl"))

    def test_an_index_that_does_not_answer_is_named_without_its_login(
        self, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@127.0.0.1:9/simple")
        with pytest.raises(bootstrap.SetupFailed) as failed:
            bootstrap.fetch_pip(index / "lock", index / "cache")
        assert "127.0.0.1:9" in str(failed.value)
        assert "secret" not in str(failed.value)

    def test_the_index_comes_from_pips_configuration(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PIP_INDEX_URL", raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
        (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://index.example/simple\n")
        assert bootstrap.index_url() == "https://index.example/simple"


def test_every_locked_package_is_pinned_by_hash_and_of_no_private_index() -> None:
    for lock in (
        CLONE / "requirements.lock",
        CLONE / "requirements-dev.lock",
        *CLONE.glob("amani_cli/*.lock"),
    ):
        pinned = bootstrap.locked(lock)
        assert pinned, lock
        assert all(bootstrap.locked_hashes(lock, name) for name in pinned), lock
        assert "index-url" not in lock.read_text()
        assert "://" not in lock.read_text()
    runtime = bootstrap.locked(CLONE / "requirements.lock")
    assert runtime.items() <= bootstrap.locked(CLONE / "requirements-dev.lock").items()
