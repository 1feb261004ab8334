"""What is measured: amani's wheel in an environment of its own, and a real LNbits for it to talk to."""

from __future__ import annotations

import os
import py_compile
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Command, run
from scripts import bootstrap
from tests.kit.lnbits_server import LnbitsServer, copy_of, prepare_template

CLONE = Path(__file__).resolve().parent.parent
CACHE = CLONE / ".cache" / "bench"
FLOOR = CLONE / "benchmarks" / "floor.py"


@dataclass
class World:
    """A folder for this run, the programs, and the server once it has been started."""

    root: Path
    venv: Path

    @property
    def python(self) -> Path:
        """The environment's own interpreter, by its full path: a version manager's shim would add 80 ms."""
        return self.venv / "bin" / "python"

    @property
    def amani(self) -> Path:
        """The installed command."""
        return self.venv / "bin" / "amani"

    def environment(self, home: str = "amani", **more: str) -> dict[str, str]:
        """Nothing of the user's: no keys, no settings of Python, folders of this run."""
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "USER") if name in os.environ}
        folders = {"HOME": str(self.root), "AMANI_HOME": str(self.root / home), "TERM": "xterm-256color"}
        return {**keep, **folders, **more}

    def command(self, *words: object, home: str = "amani", **env: str) -> Command:
        """A run of amani."""
        return Command([self.amani, *words], self.environment(home, **env))

    def do(self, *words: object, home: str = "amani", **env: str) -> None:
        """Run amani for its effect."""
        run(self.command(*words, home=home, **env))

    def floor(self, *words: object, **env: str) -> Command:
        """A run of the floor, installed and compiled as amani is."""
        return Command([self.venv / "bin" / "floor", *words], self.environment(**env))


@contextmanager
def made() -> Iterator[World]:
    """Install amani, and give a world that is gone at the end."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    CACHE.mkdir(parents=True, exist_ok=True)
    venv = CACHE / "venv"
    bootstrap.install_wheel(CLONE, venv)
    _install_floor(venv)
    root = CACHE / f"run-{os.getpid()}"
    root.mkdir(mode=0o700)
    try:
        yield World(root, venv)
    finally:
        shutil.rmtree(root)


def _install_floor(venv: Path) -> None:
    """A module and a small script that calls it, as a package's installer leaves them."""
    (packages,) = (venv / "lib").glob("python*/site-packages")
    module = packages / FLOOR.name
    shutil.copy(FLOOR, module)
    py_compile.compile(str(module), doraise=True)
    script = venv / "bin" / FLOOR.stem
    script.write_text(f"#!{venv / 'bin' / 'python'}\nimport sys\nfrom floor import main\nsys.exit(main())\n")
    script.chmod(0o755)


@contextmanager
def server(world: World, name: str = "lnbits") -> Iterator[LnbitsServer]:
    """A real LNbits on fresh data."""
    running = LnbitsServer(copy_of(prepare_template(), world.root / name))
    try:
        yield running
    finally:
        running.stop()
