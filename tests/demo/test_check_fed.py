"""The checker of what comes down from a ministry's feed, beside the real simulated one-stop system that takes it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from connectors.demo.check_fed import fed, strangers
from connectors.demo.evidence import Found
from connectors.rest.simulator import LocalSystem
from connectors.rest.simulator_config import LocalSystemConfig
from hub.testing.simulator import serve

Evidence = dict[str, Any]
ONE, TWO = "000.00.10.H22-261122-7001", "000.00.10.H22-261122-7002"
NAMES = {1: "new", 2: "received", 4: "processing", 5: "supplement_requested", 9: "done", 10: "returned"}
SHA = {ONE: "a" * 64, TWO: "b" * 64}


def item(code: str, state: int, at: str, *, camel: bool = False) -> Evidence:
    told = {
        "MaHoSo": code,
        "MaTTHC": "1.005129",
        "TenTTHC": "Thủ tục của bộ",
        "ChuHoSo": "Sùng Thị Mẫu" if code == ONE else "Công ty TNHH Mẫu",
        "LoaiDoiTuong": 0 if code == ONE else 1,
        "NgayNop": "2026-11-20 08:00:00",
        "NgayHenTra": "",
        "TrangThai": state,
        "NgayCapNhat": at,
        "MaTinh": "08",
    }
    return {name[:1].lower() + name[1:]: value for name, value in told.items()} if camel else told


def result(code: str) -> Evidence:
    return {"TenGiayTo": "Giấy phép", "MaGiayToKetQua": "KQ.1", "DuongDanTepTinKetQua": f"http://bo.invalid/files/{code[-4:]}"}


def filing(told: Evidence) -> Evidence:
    """What an honest hub posts for an item."""
    told = {name[:1].upper() + name[1:]: value for name, value in told.items()}
    held: Evidence = {
        "code": told["MaHoSo"],
        "procedure_code": "1.005129",
        "procedure_name": "Thủ tục của bộ",
        "state": NAMES[told["TrangThai"]],
        "filed_at": "2026-11-20T01:00:00Z",
        "owner_kind": "citizen" if told["LoaiDoiTuong"] == 0 else "enterprise",
        "owner_name": told["ChuHoSo"],
    }
    if told.get("DanhSachGiayToKetQua"):
        held["results"] = [{"name": "Giấy phép", "code": "KQ.1", "url": "http://127.0.0.1:1/files/x?signed"}]
    return held


async def exchanged() -> Evidence:
    """Two dossiers, three and four states, each with a result; the local system has what an honest hub posts."""
    items = [item(ONE, 2, "a"), item(TWO, 1, "a", camel=True), item(TWO, 4, "b", camel=True), item(ONE, 4, "b")]
    items += [item(TWO, 5, "c"), item(ONE, 9, "c") | {"DanhSachGiayToKetQua": [result(ONE)]}, item(TWO, 5, "later")]
    items += [item(TWO, 9, "d") | {"DanhSachGiayToKetQua": [result(TWO)]}]
    local = LocalSystem(LocalSystemConfig())
    running = await serve(local)
    async with aiohttp.ClientSession(headers={"X-Api-Key": "simulated"}) as session:
        for one in items:
            async with session.post(f"{running.url}/api/filings", json=filing(one)) as answer:
                assert answer.status in (200, 201)
    state = json.loads(json.dumps(local.state()))
    await running.close()
    return {
        "fed": [{"code": one.get("MaHoSo") or one["maHoSo"], "item": one} for one in items],
        "served": [{"code": code, "url": result(code)["DuongDanTepTinKetQua"], "sha256": SHA[code], "size": 9} for code in SHA],
        "local": state,
        "fetched": [{"code": code, "sha256": SHA[code], "size": 9, "status": 200} for code in SHA],
    }


def judged(evidence: Evidence, **more: Any) -> Found:
    return fed(evidence["fed"], evidence["served"], evidence["local"], evidence["fetched"], **more)


async def test_an_honest_feed_passes() -> None:
    """Both spellings of keys, another zone's form of a time, an item that tells nothing new, somebody else's files."""
    evidence = await exchanged()
    evidence["fetched"].append({"code": "another", "sha256": "c" * 64, "size": 1, "status": 200})
    found = judged(evidence)
    assert (found.findings, found.falsities, found.delivered) == ([], (0, 0, 0), 3 + 4 + 2)
    assert strangers(evidence["local"], {ONE, TWO}).findings == []


def states(change: Callable[[list[str]], Any]) -> Callable[[Evidence], Any]:
    return lambda evidence: change(evidence["local"]["filings"][TWO]["states"])


def held(field: str, value: Any) -> Callable[[Evidence], Any]:
    return lambda evidence: evidence["local"]["filings"][TWO]["filing"].update({field: value})


def link(name: str, value: Any) -> Callable[[Evidence], Any]:
    return lambda evidence: evidence["local"]["filings"][TWO]["filing"]["results"][0].update({name: value})


def got(**change: Any) -> Callable[[Evidence], Any]:
    return lambda evidence: evidence["fetched"][1].update(change)


def swapped(told: list[str]) -> None:
    told[1], told[2] = told[2], told[1]


MISTAKES: dict[str, tuple[Callable[[Evidence], Any], tuple[int, int, int], str]] = {
    "a dossier is missing": (
        lambda evidence: evidence["local"]["filings"].pop(TWO), (4, 0, 0), "not at the local system at all, 4 states"
    ),
    "a state is missing": (states(lambda told: told.pop(1)), (1, 0, 0), "state 2 is missing"),
    "a state is doubled": (states(lambda told: told.insert(1, told[1])), (0, 1, 0), "a state is there twice"),
    "an old state comes again": (states(lambda told: told.insert(3, "new")), (0, 1, 1), "an old state came again"),
    "two states are swapped": (states(swapped), (0, 0, 1), "at another place"),
    "a state nobody told": (states(lambda told: told.insert(1, "stopped")), (0, 0, 0), "a state that nobody sent"),
    "a supplement told as done": (states(lambda told: told.__setitem__(2, "done")), (1, 0, 0), "state: differs (state 3)"),
    "it holds an older state": (held("state", "new"), (0, 0, 0), "not what it took last"),
    "another name": (held("owner_name", "Người Khác"), (1, 0, 0), "owner_name: differs"),
    "another kind of owner": (held("owner_kind", "citizen"), (1, 0, 0), "owner_kind: differs"),
    "a value invented": (held("owner_number", "0"), (1, 0, 0), "owner_number: invented"),
    "a value gone": (held("procedure_name", ""), (1, 0, 0), "procedure_name: missing"),
    "a time seven hours off": (held("filed_at", "2026-11-20T08:00:00Z"), (1, 0, 0), "filed_at: differs"),
    "a time without a zone": (held("filed_at", "2026-11-20T08:00:00"), (1, 0, 0), "filed_at: differs"),
    "no result told": (held("results", []), (1, 0, 0), "results: missing"),
    "the ministry's own address": (link("url", result(TWO)["DuongDanTepTinKetQua"]), (1, 0, 0), "results[0].url: differs"),
    "no link at all": (link("url", ""), (1, 0, 0), "results[0].url: missing"),
    "another file": (got(sha256="f" * 64), (1, 0, 0), "a link leads to another file"),
    "a file cut off": (got(size=8), (1, 0, 0), "a link leads to another file"),
    "the other dossier's file": (got(sha256=SHA[ONE]), (1, 0, 0), "a link leads to another file"),
    "a link that is over": (got(status=403), (1, 0, 0), "answers with 403"),
    "a file that is not there": (lambda evidence: evidence["fetched"].pop(), (1, 0, 0), "a file is missing"),
    "a file twice": (lambda evidence: evidence["fetched"].append(evidence["fetched"][1]), (0, 1, 0), "a file is there twice"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
async def test_every_mistake_is_found(what: str) -> None:
    mistake, falsities, word = MISTAKES[what]
    evidence = await exchanged()
    mistake(evidence)
    found = judged(evidence)
    assert found.falsities == falsities, found.findings
    assert any(word in one for one in found.findings), found.findings
    assert not any(name in repr(found) for name in ("Sùng", "Công ty", "Người Khác"))


async def test_what_nobody_sent_down_is_found() -> None:
    evidence = await exchanged()
    assert strangers(evidence["local"], {ONE}).findings == [f"{TWO}: at the local system, but nobody sent it there"]
    other = evidence["local"]["filings"][TWO]
    other["receiptNumber"] = evidence["local"]["filings"][ONE]["receiptNumber"]
    assert strangers(evidence["local"], {ONE, TWO}).findings == ["the local system gave a receipt number twice"]


async def test_choices_say_where_results_are_told() -> None:
    """As documents, without the code of the paper; of a list that must be named."""
    evidence = await exchanged()
    for one in evidence["local"]["filings"].values():
        (told,) = one["filing"].pop("results")
        one["filing"]["documents"] = [{"name": told["name"], "url": told["url"]}]
    chosen: dict[str, tuple[str, ...]] = {
        "results.from": (),
        "documents.name": ("TenGiayTo",),
        "documents.url": ("DuongDanTepTinKetQua",),
    }
    assert judged(evidence, choices=chosen).lost == 2
    chosen["documents.from"] = ("DanhSachGiayToKetQua",)
    assert judged(evidence, choices=chosen).findings == []


async def test_broken_evidence_is_refused() -> None:
    evidence = await exchanged()
    lonely = copy.deepcopy(evidence)
    lonely["served"][0]["code"] = "nobody"
    with pytest.raises(ValueError, match="nobody"):
        judged(lonely)
    evidence["fed"][0]["item"]["TrangThai"] = 77
    found = judged(evidence)
    assert found.lost >= 1 and "TrangThai has no agreed meaning" in found.findings[0]
