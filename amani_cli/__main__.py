"""`python -m amani_cli`, and what the `amani` script calls."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run amani on the words of the command line, and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:  # asked for by every installer and probe: no command tree is built for it
        from amani_cli import __version__

        try:
            sys.stdout.write(f"amani {__version__}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            _leave(141)
        except OSError as error:
            sys.stderr.write(f"error: the answer could not be written: {error.strerror}\n")
            _leave(141)
        return
    if sys.argv[1:3] == ["completion", "values"]:  # nor at every TAB on a name
        from amani_cli.store import names

        names.main(sys.argv[3:])
        _leave(0)
    # A start makes tens of thousands of objects and lives for a moment: collecting among them is 5 % of its time.
    gc.set_threshold(50_000, 20, 100)
    from amani_cli.cli import run

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> None:
    """End the process at once: what was said is flushed, the database is closed, and what is left is memory.

    Python would take 300 modules apart, object by object, before the system takes all of it back anyway: that was a
    fifth of a command's time.
    """
    os._exit(code)


if __name__ == "__main__":
    main()
