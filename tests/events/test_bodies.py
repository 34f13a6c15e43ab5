"""What events say of persons: nothing, unless the configuration asks for bodies."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from files.parts import running
from kafka.parts import record, until

from events.parts import STREAM, Document, EventBox, described, following, knows_states, shell
from hub.store.events import LARGEST_BODY

NAME = "Trần Thị Canary"


async def test_bodies_only_where_asked_for(mock_cluster: str, tmp_path: Path) -> None:
    """With bodies, the canonical one of each message; one that is too large is left out and that is said; an erased one is
    gone, and whoever has a copy is told. Without, not a word of it."""
    document = Document(described())
    box = EventBox(tmp_path / "with", mock_cluster, None, "bodies")
    large = {**record("large"), "name": "x" * (LARGEST_BODY + 1)}
    with following(mock_cluster, box.topic, document) as follower:
        async with running(box) as hub:
            listener = follower.listener
            box.tell("a.jsonl", {**record("kept"), "name": NAME}, large, {**record("gone"), "name": "Gone before"})
            await until(lambda: len(box.files()) == 3)
            await asyncio.to_thread(follower.until, lambda: len(listener.messages) == 3 and knows_states(listener, box))
            said = {one["code"]: one for one in listener.bodies.values()}
            assert said["kept"] == {"code": "kept", "state": "open", "name": NAME} and said["gone"]["name"] == "Gone before"
            (left,) = [one for one in listener.messages.values() if "body_left_out" in one]
            assert left["body_left_out"] == "too_large" and left["message"] not in listener.bodies
            await asyncio.to_thread(shell, box.home, "purge", "--dossier", "gone", "--why", "asked")
            await asyncio.to_thread(follower.until, lambda: len(listener.erased) == 1)
            assert {one["code"] for one in listener.bodies.values()} == {"kept"}
            await hub.store.pause(STREAM, actor="lan", why="x", now=1)
            box.tell("b.jsonl", {**record("early"), "name": "Erased unheard"})
            await until(lambda: len(box.files()) == 4)
            await until(lambda: box.deliveries()[-1][0] == "delivered")
            await asyncio.to_thread(shell, box.home, "purge", "--dossier", "early", "--why", "asked")
            await hub.store.resume(STREAM, actor="lan", now=2)
            await asyncio.to_thread(follower.until, lambda: len(listener.erased) == 2)
        assert "Erased unheard" not in follower.text() and len(listener.messages) == 4
    bare = EventBox(tmp_path / "without", mock_cluster)
    with following(mock_cluster, bare.topic, document) as follower:
        async with running(bare):
            bare.tell("a.jsonl", {**record("a"), "name": NAME}, {**record("b", state="?"), "name": NAME})
            await until(lambda: len(bare.files()) == 1)
            await asyncio.to_thread(
                follower.until, lambda: len(follower.listener.arrivals) == 2 and knows_states(follower.listener, bare)
            )
        assert "Canary" not in json.dumps(follower.text(), ensure_ascii=False) and not follower.listener.bodies
