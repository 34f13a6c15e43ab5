"""The control paths that only the simulated ministry portal has: put in feed items and result files, push, end tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from connectors.ministry_portal.simulator_feed import Feed, Push, either
from connectors.ministry_portal.simulator_files import ResultFile
from connectors.ministry_portal.simulator_state import Effect, MinistryMemory
from connectors.ministry_portal.simulator_tokens import Tokens
from hub.testing.control import control_answer, control_body

M = TypeVar("M", bound=BaseModel)


def ministry_control(feed: Feed, memory: MinistryMemory, tokens: Tokens, files_path: str) -> Iterable[web.RouteDef]:
    """The routes; ``files_path``: below it the result files are served."""

    async def put_items(request: web.Request) -> web.Response:
        body = await control_body(request)
        items = _items(body if isinstance(body, list) else [body])
        feed.put(items)
        return control_answer({"fed": len(items), "last": len(memory.feed)}, 201)

    async def put_files(request: web.Request) -> web.Response:
        body = await control_body(request)
        told: list[dict[str, Any]] = []
        for file in [_valid(ResultFile, one) for one in (body if isinstance(body, list) else [body])]:
            kept = {**file.model_dump(), "sha256": await asyncio.to_thread(file.sha256)}
            memory.commit([Effect("file", file.id, kept)])
            told.append({**kept, "url": f"{request.scheme}://{request.host}{files_path}/{file.id}"})
        return control_answer({"files": told}, 201)

    async def push(request: web.Request) -> web.Response:
        wanted = _valid(Push, await control_body(request))
        items = _items(wanted.items) if wanted.items is not None else feed.items_after(wanted.after, len(memory.feed) or 1)[0]
        return control_answer({"pushed": len(items), "answers": await wanted.carry_out(items)})

    async def expire_tokens(_: web.Request) -> web.Response:
        return control_answer({"ended": tokens.end_all()})

    return [
        web.post("/_control/feed", put_items),
        web.post("/_control/files", put_files),
        web.post("/_control/push", push),
        web.post("/_control/expire-tokens", expire_tokens),
    ]


def _items(given: list[Any]) -> list[dict[str, Any]]:
    """Items as they were given. Raises HTTP 422 when one has no code."""
    if not all(isinstance(one, dict) and isinstance(either(one, "MaHoSo"), str) for one in given):
        problem = '{"problems":["each item is an object with a text MaHoSo or maHoSo"]}'
        raise web.HTTPUnprocessableEntity(text=problem, content_type="application/json")
    return given


def _valid(kind: type[M], value: Any) -> M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        problems = error.json(include_url=False, include_context=False)
        raise web.HTTPUnprocessableEntity(text=f'{{"problems":{problems}}}', content_type="application/json") from error
