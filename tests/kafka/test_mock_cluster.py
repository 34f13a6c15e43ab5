"""Everywhere, without Java: librdkafka's simulated cluster. From topic to topic through a running hub."""

from __future__ import annotations

import json
from pathlib import Path

from files.parts import running

from hub.message import new_id
from kafka.parts import Source, Topics, all_of, committed, lives, until


async def test_from_topic_to_topic(mock_cluster: str, tmp_path: Path) -> None:
    """Each record comes in once, in order per key; each leaves as one CloudEvent; offsets follow the store."""
    source = Source(mock_cluster)
    topic, out = (source.make(f"t-{new_id()}") for _ in range(2))
    source.told(topic, lives(10, 5))
    source.put(topic, b"no json", "d-3")
    source.told(topic, lives(1, 1, "last"))
    home = Topics(tmp_path, {"brokers": mock_cluster.split(","), "tls": False}, topic, out)
    async with running(home):
        await until(lambda: home.count() == 51 and len(home.deliveries()) == 51)
        await home.settled(*["delivered"] * 51)
        assert home.numbers() == {**{f"d-{one}": [0, 1, 2, 3, 4] for one in range(10)}, "last-0": [0]}
        await until(lambda: list(home.refused().values()) == [["not_json"]])
        await until(lambda: sum(one for one in committed(mock_cluster, home.group, topic, 4) if one > 0) == 52)
    written = all_of(mock_cluster, out, 51)
    assert len({dict(one.headers())["ce_id"] for one in written}) == 51
    assert len({(one.partition(), one.key()) for one in written}) == 11, "one dossier is one key, in one partition"
    told = [json.loads(one.value()) for one in written]
    assert sorted((one["code"], one["name"]) for one in told) == sorted(
        (one["code"], one["name"]) for one in [*lives(10, 5), *lives(1, 1, "last")]
    )
