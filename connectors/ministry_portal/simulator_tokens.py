"""Who may call the simulated ministry portal: its tokens, which end, and the rights of the account (contract 2 and 6)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
from aiohttp import web

from connectors.ministry_portal.simulator_config import SignInChoices


class Tokens:
    """The tokens in force. They belong to the process: a restart ends them all. ``clock`` gives epoch seconds."""

    def __init__(self, config: SignInChoices, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._issued: dict[str, float] = {}

    def may_have_one(self, request: web.Request, body: bytes) -> bool:
        """Whether a request for a token names the account, in the configured way."""
        ours = (self._config.client_id, self._config.client_secret)
        given = list(self._accounts(request, body))
        return any(same(name, ours[0]) and same(secret, ours[1]) for name, secret in given)

    def issue(self) -> dict[str, Any]:
        """A new token, as it is told."""
        if self._config.new_token_ends_old:
            self._issued.clear()
        token = secrets.token_hex(16)
        self._issued[token] = self._clock()
        return {
            "access_token": token, "expires_in": int(self._config.token_seconds), "token_type": "Bearer", "scope": "default"
        }  # fmt: skip

    def admits(self, request: web.Request) -> bool:
        """Whether a call carries a token in force, where one is asked for."""
        if not self._config.check_token:
            return True
        issued = self._issued.get(_token_of(request))
        return issued is not None and self._clock() - issued < self._config.token_seconds

    def is_of_platform(self, request: web.Request) -> bool:
        """Whether lgspaccesstoken is right, where it is asked for."""
        wanted = self._config.lgsp_access_token
        return wanted is None or same(request.headers.get("lgspaccesstoken"), wanted)

    def end(self, request: web.Request) -> None:
        """Ends the token that this call carries."""
        self._issued.pop(_token_of(request), None)

    def end_all(self) -> int:
        """Ends every token; returns how many there were."""
        ended = len(self._issued)
        self._issued.clear()
        return ended

    def _accounts(self, request: web.Request, body: bytes) -> Iterator[tuple[Any, Any]]:
        """Name and secret, from each place where they may stand."""
        where = self._config.client_as
        if where in ("json", "any") and request.content_type == "application/json":
            told = as_json(body)
            if isinstance(told, Mapping):
                yield told.get("client_id"), told.get("client_secret")
        if where in ("form", "basic", "any") and request.content_type == "application/x-www-form-urlencoded":
            form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
            if form.get("grant_type") != "client_credentials":
                return
            if where != "basic":
                yield form.get("client_id"), form.get("client_secret")
            if where != "form":
                yield _basic(request.headers.get("Authorization", ""))


def same(given: object, wanted: str) -> bool:
    """Whether a text is the wanted one, in the same time for each."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def as_json(raw: bytes) -> Any:
    """The JSON value of a body; None when it is none."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _token_of(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _basic(header: str) -> tuple[str | None, str | None]:
    scheme, _, coded = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None, None
    return (name, secret) if scheme == "Basic" and colon else (None, None)
