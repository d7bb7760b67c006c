"""What `renamed_from` may say, by the files alone."""

from __future__ import annotations

import pytest

from costops.language.renames import check_renames

RULE = "source: {}, method: even, to: {dimension: team}"


def shown(bind, text: str) -> list[tuple[str, str]]:
    rules, found = bind(text)
    assert not [each for each in found if each.is_error]
    return [(f"{each.span.line}:{each.span.column}", f"{each.code} {each.message}") for each in check_renames(rules)]


def entries(kind: str, *written: str) -> str:
    needed = {
        "labels": "from: Tags.x",
        "metrics": "source: w, query: q",
        "allocations": RULE,
        "dimensions": "rules: []",
    }
    return f"{kind}:\n" + "".join(f"  - {{{each}, {needed[kind]}}}\n" for each in written)


KINDS = ["labels", "dimensions", "metrics", "allocations"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_id_that_is_gone_is_fine_in_every_kind(bind, kind) -> None:
    text = entries(kind, "id: a, renamed_from: b", "id: c, renamed_from: [d, e]")
    assert shown(bind, text) == []
    (first, second) = getattr(bind(text)[0], kind)
    assert (first.renamed_from, second.renamed_from) == (("b",), ("d", "e"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_id_that_an_entry_still_has_is_an_error(bind, kind) -> None:
    text = entries(kind, "id: b", "id: a, renamed_from: [c, b]")
    name = kind.removesuffix("s")
    assert shown(bind, text) == [("3:31", f"CO321 the {name} `b` still exists, so that `a` cannot have been it")]


def test_an_old_id_that_a_disabled_entry_has_is_an_error_too(bind) -> None:
    text = entries("labels", "id: b, enabled: false", "id: a, renamed_from: b, enabled: false")
    assert [each[:5] for _, each in shown(bind, text)] == ["CO321"]


def test_an_id_of_another_kind_has_nothing_to_do_with_it(bind) -> None:
    text = entries("labels", "id: env") + entries("dimensions", "id: stage, renamed_from: env")
    assert shown(bind, text) == []


def test_entries_may_change_ids_with_each_other(bind) -> None:
    assert shown(bind, entries("labels", "id: a, renamed_from: b", "id: b, renamed_from: a")) == []
    assert shown(bind, entries("labels", "id: b, renamed_from: a", "id: a, renamed_from: c")) == []


def test_an_entry_is_never_renamed_from_itself(bind) -> None:
    found = shown(bind, entries("metrics", "id: a, renamed_from: [b, a]"))
    assert found == [("2:31", "CO322 the metric `a` cannot be renamed from itself")]


def test_two_entries_cannot_have_been_the_same(bind) -> None:
    found = shown(bind, entries("allocations", "id: a, renamed_from: x", "id: b, renamed_from: [y, x]"))
    assert found == [("3:31", "CO323 the allocation `a` is renamed from `x` too, which was one entry")]


def test_an_old_id_twice_in_a_list_is_an_error(bind) -> None:
    _, found = bind(entries("labels", "id: a, renamed_from: [b, b]"))
    assert [each.code for each in found] == ["CO217"]
