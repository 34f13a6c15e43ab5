"""Hears all that is said while a connector is examined, and finds in it what nobody may say: values of people, and secrets."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import structlog
from pydantic import BaseModel, SecretBytes, SecretStr

_WARNINGS = ("warning", "error", "critical", "exception")
_SHORTEST = 4
"""A secret shorter than this stands in any text by chance."""


class Overheard:
    """``said`` by place (``a log line``, ``standard output`` …), in the order of time."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.lines: list[Any] = []
        """What came through structlog, as it came."""
        self._warnings = 0

    def warned(self) -> int:
        """How many warnings and errors were logged so far."""
        return self._warnings + sum(line["log_level"] in _WARNINGS for line in self.lines)

    def logged(self, record: logging.LogRecord) -> None:
        """A line of the standard library's logging."""
        more = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        self.note(f"a log line of {record.name}", f"{record.getMessage()} {more} {record.exc_info or ''}")
        self._warnings += record.levelno >= logging.WARNING

    def note(self, place: str, text: str) -> None:
        """Something was said there."""
        self.said.append((place, text))

    def error(self, where: str, error: BaseException | None) -> None:
        """An error, and what it came from as far as it would be shown."""
        if isinstance(error, Exception):
            shown = [str(error), repr(error)]
            cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
            if cause is not None:
                shown += [str(cause), repr(cause)]
            self.note(where, "\n".join(shown))

    def breaches(self, forbidden: Iterable[str]) -> list[str]:
        """The places where a forbidden value stands; never the value."""
        wanted = [one.casefold() for one in forbidden if one]
        found = (place for place, text in self.said if any(one in text.casefold() for one in wanted))
        return list(dict.fromkeys(found))


_PLAIN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None)))


@contextlib.contextmanager
def overhearing() -> Iterator[Overheard]:
    """All logging, structlog and the standard streams are heard while it lasts, before any redaction, and go nowhere else:
    every logger, one with handlers of its own too, and the streams as they were when Python began."""
    heard = Overheard()
    root, handle = logging.getLogger(), logging.Logger.handle
    level, streams = root.level, (sys.__stdout__, sys.__stderr__)
    root.setLevel(logging.INFO)
    out, err = io.StringIO(), io.StringIO()

    def hear(logger: logging.Logger, record: logging.LogRecord) -> None:
        heard.logged(record)

    logging.Logger.handle = hear  # type: ignore[method-assign, assignment]
    sys.__stdout__, sys.__stderr__ = out, err  # type: ignore[misc, assignment]
    try:
        with structlog.testing.capture_logs() as lines, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            heard.lines = lines
            yield heard
    finally:
        logging.Logger.handle = handle  # type: ignore[method-assign]
        root.setLevel(level)
        sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
    for line in heard.lines:
        heard.note("a log line", str(line))
    heard.note("standard output", out.getvalue())
    heard.note("standard error", err.getvalue())


def secrets_in(value: Any) -> Iterator[str]:
    """Every secret in a connector's settings that is long enough to be found."""
    if isinstance(value, SecretStr | SecretBytes):
        secret = value.get_secret_value()
        text = secret.decode(errors="replace") if isinstance(secret, bytes) else secret
        if len(text) >= _SHORTEST:
            yield text
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from secrets_in(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from secrets_in(one)
