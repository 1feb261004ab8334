"""A server's answers to one command, taken down once and played again with one of them spoiled."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit import ledgers
from tests.kit.fault_proxy import Answer, Exchange, FaultProxy


@dataclass
class Tape:
    """What a server answered, in order. While `spoiled` names one of them, another body or answer takes its place."""

    proxy: FaultProxy
    taken: list[tuple[str, str, Answer]] = field(default_factory=list)
    recording: bool = True
    spoiled: tuple[int, bytes | Answer] | None = None
    _played: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.proxy.on(self._fault, times=None)

    def retell(self, path: str, body: Any) -> None:
        """Let an answer to the path be this one: where the server at hand has nothing to tell."""
        self.taken = [
            (method, known, Answer(200, json.dumps(body).encode()) if re.fullmatch(path, known) else answer)
            for method, known, answer in self.taken
        ]

    def bodies(self) -> list[tuple[int, Any]]:
        """The answers that are JSON, each with its place."""
        return [(at, json.loads(answer.body)) for at, (_, _, answer) in enumerate(self.taken) if answer.body]

    def rewind(self, spoiled: tuple[int, bytes | Answer] | None = None) -> None:
        """Play from the beginning, with one answer spoiled."""
        self.recording = False
        self.spoiled = spoiled
        self._played.clear()
        self.proxy.seen.clear()

    def paid(self) -> int:
        """How many requests came that move money."""
        return sum(
            exchange.method == "POST" and exchange.path == "/api/v1/payments" and exchange.json.get("out") is True
            for exchange in self.proxy.seen
        )

    def _fault(self, exchange: Exchange) -> None:
        path = exchange.path.partition("?")[0]
        if self.recording:
            heard = exchange.forward()
            self.taken.append((exchange.method, path, heard))
            exchange.reply(heard)
            return
        same = [at for at, (method, known, _) in enumerate(self.taken) if (method, known) == (exchange.method, path)]
        if not same:
            exchange.reply(Answer(404, b'{"detail":"Payment does not exist."}'))
            return
        at = next((each for each in same if each not in self._played), same[-1])
        self._played.add(at)
        heard = self.taken[at][2]
        if self.spoiled is not None and self.spoiled[0] == at:
            other = self.spoiled[1]
            heard = other if isinstance(other, Answer) else Answer(heard.status, other, heard.content_type)
        exchange.reply(heard)


class Restore:
    """Puts folders, and the ledger if it is in none of them, back to what they were when this was made."""

    def __init__(self, folders: tuple[Path, ...], beside: Path) -> None:
        self._ledger = ledgers.Kept(folders[0]) if ledgers.on_postgres() else None
        self._copies = [(folder, beside / f"kept-{at}") for at, folder in enumerate(folders)]
        for folder, copy in self._copies:
            shutil.copytree(folder, copy)

    def __call__(self) -> None:
        for folder, copy in self._copies:
            shutil.rmtree(folder)
            shutil.copytree(copy, folder)
        if self._ledger is not None:
            self._ledger.put_back(seen=True)
