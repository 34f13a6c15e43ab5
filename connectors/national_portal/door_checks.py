"""What ``hub check`` says of a door before anybody knocks: accounts, schemas and paths that do not go together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from connectors.national_portal.door_paths import Place, overlaps
from connectors.national_portal.door_settings import DoorSettings
from hub.connector import Documents
from hub.errors import Problem

_FINAL, _LATER = ("refused", "sign_in", "session"), ("waiting", "busy")
"""Codes after which the same call is in vain, and after which it is not."""


def problems(
    settings: DoorSettings, places: Mapping[Place, str], sent: Collection[str], documents: Documents
) -> Iterator[Problem]:
    """Every problem, placed at a setting of the endpoint."""
    if not settings.accounts:
        hint = "write accounts: { USERNAME: { sender: NAME, madonvi: [ID] } }; the password is the key of `hub key new NAME`"
        yield Problem("door.accounts", "missing", "nobody may come in", hint)
    for username, account in settings.accounts.items():
        at = f"door.accounts.{username}" if "." not in username else "door.accounts"
        if not account.madonvi:
            text = f"the account of {account.sender} speaks for no agency"
            yield Problem(f"{at}.madonvi", "missing", text, "list the madonvi of its calls, such as 000.00.00.H22")
        if ":" in username and settings.array_path is not None:
            text = "HTTP Basic, the sign-in at array_path, knows no username with a colon"
            yield Problem(at, "bad_value", text, "a username without it")
    for name in ("dossier_schema", "progress_schema"):
        yield from source_problems(f"door.{name}", getattr(settings, name), documents)
    if settings.dossier_schema == settings.progress_schema:
        text = "dossiers and progress cannot be of one schema"
        yield Problem("door.progress_schema", "bad_value", text, "such as portal-progress@1")
    if not any(one.partition("@")[0] == "npsp-dossier" for one in sent):
        text = "no route brings dossiers to this endpoint: what the door takes would go nowhere"
        yield Problem("door", "no_route", text, "add a route { take: dossier@1, to: this endpoint, as: npsp-dossier@1 }")
    codes = settings.codes
    if any(not _is_zero_free(code) for _, code in codes):
        yield Problem("door.codes", "bad_value", "0 means success", "another code")
    final, later = ({str(getattr(codes, one)).strip() for one in names} for names in (_FINAL, _LATER))
    for code in sorted(final & later):
        text = f"{code} would say both that a call is refused and that it may be made again later"
        yield Problem("door.codes", "bad_value", text, f"a code of its own for each of {', '.join(_LATER)}")
    yield from overlaps(settings.paths, settings.array_path, places)


def source_problems(at: str, schema: str, documents: Documents) -> Iterator[Problem]:
    """Why what comes in cannot be of this schema."""
    document = documents(schema)
    if document is None:
        yield Problem(at, "unknown_schema", f"no schema {schema} is in the catalog", "see hub schema list")
        return
    role = document.get("x-hub", {}).get("role")
    if role != "source":
        text = f"{schema} is a {role} schema"
        yield Problem(at, "not_a_source", text, "name a source schema, one that stands under sources")


def _is_zero_free(code: int | str) -> bool:
    return str(code).strip("+-0 ") != ""
