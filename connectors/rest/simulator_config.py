"""What the simulated one-stop system can be told."""

from __future__ import annotations

from pydantic import Field

from hub.testing import SimulatorConfig


class LocalSystemConfig(SimulatorConfig):
    """A local one-stop system that takes filed dossiers over REST. No public contract stands behind it."""

    api_key: str = Field(default="simulated", min_length=1, description="What X-Api-Key must be; a simulated one.")
    procedures: tuple[str, ...] = Field(
        default=(), description="Codes of the procedures it knows, others are refused with 422; all when empty."
    )
    quote_values: bool = Field(default=False, description="Whether the words of a refusal quote the owner, as real systems do.")
