"""The cells of a table of payments: CSV, a bank's own CSV, or JSON Lines, each row with the line it begins in."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator

from amani_cli import errors
from amani_cli.batch import bank_files
from amani_cli.files import cant_read, named

COLUMNS = (
    *("to", "amount", "memo", "description", "reference", "category", "comment"),
    *("to_name", "name_unverified", "signed_off"),
)
LARGEST_FILE = 256 * 1024 * 1024


def table(source: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of CSV or JSON Lines, each with the number of the line it begins in."""
    text = _text(source)
    lines = _json_lines(text) if text.lstrip()[:1] == "{" else _csv(text)
    for number, cells in lines:
        unknown = [name for name in cells if name not in COLUMNS]
        if unknown:
            raise errors.Usage(
                f"line {number}: there is no column '{str(unknown[0])[:40]}'",
                code="BAD_ROWS",
                hint=f"Columns: {', '.join(COLUMNS)}.",
            )
        yield number, cells


def _text(source: str) -> str:
    try:
        if source == "-":
            if sys.stdin is None or sys.stdin.closed:
                raise errors.Usage("stdin is closed, so no rows can be read from it", code="CANT_READ")
            data = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with named(source).open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise errors.Usage(f"{name_of(source)} is larger than {LARGEST_FILE >> 20} MiB", code="BAD_ROWS")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise cant_read(source, error) from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise errors.Usage(
            f"{name_of(source)}, line {line}: not UTF-8 text", code="BAD_ROWS", hint="Save it as CSV UTF-8."
        ) from None


def _csv(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    header = text.lstrip().partition("\n")[0]
    signs = header[4:5] if header.lower().startswith("sep=") else ",;\t"  # as Excel has it, above its table
    delimiter = next((sign for sign in signs if sign in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    of_bank: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 1
            cells = [cell.strip() for cell in cells]
            cells = cells[: max((at for at, cell in enumerate(cells, 1) if cell), default=0)]  # none beyond the table
            if not cells or (names is None and cells[0].lower() in ("sep=", f"sep={delimiter}")):
                continue
            if names is None:
                names = [cell.lower() for cell in cells]
                of_bank = bank_files.columns(names)
                names = of_bank or names
                if (of_bank is None and "to" not in names) or len(set(names)) < len(names):
                    raise errors.Usage(
                        "the first line names no column 'to', or one twice",
                        code="BAD_ROWS",
                        hint=f"It is: {','.join(COLUMNS)} (all but 'to' may be missing).",
                    )
                continue
            if len(cells) > len(names):
                raise errors.Usage(f"line {number} has more cells than the first line", code="BAD_ROWS")
            found = dict(zip(names, cells, strict=False))
            yield number, found if of_bank is None else bank_files.cells(found)
    except csv.Error as error:
        raise errors.Usage(f"line {reader.line_num} is not CSV: {error}", code="BAD_ROWS") from None


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            # An amount may stand as a number; its own digits are what counts, not what a float makes of them.
            said = json.loads(line, parse_float=str, parse_int=str)
            json.dumps(said, ensure_ascii=False).encode()  # half a character is no text
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not all(isinstance(value, str | None) for value in said.values()):
            raise errors.Usage(
                f"line {number} is not a JSON object of texts", code="BAD_ROWS", hint='E.g. {"to": "ada@example.com"}'
            )
        yield number, {name: (value or "").strip() for name, value in said.items()}


def name_of(source: str) -> str:
    return "stdin" if source == "-" else source
