"""From Apache Kafka's topics into a running hub: once, in order per key, whatever is among them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import TopicPartition
from files.parts import running

from hub.errors import StoreUnavailable
from hub.intake.accept import Intake
from hub.store.sql import SqlStore
from kafka.broker import Broker, Given
from kafka.parts import Source, Topics, bytes_of, committed, lives, make_topic, record, until


async def test_many_at_once(broker: Broker | Given, tmp_path: Path) -> None:
    """5,000 records of 500 dossiers over three partitions: each once, in order, and every offset is committed."""
    topic = make_topic(broker.admin)
    Source(broker.address).told(topic, lives(500, 10))
    home = Topics(tmp_path, broker.settings, topic)
    async with running(home):
        await until(lambda: home.count() == 5000, 60)
        await until(lambda: sum(committed(broker.address, home.group, topic)) == 5000)
    assert home.numbers() == {f"d-{one}": list(range(10)) for one in range(500)}
    assert home.refused() == {}


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_packed_records(broker: Broker | Given, tmp_path: Path, compression: str) -> None:
    topic = make_topic(broker.admin)
    Source(broker.address, compression).told(topic, lives(20, 5))
    home = Topics(tmp_path, broker.settings, topic)
    async with running(home):
        await until(lambda: home.count() == 100)
    assert home.numbers() == {f"d-{one}": list(range(5)) for one in range(20)}


async def test_nothing_comes_twice_after_a_restart(broker: Broker | Given, tmp_path: Path) -> None:
    """A hub that ends and starts again goes on behind what it has; under its name in the group at once."""
    topic = make_topic(broker.admin)
    source = Source(broker.address)
    home = Topics(tmp_path, broker.settings, topic)
    for life in range(1, 4):
        source.told(topic, lives(20, 2, f"life-{life}"))
        async with running(home):
            await until(partial(_has, home, life * 40))
    assert home.count() == 120


def _has(home: Topics, count: int) -> bool:
    return home.count() == count


async def test_what_comes_again_is_known(broker: Broker | Given, tmp_path: Path) -> None:
    """The group's offsets are gone (a group of another name): all is read again, and all of it is known by its place."""
    topic = make_topic(broker.admin)
    Source(broker.address).told(topic, lives(20, 3))
    home = Topics(tmp_path, broker.settings, topic)
    async with running(home):
        await until(lambda: home.count() == 60)
    text = (home.home / "config.yaml").read_text()
    home.write("config.yaml", text.replace(home.group, f"{home.group}-2"))
    async with running(home):
        await until(lambda: sum(committed(broker.address, f"{home.group}-2", topic)) == 60)
    assert home.count() == 60


EVENT = {"ce_specversion": "1.0", "ce_source": "urn:land", "ce_type": "filed"}


async def test_a_record_is_known_by_what_names_it(broker: Broker | Given, tmp_path: Path) -> None:
    """The id of a CloudEvent, else the header that is configured, else the message's own id: the same again gives nothing new,
    wherever it stands. An id that came with another body is none."""
    topic = make_topic(broker.admin)
    source = Source(broker.address)
    for number, headers in enumerate(
        [
            {**EVENT, "ce_id": "1"}, {**EVENT, "ce_id": "1"},  # the same event
            {**EVENT, "ce_id": "1", "ce_source": "urn:other"},  # another source's
            {"Message-Id": "1"}, {"message-id": "1"},
            {"Message-Id": b"\xff"}, {},  # no text: no id
        ]
    ):  # fmt: skip
        source.put(topic, record(f"c-{(0, 0, 2, 3, 3, 5, 6)[number]}"), headers=headers)
    source.put(topic, record("body", id="i-1"))
    source.put(topic, record("body", id="i-1"), "another key")
    source.put(topic, record("conflict", 1), headers={**EVENT, "ce_id": "2"})
    source.put(topic, record("conflict", 2), headers={**EVENT, "ce_id": "2"})
    source.put(topic, record("last"))
    source.flush()
    home = Topics(tmp_path, broker.settings, topic, about={"id_header": "message-id"})
    async with running(home):
        await until(lambda: sum(committed(broker.address, home.group, topic)) == 12)
    assert home.numbers() == {
        "c-0": [0], "c-2": [0], "c-3": [0], "c-5": [0], "c-6": [0], "body": [0], "conflict": [1, 2], "last": [0],
    }  # fmt: skip


POISON: list[tuple[bytes | None, str]] = [
    (b"no json", "not_json"), (b"{\xff}", "not_utf8"), (None, "no_value"), (b"[]", "mistyped"), (b"{}", "missing"),
    (b'{"code":"x","state":"A","name":"' + b"x" * 5_300_000 + b'"}', "too_large"),
]  # fmt: skip


async def test_poison_stops_nothing(broker: Broker | Given, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the hub cannot take is kept with its place and the reasons, never shown in a log; all others come in, also those
    of its key. What names its dossier is kept by the hub, and holds its own dossier's followers only."""
    topic = make_topic(broker.admin, 1, **{"max.message.bytes": "6000000"})
    source = Source(broker.address)
    for number, (value, _) in enumerate(POISON):
        source.put(topic, record("before", number))
        source.put(topic, value, "before")
    source.put(topic, {**record("kept"), "state": 7, "id": "Nguyễn Thị Bí Mật"})
    source.put(topic, record("kept", 1))
    source.put(topic, record("after"))
    source.flush()
    home = Topics(tmp_path, broker.settings, topic)
    async with running(home):
        await until(lambda: committed(broker.address, home.group, topic, 1) == [15])
    assert {place: codes[0] for place, codes in home.refused().items()} == {
        f"0/{2 * number + 1}": code for number, (_, code) in enumerate(POISON)
    }
    assert home.numbers()["before"] == list(range(len(POISON)))
    assert home.numbers()["after"] == [0]
    states = home.look(
        "select state from arrivals a join bodies b on b.id = a.id where cast(b.content as text) like '%kept%' order by a.rowid"
    )
    assert [state for (state,) in states] == ["kept", "kept"]
    values = {one.stem.split("-")[1]: one.read_bytes() for one in home.refused_folder.rglob("*.value")}
    assert values == {str(2 * number + 1): value for number, (value, _) in enumerate(POISON) if value is not None}
    assert not (home.refused_folder.stat().st_mode & 0o077)
    logged = capfd.readouterr()
    said = [json.loads(line) for line in logged.err.splitlines() if line.startswith("{")]
    places = {(one["partition"], one["offset"]) for one in said if one["event"] == "record_refused"}
    assert places == {(0, 2 * one + 1) for one in range(len(POISON))}
    assert "Bí Mật" not in logged.err + logged.out and "no json" not in logged.err + logged.out


async def test_types_of_events(broker: Broker | Given, tmp_path: Path) -> None:
    """The type of an event says its schema; a type of which nothing is said is refused by name."""
    topic = make_topic(broker.admin)
    source = Source(broker.address)
    for kind in ("filed", "other"):
        source.put(topic, record(kind), headers={**EVENT, "ce_type": kind, "ce_id": kind})
    source.flush()
    home = Topics(tmp_path, broker.settings, topic, about={"schema": None, "types": {"filed": "record@1"}})
    async with running(home):
        await until(lambda: sum(max(0, one) for one in committed(broker.address, home.group, topic)) == 2)
    assert home.numbers() == {"filed": [0]}
    assert list(home.refused().values()) == [["unknown_type"]]


async def test_the_trace_goes_on(broker: Broker | Given, tmp_path: Path) -> None:
    topic = make_topic(broker.admin)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    Source(broker.address).told(topic, [record("one")], headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    home = Topics(tmp_path, broker.settings, topic)
    async with running(home):
        await until(lambda: home.count() == 1)
    ((correlation, origin, position),) = home.look("select correlation_id, origin, position from arrivals")
    assert (correlation, origin) == (trace, "land") and position.startswith(f"{topic}/")


async def test_a_store_that_is_away_loses_nothing(
    broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store takes nothing the records wait, in order, and their offsets with them."""
    topic = make_topic(broker.admin)
    Source(broker.address).told(topic, lives(30, 4))
    home = Topics(tmp_path, broker.settings, topic)
    honest, away, tried = SqlStore.accept, True, 0

    async def accept(store: SqlStore, plan: Any) -> Any:
        nonlocal tried
        tried += 1
        if away or tried % 7 == 0:
            raise StoreUnavailable("locked")
        return await honest(store, plan)

    monkeypatch.setattr(SqlStore, "accept", accept)
    monkeypatch.setattr("connectors.kafka.receiving._PAUSE", 0.05)
    async with running(home):
        await until(lambda: tried > 20)
        assert home.count() == 0 and set(committed(broker.address, home.group, topic)) == {-1001}
        away = False
        await until(lambda: home.count() == 120, 40)
    assert home.numbers() == {f"d-{one}": list(range(4)) for one in range(30)}
    assert home.refused() == {}


async def test_a_record_that_breaks_the_hub_is_put_aside(
    broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = make_topic(broker.admin, 1)
    Source(broker.address).told(topic, [record("good"), record("broken"), record("good", 1)])
    home = Topics(tmp_path, broker.settings, topic)
    honest = Intake.accept

    async def accept(intake: Intake, arrival: Any, *words: Any, **more: Any) -> Any:
        if json.loads(arrival.body)["code"] == "broken":
            raise RuntimeError("a fault of the hub's own")
        return await honest(intake, arrival, *words, **more)

    monkeypatch.setattr(Intake, "accept", accept)
    monkeypatch.setattr("hub.intake.contained.PAUSE_SECONDS", 0.01)
    async with running(home):
        await until(lambda: committed(broker.address, home.group, topic, 1) == [3])
    assert home.numbers() == {"good": [0, 1]}
    assert home.refused() == {"0/1": ["broke"]}


async def test_in_the_order_of_the_partition(broker: Broker | Given, tmp_path: Path) -> None:
    """A source that does not key by dossier: where the settings say so, one partition is one lane."""
    topic = make_topic(broker.admin, 1)
    source = Source(broker.address)
    for number in range(300):
        source.put(topic, record("one", number), f"key {number}")
    source.flush()
    home = Topics(tmp_path, broker.settings, topic, about={"ordered_by": "partition"})
    async with running(home):
        await until(lambda: home.count() == 300)
    assert home.numbers() == {"one": list(range(300))}


class _NoText(str):
    """The name of a header, as a system may write it that knows only bytes."""

    def encode(self, *_: Any) -> bytes:
        return b"t\xean"


async def test_the_name_of_a_header_is_no_text(
    broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The client cannot read behind such a record: what stands before it comes, and all of the other partitions."""
    for place in ("producer", "message_accumulator"):
        monkeypatch.setattr(f"aiokafka.producer.{place}.DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    topic = make_topic(broker.admin, 2)
    Source(broker.address).told(topic, lives(1, 9), partition=0)
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        await producer.send_and_wait(topic, bytes_of(record("one")), key=b"one", partition=0, headers=[(_NoText("x"), b"v")])
    Source(broker.address).told(topic, lives(1, 5), partition=0)
    home = Topics(tmp_path, broker.settings, topic)
    async with running(home):
        await until(lambda: committed(broker.address, home.group, topic, 2)[0] == 9)
        for number in range(3):
            Source(broker.address).told(topic, lives(1, 1, f"other-{number}"), partition=1)
            await until(partial(_committed_is, broker.address, home.group, topic, [9, number + 1]))
    assert home.numbers() == {"d-0": [*range(9)], **{f"other-{number}-0": [0] for number in range(3)}}
    said = capfd.readouterr().err
    assert said.count("topic_unreadable") == said.count("partitions_assigned") == 1


def _committed_is(address: str, group: str, topic: str, offsets: list[int]) -> bool:
    return committed(address, group, topic, len(offsets)) == offsets


async def test_from_what_comes(broker: Broker | Given, tmp_path: Path) -> None:
    """``start: latest``: what was there before the group is not read; what comes while the hub is away is, though it had read
    nothing before."""
    topic = make_topic(broker.admin)
    source = Source(broker.address)
    source.told(topic, lives(5, 1, "before"))
    home = Topics(tmp_path, broker.settings, topic, start="latest")
    async with running(home):
        await until(lambda: min(committed(broker.address, home.group, topic)) >= 0)
    source.told(topic, lives(5, 2, "away"))
    async with running(home):
        await until(lambda: home.count() == 10)
        source.told(topic, lives(1, 1, "last"))
        await until(lambda: home.count() == 11)
    assert set(home.numbers()) == {"last-0", *(f"away-{one}" for one in range(5))}


async def test_what_was_cleaned_away_loses_no_more(broker: Broker | Given, tmp_path: Path) -> None:
    """The records behind the group's offset were deleted there: it goes on with the oldest that is left, however it began."""
    topic = make_topic(broker.admin, 1)
    source = Source(broker.address)
    home = Topics(tmp_path, broker.settings, topic, start="latest")
    async with running(home):
        await until(lambda: committed(broker.address, home.group, topic, 1) == [0])
    source.told(topic, lives(1, 10))
    admin = broker.admin
    for future in admin.delete_records([TopicPartition(topic, 0, 4)]).values():
        future.result(20)
    async with running(home):
        await until(lambda: committed(broker.address, home.group, topic, 1) == [10])
    assert home.numbers() == {"d-0": [4, 5, 6, 7, 8, 9]}
