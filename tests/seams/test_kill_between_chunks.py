"""SIGKILL between two calls of one progress message: more than ten steps go in chunks, and a resend continues.

No shipped source tells more than one step at a time, so this home has one of its own, made as an integrator would: a
schema, a mapping and a route.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hub.translation.lock import lock_schemas
from seams.processes import until
from seams.sender import lives
from seams.world import World, rounds

STEPS, CHUNK = 25, 10
_LIVES = lives(47, 1)

_STEP = {"who": {"type": "string"}, "when": {"type": "string"}, "what": {"type": "string"}}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:dossier-hub:step-history:1.0.0",
    "x-hub": {
        "role": "canonical",
        "full_state": False,
        "subject": [{"system": "national", "pointer": "/code"}],
        "code": "/code",
    },
    "type": "object",
    "additionalProperties": False,
    "required": ["code", "steps"],
    "properties": {
        "code": {"type": "string"},
        "steps": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "additionalProperties": False, "required": list(_STEP), "properties": _STEP},
        },
    },
}
MAPPING = """\
mapping: step-history-to-npsp
version: 1.0.0
status: stable
from: step-history@1.0.0
to: npsp-progress@1.0.0
summary: Many steps at once become the items of CapNhatTienDoHoSoMC.
set:
  data:
    each: steps
    set:
      MaHoSo: { get: $.code }
      NguoiXuLy: { get: who }
      ChucDanh: { value: "" }
      ThoiDiemXuLy: { get: when, apply: [{ format_datetime: "yyyyMMddHHmmss" }] }
      PhongBanXuLy: { value: "" }
      NoiDungXuLy: { get: what }
      TrangThai: { value: "4" }
      NgayBatDau: { value: "" }
      NgayKetThucTheoQuyDinh: { value: "" }
tests:
  - name: one step
    given: { code: 000.00.10.H22-261121-0001, steps: [{ who: a, when: "2026-11-21T09:30:00+07:00", what: b }] }
    expect:
      data:
        - MaHoSo: 000.00.10.H22-261121-0001
          NguoiXuLy: a
          ChucDanh: ""
          ThoiDiemXuLy: "20261121093000"
          PhongBanXuLy: ""
          NoiDungXuLy: b
          TrangThai: "4"
          NgayBatDau: ""
          NgayKetThucTheoQuyDinh: ""
"""


@pytest.fixture(scope="module")
def world(new_world: Callable[..., World]) -> World:
    made = new_world()
    for path, text in (("schemas/step-history", json.dumps(SCHEMA)), ("mappings/step-history-to-npsp", MAPPING)):
        file = made.home / path / ("1.0.0.json" if path.startswith("schemas") else "1.0.0.yaml")
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
    lock_schemas(made.home)
    made.also(
        "{ schema: step-history@1, becomes: [step-history@1] }",
        "histories-to-portal: { take: step-history@1, to: portal, as: npsp-progress@1, in_doubt: hold }",
    )
    assert made.sender
    made.start_hub()
    return made


def _history(code: str) -> dict[str, Any]:
    steps = [{"who": "Cán bộ", "when": f"2026-11-23T08:{n:02}:00+07:00", "what": f"việc {n}"} for n in range(STEPS)]
    return {"code": code, "steps": steps}


def _told(world: World, code: str) -> list[int]:
    """The numbers of the history's steps at the portal, in order of effect."""
    steps = world.state()["dossiers"][code]["progress"]
    return [int(one["object"]["NoiDungXuLy"].split()[-1]) for one in steps if one["object"]["NoiDungXuLy"].startswith("việc")]


@pytest.mark.parametrize("once", rounds(3, 20))
def test_killed_in_the_second_chunk(world: World, once: int) -> None:
    """The first chunk is answered, the second is under way. In doubt, and held; once the operator lets it go on it begins
    with the second chunk: each step is there once if the portal had not done it (even rounds), and if it had, that
    chunk alone shows twice, by the operator's word and never by the hub's."""
    done = once % 2 == 1
    code, (record,) = next(_LIVES)
    world.sender.send(record)
    world.delivered(code)
    world.plant("CapNhatTienDoHoSoMC", "hold", after=1, effect="before" if done else "after", match={"MaHoSo": code})
    answer = world.sender.post(_history(code), f"history of {code}".replace(" ", "-"), schema="step-history@1")
    assert (answer.status, answer.body["state"]) == (202, "accepted")
    world.held()
    first = list(range(CHUNK))
    second = list(range(CHUNK, 2 * CHUNK))
    assert _told(world, code) == (first + second if done else first)
    world.kill_hub()
    world.release("drop")
    world.start_hub()
    (letter,) = world.at_rest(code)
    assert letter["code"] == "in_doubt"
    assert _told(world, code) == (first + second if done else first)
    assert world.shell("dead", "replay", letter["delivery"], "--latest", "--why", "the operator looked")[0] == 0
    until("all steps", lambda: _told(world, code)[-1:] == [STEPS - 1])
    assert world.at_rest(code) == []
    rest = list(range(CHUNK, STEPS))
    assert _told(world, code) == (first + second + rest if done else first + rest)


@pytest.mark.parametrize("once", rounds(3, 20))
def test_killed_between_two_chunks(world: World, once: int) -> None:
    """The first chunk is answered and what the hub must note before the second waits for its commit: in doubt, and held; no
    chunk is sent again, none is skipped, without an operator's word."""
    code, (record,) = next(_LIVES)
    world.sender.send(record)
    world.delivered(code)
    world.plant("CapNhatTienDoHoSoMC", "hold", effect="before", match={"MaHoSo": code})
    answer = world.sender.post(_history(code), f"history of {code}".replace(" ", "-"), schema="step-history@1")
    assert answer.status == 202
    world.held()
    with world.write_lock():
        world.release("go")
        until("the first chunk answered", lambda: world.calls("CapNhatTienDoHoSoMC", code)[-1]["outcome"] == "ok")
        world.kill_hub()
    world.start_hub()
    (letter,) = world.at_rest(code)
    assert letter["code"] == "in_doubt"
    assert _told(world, code) == list(range(CHUNK))
    assert world.shell("dead", "discard", letter["delivery"], "--why", "the operator enters the rest by hand")[0] == 0
    assert world.at_rest(code) == []
    assert _told(world, code) == list(range(CHUNK))
