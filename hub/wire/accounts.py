"""How we say who we are to a partner over HTTP, as settings: an ``account:`` of one kind, carried by ``SignedEndpoint``.

A certificate of ours is said by ``client_certificate`` (HttpSettings), beside any of these kinds or without one.
Sources: WSO2 ``/token``, ``lgspaccesstoken`` and both headers on each call (contracts.md section 6 [read: CAMAU, TD, OCPS-QLCD,
LGSP-PHP, LGSP-CS]); a token inside ``data`` (section 2 [read: IGATE26]); sign-in with user and password that gives a token
(sections 4.3, 8 [read: VNPT-PHP, TD-KSKT]).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from hub.wire.address import fits_header, is_header_name, is_http_address

_POINTER = re.compile(r"(/([^/~]|~[01])*)+")
LGSP_HEADER = "lgspaccesstoken"


def _http_address(url: str) -> str:
    if not is_http_address(url, query=True):
        raise ValueError("an address like https://HOST/token, without user or fragment")
    return url


def _header_name(name: str) -> str:
    if not is_header_name(name):
        raise ValueError("the name of an HTTP header, without blanks")
    return name


def _one_line(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value.strip() or not fits_header(value):
        raise ValueError("what is sent in a header stands on one line, in ASCII, and is not empty")
    return secret


def _piece_of_header(text: str) -> str:
    if not fits_header(text):
        raise ValueError("what is sent in a header stands on one line, in ASCII")
    return text


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("a secret that is empty")
    return secret


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError("a JSON pointer: /access_token, or /data/access_token")
    return text


Address = Annotated[str, AfterValidator(_http_address)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_one_line)]
Secret = Annotated[SecretStr, AfterValidator(_not_empty)]
PointerInto = Annotated[str, AfterValidator(_pointer)]
Text = Annotated[str, Field(min_length=1)]


class _Account(BaseModel):
    """What every kind may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lgsp_access_token: HeaderSecret | None = Field(
        None,
        description="As a province's LGSP issued it (base64 of a JSON object with AccessKey, SecretKey …); sent as the header "
        "lgspaccesstoken where a token is asked for and on every call.",
    )


class ApiKey(_Account):
    """A fixed key in a header of its own."""

    kind: Literal["api_key"] = Field(description="A fixed key in a header.")
    header: HeaderName = Field("ApiKey", description="The header's name, as the partner says it.")
    value: HeaderSecret = Field(description="The key; never logged.")


class Basic(_Account):
    """HTTP Basic (RFC 7617)."""

    kind: Literal["basic"] = Field(description="HTTP Basic.")
    username: str = Field(pattern="^[^:]+$", description="The account's name.")
    password: Secret = Field(description="Its password; never logged.")


class Bearer(_Account):
    """A token that was issued once and lasts."""

    kind: Literal["bearer"] = Field(description="A lasting token, sent as `Authorization: Bearer`.")
    token: HeaderSecret = Field(description="The token; never logged.")


class OAuth2(_Account):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4), as WSO2's ``/token`` and the ministries' portals speak it."""

    kind: Literal["oauth2"] = Field(description="A token for client id and secret, sent as `Authorization: Bearer`.")
    token_url: Address = Field(description="Where a token is issued: https://HOST:8280/token.")
    client_id: Text = Field(description="The client id (consumer key).")
    client_secret: Secret = Field(description="Its secret (consumer secret); never logged.")
    client_as: Literal["basic", "form", "json"] = Field(
        "basic",
        description="How id and secret are sent: as HTTP Basic (WSO2), as fields of the form, or as a JSON object of the two.",
    )
    scope: Text | None = Field(None, description="The scope to ask for; none is sent without it.")
    token_at: PointerInto = Field(
        "/access_token", description="Where the answer has the token; /data/access_token is seen too."
    )
    expires_at: PointerInto = Field("/expires_in", description="Where the answer has the seconds that the token lasts.")
    token_from: Literal["platform", "partner"] = Field(
        "platform",
        description="platform: token_url is called as it stands. partner: the partner itself issues the token, so that it is "
        "asked for on the same way as every call (reached).",
    )


class SentAs(BaseModel):
    """The header that carries a session's token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: HeaderName = Field("Authorization", description="The header's name.")
    prefix: Annotated[str, AfterValidator(_piece_of_header)] = Field(
        "Bearer ", description="What stands before the token, with its blank; empty for nothing."
    )


class Session(_Account):
    """A sign-in with user and password that gives a token for the calls after it."""

    kind: Literal["session"] = Field(description="A token for user and password.")
    url: Address = Field(description="Where one signs in; user and password are posted there as a JSON object.")
    username: Text = Field(description="The account's name.")
    password: Secret = Field(description="Its password; never logged.")
    username_field: Text = Field("username", description="Name of the field for the account's name: username, userName …")
    password_field: Text = Field("password", description="Name of the field for the password.")
    token_at: PointerInto = Field("/token", description="Where the answer has the token.")
    expires_at: PointerInto | None = Field(None, description="Where the answer has the seconds that it lasts, if anywhere.")
    sent_as: SentAs = Field(default_factory=SentAs, description="The header that carries the token on every call.")
    token_from: Literal["platform", "partner"] = Field(
        "partner", description="As with oauth2: whether the sign-in goes to its address itself, or the way of every call."
    )


Account = Annotated[ApiKey | Basic | Bearer | OAuth2 | Session, Field(discriminator="kind")]
"""A setting of an endpoint: ``account: Account | None = Field(None, description=…)``."""


def secrets_of(account: ApiKey | Basic | Bearer | OAuth2 | Session | None) -> list[tuple[str, str]]:
    """(name, value) of what must be shown nowhere, for ``hub.wire.partner_text.redacted``."""
    if account is None:
        return []
    found = {name: getattr(account, name) for name in type(account).model_fields}
    named = {name: one.get_secret_value() for name, one in found.items() if isinstance(one, SecretStr)}
    named |= {name: text for name in ("username", "client_id") if isinstance(text := found.get(name), str)}
    return sorted(named.items())
