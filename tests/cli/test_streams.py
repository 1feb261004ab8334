"""What a script relies on whatever the command: streams, exit codes, JSON, options on either side of it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from amani_cli import __version__
from tests.kit.driver import CLONE, Amani, environment
from tests.kit.lnbits_server import free_port
from tests.kit.make_invoice import make_invoice


class TestJson:
    def test_success_and_nothing_on_stderr(self, amani: Amani) -> None:
        answer = amani("wallet", "list", "--json")
        expected = {"schema": "amani.wallets/1", "ok": True, "data": {"items": []}, "warnings": []}
        assert (answer.json, answer.stderr) == (expected, "")

    def test_failure_is_a_document_and_a_line(self, amani: Amani) -> None:
        answer = amani("wallet", "show", "nobody", "--json")
        assert answer.code == 4
        assert answer.json == {
            "schema": "amani.error/1",
            "ok": False,
            "error": {
                "code": "NO_SUCH_WALLET",
                "exit": 4,
                "message": "no wallet 'nobody'",
                "hint": "Wallets: none yet.",
                "money_moved": "no",
                "retry": "safe",
            },
            "warnings": [],
        }
        assert answer.stderr == "error: no wallet 'nobody'\nWallets: none yet.\n"

    def test_without_json_a_failure_prints_nothing_on_stdout(self, amani: Amani) -> None:
        answer = amani("wallet", "show", "nobody")
        assert (answer.code, answer.stdout) == (4, "")
        assert answer.stderr.startswith("error: ")

    @pytest.mark.parametrize(
        "words",
        [
            ("no-such-command", "--json"),
            ("--json", "no-such-command"),
            ("wallet", "no-such-command", "--json"),
            ("wallet", "list", "--no-such-option", "--json"),
            ("pay", "--json"),
            ("history", "list", "--limit", "many", "--json"),
            ("--json",),
            ("wallet", "--json"),
        ],
    )
    def test_bad_usage_is_2_in_the_form_asked_for(self, amani: Amani, words: tuple[str, ...]) -> None:
        answer = amani(*words)
        assert answer.code == answer.error["exit"] == 2

    def test_a_near_miss_is_suggested(self, amani: Amani) -> None:
        assert "Did you mean 'amani wallet'?" in amani("walet").stderr
        assert "--json" in amani("wallet", "list", "--jsn").stderr
        assert "balance" in amani("wallet", "balanc").stderr

    def test_an_amount_that_looks_like_an_option(self, amani: Amani) -> None:
        answer = amani("invoice", "create", "-5", "--json")
        assert (answer.code, answer.error["code"]) == (2, "BAD_AMOUNT")
        assert "1000" in answer.error["hint"]


class TestOptions:
    @pytest.mark.parametrize(
        "words", [("--json", "wallet", "list"), ("wallet", "--json", "list"), ("wallet", "list", "--json")]
    )
    def test_before_between_and_after(self, amani: Amani, words: tuple[str, ...]) -> None:
        assert amani(*words).json["ok"]

    def test_verbose_adds_up_and_goes_to_stderr(self, amani: Amani) -> None:
        words = ("wallet", "balance", "--json")
        env = {"LNBITS_API_KEY": "k" * 32, "LNBITS_BASE_URL": f"http://127.0.0.1:{free_port()}"}
        assert "GET /api/v1/wallet" not in amani(*words, env=env).stderr
        told = amani("-v", *words, "-v", env=env)
        assert "info LNbits GET /api/v1/wallet" in told.stderr
        assert "status=CONNECTION_REFUSED" in told.stderr

    def test_log_lines_as_json(self, amani: Amani) -> None:
        """Ruling 25: the keys and words that the backend's log filters match on."""
        env = {"LNBITS_API_KEY": "k" * 32, "LNBITS_BASE_URL": f"http://127.0.0.1:{free_port()}"}
        told = amani("wallet", "balance", "--log-json", env=env)
        line = json.loads(told.stderr.splitlines()[0])
        assert {"message", "level", "timestamp", "wallet", "endpoint", "latency_ms", "request_id"} <= set(line)
        assert "LNbits" in line["message"]
        assert line["level"] == "info"

    @pytest.mark.parametrize("timeout", ["5", "0s", "fast", "-1s"])
    def test_a_time_out_that_is_none(self, amani: Amani, timeout: str) -> None:
        assert amani("wallet", "list", f"--timeout={timeout}").code == 2

    @pytest.mark.parametrize(
        "words", [("--help",), ("-h",), ("wallet", "--help"), ("wallet", "add", "-h"), ("pay", "-h")]
    )
    def test_help_is_an_answer(self, amani: Amani, words: tuple[str, ...]) -> None:
        answer = amani(*words)
        assert (answer.code, answer.stderr) == (0, "")
        assert answer.stdout.startswith("Usage: amani")

    def test_no_command_at_all(self, amani: Amani) -> None:
        for words in ((), ("wallet",)):
            answer = amani(*words)
            assert (answer.code, answer.stderr) == (0, "")
            assert "Usage: amani" in answer.stdout
            assert amani(*words, "--json").error["code"] == "USAGE"  # a script has made a mistake

    def test_the_version(self, amani: Amani) -> None:
        assert amani.process("--version").stdout == f"amani {__version__}\n"


class TestColour:
    def test_none_off_a_terminal(self, amani: Amani) -> None:
        assert "\x1b" not in amani("config", "show").stdout

    def test_on_a_terminal_unless_told_otherwise(self, amani: Amani) -> None:
        assert "\x1b[1m" in amani("config", "show", tty=True).stdout
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CLICOLOR": "0"}):
            assert "\x1b[3" not in amani("config", "show", tty=True, env=env).stdout


class TestSurroundings:
    """Odd places to be run from."""

    def test_a_reader_that_goes_away(self, amani: Amani) -> None:
        for words in (["schema"], ["wallet", "list", "--json"], ["wallet", "show", "nobody", "--json"]):
            reader, writer = os.pipe()
            os.close(reader)
            command = [sys.executable, "-m", "amani_cli", *words]
            done = subprocess.run(
                command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment(), check=False
            )
            os.close(writer)
            assert done.returncode == 141
            assert "Traceback" not in done.stderr
            assert "Exception ignored" not in done.stderr

    @pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
    def test_closed_streams(self, amani: Amani, closed: str) -> None:
        command = f'"{sys.executable}" -m amani_cli wallet list --json {closed}'
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment(), check=False)
        assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)

    def test_a_table_on_a_closed_stdin(self, amani: Amani) -> None:
        command = f'"{sys.executable}" -m amani_cli batch plan - -o plan <&-'
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment(), check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("error: stdin is closed")

    @pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
    @pytest.mark.parametrize("words", ["pay - 10", "trace -", "invoice decode -", "cheque claim -"])
    def test_bytes_on_stdin_that_are_no_text(self, amani: Amani, words: str, errors: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "amani_cli", *words.split(), "--json"],
            input="lnbc1".encode("utf-16"),  # as PowerShell pipes it
            capture_output=True,
            env=environment({"PYTHONIOENCODING": f"utf-8:{errors}"}),
            check=False,
        )
        error = json.loads(done.stdout)["error"]
        assert (done.returncode, error["code"]) == (2, "BAD_TEXT"), done

    def test_a_closed_stdout(self, amani: Amani) -> None:
        command = f'"{sys.executable}" -m amani_cli wallet show nobody >&-'
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment(), check=False)
        assert done.returncode == 4
        assert "no wallet 'nobody'" in done.stderr

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
    @pytest.mark.parametrize("unbuffered", ["", "1"])
    @pytest.mark.parametrize(
        "words",
        [
            "wallet list --json",
            "wallet show nobody --json",
            "--version",
            "--help",
            "schema",
            "config show",
            "explain 8",
        ],
    )
    def test_a_full_disk_on_stdout(self, amani: Amani, words: str, unbuffered: str) -> None:
        """A broken pipe's sister: one line, the same code, and nothing said of money."""
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "amani_cli", *words.split()],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                env=environment({"PYTHONUNBUFFERED": unbuffered or None}),
                check=False,
            )
        assert done.returncode == 141
        (told,) = [line for line in done.stderr.splitlines() if line.startswith("error: ") and "nobody" not in line]
        assert told.startswith("error: the answer could not be written: No space left on device")
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr

    def test_the_c_locale(self, amani: Amani) -> None:
        text = make_invoice(description="Café 日本 🍵")
        for env in ({"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"}):
            done = amani.process("invoice", "decode", text, env=env)
            assert (done.code, "Caf" in done.stdout) == (0, True)

    def test_a_folder_that_is_gone(self, amani: Amani, tmp_path: Path) -> None:
        gone = tmp_path / "gone"
        gone.mkdir()
        command = f'cd "{gone}" && rmdir "{gone}" && "{sys.executable}" -m amani_cli wallet list --json'
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment(), check=False)
        assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)

    def test_no_home_at_all(self, amani: Amani, home: Path) -> None:
        env = {"HOME": "/nonexistent", "AMANI_HOME": None}
        assert amani.process("wallet", "list", "--json", env=env).code == 0

    def test_a_home_that_can_t_be_written_to(self, amani: Amani, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        env = {"AMANI_HOME": str(tmp_path / "file" / "amani")}
        answer = amani("config", "set", "timeout", "20s", "--json", env=env)
        assert answer.code == 2
        assert "file" in answer.error["message"]

    def test_the_platform_s_own_folders_without_amani_home(self, amani: Amani) -> None:
        paths = amani("config", "path", "--json", env={"AMANI_HOME": None}).data["paths"]
        user = Path(os.environ["HOME"])
        if sys.platform == "linux":
            assert paths["config"] == str(user / ".config" / "amani" / "config.toml")
            assert paths["database"] == str(user / ".local" / "share" / "amani" / "amani.db")

    def test_what_it_writes_is_private(self, amani: Amani, home: Path) -> None:
        os.umask(0o000)
        try:
            assert amani("config", "set", "timeout", "20s").code == 0
            assert amani("history", "sync").code == 3
        finally:
            os.umask(0o022)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        for path in home.rglob("*"):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path

    def test_no_core_dumps_and_no_traceback_without_debug(self, amani: Amani) -> None:
        """A bug of amani's own: one line, exit 1, and the traceback only with --debug, without a local's value."""
        program = (
            "import sys; from amani_cli import cli, config; key = 'a-secret-in-a-local'\n"
            "def broken(*a, **k):\n    inner = 'a-secret-in-a-local'\n    raise ValueError('broken')\n"
            "config.Config.view = broken\n"
            "code = cli.run(sys.argv[1:])\n"
            "import resource; assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0); sys.exit(code)"
        )
        for words in (("config", "show", "--json"), ("config", "show", "--debug")):
            done = subprocess.run(
                [sys.executable, "-c", program, *words], capture_output=True, text=True, env=environment(), check=False
            )
            assert done.returncode == 1
            assert ("Traceback" in done.stderr) == ("--debug" in words)
            assert "a-secret-in-a-local" not in done.stdout + done.stderr
            if "--json" in words:
                error = json.loads(done.stdout)["error"]
                assert (error["code"], error["money_moved"]) == ("BUG", "maybe")


class TestSchemas:
    def test_every_document_has_one(self, amani: Amani) -> None:
        documents = json.loads(amani("schema").stdout)
        assert {"amani.balance/1", "amani.payment/1", "amani.error/1"} <= set(documents)
        for name, schema in documents.items():
            assert schema["title"] == name
            assert schema["properties"]["schema"] == {"const": name}

    @pytest.mark.parametrize("asked", [("wallet", "balance"), ("amani.balance/1",), ("pay", "--dry-run"), ("error",)])
    def test_by_command_or_by_name(self, amani: Amani, asked: tuple[str, ...]) -> None:
        words = ("--", *asked) if "--dry-run" in asked else asked
        schema = json.loads(amani("schema", *words).stdout)
        assert schema["title"].startswith("amani.")

    def test_of_nothing(self, amani: Amani) -> None:
        answer = amani("schema", "nothing")
        assert answer.code == 4
        assert "wallet balance" in answer.stderr

    def test_it_is_a_schema(self, amani: Amani) -> None:
        balance = json.loads(amani("schema", "wallet", "balance").stdout)
        data = balance["properties"]["data"]
        assert data["properties"]["balance_msat"]["anyOf"][0] == {"type": "integer"}
        assert "balance_msat" not in data["required"]  # a fiat wallet has `balances` instead
        assert {"wallet", "provider", "as_of", "cached"} <= set(data["required"])


def test_the_driver_holds_amani_to_its_word(amani: Amani) -> None:
    """Broken once: what the driver checks of every run, it does see."""
    amani.secrets.add("nobody-but-a-secret")
    with pytest.raises(AssertionError, match="a secret is shown"):
        amani("wallet", "show", "nobody-but-a-secret")
    assert CLONE.joinpath("amani_cli").is_dir()
