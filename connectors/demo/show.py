"""What the audience sees: one line for each event with its time and the counts of that moment; a live line on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

Counts = Callable[[], str]


class Show:
    """``with Show() as show``; events are printed as they come, the live line only on a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._began = time.monotonic()
        self._live: Live | None = None
        self.counts: Counts = lambda: ""

    def __enter__(self) -> Show:
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._now, console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.quiet()

    def quiet(self) -> None:
        """No live line from now on."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def seconds(self) -> float:
        """Since the show began."""
        return time.monotonic() - self._began

    def event(self, what: str, style: str = "") -> None:
        """Something happened."""
        counts = self.counts()
        line = Text(f"{self.seconds:6.1f} s  ", "dim")
        line.append(what, style)
        if counts:
            line.append(f"  [{counts}]", "dim")
        self._console.print(line)

    def say(self, text: str, style: str = "") -> None:
        """A line without a time."""
        self._console.print(Text(text, style))

    def _now(self) -> Text:
        return Text(f"{self.seconds:6.1f} s  {self.counts()}", "cyan")
