"""Runs worlds, and makes of a failure the shortest script that still shows it.

python -m tests.simulation.run --seeds 10 --seed 1 --steps 300 --minutes 5
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit import keyrings
from tests.simulation import acts, seams, truth
from tests.simulation.people import People
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


def live(seed: int, steps: int = 0, script: list[Step] | None = None) -> Outcome:
    """Let a world live: by its people for so many steps, or by a script."""
    root = _folder()
    log: list[str] = []
    done: list[Step] = []
    found: list[str] = []
    world = World(root, seed)
    try:
        with seams.laid(world), _environment():
            acts.setting(world)
            people = People(world, seed)
            for number in range(steps if script is None else len(script)):
                step = people.next() if script is None else script[number]
                found = _one(world, step, log)
                done.append(step)
                if found:
                    break
            else:
                before = len(world.runs)
                found = truth.at_rest(world)
                log += [truth.as_text(run) for run in world.runs[before:]]
    finally:
        world.forget_journal()
        shutil.rmtree(root, ignore_errors=True)
    shown = [line.replace(str(root), "") for line in log]
    return Outcome(seed, done, [each.replace(str(root), "") for each in found], shown, world.counts, len(world.runs))


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
        faults += "  (two at once)" if len(runs) > 1 and step["do"] == "two" else ""
        log.append(f"[{step['n']}] t={world.clock.now - 1.79e9:.0f} {truth.as_text(run)}{faults}")
        world.count("command " + _words(run.argv))
    log.extend(world.transcript)
    return [each for run in runs or (None,) for each in truth.after(world, run)]


_GROUPS = {"wallet", "invoice", "history", "backup", "audit", "cheque", "faucet", "batch", "pin", "contact", "config"}


def _words(argv: list[str]) -> str:
    return " ".join(argv[: 2 if argv[0] in _GROUPS else 1])


def shorten(outcome: Outcome, seconds: float = 60) -> Outcome:
    """Leave out whatever can be left out of a script without losing what it shows (delta debugging)."""
    ends = _clock() + seconds
    wanted = truth.words(outcome.found)
    best = outcome

    def shows(script: list[Step]) -> bool:
        nonlocal best
        tried = live(outcome.seed, script=script)
        if truth.words(tried.found) == wanted:
            best = Outcome(outcome.seed, script[: len(tried.script)], tried.found, tried.log)
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
        for key in ("kill", "faults"):
            if key in best.script[at] and _clock() < ends + 20:
                less = {name: value for name, value in best.script[at].items() if name != key}
                shows([*best.script[:at], less, *best.script[at + 1 :]])
    return best


def report(outcome: Outcome) -> str:
    """A failure as a person reads it."""
    lines = [f"seed {outcome.seed}, {len(outcome.script)} steps:", *outcome.log, "", "what is wrong:"]
    return "\n".join([*lines, *(f"  {each[:1500]}" for each in outcome.found)])


def keep(outcome: Outcome, name: str | None = None) -> Path:
    """Write a failure as a script that `test_replays` plays again."""
    REPLAYS.mkdir(exist_ok=True)
    path = REPLAYS / f"{name or f'seed-{outcome.seed}'}.json"
    about: dict[str, Any] = {"found": outcome.found, "seed": outcome.seed, "log": outcome.log}
    path.write_text(json.dumps(about | {"script": outcome.script}, indent=1) + "\n")
    return path


def replays() -> Iterator[Outcome]:
    """Every kept script, played again."""
    for path in sorted(REPLAYS.glob("*.json")):
        kept = json.loads(path.read_text())
        outcome = live(kept["seed"], script=kept["script"])
        outcome.found = [f"{each} ({path.stem})" for each in outcome.found]
        yield outcome


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def lives(said: argparse.Namespace) -> Iterator[Outcome]:
    """World after world."""
    for seed in range(said.seed, said.seed + said.seeds):
        yield live(seed, said.steps)


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
    said = parser.parse_args()
    began, total, commands, failures = _clock(), Counter[str](), 0, Counter[str]()
    seams.load()
    worked = time.process_time()
    for outcome in itertools.chain(replays() if said.first else (), lives(said)):
        seed = outcome.seed
        commands += outcome.commands
        total.update(outcome.counts)
        if said.log:
            say("\n".join(outcome.log))
        if said.first and (outcome.found or commands >= said.commands):
            break
        if outcome.found:
            kind = truth.words(outcome.found)
            failures[kind] += 1
            if failures[kind] == 1:
                say(report(shorten(outcome)))
                say("" if said.go_on else f"kept as {keep(outcome)}")
            else:
                say(f"seed {seed}: {outcome.found[0][:200]}")
            if not said.go_on:
                break
        if _clock() - began > said.minutes * 60 or commands >= said.commands:
            break
    if said.first:
        told = {"found": outcome.found[0] if outcome.found else "", "commands": commands}
        Path(said.first).write_text(json.dumps(told))
    took, worked = _clock() - began, time.process_time() - worked
    rate = f"{commands / took:.0f}/s, {commands / worked:.0f} per second of a processor"
    say(f"{commands} commands in {took:.0f} s ({rate}), seeds {said.seed} to {seed}")
    for name, count in sorted(total.items()):
        say(f"  {count:7} {name}")
    codes = {name.split()[-1] for name in total if name.startswith("exit ")}
    ran = {name.removeprefix("command ") for name in total if name.startswith("command ")}
    say(f"never reached, codes: {' '.join(sorted(seams.explained().keys() - codes))}")
    say(f"never reached, commands: {', '.join(sorted(seams.commands() - ran))}")
    say(f"failures: {dict(failures)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
