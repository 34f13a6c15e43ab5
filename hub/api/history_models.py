"""The records that the API shows of arrivals, deliveries and dossiers, field by field. See ``hub.api.models``."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Seq = Annotated[int, Field(ge=1, description="number of the message within its dossier; gives the order")]
Reference = Annotated[str, Field(description="id@version of the schema", examples=["opencps-dossier@1.0.0"])]
EndpointName = Annotated[str, Field(description="name of the partner's endpoint in the configuration")]
RouteName = Annotated[str, Field(description="name of the route in the configuration")]
Word = Annotated[str, Field(description="stable word for what happened; the partner's own code where it gave one")]
CorrelationId = Annotated[
    str, Field(description="joins this to log lines and to the partner's: the trace id of the request that brought it")
]


class Finding(TypedDict):
    """One thing that is wrong with a message, or was changed in it on the way."""

    at: Annotated[str, Field(description="JSON pointer or dotted path; empty: the whole message")]
    code: Annotated[str, Field(description="stable lower-case word, such as not_in_table")]
    message: Annotated[str, Field(description="what is wrong, in words; never the value itself")]
    hint: NotRequired[Annotated[str, Field(description="what to write or do instead")]]
    source: NotRequired[Annotated[str, Field(description="where to mend it: file and line, or the path that was read")]]


class Arrival(TypedDict):
    """What came in, without its body."""

    arrival: Id
    at: Annotated[Instant, Field(description="when it was received")]
    sender: Annotated[str, Field(description="the key's sender, or the endpoint whose answer it is")]
    schema: Reference
    state: Literal["accepted", "kept", "superseded", "discarded"]
    reasons: NotRequired[Annotated[list[Finding], Field(description="why it is or was kept")]]
    key: NotRequired[
        Annotated[str, Field(description="the sender's own id of the message: Idempotency-Key, or id:… from its body")]
    ]
    position: NotRequired[Annotated[str, Field(description="where it stood in the file or topic it was read from")]]
    correlation_id: CorrelationId
    origin: NotRequired[Annotated[str, Field(description="the endpoint whose partner told it: by an answer, feed or push")]]
    settled_by: NotRequired[Annotated[str, Field(description="who discarded it")]]
    why: NotRequired[Annotated[str, Field(description="why it was discarded")]]


class Delivery(TypedDict):
    """One message on its way to one partner."""

    delivery: Id
    message: Id
    seq: Seq
    endpoint: EndpointName
    route: RouteName
    stream: Annotated[str, Field(description="kind of message within the dossier: the canonical schema's id")]
    state: Annotated[
        Literal["pending", "claimed", "in_doubt", "dead", "delivered", "superseded", "discarded"],
        Field(description="open: pending, claimed (under way), in_doubt (an answer was lost), dead (refused; holds what comes "
              "after it). Final: delivered, superseded, discarded"),
    ]  # fmt: skip
    attempts: Annotated[int, Field(ge=0, description="how often it was tried")]
    next_at: NotRequired[Annotated[Instant, Field(description="not before this time it is tried again")]]
    in_doubt_once: NotRequired[Annotated[bool, Field(description="true when an answer was ever lost")]]
    code: NotRequired[Word]
    reason: NotRequired[Annotated[str, Field(description="what the partner said, personal data masked")]]
    problems: NotRequired[list[Finding]]
    warnings: NotRequired[list[Finding]]
    reference: NotRequired[Annotated[str, Field(description="the partner's own proof of receipt")]]
    chain: NotRequired[Annotated[str, Field(description="digest of the mappings, tables and schemas that made what is sent")]]
    settled_at: NotRequired[Annotated[Instant, Field(description="when it became dead or final")]]
    settled_by: NotRequired[Annotated[str, Field(description="who superseded or discarded it")]]
    why: NotRequired[str]


class Code(TypedDict):
    """One name of a dossier."""

    system: Annotated[str, Field(description="the system that calls it so; `national` for national dossier codes")]
    code: str


class Alias(Code):
    """One name of a dossier, and since when it is known."""

    learned_at: Instant


class LedgerCell(TypedDict):
    """What one partner was sent of one stream of the dossier, and what it told itself."""

    endpoint: EndpointName
    stream: str
    routed_seq: NotRequired[Annotated[int, Field(description="the last message that goes there; lacking where it only told")]]
    routed_at: NotRequired[Instant]
    sent_seq: NotRequired[Annotated[int, Field(description="the last message the partner took")]]
    sent_at: NotRequired[Instant]
    sent_message: NotRequired[Id]
    heard_seq: NotRequired[Annotated[int, Field(description="the last message that the partner itself told")]]
    heard_at: NotRequired[Annotated[Instant, Field(description="when the hub received that")]]
    heard_message: NotRequired[Id]
    open: Annotated[int, Field(ge=0, description="deliveries that are not final, dead ones among them")]
    dead: Annotated[int, Field(ge=0)]
    behind: NotRequired[Annotated[bool, Field(description="true when the partner has not the last message yet")]]
    ahead: NotRequired[
        Annotated[bool, Field(description="true when the partner told something newer than the last message it took")]
    ]


class ArrivalEvent(Arrival):
    """Something came in."""

    event: Literal["arrival"]


class RefusedRoute(TypedDict):
    """Why a route did not take a message."""

    route: RouteName
    why: str


class MessageEvent(TypedDict):
    """A canonical message was made of it."""

    event: Literal["message"]
    at: Instant
    message: Id
    arrival: Id
    seq: Seq
    schema: Reference
    state: Literal["routed", "not_routed", "superseded", "conflict"]
    warnings: NotRequired[list[Finding]]
    routes: NotRequired[Annotated[list[RefusedRoute], Field(description="with not_routed: why no route took it")]]


class AttemptEvent(TypedDict):
    """A delivery was tried."""

    event: Literal["attempt"]
    attempt: Id
    delivery: Id
    number: Annotated[int, Field(ge=1)]
    at: Instant
    ended_at: NotRequired[Instant]
    outcome: Literal["delivered", "again", "in_doubt", "dead", "under way"]
    code: NotRequired[Word]
    reason: NotRequired[str]
    resolved: NotRequired[Annotated[str, Field(description="what was found out later of an attempt in doubt")]]
    resolved_at: NotRequired[Instant]
    chain: str
    endpoint: EndpointName
    seq: Seq


class SettledEvent(Delivery):
    """A delivery became dead or final."""

    event: Literal["delivered", "superseded", "discarded", "dead"]
    at: Instant


_Event = Annotated[ArrivalEvent | MessageEvent | AttemptEvent | SettledEvent, Field(discriminator="event")]


class DossierView(TypedDict):
    """Everything known of one dossier; no bodies."""

    dossier: Id
    owner: Annotated[str, Field(description="the sender whose messages of it are sent on")]
    senders: list[str]
    aliases: list[Alias]
    ledger: list[LedgerCell]
    waiting: Annotated[list[Delivery], Field(description="deliveries that are not final, dead ones among them")]
    timeline: Annotated[list[_Event], Field(description="every hop in order of time; the newest 200")]
    truncated: NotRequired[Annotated[Literal[True], Field(description="there when the timeline has older entries")]]


class Dossier(TypedDict):
    """A dossier this sender has sent, and whether all of it got through."""

    dossier: Id
    codes: Annotated[list[Code], Field(description="its names; any of them leads to /v1/dossiers/{code}")]
    last_arrival: Annotated[Arrival, Field(description="the newest arrival of it from this sender")]
    kept: Annotated[bool, Field(description="an arrival of it from this sender is kept")]
    waiting: Annotated[bool, Field(description="a delivery of it is not final")]
    dead: Annotated[bool, Field(description="a delivery of it is dead")]
    behind: Annotated[bool, Field(description="a partner has not its last message yet")]


class DossierPage(TypedDict):
    """Dossiers, the one with the newest arrival first."""

    items: list[Dossier]
    next: Annotated[str | None, Field(description="give it as `after` for the next page; null: there is nothing more")]
