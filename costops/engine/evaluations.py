"""Evaluations kept in the cache folder, so that the next plan begins where this one ends.

Invariant: a kept evaluation is used only for the same cells, program, metrics and engine, and only while every byte of
its file has the digest in the file's name; anything else counts as not kept. Losing one loses speed, never a result.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costops.engine.hashing import sha256_of
from costops.engine.ir import Fields, Program
from costops.engine.lower import lower
from costops.engine.noticing import Notice
from costops.interruption import temporary_folder
from costops.model.rules import RuleSet

if TYPE_CHECKING:
    import duckdb

FORMAT = 3
MOST_ENTRIES = 4
"""How many are kept; the ones that were used longest ago go first."""
MOST_BYTES = 4 * 1024**3
_SUFFIX = ".duckdb"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found while a step ran."""

    notices: tuple[Notice, ...]
    taken: Mapping[str, int] | None
    """Picos that it took, by currency; None: nothing."""


@dataclass(frozen=True, slots=True)
class EvaluationNote:
    """What is kept of an evaluation beside its tables."""

    last_profile: int
    narrow: bool
    """As `are_narrow` says."""
    found: Mapping[str, Found]
    """By rule."""
    totals: Mapping[tuple[str, str, str], int]
    """(billing month, currency, cost column) to picos."""
    unshadowed: frozenset[str] = frozenset()
    """Rules of which it is not known what earlier ones have allocated of what they match."""


def described(program: Program, fields: Fields) -> str:
    """All of a program that decides what it evaluates to, where `fields` are of it alone."""
    return repr((replace(program, watched=(), readers=()), fields.items(), fields.lookups()))


class EvaluationKeys:
    """Names evaluations by what decides them: the program, digests of cells and metrics, the amounts and the engine."""

    def __init__(
        self, *, report: Sequence[str], cost: str, cells: str, metrics: str, amounts: Sequence[str], engine: str
    ) -> None:
        self._report, self._cost = report, cost
        self._others = [FORMAT, engine, cells, metrics, list(amounts)]
        self._known: list[tuple[RuleSet, str]] = []

    def key(self, rules: RuleSet) -> str:
        """The name of a rule set's evaluation."""
        for known, key in self._known:
            if known is rules:
                return key
        # Alone, a program has the same names of columns whatever else is evaluated beside it.
        fields = Fields()
        program = lower(rules, report=self._report, cost=self._cost, fields=fields)
        return self.name(rules, described(program, fields))

    def name(self, rules: RuleSet, program: str) -> str:
        """The same where the program is known, as `described`."""
        text = json.dumps([*self._others, program], ensure_ascii=False)
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self._known.append((rules, key))
        return key


class KeptEvaluations:
    """The evaluations in one folder."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, keys: EvaluationKeys) -> None:
        self._connection = connection
        self._folder = folder
        self._keys = keys

    def load(self, rules: RuleSet, values: tuple[str, ...], amounts: int) -> EvaluationNote | None:
        """Load the tables of a rule set's evaluation; None where it is not kept, or not whole any more."""
        import duckdb

        from costops.engine.sql import evaluations, profiles
        from costops.engine.sql.syntax import text_of

        key = self._keys.key(rules)
        for path in self._entries(key):
            try:
                if sha256_of(path) != path.stem.rpartition("-")[2]:
                    continue
                self._connection.execute(text_of(evaluations.attach(path, evaluations.KEPT)))
            except (OSError, duckdb.Error):
                continue
            try:
                ((note,),) = self._connection.execute(text_of(evaluations.read_note())).fetchall()
                known = json.loads(note)
                if known["key"] != key:
                    raise ValueError("another evaluation")
                self._connection.execute(text_of(evaluations.read_profiles(values)))
                for name in ("profile_sums", "place_digests"):
                    self._connection.execute(text_of(evaluations.read_table(name)))
                self._connection.execute(text_of(evaluations.no_items(amounts)))
                self._connection.execute(profiles.all_items(evaluations.KEPT))
                read = _note_of(known)
            except (duckdb.Error, ValueError, KeyError, TypeError):
                self._connection.execute(text_of(evaluations.detach(evaluations.KEPT)))
                continue
            with suppress(OSError):
                os.utime(path)
            return read
        return None

    def has(self, rules: RuleSet) -> bool:
        """Whether something is kept of a rule set, be it whole or not."""
        return bool(self._entries(self._keys.key(rules)))

    def keep(self, rules: RuleSet, values: tuple[str, ...], note: EvaluationNote) -> None:
        """Keep the tables as they are; a folder that cannot be written is no reason to fail."""
        import duckdb

        from costops.engine.sql import evaluations
        from costops.engine.sql.syntax import text_of

        key = self._keys.key(rules)
        # Suppressed: a full disk or a read-only workspace. The next plan then evaluates everything.
        with suppress(OSError, duckdb.Error), ExitStack() as stack:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = stack.enter_context(temporary_folder(self._folder, ".evaluation-")) / "evaluation.duckdb"
            self._connection.execute(text_of(evaluations.attach(unfinished, evaluations.KEEPING, writing=True)))
            try:
                self._connection.execute(text_of(evaluations.write_note()), [json.dumps(_noted(key, note))])
                self._connection.execute(text_of(evaluations.write_profiles(values)))
                for name in ("items", "profile_sums"):
                    self._connection.execute(text_of(evaluations.write_of_profiles(name)))
                self._connection.execute(text_of(evaluations.write_digests()))
            finally:
                self._connection.execute(text_of(evaluations.detach(evaluations.KEEPING)))
            for old in self._entries(key):
                old.unlink(missing_ok=True)
            unfinished.rename(self._folder / f"{key[:32]}-{sha256_of(unfinished)}{_SUFFIX}")
            self._drop_oldest()

    def _entries(self, key: str) -> list[Path]:
        return sorted(self._folder.glob(f"{key[:32]}-*{_SUFFIX}"))

    def _drop_oldest(self) -> None:
        entries = [(each.stat(), each) for each in self._folder.glob(f"*-*{_SUFFIX}")]
        entries.sort(key=lambda entry: (-entry[0].st_mtime_ns, entry[1].name))
        size = 0
        for place, (known, path) in enumerate(entries):
            size += known.st_size
            if place >= MOST_ENTRIES or (place and size > MOST_BYTES):
                path.unlink(missing_ok=True)


def _noted(key: str, note: EvaluationNote) -> dict[str, Any]:
    found = {
        rule: {
            "notices": [asdict(notice) for notice in each.notices],
            "taken": None if each.taken is None else dict(each.taken),
        }
        for rule, each in note.found.items()
    }
    totals = [[*key, picos] for key, picos in note.totals.items()]
    own = {"key": key, "last_profile": note.last_profile, "narrow": note.narrow}
    return {**own, "found": found, "totals": totals, "unshadowed": sorted(note.unshadowed)}


def _note_of(known: dict[str, Any]) -> EvaluationNote:
    found = {
        rule: Found(
            tuple(Notice(**{**notice, "elements": tuple(notice["elements"])}) for notice in each["notices"]),
            each["taken"],
        )
        for rule, each in known["found"].items()
    }
    totals = {(month, currency, cost): picos for month, currency, cost, picos in known["totals"]}
    unshadowed = frozenset(known["unshadowed"])
    return EvaluationNote(known["last_profile"], known["narrow"], found, totals, unshadowed)
