"""A value or a row that cannot be used stops its own dossier, and nobody else; of no value a word is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from database.parts import COLUMNS, Office, Source, office
from hub.intake.contained import contained

POISON = {
    "sqlite": ("text", "cast(x'C3284101' as text)", "not_readable"),
    "postgresql": ("timestamp", "'infinity'", "out_of_range"),
}
NOTE = "trích yếu của bà Mẫu Thử"


def _codes(desk: Office) -> list[tuple[str, str]]:
    return [(body["referenceUid"], state) for _, state, body in desk.arrivals()]


@pytest.mark.parametrize("page", [2, 50])
@pytest.mark.parametrize("source", ["sqlite", "postgresql"], indirect=True)
async def test_a_value_that_cannot_be_read(desk: Office, page: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The row is kept with its place; the rows around it go on, and what its own dossier says later waits behind it. (MariaDB
    lets nothing in that its driver cannot read.)"""
    source = desk.source
    kind, value, code = POISON[source.kind]
    source.run(f"alter table ho_so add column la {kind}")
    for number in range(5):
        source.put(f"uid-{number:04}", number + 1, NOTE)
    source.run(f"update ho_so set la = {value} where ma = 'uid-0002'")
    columns = {**COLUMNS, "applicantIdNo": "la"}
    await desk.look(columns=columns, page=page, by="luc")
    assert _codes(desk) == [(f"uid-{number:04}", "kept" if number == 2 else "accepted") for number in range(5)]
    position, _, body = desk.arrivals()[2]
    assert (position, body["applicantIdNo"], body["dossierNote"]) == ("ho_so:uid-0002", {"unreadable": code}, NOTE)
    source.run("update ho_so set la = null, luc = 7, ghi_chu = 'mended' where ma = 'uid-0002'")
    source.put("uid-0003", 8, "goes on", "processing")
    await desk.look()
    assert _codes(desk)[5:] == [("uid-0002", "kept"), ("uid-0003", "accepted")]
    assert NOTE not in capsys.readouterr().err


async def test_what_each_database_has_and_json_has_not(desk: Office) -> None:
    """NaN, JSON that is none, a NUL, a number that no double holds, a 0/1 column with another number."""
    source = desk.source
    source.run(
        "alter table ho_so add column js text", "alter table ho_so add column co integer",
        "alter table ho_so add column so_thuc numeric(30,12)",
    )  # fmt: skip
    for number in range(4):
        source.put(f"uid-{number:04}", number + 1)
    source.run("update ho_so set js = '{\"a\":1,\"a\":2}' where ma = 'uid-0000'")
    source.run("update ho_so set co = 3 where ma = 'uid-0001'")
    source.run("update ho_so set so_thuc = 1234567890123456.123456789012 where ma = 'uid-0002'")
    columns = {**COLUMNS, "files": "js", "online": "co", "durationCount": "so_thuc"}
    await desk.look(columns=columns, json=["js"], booleans=["co"], decimals="number")
    held = {body["referenceUid"]: body for _, _, body in desk.arrivals()}
    assert held["uid-0000"]["files"] == {"unreadable": "not_json"}
    assert held["uid-0001"]["online"] == {"unreadable": "not_boolean"}
    if source.kind != "sqlite":  # which has no exact numbers
        assert held["uid-0002"]["durationCount"] == {"unreadable": "too_exact"}
    assert [state for _, state, _ in desk.arrivals()][3] == "accepted"


async def test_a_row_without_its_dossier_is_said_and_passed_over(
    sqlite_desk: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows whose it is, so there is no lane to keep it in: the log says its place, once, and no value."""
    source = sqlite_desk.source
    source.put("", 1, NOTE, so=None)
    source.put("uid-0001", 2)
    await sqlite_desk.look()
    await sqlite_desk.look()
    assert _codes(sqlite_desk) == [("uid-0001", "accepted")]
    said = capsys.readouterr().err
    assert said.count("row_refused") == 1 and NOTE not in said
    [line] = [json.loads(one) for one in said.splitlines() if "row_refused" in one]
    assert line["codes"] == ["too_short"]


async def test_a_key_that_could_be_a_persons_number_is_not_shown(sqlite_desk: Office) -> None:
    """In the position of an arrival."""
    sqlite_desk.source.put("001099123456", 1)
    await sqlite_desk.look()
    assert sqlite_desk.arrivals()[0][0] == "ho_so:‹masked›"


async def test_a_view_that_breaks_at_one_row(postgres_source: Source, tmp_path: Path) -> None:
    """What the partner's own view computes fails for one row: that one is kept."""
    postgres_source.run("create view v as select *, (100 / (luc - 2))::text as thuong from ho_so")
    for number in (1, 2, 3):
        postgres_source.put(f"uid-{number:04}", number)
    async with office(tmp_path / "home", postgres_source) as desk:
        await desk.look(table="v", columns={**COLUMNS, "applicantIdNo": "thuong"})
        assert [state for _, state, _ in desk.arrivals()] == ["accepted", "kept", "accepted"]
        assert desk.arrivals()[1][2]["applicantIdNo"] == {"unreadable": "not_readable"}


async def test_a_row_at_which_the_hub_breaks(
    sqlite_desk: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the hub's own: it is tried again, said, and passed over; the others come."""
    for number in range(4):
        sqlite_desk.source.put(f"uid-{number:04}", number + 1)
    honest = sqlite_desk.hub.intake.accept

    async def accept(arrival: Any, *words: Any, **more: Any) -> Any:
        if b"uid-0001" in arrival.body:
            raise RuntimeError(NOTE)
        return await honest(arrival, *words, **more)

    monkeypatch.setattr("hub.intake.contained.PAUSE_SECONDS", 0.01)
    await sqlite_desk.poller(page=2, look_back=0).look(contained(accept, "office"))
    assert _codes(sqlite_desk) == [("uid-0000", "accepted"), ("uid-0002", "accepted"), ("uid-0003", "accepted")]
    said = capsys.readouterr().err
    assert said.count("row_refused") == 1 and said.count("arrival_broke") == 3 and NOTE not in said
    await sqlite_desk.restart()
    await sqlite_desk.look(look_back=0)
    assert _codes(sqlite_desk)[3:] == [("uid-0001", "accepted")], "a hub that is mended takes it"
