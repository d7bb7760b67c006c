"""Hostile texts in every place that strangers fill, through the real commands: nothing of them is live anywhere."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cli.commands import Done, costops
from cli.injection_corpus import (
    BLOCKS,
    COMMANDS,
    CORPUS,
    FORMULAS,
    LINKS,
    REFERENCES,
    TERMINAL,
    Allowed,
    nothing_live,
    structure,
)
from workbench import Case, charge, write

pytestmark = pytest.mark.xdist_group("injection")

IN_RULES = [each for each in (*COMMANDS, *FORMULAS, *LINKS, *REFERENCES, *BLOCKS, *TERMINAL) if "\x00" not in each]
"""What a rule file is made to say; a YAML file has no NUL."""
FILE_NAMES = [
    each
    for each in CORPUS
    if "/" not in each and "\x00" not in each and not each.startswith(".") and len(each.encode()) < 100
]


def rules(values: list[str], *, owner: str) -> dict[str, object]:
    """Rules that say hostile things in every field that takes any text."""
    return {
        "labels": [{"id": "env", "from": "Tags.env"}, {"id": "team", "from": "Tags.team"}],
        "allocations": [
            {
                "id": "GH-1",
                "name": owner,
                "description": owner,
                "owner": owner,
                "source": {"where": {"Tags.env": values}},
                "method": "percent",
                "to": {"dimension": "team", "percent": dict.fromkeys(values[:4], 25)},
            }
        ],
    }


def write_ascii(path: Path, content: dict[str, object]) -> None:
    """JSON is YAML, but for a character beyond the first 65,536, which the texts here do not have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace at version 2 whose bill has every text of the corpus as tag values, with changed rules."""
    folder = tmp_path_factory.mktemp("hostile") / "work"
    bill = [charge("EC2", str(10 + place), env=text, team=CORPUS[-place]) for place, text in enumerate(CORPUS)]
    bill += [charge("EC2", "7", day="2025-05-10", env=text) for text in CORPUS[::3]]
    write(Case("", bill), folder)
    file = folder / "rules" / "10-rules.yaml"
    environment = {"COSTOPS_ACTOR": "::error::\x1b[2J@octocat", "GIT_CONFIG_GLOBAL": "/dev/null"}
    for values, owner in ((IN_RULES[:20], "first"), (IN_RULES[10:60], "::error::\n\x1b[2J##[x] @octocat")):
        write_ascii(file, rules(values, owner=owner))
        done = costops(folder, "apply", "--auto-approve", environment=environment)
        assert done.code == 0, done.err
        assert found_in(done, "text") == []
    write_ascii(file, rules(IN_RULES[60:], owner="=1+1 [x](https://evil.example)"))
    return folder


def found_in(done: Done, form: str) -> list[str]:
    return [*nothing_live(done.out, form), *nothing_live(done.err, "text")]


COMMAND_LINES = [
    ("text", "plan", "--all"),
    ("text", "plan"),
    ("json", "plan", "--format", "json"),
    ("text", "plan", "--verbose", "--profile", "--full"),
    ("text", "ledger", "--by", "env,team"),
    ("csv", "ledger", "--by", "env,team", "--format", "csv"),
    ("csv", "ledger", "--by", "team,env,allocation_path", "--format", "csv"),
    ("json", "ledger", "--by", "env,team", "--format", "json"),
    ("text", "digest", "--all"),
    ("text", "digest", "--by", "team"),
    ("json", "digest", "--format", "json"),
    ("text", "show", "--all"),
    ("json", "show", "--format", "json"),
    ("text", "history"),
    ("json", "history", "--format", "json"),
    ("text", "diff", "1", "2", "--all"),
    ("json", "diff", "1", "2", "--format", "json"),
    ("text", "bill", "--all"),
    ("json", "bill", "--format", "json"),
    ("text", "validate"),
    ("json", "validate", "--format", "json"),
    ("text", "state", "check"),
]


@pytest.mark.parametrize("line", COMMAND_LINES, ids=lambda each: " ".join(each[1:]))
def test_nothing_is_live_in_what_a_command_prints(line: tuple[str, ...], hostile: Path) -> None:
    form, *arguments = line
    done = costops(hostile, *arguments, environment={"COLUMNS": "60"})
    assert done.code == 0, done.err
    assert done.out or arguments == ["validate"]
    assert found_in(done, form) == []


def test_every_text_is_there_in_json_and_raw_csv(hostile: Path) -> None:
    done = costops(hostile, "ledger", "--by", "env", "--version", "1", "--format", "json")
    values = {row["env"] for row in json.loads(done.out)["rows"]}
    assert set(CORPUS) <= values
    raw = costops(hostile, "ledger", "--by", "env", "--version", "1", "--format", "csv", "--raw")
    assert {row[0] for row in csv.reader(io.StringIO(raw.out, newline=""))} >= values - {None}
    assert nothing_live(raw.out, "csv") != []


def test_a_saved_plan_that_is_stale_tells_its_reasons_safely(hostile: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hostile, tmp_path / "copy"))
    assert costops(folder, "plan", "--out", "plan.json").code == 0
    assert found_in(costops(folder, "show", "plan.json", "--all"), "text") == []
    write_ascii(folder / "rules" / "10-rules.yaml", rules(IN_RULES[:90], owner="::x"))
    done = costops(folder, "apply", "plan.json")
    assert done.code == 5
    assert found_in(done, "text") == []


def test_names_of_files_are_not_live(tmp_path: Path) -> None:
    write(Case("", [charge("EC2", "1", env="a")], report=("env",)), tmp_path)
    (tmp_path / "rules" / "10-rules.yaml").write_text("labels:\n  - {id: env, from: Tags.env}\n")
    part = (tmp_path / "bill" / "part-0.csv").read_bytes()
    for place, name in enumerate(FILE_NAMES):
        write_ascii(tmp_path / "rules" / f"{name}.yaml", rules([str(place)], owner=name) | {"labels": []})
        (tmp_path / "bill" / name).write_bytes(b"no bill")
        (tmp_path / "bill" / f"{name}.csv").write_bytes(part)
    done = costops(tmp_path, "validate", "--no-data")
    assert done.code == 3, "an id stands in every file"
    assert found_in(done, "text") == []
    assert found_in(costops(tmp_path, "validate", "--no-data", "--format", "json"), "json") == []
    done = costops(tmp_path, "plan", "--format", "json")
    assert done.code in (1, 3), "which of the two is looked at first is not the point here"
    assert found_in(done, "json") == []
    for each in (tmp_path / "rules").glob("*"):
        if each.name != "10-rules.yaml":
            each.unlink()
    for arguments in (("bill", "--all"), ("plan",)):
        assert found_in(costops(tmp_path, *arguments), "text") == []


@pytest.mark.parametrize("text", ["::error::x", "##[x]", "\x1b[2J", "-##vso[x]", "\xa0::x", "\u202e"])
def test_lines_of_broken_rule_files_are_not_live(text: str, tmp_path: Path) -> None:
    write(Case("", [charge("EC2", "1", env="a")], report=("env",)), tmp_path)
    for place, broken in enumerate(
        (text, f"labels:\n{text}", f"a:\n  - b: [\n  {text}", f'"{text}": 1\n', f"l: &{text}")
    ):
        (tmp_path / "rules" / f"{place}.yaml").write_text(broken)
    (tmp_path / "rules" / "table.csv").write_text(f"{text},b\n{text}\n")
    (tmp_path / "rules" / "9.yaml").write_text(
        "labels:\n  - {id: t, from: [{field: Tags.a, transform: [{lookup: table.csv}]}]}"
    )
    for form in ("text", "json"):
        done = costops(tmp_path, "validate", "--format", form)
        assert done.code == 3
        assert found_in(done, form) == []


@pytest.mark.parametrize("text", [each for each in CORPUS if "\x00" not in each and len(each) < 500][::3], ids=ascii)
def test_what_is_typed_is_not_live_either(text: str, tmp_path: Path) -> None:
    for arguments in ((text,), ("plan", "--format", text), ("plan", f"--{text}"), ("show", text), ("-C", text, "plan")):
        done = costops(tmp_path, *arguments)
        assert done.code != 0 or arguments == ("",)
        assert found_in(done, "text") == []


def test_a_branch_and_a_commit_are_not_live(tmp_path: Path) -> None:
    write(Case("labels:\n  - {id: env, from: Tags.env}\n", [charge("EC2", "1", env="a")], report=("env",)), tmp_path)
    for branch in ("=1+1", "@octocat", "`x`", "<b>x", "##x", "fixes-#1", "\u202eevil", "\x9b2J", "$(id)", "|x|", "(x)"):
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        subprocess.run(["git", "symbolic-ref", "HEAD", f"refs/heads/{branch}"], cwd=tmp_path, check=True)
        commit = ["git", "-c", "user.name=::error::", "-c", "user.email=a@b", "commit", "-qm", "::error::x\n\x1b[2J"]
        subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
        subprocess.run([*commit, "--allow-empty"], cwd=tmp_path, check=True)
        for arguments in (("plan",), ("plan", "--format", "json")):
            assert found_in(costops(tmp_path, *arguments), arguments[-1] if len(arguments) > 1 else "text") == []


# The corpus and the look at it


def test_there_are_two_hundred_texts() -> None:
    assert len(set(CORPUS)) == len(CORPUS) >= 200


LIVE = {
    "text": ("\x1b[2J", "a\rb", "x\u202ey", " ::error::x", "a ##[x]", "x\n::y", "a\tb"),
    "json": ('{"a": "\u202e"}', "{", '{"a": "##[x]"}'),
    "csv": ("a,b\n=1,2\n", 'a\n"x\n=1"\n', "a\n x;+1\n", "a\n\x1b\n", "a,b\nc\n"),
    "markdown": (
        *LINKS[:11], "<b>x</b>", "<!-- x -->", "a @octocat", "fixes #1", "GH-1", "x/y#1", "&#64;octocat",
        "```\nx\n```", "    x", ":tada:", "a@b.example", "0123456789abcdef", "[!NOTE]", "\x1b", "::error::", "www.x.y",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "output"), [(form, each) for form, found in LIVE.items() for each in found], ids=ascii
)
def test_the_look_finds_what_is_live(form: str, output: str) -> None:
    assert nothing_live(output, form) != []


def test_the_look_at_markdown_lets_pass_what_is_code_or_allowed() -> None:
    assert nothing_live("plain `@octocat #1 https://evil.example <b>` AWS::EC2 -1.5 %", "markdown") == []
    text = "<details>\n\n| a | b |\n|---|---|\n| `x` | 1 |\n\n</details>\n\n[docs](https://costops.example)\n"
    own = Allowed(frozenset({"<details>", "</details>"}), frozenset({"https://costops.example"}), structure(text))
    assert nothing_live(text, "markdown", own) == []
    assert nothing_live(text.replace("`x`", "`x` | `y`"), "markdown", own) != []
    assert nothing_live(text.replace("`x`", "\n\n# x"), "markdown", own) != []
    assert nothing_live(text, "markdown") != []
