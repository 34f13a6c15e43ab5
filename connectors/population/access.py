"""The two ways to the registry, signed SOAP to NDXP or SOAP in JSON to a province's LGSP, and what an answer is taken for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from connectors.population.config import DirectAccount, LgspAccount, PopulationConfig
from hub.errors import AccountRefused, DeliveryError, NotAsked, Rejected, Transient, shown
from hub.message import Clock
from hub.wire import Answer, HttpEndpoint, SignIn
from hub.wire.sign_in import Lasting
from hub.wire.soap import Envelope, Fault, read_envelope
from hub.wire.xml import XmlRefused

T = TypeVar("T")
_UNITS = {"milliseconds": 1_000, "seconds": 1_000_000}
_BUSINESS_STATUS = (400, 413, 422)
"""HTTP refusals of what was sent; every other 4xx speaks of the address, the account or the platform."""
_ACCOUNT_STATUS = (401, 403)
_STRANGE = "?"
"""An error_code of which nobody knows what it means. No code looks so."""
READ_AT_ONCE = 256 * 1024
"""Bytes of an answer that are read without leaving the loop."""


class Direct:
    """SOAP over HTTP, signed with a hash of the account, the time and the secret key."""

    def __init__(self, config: PopulationConfig, account: DirectAccount, http: HttpEndpoint, clock: Clock) -> None:
        self._config, self._account, self._http, self._clock = config, account, http, clock

    async def ask(self, envelope: bytes, officer: str, traceparent: str | None) -> Answer:
        """One question. Raises Transient, NotConnected."""
        headers = {"Content-Type": self._account.content_type, "SOAPAction": '""', **self.headers()}
        url = self._config.url
        return await self._http.call("POST", url, effect=False, body=envelope, headers=headers, traceparent=traceparent)

    def headers(self) -> dict[str, str]:
        """Who asks, and when."""
        account = self._account
        timestamp = str(self._clock() // _UNITS[account.timestamp_unit])
        text = account.auth_url + account.username + timestamp + account.secret_key.get_secret_value()
        signed = f"{account.username}:{hashlib.sha256(text.encode()).hexdigest()}"
        headers = {"Timestamp": timestamp, "Authorization": f"Basic {_base64(signed)}"}
        if account.x_road_client is not None:
            headers["X-Road-Client"] = account.x_road_client
        if account.api_key is not None:
            headers["ApiKey"] = account.api_key.get_secret_value()
        return headers


class Lgsp:
    """JSON with tokens, the officer's key and the envelope as text; the token is shared and renewed once for all who ask."""

    def __init__(self, config: PopulationConfig, account: LgspAccount, http: HttpEndpoint, clock: Clock) -> None:
        self._config, self._account, self._http, self._clock = config, account, http, clock
        self.sign_in = SignIn(self._renewed, clock)
        self.signs_in = account.token_url is not None

    async def ask(self, envelope: bytes, officer: str, traceparent: str | None) -> Answer:
        """One question, asked again only if the token had ended. Raises Transient, NotConnected; NotAsked: not this officer."""
        account = self._account
        fields = {"data": re.sub(r"^<\?xml[^>]*\?>\s*", "", envelope.decode())}
        if account.lgsp_access_token is not None:
            fields["lgspAccessToken"] = account.lgsp_access_token.get_secret_value()
        key = account.officer_keys.get(officer, account.auth_key)
        if key is not None:
            fields["AuthHash"] = _base64(key.get_secret_value())
        elif account.officer_keys:
            raise NotAsked("officer", "/MaCanBo: officer_keys has no key for the officer who asks, and there is no auth_key")
        headers = {"Content-Type": "application/json"}
        renewed = not self.signs_in
        while True:
            token = await self.sign_in.token()
            body = orjson.dumps({"accessToken": f"Bearer {token}", **fields})
            url = self._config.url
            answer = await self._http.call("POST", url, effect=False, body=body, headers=headers, traceparent=traceparent)
            if answer.status != 401 and not await self._has_ended(answer):
                return answer
            self.sign_in.invalidate(token)
            if renewed:
                raise AccountRefused("session", "the LGSP refused the token, and a new one too where one can be had")
            renewed = True

    async def _has_ended(self, answer: Answer) -> bool:
        """Whether the answer says that the token has ended."""
        codes = self._account.token_error_codes
        return bool(codes) and await beside(answer, lambda: _error_code(answer)) in codes

    async def new_token(self) -> str:
        """Sign in. A failure counts against the endpoint, never against a question."""
        return (await self._renewed()).token

    async def _renewed(self) -> Lasting:
        account = self._account
        if account.access_token is not None:
            return Lasting(account.access_token.get_secret_value())
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if account.consumer_key is not None and account.consumer_secret is not None:
            pair = f"{account.consumer_key}:{account.consumer_secret.get_secret_value()}"
            headers["Authorization"] = f"Basic {_base64(pair)}"
        elif account.lgsp_access_token is not None:
            headers["lgspaccesstoken"] = account.lgsp_access_token.get_secret_value()
        asked_at = self._clock()
        form = b"grant_type=client_credentials"
        answer = await self._http.call("POST", str(account.token_url), effect=False, body=form, headers=headers)
        said = _object(answer)
        token, seconds = said.get("access_token"), said.get("expires_in")
        if not 200 <= answer.status < 300 or not isinstance(token, str) or not token:
            if answer.status in (400, *_ACCOUNT_STATUS):
                raise AccountRefused("sign_in", f"the LGSP refused the account: it gave no token (HTTP {answer.status})")
            raise Transient("sign_in", f"the LGSP gave no token (HTTP {answer.status})")
        if isinstance(seconds, (int, float)) and seconds > 0:
            return Lasting(token, asked_at + seconds * 1_000_000)
        return Lasting(token)


async def beside(answer: Answer, read: Callable[[], T]) -> T:
    """``read`` of an answer: in a thread where it is large, since all others would wait for it."""
    return read() if len(answer.body) <= READ_AT_ONCE else await asyncio.to_thread(read)


def element_of(answer: Answer, config: PopulationConfig) -> Any:
    """The element in the Body. Raises Transient or Rejected by the table in README.md, with codes but no words of the partner.

    Whether the envelope is the answer itself or the ``message`` of a JSON object is told by the bytes, not the content type.
    """
    status, code, envelope = answer.status, _error_code(answer), _envelope(answer)
    if status == 401:
        raise refused(status)
    if envelope is not None and envelope.fault is not None:
        raise _told(envelope.fault, config)
    if code not in ("", "0", _STRANGE) and status < 500:
        raise _kind(code, config)(code, "the platform refused the question; its words are not kept")
    if not 200 <= status < 300:
        raise refused(status)
    if code == _STRANGE:
        raise Transient("unreadable_answer", "/error_code: neither a whole number nor a text")
    if envelope is None or envelope.body is None:
        raise Transient("unreadable_answer", f"HTTP {status}, but no SOAP envelope with an answer in it")
    return envelope.body


def refused(status: int) -> DeliveryError:
    """The error for an HTTP status that is not 2xx."""
    if status in _BUSINESS_STATUS:
        return Rejected(f"http_{status}", "the platform refused the request without a readable reason")
    if status in _ACCOUNT_STATUS:
        return AccountRefused(
            f"http_{status}", "the platform refused the account of the endpoint, its key, its time or its rights"
        )
    if status < 500:
        return Transient(f"http_{status}", "the platform refused the call: address, account or rights of the endpoint")
    return Transient(f"http_{status}", "the registry or the platform failed while it had the question")


def _told(fault: Fault, config: PopulationConfig) -> DeliveryError:
    own = ""
    if config.fault_code is not None and fault.detail is not None:
        own = next((one.text.strip() for one in fault.detail.iter("{*}" + config.fault_code) if one.text), "")
    code = shown(own or fault.subcode or fault.code)
    kind = Transient if fault.code == "Receiver" and not own else _kind(code, config)
    return kind(code, "the registry answered with a fault; its words are not kept, they may quote a person")


def _kind(code: str, config: PopulationConfig) -> type[Transient] | type[Rejected]:
    return Transient if code in config.transient_codes else Rejected


def _envelope(answer: Answer) -> Envelope | None:
    data, said = answer.body, _object(answer).get("message")
    if isinstance(said, str):  # its declaration speaks of the bytes it once was, UTF-16 with .NET
        data = re.sub(r"^\s*<\?xml[^>]*\?>", "", said).strip().encode()
    try:
        return read_envelope(data)
    except XmlRefused:
        return None


def _error_code(answer: Answer) -> str:
    """error_code of a JSON answer, "0" for success, "" for none: a number, numeric text, or text that looks like a code."""
    value = _object(answer).get("error_code")
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        return _STRANGE
    text = "" if value is None else str(value).strip()
    return str(int(text)) if re.fullmatch(r"[+-]?[0-9]{1,6}", text) else shown(text) if text else ""


def _object(answer: Answer) -> dict[str, Any]:
    try:
        said = orjson.loads(answer.body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
