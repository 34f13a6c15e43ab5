"""The verbs: what the reference says of them is true, and whatever a message holds, each gives a value or refuses."""

from __future__ import annotations

import base64
import itertools
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.translation.refusal import Refusal
from hub.translation.verbs import VERBS, Refused, make_verb

EXAMPLES = [(name, *example) for name, known in VERBS.items() for example in known.examples]
TEXT = st.text(st.characters(exclude_categories=()), max_size=12)  # also halves of characters, which JSON can escape
LIKELY = st.sampled_from(["", "19900000", "2026-11-21T08:00:00+07:00", "31/12/9999 23:59:59", "0001-01-01T00:00:00Z", "TeG6"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | LIKELY,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)


def applied(spec: Any, value: Any) -> Any:
    try:
        return make_verb(spec).change(value)
    except Refusal as refusal:
        return Refused(refusal.code)


def spec(name: str, argument: Any) -> Any:
    return name if argument is None else {name: argument}


@pytest.mark.parametrize(("name", "argument", "given_value", "becomes"), EXAMPLES)
def test_an_example_of_the_reference_is_true(name: str, argument: Any, given_value: Any, becomes: Any) -> None:
    """What stands beside a verb, and so in docs/reference/mapping.md, is what it does."""
    got = applied(spec(name, argument), given_value)
    assert (got, type(got)) == (becomes, type(becomes))


def test_each_verb_has_an_example_and_a_meaning() -> None:
    """The reference leaves none out."""
    assert all(known.examples and known.meaning for known in VERBS.values())


@settings(max_examples=400, deadline=None)
@given(which=st.sampled_from(EXAMPLES), value=JSON)
def test_any_value_becomes_a_value_or_is_refused(which: tuple[Any, ...], value: Any) -> None:
    """No other error, never nothing out of something, and a refusal that quotes no text it was given."""
    verb = make_verb(spec(which[0], which[1]))
    try:
        assert verb.change(value) is not None
    except Refusal as refusal:
        assert refusal.code
        assert refusal.message
        form = refusal.message.partition("(given: ")[2].rstrip(")")
        assert form == "nothing" or not isinstance(value, str) or set(form) <= set("a9? /.,:+_-…")


@pytest.mark.parametrize(
    ("argument", "value", "form"),
    [
        ("dd/MM/yyyy", "31-12-1990", "99-99-9999"),
        ("dd/MM/yyyy", "Nguyễn Thị Mẫu", "a a a"),
        ("dd/MM/yyyy", "(0912)x" * 20, "?9999?a?9999?a?9999?a?99…"),
        ("dd/MM/yyyy", "", "nothing"),
    ],
)
def test_a_refusal_tells_the_form_and_not_the_value(argument: str, value: str, form: str) -> None:
    """Enough to see what the sender writes, nothing of whom it is about."""
    with pytest.raises(Refusal) as caught:
        make_verb({"parse_datetime": argument}).change(value)
    assert caught.value.message == f"is not a real date of the form dd/MM/yyyy (given: {form})"


def vietnamese_letters() -> list[str]:
    """Every letter of the alphabet with every tone, small and capital."""
    tones = ["", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"]
    letters = "aăâbcdđeêghiklmnoôơpqrstuưvxyfjwz"
    return [unicodedata.normalize("NFC", one + tone) for one in letters + letters.upper() for tone in tones]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_every_vietnamese_letter_loses_its_marks(form: Any) -> None:
    """ASCII of the same length and case, however the letter was composed."""
    for letter in vietnamese_letters():
        plain = applied("strip_diacritics", unicodedata.normalize(form, letter))
        assert plain.isascii()
        assert (len(plain), plain.isupper()) == (1, letter.isupper())


@given(text=st.text(max_size=20) | st.lists(st.sampled_from([*vietnamese_letters(), " ", "\u00a0"])).map("".join))
def test_a_normalised_name_is_the_same_name(text: str) -> None:
    """Nothing but blanks and the composing of letters changes, and doing it again changes nothing."""
    name = applied("normalise_name", text)
    assert name.split() == unicodedata.normalize("NFC", text).split()
    assert unicodedata.normalize("NFD", name).split() == unicodedata.normalize("NFD", text).split()
    assert applied("normalise_name", name) == name


@given(text=st.text())
def test_base64_survives_the_way_there_and_back(text: str) -> None:
    """Every text does."""
    assert applied("base64_decode", applied("base64_encode", text)) == text


@given(data=st.binary(max_size=8), cut=st.integers(0, 3))
def test_base64_is_read_strictly(data: bytes, cut: int) -> None:
    """Only whole base64 of UTF-8, in the one way to write it."""
    written = base64.b64encode(data).decode()
    written = written[: len(written) - cut]
    got = applied("base64_decode", written)
    if isinstance(got, str):
        assert applied("base64_encode", got) == written
    else:
        assert got == Refused("bad_value")


@given(parts=st.tuples(*[st.from_regex("[0-9A-Z]{2}", fullmatch=True)] * 3), rest=st.sampled_from(["", "-", "00"]))
def test_reformatting_moves_the_groups_and_takes_only_the_whole(parts: tuple[str, str, str], rest: str) -> None:
    """The law: put together in their order the groups are the text; in another order they are that; a rest is refused."""
    expression, whole = "([0-9A-Z]{2})([0-9A-Z]{2})([0-9A-Z]{2})", "".join(parts)
    for order in itertools.permutations((1, 2, 3)):
        form = ".".join(f"{{{number}}}" for number in order)
        assert applied({"reformat": [expression, form]}, whole) == ".".join(parts[number - 1] for number in order)
    assert applied({"reformat": [expression, "{1}{2}{3}"]}, whole + rest) == (Refused("pattern") if rest else whole)


@given(day=st.dates(), known=st.sampled_from(["year", "month", "day"]))
def test_partial_dates_survive_every_pattern(day: Any, known: str) -> None:
    """What is known of a date is read from what was written of it, with zeros or without the parts."""
    iso = day.isoformat()[: {"year": 4, "month": 7, "day": 10}[known]]
    for forms in (
        {"year": "yyyy", "month": "MM/yyyy", "day": "dd/MM/yyyy"},
        {"year": "yyyy0000", "month": "yyyyMM00", "day": "compact_date"},
    ):
        written = applied({"format_partial_date": forms}, iso)
        patterns = ["compact_date"] if written.isdigit() and len(written) == 8 else list(forms.values())
        assert applied({"parse_partial_date": patterns}, written) == iso


def test_a_pattern_that_fits_in_shape_alone_leaves_the_rest_to_try() -> None:
    """As with parse_datetime: 20 is no month, so it is the beginning of a year."""
    assert applied({"parse_partial_date": ["MMyyyy", "yyyyMM"]}, "201012") == "2010-12"
    assert applied({"parse_datetime": ["MMddyyyy", "yyyyMMdd"]}, "20101231") == "2010-12-31T00:00:00+07:00"


@pytest.mark.parametrize("value", ["00000000", "19901301", "19900230", "19900017", "1990", "19900101 "])
def test_what_is_no_date_is_no_partial_date_either(value: str) -> None:
    """A year that is zero, a month or day that is none, a day of an unknown month, another form."""
    assert applied({"parse_partial_date": ["yyyyMMdd"]}, value) == Refused("bad_date")


@pytest.mark.parametrize(
    "wrong",
    [
        {"reformat": "x"}, {"reformat": ["(", "{1}"]}, {"reformat": ["(a)", "{2}"]}, {"reformat": ["(a)", "{0}"]},
        {"reformat": ["(a)", "{x}"]}, {"reformat": ["(a)", ""]}, {"parse_partial_date": []}, {"parse_partial_date": ["MM/dd"]},
        {"parse_partial_date": ["yyyy HH"]}, {"parse_partial_date": ["dd/yyyy"]}, {"format_partial_date": "yyyy"},
        {"format_partial_date": {}}, {"format_partial_date": {"year": "MM/yyyy"}}, {"format_partial_date": {"century": "yyyy"}},
        {"format_partial_date": {"year": 1990}}, {"format_partial_date": {"year": "1990"}},
        {"format_partial_date": {"year": "yyyy0101"}}, {"format_partial_date": {"month": "yyyy"}},
        {"format_partial_date": {"day": "MM/yyyy"}}, {"keyed_hash": ""}, {"keyed_hash": "Two Words"}, {"keyed_hash": ["a"]},
        {"add_prefix": 1}, {"strip_prefix": ""}, {"parse_datetime": "vietnamees"}, {"nfc": True}, "keyed_hash",
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_argument_is_told(wrong: Any) -> None:
    """When the mapping is read, not when a message comes."""
    with pytest.raises(ValueError, match=r"\w+.* (takes|needs|is|names|has) "):
        make_verb(wrong)
