"""What one client may send, and what all of them together may cost: a whole hub, over HTTP, with small limits."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.web
import pytest
from flow.parts import CONFIG, MovableClock, make_home, running, told, until

from hub.api import reads
from hub.app import Hub
from hub.config import load_home
from hub.errors import BadConfig
from hub.intake.gate import Room
from hub.intake.keys import new_key
from hub.store import listing

SERVER = "server: { port: 0 }"
STORY = told()[0]


@dataclass
class Door:
    """The running hub's door and the keys of its senders."""

    hub: Hub
    clock: MovableClock
    keys: dict[str, str]

    def head(self, sender: str, more: str = "") -> bytes:
        """The head of a request, open at its end."""
        lines = ("POST /v1/messages HTTP/1.1", "Host: h", f"X-API-Key: {self.keys[sender]}", "Hub-Schema: opencps-dossier@1")
        return "\r\n".join((*lines, more)).encode()

    async def post(self, sender: str, body: bytes, **headers: str) -> tuple[int, Any, Any]:
        """Status, headers, decoded body."""
        given = {
            "X-API-Key": self.keys[sender],
            "Hub-Schema": "opencps-dossier@1",
            "Content-Type": "application/json",
            **headers,
        }
        url = f"http://127.0.0.1:{self.hub.port}/v1/messages"
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=given) as answer:
            return answer.status, answer.headers.copy(), json.loads(await answer.read())

    async def get(self, sender: str, path: str) -> int:
        """Status of a read under /v1."""
        url = f"http://127.0.0.1:{self.hub.port}/v1/{path}"
        async with aiohttp.ClientSession() as session, session.get(url, headers={"X-API-Key": self.keys[sender]}) as answer:
            await answer.read()
            return answer.status

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.hub.port)

    async def metric(self, name: str) -> float:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.hub.port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " ")), 0.0)


@asynccontextmanager
async def open_door(
    folder: Path, *, server: str = "", clients: str = "", clock: MovableClock | None = None, keys: dict[str, str] | None = None
) -> AsyncIterator[Door]:
    """A hub with these additions to its configuration; ``keys`` of an earlier hub on the same folder."""
    text = CONFIG.replace(SERVER, f"server: {{ port: 0, {server} }}") + (f"clients: {clients}\n" if clients else "")
    clock = clock or MovableClock()
    async with running(make_home(folder, text), clock) as (hub, _):
        door = Door(hub, clock, keys or {})
        for name in () if keys else ("one-stop", "land", "tax"):
            key, door.keys[name] = new_key(name, ["*"], clock())
            await hub.store.add_key(key)
        yield door


def record(number: int = 0) -> bytes:
    """A record of a dossier of its own for each number."""
    first = STORY.records[0]
    mine = {"dossierNo": f"000.00.10.H22-261120-9{number:03d}", "referenceUid": f"own-{number}", "dossierId": 900_000 + number}
    return json.dumps({**first, **mine}, ensure_ascii=False).encode()


# ── one client


async def test_a_rate_and_what_is_left_of_it(tmp_path: Path) -> None:
    """Two at once, then one each half second; 429 names the limit and the wait; the others are not touched."""
    async with open_door(tmp_path, clients="{ one-stop: { rate: 2, burst: 2 } }") as door:
        door.clock.stand_still()
        for left in ("1", "0"):
            status, headers, _ = await door.post("one-stop", record())
            assert status == 202
            assert headers["RateLimit-Policy"] == '"rate";q=2;w=1'
            assert headers["RateLimit"].startswith(f'"rate";r={left};t=')
        status, headers, problem = await door.post("one-stop", record())
        assert (status, headers["Retry-After"]) == (429, "1")
        assert headers["RateLimit"].startswith('"rate";r=0;t=1')
        assert problem["type"] == "urn:dossier-hub:problem:too-many"
        assert problem["errors"][0]["code"] == "rate"
        for _ in range(5):
            status, headers, _ = await door.post("land", record(1))
            assert status == 202 and "RateLimit" not in headers
        door.clock.advance(3600)  # a long pause earns no more than the burst
        assert [(await door.post("one-stop", record()))[0] for _ in range(3)] == [202, 202, 429]
        door.clock.advance(-1800)  # a clock that is set back locks nobody out for half an hour
        assert (await door.post("one-stop", record()))[0] == 429
        door.clock.advance(2)
        assert (await door.post("one-stop", record()))[0] == 202


async def test_bad_requests_count_for_the_rate(tmp_path: Path) -> None:
    """A client that sends only rubbish is slowed down too."""
    async with open_door(tmp_path, clients="{ default: { rate: 0.01, burst: 2 } }") as door:
        assert [(await door.post("land", b"rubbish"))[0] for _ in range(3)] == [400, 400, 429]
        assert (await door.post("tax", record()))[0] == 202


async def test_a_day_s_messages_survive_a_restart_and_end_at_midnight(tmp_path: Path) -> None:
    """What was accepted today is counted from the store; repeats and refusals are not; midnight is Vietnam's."""
    clock, limit = MovableClock(), "{ one-stop: { per_day: 3 } }"
    east = 7 * 3600
    into_the_day = (clock() // 1_000_000 + east) % 86_400
    clock.advance(-into_the_day + 12 * 3600)  # noon in Vietnam
    async with open_door(tmp_path, clients=limit, clock=clock) as door:
        for body, expected in ((record(0), 202), (record(0), 202), (b"{}", 422), (record(1), 202)):
            assert (await door.post("one-stop", body))[0] == expected
        keys = door.keys
    async with open_door(tmp_path, clients=limit, clock=clock, keys=keys) as door:
        assert (await door.post("one-stop", record(2)))[0] == 202
        status, headers, problem = await door.post("one-stop", record(3))
        assert (status, problem["errors"][0]["code"]) == (429, "per_day")
        assert abs(int(headers["Retry-After"]) - 12 * 3600) < 60
        assert headers["RateLimit-Policy"] == '"per_day";q=3;w=86400'
        clock.advance(12 * 3600 - 60)
        assert (await door.post("one-stop", record(3)))[0] == 429
        clock.advance(120)
        assert (await door.post("one-stop", record(3)))[0] == 202


async def test_a_day_s_bytes_are_those_of_the_unpacked_messages(tmp_path: Path) -> None:
    """The message that reaches the limit is the last; packing it does not help."""
    size = len(record())
    async with open_door(tmp_path, clients=f"{{ default: {{ bytes_per_day: {2 * size} }} }}") as door:
        for number in range(2):
            status, _, _ = await door.post("one-stop", gzip.compress(record(number)), **{"Content-Encoding": "gzip"})
            assert status == 202
        status, headers, problem = await door.post("one-stop", record(2))
        assert (status, problem["errors"][0]["code"]) == (429, "bytes_per_day")
        assert headers["RateLimit-Policy"] == f'"bytes_per_day";q={2 * size};qu="content-bytes";w=86400'


async def test_limits_follow_a_reload(tmp_path: Path) -> None:
    """An operator slows a client down without a restart."""
    async with open_door(tmp_path) as door:
        assert (await door.post("land", record()))[0] == 202
        path = tmp_path / "config.yaml"
        path.write_text(path.read_text() + "clients: { land: { rate: 0.01, burst: 1 } }\n")
        assert door.hub.reload() == []
        assert [(await door.post("land", record()))[0] for _ in range(2)] == [202, 429]


@pytest.mark.parametrize(
    ("server", "clients", "at"),
    [
        ("", "{ land: { burst: 3 } }", "clients.land"),
        ("max_held_bytes: 2000", "{}", "server"),
        ("", "{ Land: {} }", "clients.Land"),
    ],
)
def test_limits_that_make_no_sense(tmp_path: Path, server: str, clients: str, at: str) -> None:
    """Said with the place in config.yaml, before the hub runs."""
    text = CONFIG.replace(SERVER, f"server: {{ port: 0, {server} }}") + f"clients: {clients}\n"
    with pytest.raises(BadConfig) as error:
        load_home(make_home(tmp_path, text))
    assert [one.at for one in error.value.problems] == [at]
    assert error.value.problems[0].source.startswith("config.yaml:")


async def test_reads_count_for_the_rate(tmp_path: Path) -> None:
    """Every request with a good key counts: lists and single things too."""
    async with open_door(tmp_path, clients="{ one-stop: { rate: 0.01, burst: 3 } }") as door:
        assert [await door.get("one-stop", path) for path in ("arrivals", "dossiers", "dossiers/x", "arrivals")] == [
            200, 200, 404, 429,
        ]  # fmt: skip
        assert (await door.post("one-stop", record()))[0] == 429
        assert await door.get("land", "arrivals") == 200


# ── packed bodies


async def test_a_packed_message_is_the_same_message(tmp_path: Path) -> None:
    """gzip, x-gzip and in members: dedupe sees what is inside."""
    async with open_door(tmp_path) as door:
        plain = record()
        _, _, first = await door.post("one-stop", plain)
        for coding, body in (("gzip", gzip.compress(plain)), ("X-GZIP", gzip.compress(plain[:9]) + gzip.compress(plain[9:]))):
            status, headers, receipt = await door.post("one-stop", body, **{"Content-Encoding": coding})
            assert (status, headers["Idempotency-Replayed"]) == (202, "true")
            assert receipt == first


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_packed_body_that_is_no_good(tmp_path: Path, chunked: bool) -> None:
    """413 for a bomb, 400 for a damaged one, 415 with what is taken for another coding; then a good one passes."""

    async def post(door: Door, body: bytes, coding: str = "gzip") -> tuple[int, Any, Any]:
        async def pieces() -> AsyncIterator[bytes]:
            yield body[:7]
            yield body[7:]

        given: Any = pieces() if chunked else body
        return await door.post("one-stop", given, **{"Content-Encoding": coding})

    async with open_door(tmp_path, server="max_body_bytes: 65536") as door:
        status, _, problem = await post(door, gzip.compress(bytes(1 << 24)))
        assert (status, problem["errors"][0]["code"]) == (413, "too_large")
        for damaged in (gzip.compress(record())[:-3], gzip.compress(record()) + b"more", b"not packed at all"):
            status, _, problem = await post(door, damaged)
            assert (status, problem["errors"][0]) == (
                400,
                problem["errors"][0] | {"header": "Content-Encoding", "code": "bad_gzip"},
            )
        for coding in ("br", "deflate", "gzip, gzip"):
            status, headers, problem = await post(door, b"x", coding)
            assert (status, headers["Accept-Encoding"]) == (415, "gzip")
            assert problem["errors"][0]["code"] == "unsupported_coding"
        assert (await post(door, gzip.compress(record())))[0] == 202


# ── everybody together


async def test_a_client_that_keeps_its_bodies_back_takes_only_half(tmp_path: Path) -> None:
    """Its slow bodies fill its own half and its row, further ones are refused unread; others are served meanwhile."""
    async with open_door(tmp_path, server="max_in_work: 4, body_seconds: 20") as door:
        slow = []
        for _ in range(15):  # 2 in work, 12 waiting, 1 too many
            reader, writer = await door.connect()
            writer.write(door.head("land", "Content-Length: 100\r\n\r\n"))
            slow.append((reader, writer))
        done, _ = await asyncio.wait(
            [asyncio.ensure_future(reader.read(4096)) for reader, _ in slow], return_when="FIRST_COMPLETED"
        )
        answer = done.pop().result()
        assert (
            answer.startswith(b"HTTP/1.1 503")
            and b"\r\nRetry-After: 1\r\n" in answer
            and b"\r\nConnection: close\r\n" in answer
        )
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "urn:dossier-hub:problem:busy"
        assert (await door.metric("hub_requests_in_work"), await door.metric("hub_requests_waiting")) == (2, 12)
        for number in range(3):
            assert (await door.post("one-stop", record(number)))[0] == 202
        for _, writer in slow:
            writer.close()

        async def nothing_held() -> bool:
            return not any(
                [await door.metric(f"hub_{what}") for what in ("requests_in_work", "requests_waiting", "held_bytes")]
            )

        await until(nothing_held)
        assert (await door.post("land", record(9)))[0] == 202


async def test_no_more_connections_than_allowed(tmp_path: Path) -> None:
    """One too many is told so and closed; one that goes makes room."""
    async with open_door(tmp_path, server="max_connections_per_address: 3") as door:
        held = [await door.connect() for _ in range(3)]
        reader, writer = await door.connect()
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        writer.close()
        held.pop()[1].close()

        async def taken() -> bool:
            with suppress(aiohttp.ClientError):
                return (await door.post("one-stop", record()))[0] == 202
            return False

        await until(taken)
        for _, writer in held:
            writer.close()


@pytest.mark.parametrize("trickle", [b"", b"X-A: b\r\n"], ids=["silent", "trickling"])
async def test_a_head_that_never_ends(tmp_path: Path, trickle: bytes) -> None:
    """Closed after ``idle_seconds``, whether nothing comes or a header line now and then."""
    async with open_door(tmp_path, server="idle_seconds: 0.5") as door:
        reader, writer = await door.connect()
        writer.write(b"POST /v1/messages HTTP/1.1\r\n")

        async def write() -> None:
            while True:
                writer.write(trickle)
                await asyncio.sleep(0.1)

        writing = asyncio.ensure_future(write())
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writing.cancel()
        writer.close()


async def test_a_peer_that_reads_no_answers_is_cut(tmp_path: Path) -> None:
    """What it does not take is not kept for it for ever."""
    async with open_door(tmp_path, server="idle_seconds: 1") as door:
        _, writer = await door.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        request = b"GET /v1/arrivals/none HTTP/1.1\r\nHost: h\r\n\r\n"

        async def ask() -> None:
            while True:
                writer.write(request * 100)
                await writer.drain()

        with pytest.raises((ConnectionError, TimeoutError)) as end:
            await asyncio.wait_for(ask(), 60)
        assert isinstance(end.value, ConnectionError)


async def test_one_reader_does_not_hold_up_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the lists of one client never end, the key of another is read anew, its message is taken, its list shown."""
    async with open_door(tmp_path) as door:
        go_on, looking, honest = threading.Event(), [], listing.dossiers

        def look(connection: Any, window: Any, **flags: Any) -> Any:
            if window.sender == "land":
                looking.append(window)
                go_on.wait(30)
            return honest(connection, window, **flags)

        monkeypatch.setattr(listing, "dossiers", look)
        asking = [asyncio.ensure_future(door.get("land", "dossiers")) for _ in range(30)]
        try:
            await until(lambda: len(looking) == 2)  # half of the room
            door.clock.advance(60)  # no key is remembered any more
            status, _, _ = await asyncio.wait_for(door.post("one-stop", record(), **{"Idempotency-Key": "a"}), 5)
            assert status == 202
            assert await asyncio.wait_for(door.get("one-stop", "dossiers"), 5) == 200
        finally:
            go_on.set()
        assert set(await asyncio.gather(*asking)) <= {200, 503}


async def test_answers_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their bytes are held, no more than the room has; who does not read for long is cut, and others are answered."""
    monkeypatch.setattr(reads, "ROOM", Room(requests=4, bytes=16 * 1024 * 1024, waiting=8, row_seconds=60))
    monkeypatch.setattr(listing, "arrivals", lambda *_: {"items": ["x" * (4 << 20)], "next": None})
    async with open_door(tmp_path, server="body_seconds: 5") as door:
        silent = []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.hub.port, limit=1024)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(f"GET /v1/arrivals HTTP/1.1\r\nHost: h\r\nX-API-Key: {door.keys['land']}\r\n\r\n".encode())
            silent.append((reader, writer))
        assert await asyncio.wait_for(door.get("one-stop", "arrivals"), 4) == 200
        cut = 0
        for reader, writer in silent:
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            with suppress(ConnectionError, asyncio.TimeoutError):
                head = await asyncio.wait_for(reader.readline(), 20)
                cut += b" 503 " in head
            writer.close()
        assert cut >= 4  # more than may wait


async def test_a_first_message_is_let_in_beside_slow_ones(tmp_path: Path) -> None:
    """Bodies of unknown length that do not come fill the room; a client that holds nothing is served all the same."""
    async with open_door(tmp_path, server="max_body_bytes: 65536, max_held_bytes: 65536") as door:
        _, writer = await door.connect()
        writer.write(door.head("land", "Transfer-Encoding: chunked\r\n\r\n"))

        async def held() -> bool:
            return await door.metric("hub_held_bytes") == 65536

        await until(held)
        packed = gzip.compress(record())
        status, _, _ = await asyncio.wait_for(door.post("one-stop", packed, **{"Content-Encoding": "gzip"}), 5)
        assert status == 202
        writer.close()


@pytest.mark.parametrize("path", ["v1/arrivals", "v1/messages", "health/live"])
async def test_an_expectation_that_is_not_known(tmp_path: Path, path: str) -> None:
    """417 as a problem, on every path."""
    async with open_door(tmp_path) as door:
        url = f"http://127.0.0.1:{door.hub.port}/{path}"
        method = "POST" if path == "v1/messages" else "GET"
        async with aiohttp.ClientSession() as session, session.request(method, url, headers={"Expect": "foo"}) as answer:
            problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["type"]) == (417, "urn:dossier-hub:problem:expectation-failed")


@pytest.mark.parametrize(
    ("framing", "body", "status"),
    [
        ("Content-Length: 70000", b"", 413),
        ("Transfer-Encoding: chunked", b"11170\r\n" + b"x" * 70_000 + b"\r\n0\r\n\r\n", 413),
        ("Content-Length: 10", b"{", 408),
        ("Transfer-Encoding: chunked", b"1\r\n{\r\n", 408),
        ("Content-Length: 2", b'{"a":1}' * 2, 400),
        ("Content-Length: 5\r\nContent-Length: 6", b"{}", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n", 400),
        ("Content-Length: -1", b"{}", 400),
        ("Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n", 400),
        ("Content-Length: 200", b"[" * 200, 400),
    ],
    ids=["too large", "chunks too large", "promised more", "chunks without end", "more than promised", "two lengths",
         "length and chunks", "negative", "no chunk size", "too deep"],
)  # fmt: skip
async def test_lengths_true_and_false(tmp_path: Path, framing: str, body: bytes, status: int) -> None:
    """Each way to say how long a body is, and to lie about it, ends in one answer, and nothing stays held."""
    async with open_door(tmp_path, server="max_body_bytes: 65536, body_seconds: 0.5") as door:
        reader, writer = await door.connect()
        writer.write(door.head("one-stop", framing + "\r\n\r\n") + body)
        answer = await asyncio.wait_for(reader.readline(), 10)
        assert answer.split()[1] == str(status).encode()
        writer.close()
        assert await door.metric("hub_held_bytes") == 0
        assert (await door.post("one-stop", record()))[0] == 202


async def test_requests_that_break_off_leave_nothing_behind(tmp_path: Path) -> None:
    """They are gone at once, with what they had sent, and not only when the garbage collector comes by."""

    def requests() -> int:
        """Of those made since the garbage collector was stopped."""
        return sum(isinstance(one, aiohttp.web.Request) for one in gc.get_objects(generation=0))

    async with open_door(tmp_path) as door:
        gc.disable()
        gc.collect()
        try:
            for _ in range(20):
                _, writer = await door.connect()
                writer.write(door.head("land", "Content-Length: 90000\r\n\r\n") + bytes(60_000))
                await writer.drain()
                writer.close()
            await door.post("land", record())
            await until(lambda: requests() <= 1)
        finally:
            gc.enable()
