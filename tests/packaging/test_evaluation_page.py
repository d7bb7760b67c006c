"""What the page on evaluation says about single fields: each of its examples gives the figures below it."""

from __future__ import annotations

from pathlib import Path

import pytest
from worked_pages import Example, check, examples

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evaluation.md"
EXAMPLES = examples(PAGE)


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line {each.line}" for each in EXAMPLES])
def test_an_example_of_the_page_gives_the_figures_below_it(example: Example, tmp_path: Path) -> None:
    check(example, tmp_path)


def test_the_page_has_an_example_of_every_field_that_shapes_a_basis() -> None:
    rules = "".join(each.case.rules for each in EXAMPLES if isinstance(each.case.rules, str))
    elements = ("where:", "exclude:", "remainder:", "cutoff:", "direct.team", "concat:")
    weights = ("quantity:", "metric:", "weight:", "negative:", "on_empty:", "granularity:", "effective:")
    rows = ("include_source:", "from: direct")
    assert [field for field in (*elements, *weights, *rows) if field not in rules] == []
