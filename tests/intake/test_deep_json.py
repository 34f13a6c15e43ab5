"""JSON values that are nested deep are written whole, and told from others by their levels."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.deep_json import is_deeper, written

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(VALUES)
def test_a_deep_value_is_written_as_a_flat_one_is(value: Any) -> None:
    """However deep it stands, it is what orjson makes of it, and reads the same again."""
    assert written(value) == orjson.dumps(value)
    deep: Any = value
    for _ in range(300):
        deep = [deep]
    assert written(deep) == b"[" * 300 + orjson.dumps(value) + b"]" * 300


@pytest.mark.parametrize("levels", [0, 1, 2, 254, 255, 1000])
def test_levels_are_counted(levels: int) -> None:
    """Of lists and objects; a bare value has none, an empty list one."""
    value: Any = None
    for level in range(levels):
        value = [1, value] if level % 2 else {"a": 1, "b": value}
    assert is_deeper(value, levels - 1) is True or levels == 0
    assert is_deeper(value, levels) is False
    assert written(orjson.loads(written(value))) == written(value)
    assert is_deeper([], 0) and not is_deeper([], 1) and not is_deeper("text", 0)


def test_a_value_that_nests_in_itself_ends_the_count() -> None:
    """Nobody counts further than was asked."""
    endless: list[Any] = []
    endless.append(endless)
    assert is_deeper(endless, 250)
