"""Dates are read and written as Python's own reader and writer do it, and never guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.translation.datetimes import NAMED_PATTERNS, make_reader, make_writer

PATTERNS = [*NAMED_PATTERNS.values(), "mm:HH ss|yyyy~dd~MM", "MM.yyyy (dd) HH", "HH yyyyMMdd mm", "yyyy%MM%%dd ss"]
ZONES = ["Asia/Ho_Chi_Minh", "UTC", "Europe/Paris", "Australia/Lord_Howe", "America/New_York", "Pacific/Apia"]
CODES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 30)) | st.datetimes(
    min_value=datetime(2026, 3, 28), max_value=datetime(2026, 4, 6)
)
"""Any, and the days on which clocks are changed."""


def _in_python(pattern: str) -> str:
    return re.sub("|".join(CODES), lambda token: CODES[token.group()], pattern.replace("%", "%%"))


def _read_plainly(text: str, pattern: str, zone: ZoneInfo) -> str | None:
    """By strptime, which takes more: what it makes of a text must be written just so."""
    try:
        local = datetime.strptime(text, _in_python(pattern))
    except ValueError:
        return None
    if text != local.strftime(_in_python(pattern)):
        return None
    there = local.replace(tzinfo=zone)
    back = there.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    once = there.utcoffset() == there.replace(fold=1).utcoffset()
    offset = there.isoformat()[19:]
    return there.isoformat() if once and back == local and len(offset) == 6 else None


@given(
    moment=MOMENTS, pattern=st.sampled_from(PATTERNS), zone=st.sampled_from(ZONES), cut=st.integers(0, 6), other=st.characters()
)
def test_a_text_is_read_as_python_reads_it(moment: datetime, pattern: str, zone: str, cut: int, other: str) -> None:
    """Also one with a character too few, or another in its place."""
    text = moment.strftime(_in_python(pattern))
    for one in (text, text[:cut] + other + text[cut + 1 :], text[:-1], f"{text} ", f"{text}\n"):
        expected = _read_plainly(one, pattern, ZoneInfo(zone))
        if one.isascii() or expected is None:
            assert make_reader([pattern], ZoneInfo(zone))(one) == expected, repr(one)


@given(
    moment=MOMENTS, pattern=st.sampled_from(PATTERNS), zone=st.sampled_from(ZONES), of=st.sampled_from(ZONES),
    form=st.sampled_from(["{}", "{}.250", "lower"]),
)  # fmt: skip
def test_a_time_is_written_as_python_writes_it(moment: datetime, pattern: str, zone: str, of: str, form: str) -> None:
    """Whatever zone it comes from, with a fraction or without."""
    there = moment.replace(microsecond=0, tzinfo=ZoneInfo(of))
    text = there.isoformat()
    if len(text) != 25:  # an offset with seconds is no RFC 3339
        return
    given_as = text.lower() if form == "lower" else form.format(text[:19]) + text[19:]
    expected = datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).strftime(_in_python(pattern))
    assert make_writer(pattern, ZoneInfo(zone))(given_as) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T08:00:00+07:00", "2026-11-21T24:00:00+07:00", "2026-11-21T08:60:00+07:00", "2026-11-21T08:00:60+07:00",
        "2026-11-21T08:00:00", "2026-11-21 08:00:00+07:00", "2026-11-21T08:00:00+0700", "2026-11-21T08:00:00+07:00\n",
        "2026-11-21T08:00:00+25:00", "0000-11-21T08:00:00+07:00", "２026-11-21T08:00:00+07:00", "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_not_written(text: str) -> None:
    """Of the zone's own offset as of any other."""
    assert make_writer("yyyyMMddHHmmss", ZoneInfo("Asia/Ho_Chi_Minh"))(text) is None


@given(moment=MOMENTS, pattern=st.sampled_from([one for one in PATTERNS if all(token in one for token in CODES)]))
def test_a_time_survives_the_way_there_and_back(moment: datetime, pattern: str) -> None:
    """Where the zone has it once."""
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    text = (datetime(1976, 1, 1) + timedelta(seconds=moment.timestamp() % (10**9))).strftime(_in_python(pattern))
    read = make_reader([pattern], zone)(text)
    assert read is not None
    assert make_writer(pattern, zone)(read) == text
