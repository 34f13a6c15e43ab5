"""Asks for a token: by OAuth 2.0 client credentials or by a sign-in with user and password; what a refusal means."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote_plus, urlencode

import orjson

from hub.errors import AccountRefused, Transient
from hub.message import Clock
from hub.wire.accounts import LGSP_HEADER, OAuth2, Session
from hub.wire.answer import Answer
from hub.wire.http import HttpEndpoint
from hub.wire.sign_in import Lasting

_MOST_EARLY = 30
"""Seconds before its end at which a token is renewed, or a tenth of its life if that is less."""
_LONGEST_LIFE = 366 * 24 * 3600
_LONGEST_TOKEN = 64 * 1024
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


async def new_token(http: HttpEndpoint, account: OAuth2 | Session, clock: Clock) -> Lasting:
    """A fresh token, with the time at which it should be renewed if the answer says how long it lasts.

    Raises AccountRefused for HTTP 400, 401 and 403: such a call holds nothing but settings, so a refusal of it speaks of
    them. Raises Transient for any other answer without a token in it, and NotConnected.
    """
    url = account.token_url if isinstance(account, OAuth2) else account.url
    headers, body = _asked(account)
    if account.lgsp_access_token is not None:
        headers[LGSP_HEADER] = account.lgsp_access_token.get_secret_value()
    asked_at = clock()
    itself = account.token_from == "platform"
    answer = await http.call("POST", url, effect=False, body=body, headers=headers, as_it_stands=itself)
    if answer.status in (400, 401, 403):
        raise AccountRefused("sign_in", f"the account was refused where a token is asked for (HTTP {answer.status})")
    said = _object(answer)
    token = _at(said, account.token_at)
    if not 200 <= answer.status < 300 or not isinstance(token, str) or not _fits_a_header(token):
        told = f"HTTP {answer.status}, nothing that is a token at {account.token_at}"
        raise Transient("sign_in", f"no token came where one is asked for ({told})")
    seconds = _seconds(_at(said, account.expires_at)) if account.expires_at is not None else None
    if seconds is None:
        return Lasting(token)
    return Lasting(token, asked_at + (seconds - min(_MOST_EARLY, seconds / 10)) * 1_000_000)


def _asked(account: OAuth2 | Session) -> tuple[dict[str, str], bytes]:
    """Headers and body of the call."""
    headers = {"Accept": _JSON}
    if isinstance(account, Session):
        pair = {account.username_field: account.username, account.password_field: account.password.get_secret_value()}
        return headers | {"Content-Type": _JSON}, orjson.dumps(pair)
    client, secret = account.client_id, account.client_secret.get_secret_value()
    scope = {"scope": account.scope} if account.scope is not None else {}
    if account.client_as == "json":  # the ministries' portals: the two and no more [read: IGATE26]
        return headers | {"Content-Type": _JSON}, orjson.dumps({"client_id": client, "client_secret": secret, **scope})
    fields = {"grant_type": "client_credentials", **scope}
    if account.client_as == "form":
        fields |= {"client_id": client, "client_secret": secret}
    else:  # each part is form-encoded first: RFC 6749, section 2.3.1
        headers["Authorization"] = basic(quote_plus(client), quote_plus(secret))
    return headers | {"Content-Type": _FORM}, urlencode(fields).encode()


def basic(username: str, password: str) -> str:
    """The value of Authorization by RFC 7617."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _fits_a_header(token: str) -> bool:
    return 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and token.isprintable()


def _seconds(value: Any) -> float | None:
    """A life in seconds, a number or numeric text; what cannot be one is as if it were not said."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        value = int(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value <= _LONGEST_LIFE else None


def _object(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None


def _at(node: Any, pointer: str) -> Any:
    """What stands at a JSON pointer; None where nothing does."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(name)] if name.isdecimal() and len(name) < 6 and int(name) < len(node) else None
        else:
            node = node.get(name) if isinstance(node, dict) else None
    return node
