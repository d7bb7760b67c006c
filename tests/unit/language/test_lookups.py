"""Which file a `lookup` means, what a rule set knows of it, and what is never opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costops.errors import StateError
from costops.language.canonical import canonical_json, revisions, rules_digest, rules_from_revisions
from costops.language.check import check
from costops.language.files import LoadedRules, load_rules
from costops.model.rules import Transform
from costops.model.version import RuleRevision

TABLE = "team,unit\ncheckout,Commerce\nsearch,Discovery\n"
LABEL = "labels:\n  - {{id: {id}, from: Tags.team, transform: [lower, {{lookup: {path}}}]}}\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root / "rules"


def load(root: Path, files: dict[str, str]) -> LoadedRules:
    return load_rules(write(root, files), root)


def told(loaded: LoadedRules) -> list[str]:
    return [
        f"{each.span.file}:{each.span.line}:{each.span.column} {each.code} {each.message}" if each.span else each.code
        for each in loaded.diagnostics
    ]


def one(root: Path, path: str, **files: str) -> LoadedRules:
    """One label that looks a table up, and the files beside it."""
    return load(root, {"rules/a.yaml": LABEL.format(id="team", path=path), **files})


def test_a_table_beside_the_rule_file_is_part_of_the_rule_set(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"rules/a.yaml": LABEL.format(id="team", path="teams.csv"), "rules/teams.csv": TABLE})
    assert told(loaded) == []
    (table,) = loaded.rules.lookups
    assert (table.id, table.rows) == ("teams.csv", (("checkout", "Commerce"), ("search", "Discovery")))
    assert (table.span.file, table.span.line, table.place("rows.search").line) == ("rules/teams.csv", 1, 3)
    assert loaded.texts["rules/teams.csv"] == table.text == TABLE
    assert loaded.rules.labels[0].transform == (Transform("lower"), Transform("lookup", ("teams.csv",)))
    assert [kind for kind, _ in loaded.rules.entries()] == ["lookup", "label"]
    assert check(loaded.rules, report=("team",), known_columns=None) == []


def test_the_path_counts_from_the_rule_file_and_the_id_from_the_rules_folder(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "rules/a.yaml": LABEL.format(id="a", path="tables/teams.csv"),
            "rules/deep/b.yaml": LABEL.format(id="b", path="../tables/./teams.csv"),
            "rules/deep/c.yaml": LABEL.format(id="c", path="teams.csv"),
            "rules/d.yaml": LABEL.format(id="d", path="../shared/TEAMS.CSV"),
            "rules/tables/teams.csv": TABLE,
            "rules/deep/teams.csv": "k,v\nx,y\n",
            "shared/TEAMS.CSV": TABLE,
        },
    )
    assert told(loaded) == []
    assert {each.id: each.transform[1].arguments[0] for each in loaded.rules.labels} == {
        "a": "tables/teams.csv",
        "b": "tables/teams.csv",
        "c": "deep/teams.csv",
        "d": "../shared/TEAMS.CSV",
    }
    assert [each.id for each in loaded.rules.lookups] == ["../shared/TEAMS.CSV", "deep/teams.csv", "tables/teams.csv"]


def test_transforms_of_sources_and_of_dimension_rules_name_tables_too(tmp_path: Path) -> None:
    text = """
labels:
  - {id: team, from: [{field: Tags.team, transform: {lookup: a.csv}}, Tags.owner]}
dimensions:
  - {id: unit, stage: result, rules: [{from: {field: team, transform: [{lookup: b.csv}]}, transform: {lookup: c.csv}}]}
  - {id: off, enabled: false, rules: [{from: team, transform: [{lookup: d.csv}, {lookup: a.csv}]}]}
"""
    loaded = load(tmp_path, {"rules/x.yaml": text, **{f"rules/{name}.csv": TABLE for name in "abcde"}})
    assert told(loaded) == []
    assert [each.id for each in loaded.rules.lookups] == ["a.csv", "b.csv", "c.csv", "d.csv"]
    assert [each.id for each in loaded.rules.used_lookups()] == ["a.csv", "b.csv", "c.csv"]


def test_a_table_that_only_a_useless_transform_names_is_no_part_of_the_rules(tmp_path: Path) -> None:
    rules = "dimensions: [{id: a, rules: [{value: x, transform: {lookup: t.csv}}]}]"
    loaded = load(tmp_path, {"rules/a.yaml": rules, "rules/t.csv": TABLE})
    assert [each.code for each in loaded.diagnostics] == ["CO218"]
    assert loaded.rules.lookups == ()


def test_mistakes_inside_a_table_are_told_once_and_missing_ones_wherever_they_are_named(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "rules/a.yaml": LABEL.format(id="a", path="bad.csv"),
            "rules/b.yaml": LABEL.format(id="b", path="bad.csv"),
            "rules/c.yaml": LABEL.format(id="c", path="gone.csv"),
            "rules/d.yaml": LABEL.format(id="d", path="gone.csv"),
            "rules/bad.csv": "k,v\na,b\na,c\n",
        },
    )
    assert told(loaded) == [
        "rules/bad.csv:3:1 CO117 the key `a` stands in this table twice",
        "rules/c.yaml:2:58 CO320 the lookup table rules/gone.csv does not exist",
        "rules/d.yaml:2:58 CO320 the lookup table rules/gone.csv does not exist",
    ]
    found = check(loaded.rules, report=(), known_columns=None, broken=loaded.broken, complete=loaded.complete)
    assert found == []


def test_a_slip_in_the_name_is_recognised(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"rules/a.yaml": LABEL.format(id="a", path="team.csv"), "rules/teams.csv": TABLE})
    assert [each.hint for each in loaded.diagnostics] == ["did you mean `teams.csv`?"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("../../outside.csv", "CO115 the lookup table ../../outside.csv lies outside the workspace"),
        ("x/../../../outside.csv", "CO115 the lookup table x/../../../outside.csv lies outside the workspace"),
        ("/etc/passwd", "CO115 the lookup table /etc/passwd has an absolute path"),
        ("../../etc/passwd", "CO115 the lookup table ../../etc/passwd lies outside the workspace"),
        ("link.csv", "CO114 rules/link.csv is a link that leaves the workspace"),
        ("../linked/outside.csv", "CO114 linked/outside.csv is a link that leaves the workspace"),
        ("secret.csv", "CO116 the lookup table rules/secret.csv is no CSV file"),
        ("../.env", "CO116 the lookup table .env is no CSV file"),
        ("pipe.csv", "CO101 the lookup table rules/pipe.csv is no regular file"),
        (".", "CO116 the lookup table rules is no CSV file"),
        ("dir.csv", "CO101 the lookup table rules/dir.csv is no regular file"),
        ("loop.csv", "CO320 the lookup table rules/loop.csv does not exist"),
    ],
)
def test_what_is_no_table_of_the_workspace_is_never_opened(tmp_path: Path, path: str, expected: str) -> None:
    root = tmp_path / "workspace"
    folder = write(
        root, {"rules/a.yaml": LABEL.format(id="a", path=path), "rules/dir.csv/x": "", ".env": "TOKEN=hunter2\n"}
    )
    (tmp_path / "outside.csv").write_text("TOKEN=hunter2\n")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    (root / "linked").symlink_to(tmp_path)
    (folder / "secret.csv").symlink_to(root / ".env")
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    os.mkfifo(folder / "pipe.csv")
    loaded = load_rules(folder, root)
    assert told(loaded) == [f"rules/a.yaml:2:58 {expected}"]
    assert loaded.rules.lookups == ()
    assert not any("hunter2" in text for text in loaded.texts.values())


def test_a_link_inside_the_workspace_is_followed(tmp_path: Path) -> None:
    folder = write(tmp_path, {"rules/a.yaml": LABEL.format(id="a", path="link.csv"), "shared/teams.csv": TABLE})
    (folder / "link.csv").symlink_to(tmp_path / "shared" / "teams.csv")
    loaded = load_rules(folder, tmp_path)
    assert told(loaded) == []
    assert [each.id for each in loaded.rules.lookups] == ["link.csv"]


def test_a_table_that_may_not_be_read_is_an_error_with_the_reason(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"rules/a.yaml": LABEL.format(id="a", path="x" * 300 + ".csv")})
    assert [each.code for each in loaded.diagnostics] == ["CO101"]
    assert "File name too long" in loaded.diagnostics[0].message


def test_a_syntax_error_in_one_file_hides_no_problem_of_another(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "rules/10.yaml": "labels:\n\t- {id: tema, from: Tags.a}\n",
            "rules/20.yaml": LABEL.format(id="a", path="bad.csv") + "  - {id: b, from: Tags.b, drop: [1]}\n",
            "rules/30.yaml": "allocations: [{id: c, metod: even}]\n",
            "rules/bad.csv": "k,v\n,c\n",
        },
    )
    assert [each.split(" ")[0].split(":")[0] + " " + each.split(" ")[1] for each in told(loaded)] == [
        "rules/10.yaml CO105",
        "rules/20.yaml CO204",
        "rules/30.yaml CO202",
        "rules/30.yaml CO202",
        "rules/30.yaml CO202",
        "rules/30.yaml CO201",
        "rules/bad.csv CO209",
    ]


# What the state keeps


def test_a_table_is_kept_and_bound_again(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"rules/a.yaml": LABEL.format(id="a", path="teams.csv"), "rules/teams.csv": TABLE})
    kept = revisions(loaded.rules)
    assert [(each.kind, each.id, each.file, each.line) for each in kept] == [
        ("lookup", "teams.csv", "rules/teams.csv", 1),
        ("label", "a", "rules/a.yaml", 2),
    ]
    assert kept[0].text == TABLE
    assert kept[0].canonical == '{"id":"teams.csv","rows":{"checkout":"Commerce","search":"Discovery"}}'
    (tmp_path / "rules" / "teams.csv").unlink()
    again = rules_from_revisions(kept)
    assert again == loaded.rules
    assert rules_digest(again) == rules_digest(loaded.rules)
    assert check(again, report=(), known_columns=None) == []


@pytest.mark.parametrize(
    "canonical",
    [
        '{"id":"t.csv"}',
        '{"id":"t.csv","rows":[]}',
        '{"id":"t.csv","rows":{"a":1}}',
        '{"id":"t.csv","rows":{"a":""}}',
        '{"id":"t.csv","rows":{"":"a"}}',
        '{"id":"t.csv","rows":{"a":null}}',
        '{"id":"t.csv","rows":{},"more":1}',
        '{"id":1,"rows":{}}',
        "[]",
        "1",
    ],
)
def test_a_kept_table_of_another_shape_is_refused(canonical: str) -> None:
    kept = RuleRevision(kind="lookup", id="t.csv", canonical=canonical, text="", file="rules/t.csv", line=1)
    with pytest.raises(StateError, match=r"the state's lookup `t.csv` cannot be read: it is no table of texts"):
        rules_from_revisions([kept])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('unit,team\n"search",Discovery\n\nlegacy,\ncheckout,Commerce', True),
        ("team,unit\ncheckout,commerce\nsearch,Discovery\n", False),
        ("team,unit\ncheckout,Commerce\n", False),
        ("team,unit\ncheckout ,Commerce\nsearch,Discovery\n", False),
    ],
)
def test_the_digest_is_that_of_the_rows_and_not_of_how_they_are_written(tmp_path: Path, text: str, same: bool) -> None:
    rules = {"rules/a.yaml": LABEL.format(id="a", path="teams.csv")}
    first = load(tmp_path / "one", {**rules, "rules/teams.csv": TABLE}).rules
    second = load(tmp_path / "two", {**rules, "rules/teams.csv": text}).rules
    assert (rules_digest(first) == rules_digest(second)) is same
    assert (first == second) is same
    kind, entry = first.entries()[1]
    assert canonical_json(kind, entry) == canonical_json(*second.entries()[1])
