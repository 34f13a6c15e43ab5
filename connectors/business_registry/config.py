"""What must be told to reach a registry of enterprises: address, shape of its answers, account, and what no source says."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from hub.connector import ConnectorConfig
from hub.wire import HttpSettings
from hub.wire.accounts import Account
from hub.wire.address import is_http_address


def _http_address(url: str) -> str:
    if not is_http_address(url, query=True):
        raise ValueError("an address like https://HOST/path, without user or fragment")
    return url


Address = Annotated[str, AfterValidator(_http_address)]
Shape = Literal["ngsp", "province", "search"]


class BusinessRegistryConfig(HttpSettings, ConnectorConfig):
    """One account at a registry of enterprises. What is marked [known] or [unknown] must be asked of the agency."""

    url: Address = Field(description="Where one enterprise is asked for: …/chiTietDoanhNghiep; its own query (?…) stays.")
    shape: Shape = Field(
        "ngsp",
        description="What answers look like: of the national platform (NGSP), of a province's own service, of the search.",
    )
    verb: Literal["GET", "POST"] = Field("GET", description="The HTTP verb of a question. [known]")
    number_field: str = Field("msdn", min_length=1, description="Name of the parameter that holds the enterprise's number.")
    number_in: Literal["query", "form", "json"] = Field(
        "query",
        description="Where that stands: in the query of the address, or in a form or a JSON object that is posted. [known]",
    )
    account: Account | None = Field(
        None, description="Who we are there; at the NGSP oauth2 (WSO2). Nothing is said without it."
    )
    transient_codes: tuple[str, ...] = Field(
        (), description="error_code values of the platform that mean: not now, or not with this account. [unknown]"
    )
    check_url: Address | None = Field(
        None, description="What `check` reads where nobody signs in; it must answer 2xx. Else `url`, without a number."
    )

    @model_validator(mode="after")
    def _a_body_is_posted(self) -> Self:
        if self.verb == "GET" and self.number_in != "query":
            raise ValueError("number_in: form and json need verb: POST")
        return self
