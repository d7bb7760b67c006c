"""The page for people who come from other products: its rules run, and every feature has an answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from worked_pages import Example, check, examples

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-from.md"
EXAMPLES = examples(PAGE)

FEATURES = {
    "Matching": (
        "Explicit rule order",
        "First match wins",
        "AND of filters",
        "OR across keys in one rule",
        "Negation",
        "Starts/ends/contains",
        "Regular expression",
        "Untagged / absent",
        "Date range in a rule",
        "Case control",
        "Nested dimensions",
        "Cycle refused",
    ),
    "Tag work before allocation": (
        "Merge tag keys",
        "Normalise values",
        "Lookup table",
        "If tag exists: append/replace/skip",
        "Suggested merges",
        "Inherit value from tag/account",
        "Untagged coverage metric",
    ),
    "Split methods": (
        "Even",
        "Fixed percent",
        "Proportional to cost",
        "Base filter separate from source",
        "Proportional to a metric",
        "Partition / for-each",
        "Ratio granularity choice",
        "Choice of base cost type",
        "Long-tail cutoff",
        "Dynamic target discovery",
        "Several destination keys",
        "Rate markup / margin rules",
        "Hierarchical chain of shares",
        "Reciprocal (simultaneous) solving",
        "Tiered floor / min fee",
    ),
    "Correctness": (
        "Named unallocated rest",
        "Sum-of-percent validation",
        "Negative-base behaviour documented",
        "Conservation check offered",
        "Negative mirror row on source",
        "Rule name on output row",
        "Deterministic tie rule documented",
        "Shadow / overlap report in money",
    ),
}


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line {each.line}" for each in EXAMPLES])
def test_an_example_of_the_page_gives_the_figures_below_it(example: Example, tmp_path: Path) -> None:
    check(example, tmp_path)


@pytest.mark.parametrize("title", FEATURES)
def test_every_feature_has_a_row_with_an_answer(title: str) -> None:
    text = PAGE.read_text(encoding="utf-8").split(f"\n### {title}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert [name for name, _, _ in rows if name != "feature"] == list(FEATURES[title])


def test_the_page_has_an_example_of_every_product_and_every_method() -> None:
    text = PAGE.read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    with_rules = [part.splitlines()[0] for part in parts if "```yaml" in part and "USD |" in part]
    assert with_rules == ["Datadog", "CloudZero", "Costory", "AWS Cost Categories", "Feature by feature"]
    assert [each for each in ("even", "percent", "proportional", "metric") if f"method: {each}\n" not in text] == []
