"""The plans whose whole texts and documents stand beside this file."""

from __future__ import annotations

from collections.abc import Iterable

from costops.model.bill import SourceFile
from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.plan import (
    BillDrift,
    Cause,
    Change,
    CheckResult,
    Coverage,
    Delta,
    ElementCost,
    FieldChange,
    FrozenMonth,
    MoneyLine,
    Moved,
    Plan,
    RestatedMonth,
    Total,
)
from costops.model.version import Base, BillSummary, RuleRevision
from costops.planning.money import largest_moves, moved_money

CENT = 10**10
MONEY = 10**12
"""One unit of a currency in picos."""

VERSION_12 = Base(version=12, serial=14, lineage="6f1c")
BILL = BillSummary(digest="b" * 64, rows=10_000_000, first_month="2026-07", last_month="2026-09")
DIMENSIONS = ("team", "env")


def cents(units: str) -> int:
    """`-8,239.18` in picos."""
    return int(units.replace(",", "").replace(".", "")) * CENT


def usd(dimension: str, value: str | None, before: int, after: int) -> MoneyLine:
    """A line in dollars; amounts in picos."""
    return MoneyLine(dimension, value, "USD", before, after)


def line(dimension: str, value: str | None, before: str, after: str, currency: str = "USD") -> MoneyLine:
    """A line whose amounts are written with two places."""
    return MoneyLine(dimension, value, currency, cents(before), cents(after))


def total(currency: str, before: str, after: str | None = None, cost: str = "EffectiveCost") -> Total:
    return Total(currency, cost, cents(before), cents(before if after is None else after))


def change(
    action: str, id: str, lines: Iterable[MoneyLine] = (), *, at: int, kind: str = "allocation", **other: object
) -> Change:
    """A change in rules/30-shared.yaml, its moved money worked out from its lines."""
    money = tuple(lines)
    fields: dict[str, object] = {"action": action, "kind": kind, "id": id, "file": "rules/30-shared.yaml", "line": at}
    return Change(**fields, money=money, moved=moved_money(money, DIMENSIONS), **other)  # type: ignore[arg-type]


def plan(**fields: object) -> Plan:
    """A plan from version 12; whatever is not given is a plan of no changes."""
    changes = fields.get("changes", ())
    common: dict[str, object] = {
        "base": VERSION_12,
        "base_label": "version 12 (a41c9e2, 2026-11-18 09:14 UTC)",
        "target_label": "rules at 7be01d4",
        "rules": (),
        "rules_digest": "a" * 64,
        "settings": "{}",
        "metrics_digest": "e" * 64,
        "bill": BILL,
        "cost": "EffectiveCost",
        "dimensions": DIMENSIONS,
        "changes": (),
        "bill_changes": False,
        "metric_changes": False,
        "bill_money": (),
        "bill_totals": (),
        "totals": (total("EUR", "1,000.00"), total("USD", "10,000.00")),
        "moved": (),
        "unallocated": (),
        "ledger": None,
        "engine": "costops 0.1.0, duckdb 2.0.0",
        "result_digest": "c" * 64,
        "plan_digest": "d" * 64,
        "writes": bool(changes),
    }
    return Plan(**{**common, **fields})  # type: ignore[arg-type]


UNALLOCATED = (
    Coverage("team", "EUR", cents("100.00"), cents("1,000.00"), cents("0.00"), cents("1,000.00")),
    Coverage("team", "USD", cents("1,420.00"), cents("10,000.00"), cents("1,410.00"), cents("10,000.00")),
    Coverage("env", "EUR", 0, cents("1,000.00"), 0, cents("1,000.00")),
    Coverage("env", "USD", cents("500.00"), cents("10,000.00"), cents("500.00"), cents("10,000.00")),
)

NOTHING = plan(unallocated=UNALLOCATED, totals=(total("EUR", "1,000.00"), total("USD", "10,000.00")))

FIRST = plan(
    base=Base(version=None, serial=0, lineage=None),
    base_label="nothing applied yet",
    target_label="rules in rules/",
    changes=(
        change(
            "add",
            "team",
            [line("team", None, "10,000.00", "4,000.00"), line("team", "search", "0.00", "6,000.00")],
            at=2,
            kind="label",
        ),
        change(
            "add",
            "env",
            [
                line("env", None, "10,000.00", "0.00"),
                line("env", "production", "0.00", "9,999.99"),
                line("env", "test", "0.00", "0.01"),
            ],
            at=7,
            kind="dimension",
        ),
        change("add", "db_query_time", at=20, kind="metric"),
        change(
            "add",
            "support-by-team",
            [line("team", None, "4,000.00", "1,410.00"), line("team", "search", "6,000.00", "8,590.00")],
            at=24,
        ),
    ),
    moved=(Moved("team", "USD", cents("8,590.00")), Moved("env", "USD", cents("10,000.00"))),
    totals=(total("USD", "10,000.00"), total("USD", "11,000.00", cost="ListCost")),
    unallocated=(
        Coverage("team", "USD", cents("10,000.00"), cents("10,000.00"), cents("1,410.00"), cents("10,000.00")),
        Coverage("env", "USD", cents("10,000.00"), cents("10,000.00"), 0, cents("10,000.00")),
    ),
    diagnostics=(
        Diagnostic(
            code="CO801",
            severity=Severity.WARNING,
            message="allocation support-by-team leaves USD 5 of 31 (EffectiveCost) where it was",
            span=Span("rules/30-shared.yaml", 29, 7, 29, 12),
            hint="widen basis.where or basis.granularity, or choose on_empty",
        ),
        Diagnostic(code="CO701", severity=Severity.WARNING, message="3 charges have no ListCost; it counts as 0 there"),
    ),
)

CHANGE = plan(
    changes=(
        change(
            "change",
            "support-by-team",
            [
                line("team", None, "100.00", "0.00", "EUR"),
                line("team", "checkout", "40.00", "140.00", "EUR"),
                line("team", None, "1,420.00", "1,410.00"),
                line("team", "checkout", "6,122.40", "5,298.22"),
                line("team", "search", "1,011.93", "1,890.07"),
                line("team", "platform", "0.00", "0.01"),
                line("team", "a", "1.00", "0.99"),
                line("team", "b", "1.00", "0.98"),
                line("team", "c", "1.00", "0.98"),
                line("team", "d", "43.94", "0.02"),
            ],
            at=14,
            fields=(
                FieldChange("partition_by", [], ["env"]),
                FieldChange("source.where.ServiceName", "AWS Support", ["AWS Support", "Tax"]),
            ),
        ),
    ),
    moved=(Moved("team", "EUR", cents("100.00")), Moved("team", "USD", cents("878.15"))),
    unallocated=UNALLOCATED,
    rules=(
        RuleRevision(
            kind="label",
            id="team",
            canonical='{"from":["Tags.team"],"id":"team"}',
            text="",
            file="rules/a.yaml",
            line=2,
        ),
        RuleRevision(
            kind="allocation",
            id="support-by-team",
            canonical=(
                '{"id":"support-by-team","method":"proportional","partition_by":["env"],'
                '"source":{"where":{"ServiceName":["AWS Support","Tax"]}},"to":{"dimension":"team"}}'
            ),
            text="",
            file="rules/30-shared.yaml",
            line=14,
        ),
    ),
    settings='{"cost": "EffectiveCost", "report": ["team", "env"]}',
    bill_files=(
        SourceFile("cloud", "bill/2026-07.parquet", "1" * 64),
        SourceFile("cloud", "bill/2026-08.parquet", "2" * 64),
    ),
    metric_files=(SourceFile("warehouse", "usage/2026-07.csv", "3" * 64),),
    result=(
        ElementCost("team", "checkout", "EUR", cents("140.00")),
        ElementCost("team", None, "USD", cents("1,410.00")),
        ElementCost("team", "search", "USD", cents("1,890.07")),
    ),
)

MOVE = plan(
    changes=(
        change(
            "move",
            "nat-gateway-even",
            [line("team", "search", "30.00", "25.00"), line("team", "checkout", "0.00", "5.00")],
            at=31,
        ),
    ),
    moved=(Moved("team", "USD", cents("5.00")),),
    totals=(total("USD", "10,000.00"),),
    unallocated=UNALLOCATED[1:2],
)

REMOVAL = plan(
    changes=(
        change(
            "remove",
            "datadog",
            [line("team", "search", "30.00", "0.00"), line("team", None, "1,380.00", "1,410.00")],
            at=40,
        ),
        change("remove", "squad", at=3, kind="label"),
    ),
    moved=(Moved("team", "USD", cents("30.00")),),
    totals=(total("USD", "10,000.00"),),
    unallocated=UNALLOCATED[1:2],
)

BILL_DIFFERENCE = plan(
    changes=(change("change", "datadog", at=40, fields=(FieldChange("description", None, "by contract"),)),),
    bill_changes=True,
    bill_money=(
        line("team", None, "1,400.00", "1,410.00"),
        line("team", "search", "8,000.00", "7,990.50"),
        line("env", "production", "9,000.00", "9,000.50"),
    ),
    bill_totals=(total("USD", "10,000.00", "10,000.50"), total("USD", "12,000.00", "12,000.50", cost="ListCost")),
    totals=(total("USD", "10,000.50"),),
    unallocated=UNALLOCATED[1:2],
    frozen=(FrozenMonth("2026-05", "missing"), FrozenMonth("2026-06", "missing")),
)

JOINED = plan(
    changes=(
        change("remove", "old-squads", at=3, kind="label", joined_with="support"),
        change(
            "change",
            "support",
            [line("team", None, "9.00", "0.00"), line("team", "a", "0.00", "9.00")],
            at=9,
            fields=(FieldChange("to.dimension", "old-squads", "team"),),
        ),
    ),
    moved=(Moved("team", "USD", cents("9.00")),),
    totals=(total("USD", "10,000.00"),),
)

LONG = plan(
    changes=tuple(
        change(
            "add",
            f"rule-{place:02d}",
            [line("team", None, "10.00", "9.00"), line("team", f"team {place}", "0.00", "1.00")],
            at=place,
        )
        for place in range(1, 10)
    ),
    moved=(Moved("team", "USD", cents("9.00")),),
    totals=(total("USD", "10,000.00"),),
    unallocated=UNALLOCATED[1:2],
)

UNSAFE = plan(
    changes=(
        change(
            "change",
            "odd\x1b[2J",
            [line("team", "red\x1b[31m\u202e\n", "0.00", "1.00"), line("team", "naïve 東京", "1.00", "0.00")],
            at=5,
            fields=(FieldChange("to.exclude", None, ["tab\t", "zero\u200bwidth"]),),
        ),
    ),
    moved=(Moved("team", "USD", MONEY),),
    totals=(total("USD", "10,000.00"),),
)


def cause(kind: str, rule: str | None, **amounts: str) -> Cause:
    """A cause whose deltas are of teams, in dollars; `nobody` is unallocated."""
    deltas = ((None if name == "nobody" else name, cents(text)) for name, text in amounts.items())
    return Cause(kind, rule, tuple(Delta("team", name, "USD", amount) for name, amount in deltas))


CAUSES = plan(
    changes=(
        change(
            "change",
            "shared-eks",
            [
                line("team", "platform", "182,400.11", "121,380.02"),
                line("team", "payments", "40,118.40", "71,902.77"),
                line("team", "search", "12,004.00", "41,239.72"),
            ],
            at=14,
            fields=(FieldChange("basis.metric", "even", "cpu_hours"),),
            causes=(
                cause("rule", "shared-eks", platform="-59,815.91", payments="30,580.19", search="29,235.72"),
                cause("upstream", "corp-overhead", platform="-1,204.18", payments="1,204.18"),
            ),
        ),
        change(
            "move",
            "untagged-data-lake",
            [line("team", None, "18,220.00", "0.00"), line("team", "data", "10.00", "18,230.00")],
            at=41,
            causes=(
                cause("order", "untagged-data-lake", nobody="-18,000.00", data="18,000.00"),
                cause("order", "catch-all", nobody="-200.00", data="200.00"),
                cause("rule", None, nobody="-20.00", data="20.00"),
            ),
        ),
    ),
    moved=(Moved("team", "USD", cents("79,240.09")),),
    totals=(total("USD", "1,000,000.00"),),
    unallocated=UNALLOCATED[1:2],
    result=(
        ElementCost("team", "data", "USD", cents("18,230.00")),
        ElementCost("team", "payments", "USD", cents("71,902.77")),
        ElementCost("team", "platform", "USD", cents("121,380.02")),
        ElementCost("team", "quiet", "USD", cents("747,247.49")),
        ElementCost("team", "search", "USD", cents("41,239.72")),
        ElementCost("env", "production", "USD", cents("1,000,000.00")),
    ),
)

APART = plan(
    changes=(
        change(
            "change",
            "datadog",
            [line("team", "search", "30.00", "25.00"), line("team", "checkout", "0.00", "5.00")],
            at=40,
            fields=(FieldChange("to.percent.search", "60", "50"),),
            causes=(cause("rule", "datadog", search="-5.00", checkout="5.00"),),
        ),
    ),
    bill_changes=True,
    metric_changes=True,
    bill_money=(line("team", None, "1,400.00", "1,410.00"), line("team", "search", "8,000.00", "7,990.50")),
    bill_totals=(total("USD", "10,000.00", "10,000.50"), total("USD", "12,000.00", "12,000.50", cost="ListCost")),
    bill_drift=(
        BillDrift("AWS", "2026-08", "EffectiveCost", "USD", cents("3,000.00"), cents("2,990.50")),
        BillDrift(None, "2026-09", "EffectiveCost", "USD", 0, cents("10.00")),
        BillDrift("AWS", "2026-08", "ListCost", "USD", cents("4,000.00"), cents("4,000.50")),
    ),
    restated_money=(line("team", "search", "7,995.50", "7,990.50"), line("team", "checkout", "95.00", "100.00")),
    metric_money=(line("team", "search", "7,990.50", "7,900.50"), line("team", "checkout", "100.00", "190.00")),
    totals=(total("USD", "10,000.50"),),
    moved=(Moved("team", "USD", cents("5.00")),),
    unallocated=UNALLOCATED[1:2],
    result=(
        ElementCost("team", None, "USD", cents("1,410.00")),
        ElementCost("team", "checkout", "USD", cents("195.00")),
        ElementCost("team", "search", "USD", cents("8,395.50")),
    ),
    frozen=(
        FrozenMonth("2026-04", "older"),
        FrozenMonth("2026-05", "older"),
        FrozenMonth("2026-06", "missing"),
        FrozenMonth(
            "2026-07",
            "closed",
            (line("team", "search", "900.00", "87.90"), line("team", "checkout", "0.00", "812.10")),
        ),
    ),
    restated=(
        RestatedMonth(
            "2026-08",
            (total("USD", "3,000.00", "2,990.50"), total("USD", "4,000.00", cost="ListCost")),
            (line("team", "search", "2,000.00", "1,990.50"),),
        ),
    ),
    reason="AWS corrected its invoice",
    checks=(
        CheckResult(
            check="max_moved_percent: 10 of team",
            severity="error",
            status="passed",
            message="USD 5.00 (0.1 %) moves by team; at most 10 % of a currency may",
            line=9,
        ),
        CheckResult(
            check="protect: checkout of team",
            severity="error",
            status="failed",
            message="checkout changes by USD +5.00 (+2.6 %); nothing may",
            line=10,
        ),
        CheckResult(
            check="max_unallocated_percent: 10 of team",
            severity="warn",
            status="failed",
            message="USD 1,410.00 (14.1 %) is unallocated by team; at most 10 % of a currency may be",
            line=11,
        ),
        CheckResult(
            check="protect: search of team",
            severity="error",
            status="overridden",
            message="search changes by USD -5.00 (-0.1 %); nothing may",
            line=12,
            reason="agreed with search",
            until="2026-12-31",
        ),
    ),
)

COMPARED = plan(
    base_label="rules at 1f0c9a2",
    changes=MOVE.changes,
    moved=MOVE.moved,
    totals=MOVE.totals,
    unallocated=MOVE.unallocated,
    compared_with="main",
    result=(
        ElementCost("team", "checkout", "USD", cents("5.00")),
        ElementCost("team", "search", "USD", cents("25.00")),
    ),
    writes=False,
)

EXAMPLES = {
    "causes": CAUSES,
    "apart": APART,
    "compared": COMPARED,
    "first": FIRST,
    "change": CHANGE,
    "move": MOVE,
    "removal": REMOVAL,
    "bill": BILL_DIFFERENCE,
    "joined": JOINED,
    "nothing": NOTHING,
    "long": LONG,
    "unsafe": UNSAFE,
}
"""Name of the files beside this one to plan."""

assert largest_moves(CHANGE.moved) == (("EUR", cents("100.00")), ("USD", cents("878.15")))
