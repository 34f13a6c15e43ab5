"""Reads deploy/Dockerfile and does what stands in it without Docker: in a mount namespace of its own, at the same paths.

``/usr/src``, ``/opt`` and ``/var/lib`` are folders of the test there, ``/usr/local`` is the running Python, as in the image.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from system_parts import absent

from deploy.parts import ROOT, tool

MOUNTED = ("/usr/src", "/opt", "/var/lib")
_READ_ONLY = " && ".join(
    [
        "mount --bind {home} {home}",
        *(f"mount -o remount,bind,ro {one}" for one in ("/usr/src", "/opt", "/var/lib", "/usr/local", "/")),
    ]
)


@dataclass(frozen=True)
class Stage:
    """One ``FROM``: its instructions in order."""

    lines: tuple[tuple[str, str], ...]

    def of(self, word: str) -> list[str]:
        """The arguments of each instruction of that name."""
        return [rest for name, rest in self.lines if name == word]

    def command(self, word: str) -> list[str]:
        """The exec form of ENTRYPOINT or CMD."""
        (form,) = self.of(word)
        return list(json.loads(form))

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets; ``$PATH`` is that of the base image."""
        pairs = (pair.split("=", 1) for rest in self.of("ENV") for pair in shlex.split(rest))
        return {name: value.replace("$PATH", "/usr/local/bin:/usr/bin:/bin") for name, value in pairs}


def stages() -> list[Stage]:
    """The stages of deploy/Dockerfile."""
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    words = [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]
    starts = [place for place, (name, _) in enumerate(words) if name == "FROM"]
    return [Stage(tuple(words[start:end])) for start, end in zip(starts, [*starts[1:], len(words)], strict=True)]


def required() -> Collection[Distribution]:
    """What is installed beside the tests of all that the hub's wheel requires, of what that requires in turn, and of what a
    virtual environment begins with; no more."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {"pip", "setuptools", *project["dependencies"]}
    found: dict[str, Distribution] = {}
    open_ = [Requirement(one) for one in sorted(asked)]
    while open_:
        one = open_.pop()
        with contextlib.suppress(PackageNotFoundError):  # pip fetches it, or says so
            it = distribution(one.name)
            found[it.name] = it
            in_turn = {
                text
                for text in it.requires or ()
                if (marker := Requirement(text).marker) is None
                or any(marker.evaluate({"extra": e}) for e in one.extras or {""})
            }
            open_ += [Requirement(text) for text in sorted(in_turn - asked)]
            asked |= in_turn
    return found.values()


class Image:
    """A folder that holds what the image would hold at ``MOUNTED``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for one in MOUNTED:
            (folder / one.lstrip("/")).mkdir(parents=True)
        self._python = os.path.realpath(sys.base_prefix)

    def at(self, path: str) -> Path:
        """Where a path of the image lies on this machine."""
        return self.folder / path.lstrip("/")

    def copy(self, stage: Stage) -> None:
        """COPY from the repository."""
        (workdir,) = stage.of("WORKDIR")
        for rest in stage.of("COPY"):
            *sources, target = rest.split()
            for source in sources:
                place = self.at(workdir) / target / (source if target == "./" else "")
                place.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy2(ROOT / source, place)

    def lend(self, environment: str) -> None:
        """Lay what the hub requires into a virtual environment that pip is about to fill. Pip takes each that has the version
        it wants, and fetches the others; looking through all that an index has of each takes it longer than all the rest."""
        packages = Path(sysconfig.get_path("purelib"))
        target = self.at(environment) / packages.relative_to(sys.prefix)
        for one in required():
            for file in one.files or ():
                if ".." not in file.parts:
                    (target / file).parent.mkdir(parents=True, exist_ok=True)
                    _lend(packages / file, target / file)

    def inside(self, script: str) -> list[str]:
        """A command line that runs a script where the image's paths are what they are in the image."""
        binds = [f"mount --bind {shlex.quote(str(self.at(one)))} {one}" for one in MOUNTED]
        binds.insert(0, f"mount --bind {shlex.quote(self._python)} /usr/local")
        return [tool("unshare"), "--mount", "--propagation", "private", "bash", "-ec", "\n".join([*binds, script])]

    def run(self, script: str, environment: dict[str, str]) -> None:
        """RUN: the script, with this machine's way to packages."""
        ran = subprocess.run(
            self.inside(script), env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False
        )
        assert ran.returncode == 0, f"{script}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"

    def start(self, stage: Stage, home: str, environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
        """ENTRYPOINT and CMD, or other ``words``, as USER on a read-only root; only the volume and /tmp can be written."""
        (user,) = stage.of("USER")
        uid, gid = user.split(":")
        variables = {**stage.environment, "LD_LIBRARY_PATH": "/usr/local/lib", **environment}
        words = words or (*stage.command("ENTRYPOINT"), *stage.command("CMD"))
        dropped = ["--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs", "--bounding-set", "-all"]
        command = ["setpriv", *dropped, "env", "-i", *(f"{name}={value}" for name, value in variables.items()), *words]
        script = f"{_READ_ONLY.format(home=home)}\nmount -t tmpfs tmp /tmp\ncd {home}\nexec {shlex.join(command)}"
        return subprocess.Popen(self.inside(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _lend(file: Path, to: Path) -> None:
    """The same file at another place, with its time: what is compiled of it counts."""
    try:
        os.link(file, to)
    except FileExistsError:  # of two packages: writing here would write into what was lent
        return
    except OSError:  # another file system
        shutil.copy2(file, to)


def need_namespaces() -> None:
    """Skips (fails under CI) where a mount namespace is not to be had."""
    tool("setpriv")
    if subprocess.run([tool("unshare"), "--mount", "true"], capture_output=True, check=False).returncode != 0:
        absent("a mount namespace (root)")
