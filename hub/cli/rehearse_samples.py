"""The records of a sample: from files at the hub's own door, or from a folder as a drop folder of the home would read it."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hub.cli.posting import Door, send_each
from hub.errors import Problem, Refused, UnknownSchema
from hub.intake.contained import contained
from hub.message import SchemaRef, system_clock

if TYPE_CHECKING:
    from hub.connector import Accepted, Arrival, Receiver
    from hub.testing.rehearsal import Stage
    from hub.translation import Catalog

_LINES = (".jsonl", ".ndjson")
_BLANKS = re.compile(r"[ \t\n\r]*")
_LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Replayed:
    """One record of the sample, or (``number`` None) a file as a whole, and what the hub did with it: ``refused``, ``unread``
    (``passed_over`` where nobody named the file), with problems; else ``accepted``, ``kept``, ``superseded`` or ``known``, as
    its receipt says."""

    file: str
    number: int | None
    names: list[dict[str, str]] = field(default_factory=list)
    outcome: str = "refused"
    problems: list[dict[str, Any]] = field(default_factory=list)
    arrival: str | None = None

    @property
    def place(self) -> str:
        return self.file if self.number is None else f"{self.file}:{self.number}"


Tell = Callable[[Replayed], None]


def sample_files(samples: Sequence[Path]) -> dict[Path, bool]:
    """The files, and whether each was named itself; those of folders by name, what begins with a dot is left out."""
    found: dict[Path, bool] = {}
    for sample in samples:
        if sample.is_dir():
            below = (one for one in sorted(sample.rglob("*")) if one.is_file() and not _is_hidden(one, sample))
            found |= {one: found.get(one, False) for one in below}
        else:
            found[sample] = True
    return found


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


async def through_the_door(
    stage: Stage, files: Iterable[Path], sender: str, schema: SchemaRef, patience: float, tell: Tell
) -> str | None:
    """Send each record to the hub's own door with a key of ``sender``; why the rest was not sent, if so. Raises ValueError for
    a name that no key may have."""
    from hub.intake.keys import new_key

    key, text = new_key(sender, [schema.id], system_clock())
    await stage.hub.store.add_key(key)
    under_way: list[Replayed] = []

    async def records() -> AsyncIterator[tuple[str, bytes]]:
        for file in files:
            for number, body in _records_of(file):
                one = Replayed(str(file), number)
                if isinstance(body, Problem):
                    one.outcome = "unread" if body.code == "unreadable" else "refused"
                    one.problems = [body.as_dict()]
                    tell(one)
                    continue
                one.names = _names(stage.catalog, schema, body, sender)
                under_way.append(one)
                yield one.place, body

    def told(result: Mapping[str, Any]) -> None:
        one = under_way.pop()
        one.outcome = result["outcome"]
        if one.outcome == "refused":
            one.problems = _problems(result["problem"])
        else:
            one.arrival, one.problems = result["receipt"]["arrival"], list(result["receipt"].get("reasons", []))
        tell(one)

    return (await send_each(Door(stage.url, text, str(schema), None, patience), records(), told)).stopped


def _problems(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The problems of a refusal as its answer (RFC 9457) tells them."""
    told = answer.get("errors") or [{"code": "refused", "detail": answer.get("detail") or answer.get("title") or ""}]
    return [
        {
            "at": one.get("pointer") or one.get("header") or "", "code": one.get("code", ""),
            "message": one.get("detail", ""), "hint": one.get("hint", ""),
        }
        for one in told
    ]  # fmt: skip


def _names(catalog: Catalog, schema: SchemaRef, body: bytes, sender: str) -> list[dict[str, str]]:
    """What the record calls its dossier, as far as it can be read; whether it can be is the intake's to say."""
    with suppress(Exception):
        known = catalog.schema(schema)
        return [{"system": one.system, "code": one.code} for one in known.aliases(known.parse(body), sender)]
    return []


def _records_of(file: Path) -> Iterator[tuple[int | None, bytes | Problem]]:
    """Number and bytes of each record: lines, elements of a JSON array, else the file itself."""
    try:
        content = _regular(file).read_bytes()
    except OSError as error:
        yield None, _unreadable(error)
        return
    if file.suffix.lower() in _LINES:
        yield from ((number, line.strip()) for number, line in enumerate(content.splitlines(), 1) if line.strip())
    elif content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
        yield from _elements(content)
    else:
        yield 1, content


def _regular(file: Path) -> Path:
    """The file. Raises OSError for a pipe or a device, which would be waited for."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "no regular file")
    return file


def _unreadable(error: OSError) -> Problem:
    if error.errno == errno.EINVAL:
        return Problem("", "unreadable", "it is no regular file", "name files and folders")
    return Problem("", "unreadable", f"the file cannot be read (errno {error.errno})")


def _elements(content: bytes) -> Iterator[tuple[int | None, bytes | Problem]]:
    """Each element of an array in the very bytes that it has in the file; up to where it cannot be read."""
    decoder, number = json.JSONDecoder(), 0
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield None, Problem("", "not_utf8", "the file is not UTF-8", "write it as UTF-8")
        return
    at = _past_blanks(text, text.index("[") + 1)
    while text[at : at + 1] != "]":
        try:
            _, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            yield None, Problem("", "not_json", f"what stands behind record {number} is not JSON", "see the end of the file")
            return
        number += 1
        yield number, text[at:end].encode()
        at = _past_blanks(text, end)
        if text[at : at + 1] == ",":
            at = _past_blanks(text, at + 1)
        elif text[at : at + 1] != "]":
            yield None, Problem("", "not_json", f"no comma and no ] behind record {number}", "is the file cut off?")
            return
    if text[at + 1 :].strip():
        yield None, Problem("", "not_json", "something stands behind the end of the array", "one array a file")


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    assert found is not None
    return found.end()


async def as_endpoint_reads(stage: Stage, files: Mapping[Path, bool], patience: float, tell: Tell) -> str | None:
    """Have copies of the files read by the connector of the endpoint; why the rest was not read, if so."""
    sample, reader = stage.sample, stage.reader
    assert sample is not None and reader is not None
    origin: dict[str, str] = {}
    for file, named in files.items():
        if not sample.takes(file.name):
            problem = Problem(
                "", "not_taken", "the endpoint would not read a file of this name", "see `pattern` of its settings"
            )
            outcome = "unread" if named else "passed_over"
            tell(Replayed(str(file), None, outcome=outcome, problems=[problem.as_dict()]))
            continue
        name = _free(file.name, origin)
        try:
            await asyncio.to_thread(shutil.copy2, _regular(file), sample.inbox / name)
        except OSError as error:
            tell(Replayed(str(file), None, outcome="unread", problems=[_unreadable(error).as_dict()]))
            continue
        origin[name] = str(file)
    reading = _Reading(stage, origin, tell)
    await reader.open()
    task = asyncio.create_task(cast("Receiver", reader).receive(reading.accept))
    try:
        left, still_since = len(origin), asyncio.get_running_loop().time()
        while left and not reading.stopped:
            await asyncio.sleep(_LOOK_SECONDS)
            seen = reading.count
            left = sum((sample.inbox / name).exists() for name in origin)
            now = asyncio.get_running_loop().time()
            if reading.moved(left, seen):
                still_since = now
            elif now - still_since > patience:
                reading.stopped = f"{left} of the files could not be read to their end"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await reader.close()
    for name, number, problems in sample.failures():
        reading.failed(name, number, problems)
    return reading.stopped


def _free(name: str, taken: Mapping[str, str]) -> str:
    """A name for the copy; that of the file itself unless another file of the sample has it."""
    stem, dot, suffix = name.rpartition(".")
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{stem}.{number}.{suffix}" if dot and stem else f"{name}.{number}"
    return free


class _Reading:
    """Stands between the connector that reads and the hub's intake, and notes each record."""

    def __init__(self, stage: Stage, origin: Mapping[str, str], tell: Tell) -> None:
        self._stage, self._origin, self._tell = stage, origin, tell
        self._accept = contained(stage.hub.intake.accept, "rehearsal", tries=1, most=inf)
        self._refused: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
        self._last = (-1, -1)
        self.count = 0
        self.stopped: str | None = None

    def moved(self, left: int, count: int) -> bool:
        """Whether files went or records came since the last look."""
        before, self._last = self._last, (left, count)
        return before != self._last

    async def accept(self, arrival: Arrival, checkpoint: str | None = None, **more: Any) -> Accepted:
        """As the hub's own intake; what it says is told on."""
        name, _, number = (checkpoint or "").rpartition(":")
        names = _names(self._stage.catalog, arrival.schema, arrival.body, arrival.sender)
        one = Replayed(self._origin.get(name, name), int(number) if number.isdecimal() else None, names)
        try:
            accepted = await self._accept(arrival, checkpoint, **more)
        except Refused as refusal:
            one.problems = [problem.as_dict() for problem in refusal.problems]
            self._refused |= {(name, one.number): one.problems, (name, None): one.problems}
            self._note(one)
            if isinstance(refusal, UnknownSchema):
                self.stopped = f"no source in config.yaml takes {arrival.schema}: no record of the sample would be taken"
            raise
        one.outcome = "known" if accepted.repeated else str(accepted.receipt["state"])
        one.arrival, one.problems = str(accepted.receipt["arrival"]), list(accepted.receipt.get("reasons", []))
        self._note(one)
        return accepted

    def failed(self, name: str, number: int | None, problems: list[dict[str, Any]]) -> None:
        """What the connector itself found wrong; what the intake refused is told already."""
        if _gist(self._refused.get((name, number))) != _gist(problems):
            self._note(Replayed(self._origin.get(name, name), number, problems=problems))

    def _note(self, one: Replayed) -> None:
        self.count += 1
        self._tell(one)


def _gist(problems: Sequence[Mapping[str, Any]] | None) -> set[tuple[str, str]] | None:
    return None if problems is None else {(str(one["at"]), str(one["code"])) for one in problems}
