"""PgBouncer in transaction mode before a server of the tests: nothing that outlives a transaction can be relied on."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.kit.lnbits_server import free_port
from tests.kit.postgres_server import USER, PostgresServer


@contextlib.contextmanager
def pooled(server: PostgresServer, size: int = 4) -> Iterator[int]:
    """A pool of so few lines that every transaction gets another's; gives the port it listens on."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    assert program, "no PgBouncer: apt-get install pgbouncer"
    folder, port = Path(tempfile.mkdtemp(prefix="amani-pgb-")), free_port()
    (folder / "users.txt").write_text(f'"{USER}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        "[databases]\n"
        f"* = host=127.0.0.1 port={server.port}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users.txt\n"
        f"pool_mode = transaction\ndefault_pool_size = {size}\nmax_client_conn = 400\n"
        f"logfile = {folder}/log\npidfile = {folder}/pid\n"
    )
    words = [program, str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # it refuses to run as root
        nobody = pwd.getpwnam("nobody")
        for path in (folder, *folder.iterdir()):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        words = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *words]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet, cwd="/") as run:
        try:
            ends = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert time.monotonic() < ends, (folder / "log").read_text()
                time.sleep(0.05)
            yield port
        finally:
            run.terminate()
            run.wait(10)
            shutil.rmtree(folder, ignore_errors=True)
