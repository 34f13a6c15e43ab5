"""``hub backup`` beside a running hub, and ``hub restore`` into an empty store elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.shell import Json, actor, local_micros, shell_of

if TYPE_CHECKING:
    from hub.store.backup_file import Held

_OF_THE_HOME = "  not in a backup, so bring them into this home: config.yaml, mappings, code tables, schemas, secrets, files"
_SHOWN = ("dossiers", "arrivals", "messages", "deliveries", "attempts", "keys")


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file; it is never overwritten.")],
    as_json: Json = False,
) -> None:
    """Write everything the hub knows into one file, beside a running hub and without stopping it.

    The file is one SQLite database whatever the store is: messages, bodies, ledger, audit, keys (as hashes only) and the salt
    of the digests. It holds personal data: only its owner may read it (mode 0600), keep it so. It gets its name only when it
    is synced and proved; its SHA-256 is printed. Configuration, schemas, mappings, secrets of partners and the folder of
    `files:` are files of the home: back those up too. Exit code 1 when FILE is there already, 4 when the store cannot be read.

    \b
    Examples:  hub backup /backup/hub-2026-11-21.db
               hub --home /srv/hub backup /backup/hub.db --json
    """
    from hub.message import system_clock
    from hub.store.backup import back_up, expected

    shell = shell_of(context)
    home = shell.home()
    with shell.progress("backing up", expected(home.store_url)) as advance:
        held = back_up(home.store_url, file, system_clock, advance)
    shell.answer({"file": str(file), **held.as_dict()}, f"{file}: everything committed until", *_told(held))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `hub backup` wrote.")],
    as_json: Json = False,
) -> None:
    """Put a backup into the empty store of a home; a backup of an older hub is brought to this hub's form.

    The old hub must be stopped for good. The restored hub takes messages at once, but every endpoint is paused: it cannot know
    what was sent after the backup. Let every sender send again what it sent since that moment (what the hub has already gets
    its first receipt), then `hub endpoint resume NAME`: the partner is asked what it holds, and only the rest is sent.

    \b
    The store of the home must be new: no SQLite file yet, or a PostgreSQL database without tables.
    Exit code 1 when it is not empty or FILE is damaged, 3 when there is no FILE, 4 when a newer hub wrote it.

    \b
    Example:  hub --home /srv/new-hub restore /backup/hub-2026-11-21.db
    """
    from hub.message import system_clock
    from hub.store.backup import restore as put_back

    shell = shell_of(context)
    home = shell.home()
    endpoints = list(home.config.endpoints)
    with shell.progress("restoring") as advance:
        held = put_back(file, home.store_url, endpoints, system_clock, actor=actor(), tell=advance)
    lines = ["restored: the hub as it was at", *_told(held), _OF_THE_HOME, "every endpoint is paused. Now:"]
    lines.append(
        f"  1. start the hub (hub run), and let every sender send again what it sent since {local_micros(held.moment)}"
    )
    lines += [f"  2. hub endpoint resume {name}" for name in endpoints]
    shell.answer({"file": str(file), **held.as_dict(), "paused": endpoints}, *lines)


def _told(held: Held) -> Iterator[str]:
    yield f"  {local_micros(held.moment)} (Asia/Ho_Chi_Minh), revision {held.revision}, {held.size:,} bytes"
    yield "  " + ", ".join(f"{held.rows[name]:,} {name}" for name in _SHOWN)
    yield f"  sha256 {held.sha256}"
