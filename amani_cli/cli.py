"""The root of the command tree, and the one place that turns whatever ends a command into an exit code."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from typing import Any

import typer
from typer import TyperException
from typer.core import TyperGroup
from typer.main import get_command

from amani_cli import __version__, errors
from amani_cli.options import Command, Group, Options

# Each command of the first level: the module under commands/ that holds it, and its line in the help. A module is
# imported when its command is called, so that a start pays for one of them.
TREE: dict[str, tuple[str, str]] = {
    "wallet": ("wallet", "Wallets: add, create, list, balance and their keys."),
    "invoice": ("invoice", "Ask for money, and see whether it came."),
    "pay": ("pay", "Pay an invoice, a Lightning address, a link or a contact."),
    "cheque": ("cheque", "Funds set aside for whoever has the code."),
    "faucet": ("faucet", "A wallet that gives others a little, once per cool-down."),
    "transfer": ("transfer", "Move money between your wallets."),
    "pin": ("pin", "The PIN of a wallet: needed to send more than its threshold."),
    "batch": ("batch", "Many payments from a CSV, planned, run and resumed."),
    "request": ("request", "What waits for a second person to approve it."),
    "approver": ("approver", "Who may approve what others ask for."),
    "contact": ("contact", "Names for those who are paid again and again."),
    "mcp": ("mcp", "Serve an AI agent over stdio, within the budget it was given."),
    "status": ("status", "One screen: balances, what is open, limits, the last movements."),
    "history": ("history", "What was paid and received."),
    "reconcile": ("reconcile", "Settle every open outcome by asking the provider."),
    "metrics": ("metrics", "Figures for Prometheus: balances, open outcomes, calls."),
    "backup": ("backup", "Back up, verify and restore: one encrypted file."),
    "trace": ("trace", "What became of anything a customer may ask about."),
    "watch": ("watch", "Payments as they settle."),
    "webhook": ("webhook", "A receiver for the webhooks of LNbits and Fincra."),
    "address": ("address", "Lightning addresses that 'amani serve' answers for."),
    "serve": ("serve", "Cheques as links that anybody can claim, and Lightning addresses."),
    "close": ("close", "Close a month: the books against the provider's figure."),
    "store": ("store", "Where the ledger is: a file of this machine, or PostgreSQL for several."),
    "audit": ("audit", "Who did what: an append-only log, and whether it is whole."),
    "login": ("login", "Log in to an LNbits: make, rotate and delete wallets there."),
    "logout": ("logout", "Forget a login."),
    "sandbox": ("sandbox", "A real LNbits on this machine, with fake sats, to try things on."),
    "doctor": ("doctor", "Look for what is wrong and say how to mend it."),
    "config": ("config", "Settings, and where each value comes from."),
    "completion": ("completion", "Completion scripts for bash, zsh and fish."),
    "schema": ("schema", "The JSON Schemas of what --json prints."),
    "explain": ("explain", "What a code means, whether money moved, and what to do."),
}


class Root(Group):
    """The first level: its commands are known by name and loaded when called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the tree."""
        return list(TREE)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load one command, or None for a word that is none."""
        if cmd_name not in TREE:
            return None
        if cmd_name not in self.commands:
            module = importlib.import_module(f"amani_cli.commands.{TREE[cmd_name][0]}")
            command = get_command(module.app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def sections(self, ctx: Any) -> list[tuple[str, list[tuple[str, str]]]]:
        """The commands by what people want, without loading them."""
        from amani_cli.helping import SECTIONS

        return [(heading, [(name, TREE[name][1]) for name in names]) for heading, names in SECTIONS.items()]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, suggesting near names for a word that is none."""
        if args and args[0] not in TREE and not args[0].startswith("-"):
            from amani_cli import tried

            raise errors.Usage(f"no command '{args[0][:60]}'", hint=tried.first(args[0], [*TREE]))
        return super().resolve_command(ctx, args)


_root = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _show_version(said: bool) -> None:
    if said:
        sys.stdout.write(f"amani {__version__}\n")
        raise typer.Exit


@_root.callback()
def _amani(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=_show_version),
) -> None:
    """amani: a wallet for Lightning (LNbits) and African fiat rails (Fincra)."""


def root() -> TyperGroup:
    """The command tree."""
    command = get_command(_root)
    assert isinstance(command, TyperGroup)
    return command


def run(argv: list[str]) -> int:
    """Run amani on `argv` and return its exit code. Nothing but an exit code ever comes out of here."""
    _harden()
    options = Options()
    code, over = 0, False
    try:
        try:
            code = _invoke(argv, options)
            over = True
        except BaseException as error:
            if _is_of_stdout(error):
                raise
            _be_deaf()
            over = True
            code = _end(error, argv, options)
        _keep_figures(options, code)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt as error:
        _be_deaf()
        if not over:  # once more, before the first was heard
            return _end(error, argv, options)
        # The answer was on its way out: there is nothing left to say.
        return errors.OutcomeUnknown.exit_code if _untold(options) else _as_failure(error).exit_code
    except OSError as error:
        # Python would complain again when it closes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if code == errors.OutcomeUnknown.exit_code:
            return code
        entries = _untold(options)
        if entries:  # the answer would have told of it
            options.out.say(f"error: {', '.join(entries)}: begun, and the answer could not be written")
            options.out.say(
                f"Do not pay it again by other means. Run 'amani reconcile', then: amani trace {entries[0]}"
            )
            return errors.OutcomeUnknown.exit_code
        if not isinstance(error, BrokenPipeError):  # whose reader has gone, and wants to hear no more
            why = error.strerror
            options.out.say(f"error: the answer could not be written: {why}; what was done stands: amani history list")
        return 141
    finally:
        if "out" in options.__dict__:
            options.out.clear_progress()
        _close_books(options)


def _is_of_stdout(error: BaseException) -> bool:
    """Whether it is the answer that could not be written; what writes files says itself which one was in the way."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
    return isinstance(error, BrokenPipeError) or (isinstance(error, OSError) and error.errno in full)


def _invoke(argv: list[str], options: Options) -> int:
    """Parse and run. Typer's own `main` would swallow errors and print them its way."""
    if any("\ud800" <= character <= "\udfff" for word in argv for character in word):
        raise errors.Usage("an argument is not valid text (UTF-8)", code="BAD_TEXT", hint="Check the shell's encoding.")
    if os.environ.get("TZ"):
        from amani_cli.times import check_zone

        check_zone(os.environ["TZ"])
    with root().make_context("amani", list(argv), obj=options) as ctx:
        result = ctx.command.invoke(ctx)
    for warning in options.opened.talk.warnings if options.opened is not None else ():
        options.out.warn(warning)  # what was no document has told of none
    _mention_open(options, None)
    return result if isinstance(result, int) else 0


def _end(error: BaseException, argv: list[str], options: Options) -> int:
    """Say how a command ended, and give the exit code."""
    if isinstance(error, typer.Exit):
        _mention_open(options, None)
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if type(error).__name__ == "NoArgsIsHelpError":  # a group alone: what it can do is the answer
        options.out.raw(f"{error.ctx.get_help()}\n")  # type: ignore[attr-defined]
        return 0
    # An option after the one that could not be parsed was never seen: look for the form of the answer ourselves.
    words = argv[: argv.index("--")] if "--" in argv else argv
    options.json = options.json or "--json" in words
    failure = _as_failure(error)
    failure = _left_in_doubt(failure, options) or failure
    if options.debug or "--debug" in words:
        _traceback(error, options)
    said = options.opened.talk.warnings if options.opened is not None else []
    warnings = [warning for warning in said if warning != failure.message]
    try:
        options.out.fail(failure, warnings)
        _mention_open(options, failure)
    except OSError:
        if not isinstance(failure, errors.OutcomeUnknown):  # which wins over anything that becomes of the answer
            raise
    return failure.exit_code


def _left_in_doubt(failure: errors.AmaniError, options: Options) -> errors.AmaniError | None:
    """What an interrupt, a crash, or a ledger that failed behind a payment amounts to once something was sent that the
    user has not been told of; where they were told of all of it, that money moved."""
    if options.opened is None:
        return None
    untold = options.opened.talk.untold
    was_cut_off = isinstance(failure, (errors.Bug, errors.Interrupted, errors.Terminated))
    entries = untold.close() if was_cut_off else untold.behind(failure)
    if not entries:
        if untold.has_moved and failure.money_moved == "no":
            failure.money_moved = "yes"
        return None
    return errors.left_in_doubt(failure, entries)


def _untold(options: Options) -> tuple[str, ...]:
    ws = options.opened
    return ws.talk.untold.close() if ws is not None else ()


def _as_failure(error: BaseException) -> errors.AmaniError:
    if isinstance(error, errors.AmaniError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return errors.Terminated() if isinstance(error, Terminated) else errors.Interrupted()
    if isinstance(error, TyperException):
        return _usage(error)
    if isinstance(error, (typer.Abort, EOFError)):
        return errors.NotConfirmed("not confirmed; nothing was sent")
    if isinstance(error, RecursionError | MemoryError):
        return errors.Bug(
            f"amani ran out of room ({type(error).__name__})", money_moved="maybe", hint="amani reconcile"
        )
    return errors.Bug(
        f"amani failed in a way it should not ({type(error).__name__}: {_first_line(error)})",
        money_moved="maybe",
        hint="If a payment was under way, run 'amani reconcile'. Run again with --debug and report what it shows.",
    )


_NEVER_TAKEN = "--(?:[a-z]+-?)?(?:key|pin|password|passphrase|token|secret)"


def _usage(error: TyperException) -> errors.Usage:
    """A parser's complaint in one line, with the way to the command's help."""
    message = error.format_message().rstrip(".")
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "amani"
    option = getattr(error, "option_name", "") or ""
    if option[1:2].isdigit():
        return errors.Usage(
            f"'{option}' is not an amount: amounts are above zero, without a sign",
            code="BAD_AMOUNT",
            hint="Write it as 1000, 1000sat or 5000NGN.",
        )
    import re

    from amani_cli.text import is_secret

    extra = re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message, re.DOTALL)
    words = extra[1].split(" ") if extra is not None else []
    many = "too many words" if len(words) > 1 else "one word too many"
    if re.fullmatch(_NEVER_TAKEN, option) or any(map(is_secret, words)) or (words and path.startswith("amani pin ")):
        return errors.Usage(
            f"{many if words else f'no such option: {option}'}; a key, a PIN or a password is never taken from the"
            " command line",
            code="KEY_IN_ARGUMENT",
            hint=f"If one was typed there, it is in your shell's history now: change it. See: {path} --help",
        )
    if extra is not None:
        message = f"{many}: {extra[1]}"
    # An argument is called what the help calls it.
    message = re.sub("^Missing argument '(.*)'", lambda found: f"missing argument {found[1].upper()}", message)
    return errors.Usage(message[:1].lower() + message[1:], hint=f"See: {path} --help")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def _traceback(error: BaseException, options: Options) -> None:
    """The traceback for --debug: the code's path and the error's words, never a local's value, masked besides."""
    import traceback

    lines = traceback.format_exception(type(error), error, error.__traceback__)
    for line in "".join(lines).splitlines():
        options.out.say(line)


def _mention_open(options: Options, told: errors.AmaniError | None) -> None:
    """Tell the user, a line each, of outcomes that are still open and of books that were moved away, if this command
    looked at them."""
    ws = options.opened
    if ws is None or ws.opened_store is None or options.quiet:
        return
    from amani_cli.store import journal

    try:
        count, since, gone = journal.open_and_moved(ws.store)
    except errors.AmaniError:
        return
    if gone and options.command != "store copy" and (told is None or told.code != "LEDGER_MOVED"):
        options.out.say(f"This ledger was moved to {gone}: what is written here is not known there (amani doctor)")
    if count and not (count == 1 and told is not None and told.id):
        from amani_cli.times import ago, local

        noun = "outcome is" if count == 1 else "outcomes are"
        moment = f"{local(since)} ({ago(since)})" if since else "some time ago"
        options.out.say(f"{count} {noun} open since {moment}; settle with: amani reconcile")


def _keep_figures(options: Options, code: int) -> None:
    """Write down how this run ended, what its calls cost, and its success if it did more than look at the books."""
    ws = options.opened
    if ws is not None:
        from amani_cli import log

        log.ended(options.command or "", code, wallet=options.wallet)
    calls = sys.modules.get("amani_cli.calls")
    seen = calls.taken() if calls is not None else {}
    if ws is not None and ws.opened_store is not None and (seen or ws.store.wrote):
        from amani_cli.store import figures

        figures.keep(ws.store, seen, options.command if code == 0 else None)


def _close_books(options: Options) -> None:
    """Close the database: nothing else does when the process ends."""
    ws = options.opened
    if ws is not None and ws.opened_store is not None:
        ws.store.close()


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken like Ctrl-C so that a payment under way is reported as unknown and not lost."""


def _terminated(*_: object) -> None:
    raise Terminated


def _be_deaf() -> None:
    """Let what is said at the end be said: a second Ctrl-C would cut it short, with a traceback in its place."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _harden() -> None:
    """Make files private from their first byte, leave no core dump with keys in it, and take SIGTERM in order."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        # A C locale must not turn a name with an accent into a crash.
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass


__all__ = ["Command", "root", "run"]
