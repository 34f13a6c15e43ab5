"""The configuration of one hub home: ``config.yaml``, checked as a whole, every problem at once with file and line.

``${env:NAME}`` and ``${file:path}`` inside a text are replaced by an environment variable and by a file's content, so that
no secret stands in the file itself. Relative paths are relative to the home.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, ValidationError, model_validator

from hub import strictyaml
from hub.errors import BadConfig, Problem
from hub.installed_catalogs import installed_catalogs

_IN_WHEEL = Path(__file__).parent / "home"
PACKAGED = _IN_WHEEL if _IN_WHEEL.is_dir() else Path(__file__).parents[1]
"""The home that comes with the hub (schemas, mappings, starter): in a wheel inside the package, in a checkout its root."""
UNRESOLVED = "unresolved"
REFERENCE = re.compile(r"\$\{(env|file):([^}]*)\}")
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key) < 16 and key.get_secret_value() != UNRESOLVED:
        raise ValueError("a key has at least 16 characters")
    return key


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class StoreConfig(_Section):
    """Where what is durable lives."""

    url: str = Field("sqlite:///var/hub.db", description="sqlite:///path (relative to the home) or postgresql://user@host/db")


class TlsConfig(_Section):
    """The server's certificate."""

    certificate: Path = Field(description="PEM file with the certificate chain")
    key: Path = Field(description="PEM file with the private key")


class ServerConfig(_Section):
    """The hub's own HTTP door."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    tls: TlsConfig | None = Field(None, description="serve HTTPS with this certificate")
    prefix: str = Field("", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="what every path begins with, such as /hub")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="networks (CIDR) whose Forwarded or X-Forwarded-For, -Proto and -Host headers are believed"
    )
    max_body_bytes: int = Field(5 * 1024 * 1024, ge=1024, description="larger bodies are refused with 413")
    body_seconds: float = Field(30.0, gt=0, description="a body that takes longer is refused with 408")
    max_depth: int = Field(64, ge=4, le=900, description="JSON nested deeper is refused")
    max_in_work: int = Field(
        128, ge=2, description="messages taken in at once; one client alone gets half; 3 times as many wait, others get 503"
    )
    max_held_bytes: int = Field(
        32 * 1024 * 1024, ge=1024,
        description="bytes of their bodies in memory at once, shared alike; twice as many for first bodies of clients",
    )  # fmt: skip
    max_connections: int = Field(768, ge=1, description="open connections; further ones get 503 and are closed")
    max_connections_per_address: int = Field(512, ge=1, description="open connections from one address, such as a proxy's")
    idle_seconds: float = Field(75.0, gt=0, description="a connection without a whole request head for so long is closed")

    @model_validator(mode="after")
    def _a_body_fits(self) -> ServerConfig:
        if self.max_held_bytes < self.max_body_bytes:
            raise ValueError("max_held_bytes must be at least max_body_bytes")
        return self


class ClientConfig(_Section):
    """How much one sender (the name of its API keys) may send; beyond it 429. No limit when absent."""

    rate: float | None = Field(None, gt=0, description="requests a second, on average")
    burst: int | None = Field(None, ge=1, description="requests at once after a pause; one second's worth when absent")
    per_day: int | None = Field(None, ge=1, description="messages accepted in one day of Vietnam's time")
    bytes_per_day: int | None = Field(None, ge=1, description="bytes of unpacked messages accepted in one such day")

    @model_validator(mode="after")
    def _a_burst_of_a_rate(self) -> ClientConfig:
        if self.burst is not None and self.rate is None:
            raise ValueError("a burst needs a rate")
        return self

    @property
    def counts_days(self) -> bool:
        """Whether anything is counted by the day."""
        return self.per_day is not None or self.bytes_per_day is not None


class LogConfig(_Section):
    """Where the JSON lines go."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least level that is written")
    to: Literal["stderr", "stdout"] = Field("stderr", description="the stream they go to when no file is named")
    file: Path | None = Field(None, description="a file to append to, in place of a stream")


class SourceConfig(_Section):
    """A schema taken from senders."""

    schema_: str = Field(alias="schema", description="id@major of the schema, such as opencps-dossier@1")
    becomes: tuple[str, ...] = Field(min_length=1, description="canonical schemas one arrival becomes, in order")


class SoapConstant(_Section):
    """A value that is always the same."""

    value: bool | int | str = Field(description="what an element of the answer always is")


class SoapOperationConfig(_Section):
    """An operation of the WSDL."""

    answer: dict[str, Literal["arrival", "state", "dossier", "correlation_id", "repeated"] | SoapConstant] = Field(
        default_factory=dict, description="element of the answer (dotted path) → what of the receipt fills it, or { value: … }"
    )
    receipt_of: str | None = Field(
        None, description="it stores nothing and answers the receipt of the request whose id stands here (JSON pointer)"
    )


class SoapConfig(_Section):
    """A door for a WSDL."""

    path: str = Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$", description="where it is, such as /soap/one-stop")
    schema_: str = Field(alias="schema", description="id@major of the WSDL in the catalog; it stands under sources too")
    operations: dict[str, SoapOperationConfig] = Field(description="every operation of the WSDL, by name")


class RetryConfig(_Section):
    """When a delivery is tried again."""

    first_seconds: float = Field(1.0, gt=0, description="wait after the first failure; doubles from then on")
    longest_seconds: float = Field(300.0, gt=0, description="the longest wait")
    attempts: int = Field(10, ge=1, description="failures counted against one message before it is dead")


class BreakerConfig(_Section):
    """When an endpoint is left alone for a while."""

    failures: int = Field(5, ge=1, description="failures in a row that open the breaker")
    open_seconds: float = Field(5.0, gt=0, description="the first open period; doubles while probes fail")
    longest_seconds: float = Field(60.0, gt=0, description="the longest open period")


class LookupConfig(_Section):
    """What people may ask an endpoint, over POST /v1/lookups/NAME, and what routes may verify there."""

    take: str = Field(description="canonical schema of a question, id@major; a key needs the right to its id")
    give: str = Field(description="canonical schema of an answer, id@major")
    per_officer_per_minute: int = Field(30, ge=1, le=6000, description="questions of one officer in a minute; beyond it 429")
    per_client_per_minute: int = Field(
        600,
        ge=1,
        le=60_000,
        description="questions of all officers of one key in a minute, so that made-up officers gain nothing",
    )


class EndpointConfig(_Section):
    """A configured connector with a name."""

    connector: str = Field(description="name of an installed connector, such as national-portal")
    settings: dict[str, Any] = Field(default_factory=dict, description="the connector's own configuration")
    concurrency: int = Field(4, ge=1, le=256, description="deliveries under way at once")
    rate: float | None = Field(None, gt=0, description="new deliveries a second at most; no limit when absent")
    deadline_seconds: float = Field(120.0, gt=0, description="an attempt that takes longer is in doubt")
    retry: RetryConfig = Field(default_factory=RetryConfig, description="when a delivery is tried again")
    breaker: BreakerConfig = Field(default_factory=BreakerConfig, description="when the endpoint is left alone")
    lookup: LookupConfig | None = Field(None, description="it answers questions: which, and how many")


class ConditionConfig(_Section):
    """A condition of a route: exactly one of present, absent, equals."""

    present: str | None = Field(None, description="dotted path that must have a value")
    absent: str | None = Field(None, description="dotted path that must have none")
    equals: dict[str, str | int | bool] | None = Field(None, description="dotted paths and the exact values they must have")

    @model_validator(mode="after")
    def _one(self) -> ConditionConfig:
        if sum(one is not None for one in (self.present, self.absent, self.equals)) != 1:
            raise ValueError("a condition is exactly one of present, absent, equals")
        return self


class VerifyConfig(_Section):
    """A registry is asked about the owner of a dossier before it is sent for the first time."""

    with_: Name = Field(alias="with", description="name of the endpoint that is asked; it has a lookup section")
    query: str = Field(description="canonical schema of the question, id@major; a mapping makes it of the message")
    on_mismatch: Literal["hold", "flag"] = Field(
        description="the registry knows no such person, or another: hold makes a dead letter, flag sends it without the flag"
    )
    database_code: str = Field(
        min_length=1, max_length=100, description="the registry's code at the portal (MaCSDL), put into databases_consulted"
    )
    purpose: str = Field(min_length=1, max_length=500, pattern=r"\S", description="why it is asked, for the record")
    officer: str = Field(min_length=1, max_length=100, pattern=r"\S", description="in whose name it is asked")
    birth_year_from_number: bool = Field(
        True, description="ask with the year of birth that a number of 12 digits holds, where the message has no birth"
    )


class RouteFilesConfig(_Section):
    """The files that a dossier names are fetched before it is sent for the first time, and named as the partner wants."""

    as_: Literal["url", "claim"] = Field(
        alias="as", description="url: a signed link of the hub; claim: ni:///sha-256;…, for a connector that sends the bytes"
    )
    of: tuple[Literal["results", "documents"], ...] = Field(
        ("results", "documents"), min_length=1, description="which files: results, documents that were handed in"
    )


class RouteConfig(_Section):
    """Which messages go where, as what."""

    take: str = Field(description="canonical schema, id@major")
    to: Name = Field(description="name of an endpoint")
    as_: str = Field(alias="as", description="schema the endpoint is sent, id@major")
    via: tuple[str, ...] = Field(
        (), description="exactly these mappings, in this order, as mapping@version; the shortest way when absent"
    )
    from_: tuple[Name, ...] = Field(
        (),
        alias="from",
        description="the senders (names of API keys, of endpoints that receive, or what they call their sender) whose messages "
        "it takes; everybody's when absent",
    )
    observations: bool = Field(
        False, description="also messages about a dossier that another sender owns; the senders must be named then"
    )
    when: tuple[ConditionConfig, ...] = Field((), description="conditions that must all hold")
    coalesce: bool = Field(False, description="a newer full state replaces one that still waits")
    in_doubt: Literal["resend", "hold"] = Field("resend", description="what to do when the partner cannot be asked")
    on_exists: Literal["hold", "adopt"] = Field(
        "hold", description="the partner already has it and the ledger shows no send of ours"
    )
    files: RouteFilesConfig | None = Field(
        None, description="files that must be there before it is sent, and how they are named"
    )
    verify: tuple[VerifyConfig, ...] = Field(
        (), max_length=4,
        description="ask a registry about the owner before the first attempt; of several, each about the owners it may know",
    )  # fmt: skip

    @model_validator(mode="after")
    def _observations_of_whom(self) -> RouteConfig:
        if self.observations and not self.from_:
            raise ValueError("observations: true needs from: the senders whose word counts though the dossier is another's")
        return self

    @model_validator(mode="before")
    @classmethod
    def _single(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return data | {name: [data[name]] for name in ("when", "verify") if isinstance(data.get(name), dict)}
        return data

    @model_validator(mode="after")
    def _asks_each_once(self) -> RouteConfig:
        names = [one.with_ for one in self.verify]
        if len(names) != len(set(names)):
            raise ValueError("verify names one registry twice: each is asked once about an owner")
        return self


class FetchConfig(_Section):
    """Which addresses the hub fetches files from. Private, local and multicast networks are refused unless they stand here."""

    hosts: tuple[Annotated[str, Field(pattern=r"^(\*|(\*\.)?[A-Za-z0-9:][A-Za-z0-9.:-]*)$")], ...] = Field(
        min_length=1, description="names of hosts; *.example.vn: all below example.vn, *: all"
    )
    private: tuple[IPvAnyNetwork, ...] = Field((), description="private networks (CIDR) that files may come from")
    http: bool = Field(False, description="take http addresses too, not only https")
    redirects: int = Field(1, ge=0, le=3, description="redirects that are followed, each checked like the first address")
    silence_seconds: float = Field(
        15.0, gt=0, description="a host that cannot be connected to, or says nothing, for so long does not answer"
    )
    seconds: float = Field(300.0, gt=0, description="the longest that a whole file may take")


class FilesConfig(_Section):
    """Files beside messages: results and documents, kept once by their content."""

    folder: Path = Field(Path("var/files"), description="where they lie, below the home; no part of `hub backup`")
    max_bytes: int = Field(100 * 1024 * 1024, ge=1, description="a larger file is refused")
    types: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="media types that are taken; PDF, images, office files, zip, XML and PKCS #7 when absent",
    )
    upload_seconds: float = Field(300.0, gt=0, description="an upload that takes longer is refused with 408")
    public_url: str | None = Field(
        None, pattern=r"^https?://[^?#]+$", description="how partners reach this hub, prefix included; needed for signed links"
    )
    signing_key: Annotated[SecretStr, AfterValidator(_long_enough)] | None = Field(
        None, description="secret of the signed links, at least 16 characters; another one ends all links that are out"
    )
    url_days: int = Field(30, ge=1, le=3650, description="how long a signed link is good")
    fetch: FetchConfig | None = Field(None, description="take files from addresses that messages name; not at all when absent")

    @model_validator(mode="after")
    def _links_need_both(self) -> FilesConfig:
        if (self.public_url is None) is not (self.signing_key is None):
            raise ValueError("signed links need both public_url and signing_key")
        return self


class EventsConfig(_Section):
    """What the hub does is told to others: accepted, kept, delivered, dead, superseded, replayed, and the ledger's changes."""

    to: Name = Field(description="name of an endpoint whose connector publishes events (kafka, with settings.events)")
    include: tuple[Literal["bodies"], ...] = Field(
        (), description="bodies: the canonical body of each message too, with all that it says of persons; none when absent"
    )


class RetentionConfig(_Section):
    """How long bodies are kept."""

    bodies_days: int | None = Field(
        None, ge=1, description="bodies of what is final for so many days are erased (ids and history stay); never when absent"
    )


class HubConfig(_Section):
    """The whole of config.yaml."""

    store: StoreConfig = Field(default_factory=StoreConfig, description="where what is durable lives")
    server: ServerConfig = Field(default_factory=ServerConfig, description="the hub's HTTP door")
    clients: dict[Name, ClientConfig] = Field(
        default_factory=dict, description="what senders may send, by name; default is for those not named"
    )
    log: LogConfig = Field(default_factory=LogConfig, description="where log lines go")
    catalog: tuple[Path, ...] = Field((), description="further folders with schemas/ and mappings/, after the home; first wins")
    sources: tuple[SourceConfig, ...] = Field((), description="schemas taken from senders")
    soap: dict[Name, SoapConfig] = Field(default_factory=dict, description="doors for senders that speak SOAP, by name")
    owners: dict[str, str] = Field(default_factory=dict, description="beginning of national codes → sender that owns them")
    endpoints: dict[Name, EndpointConfig] = Field(default_factory=dict, description="partners by name")
    routes: dict[Name, RouteConfig] = Field(default_factory=dict, description="routes by name, in order")
    keys: dict[Name, Annotated[SecretStr, AfterValidator(_long_enough)]] = Field(
        default_factory=dict, description="secret keys of the verb keyed_hash by name, each of at least 16 characters"
    )
    files: FilesConfig | None = Field(None, description="files beside messages; none are kept when absent")
    events: EventsConfig | None = Field(None, description="the hub's own event stream; none is written when absent")
    retention: RetentionConfig = Field(default_factory=RetentionConfig, description="how long bodies are kept")
    drain_seconds: float = Field(20.0, ge=0, description="how long a stopping hub waits for attempts under way")


class Home:
    """A hub home: the folder, its configuration, and where each thing in it is written."""

    def __init__(self, folder: Path, config: HubConfig, where: Callable[..., str]) -> None:
        self.folder = folder
        self.config = config
        self.where = where
        """``where("routes", "x", "to")`` is ``config.yaml:line`` of that node."""

    @property
    def layers(self) -> tuple[Path, ...]:
        """Folders that hold schemas/ and mappings/: the home first, then ``catalog:``, then what other packages brought, what
        came with the hub last; each folder once."""
        layers: dict[Path, Path] = {}
        for path in (self.folder, *(self.folder / path for path in self.config.catalog), *installed_catalogs(), PACKAGED):
            layers.setdefault(path.resolve(), path)
        return tuple(layers.values())

    @property
    def store_url(self) -> str:
        """The store's address with a relative SQLite path made absolute."""
        prefix = "sqlite:///"
        url = self.config.store.url
        if url.startswith(prefix) and not url.startswith(prefix + "/"):
            return f"{prefix}{(self.folder / url.removeprefix(prefix)).resolve()}"
        return url


def load_home(folder: Path, *, partners: bool = True, unresolved: list[Problem] | None = None) -> Home:
    """Read ``folder/config.yaml``. Raises BadConfig with every problem found.

    ``partners`` False is for what works on the store alone: the endpoints' settings, and so the partners' secrets, are
    left out. With ``unresolved`` a reference without a value is no error: it is listed there instead.
    """
    path = folder / "config.yaml"
    if not path.is_file():
        text = f"there is no config.yaml in {folder}"
        raise BadConfig([Problem("", "no_home", text, "run the command in a hub home or name one with --home")])
    document = strictyaml.load(path, "config.yaml")
    problems: list[Problem] = []
    written = document.data or {}
    if not partners and isinstance(written, dict) and isinstance(written.get("endpoints"), dict):
        known = {name: {**one, "settings": {}} if isinstance(one, dict) else one for name, one in written["endpoints"].items()}
        written = {**written, "endpoints": known, "keys": {}}
    data = _resolved(written, (), folder, os.environ, problems, document.at)
    try:
        config = HubConfig.model_validate(data)
    except ValidationError as error:
        raise BadConfig([*problems, *validation_problems(error, document.at)]) from None
    if unresolved is not None:
        unresolved += problems
    elif problems:
        raise BadConfig(problems)
    return Home(folder, config, document.at)


def validation_problems(error: ValidationError, where: Callable[..., str], under: tuple[str | int, ...] = ()) -> list[Problem]:
    """Pydantic's errors as problems with file and line; values are never shown (they may be secrets)."""
    problems: list[Problem] = []
    for one in error.errors(include_input=False, include_url=False, include_context=False):
        path = (*under, *_as_written(one["loc"]))
        hint = "correct its spelling or take it out" if one["type"] == "extra_forbidden" else ""
        text = "this name is not known here" if one["type"] == "extra_forbidden" else one["msg"].removeprefix("Value error, ")
        problems.append(Problem(".".join(map(str, path)), one["type"], text, hint, where(*path)))
    return problems


_KINDS = frozenset(("direct", "lgsp", "ndxp", "ndop", "x-road", "api_key", "basic", "bearer", "oauth2", "session"))
"""What a `reached` or an `account` is told apart by (hub.wire.reached, hub.wire.accounts)."""


def _as_written(steps: tuple[str | int, ...]) -> Iterator[str | int]:
    """The steps that stand in the file: pydantic also tells that a key is meant, and which kind of way or account it took."""
    before: str | int = ""
    for step in steps:
        if step != "[key]" and not (before in ("reached", "account") and step in _KINDS):
            yield step
        before = step


def _resolved(
    value: Any,
    path: tuple[str | int, ...],
    folder: Path,
    environment: Mapping[str, str],
    problems: list[Problem],
    where: Callable[..., str],
) -> Any:
    """The value with its ``${env:…}`` and ``${file:…}`` references replaced."""
    if isinstance(value, dict):
        return {key: _resolved(item, (*path, key), folder, environment, problems, where) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, (*path, i), folder, environment, problems, where) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def found(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "env" and name in environment:
            return environment[name]
        if kind == "file" and (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8").strip()
        hint = f"set the environment variable {name}" if kind == "env" else f"put the secret into {name}"
        at = ".".join(map(str, path))
        problems.append(Problem(at, "unresolved_reference", f"{match.group(0)} has no value", hint, where(*path)))
        return UNRESOLVED

    return REFERENCE.sub(found, value)
