"""One conversation with the portal through the security server's adapter: envelope, session, and reading answers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from connectors.national_portal.config import PortalConfig
from hub.errors import Rejected, Transient, shown
from hub.wire import Answer, HttpEndpoint, SignIn, unclear
from hub.wire.partner_text import plain
from hub.wire.reached import addressed

_BUSINESS_STATUS = (400, 413, 422)
"""HTTP refusals of what was sent; every other 4xx speaks of the address, the account or the adapter."""
_SHARED = re.compile(r"LayDanhMuc[A-Za-z]{1,40}|LayDanhSachTTHC")
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}")
_SHORTEST_SECRET = 4
"""A password shorter than this stands in any text by chance."""


def is_shared(service: str) -> bool:
    """Whether a service is one of the shared catalogues, at ``share_endpoint``; every other is at ``integration_endpoint``."""
    return _SHARED.fullmatch(service) is not None


def is_number(code: str) -> bool:
    """Whether an error_code is a number; the portal writes numbers as text too."""
    return _NUMBER.fullmatch(code) is not None


@dataclass(frozen=True, slots=True)
class Reply:
    """A readable answer of the portal: error_code as text ("0" is success), message in NFC, result as a tuple."""

    code: str
    message: str
    result: tuple[Any, ...] = ()
    session: str | None = None

    @property
    def done(self) -> bool:
        return self.code == "0"

    def says(self, *patterns: str) -> bool:
        """Whether an error's message contains one of the pieces of text, in any case and Unicode form."""
        return not self.done and any(plain(pattern) in plain(self.message) for pattern in patterns)


class Adapter:
    """The security server's adapter: addresses, envelope and account of one configuration; knows no message."""

    def __init__(self, config: PortalConfig, http: HttpEndpoint) -> None:
        self.config = config
        self._http = http

    async def sign_in(self) -> str:
        """A new session. A failure counts against the endpoint, never against a message."""
        account = {"username": self.config.username, "password": self.config.password.get_secret_value()}
        answer = await self.post(self.config.auth_endpoint, account, effect=False)
        reply = _read(answer)
        if reply is None:
            raise Transient("sign_in", f"the answer to the sign-in cannot be read (HTTP {answer.status})")
        if not reply.done or not reply.session or answer.status >= 300:
            told = f"HTTP {answer.status}, error_code {reply.code}{'' if reply.session else ', no session'}"
            raise Transient("sign_in", f"the portal refused the sign-in ({told})")
        return reply.session

    async def post(self, endpoint: str, body: Any, *, effect: bool, traceparent: str | None = None) -> Answer:
        """One POST to ``endpoint`` with everything the adapter wants around the JSON ``body``."""
        config = self.config
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Charset": "utf-8"}
        url, wanted = addressed(
            f"{config.adapter_url}/{endpoint.lstrip('/')}", dstcode=config.dstcode, dstcode_in=config.dstcode_in,
            providerurl=config.providerurl,
        )  # fmt: skip
        return await self._http.call(
            "POST", url, effect=effect, body=orjson.dumps(body), headers=headers | wanted, traceparent=traceparent
        )


class Exchange:
    """The calls of one delivery: they share the portal's session and renew it at most once."""

    def __init__(self, adapter: Adapter, sign_in: SignIn, traceparent: str | None) -> None:
        self._adapter = adapter
        self._sign_in = sign_in
        self._traceparent = traceparent
        self._renewed = False

    async def signed_in(self) -> None:
        """Sign in now if need be, so that a portal that is down leaves no trace of an effect that was never tried."""
        await self._sign_in.token()

    async def ask(self, service: str, keys: Mapping[str, Any], *, share: bool | None = None, effect: bool = False) -> Reply:
        """One call of ``service``, made again only if the session was refused, which has no effect. ``share``: at which
        endpoint, where that is not plain from the service.

        Returns any readable answer, business refusals included. Raises Transient, NotConnected, InDoubt (only with
        ``effect``), and Rejected for HTTP 400, 413, 422 without a readable answer.
        """
        config = self._adapter.config
        endpoint = config.share_endpoint if (is_shared(service) if share is None else share) else config.integration_endpoint
        while True:
            session = await self._sign_in.token()
            body = {"session": session, "madonvi": config.madonvi, "service": service, **keys}
            answer = await self._adapter.post(endpoint, body, effect=effect, traceparent=self._traceparent)
            reply = _read(answer)
            if not self._ended(answer, reply):
                usable = _usable(answer, reply, effect)
                return replace(usable, message=self._without_secrets(usable.message, session))
            self._sign_in.invalidate(session)
            if self._renewed:
                raise Transient("session", "the portal refused a second session within one delivery")
            self._renewed = True

    def _without_secrets(self, message: str, session: str) -> str:
        """The message as whoever sent the dossier may read it: the session and the account's password are ours alone."""
        password = self._adapter.config.password.get_secret_value()
        message = message.replace(session, "‹session›")
        return message.replace(password, "‹password›") if len(password) >= _SHORTEST_SECRET else message

    def _ended(self, answer: Answer, reply: Reply | None) -> bool:
        """Whether the portal refused the session: HTTP 401, or as configured by error_code or message."""
        if answer.status == 401:
            return True
        if reply is None or reply.done or answer.status >= 500:
            return False
        config = self._adapter.config
        return reply.code in config.session_error_codes or reply.says(*config.session_error_patterns)


def _read(answer: Answer) -> Reply | None:
    """The portal's envelope; None when the body is not one: HTML, invalid JSON, no error_code."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    code = _error_code(body.get("error_code")) if isinstance(body, dict) else None
    if code is None:
        return None
    message, result, session = body.get("message"), body.get("result"), body.get("session")
    return Reply(
        code,
        unicodedata.normalize("NFC", message) if isinstance(message, str) else "",
        tuple(result) if isinstance(result, list) else () if result in (None, "", {}) else (result,),
        str(session) if isinstance(session, (str, int)) and not isinstance(session, bool) else None,
    )


def _error_code(value: Any) -> str | None:
    """error_code is a number or numeric text [read: OCPS-B, HAGIANG]; other text is kept if it looks like a code."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    if is_number(text):
        return str(int(text))
    return shown(text) if text else None


def _usable(answer: Answer, reply: Reply | None, effect: bool) -> Reply:
    """The reply, if HTTP status and body agree; else the error that the table in README.md gives for the status."""
    status = answer.status
    if reply is not None and (status < 300 or (status < 500 and not reply.done)):
        return reply
    if reply is None and status in _BUSINESS_STATUS:
        raise Rejected(f"http_{status}", "the adapter refused the request without a readable reason")
    if reply is None and 400 <= status < 500:
        raise Transient(f"http_{status}", "the adapter refused the call: address, rights or dstcode of the endpoint")
    if status < 300:
        raise unclear(effect, "unreadable_answer", f"HTTP {status}, but no JSON object with an error_code")
    if status < 400 and reply is None:
        raise unclear(effect, f"http_{status}", "the call was sent elsewhere: see adapter_url of the endpoint")
    raise unclear(effect, f"http_{status}", "the portal or its adapter failed while it had the request")
