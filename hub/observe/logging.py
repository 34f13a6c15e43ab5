"""The hub's one log: JSON lines through an allow-list, so that a person's data cannot reach it even by mistake.

A key passes only if it is listed in ``hub.observe.shapes`` and its value has that key's shape; everything else is
written as ``‹masked›``. Exceptions are written as type and frames, never their text, unless they are the hub's own
(``hub.errors``, which never quote a value). What libraries log through ``logging`` takes the same way: their text
passes only if it is a literal in the code that logs it, so nothing can be interpolated into it.

Use: ``log = get_logger(__name__)``, ``log.info("delivery settled", endpoint=…, delivery_id=…, outcome=…)``.
Events are lower-case English words without values. ``with context(correlation_id=…, dossier=…):`` adds to its lines.
"""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
import time
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, BinaryIO, TextIO

import orjson
import structlog

from hub.observe.redact import MASK
from hub.observe.redact import text as redacted
from hub.observe.shapes import LONG_DIGITS, SHAPES, is_word

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_EVENT = re.compile(r"[a-z][a-z0-9 _.,:'/-]{0,99}")
# What the standard library composes at run time, but whose first line is fixed and worth seeing.
_FOREIGN_LINES = frozenset(
    {"Task exception was never retrieved", "Future exception was never retrieved", "Unclosed client session"}
)


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as it may be logged: type, frames (``file:line function``), cause; text only of the hub's own."""
    kind = type(error)
    found = _type_and_frames(error)
    # Recognised by name: this layer lies below hub.errors and imports nothing of the hub.
    if any(c.__module__ == "hub.errors" and c.__name__ == "HubError" for c in kind.__mro__):
        # StoreUnavailable and DeliveryError carry a detail that another system wrote: only their code word is ours.
        word = getattr(error, "code", None) or getattr(error, "reason", None)
        problems = getattr(error, "problems", ())
        if word is not None:
            found["code"] = word if is_word(word) else MASK
        elif problems:
            found["text"] = [redacted(f"{p.source} {p.at}: {p.message} [{p.code}]".strip()) for p in problems[:20]]
        else:
            found["text"] = redacted(str(error))
    if isinstance(error, BaseExceptionGroup):
        found["parts"] = [describe(part) for part in error.exceptions[:5]]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        found["cause"] = _type_and_frames(cause)
    return found


def _type_and_frames(error: BaseException) -> dict[str, Any]:
    frames: list[str] = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{_short(code.co_filename)}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return {"type": f"{type(error).__module__}.{type(error).__qualname__}", "frames": frames[-15:]}


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-3:])


def _allow(event: Mapping[str, Any], line: dict[str, Any]) -> None:
    """The allow-list: what may be seen of an event goes into the line, the rest is masked."""
    for key, value in event.items():
        check = SHAPES.get(key)
        if key == "logger":  # written by this module only
            line[key] = value
        elif isinstance(value, _Literal):
            line[key] = str(value)
        elif check is None:
            line[_key_name(key)] = MASK
        elif isinstance(value, list | tuple):
            line[key] = [item if check(item) else MASK for item in value[:20]]
        else:
            line[key] = value if value is None or check(value) else MASK


@lru_cache(maxsize=1000)
def _is_event(text: str) -> bool:
    return bool(_EVENT.fullmatch(text)) and not LONG_DIGITS.search(text)


def _key_name(key: str) -> str:
    return key if re.fullmatch(r"[a-z][a-z_]{0,39}", key) else MASK


def _exception_in(event: MutableMapping[str, Any]) -> BaseException | None:
    """Takes ``exc_info`` (True, exception or triple) or an exception given as ``error`` out of the event."""
    given = event.pop("exc_info", None)
    if isinstance(event.get("error"), BaseException):
        given = event.pop("error")
    if given is True:
        given = sys.exc_info()
    if isinstance(given, tuple) and len(given) == 3:
        given = given[1]
    return given if isinstance(given, BaseException) else None


class _Literal(str):
    """Text that is known to be a constant of the code that logs it."""


class _Output:
    """Where lines go and from which level; one for the process, so that loggers made at import follow ``configure``."""

    def __init__(self) -> None:
        self.level = _LEVELS["info"]
        self.stream: BinaryIO | TextIO | None = None
        self.file: BinaryIO | None = None  # opened by us, so closed by us
        self.lock = threading.Lock()

    def to(self, target: BinaryIO | TextIO | Path | str | None) -> None:
        """Write to ``target`` from now on."""
        opened = open(target, "ab", buffering=0) if isinstance(target, Path | str) else None  # noqa: SIM115
        with self.lock:
            before, self.file = self.file, opened
            self.stream = opened if isinstance(target, Path | str) else target
        if before is not None:
            before.close()

    def write(self, line: bytes) -> None:
        """One line, at once: a killed process loses no line that it logged. A full disk under the log stops nobody."""
        stream = self.stream if self.stream is not None else sys.stderr
        try:
            with self.lock:
                if isinstance(stream, io.TextIOBase):
                    stream.write(line.decode() + "\n")
                else:
                    stream.write(line + b"\n")  # type: ignore[arg-type]
                stream.flush()
        except (OSError, ValueError):
            return


_output = _Output()


class _Lines:
    """What structlog calls at the end of its processors, one method per level."""

    def msg(self, line: bytes) -> None:
        _output.write(line)

    debug = info = warning = error = critical = exception = fatal = log = msg


_context: ContextVar[dict[str, Any]] = ContextVar("hub.log.context", default={})  # noqa: B039 - never changed in place


def _line(_: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    """The one processor, since each costs a message its share: level, what is bound here, the allow-list, JSON."""
    level = "error" if method == "exception" else method
    if _LEVELS.get(level, 50) < _output.level:
        raise structlog.DropEvent
    if method == "exception":
        event.setdefault("exc_info", True)
    error = _exception_in(event) if "exc_info" in event or "error" in event else None
    text = event.pop("event", None)
    line: dict[str, Any] = dict.fromkeys(("timestamp", "level", "event"))
    _allow({**_context.get(), **event}, line)
    seconds, micros = divmod(time.time_ns() // 1000, 1_000_000)
    line["timestamp"] = f"{_to_the_second(seconds)}.{micros:06d}Z"
    line["level"] = level
    line["event"] = text if isinstance(text, _Literal) or (isinstance(text, str) and _is_event(text)) else MASK
    if error is not None:
        line["exception"] = describe(error)
    return orjson.dumps(line, default=lambda value: MASK)


@lru_cache(maxsize=4)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


structlog.configure(
    processors=[_line],
    wrapper_class=structlog.BoundLogger,
    logger_factory=lambda *_: _Lines(),
    cache_logger_on_first_use=True,
)


def get_logger(name: str) -> Any:
    """A logger for one module: ``get_logger(__name__)``. Methods debug, info, warning, error, exception, critical."""
    return structlog.get_logger().bind(logger=name)


class context:
    """Adds ``correlation_id``, ``dossier`` … to every line logged inside the block (and in tasks started there)."""

    __slots__ = ("_before", "_pairs")

    def __init__(self, **pairs: Any) -> None:
        self._pairs = pairs

    def __enter__(self) -> None:
        self._before = _context.set({**_context.get(), **self._pairs})

    def __exit__(self, *_: object) -> None:
        _context.reset(self._before)


def bound(name: str) -> Any:
    """What ``context`` binds to the name here; None where nothing does."""
    return _context.get().get(name)


class _FromLibraries(logging.Handler):
    """Takes what libraries log through ``logging`` into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            place = _Literal(f"{_short(record.pathname)}:{record.lineno}")
            event: dict[str, Any] = {"event": _foreign_text(record), "source": place}
            if record.exc_info:
                event["exc_info"] = record.exc_info
            level = next((name for name, number in reversed(_LEVELS.items()) if record.levelno >= number), "debug")
            getattr(get_logger(record.name), level)(**event)
        except Exception:
            _output.write(b'{"level":"error","event":"a log record could not be written"}')


def _foreign_text(record: logging.LogRecord) -> str:
    """The template without its arguments if it is a literal of the code that logs; else the mask."""
    template = record.msg
    if not isinstance(template, str):
        return MASK
    first_line = template.split("\n", 1)[0]
    if first_line in _FOREIGN_LINES:
        return _Literal(first_line)
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code: CodeType = frame.f_code
        if code.co_filename == record.pathname and code.co_name == record.funcName:
            return _Literal(redacted(template)) if template in code.co_consts else MASK
        frame = frame.f_back
    return MASK


def configure(target: BinaryIO | TextIO | Path | str | None = None, level: str = "info", *, process: bool = True) -> None:
    """Send lines of ``level`` and above to a stream or a file (appended; None: stderr), libraries' lines included.

    With ``process`` uncaught exceptions, of threads too, become such lines instead of tracebacks with their text.
    """
    if level not in _LEVELS:
        raise ValueError(f"log level must be one of {', '.join(_LEVELS)}")
    _output.level = _LEVELS[level]
    _output.to(target)
    root = logging.getLogger()
    others = [one for one in root.handlers if not isinstance(one, _FromLibraries | logging.StreamHandler)]
    root.handlers = [*others, _FromLibraries()]
    root.setLevel(max(_output.level, logging.INFO))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    if process:
        _catch_all()


def _catch_all() -> None:
    log = get_logger("hub")

    def uncaught(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        if not isinstance(error, KeyboardInterrupt):
            log.critical("uncaught exception", exc_info=error)

    sys.excepthook = uncaught
    threading.excepthook = lambda args: log.critical("uncaught exception in a thread", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("unraisable exception", exc_info=args.exc_value)
