"""What rules expect of the bill in vain, as warnings for people.

Invariant: a value that an allocation writes is not asked for in vain, and an entry has at most one warning of a code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from costops.language.nearness import Words, near_miss
from costops.model.absences import Absences, OtherCase
from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.expectations import Expectation, Role, expectations, keys_read
from costops.model.rules import Meaning, RuleSet
from costops.planning.listing import amounts_of, listed


@dataclass(frozen=True, slots=True)
class Vain:
    """One expectation that the bill does not meet."""

    expectation: Expectation
    is_field: bool
    """No charge has the field at all."""
    near: str | None
    """What was probably meant."""

    @property
    def written(self) -> str:
        """The name or value as it stands in the rule."""
        each = self.expectation
        return each.name if self.is_field or each.value is None else each.value

    @property
    def what(self) -> str:
        """`Tags.environnment`, or `production` in env."""
        each = self.expectation
        return each.name if self.is_field else f"`{each.value}` in {each.name}"


@dataclass(frozen=True, slots=True)
class InVain:
    """Everything that is expected in vain, in the order of the rules."""

    expected: tuple[Expectation, ...]
    vain: tuple[Vain, ...]

    def hints(self, path: str, allocations: Collection[str]) -> dict[str, str]:
        """By allocation what its condition asks for in vain, in a sentence; without those that do not."""
        found: dict[str, list[Vain]] = {}
        for each in self.vain:
            expectation = each.expectation
            if (expectation.kind, expectation.path) == ("allocation", path) and expectation.entry.id in allocations:
                found.setdefault(expectation.entry.id, []).append(each)
        return {allocation: _hint(vain) for allocation, vain in found.items()}


def _hint(found: Sequence[Vain]) -> str:
    meant = _did_you_mean(found)
    return f"no charge has {listed(_once(each.what for each in found))}" + (f"; {meant}" if meant else "")


def expected_in_vain(rules: RuleSet, absences: Absences, written: Iterable[tuple[Meaning, str]]) -> InVain:
    """What the bill lacks of what the rules expect; `written` are values that allocations give."""
    expected = expectations(rules)
    lacking = _Lacking(expected, absences, frozenset(written))
    found = [vain for each in expected if (vain := lacking.vain(each)) is not None]
    return InVain(expected, tuple(found))


class _Lacking:
    """The bill's absences by what they are absences of."""

    def __init__(
        self, expected: Sequence[Expectation], absences: Absences, written: frozenset[tuple[Meaning, str]]
    ) -> None:
        self._fields = frozenset(absences.fields)
        self._values = {(each.meaning, each.value, each.ignore_case, each.of_sources): each for each in absences.values}
        self._tag_keys = absences.tag_keys
        self._other_cases = frozenset((each.keys, key) for each in absences.other_cases for key in each.read)
        self._written = written
        self._written_in_any_case = frozenset((meaning, value.lower()) for meaning, value in written)
        self._read = keys_read(tuple(expected))
        self._keys_beside: dict[tuple[str, ...], Words] = {}
        self._own_words: dict[Meaning, set[str]] = {}
        for each in expected:
            if each.role is Role.NAMES and each.kind != "allocation" and each.value is not None:
                self._own_words.setdefault(each.meaning, set()).add(each.value)

    def vain(self, each: Expectation) -> Vain | None:
        if each.meaning in self._fields and each.meaning.kind in ("column", "tag"):
            if each.role is Role.SERVES or self._in_other_case(each):
                return None
            return Vain(each, True, self._near_key(each))
        if each.value is None:
            return None
        if each.role is Role.NAMES:
            return self._nearly(each)
        if each.role is Role.SERVES and each.meaning in self._fields:
            # A dimension without values of its own is what rules make of it.
            return None
        absent = self._values.get((each.meaning, each.value, each.ignore_case, False))
        if absent is None or (each.role is Role.ASKS and self._is_written(each)):
            return None
        return Vain(each, False, near_miss(each.value, absent.near))

    def _is_written(self, each: Expectation) -> bool:
        assert each.value is not None
        if each.ignore_case:
            return (each.meaning, each.value.lower()) in self._written_in_any_case
        return (each.meaning, each.value) in self._written

    def _nearly(self, each: Expectation) -> Vain | None:
        """A new value, which is right unless the bill has nearly the same."""
        assert each.value is not None
        absent = self._values.get((each.meaning, each.value, False, each.kind != "allocation"))
        own = self._own_words.get(each.meaning, set()) if each.kind != "allocation" else set()
        near = near_miss(each.value, set(absent.near) - own) if absent is not None else None
        return Vain(each, False, near) if near is not None else None

    def _in_other_case(self, each: Expectation) -> bool:
        """Whether the tag is there in another case, which is told with its cost."""
        own = self._read.get((each.kind, each.entry.id), ())
        return each.meaning.kind == "tag" and (own, each.meaning.name) in self._other_cases

    def _near_key(self, each: Expectation) -> str | None:
        if each.meaning.kind != "tag":
            return None
        own = self._read.get((each.kind, each.entry.id), ())
        if own not in self._keys_beside:
            self._keys_beside[own] = Words(set(self._tag_keys) - set(own))
        near = self._keys_beside[own].near(each.meaning.name)
        return f"Tags.{near}" if near is not None else None


def absence_notices(
    rules: RuleSet, in_vain: InVain, absences: Absences, cost: str, *, without_source: Collection[str]
) -> list[Diagnostic]:
    """Warnings about what is expected in vain, one for each entry and code.

    What `source.where` of the allocations `without_source` asks for is told with their own warning.
    """
    gathered: dict[tuple[str, str, str], list[Vain]] = {}
    for each in in_vain.vain:
        expectation = each.expectation
        if expectation.path == "source.where" and expectation.entry.id in without_source:
            continue
        gathered.setdefault((_code(each), expectation.kind, expectation.entry.id), []).append(each)
    found = [_absent(code, vain) for (code, _, _), vain in gathered.items()]
    return [*found, *_other_cases(in_vain.expected, absences, cost)]


def _code(vain: Vain) -> str:
    if vain.is_field:
        return "CO810"
    return {Role.ASKS: "CO809", Role.SERVES: "CO808"}.get(vain.expectation.role, "CO815")


def _absent(code: str, vain: Sequence[Vain]) -> Diagnostic:
    first = vain[0].expectation
    what = listed(_once(each.what for each in vain))
    verb, otherwise = {
        "CO808": ("gives cost to what no charge has", "correct the spelling, if it is a slip"),
        "CO809": ("asks for what no charge has", "correct the spelling, or remove it"),
        "CO810": ("reads what no charge has", "correct the spelling, or remove it; keys of tags are case-sensitive"),
        "CO815": ("has a word of its own that the bill spells otherwise", None),
    }[code]
    return _warning(code, first, f"{verb}: {what}", _did_you_mean(vain) or otherwise)


def _other_cases(expected: Sequence[Expectation], absences: Absences, cost: str) -> Iterable[Diagnostic]:
    cases: dict[tuple[str, ...], list[OtherCase]] = {}
    for each in absences.other_cases:
        cases.setdefault(each.keys, []).append(each)
    tags: dict[tuple[str, str], list[Expectation]] = {}
    for one in expected:
        if one.meaning.kind == "tag":
            tags.setdefault((one.kind, one.entry.id), []).append(one)
    for entry, keys in keys_read(tuple(expected)).items():
        found = cases.get(keys, [])
        if found:
            read = {key for each in found for key in each.read}
            first = next(one for one in tags[entry] if one.meaning.name in read)
            own = listed([f"Tags.{key}" for key in sorted(read)])
            others = listed([f"Tags.{each.other} with {amounts_of(each.amounts, cost)}" for each in found])
            message = f"reads {own}, and charges without it have {others}"
            hint = "keys of tags are case-sensitive: read the other one too, if it means the same"
            yield _warning("CO811", first, message, hint)


def _warning(code: str, first: Expectation, message: str, hint: str | None) -> Diagnostic:
    span: Span | None = first.span if first.span.line else None
    return Diagnostic(
        code=code,
        severity=Severity.WARNING,
        message=f"{first.kind} {first.entry.id} {message}",
        span=span,
        hint=hint,
    )


def _did_you_mean(vain: Sequence[Vain]) -> str | None:
    meant = [each for each in vain if each.near is not None]
    if len(vain) == 1:
        return f"did you mean `{meant[0].near}`?" if meant else None
    pairs = _once(f"`{each.near}` for `{each.written}`" for each in meant)
    return f"did you mean {listed(pairs)}?" if pairs else None


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
