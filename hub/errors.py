"""Every error the hub raises on purpose, as one tree.

HubError
├── Refused                 input a waiting caller sent; nothing stored, counted, answered as RFC 9457
│   ├── Broke               … or nobody waits for, and the hub itself broke on it: a mended hub may take it
│   ├── Unauthenticated 401 · Forbidden 403 · TimedOut 408 · IdConflict 409 · TooLarge 413
│   ├── UnknownSchema 415 · UnsupportedMediaType 415 · UnsupportedCoding 415 · NotParsable 400 · SchemaInvalid 422
│   ├── TooMany 429 (OfficerTooMany) · Busy 503
├── TranslationFailed       a mapping could not translate a message; the arrival is kept, the delivery goes dead
├── BadConfig               config, schema, mapping or route that cannot run; carries every problem at once
├── StoreUnavailable        disk full, database locked, corrupt or gone; answered 503, never a false receipt
│   └── HubBreaks           … or the hub breaks at one arrival after the other; they wait, as for a store
├── NotFound · NotAllowed   an operator's command that names nothing, or that the state does not allow
└── DeliveryError           the only errors a connector may raise
    ├── Transient           the partner answered "not now" (503, 429, expired twice …); counts against the endpoint
    │   └── AccountRefused  … and never with this account, until an operator mends the settings or the rights
    ├── NotConnected        nothing reached the partner; counts against the endpoint, never against the message
    ├── InDoubt             the request may have taken effect; ask the partner, or resend or hold by route
    └── Rejected            a business refusal; never retried
        └── NotAsked        … by the connector itself, before any call: it cannot be said in the partner's schema

No message of any of them quotes a value that a person typed: they name the place, not the content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_CODE_LIKE = re.compile(
    r"""[A-Za-z][A-Za-z0-9_.:/-]{0,39}|[0-9]{1,6}
    |[0-9]\.[0-9]{6}(?:\.(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.)?[A-Z][0-9]{2})?  # a procedure: 2.000815.000.00.00.H22
    |[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}  # an agency in the older scheme: 000.00.14.H56""",
    re.VERBOSE,
)
_DAY, _MONTH, _YEAR = "(?:0[1-9]|[12][0-9]|3[01])", "(?:0[1-9]|1[0-2])", "(?:19|20)[0-9]{2}"
_DATE_LIKE = re.compile(f"{_DAY}{_MONTH}[0-9]{{2}}|[0-9]{{2}}{_MONTH}{_DAY}|{_MONTH}{_YEAR}|{_YEAR}{_MONTH}")


def shown(value: object) -> str:
    """A code-list value as it may appear in an error: codes as they are, anything that could be personal masked.

    A row missing from a code table can only be added by someone who sees the code; names, numbers of people and
    free text never look like one (short, no blanks, no long digit runs, no six digits that read as a date). A name that is
    written as one word does look like one.
    """
    text = str(value)
    is_code = _CODE_LIKE.fullmatch(text) and not _DATE_LIKE.fullmatch(text) and not re.search(r"[0-9]{7}", text)
    return text if is_code else "‹masked›"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what kind, in words, and where to mend it.

    ``at`` is a JSON pointer or dotted path in the input (or the target path of a mapping), ``code`` a stable lower-case
    word (``missing``, ``not_in_table``, ``bad_date`` …), ``hint`` what to write or do instead, ``source`` the file and
    line (``mappings/x/1.0.0.yaml:12``) or the source path that was read.
    """

    at: str
    code: str
    message: str
    hint: str = ""
    source: str = ""

    def as_dict(self) -> dict[str, str]:
        pairs = {"at": self.at, "code": self.code, "message": self.message, "hint": self.hint, "source": self.source}
        return {k: v for k, v in pairs.items() if v or k in ("at", "code", "message")}

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        hint = f" — {self.hint}" if self.hint else ""
        return f"{where}{self.at or '(whole)'}: {self.message} [{self.code}]{hint}"


class HubError(Exception):
    """Root of the tree; ``problems`` is never empty for errors about input or configuration."""

    problems: tuple[Problem, ...] = ()


class WithProblems(HubError):
    """An error that lists every problem found, not the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(p) for p in self.problems))


class Refused(WithProblems):
    """Input refused at once to a caller who waits. ``status`` is the HTTP status, ``kind`` the RFC 9457 type suffix."""

    status = 400
    kind = "refused"
    title = "The message was refused"
    retry_after: int | None = None
    headers: Mapping[str, str] = {}
    is_counted = False
    """Whether the metrics have it already: whoever refused counted it, and may answer in words of its own."""

    @classmethod
    def one(cls, at: str, code: str, message: str, hint: str = "") -> Refused:
        return cls([Problem(at, code, message, hint)])


class NotParsable(Refused):
    kind, title = "not-parsable", "The body cannot be parsed"


class Unauthenticated(Refused):
    status, kind, title = 401, "unauthenticated", "No valid key was presented"


class Forbidden(Refused):
    status, kind, title = 403, "forbidden", "The key does not carry this right"


class Broke(Refused):
    """The hub itself broke on the message, which is not to blame: a mended hub may take it (``hub.intake.contained``)."""

    status, kind, title = 500, "internal", "The hub failed"


class TimedOut(Refused):
    status, kind, title = 408, "timed-out", "The body did not arrive in time"


class IdConflict(Refused):
    status, kind, title = 409, "id-conflict", "The same id was used before with another body"

    @classmethod
    def of_another_body(cls, at: str = "Idempotency-Key") -> IdConflict:
        """The refusal of a sender's id that came before with another body; ``at``: where the id stands."""
        text = "this id was used before with another body"
        return cls([Problem(at, "id_conflict", text, "give each new message an id of its own")])


class TooLarge(Refused):
    status, kind, title = 413, "too-large", "The body is too large"


class UnknownSchema(Refused):
    status, kind, title = 415, "unknown-schema", "The schema is missing or unknown"


class UnsupportedMediaType(Refused):
    status, kind, title = 415, "unsupported-media-type", "The body is not JSON in UTF-8"


class UnsupportedCoding(Refused):
    """A content coding other than gzip (RFC 9110 section 12.5.3: the answer names what is taken)."""

    status, kind, title = 415, "unsupported-coding", "The body is packed in a way that the hub does not know"
    headers: Mapping[str, str] = {"Accept-Encoding": "gzip"}


class SchemaInvalid(Refused):
    status, kind, title = 422, "schema-invalid", "The message does not fit its schema"


class TooMany(Refused):
    """The client used up what it may send; the problem's code names the limit."""

    status, kind, title = 429, "too-many", "This client sends more than it may"

    def __init__(self, problems: Iterable[Problem], retry_after: int, headers: Mapping[str, str]) -> None:
        super().__init__(problems)
        self.retry_after, self.headers = retry_after, headers


class OfficerTooMany(TooMany):
    """The officer who asks a registry used up what one officer may ask."""

    title = "This officer asks more than one officer may"


class Busy(Refused):
    """The hub has more to do than it takes on at once; nothing was read."""

    status, kind, title = 503, "busy", "The hub has too much to do"
    retry_after = 1

    @classmethod
    def now(cls) -> Busy:
        text = "too many requests wait; nothing was accepted"
        return cls([Problem("", "busy", text, "send it again a little later, with fewer requests at once")])


class TranslationFailed(WithProblems):
    """A mapping could not translate; each problem names target path, source path, file and line."""


class BadConfig(WithProblems):
    """Configuration, schemas, mappings or routes that the hub will not run with."""


class StoreUnavailable(HubError):
    """The store cannot take a write or a read now; ``reason`` is a word for metrics (disk_full, locked, corrupt, gone)."""

    retry_after = 5
    says = "the store cannot be used now"

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"store unavailable: {reason}{f' ({detail})' if detail else ''}")


class HubBreaks(StoreUnavailable):
    """The hub breaks at one arrival after the other (``hub.intake.contained``): they wait, as they do for a store."""

    says = "the hub breaks at whatever comes in, its log says where"

    def __init__(self) -> None:
        super().__init__(reason="broken")


class NotFound(HubError):
    """An operator or reader named something that is not there."""


class NotAllowed(HubError):
    """The state of the thing does not allow the act; the text says which state it is in and what is allowed."""


class DeliveryError(HubError):
    """What a connector may raise. ``code`` is a short stable word, ``reason`` is kept and shown: no personal data in it."""

    def __init__(self, code: str, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}" if reason else code)


class Transient(DeliveryError):
    """The partner said "not now"; ``retry_after`` seconds if it said when."""

    def __init__(self, code: str, reason: str = "", retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(code, reason)


class AccountRefused(Transient):
    """The partner refuses the hub's own account, its key or its rights: an operator has to mend that."""


class NotConnected(DeliveryError):
    """Nothing of the request reached the partner."""


class InDoubt(DeliveryError):
    """The request may or may not have taken effect (timeout or reset after it was sent, unreadable answer)."""


class Rejected(DeliveryError):
    """The partner refused the message as such; sending it again unchanged is useless. ``code`` is the partner's.

    ``said`` is what the partner said, whole, for a caller who waits for its answer: never stored, logged or shown elsewhere.
    """

    def __init__(self, code: str, reason: str = "", *, said: str = "") -> None:
        self.said = said
        super().__init__(code, reason)


class NotAsked(Rejected):
    """The connector itself refused, before any call: what it was given cannot be sent to the partner."""
