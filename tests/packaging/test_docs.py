"""The manual: every command, option and field is in it, its examples bind, and its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from costops.cli.commands import COMMANDS
from costops.cli.run import group
from costops.config import OVERRIDABLE
from costops.errors import ExitCode
from costops.language.bind import Collected, bind_file
from costops.language.fields import KINDS, RESERVED_IDS, RULE_FILE, SOURCE, TRANSFORMS, Field
from costops.language.read import read_text
from costops.language.setting_fields import SETTINGS
from costops.language.where import WITH_CASE
from costops.model.codes import WARNINGS
from costops.model.conditions import OPERATORS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
COMMANDS_PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
WARNINGS_PAGE = (ROOT / "docs" / "warnings.md").read_text(encoding="utf-8")

TRY_IT = (
    "python3.11 -m venv .venv && .venv/bin/pip install . && .venv/bin/costops init --demo demo && cd demo"
    " && ../.venv/bin/costops plan && ../.venv/bin/costops apply --auto-approve"
)
TEST_IT = (
    "python3.11 -m venv .venv-test && .venv-test/bin/pip install --require-hashes -r requirements.lock"
    " && .venv-test/bin/pip install --no-deps --no-build-isolation -e . && .venv-test/bin/python -m pytest"
)


def options_of(command: click.Command) -> list[str]:
    """Every way to write every option of a command, and its arguments as its usage line shows them."""
    written = []
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            written += [*parameter.opts, *parameter.secondary_opts]
        elif isinstance(parameter, click.Argument):
            written.append(parameter.make_metavar(click.Context(command)))
    return written


def section(page: str, title: str) -> str:
    """The text under a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title}"
    return found.group(1)


def with_paths(fields: tuple[Field, ...], path: str = "") -> Iterator[tuple[str, Field]]:
    """Every field with the path by which a person would call it."""
    for field in fields:
        full = f"{path}.{field.name}" if path else field.name
        yield full, field
        yield from with_paths(field.fields, full)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_all_its_options_are_documented(name: str) -> None:
    command: click.Command = import_module(COMMANDS[name][0]).command
    text = section(COMMANDS_PAGE, f"costops {name}")
    usage = text.split("```")[1].strip()
    assert usage.startswith(f"costops {name}")
    assert [option for option in options_of(command) if option not in usage] == []
    table = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `")]
    flags = [option for option in options_of(command) if option.startswith("-")]
    assert [flag for flag in flags if not any(f"`{flag}`" in cell for cell in table)] == []


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert re.findall(r"^## costops (\S+)$", COMMANDS_PAGE, re.MULTILINE) == list(COMMANDS)


def test_the_options_before_the_command_are_documented() -> None:
    introduction = COMMANDS_PAGE.split("\n## ")[0]
    written = [*options_of(group), *group.get_help_option_names(click.Context(group))]
    assert [option for option in written if not re.search(rf"`{re.escape(option)}[ `]", introduction)] == []


def test_the_exit_codes_are_documented() -> None:
    cells = [row.split("|")[1] for row in section(COMMANDS_PAGE, "Exit codes").splitlines() if row.startswith("| ")]
    documented = {int(number) for cell in cells for number in re.findall(r"[0-9]+", cell)}
    assert documented == {int(code) for code in ExitCode}


def test_the_environment_variables_are_documented() -> None:
    text = section(COMMANDS_PAGE, "Environment variables")
    read = {f"COSTOPS_{name.upper()}" for name in OVERRIDABLE}
    for path in (ROOT / "costops").rglob("*.py"):
        read |= set(re.findall(r'"(COSTOPS_[A-Z_]+)"', path.read_text(encoding="utf-8")))
    assert set(re.findall(r"`(COSTOPS_[A-Z_]+)`", text)) == read


@pytest.mark.parametrize(
    ("title", "fields"),
    [
        ("Labels", KINDS["label"]),
        ("Dimensions", KINDS["dimension"]),
        ("Metrics", KINDS["metric"]),
        ("Allocations", KINDS["allocation"]),
        ("costops.yaml", SETTINGS),
    ],
)
def test_every_field_has_a_row_in_its_section_or_is_said_not_to_be_built(title: str, fields: tuple[Field, ...]) -> None:
    rows = [line for line in (section(RULES, "Every entry") + section(RULES, title)).splitlines() if line[:1] == "|"]
    refused = section(RULES, "Not built yet")
    for path, field in with_paths(fields):
        if field.not_built is not None:
            assert re.search(rf"^\| .*`{re.escape(path)}`.* \| {field.not_built} \|$", refused, re.MULTILINE), path
            continue
        row = next((row for row in rows if row.startswith(f"| `{path}` |")), None)
        assert row is not None, path
        assert not field.required or "required" in row, path
        assert field.default is None or field.default in row, path
        for choice in field.choices:
            if choice.not_built is None:
                assert f"`{choice.value}`" in row or "a cost column" in row, f"{path}: {choice.value}"
            else:
                words = rf"^\| .*`{re.escape(path)}`.*`{choice.value}`.* \| {choice.not_built} \|$"
                assert re.search(words, refused, re.MULTILINE), f"{path}: {choice.value}"


def test_sections_transforms_operators_and_reserved_words_are_documented() -> None:
    labels = section(RULES, "Labels")
    for field in (*RULE_FILE, *SOURCE, *TRANSFORMS):
        place = labels if field in TRANSFORMS and field.not_built is None else RULES
        assert f"`{field.name}`" in place, field.name
        assert all(each.name in labels for each in field.fields if field in TRANSFORMS), field.name
    conditions = section(RULES, "Conditions")
    assert [name for name in (*OPERATORS, *WITH_CASE) if f"`{name}`" not in conditions] == []
    assert [word for word in RESERVED_IDS if f"`{word}`" not in section(RULES, "Every entry")] == []


@pytest.mark.parametrize("code", WARNINGS)
def test_a_warning_is_explained_with_what_why_an_example_and_a_remedy(code: str) -> None:
    parts = WARNINGS_PAGE.split(f"\n### {code}\n")
    assert len(parts) == 2, code
    explained = re.split(r"^##", parts[1], maxsplit=1, flags=re.MULTILINE)[0]
    written = re.findall(r"^\*\*(\w+)\.\*\* ?(\S?)", explained, re.MULTILINE)
    assert [name for name, _ in written] == ["What", "Why", "Example", "Remedy"]


def test_the_page_of_warnings_explains_nothing_that_is_no_warning() -> None:
    assert re.findall(r"^### (\w+)$", WARNINGS_PAGE, re.MULTILINE) == list(dict.fromkeys(sorted(WARNINGS)))


def examples(sections: tuple[str, ...]) -> list[tuple[int, str]]:
    """(line, text) of the YAML examples that start with one of these keys."""
    found = re.finditer(r"^```yaml\n(.*?)^```$", RULES, re.MULTILINE | re.DOTALL)
    return [
        (RULES.count("\n", 0, match.start(1)) + 1, match.group(1))
        for match in found
        if match.group(1).startswith(sections)
    ]


RULE_EXAMPLES = examples(tuple(f"{field.name}:" for field in RULE_FILE))


@pytest.mark.parametrize(("line", "text"), RULE_EXAMPLES, ids=[f"line {line}" for line, _ in RULE_EXAMPLES])
def test_an_example_binds_without_errors_and_warnings(line: int, text: str) -> None:
    read = read_text(f"docs/rules.md from line {line}", text)
    assert read.diagnostics == ()
    assert read.node is not None
    collected = Collected()
    bind_file(read.node, text, collected)
    assert collected.problems.found() == ()
    assert collected.complete
    assert collected.entries != {}


def test_every_kind_of_entry_has_an_example_and_every_method_too() -> None:
    written = "".join(text for _, text in RULE_EXAMPLES)
    assert [field.name for field in RULE_FILE if f"{field.name}:" not in written] == []
    method = next(field for field in KINDS["allocation"] if field.name == "method")
    assert [each.value for each in method.choices if f"method: {each.value}\n" not in written] == []


def anchor_of(heading: str) -> str:
    """What a heading is called in a link."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, target


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT).as_posix() for page in PAGES if page.name != "README.md"]
    assert [page for page in pages if f"({page})" not in readme and f"({page}#" not in readme] == []


@pytest.mark.parametrize(("title", "command"), [("Try it", TRY_IT), ("Test it", TEST_IT)])
def test_the_readme_has_the_two_commands_that_set_up_everything(title: str, command: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"```sh\n{command}\n```\n" in section(readme, title)
