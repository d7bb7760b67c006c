"""What rule files say, kept in the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from fuzzing import rule_texts

from costops.config import load_settings
from costops.language.canonical import rules_digest
from costops.language.files import FileRules, LoadedRules, load_rules
from costops.language.kept import KeptFiles
from costops.model.conditions import make_test
from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.rules import Allocation, Dimension, Entry, Label, Metric

RULE = "allocations: [{id: a, source: {where: {ServiceName: [b, {like: c%}]}}, method: even, to: {dimension: env}}]\n"


def everything(loaded: LoadedRules) -> object:
    """All of it, with the places that equality of entries leaves out."""
    entries = [(kind, entry, entry.span, dict(entry.places), entry.text) for kind, entry in loaded.rules.entries()]
    parts = (loaded.diagnostics, dict(loaded.texts), list(loaded.texts), loaded.broken, loaded.complete)
    return entries, parts, rules_digest(loaded.rules)


def workspace(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root / "rules"


def many(root: Path) -> Path:
    files = {f"rules/{number:02}.yaml": text for number, text in enumerate(rule_texts())}
    table = {"rules/teams.csv": "team,unit\ncheckout,retail\n"}
    wrong = {
        "rules/wrong.yaml": "labels:\n  - {id: x, form: y}\n  - {id: x, from: 012}\nrest: 1\n",
        "rules/again.yaml": "labels: [{id: x, from: z}]\n",
        "rules/no.yaml": "a: [\n",
        "rules/tables.yaml": "labels: [{id: u, from: Tags.team, transform: [{lookup: teams.csv}]}]\n",
        "rules/odd.yaml": "\ufefflabels: [{id: '😀 東京', from: a}, {id: é, from: 'e\u0301', name: \"\\u202e\"}]\r\n",
    }
    return workspace(root, files | table | wrong)


def test_the_result_is_the_same_without_cache_and_with_one_that_is_empty_or_full(tmp_path: Path) -> None:
    folder, cache = many(tmp_path), tmp_path / "cache"
    without = everything(load_rules(folder, tmp_path))
    assert everything(load_rules(folder, tmp_path, cache)) == without
    assert len(list(cache.iterdir())) > 20
    assert everything(load_rules(folder, tmp_path, cache)) == without


def test_an_entry_of_every_kind_and_every_field_comes_back_as_it_was(tmp_path: Path) -> None:
    span = Span("rules/a.yaml", 1, 2, 3, 4)
    condition = make_test("a", "is", [None, "b"])
    said = FileRules(
        entries=tuple(_full(kind, span) for kind in (Label, Dimension, Metric, Allocation)),
        broken=(("label", "x"),),
        diagnostics=(
            Diagnostic(
                code="CO105", severity=Severity.ERROR, message="é\n\x00", span=span, hint="h", related=((span, "r"),)
            ),
            Diagnostic(code="CO218", severity=Severity.WARNING, message="m"),
        ),
        complete=False,
    )
    files = KeptFiles(tmp_path)
    files.keep(said, "rules/a.yaml", b"x")
    found = KeptFiles(tmp_path).find(FileRules, "rules/b.yaml", b"x")
    assert found is not None
    moved = Span("rules/b.yaml", 1, 2, 3, 4)
    assert found.entries == said.entries
    assert [each.span for each in found.entries] == [moved] * 4
    assert [dict(each.places) for each in found.entries] == [{"id": moved, "é.\n": moved}] * 4
    assert found.diagnostics[0].related == ((moved, "r"),)
    assert (found.diagnostics[1], found.broken, found.complete) == (said.diagnostics[1], said.broken, False)
    assert condition in (each.source for each in found.entries if isinstance(each, Allocation))


def _full(kind: type[Entry], span: Span) -> Entry:
    """An entry whose every field has another value than its default."""
    from dataclasses import fields
    from typing import get_type_hints

    from costops.model.conditions import All, AnyOf, Not
    from costops.model.rules import Cutoff, DimensionRule, Method, Rename, Source, Transform

    condition = make_test("a", "is", [None, "b"])
    tree = All((AnyOf((condition, Not(condition))), make_test("b", "like", ["c%"], ignore_case=True)))
    sources = (Source("a", (Transform("split", ("-", "0")),)), Source("b"))
    values: dict[str, object] = {
        "span": span, "places": {"id": span, "é.\n": span}, "text": "- id: a\n  é: 😀", "source": condition,
        "basis": tree, "element_where": tree, "drop": tree, "sources": sources, "transform": sources[0].transform,
        "method": Method.METRIC,
        "rename": (Rename("x", condition),), "cutoff": Cutoff(percent=10**12, element=("a", "b")),
        "rules": (DimensionRule(value="v"), DimensionRule(concat=sources, format=("a", 0, "b", 1), where=tree)),
        "percent": ((("a", "b"), 60 * 10**12),), "values": (("a", "b"),), "excluded": (("c", "d"),), "remainder": (),
        "basis_metrics": (("m", 2 * 10**12),), "labels": (("a", "b"),), "enabled": False,
    }  # fmt: skip
    if kind is Metric:
        values["source"] = "warehouse"
    hints = get_type_hints(kind)
    for each in fields(kind):
        if each.name not in values:
            plain = {bool: True, str: "text", str | None: "text", tuple[str, ...]: ("a", "b")}
            values[each.name] = plain[hints[each.name]]
    return kind(**{each.name: values[each.name] for each in fields(kind)})  # type: ignore[arg-type]


def test_a_kept_file_is_not_read_again(tmp_path: Path) -> None:
    folder, cache = workspace(tmp_path, {"rules/a.yaml": RULE}), tmp_path / "cache"
    load_rules(folder, tmp_path, cache)
    (entry,) = cache.iterdir()
    before = entry.stat().st_mtime_ns, entry.read_bytes()
    load_rules(folder, tmp_path, cache)
    (again,) = cache.iterdir()
    assert (again.stat().st_mtime_ns, again.read_bytes()) == before


def test_a_changed_file_is_read_and_two_files_of_the_same_content_share_what_is_kept(tmp_path: Path) -> None:
    folder, cache = workspace(tmp_path, {"rules/a.yaml": RULE, "rules/b.yaml": RULE}), tmp_path / "cache"
    loaded = load_rules(folder, tmp_path, cache)
    assert len(list(cache.iterdir())) == 1
    assert [(each.code, each.span and each.span.file) for each in loaded.diagnostics] == [("CO208", "rules/b.yaml")]
    (folder / "b.yaml").write_text(RULE.replace("id: a", "id: b"))
    loaded = load_rules(folder, tmp_path, cache)
    assert [(each.id, each.span.file) for each in loaded.rules.allocations] == [
        ("a", "rules/a.yaml"),
        ("b", "rules/b.yaml"),
    ]
    assert len(list(cache.iterdir())) == 2


def test_a_table_that_changes_is_seen(tmp_path: Path) -> None:
    rules = "labels: [{id: u, from: Tags.team, transform: [{lookup: teams.csv}]}]\n"
    folder = workspace(tmp_path, {"rules/a.yaml": rules, "rules/teams.csv": "team,unit\na,b\n"})
    cache = tmp_path / "cache"
    assert load_rules(folder, tmp_path, cache).rules.lookups[0].rows == (("a", "b"),)
    (folder / "teams.csv").write_text("team,unit\na,c\n")
    assert load_rules(folder, tmp_path, cache).rules.lookups[0].rows == (("a", "c"),)
    (folder / "teams.csv").unlink()
    assert [each.code for each in load_rules(folder, tmp_path, cache).diagnostics] == ["CO320"]


def damaged(content: bytes) -> list[bytes]:
    digest, _, body = content.partition(b"\n")
    other = json.loads(body)
    other["entries"] = []
    foreign = json.dumps(other).encode()
    return [
        b"",
        b"\n",
        content[:-1],
        content + b" ",
        content[: len(content) // 2],
        content.replace(b'"even"', b'"EVEN"'),
        digest + b"\n" + foreign,
        hashlib.sha256(foreign).hexdigest().encode() + b"\n" + foreign,
        b"\xff" * 100,
        b"[" * 100_000,
    ]


def test_a_damaged_or_foreign_entry_is_not_believed_and_written_again(tmp_path: Path) -> None:
    folder, cache = workspace(tmp_path, {"rules/a.yaml": RULE}), tmp_path / "cache"
    whole = everything(load_rules(folder, tmp_path, cache))
    (entry,) = cache.iterdir()
    content = entry.read_bytes()
    for bad in damaged(content):
        entry.write_bytes(bad)
        assert everything(load_rules(folder, tmp_path, cache)) == whole
        assert entry.read_bytes() == content


def test_what_another_file_says_is_not_believed_under_this_ones_name(tmp_path: Path) -> None:
    other = RULE.replace("id: a", "id: b")
    folder, cache = workspace(tmp_path, {"rules/a.yaml": RULE, "rules/b.yaml": other}), tmp_path / "cache"
    whole = everything(load_rules(folder, tmp_path, cache))
    first, second = sorted(cache.iterdir())
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert everything(load_rules(folder, tmp_path, cache)) == whole
    assert (first.read_bytes(), second.read_bytes()) == (one, two)


def test_a_right_digest_over_what_is_no_entry_is_no_reason_to_fail(tmp_path: Path) -> None:
    folder, cache = workspace(tmp_path, {"rules/a.yaml": RULE}), tmp_path / "cache"
    whole = everything(load_rules(folder, tmp_path, cache))
    (entry,) = cache.iterdir()
    for body in (
        b"null",
        b"[]",
        b"{}",
        b'{"entries": [["Nothing", {}]]}',
        b'{"entries": [["Label", {"id": 5}]]}',
        b"1e999",
    ):
        digest = hashlib.sha256(f"{entry.stem}\n".encode() + body).hexdigest()
        entry.write_bytes(f"{digest}\n".encode() + body)
        assert everything(load_rules(folder, tmp_path, cache)) == whole


@pytest.mark.parametrize("kind", ["a file", "a link to nothing", "a folder in the way"])
def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path, kind: str) -> None:
    folder, cache = workspace(tmp_path, {"rules/a.yaml": RULE}), tmp_path / "cache"
    whole = everything(load_rules(folder, tmp_path))
    if kind == "a file":
        cache.write_text("")
    elif kind == "a link to nothing":
        cache.symlink_to(tmp_path / "nothing" / "here")
        (tmp_path / "nothing").write_text("")
    else:
        load_rules(folder, tmp_path, cache)
        (entry,) = cache.iterdir()
        entry.unlink()
        entry.mkdir()
    assert everything(load_rules(folder, tmp_path, cache)) == whole


def test_the_oldest_go_first_and_neither_what_is_in_use_nor_what_is_not_ours(tmp_path: Path) -> None:
    said = FileRules((), (), (), True)
    KeptFiles(tmp_path).keep(said, "a.yaml", b"used")
    (used,) = tmp_path.iterdir()
    strangers = [tmp_path / "notes.txt", tmp_path / f"{'a' * 63}.json"]
    old = [tmp_path / f"{number:064x}.json" for number in range(3)]
    unfinished = tmp_path / f".{'b' * 64}.123"
    for path in (*strangers, *old, unfinished):
        path.write_bytes(b"x" * 1000)
    for age, path in enumerate((*strangers, used, old[0], old[1], old[2])):
        os.utime(path, ns=(age, age))
    files = KeptFiles(tmp_path, most_bytes=2_500)
    assert files.find(FileRules, "a.yaml", b"used") == said
    files.drop_oldest()
    assert all(each.exists() for each in old), "nothing was written, so that nothing need go"
    files.keep(said, "a.yaml", b"new")
    files.drop_oldest()
    assert [each.exists() for each in old] == [False, False, True]
    assert not unfinished.exists()
    assert all(each.exists() for each in (*strangers, used))
    assert KeptFiles(tmp_path).find(FileRules, "a.yaml", b"new") == said


def test_settings_are_the_same_from_the_cache(tmp_path: Path) -> None:
    (tmp_path / "costops.yaml").write_text("version: 1\nreport: [env, team]\ncost: BilledCost\n")
    first = load_settings(tmp_path)
    assert len(list((tmp_path / ".costops" / "cache" / "rules").iterdir())) == 1
    again = load_settings(tmp_path)
    assert again == first
    assert dict(again.settings.spans) == dict(first.settings.spans)
    assert again.texts == first.texts
