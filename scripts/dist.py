"""What `make dist` runs: a release in dist/, made twice and the same, checked, installed and tried as a user would.

The wheel and the sdist are built from the commit that is checked out, with its own time as SOURCE_DATE_EPOCH
(https://reproducible-builds.org/specs/source-date-epoch/). The wheel is built once from the tree and once from the
sdist, since that is what a packager of a distribution does.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
TOOLS = CLONE / ".cache" / "dist-tools"
# What has to be in place where the shells and man look, below the environment's prefix.
SHARED = (
    "share/man/man1/amani.1",
    "share/bash-completion/completions/amani",
    "share/zsh/site-functions/_amani",
    "share/fish/vendor_completions.d/amani.fish",
)


class DistFailed(Exception):
    """The release is not fit to be published; the message says why."""


def main() -> int:
    """Make the release; 0 when every check passed."""
    dist = CLONE / "dist"
    try:
        with tempfile.TemporaryDirectory(prefix="amani-dist-") as folder:
            make(Path(folder), dist)
    except DistFailed as failure:
        print(f"dist: {failure}", file=sys.stderr)
        return 1
    for path in sorted(dist.iterdir()):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(CLONE)}")
    return 0


def make(work: Path, dist: Path) -> None:
    """Build, compare, check, install, try; only what passed gets into `dist`. Raises DistFailed."""
    say("building twice")
    first, second = build(CLONE, work / "first"), build(CLONE, work / "second")
    differ = [one.name for one, two in zip(first, second, strict=True) if one.read_bytes() != two.read_bytes()]
    if differ:
        raise DistFailed(f"two builds of one commit differ: {', '.join(differ)}")
    sdist, wheel = first
    say("building the wheel from the sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "source", filter="data")
    (source,) = (work / "source").iterdir()
    _, from_sdist = build(source, work / "third")
    if from_sdist.read_bytes() != wheel.read_bytes():
        raise DistFailed("the wheel that the sdist makes is another one than the tree's")
    say("checking metadata and contents")
    tools = make_tools()
    run([tools / "twine", "check", "--strict", sdist, wheel])
    run([tools / "check-wheel-contents", wheel])
    for what, made in (("wheel", wheel), ("sdist", sdist)):
        say(f"installing the {what} by hash, in an environment of its own")
        python = install(work / f"venv-{what}", made)
        try_it(python, work / f"home-{what}")
    for extra in extras(wheel):
        say(f"installing with [{extra}]")
        add_extra(work / "venv-wheel", wheel, extra, work)
        try_it(work / "venv-wheel" / "bin" / "python", work / f"home-{extra}")
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    for path in first:
        shutil.copy(path, dist)


def build(source: Path, target: Path) -> tuple[Path, Path]:
    """The sdist and the wheel of a source tree, by the backend that the lock pins."""
    target.mkdir()
    calls = f"import hatchling.build as b; b.build_sdist({str(target)!r}); b.build_wheel({str(target)!r})"
    run([sys.executable, "-c", calls], cwd=source, SOURCE_DATE_EPOCH=commit_time())
    (sdist,), (wheel,) = target.glob("*.tar.gz"), target.glob("*.whl")
    return sdist, wheel


def commit_time() -> str:
    """When the commit that is checked out was made, in seconds since 1970; the oldest that a zip may be without git."""
    git = ["git", "-C", str(CLONE), "log", "-1", "--format=%ct"]
    said = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return said or "315532800"


def make_tools() -> Path:
    """The environment of the checkers; made anew only when their lock changed."""
    lock = CLONE / "scripts" / "dist.lock"
    stamp = TOOLS / "lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        shutil.rmtree(TOOLS, ignore_errors=True)
        run([sys.executable, "-m", "venv", TOOLS])
        pip(TOOLS / "bin" / "python", "--require-hashes", "-r", lock)
        shutil.copy(lock, stamp)
    return TOOLS / "bin"


def install(venv: Path, archive: Path) -> Path:
    """A fresh environment with the lock and then the archive in it, every file by its hash; returns its Python."""
    run([sys.executable, "-m", "venv", venv])
    python = venv / "bin" / "python"
    pip(python, "--require-hashes", "--no-deps", "-r", CLONE / "requirements.lock")
    wanted = venv / "amani.txt"
    wanted.write_text(
        f"amani-cli @ {archive.as_uri()} --hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}\n"
    )
    pip(python, "--no-deps", "--no-build-isolation", "--require-hashes", "-r", wanted)
    return python


def extras(wheel: Path) -> list[str]:
    """The extras that the wheel's metadata names."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode()).get_all("Provides-Extra") or []


def add_extra(venv: Path, wheel: Path, extra: str, work: Path) -> None:
    """Install what an extra needs, in the versions that the development lock has."""
    pinned = re.findall(r"^([A-Za-z0-9._-]+==[^\s;\\]+)", (CLONE / "requirements-dev.lock").read_text(), re.MULTILINE)
    constraints = work / "constraints.txt"
    constraints.write_text("\n".join(pinned) + "\n")
    pip(venv / "bin" / "python", "-c", constraints, f"amani-cli[{extra}] @ {wheel.as_uri()}")


def try_it(python: Path, home: Path) -> None:
    """Type the first commands of a new user, in an empty folder; each has to end with 0 and say something."""
    amani = python.with_name("amani")
    tried: tuple[list[str], ...] = (
        [],
        ["--version"],
        ["--help"],
        ["status"],
        ["doctor"],
        ["wallet", "list"],
        ["completion", "show", "bash"],
    )
    for words in tried:
        if not run([amani, *words], AMANI_HOME=str(home)).strip():
            raise DistFailed(f"`amani {' '.join(words)}` says nothing")
    absent = [name for name in SHARED if not (python.parent.parent / name).exists()]
    if absent:
        raise DistFailed(f"not installed: {', '.join(absent)}")


def pip(python: Path, *words: object) -> None:
    """Have an environment's pip install something."""
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words])


def run(command: list[object], *, cwd: Path | None = None, **env: str) -> str:
    """Run one step and return what it says. Raises DistFailed with the last of it."""
    drop = ("PYTHONPATH", "VIRTUAL_ENV", "AMANI_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    said = subprocess.run(
        [str(word) for word in command],
        cwd=cwd or tempfile.gettempdir(),  # never the clone, whose own package would be imported
        env={**kept, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if said.returncode:
        tail = "\n".join(f"    {line}" for line in said.stdout.splitlines()[-15:])
        raise DistFailed(f"`{' '.join(str(word) for word in command)}` ended with {said.returncode}:\n{tail}")
    return said.stdout


def say(text: str) -> None:
    """What is being done, on stderr."""
    print(f"dist: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
