"""The processes of a seam test as the test holds them: started by the launcher, killed and ended by their own id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

REPOSITORY = Path(__file__).parents[2]
LAUNCHER = Path(__file__).with_name("launcher.py")
DEADLINE = 20.0
T = TypeVar("T")


def until(what: str, condition: Callable[[], T], seconds: float = DEADLINE, pause: float = 0.01) -> T:
    """Look again and again until the condition gives something true; fails after the deadline."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(pause)


class Launcher:
    """The fork server of one test session; ``before`` is put before its command (a tracer)."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PORTAL_"))}
        environment["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
        self._process = subprocess.Popen(
            [*before, sys.executable, str(LAUNCHER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environment,
        )  # fmt: skip
        self._turn = threading.Lock()
        assert "ready" in self._answer(), "the launcher did not start"

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the launcher ended with {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def order(self, **order: Any) -> dict[str, Any]:
        with self._turn:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return self._answer()

    def close(self) -> None:
        """End the launcher and, by it, every child that is left."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._process.stdout.close()


@dataclass
class Child:
    """One started process. ``out`` and ``err`` are the files of its standard streams."""

    launcher: Launcher
    pid: int
    out: Path
    err: Path
    code: int | None = None

    @classmethod
    def start(
        cls,
        launcher: Launcher,
        kind: str,
        words: Sequence[str],
        folder: Path,
        name: str,
        environment: dict[str, str],
        **more: Any,
    ) -> Child:
        out, err = folder.parent / f"{name}.out", folder.parent / f"{name}.err"
        out.write_bytes(b"")
        answer = launcher.order(
            kind=kind, words=list(words), folder=str(folder), out=str(out), err=str(err), environment=environment, **more
        )
        return cls(launcher, answer["pid"], out, err)

    def ended(self, seconds: float = 0.0) -> int | None:
        """The exit code once it has ended (negative: the signal), None while it runs."""
        if self.code is None:
            self.code = self.launcher.order(wait=self.pid, seconds=seconds)["code"]
        return self.code

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        if self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
            assert self.ended(DEADLINE) is not None

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def listening(self) -> str:
        """The URL it announces, once it does."""

        def announced() -> str | None:
            words = self.out.read_text(encoding="utf-8").split()
            assert self.ended() is None or words, f"it ended with {self.code}: {self.err.read_text(encoding='utf-8')[-1500:]}"
            return words[2] if words[:2] == ["listening", "on"] and len(words) >= 3 else None

        return until("listening", announced)
