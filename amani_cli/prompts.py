"""Questions to a person, on stderr; without a terminal they are refused, never hung on and never answered yes."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Container
from typing import TypeVar

from amani_cli import errors
from amani_cli.output import Printer
from amani_cli.text import plain

TRIES = 4
"""A secret is asked for so often in all: LNbits locks a login after five wrong passwords, and amani a PIN."""

T = TypeVar("T")


class Prompter:
    """Who asks. `yes` answers questions, not policy; `no_input` makes every question an error.

    `answered` is told whenever a person has answered, which may have taken them any time.
    """

    def __init__(self, *, yes: bool, no_input: bool, out: Printer, answered: Callable[[], None]) -> None:
        self.yes = yes
        self._no_input = no_input
        self._out = out
        self._answered = answered

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""
        return not self._no_input and _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    def confirm(self, question: str, *lines: str) -> None:
        """Ask for a yes; No is the default. Raises `errors.NotConfirmed` when it can't ask or the answer is no."""
        if self.yes:
            return
        if not self.can_ask:
            raise errors.NotConfirmed(
                f"this needs a yes: {question}",
                hint="Nothing was sent. With --yes it is done without asking.",
            )
        self._out.clear_progress()
        for line in lines:
            print(plain(line), file=sys.stderr)
        print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        self._answered()
        if not answer.endswith("\n"):
            print(file=sys.stderr)
        if answer.strip().lower() not in ("y", "yes"):
            raise errors.NotConfirmed("not confirmed; nothing was sent")

    def text(self, question: str, otherwise: str) -> str:
        """Ask for a word. Raises `errors.Usage` saying `otherwise` when there is nobody to ask."""
        if not self.can_ask:
            raise errors.Usage(f"{question} is missing", hint=otherwise)
        print(f"{question}: ", end="", file=sys.stderr, flush=True)
        try:
            answer = sys.stdin.readline().strip()
            answer.encode()
        except UnicodeError:
            raise errors.Usage(
                "what was typed is not valid text (UTF-8)", code="BAD_TEXT", hint="Check the terminal's encoding."
            ) from None
        self._answered()
        return answer

    def secret(self, question: str, otherwise: str) -> str:
        """Ask for a secret without echo. Raises `errors.NotAuthorised` saying `otherwise` if nobody is there."""
        if not self.can_ask:
            raise errors.NotAuthorised(f"{question} is missing", code="NO_KEY", hint=otherwise)
        self._out.clear_progress()
        try:
            secret = getpass.getpass(f"{question}: ", stream=sys.stderr)
        except EOFError:
            raise errors.NotConfirmed("nothing was entered") from None
        self._answered()
        return secret

    def until_right(
        self, question: str, otherwise: str, use: Callable[[str], T], *, wrong: Container[str], twice: str = ""
    ) -> T:
        """Ask for a secret and use it; after an error whose code is in `wrong` it is asked for again, a few times.

        Else the next try would be typed into the shell. Where that has locked it (`opens_at` in the error's details) it
        is not asked for any more. A new one is asked for `twice`, by that question; an empty answer gives up. Raises
        what `use` raises, and `errors.NotAuthorised` saying `otherwise` if nobody is there.
        """
        text, failure = self.secret(question, otherwise), None
        for _ in range(TRIES):
            if failure is not None:
                self._out.say(f"error: {failure.message}")
                text = self.secret(question, otherwise)
                if not text:
                    raise failure
            try:
                if twice and text and self.secret(twice, otherwise) != text:
                    raise errors.Usage("the two are not the same; nothing was changed", code="NOT_THE_SAME")
                return use(text)
            except errors.AmaniError as error:
                if (error.code not in wrong and error.code != "NOT_THE_SAME") or error.details.get("opens_at"):
                    raise
                failure = error
        assert failure is not None
        raise failure


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # closed, or not there at all
        return False
