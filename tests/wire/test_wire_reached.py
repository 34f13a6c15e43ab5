"""How a partner is reached: where a call goes and what it carries beside, and what `hub check` says of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from pydantic import ValidationError
from wire_stand_in import MovableClock, ok, settings, stand_in

from connectors.national_portal.config import PortalConfig
from connectors.soap.config import SoapConfig
from hub.cli.settings import settings_of
from hub.config import validation_problems
from hub.wire import HttpEndpoint, HttpSettings, SignedEndpoint
from hub.wire.accounts import OAuth2
from hub.wire.reached import on_its_way

DSTCODE = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
X_ROAD = {
    "by": "x-road", "security_server": "https://ss", "client": "VN/GOV/H22/dvc", "service": "VN/GOV/G22/portal/dossiers"
}  # fmt: skip


def way(**reached: Any) -> Any:
    return settings(reached=reached).reached


def wrong(reached: dict[str, Any], model: type[HttpSettings] = HttpSettings, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as error:
        model.model_validate({**more, "reached": reached})
    return [(one.at, one.message) for one in validation_problems(error.value, lambda *_: "")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dstcode", "VN:GOV\r\nX-Evil: 1"),
        ("dstcode", "VN:GOV:000 00"),
        ("dstcode", "VN:GỐV"),
        ("forward_url", "http://h:99999/forward"),
        ("forward_url", "http://h/forward?dstcode=1"),
        ("forward_url", "http://u@h/forward"),
        ("forward_url", "http://h/for ward"),
    ],
)
def test_an_adapter_that_no_call_could_reach_is_refused(name: str, value: str) -> None:
    """By hub check, not by a call that may be in doubt."""
    adapter = {"forward_url": "http://h/forward", "dstcode": DSTCODE, "dstcode_in": "header", name: value}
    assert [at for at, _ in wrong({"by": "lgsp", "adapter": adapter})] == [f"reached.adapter.{name}"]


def test_a_security_server_that_no_call_could_reach_is_refused() -> None:
    for url in ("https://ss:0", "https://ss:x", "ss", "https://ss/#a", "https://s s"):
        assert [at for at, _ in wrong({**X_ROAD, "security_server": url})] == ["reached.security_server"]


@pytest.mark.parametrize(
    "reached", [None, {"by": "direct", "because": "letter 12/2026"}, {"by": "lgsp"}, {"by": "ndxp"}, {"by": "ndop"}]
)
def test_without_an_adapter_the_url_is_called_itself(reached: dict[str, Any] | None) -> None:
    """The way is on record; the call is the caller's."""
    assert on_its_way(settings(reached=reached).reached, "http://h/a?b=1", {"X": "1"}) == ("http://h/a?b=1", {"X": "1"})


@pytest.mark.parametrize("where", ["query", "header"])
async def test_the_adapter_gets_the_path_and_is_told_the_provider(where: str) -> None:
    """Path and query of the partner's url stand behind the forward address, dstcode where this adapter reads it."""
    async with stand_in(ok) as at:
        adapter = {
            "forward_url": f"{at.url}/XrdAdapter/RestService/forward/", "dstcode": DSTCODE, "dstcode_in": where,
            "providerurl": "https://backend.example",
        }  # fmt: skip
        it = HttpEndpoint(settings(reached={"by": "ndxp", "adapter": adapter}), MovableClock())
        await it.open()
        await it.call("POST", "https://partner.invalid/mapi/g?x=1", effect=True, headers={"DSTCODE": "mine", "X-Own": "1"})
        await it.close()
        (asked,) = at.asked
    told = parse_qs(urlsplit(asked.path).query)
    assert urlsplit(asked.path).path == "/XrdAdapter/RestService/forward/mapi/g"
    assert told["x"] == ["1"] and told["providerurl"] == ["https://backend.example"] and asked.headers["X-Own"] == "1"
    assert (told.get("dstcode"), asked.headers.get("dstcode")) == (
        ([DSTCODE], "mine") if where == "query" else (None, DSTCODE)
    )  # fmt: skip


@pytest.mark.parametrize(("token_from", "through"), [("platform", False), ("partner", True)])
async def test_a_token_is_asked_for_at_its_own_address_or_on_the_way(token_from: Any, through: bool) -> None:
    """The platform's own token is not forwarded to the partner; the partner's own is."""

    async def reply(_: Any) -> web.Response:
        return web.json_response({"access_token": "t"})

    async with stand_in(reply) as at:
        adapter = {"forward_url": f"{at.url}/forward", "dstcode": DSTCODE}
        account = OAuth2.model_validate({
            "kind": "oauth2", "token_url": f"{at.url}/token", "client_id": "c", "client_secret": "s", "token_from": token_from
        })  # fmt: skip
        it = SignedEndpoint(settings(reached={"by": "lgsp", "adapter": adapter}), account, MovableClock())
        await it.open()
        await it.call("GET", "https://partner.invalid/a", effect=False)
        await it.close()
        token, call = (one.path.partition("?")[0] for one in at.asked)
    assert (token, call) == ("/forward/token" if through else "/token", "/forward/a")


def test_x_road_rest_names_the_service_and_the_client_in_the_url_and_a_header() -> None:
    """Each part is escaped by itself; each call has an id of its own."""
    there = way(**{**X_ROAD, "service": "VN/GOV/000.00.00.G22/cổng/hồ sơ", "user_id": "VN012"})
    url, headers = on_its_way(there, "https://partner.invalid/v1/a%20b?c=d", {"x-road-client": "mine"})
    again = on_its_way(there, "https://partner.invalid/v1/a", {})[1]
    assert url == "https://ss/r1/VN/GOV/000.00.00.G22/c%E1%BB%95ng/h%E1%BB%93%20s%C6%A1/v1/a%20b?c=d"
    assert (headers["X-Road-Client"], headers["X-Road-UserId"]) == ("VN/GOV/H22/dvc", "VN012")
    assert "x-road-client" not in headers and headers["X-Road-Id"] != again["X-Road-Id"]


def test_x_road_soap_is_posted_to_the_security_server() -> None:
    """Who is called stands in the envelope, not in the address."""
    there = SoapConfig.model_validate({
        "wsdl": "a.wsdl", "operations": {"a@1": {"operation": "A"}}, "reached": {**X_ROAD, "protocol": "soap"}
    }).reached  # fmt: skip
    assert on_its_way(there, "https://partner.invalid/ws", {}) == ("https://ss/", {})


@pytest.mark.parametrize(
    ("reached", "at", "said"),
    [
        ({"by": "direct"}, "reached.because", "Decree 194/2025/NĐ-CP"),
        ({"by": "direct", "because": "  "}, "reached.because", "Decree 194/2025/NĐ-CP"),
        ({"by": "post"}, "reached", "'direct', 'lgsp', 'ndxp', 'ndop', 'x-road'"),
        ({"by": "lgsp", "because": "x"}, "reached.because", "not known"),
        ({"by": "lgsp", "adapter": {"forward_url": "http://h/f?dstcode=a", "dstcode": "a"}}, "reached.adapter.forward_url", ""),
        ({"by": "lgsp", "adapter": {"forward_url": "http://h/f"}}, "reached.adapter.dstcode", ""),
        ({**X_ROAD, "client": "VN/GOV/H22"}, "reached.client", "four parts"),
        ({**X_ROAD, "client": "VN/GOV//dvc"}, "reached.client", "none of them empty"),
        ({**X_ROAD, "service": "VN/GOV/G22/portal"}, "reached", "five parts"),
        ({**X_ROAD, "security_server": "ss"}, "reached.security_server", "an address"),
        ({**X_ROAD, "protocol": "soap"}, "reached", "the connector soap"),
    ],
)
def test_a_wrong_way_is_refused_with_what_to_write(reached: dict[str, Any], at: str, said: str) -> None:
    """Each at its place in the file."""
    ((place, message),) = wrong(reached)
    assert place == at and said in message


def test_the_portals_adapter_is_said_once() -> None:
    """Its own settings say it, as they always did."""
    portal = {"adapter_url": "http://h/f", "username": "u", "password": "p", "madonvi": "m"}
    adapter = {"by": "ndxp", "adapter": {"forward_url": "http://h/f", "dstcode": "d"}}
    assert [at for at, _ in wrong(adapter, PortalConfig, **portal)] == ["reached"]
    assert PortalConfig.model_validate({**portal, "reached": {"by": "ndxp"}}).reached is not None


def test_every_setting_of_every_way_is_described() -> None:
    """Once, with the ways that have it."""
    found = {one.name: one for one in settings_of(HttpSettings)}
    assert all(one.description for one in found.values())
    assert found["reached.by"].type == "direct | lgsp | ndxp | ndop | x-road"
    assert {"reached.because", "reached.adapter.dstcode", "reached.security_server"} <= found.keys()
