"""The workspace file: where it is, what it says, and where each setting came from.

Invariant: a flag beats the environment, which beats costops.yaml, which beats the default; every setting knows its
origin. Rules lie inside the workspace; bills, metric files and the state may lie anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from costops.errors import InvalidRulesError, UsageError
from costops.language.binding import bind_fields
from costops.language.bound import Bound
from costops.language.checks import read_checks
from costops.language.costs import names_of_costs, report_names_in_two_cases, report_unknown_cost
from costops.language.files import read_file
from costops.language.kept import KeptFiles
from costops.language.limits import MAXIMUM_BYTES
from costops.language.nearness import did_you_mean
from costops.language.nodes import Node
from costops.language.problems import Problems
from costops.language.scalars import quoted
from costops.language.setting_fields import SETTINGS
from costops.model.bill import COST_COLUMNS
from costops.model.diagnostic import Diagnostic, Span
from costops.model.settings import BillingSource, MetricSource, Settings, cache_folder
from costops.model.sizes import bytes_of, size_text

FILE_NAME = "costops.yaml"

DEFAULTS = {field.name: field.default for field in SETTINGS if field.default is not None}
DEFAULT_REPORT = ("ServiceName",)

OVERRIDABLE = ("rules", "state", "cost", "memory_limit")
"""Settings that a flag `--name` or a variable `COSTOPS_NAME` may override."""

LEAST_MEMORY_BYTES = 64 << 20
"""With less the engine cannot even begin."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings of a workspace, the warnings about them, and the text of costops.yaml."""

    settings: Settings
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]


def find_workspace(start: Path) -> Path:
    """The nearest folder upwards that has a costops.yaml, to the git root, or to the file system's root outside git.

    Raises UsageError where there is none.
    """
    first = start.resolve()
    looked = first
    for folder in (first, *first.parents):
        looked = folder
        try:
            if (folder / FILE_NAME).is_file():
                return folder
            if (folder / ".git").exists():
                break
        except OSError as error:
            # Of a name that is too long, for one, nobody can say whether it is there.
            hint = "use -C DIR to name a folder that can be read"
            raise UsageError(f"there is no folder {str(folder)[:200]}: {error.strerror}", hint=hint) from error
    where = f"in {first}" if looked == first else f"from {first} up to {looked}"
    raise UsageError(
        f"no {FILE_NAME} was found {where}",
        hint="run `costops init` to make a workspace here, or use -C DIR to name one",
    )


def load_settings(
    start: Path,
    *,
    flags: Mapping[str, str] = MappingProxyType({}),
    environment: Mapping[str, str] = MappingProxyType({}),
    content: bytes | None = None,
    cache: Path | None = None,
) -> LoadedSettings:
    """The settings of the workspace around `start`, whose costops.yaml is read unless its `content` is given.

    What files say is kept in `cache`, by default the workspace's own.

    `flags` has the setting's name (one of OVERRIDABLE) and what was given; relative paths in flags are relative to
    `start`, all others to the workspace. Raises UsageError where there is no workspace or a flag or variable makes no
    sense, and InvalidRulesError with every problem of costops.yaml.
    """
    root = find_workspace(start)
    problems = Problems()
    data = content if content is not None else _written(root)
    read = read_file(FILE_NAME, data, KeptFiles((cache or cache_folder(root)) / "rules"))
    problems.add(read.diagnostics)
    bound = Bound(problems)
    if read.node is not None:
        _bind(read.node, bound)
    layers = _Layers(root, start.resolve(), bound, flags, environment)
    settings = replace(_settings(layers, bound), own_cache=cache)
    _check_rules_folder(layers, settings, problems)
    texts = MappingProxyType({FILE_NAME: read.text})
    if problems.errors:
        raise InvalidRulesError(problems.found(), texts)
    return LoadedSettings(settings, problems.found(), texts)


def _written(root: Path) -> bytes:
    try:
        with (root / FILE_NAME).open("rb") as file:
            return file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{root / FILE_NAME} cannot be read: {error.strerror}") from error


def _bind(node: Node, bound: Bound) -> None:
    bind_fields(node, SETTINGS, bound)
    version = bound.values.get("version")
    if version is not None and version != 1:
        message = f"version {version} of {FILE_NAME} is not known"
        bound.problems.error(
            "CO601", bound.place("version"), message, hint="write `version: 1`, or use a newer costops"
        )
    for section in ("billing", "metric_sources"):
        _report_repeated_names(section, bound)
    report_names_in_two_cases(bound.places, bound.problems)


def _report_repeated_names(section: str, bound: Bound) -> None:
    seen: dict[str, Span] = {}
    for index in range(bound.count(section)):
        path = f"{section}[{index}].name"
        name = bound.text(path)
        if name is None:
            continue
        if name in seen:
            related = ((seen[name], "the first one is here"),)
            message = f"the name `{name}` stands in `{section}` twice"
            bound.problems.error("CO603", bound.place(path), message, related=related)
        seen.setdefault(name, bound.place(path))


class _Layers:
    """Finds the value of a setting and where it came from."""

    def __init__(
        self, root: Path, start: Path, bound: Bound, flags: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self.root = root
        self.start = start
        self.bound = bound
        self.flags = flags
        self.environment = environment
        unknown = sorted(set(flags) - set(OVERRIDABLE))
        if unknown:
            raise UsageError(f"--{unknown[0]} is no setting; flags set {', '.join(OVERRIDABLE)}")

    def find(self, name: str) -> tuple[str, str]:
        """(value, origin) of a setting in text; the value of one without a default may be empty."""
        variable = f"COSTOPS_{name.upper()}"
        if name in self.flags:
            return self.flags[name], f"--{name.replace('_', '-')}"
        if self.environment.get(variable):
            return self.environment[variable], variable
        written = self.bound.text(name)
        if written is not None:
            return written, self.in_file(name)
        return DEFAULTS.get(name, ""), "default"

    def path(self, name: str) -> tuple[Path, str]:
        """(absolute path, origin) of a setting that is a path."""
        value, origin = self.find(name)
        if not value:
            raise UsageError(f"{origin} is empty")
        base = self.start if origin.startswith("--") else self.root
        return Path(os.path.normpath(base / value)), origin

    def in_file(self, name: str) -> str:
        """The origin of a setting of costops.yaml."""
        return f"{FILE_NAME}:{self.bound.keys[name].line}"

    def written(self, name: str) -> str:
        """The origin of a setting that only costops.yaml may have."""
        return self.in_file(name) if self.bound.has(name) else "default"


def _settings(layers: _Layers, bound: Bound) -> Settings:
    rules, rules_origin = layers.path("rules")
    state, state_origin = layers.path("state")
    cost, cost_origin = layers.find("cost")
    known_costs = (*COST_COLUMNS, *names_of_costs(bound.places))
    if cost not in known_costs and not cost_origin.startswith(FILE_NAME):
        hint = did_you_mean(cost, known_costs, f"use one of {', '.join(known_costs)}")
        raise UsageError(f"{cost_origin}: `{cost}` is no cost column", hint=hint)
    report_unknown_cost("cost", cost, bound.places.get("cost"), known_costs, bound.problems)
    memory_limit_bytes, memory_limit_origin = _memory_limit(layers)
    report = bound.words("report") if bound.has("report") else DEFAULT_REPORT
    lists = ("report", "billing", "metric_sources", "checks")
    return Settings(
        root=layers.root,
        rules=rules,
        state=state,
        cost=cost,
        report=report,
        billing=tuple(_billing_source(bound, f"billing[{index}]") for index in range(bound.count("billing"))),
        metric_sources=tuple(
            _metric_source(bound, f"metric_sources[{index}]") for index in range(bound.count("metric_sources"))
        ),
        checks=read_checks(bound, report),
        restate_months=_restate_months(bound),
        bill_tolerance_percent=_tolerance(bound),
        memory_limit_bytes=memory_limit_bytes,
        origins=MappingProxyType(
            {"rules": rules_origin, "state": state_origin, "cost": cost_origin, "memory_limit": memory_limit_origin}
            | {name: layers.written(name) for name in lists}
        ),
        spans=MappingProxyType(bound.places),
    )


def _memory_limit(layers: _Layers) -> tuple[int | None, str]:
    """(bytes, origin) of the engine's memory; None where nobody says, or after a problem was reported."""
    text, origin = layers.find("memory_limit")
    if origin == "default":
        return None, origin
    size_bytes = bytes_of(text)
    if size_bytes is not None and size_bytes >= LEAST_MEMORY_BYTES:
        return size_bytes, origin
    message = f"{quoted(text[:40])} is no amount of memory"
    if size_bytes is not None:
        least = size_text(LEAST_MEMORY_BYTES)
        message = f"a memory limit of {text.strip()} is less than the {least} without which the engine cannot begin"
    hint = "write a number and its unit, such as 1GiB, 1.5GB or 500MB"
    if not origin.startswith(FILE_NAME):
        raise UsageError(f"{origin}: {message}", hint=hint)
    layers.bound.problems.error("CO604", layers.bound.place("memory_limit"), message, hint=hint)
    return None, origin


def _restate_months(bound: Bound) -> int | None:
    count = bound.values.get("restate_months")
    if isinstance(count, int) and count < 1:
        message = f"`restate_months: {count}` would leave no month open"
        bound.problems.error("CO609", bound.place("restate_months"), message, hint="write 1 or more, or remove it")
        return None
    return count if isinstance(count, int) else None


def _tolerance(bound: Bound) -> int | None:
    path = "on_bill_change.accept.tolerance_percent"
    return bound.amount(path) if bound.has(path) else None


def _billing_source(bound: Bound, path: str) -> BillingSource:
    return BillingSource(
        name=bound.text(f"{path}.name") or "",
        path=bound.text(f"{path}.path") or "",
        format=bound.text(f"{path}.format"),
        costs=bound.pairs(f"{path}.costs"),
        span=bound.places.get(f"{path}.path", bound.place(path)),
    )


def _metric_source(bound: Bound, path: str) -> MetricSource:
    return MetricSource(
        name=bound.text(f"{path}.name") or "",
        kind=bound.text(f"{path}.kind") or "",
        path=bound.text(f"{path}.path") or "",
        span=bound.places.get(f"{path}.path", bound.place(path)),
    )


def _check_rules_folder(layers: _Layers, settings: Settings, problems: Problems) -> None:
    real, root = Path(os.path.realpath(settings.rules)), Path(os.path.realpath(settings.root))
    if real != root and real.is_relative_to(root):
        return
    what = "the workspace itself" if real == root else "outside the workspace"
    message = f"the rules folder is {what}"
    hint = "name a folder inside the workspace, such as rules/"
    origin = settings.origins["rules"]
    if not origin.startswith(FILE_NAME):
        raise UsageError(f"{origin}: {message}", hint=hint)
    problems.error("CO602", layers.bound.place("rules"), message, hint=hint)
