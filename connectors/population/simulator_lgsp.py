"""The province's LGSP in front of the simulated registry: its tokens and the check of a call's three proofs (4.1, 6)."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from aiohttp import web

from connectors.population.simulator_config import LgspChoices
from connectors.population.simulator_headers import basic_account, name_and_secret, same


class LgspTokens:
    """The tokens in force. They belong to the process. ``clock`` gives epoch seconds."""

    def __init__(self, config: LgspChoices, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._issued: dict[str, float] = {}

    def may_have_one(self, request: web.Request) -> bool:
        """Whether a request for a token names an account, in the configured way."""
        config = self._config
        account = basic_account(request.headers.get("Authorization"))
        basic = account is not None and same(account[0], config.consumer_key) and same(account[1], config.consumer_secret)
        header = self._is_ours(request.headers.get("lgspaccesstoken"))
        return {"basic": basic, "lgspaccesstoken": header, "either": basic or header}[config.token_by]

    def issue(self) -> dict[str, Any]:
        """A new token, as WSO2 tells it."""
        token, life = secrets.token_hex(16), self._config.token_seconds
        self._issued[token] = self._clock()
        told = {"access_token": token, "scope": "default", "token_type": "Bearer"}
        return told if life is None else {**told, "expires_in": int(life)}

    def end(self, token: str | None = None) -> int:
        """Ends one token, or all; returns how many."""
        ended = [one for one in self._issued if token in (None, one)]
        for one in ended:
            del self._issued[one]
        return len(ended)

    def refusal(self, request: web.Request, body: Mapping[str, Any]) -> str | None:
        """The first of a call's proofs that is not good, as a stable word; None: the call may be carried out."""
        return next(self._refusals(request, body), None)

    def token_of(self, request: web.Request, body: Mapping[str, Any]) -> str:
        """The bearer token that the call carries, if it does."""
        found = [text for text in self._given(request, body, "accessToken", "Authorization") if text]
        scheme, _, token = str(found[0] if found else "").partition(" ")
        return token if scheme == "Bearer" else ""

    def _refusals(self, request: web.Request, body: Mapping[str, Any]) -> Iterator[str]:
        config = self._config
        issued, life = self._issued.get(self.token_of(request, body)), config.token_seconds
        if config.check_access_token and (issued is None or (life is not None and self._clock() - issued >= life)):
            yield "access_token"
        ours = [self._is_ours(text) for text in self._given(request, body, "lgspAccessToken", "lgspaccesstoken")]
        if config.check_lgsp_access_token and not any(ours):
            yield "lgsp_access_token"
        officer = name_and_secret(body.get("AuthHash"))
        key = config.officer_keys.get(officer[0]) if officer else None
        if config.check_auth_hash and (officer is None or key is None or not same(officer[1], key)):
            yield "auth_hash"

    def _given(self, request: web.Request, body: Mapping[str, Any], field: str, header: str) -> list[Any]:
        """What the call carries of one proof, in the places where it may stand."""
        places = {"body": [body.get(field)], "header": [request.headers.get(header)]}
        return places.get(self._config.lgsp_tokens_in) or places["body"] + places["header"]

    def _is_ours(self, coded: object) -> bool:
        """Whether this is base64 of a JSON object with the five values of the account."""
        if not isinstance(coded, str):
            return False
        try:
            carried = orjson.loads(base64.b64decode(coded, validate=True))
        except (binascii.Error, ValueError):
            return False
        wanted = self._config.lgsp_credentials
        return isinstance(carried, dict) and all(same(carried.get(name), value) for name, value in wanted.items())
