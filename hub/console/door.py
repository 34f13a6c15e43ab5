"""The paths of the overview: ``GET /v1/overview`` for programs, ``/console`` for people, both behind an operator key.

Every address in the pages is relative, so that they work under any prefix. Nothing here changes the hub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from urllib.parse import parse_qs

import orjson
from aiohttp import web

from hub.console import page
from hub.console.now import Now
from hub.console.sessions import LASTS_SECONDS, Sessions
from hub.console.words import Words, preferred
from hub.delivery.breaker import Breaker
from hub.errors import Forbidden, StoreUnavailable, Unauthenticated
from hub.intake.body import BodyLimits, read_body
from hub.intake.keys import Keys
from hub.message import Clock
from hub.store.port import Reader
from hub.wire.forwarded import Network, asked

COOKIE = "hub_session"
AS_OF = "Hub-As-Of"
_FORM_LIMITS = BodyLimits(4096, 10.0)
_PROBLEMS = ("bad_key", "sender_key")
_STATIC = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
_GUARDS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Console:
    """``breakers`` gives the configured endpoints and what their dispatchers know; ``trusted`` are proxies in front."""

    def __init__(
        self,
        store: Reader,
        clock: Clock,
        breakers: Callable[[], Mapping[str, Breaker]],
        trusted: Sequence[Network] = (),
    ) -> None:
        self._keys = Keys(store, clock)
        self._sessions = Sessions(self._keys, clock)
        self._now = Now(store, breakers)
        self._trusted = trusted

    def routes(self) -> Iterable[web.RouteDef]:
        """All paths."""
        return [
            web.get("/", self._to_console),
            web.get("/v1/overview", self._overview),
            web.get("/console", self._page),
            web.get("/console/", self._to_page),
            web.get("/console/live", self._live),
            web.post("/console/sign-in", self._sign_in),
            web.post("/console/sign-out", self._sign_out),
            *(web.get(f"/console/{name}", _static(name, media)) for name, media in _STATIC.items()),
        ]

    async def _overview(self, request: web.Request) -> web.Response:
        await self._keys.authenticate(request.headers, "operator")
        seen = await self._now.read()
        body, without_time = orjson.dumps(seen), orjson.dumps(replace(seen, at=""))
        return _unless_known(request, body, without_time, {"Cache-Control": "no-cache", "Content-Type": "application/json"})

    async def _page(self, request: web.Request) -> web.Response:
        words = _words(request)
        try:
            await self._sessions.check(request.cookies.get(COOKIE))
            return _html(page.page(words, await self._now.read()))
        except (Unauthenticated, Forbidden):
            problem = request.query.get("problem", "")
            return _html(page.sign_in(words, problem if problem in _PROBLEMS else ""))
        except StoreUnavailable:
            return _html(page.sign_in(words, "store_away"), 503)

    async def _to_console(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "console"})

    async def _to_page(self, request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": "../console"})

    async def _live(self, request: web.Request) -> web.Response:
        await self._sessions.check(request.cookies.get(COOKIE))
        words, seen = _words(request), await self._now.read()
        body = page.live(words, seen).encode()
        headers = {**_GUARDS, AS_OF: words.time(seen.at), "Content-Type": "text/html; charset=utf-8"}
        return _unless_known(request, body, body, headers)

    async def _sign_in(self, request: web.Request) -> web.Response:
        scheme = self._own_form(request)
        if scheme is None:
            return _not_ours(request)
        form = parse_qs((await read_body(request, _FORM_LIMITS)).decode("ascii", "replace"))
        words = _words(request)
        try:
            token = await self._sessions.begin(form.get("key", [""])[0].strip())
        except Unauthenticated:
            return _back(words, "bad_key")
        except Forbidden:
            return _back(words, "sender_key")
        answer = _back(words)
        answer.set_cookie(
            COOKIE, token, max_age=LASTS_SECONDS, httponly=True, samesite="Strict", secure=scheme == "https", path="",
        )  # fmt: skip
        return answer

    async def _sign_out(self, request: web.Request) -> web.Response:
        if self._own_form(request) is None:
            return _not_ours(request)
        self._sessions.end(request.cookies.get(COOKIE))
        answer = _back(_words(request))
        answer.set_cookie(COOKIE, "", max_age=0, httponly=True, samesite="Strict", path="")
        return answer

    def _own_form(self, request: web.Request) -> str | None:
        """The scheme that the browser used; None for a form that another site sent, or a proxy that is not trusted."""
        found = asked(request, self._trusted)
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site not in (None, "same-origin") or (site is None and origin not in (None, found.origin)):
            return None
        return found.scheme


def _words(request: web.Request) -> Words:
    return Words(preferred(request.query.get("lang"), request.headers.get("Accept-Language", "")))


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, headers=_GUARDS, content_type="text/html")


def _not_ours(request: web.Request) -> web.Response:
    return _html(page.sign_in(_words(request), "cross_site", up="../"), 403)


def _back(words: Words, problem: str = "") -> web.Response:
    """To the page, by a new GET; the address is relative to that of the forms."""
    because = f"&problem={problem}" if problem else ""
    return web.Response(status=303, headers={**_GUARDS, "Location": f"../console?lang={words.language}{because}"})


def _unless_known(request: web.Request, body: bytes, identity: bytes, headers: Mapping[str, str]) -> web.Response:
    """The body, or 304 when the caller holds what is the same."""
    tag = f'W/"{hashlib.sha256(identity).hexdigest()[:32]}"'
    known = request.headers.get("If-None-Match") == tag
    answer = web.Response(status=304) if known else web.Response(body=body)
    answer.headers.update({**headers, "ETag": tag})
    return answer


def _static(name: str, media: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    body = (files("hub.console") / "static" / name).read_bytes()

    async def file(request: web.Request) -> web.Response:
        headers = {**_GUARDS, "Cache-Control": "no-cache", "Content-Type": f"{media}; charset=utf-8"}
        return _unless_known(request, body, body, headers)

    return file
