"""What an unknown caller can make the hub do at the SOAP door is little, and large XML holds nobody up at the REST door."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from soap_hub import SoapHub, dossier, envelope, security, started

from hub.message import new_id
from hub.translation.schema import Schema

pytestmark = pytest.mark.xdist_group("soap_load")
shared = pytest.mark.asyncio(loop_scope="module")
ELEMENTS = 190_000
LARGE = envelope(dossier("large").replace("<o:HoSo", "<a/>" * ELEMENTS + "<o:HoSo", 1))
MANY_ATTRIBUTES = " ".join(f'x{n}=""' for n in range(300))
MANY_NAMESPACES = " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(100))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def soap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SoapHub]:
    """One hub for all of these tests."""
    async with started(tmp_path_factory.mktemp("soap_load")) as made:
        yield made


@shared
@pytest.mark.parametrize("way", ["nothing", "wrong token"])
async def test_a_stranger_makes_little_work(soap: SoapHub, way: str) -> None:
    """A large envelope of an unknown caller is refused by its header alone; the work beside that of reading it is small."""
    wrong = LARGE.replace("<s:Body>", f"<s:Header>{security('one-stop', 'hub_' + 'x' * 43)}</s:Header><s:Body>", 1)
    body = LARGE if way == "nothing" else wrong

    async def work(sender: str | None, status: int) -> float:
        began = time.process_time()
        for _ in range(2):
            assert (await soap.post(body if sender is None else LARGE, sender=sender)).status == status
        return time.process_time() - began

    await work(None, 401)
    assert await work(None, 401) < await work("one-stop", 500) / 4


@shared
@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_a_key_in_a_large_envelope(soap: SoapHub, version: str) -> None:
    """After its header was found good the rest is read, and judged as any other."""
    header = security("one-stop", soap.keys["one-stop"])
    answer = await soap.post(LARGE.replace("<s:Body>", f"<s:Header>{header}</s:Header><s:Body>", 1), sender=None)
    assert answer.status == 500 and "unknown_element" in answer.fault()[1].values()
    good = await soap.post(envelope(dossier(new_id()), version, header=header), version=version, sender=None)
    assert good.receipt()["State"] == "accepted"


@shared
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("<a/>" * 1_001, "too_many_elements"),
        ("<a>" * 70 + "</a>" * 70, "too_deep"),
        (f"<a>{'x' * 70_000}</a>", "too_large"),
        (f"<a {MANY_ATTRIBUTES}/>", "too_many_attributes"),
        (f"<a {MANY_NAMESPACES}/>", "too_many_namespaces"),
        ("<a>", "malformed"),
    ],
)  # fmt: skip
async def test_the_header_of_a_stranger_is_bounded(soap: SoapHub, header: str, code: str) -> None:
    """A key that stands behind more than that is not looked for."""
    key = security("one-stop", soap.keys["one-stop"])
    answer = await soap.post(envelope(dossier(new_id()), header=header + key), sender=None)
    assert answer.fault()[0] == "Client" and code in answer.fault()[1].values(), answer.body


@shared
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "malformed"),
        ("canary", "malformed"),
        ("<a/>", "not_soap"),
        (envelope("").replace("<s:Body></s:Body>", ""), "not_soap"),
        (envelope("")[:60], "malformed"),
        (f"<!DOCTYPE x [<!ENTITY a 'b'>]>{envelope('')}", "dtd"),
        (envelope("", space="urn:soap"), "version_mismatch"),
        (envelope("").encode("utf-32"), "encoding"),
        ('<?xml version="1.0" encoding="windows-1258"?>' + envelope(""), "encoding"),
    ],
)  # fmt: skip
async def test_a_stranger_is_told_what_is_no_envelope(soap: SoapHub, body: str | bytes, code: str) -> None:
    """As far as it was read."""
    assert set((await soap.post(body, sender=None)).fault()[1].values()) == {code}


@shared
@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("padding", range(3))
async def test_the_key_is_found_in_each_encoding(soap: SoapHub, coding: str, padding: int) -> None:
    """Also where the part that is read first ends in the middle of a character."""
    sent = envelope(dossier(new_id(), TrichYeu="x" * padding + "😀ễ" * 900), header=security("one-stop", soap.keys["one-stop"]))
    sent = sent.replace(
        "<o:TepDinhKem", ("x" * padding).join(["<!--", "-->"]) + "<!--" + "😀ễ" * 20_000 + "--><o:TepDinhKem", 1
    )
    headers = {"Content-Type": "text/xml; charset=utf-16"} if coding == "utf-16" else {}
    answer = await soap.post(sent.encode(coding), sender=None, headers=headers)
    assert answer.receipt()["State"] == "accepted"


@shared
@pytest.mark.parametrize("way", ["xml", "json"])
async def test_a_large_body_over_rest_is_read_beside_the_others(
    soap: SoapHub, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Not in the loop that answers everybody; a small one is."""
    seen: list[bool] = []
    read = Schema.parse

    def parse(self: Schema, *given: Any) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return read(self, *given)

    monkeypatch.setattr(Schema, "parse", parse)
    key = await soap.add_sender(f"all-{way}", "*")
    schema = {"xml": "one-stop-soap@1", "json": "opencps-dossier@1"}[way]
    head = {"X-API-Key": key, "Hub-Schema": schema, "Content-Type": f"application/{way}"}
    small, large = {"xml": (envelope(dossier(new_id())), LARGE), "json": ("{}", '{"a": "' + "x" * (1 << 20) + '"}')}[way]
    for body, status in ((small, 202 if way == "xml" else 422), (large, 422)):
        answer = await soap.call("POST", "/v1/messages", data=io.BytesIO(body.encode()), headers=head)
        assert answer.status == status, answer.body[:300]
    assert seen == [True, False]
