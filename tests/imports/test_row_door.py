"""``POST /v1/rows`` and ``GET /v1/waiting``: each row by itself, in order, and no further once the hub takes no more."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub.cli.import_pace import Pace
from imports.parts import ImportHome, report_of, row

pytestmark = pytest.mark.xdist_group("imports-row-door")
Running = tuple[ImportHome, str]


def ask(home: ImportHome, key: str, body: Any, path: str = "/v1/rows", **headers: str) -> tuple[int, dict[str, Any]]:
    given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Hub-Schema": "record@1", **headers}
    with closing(http.client.HTTPConnection("127.0.0.1", home.port, timeout=30)) as connection:
        content = body if isinstance(body, bytes) else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, None if body is None else content, given)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def rows(*records: Mapping[str, str], first: int = 1, file: str = "a") -> dict[str, Any]:
    return {"rows": [{"place": f"file:{file}:{number}", "body": json.dumps(one)} for number, one in enumerate(records, first)]}


def test_each_row_by_itself(running: Running) -> None:
    """One after the other; a row is known by its place, or as the latest of its dossier; else it is a new one."""
    home, key = running
    told = rows(row(9001, name="1"), {"code": ""}, row(9001, name="2"), row(9001, name="1"), file="each")
    status, found = ask(home, key, told)
    assert status == 200
    assert [one["status"] for one in found["rows"]] == [202, 422, 202, 202]
    assert [one["receipt"]["messages"][0]["seq"] for one in found["rows"] if "receipt" in one] == [1, 2, 3]
    assert found["rows"][1]["problem"]["errors"][0]["code"]
    _, again = ask(home, key, told)
    assert [one.get("known") for one in again["rows"]] == [True, None, True, True]
    assert [one.get("receipt") for one in again["rows"]] == [one.get("receipt") for one in found["rows"]]
    _, elsewhere = ask(home, key, rows(row(9001, name="1"), row(9001, name="2"), file="other"))
    assert [one["known"] for one in elsewhere["rows"]] == [True, False]
    changed = {"rows": [{"place": "file:each:1", "body": json.dumps(row(9001, name="3"))}]}
    assert ask(home, key, changed)[1]["rows"][0]["status"] == 409


_BREAKS = """
import importlib, os
module, kind, name = os.environ["BREAKS_AT"].split(":")
kind = getattr(importlib.import_module(module), kind)
whole = getattr(kind, name)
def broken(self, first, *more, **named):
    text = str(first if isinstance(first, dict) else first.body)
    if any(one in text for one in os.environ["BREAKS_ON"].split()):
        raise LookupError("canary " + text)
    return whole(self, first, *more, **named)
setattr(kind, name, broken)
"""
_PLAN, _ALIASES = "hub.intake.planning:Planner:plan", "hub.translation.schema:Schema:aliases"


@pytest.fixture
def breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """From now on each process that is started breaks there, on what has one of these words."""

    def begin(at: str, on: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(_BREAKS)
        for name, value in (("PYTHONPATH", str(tmp_path)), ("BREAKS_AT", at), ("BREAKS_ON", on)):
            monkeypatch.setenv(name, value)

    return begin


@pytest.mark.parametrize("at", [_PLAN, _ALIASES], ids=["deciding", "and reading here"])
def test_a_row_at_which_the_hub_breaks_stops_no_other(
    new_home: Callable[..., ImportHome], breaks: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """It has a line of the report, and the log says where, without a word of what stands in it."""
    home = new_home()
    key = home.key()
    file = str(home.rows("breaks.jsonl", [row(9300), row(9301), row(9302)]))
    breaks(at, "0009301")
    with home.hub():
        said = home.imported(key, file, "--schema", "record@1", code=1)
    assert (said["counts"], said["stopped"]) == ({"accepted": 2, "refused": 1}, None)
    (line,) = report_of(said)
    assert (line["record"], line["status"], [one["code"] for one in line["problems"]]) == (2, 500, ["broke"])
    log = (home.folder / "var" / "hub.log").read_text()
    assert "arrival_broke" in log
    assert "LookupError" in log
    assert not [one for one in ("canary", "0009301", "Nguy") if one in log]
    breaks(at, "nothing")
    with home.hub():
        assert home.imported(key, file, "--schema", "record@1", "--again")["counts"] == {"known": 2, "accepted": 1}


def test_a_hub_that_breaks_at_every_row_is_waited_for(
    new_home: Callable[..., ImportHome], breaks: Callable[[str, str], None]
) -> None:
    """None but the first three are blamed for it; the same command goes on once it is mended."""
    home = new_home()
    key = home.key()
    file = str(home.rows("all.jsonl", [row(9400 + number) for number in range(30)]))
    breaks(_PLAN, "code")
    with home.hub():
        said = home.imported(key, file, "--schema", "record@1", "--patience", "1", code=4)
    assert said["counts"] == {"refused": 3}
    assert "the hub breaks at whatever comes in, its log says where (broken)" in said["stopped"]
    breaks(_PLAN, "nothing")
    with home.hub():
        assert home.imported(key, file, "--schema", "record@1", code=1)["counts"] == {"refused": 3, "accepted": 27}


def test_no_further_once_the_hub_takes_no_more(running: Running) -> None:
    """The rows behind were not looked at: sent again later, the order holds."""
    home, _ = running
    key = home.key("limited")
    status, found = ask(home, key, rows(*(row(9100, name=str(number)) for number in range(4)), file="limited"))
    assert status == 200
    assert [one["status"] for one in found["rows"]] == [202, 202]
    assert found["later"]["status"] == 429
    assert found["later"]["retry_after"] > 600
    assert found["later"]["problem"]["errors"][0]["code"] == "rate"
    file = home.rows("limited.jsonl", [row(9200)])
    process = home.begin_import(key, str(file), "--schema", "record@1")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 4, out


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not JSON", 400),
        ([], 422),
        ({"rows": []}, 422),
        ({"rows": [{"place": "p", "body": "{}"}] * 101}, 422),
        ({"rows": [{"place": "p"}]}, 422),
        ({"rows": [{"place": "p q", "body": "{}"}]}, 422),
        ({"rows": [{"place": "p", "body": {}}]}, 422),
        ({"rows": [{"place": "p", "body": "{}"}], "more": 1}, 422),
    ],
)
def test_what_is_no_rows(running: Running, body: Any, status: int) -> None:
    home, key = running
    assert ask(home, key, body)[0] == status


def test_who_may(running: Running) -> None:
    home, key = running
    assert ask(home, "hub_" + "x" * 43, rows(row(1)))[0] == 401
    assert ask(home, key, rows(row(1)), **{"Content-Type": "application/xml"})[0] == 415
    assert ask(home, key, rows(row(1)), **{"Hub-Schema": "other@1"})[1]["rows"][0]["status"] == 415
    assert ask(home, "", None, "/v1/waiting")[0] == 401


def test_what_waits(running: Running) -> None:
    home, key = running
    status, found = ask(home, key, None, "/v1/waiting")
    assert status == 200
    assert set(found) == {"sender", "endpoints"}
    assert found["sender"] == "one-stop"
    assert all(count > 0 for count in found["endpoints"].values())


# ── the pace
class _Hub:
    """What waits; each look is a moment later."""

    def __init__(self, *waiting: int) -> None:
        self.waiting = list(waiting)
        self.asked = 0

    async def __call__(self) -> Mapping[str, int]:
        self.asked += 1
        return {"portal": self.waiting.pop(0) if len(self.waiting) > 1 else self.waiting[0], "elsewhere": 10_000}


async def test_it_fills_up_what_is_free_and_asks_again() -> None:
    """Two deliveries a row, five may wait: two rows; an endpoint that no row goes to does not count."""
    hub = _Hub(5, 4, 1)
    pace = Pace(hub, 5)
    assert await pace.enter() == 5
    pace.begin(1)
    pace.leave(1, 0.01, {"portal": 2})
    hub.asked = 0
    pace.begin(2)  # what was free is used up
    pace.leave(2, 0.01, {"portal": 2})
    assert await pace.enter() == 2
    assert hub.asked >= 1


async def test_rows_that_go_nowhere_wait_for_nothing() -> None:
    hub = _Hub(1_000_000)
    pace = Pace(hub, 1)
    await pace.enter()
    pace.begin(1)
    pace.leave(1, 0.01, {})
    hub.asked = 0
    for _ in range(50):
        assert await pace.enter() > 1
        pace.begin(30)
        pace.leave(30, 0.3, {})
    assert hub.asked == 0


async def test_fewer_at_once_while_receipts_take_long() -> None:
    """And more again when they do not; the one that waits is let in when another leaves."""
    pace = Pace(_Hub(0), 1000)
    for _ in range(20):
        await pace.enter()
        pace.begin(1)
        pace.leave(1, 1.0, {})
    await pace.enter()
    pace.begin(1)
    second = asyncio.create_task(pace.enter())
    await asyncio.sleep(0.01)
    assert not second.done()
    pace.leave(1, 0.01, {})
    await second


async def test_stop_lets_everybody_through() -> None:
    """Also who waits for a partner that is away."""
    pace = Pace(_Hub(1000), 1)
    await pace.enter()
    pace.begin(1)
    pace.leave(1, 0.01, {"portal": 1})
    waits = asyncio.create_task(pace.enter())
    await asyncio.sleep(0.05)
    assert not waits.done()
    pace.stop()
    await asyncio.wait_for(waits, 2)
