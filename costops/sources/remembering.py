"""Small files in the cache folder, in which a run remembers what it found for the next one.

Invariant: a file is there whole or not at all; one that cannot be written is no reason to fail, because what it
remembers can always be found again.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costops.interruption import held


def remember(cache_file: Path, mark: Mapping[str, Any], by_path: Mapping[str, Any]) -> None:
    """Write in one step what is known of files, by their absolute paths; those that are gone are dropped.

    `mark` says by whom or in which version it was found.
    """
    alive = {path: known for path, known in sorted(by_path.items()) if Path(path).exists()}
    text = json.dumps({**mark, "files": alive}, indent=0)
    temporary: Path | None = None
    with held():
        try:
            cache_file.parent.mkdir(parents=True, exist_ok=True)
            prefix = f".{cache_file.stem}-"
            with tempfile.NamedTemporaryFile("w", dir=cache_file.parent, prefix=prefix, delete=False) as stream:
                temporary = Path(stream.name)
                stream.write(text)
            temporary.replace(cache_file)
        except OSError:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink()
