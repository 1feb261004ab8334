"""`amani metrics` on a real server, read by Prometheus' own parser; the alerts and the dashboard by promtool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AddWallet, change_database
from tests.kit.driver import CLONE, Amani
from tests.kit.journals import add_payment, writing
from tests.kit.lnbits_server import free_port

pytestmark = pytest.mark.lnbits

parser = pytest.importorskip("prometheus_client.parser")


def parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample, as the parser of Prometheus' own Python client reads it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: dict[Any, float], name: str, **labels: str) -> float:
    """The one sample of a name with (at least) these labels."""
    found = [number for (each, has), number in samples.items() if each == name and has >= labels.items()]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def promtool(*argv: object, stdin: str = "") -> str:
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        ["promtool", *[str(word) for word in argv]], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_figures_of_a_wallet_at_work(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    main = add_wallet("main", 5000)
    other = add_wallet('o"dd\\', 10)
    amani("wallet", "limit", "main", "--per-day", "3000sat")
    assert amani("pay", other.invoice(1000), "--yes", "--wallet", "main").code == 0
    amani("faucet", "configure", "--wallet", "main", "--amount", "100", "--daily-cap", "400")
    with writing(home) as (_, db):
        add_payment(
            db,
            1,
            -7,
            "2026-08-01T00:00:00Z",
            status="unknown",
            settled_at=None,
            reserved_msat=7000,
            remote_wallet_id=main.id,
        )
    result = amani("metrics")
    assert result.code == 0
    samples = parsed(result.stdout)
    assert value(samples, "amani_wallet_balance_sats", wallet="main") == main.sat == 4000
    assert value(samples, "amani_wallet_balance_sats", wallet='o"dd\\') == 1010
    assert value(samples, "amani_provider_up", provider="lnbits") == 1
    assert value(samples, "amani_open_outcomes") == 1
    assert "\namani_open_outcomes 1\n" in result.stdout
    assert value(samples, "amani_open_outcome_oldest_age_seconds") > 86400
    assert value(samples, "amani_budget_left_sats", wallet="main") == 3000 - 1000 - 7
    assert value(samples, "amani_faucet_left_sats") == 400
    assert value(samples, "amani_command_last_success_timestamp_seconds", command="pay") > 1.7e9
    posted = {"provider": "lnbits", "method": "POST", "endpoint": "/api/v1/payments"}
    assert value(samples, "amani_provider_request_duration_seconds_count", **posted) == 1
    assert value(samples, "amani_provider_request_duration_seconds_bucket", **posted, le="+Inf") == 1
    assert value(samples, "amani_provider_request_errors_total", **posted) == 0
    # The calls that `metrics` itself makes are in the next one's figures.
    asked = {"provider": "lnbits", "method": "GET", "endpoint": "/api/v1/wallet"}
    before = value(samples, "amani_provider_request_duration_seconds_count", **asked)
    later = parsed(amani("metrics").stdout)
    assert value(later, "amani_provider_request_duration_seconds_count", **asked) == before + 2
    assert not re.search(r"[0-9a-f]{32}", result.stdout)  # no payment hash or wallet id in an endpoint
    promtool("check", "metrics", stdin=result.stdout)


def test_a_provider_that_is_down_is_a_figure(amani: Amani, add_wallet: AddWallet, home: Path) -> None:
    add_wallet("main", 5)
    gone = f"http://127.0.0.1:{free_port()}"
    change_database(home, "UPDATE wallet SET url=?", gone)
    result = amani("metrics")
    assert result.code == 0
    samples = parsed(result.stdout)
    assert value(samples, "amani_provider_up", host=gone.removeprefix("http://")) == 0
    assert value(samples, "amani_wallet_up", wallet="main") == 0
    assert not any(name == "amani_wallet_balance_sats" for name, _ in samples)
    assert "warning: " in result.stderr
    errors = value(parsed(amani("metrics").stdout), "amani_provider_request_errors_total", endpoint="/api/v1/wallet")
    assert errors == 1


def test_looking_at_the_books_counts_nothing(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main", 5)
    amani("history", "list")
    assert "history list" not in amani("metrics").stdout


def test_the_file_is_whole_and_readable_by_those_it_is_for(amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
    add_wallet("main", 5)
    out = tmp_path / "amani.prom"
    written = amani("metrics", "--output", out, "--json").data
    assert written["path"] == str(out)
    assert written["samples"] == len(parsed(out.read_text()))
    assert out.stat().st_mode & 0o777 == 0o640
    amani("metrics", "--output", out, "--mode", "644")
    assert out.stat().st_mode & 0o777 == 0o644
    assert amani("metrics", "--json").code == amani("metrics", "--mode", "rw").code == 2
    other = tmp_path / "mine.txt"
    other.write_text("mine")
    refused = amani("metrics", "--output", other, "--json")
    assert refused.error["code"] == "FILE_EXISTS"
    assert "--force" not in refused.error["hint"]  # it takes none


def test_the_alerts_are_rules_that_fire(tmp_path: Path) -> None:
    promtool("check", "rules", CLONE / "docs" / "alerts.yml")
    (tmp_path / "test.yml").write_text(
        f"""
rule_files: [{CLONE / "docs" / "alerts.yml"}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{series: 'amani_open_outcome_oldest_age_seconds', values: '0 840 900 960'}}
      - {{series: 'amani_wallet_balance_sats{{wallet="main"}}', values: '60000 100x9'}}
    alert_rule_test:
      - {{eval_time: 2m, alertname: AmaniOutcomeOpen, exp_alerts: []}}
      - eval_time: 3m
        alertname: AmaniOutcomeOpen
        exp_alerts:
          - exp_labels: {{severity: critical}}
            exp_annotations:
              summary: The outcome of a payment has been open for 16m 0s
              description: Run amani reconcile. Do not pay it again by other means.
      - eval_time: 7m
        alertname: AmaniWalletLow
        exp_alerts:
          - exp_labels: {{severity: warning, wallet: main}}
            exp_annotations:
              summary: Wallet main holds 100 sat
              description: Top it up with amani invoice create, or amani transfer.
"""
    )
    promtool("test", "rules", tmp_path / "test.yml")


def expressions() -> Iterator[str]:
    dashboard = json.loads((CLONE / "docs" / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def test_the_dashboard_asks_for_figures_that_there_are(tmp_path: Path) -> None:
    source = (CLONE / "amani_cli" / "operations" / "metrics.py").read_text()
    alerts = (CLONE / "docs" / "alerts.yml").read_text()
    asked = set(re.findall(r"\bamani_\w+", " ".join(expressions()) + alerts))
    for name in asked:
        assert f'"{re.sub("_(bucket|count|sum)$", "", name)}"' in source, name
    rules = "groups:\n  - name: dashboard\n    rules:\n" + "".join(
        f"      - {{record: 'panel:x:{number}', expr: {json.dumps(expr)}}}\n"
        for number, expr in enumerate(expressions())
    )
    (tmp_path / "rules.yml").write_text(rules)
    promtool("check", "rules", tmp_path / "rules.yml")
