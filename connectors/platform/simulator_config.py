"""Everything about the simulated platform that can be chosen: whom it knows, whom it forwards to, how it refuses.

Marks: [read] seen in public traces or in the X-Road protocol documents (PR-REST 1.0, PR-MESS 4.0), [known] unverified
background knowledge, [unknown] not public at all: this simulator's own choice. Sections are those of the wire contract.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.platform.simulator_tokens import TokenChoices

_PATH = re.compile(r"(/[A-Za-z0-9._~:-]+)+")
_SERVICE = re.compile(r"[^/]+(/[^/]+){3,4}")
_DSTCODE = re.compile(r"[^:]+(:[^:]+){3}")


def on_loopback(url: str) -> bool:
    """Whether this is an http address on this computer: a stand-in forwards nowhere else."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


class PlatformConfig(TokenChoices):
    """Whom the simulated security server, its adapter and the gateway (LGSP) know, and what they check."""

    # X-Road proper (6)
    services: dict[str, str] = Field(
        default_factory=dict,
        description="X-Road services, instance/class/member/subsystem/service, and the provider's http address of each.",
    )
    clients: tuple[str, ...] = Field(
        default=(), description="X-Road clients that are registered, instance/class/member/subsystem; none: any."
    )
    denied: tuple[str, ...] = Field(default=(), description="X-Road services that no client here may call.")
    soap_path: str = Field(default="/", description="Where X-Road SOAP is posted; / is a security server's own [known].")
    user_id: Literal["optional", "required"] = Field(
        default="optional",
        description="Whether SOAP calls need userId; PR-MESS says no [read], an operator may say yes [known].",
    )
    wrapper: Literal["checked", "free"] = Field(
        default="checked", description="Whether the element in the SOAP body must bear the service code's name [read]."
    )
    soap_http_headers: Literal["few", "all"] = Field(
        default="few",
        description="Content-Type and SOAPAction alone reach a SOAP provider [read: PR-MESS], or every header, as calls of the"
        " population registry over NDXP need [read: C06-037].",
    )
    answer_header: Literal["added", "as_sent"] = Field(
        default="added",
        description="Whether the header block and requestHash are written into a provider's SOAP answer that lacks them; a real"
        " security server wants the provider to copy them [read].",
    )
    request_hash: Literal["right", "wrong", "absent"] = Field(
        default="right", description="X-Road-Request-Hash and requestHash of an answer; wrong and absent are for tests."
    )
    fault_status: Literal[500, 200] = Field(
        default=500, description="HTTP status of a SOAP fault of the security server [known: both]."
    )

    # the adapter (1.1)
    dstcodes: dict[str, str | None] = Field(
        default_factory=dict,
        description="dstcode of each member that the adapter knows, and the http address that stands in for its providerurl;"
        " null: the providerurl of the call, if it is on this computer.",
    )
    dstcode_in: Literal["either", "header", "query"] = Field(
        default="either", description="Where the adapter looks for dstcode [read: both]."
    )
    providerurl: Literal["optional", "required"] = Field(
        default="optional", description="Whether a call to the adapter must carry providerurl [unknown]."
    )
    adapter_tokens: bool = Field(default=False, description="Whether the adapter asks for the gateway's tokens too [unknown].")

    # the gateway (6)
    apis: dict[str, str] = Field(
        default_factory=dict,
        description="Contexts of the gateway (LGSP), such as /apiCSDLDKDN/1.0, and the provider's http address of each.",
    )

    # beyond
    provider_seconds: float = Field(default=60.0, gt=0, description="How long a provider may take, in seconds [unknown].")

    @field_validator("services", "dstcodes", "apis")
    @classmethod
    def _forwards_to_this_computer(cls, known: dict[str, str | None]) -> dict[str, str | None]:
        for name, url in known.items():
            if url is not None and not on_loopback(url):
                raise ValueError(f"{name}: a stand-in forwards to http addresses on loopback only")
        return known

    @model_validator(mode="after")
    def _names_have_their_form(self) -> PlatformConfig:
        _all_fit(_SERVICE, self.services, "services are instance/class/member/subsystem/service")
        _all_fit(_DSTCODE, self.dstcodes, "dstcodes are VN:GOV:member:subsystem")
        taken = ("/_control", "/r1", "/XrdAdapter", "/VXPAdapter")
        paths = [*self.apis, self.token_path, *([self.soap_path] if self.soap_path != "/" else [])]
        if any(not _PATH.fullmatch(path) or f"/{path.split('/')[1]}" in taken for path in paths) or len(set(paths)) < len(
            paths
        ):
            raise ValueError(f"apis, soap_path and token_path are different paths such as /token, not below {', '.join(taken)}")
        return self


def _all_fit(form: re.Pattern[str], names: Mapping[str, object], words: str) -> None:
    if not all(form.fullmatch(name) for name in names):
        raise ValueError(words)
