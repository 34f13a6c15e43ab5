"""Mutual TLS with certificates that change under a running endpoint: real ones, a real server that asks for ours."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from authority import Authority
from wire_stand_in import Asked, MovableClock, StandIn, settings, stand_in

from hub.errors import NotConnected
from hub.observe.logging import get_logger
from hub.wire import HttpEndpoint, tls


class Files:
    """Our certificate, key and the authorities we trust, as an operator replaces them."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.certificate, self.key, self.ca = folder / "hub.pem", folder / "hub-key.pem", folder / "ca.pem"
        self.ca.write_bytes(authority.pem)
        self._written = 0
        self.put(*authority.issue("first"))

    def put(self, certificate: bytes | None = None, key: bytes | None = None) -> None:
        """Written as a tool that renews does it, a second later than before whatever the clock's grain."""
        self._written += 1
        for path, content in ((self.certificate, certificate), (self.key, key)):
            if content is not None:
                new = path.with_suffix(".new")
                new.write_bytes(content)
                stat = new.stat()
                os.utime(new, ns=(stat.st_atime_ns, stat.st_mtime_ns + self._written * 1_000_000_000))
                new.replace(path)


class Warnings:
    """What was logged, with its keys."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **more: Any) -> None:
        self.lines.append(("info", event, more))

    def warning(self, event: str, **more: Any) -> None:
        self.lines.append(("warning", event, more))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("an authority")


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> Files:
    return Files(tmp_path, authority)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Warnings]:
    it, others = Warnings(), get_logger
    monkeypatch.setattr("hub.observe.logging.get_logger", lambda name: it if name == "hub.wire" else others(name))
    yield it


@pytest.fixture
async def partner(tmp_path: Path, authority: Authority) -> AsyncIterator[StandIn]:
    """Asks for a certificate of the authority; says whose it got."""
    certificate, key = authority.issue("localhost")
    (tmp_path / "server.pem").write_bytes(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.pem.decode())
    context.load_cert_chain(tmp_path / "server.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    async with stand_in(whose, context) as it:
        yield it


async def whose(asked: Asked) -> web.Response:
    return web.Response(text=asked.peer)


async def who(it: HttpEndpoint, partner: StandIn) -> str:
    """Whose certificate the connection of a call shows."""
    return (await it.call("POST", f"{partner.url}/who", effect=False)).body.decode()


@pytest.fixture
async def it(files: Files) -> AsyncIterator[HttpEndpoint]:
    named = {"ca_file": files.ca, "client_certificate": files.certificate, "client_key": files.key}
    endpoint = HttpEndpoint(settings(keepalive=60, **named), MovableClock())
    await endpoint.open()
    yield endpoint
    await endpoint.close()


async def test_a_renewed_certificate_is_shown_without_a_restart(
    it: HttpEndpoint, files: Files, authority: Authority, partner: StandIn, logged: Warnings
) -> None:
    """New connections show the new one, though the old connection is kept; the log says so by the files' names."""
    assert [await who(it, partner) for _ in range(2)] == ["first", "first"]
    files.put(*authority.issue("second"))
    assert [await who(it, partner) for _ in range(2)] == ["second", "second"]
    ((level, event, more),) = logged.lines
    assert (level, more) == ("info", {"file": "ca.pem:hub.pem:hub-key.pem"}) and "in force" in event


async def test_a_pair_that_cannot_be_used_leaves_the_old_in_force(
    it: HttpEndpoint, files: Files, authority: Authority, partner: StandIn, logged: Warnings
) -> None:
    """A certificate whose key has not followed, then rubbish: said once each; then the key comes, and it is taken."""
    certificate, key = authority.issue("second")
    files.put(certificate=certificate)
    assert [await who(it, partner) for _ in range(3)] == ["first"] * 3
    files.put(key=b"-----BEGIN PRIVATE KEY-----\nrubbish")
    assert [await who(it, partner) for _ in range(3)] == ["first"] * 3
    assert [level for level, *_ in logged.lines] == ["warning", "warning"]
    files.put(key=key)
    assert await who(it, partner) == "second"
    assert not any("/" in str(more) or "PRIVATE" in str(more) for *_, more in logged.lines)


async def test_a_file_that_is_gone_leaves_the_old_in_force(
    it: HttpEndpoint, files: Files, partner: StandIn, logged: Warnings
) -> None:
    """Between an unlink and the new file there is a moment."""
    files.key.unlink()
    assert await who(it, partner) == "first"
    assert [level for level, *_ in logged.lines] == ["warning"]


async def test_an_authority_that_is_no_longer_trusted_is_refused(
    it: HttpEndpoint, files: Files, partner: StandIn, logged: Warnings
) -> None:
    """ca_file is read again as well: who the partner may be changes with it, and nothing is sent to another."""
    assert await who(it, partner) == "first"
    files.ca.write_bytes(Authority("another").pem)
    with pytest.raises(NotConnected) as refused:
        await who(it, partner)
    assert refused.value.code == "tls" and len(partner.asked) == 1


async def test_a_context_read_once_is_seen(
    it: HttpEndpoint, files: Files, authority: Authority, partner: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof goes red for an endpoint that keeps what it read when it was opened."""
    assert await who(it, partner) == "first"
    monkeypatch.setattr(tls.Certificates, "context", lambda self: self._context)
    files.put(*authority.issue("second"))
    assert await who(it, partner) == "first"
