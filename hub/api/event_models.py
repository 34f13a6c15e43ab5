"""What each of the hub's own events tells, field by field: the payloads of the AsyncAPI document (``hub.api.asyncapi``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, get_args

from pydantic import Field
from typing_extensions import TypedDict

from hub.api.history_models import CorrelationId, EndpointName, Id, LedgerCell, Reference, RouteName, Seq, Word
from hub.event import EventType

Dossier = Annotated[str, Field(description="the hub's own id of the dossier: the key and the subject of the event")]
ArrivalId = Annotated[Id, Field(description="what came in")]
MessageId = Annotated[Id, Field(description="the canonical message that it became")]
Sender = Annotated[str, Field(description="name of the sender in the hub's configuration")]
Stream = Annotated[str, Field(description="kind of message within the dossier: the canonical schema's id")]


class Code(TypedDict):
    """What one system calls a dossier."""

    system: Annotated[str, Field(description="code system: national, or the name of a sender or partner")]
    code: str


class Named(TypedDict):
    """Names of the dossier that were learned now; told of one dossier again when the stream begins again."""

    dossier: Dossier
    codes: Annotated[list[Code], Field(description="a code system and the dossier's code in it, each")]


class ArrivalBecame(TypedDict):
    """An arrival was stored, or was kept and is translated again; in the event's type, what became of it."""

    dossier: Dossier
    arrival: ArrivalId
    sender: Sender
    schema: Reference
    correlation_id: CorrelationId
    messages: NotRequired[Annotated[list[str], Field(description="its messages, those that were known before included")]]
    codes: NotRequired[Annotated[list[str], Field(description="why it is kept: stable words, such as not_in_table")]]


class ArrivalActed(TypedDict):
    """Somebody did something with an arrival that was kept, or its bodies were erased."""

    dossier: Dossier
    arrival: ArrivalId


class MessageAccepted(TypedDict):
    """The dossier has a new message."""

    dossier: Dossier
    message: MessageId
    arrival: ArrivalId
    sender: Sender
    stream: Stream
    schema: Reference
    seq: Seq
    state: Annotated[
        Literal["routed", "conflict", "superseded"],
        Field(description="conflict: another sender owns the dossier; superseded: older than what its sender said before"),
    ]
    origin: NotRequired[Annotated[str, Field(description="the endpoint whose partner told it")]]
    correlation_id: CorrelationId
    body: NotRequired[
        Annotated[Mapping[str, Any], Field(description="the canonical message, where the stream is to include bodies")]
    ]
    body_left_out: NotRequired[
        Annotated[Literal["too_large"], Field(description="why it is not there though it was asked for")]
    ]


class DeliveryBecame(TypedDict):
    """A message on its way to one partner; in the event's type, what became of it."""

    dossier: Dossier
    delivery: Id
    message: MessageId
    endpoint: EndpointName
    route: RouteName
    stream: Stream
    seq: Seq
    code: NotRequired[Word]
    by: NotRequired[Annotated[str, Field(description="the delivery that took its place")]]


class CellChanged(LedgerCell):
    """A cell of the ledger (dossier, endpoint, stream) as it is now, whole: the last one of each is the ledger. Told of every
    cell once more when the stream begins again."""

    dossier: Dossier


class CellGone(TypedDict):
    """The ledger has this cell no more."""

    dossier: Dossier
    endpoint: EndpointName
    stream: Stream
    gone: Literal[True]


TELLS: Mapping[EventType, tuple[Any, str]] = {
    "dossier.named": (Named, "names of the dossier were learned"),
    "message.accepted": (MessageAccepted, "the dossier has a new message"),
    "arrival.accepted": (ArrivalBecame, "an arrival was accepted"),
    "arrival.kept": (ArrivalBecame, "an arrival was kept: it waits until what it needs is mended"),
    "arrival.superseded": (ArrivalBecame, "an arrival was older than what its sender said before"),
    "arrival.replayed": (ArrivalActed, "a kept arrival is translated again; what became of it follows"),
    "arrival.discarded": (ArrivalActed, "a kept arrival was given up"),
    "arrival.erased": (ArrivalActed, "bodies of the arrival and its messages were erased: whoever has copies erases them too"),
    "delivery.routed": (DeliveryBecame, "a message is to go to a partner"),
    "delivery.delivered": (DeliveryBecame, "the partner took it"),
    "delivery.in_doubt": (DeliveryBecame, "it may or may not be there: the partner is asked, or a person looks"),
    "delivery.waiting": (DeliveryBecame, "it was in doubt, and waits to be sent again"),
    "delivery.dead": (DeliveryBecame, "it is a dead letter: the partner refused it, or it could not be sent"),
    "delivery.superseded": (DeliveryBecame, "a newer state took its place"),
    "delivery.discarded": (DeliveryBecame, "it was given up"),
    "delivery.replayed": (DeliveryBecame, "a dead letter waits to be sent again"),
    "ledger.changed": (CellChanged | CellGone, "what a partner knows of the dossier changed"),
}  # fmt: skip
assert set(TELLS) == set(get_args(EventType))
