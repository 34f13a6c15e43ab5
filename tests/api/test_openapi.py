"""The API's description: a valid OpenAPI 3.1 document that leaves out nothing and says what the hub really answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import web
from api_hub import Api, started
from flow.parts import Asked, make_home, settled, told, until
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from hub.api.openapi import document
from hub.api.server import build_app
from hub.assembly import assemble
from hub.connector import Receipt
from hub.errors import InDoubt, Refused, Rejected
from hub.message import Arrival, SchemaRef, new_id


@pytest.fixture(scope="module")
def doc(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description of a hub that takes OpenCPS records."""
    parts = assemble(make_home(tmp_path_factory.mktemp("described")))
    return document("http://hub.example", parts.catalog, parts.sources)


def undescribed(app: web.Application, described: dict[str, Any]) -> set[tuple[str, str]]:
    """Operations that the server has and the document has not."""
    registered = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "OPTIONS")
    }
    return registered - {(method, path) for path, item in described["paths"].items() for method in item}


def all_of(node: Any) -> Iterator[Any]:
    yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from all_of(one)


def test_it_is_valid(doc: dict[str, Any]) -> None:
    """Against the OpenAPI 3.1 schema; each component is a JSON Schema; every reference leads somewhere."""
    OPENAPI_31_VALIDATOR.validate(doc)
    for name, schema in doc["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}), name
    for node in all_of(doc):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            found = doc
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]


def test_no_route_is_missing(doc: dict[str, Any]) -> None:
    """Every route of the server is in the document and the other way round; one that is added to the server alone is found."""
    unused: Any = None

    async def forgotten(request: web.Request) -> web.Response:
        return web.Response()

    app = build_app(accept=unused, store=unused, clock=lambda: 0, running=lambda: True)
    assert undescribed(app, doc) == set()
    paths = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
    assert set(doc["paths"]) == paths
    app.router.add_get("/v1/forgotten", forgotten)
    assert undescribed(app, doc) == {("get", "/v1/forgotten")}


def test_every_operation_says_what_it_is(doc: dict[str, Any]) -> None:
    """A summary, whether it needs a key, described parameters, and for each error its kinds."""
    for path, item in doc["paths"].items():
        for operation in item.values():
            assert operation["summary"] and operation["operationId"], path
            assert operation["security"] == ([{"bearer": []}, {"key": []}] if path.startswith("/v1/") else []), path
            assert all(one["description"] for one in operation.get("parameters", [])), path
            for status, answer in operation["responses"].items():
                assert "Hub-Correlation-Id" in answer["headers"], (path, status)
                if int(status) >= 400:
                    (media,) = answer["content"].values()
                    assert media["schema"]["allOf"][1]["properties"]["type"]["enum"], (path, status)


def test_every_kind_of_refusal_is_described(doc: dict[str, Any]) -> None:
    """Each class of refusal, with its status, at the door for messages or at the lists."""
    described = {
        (int(status), kind.rpartition(":")[2])
        for item in doc["paths"].values()
        for operation in item.values()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for kind in answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["type"]["enum"]
    }

    def classes(of: type[Refused]) -> Iterator[type[Refused]]:
        yield of
        for one in of.__subclasses__():
            yield from classes(one)

    assert {(one.status, one.kind) for one in classes(Refused)} <= described
    assert {(404, "not-found"), (503, "store-unavailable"), (503, "not-ready"), (500, "internal")} <= described


def test_no_schema_takes_everything(doc: dict[str, Any]) -> None:
    """What the hub itself answers is closed: no empty schema, no further fields."""
    partners = {"opencps-dossier-1.0.0"}
    for name, schema in doc["components"]["schemas"].items():
        if name not in partners:
            assert schema["additionalProperties"] is False, name
            assert all(one.get("description") or one.get("type") or "$ref" in one for one in schema["properties"].values()), (
                name
            )
            assert {} not in list(all_of(schema)), name


async def test_what_it_says_is_what_the_hub_answers(tmp_path: Path) -> None:
    """Arrivals, dossiers, lists and problems of a hub where things went well, wrong and astray fit the document's schemas."""
    async with started(tmp_path, kind=Asked) as api:
        described = (await api.get("/openapi.json", sender=None)).json
        await _live_through(api)
        paths: dict[str, set[str]] = {"/v1/arrivals": {"/v1/arrivals"}, "/v1/dossiers": {"/v1/dossiers"}}
        arrivals = (await api.get("/v1/arrivals?limit=200")).json["items"]
        dossiers = (await api.get("/v1/dossiers")).json["items"]
        paths["/v1/arrivals/{id}"] = {f"/v1/arrivals/{one['arrival']}" for one in arrivals}
        paths["/v1/dossiers/{code}"] = {f"/v1/dossiers/{code['code']}" for one in dossiers for code in one["codes"]}
        seen: set[str] = set()
        cells: set[tuple[bool, ...]] = set()
        for template, concrete in paths.items():
            for path in sorted(concrete):
                answer = await api.get(path)
                assert answer.status == 200
                _fits(described, template, answer.json)
                seen |= {event["event"] for event in answer.json.get("timeline", [])}
                seen |= {one["state"] for one in answer.json.get("waiting", [])}
                cells |= {tuple(name in one for name in ("sent_seq", "heard_seq")) for one in answer.json.get("ledger", [])}
        _fits(described, "/v1/dossiers/{code}", (await api.get("/v1/dossiers/none")).json, "404")
        _fits(described, "/v1/arrivals", (await api.get("/v1/arrivals?limit=x&y=1")).json, "400")
    assert cells == {(True, False), (False, True), (True, True), (False, False)}
    assert {"arrival", "message", "attempt", "delivered", "dead", "superseded", "discarded", "pending"} <= seen
    assert {one["state"] for one in arrivals} == {"accepted", "kept"}


async def test_the_example_is_taken(tmp_path: Path) -> None:
    """The example of the body, sent as it is, gets a receipt that fits the document; it names no person."""
    async with started(tmp_path) as api:
        described = (await api.get("/openapi.json", sender=None)).json
        (example,) = described["paths"]["/v1/messages"]["post"]["requestBody"]["content"]["application/json"][
            "examples"
        ].values()
        answer = await api.send(example["value"])
        assert answer.status == 202
        schema = {"$ref": "#/components/schemas/Receipt", "components": described["components"]}
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(answer.json)
        assert not [name for name in example["value"] if "applicant" in name or "contact" in name]


async def _live_through(api: Api) -> None:
    """Delivered, refused, replaced, discarded, waiting after a lost answer, kept, and an observation of another sender."""
    good, refused, healed, given_up, lost = told(5)
    await api.add_sender("other")
    for record in good.records:
        assert (await api.send(record, headers={"Idempotency-Key": str(id(record))})).status == 202
    await api.send(good.records[-1], sender="other")
    for endpoint in ("portal", "registry"):
        body = json.dumps({**good.records[-1], "dossierNote": f"as {endpoint} has it"}).encode()
        told_by_it = Arrival(
            new_id(), endpoint, SchemaRef.parse("opencps-dossier@1"), body, api.clock(), "0" * 32, origin=endpoint
        )
        await api.hub.intake.accept(told_by_it)
    await settled(api.hub)
    api.partner.script = lambda message, attempt: Rejected("-3", "no")
    for story in (refused, healed, given_up):
        await api.send(story.records[0])
    await settled(api.hub)
    api.partner.script = lambda message, attempt: Receipt()
    await api.send(healed.records[1])
    view = (await api.get(f"/v1/dossiers/{given_up.code}")).json
    dead = [one["delivery"] for one in view["waiting"] if one["state"] == "dead"]
    assert dead, "a dead head of a lane is waiting"
    await api.hub.store.discard(dead[0], actor="lan", why="a test", now=api.clock())
    api.hub._wake()
    await settled(api.hub)
    api.partner.script = lambda message, attempt: InDoubt("reset", "the answer was lost")
    api.partner.answer = InDoubt("reset", "and again")
    await api.send(lost.records[0])

    async def doubtful() -> bool:
        return any(one.get("outcome") == "in_doubt" for one in (await api.get(f"/v1/dossiers/{lost.code}")).json["timeline"])

    await until(doubtful)
    assert (await api.send({**refused.records[1], "serviceCode": "unknown"})).json["state"] == "kept"


def _fits(described: dict[str, Any], path: str, value: Any, status: str = "200") -> None:
    (media,) = described["paths"][path]["get"]["responses"][status]["content"].values()
    schema = {**media["schema"], "components": described["components"]}
    errors = [error.message for error in jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(value)]
    assert not errors, (path, errors)


async def test_the_page(tmp_path: Path) -> None:
    """Shows every operation, status and schema of the document, asks nothing of anyone else, and lets no script run."""
    async with started(tmp_path) as api:
        described = (await api.get("/openapi.json", sender=None)).json
        page = await api.get("/docs", sender=None)
    text = page.body.decode()
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "<script" not in text and "src=" not in text and "http://" not in text.replace("http://www.w3.org", "")
    for path, item in described["paths"].items():
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in text and f"<code>{path}</code>" in text
            assert all(answer["description"] in text for answer in operation["responses"].values())
    assert all(f'id="schema-{name}"' in text for name in described["components"]["schemas"])


async def test_it_follows_the_catalog(tmp_path: Path) -> None:
    """A hub that takes changed sources without a restart describes those."""
    async with started(tmp_path) as api:
        before = (await api.get("/openapi.json", sender=None)).json
        config = api.hub.home.folder / "config.yaml"
        text = config.read_text(encoding="utf-8")
        source = "  - { schema: opencps-dossier@1, becomes: [dossier@1, dossier-progress@1] }\n"
        assert source in text
        config.write_text(text.replace(f"sources:\n{source}", "sources: []\n"), encoding="utf-8")
        assert api.hub.reload() == []
        after = (await api.get("/openapi.json", sender=None)).json
    assert "opencps-dossier-1.0.0" in json.dumps(before)
    assert "opencps-dossier-1.0.0" not in json.dumps(after)
    OPENAPI_31_VALIDATOR.validate(after)
