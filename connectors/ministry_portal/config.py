"""What must be told to reach a ministry's portal of the second generation, and each point that public sources leave open."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from hub.connector import ConnectorConfig
from hub.wire import HttpSettings
from hub.wire.accounts import Address, HeaderSecret, OAuth2, PointerInto, Secret, Text

SENDER_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("a path below base_url, such as /NoiHoSo")
    return text


PathBelow = Annotated[str, AfterValidator(_path)]


class Paths(ConnectorConfig):
    """Where each operation is, below ``base_url``: the operations' names are read (contracts.md 2), their paths are not."""

    token: PathBelow = Field("/token", description="Signing in. [known]")
    next_value: PathBelow = Field("/GetNextValue", description="Issues the code of a dossier. [known]")
    upload: PathBelow = Field("/UploadFile", description="Takes one file, as multipart. [known]")
    create: PathBelow = Field("/NoiHoSo", description="Creates a dossier. [known]")
    progress: PathBelow = Field("/CapNhatTienTrinh", description="Takes steps of a dossier. [known]")
    status: PathBelow = Field("/CapNhatTrangThai", description="Takes the state of a dossier. [known]")
    look_up: PathBelow | None = Field(
        None, description="Tells of a dossier by ?MaHoSo=, for a create in doubt; the public source has none. [known]"
    )


class FeedSettings(ConnectorConfig):
    """A feed at the ministry that the hub asks again and again for dossiers of the province's territory. [known]"""

    path: PathBelow = Field("/feed", description="Where the feed is, below base_url. [known]")
    cursor_parameter: Text = Field("cursor", description="Query parameter that says where to go on. [known]")
    every_seconds: float = Field(60.0, gt=0, description="Pause after an answer that brought nothing new.")
    items_at: PointerInto = Field("/items", description="Where the answer has the items. [known]")
    cursor_at: PointerInto = Field("/cursor", description="Where the answer has the cursor to go on from. [known]")
    sender: str | None = Field(
        None, pattern=SENDER_PATTERN, description="The sender that the arrivals are of; the endpoint's name when not said."
    )
    read_anew: Text | None = Field(
        None,
        description="Any text, such as today's date. When it changes, and the hub is started again, the feed is read from its"
        " beginning; what came before is known.",
    )


class PushAccount(ConnectorConfig):
    """Who may push, by the name of the account."""

    sender: str = Field(
        pattern=SENDER_PATTERN, description="Name of the key that is the account's password (`hub key new NAME`)."
    )


class PushSettings(ConnectorConfig):
    """A path of the hub to which the ministry posts items of the same form: one, or an array of them. [known]"""

    path: PathBelow = Field("/ministry/feed", description="Where it stands, below the server's prefix.")
    accounts: dict[str, PushAccount] = Field(
        default_factory=dict,
        description="Name of an account for HTTP Basic → whose key is its password. By bearer, too, only these senders are"
        " taken for the ministry, or feed.sender (the endpoint's name).",
    )
    most_items: int = Field(500, ge=1, le=10_000, description="Items in one call; a call with more is refused.")


class MinistryConfig(HttpSettings, ConnectorConfig):
    """One account at a ministry's portal. What is marked [known] must be confirmed with the ministry."""

    base_url: Address = Field(description="Address of the portal's interface, before the paths: https://HOST/api.")
    client_id: Text = Field(description="The client id of the account.")
    client_secret: Secret = Field(description="Its secret; never logged.")
    lgsp_access_token: HeaderSecret | None = Field(
        None, description="As the province's LGSP issued it; sent as the header lgspaccesstoken on every call."
    )
    client_as: Literal["basic", "form", "json"] = Field("json", description="How id and secret are sent for a token.")
    token_at: PointerInto = Field("/data/access_token", description="Where the answer has the token.")
    expires_at: PointerInto = Field("/data/expires_in", description="Where the answer has the seconds that it lasts.")
    paths: Paths = Field(default_factory=Paths, description="Where each operation is. [known]")
    ok_codes: tuple[str, ...] = Field(("0", "200"), min_length=1, description="Values of `code` that mean success. [known]")
    exists_codes: tuple[str, ...] = Field((), description="Values of `code` that mean: there is such a dossier. [known]")
    exists_patterns: tuple[str, ...] = Field(
        ("đã tồn tại",), description="Pieces of the message of a refusal (any case) that mean the same. [known]"
    )
    not_found_codes: tuple[str, ...] = Field(
        ("404",), description="Values of `code` in an answer of look_up that mean: there is no such dossier. [known]"
    )
    transient_codes: tuple[str, ...] = Field(("429", "503"), description="Values of `code` that mean: not now. [known]")
    unclear_codes: tuple[str, ...] = Field(
        ("500", "502", "504"), description="Values of `code` after which nobody knows whether it took effect. [known]"
    )
    token_codes: tuple[str, ...] = Field(
        ("401",), description="Values of `code` that mean: the token has ended. HTTP 401 always does. [known]"
    )
    account_codes: tuple[str, ...] = Field(
        ("403",), description="Values of `code` that mean: the account has not this right. HTTP 403 always does. [known]"
    )
    next_value_for: Literal["agency", "procedure"] = Field(
        "agency", description="What GetNextValue is asked with: the code of the receiving agency, or of the procedure."
    )
    next_value_by: Literal["get", "post"] = Field(
        "post",
        description="How: POST with a JSON object that has code, or GET with ?code=. A GET that meets a dead connection is "
        "made again by the HTTP library, and may use up a code more. [known]",
    )
    agency: Text | None = Field(
        None, description="MaDonViTiepNhan of dossiers that name no receiving unit, as the ministry codes it: G09.20."
    )
    code_system: Text | None = Field(
        None,
        description="Under which system the dossier's code at the ministry is known: the endpoint's name when not said; "
        "`national` where the ministry issues the dossier's national code.",
    )
    hash: Literal["sha-256", "md5", "none"] = Field(
        "none",
        description="What HashTepTin is, so that it is compared: that of an uploaded file, and as sha-256 that of a result in"
        " feed or push. none: it is not. [known]",
    )
    feed: FeedSettings | None = Field(None, description="A feed of dossiers that the ministry owns; none when not said.")
    push: PushSettings | None = Field(None, description="A path for the same by push; none when not said.")
    dossier_schema: Text = Field("ministry-feed-dossier@1", description="Source schema of an item; list it under sources.")
    progress_schema: Text = Field("ministry-feed-progress@1", description="Source schema of a step in an item; the same.")

    @field_validator("exists_patterns")
    @classmethod
    def _has_no_empty_pattern(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        if not all(pattern.strip() for pattern in patterns):
            raise ValueError("an empty pattern would fit every message")
        return patterns

    @field_validator("base_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        if "?" in url:
            raise ValueError("an address like https://HOST/api, without query")
        return url.rstrip("/")

    @property
    def account(self) -> OAuth2:
        """The account as ``hub.wire`` carries it: a token of the portal's own (contracts.md 2.1)."""
        return OAuth2(
            kind="oauth2",
            token_url=self.base_url + self.paths.token,
            client_id=self.client_id,
            client_secret=SecretStr(self.client_secret.get_secret_value()),
            client_as=self.client_as,
            token_at=self.token_at,
            expires_at=self.expires_at,
            token_from="partner",
            lgsp_access_token=self.lgsp_access_token,
        )
