"""The closed list of verbs that a mapping may apply to a value; each is a pure function that gives a value or refuses.

What the reference says of a verb, and the examples that a test runs, stand here beside it. A refusal says what kind of
thing was wrong and never quotes the value.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hub.translation import text_verbs as t
from hub.translation.conversions import to_boolean, to_decimal, to_integer, to_string
from hub.translation.datetimes import make_reader, make_writer, patterns_and_zone
from hub.translation.expressions import LONGEST
from hub.translation.partial_dates import format_partial_date, parse_partial_date
from hub.translation.refusal import Change, or_refuse, text


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb with its argument, ready to run. ``warning`` is the code under which a change of the value is recorded.

    ``key`` names a key of config.yaml: then the catalog has the change with that key, and ``change`` is the one of tests,
    with the public key.
    """

    name: str
    change: Change
    warning: str = ""
    key: str = ""

    @property
    def lookup(self) -> str:
        """The name of the change with the key among the look-ups of a compiled mapping."""
        return f"{self.name}: {self.key}"


@dataclass(frozen=True, slots=True)
class Refused:
    """What comes of an example that is refused: the problem's code."""

    code: str


@dataclass(frozen=True, slots=True)
class Known:
    """A verb of the list: how it is made of its argument (``argument`` says what that is, empty: none), what it does, and
    examples of argument, value and what comes of it."""

    make: Callable[[Any], Change]
    argument: str
    meaning: str
    examples: tuple[tuple[Any, Any, Any], ...]


def _plain(change: Change, meaning: str, *examples: tuple[Any, Any]) -> Known:
    return Known(lambda _argument: change, "", meaning, tuple((None, *example) for example in examples))


def _taking(make: Callable[[Any], Change], argument: str, meaning: str, *examples: tuple[Any, Any, Any]) -> Known:
    return Known(make, argument, meaning, examples)


def _parse_datetime(argument: Any) -> Change:
    patterns, zone = patterns_and_zone(argument)
    return or_refuse(make_reader(patterns, zone), "bad_date", f"is not a real date of the form {' or '.join(patterns)}")


def _format_datetime(argument: Any) -> Change:
    patterns, zone = patterns_and_zone(argument)
    if len(patterns) != 1:
        raise ValueError("format_datetime takes one pattern")
    message = "is not a real time with an offset (RFC 3339)"
    return or_refuse(make_writer(patterns[0], zone), "bad_date", message, "apply parse_datetime first")


def _keyed_hash(argument: Any) -> Change:
    if not isinstance(argument, str) or not t.KEY_NAME.fullmatch(argument):
        raise ValueError("takes the name of a key; write one that stands below keys: in config.yaml")
    return t.keyed_hash(t.PUBLIC_TEST_KEY)


_BAD = Refused("bad_value")
_HASH = "b73bb545d12f7b403a4654f4173aedad0cd4a027afba2121c297d5877bc9ab80"
_DATE_PATTERNS = "a pattern or a name of one, a list of them, or `{ format: …, zone: … }`"
VERBS: dict[str, Known] = {
    "trim": _plain(lambda value: text(value).strip(), "blanks at both ends go", (" G22 ", "G22")),
    "upper": _plain(lambda value: text(value).upper(), "capital letters", ("h01.đ", "H01.Đ")),
    "lower": _plain(lambda value: text(value).lower(), "small letters", ("An@Example.VN", "an@example.vn")),
    "collapse_spaces": _plain(t.collapse_spaces, "single blanks, none at the ends", (" Lê   Mẫu ", "Lê Mẫu")),
    "nfc": _plain(t.nfc, "Unicode's composed form, the same letters", ("Mâ\u0303u", "Mẫu")),
    "normalise_name": _plain(
        t.normalise_name,
        "Unicode's composed form and single blanks; letters, case and tone marks stay where the person has them",
        ("Lê  Thuý Hoà", "Lê Thuý Hoà"), ("LÊ THÚY HÒA ", "LÊ THÚY HÒA"),
    ),
    "strip_diacritics": _plain(
        t.strip_diacritics, "letters without their marks, đ as d; for searching, never for a name that is shown",
        ("Đặng Thị Mẫu", "Dang Thi Mau"),
    ),
    "to_string": _plain(to_string, "a number or boolean as JSON writes it", (7, "7"), (True, "true"), ([], _BAD)),
    "to_integer": _plain(to_integer, "an integer of at most 18 digits, never rounded", ("007", 7), ("7.5", _BAD)),
    "to_decimal": _plain(to_decimal, "a number of at most 15 digits, never rounded", ("12.50", 12.5), ("12,50", _BAD)),
    "to_boolean": _plain(to_boolean, "true, false, 1 or 0, also as text", ("TRUE", True), (0, False), ("yes", _BAD)),
    "base64_encode": _plain(t.base64_encode, "base64 of the text in UTF-8", ("Mẫu", "TeG6q3U=")),
    "base64_decode": _plain(t.base64_decode, "the UTF-8 text that base64 holds", ("TeG6q3U=", "Mẫu"), ("TeG6q3U", _BAD)),
    "parse_datetime": _taking(
        _parse_datetime, _DATE_PATTERNS, "a local time as RFC 3339 with its offset; the first pattern that fits",
        ("vietnamese", "21/11/2026 08:30:00", "2026-11-21T08:30:00+07:00"),
        (["yyyyMMddHHmmss", "dd/MM/yyyy"], "21/11/2026", "2026-11-21T00:00:00+07:00"),
        ("dd/MM/yyyy", "31/02/2026", Refused("bad_date")),
    ),
    "format_datetime": _taking(
        _format_datetime, _DATE_PATTERNS.replace(", a list of them", ""), "an RFC 3339 time in local form",
        ("compact", "2026-11-21T01:30:00Z", "20261121083000"),
        ({"format": "yyyy-MM-dd", "zone": "UTC"}, "2026-11-21T01:30:00Z", "2026-11-21"),
    ),
    "parse_partial_date": _taking(
        parse_partial_date, "a list of patterns of year, month and day",
        "a year, a month or a day in ISO 8601; zeros are what nobody knows",
        (["yyyy", "MM/yyyy", "dd/MM/yyyy"], "05/1990", "1990-05"), (["compact_date"], "19900000", "1990"),
        (["compact_date"], "19900017", Refused("bad_date")),
    ),
    "format_partial_date": _taking(
        format_partial_date, "a pattern for each of year, month, day that the target takes", "the pattern for what is known",
        ({"year": "yyyy", "day": "dd/MM/yyyy"}, "1990-05-17", "17/05/1990"),
        ({"year": "yyyy0000", "month": "yyyyMM00"}, "1990", "19900000"),
        ({"day": "yyyyMMdd"}, "1990", Refused("bad_date")),
    ),
    "cut": _taking(
        t.cut, "a number of characters, at least 4", "the beginning and three dots; recorded as the warning `cut`",
        (8, "Văn bản dài", "Văn b..."),
    ),
    "max_length": _taking(
        t.max_length, "a number of characters", "the text as it is, or refused",
        (5, "Mẫu", "Mẫu"), (5, "dài quá", Refused("too_long")),
    ),
    "replace": _taking(t.replace, "two texts", "the second wherever the first stands", (["-", ""], "1990-05-17", "19900517")),
    "add_prefix": _taking(t.add_prefix, "a text", "the text with this before it", ("000.", "H01", "000.H01")),
    "strip_prefix": _taking(t.strip_prefix, "a text", "the text without this beginning, if it has it", ("VN", "VN01", "01")),
    "strip_suffix": _taking(t.strip_suffix, "a text", "the text without this end, if it has it", (".0", "12.0", "12")),
    "pad_left": _taking(
        t.pad_left, "a width and a character", "filled up from the left, as codes of areas are", ([5, "0"], "268", "00268")
    ),
    "pattern": _taking(
        t.pattern, "a regular expression",
        f"the text as it is, or refused when not all of it fits; text of more than {LONGEST:,} characters fits nothing",
        ("[0-9]{12}", "001090990001", "001090990001"), ("[0-9]{12}", "0010", Refused("pattern")),
    ),
    "reformat": _taking(
        t.reformat, "a regular expression with groups, and a form with `{1}`, `{2}` …",
        "another form of an identifier; refused as by `pattern`",
        (["([0-9]{3})([0-9]{3})", "{1}-{2}"], "012345", "012-345"),
        (["([0-9]{3})([0-9]{3})", "{1}-{2}"], "12345", Refused("pattern")),
    ),
    "keyed_hash": _taking(
        _keyed_hash, "the name of a key below `keys` of config.yaml",
        "HMAC-SHA256 in hex: equal texts stay equal and nobody can read them; blanks are refused; the example has the public "
        "key of tests",
        ("citizens", "001090990001", _HASH), ("citizens", "", _BAD),
    ),
}  # fmt: skip


def make_verb(spec: Any) -> Verb:
    """Reads ``trim`` or ``{ cut: 1000 }``. Raises ValueError saying what to write instead."""
    given = isinstance(spec, dict) and len(spec) == 1
    name, argument = next(iter(spec.items())) if given else (spec, None)
    if not isinstance(name, str):
        raise ValueError("a verb is written trim or { cut: 1000 }")
    known = VERBS.get(name)
    if known is None:
        near = difflib.get_close_matches(name, VERBS, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(VERBS)}"
        raise ValueError(f"no verb is named {name[:40]!r}; {hint}")
    if given and not known.argument:
        raise ValueError(f"{name} takes no argument; write just {name}")
    if not given and known.argument:
        raise ValueError(f"{name} needs an argument; write {{ {name}: … }}")
    return _made(name, json.dumps(argument, ensure_ascii=False))


@lru_cache(maxsize=1000)
def _made(name: str, written: str) -> Verb:
    """One verb for all rules that apply the same with the same argument (``written`` in JSON): a catalog has few such verbs and
    very many rules."""
    known, argument = VERBS[name], json.loads(written)
    try:
        change = known.make(argument)
    except ValueError as error:
        example = f"; write {{ {name}: {json.dumps(known.examples[0][0], ensure_ascii=False)} }}"
        raise ValueError(f"{name}: {error}{'' if ';' in str(error) else example}") from error
    return Verb(name, change, "cut" if name == "cut" else "", str(argument) if name == "keyed_hash" else "")
