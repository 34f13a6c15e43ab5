"""Files of the simulated ministry portal: uploads for an id and a hash, in any size; result files made from a seed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from ministry_portal_sim.caller import GONE, Caller, dossier, portal, state

HELLO = b"xin ch\xc3\xa0o"
SHA = hashlib.sha256(HELLO)
BIG = 100 * 1024 * 1024


async def test_a_file_is_uploaded_for_an_id_and_a_hash() -> None:
    """data[0].response.data[0]; only size, hash and media type are kept, no name and no content."""
    async with portal() as caller:
        status, told = await caller.upload(HELLO)
        (one,) = told["data"]
        (file,) = one["response"]["data"]
        assert status == 200 and told["code"] == 0 and file["HashTepTin"] == SHA.hexdigest() and UUID(file["IdTepTin"])
        kept = {"size": len(HELLO), "sha256": SHA.hexdigest(), "hash": SHA.hexdigest(), "media_type": "application/pdf"}
        assert (await caller.memory())["uploads"] == {file["IdTepTin"]: kept}
        call = await caller.last_call()
        assert call["codes"] == [file["IdTepTin"]] and call["effect"] is True


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("hex", lambda digest: digest.hex()),
        ("upper_hex", lambda digest: digest.hex().upper()),
        ("base64", lambda digest: base64.b64encode(digest).decode()),
    ],
)
async def test_the_answer_is_flat_or_wrapped_and_the_hash_written_as_configured(
    form: str, written: Callable[[bytes], str]
) -> None:
    """Several files of one form are told in their order."""
    async with portal(upload_answer="flat", hash_form=form) as caller:
        _, told = await caller.upload(HELLO, b"")
        hashes = [file["HashTepTin"] for file in told["data"]]
        assert hashes == [written(SHA.digest()), written(hashlib.sha256(b"").digest())]
        assert len({file["IdTepTin"] for file in told["data"]}) == 2


async def test_what_is_no_form_with_files_is_refused() -> None:
    """400, and nothing is kept: another field, JSON, a form that ends early."""
    async with portal() as caller:
        status, told = await caller.upload(HELLO, field="file")
        assert status == 400 and told["message"] == "files thiếu trường bắt buộc"
        assert (await caller.post("/UploadFile", {"files": []}))[0] == 400
        broken = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\nhalf'
        headers = caller.headers | {"Content-Type": "multipart/form-data; boundary=b"}
        async with caller.http.post(f"{caller.url}/UploadFile", data=broken, headers=headers) as answer:
            assert answer.status == 400
        assert (await caller.last_call())["outcome"] == "not_multipart"
        assert (await caller.memory())["uploads"] == {}


async def test_an_upload_that_is_cut_off_is_no_upload(caplog: pytest.LogCaptureFixture) -> None:
    """A caller who goes away in the middle leaves nothing, and no error."""
    async with portal() as caller:
        host, port = caller.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = b"POST /UploadFile HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\nContent-Type: multipart/form-data; boundary=b"
        writer.write(head + b'\r\n\r\n--b\r\nContent-Disposition: form-data; name="files"\r\n\r\nhalf')
        await writer.drain()
        writer.close()
        async with asyncio.timeout(10):
            while (await caller.last_call())["service"] != "UploadFile":
                await asyncio.sleep(0.01)
        assert (await caller.memory())["uploads"] == {} and not caplog.records


async def _paper(caller: Caller, **changes: Any) -> tuple[int, Any]:
    """Creates a dossier with one paper, whose file was uploaded."""
    _, told = await caller.upload(HELLO)
    file = told["data"][0]["response"]["data"][0]
    paper = {"IdGiayTo": file["IdTepTin"], "MaKetQua": "", "TenGiayTo": "Đơn", "HashTepTin": file["HashTepTin"]} | changes
    component = {"MaThanhPhanHoSo": "TP1", "TenThanhPhanHoSo": "Đơn", "SoLuong": 1, "LoaiBan": 2, "GiayToDinhKem": [paper]}
    return await caller.post("/NoiHoSo", dossier(await caller.code(), ThanhPhanHoSo=[component]))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "ok"),
        ({"IdGiayTo": "3f1c9a52-6a0e-4b62-9a57-3f0f5d1c2b11"}, "unknown_file"),
        ({"HashTepTin": hashlib.sha256(b"").hexdigest()}, "other_hash"),
        ({"HashTepTin": SHA.hexdigest().upper()}, "other_hash"),
        ({"HashTepTin": ""}, "missing_field"),
        ({"IdGiayTo": None}, "missing_field"),
    ],
)
async def test_a_dossier_names_files_that_are_there(changes: dict[str, Any], word: str) -> None:
    """By id and hash; otherwise 400 and no dossier."""
    async with portal() as caller:
        status, _ = await _paper(caller, **changes)
        assert status == (200 if word == "ok" else 400) and (await caller.last_call())["outcome"] == word
        assert len((await caller.memory())["dossiers"]) == (1 if word == "ok" else 0)


async def test_a_result_in_a_state_names_a_file_that_is_there() -> None:
    """When it names one at all."""
    async with portal() as caller:
        code, dossier_id = await caller.created()
        result = {"TenGiayTo": "Giấy", "IdGiayTo": "nowhere"}
        sent = [state(code, dossier_id, TrangThai=9, DanhSachGiayToKetQua=[result])]
        assert (await caller.post("/CapNhatTrangThai", sent))[0] == 400
        assert (await caller.last_call())["outcome"] == "unknown_file"


async def test_a_hundred_megabytes_go_through_in_flat_memory() -> None:
    """Up and down; the hashes are those of the bytes."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(BIG // 65536):
            yield b"x" * 65536

    async with portal() as caller:
        expected = hashlib.sha256()
        for _ in range(BIG // 65536):
            expected.update(b"x" * 65536)
        tracemalloc.start()
        form = aiohttp.FormData()
        form.add_field("files", pieces(), filename="to.pdf", content_type="application/pdf")
        async with caller.http.post(f"{caller.url}/UploadFile", data=form, headers=caller.headers) as answer:
            told = await answer.json()
        assert told["data"][0]["response"]["data"][0]["HashTepTin"] == expected.hexdigest()
        (file,) = (await caller.control("POST", "files", {"size": BIG, "seed": 7}))["files"]
        found, size = hashlib.sha256(), 0
        async with caller.http.get(file["url"]) as answer:
            assert answer.content_length == BIG and answer.content_type == "application/pdf"
            async for piece in answer.content.iter_chunked(65536):
                found.update(piece)
                size += len(piece)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size == BIG and found.hexdigest() == file["sha256"] and most < 20 * 1024 * 1024


async def test_a_result_file_is_the_same_each_time() -> None:
    """Bytes follow from seed, size and type, and begin as their type does."""
    async with portal() as caller:
        wanted = [
            {"id": "a.pdf", "size": 1000},
            {"size": 1000},
            {"size": 1000, "seed": 2},
            {"size": 3, "media_type": "image/png"},
            {"size": 0},
        ]
        files = (await caller.control("POST", "files", wanted))["files"]
        contents = []
        for file in files:
            async with caller.http.get(file["url"]) as answer:
                contents.append(await answer.read())
                assert answer.content_type == file["media_type"] and hashlib.sha256(contents[-1]).hexdigest() == file["sha256"]
        assert [len(content) for content in contents] == [1000, 1000, 1000, 3, 0]
        assert contents[0] == contents[1] != contents[2] and contents[0].startswith(b"%PDF-1.7\n") and contents[3] == b"\x89PN"
        assert files[0]["url"].endswith("/files/a.pdf")
        assert (await caller.get("/files/nowhere"))[0] == 404
        for wrong in ({"size": -1}, {"size": 1, "id": "../x"}, {"size": 1, "other": 1}, {"size": 2**31}):
            async with caller.http.post(f"{caller.url}/_control/files", json=wrong) as answer:
                assert answer.status == 422


async def test_a_result_file_may_need_a_token() -> None:
    """file_access: token; otherwise whoever has the address gets it."""
    for access, status in (("open", 200), ("token", 401)):
        async with portal(file_access=access, base="/api") as caller:
            (file,) = (await caller.control("POST", "files", {"size": 10}))["files"]
            async with caller.http.get(file["url"]) as answer:
                assert answer.status == status
            async with caller.http.get(file["url"], headers=caller.headers) as answer:
                assert answer.status == 200 and (await caller.last_call())["codes"] == [file["id"]]


async def test_a_result_file_can_be_cut_off_and_refused() -> None:
    """Half of it, with the whole length promised; or a planted refusal."""
    async with portal() as caller:
        (file,) = (await caller.control("POST", "files", {"size": 200_000}))["files"]
        await caller.fault("half_answer", service="file")
        with pytest.raises(GONE):
            async with caller.http.get(file["url"]) as answer:
                assert answer.content_length == 200_000
                await answer.read()
        await caller.fault("refuse", service="file", match={"id": file["id"]}, code=403)
        assert (await caller.get(f"/files/{file['id']}"))[0] == 403
        assert len((await caller.get(f"/files/{file['id']}"))[1]) == 200_000
