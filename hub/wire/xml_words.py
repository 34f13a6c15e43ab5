"""What the XML parser finds malformed, in plain English: what is wrong, where, and how it is mended."""

from __future__ import annotations

import re

from lxml import etree

from hub.errors import Problem

_NEWLINE, _BLANK = b"\n", b" \t\r\n"
_REFERENCE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|(&(?!(?:amp|lt|gt|quot|apos);|#))", re.DOTALL)
_TABLE = """
document_empty | is not XML: there is no tag at the beginning | send an XML document, which begins with <
document_end | there is something behind the end of the document | send one root element, and nothing behind it
tag_name_mismatch | an end tag does not fit the element that is open | close elements in the order they were opened
tag_not_finished | the document ends while elements are open | close every element, and send the document whole
gt_required | a tag is not closed with > |
ltslash_required | an element is not closed | close every element, and send the document whole
lt_required | a tag must begin here |
name_required | a name must follow < or & | write &lt; for < and &amp; for & in text and attributes
lt_in_attribute | an attribute holds < | write &lt; for < and &amp; for & in text and attributes
entityref_semicol_missing | a reference that begins with & does not end with ; | write &amp; for & in text and attributes
invalid_charref | a character reference is none of a character XML knows | write &#N; or &#xN;
invalid_dec_charref | a character reference is no number | write &#N; or &#xN;
invalid_hex_charref | a character reference is no number | write &#N; or &#xN;
invalid_char | there is a character that XML does not know, such as a control character | leave it out
invalid_encoding | the bytes are not UTF-8 | send UTF-8
attribute_not_started | the value of an attribute is not in quotes | write name="value"
attribute_not_finished | the quotes of an attribute are not closed | write name="value"
attribute_without_value | an attribute has no value | write name="value"
attribute_redefined | an attribute stands there twice in one tag | send it once
space_required | a blank is missing, such as between two attributes |
equal_required | a = is missing behind a name | write name="value"
string_not_started | a value is not in quotes | write name="value"
string_not_closed | the quotes of a value are not closed | write name="value"
misplaced_cdata_end | the text holds ]]>, which ends CDATA | write ]]&gt;
cdata_not_finished | a CDATA section is not closed with ]]> |
comment_not_finished | a comment is not closed with --> |
hyphen_in_comment | a comment holds -- | leave it out
pi_not_finished | a processing instruction is not closed with ?> |
pi_not_started | a processing instruction has no name |
reserved_xml_name | the XML declaration (<?xml …?>) must be the very first thing, and stand there once | remove the blank
xmldecl_not_started | the XML declaration (<?xml …?>) must be the very first thing, and stand there once |
xmldecl_not_finished | the XML declaration is not closed with ?>, or holds what it does not know |
version_missing | the XML declaration does not say its version | write version="1.0"
unknown_version | the document is of a version of XML that is not known | write version="1.0"
standalone_value | standalone is neither yes nor no |
ns_err_undefined_namespace | an element or attribute has a prefix that is not declared | declare it: xmlns:prefix="…"
ns_err_qname | a name has more than one colon, or one at its end |
ns_err_colon | a name has a colon where none may be |
ns_err_xml_namespace | a namespace is declared that may not be: an empty one with a prefix, or XML's own |
ns_err_attribute_redefined | an attribute stands there twice in one tag, under two prefixes | send it once
"""
_WORDS = {name: (text, hint) for name, text, hint in (re.split(r" \|(?: |$)", one) for one in _TABLE.strip().splitlines())}


def malformed(error: etree.XMLSyntaxError, data: bytes) -> Problem:
    """What the parser says of a document, in our words; nothing of the document is in it."""
    line, column = error.position
    word = str(etree.ErrorTypes._getName(getattr(error, "code", 1), "unknown")).removeprefix("ERR_").lower()
    if not data.strip(_BLANK):
        return Problem("1:1", "malformed", "the document is empty", "send an XML document")
    if word == "internal_error":
        return _unknown_entity(data)
    if "limit" in word or "huge" in word or "too_long" in word:
        return Problem(f"{line}:{column}", "too_large", f"a bound of the XML parser is passed ({word})")
    text, hint = _WORDS.get(word, (f"is not well-formed XML ({word})", ""))
    return Problem(f"{line}:{column}", "malformed", text, hint)


def _unknown_entity(data: bytes) -> Problem:
    """The parser says of an unknown entity only that it is there; so the first one is looked for."""
    found = next((one for one in _REFERENCE.finditer(data) if one[1] is not None), None)
    text = "an entity is used that is none of XML's own five: &amp; &lt; &gt; &quot; &apos;"
    hint = "write the character itself, or its number: &#160;"
    return Problem(place_of(data, found.start(1)) if found else "", "malformed", text, hint)


def place_of(data: bytes, at: int) -> str:
    """``line:column`` of a byte; columns are counted in bytes, as the parser does."""
    return f"{data.count(_NEWLINE, 0, at) + 1}:{at - data.rfind(_NEWLINE, 0, at)}"
