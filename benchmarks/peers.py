"""Other programs on the same task, or on their start: those that are here, and those that pip can install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

from benchmarks.measure import Command, alternate
from benchmarks.report import Row
from benchmarks.starts import add_wallets, compare
from benchmarks.world import CACHE, World
from tests.kit.lnbits_server import LnbitsServer, prepare_template

# Each program: what it is asked to do, `{url}` and `{key}` filled in.
SAME_GET = {
    "curl": ("-s", "-H", "X-Api-Key: {key}", "{url}/api/v1/wallet"),
    "http": ("--ignore-stdin", "{url}/api/v1/wallet", "X-Api-Key: {key}"),
}
START = {"cashu": ("--help",), "electrum": ("--offline", "version"), "lnbits-cli": ("--help",)}
# For an environment of their own. cashu 0.20 fails with marshmallow 4.
FROM_PYPI = ("httpie==3.2.4", "cashu==0.20.2", "marshmallow==3.26.2")


def missing() -> list[str]:
    """Those that are not here and can't be installed."""
    return [f"{name}: not installed" for name in (*SAME_GET, *START) if _program(name) is None]


def _program(name: str) -> str | None:
    places = [os.environ.get("PATH", os.defpath), _installed(), str(prepare_template() / "env" / "bin")]
    return shutil.which(name, path=os.pathsep.join(places))


@cache
def _installed() -> str:
    """Where pip puts the programs of `FROM_PYPI`, compiled as amani is; none of them if that fails."""
    venv = CACHE / "peers"
    if not (venv / "done").exists():
        shutil.rmtree(venv, ignore_errors=True)
        for words in (["-m", "venv", str(venv)], [str(venv / "bin" / "pip"), "install", "--quiet", *FROM_PYPI]):
            words = [sys.executable, *words] if words[0] == "-m" else words
            if subprocess.run(words, capture_output=True, check=False).returncode:
                return os.devnull
        (venv / "done").touch()
    return str(venv / "bin")


def peers(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """How they stand beside amani: a balance beside the same GET, `--help` beside a start."""
    key, _ = add_wallets(world, server, "peers", 1)[0]
    balance, start = "wallet balance --json", "--help"
    commands = {
        balance: world.command("wallet", "balance", "--json", home="peers"),
        start: world.command("--help"),
    }
    beside: dict[str, tuple[str, str]] = {}
    for name, words in {**SAME_GET, **START}.items():
        program = _program(name)
        if program is not None:
            filled = [word.format(url=server.url, key=key) for word in words]
            commands[name] = Command(
                [program, *filled], world.environment(LNBITS_DATA_FOLDER=str(world.root / "peers"))
            )
            same = name in SAME_GET
            beside[name] = (balance, f"{name}, the same GET") if same else (start, f"{name} {' '.join(words)}")
    taken = alternate(commands, times)
    for name, (ours, against) in beside.items():
        yield compare({ours: taken[ours], name: taken[name]}, ours, name, None, against)
