"""The SOAP door over real HTTP: the good way, who gets in, what it says of itself, and that it works as the REST door does."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from flow.parts import settled
from lxml import etree
from soap_hub import (
    CODE,
    DOOR,
    NAME,
    NUMBER,
    PATH,
    SPACE,
    WSSE,
    SoapHub,
    dossier,
    envelope,
    progress,
    query,
    security,
    soap_config,
    started,
)

from hub.assembly import examine
from hub.intake.gate import Room
from hub.intake.keys import new_key
from hub.message import SchemaRef, new_id

ADDRESSING = '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:{}</a:MessageID>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def soap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SoapHub]:
    """One hub for the ``shared`` tests, each of which sends messages with ids of its own."""
    async with started(tmp_path_factory.mktemp("soap_door")) as made:
        yield made


def shared(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that uses ``soap``."""
    marked: Callable[..., Any] = pytest.mark.xdist_group("soap_door")(pytest.mark.asyncio(loop_scope="module")(test))
    return marked


@pytest.fixture
def stored(soap: SoapHub) -> Callable[[], int]:
    """How many arrivals this test stored."""
    before = soap.count()
    return lambda: soap.count() - before


@pytest.fixture
def own() -> str:
    """An id that no other message has."""
    return new_id()


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[SoapHub]:
    """A hub for one test."""
    async with started(tmp_path) as made:
        yield made


# ── the good way


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_a_dossier_and_a_step_reach_the_partner(alone: SoapHub, version: str) -> None:
    """Each operation gets its receipt in the version it came in; state and step go to the partner in order."""
    first = await alone.post(envelope(dossier(), version), version=version)
    assert first.version == version
    receipt = first.receipt()
    assert (receipt["State"], receipt["Repeated"]) == ("accepted", "false")
    assert first.headers["Hub-Correlation-Id"] == receipt["CorrelationId"]
    assert first.headers["Location"] == f"/v1/arrivals/{receipt['ReceiptId']}"
    step = await alone.post(envelope(progress(), version), action="ReportProgress", version=version)
    assert step.receipt()["State"] == "accepted"
    assert await settled(alone.hub) == {"delivered": 2}
    assert [call.schema.id for call in alone.partner.calls] == ["npsp-dossier", "npsp-progress"]
    sent = alone.partner.calls[0].body
    assert (sent["MaHoSo"], sent["ChuHoSo"], sent["TenTTHC"]) == (CODE, NAME, "Chứng thực bản sao từ bản chính")


@shared
async def test_the_arrival_is_the_envelope_as_it_came(soap: SoapHub, stored: Callable[[], int], own: str) -> None:
    """Byte for byte, spaces and prefixes included; it is known by its schema's version and the sender's own id."""
    sent = '<?xml version="1.0"?>\n<!-- from the one-stop -->' + envelope(f"\n  {dossier(own)}\n")
    receipt = (await soap.post(sent)).receipt()
    rows = soap.rows("select id, content, sender, sender_key, schema from arrivals join bodies using (id)")
    (row,) = (one for one in rows if one["id"] == receipt["ReceiptId"])
    assert stored() == 1
    assert bytes(row["content"]).decode() == sent
    assert (row["sender"], row["sender_key"], row["schema"]) == ("one-stop", f"id:{own}", "one-stop-soap@1.0.0")


async def test_an_unknown_state_is_kept_and_replayed(alone: SoapHub) -> None:
    """The receipt says kept; when the table has the row, replaying reads the stored envelope again."""
    kept = (
        await alone.post(envelope(dossier(TrangThai="ChoKy"), header=security("one-stop", alone.keys["one-stop"])))
    ).receipt()
    assert kept["State"] == "kept"
    table = alone.hub.home.folder / "mappings/tables/one-stop-soap-states"
    text = (table / "1.0.0.yaml").read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0")
    (table / "1.1.0.yaml").write_text(text + "  - [ChoKy, processing]\n", encoding="utf-8")
    assert alone.hub.reload() == []
    (receipt,) = await alone.hub.intake.replay(kept["ReceiptId"], actor="test", why="row added")
    assert receipt["state"] == "accepted"
    assert (await alone.post(envelope(query()), action="QueryReceipt")).receipt()["State"] == "accepted"


# ── sending again


@shared
async def test_the_same_request_gets_the_first_receipt(soap: SoapHub, stored: Callable[[], int], own: str) -> None:
    """The same RequestId and body: the first receipt, stored once; another body: a fault that names the id."""
    sent = envelope(dossier(own))
    first, again = await soap.post(sent), await soap.post(sent)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.receipt()["Repeated"] == "false"
    assert again.receipt() == {**first.receipt(), "Repeated": "true"}
    other = await soap.post(envelope(dossier(own, TrichYeu="khác")))
    assert (other.status, other.fault()) == (500, ("Client", {"/SubmitDossier/RequestId": "id_conflict"}))
    assert stored() == 1


@shared
async def test_an_idempotency_key_in_the_header(soap: SoapHub, own: str) -> None:
    """It may say the message's id again; the receipt is found by it."""
    headers = {"Idempotency-Key": own}
    first = await soap.post(envelope(dossier(own)), headers=headers)
    again = await soap.post(envelope(dossier(own)), headers=headers)
    assert again.receipt()["ReceiptId"] == first.receipt()["ReceiptId"]
    found = await soap.post(envelope(query(own)), action="QueryReceipt")
    assert found.receipt()["ReceiptId"] == first.receipt()["ReceiptId"]


@shared
async def test_what_belongs_to_the_way_is_not_kept(soap: SoapHub, stored: Callable[[], int], own: str) -> None:
    """Credentials, time stamps and addressing differ each time a message is sent again: it is known all the same, and no key
    is in the store."""
    key = soap.keys["one-stop"]
    for nonce in ("a", "b"):
        extra = f"<w:Nonce>{nonce}</w:Nonce>"
        header = security("one-stop", key, extra=extra) + ADDRESSING.format(nonce)
        answer = await soap.post(envelope(dossier(own), header=header), sender=None)
        assert answer.receipt()["Repeated"] == ("false" if nonce == "a" else "true")
    rows = soap.rows("select id, content from bodies join arrivals using (id)")
    (row,) = (one for one in rows if one["id"] == answer.receipt()["ReceiptId"])
    assert stored() == 1
    assert key.encode() not in row["content"] and b"Nonce" not in row["content"] and b"MessageID" not in row["content"]
    assert dossier(own).encode() in row["content"]
    catalog = soap.hub._parts.catalog
    assert catalog.schema("one-stop-soap@1").parse(row["content"])["SubmitDossier"]["RequestId"] == own


@shared
async def test_only_the_senders_own_receipts_are_found(soap: SoapHub, stored: Callable[[], int], own: str) -> None:
    """Another sender's request id, and one that never came, are not found alike."""
    await soap.add_sender("tax", "one-stop-soap")
    assert (await soap.post(envelope(dossier(own)))).receipt()["State"] == "accepted"
    never = new_id()
    for sender, request in (("tax", own), ("one-stop", never)):
        answer = await soap.post(envelope(query(request)), action="QueryReceipt", sender=sender)
        assert answer.fault() == ("Client", {"/QueryReceipt/RequestId": "not_found"})
    in_12 = await soap.post(envelope(query(never), "1.2"), action="QueryReceipt", version="1.2")
    assert (in_12.status, in_12.fault()[0]) == (400, "Sender")
    assert stored() == 1


# ── who calls


@shared
async def test_each_way_to_present_a_key(soap: SoapHub, own: str) -> None:
    """Basic, bearer, X-API-Key, and a UsernameToken that must be understood."""
    key = soap.keys["one-stop"]
    ways: list[dict[str, str]] = [soap.basic(), {"Authorization": f"Bearer {key}"}, {"X-API-Key": key}]
    for headers in ways:
        assert (await soap.post(envelope(query("x")), action="QueryReceipt", sender=None, headers=headers)).status == 500
    answer = await soap.post(envelope(dossier(own), header=security("one-stop", key)), sender=None)
    assert answer.receipt()["State"] == "accepted"


@shared
async def test_a_wrong_key(soap: SoapHub, stored: Callable[[], int], own: str) -> None:
    """401 with both challenges and a fault that names where the key stood; nothing of it is repeated."""
    other = await soap.add_sender("land", "one-stop-soap")
    key = soap.keys["one-stop"]
    token = "/Envelope/Header/Security/UsernameToken"

    def basic(text: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    wrong: list[tuple[dict[str, str], str, str, str]] = [
        ({}, "", "Authorization", "missing"),
        (basic(f"land:{key}"), "", "Authorization", "unknown_key"),
        (basic("one-stop:canary"), "", "Authorization", "malformed"),
        (basic("one-stop"), "", "Authorization", "malformed"),
        ({"Authorization": "Basic §§"}, "", "Authorization", "malformed"),
        ({**basic(f"one-stop:{key}"), "X-API-Key": other}, "", "Authorization", "two_keys"),
        ({}, security("one-stop", other), token, "unknown_key"),
        ({}, security("one-stop", "canary"), token, "malformed"),
        ({}, security("one-stop", "canary", "Digest"), f"{token}/Password", "password_digest"),
    ]
    for headers, header, at, code in wrong:
        answer = await soap.post(envelope(dossier(own), header=header), sender=None, headers=headers)
        assert answer.status == 401, (headers, header)
        assert [one.split()[0] for one in answer.headers.getall("WWW-Authenticate")] == ["Basic", "Bearer"]  # type: ignore[attr-defined]
        assert answer.fault() == ("Client", {at: code})
        assert "canary" not in answer.body.decode()
    assert stored() == 0


@shared
async def test_a_key_without_the_right(soap: SoapHub, own: str) -> None:
    """A fault of the sender's, also for a receipt; and no operator's key opens the door."""
    await soap.add_sender("trade", "opencps-dossier")
    for body, action in ((dossier(own), "SubmitDossier"), (query(own), "QueryReceipt")):
        answer = await soap.post(envelope(body), action=action, sender="trade")
        assert (answer.status, answer.fault()) == (500, ("Client", {"Hub-Schema": "no_right"}))
    key, text = new_key("boss", (), soap.clock(), "operator")
    await soap.hub.store.add_key(key)
    answer = await soap.post(envelope(dossier(own)), sender=None, headers={"Authorization": f"Bearer {text}"})
    assert answer.fault() == ("Client", {"Authorization": "operator_key"})


# ── what it takes


@shared
async def test_a_packed_envelope(soap: SoapHub, own: str) -> None:
    """gzip, as the REST door takes it; another coding is refused."""
    packed = await soap.post(gzip.compress(envelope(dossier(own)).encode()), headers={"Content-Encoding": "gzip"})
    assert packed.receipt()["State"] == "accepted"
    broken = await soap.post(b"no gzip", headers={"Content-Encoding": "gzip"})
    assert broken.fault() == ("Client", {"Content-Encoding": "bad_gzip"})
    other = await soap.post(b"x", headers={"Content-Encoding": "br"})
    assert (other.status, other.fault()) == (415, ("Client", {"Content-Encoding": "unsupported_coding"}))


@shared
async def test_utf_16(soap: SoapHub, own: str) -> None:
    """By its byte order mark, as XML allows; Vietnamese letters arrive."""
    code = "000.00.10.H22-261121-0016"
    sent = envelope(dossier(own, SoHoSo=code).replace("MC-2026-000001", "MC-2026-000016")).encode("utf-16")
    await soap.post(sent, headers={"Content-Type": "text/xml; charset=utf-16"})
    await settled(soap.hub)
    (call,) = (one for one in soap.partner.calls if one.body.get("MaHoSo") == code)
    assert call.body["ChuHoSo"] == NAME


@shared
async def test_a_large_envelope_is_read_beside_the_others(soap: SoapHub, own: str) -> None:
    """One of some hundred kilobytes, good or bad, gets the same treatment as a small one."""
    files = "".join(
        f'<o:TepDinhKem id="F{n}" loai="KetQua"><o:TenTep>{"t" * 1900}</o:TenTep></o:TepDinhKem>' for n in range(199)
    )
    large = dossier(own).replace("</o:HoSo>", f"{files}</o:HoSo>")
    assert len(large) > 350_000
    bad = large.replace('id="F198" loai="KetQua"', 'id="F198" loai="canary"')
    answer = await soap.post(envelope(bad))
    assert list(answer.fault()[1]) == ["/SubmitDossier/HoSo/TepDinhKem/199/@loai"]
    good = await soap.post(envelope(large))
    assert good.receipt()["State"] == "accepted"


@shared
async def test_100_continue_comes_only_for_a_key_that_may(soap: SoapHub, own: str) -> None:
    """With a wrong key in the header nothing is uploaded; without one it has to be, since it may stand in the envelope."""
    body = envelope(dossier(own), header=security("one-stop", soap.keys["one-stop"])).encode()

    async def ask(more: str, then: bytes = b"") -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", soap.hub.port)
        head = (
            f'POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nSOAPAction: "{SPACE}/SubmitDossier"\r\n{more}'
            f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode())
        answer = await asyncio.wait_for(reader.read(4096), 5)
        if then:
            writer.write(then)
            answer += await asyncio.wait_for(reader.read(4096), 5)
        writer.close()
        return answer

    assert (await ask("X-API-Key: hub_" + "x" * 43 + "\r\n")).startswith(b"HTTP/1.1 401")
    assert (await ask("", body)).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


async def test_limits_are_those_of_the_client(tmp_path: Path) -> None:
    """429 and 503 keep their status and Retry-After; the fault says that the same message may pass later."""
    async with started(tmp_path, clients="{ one-stop: { rate: 1, burst: 2 } }") as soap:
        soap.clock.stand_still()
        headers = [(await soap.post(envelope(dossier()))).headers for _ in range(2)]
        assert [one["RateLimit"].split(";")[1] for one in headers] == ["r=1", "r=0"]
        token = envelope(dossier(), header=security("one-stop", soap.keys["one-stop"]))
        for version, sender, body in (("1.1", "one-stop", envelope(dossier())), ("1.1", None, token)):
            late = await soap.post(body, version=version, sender=sender)
            assert (late.status, late.headers["Retry-After"]) == (429, "1")
            assert late.fault() == ("Server", {"": "rate"})
            assert "RateLimit" in late.headers
        soap.clock.advance(2)
        assert (await soap.post(envelope(dossier()))).status == 200
        (counted,) = soap.rows("select count(*) as n from arrivals")
        assert counted["n"] == 1


@shared
async def test_the_store_is_down(soap: SoapHub, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, Retry-After, and no receipt."""
    from hub.errors import StoreUnavailable

    async def down(plan: Any) -> Any:
        raise StoreUnavailable("disk_full")

    monkeypatch.setattr(soap.hub.store, "accept", down)
    answer = await soap.post(envelope(dossier(own), "1.2"), version="1.2")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.fault() == ("Receiver", {"": "store_unavailable"})


async def test_who_has_no_key_in_the_header_takes_no_place_from_others(tmp_path: Path) -> None:
    """Callers whose bodies do not come, and whose keys stand in them, share one part of the gate."""
    room = Room()
    assert room.requests > 2
    async with started(tmp_path, server="port: 0, max_in_work: 4, body_seconds: 30") as soap:
        head = f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n".encode()
        slow = [await asyncio.open_connection("127.0.0.1", soap.hub.port) for _ in range(8)]
        for _, writer in slow:
            writer.write(head)
            await writer.drain()
        answer = await asyncio.wait_for(soap.post(envelope(dossier())), 5)
        assert answer.receipt()["State"] == "accepted"
        for _, writer in slow:
            writer.close()


# ── what it says of itself


async def test_the_wsdl_names_the_address_it_was_asked_at(tmp_path: Path) -> None:
    """Scheme and host as asked, the prefix, and what a trusted proxy tells; the hub's own notes are not in it."""
    server = "port: 0, prefix: /hub, trusted_proxies: [127.0.0.0/8]"
    async with started(tmp_path, server) as soap:
        at = f"127.0.0.1:{soap.hub.port}"
        proxied = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.example.vn"}
        for query_text, headers, origin in (
            ("?wsdl", {}, f"http://{at}"),
            ("?WSDL", {"Host": "inside.example:81"}, "http://inside.example:81"),
            ("?wsdl=", proxied, "https://hub.example.vn"),
        ):
            answer = await soap.call("GET", f"/hub{PATH}{query_text}", headers=headers)
            assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
            found = {one.get("location") for one in answer.root.iter("{*}address")}
            assert found == {f"{origin}/hub{PATH}"}
            assert b"x-hub" not in answer.body


@shared
async def test_methods(soap: SoapHub) -> None:
    """GET without a query is a short page, HEAD as GET, OPTIONS says what is taken, the rest is 405; no key is asked for."""
    page = await soap.call("GET")
    assert page.status == 200 and f"{PATH}?wsdl" in page.body.decode() and "QueryReceipt" in page.body.decode()
    head = await soap.call("HEAD", PATH + "?wsdl")
    assert head.status == 200 and head.headers["Content-Type"].startswith("text/xml") and head.body == b""
    options = await soap.call("OPTIONS")
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await soap.call(method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert (await soap.call("GET", PATH + "/1.0.0/types.xsd")).status == 404


@pytest.mark.parametrize("by_address", [False, True])
async def test_a_wsdl_that_imports(tmp_path: Path, by_address: bool) -> None:
    """The files are handed out under the door, by whatever address the WSDL means them; a client can load it all."""
    from flow.parts import MovableClock, make_home, running

    home = make_home(tmp_path / "home", soap_config())
    folder = home / "schemas" / "one-stop-soap"
    text = (folder / "1.0.0.wsdl").read_text(encoding="utf-8")
    start, end = text.index('<xs:schema targetNamespace="urn:one-stop'), text.index("</xs:schema>") + len("</xs:schema>")
    whole = text[start:end].replace(
        "<xs:schema ", '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="urn:one-stop:dossiers:1" '
    )
    include = '<xs:include schemaLocation="{}"/>'
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:one-stop:dossiers:1">'
    address = "http://types.example/x/"
    own = folder / "1.0.0"
    own.mkdir()
    (own / "all kinds.xsd").write_text(whole, encoding="utf-8")
    (own / "second.xsd").write_text(f"{head}{include.format('all%20kinds.xsd')}</xs:schema>", encoding="utf-8")
    (own / "first.xsd").write_text(f"{head}{include.format('second.xsd')}</xs:schema>", encoding="utf-8")
    (own / "imports.json").write_text(
        json.dumps(
            {
                f"{address}first.xsd": "first.xsd",
                f"{address}second.xsd": "second.xsd",
                f"{address}all%20kinds.xsd": "all kinds.xsd",
            }
        ),
        encoding="utf-8",
    )
    outer = (
        '<xs:schema targetNamespace="urn:x"><xs:import namespace="urn:one-stop:dossiers:1" schemaLocation="{}"/></xs:schema>'
    )
    wsdl = text[:start] + outer.format(f"{address}first.xsd" if by_address else "1.0.0/first.xsd") + text[end:]
    (folder / "1.0.0.wsdl").write_text(wsdl, encoding="utf-8")
    (home / "schemas" / "schemas.lock").unlink()
    clock = MovableClock()
    async with running(home, clock) as (hub, partner):
        soap = SoapHub(hub, partner, clock)
        await soap.add_sender("one-stop")
        assert (await soap.post(envelope(dossier()))).receipt()["State"] == "accepted"
        seen, waiting = set(), [f"{PATH}?wsdl"]
        while waiting:
            path = waiting.pop()
            seen.add(path)
            answer = await soap.call("GET", path)
            assert answer.status == 200, path
            for one in answer.root.iter("{*}import", "{*}include"):
                location = one.get("schemaLocation") or one.get("location")
                assert location is not None and location.startswith(f"http://127.0.0.1:{hub.port}/"), location
                waiting.append(location.partition(str(hub.port))[2])
        assert seen == {f"{PATH}?wsdl", *(f"{PATH}/1.0.0/{name}.xsd" for name in ("first", "second", "all%20kinds"))}
        for path in ("/../secret", "/1.0.0/imports.json", "/1.0.0/../../../config.yaml"):
            assert (await soap.call("GET", PATH + path)).status == 404


# ── configuration


@pytest.mark.parametrize(
    ("old", "new", "at", "code"),
    [
        ("schema: one-stop-soap@1\n", "schema: opencps-dossier@1\n", "soap.one-stop", "not_a_wsdl"),
        ("schema: one-stop-soap@1\n", "schema: no-such@1\n", "soap.one-stop", "unknown_schema"),
        ("path: /soap/one-stop", "path: /v1/soap", "soap.one-stop", "path_taken"),
        ("path: /soap/one-stop", "path: soap", "soap.one-stop.path", "string_pattern_mismatch"),
        ("ReportProgress:", "Report:", "soap.one-stop", "operation_missing"),
        ("ReportProgress:", "Report:", "soap.one-stop", "unknown_operation"),
        ("ReceiptId: arrival", "ReceiptId: receipt", None, "literal_error"),
        ("ReceiptId: arrival", "Receipt: arrival", "soap.one-stop", "answer_misfit"),
        ("State: state", "State: { value: good }", "soap.one-stop", "answer_misfit"),
        ("ReceiptId: arrival", "ReceiptId.Id: arrival", "soap.one-stop", "answer_misfit"),
        ("receipt_of: /RequestId", "receipt_of: /Request", "soap.one-stop", "unknown_path"),
    ],
)  # fmt: skip
def test_a_door_that_does_not_fit(tmp_path: Path, old: str, new: str, at: str | None, code: str) -> None:
    """hub check names the section, with file and line, and what to write."""
    from flow.parts import make_home

    config = soap_config().replace(DOOR, DOOR.replace(old, new, 1))
    assert config != soap_config()
    _, problems, _ = examine(make_home(tmp_path, config))
    found = [one for one in problems if one.code == code and at in (None, one.at)]
    assert found and found[0].source.startswith("config.yaml:"), [str(one) for one in problems]


def test_two_doors_need_two_paths_and_a_source(tmp_path: Path) -> None:
    """A door below another's path would hide its files; a schema that is no source is taken from nobody."""
    from flow.parts import make_home

    second = (
        DOOR.replace("soap:\n", "").replace("one-stop:", "other:", 1).replace("path: /soap/one-stop", "path: /soap/one-stop/x")
    )
    config = soap_config() + second.lstrip("\n")
    _, problems, _ = examine(make_home(tmp_path, config))
    assert [one.code for one in problems] == ["path_taken"]
    without = soap_config().replace("  - { schema: one-stop-soap@1, becomes: [dossier@1, dossier-progress@1] }\n", "")
    (tmp_path / "config.yaml").write_text(without, encoding="utf-8")
    _, problems, _ = examine(tmp_path)
    assert [one.code for one in problems] == ["not_a_source"]


def test_constants_fill_an_answer(tmp_path: Path) -> None:
    """A WSDL that wants a code in each good answer gets it from the configuration."""
    from flow.parts import make_home

    config = soap_config().replace("CorrelationId: correlation_id", "CorrelationId: { value: '0' }", 1)
    parts, problems, _ = examine(make_home(tmp_path, config))
    assert parts is not None, problems
    offered = parts.soap["one-stop"].offered[0]
    filled = offered.filled({"arrival": "a", "state": "kept"}, repeated=False)
    assert filled == {"ReceiptId": "a", "State": "kept", "CorrelationId": "0", "Repeated": False}
    assert parts.soap["one-stop"].schema.ref == SchemaRef("one-stop-soap", "1.0.0")


async def test_a_reload_takes_new_answers_and_no_new_path(alone: SoapHub, capfd: pytest.CaptureFixture[str]) -> None:
    """What is answered changes at once; a door that moved, came or went needs a restart, and the log says so."""
    config = alone.hub.home.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("CorrelationId: correlation_id", "CorrelationId: { value: none }"), encoding="utf-8")
    assert alone.hub.reload() == [] and "restart_needed" not in capfd.readouterr().err
    assert (await alone.post(envelope(dossier()))).receipt()["CorrelationId"] == "none"
    config.write_text(text.replace("path: /soap/one-stop", "path: /soap/other"), encoding="utf-8")
    assert alone.hub.reload() == [] and '"at":["soap.one-stop"]' in capfd.readouterr().err
    assert (await alone.post(envelope(dossier("r-2")))).status == 200
    config.write_text(text.replace(DOOR, ""), encoding="utf-8")
    assert alone.hub.reload() == [] and "restart_needed" in capfd.readouterr().err
    assert (await alone.post(envelope(dossier("r-3")))).status == 200


# ── the REST door beside it


@shared
async def test_the_rest_door_takes_an_envelope_as_xml(soap: SoapHub, own: str) -> None:
    """For a schema whose messages are XML the media type is XML's, and for one in JSON it is not."""
    head = {"X-API-Key": await soap.add_sender("all", "*"), "Hub-Schema": "one-stop-soap@1"}
    body = envelope(dossier(own))
    good = await soap.call("POST", "/v1/messages", data=body, headers={**head, "Content-Type": "application/xml"})
    assert good.status == 202 and b'"state":"accepted"' in good.body
    for change in ({"Content-Type": "application/json"}, {"Content-Type": "text/xml", "Hub-Schema": "opencps-dossier@1"}):
        wrong = await soap.call("POST", "/v1/messages", data=body, headers={**head, **change})
        assert wrong.status == 415 and b'"code":"media_type"' in wrong.body
    bad = envelope(dossier(own, TrangThai=""))
    wrong = await soap.call("POST", "/v1/messages", data=bad, headers={**head, "Content-Type": "text/xml; charset=utf-8"})
    assert wrong.status == 422 and b'"pointer":"/SubmitDossier/HoSo/TrangThai"' in wrong.body
    described = await soap.call("GET", "/openapi.json")
    assert b'"application/xml":{"schema":{"type":"string"}' in described.body and b"one-stop-soap@1.0.0" in described.body


@shared
async def test_nothing_that_a_person_typed_is_in_a_fault(soap: SoapHub, own: str) -> None:
    """Names, numbers and texts of the message stay in it."""
    for change in (
        (NUMBER, "canary"),
        ("CaNhan", NUMBER),
        ("<o:HoTen>", f"<o:Canary{NUMBER}/><o:HoTen>"),
        ("MC-2026-000001", ""),
    ):
        answer = await soap.post(envelope(dossier(own).replace(*change)))
        text = answer.body.decode()
        assert "Bình" not in text and NUMBER not in text and "canary" not in text
        assert answer.status == (200 if change[1] == "canary" else 500)


def test_the_shared_names_are_real() -> None:
    """The envelopes of these tests are well-formed, and in the namespace of WS-Security."""
    root = etree.fromstring(envelope(dossier(), header=security("a", "b")).encode())
    assert root.find("{*}Header/{*}Security").tag == f"{{{WSSE}}}Security"  # type: ignore[union-attr]
