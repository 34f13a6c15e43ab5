"""Writes docs/reference/connectors-verified.md: what `hub connector verify` says of every connector (``make reference``).

It takes a minute or so, since every fault is really played; a test compares the names of connectors, checks and faults with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.connector import installed_connectors
from hub.testing.caller_faults import CALLER_FAULTS
from hub.testing.conformance import Finding, Report, examine
from hub.testing.wire_faults import FAULTS

PAGE = Path(__file__).parent / "reference" / "connectors-verified.md"
_SIGNS = {"holds": "✓", "broken": "**broken**", "not told": "·"}


def page(reports: Sequence[Report]) -> str:
    """The text of the page."""
    return "\n".join(_lines(reports)).rstrip() + "\n"


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    names = [one.connector for one in reports]
    yield "<!-- Written by `make reference` from what `hub connector verify` found. Change the code, not this page. -->"
    yield "# Connectors, verified"
    yield ""
    yield "What `hub connector verify NAME` says of every connector that comes with the hub: ✓ it holds, · it cannot be told of"
    yield "this connector (the reasons are below). [Write a connector](../howto/write-a-connector.md) says how it is found out."
    yield ""
    yield f"| check | it holds that | {' | '.join(names)} |"
    yield "|---|---|" + "---|" * len(names)
    for findings in zip(*(one.findings for one in reports), strict=True):
        signs = " | ".join(_SIGNS[one.verdict] for one in findings)
        yield f"| `{findings[0].check}` | {_cell(findings[0].says)} | {signs} |"
    yield from (
        "",
        "## Faults",
        "",
        "How often each was played, at a call of its own each time, and what the connector then said.",
        "",
    )
    yield f"| fault | what happens | {' | '.join(names)} |"
    yield "|---|---|" + "---|" * len(names)
    for number, fault in enumerate(FAULTS):
        told = (", ".join(f"{word} {count}" for word, count in one.faults[number].told.items()) for one in reports)
        yield f"| `{fault.name}` | {_cell(fault.says)} | {' | '.join(told)} |"
    yield from (
        "",
        "## Faults of who calls",
        "",
        "How often each was played at the door of a listener, and what it answered: HTTP status, and whether that says that",
        "the message was taken. What is said again is answered again.",
        "",
    )
    listening = [one for one in reports if any(fault.struck for fault in one.calls)]
    yield f"| call | what the caller does | {' | '.join(one.connector for one in listening)} |"
    yield "|---|---|" + "---|" * len(listening)
    for number, call in enumerate(CALLER_FAULTS):
        told = (", ".join(f"{count} × {words}" for words, count in one.calls[number].told.items()) for one in listening)
        yield f"| `{call.name}` | {_cell(call.says)} | {' | '.join(told)} |"
    yield from ("", "## What cannot be told, and why", "")
    for one in reports:
        yield f"- **{one.connector}**: {'; '.join(_reasons(one.findings))}."


def _reasons(findings: Sequence[Finding]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for one in findings:
        if one.verdict == "not told":
            by_reason.setdefault(one.why, []).append(f"`{one.check}`")
    yield from (f"{', '.join(checks)}: {_cell(why)}" for why, checks in by_reason.items())


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


async def _examined() -> list[Report]:
    return [await examine(name) for name in installed_connectors()]


if __name__ == "__main__":
    PAGE.write_text(page(asyncio.run(_examined())), encoding="utf-8")
