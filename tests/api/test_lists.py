"""The lists over HTTP: what parameters do, which are refused and how, links to the next page, whose things they show."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_hub import Api, started
from flow.parts import settled, told

from hub.api import reads
from hub.errors import Rejected


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with started(tmp_path) as api:
        yield api


async def test_pages_by_their_links(api: Api) -> None:
    """Following rel=next shows each arrival once, newest first, with the filters kept; the last page has no link."""
    sent = []
    for story in told(5):
        sent.append((await api.send(story.records[0])).json["arrival"])
    seen: list[str] = []
    path: str | None = "/v1/arrivals?limit=2&state=accepted&schema=opencps-dossier@1&since=2020-01-01T00:00:00%2B07:00"
    while path:
        answer = await api.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        seen += [one["arrival"] for one in answer.json["items"]]
        found = re.fullmatch(r'<(/v1/arrivals\?[^>]+)>; rel="next"', answer.headers.get("Link", ""))
        assert bool(found) == (answer.json["next"] is not None)
        path = found[1] if found else None
        assert path is None or {"limit=2", "state=accepted", f"after={answer.json['next']}"} <= set(
            path.partition("?")[2].split("&")
        )
    assert seen == sent[::-1]


async def test_a_sender_finds_what_did_not_get_through(api: Api) -> None:
    """The dossier the partner refused is among dead, waiting and behind; the others are not."""
    good, bad = told(2)
    await api.send(good.records[0])
    await settled(api.hub)
    api.partner.script = lambda message, attempt: Rejected("-3", "no")
    await api.send(bad.records[0])
    await settled(api.hub)
    for flag in ("waiting", "dead", "behind"):
        (one,) = (await api.get(f"/v1/dossiers?{flag}=true")).json["items"]
        assert bad.code in [code["code"] for code in one["codes"]]
        assert one[flag] is True
        (other,) = (await api.get(f"/v1/dossiers?{flag}=false")).json["items"]
        assert good.code in [code["code"] for code in other["codes"]]
    view = (await api.get(f"/v1/dossiers/{bad.code}")).json
    assert {"dead", "pending"} <= {one["state"] for one in view["waiting"]}


async def test_only_ones_own(api: Api) -> None:
    """Another sender's lists are empty, and without a key there are none."""
    (story,) = told()
    await api.send(story.records[0])
    await api.add_sender("other")
    for path in ("/v1/arrivals", "/v1/dossiers"):
        assert len((await api.get(path)).json["items"]) == 1
        assert (await api.get(path, sender="other")).json == {"items": [], "next": None}
        assert (await api.get(path, sender=None)).status == 401


BAD = {
    "limit=0": "limit", "limit=201": "limit", "limit=-1": "limit", "limit=1e2": "limit", "limit=": "limit", "limit=٣": "limit",
    "state=dead": "state", "state=": "state", "schema=opencps": "schema", "schema=a@1%20": "schema", "schema=a@١": "schema",
    "since=yesterday": "since", "since=2026-11-21": "since", "since=2026-02-30T00:00:00Z": "since",
    "since=2026-11-21T08:00:00": "since", "until=20261121T080000Z": "until", "after=1": "after", "after=%00": "after",
    "limit=1&limit=2": "limit", "stat=kept": "stat", "waiting=true": "waiting",
}  # fmt: skip


async def test_a_bad_parameter_is_named(api: Api) -> None:
    """400 with one entry for each bad parameter: its name, what to write, never its value."""
    for query, name in BAD.items():
        answer = await api.get(f"/v1/arrivals?{query}")
        assert (answer.status, answer.json["type"]) == (400, "urn:dossier-hub:problem:bad-parameter"), query
        (error,) = answer.json["errors"]
        assert error["parameter"] == name and error["hint"], query
        assert "yesterday" not in answer.body.decode()
    for query in ("waiting=1", "dead=TRUE", "state=kept"):
        assert (await api.get(f"/v1/dossiers?{query}")).json["errors"][0]["parameter"] == query.partition("=")[0]
    both = await api.get("/v1/arrivals?limit=x&since=y&0123456789=1")
    assert [one["parameter"] for one in both.json["errors"]] == ["limit", "since", "‹masked›"]


async def test_a_long_timeline_is_cut(api: Api) -> None:
    """The newest entries are shown, and that there are older ones; a short timeline is whole."""
    (story,) = told()
    for number in range(reads.TIMELINE // 2):
        record = {**story.records[0], "dossierNote": f"note {number}"}
        assert (await api.send(record, headers={"Idempotency-Key": str(number)})).status == 202
        if number == 1:
            assert "truncated" not in (await api.get(f"/v1/dossiers/{story.code}")).json
    await settled(api.hub)
    view = (await api.get(f"/v1/dossiers/{story.code}")).json
    whole = await api.hub.store.dossier(story.code)
    assert whole is not None and len(whole["timeline"]) > reads.TIMELINE
    assert view["truncated"] and view["timeline"] == whole["timeline"][-reads.TIMELINE :]
