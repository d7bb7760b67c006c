"""How large a file may be.

Invariant: whatever a file holds, reading it ends soon and in little memory.
"""

from __future__ import annotations

MAXIMUM_BYTES = 1 << 20
MAXIMUM_DEPTH = 32
MAXIMUM_NODES = 100_000
"""How many keys, values, lists and mappings one file may have; an ordinary file of 1 MiB has fewer."""
MAXIMUM_TEXT = 10_000
"""How many characters one key or value may have."""
MAXIMUM_PROBLEMS = 100
"""After so many problems of one file it is not read any further."""
