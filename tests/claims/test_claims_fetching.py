"""Files from addresses that a message names: within limits, from nowhere inside our walls, and with errors that help."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from claims.parts import PAGE, PDF, Handler, Host, serving
from hub.config import FetchConfig
from hub.console.reasons import vietnamese
from hub.errors import Refused
from hub.files.addresses import host_fits, may_be_asked
from hub.files.content import ContentStore
from hub.files.fetching import Fetching, Unanswered

LOOPBACK = ip_network("127.0.0.0/8")


class Names(AbstractResolver):
    """Resolves names as a test says: a list of addresses for each time that it is asked, the last one again and again."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = {name.replace("_", "."): turns for name, turns in names.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError(None, "no such name")
        turns = self.names[host]
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST)
            for one in found
        ]

    async def close(self) -> None: ...


@contextlib.asynccontextmanager
async def fetching(
    folder: Path, names: AbstractResolver | None = None, content: ContentStore | None = None, **settings: Any
) -> AsyncIterator[Fetching]:
    given = {"hosts": ["*"], "private": [LOOPBACK], "http": True, "silence_seconds": 20.0, "seconds": 40.0, **settings}
    store = content or ContentStore(folder / "files", 100_000)
    store.open()
    one = Fetching(FetchConfig.model_validate(given), store, names)
    await one.open()
    try:
        yield one
    finally:
        await one.close()
        assert not list((folder / "files" / "incoming").iterdir())


def answering(status: int = 200, body: bytes = PDF, **headers: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    """Half of what it promised."""
    answer = web.StreamResponse(headers={"Content-Length": str(2 * len(PDF))})
    await answer.prepare(request)
    await answer.write(PDF)
    assert request.transport is not None
    request.transport.abort()
    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    """More than the limit, without saying so before."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await answer.write(PDF * 100)
    return answer


async def endless_until_it_closes(request: web.Request) -> web.StreamResponse:
    """Half a file as HTTP/1.0 gives a whole one: it ends where the connection does."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nConnection: close\r\n\r\n" + PDF[:50])
    request.transport.close()
    return web.Response()


async def silent(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", 
        "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::a00:1", "fec0::1", "192.0.0.8", "192.88.99.1",
        "3fff::1",
        "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1", "no address",
    ],
)  # fmt: skip
def test_what_lies_inside_is_not_asked(address: str) -> None:
    """Private, loopback, link-local, multicast, reserved, in every way to write an IPv4 address as IPv6."""
    assert not may_be_asked(address, ())


def test_what_may_be_asked() -> None:
    """Public addresses; private ones of a network that is named, and only those."""
    assert may_be_asked("8.8.8.8", ()) and may_be_asked("2001:4860:4860::8888", ()) and may_be_asked("::ffff:8.8.8.8", ())
    named = (ip_network("10.1.0.0/16"), ip_network("fc00::/64"))
    found = [
        may_be_asked(one, named) for one in ("10.1.2.3", "::ffff:10.1.2.3", "fc00::1", "10.2.0.1", "fc00:0:0:1::1", "127.0.0.1")
    ]
    assert found == [True, True, True, False, False, False]


def test_hosts_by_pattern() -> None:
    """``*.example.vn`` is what lies below it, and neither itself nor what merely ends alike."""
    fits = [
        host_fits(one, ["*.example.vn", "a.b"])
        for one in ("x.example.vn", "X.y.Example.vn.", "a.b", "example.vn", "xexample.vn", "a.b.c")
    ]
    assert fits == [True, True, True, False, False, False]


async def test_a_file_is_fetched(tmp_path: Path) -> None:
    """Whole, kept once, with nothing of ours in the request."""
    seen: list[Any] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(dict(request.headers))
        return web.Response(body=PDF, headers={"Set-Cookie": "a=b"}, content_type="application/pdf")

    async with serving() as host, fetching(tmp_path) as one:
        host.answers["/a.pdf"] = answer
        first, second = await one.fetch(host.url("/a.pdf")), await one.fetch(host.url("/a.pdf"))
    assert first == second and first.size == len(PDF) and first.media_type == "application/pdf"
    assert all({"Authorization", "Cookie", "traceparent"}.isdisjoint(headers) for headers in seen)


FOR_GOOD: dict[str, tuple[Callable[[Host], Any], str]] = {
    "404": (lambda host: answering(404), "file_not_found"),
    "410": (lambda host: answering(410), "file_not_found"),
    "403": (lambda host: answering(403), "file_not_given"),
    "204": (lambda host: answering(204, b""), "file_not_given"),
    "304": (lambda host: answering(304, b""), "file_not_given"),
    "a page for a file": (lambda host: answering(200, PAGE, Content_Type="application/pdf"), "file_type_misfit"),
    "honestly a page": (lambda host: answering(200, PAGE, Content_Type="text/html"), "file_type_not_taken"),
    "a page without a type": (lambda host: PAGE, "file_type_not_taken"),
    "nothing": (lambda host: b"", "file_empty"),
    "too large, and says so": (lambda host: answering(200, b"%PDF-" + bytes(100_000)), "file_too_large"),
    "too large, and does not": (lambda host: endless, "file_too_large"),
    "without an end": (lambda host: endless_until_it_closes, "file_without_end"),
    "packed": (lambda host: answering(200, PDF, Content_Encoding="br"), "file_coding"),
    "one redirect too many": (lambda host: answering(302, Location="/a"), "file_redirects"),
    "a redirect to nowhere": (lambda host: answering(302), "file_redirects"),
    "a redirect to another protocol": (lambda host: answering(302, Location="file:///etc/passwd"), "file_not_an_address"),
    "a redirect inside": (lambda host: answering(302, Location="http://10.0.0.1/a"), "file_address_private"),
    "a redirect to a name inside": (lambda host: answering(302, Location=host.url("/b", "inside")), "file_address_private"),
    "a redirect with an account": (lambda host: answering(302, Location="http://u:p@127.0.0.1/a"), "file_not_an_address"),
}  # fmt: skip
LATER: dict[str, tuple[Any, str]] = {
    "500": (answering(500), "file_host_busy"),
    "503": (answering(503), "file_host_busy"),
    "429": (answering(429), "file_host_busy"),
    "cut": (cut, "file_cut"),
    "silent": (silent, "file_host_timeout"),
}


@pytest.mark.parametrize("case", FOR_GOOD)
async def test_what_is_refused_for_good(tmp_path: Path, case: str) -> None:
    """Each with what to mend, and without the address; nothing is kept."""
    make, code = FOR_GOOD[case]
    async with serving() as host, fetching(tmp_path, Names(inside=[["10.0.0.1"]])) as one:
        host.answers["/a"] = make(host)
        with pytest.raises(Refused) as refused:
            await one.fetch(host.url("/a"))
    (problem,) = refused.value.problems
    assert problem.code == code and vietnamese(problem.message) and problem.hint
    assert str(host.port) not in str(refused.value) and "/a" not in problem.message
    assert not list((tmp_path / "files").glob("*/*/*"))


@pytest.mark.parametrize("case", LATER)
async def test_what_may_be_had_later(tmp_path: Path, case: str) -> None:
    make, code = LATER[case]
    async with serving() as host, fetching(tmp_path, silence_seconds=1.0 if "timeout" in code else 20.0) as one:
        host.answers["/a"] = make
        with pytest.raises(Unanswered) as unanswered:
            await one.fetch(host.url("/a"))
    assert unanswered.value.code == code and vietnamese(unanswered.value.reason)
    assert "127.0.0.1" not in unanswered.value.reason.replace("‹masked›", "")


async def test_a_host_that_is_not_there(tmp_path: Path) -> None:
    """Refused, or without an address: it may be there later."""
    async with serving() as host, fetching(tmp_path, Names()) as one:
        gone, port = host.url("/a"), host.port
        with pytest.raises(Unanswered, match=r"file_host_unknown: the name nobody\.example\.vn does not"):
            await one.fetch(f"http://nobody.example.vn:{port}/a")
    async with fetching(tmp_path) as one:
        with pytest.raises(Unanswered, match="file_host_unreachable") as unanswered:
            await one.fetch(gone)
    assert unanswered.value.is_host


@pytest.mark.parametrize(
    ("link", "settings", "code"),
    [
        ("ftp://127.0.0.1/a", {}, "file_not_an_address"),
        ("file:///etc/passwd", {}, "file_not_an_address"),
        ("/a/b.pdf", {}, "file_not_an_address"),
        ("result.pdf", {}, "file_not_an_address"),
        ("http://[::1", {}, "file_not_an_address"),
        ("http://a.example:99999/", {}, "file_not_an_address"),
        ("http://user:word@127.0.0.1/a", {}, "file_not_an_address"),
        ("http://:word@127.0.0.1/a", {}, "file_not_an_address"),
        ("http://127.0.0.1:0/a", {}, "file_not_an_address"),
        ("http://a..example.vn/a", {}, "file_not_an_address"),
        (f"http://{'a' * 64}.example.vn/a", {}, "file_not_an_address"),
        (f"http://{'a.' * 127}vn/a", {}, "file_not_an_address"),
        ("http://a b.example.vn/a", {}, "file_not_an_address"),
        ("http://\x00.example.vn/a", {}, "file_not_an_address"),
        ("http://１２７.0.0.1/a", {"private": []}, "file_address_private"),
        ("http://127.0.0.1/a", {"http": False}, "file_not_an_address"),
        ("http://127.0.0.1/a", {"hosts": ["*.example.vn"]}, "file_host_not_allowed"),
        ("http://127.0.0.1/a", {"private": []}, "file_address_private"),
        ("http://[::1]/a", {}, "file_address_private"),
        ("http://[::ffff:10.0.0.1]/a", {}, "file_address_private"),
        ("http://169.254.169.254/latest/meta-data", {}, "file_address_private"),
        ("http://inside/a", {}, "file_address_private"),
        ("http://both/a", {"private": []}, "file_address_private"),
    ],
)
async def test_an_address_that_is_not_called(tmp_path: Path, link: str, settings: dict[str, Any], code: str) -> None:
    """By its form, host, or where its name leads."""
    names = Names(inside=[["192.168.7.7"]], both=[["10.0.0.1", "127.0.0.1"]])
    async with fetching(tmp_path, names, **settings) as one:
        with pytest.raises(Refused) as refused:
            await one.fetch(link)
    assert refused.value.problems[0].code == code


@pytest.mark.parametrize("written", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
async def test_loopback_however_it_is_written(tmp_path: Path, written: str) -> None:
    """The machine's own resolver reads these as 127.0.0.1: what it gives is checked, not what was written."""
    async with serving() as host, fetching(tmp_path, private=[]) as one:
        host.answers["/a"] = PDF
        with pytest.raises((Refused, Unanswered)):
            await one.fetch(host.url("/a", written))
    assert host.asked == []


async def test_a_name_that_changes_its_mind(tmp_path: Path) -> None:
    """DNS rebinding: the address that was checked is the one that is called; the next one is checked again."""
    names = Names(moving=[["127.0.0.1"], ["10.0.0.1"]])
    async with serving() as host, fetching(tmp_path, names) as one:
        host.answers["/a"] = answering(Connection="close")
        assert (await one.fetch(host.url("/a", "moving"))).size == len(PDF)
        with pytest.raises((Refused, Unanswered)):
            host.answers["/a"] = answering(302, Location=host.url("/b", "moving"))
            await one.fetch(host.url("/a"))
    assert names.asked == ["moving", "moving"]


async def test_a_name_with_letters_beyond_ascii(tmp_path: Path) -> None:
    """Allowed as it is asked for by: in its form xn--…; one that nobody allowed is not, however it is written."""
    names = Names(**{"xn--tnmin-hsa0954c_vn": [["127.0.0.1"]]})
    async with serving() as host, fetching(tmp_path, names, hosts=["xn--tnmin-hsa0954c.vn"]) as one:
        host.answers["/a"] = PDF
        assert (await one.fetch(host.url("/a", "tênmiền.vn"))).size == len(PDF)
        with pytest.raises(Refused, match="not among"):
            await one.fetch(host.url("/a", "tênmiền.example.vn"))


async def test_no_proxy_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would resolve names itself, behind the walls."""
    async with serving() as host, fetching(tmp_path) as one:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        host.answers["/a"] = PDF
        assert (await one.fetch(host.url("/a"))).size == len(PDF)


async def test_a_name_server_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds up who waits for it, and nothing else that the hub does in threads."""
    answers = threading.Event()

    def hangs(*asked: Any, **how: Any) -> Any:
        answers.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    async with fetching(tmp_path, seconds=30.0) as one:
        waiting = [asyncio.create_task(one.fetch(f"http://n{number}.example.vn/a")) for number in range(40)]
        try:
            await asyncio.sleep(0.1)
            await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(int) for _ in range(40))), 15)
        finally:
            answers.set()
            found = await asyncio.gather(*waiting, return_exceptions=True)
    assert {one.code if isinstance(one, Unanswered) else one for one in found} == {"file_host_unknown"}


async def test_redirects_within_the_limit(tmp_path: Path) -> None:
    async with serving() as host, fetching(tmp_path, redirects=2) as one:
        host.answers |= {"/a": answering(301, Location="b"), "/b": answering(307, Location=host.url("/c")), "/c": PDF}
        assert (await one.fetch(host.url("/a"))).size == len(PDF)
    assert host.asked == ["/a", "/b", "/c"]
