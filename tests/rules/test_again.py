"""A wrong PIN at a terminal is asked for again, so that the next try is not typed into the shell."""

from __future__ import annotations

import pytest

from amani_cli.errors import NotAuthorised, RefusedByPolicy
from amani_cli.rules import pins
from amani_cli.workspace import Said


class _Run:
    def __init__(self, *answers: str | None, at_terminal: bool) -> None:
        typed = iter(answers)
        self.told: list[str] = []
        self.said = Said(ask_pin=lambda _: next(typed), tell_wrong=self.told.append if at_terminal else None)


class _Wallet:
    name = "main"


@pytest.fixture(autouse=True)
def _one_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(_: object, __: object, pin: str) -> None:
        if pin == "locked":
            raise RefusedByPolicy("the PIN is locked", code="PIN_LOCKED")
        if pin != "2468":
            raise NotAuthorised("wrong PIN; 4 attempts are left", code="WRONG_PIN")

    monkeypatch.setattr(pins, "verify", verify)


def test_until_it_is_right_or_locked_or_nothing_is_typed() -> None:
    run = _Run("1111", "2222", "2468", at_terminal=True)
    assert pins.is_given(run, _Wallet())  # type: ignore[arg-type]
    assert run.told == ["wrong PIN; 4 attempts are left"] * 2
    with pytest.raises(RefusedByPolicy):
        pins.is_given(_Run("1111", "locked", at_terminal=True), _Wallet())  # type: ignore[arg-type]
    with pytest.raises(NotAuthorised):
        pins.is_given(_Run("1111", "", at_terminal=True), _Wallet())  # type: ignore[arg-type]


def test_off_a_terminal_once() -> None:
    with pytest.raises(NotAuthorised):
        pins.is_given(_Run("1111", "2468", at_terminal=False), _Wallet())  # type: ignore[arg-type]
    assert not pins.is_given(_Run(None, at_terminal=False), _Wallet())  # type: ignore[arg-type]
