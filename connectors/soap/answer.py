"""What came back from a SOAP call, as the table of outcomes sees it: status, fault, or the body in its object form."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.outcomes import table
from connectors.outcomes.pointers import MISSING
from hub.errors import Problem
from hub.wire import Answer
from hub.wire.http import retry_after
from hub.wire.soap import Envelope, Fault, read_envelope
from hub.wire.wsdl import Operation
from hub.wire.xml import XmlLimits, XmlRefused, local_name, shown_name
from hub.wire.xml_form import XmlMisfit

_XOP = "{http://www.w3.org/2004/08/xop/include}Include"
_MEDIA = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}")


@dataclass(frozen=True, slots=True)
class Heard(table.Heard):
    """One whole answer; what is no body of the operation's is no body.

    ``details`` are the elements of a fault's detail by local name; MISSING for one that the WSDL does not declare.
    ``skipped`` are the places that the WSDL does not know, of the body (under None) and of each detail. ``replied``: a SOAP
    envelope came that is no fault, whether it could be read or not.
    """

    fault: Fault | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    skipped: Mapping[str | None, Sequence[str]] = field(default_factory=dict)
    replied: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing came but the status."""
        return not self.has_body and self.fault is None and self.unreadable is None

    @property
    def fault_names(self) -> tuple[str, ...]:
        """All by which a row may name the fault, the most exact first: subcode, both, code."""
        if self.fault is None:
            return ()
        code, subcode = self.fault.code, self.fault.subcode
        return (subcode, f"{code}.{subcode}", code) if subcode else (code,)


def hear(answer: Answer, operation: Operation, limits: XmlLimits, understood: Collection[str], now: int) -> Heard:
    """Reads an answer to ``operation``; never raises, what cannot be read is said. ``now`` in microseconds."""
    heard = Heard(answer.status, retry_after=retry_after(answer.headers.get("retry-after"), now))
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media.startswith("multipart/"):
        told = "the answer has attachments (MTOM/XOP, SwA), which are not read"
        return _unreadable(replace(heard, replied=True), "mtom", told)
    if not answer.body.strip():
        return heard
    kind = media if _MEDIA.fullmatch(media) else "no known type"
    try:
        envelope = read_envelope(answer.body, limits, understood)
        if envelope.fault is not None:
            return _with_details(replace(heard, fault=envelope.fault), envelope.fault, operation)
        heard = replace(heard, replied=True)
        return _with_body(heard, envelope, operation)
    except XmlRefused as refused:
        code = "must_understand" if refused.problems[0].code == "must_understand" else "unreadable_answer"
        return _unreadable(heard, code, f"HTTP {answer.status}, {kind}: {_said(refused.problems[0])}")
    except XmlMisfit as misfit:
        return _unreadable(heard, "unreadable_answer", f"HTTP {answer.status}: {_said(misfit.problems[0])}")


def _with_body(heard: Heard, envelope: Envelope, operation: Operation) -> Heard:
    form, body = operation.output, envelope.body
    if envelope.version != operation.version:
        told = f"the answer is SOAP {envelope.version}, the port of the WSDL is {operation.version}"
        return _unreadable(heard, "soap_version", told)
    if body is None:
        return replace(heard, body={}) if form is None and not operation.one_way else heard
    if next(body.iter(_XOP), None) is not None:
        return _unreadable(heard, "mtom", "the answer refers to an attachment (XOP), which is not read")
    if form is not None and operation.style == "rpc":
        body.tag = form.tag  # the name of an rpc answer's wrapper says nothing (SOAP 1.1, section 7.1)
    if form is None or body.tag != form.tag:
        wanted = "nothing" if form is None else form.name
        told = f"the body holds {shown_name(local_name(str(body.tag)))}, where the WSDL says {wanted}"
        return _unreadable(heard, "unreadable_answer", told)
    skipped: list[str] = []
    return replace(heard, body=form.read(body, lax=True, skipped=skipped), skipped={None: skipped})


def _with_details(heard: Heard, fault: Fault, operation: Operation) -> Heard:
    found: dict[str, Any] = {}
    skipped: dict[str | None, list[str]] = {}
    for child in fault.detail if fault.detail is not None else ():
        name = local_name(str(child.tag))
        form = operation.faults.get(name)
        if name in found:
            continue
        try:
            found[name] = MISSING if form is None else form.read(child, lax=True, skipped=skipped.setdefault(name, []))
        except XmlMisfit:
            found[name] = MISSING
    return replace(heard, details=found, skipped=skipped)


def _unreadable(heard: Heard, code: str, reason: str) -> Heard:
    return replace(heard, unreadable=(code, reason))


def _said(problem: Problem) -> str:
    return f"{problem.message} ({problem.code}{f' at {problem.at}' if problem.at else ''})"
