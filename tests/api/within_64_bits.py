"""A rule that the API's description states in words, for the generator: whole numbers in JSON fit 64 bits.

JSON Schema cannot say it of fields that a schema allows without naming them.
"""

from __future__ import annotations

from typing import Any

import schemathesis

from hub.strictjson import MAX_INT, MIN_INT


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Whether every whole number of the body fits."""
    if isinstance(body, dict):
        return all(filter_body(context, one) for one in body.values())
    if isinstance(body, list):
        return all(filter_body(context, one) for one in body)
    return not isinstance(body, int) or MIN_INT <= body <= MAX_INT
