"""Whether what a route says of files fits the rest of the configuration (``hub check``)."""

from __future__ import annotations

from hub.config import FilesConfig, RouteFilesConfig
from hub.errors import BadConfig, Problem
from hub.routing.routes import Enclose
from hub.translation import Schema

_PARTS = ("results", "documents")


def unsaid(route: RouteFilesConfig | None, files: FilesConfig | None, take: Schema) -> Problem | None:
    """Warns of a route that says nothing of files in a hub that keeps some: it sends each url as it came, also a claim."""
    if route is not None or files is None or not any(take.shape.defines((part,), strict=True) for part in _PARTS):
        return None
    text = "its messages name files, and it says nothing of them: each url goes as it came, unseen, also a claim"
    hint = "write files: { as: url }, or { as: claim } for a connector that sends bytes"
    return Problem("", "files_unsaid", text, hint)


def enclosing_of(route: RouteFilesConfig, files: FilesConfig | None, take: Schema) -> Enclose:
    """What a route says of files. Raises BadConfig where it does not fit the rest of the configuration."""
    problems: list[Problem] = []
    if files is None:
        problems.append(Problem("", "no_files", "the hub keeps no files", "add a section `files:` to config.yaml"))
    elif route.as_ == "url" and files.public_url is None:
        text, hint = "links cannot be signed", "set files.public_url and files.signing_key, or use as: claim"
        problems.append(Problem("", "no_links", text, hint))
    problems += [
        Problem("", "unknown_path", f"{take.ref} has no {part}", "take it out")
        for part in route.of
        if not take.shape.defines((part,), strict=True)
    ]
    if problems:
        raise BadConfig(problems)
    return Enclose(route.as_, route.of)
