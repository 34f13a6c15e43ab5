"""Strict JSON for untrusted bytes: one reading of every body, or a typed refusal that says where and never what.

orjson parses (fast, bounded depth); then it is proved that nothing was lost on the way: a body that comes out the same
when it is written again is whole; else a cheap tally tells, since as many keys in the result as key separators in the
text means no duplicate keys. Only a body that raises a doubt is read a second time with
hooks, and only a body that is wrong is scanned again to find the place. Refused: not UTF-8, byte order marks, not JSON,
NaN and Infinity, numbers that no 64-bit integer or finite double holds, duplicate keys, NUL, lone surrogates, too deep
nesting.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from hub.errors import NotParsable, Problem

MAX_DEPTH = 64
MAX_INT, MIN_INT = 2**63 - 1, -(2**63)
_EXPLAINED = 50_000
"""Tokens read to find the place of a fault; beyond it the error names line and column only (if known)."""

_KEY_SEPARATOR = re.compile(rb'"[ \t\n\r]*:')
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SPACE = re.compile(r"[ \t\n\r]*+")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?P<fraction>\.[0-9]++)?(?P<power>[eE][+-]?[0-9]++)?")
_WORD = re.compile(r"[-+A-Za-z0-9.]{1,40}")
_UNICODE_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)")
_PLAIN_KEY = re.compile(r"[A-Za-z_@$#][A-Za-z0-9_.:@$-]{0,63}")

_WORDS = {
    "empty": ("the body is empty", "send one JSON object"),
    "bom": ("the body begins with a byte order mark", "send UTF-8 without a byte order mark"),
    "not_utf8": ("the body is not UTF-8", "send UTF-8"),
    "not_json": ("this is not JSON", "send JSON as RFC 8259 defines it"),
    "not_a_number": ("NaN and Infinity are not JSON", "leave the field out, or send a number"),
    "number_too_large": ("the number does not fit a 64-bit integer or a finite double", "send it as a string"),
    "duplicate_key": ("the key occurs twice in one object", "send each key once"),
    "nul": ("a NUL character (U+0000) is not allowed", "remove it at the source"),
    "lone_surrogate": ("half of a surrogate pair is not a character", "send the whole character"),
    "too_deep": ("the nesting is too deep", "send a message of its schema's shape"),
}


_Stack = list[tuple[set[str] | None, list[str | int]]]  # (keys seen in an object, None for an array; [current step])


class _Doubt(Exception):
    """A hook of the second reading found a fault; ``code`` says which."""

    def __init__(self, code: str) -> None:
        self.code = code


def parse(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value of ``data``.

    Raises NotParsable with one Problem: JSON pointer, code, line and column, never the value.
    """
    if not data or data.isspace():
        raise _refusal("empty")
    if data[:3] == b"\xef\xbb\xbf" or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _refusal("bom")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        code = "too_deep" if "depth" in error.msg or "recursion" in error.msg.lower() else "not_json"
        raise _explain(data, max_depth, code) from None
    if _is_verbatim(data, value, max_depth):
        return value
    keys, depth, wide = _tally(value, max_depth)
    if depth > max_depth:
        raise _explain(data, max_depth, "too_deep")
    if b"\\u0000" in data and _NUL_ESCAPE.search(data):
        raise _explain(data, max_depth, "nul")
    unsure = keys != _key_separators(data)
    if wide or unsure:
        _read_again(data, max_depth, numbers=wide, keys=unsure)
    return value


def _is_verbatim(data: bytes, value: Any, max_depth: int) -> bool:
    """Whether the body, written again, is the same bytes (as compact JSON is): then nothing can have been lost."""
    if data.count(b"{") + data.count(b"[") > max_depth or b"\\u0000" in data:
        return False
    try:
        return orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER) == data
    except TypeError:
        return False


def _tally(value: Any, max_depth: int) -> tuple[int, int, bool]:
    """How many keys, how deep (0: a bare scalar; stops past ``max_depth``), whether a number may have lost digits."""
    keys, depth, wide = 0, 0, _is_wide(value)
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    while level and depth <= max_depth:
        depth += 1
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                children: Any = container.values()
            else:
                children = container
            for child in children:
                kind = type(child)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    below.append(child)
                elif (kind is float or kind is int) and not MIN_INT < child < MAX_INT:
                    wide = True
        level = below
    return keys, depth, wide


def _key_separators(data: bytes) -> int:
    """At least the number of keys written in ``data``; more when a string holds what looks like a separator."""
    if b" :" in data or b"\t:" in data or b"\n:" in data or b"\r:" in data:
        return len(_KEY_SEPARATOR.findall(data))
    return data.count(b'":')


def _is_wide(value: Any) -> bool:
    return type(value) in (int, float) and not MIN_INT < value < MAX_INT


def _read_again(data: bytes, max_depth: int, *, numbers: bool, keys: bool) -> None:
    """Read a doubtful body (known to be JSON of allowed depth) with hooks that see what orjson does not tell."""

    def pairs(items: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in items}) != len(items):
            raise _Doubt("duplicate_key")

    def whole(text: str) -> None:
        if len(text) > 20 or not MIN_INT <= int(text) <= MAX_INT:
            raise _Doubt("number_too_large")

    try:
        json.loads(data, object_pairs_hook=pairs if keys else None, parse_int=whole if numbers else None)
    except _Doubt as doubt:
        raise _explain(data, max_depth, doubt.code) from None


def _refusal(code: str, pointer: str = "", text: str = "", at: int | None = None, limit: int = 0) -> NotParsable:
    words, hint = _WORDS[code]
    if code == "too_deep":
        words = f"{words} (more than {limit} levels)"
    if at is not None:
        words = f"{words}: line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"
    return NotParsable([Problem(pointer, code, words, hint)])


def _explain(data: bytes, max_depth: int, code: str) -> NotParsable:
    """Where the fault is. ``code`` is used when the scan gives up before it finds the place."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        tail = data[error.start : error.start + 2]
        lone = len(tail) == 2 and tail[0] == 0xED and tail[1] >= 0xA0
        before = data[: error.start].decode()
        return _refusal("lone_surrogate" if lone else "not_utf8", "", before, len(before))
    found = _scan(text, max_depth)
    if found is None:
        return _refusal(code, limit=max_depth)
    fault, at, pointer = found
    return _refusal(fault, pointer, text, at, max_depth)


def _scan(text: str, max_depth: int) -> tuple[str, int, str] | None:
    """First fault of ``text`` as (code, offset, pointer), token by token without recursion; None if none was found."""
    stack: _Stack = []
    at, expect = 0, "value"
    for _ in range(_EXPLAINED):
        at = _end(_SPACE.match(text, at))
        sign = text[at : at + 1]
        if not sign:
            return None if expect == "end" and not stack else ("not_json", at, _pointer(stack))
        if expect in ("value", "value or close") and sign not in "]}":
            if sign in "{[":
                stack.append((set() if sign == "{" else None, ["" if sign == "{" else 0]))
                if len(stack) > max_depth:
                    return "too_deep", at, _pointer(stack[:8])
                expect, at = ("key or close" if sign == "{" else "value or close"), at + 1
                continue
            fault, at = _scalar(text, at)
            if fault:
                return fault, at, _pointer(stack)
            expect = "end"
        elif expect in ("key", "key or close") and sign == '"':
            start = at
            fault, at = _scalar(text, at)
            if fault:
                return fault, at, _pointer(stack[:-1])
            key, (seen, step) = json.loads(text[start:at]), stack[-1]
            step[0] = key
            if seen is None or key in seen:
                return "duplicate_key", start, _pointer(stack)
            seen.add(key)
            at = _end(_SPACE.match(text, at))
            if text[at : at + 1] != ":":
                return "not_json", at, _pointer(stack)
            expect, at = "value", at + 1
        elif stack and expect != "key" and sign == ("]" if stack[-1][0] is None else "}") and expect != "value":
            stack.pop()
            expect, at = "end", at + 1
        elif stack and expect == "end" and sign == ",":
            seen, step = stack[-1]
            if seen is None:
                step[0] = int(step[0]) + 1
            expect, at = ("value" if seen is None else "key"), at + 1
        else:
            return "not_json", at, _pointer(stack)
    return None


def _end(found: re.Match[str] | None) -> int:
    return found.end() if found else 0


def _scalar(text: str, at: int) -> tuple[str, int]:
    """("", offset behind the scalar at ``at``), or (code, offset of its fault)."""
    if text[at] == '"':
        whole = _STRING.match(text, at)
        if not whole:
            end = text.find('"', at + 1)
            return ("nul" if "\x00" in text[at : end if end > 0 else len(text)] else "not_json"), at
        return _escapes(text, at, whole.end())
    for word in ("true", "false", "null"):
        if text.startswith(word, at):
            return "", at + len(word)
    if (word_found := _WORD.match(text, at)) and word_found[0].lstrip("+-").lower() in ("nan", "infinity", "inf"):
        return "not_a_number", at
    number = _NUMBER.match(text, at)
    if not number:
        return ("nul" if text[at] == "\x00" else "not_json"), at
    if number["fraction"] or number["power"]:
        too_large = float(number[0]) in (float("inf"), float("-inf"))
    else:
        too_large = len(number[0]) > 20 or not MIN_INT <= int(number[0]) <= MAX_INT
    return ("number_too_large", at) if too_large else ("", number.end())


def _escapes(text: str, start: int, end: int) -> tuple[str, int]:
    r"""Faults of the \u escapes of one string literal."""
    high_at = -1  # where a leading surrogate waits for its other half
    for escape in _UNICODE_ESCAPE.finditer(text, start, end):
        code = int(escape[1], 16) if escape[1] else -1
        if high_at >= 0:
            if not (0xDC00 <= code <= 0xDFFF and escape.start() == high_at + 6):
                return "lone_surrogate", high_at
            high_at = -1
        elif 0xD800 <= code <= 0xDBFF:
            high_at = escape.start()
        elif 0xDC00 <= code <= 0xDFFF:
            return "lone_surrogate", escape.start()
        elif code == 0:
            return "nul", escape.start()
    return ("lone_surrogate", high_at) if high_at >= 0 else ("", end)


def _pointer(stack: _Stack) -> str:
    """JSON pointer of the place; keys that do not look like field names are masked, they could be anything."""
    steps: list[str] = []
    for seen, (step,) in stack:
        if seen is not None and step == "":
            break  # an object whose first key was not read yet
        name = str(step)
        known = seen is None or (_PLAIN_KEY.fullmatch(name) and not re.search(r"[0-9]{7}", name))
        steps.append(name.replace("~", "~0").replace("/", "~1") if known else "‹masked›")
    return "".join(f"/{step}" for step in steps)
