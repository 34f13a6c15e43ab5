"""Reads a call at each door of the simulated platform: for whom it is, why it is turned away, how it goes on and comes back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson
from aiohttp import web

from connectors.platform import simulator_soap as soap
from connectors.platform import simulator_x_road as x_road
from connectors.platform.simulator_config import PlatformConfig, on_loopback
from connectors.platform.simulator_forwarding import Forwarded, Headers, headers_of, joined, passed, without
from connectors.platform.simulator_x_road import Problem
from hub.testing.fault_play import Answer

Tell = Callable[[Problem], Answer]


@dataclass(frozen=True, slots=True)
class Way:
    """One call: by which door it came, for which service, why it may not go on (``problem``), what goes where, and how this
    door tells an error (``tell``) and writes the provider's answer (``back``). ``tokens``: the gateway's are asked for."""

    door: str
    service: str
    tell: Tell
    problem: Problem | None = None
    url: str = ""
    headers: Headers = field(default_factory=list)
    client: str = ""
    id: str = ""
    back: Callable[[Forwarded], Forwarded] = lambda answer: answer
    tokens: bool = False


def by_rest(request: web.Request, body: bytes, config: PlatformConfig) -> Way:
    """X-Road REST: the service stands in the path, the client in X-Road-Client."""
    raw_path, _, query = request.raw_path.partition("?")
    path, given = x_road.rest_path(raw_path), request.headers.getall(x_road.CLIENT, [])
    client = x_road.client_id(given[0]) if len(given) == 1 else None
    if path is None or client is None:
        words = "X-Road-Client is required, once" if path is not None else "Not a path of the X-Road message protocol for REST"
        return Way("rest", "?", x_road.told, Problem(x_road.BAD_REQUEST, words))
    sent = _sent(request, x_road.REQUEST_ID, x_road.REQUEST_HASH)
    request_id = str(uuid.uuid4())
    sent.append((x_road.REQUEST_ID.lower(), request_id))  # in X-Road's own spelling, in which it is hashed [read: MimeUtils]
    message_id = request.headers.get(x_road.ID) or f"{client.partition('/')[0]}-{uuid.uuid4()}"
    if x_road.ID not in request.headers:
        sent.append((x_road.ID.lower(), message_id))
    service = x_road.encoded(path.service)
    own = [(x_road.CLIENT, x_road.encoded(client)), (x_road.SERVICE, service), (x_road.ID, message_id)]
    own.append((x_road.REQUEST_ID, request_id))
    hashed = _hash(config, x_road.request_hash(request.method, request.raw_path, sent, body))
    if hashed is not None:
        own.append((x_road.REQUEST_HASH, hashed))

    def back(answer: Forwarded) -> Forwarded:
        return replace(answer, exactly=[*passed(answer.exactly, x_road.OF_THE_ANSWER), *own])

    problem = _denied(config, client, path.service)
    url = joined(config.services.get(path.service, ""), path.rest, query)
    sent.append((x_road.SERVICE, service))
    return Way("rest", path.service, x_road.told, problem, url, sent, client, message_id, back)


def by_soap(request: web.Request, body: bytes, config: PlatformConfig) -> Way:
    """X-Road SOAP: client and service stand in the envelope's header block."""

    def tell(problem: Problem) -> Answer:
        return soap.fault(problem, config.fault_status)

    try:
        if request.content_type != "text/xml":
            raise soap.SoapRefused("Client.InvalidContentType", "Content-Type must be text/xml")
        block = soap.read_block(body, config.user_id == "required", config.wrapper == "checked")
    except soap.SoapRefused as refused:
        return Way("soap", "?", tell, refused.problem)

    def back(answer: Forwarded) -> Forwarded:
        kept = [(name, value) for name, value in answer.exactly if name.lower() == "content-type"]
        if config.answer_header == "as_sent":
            return replace(answer, exactly=kept)
        return replace(answer, exactly=kept, body=soap.with_block(answer.body, block, _hash(config, soap.hash_of(body))))

    sent = _sent(request)
    if config.soap_http_headers == "few":
        sent = [(name, value) for name, value in sent if name.lower() in ("content-type", "soapaction")]
    problem, url = _denied(config, block.client, block.service), config.services.get(block.service, "")
    return Way("soap", block.service, tell, problem, url, sent, block.client, block.id, back)


def by_adapter(request: web.Request, body: bytes, config: PlatformConfig) -> Way:
    """``…/forward/<path>?dstcode=&providerurl=``: dstcode names the member, providerurl its backend."""
    raw_path, _, raw_query = request.raw_path.partition("?")
    query, told = without(raw_query, ("dstcode", "providerurl"))
    places = {"query": [told.get("dstcode")], "header": [request.headers.get("dstcode")]}
    given = {code for code in places.get(config.dstcode_in) or places["header"] + places["query"] if code}
    dstcode = given.pop() if len(given) == 1 else ""
    provider_url = told.get("providerurl", "")
    base = config.dstcodes.get(dstcode) or provider_url
    problem = None
    if dstcode not in config.dstcodes:
        problem = Problem("unknown_dstcode" if dstcode else "no_dstcode", "dstcode không hợp lệ")
    elif (config.providerurl == "required" and not provider_url) or not on_loopback(base):
        problem = Problem("providerurl", "providerurl không hợp lệ")
    url = joined(base, raw_path.split("/forward", 1)[1], query)
    sent = _sent(request, "dstcode")
    return Way("adapter", dstcode or "?", _told, problem, url, sent, tokens=config.adapter_tokens)


def by_gateway(request: web.Request, body: bytes, config: PlatformConfig) -> Way:
    """``/<context>/…`` of an API of the gateway, with its tokens, which the provider is not shown [known]."""
    raw_path, _, query = request.raw_path.partition("?")
    context = max((one for one in config.apis if f"{raw_path}/".startswith(f"{one}/")), key=len)
    url = joined(config.apis[context], raw_path.removeprefix(context), query)
    return Way("gateway", context, _told, None, url, _sent(request, "authorization", "lgspaccesstoken"), tokens=True)


def _sent(request: web.Request, *beside: str) -> Headers:
    """The caller's headers that go on; the body is unpacked already."""
    return passed(headers_of(request), ("content-encoding", *(name.lower() for name in beside)))


def _denied(config: PlatformConfig, client: str, service: str) -> Problem | None:
    """Why this client may not call this service; None: it may."""
    if config.clients and client not in config.clients:
        return Problem(x_road.UNKNOWN_MEMBER, f"Client '{client}' not found")
    owner = service.rpartition("/")[0]
    if not any(known.rpartition("/")[0] == owner for known in config.services):
        return Problem(x_road.UNKNOWN_MEMBER, f"Could not find addresses for service provider '{owner}'")
    if service not in config.services:
        return Problem(x_road.UNKNOWN_SERVICE, f"Unknown service: {service}")
    if service in config.denied:
        return Problem(x_road.ACCESS_DENIED, f"Request is not allowed: {service}")
    return None


def _hash(config: PlatformConfig, right: str) -> str | None:
    return {"right": right, "wrong": soap.hash_of(b"another request"), "absent": None}[config.request_hash]


def _told(problem: Problem) -> Answer:
    """An error of the adapter or the gateway itself; none is public, so that the form is this simulator's own [unknown]."""
    status = {x_road.NETWORK_ERROR: 502, x_road.SERVICE_FAILED: 504}.get(problem.code, 404)
    body = orjson.dumps({"error_code": problem.code, "message": problem.message})
    return Answer(body, problem.code, status=status, error_code=problem.code)
