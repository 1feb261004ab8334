"""Other people: each with an OS user, a host and an AMANI_HOME of their own, and nothing shared but files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from amani_cli.rules import signatures
from tests.kit.driver import Amani, Result


@dataclass
class Person:
    """Somebody on another machine. What they run is run as them; what they sign comes as a file."""

    amani: Amani
    name: str
    home: Path
    host: str = ""
    public: str = ""
    files: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.host = self.host or f"{self.name}s-laptop"

    def __call__(self, *words: object, home: Path | None = None, stdin: str = "", tty: bool = False) -> Result:
        """Run amani as this person, on their own machine or in another home that they share."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(signatures, "myself", lambda: signatures.Person(self.name, self.host))
            return self.amani(*words, env={"AMANI_HOME": str(home or self.home)}, stdin=stdin, tty=tty)

    def init(self) -> str:
        """Make their key, and tell the public half."""
        made = self("approver", "init", "--key-file", self.home.parent / f"{self.name}.approver", "--json")
        self.public = str(made.data["public_half"])
        return self.public

    def signs(self, request: Path, verdict: str = "approve", *words: object) -> Path:
        """Sign a request's file; what is printed is the file that comes back."""
        signed = self("request", verdict, request, "--yes", *words)
        assert signed.code == 0, signed
        path = self.home.parent / f"{self.name}-{len(self.files)}.json"
        path.write_text(signed.stdout)
        self.files.append(path)
        return path


def exported(amani: Amani, id: str, path: Path) -> Path:
    """A request as a file."""
    run = amani("request", "export", id)
    assert run.code == 0, run
    path.write_text(run.stdout)
    return path


def filed(run: Result) -> dict[str, Any]:
    """What `--request --json` filed."""
    assert run.json["schema"] == "amani.request/1", run
    found = run.data
    assert isinstance(found, dict)
    return found


def edited(path: Path, change: Any) -> Path:
    """The file with something in it changed."""
    said = json.loads(path.read_text())
    change(said["data"])
    path.write_text(json.dumps(said))
    return path
