"""MariaDB's own server for the tests: on loopback, with a folder of its own; it ends with the tests that started it."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql
from ports import free_port
from system_parts import absent

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
DEADLINE = 60.0


class MariaDb:
    """A running server; ``root`` has no password, and nobody else can reach it."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process

    def url(self, database: str, user: str = "root", password: str = "") -> str:
        """The address of a database there."""
        return f"mariadb://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str) -> None:
        """Statements of its root."""
        opened = pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True)
        with opened, opened.cursor() as cursor:
            for one in statements:
                cursor.execute(one)


@contextmanager
def mariadb() -> Iterator[MariaDb]:
    """The server, running until the end of the block."""
    server, maker = (shutil.which(name, path=_PATH) for name in ("mariadbd", "mariadb-install-db"))
    if server is None or maker is None:
        absent("mariadbd (the package mariadb-server)")
    folder, port, user = Path(tempfile.mkdtemp(prefix="hub-maria-")), free_port(), getpass.getuser()
    data = folder / "data"
    subprocess.run(
        [
            maker, "--no-defaults", f"--datadir={data}", f"--user={user}", "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        check=True, capture_output=True, timeout=DEADLINE,
    )  # fmt: skip
    words = [
        server, "--no-defaults", f"--datadir={data}", f"--user={user}", f"--port={port}", "--bind-address=127.0.0.1",
        f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", "--character-set-server=utf8mb4",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--skip-log-bin",
        "--innodb-flush-method=nosync",  # what is tested here is not the disk
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    made = MariaDb(port, process)
    try:
        _wait(made, folder / "log")
        yield made
    finally:
        process.kill()  # nobody wants its files any more
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: MariaDb, log: Path) -> None:
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        assert server.process.poll() is None, log.read_text(encoding="utf-8", errors="replace")[-1500:]
        with suppress(pymysql.err.OperationalError):
            server.run("select 1")
            return
        time.sleep(0.05)
    raise AssertionError("MariaDB did not come up")
