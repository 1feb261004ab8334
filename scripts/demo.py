"""What `make demo` runs: a sandbox LNbits, a payment and a link on it, each step as one would type it."""

import http.client
import os
import shlex
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("AMANI_HOME") or CLONE / ".amani").absolute()
PORT = int(os.environ.get("AMANI_DEMO_PORT") or 8190)
PATIENCE_S = 20
AMANI = Path(sys.executable).with_name("amani")


class StepFailed(Exception):
    """A command ended with something else than 0."""

    def __init__(self, command: str, code: int) -> None:
        super().__init__(command)
        self.command = command
        self.code = code


def main() -> int:
    """Run the steps in order and stop at the first that fails, with its exit code."""
    say(f"Everything below is kept in {HOME} (AMANI_HOME); the money is fake.")
    try:
        steps()
    except StepFailed as step:
        print(f"\ndemo: stopped, `{step.command}` ended with exit code {step.code}", file=sys.stderr)
        print("demo: `make demo` takes up again from here", file=sys.stderr)
        return step.code
    except KeyboardInterrupt:
        print("\ndemo: interrupted; `make demo` takes up again from here", file=sys.stderr)
        return 130
    farewell()
    return 0


def is_served() -> bool:
    """Whether amani answers where the demo's links lead."""
    with suppress(OSError, http.client.HTTPException):
        line = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
        line.request("GET", "/health")
        return b'"amani"' in line.getresponse().read()
    return False


def is_ours() -> bool:
    """Whether what an earlier run of this demo began to serve still runs."""
    with suppress(OSError, ValueError):
        os.kill(int((HOME / "serve.pid").read_text()), 0)
        return True
    return False


def serve() -> None:
    """Have the links answered for, from now on: like the sandbox, it goes on after the demo has ended."""
    command = f"amani serve --listen 127.0.0.1:{PORT}" + (" --as-root" if os.geteuid() == 0 else "")
    show(f"{command} &")
    if is_served():
        if not is_ours():  # its page would know nothing of this demo's link
            print(f"another amani serves on 127.0.0.1:{PORT}: stop it, or set AMANI_DEMO_PORT", file=sys.stderr)
            raise StepFailed(command, 1)
        print("(it runs already)", flush=True)
        return
    with (HOME / "serve.out").open("w") as out:
        process = subprocess.Popen(
            arguments(command, {}),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    (HOME / "serve.pid").write_text(f"{process.pid}\n")
    ends = time.monotonic() + PATIENCE_S
    while not is_served():
        if process.poll() is not None or time.monotonic() > ends:
            print((HOME / "serve.out").read_text(), end="", file=sys.stderr)
            raise StepFailed(command, process.poll() or 1)
        time.sleep(0.1)
    print((HOME / "serve.out").read_text(), end="", flush=True)


def steps() -> None:
    """Alice pays bob for a coffee."""
    say("A real LNbits on this machine, with four funded wallets:")
    run("amani sandbox start")
    run("amani wallet list")
    run("amani wallet balance --all")

    say("Bob asks for 2100 sat:")
    invoice = capture("INVOICE", "amani invoice create 2100 --memo coffee --wallet bob --quiet")

    say("Alice pays it:")
    run('amani pay "$INVOICE" --wallet alice --yes', INVOICE=invoice)

    say("Paying it once more moves nothing: the receipt is replayed, here for its payment hash:")
    command = 'amani pay "$INVOICE" --wallet alice --yes --quiet'
    payment_hash = capture("HASH", command, INVOICE=invoice)

    say("Bob sees that it is paid:")
    run('amani invoice check "$HASH" --wallet bob', HASH=payment_hash)

    say("Where the money is now, and what happened:")
    run("amani wallet balance alice bob")
    run("amani history list --limit 5")

    say("Money for somebody without amani is a link, which any Lightning wallet claims; this machine serves its page:")
    run(f"amani config set base_url http://127.0.0.1:{PORT} --quiet")
    serve()
    capture("LINK", "amani cheque create 1000 --memo 'Thank you' --link --wallet alice --yes --quiet")
    say("Open that link in a browser. Bob's wallet can claim it, as any other can, and whoever is first has it:")
    print(paint("36", '$ amani invoice claim "$LINK" --wallet bob'), flush=True)


def farewell() -> None:
    """What to try next, and how to stop."""
    say("The sandbox and the page are still there. To go on in this shell:")
    if AMANI.is_relative_to(CLONE):
        print(f'  export PATH="{AMANI.parent}:$PATH"')
    print(f'  export AMANI_HOME="{HOME}"')
    print("  amani invoice create 500 --memo tea --qr --wallet bob")
    print("  amani history list --json")
    print("  amani --help")
    say("To stop it (wallets and history stay), or to delete its wallets too:")
    print(f'  kill "$(cat "{HOME}/serve.pid")"')
    print("  amani sandbox stop")
    print("  amani sandbox reset")


def run(command: str, **variables: str) -> None:
    """Print the command as one would type it and run it with its output on this terminal."""
    show(command)
    finished = subprocess.run(arguments(command, variables), env=environment(), check=False)
    if finished.returncode:
        raise StepFailed(command, finished.returncode)


def capture(name: str, command: str, **variables: str) -> str:
    """The same for a command whose answer later steps use: returns the one line that it prints."""
    show(f"{name}=$({command})")
    finished = subprocess.run(
        arguments(command, variables), env=environment(), stdout=subprocess.PIPE, text=True, check=False
    )
    if finished.returncode:
        raise StepFailed(command, finished.returncode)
    answer = finished.stdout.strip()
    show(f"echo ${name}")
    print(answer, flush=True)
    return answer


def arguments(command: str, variables: dict[str, str]) -> list[str]:
    """The words of a command, with amani taken from this environment and each `$NAME` filled in."""
    words = shlex.split(command)
    filled = [variables.get(word[1:], word) if word.startswith("$") else word for word in words]
    return [str(AMANI), *filled[1:]]


def environment() -> dict[str, str]:
    """The caller's, less what would name another wallet or another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LNBITS_", "FINCRA_"))}
    for name in ("AMANI_WALLET", "AMANI_KEY_FILE", "AMANI_KEY_COMMAND"):
        kept.pop(name, None)
    return {**kept, "AMANI_HOME": str(HOME)}


def say(text: str) -> None:
    """A line of explanation."""
    print(f"\n{paint('1', text)}", flush=True)


def show(command: str) -> None:
    """A command as it is typed at a prompt."""
    print(paint("36", f"$ {command}"), flush=True)


def paint(code: str, text: str) -> str:
    """Colour at a terminal only."""
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[{code}m{text}\x1b[0m" if coloured else text


if __name__ == "__main__":
    sys.exit(main())
