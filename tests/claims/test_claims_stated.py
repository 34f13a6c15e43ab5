"""A result is announced only when its file is what its sender states: the same content, as large, of that type."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from flow.parts import states, until
from hypothesis import given
from hypothesis import strategies as st

from claims.parts import CODE, PAGE, PDF, PNG, Desk, Host, config, running, serving
from claims.test_claims_delivery import sha
from hub.claim_check import Stated, Stored, claim_of
from hub.console.reasons import vietnamese
from hub.errors import Refused
from hub.files.content import ContentStore
from hub.files.kinds import TAKEN, UNKNOWN, agreed, agrees, seen
from hub.files.stated import misfits

OTHER = PDF[:-2] + b"!\n"
"""As large as PDF, and another."""
TRUE: dict[str, Any] = {"sha256": sha(PDF), "size": len(PDF), "media_type": "application/pdf"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def result(host: Host, **stated: Any) -> dict[str, Any]:
    return {"name": "Kết quả", "url": host.url("/r.pdf"), **stated}


def in_chunks(content: bytes) -> Handler:
    """The content, and nobody says before how much it is."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for start in range(0, len(content), 100):
            await response.write(content[start : start + 100])
        return response

    return answer


async def refused(desk: Desk) -> dict[str, str]:
    """Of the one dead letter: code by place. It shows neither address nor name nor a whole hash, and is said in Vietnamese."""
    dead = await desk.dead()
    assert dead["code"] == "file_refused" and all(one["hint"] for one in dead["problems"])
    assert all(vietnamese(f"{one['at']}: {one['message']}") for one in dead["problems"])
    text = str(dead)
    assert "r.pdf" not in text and "127.0.0.1" not in text and sha(PDF) not in text and sha(OTHER) not in text
    return {one["at"]: one["code"] for one in dead["problems"]}


async def only_as_stated(desk: Desk, host: Host) -> None:
    """The promise: who states another hash, or another size of a claim, has nothing announced; other dossiers go."""
    host.answers |= {"/r.pdf": OTHER, "/right.pdf": PDF}
    await desk.send(results=[result(host, **TRUE)])
    assert await refused(desk) == {"/results/0/sha256": "file_hash_misfit"}
    dead = await desk.dead()
    (problem,) = dead["problems"]
    assert sha(PDF)[:16] in problem["message"] and sha(OTHER)[:16] in problem["message"]
    await desk.send(source_id="b", code=f"{CODE[:-1]}2", results=[result(host, **TRUE) | {"url": host.url("/right.pdf")}])
    (sent,) = await desk.sent()
    assert sent["MaHoSo"] == f"{CODE[:-1]}2"
    await until(lambda: states(desk.hub) == {"dead": 1, "delivered": 1})
    assert not (desk.folder / sha(OTHER)[:2]).exists()
    claim = {"name": "Kết quả", "url": claim_of(sha(PDF)), "size": len(PDF) + 1}
    await desk.send(source_id="c", code=f"{CODE[:-1]}3", results=[claim])
    await until(lambda: states(desk.hub) == {"dead": 2, "delivered": 1})


async def test_what_is_stated_and_true_is_announced(tmp_path: Path) -> None:
    """All three, of an address and of a claim, in results, documents and supplements; each fetched once; the partner gets no
    more fields than before."""
    async with serving() as host, running(tmp_path) as desk:
        host.answers |= {"/r.pdf": PDF, "/d.png": in_chunks(PNG)}
        _, put = await desk.put(PNG)
        png = {"sha256": sha(PNG), "size": float(len(PNG)), "media_type": "image/png"}
        await desk.send(
            results=[result(host, **TRUE), {"name": "2", "url": put["claim"], **png}],
            documents=[{"name": "Đơn", "url": host.url("/d.png"), **png}, {"name": "on paper", **png}],
            supplements=[{"id": 1, "documents": [{"name": "old", "url": host.url("/gone"), "deleted": True, **TRUE}]}],
        )
        (sent,) = await desk.sent()
        assert host.asked.count("/r.pdf") == host.asked.count("/d.png") == 1 and "/gone" not in host.asked
        assert str(sent).count("/v1/files/") == 3 and "sha256" not in sent["DanhSachGiayToKetQua"][0]


async def test_another_file_than_is_stated(tmp_path: Path) -> None:
    async with serving() as host, running(tmp_path) as desk:
        await only_as_stated(desk, host)


_PLACES = {
    "another size": (PDF, {"size": len(PDF) - 1}, {"size": "file_size_misfit"}),
    "fewer bytes, nobody says before": (in_chunks(PDF), {"size": len(PDF) + 1}, {"size": "file_size_misfit"}),
    "more bytes, nobody says before": (in_chunks(PDF), {"size": len(PDF) - 1}, {"size": "file_size_misfit"}),
    "another type": (PDF, {"media_type": "image/png"}, {"media_type": "file_type_misfit"}),
    "another hash and size": (
        in_chunks(PDF), {"sha256": sha(PNG), "size": len(PDF) + 1}, {"sha256": "file_hash_misfit", "size": "file_size_misfit"},
    ),
    "a page in its place": (PAGE, {"sha256": sha(PDF)}, {"sha256": "file_hash_misfit", "url": "file_type_not_taken"}),
    "larger than is taken": (PDF, {"size": 1_000_001}, {"size": "file_too_large"}),
}  # fmt: skip


@pytest.mark.parametrize("case", _PLACES)
async def test_each_is_named_by_the_field_that_states_it(tmp_path: Path, case: str) -> None:
    """Nothing is announced, nothing is kept; what is stated to be too large is not even asked for."""
    answer, stated, found = _PLACES[case]
    async with serving() as host, running(tmp_path) as desk:
        host.answers["/r.pdf"] = answer
        await desk.send(results=[{"name": "without a file"}, result(host, **stated)])
        assert await refused(desk) == {f"/results/1/{name}": code for name, code in found.items()}
        assert desk.partner.calls == [] and not list(desk.folder.glob("*/*/*"))
        assert host.asked == ([] if case == "larger than is taken" else ["/r.pdf"])


@pytest.mark.parametrize("is_there", [True, False], ids=["kept", "not kept"])
async def test_a_claim_that_contradicts_itself(tmp_path: Path, is_there: bool) -> None:
    """Whether the hub holds that file or not; one whose size or type is not so is refused too."""
    async with running(tmp_path, config("{ as: claim }")) as desk:
        if is_there:
            await desk.put(PNG)
        claim = claim_of(sha(PNG))
        wrong = [{"sha256": sha(PDF)}, {"sha256": sha(PNG), "size": len(PNG) + 1, "media_type": "application/pdf"}]
        await desk.send(results=[{"name": "Kết quả", "url": claim, **one} for one in wrong])
        found = await refused(desk)
        assert found.pop("/results/0/sha256") == "file_claim_misfit"
        misfit = {"/results/1/size": "file_size_misfit", "/results/1/media_type": "file_type_misfit"}
        assert found == (misfit if is_there else {"/results/1/url": "file_not_there"}) and desk.partner.calls == []


async def test_a_link_that_gives_something_else_by_now(tmp_path: Path) -> None:
    """Announced once; the next state names the same file, and another one is there: refused. Once the right one is back a
    replay announces it."""
    async with serving() as host, running(tmp_path) as desk:
        host.answers["/r.pdf"] = PDF
        await desk.send(results=[result(host, **TRUE)], modified_at="2026-11-22T08:00:00Z")
        await desk.sent(1)
        host.answers["/r.pdf"] = OTHER
        await desk.send(results=[result(host, **TRUE)], modified_at="2026-11-22T09:00:00Z", note="a newer state")
        assert await refused(desk) == {"/results/0/sha256": "file_hash_misfit"}
        host.answers["/r.pdf"] = PDF
        await desk.replay()
        await desk.sent(2)


async def test_a_file_that_is_had_again_is_compared_again(tmp_path: Path) -> None:
    """Had, then gone from the disk before the first attempt; the link gives another by now."""
    async with serving() as host, running(tmp_path) as desk:
        files, link = desk.hub._files, host.url("/r.pdf")
        assert files is not None
        host.answers["/r.pdf"] = PDF
        stored = await files.obtain("one", link, Stated(sha(PDF)))
        files.content.path(stored.sha256).unlink()
        host.answers["/r.pdf"] = OTHER
        with pytest.raises(Refused, match="file_hash_misfit"):
            await files.obtain("one", link, Stated(sha(PDF)))
        assert files.had("one", link, Stated(sha(PDF))) is None


async def test_one_link_stated_in_two_ways(tmp_path: Path) -> None:
    """What is true of one paper vouches for no other: the second is refused by its own place."""
    async with serving() as host, running(tmp_path) as desk:
        host.answers["/r.pdf"] = PDF
        papers = [result(host), result(host, **TRUE), result(host, sha256=sha(OTHER))]
        await desk.send(documents=papers[:1], results=papers[1:])
        assert await refused(desk) == {"/results/1/sha256": "file_hash_misfit"} and desk.partner.calls == []


async def test_a_newer_state_with_what_is_true_takes_its_place(tmp_path: Path) -> None:
    async with serving() as host, running(tmp_path) as desk:
        host.answers["/r.pdf"] = PDF
        await desk.send(results=[result(host, sha256=sha(OTHER))])
        await refused(desk)
        await desk.send(results=[result(host, sha256=sha(PDF))])
        await desk.sent()
        await until(lambda: states(desk.hub) == {"superseded": 1, "delivered": 1})


async def test_a_file_ends_where_its_size_says(tmp_path: Path) -> None:
    """One that goes on is let go at the piece that goes beyond, however much would follow."""
    given: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            given.append(len(PDF))
            yield PDF
            await asyncio.sleep(0)

    store = ContentStore(tmp_path)
    store.open()
    with pytest.raises(Refused, match="and has more"):
        await store.put(endless(), size=len(PDF))
    assert len(given) == 2 and not list((tmp_path / "incoming").iterdir())


@pytest.mark.parametrize(("head", "word"), [(b"\xff\xd8\xff", "image/jpg"), (b"<?xml?>", "text/xml")])
async def test_another_word_for_a_taken_type_is_that_type(tmp_path: Path, head: bytes, word: str) -> None:
    """From its host, from its sender, and beside a claim alike; a hub that does not take the type does not take the word."""

    async def content() -> AsyncIterator[bytes]:
        yield head + b"..."

    for folder, types in (("a", TAKEN), ("b", ("application/pdf",))):
        store = ContentStore(tmp_path / folder, types=types)
        store.open()
        for said in ({"served_as": word}, {"media_type": word}):
            if types is TAKEN:
                assert misfits(Stated(media_type=word), await store.put(content(), **said)) == []
            else:
                with pytest.raises(Refused, match="file_type_not_taken"):
                    await store.put(content(), **said)


# ---------------------------------------------------------------- the law

_SHAS = st.sampled_from([letter * 64 for letter in "0af"])
_SIZES = st.integers(1, 3)
_KINDS = st.sampled_from([*TAKEN, "text/csv", "image/jpg", "text/html", UNKNOWN])
_FILES = st.builds(Stored, _SHAS, _SIZES, _KINDS)
_STATED = st.builds(Stated, st.none() | _SHAS, st.none() | _SIZES, st.none() | _KINDS)


@given(stated=_STATED, found=_FILES)
def test_a_file_fits_when_everything_that_is_stated_is_so(stated: Stated, found: Stored) -> None:
    """Each field is judged by itself, what is not stated fits, and what is true of a file always does."""
    at = [one.at for one in misfits(stated, found)]
    assert ("sha256" in at) == (stated.sha256 not in (None, found.sha256))
    assert ("size" in at) == (stated.size not in (None, found.size))
    assert ("media_type" in at) == (stated.media_type is not None and not agrees(found.media_type, stated.media_type))
    assert len(at) == len({*at} & {"sha256", "size", "media_type"})
    assert misfits(Stated(found.sha256, found.size, found.media_type), found) == [] == misfits(Stated(), found)


@given(head=st.sampled_from([PDF, PNG, PAGE, b"PK\x03\x04x", b"\xff\xd8\xffx", b"a,b", b"<?xml?>"]), called=_KINDS, said=_KINDS)
def test_a_kept_file_is_judged_as_its_bytes_were(head: bytes, called: str, said: str) -> None:
    """By the type that it was kept as, whatever it was called then: no bytes are read again."""
    kept = agreed(head, called) or seen(head)
    assert agrees(kept, said) == (agreed(head, said) is not None)
