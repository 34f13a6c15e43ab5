"""The processes of a run as the bench holds them: started from this checkout, measured and ended by their own id."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: every process imports hub, connectors and benchmarks from here."""
HUB = ("-m", "hub.cli.main")
DEADLINE = 120.0


def environment(*paths: Path) -> dict[str, str]:
    """This process's environment without the hub's own variables; imports come from the checkout, then from ``paths``.

    What is compiled is kept: otherwise every process of a fresh checkout compiles the whole hub.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PYTHONDONTWRITEBYTECODE"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths)))}


def until(what: str, condition: Callable[[], Any], pause: float = 0.01) -> Any:
    """Look again and again until the condition gives something true. Raises TimeoutError after the deadline."""
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {DEADLINE:g} s: {what}")
        time.sleep(pause)
    return found


class Process:
    """One Python process that says ``listening on URL`` when it is there. Ended at the end of the ``with``."""

    def __init__(self, words: Sequence[str], paths: Sequence[Path] = ()) -> None:
        self._words = words
        self._popen = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=environment(*paths), stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Process:
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        if not line.startswith("listening on "):
            self.__exit__()
            raise RuntimeError(f"{' '.join(self._words)} did not start: {line}")
        self.url = line.removeprefix("listening on ").strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(30)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(30)
        assert self._popen.stdout is not None
        self._popen.stdout.close()

    def cpu(self) -> float:
        """Seconds of processor time, user and system, of all threads it has or had (the kernel's clock of that process)."""
        return time.clock_gettime(~self._popen.pid << 3 | 2)

    def peak_mb(self) -> float:
        """The most memory it had resident so far (VmHWM), in MiB."""
        for line in Path(f"/proc/{self._popen.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        raise OSError("no VmHWM in /proc")

    def ask(self, method: str, path: str) -> Any:
        """One small JSON question, beside the load."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, path)
            return orjson.loads(connection.getresponse().read())
        finally:
            connection.close()


def shell(*words: str) -> str:
    """Run one ``hub`` command to its end, in this process, which imports it once; what it printed. Raises RuntimeError."""
    from typer.testing import CliRunner  # here: most processes of a run need none of it

    from hub.cli.main import app

    done = CliRunner(env=dict.fromkeys(name for name in os.environ if name.startswith("HUB_"))).invoke(app, words)
    if done.exit_code:
        raise RuntimeError(f"hub {' '.join(words)} ended with {done.exit_code}: {done.stderr[-2000:]}")
    return done.stdout


class Loader:
    """A process that makes load (by default ``benchmarks.load``), told by lines of JSON. Ended at the end of the ``with``."""

    def __init__(self, words: Sequence[str] = ("-m", "benchmarks.load")) -> None:
        self._words = words

    def __enter__(self) -> Loader:
        self._popen = subprocess.Popen(
            [sys.executable, *self._words], cwd=ROOT, env=environment(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()
        self._popen.communicate()

    def run(self, order: Mapping[str, Any], begun: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Send what is ordered; ``begun`` is called when all is prepared, just before the first request."""
        self._say(orjson.dumps(order).decode())
        self._heard()
        begun()
        self._say("go")
        return self._heard()

    def _say(self, line: str) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._words)} broke off")
        heard: dict[str, Any] = orjson.loads(line)
        return heard
