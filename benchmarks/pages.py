"""The page of a link beside a bare hello of the same server: how many a core makes in a second, how long 50 wait.

And how much longer one waits while somebody tries ten thousand wrong links a minute.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Failed, spread
from benchmarks.report import Row
from benchmarks.world import World
from tests.kit.lnbits_server import LnbitsServer, free_port

CLIENTS, REQUESTS = 50, 2000
PATIENCE_S = 30.0
HELLO = """
import sys
from waitress import serve

def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "5")])
    return [b"hello"]

serve(hello, host="127.0.0.1", port=int(sys.argv[1]), threads=4, backlog=256)
"""


class Place(NamedTuple):
    """Something that serves: its process, its port, and what is asked of it."""

    process: int
    port: int
    path: str


def pages(world: World, times: int, server: LnbitsServer) -> Iterator[Row]:
    """An open link's page, its language chosen and its QR code drawn, beside five bytes."""
    place = free_port()
    world.do("config", "set", "base_url", f"http://127.0.0.1:{place}", home="pages")
    key = world.root / "pages.key"
    key.touch(0o600)
    key.write_text(server.new_wallet(10_000)[1])
    world.do("wallet", "add", "giver", "--url", server.url, "--key-file", key, home="pages")
    words = [str(world.amani), "cheque", "create", "1000", "--memo", "Thank you", "--link", "--yes", "--json"]
    made = subprocess.run(words, env=world.environment("pages"), capture_output=True, check=False)
    if made.returncode:
        raise Failed(made.stderr.decode())
    path = "/c/" + str(json.loads(made.stdout)["data"]["link"]).rpartition("/")[2]
    served = [world.amani, "serve", "--listen", f"127.0.0.1:{place}", "--as-root"]
    other = free_port()
    with _running(world, served, place, "/health") as ours:
        alone, meanwhile = _beside_wrong_ones(world, Place(ours, place, path), max(3, times // 4))
    with (
        _running(world, served, place, "/health", on_one_core=True) as ours,
        _running(world, [world.python, "-c", HELLO, other], other, "/", on_one_core=True) as theirs,
    ):
        places = {"page": Place(ours, place, path), "hello": Place(theirs, other, "/")}
        rates: dict[str, list[float]] = {name: [] for name in places}
        waits: dict[str, list[float]] = {name: [] for name in places}
        for turn in range(max(3, times // 4) + 1):
            for name, each in places.items():
                a_second, p99_ms = _load(each)
                if turn:
                    rates[name].append(a_second)
                    waits[name].append(p99_ms)
    ratios = [more / one for more, one in zip(meanwhile, alone, strict=True)]
    beside = spread(meanwhile), spread(alone), spread(ratios)
    yield Row("serve: 99 of 100 pages, 10,000 wrong ids a minute", "ms", *beside, 2.0, against="the same without")
    yield _row("serve: pages a second of one core", "/s", rates, 0.1, at_least=True)
    yield _row(f"serve: 99 of 100 pages, {CLIENTS} clients", "ms", waits, 8.0, at_least=False)


def _row(name: str, unit: str, taken: dict[str, list[float]], bar: float, *, at_least: bool) -> Row:
    ratios = [mine / its for mine, its in zip(taken["page"], taken["hello"], strict=True)]
    spreads = spread(taken["page"]), spread(taken["hello"]), spread(ratios)
    return Row(name, unit, *spreads, bar, at_least, "a bare hello")


def _load(place: Place) -> tuple[float, float]:
    """So many clients at once: requests for a second of the server's CPU, and the wait that 99 of 100 stay below."""
    before = _cpu_s(place.process)
    with ThreadPoolExecutor(CLIENTS) as pool:
        waited = sorted(wait for part in pool.map(lambda _: _client(place), range(CLIENTS)) for wait in part)
    return len(waited) / (_cpu_s(place.process) - before), waited[len(waited) * 99 // 100] * 1000


WRONG = """
import http.client, itertools, sys, time

line = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
begun = time.monotonic()
for number in itertools.count():
    line.request("GET", f"/c/{number:026d}")
    line.getresponse().read()
    time.sleep(max(0.0, begun + number * 0.006 - time.monotonic()))
"""


def _beside_wrong_ones(world: World, place: Place, times: int) -> tuple[list[float], list[float]]:
    """The wait that 99 of 100 pages stay below, one after the other: alone, and while wrong ids come; in turn."""
    alone, meanwhile = [], []
    for _ in range(times):
        alone.append(_one_after_the_other(place))
        attacker = [str(world.python), "-c", WRONG, str(place.port)]
        with subprocess.Popen(attacker, env=world.environment("pages")) as run:
            time.sleep(0.2)
            meanwhile.append(_one_after_the_other(place))
            run.terminate()
    return alone, meanwhile


def _one_after_the_other(place: Place) -> float:
    waited = sorted(wait for _ in range(50) for wait in _client(place))
    return waited[len(waited) * 99 // 100] * 1000


def _client(place: Place) -> list[float]:
    waited = []
    line = http.client.HTTPConnection("127.0.0.1", place.port, timeout=PATIENCE_S)
    for _ in range(REQUESTS // CLIENTS):
        begun = time.perf_counter()
        line.request("GET", place.path, headers={"Accept": "text/html", "Accept-Language": "sw"})
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            raise Failed(f"{place.path} answered {answer.status}")
        waited.append(time.perf_counter() - begun)
    line.close()
    return waited


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _running(world: World, words: list[object], port: int, path: str, *, on_one_core: bool = False) -> Iterator[int]:
    """A process that serves, once it does."""
    quiet = subprocess.DEVNULL
    command, env = [str(word) for word in words], world.environment("pages")
    with subprocess.Popen(
        command, env=env, stdout=quiet, stderr=quiet, preexec_fn=_on_one_core if on_one_core else None
    ) as run:
        try:
            ends = time.monotonic() + PATIENCE_S
            while not _answers(port, path):
                if run.poll() is not None or time.monotonic() > ends:
                    raise Failed(f"{words[0]} {words[1]} does not serve (is amani-cli[serve] installed?)")
                time.sleep(0.05)
            yield run.pid
        finally:
            run.terminate()


def _on_one_core() -> None:
    """With a second core Python's threads wait for each other across both; a page's own work is what is measured."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _answers(port: int, path: str) -> bool:
    try:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        line.request("GET", path)
        return line.getresponse().status == 200
    except OSError:
        return False
