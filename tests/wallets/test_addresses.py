"""A key goes to no server that its owner did not name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import write_key
from tests.kit.driver import Amani

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("words", [("wallet", "add", "main"), ("wallet", "create", "main")])
def test_an_address_is_asked_for(amani: Amani, tmp_path: Path, words: tuple[str, ...]) -> None:
    key_file = tmp_path / "key"
    if "add" in words:
        write_key(key_file, KEY)
    result = amani(*words, "--key-file", key_file, "--json")
    assert result.code == 2
    assert "--url" in result.error["message"]
    asked = amani(*words, "--key-file", key_file, "--timeout", "2s", stdin="http://127.0.0.1:9\n", tty=True)
    assert "Address of the LNbits (--url): " in asked.stderr
    assert (asked.code, "127.0.0.1:9" in asked.stderr) == (10, True)


def test_the_default_address_of_the_environment_is_named(amani: Amani) -> None:
    listed = amani("wallet", "list", env={"LNBITS_API_KEY": KEY})
    assert listed.stderr.count("LNBITS_BASE_URL is not set, so the key is for https://legend.lnbits.com") == 1
    assert (
        "not set"
        not in amani(
            "wallet", "list", env={"LNBITS_API_KEY": KEY, "LNBITS_BASE_URL": "https://lnbits.example.com"}
        ).stderr
    )
