"""Other programs on the same task, or on their start, where they are installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from benchmarks.measure import Command, alternate
from benchmarks.report import Row
from benchmarks.starts import add_wallets, compare
from benchmarks.world import World
from tests.lnbits_server import LnbitsServer

# Each program: what it is asked to do, `{url}` and `{key}` filled in.
SAME_GET = {
    "curl": ("-s", "-H", "X-Api-Key: {key}", "{url}/api/v1/wallet"),
    "http": ("--ignore-stdin", "{url}/api/v1/wallet", "X-Api-Key: {key}"),
}
START = {"cashu": ("--help",), "electrum": ("--offline", "version"), "lnbits-cli": ("--help",)}


def missing() -> list[str]:
    """Those that are not installed."""
    return [f"{name}: not installed" for name in (*SAME_GET, *START) if shutil.which(name) is None]


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
        program = shutil.which(name)
        if program is not None:
            filled = [word.format(url=server.url, key=key) for word in words]
            commands[name] = Command([program, *filled], world.environment())
            same = name in SAME_GET
            beside[name] = (balance, f"{name}, the same GET") if same else (start, f"{name} {' '.join(words)}")
    taken = alternate(commands, times)
    for name, (ours, against) in beside.items():
        yield compare({ours: taken[ours], name: taken[name]}, ours, name, None, against)
