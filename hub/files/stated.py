"""Whether a file is the one that its sender states: the same content, as large, of that type. What is not stated fits."""

from __future__ import annotations

from hub.claim_check import Stated, Stored
from hub.errors import Problem
from hub.files import refusals
from hub.files.kinds import agrees


def misfits(stated: Stated, found: Stored) -> list[Problem]:
    """What is stated and not so, each by the field that states it; none when the file is the one that is meant."""
    problems: list[Problem] = []
    if stated.sha256 is not None and stated.sha256.lower() != found.sha256:
        problems.append(refusals.hash_misfit(stated.sha256.lower(), found.sha256))
    if stated.size is not None and stated.size != found.size:
        problems.append(refusals.size_misfit(stated.size, found.size))
    if stated.media_type is not None and not agrees(found.media_type, stated.media_type):
        problems += refusals.other_type(stated.media_type, found.media_type, "media_type").problems
    return problems
