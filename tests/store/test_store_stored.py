"""What is stored can be read again, page by page, for a trial of another mapping."""

from __future__ import annotations

from typing import Any

from store_making import FAR, SOURCE, STATE, STEP, Desk, state, step

from hub.message import SchemaRef


async def test_stored_arrivals_and_messages_come_newest_first_in_pages(desk: Desk) -> None:
    """Bodies as they came, kept arrivals too; of these schemas only, from a time on; an erased body is None."""
    first = await desk.accept("a", state("A"), step("S"))
    second = await desk.accept("b", code="D2", kept="not_in_table")
    await desk.accept("c", code="D3", schema=SchemaRef("one-stop", "2.0.0"))

    async def page(what: Any, *schemas: SchemaRef, since: int | None = None, after: str | None = None) -> list[Any]:
        found = await desk.store.stored(what, list(map(str, schemas)), since=since, after=after, limit=1)
        return [(one.id, one.schema, one.state, one.body) for one in found]

    assert await page("arrivals", SOURCE) == [(second["arrival"], SOURCE, "kept", b"b")]
    assert await page("arrivals", SOURCE, after=second["arrival"]) == [(first["arrival"], SOURCE, "accepted", b"a")]
    assert await page("arrivals", SOURCE, after=first["arrival"]) == []
    assert await page("arrivals", SOURCE, since=FAR) == [] and len(await page("arrivals", SOURCE, since=0)) == 1
    ((_, _, _, body),) = await page("messages", STEP)
    assert body == b"S" and len(await page("messages", STATE, STEP)) == 1
    await desk.drain()
    await desk.store.erase_dossier("D1", actor="lan", why="asked for", now=desk.clock())
    assert [one[3] for one in await page("arrivals", SOURCE, after=second["arrival"])] == [None]
