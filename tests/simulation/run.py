"""Runs worlds, and makes of a failure the shortest script that still shows it.

python -m tests.simulation.run --seeds 10 --seed 1 --steps 300 --minutes 5
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit import keyrings
from tests.simulation import acts, seams, shared_ledger, tally, truth
from tests.simulation.people import People
from tests.simulation.shared_ledger import Ledgers
from tests.simulation.world import Step, World

REPLAYS = Path(__file__).parent / "replays"
_clock = time.perf_counter


@dataclass
class Outcome:
    """How a world ended: its script, what was wrong, and what was seen on the way."""

    seed: int
    script: list[Step]
    found: list[str]
    log: list[str]
    counts: dict[str, int] = field(default_factory=dict)
    commands: int = 0
    ledgers: Ledgers | None = None


def _folder() -> Path:
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="amani-world-", dir=shared if shared.is_dir() else None))


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """What stands in the environment of everybody in the world, and nothing else."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({"PATH": "/bin:/usr/bin", "TZ": "UTC", "LOGNAME": "amani"})
    os.environ["PYTHON_KEYRING_BACKEND"] = keyrings.IN_MEMORY
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def live(seed: int, steps: int = 0, script: list[Step] | None = None, ledgers: Ledgers | None = None) -> Outcome:
    """Let a world live: by its people for so many steps, or by a script; with `ledgers` its machines share one."""
    root = _folder()
    log: list[str] = []
    done: list[Step] = []
    found: list[str] = []
    world = World(root, seed, ledgers)
    try:
        with seams.laid(world), _environment():
            acts.setting(world)
            people = People(world, seed)
            for number in range(steps if script is None else len(script)):
                step = people.next() if script is None else script[number]
                done.append(step)
                found = _one(world, step, log)
                if found:
                    break
            else:
                before = len(world.runs)
                found = truth.at_rest(world)
                log += [truth.as_text(run) for run in world.runs[before:]]
    except Exception:
        found = [f"the world: {traceback.format_exc(limit=-6)}"]
    finally:
        world.forget_journal()
        if world.ledger is not None:
            world.ledger.close()
        shutil.rmtree(root, ignore_errors=True)
    shown = [world.hide(line) for line in log]
    found = [world.hide(each) for each in found]
    return Outcome(seed, done, found, shown, world.counts, len(world.runs), ledgers)


def _one(world: World, step: Step, log: list[str]) -> list[str]:
    world.transcript.clear()
    try:
        runs = acts.do(world, step)
    except acts.Missing:
        return []
    if not runs:
        log.append(f"[{step['n']}] {json.dumps({k: v for k, v in step.items() if k != 'n'})}")
    world.count(f"step {step['do']}")
    for run in runs:
        faults = f"  faults {run.step['faults']}" if run.step.get("faults") else ""
        faults += f"  ledger {run.step['ledger']}" if run.step.get("ledger") else ""
        faults += "  (two at once)" if len(runs) > 1 and step["do"] == "two" else ""
        log.append(f"[{step['n']}] t={world.clock.now - 1.79e9:.0f} {truth.as_text(run)}{faults}")
        world.count("command " + _words(run.argv))
    log.extend(world.transcript)
    return [each for run in runs or (None,) for each in truth.after(world, run)]


_GROUPS = {
    *("wallet", "invoice", "history", "backup", "audit", "cheque", "faucet", "batch", "pin", "contact", "config"),
    *("request", "approver", "address", "completion", "store"),
}


def _words(argv: list[str]) -> str:
    return " ".join(argv[: 2 if argv[0] in _GROUPS else 1])


def shorten(outcome: Outcome, seconds: float = 60) -> Outcome:
    """Leave out whatever can be left out of a script without losing what it shows (delta debugging)."""
    ends = _clock() + seconds
    wanted = truth.words(outcome.found)
    best = outcome

    def shows(script: list[Step]) -> bool:
        nonlocal best
        tried = live(outcome.seed, script=script, ledgers=outcome.ledgers)
        if truth.words(tried.found) == wanted:
            best = Outcome(outcome.seed, script[: len(tried.script)], tried.found, tried.log, ledgers=tried.ledgers)
            return True
        return False

    size = max(1, len(best.script) // 2)
    while _clock() < ends:
        at = 0
        while at < len(best.script) and _clock() < ends:
            if not shows(best.script[:at] + best.script[at + size :]):
                at += size
        if size == 1:
            break
        size //= 2
    for at in range(len(best.script)):
        for key in ("kill", "faults", "ledger"):
            # What it fails at may come earlier than before.
            if at < len(best.script) and key in best.script[at] and _clock() < ends + 20:
                less = {name: value for name, value in best.script[at].items() if name != key}
                shows([*best.script[:at], less, *best.script[at + 1 :]])
    return best


def report(outcome: Outcome) -> str:
    """A failure as a person reads it."""
    lines = [f"seed {outcome.seed}, {len(outcome.script)} steps:", *outcome.log, "", "what is wrong:"]
    return "\n".join([*lines, *(f"  {each[:1500]}" for each in outcome.found)])


def keep(outcome: Outcome, name: str | None = None, folder: Path = REPLAYS) -> Path:
    """Write a failure as a script that the suite plays again."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name or f'seed-{outcome.seed}'}.json"
    about: dict[str, Any] = {"found": outcome.found, "seed": outcome.seed, "log": outcome.log}
    if outcome.ledgers is not None:
        about["store"] = "postgresql"
    path.write_text(json.dumps(about | {"script": outcome.script}, indent=1) + "\n")
    return path


def kept(store: str = "sqlite") -> list[Path]:
    """The scripts that are kept of worlds with such ledgers."""
    return [
        path for path in sorted(REPLAYS.glob("*.json")) if json.loads(path.read_text()).get("store", "sqlite") == store
    ]


def replay(path: Path, ledgers: Ledgers | None = None) -> Outcome:
    """Play a kept script again."""
    found = json.loads(path.read_text())
    return live(found["seed"], script=found["script"], ledgers=ledgers)


def replays(ledgers: Ledgers | None = None) -> Iterator[Outcome]:
    """Every kept script, played again."""
    for path in kept("postgresql" if ledgers is not None else "sqlite"):
        outcome = replay(path, ledgers)
        outcome.found = [f"{each} ({path.stem})" for each in outcome.found]
        yield outcome


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run as many worlds as asked for; 1 if something is wrong in one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--go-on", action="store_true", help="look for further failures")
    parser.add_argument("--commands", type=int, default=10**9, help="stop after so many")
    parser.add_argument("--first", default="", help="play kept scripts before; write the first failure's words here")
    parser.add_argument("--log", action="store_true", help="show everything")
    parser.add_argument("--into", type=Path, help="append what it came to, a line a minute, and failures beside it")
    parser.add_argument(
        "--store", choices=("sqlite", "postgresql"), default="sqlite", help="one ledger for all machines"
    )
    parser.add_argument("--sum", type=Path, help="add up what stands in such a file, and run nothing")
    said = parser.parse_args()
    seams.load()
    if said.sum:
        say("\n".join(tally.summed(said.sum)))
        return 0
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    if said.store == "postgresql":
        with shared_ledger.started() as ledgers:
            return _first(said, ledgers) if said.first else _many(said, ledgers)
    return _first(said) if said.first else _many(said)


def _first(said: argparse.Namespace, ledgers: Ledgers | None = None) -> int:
    """Look for one failure, and write down what it was."""
    ends, commands = _clock() + said.minutes * 60, 0
    worlds = (live(seed, said.steps, ledgers=ledgers) for seed in range(said.seed, said.seed + said.seeds))
    for outcome in itertools.chain(replays(ledgers), worlds):
        commands += outcome.commands
        if outcome.found or commands >= said.commands or _clock() > ends:
            break
    told = {"found": outcome.found[0] if outcome.found else "", "commands": commands}
    Path(said.first).write_text(json.dumps(told))
    return 1 if outcome.found else 0


def _many(said: argparse.Namespace, ledgers: Ledgers | None = None) -> int:
    """World after world, until the time is up, or something is wrong in one."""
    ends, code = _clock() + said.minutes * 60, tally.commit()
    whole, known = tally.Part(code, said.seed), set[str]()
    part, began, worked = tally.Part(code, said.seed), _clock(), time.process_time()
    for seed in range(said.seed, said.seed + said.seeds):
        outcome = live(seed, said.steps, ledgers=ledgers)
        part.add(tally.Part(code, seed, seed, 1, outcome.commands, counts=Counter(outcome.counts)))
        if said.log:
            say("\n".join(outcome.log))
        part.seconds, part.worked = _clock() - began, time.process_time() - worked
        if outcome.found:
            part.failures.setdefault(truth.words(outcome.found), []).append(seed)
            _tell(outcome, said, known)
            began, worked = _clock() - part.seconds, time.process_time() - part.worked  # less what shortening took
        over = _clock() > ends or (outcome.found and not said.go_on) or whole.commands + part.commands >= said.commands
        if over or part.seconds > 60:
            whole.add(part)
            if said.into:
                part.append(said.into)
            part, began, worked = tally.Part(code, seed + 1), _clock(), time.process_time()
        if over:
            break
    if part.worlds:
        whole.add(part)
        if said.into:
            part.append(said.into)
    say("\n".join(whole.told()))
    return 1 if whole.failures else 0


def _tell(outcome: Outcome, said: argparse.Namespace, known: set[str]) -> None:
    """Say what is wrong, and keep it: the first of its kind in its shortest form."""
    kind = truth.words(outcome.found)
    if kind in known:
        say(f"seed {outcome.seed}: {outcome.found[0][:300]}")
        return
    known.add(kind)
    short = shorten(outcome, 25)
    say(report(short))
    if said.into:
        keep(short, folder=said.into.with_suffix(".failures"))
    elif not said.go_on:
        say(f"kept as {keep(short)}")


if __name__ == "__main__":
    sys.exit(main())
