"""The progress of an import: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from hub.cli.shell import Shell, printable, span

LINE_SECONDS = 10.0
RECENT_SECONDS = 15.0


class Shown:
    """``tell`` as often as there is something new. ``total``: the bytes of all files."""

    def __init__(self, shell: Shell, total: int) -> None:
        self._shell, self._total = shell, max(1, total)
        console = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
        self._on_screen = console.is_terminal
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[said]}", markup=False))
        self._bar = Progress(*columns, console=console, transient=True, disable=not self._on_screen)
        self._task = self._bar.add_task("", total=self._total, said="")
        self._recent: deque[tuple[float, int, int]] = deque()
        self._said_at = time.monotonic()

    def __enter__(self) -> Shown:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, name: str, rows: int, counts: Mapping[str, int], bytes_read: int, waits_for: str) -> None:
        """``rows`` and ``bytes_read`` of all files so far."""
        now = time.monotonic()
        if not self._recent or now - self._recent[-1][0] > 0.2:
            self._recent.append((now, rows, bytes_read))
        while now - self._recent[0][0] > RECENT_SECONDS:
            self._recent.popleft()
        if not self._on_screen and now - self._said_at < LINE_SECONDS:
            return
        self._said_at = now
        said = self._words(now, rows, counts, bytes_read, waits_for)
        self._bar.update(self._task, completed=bytes_read, description=printable(name), said=said)
        if not self._on_screen:
            self._shell.note(f"{printable(name)}: {100 * bytes_read // self._total} %, {said}")

    def _words(self, now: float, rows: int, counts: Mapping[str, int], bytes_read: int, waits_for: str) -> str:
        since, before, bytes_before = self._recent[0]
        seconds = max(0.001, now - since)
        said = [f"{rows:,} rows", f"{(rows - before) / seconds:,.0f}/s"]
        if bytes_read > bytes_before:
            said.append(f"{span((self._total - bytes_read) * seconds / (bytes_read - bytes_before))} left")
        said += [f"{word} {counts[word]:,}" for word in ("refused", "kept") if counts.get(word)]
        return ", ".join([*said, *([f"waits: {waits_for}"] if waits_for else [])])
