"""The demo: what it plays (``hub demo``) and, written apart from everything it plays with, the checker that judges it."""
