"""Stacks that share no code with the hub read its WSDL, send dossiers through a running hub, and read receipts and faults."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import suds
from flow.parts import settled
from soap_hub import CODE, NAME, NUMBER, SoapHub, started
from suds.client import Client
from suds.wsse import Security, UsernameToken
from system_parts import absent

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # suds leaves it to chance when its sockets are closed
NODE_SOAP = Path(__file__).parents[2] / ".venv/node/node_modules/soap"


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
async def soap(tmp_path: Path) -> AsyncIterator[SoapHub]:
    async with started(tmp_path) as made:
        yield made


async def delivered(soap: SoapHub) -> None:
    """The dossier and its step arrived at the partner as they were sent."""
    assert await settled(soap.hub) == {"delivered": 2}
    state, step = (call.body for call in soap.partner.calls)
    assert (state["MaHoSo"], state["ChuHoSo"], state["SoGiayToChuHoSo"]) == (CODE, NAME, NUMBER)
    assert [one["TenTepDinhKem"] for one in state["TaiLieuNop"]] == ["to_khai.pdf", "đơn <&> .pdf"]
    assert "Chuyển phòng" in json.dumps(step, ensure_ascii=False)


# ── suds


def suds_client(soap: SoapHub, way: str, version: str) -> Client:
    port = {"1.1": "OneStopSoap11", "1.2": "OneStopSoap12"}[version]
    key = soap.keys["one-stop"]
    if way == "basic":
        return Client(f"{soap.url}?wsdl", cache=None, port=port, username="one-stop", password=key)
    security = Security()
    security.tokens.append(UsernameToken("one-stop", key))
    client = Client(f"{soap.url}?wsdl", cache=None, port=port, wsse=security)
    return client


def suds_dossier(client: Client, state: str = "DaTiepNhan") -> Any:
    """A HoSo made of the types that suds read from the WSDL."""
    whole = client.factory.create("ns0:HoSo")
    whole._id, whole.SoHoSo, whole.MaThuTuc, whole.TrangThai = "MC-1", CODE, "2.000815", state
    whole.ChuHoSo._loai, whole.ChuHoSo.HoTen = "CaNhan", NAME
    whole.ChuHoSo.SoGiayTo, whole.DonViXuLy = client.factory.create("ns0:SoGiayTo"), client.factory.create("ns0:DonVi")
    whole.ChuHoSo.SoGiayTo.value, whole.ChuHoSo.SoGiayTo._loai = NUMBER, "CCCD"
    whole.NgayTiepNhan, whole.NgayHenTra, whole.HinhThucTra = "20261121080000", "20261123170000", "TaiQuay"
    whole.DonViXuLy.value, whole.DonViXuLy._ma = "Trung tâm", "000.00.10.H22"
    whole.TrichYeu, whole.CapNhatLuc = "Chứng thực", "2026-11-21T08:00:00+07:00"
    for number, name in enumerate(("to_khai.pdf", "đơn <&> .pdf")):
        file = client.factory.create("ns0:TepDinhKem")
        file._id, file._loai, file.TenTep = f"T{number}", "GiayToNop", name
        whole.TepDinhKem.append(file)
    return whole


@pytest.mark.parametrize("way", ["basic", "token"])
async def test_suds(soap: SoapHub, way: str) -> None:
    """Proxies made of the WSDL send, repeat, ask, and get typed faults; as UsernameToken with a new time stamp each time."""

    def talk() -> None:
        client = suds_client(soap, way, "1.1")
        service = client.service
        first = service.SubmitDossier("r-1", suds_dossier(client))
        assert (first.State, first.Repeated) == ("accepted", False)
        again = service.SubmitDossier("r-1", suds_dossier(client))
        assert (again.ReceiptId, again.Repeated) == (first.ReceiptId, True)
        assert service.QueryReceipt("r-1").CorrelationId == first.CorrelationId
        step = client.factory.create("ns0:TienDo")
        step._hoSo, step._id, step.SoHoSo, step.TrangThai = "MC-1", "B-1", CODE, "DangXuLy"
        step.NoiDung, step.ThoiDiem, step.NguoiXuLy = "Chuyển phòng", "2026-11-21T09:30:00+07:00", "Lý Thị Hoa"
        assert service.ReportProgress("p-1", step).State == "accepted"
        with pytest.raises(suds.WebFault) as caught:
            service.SubmitDossier("r-1", suds_dossier(client, state="DangXuLy"))
        problem = caught.value.fault.detail.problems.problem
        assert (problem._at, problem._code) == ("/SubmitDossier/RequestId", "id_conflict")
        with pytest.raises(suds.WebFault) as caught:
            service.QueryReceipt("r-9")
        assert caught.value.fault.faultcode.endswith(":Client")
        assert caught.value.fault.detail.problems.problem._code == "not_found"

    await asyncio.to_thread(talk)
    await delivered(soap)
    assert soap.count() == 2


async def test_suds_with_a_wrong_key(soap: SoapHub) -> None:
    """Basic is answered with a challenge; then the client knows that its key is wrong."""
    soap.keys["one-stop"] = "hub_" + "x" * 43

    def talk() -> None:
        client = suds_client(soap, "basic", "1.1")
        with pytest.raises(Exception, match="401"):
            client.service.QueryReceipt("r-1")

    await asyncio.to_thread(talk)


# ── node


NODE_DOSSIER: dict[str, Any] = {
    "attributes": {"id": "MC-1"},
    "SoHoSo": CODE,
    "MaThuTuc": "2.000815",
    "ChuHoSo": {
        "attributes": {"loai": "CaNhan"},
        "HoTen": NAME,
        "SoGiayTo": {"attributes": {"loai": "CCCD"}, "$value": NUMBER},
    },
    "NgayTiepNhan": "20261121080000",
    "NgayHenTra": "20261123170000",
    "TrangThai": "DaTiepNhan",
    "TrichYeu": "Chứng thực",
    "HinhThucTra": "TaiQuay",
    "DonViXuLy": {"attributes": {"ma": "000.00.10.H22"}, "$value": "Trung tâm"},
    "CapNhatLuc": "2026-11-21T08:00:00+07:00",
    "TepDinhKem": [
        {"attributes": {"id": "T0", "loai": "GiayToNop"}, "TenTep": "to_khai.pdf"},
        {"attributes": {"id": "T1", "loai": "GiayToNop"}, "TenTep": "đơn <&> .pdf"},
    ],
}
NODE_STEP: dict[str, Any] = {
    "attributes": {"hoSo": "MC-1", "id": "B-1"},
    "SoHoSo": CODE,
    "NguoiXuLy": "Lý Thị Hoa",
    "NoiDung": "Chuyển phòng",
    "TrangThai": "DangXuLy",
    "ThoiDiem": "2026-11-21T09:30:00+07:00",
}


async def node(soap: SoapHub, version: str, way: str, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """What a node-soap client is answered to these calls."""
    if not NODE_SOAP.is_dir() or shutil.which("node") is None:
        absent(f"the SOAP client of node ({NODE_SOAP})")
    process = await asyncio.create_subprocess_exec(
        "node", str(Path(__file__).with_name("node_client.js")), f"{soap.url}?wsdl", version, way, "one-stop",
        soap.keys["one-stop"], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"NODE_PATH": str(NODE_SOAP.parent), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    out, error = await asyncio.wait_for(process.communicate(json.dumps(calls).encode()), 60)
    assert process.returncode == 0, error.decode()
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(("version", "way"), [("1.1", "basic"), ("1.1", "token"), ("1.2", "basic")])
async def test_node_soap(soap: SoapHub, version: str, way: str) -> None:
    """The same by a client in JavaScript, in both versions of SOAP."""
    request = {"RequestId": "r-1", "HoSo": NODE_DOSSIER}
    first, again, asked, step, other, unknown, bad = await node(
        soap, version, way, ("SubmitDossier", request), ("SubmitDossier", request), ("QueryReceipt", {"RequestId": "r-1"}),
        ("ReportProgress", {"RequestId": "p-1", "TienDo": NODE_STEP}),
        ("SubmitDossier", {"RequestId": "r-1", "HoSo": {**NODE_DOSSIER, "TrichYeu": "khác"}}),
        ("QueryReceipt", {"RequestId": "r-9"}),
        ("SubmitDossier", {"RequestId": "r-2", "HoSo": {**NODE_DOSSIER, "NgayHenTra": "mai"}}),
    )  # fmt: skip
    receipt = first["result"]
    assert (receipt["State"], receipt["Repeated"]) == ("accepted", False)
    assert again["result"] == asked["result"] == {**receipt, "Repeated": True}
    assert step["result"]["State"] == "accepted"
    sender = {"1.1": "Client", "1.2": "Sender"}[version]
    for told, at, code in (
        (other, "/SubmitDossier/RequestId", "id_conflict"),
        (unknown, "/QueryReceipt/RequestId", "not_found"),
        (bad, "/SubmitDossier/HoSo/NgayHenTra", "pattern"),
    ):
        fault = told["fault"]
        named = fault["faultcode"] if version == "1.1" else fault["Code"]["Value"]
        problem = (fault.get("detail") or fault.get("Detail"))["problems"]["problem"]
        assert (named.rpartition(":")[2], told["status"]) == (sender, {"1.1": 500, "1.2": 400}[version])
        assert (problem["attributes"]["at"], problem["attributes"]["code"]) == (at, code)
    await delivered(soap)
    assert soap.count() == 2
