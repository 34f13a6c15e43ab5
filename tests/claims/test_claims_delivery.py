"""A result is announced only when its file is there, whole: fetched before the first attempt, named as the partner wants."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from flow.parts import make_home, states, until

from claims.parts import FILES, PAGE, PDF, PNG, Desk, Host, config, running, serving
from hub.assembly import examine
from hub.claim_check import claim_of
from hub.connector import Receipt
from hub.console.reasons import vietnamese
from hub.errors import Refused, Transient


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def busy(request: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def announced(desk: Desk, host: Host) -> Any:
    """One dossier with a result and two documents; what the partner was sent."""
    host.answers |= {"/r.pdf": PDF, "/d.png": PNG}
    await desk.send(
        results=[{"name": "Kết quả", "url": host.url("/r.pdf")}, {"name": "without a file"}],
        documents=[{"name": "Đơn", "url": host.url("/d.png")}, {"name": "old", "url": host.url("/gone"), "deleted": True}],
        supplements=[{"id": 1, "documents": [{"name": "Bản sao", "url": host.url("/d.png")}]}],
    )
    return (await desk.sent())[0]


async def only_when_it_is_there(desk: Desk, host: Host) -> None:
    """The promise: while the file cannot be had nothing is sent, and then it is sent with the file kept."""
    host.answers["/r.pdf"] = busy
    await desk.send(results=[{"name": "Kết quả", "url": host.url("/r.pdf")}])
    await until(lambda: len(host.asked) > 2 or desk.partner.calls)
    assert desk.partner.calls == [] and await desk.hub.store.dead() == []
    one = await desk.waiting()
    assert one["code"] == "file_waits" and one["reason"].startswith("/results/0/url: ") and vietnamese(one["reason"])
    host.answers["/r.pdf"] = PDF
    await desk.sent()
    assert (desk.folder / sha(PDF)[:2] / sha(PDF)[2:4] / sha(PDF)).read_bytes() == PDF


async def only_when_it_fits(desk: Desk, host: Host) -> None:
    """The promise: a page in the place of a file, or a claim whose file is damaged, is announced to nobody."""
    host.answers["/r.pdf"] = PAGE
    await desk.send(results=[{"name": "Kết quả", "url": host.url("/r.pdf")}])
    dead = await desk.dead()
    assert desk.partner.calls == [] and dead["code"] == "file_refused" and vietnamese(dead["reason"])
    assert [(one["at"], one["code"]) for one in dead["problems"]] == [("/results/0/url", "file_type_not_taken")]
    assert str(host.port) not in str(dead) and "r.pdf" not in str(dead)


async def test_as_signed_links(tmp_path: Path) -> None:
    """Each url is a link of the hub that gives the very file; a deleted paper, and one without a file, stay as they are."""
    async with serving() as host, running(tmp_path) as desk:
        body = await announced(desk, host)
        text = str(body)
        assert host.url("/r.pdf") not in text and host.url("/d.png") not in text and text.count("/v1/files/") >= 2
        links = [part.split("'")[0] for part in text.split("https://hub.example.vn/xchg")[1:]]
        found = [(await desk.call("GET", one, sender=None))[::2] for one in links]
        assert {(200, PDF), (200, PNG)} == set(found)
        assert sorted(set(host.asked)) == ["/d.png", "/r.pdf"] and "/gone" not in host.asked


async def test_as_claims_for_a_connector_that_sends_bytes(tmp_path: Path) -> None:
    """It finds a claim and reads the file in pieces."""
    async with serving() as host, running(tmp_path, config("{ as: claim, of: [results] }")) as desk:
        body = await announced(desk, host)
        assert claim_of(sha(PDF)) in str(body) and host.url("/d.png") in str(body)
        files = desk.partner.context.files
        assert b"".join([piece async for piece in files.read(claim_of(sha(PDF)))]) == PDF
        assert host.asked == ["/r.pdf"]


@pytest.mark.parametrize("how", ["url", "claim"])
async def test_what_was_put_goes_as_it_is(tmp_path: Path, how: str) -> None:
    """A sender that puts the file first names it by its claim; nothing is fetched."""
    async with running(tmp_path, config(f"{{ as: {how} }}")) as desk:
        _, put = await desk.put(PDF)
        await desk.send(results=[{"name": "Kết quả", "url": put["claim"]}])
        body = str((await desk.sent())[0])
        assert (put["claim"] in body) is (how == "claim") and (f"/v1/files/{put['sha256']}?" in body) is (how == "url")


async def test_a_claim_without_its_file(tmp_path: Path) -> None:
    """Dead, and a replay sends it once the file was put; a damaged one is no better than none."""
    async with running(tmp_path, config("{ as: claim }")) as desk:
        await desk.send(results=[{"name": "Kết quả", "url": claim_of(sha(PDF))}])
        dead = await desk.dead()
        assert [(one["at"], one["code"]) for one in dead["problems"]] == [("/results/0/url", "file_not_there")]
        assert desk.partner.calls == []
        _, put = await desk.put(PDF)
        path = next(one for one in desk.folder.glob("*/*/*") if one.name == put["sha256"])
        path.write_bytes(PDF[:-1] + b"?")
        await desk.replay()
        await until(lambda: states(desk.hub) == {"dead": 1})
        assert desk.partner.calls == []
        path.write_bytes(PDF)
        await desk.replay()
        await desk.sent()


async def test_while_the_host_is_away(tmp_path: Path) -> None:
    """Nothing is sent, nothing is counted, and what it waits for is to be seen; then it goes."""
    async with serving() as host, running(tmp_path) as desk:
        await only_when_it_is_there(desk, host)


async def test_a_host_that_is_gone_is_left_alone_and_found_again(tmp_path: Path) -> None:
    """However many of its files are wanted, it is not called for each; other hosts' files go meanwhile."""
    async with serving() as gone:
        port = gone.port
    async with serving() as host, running(tmp_path) as desk:
        for number in range(12):
            code = f"000.00.10.H22-261121-{number + 10:04}"
            await desk.send(
                source_id=str(number), code=code, results=[{"name": "a", "url": f"http://127.0.0.1:{port}/{number}"}]
            )
        host.answers["/r.pdf"] = PDF
        await desk.send(results=[{"name": "Kết quả", "url": host.url("/r.pdf", "localhost")}])
        await desk.sent()
        assert await desk.hub.store.dead() == []
        async with serving(port) as back:
            back.answers |= {f"/{number}": PDF + bytes([number]) for number in range(12)}
            await desk.sent(13)
    assert sorted(back.asked) == sorted({*back.asked})


async def test_what_is_no_file_is_not_announced(tmp_path: Path) -> None:
    """A dead letter that names which file and what is wrong, without its address; a replay fetches again."""
    async with serving() as host, running(tmp_path) as desk:
        await only_when_it_fits(desk, host)
        host.answers["/r.pdf"] = PDF
        await desk.replay()
        await desk.sent()


async def test_every_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    """At once, also when the host of another one does not answer."""
    async with serving() as host, running(tmp_path) as desk:
        host.answers |= {"/a": PAGE, "/busy": busy}
        await desk.send(
            results=[{"name": "1", "url": host.url("/busy")}, {"name": "2", "url": "file:///etc/passwd"}],
            documents=[{"name": "3", "url": host.url("/a")}],
            supplements=[{"id": 1, "documents": [{"name": "4", "url": "http://192.168.1.1/a"}]}],
        )
        found = {one["at"]: one["code"] for one in (await desk.dead())["problems"]}
        assert found == {
            "/results/1/url": "file_not_an_address", "/documents/0/url": "file_type_not_taken",
            "/supplements/0/documents/0/url": "file_host_not_allowed",
        }  # fmt: skip


async def test_what_ran_runs_again_with_the_same_bytes(tmp_path: Path) -> None:
    """The bytes of the first attempt are pinned: a second try fetches nothing, and its link is the same."""
    async with serving() as host, running(tmp_path) as desk:
        tries: list[str] = []

        def script(message: Any, attempt: Any) -> Any:
            tries.append(str(message.body))
            return Transient("http_503") if len(tries) < 3 else Receipt()

        desk.partner.script = script
        host.answers["/r.pdf"] = PDF
        await desk.send(results=[{"name": "Kết quả", "url": host.url("/r.pdf")}])
        await until(lambda: len(tries) == 3)
        assert len(set(tries)) == 1 and host.asked == ["/r.pdf"]


async def test_the_message_itself_stays_as_it_came(tmp_path: Path) -> None:
    """What is kept is what was accepted: the sender's own address, not the hub's link."""
    async with serving() as host, running(tmp_path) as desk:
        await announced(desk, host)
        assert states(desk.hub) == {"delivered": 1} or await until(lambda: states(desk.hub) == {"delivered": 1})
        stored = Path(desk.hub.home.store_url.removeprefix("sqlite:///"))
        content = b"".join(one.read_bytes() for one in stored.parent.glob(stored.name + "*"))
        assert host.url("/r.pdf").encode() in content


async def test_a_restart_in_the_middle_of_a_fetch(tmp_path: Path) -> None:
    """The next hub fetches again; nothing was sent, nothing is in doubt."""
    async with serving() as host:
        begun = asyncio.Event()

        async def hangs(request: web.Request) -> web.StreamResponse:
            begun.set()
            await asyncio.sleep(60)
            return web.Response()

        host.answers["/r.pdf"] = hangs
        async with running(tmp_path) as desk:
            await desk.send(results=[{"name": "Kết quả", "url": host.url("/r.pdf")}])
            await asyncio.wait_for(begun.wait(), 10)
        assert states(desk.hub) == {"pending": 1}
        host.answers["/r.pdf"] = PDF
        async with running(tmp_path) as desk:
            await desk.sent()


async def test_a_file_that_changes_while_a_delivery_waits(tmp_path: Path) -> None:
    """Had, then changed or removed before the first attempt: it is had again, and what cannot be had is not announced."""
    async with serving() as host, running(tmp_path, config("{ as: claim }")) as desk:
        files = desk.hub._files
        assert files is not None
        host.answers["/r.pdf"] = PDF
        _, put = await desk.put(PNG)
        for name, link in (("fetched", host.url("/r.pdf")), ("put", put["claim"])):
            stored = await files.obtain(name, link)
            assert files.had(name, link) == stored
            path = files.content.path(stored.sha256)
            path.write_bytes(path.read_bytes()[:-1])
            assert files.had(name, link) is None
        assert (await files.obtain("fetched", host.url("/r.pdf"))).size == len(PDF) and host.asked == ["/r.pdf"] * 2
        with pytest.raises(Refused, match="whole"):
            await files.obtain("put", put["claim"])


async def test_partners_are_told_of_one_file(tmp_path: Path) -> None:
    """An address that answers differently each time: for one message it is asked once, by however many at once."""
    async with serving() as host, running(tmp_path) as desk:
        files = desk.hub._files
        assert files is not None

        async def changing(request: web.Request) -> web.StreamResponse:
            count = len(host.asked)
            await asyncio.sleep(0.05)
            return web.Response(body=PDF + bytes([count]))

        host.answers["/r.pdf"] = changing
        link = host.url("/r.pdf")
        found = await asyncio.gather(*(files.obtain("one", link) for _ in range(5)))
        assert len({one.sha256 for one in found}) == 1 and len(host.asked) == 1
        assert (await files.obtain("another", link)).sha256 != found[0].sha256


async def test_a_dossier_with_more_files_than_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes, and each of its files is fetched once."""
    monkeypatch.setattr("hub.files.configured.REMEMBERED", 2)
    async with serving() as host, running(tmp_path) as desk:
        host.answers |= {f"/{number}": PDF + bytes([number]) for number in range(8)}
        await desk.send(results=[{"name": str(number), "url": host.url(f"/{number}")} for number in range(8)])
        await desk.sent()
        assert sorted(host.asked) == sorted(host.answers)


@pytest.mark.parametrize("before", ["", "\nfiles: {}\n"], ids=["no files", "no links"])
async def test_a_reload_that_needs_what_is_not_open(tmp_path: Path, before: str) -> None:
    """Refused: the hub would announce results unseen, or stand still."""
    async with running(tmp_path, config("", before)) as desk:
        (tmp_path / "home" / "config.yaml").write_text(config(), encoding="utf-8")
        (problem,) = desk.hub.reload()
        assert (problem.at, problem.code) == ("routes.dossiers-to-portal.files", "needs_restart")
    async with running(tmp_path) as desk:
        assert desk.hub.reload() == []


async def test_a_route_that_says_nothing_of_files_is_named(tmp_path: Path) -> None:
    """By `hub check`: it sends claims and addresses as they came."""
    for number, (route, files, expected) in enumerate((("", FILES, 1), ("{ as: url }", FILES, 0), ("", "", 0))):
        _, problems, warnings = examine(make_home(tmp_path / str(number), config(route, files)))
        assert problems == []
        found = [one for one in warnings if one.code == "files_unsaid"]
        assert [one.at for one in found] == ["routes.dossiers-to-portal.files"] * expected


async def test_a_hub_that_fetches_nothing(tmp_path: Path) -> None:
    """Takes claims only, and says so."""
    text = config(files=FILES[: FILES.index("  fetch:")])
    async with serving() as host, running(tmp_path, text) as desk:
        await desk.send(results=[{"name": "Kết quả", "url": host.url("/r.pdf")}])
        assert [one["code"] for one in (await desk.dead())["problems"]] == ["file_not_fetched"]
        assert host.asked == []
