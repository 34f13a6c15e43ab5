"""A specimen shows how a connector works: a partner to stand in, settings that reach it, and messages to put through it.

A connector brings its own under the entry point group ``hub.specimens``: its name → a function without arguments that
returns the Specimen. The conformance suite (``hub.testing.conformance``) needs nothing more; it puts a proxy that breaks
between connector and partner, so that a specimen has no faults of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.connector import registered
from hub.errors import BadConfig, Problem
from hub.testing.simulator import Simulator

GROUP = "hub.specimens"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message the connector can send: its schema as ``id@version``, its body, the codes that the hub would know of its
    dossier (system → code), and whether it is a whole state of the dossier."""

    schema: str
    body: Any
    codes: Mapping[str, str] = field(default_factory=dict)
    full_state: bool = False


def _bearer(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _is_good(status: int, answer: bytes) -> bool:
    return 200 <= status < 300


@dataclass(frozen=True, slots=True)
class SignIn:
    """The call before a push that gives a session: its path, its JSON body by the key, the field of the answer's JSON object
    that is the session."""

    path: str
    body: Callable[[str], Any]
    session: str


@dataclass(frozen=True, slots=True)
class Push:
    """One message as the partner brings it: POST to ``path``.

    ``sender``: whose key it has. ``body`` and ``headers`` are made of the key, with ``sign_in`` of the session; of "" where
    neither is shown. ``body`` gives a JSON value, or bytes as they are. ``taken`` tells from HTTP status and body of an answer
    whether it says that the message was taken.
    """

    path: str
    sender: str
    body: Callable[[str], Any]
    headers: Callable[[str], Mapping[str, str]] = _bearer
    content_type: str = "application/json"
    sign_in: SignIn | None = None
    taken: Callable[[int, bytes], bool] = _is_good


def _changes_something(call: Mapping[str, Any]) -> bool:
    return bool(call["effect"])


@dataclass(frozen=True, slots=True)
class Specimen:
    """What the conformance suite is given of a connector.

    ``simulator`` makes the partner, its memory below the folder; None when the partner is no HTTP server. ``settings`` are the
    endpoint's, when the partner is reached at this URL, with a folder of its own for files. ``samples`` it can send, one after
    the other; ``queries`` it can ask and gets an answer to (Responder), ``unknown_queries`` that fit nobody. ``personal`` are
    values in samples and queries that must stand in no log, error or repr, whoever says them. ``effect`` tells of an entry of
    the simulator's log of calls (``/_control/calls``) whether it changed something there. ``arrivals``: so many messages come
    in, from the partner or the folder, when it receives (Receiver); best some, on several pages. ``pushes``: messages as the
    partner brings them to its door (Listener).
    """

    simulator: Callable[[Path], Simulator[Any]] | None
    settings: Callable[[str, Path], Mapping[str, Any]]
    samples: Sequence[Sample] = ()
    queries: Sequence[Any] = ()
    unknown_queries: Sequence[Any] = ()
    personal: Sequence[str] = ()
    effect: Callable[[Mapping[str, Any]], bool] = _changes_something
    arrivals: int = 0
    pushes: Sequence[Push] = ()


def installed_specimens() -> list[str]:
    """The names of the connectors that come with a specimen."""
    return sorted(registered(GROUP))


def load_specimen(name: str) -> Specimen:
    """The specimen of the connector ``name``. Raises BadConfig: there is none, or what the entry point makes is none."""
    found = registered(GROUP)
    if name not in found:
        known = ", ".join(sorted(found)) or "none installed"
        words = f"the connector {name!r} comes with no specimen (entry point group {GROUP})"
        raise BadConfig([Problem("specimen", "no_specimen", words, f"docs/howto/write-a-connector.md; there are: {known}")])
    make: Any = found[name].load()
    made = make() if callable(make) else make
    if not isinstance(made, Specimen):
        words = f"entry point {name!r} of {GROUP} makes no hub.testing.specimen.Specimen"
        raise BadConfig([Problem("specimen", "not_a_specimen", words)])
    return made
