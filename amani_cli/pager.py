"""What is longer than the screen, shown by the reader's own pager."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping


def command(environ: Mapping[str, str]) -> list[str]:
    """The pager that $PAGER names, or less; none where it is empty, `cat` or can't be read, or nothing can be moved."""
    try:
        words = shlex.split(environ.get("PAGER", "less"))
    except ValueError:
        return []
    if not words or words[0] == "cat" or environ.get("TERM", "dumb") == "dumb" or shutil.which(words[0]) is None:
        return []
    return words


def show(text: str, words: list[str], environ: Mapping[str, str]) -> bool:
    """Have a pager show a text until its reader is done; False if it could not be started.

    Ctrl-C is the pager's while it runs.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # less: end at once for what fits, pass colours on, leave the text on the screen.
        env = {**environ, "LESS": environ.get("LESS") or "FRX"}
        with subprocess.Popen(words, stdin=subprocess.PIPE, env=env, restore_signals=True) as run:
            assert run.stdin is not None
            try:
                run.stdin.write(text.encode(errors="backslashreplace"))
                run.stdin.close()
            except BrokenPipeError:  # closed before the end was seen
                pass
        return True
    except OSError:
        return False
    finally:
        signal.signal(signal.SIGINT, before)


def height(stream: int) -> int:
    """How many lines a terminal has; 0 where that is not known."""
    try:
        return os.get_terminal_size(stream).lines
    except (OSError, ValueError):
        return 0
