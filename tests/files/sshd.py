"""OpenSSH's own server, run by the tests' account on a free port of this machine, with keys of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from ports import free_port
from system_parts import absent

PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_DEADLINE = 20.0


class Sshd:
    """``start`` and ``stop`` as often as wanted: always on the same port, with the host key that lies there then."""

    def __init__(self, folder: Path) -> None:
        if PROGRAM is None or shutil.which("ssh-keygen") is None:
            absent("sshd, ssh-keygen (package openssh-server)")
        self.folder = folder
        self.account = pwd.getpwuid(os.getuid()).pw_name
        self.key, self.host_key, self.known_hosts = folder / "key", folder / "host_key", folder / "known_hosts"
        self._process: subprocess.Popen[bytes] | None = None
        self._away: socket.socket | None = None
        self.port = free_port()
        self.new_key(self.key)
        shutil.copy(self.key.with_suffix(".pub"), folder / "authorized_keys")
        self.new_host_key()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self.host_key.with_suffix('.pub').read_text()}")

    def new_key(self, path: Path, passphrase: str = "") -> None:
        path.unlink(missing_ok=True)
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)

    def new_host_key(self) -> None:
        """Counts from the next start."""
        self.new_key(self.host_key)

    @property
    def fingerprint(self) -> str:
        """Of the host key."""
        told = subprocess.run(["ssh-keygen", "-lf", str(self.host_key)], check=True, capture_output=True, text=True)
        return told.stdout.split()[1]

    @property
    def settings(self) -> dict[str, Any]:
        """What an endpoint must be told to come here."""
        return {
            "host": "127.0.0.1", "port": self.port, "username": self.account, "private_key": str(self.key),
            "known_hosts": str(self.known_hosts), "timeout": 10,
        }  # fmt: skip

    def start(self, *options: str) -> None:
        """Returns when it listens."""
        self._free_the_port()
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where root's sshd locks its helpers in
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.host_key}", f"PidFile {self.folder / 'pid'}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}", "StrictModes no", "UsePAM no", "PermitRootLogin yes",
            "PasswordAuthentication yes", "Subsystem sftp internal-sftp", "MaxStartups 100", *options,
        ]  # fmt: skip
        config = self.folder / "sshd_config"
        config.write_text("\n".join(lines) + "\n")
        log = (self.folder / "log").open("ab")
        assert PROGRAM is not None
        self._process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log)
        log.close()
        end = time.monotonic() + _DEADLINE
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.01)

    def stop(self) -> None:
        """The server and every connection, at once."""
        if self._process is not None:
            for pid in self.sessions():
                _kill(pid)
            self._process.terminate()
            self._process.wait(_DEADLINE)
            self._process = None
            self._away = socket.socket()  # so that nobody else listens there meanwhile
            self._away.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(self._away, self.port)

    def end(self) -> None:
        """It does not come back."""
        self.stop()
        self._free_the_port()

    def _free_the_port(self) -> None:
        if self._away is not None:
            self._away.close()
            self._away = None

    def cut(self) -> int:
        """End the connections that there are; the server stays. How many processes were of them."""
        found = self.sessions()
        for pid in found:
            _kill(pid)
        return len(found)

    def sessions(self) -> list[int]:
        """The processes of its connections."""
        assert self._process is not None
        found, new = [], [self._process.pid]
        while new:
            new = [child for pid in new for child in _children(pid)]
            found += new
        return found


def _bind(held: socket.socket, port: int) -> None:
    """A process for a connection that came while the server ended listens for a moment too."""
    end = time.monotonic() + _DEADLINE
    while True:
        try:
            return held.bind(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < end, f"port {port} does not become free"
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
