"""The documents say what is so: made pages are up to date, links lead somewhere, and every command in them runs.

How a page marks its commands. In a ```console block each line that begins with `$ ` is run (`> ` goes on with it) and
must succeed, or end with the code in a comment at its end: `# exit 5`. The lines below it are what it prints; `…`
stands for anything. A ```sh or ```python block is run as a whole, a ```crontab line as cron would run it, and units
in ```ini blocks are shown to systemd. `https://lnbits.example.com` stands for the test's own server. What can't be run
says why in a comment before it: `<!-- doc: skip REASON -->`.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from amani_cli import config, errors, explanations, schemas, settings
from amani_cli.providers import fincra_wire
from scripts import generate
from tests.kit.driver import CLONE, Amani
from tests.kit.fincra_double import Double
from tests.kit.lnbits_server import LnbitsServer

PAGES = [*sorted(CLONE.glob("*.md")), *sorted((CLONE / "docs").glob("*.md"))]
RUN = ("console", "sh", "python", "crontab")
OTHER = ("ini", "json", "text", "yaml", "make")
EXAMPLE_URL = "https://lnbits.example.com"
EXAMPLE_PUBLIC_KEY = "pk_test_example"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    note: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(CLONE)}:{self.line}"

    @property
    def skipped(self) -> bool:
        return self.note.startswith("skip ")


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, with the note before it."""
    text = page.read_text()
    fence = re.compile(r"(?:^<!-- doc: (.*?) -->\n)?^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [
        Block(page, text.count("\n", 0, found.start(3)), found[2], found[1] or "", found[3])
        for found in fence.finditer(text)
    ]


def id_of(page: Path) -> str:
    return str(page.relative_to(CLONE))


# -- what is made from the code --------------------------------------------------------------------------------------


def test_pages_that_are_made_from_the_code_are_up_to_date() -> None:
    made = generate.files()
    stale = [name for name, text in made.items() if not (CLONE / name).exists() or (CLONE / name).read_text() != text]
    stale += [path.name for path in (CLONE / "man").iterdir() if f"man/{path.name}" not in made]
    assert stale == [], "make generate brings these up to date"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_man_pages_are_sound() -> None:
    for path in sorted((CLONE / "man").iterdir()):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-P-cbou", "-ww", "-rCHECKSTYLE=3", str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == "", path.name
        assert "SYNOPSIS" in done.stdout


def test_every_error_code_is_explained_with_the_exit_codes_it_comes_with() -> None:
    raised = codes_in_the_source()
    for code in fincra_wire.TOLD:  # in an error of ours as they are
        raised[code] |= {6}
    explained = {code: set(exits) for code, (exits, _, _) in explanations.ERROR_CODES.items()}
    assert raised.keys() - explained.keys() == set(), "explain these in amani_cli/explanations.py"
    assert explained.keys() - raised.keys() == set(), "nothing raises these any more"
    assert {code: exits for code, exits in raised.items() if not exits <= explained[code]} == {}


def test_the_schema_of_errors_tells_of_every_detail_they_carry() -> None:
    carried = set()
    for path in sorted((CLONE / "amani_cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "details":
                literals = [each for each in ast.walk(node.value) if isinstance(each, ast.Dict)]
                carried |= {key.value for each in literals for key in each.keys if isinstance(key, ast.Constant)}
    told = set(schemas.ERROR["properties"]["error"]["properties"])
    assert carried - told == set()
    assert {"rows", "opens_at", "wait_s", "log"} <= carried


def codes_in_the_source() -> dict[str, set[int]]:
    """Each word that an error can carry as its code, and the exit codes of the classes that are raised with it."""
    classes = {name: each for name, each in vars(errors).items() if isinstance(each, type)}
    exits: dict[str, int] = {
        name: each.exit_code for name, each in classes.items() if issubclass(each, errors.AmaniError)
    }
    exits |= {"NotSent": 10, "Lost": 10}  # kinds of Unreachable that only the providers tell apart
    found: dict[str, set[int]] = defaultdict(set)
    for path in sorted((CLONE / "amani_cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                given += node.args[3:] if name == "Verdict" else []
                for code in words(given):
                    found[code] |= {exits[name]} if name in exits else set()
            elif isinstance(node, ast.FunctionDef) and node.name.endswith("_code"):
                for code in words([each for each in ast.walk(node) if isinstance(each, ast.Return)]):
                    found[code] |= set()
    for each in classes.values():
        if issubclass(each, errors.AmaniError) and each is not errors.AmaniError:
            found[each.default_code].add(each.exit_code)
    return found


def words(nodes: list[ast.AST] | list[ast.expr] | list[ast.Return]) -> set[str]:
    texts = [each.value for node in nodes for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return {text for text in texts if isinstance(text, str) and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", text)}


def test_every_exit_code_is_explained() -> None:
    raised = {each.exit_code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "exit_code")}
    assert raised | {0, 130, 141, 143} == explanations.EXIT_CODES.keys()


@pytest.mark.parametrize(("code", "money"), [("8", "maybe"), ("outcome_unknown", "maybe"), ("TIMEOUT", "no")])
def test_explain_says_whether_money_moved(amani: Amani, code: str, money: str) -> None:
    assert amani("explain", code, "--json").data["money_moved"] == money


def test_explain_lists_all_and_helps_with_a_slip(amani: Amani) -> None:
    listed = amani("explain", "--quiet").stdout.splitlines()
    assert listed == [*map(str, explanations.EXIT_CODES), *explanations.ERROR_CODES]
    missed = amani("explain", "TIMEUOT", "--json")
    assert (missed.code, missed.error["hint"][:21]) == (4, "Did you mean TIMEOUT?")


# -- what is written by hand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{id_of(page)} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    for block in blocks(page):
        assert block.language in RUN + OTHER, f"{block.where}: a block of no known language"
        if block.language in RUN and block.note:
            assert re.fullmatch(r"skip \S.{15,}", block.note), f"{block.where}: say why it is not run"


def test_every_promise_names_a_test_that_is_there() -> None:
    """The table of docs/never-in-doubt.md: promise, tests, counts."""
    page = CLONE / "docs" / "never-in-doubt.md"
    table = page.read_text().partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if re.match(r"\|(?! ?(---|promise))", line)]
    assert rows
    for promise, proof, counts in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", proof)
        assert named, f"no test proves: {promise}"
        assert counts.strip(), f"nothing was counted for: {promise}"
        for file, function in named:
            assert (CLONE / file).exists(), f"{promise}: {file}"
            if function:
                assert re.search(rf"^(    )?def {function}\(", (CLONE / file).read_text(), re.MULTILINE), (
                    f"{promise}: {function}"
                )


def test_every_way_out_names_a_test_that_is_there() -> None:
    """The table of docs/security.md: way out, what happens above the line, test."""
    text = (CLONE / "docs" / "security.md").read_text().partition("| way out of a wallet |")[2]
    rows = text.partition("\n\n")[0].splitlines()[2:]
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)` \|$", row)
        assert named, row
        for file, name in named:
            assert re.search(rf"^(def|class) {name}\b", (CLONE / file).read_text(), re.MULTILINE), row


def test_the_example_of_a_dotenv_holds_what_amani_reads() -> None:
    text = (CLONE / ".env.example").read_text()
    assert set(config.parse_dotenv(text)) == {"LNBITS_API_KEY", "LNBITS_BASE_URL"}
    offered = set(config.parse_dotenv(re.sub(r"^#(?=[A-Z_]+=)", "", text, flags=re.MULTILINE)))
    assert offered == config.DOTENV_NAMES - {"FINCRA_API_SECRET"}
    assert config.parse_dotenv(text)["LNBITS_BASE_URL"] == settings.DEFAULT_LNBITS_URL


def test_no_page_names_a_command_or_option_that_is_not_there() -> None:
    """In running text and in blocks that are not run, too."""
    from amani_cli.cli import root
    from amani_cli.completion.tree import read_tree

    nodes = {node.path: node for node in read_tree(root())}
    top = {path[0] for path in nodes if path}
    for page in PAGES:
        shown = re.findall(r"`amani ([^`]+)`", page.read_text())
        shown += [command[6:] for block in blocks(page) if block.skipped for command in commands_of(block)]
        for said in shown:
            path = tuple(said.split()[: 2 if tuple(said.split()[:2]) in nodes else 1])
            if said.startswith("-") or path[0].isupper():
                continue
            assert path[0] in top, f"{id_of(page)}: amani {said}"
            known = {name for option in nodes[path].options for name in option.names}
            for option in re.findall(r"(?<!\S)--[a-z-]+", said):
                assert option in known, f"{id_of(page)}: amani {said}: {option}"


def commands_of(block: Block) -> list[str]:
    """What amani is asked in a block, however it is marked."""
    lines = block.text.replace("\\\n>", "").replace("\\\n", "").splitlines()
    return re.findall(r"(?<![\w/-])amani [a-z].*", "\n".join(line for line in lines if not line.startswith("#")))


@pytest.mark.lnbits
@pytest.mark.sqlite  # what the pages show is of a ledger in a file
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(each.language in RUN for each in blocks(page))], ids=id_of
)
def test_commands_run_and_print_what_the_page_shows(
    page: Path, lnbits_server: LnbitsServer, sandbox_home: Path, tmp_path: Path
) -> None:
    with Double().running() as fincra:
        shell = Shell(page, lnbits_server, fincra, sandbox_home, tmp_path)
        for block in blocks(page):
            if block.language in RUN and not block.skipped:
                shell.add(block)
        shell.run()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_units_are_accepted_by_systemd(tmp_path: Path) -> None:
    program = tmp_path / "amani"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    page = CLONE / "docs" / "cron-and-systemd.md"
    files = []
    for at, block in enumerate(each for each in blocks(page) if each.language == "ini"):
        before = page.read_text().splitlines()[: block.line - 1]
        named = re.findall(r"`/etc/systemd/system/(\S+)`", before[-2])
        files.append(tmp_path / (named[0] if named else f"example-{at}.service"))
        files[-1].write_text(block.text.replace("/usr/local/bin/amani", str(program)))
    assert len(files) >= 3
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "example-" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


class Shell:
    """One shell session for a page, in a world where `amani` and the stand-ins for password stores are on PATH."""

    def __init__(self, page: Path, server: LnbitsServer, fincra: Double, home: Path, tmp_path: Path) -> None:
        self.server = server
        self.fincra = fincra
        self.folder = Path.cwd()
        self.expected: list[tuple[str, int | None, list[str]]] = []
        self.script: list[str] = []
        self.bin = tmp_path / "bin"
        self.out = tmp_path / "out"
        self.home = home
        for folder in (self.bin, self.out):
            folder.mkdir()
        self._command("amani", f'PYTHONPATH={CLONE} exec {sys.executable} -m amani_cli "$@"')
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        for name in ("pass", "vault", "aws", "credential", "lnbits"):
            key = tmp_path / f"{name}.key"
            key.write_text(server.new_wallet(sat=50_000, name=name)[1] + "\n")
            key.chmod(0o600)
            self._command(name, f"cat {key}") if name not in ("credential", "lnbits") else None
        self._business(tmp_path / "fincra.key")
        shutil.copy(tmp_path / "credential.key", credentials / "lnbits")
        for name in ("lnbits", "fincra"):
            shutil.copy(tmp_path / f"{name}.key", Path(os.environ["HOME"]))
        self.env = {
            **os.environ,
            "AMANI_HOME": str(self.home),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "CREDENTIALS_DIRECTORY": str(credentials),
            "FINCRA_BASE_URL": self.fincra.url,
            "TZ": "UTC",
        }
        if page.name != "README.md":  # which shows how to start it
            self._add("amani sandbox start", 0, ["…"])

    def _business(self, key_file: Path) -> None:
        merchant = self.fincra.merchant("Ada Stores Ltd", NGN="100000", GHS="5000", USD="500")
        self.fincra.virtual_account(merchant, "8540012345")
        self.public_key = merchant.public_key
        key_file.write_text(merchant.key + "\n")
        key_file.chmod(0o600)

    def _command(self, name: str, line: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{line}\n")
        (self.bin / name).chmod(0o700)

    def add(self, block: Block) -> None:
        """Have the commands of a block run after those before it."""
        if block.language == "sh":
            self._add(block.text, 0, ["…"])
        elif block.language == "python":
            self._add(f"{sys.executable} -c {_quoted(block.text)}", 0, ["…"])
        elif block.language == "crontab":
            for line in block.text.splitlines():
                if line and not line.startswith(("#", "MAILTO", "AMANI_HOME")):
                    command = line.split(maxsplit=5)[5].replace("\\%", "%")
                    self._add(f"env -i HOME=$HOME AMANI_HOME=$AMANI_HOME PATH=$PATH sh -c {_quoted(command)}", 0, ["…"])
        else:
            for command, exit, shown in typed(block):
                self._add(command, exit, shown)

    def _add(self, command: str, exit: int | None, shown: list[str]) -> None:
        at = len(self.expected)
        self.expected.append((command, exit, shown))
        ready = command.replace(EXAMPLE_URL, self.server.url).replace(EXAMPLE_PUBLIC_KEY, self.public_key)
        self.script.append(
            f"{{\n{ready}\n}} >{self.out}/{at}.out 2>{self.out}/{at}.err </dev/null\necho $? >{self.out}/{at}.exit\n"
        )

    def run(self) -> None:
        """Run all in one session, then look at each command's end and output."""
        subprocess.run(["bash", "-c", "\n".join(self.script)], cwd=self.folder, env=self.env, check=True, timeout=300)
        for at, (command, exit, shown) in enumerate(self.expected):
            said, told = ((self.out / f"{at}.{end}").read_text() for end in ("out", "err"))
            code = int((self.out / f"{at}.exit").read_text())
            assert code == exit, f"$ {command}\n{said}{told}exit code {code}"
            said = said.replace(self.server.url, EXAMPLE_URL)
            pattern = "\n".join(shown)
            if shown:
                assert matches(pattern, said.rstrip("\n")), f"$ {command}\nprints:\n{said}\nnot:\n{pattern}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def typed(block: Block) -> list[tuple[str, int, list[str]]]:
    """The commands of a console block: each with the exit code it ends with and the lines it prints."""
    found: list[tuple[str, int, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            command, _, comment = line[2:].partition("  # exit ")
            found.append((command, int(comment or 0), []))
        elif line.startswith("> "):
            command, exit, shown = found[-1]
            found[-1] = (f"{command}\n{line[2:]}", exit, shown)
        else:
            assert found, f"{block.where}: output before any command"
            found[-1][2].append(line)
    return found


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a page shows: `…` on a line of its own stands for any lines, within one for anything.

    How many spaces or tabs stand between two words makes no difference.
    """
    pattern, text = (re.sub(r" +(\n|$)", r"\1", re.sub(r"[ \t]+", " ", each)) for each in (pattern, text))
    parts = []
    for line in pattern.split("\n"):
        if line == "…":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(".*".join(map(re.escape, line.split("…"))) + r"\n")
    return re.fullmatch("".join(parts), text + "\n") is not None
