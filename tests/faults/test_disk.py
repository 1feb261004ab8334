"""A disk that is full, read-only or somebody else's, and a database that is none: one clear line, and nothing is sent.

What can't be written down is not paid; what was paid before the disk filled up is told as open and settled later.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amani_cli.store import migrations
from amani_cli.store.ledger import SCHEMA_VERSION
from tests.conftest import AddWallet, Held, change_database
from tests.faults import fiat
from tests.faults.fiat import BANK, COMMANDS, World
from tests.faults.tally import Tally
from tests.kit import straits
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import Exchange, FaultProxy

pytestmark = [pytest.mark.faults, pytest.mark.sqlite]  # a file and its disk; a server has its own

# What writes, each with what it would ask of Fincra that changes anything there.
WRITERS = {
    "pay": f"pay {BANK} 5000NGN --reference r --yes",
    "transfer": "transfer branch 5000NGN --from shop --yes",
    "wallet convert": "wallet convert 100USD --to NGN --yes",
    "invoice create": "invoice create 5000NGN --name Ada·Obi --email a@example.com",
    "wallet add": "wallet add new --provider fincra --url {url} --key-file {key}",
    "wallet rename": "wallet rename branch other",
    "wallet use": "wallet use shop",
    "contact add": f"contact add ada {BANK}",
    "history sync": "history sync -w shop",
    "wallet limit": "wallet limit shop --per-day 5NGN",
    "pin set": "pin set --pin-file {pin} -w shop",
}
READERS = {
    "history list": "history list",
    "wallet list": "wallet list",
    "wallet balance": "wallet balance",
    "contact list": "contact list",
    "audit verify": "audit verify",
}
EVERY = {**WRITERS, **READERS}


@pytest.fixture
def line(amani: Amani, home: Path, tmp_path: Path) -> Iterator[World]:
    with fiat.world(amani, home, tmp_path) as made:
        pin = tmp_path / "pin"
        pin.write_text("8317\n")
        pin.chmod(0o600)
        made.blanks["pin"] = str(pin)
        made.prepare("a stranger's payout")  # so that a sync has something to write down
        assert amani("history", "list").code == 0
        yield made


def words(line: World, text: str) -> list[str]:
    return [word.format(**line.blanks).replace("·", " ") for word in text.split()]


def picture(home: Path) -> dict[str, str]:
    """Every file that amani keeps, by what is in it; SQLite's own index of its log comes and goes."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.iterdir())
        if path.is_file() and not path.name.endswith("-shm") and path.stat().st_size
    }


def is_one_clear_line(run: Result) -> None:
    """An error on one line, a way out on another, and no word of Python's."""
    said = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 1, run
    assert len(run.stderr.splitlines()) <= 3, run
    for word in ("Traceback", "Error(", "sqlite3", "Errno"):
        assert word not in run.stderr, run


def refuses(line: World, run: Result) -> None:
    """It ends with a clear line, says that no money moved, and has changed nothing at Fincra."""
    is_one_clear_line(run)
    assert (run.code, run.error["money_moved"]) == (2, "no"), run
    assert run.error["hint"]
    assert line.stored == {}
    assert line.pages == []


# -- full ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "2m") -> Iterator[Path]:
    """A disk of that size; skips where this user may not mount one."""
    if shutil.which("mount") is None or os.getuid() != 0:
        pytest.skip("only root may mount a small disk to fill up")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(folder: Path) -> None:
    """Leave not a byte."""
    with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 4096):
            pass


def test_a_full_disk(line: World, home: Path, tmp_path: Path, tally: Tally) -> None:
    with small_disk(tmp_path / "disk") as disk:
        moved = disk / "amani"
        env = {"AMANI_HOME": str(moved)}
        shutil.copytree(home, moved)
        fill_up(disk)
        before = picture(moved)
        for name, text in EVERY.items():
            run = line.amani.process(*words(line, text), "--json", env=env)
            tally("faults")
            if name in WRITERS:
                refuses(line, run)
                assert run.error["code"] == "DISK_FULL", name
            elif run.code:
                refuses(line, run)
            assert picture(moved).items() >= before.items(), name
        (disk / "filler").unlink()
        assert line.amani.process(*words(line, WRITERS["pay"]), env=env).code == 0


@pytest.mark.parametrize("size", [0, 4096, 40_000])
def test_files_that_may_not_grow(line: World, home: Path, size: int, tally: Tally) -> None:
    """A limit on the size of files does what a full disk or a quota does, for every user."""
    straits = ("-m", "tests.kit.straits", f"full={size}")
    before = picture(home)
    for name, text in WRITERS.items():
        run = line.amani.process(*words(line, text), "--json", python=straits, env={"AMANI_LOG": "log"})
        tally("faults")
        if size < 40_000:
            refuses(line, run)
            assert picture(home) == before, name
        elif run.code:  # here the log of the database has room for a transaction or two
            assert run.code == 2 or run.error["money_moved"] == "maybe", (name, run)
            is_one_clear_line(run)
        line.holds_journal_to_the_record()
    assert integrity(home) == "ok"


def integrity(home: Path) -> str:
    with contextlib.closing(sqlite3.connect(home / "amani.db")) as db:
        return str(db.execute("PRAGMA integrity_check").fetchone()[0])


@pytest.mark.parametrize("name", ["pay bank", "pay at a quote", "transfer", "wallet convert"])
def test_a_disk_that_fills_up_once_the_money_is_sent(line: World, home: Path, name: str, tally: Tally) -> None:
    """The outcome can't be written down: it is told as open (8), and settled when there is room again."""
    command = COMMANDS[name]

    def no_room(exchange: Exchange) -> None:
        exchange.forward()
        resource.prlimit(exchange.proxy.await_victim().pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        assert exchange.answer is not None
        exchange.reply(exchange.answer)

    line.proxy.on(no_room, "POST", "/disbursements/.*|/conversions/.*")
    with line.amani.started(*line.words(command), "--json") as run:
        line.proxy.victim = run
        ended = line.amani.ended(run)
    tally("faults")
    assert (ended.code, ended.error["code"], ended.error["money_moved"]) == (8, "OUTCOME_UNKNOWN", "maybe")
    assert "amani reconcile" in ended.error["hint"]
    assert "nothing was sent" not in ended.stderr
    assert list(line.sent().values()) == ["unknown"]
    assert line.amani("reconcile", "--json").data["settled"] == 1
    assert line.run(command).data["replayed"] is True
    assert line.amani("history", "sync").code == 0
    line.repeats_until_certain(command)


def test_a_full_disk_once_the_money_is_sent(line: World, home: Path, tmp_path: Path, tally: Tally) -> None:
    """The same on a disk that is really full."""
    command = COMMANDS["pay bank"]
    with small_disk(tmp_path / "disk") as disk:
        moved = disk / "amani"
        shutil.copytree(home, moved)

        def no_room(exchange: Exchange) -> None:
            exchange.forward()
            fill_up(disk)
            assert exchange.answer is not None
            exchange.reply(exchange.answer)

        line.proxy.on(no_room, "POST", "/disbursements/.*")
        env = {"AMANI_HOME": str(moved)}
        ended = line.amani.process(*line.words(command), "--json", env=env)
        tally("faults")
        # What fits into the pages that the log has already is written down, and then it is known for good.
        assert (ended.code, ended.stderr.count("nothing was sent")) in ((0, 0), (8, 0)), ended
        (disk / "filler").unlink()
        assert line.amani.process("reconcile", env=env).code == 0
        assert line.amani.process(*line.words(command), "--json", env=env).data["replayed"] is True
    assert list(line.moving.values()) == ["successful"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_that_can_not_be_written_stops_nothing(line: World) -> None:
    run = line.amani.process(*line.words(COMMANDS["pay bank"]), "--json", env={"AMANI_LOG": "/dev/full"})
    assert run.data["status"] == "settled"
    assert "no log in /dev/full: No space left on device" in run.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("strait", ["stdout-full", "stdout-closed", "stdout-broken"])
def test_an_answer_that_can_not_be_written(line: World, strait: str) -> None:
    """The payment stands; that its receipt got nowhere is said, and the same command tells it again."""
    command = line.words(COMMANDS["pay bank"])
    run = subprocess.run(
        [straits.PYTHON, "-m", "tests.kit.straits", strait, "-m", "amani_cli", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in run.stderr
    assert run.returncode == {"stdout-full": 8, "stdout-closed": 0, "stdout-broken": 8}[strait], run
    assert line.amani(*command, "--json").data["replayed"] is True
    assert len(line.stored) == 1


# -- no rights -----------------------------------------------------------------------------------------------------

bound_by_modes = pytest.mark.skipif(not straits.can_lose_rights(), reason="file modes don't bind this user")
NO_RIGHTS = ("-m", "tests.kit.straits", "no-rights")


@contextlib.contextmanager
def modes(**wanted: int) -> Iterator[None]:
    """Give paths other modes for a while."""
    before = {path: Path(path).stat().st_mode & 0o777 for path in wanted}
    try:
        for path, mode in wanted.items():
            Path(path).chmod(mode)
        yield
    finally:
        for path, mode in before.items():
            Path(path).chmod(mode)


@bound_by_modes
@pytest.mark.parametrize("case", ["a file to read only", "a file without rights", "a folder without rights"])
def test_without_rights(line: World, home: Path, case: str, tally: Tally) -> None:
    path, mode = {
        "a file to read only": (home / "amani.db", 0o400),
        "a file without rights": (home / "amani.db", 0),
        "a folder without rights": (home, 0),
    }[case]
    with modes(**{str(path): mode}):
        for name, text in EVERY.items():
            run = line.amani.process(*words(line, text), "--json", python=NO_RIGHTS)
            tally("faults")
            if name in READERS and case == "a file to read only":
                assert run.code == 0, (name, run)
            else:
                refuses(line, run)
                # Without its folder nobody can read which ledger the settings name.
                unread = "BAD_SETTINGS" if path == home else "DATABASE_UNUSABLE"
                assert run.error["code"] == unread, name


@bound_by_modes
def test_a_folder_to_read_only(line: World, home: Path) -> None:
    """SQLite has to keep its log somewhere; what can't be written down is not sent."""
    with modes(**{str(home): 0o500}):
        for name, text in WRITERS.items():
            run = line.amani.process(*words(line, text), "--json", python=NO_RIGHTS)
            assert run.code == 2, (name, run)
            refuses(line, run)
        setting = line.amani.process("config", "set", "timeout", "5s", "--json", python=NO_RIGHTS)
        assert (setting.code, setting.error["code"]) == (2, "CANT_WRITE")


@bound_by_modes
@pytest.mark.parametrize("text", [f"pay {BANK} 5000NGN --yes", "wallet list", "config show", "doctor"])
def test_a_home_that_can_not_be_made(line: World, tmp_path: Path, text: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    env = {"AMANI_HOME": str(closed / "amani")}
    run = line.amani.process(*words(line, text), "--json", python=NO_RIGHTS, env=env)
    assert run.code in (0, 2, 3, 13), run
    assert line.stored == {}
    (tmp_path / "file").write_text("")
    run = line.amani.process(*words(line, text), "--json", env={"AMANI_HOME": str(tmp_path / "file")})
    assert run.code in (0, 2, 3, 13), run


def test_a_read_only_disk(line: World, home: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        shutil.copytree(home, disk / "amani")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        env = {"AMANI_HOME": str(disk / "amani")}
        for text in WRITERS.values():
            refuses(line, line.amani.process(*words(line, text), "--json", env=env))
        for text in READERS.values():
            run = line.amani.process(*words(line, text), "--json", env=env)
            assert run.code in (0, 2), run


# -- no database of ours -------------------------------------------------------------------------------------------


def another_apps(home: Path, version: int) -> None:
    """A database of some other program, which uses SQLite's own number for its versions too."""
    path = home / "amani.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(f"CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine'); PRAGMA user_version={version}")


def newer(home: Path) -> None:
    change_database(home, "PRAGMA user_version=99")
    shutil.move(home / "amani.db", home / "kept")
    for path in home.glob("amani.db*"):
        path.unlink()
    shutil.move(home / "kept", home / "amani.db")


def cut_in_half(home: Path) -> None:
    path = home / "amani.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scribbled_over(home: Path) -> None:
    path = home / "amani.db"
    content = bytearray(path.read_bytes())
    content[4096 : len(content) - 4096 : 7] = b"x" * len(content[4096 : len(content) - 4096 : 7])
    path.write_bytes(bytes(content))


def emptied(home: Path, *, log: bool) -> None:
    """A file that was cut to nothing."""
    (home / "amani.db").write_bytes(b"")
    if log:
        (home / "amani.db-wal").write_bytes(b"x" * 4096)
        (home / "amani.db-wal").chmod(0o600)


def without_tables(home: Path) -> None:
    with contextlib.closing(sqlite3.connect(home / "amani.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")


def cleared(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def made(home: Path) -> None:
        for path in home.glob("amani.db*"):
            path.unlink()
        make(home)
        for path in home.glob("amani.db"):
            if path.is_file():
                path.chmod(0o600)

    return made


STRANGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "text": (cleared(lambda home: (home / "amani.db").write_text("Dear diary,\n" * 999)), "BAD_DATABASE"),
    "another app's, version 0": (cleared(lambda home: another_apps(home, 0)), "BAD_DATABASE"),
    "another app's, an old version": (cleared(lambda home: another_apps(home, 3)), "BAD_DATABASE"),
    "another app's, our version": (cleared(lambda home: another_apps(home, SCHEMA_VERSION)), "BAD_DATABASE"),
    "another app's, a newer version": (cleared(lambda home: another_apps(home, 1000)), "BAD_DATABASE"),
    "a newer amani's": (newer, "NEWER_DATABASE"),
    "cut in half": (cut_in_half, "BAD_DATABASE"),
    "scribbled over": (scribbled_over, "BAD_DATABASE"),
    "empty": (cleared(lambda home: (home / "amani.db").touch()), "BAD_DATABASE"),
    "emptied, its log left": (lambda home: emptied(home, log=True), "BAD_DATABASE"),
    "without tables": (cleared(lambda home: without_tables(home)), "BAD_DATABASE"),
    "a folder": (cleared(lambda home: (home / "amani.db").mkdir(mode=0o700)), "DATABASE_UNUSABLE"),
    "a link to nothing": (cleared(lambda home: (home / "amani.db").symlink_to(home / "gone")), "NOT_PRIVATE"),
    "a link to no disk": (cleared(lambda home: (home / "amani.db").symlink_to("/no/disk/a.db")), "NOT_PRIVATE"),
    "a link to itself": (cleared(lambda home: (home / "amani.db").symlink_to("amani.db")), "NOT_PRIVATE"),
}


@pytest.mark.parametrize("strange", STRANGE)
def test_a_database_that_is_none(line: World, home: Path, strange: str, tally: Tally) -> None:
    """Nothing is sent, nothing of what is there is touched, and doctor says it too."""
    make, code = STRANGE[strange]
    path = home / "amani.db"
    make(home)
    before = picture(home)
    for name, text in EVERY.items():
        run = line.amani(*words(line, text), "--json")
        tally("faults")
        is_one_clear_line(run)
        assert (run.code, run.error["code"]) == (2, code), (name, run)
        assert str(path) in run.error["message"]
        assert picture(home) == before, name
    assert line.stored == {}
    assert line.pages == []
    doctor = line.amani("doctor", "--json")
    assert (doctor.code, doctor.json["data"]["items"][0]["status"]) == (13, "fail"), doctor
    if path.is_dir():
        path.rmdir()
    elif path.is_symlink():
        path.unlink()


def test_an_emptied_journal_says_where_its_copies_are(line: World, home: Path) -> None:
    copy = home / "amani.db.before-schema-9"
    shutil.copy(home / "amani.db", copy)
    emptied(home, log=False)
    for words in (["reconcile"], ["history", "sync"], ["cheque", "list"], ["pin", "verify"], ["audit", "verify"]):
        run = line.amani(*words, "--json")
        assert (run.code, run.error["code"]) == (2, "BAD_DATABASE"), words
        assert str(copy) in run.error["hint"]
        assert "amani backup restore" in run.error["hint"]
    assert (home / "amani.db").stat().st_size == 0


def test_a_log_without_its_journal_makes_no_new_one(line: World, home: Path) -> None:
    """SQLite would put it into whatever database comes to stand beside it."""
    emptied(home, log=True)
    (home / "amani.db").unlink()
    for name, text in WRITERS.items():
        run = line.amani(*words(line, text), "--json")
        assert run.code, name
        assert line.stored == {}
    run = line.amani(
        "wallet",
        "add",
        "new",
        "--provider",
        "fincra",
        "--url",
        line.blanks["url"],
        "--key-file",
        line.blanks["key"],
        "--json",
    )
    assert run.error["code"] == "BAD_DATABASE"
    assert not (home / "amani.db").exists()


def tables() -> list[str]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrations.upgrade(db, Path("none"), SCHEMA_VERSION)
        found = db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")
        return [row[0] for row in found.fetchall()]


@pytest.mark.parametrize("table", tables())
def test_a_table_that_is_missing(line: World, home: Path, table: str, tally: Tally) -> None:
    """What rules or references were in it is gone: nothing is sent."""
    change_database(home, "PRAGMA foreign_keys=OFF")
    change_database(home, f"DROP TABLE {table}")
    run = line.amani(*words(line, WRITERS["pay"]), "--json")
    tally("faults")
    refuses(line, run)
    assert run.error["code"] == "BAD_DATABASE"
    assert line.amani("doctor", "--json").code == 13


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 999])
def test_a_log_of_the_database_that_is_gone_or_garbage(line: World, home: Path, content: bytes | None) -> None:
    """What was folded into the database stands; what was only in a log that somebody deletes is lost."""
    assert line.amani(*line.words(COMMANDS["pay bank"])).code == 0
    for path in home.glob("amani.db-*"):
        path.unlink()
    if content is not None:
        (home / "amani.db-wal").write_bytes(content)
        (home / "amani.db-wal").chmod(0o600)
    assert line.run(COMMANDS["pay bank"]).data["replayed"] is True
    assert integrity(home) == "ok"
    assert len(line.stored) == 1


# -- on LNbits -----------------------------------------------------------------------------------------------------


@pytest.fixture
def lightning(amani: Amani, add_wallet: AddWallet, home: Path) -> Iterator[tuple[FaultProxy, Held]]:
    """A wallet with money, behind a proxy, and another one to pay."""
    payee, held = add_wallet("payee"), add_wallet("main", 1000)
    assert amani("wallet", "use", "main").code == 0
    with FaultProxy(held.server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        yield proxy, payee


def lightning_words(payee: Held, url: str) -> dict[str, tuple[str, ...]]:
    return {
        "pay": ("pay", payee.invoice(21), "--yes"),
        "transfer": ("transfer", "payee", "21", "--from", "main", "--yes"),
        "cheque create": ("cheque", "create", "21", "--yes"),
        "invoice create": ("invoice", "create", "21"),
        "wallet create": ("wallet", "create", "till", "--url", url, "--key-file", "till.key"),
    }


@pytest.mark.lnbits
@pytest.mark.parametrize("strait", ["full=0", pytest.param("no-rights", marks=bound_by_modes)])
def test_nothing_is_asked_of_lnbits_that_can_not_be_written_down(
    amani: Amani, home: Path, lightning: tuple[FaultProxy, Held], strait: str, tally: Tally
) -> None:
    proxy, payee = lightning
    with modes(**{str(home / "amani.db"): 0o400}):
        for name, said in lightning_words(payee, proxy.url).items():
            run = amani.process(*said, "--json", python=("-m", "tests.kit.straits", strait))
            tally("faults")
            is_one_clear_line(run)
            assert (run.code, run.error["money_moved"]) == (2, "no"), (name, run)
            assert [each for each in proxy.those("POST") if each.json.get("out", True)] == [], name


@pytest.mark.lnbits
@pytest.mark.parametrize("name", ["pay", "transfer", "cheque create"])
def test_a_disk_that_fills_up_once_the_sats_are_sent(
    amani: Amani, home: Path, lightning: tuple[FaultProxy, Held], name: str, tally: Tally
) -> None:
    proxy, payee = lightning
    said = (*lightning_words(payee, proxy.url)[name], "--reference", "r")

    def no_room(exchange: Exchange) -> None:
        answer = exchange.forward()
        if exchange.json.get("out"):
            resource.prlimit(proxy.await_victim().pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        exchange.reply(answer)

    proxy.on(no_room, "POST", "/api/v1/payments", times=None)
    with amani.started(*said, "--json") as run:
        proxy.victim = run
        ended = amani.ended(run)
    tally("faults")
    proxy.heal()
    assert (ended.code, ended.error["money_moved"]) == (8, "maybe"), ended
    assert amani("reconcile").code == 0
    assert amani(*said).code == 0
    paid = [each for each in proxy.those("POST", "/api/v1/payments") if each.json.get("out")]
    assert len(paid) == 1
    assert amani("reconcile").code == 0
