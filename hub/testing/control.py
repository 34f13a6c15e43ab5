"""The control paths that every simulator has beside its partner's own: plant faults, release held calls, look inside.

``POST DELETE GET /_control/faults`` · ``GET /_control/state`` · ``GET /_control/calls?since=&service=`` ·
``GET /_control/held?count=&wait=`` · ``POST /_control/release``. No credentials: simulators listen on loopback only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from hub.testing.fault_play import CallLog, FaultPlayer
from hub.testing.faults import FaultRule

M = TypeVar("M", bound=BaseModel)


class _Release(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: int | None = None
    how: Literal["go", "drop"] = "go"


def control_answer(value: Any, status: int = 200) -> web.Response:
    """A value as a JSON answer of a control path."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


async def control_body(request: web.Request) -> Any:
    """The JSON of a control request, ``{}`` when there is none. Raises HTTP 400 when it is not JSON."""
    raw = await request.read()
    try:
        return orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=f"not JSON: {error}") from error


def _valid(kind: type[M], value: Any) -> M:
    """The value as a model. Raises HTTP 422 with every problem."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        problems = error.json(include_url=False, include_context=False)
        raise web.HTTPUnprocessableEntity(text=f'{{"problems":{problems}}}', content_type="application/json") from error


def _number(request: web.Request, name: str, default: str) -> float:
    try:
        return float(request.query.get(name, default))
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{name} must be a number") from error


def control_routes(faults: FaultPlayer, calls: CallLog, state: Callable[[], Mapping[str, Any]]) -> Iterable[web.RouteDef]:
    """The routes of one simulator; ``state`` gives its whole memory as JSON values."""

    async def plant(request: web.Request) -> web.Response:
        body = await control_body(request)
        rules = [_valid(FaultRule, one) for one in (body if isinstance(body, list) else [body])]
        return control_answer({"ids": [faults.rules.plant(rule) for rule in rules]}, 201)

    async def withdraw(request: web.Request) -> web.Response:
        chosen = int(_number(request, "id", "0")) if "id" in request.query else None
        return control_answer({"withdrawn": faults.rules.withdraw(chosen)})

    async def list_rules(_: web.Request) -> web.Response:
        return control_answer({"faults": faults.rules.as_list()})

    async def show_state(_: web.Request) -> web.Response:
        return control_answer(state())

    async def list_calls(request: web.Request) -> web.Response:
        since = int(_number(request, "since", "0"))
        return control_answer({"calls": calls.as_list(since, request.query.get("service"))})

    async def list_held(request: web.Request) -> web.Response:
        found = await faults.wait_held(int(_number(request, "count", "1")), _number(request, "wait", "0"))
        return control_answer({"held": found})

    async def release(request: web.Request) -> web.Response:
        wanted = _valid(_Release, await control_body(request))
        return control_answer({"released": faults.release(wanted.how, wanted.id)})

    return [
        web.post("/_control/faults", plant),
        web.delete("/_control/faults", withdraw),
        web.get("/_control/faults", list_rules),
        web.get("/_control/state", show_state),
        web.get("/_control/calls", list_calls),
        web.get("/_control/held", list_held),
        web.post("/_control/release", release),
    ]
