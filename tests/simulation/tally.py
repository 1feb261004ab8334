"""What many worlds came to, in parts that may be run at different times and by different states of the code.

A part is a line of JSON in a file: `run --into FILE` appends them, `run --sum FILE` adds them up.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulation import seams

CLONE = Path(__file__).resolve().parent.parent.parent


@dataclass
class Part:
    """Worlds of the seeds from `first` to `last`, as the code of `commit` ran them."""

    commit: str
    first: int
    last: int = 0
    worlds: int = 0
    commands: int = 0
    seconds: float = 0.0
    worked: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failures: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: Part) -> None:
        """Count another part in."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.worlds, self.commands = self.worlds + other.worlds, self.commands + other.commands
        self.seconds, self.worked = self.seconds + other.seconds, self.worked + other.worked
        self.counts.update(other.counts)
        for kind, seeds in other.failures.items():
            self.failures.setdefault(kind, []).extend(seeds)

    def append(self, path: Path) -> None:
        """Write it down."""
        with path.open("a") as file:
            file.write(json.dumps({**vars(self), "counts": dict(self.counts)}) + "\n")

    def told(self) -> Iterator[str]:
        """What it came to, in lines."""
        rate = f"{self.commands / self.seconds:.0f}/s, {self.commands / self.worked:.0f} per second of a processor"
        yield (
            f"{self.commands:,} commands in {self.worlds:,} worlds, seeds {self.first} to {self.last}, "
            f"in {self.seconds:,.0f} s ({rate})"
        )
        for name, count in sorted(self.counts.items()):
            yield f"  {count:9,} {name}"
        codes = {name.split()[-1] for name in self.counts if name.startswith("exit ")}
        ran = {name.removeprefix("command ") for name in self.counts if name.startswith("command ")}
        yield f"never reached, codes: {' '.join(sorted(seams.explained().keys() - codes))}"
        yield f"never reached, commands: {', '.join(sorted(seams.commands() - ran))}"
        yield f"failures: {self.failures}"


def commit() -> str:
    """The state of the code, with a + behind it if it is not that of the commit."""

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", CLONE, *words], check=False, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "amani_cli", "tests")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def read(path: Path) -> list[Part]:
    """The parts that stand in a file."""
    parts = [Part(**json.loads(line)) for line in path.read_text().splitlines()]
    for part in parts:
        part.counts = Counter(part.counts)
    return parts


def summed(path: Path) -> Iterator[str]:
    """The parts of a file: each commit's, and all together."""
    parts = read(path)
    whole = Part("", parts[0].first)
    by_commit: dict[str, Part] = {}
    for part in parts:
        whole.add(part)
        by_commit.setdefault(part.commit, Part(part.commit, part.first)).add(part)
    for name, part in by_commit.items():
        yield (
            f"{name}: {part.commands:,} commands in {part.worlds:,} worlds of seeds {part.first} to {part.last}, "
            f"{part.seconds:,.0f} s, failures {part.failures}"
        )
    yield from whole.told()
