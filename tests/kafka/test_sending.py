"""Messages into Apache Kafka's topics: one event each, named the same each time it is sent; errors that say what happened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from files.parts import running

from connectors.kafka.connector import Kafka
from hub.connector import ConnectorContext
from hub.errors import AccountRefused, InDoubt, NotAsked, NotConnected, Rejected, Transient
from hub.message import Message, SchemaRef, new_id, system_clock
from hub.observe import metrics
from kafka.broker import PASSWORD, USER, Broker, Given
from kafka.parts import Source, Topics, Verdict, all_of, lives, make_topic, until, verdict


class Try:
    """One attempt, with what the hub knows of the dossier."""

    number, may_update, sent_before = 1, False, False
    remembered: Mapping[str, Any] = {}

    def __init__(self, **codes: str) -> None:
        self.known_ids: Mapping[str, str] = {name.replace("_", "-"): code for name, code in codes.items()}

    async def remember(self, key: str, value: Any, *, issued: Mapping[str, str] | None = None) -> None: ...


def note(body: Any = None, dossier: str = "d-1", message_id: str | None = None, version: str = "1.0.0") -> Message:
    body = {"code": "c", "state": "A", "name": "Nguyễn Thị Bí Mật"} if body is None else body
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    return Message(message_id or new_id(), "a", dossier, 1, SchemaRef.parse(f"note@{version}"), body, "c", traceparent=trace)


@asynccontextmanager
async def endpoint(cluster: Mapping[str, Any], topic: str, **write: Any) -> AsyncIterator[Kafka]:
    settings = {"write": {"topics": {"note@1": topic}, "source": "urn:example:hub", **write}, **cluster}
    made = Kafka(Kafka.Config.model_validate(settings), ConnectorContext("out", system_clock))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def test_an_event_as_the_paper_says(broker: Broker | Given) -> None:
    """CloudEvents 1.0, binary mode: nothing of a person in a header, the same headers when it is sent again."""
    topic = make_topic(broker.admin)
    sent = note()
    async with endpoint(broker.settings, topic) as out:
        await out.check()
        receipt = await out.send(sent, Try(national="000.00.10.H22-261121-0001"))
        await out.send(sent, Try(national="000.00.10.H22-261121-0001"))
    first, second = all_of(broker.address, topic, 2)
    assert receipt.reference == f"{topic}/{first.partition()}/{first.offset()}"
    headers = dict(first.headers())
    made_at = headers.pop("ce_time")
    assert headers == {
        "ce_specversion": b"1.0", "ce_id": f"{sent.id}/note@1".encode(), "ce_source": b"urn:example:hub",
        "ce_type": b"dossier-hub.note@1", "ce_subject": b"000.00.10.H22-261121-0001",
        "ce_dataschema": b"urn:dossier-hub:note:1.0.0", "content-type": b"application/json",
        "traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }  # fmt: skip
    assert made_at.endswith(b"Z") and len(made_at) == 24
    assert (first.headers(), first.key(), first.value()) == (second.headers(), second.key(), second.value())
    assert (first.key(), json.loads(first.value())) == (b"d-1", sent.body)


async def test_the_key_is_the_code_that_the_settings_name(broker: Broker | Given) -> None:
    topic = make_topic(broker.admin)
    async with endpoint(broker.settings, topic, key="land-office") as out:
        await out.send(note(), Try(land_office="L-7"))
        with pytest.raises(NotAsked, match="no_code"):
            await out.send(note(), Try(national="N-1"))
    (only,) = all_of(broker.address, topic, 1)
    assert only.key() == b"L-7"


async def test_out_of_a_running_hub(broker: Broker | Given, tmp_path: Path) -> None:
    """In order per dossier, once each."""
    topic, out = make_topic(broker.admin), make_topic(broker.admin)
    Source(broker.address).told(topic, lives(10, 6))
    home = Topics(tmp_path, broker.settings, topic, out)
    async with running(home):
        await until(lambda: [state for state, _ in home.deliveries()] == ["delivered"] * 60)
    seen: dict[str, list[int]] = {}
    for one in all_of(broker.address, out, 60):
        value = json.loads(one.value())
        seen.setdefault(value["code"], []).append(int(value["name"]))
    assert seen == {f"d-{one}": list(range(6)) for one in range(10)}


async def test_no_broker() -> None:
    """Nothing was sent, and that is said."""
    async with endpoint({"brokers": ["127.0.0.1:9"], "tls": False}, "t") as out:
        for call in (lambda: out.send(note(), Try()), out.check):
            with pytest.raises(NotConnected, match="no_broker"):
                await call()


async def test_no_topic(broker: Broker | Given) -> None:
    """An operator has to mend that; until then the message waits. ``check`` makes no topic."""
    async with endpoint({**broker.settings, "connect_timeout": 5}, missing := f"missing-{new_id()}") as out:
        for call in (lambda: out.send(note(), Try()), out.check):
            with pytest.raises(AccountRefused, match="unknown_topic"):
                await call()
        assert missing not in broker.admin.list_topics(timeout=10).topics


async def test_too_large(broker: Broker | Given) -> None:
    """By our own limit before it is sent, by the topic's when it comes there; what is small goes on."""
    topic = make_topic(broker.admin, 1, **{"max.message.bytes": "20000"})
    async with endpoint(broker.settings, topic, max_bytes=50_000) as out:
        for size, code in ((60_000, "too_large"), (30_000, "record_refused")):
            with pytest.raises(Rejected, match=code):
                await out.send(note({"code": "x" * size, "state": "A"}), Try())
        await out.send(note(), Try())
    assert len(all_of(broker.address, topic, 1)) == 1


async def test_what_comes_behind_a_refused_record_is_in_no_doubt(broker: Broker | Given) -> None:
    """The brokers miss the number that the refused one had; that is nothing to the next."""
    topic = make_topic(broker.admin, 1, **{"max.message.bytes": "20000"})
    async with endpoint(broker.settings, topic, max_bytes=50_000) as out:
        await out.send(note(), Try())
        with pytest.raises(Rejected, match="record_refused"):
            await out.send(note({"code": "x" * 30_000, "state": "A"}), Try())
        assert (await out.send(note(), Try())).reference == f"{topic}/0/1"


async def test_a_record_in_doubt_stays_under_way(own_broker: Broker) -> None:
    """A broker that says nothing: in doubt. Sent again while the first is under way, it is the same record: there is one."""
    topic = make_topic(own_broker.admin, 1)
    async with endpoint(own_broker.settings, topic, timeout=4) as out:
        await out.send(note(), Try())
        sent = note()
        own_broker.freeze()
        try:
            with pytest.raises(InDoubt, match="no_answer"):
                await out.send(sent, Try())
            with pytest.raises(Transient, match="under_way"):
                await out.find(sent, Try())
            again = asyncio.ensure_future(out.send(sent, Try()))
            await asyncio.sleep(0)
        finally:
            own_broker.thaw()
        assert (await again).reference == f"{topic}/0/1"
        unknown = await out.find(note(), Try())
        assert unknown is not None and unknown.holds is None
    assert [one.offset() for one in all_of(own_broker.address, topic, 2)] == [0, 1]


async def test_an_attempt_that_is_ended_stays_under_way(own_broker: Broker) -> None:
    """The engine's deadline ends the attempt, not the record; asked afterwards, the connector knows that it is there."""
    topic = make_topic(own_broker.admin, 1)
    async with endpoint(own_broker.settings, topic) as out:
        await out.send(note(), Try())
        own_broker.freeze()
        sent = note()
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(out.send(sent, Try()), 0.3)
        finally:
            own_broker.thaw()
        end = asyncio.get_running_loop().time() + 20
        found = None
        while found is None:
            assert asyncio.get_running_loop().time() < end
            try:
                found = await out.find(sent, Try())
            except Transient:
                await asyncio.sleep(0.05)
        assert found.holds is True
    assert len(all_of(own_broker.address, topic, 2)) == 2


async def test_one_message_in_two_versions_of_a_schema(own_broker: Broker) -> None:
    """Two records, each with a name of its own: the one in doubt is not taken for the other."""
    first, second = make_topic(own_broker.admin, 1), make_topic(own_broker.admin, 1)
    both = {"topics": {"note@1": first, "note@2": second}}
    async with endpoint(own_broker.settings, first, timeout=4, **both) as out:
        await out.send(note(), Try())
        sent = note()
        own_broker.freeze()
        try:
            with pytest.raises(InDoubt, match="no_answer"):
                await out.send(sent, Try())
        finally:
            own_broker.thaw()
        receipt = await out.send(note(message_id=sent.id, version="2.0.0"), Try())
        assert receipt.reference == f"{second}/0/0"
    (other,) = all_of(own_broker.address, second, 1)
    assert dict(other.headers())["ce_id"] != dict(all_of(own_broker.address, first, 2)[1].headers())["ce_id"]


async def test_nothing_goes_on_behind_its_end(own_broker: Broker) -> None:
    """It is closed with a record under way, and the broker says nothing: no task of it is left, and who waited is told."""
    topic = make_topic(own_broker.admin, 1)
    before = asyncio.all_tasks()
    async with endpoint(own_broker.settings, topic, timeout=60) as out:
        await out.send(note(), Try())
        own_broker.freeze()
        waiting = asyncio.ensure_future(out.send(note(), Try()))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
    try:
        with pytest.raises(InDoubt, match="no_answer"):
            async with asyncio.timeout(5):
                await waiting
        left = [one for one in asyncio.all_tasks() - before if one is not waiting]
        if left:
            await asyncio.wait(left, timeout=1)
        assert [one for one in left if not one.done()] == []
    finally:
        own_broker.thaw()


async def test_a_producer_that_has_died_is_replaced(broker: Broker | Given) -> None:
    """Whatever it died of: one record is told of it, the next gets a new one."""
    topic = make_topic(broker.admin, 1)
    async with endpoint(broker.settings, topic) as out:
        await out.send(note(), Try())
        assert out._sending is not None and out._sending._producing._producer is not None
        out._sending._producing._producer._message_accumulator.fail_all(KafkaError("its task broke"))
        with pytest.raises(NotConnected):
            await out.send(note(), Try())
        assert (await out.send(note(), Try())).reference == f"{topic}/0/1"


def secure(broker: Broker, mechanism: str = "scram-sha-512", **more: Any) -> dict[str, Any]:
    account = {"mechanism": mechanism, "username": USER, "password": PASSWORD}
    return {"brokers": [broker.secure_address], "ca_file": str(broker.ca_file), "sasl": account, **more}


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "scram-sha-512"])
async def test_tls_and_sasl(own_broker: Broker, tmp_path: Path, mechanism: str) -> None:
    """Both ways, encrypted and signed in."""
    topic, out = make_topic(own_broker.admin), make_topic(own_broker.admin)
    Source(own_broker.address).told(topic, lives(2, 2))
    home = Topics(tmp_path, secure(own_broker, mechanism), topic, out)
    async with running(home):
        await until(lambda: [state for state, _ in home.deliveries()] == ["delivered"] * 4)
    assert len(all_of(own_broker.address, out, 4)) == 4


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-512"])
async def test_a_wrong_password(own_broker: Broker, mechanism: str, capfd: pytest.CaptureFixture[str]) -> None:
    """An operator's affair, and said as such; the password stands nowhere."""
    sasl = {"mechanism": mechanism, "username": USER, "password": "sai-mat-khau"}
    topic = make_topic(own_broker.admin)
    async with endpoint(secure(own_broker, sasl=sasl), topic) as out:
        for call in (lambda: out.send(note(), Try()), out.check):
            with pytest.raises(AccountRefused, match="not_allowed") as caught:
                await call()
            assert "sai-mat-khau" not in str(caught.value)
        assert "sai-mat-khau" not in repr(out.config)
    said = capfd.readouterr()
    assert "sai-mat-khau" not in said.out + said.err


async def test_an_authority_that_is_not_trusted(own_broker: Broker) -> None:
    async with endpoint(secure(own_broker, ca_file=None), "t") as out:
        with pytest.raises(NotConnected, match="no_broker"):
            await out.check()


async def test_no_right_to_a_topic(own_broker: Broker) -> None:
    """The account may not write there: its messages wait for an operator, none is dead by it."""
    topic = make_topic(own_broker.admin)
    account = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{USER}", "*")
    rules = [
        AclBinding(*account, AclOperation.DESCRIBE, AclPermissionType.ALLOW),
        AclBinding(*account, AclOperation.WRITE, AclPermissionType.DENY),
    ]
    admin = own_broker.admin
    for future in admin.create_acls(rules).values():
        future.result(20)
    async with endpoint(secure(own_broker), topic) as out:
        with pytest.raises(AccountRefused, match="not_allowed"):
            await out.send(note(), Try())


async def test_the_right_to_the_group_is_taken_and_given_back(own_broker: Broker, tmp_path: Path) -> None:
    """While the account may not be in its group nothing is read; with the right it goes on by itself."""
    admin, topic = own_broker.admin, make_topic(own_broker.admin)
    home = Topics(tmp_path, secure(own_broker), topic)
    group = (ResourceType.GROUP, home.group, ResourcePatternType.LITERAL)
    rule = AclBinding(*group, f"User:{USER}", "*", AclOperation.READ, AclPermissionType.DENY)
    Source(own_broker.address).told(topic, lives(4, 2, "before"))
    async with running(home):
        await until(lambda: home.count() == 8)
        for made in admin.create_acls([rule]).values():
            made.result(20)
        await until(lambda: 'hub_topics_unreadable{endpoint="land"} 1.0' in metrics.render().decode())
        Source(own_broker.address).told(topic, lives(4, 2, "while"))
        for gone in admin.delete_acls([AclBindingFilter(*group, None, None, AclOperation.ANY, AclPermissionType.ANY)]).values():
            gone.result(20)
        await until(lambda: home.count() == 16, 30)
    assert verdict([*lives(4, 2, "before"), *lives(4, 2, "while")], home) == Verdict()
