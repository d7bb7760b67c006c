"""What moved between a saved plan and the plan that the same workspace gives now."""

from __future__ import annotations

from dataclasses import dataclass

from costops.model.plan import Change, FieldChange, MoneyLine, Total
from costops.model.record import MonthEvent
from costops.model.version import Base, Version


@dataclass(frozen=True, slots=True)
class FileDrift:
    """One file of a bill or metric source that is not as the plan read it."""

    action: str
    """add, change or remove."""
    source: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Every difference, from the plan to now; an empty field is no difference."""

    bases: tuple[Base, Base] | None
    """The state of the plan and the state now."""
    versions: tuple[Version, ...]
    """Applied to that state since, the newest first."""
    events: tuple[MonthEvent, ...]
    """Months that were closed or opened in that state since, the newest first."""
    frozen: tuple[tuple[str, ...], tuple[str, ...]] | None
    """Billing months of the bill that the plan has frozen, and those that are now, where they differ."""
    applied_as: int | None
    """The version that was applied from this very plan."""
    rules: tuple[Change, ...]
    """Labels, dimensions, metrics and allocations, without money."""
    lookups: tuple[Change, ...]
    """Lookup tables, without money."""
    metric_files: tuple[FileDrift, ...]
    bill_files: tuple[FileDrift, ...]
    bill_rows: tuple[int, int]
    bill_totals: tuple[Total, ...]
    """Currencies and cost columns whose total differs."""
    settings: tuple[FieldChange, ...]
    engines: tuple[str, str] | None
    costs: tuple[str, str]
    """The cost column that the plan shows, and the one now; `money` compares only the same."""
    dimensions: tuple[str, ...]
    """Report dimensions of both, which `money` compares."""
    money: tuple[MoneyLine, ...]
    """Elements that would get another cost than the plan says, by 1e-9 or more."""

    @property
    def has_cause(self) -> bool:
        """Whether anything that a result is made of differs."""
        causes = (
            *(self.bases, self.frozen, self.rules, self.lookups, self.metric_files, self.bill_files),
            *(self.settings, self.engines),
        )
        return any(causes)
