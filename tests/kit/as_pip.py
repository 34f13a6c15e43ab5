"""Stands in for ``pip install -e FOLDER`` on a page: makes the package there known in the folder of the first argument."""

from __future__ import annotations

import sys
from pathlib import Path

from packages import put


def main(site: str, *arguments: str) -> None:
    """Without a virtual environment of its own nothing may be installed into this one."""
    command, option, folder = arguments
    assert (command, option) == ("install", "-e"), arguments
    package = Path(folder.removesuffix("[dev]")).resolve()
    put(package, Path(site))
    for one in package.iterdir():
        if (one / "__init__.py").is_file():
            (Path(site) / one.name).symlink_to(one)


if __name__ == "__main__":
    main(*sys.argv[1:])
