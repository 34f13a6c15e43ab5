"""The REST door over real HTTP: who gets in, what comes back; nothing bad is stored, repeated or left uncounted."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import re
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub import strictjson
from hub.api.server import Listen, Server, build_app
from hub.connector import Accepted
from hub.errors import BadConfig, IdConflict, Problem, SchemaInvalid, StoreUnavailable, UnknownSchema
from hub.intake.body import BodyLimits
from hub.intake.keys import hashed, may_send, new_key
from hub.message import Arrival
from hub.observe import metrics
from hub.observe.logging import configure
from hub.store.values import Key

NAME = "Nguyễn Thị Canary"
NUMBER = "001090012345"
SCHEMA = {"Hub-Schema": "opencps-dossier@1", "Content-Type": "application/json"}
GOOD = json.dumps({"dossierNo": "000.00.10.H22-261121-0001", "applicantName": NAME}).encode()


class World:
    """A hub without an engine: keys, and an ``accept`` that remembers; time stands still unless moved."""

    def __init__(self) -> None:
        self.now = 1_764_000_000_000_000
        self.held: dict[str, Key] = {}
        self.looked_up = 0
        self.arrivals: list[Arrival] = []
        self.accepting: Callable[[Arrival], Awaitable[None]] | None = None
        self.fails: Exception | None = None
        self.down: str | None = None
        self.running = True
        self.counted = 0
        self.seen: dict[str, Mapping[str, Any]] = {}
        self.key, self.text = self.add("one-stop", "opencps-dossier")
        self.url = ""

    def add(self, name: str, *schemas: str) -> tuple[Key, str]:
        key, text = new_key(name, schemas, self.now)
        self.held[key.hash] = key
        return key, text

    def auth(self, text: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {text or self.text}"}

    async def accept(self, arrival: Arrival, checkpoint: object = None) -> Accepted:
        if self.fails:
            raise self.fails
        if self.accepting:
            await self.accepting(arrival)
        strictjson.parse(arrival.body)
        if arrival.schema.id == "no-such":
            raise UnknownSchema([Problem("Hub-Schema", "unknown", "no schema has this id", "see `hub check`")])
        if arrival.key and arrival.key in self.seen:
            return Accepted(self.seen[arrival.key], repeated=True)
        receipt = {"arrival": arrival.id, "state": "accepted", "correlation_id": arrival.correlation_id}
        self.arrivals.append(arrival)
        if arrival.key:
            self.seen[arrival.key] = receipt
        return Accepted(receipt)

    # ── the part of the store's Reader that the doors use
    async def ping(self) -> None:
        if self.down:
            raise StoreUnavailable(self.down, NAME)

    async def keys(self) -> list[Key]:
        self.looked_up += 1
        await self.ping()
        return list(self.held.values())

    async def arrival(self, arrival_id: str) -> Mapping[str, Any] | None:
        found = [a for a in self.arrivals if a.id == arrival_id]
        return {"arrival": found[0].id, "sender": found[0].sender, "state": "accepted"} if found else None

    async def dossier(self, code: str) -> Mapping[str, Any] | None:
        known = {"000.00.10.H22-261121-0001": ["one-stop"], "A/1 b": ["one-stop", "other"], NUMBER: ["one-stop"]}
        return {"dossier": "d", "senders": known[code], "timeline": []} if code in known else None

    async def traffic(self) -> Mapping[str, Any]:
        self.counted += 1
        await self.ping()
        oldest = {"oldest_waiting_seconds": {"portal": float(self.counted)}, "oldest_sendable_seconds": {}}
        return {"arrivals": [], "deliveries": [], "paused": [], **oldest}


@pytest.fixture
def log() -> Iterator[io.BytesIO]:
    """The hub's log in memory, libraries' lines included."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.BytesIO()
    configure(written, "debug", process=False)
    root.setLevel("DEBUG")
    yield written
    configure(None, "info", process=False)
    logging.captureWarnings(False)
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
async def world(log: io.BytesIO) -> AsyncIterator[World]:
    """A running server on loopback with small limits: 64 KiB, half a second."""
    world = World()
    metrics.know(schemas=["opencps-dossier@1"])
    server = await serve(world)
    yield world
    await server.stop()


async def serve(world: World, **listen: Any) -> Server:
    app = build_app(
        accept=world.accept, store=world, clock=lambda: world.now, running=lambda: world.running,  # type: ignore[arg-type]
        limits=BodyLimits(bytes=64 * 1024, seconds=0.5),
    )  # fmt: skip
    server = Server(app, Listen(port=0, **listen))
    await server.start()
    world.url = f"{'https' if listen.get('cert') else 'http'}://127.0.0.1:{server.port}"
    return server


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self) -> Any:
        """The body, seen to be a problem document of this status; without its correlation id, which the header tells too."""
        assert self.headers["Content-Type"].startswith("application/problem+json")
        assert self.json["type"].startswith("urn:dossier-hub:problem:")
        assert self.json["status"] == self.status
        assert self.json["title"]
        body = self.json
        assert body.pop("correlation_id") == self.headers["Hub-Correlation-Id"]
        return body


async def call(world: World, method: str, path: str, **how: Any) -> Answer:
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.request(method, world.url + path, **how) as r:
        return Answer(r.status, r.headers.copy(), await r.read())


async def post(world: World, body: Any = GOOD, headers: Mapping[str, str] | None = None, **how: Any) -> Answer:
    given = {**world.auth(), **SCHEMA} if headers is None else headers
    return await call(world, "POST", "/v1/messages", data=body, headers=given, **how)


async def raw(world: World, sent: bytes, *, then: bytes = b"") -> bytes:
    """What the server answers to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(4096), 5)
    if then:
        writer.write(then)
        answer += await asyncio.wait_for(reader.read(4096), 5)
    await hang_up(writer)
    return answer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def head(world: World) -> str:
    """The beginning of a good request, up to what says how long its body is."""
    return f"POST /v1/messages HTTP/1.1\r\nHost: h\r\nX-API-Key: {world.text}\r\nHub-Schema: opencps-dossier@1\r\n"


def value(sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (.+)$", metrics.render().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what another task is about to do; fails after five seconds."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


def refused(kind: str) -> float:
    return value(f'hub_refused_total{{reason="{kind}"}}')


# ── the good way


async def test_a_message_gets_its_receipt(world: World) -> None:
    """202, the receipt, where to look; the arrival holds exactly the bytes, the sender of the key, the caller's trace."""
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await post(world, headers={**world.auth(), **SCHEMA, "traceparent": caller, "Idempotency-Key": "m-1"})
    (arrival,) = world.arrivals
    assert answer.status == 202
    assert answer.json == {
        "arrival": arrival.id, "state": "accepted", "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }  # fmt: skip
    assert answer.headers["Location"] == f"/v1/arrivals/{arrival.id}"
    assert "Idempotency-Replayed" not in answer.headers
    assert (arrival.sender, str(arrival.schema), arrival.key) == ("one-stop", "opencps-dossier@1", "m-1")
    assert arrival.body == GOOD
    assert arrival.received_at == world.now
    assert arrival.traceparent is not None
    assert arrival.traceparent.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert "00f067aa0ba902b7" not in arrival.traceparent


async def test_a_repeat_gets_the_first_receipt(world: World) -> None:
    """The header says that it is the first receipt again; Location is the first arrival's."""
    headers = {**world.auth(), **SCHEMA, "Idempotency-Key": "m-1"}
    first, second = await post(world, headers=headers), await post(world, headers=headers)
    assert second.status == 202
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (second.body, second.headers["Location"]) == (first.body, first.headers["Location"])
    assert len(world.arrivals) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; schema=opencps-dossier@1"},
        {"Content-Type": 'application/vnd.x+json; charset=UTF-8; schema="opencps-dossier@1"'},
        {"Content-Type": "application/json;schema=opencps-dossier@1", "Hub-Schema": "opencps-dossier@1"},
    ],
)
async def test_the_schema_may_be_named_by_the_media_type(world: World, headers: dict[str, str]) -> None:
    """As parameter ``schema``, with or without the header."""
    assert (await post(world, headers={**world.auth(), **headers})).status == 202
    assert str(world.arrivals[0].schema) == "opencps-dossier@1"


async def test_each_way_to_present_a_key(world: World) -> None:
    """Bearer in any case, or X-API-Key."""
    for headers in ({"Authorization": f"bearer {world.text}"}, {"X-API-Key": world.text}):
        assert (await post(world, headers={**headers, **SCHEMA})).status == 202


async def test_100_continue_comes_only_after_key_and_schema_were_good(world: World) -> None:
    """Nobody uploads a body only to hear that the key is wrong."""
    start = (
        f"POST /v1/messages HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {{}}\r\nHub-Schema: opencps-dossier@1\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(GOOD)}\r\n\r\n"
    )
    good = await raw(world, start.format(world.text).encode(), then=GOOD)
    assert good.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202")
    bad = await raw(world, start.format("hub_" + "x" * 43).encode())
    assert bad.startswith(b"HTTP/1.1 401")


# ── keys


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "wrong_scheme"),
        ({"Authorization": "Bearer"}, "malformed"),
        ({"Authorization": f"Bearer {NAME} {NUMBER}"}, "malformed"),
        ({"X-API-Key": "hub_" + "CANARYkey" + "a" * 34}, "unknown_key"),
        ({"Authorization": "Bearer hub_" + "a" * 43, "X-API-Key": "hub_" + "b" * 43}, "two_keys"),
    ],
)
async def test_no_or_a_wrong_key(world: World, log: io.BytesIO, headers: dict[str, str], code: str) -> None:
    """401 with the scheme to use; counted; nothing accepted; the key is nowhere."""
    before = refused("unauthenticated")
    answer = await post(world, headers={**headers, **SCHEMA})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    (error,) = answer.problem()["errors"]
    assert (error["header"], error["code"]) == ("Authorization", code)
    assert not world.arrivals
    assert refused("unauthenticated") == before + 1
    told = answer.body.decode() + log.getvalue().decode() + metrics.render().decode()
    assert "CANARY" not in told
    assert "Canary" not in told


async def test_a_key_without_the_right(world: World) -> None:
    """403 naming what the key may send; the body is not read; counted under sender and schema."""
    _, text = world.add("other", "progress-note")
    label = 'hub_arrivals_total{outcome="refused",schema="opencps-dossier@1",sender="other"}'
    before = value(label)
    answer = await post(world, headers={**world.auth(text), **SCHEMA})
    assert answer.status == 403
    assert "progress-note" in answer.problem()["errors"][0]["hint"]
    assert not world.arrivals
    assert value(label) == before + 1


async def test_a_key_for_everything(world: World) -> None:
    """``*`` may send any schema, and hears it when the schema does not exist."""
    key, text = world.add("all", "*")
    assert may_send(key, "anything")
    assert (await post(world, headers={**world.auth(text), **SCHEMA})).status == 202
    answer = await post(world, headers={**world.auth(text), "Hub-Schema": "no-such@1"}, skip_auto_headers=["Content-Type"])
    assert answer.status == 415
    assert answer.problem()["errors"][0]["code"] == "unknown"


async def test_a_revoked_key_works_at_most_five_seconds_longer(world: World) -> None:
    """Known keys are remembered so that not each request reads the store, but never longer than that."""
    assert (await post(world)).status == 202
    assert (await post(world)).status == 202
    assert world.looked_up == 1
    old = world.key
    world.held[old.hash] = Key(old.id, old.name, old.hash, old.schemas, old.created_at, revoked_at=world.now)
    world.now += 5_000_000
    answer = await post(world)
    assert answer.status == 401
    assert answer.problem()["errors"][0]["code"] == "revoked"


async def test_a_new_key_works_at_once(world: World) -> None:
    """A key that was refused before it was made is not remembered as unknown."""
    key, text = new_key("late", ["opencps-dossier"], world.now)
    assert (await post(world, headers={**world.auth(text), **SCHEMA})).status == 401
    world.held[key.hash] = key
    assert (await post(world, headers={**world.auth(text), **SCHEMA})).status == 202


def test_a_key_is_kept_only_as_its_hash() -> None:
    """The text is not in what is kept; two keys differ; names and rights are checked."""
    (one, text), (_, other) = new_key("one-stop", ["x"], 1), new_key("one-stop", ["x"], 1)
    assert text != other
    assert len(text) == 47
    assert text not in repr(one)
    assert one.hash == hashed(text)
    for name, schemas in (("One Stop", ["x"]), ("one-stop", []), ("one-stop", ["x@1"]), ("", ["x"])):
        with pytest.raises(ValueError, match=r"is|are"):
            new_key(name, schemas, 1)


# ── the request


@pytest.mark.parametrize(
    ("headers", "header", "code"),
    [
        ({"Content-Type": "application/json"}, "Hub-Schema", "missing"),
        ({"Content-Type": "application/json", "Hub-Schema": ""}, "Hub-Schema", "malformed"),
        ({"Content-Type": "application/json", "Hub-Schema": NAME}, "Hub-Schema", "malformed"),
        ({"Content-Type": "application/json", "Hub-Schema": f"{NUMBER}"}, "Hub-Schema", "malformed"),
        ({"Content-Type": "application/json", "Hub-Schema": "opencps-dossier@١"}, "Hub-Schema", "malformed"),
        (
            {"Content-Type": "application/json", "Hub-Schema": "opencps-dossier@" + "1" * 5000},
            "Hub-Schema",
            "malformed",
        ),
        ({"Content-Type": "application/json; schema=a@1", "Hub-Schema": "b@1"}, "Hub-Schema", "contradiction"),
        ({"Content-Type": "text/xml", "Hub-Schema": "opencps-dossier@1"}, "Content-Type", "media_type"),
        ({"Content-Type": "application/json; charset=utf-16", "Hub-Schema": "a@1"}, "Content-Type", "charset"),
    ],
)
async def test_a_schema_wrongly_named(world: World, headers: dict[str, str], header: str, code: str) -> None:
    """415 naming the header, with what to write instead and without what was written."""
    answer = await post(world, headers={**world.auth(), **headers})
    assert answer.status == 415
    (error,) = answer.problem()["errors"]
    assert (error["header"], error["code"]) == (header, code)
    assert error["hint"]
    assert "Canary" not in answer.body.decode()
    assert NUMBER not in answer.body.decode()


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "khoá", NAME])
async def test_a_malformed_idempotency_key(world: World, key: str) -> None:
    """400: 1 to 200 visible ASCII characters."""
    answer = await post(world, headers={**world.auth(), **SCHEMA, "Idempotency-Key": key})
    assert answer.status == 400
    assert answer.problem()["errors"][0]["header"] == "Idempotency-Key"
    assert not world.arrivals


async def test_a_200_character_key_is_fine(world: World) -> None:
    """The longest key that is allowed."""
    assert (await post(world, headers={**world.auth(), **SCHEMA, "Idempotency-Key": "~" * 200})).status == 202


# ── the body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", "not_json"),
        (b"", "empty"),
        (f'{{"applicantName":"{NAME}","applicantName":"{NUMBER}"}}'.encode(), "duplicate_key"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "too_deep"),
        (b"[" * 10_000 + b"]" * 10_000, "too_deep"),
        (f'{{"a":"{NAME}\\u0000"}}'.encode(), "nul"),
        (f'{{"a":"{NAME}\x00"}}'.encode(), "nul"),
        (f'{{"a":"{NAME}\\ud800"}}'.encode(), "lone_surrogate"),
        (b'{"a":NaN}', "not_a_number"),
        (b"\xef\xbb\xbf{}", "bom"),
        (NAME.encode("utf-16"), "bom"),
    ],
)
async def test_a_body_that_is_not_good_json(world: World, log: io.BytesIO, body: bytes, code: str) -> None:
    """400 with the place; nothing stored; counted once; no value of it in answer, log or metrics."""
    before = refused("not-parsable")
    answer = await post(world, body)
    assert answer.status == 400
    (error,) = answer.problem()["errors"]
    assert error["code"] == code
    assert "pointer" in error
    assert not world.arrivals
    assert refused("not-parsable") == before + 1
    told = answer.body.decode() + log.getvalue().decode() + metrics.render().decode()
    assert "Canary" not in told
    assert NUMBER not in told


def resident_bytes() -> int:
    """This process's memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def endless(megabytes: int, sent: list[int]) -> AsyncIterator[bytes]:
    block = b"x" * (1 << 20)
    for _ in range(megabytes):
        sent[0] += 1
        yield block


@pytest.mark.parametrize("length_told", [True, False])
async def test_100_megabytes(world: World, length_told: bool) -> None:
    """413, whether the length was told or the body comes in chunks, and the memory stays where it was."""
    before, resident = refused("too-large"), resident_bytes()
    lengths = {"Content-Length": str(100 << 20)} if length_told else {}
    sent = [0]
    try:
        answer = await post(world, endless(100, sent), headers={**world.auth(), **SCHEMA, **lengths})
    except aiohttp.ClientError:  # the server may have hung up while we were still sending
        pass
    else:
        assert answer.status == 413
        assert answer.problem()["errors"][0]["code"] == "too_large"
    assert refused("too-large") == before + 1
    assert not world.arrivals
    assert resident_bytes() - resident < 30 << 20


async def test_too_large_is_answered_before_the_body_comes(world: World) -> None:
    """The told length is enough."""
    answer = await raw(world, f"{head(world)}Content-Length: 104857600\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()


async def test_the_largest_allowed_body(world: World) -> None:
    """Exactly the limit passes, one byte more does not."""
    most = b'"' + b"x" * (64 * 1024 - 2) + b'"'
    assert (await post(world, most)).status == 202
    assert (await post(world, most + b" ")).status == 413


async def test_a_slow_body(world: World) -> None:
    """408 once the time for the whole body is over, however steadily it trickles."""

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    answer = await post(world, trickle())
    assert answer.status == 408
    assert answer.problem()["errors"][0]["code"] == "slow_body"
    assert not world.arrivals


async def test_half_a_body(world: World) -> None:
    """A caller that hangs up in the middle has sent nothing; it is counted."""
    before = refused("not-parsable")
    _, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(f"{head(world)}Content-Length: 100\r\n\r\n{{".encode())
    await until(lambda: world.looked_up > 0)
    await hang_up(writer)
    await until(lambda: refused("not-parsable") == before + 1)
    assert not world.arrivals


@pytest.mark.parametrize("together", [True, False])
async def test_a_broken_transfer_encoding(world: World, together: bool) -> None:
    """A body whose chunks are malformed never becomes whole: refused at once or when its time is over."""
    start, broken = f"{head(world)}Transfer-Encoding: chunked\r\n\r\n".encode(), f"{NAME}\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
    writer.write(start + broken if together else start)
    if not together:
        await until(lambda: world.looked_up > 0)
        writer.write(broken)
    answer = await asyncio.wait_for(reader.read(4096), 5)
    assert re.match(rb"HTTP/1\.[01] 40[08] ", answer)
    assert b"application/problem+json" in answer
    assert "Canary" not in answer.decode()
    assert not world.arrivals
    await hang_up(writer)


async def test_a_body_that_is_only_said_to_be_packed(world: World) -> None:
    """400, and the header is named."""
    answer = await post(world, headers={**world.auth(), **SCHEMA, "Content-Encoding": "gzip"})
    assert answer.status == 400
    assert answer.problem()["errors"][0]["header"] == "Content-Encoding"


# ── what accept says


async def test_one_entry_per_bad_field(world: World) -> None:
    """422 lists every field with pointer, code, detail and hint; numbers in texts are masked once more."""
    world.fails = SchemaInvalid(
        [
            Problem("/applicantIdNo", "pattern", f"does not fit {NUMBER}", "twelve digits"),
            Problem("/submitDate", "bad_date", "there is no such day"),
        ]
    )
    answer = await post(world)
    assert answer.status == 422
    assert answer.problem() == {
        "type": "urn:dossier-hub:problem:schema-invalid",
        "title": "The message does not fit its schema",
        "status": 422,
        "detail": "2 fields are wrong",
        "errors": [
            {
                "pointer": "/applicantIdNo",
                "code": "pattern",
                "detail": "does not fit ‹masked›",
                "hint": "twelve digits",
            },
            {"pointer": "/submitDate", "code": "bad_date", "detail": "there is no such day"},
        ],
    }


async def test_an_id_used_twice(world: World) -> None:
    """409 names the header."""
    world.fails = IdConflict([Problem("Idempotency-Key", "id_conflict", "used before with another body", "a new id")])
    answer = await post(world)
    assert answer.status == 409
    assert answer.problem()["errors"][0]["header"] == "Idempotency-Key"


@pytest.mark.parametrize("reason", ["disk_full", "locked", "corrupt"])
async def test_a_store_that_cannot_write(world: World, log: io.BytesIO, reason: str) -> None:
    """503 with the reason and when to come again, never a 202; not counted as refused."""
    world.fails = StoreUnavailable(reason, f"INSERT … {NAME}")
    before = value(f'hub_store_errors_total{{reason="{reason}"}}')
    answer = await post(world)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.problem()["reason"] == reason
    assert value(f'hub_store_errors_total{{reason="{reason}"}}') == before + 1
    assert "Canary" not in answer.body.decode() + log.getvalue().decode()


async def test_an_exception_nobody_expected(world: World, log: io.BytesIO) -> None:
    """500 without its text; the log says type and place, without its text either; the connection stays usable."""
    world.fails = RuntimeError(f"{NAME} {NUMBER} {world.text}")
    answer = await post(world)
    assert answer.status == 500
    answer.problem()
    written = log.getvalue().decode()
    assert "builtins.RuntimeError" in written
    assert "test_door.py" in written
    for secret in ("Canary", NUMBER, world.text):
        assert secret not in answer.body.decode() + written + metrics.render().decode()


# ── reading


async def test_a_sender_reads_its_own_arrivals_only(world: World) -> None:
    """The Location of the receipt answers; another sender's key hears 404, as for one that never was."""
    _, other = world.add("other", "*")
    path = (await post(world)).headers["Location"]
    mine = await call(world, "GET", path, headers=world.auth())
    assert (mine.status, mine.json["state"]) == (200, "accepted")
    theirs = await call(world, "GET", path, headers=world.auth(other))
    never = await call(world, "GET", "/v1/arrivals/0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000", headers=world.auth(other))
    assert theirs.status == never.status == 404
    assert theirs.problem() == never.problem()
    assert (await call(world, "GET", path)).status == 401


async def test_a_sender_reads_dossiers_it_has_a_part_in(world: World) -> None:
    """By any of its codes, slashes and blanks too; others hear 404."""
    _, other = world.add("other", "*")
    code = "/v1/dossiers/000.00.10.H22-261121-0001"
    assert (await call(world, "GET", code, headers=world.auth())).json["senders"] == ["one-stop"]
    assert (await call(world, "GET", "/v1/dossiers/A/1%20b", headers=world.auth(other))).status == 200
    assert (await call(world, "GET", code, headers=world.auth(other))).status == 404
    assert (await call(world, "GET", code)).status == 401


@pytest.mark.parametrize("path", ["/v1/arrivals/x", "/v1/arrivals/%00", "/v1/dossiers/a%00b", "/v1/dossiers/%ED%A0%80"])
async def test_odd_names_are_simply_not_found(world: World, path: str) -> None:
    """NUL and bytes that are no text never reach the store."""
    assert (await call(world, "GET", path, headers=world.auth())).status == 404


async def test_unknown_paths_and_methods_are_problems_too(world: World) -> None:
    """404 and 405 in the same form, without the path in them."""
    answer = await call(world, "GET", f"/v2/{NUMBER}")
    assert answer.status == 404
    assert NUMBER not in json.dumps(answer.problem())
    answer = await call(world, "DELETE", "/v1/messages")
    assert answer.status == 405
    assert answer.headers["Allow"] == "OPTIONS, POST"
    answer.problem()


# ── probes


async def test_alive_and_ready(world: World) -> None:
    """Alive always; ready only while the store takes writes and the dispatcher runs, else 503 naming which."""
    assert (await call(world, "GET", "/health/live")).status == 200
    assert (await call(world, "GET", "/health/ready")).status == 200
    world.running = False
    answer = await call(world, "GET", "/health/ready")
    assert (answer.status, answer.problem()["reason"]) == (503, "dispatcher_stopped")
    world.running, world.down = True, "disk_full"
    answer = await call(world, "GET", "/health/ready")
    assert (answer.status, answer.problem()["reason"]) == (503, "disk_full")
    assert (await call(world, "GET", "/health/live")).status == 200


async def test_metrics_count_the_store_at_most_once_a_second(world: World) -> None:
    """However often they are asked for; and they answer even when the store does not."""
    for _ in range(3):
        answer = await call(world, "GET", "/metrics")
    assert world.counted == 1
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'hub_oldest_waiting_seconds{endpoint="portal"} 1.0' in answer.body
    world.now += 1_000_000
    world.down = "locked"
    assert (await call(world, "GET", "/metrics")).status == 200
    assert world.counted == 2


# ── the log, the wire, the end


async def test_one_line_per_request_without_its_path(world: World, log: io.BytesIO) -> None:
    """Method, pattern, status, seconds and correlation id; a national code as a field, any other code masked."""
    await call(world, "GET", f"/v1/dossiers/{NUMBER}?name={NUMBER}", headers=world.auth())
    await call(world, "GET", "/v1/dossiers/000.00.10.H22-261121-0001", headers=world.auth())
    requests = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == "request"]
    assert [line["path"] for line in requests] == ["/v1/dossiers/{code}"] * 2
    assert [line["dossier"] for line in requests] == ["‹masked›", "000.00.10.H22-261121-0001"]
    assert all(line["method"] == "GET" and line["status"] == 200 and line["seconds"] > 0 for line in requests)
    assert all(re.fullmatch("[0-9a-f]{32}", line["correlation_id"]) for line in requests)
    assert NUMBER not in log.getvalue().decode()
    assert not any(line["logger"] == "aiohttp.access" for line in map(json.loads, log.getvalue().splitlines()))


@pytest.mark.parametrize(
    "sent",
    [
        f"GET /{NAME} {NUMBER} HTTP/1.1\r\n\r\n".encode(),
        f"{NAME}\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nHost: h\r\nX-API-Key {NUMBER} {NAME}\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\nHost: h\r\nX: " + NUMBER.encode() * 2000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + NUMBER.encode() + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_not_repeated(world: World, log: io.BytesIO, sent: bytes) -> None:
    """400 as a problem; neither the answer nor the log quotes the line."""
    answer = await raw(world, sent)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert b"urn:dossier-hub:problem:malformed-http" in answer
    told = answer.decode() + log.getvalue().decode()
    assert NUMBER not in told
    assert "Canary" not in told


async def test_stop_lets_requests_under_way_end(world: World) -> None:
    """A request that is being accepted gets its receipt; a new connection is refused."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def wait(arrival: Arrival) -> None:
        entered.set()
        await go_on.wait()

    server = await serve(world)
    world.accepting = wait
    sending = asyncio.create_task(post(world))
    await entered.wait()
    stopping = asyncio.create_task(server.stop())
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rpartition(":")[2]))
        except ConnectionError:
            break
        await hang_up(writer)
    await asyncio.wait([stopping], timeout=0.2)  # it does not stop without the request
    assert not stopping.done()
    go_on.set()
    assert (await sending).status == 202
    await stopping


async def test_stop_does_not_wait_longer_than_the_grace(world: World) -> None:
    """A request that never ends is cut off; its caller has no receipt and will send again."""
    entered = asyncio.Event()

    async def hang(arrival: Arrival) -> None:
        entered.set()
        await asyncio.Event().wait()

    server = await serve(world, grace_seconds=0.1)
    world.accepting = hang
    sending = asyncio.create_task(post(world))
    await entered.wait()
    await asyncio.wait_for(server.stop(), 5)
    with pytest.raises(aiohttp.ClientError):
        await sending


async def test_a_caller_who_leaves_does_not_stop_the_accept(world: World) -> None:
    """Once the body is in, the arrival is accepted whether or not anyone waits for the receipt."""
    entered, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(arrival: Arrival) -> None:
        entered.set()
        await go_on.wait()
        ended.set()

    world.accepting = wait
    sending = asyncio.create_task(post(world))
    await entered.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    go_on.set()
    await asyncio.wait_for(ended.wait(), 5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


async def test_tls(world: World, certificate: tuple[Path, Path]) -> None:
    """With certificate and key it speaks TLS 1.2 or newer, nothing older."""
    cert, key = certificate
    server = await serve(world, cert=cert, key=key)
    trusting = ssl.create_default_context(cafile=str(cert))
    assert (await post(world, ssl=trusting)).status == 202
    old = ssl.create_default_context(cafile=str(cert))
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(world, ssl=old)
    await server.stop()


async def test_who_does_not_agree_on_tls_is_cut_soon(world: World, certificate: tuple[Path, Path]) -> None:
    """Not after a minute, as the library would have it; whoever speaks TLS is served meanwhile."""
    cert, key = certificate
    server = await serve(world, cert=cert, key=key, idle_seconds=0.5)
    silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
    assert (await post(world, ssl=ssl.create_default_context(cafile=str(cert)))).status == 202
    for reader, writer in silent:
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
    await server.stop()


def test_tls_files_that_do_not_work(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Refused before anything listens: one without the other, absent, not a certificate."""
    cert, key = certificate
    junk = tmp_path / "junk.pem"
    junk.write_text(NAME)
    app = build_app(accept=World().accept, store=World(), clock=lambda: 0, running=lambda: True)  # type: ignore[arg-type]
    for pair in ((cert, None), (None, key), (tmp_path / "absent", key), (junk, key), (cert, cert)):
        with pytest.raises(BadConfig, match=r"listen\.(cert|key)"):
            Server(app, Listen(cert=pair[0], key=pair[1]))


async def test_an_address_that_is_taken(world: World) -> None:
    """BadConfig that names it, instead of a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        app = build_app(accept=world.accept, store=world, clock=lambda: 0, running=lambda: True)  # type: ignore[arg-type]
        with pytest.raises(BadConfig, match=f"127.0.0.1:{port}"):
            await Server(app, Listen(port=port)).start()
