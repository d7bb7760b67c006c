"""Cuts what programs compute from the fields of a charge into parts that read one factor of it only.

A factor is a set of fields that come together: those made from tags, the charge's moments and currency, and all others.
A bill has few distinct rows of each factor, but many combinations of them.

Invariant: two charges whose rows have equal `outputs` in every factor have equal values in every column by which a
program tells charges apart. A truth is never missing there: missing counts as false.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from costops.engine.ir import Fields, Layer, Program, RawField, Rows, is_truth
from costops.model.expression import Call, Column, Expression, Literal, call, columns_in

TAGS, OTHERS, MOMENTS = "tags", "others", "moments"
FACTORS = (TAGS, OTHERS, MOMENTS)
JOINT = "joint"
"""Where columns are that read several factors."""

MOMENT_FIELDS = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd", "BillingCurrency")

PartFields = Sequence[tuple[RawField, str]]
"""Fields that programs need, each with the name of its column."""


def factor_of(field: RawField) -> str:
    """The factor that a field belongs to."""
    if field.kind == "tag":
        return TAGS
    return MOMENTS if field.name in MOMENT_FIELDS else OTHERS


@dataclass(frozen=True, slots=True)
class Factor:
    """What programs need of one factor."""

    fields: tuple[tuple[RawField, str], ...]
    layers: tuple[Layer, ...]
    """From the fields to `outputs` and `watched`."""
    outputs: tuple[str, ...]
    """Columns that tell the rows of this factor apart."""
    watched: tuple[str, ...]
    """Columns in which values are looked for."""
    truths: tuple[str, ...]
    """Those of `outputs` that are true or false."""


@dataclass(frozen=True, slots=True)
class Distinctions:
    """What tells charges apart, cut by factors."""

    factors: Mapping[str, Factor]
    """By name, each of FACTORS."""
    joint: tuple[Layer, ...]
    """From the outputs of all factors to columns that read several."""
    values: tuple[str, ...]
    """Columns by which programs tell charges apart: outputs, and columns of `joint`."""
    watched: tuple[str, ...]
    """Columns of `joint` in which values are looked for."""
    truths: tuple[str, ...]
    """Those of `values` in `joint` that are true or false."""
    places: Mapping[str, tuple[str, str]]
    """Column of the watching program to where it is, a factor or JOINT, and what it is called there."""

    def apart(self, columns: Mapping[str, Sequence[str]]) -> Distinctions:
        """The same, and these columns of the factors' fields told apart too."""
        factors = {
            name: replace(each, outputs=tuple(dict.fromkeys((*each.outputs, *columns.get(name, ())))))
            for name, each in self.factors.items()
        }
        more = (column for name in FACTORS for column in columns.get(name, ()))
        return replace(self, factors=factors, values=tuple(dict.fromkeys((*self.values, *more))))

    def told_apart(self, lookups: Mapping[str, Rows]) -> frozenset[str]:
        """What is told apart by factors and by all of them, whatever columns are called.

        Cells that were made where all of this was told apart serve. `lookups` are the tables by their names.
        """
        known = self.described(lookups)
        outputs = [(name, known[output]) for name, factor in self.factors.items() for output in factor.outputs]
        return frozenset(
            _sha256(repr(each))[:20] for each in (*outputs, *((JOINT, known[name]) for name in self.values))
        )

    def described(self, lookups: Mapping[str, Rows]) -> Mapping[str, str]:
        """What each column is, whatever columns are called: a field, or a digest of how it is made from fields."""
        known = {name: repr(field) for factor in self.factors.values() for field, name in factor.fields}

        def digest_of(expression: Expression) -> str:
            if isinstance(expression, Column):
                return known[expression.name]
            if isinstance(expression, Literal):
                return repr(expression)
            parts = [digest_of(each) for each in expression.arguments]
            if expression.operation == "lookup" and isinstance(expression.arguments[1], Literal):
                parts[1] = repr(lookups[str(expression.arguments[1].value)])
            if expression.operation in ("and", "or"):
                # Where conditions come from another place, their parts come in another order.
                parts = sorted(set(parts))
            return _sha256(repr((expression.operation, parts)))

        layers = [layer for factor in self.factors.values() for layer in factor.layers]
        for layer in (*layers, *self.joint):
            known.update({name: digest_of(expression) for name, expression in layer})
        return known


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def distinctions(
    fields: Fields, programs: Sequence[Program], added: PartFields = (), others: Iterable[Expression] = ()
) -> Distinctions:
    """What these programs tell apart, and `others` beside; `added` are fields beside theirs."""
    cutting = _Cutting((*fields.items(), *added))
    for program in programs:
        cutting.add(program)
    for each in others:
        cutting.tell_apart(cutting.define(each).name)
    return cutting.distinctions()


class _Cutting:
    def __init__(self, fields: PartFields) -> None:
        self._fields = fields
        self._factors: dict[str, frozenset[str]] = {name: frozenset((factor_of(each),)) for each, name in fields}
        self._names: dict[Expression, str] = {}
        self._expressions: dict[str, Expression] = {}
        self._outputs: dict[str, None] = {}
        self._values: dict[str, None] = {}
        self._cut: dict[str, Expression] = {}
        """Columns that read several factors, over outputs and one another."""
        self._watched: dict[str, None] = {}
        self._places: dict[str, tuple[str, str]] = {}

    def add(self, program: Program) -> None:
        renamed: dict[str, str] = {}
        for layer in program.layers:
            for name, expression in layer:
                renamed[name] = self.define(_renamed(expression, renamed)).name
        for _, name in program.slots:
            self.tell_apart(renamed.get(name, name))
        for watched in program.watched:
            for name in (*watched.columns, watched.nearby):
                column = renamed.get(name, name)
                self._watched[column] = None
                if self._is_joint(column):
                    self._settle(column)
                self._places[name] = (self._place(column), column)

    def define(self, expression: Expression) -> Column:
        """The column of an expression over columns; equal expressions share one."""
        if isinstance(expression, Column):
            return expression
        name = self._names.get(expression)
        if name is None:
            name = f"v{len(self._names)}"
            self._names[expression] = name
            self._expressions[name] = expression
            self._factors[name] = self._factors_of(expression)
        return Column(name)

    def tell_apart(self, column: str) -> None:
        """Let nothing become one that differs in this column."""
        self._values[column] = None
        self._settle(column)

    def _factors_of(self, expression: Expression) -> frozenset[str]:
        return frozenset().union(*(self._factors[name] for name in columns_in(expression)))

    def _is_joint(self, column: str) -> bool:
        # What reads no field at all is made with the combinations too.
        return len(self._factors[column]) != 1

    def _place(self, column: str) -> str:
        return JOINT if self._is_joint(column) else next(iter(self._factors[column]))

    def _settle(self, column: str) -> None:
        """Have what a column is made from among the outputs."""
        if not self._is_joint(column):
            self._outputs[column] = None
        elif column not in self._cut:
            self._cut[column] = cut = self._cut_up(self._expressions[column])
            for name in columns_in(cut):
                self._settle(name)

    def _cut_up(self, expression: Expression) -> Expression:
        """An expression over outputs and over columns that are cut themselves."""
        if not isinstance(expression, Call):
            return expression
        if len(self._factors_of(expression)) == 1:
            return self.define(expression)
        if expression.operation in ("and", "or"):
            arguments = self._together(expression)
        elif expression.operation == "first_present":
            arguments = self._neighbours(expression)
        else:
            arguments = expression.arguments
        return Call(expression.operation, tuple(self._cut_up(each) for each in arguments))

    def _together(self, expression: Call) -> tuple[Expression, ...]:
        """Arguments whose order says nothing, those of one factor as one."""
        groups: dict[frozenset[str], list[Expression]] = {}
        for each in expression.arguments:
            groups.setdefault(self._factors_of(each), []).append(each)
        made: list[Expression] = []
        for factors, group in groups.items():
            made += [call(expression.operation, *group)] if len(factors) == 1 and len(group) > 1 else group
        return tuple(made)

    def _neighbours(self, expression: Call) -> tuple[Expression, ...]:
        """Arguments in their order, neighbours of one factor as one."""
        groups: list[tuple[frozenset[str], list[Expression]]] = []
        for each in expression.arguments:
            factors = self._factors_of(each)
            if groups and groups[-1][0] == factors and len(factors) == 1:
                groups[-1][1].append(each)
            else:
                groups.append((factors, [each]))
        return tuple(call(expression.operation, *group) if len(group) > 1 else group[0] for _, group in groups)

    def distinctions(self) -> Distinctions:
        factors = {name: self._factor(name) for name in FACTORS}
        values = tuple(self._values)
        return Distinctions(
            factors=factors,
            joint=_layers(self._cut),
            values=values,
            watched=tuple(name for name in self._watched if self._is_joint(name)),
            truths=tuple(name for name in values if self._is_joint(name) and self._is_truth(name)),
            places=self._places,
        )

    def _factor(self, factor: str) -> Factor:
        def mine(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(name for name in names if self._factors[name] == frozenset((factor,)))

        outputs, watched = mine(self._outputs), mine(self._watched)
        needed: dict[str, None] = {}
        for name in (*outputs, *watched):
            self._collect(name, needed)
        return Factor(
            fields=tuple((field, name) for field, name in self._fields if factor_of(field) == factor),
            layers=_layers({name: self._expressions[name] for name in needed}),
            outputs=outputs,
            watched=watched,
            truths=tuple(name for name in outputs if self._is_truth(name)),
        )

    def _collect(self, column: str, into: dict[str, None]) -> None:
        """A column and all that it is made from, what comes first first."""
        if column in into or column not in self._expressions:
            return
        for name in columns_in(self._expressions[column]):
            self._collect(name, into)
        into[column] = None

    def _is_truth(self, column: str) -> bool:
        expression = self._expressions.get(column)
        return expression is not None and is_truth(expression)


def _layers(expressions: Mapping[str, Expression]) -> tuple[Layer, ...]:
    """Columns, each in the first layer after everything among them that it reads."""
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            read = (each for each in columns_in(expressions[name]) if each in expressions)
            depths[name] = 1 + max(map(depth, read), default=0)
        return depths[name]

    layers: list[list[tuple[str, Expression]]] = []
    for name, expression in expressions.items():
        while len(layers) < depth(name):
            layers.append([])
        layers[depth(name) - 1].append((name, expression))
    return tuple(tuple(layer) for layer in layers)


def _renamed(expression: Expression, names: Mapping[str, str]) -> Expression:
    """An expression with other columns."""
    match expression:
        case Column(name):
            return Column(names.get(name, name))
        case Call(operation, arguments):
            return Call(operation, tuple(_renamed(each, names) for each in arguments))
        case Literal():
            return expression
