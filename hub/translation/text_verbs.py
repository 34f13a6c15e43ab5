"""Verbs that change text: its letters, its length, its form, its coding. Each is a pure function of text and argument."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from hub.translation.expressions import fits, read_expression
from hub.translation.refusal import Change, or_refuse, text

KEY_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PUBLIC_TEST_KEY = "the public key of mapping tests"
"""Stands for every key of config.yaml in a mapping's own tests and in the reference, so that nobody needs the secret."""
_LETTERS_WITHOUT_MARKS = str.maketrans("đĐðÐ", "dDdD")  # no decomposition has them; the last two are what old fonts left
_PLACE = re.compile(r"\{([0-9]{1,2})\}")


def some_text(argument: Any) -> str:
    """An argument that must be text. Raises ValueError."""
    if not isinstance(argument, str) or not argument:
        raise ValueError("takes some text; put it in quotes")
    return argument


def count(argument: Any, least: int) -> int:
    """An argument that must be an integer. Raises ValueError."""
    if not isinstance(argument, int) or isinstance(argument, bool) or argument < least:
        raise ValueError(f"takes an integer of at least {least}")
    return argument


def collapse_spaces(value: Any) -> str:
    """One blank where there are several, none at the ends."""
    return " ".join(text(value).split())


def nfc(value: Any) -> str:
    """The same letters in Unicode's composed form, so that equal texts compare equal."""
    return unicodedata.normalize("NFC", text(value))


def normalise_name(value: Any) -> str:
    """A name in Unicode's composed form with single blanks. Its letters, their case and where its tone marks stand are the
    person's own: hòa stays hòa and hoà stays hoà."""
    return nfc(collapse_spaces(value))


def strip_diacritics(value: Any) -> str:
    """Letters without their marks, đ as d."""
    letters = unicodedata.normalize("NFD", text(value).translate(_LETTERS_WITHOUT_MARKS))
    return unicodedata.normalize("NFC", "".join(one for one in letters if unicodedata.category(one) != "Mn"))


def cut(argument: Any) -> Change:
    """At most so many characters, the last three as dots; a value that was cut is recorded as a warning."""
    longest = count(argument, 4)
    return lambda value: value if len(text(value)) <= longest else value[: longest - 3] + "..."


def max_length(argument: Any) -> Change:
    """The text as it is, refused when it is longer."""
    longest = count(argument, 1)
    message = f"is longer than {longest} characters"
    return or_refuse(lambda whole: whole if len(whole) <= longest else None, "too_long", message)


def replace(argument: Any) -> Change:
    """Another text wherever the first stands."""
    match argument:
        case [str(old), str(new)] if old:
            return lambda value: text(value).replace(old, new)
    raise ValueError('takes two texts: ["from", "to"]')


def strip_prefix(argument: Any) -> Change:
    """Without this beginning, where it has it."""
    prefix = some_text(argument)
    return lambda value: text(value).removeprefix(prefix)


def strip_suffix(argument: Any) -> Change:
    """Without this end, where it has it."""
    suffix = some_text(argument)
    return lambda value: text(value).removesuffix(suffix)


def add_prefix(argument: Any) -> Change:
    """With this before it, also where it begins so already."""
    prefix = some_text(argument)
    return lambda value: prefix + text(value)


def pad_left(argument: Any) -> Change:
    """At least so many characters, filled up from the left."""
    match argument:
        case [width, str(fill)] if len(fill) == 1:
            columns = count(width, 1)
            return lambda value: text(value).rjust(columns, fill)
    raise ValueError('takes a width and one character: [4, "0"]')


def pattern(argument: Any) -> Change:
    """The text as it is, refused when the whole of it does not fit the regular expression, or is too long for one."""
    expression = read_expression(some_text(argument))
    message = f"does not match the pattern {expression.pattern}"
    return or_refuse(lambda whole: whole if fits(expression, whole) else None, "pattern", message)


def reformat(argument: Any) -> Change:
    """Another form made of the groups of a regular expression, which the whole text must fit."""
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValueError('takes an expression with groups and a form: ["([0-9]{3})([0-9]+)", "{1}-{2}"]')
    expression, form = read_expression(some_text(argument[0])), some_text(argument[1])
    pieces = _PLACE.split(form)
    if any("{" in piece or "}" in piece for piece in pieces[::2]):
        raise ValueError("has a brace that names no group; write {1} for the first group")
    if any(not 1 <= int(number) <= expression.groups for number in pieces[1::2]):
        raise ValueError(f"names a group that is not there; the expression has {expression.groups}")

    def change(whole: str) -> str | None:
        found = fits(expression, whole)
        return found and "".join((found[int(p)] or "") if i % 2 else p for i, p in enumerate(pieces))

    return or_refuse(change, "pattern", f"does not match the pattern {expression.pattern}")


def _or_none(convert: Callable[[str], str]) -> Callable[[str], str | None]:
    def attempt(whole: str) -> str | None:
        try:
            return convert(whole)
        except ValueError:
            return None

    return attempt


def _decoded(whole: str) -> str:
    plain = base64.b64decode(whole, validate=True)
    if base64.b64encode(plain).decode() != whole:
        raise ValueError("is not the one way to write it")
    return plain.decode()


base64_encode = or_refuse(
    _or_none(lambda whole: base64.b64encode(whole.encode()).decode()), "bad_value", "has characters that UTF-8 cannot hold"
)
base64_decode = or_refuse(_or_none(_decoded), "bad_value", "is not base64 of text in UTF-8")


def keyed_hash(key: str) -> Change:
    """HMAC-SHA256 of the UTF-8 text with a secret key, in lower-case hex: the same person, and nobody can tell who.
    Blanks are nobody, and would be one person."""
    secret = key.encode()
    hashed = _or_none(lambda whole: hmac.new(secret, whole.encode(), hashlib.sha256).hexdigest())
    message = "is blank, or has characters that UTF-8 cannot hold"
    return or_refuse(lambda whole: hashed(whole) if whole.strip() else None, "bad_value", message)
