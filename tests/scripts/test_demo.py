"""demo.py takes nobody else's server for its own, and picture.py leaves none running that did not run before."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts import demo, picture


class _Amani(BaseHTTPRequestHandler):
    """What answers /health as amani does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"amani": "0.1.0"}')

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told."""


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another amani answers on the demo's port, and the demo has a home of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Amani) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(demo, "PORT", server.server_port)
        monkeypatch.setattr(demo, "HOME", tmp_path)
        yield
        server.shutdown()


class TestWhoseServer:
    def test_another_clone_s_is_not_taken_for_ours(self, taken: None, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(demo.StepFailed):
            demo.serve()
        said = capsys.readouterr()
        assert f"another amani serves on 127.0.0.1:{demo.PORT}: stop it, or set AMANI_DEMO_PORT" in said.err
        assert "it runs already" not in said.out

    def test_nor_is_one_whose_process_is_gone(self, taken: None, tmp_path: Path) -> None:
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            pass
        (tmp_path / "serve.pid").write_text(f"{ended.pid}\n")
        with pytest.raises(demo.StepFailed):
            demo.serve()

    def test_ours_is_used_again(self, taken: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "serve.pid").write_text(f"{os.getpid()}\n")
        demo.serve()
        assert "(it runs already)" in capsys.readouterr().out


class TestPicture:
    @pytest.mark.parametrize(("status", "stops"), [("sandbox: running", False), ("sandbox: stopped", True)])
    def test_what_did_not_run_before_is_stopped(
        self, monkeypatch: pytest.MonkeyPatch, status: str, stops: bool
    ) -> None:
        ran: list[list[str]] = []

        def run(words: list[str]) -> str:
            ran.append(words)
            return status

        monkeypatch.setattr(picture, "run", run)
        monkeypatch.setattr(demo, "is_served", lambda: False)
        with pytest.raises(KeyboardInterrupt), picture.leaving_as_it_was():
            raise KeyboardInterrupt
        assert (["sandbox", "stop"] in ran) is stops

    def test_the_page_that_it_began_to_serve(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as page:
            (tmp_path / "serve.pid").write_text(f"{page.pid}\n")
            answers = iter([False, True])
            monkeypatch.setattr(demo, "HOME", tmp_path)
            monkeypatch.setattr(demo, "is_served", lambda: next(answers))
            monkeypatch.setattr(picture, "run", lambda _: "sandbox: running")
            with picture.leaving_as_it_was():
                pass
            assert page.wait(10) < 0
