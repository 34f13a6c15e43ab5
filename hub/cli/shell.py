"""What every command shares: the hub home, one way to show results and errors, and which exit code an error means.

With ``--json`` exactly one JSON document goes to stdout, for an error too (``{"error": …}``); sentences go to stderr.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hub.cli.remedies import remedy
from hub.errors import DeliveryError, HubError, NotFound, Problem, StoreUnavailable
from hub.observe.logging import get_logger

if TYPE_CHECKING:
    from hub.config import Home, ServerConfig
    from hub.store.sql import SqlStore

OK, REFUSED, USAGE, NOT_FOUND, UNAVAILABLE, BROKEN, INTERRUPTED = 0, 1, 2, 3, 4, 70, 130
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PIPED_WIDTH = 200
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

T = TypeVar("T")
log = get_logger("shell")


@dataclass(slots=True)
class Shell:
    """One invocation: where the home is, and whether the answer is to be JSON."""

    folder: Path
    as_json: bool = False

    def home(self, *, partners: bool = False) -> Home:
        """The home's configuration; with the settings of its ``partners``, and so their secrets, only where the command
        calls them. Raises BadConfig."""
        from hub.config import load_home

        return load_home(self.folder, partners=partners)

    def answer(self, document: Any, *shown: str | Text | Table) -> None:
        """The result of the command: ``document`` as JSON, else ``shown`` for people."""
        if self.as_json:
            emit(document)
        else:
            self.say(*shown)

    def say(self, *shown: str | Text | Table) -> None:
        """Lines or tables for people, on stdout; nothing with ``--json``."""
        for one in () if self.as_json else shown:
            _console(sys.stdout).print(one, soft_wrap=not isinstance(one, Table))

    def note(self, text: str | Text) -> None:
        """A sentence beside the result, on stderr."""
        _console(sys.stderr).print(text, soft_wrap=True)

    @contextlib.contextmanager
    def progress(self, text: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A bar on stderr while long work goes on, on a terminal only; call what it gives with how much more is done.
        Without a ``total`` it shows that something moves, and how much is done."""
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn())
        console = _console(sys.stderr)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(text, total=total)
            yield lambda more: bar.advance(task, more)

    def notes_of(self, problems: Iterable[Problem], kind: str) -> None:
        """Each problem as ``file:line: kind: …`` with what to write instead, on stderr."""
        for one in problems:
            self.note(problem_text(one, kind))

    def failed(self, error: HubError) -> int:
        """Show an error of the hub; returns the exit code it means."""
        kind = type(error).__name__
        if self.as_json:
            told: dict[str, Any] = {"kind": kind, "message": printable(error)}
            if error.problems:
                told["problems"] = [one.as_dict() for one in error.problems]
            emit({"error": told})
        if error.problems:
            self.notes_of(error.problems, "error")
        else:
            self.note(Text.assemble(("error: ", "bold red"), printable(error)))
        if isinstance(error, StoreUnavailable):
            with contextlib.suppress(HubError):
                self.note(Text(f"    → {printable(remedy(error.reason, self.home().store_url))}", "green"))
        return exit_code(error)


def emit(document: Any, *, line: bool = False) -> None:
    """One JSON document on stdout; on one line for those who read while the command goes on."""
    typer.echo(orjson.dumps(document, option=0 if line else orjson.OPT_INDENT_2).decode())


def exit_code(error: HubError) -> int:
    """The exit code that an error means to a script."""
    if isinstance(error, NotFound):
        return NOT_FOUND
    if isinstance(error, StoreUnavailable | DeliveryError):
        return UNAVAILABLE
    return REFUSED


def unexpected(shell: Shell | None, error: Exception) -> int:
    """Show an error nobody foresaw by its type alone; where it came from goes to the log, its text nowhere."""
    kind = type(error).__name__
    if shell is not None and shell.as_json:
        emit({"error": {"kind": kind, "message": "the hub met an error that it did not expect"}})
    log.critical("uncaught exception", exc_info=error)
    text = f"error: the hub met an error that it did not expect ({kind}); the line above says where. Please report it."
    _console(sys.stderr).print(text, soft_wrap=True)
    return BROKEN


def shell_of(context: typer.Context) -> Shell:
    """The invocation that a command belongs to."""
    found = context.find_root().obj
    assert isinstance(found, Shell)
    return found


def _wants_json(context: typer.Context, wanted: bool) -> bool:
    if wanted:
        shell_of(context).as_json = True
    return wanted


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.", callback=_wants_json)]


def in_store(home: Home, work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """What ``work`` gives, done in the home's store beside a hub that may be running. Raises StoreUnavailable, BadConfig."""
    from hub.message import system_clock
    from hub.store.sql import SqlStore

    async def opened() -> T:
        try:
            store = SqlStore(home.store_url, system_clock)
        except OSError as error:
            raise StoreUnavailable("gone", f"errno {error.errno}") from error
        try:
            await store.open(exclusive=False)
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def unknown_name(what: str, known: Iterable[str]) -> NotFound:
    """The error for a name that no endpoint, route … of the home has."""
    return NotFound(f"no {what} has that name; the {what}s are: {', '.join(known) or 'none'}")


def actor() -> str:
    """Who acts, for the audit trail: ``shell:`` and the user of this machine."""
    try:
        return f"shell:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"shell:uid-{os.getuid()}"


def known_id(text: str) -> str:
    """The id of an arrival, delivery or key. Raises NotFound for what cannot be one, without repeating it."""
    if not _ID.fullmatch(text.lower()):
        raise NotFound("that is not an id; ids look like 0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e and stand in the lists")
    return text.lower()


def printable(value: object) -> str:
    """Text without control characters, so that no stored text can steer a terminal."""
    return _UNPRINTABLE.sub("�", str(value))


def problem_text(one: Problem, kind: str) -> Text:
    """``file:line: error: at: message [code]`` and, below it, what to write instead."""
    text = Text()
    if one.source:
        text.append(f"{printable(one.source)}: ", "bold")
    text.append(f"{kind}: ", "bold red" if kind == "error" else "bold yellow")
    if one.at:
        text.append(f"{printable(one.at)}: ")
    text.append(f"{printable(one.message)} [{one.code}]")
    if one.hint:
        text.append(f"\n    → {printable(one.hint)}", "green")
    return text


def reason_lines(reasons: Sequence[Mapping[str, Any]]) -> list[str]:
    """Stored problems as lines: ``at: message [code] → hint``."""
    lines: list[str] = []
    for one in reasons:
        place = one.get("at") or one.get("pointer") or one.get("header") or "(whole)"
        words = one.get("message") or one.get("detail") or ""
        hint = f" → {one['hint']}" if one.get("hint") else ""
        source = f" ({one['source']})" if one.get("source") else ""
        lines.append(printable(f"{place}: {words} [{one.get('code', '')}]{source}{hint}"))
    return lines


def first_reason(reasons: Sequence[Mapping[str, Any]]) -> str:
    """The first of stored problems and how many more: ``at: message [code] (and 3 more)``."""
    if not reasons:
        return ""
    one = reasons[0]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return printable(f"{one.get('at') or '(whole)'}: {one.get('message', '')} [{one.get('code', '')}]{more}")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table with these headings; a cell that is None shows as nothing."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in ("id", "since", "at"))
    for cells in rows:
        made.add_row(*(Text("" if cell is None else printable(cell)) for cell in cells))
    return made


def local(instant: str | None) -> str:
    """A stored time (RFC 3339) as the province's clock shows it: ``2026-11-21 08:00:00.123``; empty for none."""
    if not instant:
        return ""
    moment = datetime.fromisoformat(instant).astimezone(ZONE)
    return moment.replace(tzinfo=None).isoformat(" ", "milliseconds")


def local_micros(micros: int | None) -> str:
    """Like ``local``, from microseconds since the epoch."""
    return "" if micros is None else local(datetime.fromtimestamp(micros / 1_000_000, ZONE).isoformat())


def url_of(server: ServerConfig, host: str, port: int) -> str:
    """The address of the hub's door as configured, at this host and port."""
    return f"{'https' if server.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}{server.prefix}"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 message``, ``2 messages``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """A duration for people: ``12 s``, ``5 min``, ``3 h``, ``2 d``."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)
