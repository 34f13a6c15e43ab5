"""What the API's answers look like, field by field: the source of ``/openapi.json``.

A field that is absent is ``NotRequired``: the store leaves out what it does not know, it never writes null for it. No model
takes fields it does not name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core.core_schema import TypedDictSchema
from typing_extensions import TypedDict

from hub.api.history_models import (
    Arrival,
    CorrelationId,
    Delivery,
    DossierPage,
    DossierView,
    EndpointName,
    Finding,
    Id,
    Reference,
    RouteName,
    Seq,
)


class RouteTaken(TypedDict):
    """What one route said of one message."""

    route: RouteName
    endpoint: EndpointName
    taken: Annotated[bool, Field(description="whether the message goes this way")]
    why: Annotated[str, Field(description="which condition decided")]
    failure: NotRequired[Annotated[str, Field(description="why the trial translation for this partner failed")]]
    delivery: NotRequired[Annotated[Id, Field(description="the delivery that was added")]]


class ReceiptMessage(TypedDict):
    """A canonical message that the arrival became."""

    id: Id
    schema: Reference
    seq: NotRequired[Seq]
    state: Annotated[
        Literal["routed", "superseded", "conflict", "known"],
        Field(description="superseded: older than what this sender sent before; conflict: another sender owns the dossier, "
              "so it is an observation, sent on only by routes for observations; known: this very step was taken before"),
    ]  # fmt: skip
    routes: Annotated[list[RouteTaken], Field(description="every route of the schema, taken or not")]
    warnings: NotRequired[Annotated[list[Finding], Field(description="what the translation changed on purpose")]]


class Receipt(TypedDict):
    """The hub has the message on disk. The same message sent again gets the same receipt."""

    arrival: Annotated[Id, Field(description="look it up at /v1/arrivals/{id}")]
    state: Annotated[
        Literal["accepted", "kept", "superseded", "discarded"],
        Field(description="kept: it could not be translated yet; it waits, in order, until a mapping or table is mended; "
              "discarded: it was kept, and an operator gave it up"),
    ]  # fmt: skip
    dossier: Annotated[Id, Field(description="the hub's own id of the dossier")]
    correlation_id: CorrelationId
    messages: list[ReceiptMessage]
    reasons: NotRequired[Annotated[list[Finding], Field(description="why it is kept")]]


class ArrivalMessage(TypedDict):
    """A canonical message that the arrival became, with its deliveries."""

    message: Id
    arrival: Id
    seq: Seq
    schema: Reference
    state: Literal["routed", "superseded", "conflict"]
    warnings: NotRequired[list[Finding]]
    deliveries: list[Delivery]


class ArrivalView(Arrival):
    """An arrival with what became of it."""

    receipt: Receipt
    messages: list[ArrivalMessage]


class ArrivalPage(TypedDict):
    """Arrivals, newest first."""

    items: list[Arrival]
    next: Annotated[str | None, Field(description="give it as `after` for the next page; null: there is nothing more")]


class Alive(TypedDict):
    """The process answers."""

    status: Literal["alive"]


class Ready(TypedDict):
    """The store takes writes and the dispatcher runs."""

    status: Literal["ready"]


class Waiting(TypedDict):
    """How much waits at the endpoints, and who asks."""

    sender: Annotated[str, Field(description="whose key it is")]
    endpoints: Annotated[
        dict[str, Annotated[int, Field(ge=1)]], Field(description="endpoint → deliveries that wait there or are under way")
    ]


class RowTaken(TypedDict):
    """What became of one row: a receipt (202), or a problem."""

    status: int
    known: NotRequired[Annotated[bool, Field(description="this is the first receipt again")]]
    receipt: NotRequired[Receipt]
    problem: NotRequired[Problem]


class Later(TypedDict):
    """The hub takes no more for now."""

    status: Literal[429, 503]
    retry_after: Annotated[int, Field(ge=0, description="seconds to wait")]
    problem: Problem


class RowsTaken(TypedDict):
    """What became of the rows, in their order."""

    rows: list[RowTaken]
    later: NotRequired[Annotated[Later, Field(description="there when not all were looked at")]]


class BadField(TypedDict):
    """One thing that is wrong with the request: exactly one of `pointer`, `header`, `parameter` says where."""

    pointer: NotRequired[Annotated[str, Field(description="JSON pointer into the body; empty: the whole body")]]
    header: NotRequired[Annotated[str, Field(description="name of the header")]]
    parameter: NotRequired[Annotated[str, Field(description="name of the query parameter")]]
    code: Annotated[str, Field(description="stable lower-case word")]
    detail: Annotated[str, Field(description="what is wrong, in words; never the value itself")]
    hint: NotRequired[Annotated[str, Field(description="what to send instead")]]


class Problem(TypedDict):
    """An error as RFC 9457 has it."""

    type: Annotated[str, Field(description="urn:dossier-hub:problem: and the kind")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: NotRequired[str]
    errors: NotRequired[Annotated[list[BadField], Field(max_length=100)]]
    reason: NotRequired[Annotated[str, Field(description="with 503: what is missing, in a word")]]
    correlation_id: Annotated[str, Field(description="quote it when you ask the operator", pattern=r"^[0-9a-f]{32}$")]


ANSWERS: tuple[type, ...] = (
    Receipt,
    ArrivalView,
    ArrivalPage,
    DossierView,
    DossierPage,
    Waiting,
    RowsTaken,
    Alive,
    Ready,
    Problem,
)


class _Closed(GenerateJsonSchema):
    """Objects without other fields than those they name, and without the titles that pydantic gives to every field."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def typed_dict_schema(self, schema: TypedDictSchema) -> JsonSchemaValue:
        return {**super().typed_dict_schema(schema), "additionalProperties": False}


def components() -> dict[str, Any]:
    """The JSON schemas (2020-12) of all answers and of what they consist of, by name."""
    wanted: list[tuple[type, JsonSchemaMode, TypeAdapter[Any]]] = [(one, "validation", TypeAdapter(one)) for one in ANSWERS]
    _, found = TypeAdapter.json_schemas(wanted, ref_template="#/components/schemas/{model}", schema_generator=_Closed)
    schemas: dict[str, Any] = found["$defs"]
    return schemas
