"""Each bad trait goes red by the names of the checks that it breaks, and by no other; what is as it must be breaks none."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from hub.connector import Connector
from hub.testing.conformance import CHECKS, Report, examine
from hub.testing.specimen import Specimen
from kit.bad_family import FAMILY, Bad, GoesOn, LeavesSocket, LeavesTask
from kit.register import (
    Good,
    GoodListener,
    GoodReceiver,
    GoodRegistry,
    listener_specimen,
    receiver_specimen,
    registry_specimen,
    specimen,
)

_LONG = bool(os.environ.get("SOAK"))


def _examined(kind: type[Connector[Any]], given: Specimen) -> Report:
    async def run() -> Report:
        try:
            return await examine("register", kind=kind, specimen=given, everywhere=_LONG or not given.arrivals)
        finally:
            for task in LeavesTask.left:
                task.cancel()
            for over in GoesOn.left:
                over.set()
            while LeavesSocket.left:
                LeavesSocket.left.pop().close()
            LeavesTask.left.clear()
            GoesOn.left.clear()
            await asyncio.sleep(0)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Good, specimen()),
        (GoodRegistry, registry_specimen()),
        (GoodReceiver, receiver_specimen()),
        (GoodListener, listener_specimen()),
    ],
    ids=["sends", "answers", "receives", "listens"],
)
def test_what_is_as_it_must_be_breaks_nothing(kind: type[Connector[Any]], given: Specimen) -> None:
    """And what cannot be told of it says why."""
    report = _examined(kind, given)
    assert [(one.check, one.why) for one in report.broken] == []
    assert tuple(one.check for one in report.findings) == CHECKS
    assert all(one.why for one in report.findings if one.verdict == "not told")


@pytest.mark.parametrize("bad", [bad for bad in FAMILY if _LONG or not bad.long], ids=lambda bad: bad.kind.__name__)
def test_a_bad_trait_goes_red_by_name(bad: Bad) -> None:
    report = _examined(bad.kind, bad.specimen)
    assert {one.check for one in report.broken} == bad.breaks, [(one.check, one.why) for one in report.broken]
    assert all(one.why for one in report.broken)


def test_every_check_is_broken_by_some_bad_connector() -> None:
    """No check is there that nothing breaks."""
    assert set(CHECKS) == set().union(*(bad.breaks for bad in FAMILY if not bad.long))
