"""Whether a name in a rule means something, and what to say where it does not.

Invariant: names mean what `RuleSet.resolve` says; this module only adds which of them do not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from costops.language.columns import FOCUS_COLUMNS
from costops.language.nearness import Words, did_you_mean
from costops.language.problems import Problems
from costops.model.bill import COST_COLUMNS
from costops.model.diagnostic import Span
from costops.model.rules import Dimension, Entry, Label, Meaning, RuleSet

_IN_WORDS = {"allocated_by": "the path of rules", "direct": "a value of a dimension"}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one rule set, and the columns of the bill where they are known."""

    rules: RuleSet
    known_columns: frozenset[str] | None
    problems: Problems
    complete: bool = True
    """False: some entries could not be read, so that unknown names are not reported."""
    cost_columns: tuple[str, ...] = COST_COLUMNS
    hints: bool = True
    """False: nobody reads what may have been meant, so that it is not looked for where the bill's columns are known."""
    _dimensions: dict[str, Dimension] = field(init=False, default_factory=dict)
    _labels: dict[str, Label] = field(init=False, default_factory=dict)
    _words: dict[str, Words] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._dimensions.update({each.id: each for each in self.rules.dimensions})
        self._labels.update({each.id: each for each in self.rules.labels})

    def words(self, kind: str) -> Words:
        """The names of a kind, which unknown ones are compared with: allocation, metric, label, own or column."""
        if kind not in self._words:
            self._words[kind] = Words(self._listed(kind) if self.hints else ())
        return self._words[kind]

    def _listed(self, kind: str) -> Iterable[str]:
        match kind:
            case "allocation":
                return [each.id for each in self.rules.allocations]
            case "metric":
                return [each.id for each in self.rules.metrics]
            case "label":
                return [f"label.{each.id}" for each in self.rules.labels]
            case "own":
                return [each.id for each in (*self.rules.dimensions, *self.rules.labels) if each.enabled]
            case _:
                return [*FOCUS_COLUMNS, *(self.known_columns or ())]

    def dimension(self, name: str) -> Dimension:
        """The dimension of an id that resolved to one."""
        return self._dimensions[name]

    def check(self, name: str, span: Span, *, inside: str | None = None) -> Meaning | None:
        """What a name means; None after a problem was reported."""
        if name in ("Tags", "Tags."):
            hint = "write Tags.<key>, such as Tags.environment"
            self.problems.error("CO315", span, "`Tags` needs the key of a tag", hint=hint)
            return None
        meaning = self.rules.resolve(name, inside=inside)
        if meaning.kind == "direct":
            return self._direct(meaning, span)
        if meaning.kind == "label" and name.startswith("label."):
            return self._label(meaning, span)
        if meaning.kind == "column":
            return self._column(meaning, span, inside)
        return meaning

    def column_or_tag(self, name: str, span: Span) -> Meaning | None:
        """What a label's source means: a column or a tag, never a label or a dimension; None after a problem."""
        if (name in FOCUS_COLUMNS and name != "Tags") or name in self.cost_columns:
            return self._column(Meaning("column", name), span, None)
        if self.known_columns is not None and name in self.known_columns:
            return Meaning("column", name)
        meaning = self.check(name, span)
        if meaning is not None and meaning.kind not in ("column", "tag"):
            what = _IN_WORDS.get(meaning.kind) or f"a {meaning.kind}"
            message = f"`{name}` is {what}, and a label reads columns and tags only"
            self.problems.error("CO305", span, message, hint="read the tags or columns themselves, or use a dimension")
            return None
        return meaning

    def _direct(self, meaning: Meaning, span: Span) -> Meaning | None:
        """What an allocation may have changed: a dimension or a label, by the name under which rules see it."""
        kind = self.rules.resolve(meaning.name).kind
        if kind == "dimension" and not meaning.name.startswith(("label.", "direct.")):
            if not self.dimension(meaning.name).result_stage:
                return meaning
            message = f"`{meaning.name}` is computed after the last allocation and has no value before the first"
            self.problems.error("CO306", span, message, hint="use what it is made from")
            return None
        if kind == "label" and not meaning.name.startswith("label."):
            return meaning
        found = self.check(meaning.name, span)
        if found is not None:
            message = f"`direct.{meaning.name}`: no allocation ever changes `{meaning.name}`"
            self.problems.error("CO310", span, message, hint=f"write {meaning.name}")
        return None

    def is_column(self, name: str) -> bool:
        """Whether a column of that name exists, or may exist for all that is known."""
        if name in FOCUS_COLUMNS:
            return True
        return name.startswith("x_") if self.known_columns is None else name in self.known_columns

    def _label(self, meaning: Meaning, span: Span) -> Meaning | None:
        label = self._labels.get(meaning.name)
        if label is not None and label.enabled:
            return meaning
        if label is not None:
            self._disabled("label", label, span)
        elif self.complete:
            hint = did_you_mean(f"label.{meaning.name}", self.words("label"))
            self.problems.error("CO302", span, f"unknown label `{meaning.name}`", hint=hint)
        return None

    def _column(self, meaning: Meaning, span: Span, inside: str | None) -> Meaning | None:
        name = meaning.name
        if name in self.cost_columns:
            hint = "costs are what is split and cannot be a dimension or a condition"
            self.problems.error("CO317", span, f"`{name}` is a cost column", hint=hint)
            return None
        if name in FOCUS_COLUMNS or (self.known_columns is not None and name in self.known_columns):
            return meaning
        if name == inside and self.complete and not self.is_column(name):
            hint = f"inside its own rules `{name}` means the label or column of that name, and there is none"
            self.problems.error("CO304", span, f"dimension cycle: {name} -> {name}", hint=hint)
            return None
        for kind, entry in (("label", self._labels.get(name)), ("dimension", self._dimensions.get(name))):
            if entry is not None and not entry.enabled:
                self._disabled(kind, entry, span)
                return None
        return self._unknown(meaning, span)

    def _unknown(self, meaning: Meaning, span: Span) -> Meaning | None:
        name = meaning.name
        near = self._near(name)
        if not self.complete:
            return None
        if self.known_columns is None and near is None:
            return meaning
        hint = f"did you mean `{near}`?" if near else None
        self.problems.error("CO301", span, f"unknown dimension or column `{name}`", hint=hint)
        return None

    def _near(self, name: str) -> str | None:
        prefix, dot, key = name.partition(".")
        if dot and prefix.lower() in ("tag", "tags"):
            return f"Tags.{key}"
        return self.words("own").near(name) or self.words("column").near(name)

    def _disabled(self, kind: str, entry: Entry, span: Span) -> None:
        related = ((entry.span, f"the {kind} is here"),)
        message = f"the {kind} `{entry.id}` is disabled"
        self.problems.error("CO303", span, message, hint="enable it, or use another name", related=related)
