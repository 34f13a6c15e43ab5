"""Stands in for the office's own programs: runs the statements of a file in its database, and shows what the last one gives."""

import sqlite3
import sys
from pathlib import Path

database, statements = sys.argv[1:]
with sqlite3.connect(database) as office:
    for one in Path(statements).read_text(encoding="utf-8").split(";\n"):
        rows = office.execute(one).fetchall()
for row in rows:
    print(*row)
office.close()
