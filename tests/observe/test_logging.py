"""The log: allow-listed keys only, exceptions without their text, libraries' lines included, all of it JSON."""

from __future__ import annotations

import ast
import asyncio
import gc
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.errors import NotFound, Problem, Rejected, SchemaInvalid, StoreUnavailable
from hub.observe import logging as hub_logging
from hub.observe.logging import configure, context, get_logger
from hub.observe.shapes import SHAPES

CANARY = "Nguyễn Thị Canary"
NUMBER = "001090012345"
NAME_LIKE = "Canary Nguyen"
UUID = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
log = get_logger("tests.observe")


def _logged_keys() -> Iterator[tuple[str, str]]:
    """(where, key) of everything that hub and connectors log by name."""
    root = Path(hub_logging.__file__).parents[2]
    for file in (*root.glob("hub/**/*.py"), *root.glob("connectors/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id in ("log", "_log"):
                assert isinstance(node, ast.Call)
                for one in node.keywords:
                    if one.arg is not None:
                        yield f"{file.relative_to(root)}:{node.lineno}", one.arg


def test_whatever_is_logged_can_be_read() -> None:
    """A key without a shape is masked, always: nobody would log it."""
    keys = [*_logged_keys()]
    assert [one for one in keys if one[1] not in {*SHAPES, "exc_info", "error"}] == []
    assert len(keys) > 100


@pytest.fixture
def stream() -> Iterator[io.BytesIO]:
    """What was logged, in memory; the process-wide logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.BytesIO()
    configure(written, "debug", process=False)
    yield written
    configure(None, "info", process=False)
    logging.captureWarnings(False)
    root.handlers = handlers
    root.setLevel(level)


def lines(stream: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_known_keys(stream: io.BytesIO) -> None:
    """Keys on the list whose values have the right shape are written as they are."""
    log.info("delivery settled", endpoint="portal", delivery_id=UUID, outcome="delivered", attempt=2, seconds=0.25)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info", "event": "delivery settled", "logger": "tests.observe", "endpoint": "portal",
        "delivery_id": UUID, "outcome": "delivered", "attempt": 2, "seconds": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", CANARY),
        ("applicant", {"name": CANARY}),
        ("body", CANARY.encode()),
        ("endpoint", CANARY),
        ("endpoint", f"portal-{NUMBER}"),
        ("reason", CANARY),
        ("reason", "Canary"),
        ("code", NUMBER),
        ("code", [CANARY]),
        ("dossier", NUMBER),
        ("dossier", "001090-012345"),
        ("dossier", CANARY),
        ("path", f"/v1/dossiers/{NUMBER}"),
        ("path", "/tmp/Nguyễn Thị Canary"),
        ("delivery_id", CANARY),
        ("count", int(NUMBER)),
        ("count", CANARY),
        ("error", CANARY),
        ("event_detail", CANARY),
        (f"key {CANARY}", 1),
    ],
)
def test_everything_else_is_masked(stream: io.BytesIO, key: str, value: object) -> None:
    """An unknown key, or a known one with a value of another shape, shows that something was there and not what."""
    log.warning("something happened", **{key: value})
    text = stream.getvalue().decode()
    assert "Canary" not in text
    assert "090012345" not in text
    assert "‹masked›" in text


def test_a_value_in_the_event_is_masked(stream: io.BytesIO) -> None:
    """Events are lower-case words; what looks like a value in one masks it whole."""
    log.info(f"sent the dossier of {CANARY}")
    log.info(f"sent {NUMBER}")
    assert [line["event"] for line in lines(stream)] == ["‹masked›", "‹masked›"]


def test_lists_are_checked_item_by_item(stream: io.BytesIO) -> None:
    """One bad item does not hide the good ones, nor the other way round."""
    log.info("started", endpoints=["portal", NAME_LIKE], attempt=UUID)
    assert lines(stream)[0]["endpoints"] == ["portal", "‹masked›"]
    assert lines(stream)[0]["attempt"] == UUID


@pytest.mark.parametrize("code", ["000.00.10.H22-261121-0001", "H56.14-250225-12345", UUID])
def test_national_codes_are_shown(stream: io.BytesIO, code: str) -> None:
    """A dossier can be followed by its national code."""
    log.info("arrived", dossier=code)
    assert lines(stream)[0]["dossier"] == code


def test_context_is_on_every_line_below(stream: io.BytesIO) -> None:
    """The correlation id follows into tasks started in the block, and ends with it."""

    async def work() -> None:
        with context(correlation_id=UUID):
            await asyncio.create_task(inner())
        log.info("outside")

    async def inner() -> None:
        log.info("inside")

    asyncio.run(work())
    inside, outside = (line for line in lines(stream) if line["logger"] == "tests.observe")
    assert inside["correlation_id"] == UUID
    assert "correlation_id" not in outside


def test_an_exception_shows_type_and_frames_never_its_text(stream: io.BytesIO) -> None:
    """Neither the text of the exception, nor that of its cause, nor the source line is written."""
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as cause:
            raise ValueError(f"bad {CANARY} {NUMBER}") from cause
    except ValueError:
        log.exception("translation failed")
    (line,) = lines(stream)
    assert line["level"] == "error"
    assert line["exception"]["type"] == "builtins.ValueError"
    assert line["exception"]["cause"]["type"] == "builtins.KeyError"
    assert "test_logging.py" in line["exception"]["frames"][-1]
    assert "Canary" not in stream.getvalue().decode()


def test_exception_groups_are_looked_into(stream: io.BytesIO) -> None:
    """A failed task group names the types of its parts, never their texts."""
    log.error("tasks failed", exc_info=ExceptionGroup(CANARY, [ValueError(CANARY), OSError(NUMBER)]))
    (line,) = lines(stream)
    assert [part["type"] for part in line["exception"]["parts"]] == ["builtins.ValueError", "builtins.OSError"]
    assert "Canary" not in stream.getvalue().decode()


def test_the_hubs_own_errors_say_what_is_wrong(stream: io.BytesIO) -> None:
    """Their problems are places and words; details that others wrote stay out, long numbers are masked anyway."""
    log.error("refused", error=SchemaInvalid([Problem("/applicant/name", "missing", f"is missing {NUMBER}")]))
    log.error("store", error=StoreUnavailable("disk_full", f"insert … {CANARY}"))
    log.error("partner", error=Rejected("-7", f"sai {CANARY}"))
    log.error("partner", error=Rejected("E12", f"sai {CANARY}"))
    log.error("operator", error=NotFound(f"no dossier {NUMBER}"))
    told = [line["exception"] for line in lines(stream)]
    assert told[0]["text"] == ["/applicant/name: is missing ‹masked› [missing]"]
    assert told[1]["code"] == "disk_full"
    assert told[3]["code"] == "E12"
    assert told[4]["text"] == "no dossier ‹masked›"
    assert "Canary" not in stream.getvalue().decode()


def test_what_libraries_log_is_taken_over_without_values(stream: io.BytesIO) -> None:
    """Text passes only as the literal of the code that logs; arguments, composed text and exceptions' texts do not."""
    library = logging.getLogger("aiohttp.server")
    library.warning("Error handling request from %s", CANARY)
    library.warning(f"cannot parse {NAME_LIKE.lower()}")
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        library.exception("Unhandled exception")
    first, second, third = lines(stream)
    assert first["event"] == "Error handling request from %s"
    assert first["logger"] == "aiohttp.server"
    assert first["level"] == "warning"
    assert "test_logging.py" in first["source"]
    assert second["event"] == "‹masked›"
    assert third["exception"]["type"] == "builtins.RuntimeError"
    assert "anary" not in stream.getvalue().decode()


def test_forgotten_tasks_are_told_without_their_text(stream: io.BytesIO) -> None:
    """asyncio's own report of an exception nobody fetched is seen, its text is not."""

    async def fail() -> None:
        raise ValueError(CANARY)

    async def forget() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(forget())
    told = [line for line in lines(stream) if line["event"] == "Task exception was never retrieved"]
    assert told
    assert told[0]["exception"]["type"] == "builtins.ValueError"
    assert "Canary" not in stream.getvalue().decode()


def test_uncaught_exceptions_do_not_reach_stderr(
    stream: io.BytesIO, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of the process and of its threads: a line in the log instead of a traceback with its text."""
    for module, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    configure(stream, process=True)

    def fail() -> None:
        raise ValueError(CANARY)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError(CANARY), None)
    assert [line["exception"]["type"] for line in lines(stream)] == ["builtins.ValueError"] * 2
    assert "Canary" not in stream.getvalue().decode() + "".join(capfd.readouterr())


def test_level_and_file(stream: io.BytesIO, tmp_path: Path) -> None:
    """Lines below the level are dropped; a path is appended to, line by line, by loggers made earlier too."""
    file = tmp_path / "hub.log"
    file.write_text('{"event": "earlier"}\n')
    configure(file, "warning", process=False)
    log.info("too quiet")
    log.warning("loud enough")
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["earlier", "loud enough"]
    with pytest.raises(ValueError, match="log level"):
        configure(file, "loud", process=False)


def test_a_full_disk_under_the_log_stops_nobody() -> None:
    """Logging to a place that takes no more bytes raises nothing."""
    with open("/dev/full", "wb", buffering=0) as full:
        configure(full, process=False)
        log.warning("not written")
    log.warning("closed now")
    configure(None, process=False)
    assert hub_logging._output.stream is None
