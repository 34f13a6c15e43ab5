"""The tokens that a simulated platform issues and asks for: WSO2's ``/token`` and the header ``lgspaccesstoken`` (contract 6).

Every simulated partner behind such a platform uses them, so that a token behaves alike everywhere.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal
from xml.sax.saxutils import escape

import orjson
from aiohttp import web
from pydantic import Field

from hub.testing import SimulatorConfig
from hub.testing.fault_play import Answer, CallLog, FaultPlayer
from hub.testing.faults import Call, Decision

_FIVE = ("AccessKey", "SecretKey", "AppName", "PartnerCode", "PartnerCodeCus")


class TokenChoices(SimulatorConfig):
    """Who is given a token, how long it lasts, and how a call without a good one is refused."""

    token_path: str = Field(default="/token", description="Where tokens are issued; /token is WSO2's [read].")
    token_by: Literal["basic", "form", "lgspaccesstoken", "either"] = Field(
        default="either",
        description="What a token is asked for with: Basic consumerKey:consumerSecret (WSO2) or the lgspaccesstoken header"
        " (HCM style), both [read], in different code bases; client_id and client_secret in the form [known]; any of them.",
    )
    token_seconds: float | None = Field(
        default=3600.0, gt=0, description="Life of a token in seconds; null: no limit [unknown]."
    )
    consumer_key: str = Field(default="simulated", description="WSO2 consumerKey.")
    consumer_secret: str = Field(default="simulated", description="WSO2 consumerSecret; a simulated one.")
    lgsp_access_key: str = Field(default="simulated", description="AccessKey in lgspaccesstoken.")
    lgsp_secret_key: str = Field(default="simulated", description="SecretKey in lgspaccesstoken; a simulated one.")
    lgsp_app_name: str = Field(default="simulated", description="AppName in lgspaccesstoken.")
    lgsp_partner_code: str = Field(default="simulated", description="PartnerCode in lgspaccesstoken.")
    lgsp_partner_code_cus: str = Field(default="simulated", description="PartnerCodeCus in lgspaccesstoken.")
    check_access_token: bool = Field(default=True, description="Whether a call must carry a bearer token in force.")
    check_lgsp_access_token: bool = Field(
        default=False, description="Whether a call must carry lgspaccesstoken too, as at HCM's LGSP [read]."
    )
    refusal_form: Literal["json", "xml"] = Field(
        default="json", description="A refused call is told as WSO2's fault in JSON or in XML [known: both]."
    )

    @property
    def lgsp_credentials(self) -> dict[str, str]:
        """What lgspaccesstoken must carry."""
        values = (
            self.lgsp_access_key, self.lgsp_secret_key, self.lgsp_app_name, self.lgsp_partner_code, self.lgsp_partner_code_cus,
        )  # fmt: skip
        return dict(zip(_FIVE, values, strict=True))


class Tokens:
    """The tokens in force. They belong to the process. ``clock`` gives epoch seconds."""

    def __init__(self, config: TokenChoices, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._issued: dict[str, float] = {}

    def end(self, token: str | None = None) -> int:
        """Ends one token, or all; returns how many."""
        ended = [one for one in self._issued if token in (None, one)]
        for one in ended:
            del self._issued[one]
        return len(ended)

    def refusal(self, request: web.Request) -> str | None:
        """Which proof of the call is not good, as a stable word; None: the call may be carried out."""
        config, life = self._config, self._config.token_seconds
        issued = self._issued.get(_bearer(request))
        if config.check_access_token and (issued is None or (life is not None and self._clock() - issued >= life)):
            return "access_token"
        if config.check_lgsp_access_token and not self._carries_the_five(request):
            return "lgsp_access_token"
        return None

    def refused(self, word: str) -> Answer:
        """401 as WSO2 tells it [known]; ``word`` is the outcome in the log of calls."""
        code, message = 900901, "Invalid Credentials"
        words = "Access failure for API. Make sure you have given the correct access token"
        if self._config.refusal_form == "json":
            body = orjson.dumps({"fault": {"code": code, "message": message, "description": words}})
            return Answer(body, word, status=401, error_code=code)
        inside = f"<ams:code>{code}</ams:code><ams:message>{message}</ams:message><ams:description>{escape(words)}"
        xml = f'<ams:fault xmlns:ams="http://wso2.org/apimanager/security">{inside}</ams:description></ams:fault>'
        return Answer(xml.encode(), word, status=401, error_code=code, content_type="application/xml")

    def expire(self, request: web.Request) -> Answer:
        """Ends the token that the call carries, and refuses the call."""
        self.end(_bearer(request))
        return self.refused("access_token")

    async def answer(self, request: web.Request, calls: CallLog, faults: FaultPlayer) -> web.StreamResponse:
        """``POST /token`` with grant_type=client_credentials as a form → {access_token, scope, token_type, expires_in}."""
        form = await request.post()
        entry, call = calls.begin("token"), Call("token")

        def perform(decision: Decision) -> Answer:
            planted = decision.refusal_of(call, {})
            if planted is not None:
                return _no_token(str(planted.code or "invalid_client"), 401)
            if form.get("grant_type") != "client_credentials":
                return _no_token("unsupported_grant_type", 400)
            if not self._may_have_one(request, form):
                return _no_token("invalid_client", 401)
            return Answer(orjson.dumps(self._issue()), "ok")

        return await faults.play(request, call, entry, perform, lambda: _no_token("invalid_client", 401))

    def _issue(self) -> dict[str, Any]:
        token, life = secrets.token_hex(16), self._config.token_seconds
        self._issued[token] = self._clock()
        told = {"access_token": token, "scope": "default", "token_type": "Bearer"}
        return told if life is None else {**told, "expires_in": int(life)}

    def _may_have_one(self, request: web.Request, form: Mapping[str, Any]) -> bool:
        config = self._config
        scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
        wanted = f"{config.consumer_key}:{config.consumer_secret}".encode()
        ways = {
            "basic": scheme.lower() == "basic" and hmac.compare_digest(_decoded(coded), wanted),
            "form": (form.get("client_id"), form.get("client_secret")) == (config.consumer_key, config.consumer_secret),
            "lgspaccesstoken": self._carries_the_five(request),
        }
        return any(ways.values()) if config.token_by == "either" else ways[config.token_by]

    def _carries_the_five(self, request: web.Request) -> bool:
        """Whether lgspaccesstoken is base64 of a JSON object with the five values of the account."""
        try:
            carried = orjson.loads(_decoded(request.headers.get("lgspaccesstoken", "")))
        except orjson.JSONDecodeError:
            return False
        wanted = self._config.lgsp_credentials
        return isinstance(carried, dict) and all(carried.get(name) == value for name, value in wanted.items())


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _decoded(coded: str) -> bytes:
    """What stands behind base64; nothing when it is none."""
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _no_token(error: str, status: int) -> Answer:
    return Answer(orjson.dumps({"error": error, "error_description": error}), error, status=status, error_code=error)
