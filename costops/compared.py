"""The rules of a git revision, to compare those of the working tree with.

Invariant: nothing of the revision is run, and nothing of the working tree is changed: its files are taken out of git's
object store into a folder of their own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from costops.config import FILE_NAME, load_settings
from costops.errors import InvalidRulesError
from costops.interruption import undone_by
from costops.language.check import check
from costops.language.files import load_rules
from costops.language.renames import check_renames
from costops.model.diagnostic import Diagnostic, in_order
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.planning.inputs import Compared
from costops.revision import label_of, named_revision, write_files_of

SUFFIXES = (".yaml", ".yml", ".csv")
"""What rules are made of: rule files, costops.yaml and lookup tables."""


def compared_with(settings: Settings, reference: str, environment: Mapping[str, str]) -> Compared:
    """The rules and settings of `reference`; a revision without costops.yaml has no rules.

    Raises UsageError for what is no revision, InvalidRulesError where its costops.yaml or its rules have errors.
    """
    commit = named_revision(settings.root, reference)
    label = label_of(reference, commit)
    folder = Path(tempfile.mkdtemp(prefix="costops-base-"))
    with undone_by(lambda: shutil.rmtree(folder, ignore_errors=True)):
        try:
            write_files_of(settings.root, commit, folder, SUFFIXES)
            if not (folder / FILE_NAME).is_file():
                return Compared(label, RuleSet(), settings.canonical(), settings.report)
            return _bound(folder, label, environment)
        except InvalidRulesError as error:
            found = [_of_revision(each, label) for each in error.diagnostics]
            raise InvalidRulesError(found) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _bound(folder: Path, label: str, environment: Mapping[str, str]) -> Compared:
    settings = load_settings(folder, environment=environment).settings
    loaded = load_rules(settings.rules, settings.root, folder / ".costops")
    checked = check(
        loaded.rules,
        report=settings.report,
        known_columns=None,
        report_places=settings.spans,
        metric_sources=frozenset(each.name for each in settings.metric_sources),
        broken=loaded.broken,
        complete=loaded.complete,
        cost_columns=settings.cost_columns,
    )
    found = in_order([*loaded.diagnostics, *checked, *check_renames(loaded.rules)])
    if any(each.is_error for each in found):
        raise InvalidRulesError(found)
    return Compared(label, loaded.rules, settings.canonical(), settings.report)


def _of_revision(diagnostic: Diagnostic, label: str) -> Diagnostic:
    """The same, told of the revision; its excerpt would be one of other lines."""
    return replace(diagnostic, message=f"{diagnostic.message} (in {label})")
