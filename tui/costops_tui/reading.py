"""What the screens read from a workspace: each thing once, in whichever thread asks first.

Invariant: one snapshot is one state of the files and one version; reading again makes a new snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from costops.model.diagnostic import Diagnostic
from costops.model.rules import RuleSet
from costops.render.numbers import counted

if TYPE_CHECKING:
    from costops.model.digest import Digest
    from costops.model.rule_money import RuleMoney
    from costops.model.version import Version
    from costops.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFiles:
    """The rule files as they are now."""

    rules: RuleSet
    texts: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]
    cost: str
    """The workspace's cost column."""

    @property
    def errors(self) -> int:
        return sum(1 for each in self.diagnostics if each.is_error)


class Snapshot:
    """A workspace as it was when it was first looked at; every property may raise CostopsError, each time."""

    def __init__(self, open_workspace: Callable[[], Workspace]) -> None:
        self._open = open_workspace

    @cached_property
    def _workspace(self) -> Workspace:
        return self._open()

    @cached_property
    def version(self) -> Version | None:
        """The newest version; None where nothing has been applied yet."""
        return self._workspace.newest_version()

    def _number(self) -> int:
        version = self.version
        assert version is not None, "asked for the money of no version"
        return version.number

    @property
    def label(self) -> str:
        """What people call the version."""
        assert self.version is not None, "asked for the name of no version"
        return self.version.label

    @cached_property
    def digest(self) -> Digest:
        """The digest of the version."""
        return self._workspace.digest(version=self._number())

    @cached_property
    def money(self) -> RuleMoney:
        """The money of the version's rules."""
        return self._workspace.rule_money(self._number())

    @cached_property
    def files(self) -> RuleFiles:
        """The rule files and what is wrong with them; names are not held against the bill, which is not read."""
        workspace = self._workspace
        validation = workspace.validate(with_data=False)
        return RuleFiles(
            rules=workspace.rules,
            texts=validation.texts,
            diagnostics=tuple(each for each in validation.diagnostics if each.ignored is None),
            cost=workspace.settings.cost,
        )

    @cached_property
    def notice(self) -> str:
        """How the rule files differ from the version, in a sentence; empty where they do not."""
        files, version = self.files, self.version
        if files.errors:
            return f"{counted(files.errors, 'error')} in the rules: run costops validate, or press 2"
        if version is not None and self._workspace.rules_changed(version):
            return f"rules changed since version {version.number}: run costops plan"
        return ""
