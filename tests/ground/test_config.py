"""`amani config`: every value with its source, and only values that can be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amani_cli.config import REGISTRY, parse_dotenv
from tests.conftest import write_key
from tests.kit.driver import Amani, Result


def item(result: Result, name: str) -> dict[str, Any]:
    (found,) = [each for each in result.data["items"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def test_every_setting_with_its_source(amani: Amani, home: Path) -> None:
    shown = amani("config", "show", "--json")
    assert [each["name"] for each in shown.data["items"]] == [setting.name for setting in REGISTRY]
    assert {each["source"] for each in shown.data["items"]} == {"default"}
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
    assert amani("config", "show", "--json").code == 2
    assert amani("config", "explain", "timeout", env={"AMANI_TIMEOUT": "x"}).code == 2


def test_a_file_that_is_none(amani: Amani, home: Path) -> None:
    home.mkdir()
    write_key(home / "config.toml", "timeout = = 5")
    answer = amani("config", "show", "--json")
    assert (answer.code, answer.error["code"]) == (2, "BAD_SETTINGS")
    assert "config.toml" in answer.error["message"]


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
