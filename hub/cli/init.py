"""``hub init``: a new hub home that runs, made from the starter that came with the hub."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hub.cli.shell import Json, printable, shell_of
from hub.errors import NotAllowed

_IGNORED = "# what the hub remembers, and what nobody else may read\nvar/\nsecrets/\n"
_PLACES = ("schemas", "mappings/tables", "secrets", "var")


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it must be empty or not there yet.")],
    as_json: Json = False,
) -> None:
    """Make a new hub home that runs: a configuration with comments, places for schemas, mappings and secrets.

    As it stands, it sends to a partner's simulator. Schemas and mappings come with the hub; a file of the same name in the
    home is taken first. Nothing that is there is overwritten: a folder with anything in it is refused (exit code 1).
    With what `hub schema editor` writes, an editor completes and checks config.yaml.

    \b
    Example:  hub init my-hub
    """
    from hub.cli.editor import FOLDER as EDITOR
    from hub.cli.editor import write_editor_files
    from hub.config import PACKAGED

    shell = shell_of(context)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise NotAllowed(f"{printable(folder)} is there and not empty; name a folder that is not there yet")
    shutil.copytree(PACKAGED / "starter", folder, dirs_exist_ok=True)
    for place in _PLACES:
        (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    (folder / "secrets").chmod(0o700)
    for secret in (folder / "secrets").iterdir():
        secret.chmod(0o600)
    write_editor_files(folder / EDITOR)
    steps = [f"cd {printable(folder)}", *_steps(folder / "README.md")]
    told = ["", "Next:", *(f"  {step}" for step in steps)]
    shell.answer({"home": str(folder), "next": steps}, Text(f"made {printable(folder)}: config.yaml is where to begin"), *told)


def _steps(readme: Path) -> list[str]:
    """The commands that the new home's own README shows."""
    return re.findall(r"^hub .+$", readme.read_text(encoding="utf-8"), re.MULTILINE)
