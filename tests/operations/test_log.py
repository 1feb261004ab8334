"""The log file of AMANI_LOG: its lines, its mode, no secret in it, and that it makes room for itself."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from amani_cli import log
from tests.conftest import AddWallet
from tests.kit.driver import Amani

pytestmark = pytest.mark.lnbits


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_call_and_each_end_is_a_line(
    amani: Amani, add_wallet: AddWallet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "amani.log"
    held = add_wallet("main", 50)
    monkeypatch.setenv("AMANI_LOG", str(path))
    other = add_wallet("other")
    quiet = amani("pay", other.invoice(5), "--yes", "-w", "main")
    assert "LNbits" not in quiet.stderr  # the file is beside the terminal, not instead of it
    assert amani("pay", "nonsense", "--yes").code == 2
    found = lines(path)
    assert all(line.keys() >= {"timestamp", "level", "message", "event", "request_id"} for line in found)
    paid = next(line for line in found if line["message"] == "LNbits POST /api/v1/payments")
    assert (paid["event"], paid["endpoint"], paid["status"]) == ("provider_call", "/api/v1/payments", 201)
    assert isinstance(paid["latency_ms"], int)
    assert paid["wallet"] == "main"
    ends = [line for line in found if line["event"] == "command"]
    assert [(line["command"], line["exit"], line["level"]) for line in ends][-2:] == [
        ("pay", 0, "info"),
        ("pay", 2, "warning"),
    ]
    assert ends[-2]["wallet"] == "main"
    assert len({line["request_id"] for line in found}) == len(ends)
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_text()
    for secret in (held.admin_key, held.read_key, other.admin_key):
        assert secret not in content


def test_a_log_that_cannot_be_written_stops_nothing(amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
    add_wallet("main", 50)
    for path in (tmp_path / "no" / "amani.log", tmp_path):
        result = amani("wallet", "balance", "-q", env={"AMANI_LOG": str(path)})
        assert (result.code, result.stdout) == (0, "50\n")
        assert result.stderr.count("warning: no log in") == 1
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert amani("wallet", "balance", "-q", env={"AMANI_LOG": str(tmp_path / "link")}).code == 0
    assert not (tmp_path / "target").exists()


def test_it_rotates_and_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 20_000)
    monkeypatch.setattr(log, "OLDER", 50)
    path = tmp_path / "amani.log"
    log.configure(0, False, str(path))

    def write(name: int) -> None:
        for number in range(200):
            log.event("info", f"line {name}-{number}", event="test")

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.configure(0, False)
    files = [each for each in tmp_path.glob("amani.log*") if each.suffix != ".lock"]
    assert len(files) > 3
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    assert max(each.stat().st_size for each in files) < 21_000
    messages = [line["message"] for each in files for line in lines(each)]
    assert len(messages) == len(set(messages)) == 800


def test_old_ones_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 200)
    path = tmp_path / "amani.log"
    log.configure(0, False, str(path))
    for number in range(50):
        log.event("info", f"line {number}", event="test")
    log.configure(0, False)
    assert {each.name for each in tmp_path.iterdir()} <= {
        *("amani.log", "amani.log.lock"),
        *(f"amani.log.{number}" for number in range(1, log.OLDER + 1)),
    }
