"""What is sent to a registry's path, field by field, and what is wrong with it; the question itself is the catalog's schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import Problem, SchemaInvalid
from hub.translation.schema_problems import pointer

SOMETHING = r"\S"
"""Not blank."""


class LookupRequest(BaseModel):
    """A question: whom it is about, who asks, why, and on the ground of which procedure."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    officer: Annotated[str, Field(max_length=100, pattern=SOMETHING, description="who asks, by the id that the registry knows")]
    purpose: Annotated[str, Field(max_length=500, pattern=SOMETHING, description="why it is asked; kept with who asked")]
    procedure: Annotated[
        str, Field(max_length=100, pattern=SOMETHING, description="on the ground of which procedure, by its national code")
    ]
    query: Annotated[dict[str, Any], Field(description="whom it is about")]
    confirm: Annotated[bool, Field(description="only ask whether it is so, where the registry can be asked that")] = False


_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("missing", "is required but absent"),
    "extra_forbidden": ("unknown_property", "is not a field of the schema"),
    "string_type": ("mistyped", "must be text"),
    "dict_type": ("mistyped", "must be an object"),
    "bool_type": ("mistyped", "must be true or false"),
    "model_type": ("mistyped", "must be an object"),
    "string_pattern_mismatch": ("blank", "must not be blank"),
    "string_too_long": ("too_long", "is longer than it may be"),
}


def read_request(body: Any) -> LookupRequest:
    """The request. Raises SchemaInvalid with every bad field."""
    try:
        return LookupRequest.model_validate(body)
    except ValidationError as error:
        raise SchemaInvalid(_problems(error)) from None


def _problems(error: ValidationError) -> Iterator[Problem]:
    for one in error.errors(include_input=False, include_url=False, include_context=False):
        code, text = _WORDS.get(one["type"], ("invalid", "cannot be read"))
        yield Problem(pointer(one["loc"]), code, text)
