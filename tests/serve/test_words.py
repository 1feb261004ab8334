"""The catalogue: every language says everything, with the same things filled in."""

from __future__ import annotations

import re

import pytest

from amani_cli.serve.speech import Speech
from amani_cli.serve.words import CATALOGUE, LANGUAGES


def filled(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    assert CATALOGUE.keys() == set(LANGUAGES)
    assert CATALOGUE[language].keys() == CATALOGUE["en"].keys()
    for key, text in CATALOGUE[language].items():
        assert text.strip() == text
        assert text
        assert filled(text) == filled(CATALOGUE["en"][key]), key
        if language != "en":
            assert text != CATALOGUE["en"][key] or key == "date", key


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "1 March 2026, 09:05 UTC"), ("fr", "1er mars 2026, 09:05 UTC"), ("sw", "1 Machi 2026, 09:05 UTC")],
)
def test_a_moment(language: str, said: str) -> None:
    assert Speech(language).moment("2026-03-01T09:05:59Z") == said


def test_an_amount_in_french_has_no_comma() -> None:
    assert Speech("fr").amount(1_234_000) == "1\u202f234 sat"
    assert Speech("sw").amount(1_234_000) == "1,234 sat"
