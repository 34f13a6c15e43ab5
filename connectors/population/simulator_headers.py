"""The HTTP headers that the data sharing platform wants of every call to the registry: contract 4.1, checked strictly."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from connectors.population.simulator_config import PopulationSimulatorConfig


@dataclass(frozen=True, slots=True)
class HeaderRefusal:
    """A header that is not right: a stable word, the HTTP status it is told with, and the header's name."""

    code: str
    status: int
    header: str


class HeaderRules:
    """The configured account; ``clock`` gives epoch seconds."""

    def __init__(self, config: PopulationSimulatorConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock

    def refusal(self, request: web.Request) -> HeaderRefusal | None:
        """The first thing that is wrong; None: the call may be carried out."""
        return next(self._refusals(request), None)

    def _refusals(self, request: web.Request) -> Iterator[HeaderRefusal]:
        config = self._config
        if request.content_type not in config.content_types or (request.charset or "utf-8").lower() != "utf-8":
            yield HeaderRefusal("content_type", 415, "Content-Type")
        if config.soap_action == "empty" and request.headers.getall("SOAPAction", []) not in ([""], ['""']):
            yield HeaderRefusal("soap_action", 400, "SOAPAction")
        if config.check_x_road_client:
            yield from _exact(request, "X-Road-Client", config.x_road_client, "client", 403)
        if config.check_timestamp and (code := self._timestamp(_only(request, "Timestamp"))):
            yield HeaderRefusal(code, 401, "Timestamp")
        if config.check_authorization and (code := self._authorization(request)):
            yield HeaderRefusal(code, 401, "Authorization")
        if config.check_api_key:
            yield from _exact(request, "ApiKey", config.api_key, "api_key", 401)

    def _timestamp(self, text: str | None) -> str | None:
        per_second, digits = (1000, 13) if self._config.timestamp_unit == "milliseconds" else (1, 10)
        if text is None:
            return "no_timestamp"
        if not re.fullmatch(rf"[0-9]{{{digits}}}", text):
            return "timestamp_form"
        skew = self._config.timestamp_skew
        wrong = skew is not None and abs(int(text) / per_second - self._clock()) > skew
        return "timestamp_skew" if wrong else None

    def _authorization(self, request: web.Request) -> str | None:
        text = _only(request, "Authorization")
        if text is None:
            return "no_authorization"
        account = basic_account(text)
        if account is None:
            return "authorization_form"
        if not same(account[0], self._config.username):
            return "wrong_account"
        config, timestamp = self._config, _only(request, "Timestamp") or ""
        text = f"{config.auth_url}{config.username}{timestamp}{config.secret_key}"
        hashed = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        return None if same(account[1], hashed) else "wrong_hash"


def basic_account(text: str | None) -> tuple[str, str] | None:
    """Name and secret of ``Basic base64(name:secret)``; None when it has not that form."""
    scheme, _, coded = (text or "").partition(" ")
    return name_and_secret(coded) if scheme.lower() == "basic" else None


def name_and_secret(coded: object) -> tuple[str, str] | None:
    """The two halves of ``base64(name:secret)``; None when it has not that form."""
    if not isinstance(coded, str):
        return None
    try:
        name, colon, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, secret) if colon else None


def same(given: object, wanted: str) -> bool:
    """Whether this is the wanted text, told in a time that does not depend on it."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _only(request: web.Request, name: str) -> str | None:
    """The header's value when it is there exactly once."""
    values = request.headers.getall(name, [])
    return values[0] if len(values) == 1 else None


def _exact(request: web.Request, name: str, wanted: str, word: str, status: int) -> Iterator[HeaderRefusal]:
    given = _only(request, name)
    if given is None or not same(given, wanted):
        yield HeaderRefusal(f"no_{word}" if given is None else f"wrong_{word}", status, name)
