"""Files by the hub's own doors: in by POST, out by a signed link that is good for one file until a day."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import threading
import warnings
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from claims.parts import PAGE, PDF, PNG, Desk, config, running, slowly
from hub.claim_check import claim_of, claimed
from hub.connector import load_connector
from hub.errors import BadConfig, Refused, StoreUnavailable, Transient
from hub.files.configured import KeptFiles
from hub.files.content import ContentStore

SHA256 = hashlib.sha256(PDF).hexdigest()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One hub for all of these."""
    async with running(tmp_path_factory.mktemp("claims")) as found:
        yield found


def kept(desk: Desk) -> KeptFiles:
    """The hub's files, as the app wired them."""
    found = desk.hub._files
    assert found is not None
    return found


def link(desk: Desk, sha256: str = SHA256) -> str:
    """A good link, as a path of the hub's own door."""
    links = kept(desk).links
    assert links is not None
    made = links.link(sha256)
    assert made.startswith("https://hub.example.vn/xchg/v1/files/")
    return made.removeprefix("https://hub.example.vn/xchg")


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_a_claim_is_a_name_of_rfc_6920() -> None:
    """The example of the RFC's section 8.1; what is not exactly such a name is none."""
    name = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
    assert claim_of(hashlib.sha256(b"Hello World!").hexdigest()) == name
    assert claimed(name) == hashlib.sha256(b"Hello World!").hexdigest()
    assert not any(map(claimed, (name[:-1], name + "=", name[:-1] + "l", "ni:///sha-1;x", "https://a.example/x", "")))


@pytest.mark.asyncio(loop_scope="module")
class TestTheDoor:
    async def test_what_is_put_comes_back(self, desk: Desk) -> None:
        """Byte for byte, as an attachment, with its own hash; the same file again is the same claim and one file."""
        for content in (PDF, slowly(PDF)):
            status, answer = await desk.put(content, Content_Type="application/pdf", Content_Digest=digest(PDF))
            assert (status, answer) == (201, {
                "claim": claim_of(SHA256), "sha256": SHA256, "size": len(PDF), "media_type": "application/pdf",
            })  # fmt: skip
        status, headers, body = await desk.call("GET", link(desk), sender=None)
        assert (status, body, headers["Content-Type"]) == (200, PDF, "application/pdf")
        assert headers["Repr-Digest"] == digest(PDF) and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("attachment")
        assert [one.name for one in desk.folder.glob("*/*/*") if one.suffix != ".about"] == [SHA256]
        assert not list((desk.folder / "incoming").iterdir())

    async def test_a_part_of_a_file(self, desk: Desk) -> None:
        """Range; HEAD has no body."""
        await desk.put(PDF)
        status, headers, body = await desk.call("GET", link(desk), sender=None, headers={"Range": "bytes=5-7"})
        assert (status, body, headers["Content-Range"]) == (206, PDF[5:8], f"bytes 5-7/{len(PDF)}")
        status, headers, body = await desk.call("HEAD", link(desk), sender=None)
        assert (status, body, headers["Content-Length"]) == (200, b"", str(len(PDF)))

    async def test_no_name_goes_out(self, desk: Desk) -> None:
        """The same file is many people's: what one of them called it is not told to the others."""
        content = PNG + b"named"
        await desk.put(content, Content_Disposition="attachment; filename=of-somebody.png")
        name = hashlib.sha256(content).hexdigest()
        _, headers, _ = await desk.call("GET", link(desk, name), sender=None)
        assert headers["Content-Disposition"] == f'attachment; filename="{name[:16]}.png"'

    @pytest.mark.parametrize("width", [1, 3, 76, 100_000])
    async def test_in_base64(self, desk: Desk, width: int) -> None:
        """In lines of any width, in pieces that end anywhere."""
        content = PDF + bytes([width % 251, 0])
        text = base64.b64encode(content)
        lines = b"\r\n".join(text[at : at + width] for at in range(0, len(text), width))
        status, answer = await desk.put(slowly(lines, 7), Content_Transfer_Encoding="base64")
        assert (status, answer["sha256"]) == (201, hashlib.sha256(content).hexdigest())

    @pytest.mark.parametrize("text", ["AAA", "AA=A", "AAA=AAAA", "A*==", "===="])
    async def test_what_is_not_base64(self, desk: Desk, text: str) -> None:
        status, answer = await desk.put(slowly(text.encode(), 3), Content_Transfer_Encoding="base64")
        assert (status, answer["errors"][0]["code"]) == (400, "bad_base64")

    @pytest.mark.parametrize(
        ("content", "said", "status", "code", "named"),
        [
            (PAGE, "application/pdf", 415, "file_type_misfit", ("application/pdf", "text/html")),
            (PNG, "application/pdf", 415, "file_type_misfit", ("application/pdf", "image/png")),
            (PAGE, "text/html", 415, "file_type_not_taken", ("text/html",)),
            (b"\x7fELF\x00\x01", "application/octet-stream", 415, "file_type_not_taken", ("no type that the hub knows",)),
            (b"PK\x03\x04x", "image/png", 415, "file_type_misfit", ("image/png", "application/zip")),
            (b"", "application/pdf", 400, "file_empty", ()),
            (b"%PDF-" + bytes(1_000_000), "application/pdf", 413, "file_too_large", ("1000000 bytes",)),
        ],
        ids=["a page", "a picture", "honestly a page", "a program", "a zip", "nothing", "too large"],
    )  # fmt: skip
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_what_is_refused(
        self, desk: Desk, content: bytes, said: str, status: int, code: str, named: tuple[str, ...], streamed: bool
    ) -> None:
        """By size, before or while it comes, and by what its first bytes say, with both types in the error."""
        before = sorted(desk.folder.rglob("*"))
        found, answer = await desk.put(slowly(content) if streamed and content else content, Content_Type=said)
        (error,) = answer["errors"]
        assert (found, error["code"]) == (status, code) and error["hint"]
        assert all(one in error["detail"] for one in named)
        assert sorted(desk.folder.rglob("*")) == before

    @pytest.mark.parametrize(
        "said", ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip", ""]
    )
    async def test_what_begins_alike_is_what_it_is_called(self, desk: Desk, said: str) -> None:
        _, answer = await desk.put(b"PK\x03\x04" + said.encode(), Content_Type=said)
        assert answer["media_type"] == (said or "application/zip")

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            (digest(PNG), "file_hash_misfit"),
            ("sha-256=:AAAA:", "malformed"),
            ("sha-256=nothing", "malformed"),
            (f"md5=:AAAA:, {digest(PNG)}", "file_hash_misfit"),
        ],
    )
    async def test_another_hash_than_was_said(self, desk: Desk, given: str, code: str) -> None:
        """Content-Digest of RFC 9530; other algorithms are passed over."""
        status, answer = await desk.put(PDF, Content_Digest=given)
        assert (status, answer["errors"][0]["code"]) == (400, code)
        assert (await desk.put(PDF, Content_Digest="md5=:AAAA:"))[0] == 201

    async def test_who_may(self, desk: Desk) -> None:
        """A key made for files or for all; no other, and nobody without one."""
        await desk.add("all", "*")
        await desk.add("none", "dossier")
        found = [(await desk.call("POST", "/v1/files", sender=who, data=PDF))[0] for who in ("all", "one-stop", "none", None)]
        assert found == [201, 201, 403, 401]

    async def test_a_link_is_good_for_what_was_signed_only(self, desk: Desk) -> None:
        """Another file, another day, another signature, none at all: 403, and 403 too for what is not there."""
        await desk.put(PDF)
        _, png = await desk.put(PNG)
        good = link(desk)
        expires = re.findall(r"expires=(\d+)", good)[0]
        forged = [
            good.replace(SHA256, png["sha256"]), good.replace(expires, str(int(expires) + 1)), good[:-1] + "g", good[:-1],
            good.split("?")[0], good.replace(f"expires={expires}&", ""), good.replace(expires, f"+{expires}"),
            link(desk, "0" * 64).replace("signature=", "signature=0"),
        ]  # fmt: skip
        assert [(await desk.call("GET", one, sender=None))[0] for one in forged] == [403] * len(forged)
        assert (await desk.call("GET", link(desk, "0" * 64), sender=None))[0] == 404
        assert (await desk.call("GET", good, sender=None))[0] == 200
        for path in ("/v1/files", "/v1/files/", f"/v1/files/{SHA256}/", "/v1/files/../var", "/v1/files/incoming"):
            assert (await desk.call("GET", path))[0] in (403, 404, 405)

    async def test_a_link_ends(self, desk: Desk) -> None:
        """410 from the second on that it names."""
        await desk.put(PDF)
        good = link(desk)
        desk.clock.advance(30 * 86_400 - 60)
        assert (await desk.call("GET", good, sender=None))[0] == 200
        desk.clock.advance(60)
        assert (await desk.call("GET", good, sender=None))[0] == 410

    async def test_as_a_connector_uses_them(self, desk: Desk) -> None:
        """put, about, read in pieces; what is not there says so before the first byte."""
        files = kept(desk).content
        stored = await files.put(slowly(PDF), media_type="application/pdf", sha256=SHA256)
        assert (await files.about(stored.claim)).sha256 == stored.sha256
        assert b"".join([piece async for piece in files.read(stored.claim)]) == PDF
        for claim in (claim_of("0" * 64), "https://a.example/x"):
            with pytest.raises(Transient, match="file_not_there"):
                await files.about(claim)
            with pytest.raises(Transient, match="file_not_there"):
                await anext(files.read(claim))
        with pytest.raises(Refused, match="file_hash_misfit"):
            await files.put(slowly(PDF), sha256="0" * 64)

    async def test_it_is_described(self, desk: Desk) -> None:
        """The API's description has both paths, and every status that was seen above."""
        _, _, body = await desk.call("GET", "/openapi.json", sender=None)
        paths = json.loads(body)["paths"]
        assert {"201", "400", "401", "403", "408", "413", "415", "429", "503"} <= paths["/v1/files"]["post"]["responses"].keys()
        assert {"200", "206", "403", "404", "410", "416"} <= paths["/v1/files/{sha256}"]["get"]["responses"].keys()


async def test_what_is_put_again_is_whole_again(tmp_path: Path) -> None:
    """What lies there may be damaged: putting the file mends it, and what is known of it stays."""
    store = ContentStore(tmp_path)
    store.open()
    stored = await store.put(slowly(PDF))
    store.path(SHA256).write_bytes(PDF[:-5])
    assert not await store.is_whole(stored.claim) and not store.is_unchanged(SHA256)
    assert await store.put(slowly(PDF)) == stored
    assert await store.is_whole(stored.claim) and store.is_unchanged(SHA256)


async def test_nobody_gets_what_is_damaged(tmp_path: Path) -> None:
    """A connector never reads the last piece of it, so that no upload is complete; a good link leads to nothing."""
    content = b"%PDF-" + os.urandom(300_000)
    sha256 = hashlib.sha256(content).hexdigest()
    async with running(tmp_path) as desk:
        store = kept(desk).content
        claim = (await store.put(slowly(content))).claim
        assert (await desk.call("GET", link(desk, sha256), sender=None))[::2] == (200, content)
        path = store.path(sha256)
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(path, (1, 1))
        came = b""
        with pytest.raises(Transient, match="file_damaged"):
            async for piece in store.read(claim):
                came += piece
        assert len(came) < len(content)
        assert (await desk.call("GET", link(desk, sha256), sender=None))[0] == 404
        assert (await desk.call("HEAD", link(desk, sha256), sender=None))[0] == 404
        assert (await desk.put(content))[0] == 201
        assert (await desk.call("GET", link(desk, sha256), sender=None))[::2] == (200, content)


async def test_what_was_used_is_not_removed_by_its_age(tmp_path: Path) -> None:
    """The command of the how-to; what is known of a file is as young as the file."""
    store = ContentStore(tmp_path)
    store.open()
    stored = await store.put(slowly(PDF))
    other = await store.put(slowly(PNG))
    for one in tmp_path.glob("*/*/*"):
        os.utime(one, (1, 1))
    await store.used(stored.claim)
    subprocess.run(["find", str(tmp_path), "-mindepth", "3", "-type", "f", "-mtime", "+400", "-delete"], check=True)
    assert await store.about(stored.claim) == stored and store.known(other.sha256) is None


async def test_a_folder_that_is_away_is_no_missing_file(tmp_path: Path) -> None:
    """Not mounted, or a disk that does not answer: an outage, and no dead letters."""
    async with running(tmp_path, config("{ as: claim }")) as desk:
        await desk.put(PDF)
        away = desk.folder.with_name("away")
        desk.folder.rename(away)
        desk.folder.mkdir()
        await desk.send(results=[{"name": "Kết quả", "url": claim_of(SHA256)}])
        assert (await desk.call("GET", link(desk), sender=None))[0] == 503
        await asyncio.sleep(0.2)
        assert desk.partner.calls == [] and await desk.hub.store.dead() == []
        desk.folder.rmdir()
        away.rename(desk.folder)
        await desk.sent()


async def test_a_full_disk_keeps_no_half_file(tmp_path: Path) -> None:
    """What was written is gone at once: a disk that is full must not stay so because of it."""
    store = ContentStore(tmp_path)
    store.open()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreUnavailable):
            await store.put(slowly(b"%PDF-" + bytes(300_000), 61))
        assert list(store.path(SHA256).parents[2].joinpath("incoming").iterdir()) == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


class Steps(ThreadPoolExecutor):
    """Whoever waits for the call of this number is cancelled twice: while every thread is busy, or when the call has just been
    done and nobody has heard of it yet."""

    def __init__(self, number: int, when: str) -> None:
        super().__init__(1)
        self.left, self.free, self._when, self._waiter = number, threading.Event(), when, asyncio.current_task()

    def submit(self, *given: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left:
            return super().submit(*given, **named)
        if self._when == "busy":
            super().submit(self.free.wait, 20)
        made = super().submit(*given, **named)
        if self._when == "done":
            made.exception()
        asyncio.get_running_loop().call_soon(self._cancel, 2)
        return made

    def _cancel(self, times: int) -> None:
        assert self._waiter is not None
        if not times:
            return self.free.set()
        self._waiter.cancel()
        asyncio.get_running_loop().call_later(0.01, self._cancel, times - 1)


@pytest.mark.parametrize("when", ["busy", "done"])
@pytest.mark.parametrize("what", ["put", "read"])
async def test_whoever_is_cancelled_leaves_no_file_open(tmp_path: Path, what: str, when: str) -> None:
    """At whichever step."""
    store = ContentStore(tmp_path)
    store.open()
    await store.put(slowly(PDF, 2))

    async def play() -> None:
        if what == "put":
            await store.put(slowly(PDF[:-1] + b"2", 2))
        else:
            async with aclosing(store.read(claim_of(SHA256))) as pieces:
                assert b"".join([piece async for piece in pieces]) == PDF

    async def cancelled_at(number: int) -> bool:
        with Steps(number, when) as steps:
            asyncio.get_running_loop().set_default_executor(steps)
            try:
                await play()
            except asyncio.CancelledError:
                return True
            finally:
                steps.free.set()
            return False

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ResourceWarning)
        ended = 0
        while await asyncio.create_task(cancelled_at(ended + 1)):
            ended += 1
            gc.collect()
            assert not list((tmp_path / "incoming").iterdir())
    assert [str(one.message) for one in said] == [] and ended >= 5


async def test_an_upload_that_is_cut_leaves_nothing(tmp_path: Path) -> None:
    """Half a file is no file, and what a hub that died was writing is gone with its next start."""
    async with running(tmp_path) as desk:
        _, writer = await asyncio.open_connection("127.0.0.1", desk.hub.port)
        head = f"POST /v1/files HTTP/1.1\r\nHost: x\r\nX-API-Key: {desk.keys['one-stop']}\r\nContent-Length: 1000\r\n\r\n"
        writer.write(head.encode() + PDF[:100])
        await writer.drain()
        while not list((desk.folder / "incoming").iterdir()):
            await asyncio.sleep(0.01)
        writer.close()
        while list((desk.folder / "incoming").iterdir()):
            await asyncio.sleep(0.01)
        assert not list(desk.folder.glob("*/*/*"))
        (desk.folder / "incoming" / "left").write_bytes(b"of a hub that died")
    async with running(tmp_path) as desk:
        assert not list((desk.folder / "incoming").iterdir())


async def test_a_hub_without_files_has_no_such_doors(tmp_path: Path) -> None:
    """And a connector gets none."""
    async with running(tmp_path, config("", "")) as desk:
        assert (await desk.call("POST", "/v1/files", data=PDF))[0] == 404
        assert desk.partner.context.files is None
        assert "/v1/files" not in (await desk.call("GET", "/openapi.json"))[2].decode()


@pytest.mark.parametrize(
    ("route", "files", "said"),
    [
        ("{ as: url }", "", "no_files"),
        ("{ as: url }", "\nfiles: {}\n", "no_links"),
        ("{ as: url }", "\nfiles: { public_url: https://h.example }\n", "both public_url and signing_key"),
        ("{ as: url }", "\nfiles: { public_url: https://h.example, signing_key: short }\n", "16 characters"),
        ("{ as: claim }", "\nfiles: { fetch: { hosts: [] } }\n", "hosts"),
        ("{ as: claim }", "\nfiles: { fetch: { hosts: ['a*b'] } }\n", "hosts"),
        ("{ as: bytes }", "\nfiles: {}\n", "routes.dossiers-to-portal.files"),
    ],
)
async def test_settings_that_do_not_fit_are_found(tmp_path: Path, route: str, files: str, said: str) -> None:
    """Before the hub runs."""
    with pytest.raises(BadConfig, match=said):
        async with running(tmp_path, config(route, files)):
            pass
    assert load_connector("files")
