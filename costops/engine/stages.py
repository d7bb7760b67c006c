"""What a connection is doing, told to whoever wants to know; how far a statement is, DuckDB says while it runs.

Invariant: nobody asks a connection that is closed, and nobody keeps it alive: the question comes from another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from costops.engine.recording import tell_last
from costops.model.progress import QUIET, Progress, Recorder

if TYPE_CHECKING:
    import duckdb


def _nothing() -> None:
    pass


class Stages:
    """Tells what a connection is doing; close it before the connection."""

    def __init__(
        self, progress: Progress, connection: duckdb.DuckDBPyConnection, recorder: Recorder | None = None
    ) -> None:
        self._progress = progress
        self._recorder = recorder
        self._tell_last: Callable[[], None] = partial(tell_last, connection) if recorder is not None else _nothing
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        if progress is not QUIET:
            # DuckDB counts only with its own bar on; that bar is never drawn.
            connection.execute("SET enable_progress_bar_print = false")
            connection.execute("SET enable_progress_bar = true")
            self._connection = connection

    def statement(self, words: str) -> None:
        """A stage of one statement that takes its time, or of none."""
        self._tell_last()
        self._progress.stage(words, self._share_of_statement)

    def kept(self, what: str, used: int, wanted: int) -> None:
        """So many of the wanted parts of `what` were taken from what an earlier run kept."""
        if self._recorder is not None:
            self._recorder.kept(what, used, wanted)

    def runs(self, rules: Sequence[int]) -> Iterator[Callable[[str, int], None]]:
        """For each run of so many rules, what it tells its stages to: words, and how many of its rules are done."""
        whole = sum(rules) + len(rules)  # what comes after its last rule counts as one more
        before = 0
        for count in rules:
            yield partial(self._step, before, whole)
            before += count + 1

    def _step(self, before: int, whole: int, words: str, rules_done: int) -> None:
        self._tell_last()
        share = (before + rules_done) / whole
        self._progress.stage(words, lambda: share)

    def close(self) -> None:
        """Ask the connection no more."""
        self._tell_last()
        self._tell_last = _nothing
        with self._lock:
            self._connection = None

    def _share_of_statement(self) -> float | None:
        import duckdb

        with self._lock:
            if self._connection is None:
                return None
            try:
                percent = self._connection.query_progress()
            except duckdb.Error:
                return None
            # Below 0 it does not know, and between two statements nothing runs.
            return percent / 100 if percent >= 0 else None
