"""Whatever is written in whatever order, each state of a row that is seen comes in once, in order, and the last one always."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from connectors.database.reading import TableReader
from connectors.database.receiving import Polling
from connectors.database.rows import Row
from database.parts import Office, Source, office
from hub.connector import Accept

WINDOW = 5
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 3)),
        st.tuples(st.just("begin"), st.integers(0, 3)),
        st.tuples(st.just("commit"), st.just(0)),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=24,
)


@dataclass
class Life:
    """What the programs of the one-stop system do: each transaction takes its stamp when it begins, one of a dossier at a time,
    and is committed before the window is over."""

    office: Office
    turn: int
    stamp: int = 100
    told: dict[str, list[str]] = field(default_factory=dict)
    """Of each dossier, what it said, in the order of its commits."""
    open: dict[str, tuple[int, str]] = field(default_factory=dict)

    def code(self, dossier: int) -> str:
        return f"{self.turn:04}-{dossier:04}"

    async def act(self, what: str, dossier: int) -> None:
        code = self.code(dossier)
        if what in ("write", "begin") and code not in self.open:
            self.stamp += 1
            self.open[code] = (self.stamp, f"{self.stamp}")
            if what == "write":
                self._commit(code)
            while self.open and self.stamp - min(stamp for stamp, _ in self.open.values()) >= WINDOW:
                self._commit(min(self.open, key=lambda one: self.open[one]))
        elif what == "commit" and self.open:
            self._commit(max(self.open, key=lambda one: self.open[one]))
        elif what == "look":
            await self.office.look(look_back=WINDOW, page=2)
        elif what == "restart":
            await self.office.restart()

    def _commit(self, code: str) -> None:
        stamp, note = self.open.pop(code)
        self.office.source.put(code, stamp, note)
        self.told.setdefault(code, []).append(note)

    async def end(self) -> None:
        for code in [*self.open]:
            self._commit(code)
        await self.office.look(look_back=WINDOW, page=2)


def wrong(life: Life) -> list[str]:
    """What of it is lost, doubled or out of order in the hub's store."""
    came: dict[str, list[str]] = {}
    for _, _, body in life.office.arrivals():
        if body["referenceUid"].startswith(f"{life.turn:04}-"):
            came.setdefault(body["referenceUid"], []).append(body["dossierNote"])
    found: list[str] = []
    for code, told in life.told.items():
        seen = came.get(code, [])
        if seen[-1:] != told[-1:]:
            found.append(f"{code}: the last state is lost")
        if len(set(seen)) < len(seen):
            found.append(f"{code}: doubled")
        if [one for one in told if one in seen] != list(dict.fromkeys(seen)):
            found.append(f"{code}: out of order")
    return found


def test_any_interleaving_within_the_window(sqlite_source: Source, tmp_path: Path) -> None:
    """Inserts, updates, late commits, looks, restarts in any order: once in effect, in order, and the last state is there."""
    turns = iter(range(10_000))

    async def run(office_: Office, acts: list[tuple[str, int]]) -> list[str]:
        sqlite_source.run("delete from ho_so")
        life = Life(office_, next(turns), stamp=100 * next(turns))
        for what, dossier in acts:
            await life.act(what, dossier)
        await life.end()
        return wrong(life)

    with asyncio.Runner() as runner:
        made = office(tmp_path / "home", sqlite_source)
        there = runner.run(made.__aenter__())

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(ACTS)
        def prove(acts: list[tuple[str, int]]) -> None:
            assert runner.run(run(there, acts)) == []

        try:
            prove()
        finally:
            runner.run(made.__aexit__(None, None, None))


async def _story(desk: Office, *, look_back: int = WINDOW) -> list[str]:
    """A late commit in it, behind a restart."""
    life = Life(desk, 1)
    acts = "write look restart begin write look commit look write look"
    for number, what in enumerate(acts.split()):
        if what == "look":
            await desk.look(look_back=look_back, page=2)
        else:
            await life.act(what, number)
    return wrong(life)


async def test_the_story_goes_well(sqlite_desk: Office) -> None:
    """As it is: nothing is wrong; and the sabotages below each break it."""
    assert await _story(sqlite_desk) == []


async def test_sabotaged_without_a_window(sqlite_desk: Office) -> None:
    assert await _story(sqlite_desk, look_back=0) == ["0001-0003: the last state is lost"]


async def test_sabotaged_without_the_key_of_a_state(sqlite_desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time a row is read it has another key: what the window reads again comes in again, unless nothing came between."""
    honest = Polling._take
    number = iter(range(1000))

    async def take(self: Polling, row: Row, accept: Accept, covered: str | None) -> None:
        other = Row(row.place, f"row:{next(number)}", row.position, row.body)
        await honest(self, other, accept, covered)

    monkeypatch.setattr(Polling, "_take", take)
    life = Life(sqlite_desk, 1)
    for what in ("write", "look", "write", "look"):
        await life.act(what, 0)
    sqlite_desk.source.put(life.code(0), 101, "101")  # the state before: somebody put a copy back
    await life.act("look", 0)
    assert "0001-0000: doubled" in wrong(life)


class Killed(BaseException):
    """The process ends here."""


async def _killed_half_way(desk: Office) -> list[str]:
    """Ten dossiers; it ends after the third arrival of a page, and begins anew from what its store has."""
    for number in range(10):
        desk.source.put(f"0001-{number:04}", 100 + 20 * number, f"{number}")
    honest, count = desk.hub.intake.accept, iter(range(100))

    async def accept(*given: object, **named: object) -> object:
        if next(count) == 3:
            raise Killed
        return await honest(*given, **named)  # type: ignore[arg-type]

    with pytest.raises(Killed):
        await desk.poller(look_back=WINDOW, page=8).look(accept)
    await desk.restart()
    await desk.look(look_back=WINDOW, page=8)
    return desk.notes()


async def test_what_was_not_accepted_is_not_behind_the_cursor(sqlite_desk: Office) -> None:
    """Ended in the middle of a page: all of it comes, each once."""
    assert await _killed_half_way(sqlite_desk) == [f"{number}" for number in range(10)]


async def test_sabotaged_with_the_cursor_before_its_arrivals(sqlite_desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor of the whole page is committed with its first arrival: the rest of the page is lost."""
    honest = Polling._take

    async def take(self: Polling, row: Row, accept: Accept, covered: str | None) -> None:
        await honest(self, row, accept, '{"namespace":null,"table":"ho_so","by":"luc","kind":"int","value":"240"}')

    monkeypatch.setattr(Polling, "_take", take)
    assert await _killed_half_way(sqlite_desk) == ["0", "1", "2", "7", "8", "9"]


async def _long_look(desk: Office) -> list[str]:
    """While one look goes from page to page, the programs there write on, and a transaction that was open is committed behind
    the page that has just been read."""
    life = Life(desk, 1)
    await life.act("write", 0)
    honest, steps = desk.hub.intake.accept, iter(enumerate(["begin", *["write"] * 4, "commit", *["write"] * 8], 1))

    async def accept(*given: object, **named: object) -> object:
        for number, what in steps:
            await life.act(what, number)
            if what == "write" and number % 2:
                break
        return await honest(*given, **named)  # type: ignore[arg-type]

    poller = desk.poller(look_back=WINDOW, page=1)
    for _ in range(3):
        await poller.look(accept)
    return wrong(life)


async def test_a_look_may_take_long(sqlite_desk: Office) -> None:
    """What was committed late behind a page is within the window of the next look, however far this one went."""
    assert await _long_look(sqlite_desk) == []


async def test_sabotaged_with_a_cursor_that_runs_ahead(sqlite_desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor passes what was not there when the look began: the window of the next look begins too late."""
    monkeypatch.setattr(TableReader, "newest", lambda self: 10**9)
    assert await _long_look(sqlite_desk) == ["0001-0001: the last state is lost"]
