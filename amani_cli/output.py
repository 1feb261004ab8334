"""The only printer: the answer goes to stdout, talk to stderr, and nothing else in amani writes to either."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import IO, Any

from amani_cli import errors, keys
from amani_cli.models import document as models_document
from amani_cli.text import json_line, mask, plain

_AT_ONCE = 64  # lines in one write: a million single ones take a seventh of an export's time

_QR_FILE = "Write it to a picture: --qr-file code.png"


class Printer:
    """Prints models and errors in the form asked for: JSON, the one quiet value, or text for a person."""

    def __init__(
        self,
        *,
        as_json: bool,
        quiet: bool,
        color: str | None = None,
        environ: Mapping[str, str] = os.environ,
        pages: bool = True,
    ) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.pages = pages
        self.color = color
        self._environ = environ
        self._shown = 0
        self._last_step = ""
        self._warned: set[str] = set()

    # -- the answer ------------------------------------------------------------------------------------

    def emit(self, model: Any, warnings: list[str] | None = None, notes: list[str] | None = None) -> None:
        """Print a model: exactly one JSON document, one value, or what a person reads."""
        self.clear_progress()
        if self.as_json:
            document = {
                "schema": model.SCHEMA,
                "ok": True,
                "data": models_document.as_json(model),
                "warnings": [mask(warning, keys.SEEN) for warning in warnings or ()],
            }
            self._write(json_line(document))
        else:
            from amani_cli.views import choosing

            if self.quiet:
                self._write("".join(plain(line) + "\n" for line in choosing.quiet(model)))
            else:
                self._view(choosing.view(model))
        self.tell(warnings or (), notes or ())

    def stream(self, model: Any) -> None:
        """Print one of many answers as they come: a JSON document a line, or its quiet or readable form."""
        self.pages = False  # more is to come
        self.emit(model)
        sys.stdout.flush()

    def flush(self) -> None:
        """Have what was printed be on its way: it may be the only copy."""
        sys.stdout.flush()

    def raw(self, text: str) -> None:
        """Print text that is an answer in a format of its own (a completion script, a schema, a QR code)."""
        self.lines([text if text.endswith("\n") else text + "\n"])

    def lines(self, lines: Iterable[str], *, records: bool = False) -> None:
        """Print an answer in a format of its own that may be long: as it comes, never all held.

        A file or a program gets it as it is; at a terminal nothing in it acts, nor does a line break in one of
        `records`, each of which is one line there.
        """
        self.clear_progress()
        left = (_harmless(line, records) for line in lines) if self.is_terminal(sys.stdout) else iter(lines)
        while some := "".join(islice(left, _AT_ONCE)):
            self._write(some)

    def _view(self, view: Any) -> None:
        terminal = self.is_terminal(sys.stdout)
        lines: list[str] = []
        if view.rows and terminal and view.columns:
            from amani_cli import tables

            rows = _aged(view)
            lines += tables.lines(view.columns, rows, _width(sys.stdout), colored=self._colored(sys.stdout))
        elif view.columns:
            lines += ["\t".join(plain(cell) for cell in row) for row in view.rows]
        for label, value in view.fields:
            shown = self._toned(plain(value)) if label == "status" else plain(value)
            lines.append(f"{label + ':':<{view.label_width + 2}}{shown}" if label else shown)
        lines += [self._toned(plain(line)) for line in view.lines]
        if view.rows and terminal:
            lines += [plain(line) for line in view.footer]
        if not (terminal and view.rows and self._paged(lines)):
            self._write("".join(f"{line}\n" for line in lines))
        if not view.rows and view.columns and view.empty:
            self.say(view.empty)

    def _paged(self, lines: list[str]) -> bool:
        """Whether a list longer than the screen was shown by the reader's pager."""
        if not self.pages or not self.is_terminal(sys.stdin):
            return False
        from amani_cli import pager

        try:
            height = pager.height(sys.stdout.fileno())
        except (OSError, ValueError):
            return False
        words = pager.command(self._environ) if 0 < height <= len(lines) else []
        if not words:
            return False
        sys.stdout.flush()
        return pager.show("".join(f"{line}\n" for line in lines), words, self._environ)

    def _toned(self, text: str) -> str:
        """A status, or a line that begins with one, in its colour."""
        if not self._colored(sys.stdout):
            return text
        from amani_cli import tables

        return tables.toned(text)

    # -- failure ------------------------------------------------------------------------------------

    def fail(self, error: errors.AmaniError, warnings: list[str] | None = None) -> None:
        """Say what went wrong on stderr, and with --json as the one document on stdout too."""
        self.clear_progress()
        if self.as_json:
            about: dict[str, Any] = {
                "code": error.code,
                "exit": error.exit_code,
                "message": mask(error.message, keys.SEEN),
                "hint": mask(error.hint, keys.SEEN),
                "money_moved": error.money_moved,
                "retry": error.retry,
            }
            if error.id is not None:
                about["id"] = error.id
            about |= _masked(models_document.as_json(error.details))
            masked = [mask(warning, keys.SEEN) for warning in warnings or ()]
            document = {"schema": "amani.error/1", "ok": False, "error": about, "warnings": masked}
            self._write(json_line(document))
        for warning in warnings or ():
            self.warn(warning)
        self.say(f"error: {error.message}")
        if error.hint:
            self.say(error.hint)

    # -- talk ------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """One line of talk on stderr."""
        self.clear_progress()
        shown = mask(plain(text), keys.SEEN)
        if shown.startswith(("error: ", "warning: ")) and self._colored(sys.stderr):
            word, _colon, rest = shown.partition(": ")
            shown = f"\x1b[{31 if word == 'error' else 35}m{word}: \x1b[0m{rest}"
        self._talk(shown + "\n")

    def warn(self, text: str) -> None:
        """Warn on stderr, once in a run."""
        if text not in self._warned:
            self._warned.add(text)
            self.say(f"warning: {text}")

    def tell(self, warnings: Iterable[str], notes: Iterable[str]) -> None:
        """Say what is told beside an answer."""
        for note in () if self.quiet else notes:
            self.say(note)
        for warning in warnings:
            self.warn(warning)

    def check_qr(self) -> None:
        """Raise `errors.Usage` where no QR code can be drawn: on a stream of a few letters alone."""
        try:
            "█▀▄".encode(getattr(sys.stderr, "encoding", None) or "utf-8")
        except (UnicodeEncodeError, LookupError):
            raise errors.Usage(
                "no QR code can be drawn here: this terminal's letters are ASCII", code="BAD_QR", hint=_QR_FILE
            ) from None

    def qr(self, text: str) -> None:
        """Draw a QR code on stderr; where it is wider than the terminal, say how else to have it."""
        from amani_cli.encodings import qr

        self.clear_progress()
        picture = qr.terminal(text, color=False)
        wide, room = len(picture.partition("\n")[0]), _width(sys.stderr)
        if self.is_terminal(sys.stderr) and wide > room:
            self.say(f"warning: the QR code is {wide} columns wide and this terminal {room}. {_QR_FILE}")
            return
        self._talk((qr.terminal(text, color=True) if self._colored(sys.stderr) else picture) + "\n")

    def progress(self, text: str) -> None:
        """Show what is being waited for, at a terminal only; the next word on either stream wipes it away."""
        if self.quiet or not self.is_terminal(sys.stderr) or self._environ.get("TERM") == "dumb":
            return
        width = _width(sys.stderr)
        from amani_cli import tables

        line = tables.cut(plain(text), width - 2)  # a line that wraps can't be wiped away
        self._talk(f"\r\x1b[K{line}")
        self._shown = 1

    def step(self, text: str, done: float | None) -> None:
        """Progress of something long: a bar at a terminal, a line for each new step off it."""
        if self.quiet:
            return
        if self.is_terminal(sys.stderr) and self._environ.get("TERM") != "dumb":
            if done is None:
                self.progress(text)
            else:
                full = round(20 * max(0.0, min(1.0, done)))
                self.progress(f"[{'█' * full}{'·' * (20 - full)}] {done:4.0%} {text}")
        elif text != self._last_step and done in (None, 0.0, 1.0):
            self.say(text)
        self._last_step = text

    def clear_progress(self) -> None:
        """Wipe away a progress line."""
        if self._shown:
            self._shown = 0
            self._talk("\r\x1b[K")

    def clear_screen(self) -> None:
        """Begin a screen anew, where the last one was."""
        self.clear_progress()
        self._write("\x1b[H\x1b[J")

    # -- streams ------------------------------------------------------------------------------------

    def is_terminal(self, stream: IO[str] | None) -> bool:
        """Whether a stream goes to a person's terminal."""
        try:
            return stream is not None and stream.isatty()
        except ValueError:  # closed
            return False

    @property
    def at_terminal(self) -> bool:
        """Whether the answer goes to a person's terminal."""
        return self.is_terminal(sys.stdout)

    def _colored(self, stream: IO[str]) -> bool:
        if self.color in ("always", "never"):
            return self.color == "always"
        if self._environ.get("NO_COLOR") or self._environ.get("CLICOLOR") == "0":
            return False
        if self._environ.get("TERM") == "dumb":
            return False
        return self.is_terminal(stream) or bool(self._environ.get("CLICOLOR_FORCE"))

    def _write(self, text: str) -> None:
        if sys.stdout is not None:
            sys.stdout.write(text)

    def _talk(self, text: str) -> None:
        try:
            if sys.stderr is not None:
                sys.stderr.write(text)
                sys.stderr.flush()
        except (OSError, ValueError):  # nobody listens; the answer still counts
            pass


def _masked(value: Any) -> Any:
    """JSON with the mask over every text in it."""
    if isinstance(value, str):
        return mask(value, keys.SEEN)
    if isinstance(value, dict):
        return {name: _masked(each) for name, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, list) else value


def _aged(view: Any) -> list[list[str]]:
    """A table's rows with the moments in their first column as a person looks at them."""
    if not view.moments:
        return list(view.rows)
    from amani_cli.times import today_or_local

    return [[today_or_local(at), *row[1:]] for at, row in zip(view.moments, view.rows, strict=True)]


def _harmless(text: str, record: bool) -> str:
    """Lines of a format of its own, or one record of it, as they can be shown at a terminal."""
    lines = [text.rstrip("\r\n"), ""] if record else text.split("\n")
    return "\n".join(plain(line.rstrip("\r")) for line in lines)


def _width(stream: IO[str]) -> int:
    """How many columns a terminal has; COLUMNS outranks what it says itself."""
    said = os.environ.get("COLUMNS", "")
    if said.isdigit() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
