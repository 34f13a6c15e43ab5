"""Schemas that an operator made may use the names of what a sender states for something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flow.parts import make_home, states, until

from claims.parts import CODE, PDF, Desk, Host, config, running, serving
from claims.test_claims_delivery import sha
from hub.dossier import papers
from hub.message import Arrival, SchemaRef, new_id

PERMIT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:dossier-hub:permit:1.0.0",
    "title": "permit@1.0.0",
    "x-hub": {
        "role": "canonical",
        "full_state": True,
        "subject": [{"system": "national", "pointer": "/code"}],
        "code": "/code",
    },
    "type": "object",
    "additionalProperties": False,
    "required": ["code"],
    "properties": {
        "code": {"type": "string"},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "url": {"type": "string"},
                    "sha256": {"type": ["array", "string"], "items": {"type": "string"}},
                    "size": {"type": ["string", "number", "boolean"]},
                    "media_type": {"type": ["object", "string"], "additionalProperties": {"type": "string"}},
                },
            },
        },
    },
}


def home_with_permits(folder: Path) -> None:
    text = config().replace("sources:\n", "sources:\n  - { schema: permit@1, becomes: [permit@1] }\n")
    home = make_home(folder / "home", text)
    (home / "schemas/schemas.lock").unlink()  # an operator's own schema is in a lock of the operator's own
    route = "routes:\n  permits: { take: permit@1, to: portal, as: permit@1, files: { as: url, of: [results] } }\n"
    (home / "config.yaml").write_text(text.replace("routes:\n", route), encoding="utf-8")
    (home / "schemas/permit").mkdir()
    (home / "schemas/permit/1.0.0.json").write_text(json.dumps(PERMIT), encoding="utf-8")


async def send_permit(desk: Desk, host: Host, **result: Any) -> None:
    body = {"code": f"{CODE[:-1]}9", "results": [{"url": host.url("/r.pdf"), **result}]}
    arrival = Arrival(
        id=new_id(), sender="one-stop", schema=SchemaRef.parse("permit@1"), body=json.dumps(body).encode(),
        received_at=desk.clock(), correlation_id=new_id().replace("-", ""), key=None,
    )  # fmt: skip
    await desk.hub.intake.accept(arrival)


_OTHER_WORDS: list[dict[str, Any]] = [
    {"size": "2 MB"},
    {"size": True},
    {"size": 2.5},
    {"size": "A4", "media_type": {"vi": "Bản giấy"}},
    {"sha256": ["none"]},
]


@pytest.mark.parametrize("words", _OTHER_WORDS, ids=str)
async def test_what_is_no_statement_states_nothing_and_stops_nobody(tmp_path: Path, words: dict[str, Any]) -> None:
    """Of another schema's paper: its file is taken as what the link gives, and the endpoint's other messages go."""
    home_with_permits(tmp_path)
    async with serving() as host, running(tmp_path) as desk:
        host.answers["/r.pdf"] = PDF
        await send_permit(desk, host, **words)
        await desk.send()
        await desk.sent(2)
        await until(lambda: states(desk.hub) == {"delivered": 2})


async def test_what_is_a_statement_is_compared_there_too(tmp_path: Path) -> None:
    home_with_permits(tmp_path)
    async with serving() as host, running(tmp_path) as desk:
        host.answers["/r.pdf"] = PDF
        await send_permit(desk, host, size=len(PDF) - 1, sha256=sha(PDF).upper())
        dead = await desk.dead()
        assert [one["at"] for one in dead["problems"]] == ["/results/0/size"] and desk.partner.calls == []


async def test_one_that_reads_what_is_no_number_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof above can fail: such a paper is then dead, and still stops nobody."""
    monkeypatch.setattr(papers, "_stated", lambda one: int(one.get("size", 0)))
    home_with_permits(tmp_path)
    async with serving() as host, running(tmp_path) as desk:
        host.answers["/r.pdf"] = PDF
        await send_permit(desk, host, size="2 MB")
        await desk.send()
        await until(lambda: states(desk.hub) == {"dead": 1, "delivered": 1})
