"""Strict JSON: what is refused, where it says the fault is, and that it reads what is good as anyone reads it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import NotParsable
from hub.strictjson import parse

CANARY = "Nguyễn Canary 001090012345"


@pytest.mark.parametrize(
    ("body", "code", "at"),
    [
        (b"", "empty", ""),
        (b" \n", "empty", ""),
        (b"\xef\xbb\xbf{}", "bom", ""),
        (b"\xff\xfe{\x00}\x00", "bom", ""),
        (b'{"a":"\xff"}', "not_utf8", ""),
        (b'{"a":"\xed\xa0\x80"}', "lone_surrogate", ""),
        (b"not json", "not_json", ""),
        (b'{"a":1,}', "not_json", "/a"),
        (b'{"a":[1,2', "not_json", "/a/1"),
        (b'{"a":[1,{"b":tru}]}', "not_json", "/a/1/b"),
        (b"{} {}", "not_json", ""),
        (b'{"a":NaN}', "not_a_number", "/a"),
        (b'{"a":[-Infinity]}', "not_a_number", "/a/0"),
        (b'{"a":1e999}', "number_too_large", "/a"),
        (b'{"a":18446744073709551616}', "number_too_large", "/a"),
        (b'{"a":9223372036854775808}', "number_too_large", "/a"),
        (b'{"a":-9223372036854775809}', "number_too_large", "/a"),
        (b'{"a":' + b"9" * 5000 + b"}", "number_too_large", "/a"),
        (b'{"a":1,"a":1}', "duplicate_key", "/a"),
        (b'{"a":1, "\\u0061" : 2}', "duplicate_key", "/a"),
        (b'{"a" :1,"a":2}', "duplicate_key", "/a"),
        (b'{"a":{"b":[0,{"x":"\\":","x":2}]}}', "duplicate_key", "/a/b/1/x"),
        (b'{"":1,"":2}', "duplicate_key", ""),
        (b'{"a":"x\x00y"}', "nul", "/a"),
        (b'{"a":"x\\u0000y"}', "nul", "/a"),
        (b'{"a":"\\\\\\u0000"}', "nul", "/a"),
        (b'{"a\\u0000":1}', "nul", ""),
        (b'{"a":"\\ud800"}', "lone_surrogate", "/a"),
        (b'{"a":"\\udc00"}', "lone_surrogate", "/a"),
        (b'{"a":"\\ud800\\u0041"}', "lone_surrogate", "/a"),
        (b'{"a":"\\ud800 \\udc00"}', "lone_surrogate", "/a"),
        (b"[" * 65 + b"]" * 65, "too_deep", "/0/0/0/0/0/0/0/0"),
        (b"[" * 10_000 + b"]" * 10_000, "too_deep", "/0/0/0/0/0/0/0/0"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too_deep", "/a/a/a/a/a/a/a/a"),
    ],
)
def test_refuses_and_names_the_place(body: bytes, code: str, at: str) -> None:
    """Each kind of bad body is refused with its own code and the pointer of the fault."""
    with pytest.raises(NotParsable) as refused:
        parse(body)
    (problem,) = refused.value.problems
    assert (problem.code, problem.at) == (code, at)
    assert problem.message
    assert problem.hint


def test_says_line_and_column() -> None:
    """A person who wrote the body by hand finds the place."""
    with pytest.raises(NotParsable, match="line 3, column 7"):
        parse(b'{\n "a": 1,\n "b": oops\n}')


@pytest.mark.parametrize(
    "body",
    [
        b'["\\\\u0000"]',
        b'[":x", " :y", "a\\":b", "\\" :"]',
        b'{"a":{"x":1},"b":{"x":1}}',
        '{"emoji":"\\ud83d\\ude00", "tên":"Đặng"}'.encode(),
        b"[9223372036854775807,-9223372036854775808,1e30,0.5,-0.0]",
        b"[" * 64 + b"]" * 64,
        b"true",
    ],
)
def test_reads_what_only_looks_wrong(body: bytes) -> None:
    """Escaped backslashes, quotes and colons in strings, and the limits themselves, are fine."""
    assert parse(body) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"a":"{CANARY}","a":"{CANARY}"}}',
        f'{{"{CANARY}":1,"{CANARY}":2}}',
        f'{{"{CANARY}":{{"a":x{CANARY}}}}}',
        f'{{"a":"{CANARY}\\u0000"}}',
        f'["{CANARY}" "{CANARY}"]',
        '{"a":001090012345}',
        '{"a":1090012345109001234510900}',
    ],
)
def test_never_repeats_a_value(body: str) -> None:
    """The error names the place; neither values nor odd keys are in its text."""
    with pytest.raises(NotParsable) as refused:
        parse(body.encode())
    text = str(refused.value) + repr(refused.value)
    assert "Canary" not in text
    assert "1090012345" not in text
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_large_hostile_body_is_refused_in_time() -> None:
    """Megabytes of tokens before the fault do not hold the process up."""
    body = b"[" + b"0," * 2_000_000 + b'{"a":1,"a":2}]'
    started = time.process_time()
    with pytest.raises(NotParsable):
        parse(body)
    assert time.process_time() - started < 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["a", "b", '":', " :", "\\", "tên"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values, st.booleans(), st.sampled_from([None, 1]))
def test_reads_all_json_as_the_standard_library_does(value: Any, ascii_only: bool, indent: int | None) -> None:
    """Whatever is good JSON within the limits is read, and read the same."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=(",", " : ") if indent else None)
    assert parse(text.encode()) == value


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "\\u0061", '\\":', ":"]), st.sampled_from(["1", '":"', '"\\":"'])),
        max_size=4,
    )
)
@example([("a", "1"), ("\\u0061", '"\\":"')])
def test_finds_every_duplicate(pairs: list[tuple[str, str]]) -> None:
    """An object is refused exactly when two of its keys are equal once their escapes are read."""
    keys = [json.loads(f'"{key}"') for key, _ in pairs]
    body = "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
    if len(set(keys)) == len(keys):
        assert parse(body.encode()) == json.loads(body)
    else:
        with pytest.raises(NotParsable, match="duplicate_key"):
            parse(body.encode())


@given(st.binary(max_size=60))
def test_nothing_but_a_value_or_a_refusal(body: bytes) -> None:
    """Arbitrary bytes never raise anything else."""
    try:
        parse(body)
    except NotParsable as refused:
        assert len(refused.problems) == 1
