"""Dossiers, files, steps and states against the simulated portal: what stands there afterwards, after crashes too."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from hub.errors import AccountRefused, InDoubt, NotAsked, Rejected, Transient
from hub.testing.specimen import load_specimen
from ministry_portal.parts import (
    CODE,
    CREATE,
    NEXT,
    UPLOAD,
    Crashed,
    InMemory,
    Try,
    connected,
    dossier,
    message,
    scripted,
    simulated,
    state,
    steps,
)


async def test_a_dossier_is_created_with_the_code_that_is_issued_there() -> None:
    """The code and the ministry's id become aliases; the code is remembered before the create."""
    async with simulated() as portal, connected(portal.url) as it:
        attempt = Try()
        receipt = await it.send(dossier(), attempt)
        there = await portal.state()
        (code,) = there["dossiers"]
        assert receipt.ids == {"ministry": code, "ministry-id": there["dossiers"][code]["id"]}
        assert there["dossiers"][code]["object"]["MaHoSo"] == code and code.startswith("G09.20-")
        assert attempt.order == ["code", "create"] and attempt.remembered["code"] == code
        assert await it.find(dossier(), attempt) is not None


async def test_later_messages_carry_code_and_id_under_their_two_names() -> None:
    """IDHoSo in a step, IdHoSo in a state: the simulator refuses the other spelling, and an id of another dossier."""
    async with simulated() as portal, connected(portal.url) as it:
        known = (await it.send(dossier(), Try())).ids
        await it.send(steps(2), Try(known=known))
        await it.send(state(9, DanhSachLePhi=[{"TenPhiLePhi": "Lệ phí", "Gia": 15000}]), Try(known=known))
        (held,) = (await portal.state())["dossiers"].values()
        assert len(held["progress"]) == 2 and len(held["status"]) == 1
        with pytest.raises(Rejected):
            await it.send(steps(), Try(known={**known, "ministry-id": "another"}))
        with pytest.raises(Rejected):
            await it.send(state(4, DanhSachLePhi=[]), Try(known=known))


@pytest.mark.parametrize("code_system", [None, "national"])
async def test_a_known_code_is_not_asked_for(code_system: str | None) -> None:
    """A code that the dossier has under ``code_system`` is used; one under another system is none."""
    async with simulated(foreign_codes="accept") as portal, connected(portal.url, code_system=code_system) as it:
        receipt = await it.send(dossier(), Try(known={"national": "000.00.10.H22-261121-0001"}))
        issued = await portal.calls(NEXT)
        if code_system == "national":
            assert issued == [] and receipt.ids["national"] == "000.00.10.H22-261121-0001"
        else:
            assert len(issued) == 1 and "national" not in receipt.ids


async def test_a_created_dossier_is_left_as_it_is() -> None:
    """The contract knows no change of it: nothing is called, and the receipt says so."""
    async with simulated() as portal, connected(portal.url) as it:
        known = (await it.send(dossier(), Try())).ids
        receipt = await it.send(dossier(ChuHoSo="Tên khác"), Try(known=known))
        assert "created before" in receipt.warnings[0]
        assert len(await portal.calls(CREATE)) == 1 and len(await portal.calls(NEXT)) == 1


async def test_a_dossier_that_was_sent_is_never_created_under_another_code() -> None:
    """Without the ministry's own id (its answer lacked it) nothing is called; without its code either (another code_system was
    set since, or the alias went to another dossier): that is said, and no second code is asked for."""
    async with simulated() as portal, connected(portal.url) as it:
        receipt = await it.send(dossier(), Try(known={"ministry": CODE}, sent_before=True))
        assert "created before" in receipt.warnings[0]
        for known in ({}, {"ministry-id": "5f0c"}, {"ministry-id": "5f0c", "national": "000.00.10.H22-261121-0001"}):
            with pytest.raises(NotAsked) as raised:
                await it.send(dossier(), Try(known=known, sent_before=True))
            assert raised.value.code == "code_lost" and "code_system" in raised.value.reason
        assert await portal.calls(NEXT) == await portal.calls(CREATE) == []


async def test_exists_under_another_code_is_not_ours() -> None:
    """The ministry names the dossier that stands in the way: it is not the one that we may have created."""
    async with scripted() as portal, connected(portal.url) as it:
        portal.answers[CREATE] = {"code": 3, "message": "Hồ sơ đã tồn tại", "data": {"maHoSo": "G09.20-20260101-0000001"}}
        with pytest.raises(Rejected) as raised:
            await it.send(dossier(), Try(may_update=True))
        assert raised.value.code == "exists"
        portal.answers[CREATE]["data"]["maHoSo"] = CODE
        assert (await it.send(dossier(), Try(may_update=True))).ids["ministry"] == CODE


async def test_without_a_code_nothing_is_sent() -> None:
    async with simulated() as portal, connected(portal.url) as it:
        for one in (steps(), state()):
            with pytest.raises(NotAsked) as raised:
                await it.send(one, Try(known={"national": "000.00.10.H22-261121-0001"}))
            assert raised.value.code == "no_code"
        with pytest.raises(NotAsked):
            await it.send(message("npsp-dossier", {}), Try())
        with pytest.raises(NotAsked):
            await it.send(message("ministry-progress", {"data": []}), Try(known={"ministry": "x"}))


async def test_the_agency_is_the_dossiers_else_the_endpoints() -> None:
    async with simulated() as portal, connected(portal.url, agency=None) as it:
        without = dossier()
        del without.body["MaDonViTiepNhan"]
        with pytest.raises(NotAsked) as raised:
            await it.send(without, Try())
        assert raised.value.code == "no_agency"
    async with simulated() as portal, connected(portal.url) as it:
        await it.send(without, Try())
        (held,) = (await portal.state())["dossiers"].values()
        assert held["object"]["MaDonViTiepNhan"] == "G09.20"


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({"answer_case": "pascal", "code_form": "string"}, {}),
        ({"token_answer": "flat"}, {"token_at": "/access_token", "expires_at": "/expires_in"}),
        ({"next_value_by": "post", "next_value_answer": "wrapped"}, {"next_value_by": "post"}),
        ({"ok_code": 200, "dossier_id": "number"}, {}),
        ({"failure": "body", "upload_answer": "flat"}, {}),
        ({"lgsp_access_token": "bGdzcA=="}, {"lgsp_access_token": "bGdzcA=="}),
        ({"client_as": "form"}, {"client_as": "form"}),
    ],
    ids=str,
)
async def test_each_form_that_the_sources_leave_open(options: dict[str, Any], more: dict[str, Any]) -> None:
    """Answers in either form, with a file in them, read without loss."""
    files = InMemory()
    claim = files.add(b"x" * 100)
    async with simulated(**options) as portal, connected(portal.url, files, **more) as it:
        await it.check()
        known = (await it.send(dossier(claim), Try())).ids
        await it.send(state(), Try(known=known))
        assert {"ministry", "ministry-id"} == set(known)


async def test_a_wrong_account_fails_the_check() -> None:
    async with simulated() as portal, connected(portal.url, client_secret="another") as it:
        with pytest.raises(AccountRefused):
            await it.check()
        assert (await portal.state())["dossiers"] == {}


async def test_a_token_that_ended_is_renewed() -> None:
    async with simulated() as portal, connected(portal.url) as it:
        known = (await it.send(dossier(), Try())).ids
        await portal.control("POST", "expire-tokens")
        await it.send(state(), Try(known=known))


# ── files
@pytest.mark.parametrize(
    ("kind", "form"), [("sha-256", "hex"), ("sha-256", "upper_hex"), ("sha-256", "base64"), ("none", "hex")]
)
async def test_files_are_uploaded_for_an_id_and_a_hash(kind: str, form: str) -> None:
    """Each content once, however often it is named; in the object stand id and hash, and no claim."""
    files = InMemory()
    first, second = files.add(b"first" * 100_000), files.add(b"")
    async with simulated(hash_form=form) as portal, connected(portal.url, files, hash=kind) as it:
        attempt = Try()
        await it.send(dossier(first, second, first), attempt)
        there = await portal.state()
        (held,) = there["dossiers"].values()
        papers = held["object"]["ThanhPhanHoSo"][0]["GiayToDinhKem"]
        assert len(there["uploads"]) == 2 and papers[0]["IdGiayTo"] == papers[2]["IdGiayTo"]
        assert all(one["IdGiayTo"] in there["uploads"] and "TepTin" not in one for one in papers)
        assert there["uploads"][papers[0]["IdGiayTo"]]["size"] == 500_000
        assert attempt.order == ["code", "files", "files", "create"]


async def test_another_hash_than_ours_is_refused() -> None:
    files = InMemory()
    claim = files.add(b"content")
    async with simulated() as portal, connected(portal.url, files, hash="md5") as it:
        with pytest.raises(Rejected) as raised:
            await it.send(dossier(claim), Try())
        assert raised.value.code == "file_hash" and (await portal.state())["dossiers"] == {}


async def test_files_that_are_not_there() -> None:
    async with simulated() as portal:
        async with connected(portal.url) as it:
            with pytest.raises(NotAsked) as no_files:
                await it.send(dossier("ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"), Try())
            assert no_files.value.code == "no_files"
        async with connected(portal.url, InMemory()) as it:
            with pytest.raises(Transient) as not_there:
                await it.send(dossier("ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"), Try())
            assert not_there.value.code == "file_not_there"


async def test_a_large_file_costs_no_memory() -> None:
    files = InMemory()
    claim = files.spread(100 * 1024 * 1024)
    async with simulated() as portal, connected(portal.url, files) as it:
        tracemalloc.start()
        try:
            await it.send(dossier(claim), Try())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        (upload,) = (await portal.state())["uploads"].values()
        assert upload["size"] == 100 * 1024 * 1024
        assert peak < 16 * 1024 * 1024


# ── crashes and doubts
async def test_a_crash_at_any_point_mints_and_uploads_and_creates_once() -> None:
    """After the code, after each file, and just before the create: the next attempt continues there."""
    files = InMemory()
    claim = files.add(b"content")
    for crash in ("code", "files", "create"):
        async with simulated() as portal, connected(portal.url, files) as it:
            attempt = Try()
            attempt.crash_after = crash
            with pytest.raises(Crashed):
                await it.send(dossier(claim), attempt)
            found = await it.find(dossier(claim), attempt)
            assert found is not None and found.called is (crash == "create")
            await it.send(dossier(claim), attempt.next())
            there = await portal.state()
            assert (len(there["issued"]), len(there["uploads"]), len(there["dossiers"])) == (1, 1, 1)


async def test_a_lost_answer_to_the_create_is_no_second_dossier() -> None:
    """The same code again is answered "already exists", and that is proof; where the ministry can be asked, it is."""
    async with simulated(look_up="minimal") as portal:
        for more in ({}, {"paths": {"look_up": "/TraCuuHoSo"}}):
            async with connected(portal.url, **more) as it:
                attempt = Try()
                await portal.plant(CREATE, "reset_after")
                with pytest.raises(InDoubt):
                    await it.send(dossier(), attempt)
                found = await it.find(dossier(), attempt)
                assert found is not None and found.holds is (True if more else None)
                receipt = await it.send(dossier(), attempt.next())
                assert receipt.ids["ministry"] == attempt.remembered["code"]
        there = await portal.state()
        assert len(there["issued"]) == len(there["dossiers"]) == 2


async def test_the_look_up_tells_what_is_not_there() -> None:
    async with simulated(look_up="full") as portal, connected(portal.url, paths={"look_up": "/TraCuuHoSo"}) as it:
        attempt = Try()
        await portal.plant(CREATE, "reset_before")
        with pytest.raises(InDoubt):
            await it.send(dossier(), attempt)
        assert await it.find(dossier(), attempt) is None
        assert len(await portal.calls(UPLOAD)) == 0


async def test_steps_in_doubt_cannot_be_read_back() -> None:
    async with simulated() as portal, connected(portal.url) as it:
        known = (await it.send(dossier(), Try())).ids
        attempt = Try(known=known)
        fresh = await it.find(steps(), attempt)
        assert fresh is not None and not fresh.called
        await it.send(steps(), attempt)
        found = await it.find(steps(), attempt)
        assert found is not None and found.holds is None and found.called


def test_the_specimen_fits_its_own_settings(tmp_path: Path) -> None:
    it = load_specimen("ministry-portal")
    assert it.settings("http://127.0.0.1:1", tmp_path)["base_url"] and it.samples and it.personal
