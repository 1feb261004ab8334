"""`amani watch` on a real server: each payment once, commands run on it, marks for cron."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from tests import json_schema
from tests.conftest import AddWallet
from tests.driver import PATIENCE_S, Amani, environment, schema_of

pytestmark = pytest.mark.lnbits


class Watch:
    """A running watch, and the documents it has printed."""

    def __init__(self, run: subprocess.Popen[str]) -> None:
        self.run = run
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.run.stdout is not None
        for line in self.run.stdout:
            self._lines.put(line)

    def next(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        document = json.loads(self._lines.get(timeout=patience_s))
        json_schema.check(document, schema_of("amani.event/1"))
        data = document["data"]
        assert isinstance(data, dict)
        return data

    def silent(self) -> bool:
        try:
            self._lines.get(timeout=3)
        except Empty:
            return True
        return False


@contextmanager
def watching(*options: object) -> Iterator[Watch]:
    """`amani watch --json` that has had its first look."""
    words = [sys.executable, "-m", "amani_cli", "watch", "--json", "-v", *[str(word) for word in options]]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as run:
        assert run.stderr is not None
        try:
            while "paginated" not in (line := run.stderr.readline()):
                assert line, "it ended"
            drain = threading.Thread(target=run.stderr.read, daemon=True)
            drain.start()
            time.sleep(0.3)
            yield Watch(run)
        finally:
            run.kill()


def test_each_payment_is_told_once_with_its_record(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    main.pay(other.invoice(1, "before"))
    with watching("main") as watch:
        main.pay(other.invoice(20, "out"))
        seen = watch.next()
        assert (seen["what"], seen["wallet"], seen["balance_msat"]) == ("payment", "main", 79_000)
        assert (seen["payment"]["direction"], seen["payment"]["amount_msat"]) == ("out", 20_000)
        assert seen["payment"]["status"] == "settled"
        other.pay(main.invoice(5, "in"))
        seen = watch.next()
        assert (seen["payment"]["direction"], seen["payment"]["memo"]) == ("in", "in")
        assert watch.silent()
    memos = [item["memo"] for item in amani("history", "list", "-w", "main", "--json").data["items"]]
    # LNbits tells the time in whole seconds: what was there before may share one, in either order.
    assert memos[:2] == ["in", "out"] and set(memos[2:]) == {"Admin credit", "before"}


def test_what_amani_itself_pays_is_told_too(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main", 100)
    other = add_wallet("other")
    with watching() as watch:
        assert amani("pay", other.invoice(3), "--yes", "-w", "main").code == 0
        told = {watch.next()["wallet"], watch.next()["wallet"]}
        assert told == {"main", "other"}


def test_a_command_is_run_with_the_event(amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    out = tmp_path / "seen.json"
    script = tmp_path / "on-event"
    script.write_text(f'#!/bin/sh\necho talk\nenv | grep -c LNBITS_API_KEY\ncat > "{out}"\n')
    script.chmod(0o700)
    os.environ["LNBITS_API_KEY"] = other.read_key
    try:
        with watching("main", "--exec", script) as watch:
            main.pay(other.invoice(20))
            assert watch.next()["payment"]["amount_msat"] == 20_000
            ends = time.monotonic() + PATIENCE_S
            while not out.exists() or not out.read_text().endswith("\n"):
                assert time.monotonic() < ends
                time.sleep(0.05)
            assert watch.silent()  # what the command prints is no answer
    finally:
        del os.environ["LNBITS_API_KEY"]
    assert json.loads(out.read_text())["payment"]["amount_msat"] == 20_000


def test_marks_for_cron(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    low = amani("watch", "main", "--below", "200sat", "--for", "1m", "--json")
    assert low.code == 7
    assert low.json["data"]["what"] == "below"
    assert "BELOW" in amani("wallet", "watch", "main", "--below", "200sat").stdout
    fine = amani("watch", "main", "--below", "50sat", "--for", "1s")
    assert (fine.code, fine.stdout) == (0, "")
    with watching("main", "--below", "50sat", "--for", "60s") as watch:
        main.pay(other.invoice(60))
        assert watch.next()["what"] == "payment"
        assert watch.next()["what"] == "below"
        assert watch.run.wait(PATIENCE_S) == 7


def test_it_outlives_the_server(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main", 100), add_wallet("other")
    with watching("main") as watch:
        main.server.stop()
        try:
            time.sleep(2.5)
        finally:
            main.server.start()
        main.pay(other.invoice(20))
        assert watch.next()["payment"]["amount_msat"] == 20_000
        assert watch.run.poll() is None


def test_a_first_look_that_fails_is_an_error(amani: Amani, add_wallet: AddWallet) -> None:
    held = add_wallet("main")
    held.key_file.unlink()
    assert amani("watch", "main", "--json").error["code"] == "KEY_FILE"
