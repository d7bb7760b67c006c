"""Virtual environments of the yardsticks, made once with the pinned versions."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = {
    "pandas": "requirements.txt",
    "polars": "requirements.txt",
    "sql": "requirements.txt",
    "sqlmesh": "requirements-sqlmesh.txt",
}
"""Which file has what a yardstick needs."""


def python_of(yardstick: str, data: Path) -> Path:
    """The interpreter of a yardstick's environment, which is made under `data` where it is not there yet."""
    requirements = HERE.parent / REQUIREMENTS[yardstick]
    name = f"{requirements.stem}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    folder = data / "environments" / name
    python = folder / "bin" / "python"
    done = folder / "done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([python, "-m", "pip", "install", *quiet, "-r", requirements], check=True, stdout=sys.stderr)
        done.touch()
    return python


def versions() -> str:
    """The pinned packages of all yardsticks, in words."""
    pins = []
    for name in dict.fromkeys(REQUIREMENTS.values()):
        lines = (HERE.parent / name).read_text().splitlines()
        pins += [line.replace("==", " ") for line in lines if "==" in line and "pyarrow" not in line]
    return ", ".join(dict.fromkeys(pins))
