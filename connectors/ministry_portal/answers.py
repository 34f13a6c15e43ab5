"""Reading a ministry's answers: its envelope, and which error each one is.

``{"code", "message", "data"}``, names of fields in camelCase or PascalCase, and HTTP 200, 400, 401, 403, 404, 502 are read
(contracts.md section 2 [read: IGATE26]); what each code means is not, and stands in the settings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.ministry_portal.config import MinistryConfig
from hub.errors import AccountRefused, Rejected, Transient, shown
from hub.wire.answer import Answer, unclear
from hub.wire.partner_text import plain

_BUSINESS_STATUS = (400, 409, 413, 422)
"""HTTP refusals of what was sent; any other 4xx speaks of the address, the account or what stands between."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Reply:
    """A readable answer: ``code`` as text ("" where the answer has none), message in NFC, data."""

    code: str
    message: str
    data: Any
    done: bool


def field(value: Any, name: str) -> Any:
    """A field of an object whatever the case of its name is; None where there is none."""
    if not isinstance(value, Mapping):
        return None
    return next((found for key, found in value.items() if str(key).casefold() == name.casefold()), None)


def word(value: Any) -> str:
    """A code or id as text; "" for what cannot be one."""
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def read(answer: Answer, config: MinistryConfig) -> Reply | None:
    """The envelope; None for what is none: HTML, broken JSON, an object without code, data or value."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    given = field(body, "code")
    code = word(given)
    if not isinstance(body, Mapping) or (given is not None and not code):
        return None
    message, data = field(body, "message"), field(body, "data")
    if not code:
        data = body if data is None else data
        done = answer.status < 300 and bool(word(field(data, "value")) or field(body, "data") is not None)
        return Reply("", "", data, done) if done else None
    code = str(int(code)) if _NUMBER.fullmatch(code) else shown(code)
    text = unicodedata.normalize("NFC", message) if isinstance(message, str) else ""
    return Reply(code, text, data, code in config.ok_codes)


def token_ended(answer: Answer, config: MinistryConfig) -> bool:
    """Whether the token is refused in the envelope; HTTP 401 is known without it."""
    if answer.status >= 500:
        return False
    reply = read(answer, config)
    return reply is not None and not reply.done and reply.code in config.token_codes


def says_exists(reply: Reply, config: MinistryConfig) -> bool:
    """Whether a refusal says that there is such a dossier already."""
    if reply.done:
        return False
    return reply.code in config.exists_codes or any(plain(one) in plain(reply.message) for one in config.exists_patterns)


def usable(answer: Answer, config: MinistryConfig, effect: bool) -> Reply:
    """The reply, business refusals included, if HTTP status and envelope agree; else the error for the status.

    Raises AccountRefused, Transient, Rejected, and with ``effect`` InDoubt, as the table in README.md says.
    """
    status, reply = answer.status, read(answer, config)
    if status == 403 or (reply is not None and status < 500 and not reply.done and reply.code in config.account_codes):
        raise AccountRefused("no_right", f"the ministry gives this account no right to the call (HTTP {status})")
    if status >= 500:
        raise unclear(effect, f"http_{status}", "the ministry's portal, or what stands before it, failed with the request")
    if reply is not None and not reply.done and reply.code in config.transient_codes:
        raise Transient(f"code_{reply.code}", "the ministry's portal asked to come back later")
    if reply is not None and not reply.done and reply.code in config.unclear_codes:
        raise unclear(effect, f"code_{reply.code}", "the ministry's portal failed while it had the request")
    if reply is not None and (status < 300 or (status >= 400 and not reply.done)):
        return reply
    if status < 300:
        raise unclear(effect, "unreadable_answer", f"HTTP {status}, but no JSON object with code and data")
    if reply is None and status in _BUSINESS_STATUS:
        raise Rejected(f"http_{status}", "the ministry's portal refused the request without a readable reason")
    if reply is None and status < 400:
        raise unclear(effect, f"http_{status}", "the call was sent elsewhere: see base_url and paths of the endpoint")
    if reply is None:
        raise Transient(f"http_{status}", "the call was refused: see base_url, paths and account of the endpoint")
    raise unclear(effect, f"http_{status}", "HTTP status and code of the answer contradict each other")
