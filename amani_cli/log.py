"""Log lines for stderr: what was asked of a provider and how it went. Keys never reach it, and the mask stands behind.

The keys `message`, `level` and `timestamp`, and the words LNbits, Lightning and FinCra in messages, are what filters
written for the amani backend match on.
"""

from __future__ import annotations

import json
import sys
import time

_LEVELS = {"warning": 0, "info": 1, "debug": 2}
_verbosity = 0
_as_json = False


def configure(verbosity: int, as_json: bool) -> None:
    """Choose what is shown (0 warnings, 1 info, 2 debug) and in which form."""
    global _verbosity, _as_json
    _verbosity, _as_json = max(verbosity, 1 if as_json else 0), as_json


def event(level: str, message: str, **fields: object) -> None:
    """Write one line to stderr, if the verbosity asks for its level."""
    if _LEVELS[level] > _verbosity or (level == "warning" and not _verbosity):
        return
    from amani_cli import keys
    from amani_cli.text import mask

    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if _as_json:
        line = json.dumps({"timestamp": stamp, "level": level, "message": message, **fields})
    else:
        rest = " ".join(f"{name}={value}" for name, value in fields.items())
        line = f"{stamp} {level} {message} {rest}".rstrip()
    sys.stderr.write(mask(line, keys.SEEN) + "\n")
