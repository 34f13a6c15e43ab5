"""Judges dossiers that citizens file at the national portal: down to the local system once, and its states up to the portal.

    filed(
        [{"code": "000.00.00.H22-261122-9001", "body": {…as posted at nhanhsdvcqg…}, "answers": [[200, "success"]]}, …],
        [{"code": "000.00.00.H22-261122-9001", "record": {…OpenCPS record…}}, …],   # what the local system sent, in order
        local_state, portal_state, catalogue, choices,                              # choices: the ones for check()
        filing_choices={"unit_name": ()}, registry=registry, fetched=fetched, doubtful_progress=0,
    )
    check(…, elsewhere={one["code"] for one in filed_ones})     # the main checker then leaves these to this one

One entry of ``filed`` is one post; the same dossier posted twice is two entries with the same body, both answered with success,
and shows once. ``answers``: HTTP status and the word of the answer of each try; status 0 for a try without answer.

* **lost**: a filing, or a state or step that the local system reported, missing or altered; a paper that is another file.
* **duplicated**, **out_of_order**: as in ``check_fed`` (down) and ``check`` (up).
* The portal shows a filed dossier by what the local system reports of it, nothing before; what the portal itself put there
  (``planted``) is its own affair. A report must not come down again as a filing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.demo.check import check
from connectors.demo.check_fed import came_down, same_files
from connectors.demo.evidence import COUNTED, Found, Sent
from connectors.demo.expected import Catalogue, Choices, NotAgreed
from connectors.demo.expected_filing import FILED_CHOICES, contents, expected_filed
from connectors.demo.told import Registry

_Told = Sequence[Mapping[str, Any]]
_NOBODY = Registry()


def filed(
    filed: _Told,
    reported: _Told,
    local_state: Mapping[str, Any],
    portal_state: Mapping[str, Any],
    catalogue: Catalogue,
    choices: Choices,
    *,
    filing_choices: Choices | None = None,
    registry: Registry = _NOBODY,
    fetched: _Told | None = None,
    doubtful_progress: int = 0,
) -> Found:
    """``fetched`` as in ``check_fed``; None: papers were not fetched. Raises ValueError for a report of a dossier that nobody
    filed."""
    found = Found()
    posts: dict[str, list[Mapping[str, Any]]] = {}
    for post in filed:
        if post["body"]["MaHoSo"] != post["code"]:
            raise ValueError(f"{post['code']}: posted under another code")
        if _taken(post):
            posts.setdefault(post["code"], []).append(post["body"])
        else:
            found.say(f"{post['code']}: filed, but the hub never said that it has it")
    codes = {post["code"] for post in filed}
    if unknown := sorted({one["code"] for one in reported} - codes):
        raise ValueError(f"reported, but nobody filed them: {unknown}")
    for code, bodies in posts.items():
        try:
            filings = [expected_filed(body, {**FILED_CHOICES, **(filing_choices or {})}) for body in bodies]
        except NotAgreed as reason:
            found.lost += 1
            found.say(f"{code}: filed, but {reason}")
            continue
        came_down(found, code, filings, local_state, ())
        papers = [one for one in fetched or () if one["code"] == code]
        if fetched is not None:
            same_files(found, code, contents(bodies[-1]), papers)
    _went_up(found, codes, reported, portal_state, catalogue, choices, registry, doubtful_progress)
    return found


def _taken(post: Mapping[str, Any]) -> bool:
    status, word = post["answers"][-1] if post["answers"] else (0, "")
    return 200 <= status < 300 and word != "error"


def _went_up(
    found: Found, codes: set[str], reported: _Told, portal_state: Mapping[str, Any], catalogue: Catalogue, choices: Choices,
    registry: Registry, doubtful_progress: int,
) -> None:  # fmt: skip
    """What the local system reported, as the main checker judges any sender's records."""
    sent = [
        Sent(n, one["code"], one["record"]["referenceUid"], one["record"], f"report {n}", None, [(202, "accepted")])
        for n, one in enumerate(reported, 1)
    ]
    shown = {code: entry for code, entry in portal_state["dossiers"].items() if code in codes}
    counts = dict.fromkeys(COUNTED, 0) | {"in_doubt": doubtful_progress}
    verdict = check(
        sent, {"dossiers": shown}, counts, catalogue, choices=choices, registry=registry, doubtful_progress=doubtful_progress
    )
    found.lost += verdict.lost
    found.duplicated += verdict.duplicated
    found.out_of_order += verdict.out_of_order
    found.delivered += verdict.delivered
    found.findings += verdict.findings
