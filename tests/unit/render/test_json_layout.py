"""Large documents are laid out as every other one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.render.golden.plans import EXAMPLES

from costops.render.json_layout import laid_out
from costops.render.plan_json import plan_document
from costops.render.safe import json_text

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
)


@given(VALUES)
def test_every_value_is_written_to_the_same_bytes(value: object) -> None:
    assert laid_out(value) == json_text(value)


@pytest.mark.parametrize("value", ["\x7f", "é\u202e", {"\x7f": ["\u2028"]}, {"a": {}, "b": []}, [[[]]], 10**30])
def test_unsafe_and_empty_values_too(value: object) -> None:
    assert laid_out(value) == json_text(value)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_plans_too(name: str) -> None:
    document = plan_document(EXAMPLES[name])
    assert laid_out(document) == json_text(document)
