"""Documents that attack a reader of XML, each read in a process of its own that tells what it cost.

Run as a script it prints one JSON object: for each attack the code of the answer (``fine`` when it was read), seconds and
megabytes above what was resident before, at the peak. ``test_xml_attacks.py`` holds these against bounds.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.errors import WithProblems
from hub.wire.soap import read_envelope
from hub.wire.xml import XmlLimits, parse
from hub.wire.xsd import load_xsd

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" xmlns="urn:t"
  elementFormDefault="qualified">
  <xs:complexType name="Node"><xs:sequence><xs:element name="v" type="xs:int" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="n" type="Node" minOccurs="0"/><xs:element name="t" type="xs:string" minOccurs="0"/>
    <xs:element name="b" type="xs:base64Binary" minOccurs="0"/></xs:sequence></xs:complexType>
  <xs:element name="R" type="Node"/></xs:schema>"""
ENTITY = b'<?xml version="1.0"?>\n<!DOCTYPE r [<!ENTITY x %s>]>\n<r>&x;</r>'
LAUGHS = b'<!DOCTYPE r [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %s "%s">' % (bytes([98 + i]), b"&%s;" % bytes([97 + i]) * 10) for i in range(12)
) + b"]><r>&m;</r>"  # fmt: skip
XINCLUDE = b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'
XOP = b'<b><x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:1"/></b>'
LOCATION = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:t http://127.0.0.1:1/"'
MIB = 1024 * 1024
Read = Callable[[bytes], object]

with tempfile.TemporaryDirectory() as _folder:
    (Path(_folder) / "s.xsd").write_text(SCHEMA)
    _form = load_xsd(Path(_folder) / "s.xsd").form("R")


def _read(data: bytes) -> object:
    return _form.read(parse(data))


def _read_lax(data: bytes) -> object:
    return _form.read(parse(data), lax=True)


def _read_deep(data: bytes) -> object:
    return _form.read(parse(data, XmlLimits(depth=250)))


def r(content: bytes, more: bytes = b"") -> bytes:
    return b'<R xmlns="urn:t"' + more + b">" + content + b"</R>"


def many(text: bytes, times: int = 100_000) -> bytes:
    return b"".join(text % i for i in range(times))


def soap(header: bytes, body: bytes) -> bytes:
    return (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>' + header + b"</s:Header><s:Body>" + body
    ) + b"</s:Body></s:Envelope>"


ATTACKS: dict[str, tuple[Callable[[], bytes], Read, str]] = {
    "empty": (lambda: b"", parse, "malformed"),
    "not XML": (lambda: b'{"a": 1}', parse, "malformed"),
    "half": (lambda: b"<a><b>", parse, "malformed"),
    "two roots": (lambda: b"<a/><b/>", parse, "malformed"),
    "text behind": (lambda: b"<a/>x", parse, "malformed"),
    "tags crossed": (lambda: b"<a><b></a></b>", parse, "malformed"),
    "attribute twice": (lambda: b'<a x="1" x="2"/>', parse, "malformed"),
    "undeclared prefix": (lambda: b"<p:a/>", parse, "malformed"),
    "unknown entity": (lambda: b"<a>&nbsp;</a>", parse, "malformed"),
    "latin-1": (lambda: '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"), parse, "encoding"),
    "windows-1258": (lambda: b'<?xml version="1.0" encoding="windows-1258"?><a/>', parse, "encoding"),
    "UTF-7": (lambda: b'<?xml version="1.0" encoding="UTF-7"?><a>+ADw-b/+AD4-</a>', parse, "encoding"),
    "UTF-32": (lambda: "<a/>".encode("utf-32"), parse, "encoding"),
    "EBCDIC": (lambda: b"\x4c\x6f\xa7\x94\x93", parse, "encoding"),
    "said to be UTF-16 but is not": (lambda: b'<?xml version="1.0" encoding="UTF-16"?><a/>', parse, "encoding"),
    "UTF-16 but said to be UTF-8": (lambda: '<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16"), parse, "encoding"),
    "half a surrogate in UTF-16": (lambda: b"\xff\xfe<\x00a\x00>\x00\x00\xd8<\x00/\x00a\x00>\x00", parse, "encoding"),
    "a surrogate in UTF-8": (lambda: b"<a>\xed\xa0\x80</a>", parse, "malformed"),
    "a surrogate by number": (lambda: b"<a>&#xD800;</a>", parse, "malformed"),
    "bytes that are not UTF-8": (lambda: b"<a>\xe9</a>", parse, "malformed"),
    "NUL": (lambda: b"<a>\x00</a>", parse, "malformed"),
    "NUL by number": (lambda: b"<a>&#0;</a>", parse, "malformed"),
    "a control character": (lambda: b"<a>\x01</a>", parse, "malformed"),
    "UTF-8 with a mark": (lambda: b"\xef\xbb\xbf<a/>", parse, "fine"),
    "UTF-16 with a mark": (lambda: '<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16"), parse, "fine"),
    "CDATA": (lambda: r(b"<t><![CDATA[<&>]]></t>"), _read, "fine"),
    "a comment in a text": (lambda: r(b"<t>a<!--x-->b</t>"), _read, "fine"),
    "processing instructions": (lambda: b'<?xml-stylesheet href="http://127.0.0.1:1/"?>' + r(b"<?php evil()?>"), _read, "fine"),
    "entity of a file": (lambda: ENTITY % b'SYSTEM "file:///etc/passwd"', parse, "dtd"),
    "entity of an address": (lambda: ENTITY % b'SYSTEM "http://127.0.0.1:1/x"', parse, "dtd"),
    "parameter entity": (lambda: b'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><r/>', parse, "dtd"),
    "external DTD": (lambda: b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><r/>', parse, "dtd"),
    "public DTD": (lambda: b'<!-- x --><!DOCTYPE html PUBLIC "-//W3C//DTD" "http://127.0.0.1:1/"><html/>', parse, "dtd"),
    "DTD in UTF-16": (lambda: (ENTITY % b'"x"').decode().encode("utf-16"), parse, "dtd"),
    "DTD behind a mark": (lambda: b"\xef\xbb\xbf\n" + LAUGHS, parse, "dtd"),
    "billion laughs": (lambda: LAUGHS, parse, "dtd"),
    "quadratic blow-up": (lambda: ENTITY.replace(b"&x;", b"&x;" * 50_000) % (b'"' + b"x" * 100_000 + b'"'), parse, "dtd"),
    "default attributes": (lambda: b'<!DOCTYPE r [<!ATTLIST r x CDATA "y">]><r/>', parse, "dtd"),
    "100 MB of text": (lambda: b"<a>" + b"x" * 100 * MIB + b"</a>", parse, "too_large"),
    "5 MB of text": (lambda: r(b"<t>" + b"x" * (5 * MIB - 100) + b"</t>"), _read, "fine"),
    "5 MB in an attribute": (lambda: b'<a b="' + b"x" * (5 * MIB - 100) + b'"/>', parse, "fine"),
    "5 MB in a name": (lambda: b"<" + b"x" * (5 * MIB - 100) + b"/>", parse, "too_large"),
    "5 MB of blanks": (lambda: b" " * (5 * MIB - 10) + b"<a/>", parse, "fine"),
    "5 MB of comments": (lambda: b"<!--x-->" * 600_000 + b"<a/>", parse, "fine"),
    "5 MB of instructions": (lambda: b"<?x?>" * 1_000_000 + b"<a/>", parse, "fine"),
    "5 MB of comments that do not end": (lambda: b"<!--x" * 1_000_000, parse, "malformed"),
    "5 MB of character references": (lambda: b"<a>" + b"&#65;" * 1_000_000 + b"</a>", parse, "fine"),
    "5 MB of angle brackets in CDATA": (lambda: b"<a><![CDATA[" + b"<" * (5 * MIB - 100) + b"]]></a>", parse, "fine"),
    "a million deep": (lambda: b"<a>" * 1_000_000, parse, "too_deep"),
    "65 deep": (lambda: b"<a>" * 65 + b"</a>" * 65, parse, "too_deep"),
    "64 deep": (lambda: b"<a>" * 64 + b"</a>" * 64, parse, "fine"),
    "a million elements": (lambda: b"<a>" + b"<b/>" * 1_000_000 + b"</a>", parse, "too_many_elements"),
    "a million attributes": (lambda: b"<a" + many(b' b%x=""', 400_000) + b"/>", parse, "too_many_attributes"),
    "100,000 namespaces": (lambda: b"<a" + many(b' xmlns:n%x="u"') + b"/>", parse, "too_many_namespaces"),
    "namespaces one in another": (lambda: many(b'<a xmlns:n%x="u">'), parse, "too_many_namespaces"),
    "the same namespace 100,000 times": (lambda: b"<a>" + b'<b xmlns:n="u"/>' * 100_000 + b"</a>", parse, "fine"),
    "XInclude": (lambda: r(XINCLUDE), _read, "unknown_element"),
    "schemaLocation": (lambda: r(b"", LOCATION), _read, "fine"),
    "XOP without its part": (lambda: r(XOP), _read, "xop"),
    "XOP without its part, lax": (lambda: r(XOP), _read_lax, "xop"),
    "200,000 values that are wrong": (lambda: r(b"<v>x</v>" * 199_000), _read, "bad_value"),
    "200,000 values that are wrong, lax": (lambda: r(b"<v>x</v>" * 199_000), _read_lax, "bad_value"),
    "200,000 values that are right": (lambda: r(b"<v>1</v>" * 199_000), _read, "fine"),
    "200,000 elements that nobody knows": (lambda: r(b"<x>1</x>" * 199_000), _read, "unknown_element"),
    "a number of a million digits": (lambda: r(b"<v>" + b"9" * 1_000_000 + b"</v>"), _read, "bad_value"),
    "a number of a million digits, lax": (lambda: r(b"<v>" + b"9" * 1_000_000 + b"</v>"), _read_lax, "bad_value"),
    "base64 of 5 MB, lax": (lambda: r(b"<b>" + b"AAAA" * 1_200_000 + b"!</b>"), _read_lax, "bad_value"),
    "a type in itself, 249 deep where that is allowed": (lambda: r(b"<n>" * 248 + b"</n>" * 248), _read_deep, "fine"),
    "no envelope": (lambda: b"<a/>", read_envelope, "not_soap"),
    "an envelope of another version": (lambda: b'<Envelope xmlns="urn:x"/>', read_envelope, "version_mismatch"),
    "an envelope without a body": (lambda: soap(b"", b"").replace(b"Body", b"B"), read_envelope, "not_soap"),
    "two bodies": (lambda: soap(b"", b"<a/><b/>"), read_envelope, "several_bodies"),
    "a header that must be understood": (lambda: soap(b'<x s:mustUnderstand="1"/>', b"<a/>"), read_envelope, "must_understand"),
    "an envelope with a DTD": (lambda: LAUGHS[: LAUGHS.index(b"<r>")] + soap(b"", b"&m;"), read_envelope, "dtd"),
}  # fmt: skip


SMALL = (0.3, 4.0)
"""Seconds and megabytes that an attack may cost of which the next table says nothing: next to nothing."""
LARGE: dict[str, tuple[float, float]] = {
    "100 MB of text": SMALL,
    "5 MB of text": (0.5, 16),
    "5 MB in an attribute": (0.5, 16),
    "5 MB in a name": (0.5, 10),
    "5 MB of blanks": (0.5, 4),
    "5 MB of comments": (0.5, 4),
    "5 MB of instructions": (0.5, 4),
    "5 MB of comments that do not end": (0.5, 16),
    "5 MB of character references": (0.5, 6),
    "5 MB of angle brackets in CDATA": (0.5, 24),
    "a million deep": SMALL,
    "a million elements": (1.5, 45),
    "a million attributes": (1, 160),
    "100,000 namespaces": (0.5, 64),
    "namespaces one in another": SMALL,
    "the same namespace 100,000 times": (1, 45),
    "200,000 values that are wrong": (3, 220),
    "200,000 values that are wrong, lax": (2, 80),
    "200,000 values that are right": (2, 140),
    "200,000 elements that nobody knows": (2, 140),
    "a number of a million digits": SMALL,
    "a number of a million digits, lax": SMALL,
    "base64 of 5 MB, lax": (0.5, 16),
}
"""What the large ones may cost above their own size: the tree of what is legal, and how far others are read until refused."""
COPYING = "100 MB of text, with a copy"


def measured(data: bytes, read: Read) -> dict[str, object]:
    """What one attack comes to. The document is in memory before; the rest is what reading it takes."""
    for warm in (b"<a/>", r(b"<v>1</v>"), r(b"<v>x</v>"), soap(b"", b"<a/>")):
        with contextlib.suppress(WithProblems):
            read(warm)
    gc.collect()
    before = _from_here()
    started = time.process_time()
    quoted = False
    try:
        read(data)
        code = "fine"
    except WithProblems as refusal:
        code = refusal.problems[0].code
        quoted = len(refusal.problems) > 100 or any(len(str(one)) > 1000 for one in refusal.problems)
    seconds = time.process_time() - started
    return {"code": code, "seconds": seconds, "megabytes": (_status("VmHWM") - before) / 1024, "quoted": quoted}


def _from_here() -> int:
    """Forgets the peak of the memory so far; the kilobytes that are resident now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def in_child(work: Callable[[], object]) -> Any:
    """What the work comes to in a child of its own: what it does to the memory ends with it."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = work()
        except BaseException as error:
            told = {"code": type(error).__name__, "seconds": 0, "megabytes": 0, "quoted": False}
        os.write(sending, json.dumps(told).encode())
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"code": "the process died", "seconds": 0, "megabytes": 0, "quoted": False}


def main() -> None:
    """The small ones in one child; each large document is built in one and read in another, which knows nothing of that."""
    small = {name: one for name, one in ATTACKS.items() if name not in LARGE}
    found = in_child(lambda: {name: measured(build(), read) for name, (build, read, _) in small.items()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document"
        for name in LARGE:
            build, read, _ = ATTACKS[name]
            in_child(lambda build=build: file.write_bytes(build()))  # type: ignore[misc]
            found[name] = in_child(lambda read=read: measured(file.read_bytes(), read))  # type: ignore[misc]
            if COPYING.startswith(name):
                found[COPYING] = in_child(lambda: measured(file.read_bytes(), _read_a_copy))
    json.dump(found, sys.stdout)


def _read_a_copy(data: bytes) -> object:
    return parse(bytes(bytearray(data)))


if __name__ == "__main__":
    main()
