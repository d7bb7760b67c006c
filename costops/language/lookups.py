"""Which CSV file a `lookup` means, and what is in it.

Invariant: no file is opened that lies outside the workspace or is not called `.csv`, whatever a rule file or a link
says, because problems show lines of it; a table has one id for all rule files that name it and is read once.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from costops.language.limits import MAXIMUM_BYTES
from costops.language.nearness import did_you_mean
from costops.language.problems import Problems
from costops.language.tables import read_table
from costops.model.diagnostic import Span
from costops.model.rules import Lookup

_NAMED_HINT = "name a CSV file beside the rule file, such as `teams.csv` or `tables/teams.csv`"


class LookupFiles:
    """The tables that the rule files of a folder name.

    `folder` is the name of the rules folder in the workspace `root`; ids are paths from it.
    """

    def __init__(self, root: Path, folder: str, problems: Problems) -> None:
        self.texts: dict[str, str] = {}
        """Text of every table that was read, by its name in diagnostics."""
        self.asked = 0
        """How often a table was named."""
        self._root = root
        self._inside = Path(os.path.realpath(root))
        self._folder = folder
        self._problems = problems
        self._tables: dict[str, Lookup] = {}

    def report_to(self, problems: Problems) -> None:
        """From here on problems go somewhere else."""
        self._problems = problems

    def tables(self) -> tuple[Lookup, ...]:
        """Every table that was read, by id; with what is right of it where it has errors."""
        return tuple(self._tables[name] for name in sorted(self._tables))

    def named(self, path: str, span: Span) -> str | None:
        """The id of the table at `path`, from the folder of the rule file of `span`; None after a problem.

        Problems inside a table are reported when it is first named; one that cannot be read wherever it is named.
        """
        self.asked += 1
        name = posixpath.normpath(posixpath.join(posixpath.dirname(span.file), path))
        if posixpath.isabs(path) or name.partition("/")[0] == "..":
            what = "has an absolute path" if posixpath.isabs(path) else "lies outside the workspace"
            self._problems.error("CO115", span, f"the lookup table {path} {what}", hint=_NAMED_HINT)
            return None
        identity = posixpath.relpath(name, self._folder)
        if identity not in self._tables:
            data = self._bytes(name, span)
            if data is None:
                return None
            read = read_table(name, data)
            self.texts[name] = read.text
            self._problems.add(read.diagnostics)
            place = Span(name, 1, 1, 1, 2)
            self._tables[identity] = Lookup(id=identity, rows=read.rows, span=place, places=read.places, text=read.text)
        return identity

    def _bytes(self, name: str, span: Span) -> bytes | None:
        path = self._root / name
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self._inside):
            message = f"{name} is a link that leaves the workspace"
            self._problems.error("CO114", span, message, hint="copy the file into the workspace")
            return None
        if not (_is_csv(path) and _is_csv(real)):
            self._problems.error("CO116", span, f"the lookup table {name} is no CSV file", hint="its name ends in .csv")
            return None
        try:
            if not real.exists():
                hint = did_you_mean(path.name, _tables_beside(path), _NAMED_HINT)
                self._problems.error("CO320", span, f"the lookup table {name} does not exist", hint=hint)
                return None
            if not real.is_file():
                self._problems.error("CO101", span, f"the lookup table {name} is no regular file", hint=_NAMED_HINT)
                return None
            with real.open("rb") as file:
                return file.read(MAXIMUM_BYTES + 1)
        except OSError as error:
            self._problems.error("CO101", span, f"the lookup table {name} cannot be read: {error.strerror}")
            return None


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith(".csv")


def _tables_beside(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.glob("*.csv")) if path.parent.is_dir() else []
