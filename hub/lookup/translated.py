"""Questions in a registry's own schema, answers in the canonical one, and the places in them told in the other's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from hub.connector import Connector, Responder
from hub.errors import Problem, TranslationFailed
from hub.message import SchemaRef
from hub.observe.redact import MASK, words
from hub.translation import Catalog
from hub.translation.chain import Chain, rule_source

PLACE = re.compile(r"(?:^|; )(/[^\s:]*)(?=: )")
"""A place in a connector's reason: ``/CongDan/HoVaTen: a citizen without a name``."""
_HINTS = {"birth": "give a date or a year of birth"}


def asked(catalog: Catalog, connector: Connector[Any], query: str, whole: Mapping[str, Any]) -> tuple[SchemaRef, Any]:
    """A question as the connector takes it. Raises SchemaInvalid, TranslationFailed."""
    catalog.schema(query).validate(whole)
    return _translated(chain_to(catalog, connector, query), whole)


def answered(catalog: Catalog, connector: Connector[Any], give: str, said: Any) -> Any:
    """The answer in the canonical schema. Raises WithProblems."""
    answers = cast(Responder, connector).answers
    catalog.schema(answers).validate(said)
    return _translated(catalog.chain(answers, give), said)[1]


def chain_to(catalog: Catalog, connector: Connector[Any], query: str) -> Chain:
    """From a canonical question to the connector's."""
    return catalog.chain(query, cast(Responder, connector).queries)


def in_question(chain: Chain, problems: Iterable[Problem]) -> list[Problem]:
    """What a mapping or the registry's schema lacks, told of the fields of the question that they are made of."""
    found = dict.fromkeys((field, one.code) for one in problems for field in _fields(chain, one.source) or ("",))
    return [_lacking(field, code) for field, code in found]


def places_in_question(chain: Chain, reason: str) -> list[Problem]:
    """The same for the places in a connector's reason."""
    made: list[Problem] = []
    for place in PLACE.findall(reason):
        names = tuple(re.sub(r"\[[0-9]+\]$", "", one) for one in place.split("/")[1:])
        sources = [rule_source(step.mapping, names) for step in chain.steps[-1:]]
        made += [_lacking(field, "not_sendable") for one in sources for field in _fields(chain, one)]
    return list(dict.fromkeys(made))


def masked(reason: str, about: Mapping[str, Any]) -> str:
    """A connector's reason as it may be kept: without what the question says of the person, and without other names."""
    for value in about.values():
        for one in (value, re.sub("[^0-9]", "", value)) if isinstance(value, str) else ():
            if len(one) > 1:
                reason = re.sub(re.escape(one), MASK, reason, flags=re.IGNORECASE)
    return words(reason)[:500]


def told_places(problems: Iterable[Problem]) -> str:
    """The places of an answer that cannot be read, and what kind of thing is wrong there; no words: they may hold a code."""
    return words("; ".join(f"/{one.at.lstrip('/').replace('.', '/')}: {one.code}" for one in problems))[:500]


def _translated(chain: Chain, body: Any) -> tuple[SchemaRef, Any]:
    """The schema that it became, and the body in it. Raises TranslationFailed."""
    made = chain.translate(body)
    if made is None:
        raise TranslationFailed([Problem("", "nothing_to_send", f"the mapping to {chain.target.ref} makes nothing of it")])
    return chain.target.ref, made.body


def _fields(chain: Chain, source: str) -> list[str]:
    """Fields of the question that a rule reads: ``file:line birth, number`` names them behind the first blank."""
    paths = (one.strip() for one in source.partition(" ")[2].split(","))
    return [one for one in paths if one and chain.source.shape.defines(tuple(one.split(".")), strict=True)]


def _lacking(field: str, code: str) -> Problem:
    at = f"/{field.replace('.', '/')}" if field else ""
    if not field:
        return Problem(at, code, "the registry needs something else than the question says", "the operator's mapping decides")
    if code == "missing":
        return Problem(at, code, "the registry needs it, and the question does not say it", _HINTS.get(field, "say it"))
    return Problem(at, code, "the registry cannot be asked with what stands here", _HINTS.get(field, "write it otherwise"))
