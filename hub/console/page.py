"""Draws the page: an overview and a language in, HTML out. Pure."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hub.console.reasons import vietnamese
from hub.console.remedies import for_cause
from hub.console.words import NOTHING, Words
from hub.store.glance import EndpointNow, LastError, Overview

Light = Literal["good", "warn", "bad", "none"]
STATES = ("accepted", "kept", "superseded", "discarded")
OPEN = ("pending", "claimed", "in_doubt", "dead")
_COMMAND = re.compile(r"`([^`]*)`")
_TEMPLATES = Environment(
    loader=PackageLoader("hub.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def sign_in(words: Words, problem: str = "", up: str = "") -> str:
    """The form that asks for a key; ``problem`` names the words that say why again, ``up`` leads to where /console is."""
    said = _marked(words(problem)) if problem else ""
    return _TEMPLATES.get_template("sign_in.html").render(w=words, problem=said, up=up)


def page(words: Words, seen: Overview) -> str:
    """The whole page."""
    return _TEMPLATES.get_template("page.html").render(_shown(words, seen))


def live(words: Words, seen: Overview) -> str:
    """The part of it that lives."""
    return _TEMPLATES.get_template("live.html").render(_shown(words, seen))


def endpoint_state(one: EndpointNow) -> tuple[Light, str]:
    """How an endpoint stands: a light, and the name of the words for it."""
    if one.paused:
        return "warn", "is_paused"
    if not one.configured:
        return "warn", "is_gone"
    if one.breaker in ("open", "half_open"):
        return "bad", f"is_{one.breaker}"
    return "good", "is_working"


def _shown(words: Words, seen: Overview) -> dict[str, object]:
    waits = [one.oldest_waiting_seconds for one in seen.endpoints if one.oldest_waiting_seconds is not None]
    routes: dict[tuple[str, str], dict[str, int]] = {}
    for one in seen.backlog:
        routes.setdefault((one.endpoint, one.route), {})[one.state] = one.count
    minutes = [dict(one.arrivals) for one in seen.traffic.minutes]
    return {
        "w": words,
        "up": "",
        "hub": f"{socket.gethostname()} · dossier-hub {version('dossier-hub')}",
        "seen": seen,
        "window": words.span(seen.traffic.seconds),
        "a_minute": sum(seen.traffic.arrivals.values()) * 60 / max(1, seen.traffic.seconds),
        "bars": _bars([sum(one.values()) for one in minutes]),
        "minutes": minutes,
        "waiting": sum(one.waiting for one in seen.endpoints),
        "behind": sum(one.behind_dead for one in seen.endpoints),
        "oldest": max(waits, default=None),
        "dead": sum(one.count for one in seen.causes if one.kind == "delivery"),
        "kept": sum(one.count for one in seen.causes if one.kind == "arrival"),
        "working": sum(endpoint_state(one)[0] == "good" for one in seen.endpoints),
        "endpoint_state": endpoint_state,
        "routes": sorted(routes.items()),
        "troubled": [one for one in seen.endpoints if endpoint_state(one)[0] != "good"],
        "marked": _marked,
        "to_do": lambda cause: _marked(for_cause(cause, words.language)),
        "reason": lambda error: _reason(error, words),
        "command": _command,
        "STATES": STATES,
        "OPEN": OPEN,
        "NOTHING": NOTHING,
    }


def _marked(text: str) -> Markup:
    """The text with its commands marked as such."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))


def _reason(error: LastError, words: Words) -> tuple[str, str]:
    """What the page says of it, and the recorded text where that was put in other words."""
    if not error.reason:
        return words.cause("arrival" if error.kind == "kept" else "delivery", error.code), ""
    said = vietnamese(error.reason) if words.language == "vi" else None
    return (said, error.reason) if said else (error.reason, "")


def _command(error: LastError) -> str:
    """What shows its whole story: by the dossier's code, else by its own id."""
    if error.dossier and "‹" not in error.dossier:
        return f"hub trace {error.dossier}"
    return f"hub dead show {error.id}" if error.kind in ("dead", "kept") else ""


def _bars(counts: Sequence[int]) -> list[int]:
    """Heights from 0 to 20 of a small bar chart."""
    most = max(counts, default=0)
    return [0 if most == 0 else max(1 if count else 0, round(20 * count / most)) for count in counts]
