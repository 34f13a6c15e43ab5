"""The conformance suite as a test, in two lines:

from hub.testing.suite import conformance
test_conformance = conformance("land-registry")
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from hub.testing.conformance import CHECKS, Report, examine


@lru_cache
def _report(name: str) -> Report:
    """The connector is examined once, whatever the number of checks."""
    return asyncio.run(examine(name))


def conformance(name: str) -> Callable[..., Any]:
    """A test of every check of the installed connector, by the check's name; what cannot be told is skipped with the reason."""
    import pytest

    @pytest.mark.parametrize("check", CHECKS)
    def test(check: str) -> None:
        found = _report(name).finding(check)
        if found.verdict == "not told":
            pytest.skip(found.why)
        assert found.verdict == "holds", f"{found.says}: {found.why}"

    return pytest.mark.xdist_group(f"conformance-{name}")(test) if find_spec("xdist") else test
