"""How a model reads to a person, and which one value `--quiet` prints: each noun has its own file."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from amani_cli.views.parts import View


def view(model: Any) -> View:
    """What a person reads of a model."""
    shown: View = _module_for(model).VIEWS[type(model)](model)
    return shown


def asked_about(model: Any, *, but: str = "") -> list[str]:
    """A model's fields as the lines before a question, but for one of them: a node's key fits beside its label."""
    shown = view(model)
    return [f"{label + ':':<{shown.label_width + 2}}{value}" for label, value in shown.fields if label != but]


def quiet(model: Any) -> list[str]:
    """The lines that `--quiet` prints: the one value that a script wants, or one a row of a list."""
    lines: list[str] = _module_for(model).QUIET[type(model)](model)
    return lines


def _module_for(model: Any) -> ModuleType:
    """Models and views have one file a noun, of the same name."""
    return import_module(f"amani_cli.views.{type(model).__module__.rpartition('.')[2]}")
