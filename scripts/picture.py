"""What `make picture` runs: the README's pictures, of the real program at a terminal of its own and in a browser."""

import contextlib
import fcntl
import io
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from scripts import demo

COLUMNS = 80
DOCS = demo.CLONE / "docs"
PAGE = DOCS / "link.png"

PAY = [
    ("amani wallet balance alice bob", ""),
    ("INVOICE=$(amani invoice create 2100 --memo coffee --wallet bob --quiet)", ""),
    ('amani pay "$INVOICE" --wallet alice', "y\n"),
    ('amani pay "$INVOICE" --wallet alice', ""),
    ("amani history list --limit 3", ""),
]
FIRST = [("amani status", "")]


def main() -> int:
    """Run the steps on the sandbox: docs/pay.svg, docs/status.svg of how all stands after them, and a link's page."""
    with leaving_as_it_was():
        run(["sandbox", "start"])
        for name, steps in (("pay", PAY), ("status", FIRST)):
            draw(name, steps)
        draw_page()
    return 0


@contextlib.contextmanager
def leaving_as_it_was() -> Iterator[None]:
    """Stop, at the end, the sandbox and the page that did not run before; a demo's own go on."""
    ran, served = "sandbox: running" in run(["sandbox", "status"]), demo.is_served()
    try:
        yield
    finally:
        if not served and demo.is_served():
            os.kill(int((demo.HOME / "serve.pid").read_text()), signal.SIGTERM)
        if not ran:
            run(["sandbox", "stop"])


def draw(name: str, steps: list[tuple[str, str]]) -> None:
    """Run some steps and write what was seen."""
    shown, invoice = Text(), ""
    for command, answer in steps:
        shown.append(f"$ {command}\n", style="bold cyan")
        if command.startswith("INVOICE="):
            words = demo.arguments(command.removeprefix("INVOICE=$(").removesuffix(")"), {})[1:]
            invoice = run(words).strip()
        else:
            said = run(demo.arguments(command, {"INVOICE": invoice})[1:], answer)
            shown.append_text(Text.from_ansi(said.rstrip()))
            shown.append("\n\n")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(shown, end="")
    picture = DOCS / f"{name}.svg"
    console.save_svg(str(picture), title="amani")
    print(picture.relative_to(demo.CLONE))


def draw_page() -> None:
    """Write docs/link.png: the page of a link as a phone shows it; left as it is where there is no Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium is not installed: docs/link.png stays as it is", file=sys.stderr)
        return
    run(["config", "set", "base_url", f"http://127.0.0.1:{demo.PORT}"])
    demo.serve()
    words = ["cheque", "create", "1000", "--memo", "Thank you, Bob", "--link", "--wallet", "alice", "--yes", "--quiet"]
    made = subprocess.run(
        [str(demo.AMANI), *words], env=demo.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]
    with tempfile.TemporaryDirectory() as folder:
        shot = [
            f"--user-data-dir={folder}",
            "--window-size=400,1080",
            f"--screenshot={PAGE}",
            made.stdout.decode().strip(),
        ]
        subprocess.run([chromium, *flags, *shot], stderr=subprocess.DEVNULL, check=True)
    print(PAGE.relative_to(demo.CLONE))


def run(words: list[str], answer: str = "") -> str:
    """What a person sees of a command at a terminal, answering its question with `answer`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    seen, typed = b"", False
    with subprocess.Popen(
        [str(demo.AMANI), *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**demo.environment(), "TERM": "xterm-256color"},
    ) as process:
        os.close(theirs)
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the command has ended
                break
            seen += part
            if answer and not typed and b"[y/N]" in seen:
                os.write(ours, answer.encode())
                typed = True
    os.close(ours)
    if process.returncode:
        raise SystemExit(f"amani {' '.join(words)} ended with exit code {process.returncode}:\n{seen.decode()}")
    return "\n".join(line.split("\r\x1b[K")[-1] for line in seen.decode().replace("\r\n", "\n").split("\n"))


if __name__ == "__main__":
    sys.exit(main())
