"""What the checker is given of the senders, and what it gives back: plain data, shared by all that judges the demo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

PLANTED = ("duplicate", "wrong", "unknown_code", "mistaken", "refused_by_portal", "known_at_portal")
COUNTED = ("kept", "retried", "in_doubt", "dead", "superseded")
SENDERS_FAULT = "Client"
"""Code of a SOAP 1.1 fault that says: change the message. It comes with status 500 and is as final as a 4xx."""
_TRY_AGAIN = (408, 425, 429)

Part = Literal["both", "state", "step"]
"""What one request tells of its record: state and step (REST, a file), or one of them (an envelope, a call of the portal)."""

Way = Literal["rest", "soap", "folder", "portal"]
"""How it came: by REST, in an envelope of the older system, as a line of a file, or as a call of the portal's own protocol."""


@dataclass
class Sent:
    """One line of the senders' record, appended when the sender has its answer.

    ``n`` is the order of sending; ``record`` the OpenCPS record that was told, None for a body that could not be read;
    ``part`` what was told of it, ``way`` how it came; ``answers`` HTTP status and receipt state (or problem kind, or code of
    the fault) of each try, status 0 for a try without answer. What became of a line of a file is told in the same words.
    """

    n: int
    code: str | None
    reference_uid: str
    record: dict[str, Any] | None
    key: str
    planted: str | None
    answers: list[tuple[int, str]]
    part: Part = "both"
    way: Way = "rest"

    @property
    def outcome(self) -> str:
        """What the sender may rely on: accepted, kept, superseded, refused, or unanswered."""
        states = [state for status, state in self.answers if 200 <= status < 300]
        for state in ("kept", "superseded"):
            if state in states:
                return state
        if states:
            return "accepted"
        status, kind = self.answers[-1] if self.answers else (0, "")
        refused = (400 <= status < 500 and status not in _TRY_AGAIN) or (status, kind) == (500, SENDERS_FAULT)
        return "refused" if refused else "unanswered"


@dataclass
class Found:
    """What one of the checkers found beside the main one: its share of the counts, and what is wrong, where."""

    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    delivered: int = 0
    findings: list[str] = field(default_factory=list)

    def say(self, finding: str) -> None:
        """Something is wrong."""
        self.findings.append(finding)

    @property
    def falsities(self) -> tuple[int, int, int]:
        return self.lost, self.duplicated, self.out_of_order


@dataclass
class Verdict:
    """The counts of the last line and what is wrong, where: dossier codes and field names, never a person's value."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    kept: int = 0
    delivered: int = 0
    retried: int = 0
    in_doubt: int = 0
    dead: int = 0
    superseded: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    findings: list[str] = field(default_factory=list)

    def say(self, finding: str) -> None:
        """Something is wrong."""
        self.findings.append(finding)

    def include(self, found: Found) -> None:
        """What another checker found belongs to the same last line."""
        self.lost += found.lost
        self.duplicated += found.duplicated
        self.out_of_order += found.out_of_order
        self.delivered += found.delivered
        self.findings += found.findings

    @property
    def holds(self) -> bool:
        """Whether the demo may exit 0."""
        return not (self.lost or self.duplicated or self.out_of_order or self.findings)

    def line(self) -> str:
        """The demo's last line."""
        counts = {name: value for name, value in vars(self).items() if name != "findings"}
        return "demo: " + " ".join(f"{name}={value}" for name, value in counts.items())
