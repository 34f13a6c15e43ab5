"""The scripted partner, one for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from soap.partner import Partner, partner


@pytest.fixture
async def land() -> AsyncIterator[Partner]:
    """A land registry that says what the test tells it to."""
    async with partner() as it:
        yield it
