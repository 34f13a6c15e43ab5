"""Who may post filed dossiers, what is taken and what is refused: with the place, and with nothing of it kept or cut."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from flow.parts import until

from connectors.national_portal.config import PortalConfig
from connectors.national_portal.connector import NationalPortal
from connectors.national_portal.inbound import Inbound
from hub.assembly import examine
from portal_inbound.parts import CITIZEN, CODE, FILE, NUMBER, PATH, PHONE, World, basic, config, filed, home, running

NOWHERE = "http://127.0.0.1:9"


def settings(**inbound: Any) -> dict[str, Any]:
    local = {"url": NOWHERE, "check": "/x", "operations": {"one-stop-filing@1": {"path": "/x"}}}
    return config(NOWHERE, local, **inbound)


@contextlib.asynccontextmanager
async def alone(folder: Path, given: dict[str, Any] | None = None) -> AsyncIterator[World]:
    """A hub whose partners are all away."""
    async with running(home(folder, given or settings())) as world:
        yield world


async def test_who_may_post(tmp_path: Path) -> None:
    async with alone(tmp_path) as world:
        await world.new_key("land", "npsp-filed-dossier")
        await world.new_key("narrow", "opencps-dossier")
        own = world.keys["citizens"]
        for account in (("cong-dvc", "hub_" + "x" * 43), ("", own), ("other", own), ("cong-dvc", world.keys["land"])):
            status, told, headers = await world.post(filed(), account)
            assert (status, told["status"], told["message"]) == (401, 401, "error") and "Basic" in headers["WWW-Authenticate"]
        for key, wanted in ((own, 200), (world.keys["land"], 401)):  # a key alone, of a sender that has an account or none
            status, *_ = await world.post(filed(), Authorization=f"Bearer {key}")
            assert status == wanted
        assert world.arrivals() == 1


async def test_what_is_no_filing_is_refused_with_its_place(tmp_path: Path) -> None:
    async with alone(tmp_path) as world:
        lacking = filed()
        del lacking["ChuHoSo"]
        for body, status, place in (
            (lacking, 404, "ChuHoSo"),
            (filed(NgayNopHoSo="21/11/2026"), 404, "NgayNopHoSo"),
            (filed(LoaiDoiTuong="9"), 404, "LoaiDoiTuong"),
            (filed(MaHoSo="không mã"), 404, "MaHoSo"),
            (filed(TaiLieuNop=[{"Base64": ""}]), 404, "TaiLieuNop.TenTepDinhKem"),
            (filed(TaiLieuNop=[{"TenTepDinhKem": "a"}, {"TenTepDinhKem": "b", "Base64": "không"}]), 404, "TaiLieuNop.1.Base64"),
            (filed(TaiLieuNop=[{"TenTepDinhKem": "a", "Base64": "YQ"}]), 404, "TaiLieuNop.0.Base64"),
            (filed(TaiLieuNop=[{"TenTepDinhKem": "a", "DuongDanTaiTepTin": "ni:///sha-256;x"}]), 404, "DuongDanTaiTepTin"),
            ([filed()], 400, "JSON"),
            (b"{", 400, "JSON"),
            (b'{"MaHoSo": "a", "MaHoSo": "b"}', 400, "MaHoSo"),
        ):
            got, told, _ = await world.post(body)
            assert (got, told["status"], told["message"]) == (status, 404, "error") and place in told["description"], told
        status, told, _ = await world.post(b"x", **{"Content-Type": "text/plain"})
        assert (status, told["message"]) == (415, "error")
        async with world.session.get(world.url + PATH) as answer:
            assert answer.status == 405 and (await answer.json())["message"] == "error"
        assert world.arrivals() == 0


async def test_a_claim_cannot_be_smuggled_in(tmp_path: Path) -> None:
    """A name of a file that the hub holds would give it to whoever guesses it; on the wire stands base64 and nothing else."""
    async with alone(tmp_path) as world:
        claim = "ni:///sha-256;47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
        status, told, _ = await world.post(filed(TaiLieuNop=[{"TenTepDinhKem": "a", "Base64": claim}]))
        assert status == 404 and "TaiLieuNop.0.Base64" in told["description"] and world.arrivals() == 0


async def test_without_files_a_body_with_contents_is_refused_and_nothing_cut(tmp_path: Path) -> None:
    given = settings()
    del given["files"]
    async with alone(tmp_path, given) as world:
        status, told, _ = await world.post(filed())
        assert status == 404 and told["description"].startswith("TaiLieuNop.0.Base64: ") and world.arrivals() == 0
        assert (await world.post(filed(TaiLieuNop=[])))[0] == 200


async def test_a_file_that_the_hub_does_not_keep_refuses_the_call(tmp_path: Path) -> None:
    given = settings()
    given["files"] = {"max_bytes": 100}
    async with alone(tmp_path, given) as world:
        status, told, _ = await world.post(filed())
        assert status == 404 and "TaiLieuNop.0.Base64" in told["description"], told
        assert world.arrivals() == 0


async def test_lines_in_base64_are_no_difference(tmp_path: Path) -> None:
    async with alone(tmp_path) as world:
        first = await world.post(filed())
        letters = base64.encodebytes(base64.b64decode(filed()["TaiLieuNop"][0]["Base64"])).decode()
        again = await world.post(filed(TaiLieuNop=[{"TenTepDinhKem": "don.pdf", "Base64": letters}]))
        assert first[0] == 200 and again[:2] == first[:2] and world.arrivals() == 1


async def test_what_cannot_be_translated_is_kept(tmp_path: Path) -> None:
    """It is stored, and the portal need not send it again: a missing row of a table is ours to mend."""
    async with alone(tmp_path) as world:
        papers = [{"LoaiDinhDanh": "9", "SoDinhDanh": "B1"}]
        status, told, _ = await world.post(filed(DinhDanhCHS=papers))
        assert (status, told["status"]) == (200, 200) and "chờ người vận hành" in told["description"] and world.arrivals() == 1


async def test_how_it_answers_is_a_setting(tmp_path: Path) -> None:
    given = settings(answer={"refused": 422, "http": "always_200"}, paths=["/nhan"])
    async with alone(tmp_path, given) as world:
        status, told, _ = await world.post({}, path="/nhan")
        assert (status, told["status"]) == (200, 422)
        assert (await world.session.post(world.url + PATH)).status == 404


async def test_a_busy_hub_says_when_to_come_back(tmp_path: Path) -> None:
    given = settings()
    given["clients"] = {"citizens": {"rate": 0.01, "burst": 1}}
    async with alone(tmp_path, given) as world:
        assert (await world.post(filed()))[0] == 200
        status, told, headers = await world.post(filed(GhiChu="x"))
        assert (status, told["status"], told["message"]) == (429, 500, "error") and int(headers["Retry-After"]) >= 1


async def test_a_body_that_comes_too_slowly_may_be_sent_again(tmp_path: Path) -> None:
    """It is no fault of the filing: `refused` would end it at the portal."""
    given = settings()
    given["server"] |= {"body_seconds": 0.2}

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    async with alone(tmp_path, given) as world:
        signed = {"Authorization": basic("cong-dvc", world.keys["citizens"]), "Content-Type": "application/json"}
        async with world.session.post(world.url + PATH, data=slow(), headers=signed) as answer:
            told = await answer.json()
        assert (answer.status, told["status"]) == (408, 500) and "chậm" in told["description"]


async def test_papers_above_the_limit_are_refused_and_below_a_raised_one_taken(tmp_path: Path) -> None:
    """The limit is the server's, of the whole body: base64 is a third more than the papers."""
    papers = [{"TenTepDinhKem": "don.pdf", "Base64": base64.b64encode(FILE + bytes(6 * 2**20)).decode()}]
    large = json.dumps(filed(TaiLieuNop=papers)).encode()

    async def post(world: World) -> tuple[int, Any]:
        signed = {"Authorization": basic("cong-dvc", world.keys["citizens"]), "Content-Type": "application/json"}
        async with world.session.post(world.url + PATH, data=io.BytesIO(large), headers=signed) as answer:
            return answer.status, await answer.json()

    async with alone(tmp_path / "as it comes") as world:
        status, told = await post(world)
        assert (status, told["status"], world.arrivals()) == (413, 404, 0) and "dung lượng" in told["description"]
    given = settings()
    given["server"] |= {"max_body_bytes": 32 * 2**20}
    async with alone(tmp_path / "raised", given) as world:
        assert (await post(world))[0] == 200
        assert await post(world) == await post(world) and world.arrivals() == 1


async def test_a_filing_that_no_route_takes_is_told_to_the_operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is stored, and the portal's work is done; but nobody gets it, by a route that hears no observations."""
    async with alone(tmp_path / "heard") as world:
        assert (await world.post(filed()))[0] == 200
    assert "filed_to_nobody" not in "".join(capsys.readouterr())
    given = settings()
    given["routes"]["filed-to-local"]["observations"] = False
    async with alone(tmp_path / "unheard", given) as world:
        assert (await world.post(filed()))[0] == 200 and world.arrivals() == 1
    assert "filed_to_nobody" in "".join(capsys.readouterr())


@pytest.mark.parametrize("failure", [OSError(28, "no space"), ValueError("a mistake of the hub")])
async def test_a_failure_of_the_hub_is_answered_and_logged_without_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
    failure: Exception,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)

    async def broken(self: Inbound, papers: Any) -> None:
        raise failure

    async with alone(tmp_path) as world:
        monkeypatch.setattr(Inbound, "_keep", broken)
        status, told, _ = await world.post(filed())
        assert (status, told["status"], told["message"]) == (500, 500, "error") and world.arrivals() == 0
        monkeypatch.undo()
        assert (await world.post(filed()))[0] == 200
        await world.post(filed(NgayNopHoSo="x"))
    said = caplog.text + "".join(capsys.readouterr())
    assert "request failed" in said and not [one for one in (CITIZEN, NUMBER, PHONE) if one in said]


async def test_it_is_on_disk_before_it_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: a door that answers first is seen, since a hub that dies then has lost the dossier."""

    async def proof(folder: Path) -> None:
        async with alone(folder) as world:
            status, *_ = await world.post(filed())
            assert status == 200 and world.arrivals() == 1

    await proof(tmp_path / "honest")
    honest = Inbound._answer

    async def hasty(self: Inbound, inlet: Any, request: Any) -> Any:
        class Nothing:
            def __getattr__(self, name: str) -> Any:
                return getattr(inner, name)

            async def accept(self, *given: Any, **more: Any) -> Any:
                from hub.connector import Accepted

                return Accepted({"arrival": "x", "state": "accepted"})

        class Lazy:
            @contextlib.asynccontextmanager
            async def visit(self, request: Any) -> AsyncIterator[Any]:
                nonlocal inner
                async with inlet.visit(request) as inner:
                    yield Nothing()

        inner: Any = None
        return await honest(self, Lazy(), request)  # type: ignore[arg-type]

    monkeypatch.setattr(Inbound, "_answer", hasty)
    with pytest.raises(AssertionError):
        await proof(tmp_path / "hasty")


# Settings


def found(given: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    return [(one.at, one.code) for one in examine(home(folder, given))[1]]


def test_what_hub_check_finds(tmp_path: Path) -> None:
    assert found(settings(), tmp_path / "0") == []
    at = "endpoints.national.settings.inbound"
    assert found(settings(accounts={}), tmp_path / "1") == [(f"{at}.accounts", "missing")]
    assert (f"{at}.schema", "unknown_schema") in found(settings(schema="nowhere@1"), tmp_path / "2")
    assert (f"{at}.schema", "not_a_source") in found(settings(schema="npsp-dossier@1"), tmp_path / "3")
    assert found(settings(paths=["/a", "/a"]), tmp_path / "4")[0] == (f"{at}.paths", "path_taken")
    assert found(settings(paths=["/v1/x"]), tmp_path / "5") == [(f"{at}.paths", "path_taken")]
    both = settings(paths=["/XrdAdapter/RestService/forward/mapi/g"])
    both["endpoints"]["national"]["settings"]["door"] = {"accounts": {"u": {"sender": "x", "madonvi": ["000.00.00.H22"]}}}
    both["sources"] += [
        {"schema": "portal-dossier@1", "becomes": ["dossier@1"]},
        {"schema": "portal-progress@1", "becomes": ["dossier-progress@1"]},
    ]
    assert (f"{at}.paths", "path_taken") in found(both, tmp_path / "6")
    unheard = settings()
    unheard["sources"] = unheard["sources"][1:]
    assert len(found(unheard, tmp_path / "7")) == 1, "what comes in must be a source"


async def test_door_and_filings_stand_side_by_side(tmp_path: Path) -> None:
    """The portal-compatible door refuses every other path below its own; filings have theirs there all the same."""
    given = settings()
    given["endpoints"]["national"]["settings"]["door"] = {"accounts": {"u": {"sender": "x", "madonvi": ["000.00.00.H22"]}}}
    given["sources"] += [
        {"schema": "portal-dossier@1", "becomes": ["dossier@1"]},
        {"schema": "portal-progress@1", "becomes": ["dossier-progress@1"]},
    ]
    async with alone(tmp_path, given) as world:
        assert (await world.post(filed()))[0] == 200
        status, told, _ = await world.post(filed(), path="/XrdAdapter/RestService/forward/nothing")
        assert status == 404 and "error_code" in told
        await until(lambda: world.arrivals() == 1)


def test_paths_and_sources_are_told() -> None:
    one = PortalConfig.model_validate(settings()["endpoints"]["national"]["settings"])
    assert list(NationalPortal.paths(one)) == [PATH, PATH.replace("Xrd", "VXP")]
    assert NationalPortal.sources(one) == {"inbound.schema": "npsp-filed-dossier@1"}
    assert basic("a", "b").startswith("Basic ") and CODE in json.dumps(filed())
