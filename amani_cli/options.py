"""The options that every command takes, before and after the command word, and what they mean together."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from amani_cli import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from amani_cli.models.batches import BatchPlan
    from amani_cli.models.payments import PayoutPlan, Plan
    from amani_cli.output import Printer
    from amani_cli.prompts import Prompter
    from amani_cli.wallets.known import KnownWallet
    from amani_cli.workspace import Workspace

    Confirm = Callable[[Plan | PayoutPlan], None]
    BatchConfirm = Callable[[BatchPlan], None]


@dataclass
class Options:
    """What was said on the command line for this run; the collaborators are made when first asked for."""

    wallet: str | None = None
    json: bool = False
    quiet: bool = False
    yes: bool = False
    no_input: bool = False
    timeout: str | None = None
    verbose: int = 0
    log_json: bool = False
    color: str | None = None
    no_pager: bool = False
    debug: bool = False
    actor: str | None = None
    lock_wait: str | None = None
    command: str | None = None
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @cached_property
    def ws(self) -> Workspace:
        """The workspace of this run."""
        from amani_cli import log
        from amani_cli.workspace import Said, Talk, Workspace

        log.configure(self.verbose, self.log_json, self.environ.get("AMANI_LOG") or None)
        ws = Workspace(
            self.environ,
            timeout_s=_seconds(self.timeout),
            said=Said(
                actor=(self.actor or self.environ.get("AMANI_ACTOR") or "").strip() or None,
                choose_wallet=lambda names: self.missing(f"Which wallet? {', '.join(names)}"),
                lock_wait_s=_seconds(self.lock_wait) or 0,
            ),
            talk=Talk(progress=self.out.progress),
        )
        ws.catch_up = lambda wallet: catch_up(ws, wallet)
        return ws

    @cached_property
    def out(self) -> Printer:
        """The printer of this run."""
        from amani_cli.output import Printer

        pages = not self.no_pager
        return Printer(as_json=self.json, quiet=self.quiet, color=self.color, environ=self.environ, pages=pages)

    @cached_property
    def ask(self) -> Prompter:
        """Who asks questions in this run."""
        from amani_cli.prompts import Prompter

        def answered() -> None:
            if self.opened is not None:
                self.opened.restart_clock()

        return Prompter(yes=self.yes, no_input=self.no_input, out=self.out, answered=answered)

    @property
    def opened(self) -> Workspace | None:
        """The workspace if this run has come to need one."""
        found: Workspace | None = self.__dict__.get("ws")
        return found

    def emit(self, model: Any) -> None:
        """Print the answer, and what else is to be told."""
        self.out.emit(model, self.ws.talk.warnings, self.ws.talk.notes)

    def heed_settings(self) -> None:
        """Have the user told of names that are no settings, and let colour be as the setting says.

        Raises `errors.Usage` for a --color that is none.
        """
        if self.color not in (None, "auto", "always", "never"):
            raise errors.Usage(f"--color is auto, always or never, not '{self.color[:20]}'")
        try:
            for line in self.ws.config.unknown():
                self.ws.talk.warn(line)
            self.out.color = self.color or self.ws.config.get("color")
        except errors.Usage as error:
            if error.code == "BAD_SETTINGS":  # of colour alone; whoever needs another is told of it
                self.ws.talk.warn(error.message)

    def missing(self, question: str) -> str | None:
        """What was not said on the command line, asked for at a terminal; None where nobody is there, or says it."""
        if self.json or self.quiet or not self.ask.can_ask:
            return None
        return self.ask.text(question, "") or None

    def pin(self, from_stdin: bool, from_file: str | None) -> str | None:
        """A PIN given by --pin-stdin or --pin-file; None when neither was said."""
        if from_stdin and from_file:
            raise errors.Usage("give the PIN in one way only")
        if from_stdin:
            return secret_from_stdin("PIN")
        if from_file:
            from amani_cli import files, keys

            # Not remembered for the mask as a key is: four digits stand in many an amount, which must stay as it is.
            pin = keys.private_text(files.named(from_file)).strip()
            if not pin:
                raise errors.NotAuthorised(f"{from_file} holds no PIN", code="NO_KEY")
            return pin
        return None

    def take_pin(self, from_stdin: bool, from_file: str | None) -> None:
        """Have the PIN of a payment come from stdin, a file or a prompt, if one turns out to be needed."""
        if from_stdin and from_file:
            raise errors.Usage("give the PIN in one way only")

        def given(wallet: str) -> str | None:
            pin = self.pin(from_stdin, from_file)
            if pin is None and self.ask.can_ask:
                pin = self.ask.secret(f"PIN of wallet '{wallet}'", "")
            return pin

        self.ws.said.ask_pin = given
        if self.ask.can_ask and not (from_stdin or from_file):
            self.ws.said.tell_wrong = lambda message: self.out.say(f"error: {message}")

    def take_pins(self, from_stdin: bool, from_file: str | None) -> None:
        """Have PINs of several wallets come from stdin or a file, a line each in the order of names, or a prompt."""
        self.take_pin(from_stdin, from_file)
        one, lines = self.ws.said.ask_pin, list[str]()

        def given(wallet: str) -> str | None:
            if not (from_stdin or from_file):
                return one(wallet)
            if not lines:
                lines.extend([*reversed((self.pin(from_stdin, from_file) or "").splitlines())])
                lines.insert(0, "")  # the end
            return lines.pop() or None

        self.ws.said.ask_pin = given

    def confirm_payment(self, question: str) -> Confirm | None:
        """The question before a payment: who, how much in two units, the worst fee, from where, what will be left.

        None when a yes was given beforehand. Raises `errors.NotConfirmed` at once when there is nobody to ask.
        """
        if self.yes:
            return None
        if not self.ask.can_ask:
            self.ask.confirm(question)

        def confirm(plan: Plan | PayoutPlan) -> None:
            from amani_cli.views import choosing

            for warning in self.ws.talk.warnings:
                self.out.warn(warning)
            self.ask.confirm(question, *choosing.asked_about(plan, but="expires"))

        return confirm


PIN_STDIN = typer.Option(False, "--pin-stdin", help="Read the PIN from stdin.")
PIN_FILE = typer.Option(None, "--pin-file", help="File that holds the PIN; yours, mode 0600.", metavar="PATH")
CATEGORY = typer.Option(None, "--category", help="What the books file it under, e.g. rent.", metavar="NAME")
FORCE = typer.Option(False, "--force", help="Replace a file that is there.")
MEMO = typer.Option("", "--memo", "-m", help="A note for your own history; nobody else sees it.")
REQUEST = typer.Option(
    False, "--request", help="File it for a second person to approve; nothing is sent until 'amani request run'."
)
REASON = typer.Option(None, "--reason", help="Why, for the audit log.", metavar="TEXT")


def category(text: str | None) -> str | None:
    """A category as the books keep it: one line, trimmed. Raises `errors.Usage`."""
    if text is None:
        return None
    name = text.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise errors.Usage("a category is one line of up to 100 characters", code="BAD_CATEGORY")
    return name


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    from amani_cli.times import parse_duration

    return float(parse_duration(text))


def of(ctx: typer.Context) -> Options:
    """The options of this run."""
    found = ctx.find_root().obj
    assert isinstance(found, Options)
    return found


def _remember(ctx: typer.Context, param: Any, value: Any) -> None:
    """Keep what was said, wherever on the line it stood; what was not said changes nothing."""
    options = ctx.find_root().obj
    if not isinstance(options, Options) or value in (None, False, 0):
        return
    _refuse_empty(param, value)
    name = str(param.name)
    setattr(options, name, getattr(options, name) + value if name == "verbose" else value)


_SHARED: list[TyperOption] = []
_TEXTS = ("memo", "description", "comment", "reason", "category", "payer_")  # empty, or refused by their own code


def _shared() -> list[TyperOption]:
    """The options themselves, made when a command is parsed and not for each of the tree's commands."""
    if not _SHARED:

        def option(*names: str, help: str, **more: Any) -> None:
            _SHARED.append(TyperOption(param_decls=[*names], help=help, expose_value=False, callback=_remember, **more))

        flag = {"is_flag": True, "default": False}
        option("--wallet", "-w", help="The wallet to use (AMANI_WALLET).", metavar="NAME")
        option("--json", help="One JSON document on stdout.", **flag)
        option("--quiet", "-q", help="Print just the one value a script wants.", **flag)
        option("--yes", "-y", help="Answer questions with yes; no rule is skipped.", **flag)
        option("--no-input", help="Never ask; fail where a question would be due.", **flag)
        option("--timeout", help="How long to wait for a provider, e.g. 30s.", metavar="DURATION")
        option("--verbose", "-v", help="Say more on stderr (-vv: still more).", count=True, default=0)
        option("--log-json", help="Log lines on stderr as JSON (AMANI_LOG=FILE keeps a file of them).", **flag)
        option("--color", help="auto, always or never.", metavar="WHEN")
        option("--no-pager", help="Show long lists as they are, not through $PAGER.", **flag)
        option("--actor", help="Who is behind this call, for audit and limits (AMANI_ACTOR).", metavar="ID")
        option("--lock-wait", help="How long to wait for another amani's lock.", metavar="DURATION")
        option("--debug", help="Show a traceback if amani itself fails.", **flag)
    return _SHARED


def _with_shared(own: list[Any]) -> list[Any]:
    """A command's own parameters and the shared options, less those that the command defines otherwise."""
    taken = {name for param in own for name in param.opts}
    return own + [option for option in _shared() if not taken.intersection(option.opts)]


def _trim(params: list[Any], said: dict[str, Any]) -> None:
    """Trim what people typed at its ends, as the cells of a table are, and change nothing inside."""
    for name in ("reference", "memo", "description", "comment", "to_name", "by"):
        if isinstance(said.get(name), str):
            said[name] = said[name].strip()
    for param in params:
        if isinstance(param, TyperOption) and not str(param.name).startswith(_TEXTS):
            _refuse_empty(param, said.get(str(param.name)))


def _refuse_empty(param: Any, value: Any) -> None:
    """Refuse an option of which nothing is left: a variable that was not set would be another wallet, or no limit."""
    if isinstance(value, str) and not value.strip():
        raise errors.Usage(f"{param.opts[0]} is empty", hint="Leave it out, or say what is meant.")


_ASKED = {"dest": ("Pay whom?", "contacts"), "to": ("To which wallet?", "wallets"), "amount": ("How much?", "")}


def _ask_for(options: Options, name: str) -> str | None:
    """An argument, asked for at a terminal with what there is to choose from."""
    question, kind = _ASKED[name]
    from amani_cli.store import names

    known = names.known(kind, options.environ)
    return options.missing(f"{question} {', '.join(known)}" if known else question)


class Command(TyperCommand):
    """A command that takes the shared options too, and is known by its words to whoever counts successes."""

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        options = ctx.find_root().obj
        if isinstance(options, Options):
            options.command = ctx.command_path.partition(" ")[2]
            options.heed_settings()
        _trim(self.params, ctx.params)
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; an amount or payee that is missing is asked for at a terminal."""
        from typer._click.exceptions import MissingParameter

        options = ctx.find_root().obj
        verbose = options.verbose if isinstance(options, Options) else 0
        while True:
            try:
                return super().parse_args(ctx, [*args])
            except MissingParameter as error:
                name = getattr(error.param, "name", None)
                said = _ask_for(options, str(name)) if isinstance(options, Options) and name in _ASKED else None
                if said is None:
                    raise
                options.verbose = verbose
                args = [*args, said] if "--" in args else [*args, "--", said]

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters, then the shared ones."""
        return _with_shared(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Its help."""
        from amani_cli import helping

        helping.write(self, ctx, formatter, _shared())


class Group(TyperGroup):
    """A group that takes the shared options."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters, then the shared ones."""
        return _with_shared(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, leading to the right one from a word that is none."""
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            from amani_cli import tried

            path = ctx.command_path
            raise errors.Usage(f"no command '{path} {args[0][:60]}'", hint=tried.below(path, args[0], names))
        return super().resolve_command(ctx, args)

    def sections(self, ctx: Any) -> list[tuple[str, list[tuple[str, str]]]]:
        """The commands below under their headings, each with the first sentence of its help."""
        from amani_cli.completion.tree import first_sentence

        below = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, first_sentence(each.help or "") + ".") for name, each in below if each and not each.hidden]
        return [("Commands", rows)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Its help."""
        from amani_cli import helping

        helping.write(self, ctx, formatter, _shared(), self.sections(ctx))


def group(help: str) -> typer.Typer:
    """A group of commands; bare, it shows its help."""
    return typer.Typer(
        help=help,
        cls=Group,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )


def secret_from_stdin(what: str) -> str:
    """Everything on stdin, less one line break at its end. Raises `errors.Usage` at a terminal or when empty."""
    if sys.stdin is None or sys.stdin.closed:
        raise errors.Usage(f"stdin is closed, so no {what} can be read from it")
    try:
        text = sys.stdin.read().removesuffix("\n").removesuffix("\r")
        text.encode()  # in some locales bytes that are no UTF-8 come as halves of characters
    except UnicodeError:
        raise errors.Usage(f"the {what} on stdin is not valid text (UTF-8)", code="BAD_TEXT") from None
    if not text:
        raise errors.Usage(f"stdin held no {what}", hint="Pipe it in, e.g. pass show lnbits | amani …")
    return text


def catch_up(ws: Workspace, wallet: KnownWallet) -> None:
    """Bring in what a wallet's provider has on record by now."""
    from amani_cli.books import history

    history.sync(ws, wallet)
