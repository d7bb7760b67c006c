"""All rule files of a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costops.language.check import check
from costops.language.files import load_rules
from costops.model.diagnostic import in_order

RULE = "allocations: [{{id: {id}, source: {{}}, method: even, to: {{dimension: env}}}}]\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / "rules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root / "rules"


def test_files_are_ordered_part_by_part_as_bytes(tmp_path: Path) -> None:
    names = [
        "b.yaml",
        "a/z.yaml",
        "a.yaml",
        "a-b/c.yml",
        "Z.yaml",
        "a/b/c.yaml",
        "é.yaml",
        "10.yaml",
        "9.yaml",
        "\U0001f600.yaml",
        "ﬀ.yaml",
    ]
    folder = write(tmp_path, {name: RULE.format(id=f"r{index}") for index, name in enumerate(names)})
    loaded = load_rules(folder, tmp_path)
    assert loaded.diagnostics == ()
    assert [each.span.file.removeprefix("rules/") for each in loaded.rules.allocations] == [
        "10.yaml",
        "9.yaml",
        "Z.yaml",
        "a/b/c.yaml",
        "a/z.yaml",
        "a-b/c.yml",
        "a.yaml",
        "b.yaml",
        "é.yaml",
        "ﬀ.yaml",
        "\U0001f600.yaml",
    ]


def test_hidden_and_other_files_are_no_rule_files(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            ".a.yaml": "x",
            ".git/a.yaml": "x",
            "readme.md": "x",
            "teams.csv": "x",
            "a.yaml~": "x",
            "b.yml": RULE.format(id="b"),
        },
    )
    loaded = load_rules(folder, tmp_path)
    assert (list(loaded.texts), loaded.diagnostics) == (["rules/b.yml"], ())


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    loaded = load_rules(tmp_path / "rules", tmp_path)
    assert [(each.code, each.message) for each in loaded.diagnostics] == [
        ("CO113", "the rules folder rules does not exist")
    ]
    assert loaded.has_errors


def test_an_empty_folder_is_an_empty_rule_set(tmp_path: Path) -> None:
    loaded = load_rules(write(tmp_path, {"empty.yaml": ""}), tmp_path)
    assert (loaded.diagnostics, loaded.rules.entries()) == ((), ())


def test_links_may_stay_in_the_workspace_and_never_leave_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(RULE.format(id="x"))
    root = tmp_path / "workspace"
    folder = write(root, {"a.yaml": RULE.format(id="a")})
    (root / "shared.yaml").write_text(RULE.format(id="shared"))
    (folder / "b.yaml").symlink_to(outside / "x.yaml")
    (folder / "c").symlink_to(outside)
    (folder / "d.yaml").symlink_to(root / "shared.yaml")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.yaml").symlink_to(folder / "nothing.yaml")
    loaded = load_rules(folder, root)
    assert [(each.code, each.span and each.span.file) for each in loaded.diagnostics] == [
        ("CO114", "rules/b.yaml"),
        ("CO114", "rules/c"),
        ("CO101", "rules/gone.yaml"),
    ]
    assert [each.id for each in loaded.rules.allocations] == ["a", "shared"]


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.yaml": ""})
    os.mkfifo(folder / "pipe.yaml")
    assert [each.message for each in load_rules(folder, tmp_path).diagnostics] == ["this is no regular file"]


def test_all_errors_of_all_files_come_at_once_by_place(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "20.yaml": "allocations:\n"
            "  - {id: a, source: {where: {SubAccountId: 012345678901}}, method: even, to: {dimension: tema}}\n"
            "  - {id: b, metod: even}\n",
            "10.yaml": "labels:\n  - {id: team, from: Tags.team, enabled: yes}\n  - {id: team, from: Tags.x}\n",
            "30/x.yaml": "dimensions:\n  - {id: a, rules: [{from: b}]}\n  - {id: b, rules: [{from: a}]}\n",
        },
    )
    loaded = load_rules(folder, tmp_path)
    found = check(loaded.rules, report=("team",), known_columns=None, broken=loaded.broken, complete=loaded.complete)
    everything = in_order([*loaded.diagnostics, *found])
    assert [(each.span and f"{each.span.file}:{each.span.line}", each.code) for each in everything] == [
        ("rules/10.yaml:2", "CO206"),
        ("rules/10.yaml:3", "CO208"),
        ("rules/20.yaml:2", "CO204"),
        ("rules/20.yaml:2", "CO301"),
        ("rules/20.yaml:3", "CO202"),
        ("rules/20.yaml:3", "CO202"),
        ("rules/20.yaml:3", "CO202"),
        ("rules/20.yaml:3", "CO201"),
        ("rules/30/x.yaml:2", "CO304"),
    ]


def test_a_broken_file_does_not_make_its_names_unknown(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {"a.yaml": "labels:\n\t- {id: tema, from: Tags.a}\n", "b.yaml": RULE.format(id="b").replace("env", "tema")},
    )
    loaded = load_rules(folder, tmp_path)
    assert not loaded.complete
    assert [each.code for each in loaded.diagnostics] == ["CO105"]
    assert check(loaded.rules, report=("other",), known_columns=frozenset(), complete=loaded.complete) == []


@pytest.mark.parametrize("data", [b"a: \xff", b"#" * ((1 << 20) + 1)])
def test_a_file_that_cannot_be_read_is_one_error(tmp_path: Path, data: bytes) -> None:
    folder = write(tmp_path, {})
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_bytes(data)
    loaded = load_rules(folder, tmp_path)
    assert len(loaded.diagnostics) == 1
    assert not loaded.complete
