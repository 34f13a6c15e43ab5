"""What counts as the same message when it is sent again: its content, however it is written and whoever vouches for it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from flow.parts import told
from soap_hub import Answer, SoapHub, dossier, envelope, progress, security, started

from hub.message import new_id

pytestmark = pytest.mark.xdist_group("soap_sameness")
shared = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def soap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SoapHub]:
    """One hub for all of these tests."""
    async with started(tmp_path_factory.mktemp("soap_sameness")) as made:
        yield made


async def by_rest(soap: SoapHub, body: str) -> Answer:
    """Over the REST door."""
    head = {"X-API-Key": soap.keys["one-stop"], "Hub-Schema": "one-stop-soap@1", "Content-Type": "application/xml"}
    return await soap.call("POST", "/v1/messages", data=body, headers=head)


def lined_up(text: str) -> str:
    """The same on one line."""
    return re.sub(r">\s+<", "><", text)


SAME = {
    "line ends": lambda text: text.replace("\n", "\r\n"),
    "indentation": lambda text: text.replace("\n", "\n\t\t"),
    "one line": lined_up,
    "prefixes of SOAP": lambda text: re.sub(r"(</?|xmlns:)s\b", r"\1soapenv", text),
    "prefixes": lambda text: re.sub(r"(</?|xmlns:)o\b", r"\1tns", text),
    "attributes": lambda text: text.replace('id="T1" loai="GiayToNop"', "loai='GiayToNop'  id='T1'"),
    "declaration and comments": lambda text: '<?xml version="1.0"?><!-- again -->' + text,
    "characters": lambda text: text.replace("Chứng thực", "Ch&#x1ee9;ng th<![CDATA[ực]]>"),
}  # fmt: skip


@shared
@pytest.mark.parametrize("how", SAME)
async def test_another_way_to_write_it(soap: SoapHub, how: str) -> None:
    """The first receipt again; what is stored are the bytes that came first."""
    request = new_id()
    sent = envelope(dossier(request))
    first = await soap.post(sent)
    changed = SAME[how](sent)
    assert changed != sent
    again = await soap.post(changed)
    assert again.receipt() == {**first.receipt(), "Repeated": "true"}
    (row,) = soap.rows(f"select content from bodies where id = '{first.receipt()['ReceiptId']}'")
    assert bytes(row["content"]).decode() == sent


@shared
async def test_another_way_to_sign_in_and_another_door(soap: SoapHub) -> None:
    """Basic, UsernameToken, SOAP 1.2 and REST bring the same message."""
    request = new_id()
    first = (await soap.post(envelope(dossier(request)))).receipt()
    header = security("one-stop", soap.keys["one-stop"])
    for again in (
        await soap.post(envelope(dossier(request), header=header), sender=None),
        await soap.post(envelope(dossier(request), "1.2"), version="1.2"),
    ):
        assert again.receipt() == {**first, "Repeated": "true"}
    rest = await by_rest(soap, envelope(dossier(request)))
    assert rest.status == 202 and first["ReceiptId"] in rest.body.decode()


@shared
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Chứng thực", "Chứng  thực"),
        ("Chứng thực", "chứng thực"),
        ('id="T1"', 'id="T2"'),
        ("2026-11-21T08:00:00+07:00", "2026-11-21T01:00:00Z"),
        ("<o:HinhThucTra>TaiQuay</o:HinhThucTra>", ""),
    ],
)  # fmt: skip
async def test_another_content_is_a_conflict_where_the_id_stands(soap: SoapHub, old: str, new: str) -> None:
    """The fault names the element that holds the id, in both versions; nobody sent a header."""
    request = new_id()
    await soap.post(envelope(dossier(request)))
    assert old in dossier(request)
    for version, fault in (("1.1", "Client"), ("1.2", "Sender")):
        answer = await soap.post(envelope(dossier(request).replace(old, new, 1), version), version=version)
        assert answer.fault() == (fault, {"/SubmitDossier/RequestId": "id_conflict"})
    rest = await by_rest(soap, envelope(dossier(request).replace(old, new, 1)))
    assert rest.status == 409 and b'"pointer":"/SubmitDossier/RequestId"' in rest.body


@shared
async def test_another_operation_is_another_message(soap: SoapHub) -> None:
    """The id of a dossier cannot be that of a step."""
    request = new_id()
    await soap.post(envelope(dossier(request)))
    answer = await soap.post(envelope(progress(request)), action="ReportProgress")
    assert answer.fault() == ("Client", {"/ReportProgress/RequestId": "id_conflict"})


@shared
async def test_json_is_the_same_by_its_bytes(soap: SoapHub) -> None:
    """At the REST door nothing changed for JSON: another spelling under one Idempotency-Key is a conflict, at the header."""
    record = told()[0].records[0]
    key = await soap.add_sender("rest", "opencps-dossier")
    head = {"X-API-Key": key, "Hub-Schema": "opencps-dossier@1", "Idempotency-Key": "K", "Content-Type": "application/json"}
    statuses = []
    for indent in (None, None, 2):
        answer = await soap.call("POST", "/v1/messages", data=json.dumps(record, indent=indent), headers=head)
        statuses.append(answer.status)
    assert statuses == [202, 202, 409] and b'"header":"Idempotency-Key"' in answer.body
