"""The parser in C and the parser in Python give the same nodes at the same places, or the one in Python is asked.

COSTOPS_THOROUGH=1 compares 300,000 made texts instead of 3,000.
"""

from __future__ import annotations

import ast
import os
import random
import sys
from pathlib import Path

import pytest
from fuzzing import MARKS, ODD, grown, mutated, rule_texts

from costops.language.nodes import ListNode, Node, Places, ScalarNode
from costops.language.problems import Problems
from costops.language.quick import read_quickly
from costops.language.read import read_text, read_thoroughly

THOROUGH = os.environ.get("COSTOPS_THOROUGH") == "1"
TEXTS = 300_000 if THOROUGH else 3_000


def both(text: str) -> tuple[Node | None, Node | None]:
    """What the quick reader says, and what the thorough one says where the quick one says anything."""
    places = Places("a.yaml", text)
    quick = read_quickly(places)
    if quick is None:
        return None, None
    thorough = read_thoroughly(places, Problems())
    assert thorough.diagnostics == (), text
    return quick, thorough.node


def no_forbidden_character(text: str) -> bool:
    return not {each.code for each in read_text("a.yaml", text).diagnostics} & {"CO104", "CO120"}


def test_every_rule_file_of_the_repository_and_of_its_manual_is_read_quickly_and_alike() -> None:
    for text in rule_texts():
        quick, thorough = both(text)
        only_comments = all(line.startswith("#") or not line for line in text.splitlines())
        assert (quick is None) == only_comments, text
        assert quick == thorough


def test_every_text_of_the_tests_of_the_language_is_read_alike() -> None:
    texts = {
        node.value
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    compared = 0
    for text in sorted(texts):
        if no_forbidden_character(text):
            quick, thorough = both(text)
            assert quick == thorough, text
            compared += quick is not None
    assert compared > 200


def made(chance: random.Random) -> str:
    match chance.randrange(3):
        case 0:
            lines = chance.choice(rule_texts()).splitlines(keepends=True)
            first = chance.randrange(len(lines))
            return mutated(chance, "".join(lines[first : first + chance.randrange(1, 25)]))
        case 1:
            return grown(chance, 4, 0).lstrip("\n") + chance.choice(("", "\n"))
        case _:
            return "".join(chance.choice((*MARKS, *ODD, "a", "b: ", "'x'")) for _ in range(chance.randrange(1, 30)))


def test_made_texts_are_read_alike() -> None:
    compared = 0
    for seed in range(TEXTS):
        text = made(random.Random(seed))
        if no_forbidden_character(text):
            quick, thorough = both(text)
            assert quick == thorough, f"seed {seed}: {text!r}"
            compared += quick is not None
    assert compared > TEXTS // 10


@pytest.mark.parametrize(
    "text",
    [
        "---\na: b\n",
        "# first\na: 'x'   # why\n",
        "a:\nb: [1, {c: d}]\n",
        "a: |\n  é\n  😀\n\n\nb: >-\n  x\n",
        "a: 'e\u0301 東京 😀'\nb: {c: 😀, d: e}\n",
        "a: b\r\nc:\r\n  - d\r\n",
        'a: "x\n  y"\n',
        "a: x\n  y\nb: z\n",
        "a: '&x'\n",
    ],
)
def test_ordinary_notation_is_read_quickly(text: str) -> None:
    quick, thorough = both(text)
    assert quick is not None
    assert quick == thorough


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a: &x b\n",
        "a: *x\n",
        "a: !x b\n",
        "<<: {a: b}\n",
        "a: 1\na: 2\n",
        "a: 1\n---\nb: 2\n",
        "%YAML 1.1\n---\na: b\n",
        "a:\tb\n",
        '[[], "a":[b]]\n',
        "- |#a\n  b\n",
        "a: |\n  \n   b\n",
        "[" * 40 + "]" * 40,
        'a: "\\0"\n',
        "a: b\u200dc\n",
        "? [a]\n: b\n",
        "a: [\n",
    ],
)
def test_what_the_parsers_see_differently_or_what_has_a_problem_is_not_read_quickly(text: str) -> None:
    assert read_quickly(Places("a.yaml", text)) is None


def test_without_the_parser_in_c_everything_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = [read_text("a.yaml", text) for text in rule_texts()]
    monkeypatch.setitem(sys.modules, "_ruamel_yaml", None)
    assert read_quickly(Places("a.yaml", "a: b\n")) is None
    assert [read_text("a.yaml", text) for text in rule_texts()] == with_it


def test_a_hundred_thousand_nodes_are_read_and_one_more_is_refused_at_its_place_by_both() -> None:
    fits = "[" + "a, " * 99_998 + "a]"
    node = read_text("a.yaml", fits).node
    assert isinstance(node, ListNode)
    assert len(node.items) == 99_999
    too_many = "[\n" + "a, " * 99_998 + "a, b, c]"
    quick = read_text("a.yaml", too_many)
    assert [(each.code, each.span and (each.span.line, each.span.column)) for each in quick.diagnostics] == [
        ("CO122", (2, 299_998))
    ]
    assert quick.node is None
    if THOROUGH:  # 5 s
        assert read_thoroughly(Places("a.yaml", too_many), Problems()) == quick


def test_scalars_of_the_quick_reader_keep_their_text() -> None:
    node = read_quickly(Places("a.yaml", "- 012345678901\n"))
    assert isinstance(node, ListNode)
    assert isinstance(node.items[0], ScalarNode)
    assert (node.items[0].text, str(node.items[0].kind)) == ("012345678901", "a number")
