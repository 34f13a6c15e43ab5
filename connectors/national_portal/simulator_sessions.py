"""Sessions of the simulated portal: issued at login, ended by age, by use, by a newer login, or by a test."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from connectors.national_portal.simulator_config import PortalSimulatorConfig


@dataclass(slots=True)
class _Session:
    issued: float
    calls: int = 0


class Sessions:
    """The sessions in force. They belong to the process: a restart of the portal ends them all."""

    def __init__(self, config: PortalSimulatorConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._open: dict[str, _Session] = {}

    def issue(self) -> str:
        """A new session token."""
        if self._config.new_login_ends_old:
            self._open.clear()
        token = secrets.token_hex(16)
        self._open[token] = _Session(self._clock())
        return token

    def admit(self, token: object) -> bool:
        """Counts one call on a session; False when the session is unknown or over."""
        session = self._open.get(token) if isinstance(token, str) else None
        if session is None:
            return False
        age, calls = self._config.session_seconds, self._config.session_calls
        too_old = age is not None and self._clock() - session.issued >= age
        if too_old or (calls is not None and session.calls >= calls):
            self.end(token)
            return False
        session.calls += 1
        return True

    def end(self, token: object) -> None:
        """Ends one session."""
        if isinstance(token, str):
            self._open.pop(token, None)

    def end_all(self) -> int:
        """Ends every session; returns how many there were."""
        ended = len(self._open)
        self._open.clear()
        return ended
