"""What every test needs before it starts a process."""

from __future__ import annotations

import os

# Hundreds of processes import the hub. What the first of them compiles is kept beside the sources, else each compiles it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
