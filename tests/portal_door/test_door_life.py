"""A unit's whole life at the door, beside the same life at the portal itself: it must see no difference."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ports import free_port
from seams import http_door
from seams.processes import Launcher

from portal_door.parts import ADAPTER, MADONVI, PORTAL_PASSWORD, Portal, World, world
from portal_door.unit_client import Door
from portal_door.unit_life import Step, decided, play

pytestmark = pytest.mark.xdist_group("portal_door")

SESSION_SECONDS = 3.0
_ENVELOPE = "what is no call is told in an envelope too; the simulator's adapter answers plain text"
OTHERWISE = {
    "malformed JSON": _ENVELOPE,
    "malformed JSON at sign-in": _ENVELOPE,
    "JSON that is no object": _ENVELOPE,
    "wrong content type": _ENVELOPE,
}
"""Open steps that the door answers otherwise than the simulator with its defaults, and why it may."""


def expire() -> None:
    time.sleep(SESSION_SECONDS + 0.3)


@pytest.fixture(scope="module")
def at_hub(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(launcher, tmp_path_factory.mktemp("door"), session_seconds=SESSION_SECONDS, wait=10) as made:
        yield made


@pytest.fixture(scope="module")
def lives(
    at_hub: World, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Step], list[Step]]]:
    """One at the door, one at another portal, which is as new as the first, at the same time."""
    settings = {"username": "truc", "password": PORTAL_PASSWORD, "session_seconds": SESSION_SECONDS}
    portal = Portal(launcher, tmp_path_factory.mktemp("portal"), free_port(), settings)
    portal.start()
    directly = Door(portal.url + ADAPTER, "truc", PORTAL_PASSWORD, madonvi=MADONVI)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(play, door, expire) for door in (at_hub.door(), directly)]
        yield both[0].result(), both[1].result()
    portal.kill()


@pytest.fixture(scope="module")
def at_the_door(lives: tuple[list[Step], list[Step]]) -> list[Step]:
    return lives[0]


@pytest.fixture(scope="module")
def at_the_portal(lives: tuple[list[Step], list[Step]]) -> list[Step]:
    return lives[1]


def different(one: list[Step], other: list[Step]) -> list[str]:
    """Both answers to each step that differs, and to those that only one of them knows."""
    ours, theirs = {step.name: step for step in one}, {step.name: step for step in other}
    names = [*ours, *(name for name in theirs if name not in ours)]
    pairs = [(name, ours.get(name), theirs.get(name)) for name in names]
    return [f"{name}\n  door:   {_shown(ours)}\n  portal: {_shown(theirs)}" for name, ours, theirs in pairs if ours != theirs]


def _shown(step: Step | None) -> str:
    return "-" if step is None else f"{step.status} {step.error_code} {step.kind} {step.shape} {step.message!r}"


def test_a_life_at_the_door_is_a_life_at_the_portal(at_the_door: list[Step], at_the_portal: list[Step]) -> None:
    """Every step that the protocol decides has the same answer, refusals included."""
    ours, theirs = decided(at_the_door), decided(at_the_portal)
    assert different(ours, theirs) == []
    assert ours == theirs and len(ours) > 60


def test_what_is_open_is_answered_as_the_simulator_does_or_for_a_reason(
    at_the_door: list[Step], at_the_portal: list[Step]
) -> None:
    found = different(at_the_door, at_the_portal)
    assert {one.partition("\n")[0] for one in found} == set(OTHERWISE), "\n".join(found)


def test_the_portal_holds_what_the_life_left(at_hub: World, at_the_door: list[Step]) -> None:
    """Of the dossier that went its whole way: each state and each step once, in the order of the calls."""
    assert at_the_door
    assert at_hub.portal.held("000.00.10.H22-260915-0001") == [
        ("insert", "2"), ("update", "4"), *(("step", f"Bước {number}") for number in (0, *range(2, 27))),
        ("update", "10"), ("step", "Bước 40"),
    ]  # fmt: skip


def test_no_dead_letter_is_left_of_what_the_unit_was_told(at_hub: World, at_the_door: list[Step]) -> None:
    assert sum(step.kind == "exists" for step in at_the_door) >= 2
    assert at_hub.nothing_is_dead()


def test_nothing_personal_and_nothing_secret_is_shown(at_hub: World, at_the_door: list[Step]) -> None:
    """In the log and the metrics of a whole life: no value of a record, no password, no key, no session."""
    assert at_the_door
    metrics = http_door.request("GET", f"{at_hub.url}/metrics").body
    said = at_hub.log() + metrics
    assert "portal-dossier" in said
    personal = ("Nguyễn", "Văn Thử", "0900000001", "001299000001", "Trần Thị", "người dân giả định", "Bước", "mot-cua.invalid")
    secrets = (PORTAL_PASSWORD, *at_hub.keys.values(), *(key[:20] for key in at_hub.keys.values()))
    assert [word for word in (*personal, *secrets) if word in said] == []
    assert re.findall(r"(?<![0-9a-f-])[0-9a-f]{32}(?![0-9a-f-])", re.sub(r'"(correlation_id)":"[0-9a-f]{32}"', "", said)) == []


def test_the_copies_of_catalogues_lie_in_the_home(at_hub: World, at_the_door: list[Step]) -> None:
    assert at_the_door
    files = sorted(path.name for path in (Path(at_hub.home) / "var" / "portal-catalogues" / "portal").iterdir())
    assert files == ["LayDanhMucCoQuan.copy", "LayDanhMucLinhVuc.copy", "LayDanhSachTTHC.copy", "LayThuTuc 1.000894.copy"]
