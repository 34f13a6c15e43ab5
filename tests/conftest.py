"""What every test needs before it starts a process."""

from __future__ import annotations

import os
import signal

# Hundreds of processes import the hub. What the first of them compiles is kept beside the sources, else each compiles it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts what runs behind it with SIGINT ignored, and whatever a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
