"""`amani config`: every value with its source, and only values that can be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amani_cli.config import parse_dotenv
from amani_cli.settings import REGISTRY
from tests.conftest import write_key
from tests.kit import ledgers
from tests.kit.driver import Amani, Result


def item(result: Result, name: str) -> dict[str, Any]:
    (found,) = [each for each in result.data["items"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def findings(result: Result) -> list[tuple[str, str]]:
    return [(each["detail"], each["status"]) for each in result.json["data"]["items"]]


def test_every_setting_with_its_source(amani: Amani, home: Path) -> None:
    shown = amani("config", "show", "--json")
    assert [each["name"] for each in shown.data["items"]] == [setting.name for setting in REGISTRY]
    of_the_tests = {"environment (AMANI_STORE)"} if ledgers.on_postgres() else set()
    assert {each["source"] for each in shown.data["items"]} == {"default"} | of_the_tests
    assert shown.data["paths"]["database"] == str(home / "amani.db")
    assert not home.exists()


def test_the_environment_outranks_the_file_and_the_file_the_default(amani: Amani, home: Path) -> None:
    assert item(amani("config", "set", "timeout", "20s", "--json"), "timeout")["value"] == "20s"
    from_file = item(amani("config", "show", "--json"), "timeout")
    assert (from_file["value"], from_file["source"]) == ("20s", str(home / "config.toml"))
    from_environment = item(amani("config", "explain", "timeout", "--json", env={"AMANI_TIMEOUT": "9s"}), "timeout")
    assert (from_environment["value"], from_environment["source"]) == ("9s", "environment (AMANI_TIMEOUT)")
    assert amani("config", "set", "timeout", "").code == 0
    assert item(amani("config", "show", "--json"), "timeout")["source"] == "default"


def test_settings_are_shown_while_the_ledger_is_away(amani: Amani) -> None:
    """Its address is among them, and may be what is wrong."""
    away = {"AMANI_STORE": "postgresql://amani@127.0.0.1:1/x"}
    for words in (("config", "show"), ("config", "explain", "limit.cheque")):
        run = amani(*words, env=away)
        assert run.code == 0, run
        assert "10/1h" in run.stdout
        assert "can't be reached" in run.stderr
    assert "postgresql://amani@127.0.0.1:1/x" in amani("config", "show", env=away).stdout


def test_a_provider_s_variables_by_their_place_and_never_the_key(amani: Amani) -> None:
    key = "0123456789abcdef" * 2
    amani.secrets.add(key)
    write_key(Path(".env"), f"LNBITS_BASE_URL=https://lnbits.example\nLNBITS_API_KEY={key}\nSOMETHING_ELSE=x")
    shown = amani("config", "show", "--json", env={"LNBITS_BASE_URL": "https://other.example"})
    assert item(shown, "LNBITS_API_KEY").items() >= {"value": "(set)", "source": ".env"}.items()
    url = item(shown, "LNBITS_BASE_URL")
    assert (url["value"], url["source"]) == ("https://other.example", "environment")
    assert "SOMETHING_ELSE" not in shown.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "30"),
        ("timeout", "0s"),
        ("expiry", "soon"),
        ("network", "mainnet"),
        ("color", "red"),
        ("default_url", "http://lnbits.example"),
        ("default_url", "ftp://x"),
        ("no_such", "1"),
    ],
)
def test_a_value_that_can_t_be_right_is_refused(amani: Amani, home: Path, name: str, value: str) -> None:
    assert amani("config", "set", name, value, "--json").code == 2
    assert not (home / "config.toml").exists()


@pytest.mark.parametrize("value", ["30", "", 'x"y'])
def test_a_value_in_the_file_or_environment_is_held_to_the_same_rules(amani: Amani, home: Path, value: str) -> None:
    home.mkdir()
    write_key(home / "config.toml", f"timeout = '{value}'")
    path = str(home / "config.toml")
    env = {"LNBITS_API_KEY": "0123456789abcdef" * 2, "LNBITS_BASE_URL": "http://127.0.0.1:9"}
    for variables, source in (({}, path), ({"AMANI_TIMEOUT": "x"}, "environment (AMANI_TIMEOUT)")):
        answer = amani("wallet", "balance", "--json", env={**env, **variables})
        assert (answer.code, answer.error["code"]) == (2, "BAD_SETTINGS")
        assert answer.error["message"].startswith(f"timeout in {source}: ")
        assert "write for example " in answer.error["message"]
        # Whoever looks for what is wrong sees it, and all the rest.
        for words in (("config", "show"), ("config", "explain", "timeout")):
            shown = amani(*words, "--json", env=variables)
            assert item(shown, "timeout").items() >= {"value": "30s"}.items()
            assert shown.json["warnings"] == [answer.error["message"]]
        assert amani("config", "explain", "expiry", "--json", env=variables).json["warnings"] == []
        found = findings(amani("doctor", "--json", env=variables))
        assert (answer.error["message"], "fail") in found
        assert len(found) > 1


def test_a_file_that_is_none(amani: Amani, home: Path) -> None:
    """Its line is named, by every command; it stops none that looks for what is wrong."""
    home.mkdir()
    write_key(home / "config.toml", "expiry = '1h'\ntimeout = = 5")
    shown = amani("config", "show", "--json")
    (told,) = shown.json["warnings"]
    assert "config.toml: " in told
    assert "line 2" in told
    assert amani("config", "path", "--json").data["paths"]["config"] == str(home / "config.toml")
    # Which ledger is meant is not known: nothing is done with another one than the file may name.
    refused = amani("wallet", "list", "--json")
    assert (refused.code, refused.error["code"], refused.error["message"]) == (2, "BAD_SETTINGS", told)
    assert amani("--version").code == 0
    diagnosis = amani("doctor", "--json")
    assert (told, "fail") in findings(diagnosis)
    assert ("no wallet yet", "warn") in findings(diagnosis)
    # What would write the file anew, and so lose what else stands in it, is refused.
    refused = amani("config", "set", "timeout", "5s", "--json")
    assert (refused.code, refused.error["code"], refused.error["message"]) == (2, "BAD_SETTINGS", told)
    assert refused.json["warnings"] == []
    assert "= = 5" in (home / "config.toml").read_text()


def test_a_name_that_means_nothing_is_told_once_with_the_nearest_that_does(amani: Amani, home: Path) -> None:
    home.mkdir()
    write_key(home / "config.toml", "timout = '20s'\n[limits]\ninvoice = '5/1m'")
    env = {"AMANI_WALET": "shop", "AMANI_SHOP": "x", "AMANI_EXPIRY": "2h", "AMANI_ACTOR": "ada"}
    told = [
        "AMANI_SHOP in the environment means nothing to amani.",
        "AMANI_WALET in the environment means nothing to amani. Did you mean 'AMANI_WALLET'?",
        f"'timout' in {home / 'config.toml'} is no setting. Did you mean 'timeout'?",
        f"'limits.invoice' in {home / 'config.toml'} is no setting. Did you mean 'limit.invoice'?",
    ]
    for words, code in ((("wallet", "list"), 0), (("wallet", "balance"), 3), (("config", "show"), 0)):
        answer = amani(*words, "--json", env=env)
        assert (answer.code, answer.json["warnings"]) == (code, told)
        assert answer.stderr.count("warning: ") == len(told)
    # What prints no document tells of it on stderr alone.
    plain = amani("completion", "show", "bash", env=env)
    assert plain.stderr.splitlines() == [f"warning: {line}" for line in told]
    diagnosis = amani("doctor", "--json", env=env)
    assert [each for each, status in findings(diagnosis) if status == "warn" and each in told] == told
    assert diagnosis.json["warnings"] == []


@pytest.mark.parametrize(
    ("said", "colored"), [("always", True), ("never", False), ("auto", False)], ids=["always", "never", "auto"]
)
def test_colour_is_as_the_setting_says_unless_the_option_says_otherwise(amani: Amani, said: str, colored: bool) -> None:
    assert amani("config", "set", "color", said).code == 0
    assert ("\x1b[" in amani("wallet", "balance").stderr) is colored
    assert "\x1b[" not in amani("wallet", "balance", "--color", "never").stderr
    refused = amani("wallet", "balance", "--color", "red")
    assert (refused.code, "not 'red'" in refused.stderr) == (2, True)


@pytest.mark.parametrize("below", ["", "more/amani"])
def test_a_home_that_is_a_link_to_nothing(amani: Amani, tmp_path: Path, below: str) -> None:
    """As on a disk that is not mounted: no new journal is begun, and it is said what is missing."""
    link, target = tmp_path / "link", tmp_path / "not-mounted"
    link.symlink_to(target)
    for words in (("wallet", "list"), ("config", "set", "timeout", "5s"), ("doctor",), ("status",)):
        refused = amani(*words, "--json", env={"AMANI_HOME": str(link / below)})
        assert (refused.code, refused.error["code"]) == (2, "NO_HOME")
        assert f"{link} to {target}, where there is nothing" in refused.error["message"]
    assert amani("--version", env={"AMANI_HOME": str(link)}).code == 0
    target.mkdir(mode=0o700)
    assert amani("config", "set", "timeout", "5s", env={"AMANI_HOME": str(link)}).code == 0


def test_values_survive_what_toml_makes_special(amani: Amani, home: Path) -> None:
    home.mkdir()
    write_key(home / "config.toml", "expiry = '2h'\n[network]\nother = 1\n")
    assert amani("config", "set", "default_url", "https://lnbits.example/sub/").code == 0
    shown = amani("config", "show", "--json")
    assert item(shown, "default_url")["value"] == "https://lnbits.example/sub"
    assert item(shown, "expiry")["value"] == "2h"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        (" A = 1 ", {"A": "1"}),
        ("A='1 # 2' # 3", {"A": "1 # 2"}),
        ('A="x\'y"', {"A": "x'y"}),
        ("A=1 # comment", {"A": "1"}),
        ("A=1#2", {"A": "1#2"}),
        ("# A=1", {}),
        ("A", {}),
        ("=1", {}),
        ("A B=1", {}),
        ("A=", {"A": ""}),
        ("A=$B", {"A": "$B"}),
        ("A=`id`", {"A": "`id`"}),
        ("A=1\nA=2\r\n", {"A": "2"}),
    ],
)
def test_lines_of_a_dotenv(text: str, values: dict[str, str]) -> None:
    assert parse_dotenv(text) == values
