"""How a partner is reached, as a setting of its endpoint: itself, over a platform with or without its adapter, or by X-Road.

Decree 194/2025/NĐ-CP makes the national and provincial platforms the way of exchange; a direct one needs a reason in
writing. The adapter's form is ``…/forward/{path}?dstcode=&providerurl=`` (contracts.md sections 1.1 and 6 [read: CAMAU,
GIAYTO, OCPS-FILTER]).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hub.wire.address import fits_header, is_http_address
from hub.wire.x_road import XRoad, rest_headers, rest_url

ASK_FOR_A_REASON = (
    "why is it reached directly, and who agreed? Decree 194/2025/NĐ-CP asks for the sharing platform (LGSP, NDXP); write the "
    "reason and its letter: because: the registry is in our own data centre, letter 12/2026"
)


class Direct(BaseModel):
    """At its own address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["direct"] = Field(description="At its own address.")
    because: str = Field("", validate_default=True, description="Why, and by which letter (Decree 194/2025/NĐ-CP asks for it).")

    @field_validator("because")
    @classmethod
    def _is_a_reason(cls, because: str) -> str:
        if not because.strip():
            raise ValueError(ASK_FOR_A_REASON)
        return because


class AdapterForm(BaseModel):
    """The adapter of a platform's security server, which forwards a call to the provider that is named beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forward_url: str = Field(
        description="Address up to and with `forward`: http://HOST:8080/XrdAdapter/RestService/forward (or /VXPAdapter/…). The "
        "path and query of the partner's url are put behind it."
    )
    dstcode: str = Field(min_length=1, description="The provider's identifier there: VN:GOV:000.00.00.G22:name.")
    dstcode_in: Literal["query", "header"] = Field("query", description="Where dstcode is expected: both are in use.")
    providerurl: str | None = Field(None, min_length=1, description="Address of the provider's own system; sent if set.")

    @field_validator("forward_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not is_http_address(url):
            raise ValueError("an address like http://HOST:8080/XrdAdapter/RestService/forward, without query or user")
        return url.rstrip("/")

    @field_validator("dstcode")
    @classmethod
    def _is_identifier(cls, dstcode: str) -> str:
        if not fits_header(dstcode) or " " in dstcode:
            raise ValueError("an identifier like VN:GOV:000.00.00.G22:name: ASCII, without blanks")
        return dstcode


class Platform(BaseModel):
    """Over a sharing platform: the province's LGSP, the national NDXP or NDOP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["lgsp", "ndxp", "ndop"] = Field(description="The platform.")
    adapter: AdapterForm | None = Field(None, description="Its adapter; without it the partner's url is the platform's own.")


Reached = Annotated[Direct | Platform | XRoad, Field(discriminator="by")]


def addressed(
    url: str, *, dstcode: str, dstcode_in: Literal["query", "header"], providerurl: str | None
) -> tuple[str, dict[str, str]]:
    """(url, headers) of a call to an adapter: what it is told of the provider beside the path."""
    query = {"providerurl": providerurl} if providerurl else {}
    headers: dict[str, str] = {}
    (query if dstcode_in == "query" else headers)["dstcode"] = dstcode
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query, safe=":/")
    return url, headers


def on_its_way(reached: Direct | Platform | XRoad | None, url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """(url, headers) of a call to the partner's ``url`` on the way that is set; the way's headers before the caller's."""
    own: dict[str, str] = {}
    if isinstance(reached, XRoad):
        if reached.protocol == "rest":
            url, own = rest_url(reached, url), rest_headers(reached)
        else:
            url = f"{reached.security_server}/"
    elif isinstance(reached, Platform) and (adapter := reached.adapter) is not None:
        parts = urlsplit(url)
        forwarded = f"{adapter.forward_url}{parts.path}{f'?{parts.query}' if parts.query else ''}"
        url, own = addressed(forwarded, dstcode=adapter.dstcode, dstcode_in=adapter.dstcode_in, providerurl=adapter.providerurl)
    names = {name.lower() for name in own}
    return url, {name: value for name, value in headers.items() if name.lower() not in names} | own
