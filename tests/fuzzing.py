"""Texts that no person would write, for tests of everything that reads rule files; the same seed gives the same texts.

Invariant: nothing here knows what is right. Some texts are valid by chance, most are not.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from costops.language.fields import KINDS, Field, ValueType
from costops.language.setting_fields import SETTINGS

REPOSITORY = Path(__file__).parent.parent
ODD = (
    "\t", "\x00", "\x1b", "\x7f", "\x85", "\xa0", "\xad", "\u0301", "\u061c", "\u1160", "\u200b", "\u200d", "\u2028",
    "\u202e", "\u2066", "\u2069", "\u3164", "\ufeff", "\ufffd", "\U0001f600", "\U000e0061", "東京", "é", "ﬀ", "İ", "ß",
    "\r", "\r\n",
)  # fmt: skip
MARKS = (
    ":", ": ", "-", "- ", ",", "[", "]", "{", "}", "[]", "{}", "?", "? ", "&a ", "*a", "!", "!!str ", "!x ", "|",
    "|2-\n", ">\n", "%", "@", "`", "'", '"', "#", " #", "---", "\n---\n", "...", "<<: ", "~", "null", "\\", "\\x00",
    "\\ud800", "\n", "\n\n", "  ", "\n  ", "=", "%YAML 1.1\n---\n", "%TAG ! x\n", "0o7", "1e999", ".nan", "-.inf",
    "2025-01-01",
)  # fmt: skip
SCALARS = (
    "a", "b c", "'it''s'", '"q\\n\\u00e9"', "12", "1.5", "null", "~", "true", "2025-01-01", "x#y", "x:y",
    "http://a/b?c", "-1", "a, b", "é 東", "😀", "''", '""', "a  b", "50%", "@x", "*", "&", "!", "?a", ":a", "-a", "a'b",
    'a"b', "[x", "a]", "|", "=", "<<", "a\\b", "'a\n   b'", '"a\n   b"', "a\n   b",
)  # fmt: skip
NAMES = (
    "env", "team", "label.env", "Tags.env", "ServiceName", "direct.team", "allocated_by", "Tags", "nothing", "Tags.",
    "",
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, 0, -1, 10**40, "", "x", "env", "a" * 90, "a" * 10_001, "yes", "2025-01-01", "2025-02-30", "{0} - {1}",
    "{9}", "{", "100", "33.3", "-5", "1e9", [], {}, [[]], [{}], ["x", "x"], ["env", "team"], {"x": "y"},
    {"field": "x"}, {"a": 60, "b": 40}, [["a", "b"]], {"any": []}, {"not": {"x": None}}, {"x": {"matches": "(?=a)"}},
    {"x": {"present": "maybe"}}, {"lookup": "teams.csv"}, [{"split": {"delimiter": "", "index": 10**12}}],
    {"lookup": "../x.csv"}, [{"metric": "m", "weight": 0}], "\U0001f600", "\x1b[31m",
)  # fmt: skip


@lru_cache(maxsize=1)
def rule_texts() -> tuple[str, ...]:
    """Every rule file of the repository, and every piece of YAML in its manual."""
    files = [
        *REPOSITORY.glob("rules/*.yaml"),
        *REPOSITORY.glob("costops/demo/**/*.yaml"),
        *REPOSITORY.glob("benchmarks/*.yaml"),
    ]
    texts = [path.read_text(encoding="utf-8") for path in sorted(files)]
    for page in sorted(REPOSITORY.glob("docs/*.md")):
        texts += re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return tuple(texts)


def any_input(chance: random.Random) -> bytes:
    """One file's content."""
    makers: tuple[Callable[[random.Random], bytes], ...] = (
        lambda one: mutated(one, one.choice(rule_texts())).encode("utf-8", "surrogatepass"),
        lambda one: flipped(one, one.choice(rule_texts()).encode()),
        lambda one: structured(one).encode("utf-8", "surrogatepass"),
        lambda one: grown(one, 4, 0).encode(),
        lambda one: hostile(one).encode("utf-8", "surrogatepass"),
    )
    return chance.choices(makers, weights=(33, 10, 42, 10, 5))[0](chance)


def mutated(chance: random.Random, text: str) -> str:
    """A text with pieces put in, taken out, doubled and moved."""
    for _ in range(chance.randrange(5)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.randrange(1, 60))
        match chance.randrange(8):
            case 0:
                text = text[:start] + chance.choice(MARKS) + text[start:]
            case 1:
                text = text[:start] + chance.choice(ODD) + text[start:]
            case 2:
                text = text[:start] + text[end:]
            case 3:
                text = text[:start] + text[start:end] + text[start:]
            case 4:
                other = chance.choice(rule_texts())
                place = chance.randrange(len(other))
                text = text[:start] + other[place : place + chance.randrange(200)] + text[start:]
            case 5:
                text = text[:start]
            case 6:
                lines = text.split("\n")
                line = chance.randrange(len(lines))
                lines.insert(chance.randrange(len(lines) + 1), lines[line])
                text = "\n".join(lines)
            case _:
                text = text.replace("\n", chance.choice(("\r\n", "\r", "\n\n", "\n ")), chance.randrange(1, 40))
    return text


def flipped(chance: random.Random, data: bytes) -> bytes:
    """Bytes of which some are others, so that they may be no UTF-8."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.choice((None, chance.randrange(len(changed))))])


def structured(chance: random.Random) -> str:
    """Valid YAML of entries whose fields have values of any type, as JSON, which is YAML."""
    sections = {"label": "labels", "dimension": "dimensions", "metric": "metrics", "allocation": "allocations"}
    file: dict[str, object] = {}
    for kind in chance.sample(sorted(sections), chance.randrange(1, 5)):
        file[sections[kind]] = [_mapping(chance, KINDS[kind]) for _ in range(chance.randrange(1, 4))]
    return json.dumps(file, indent=chance.choice((None, 2)), ensure_ascii=chance.random() < 0.5)


def structured_settings(chance: random.Random) -> str:
    """A costops.yaml whose fields have values of any type."""
    return json.dumps(_mapping(chance, SETTINGS) | ({"version": 1} if chance.random() < 0.8 else {}))


def _mapping(chance: random.Random, fields: tuple[Field, ...]) -> dict[str, object]:
    found: dict[str, object] = {}
    for field in fields:
        if chance.random() < (0.95 if field.required else 0.35):
            found[field.name] = _value(chance, field)
    if chance.random() < 0.1:
        found[chance.choice(("", "idd", "<<", "x" * 50))] = chance.choice(VALUES)
    return found


def _value(chance: random.Random, field: Field) -> object:
    if chance.random() < 0.06:
        return chance.choice(VALUES)
    match field.type:
        case ValueType.MAPPING:
            return _mapping(chance, field.fields)
        case ValueType.ENTRIES:
            return [_mapping(chance, field.fields) for _ in range(chance.randrange(3))]
        case ValueType.CHOICE:
            return chance.choice(field.choices).value
        case ValueType.ID:
            return chance.choice(("env", "team", "a", "b", "c"))
        case ValueType.BOOLEAN:
            return chance.random() < 0.5
        case ValueType.CONDITION:
            return _condition(chance, 3)
        case ValueType.NAME | ValueType.NAMES | ValueType.SOURCES:
            return chance.sample(NAMES, chance.randrange(1, 3))
        case ValueType.PERCENTAGES:
            return {"a": chance.choice((50, 60, "x")), "b": 40}
        case _:
            return chance.choice(VALUES)


def _condition(chance: random.Random, depth: int) -> object:
    word = chance.choice(("any", "all", "not", "field", "field", "field")) if depth else "field"
    if word in ("any", "all"):
        return {word: [_condition(chance, depth - 1) for _ in range(chance.randrange(4))]}
    if word == "not":
        return {word: _condition(chance, depth - 1)}
    operator = chance.choice(("is", "not", "in", "like", "matches", "present", "before", "ignore_case", "likes"))
    value = chance.choice(("x", None, ["a", "b"], True, 5, []))
    return {chance.choice(NAMES): chance.choice((value, {operator: value}))}


def grown(chance: random.Random, depth: int, indent: int) -> str:
    """YAML of every notation, often with a slip in it."""
    kind = chance.random()
    if depth <= 0 or kind < 0.4:
        return chance.choice(SCALARS)
    if kind < 0.55:
        items = (
            grown(chance, depth - 1 if chance.random() < 0.3 else 0, indent + 2) for _ in range(chance.randrange(4))
        )
        return "[" + chance.choice((", ", ",", ", \n" + " " * indent)).join(items) + chance.choice(("", ",", " ")) + "]"
    if kind < 0.7:
        pairs = (
            chance.choice(SCALARS) + chance.choice((": ", ":", ": ", ""))
            + grown(chance, depth - 1 if chance.random() < 0.3 else 0, indent + 2)
            for _ in range(chance.randrange(4))
        )  # fmt: skip
        return "{" + ", ".join(pairs) + "}"
    margin = " " * indent
    if kind < 0.85:
        return "".join(f"\n{margin}- {grown(chance, depth - 1, indent + 2)}" for _ in range(chance.randrange(1, 4)))
    if kind < 0.9:
        lines = (
            chance.choice(("", f"{margin}  {chance.choice(SCALARS)}", f"{margin}   x"))
            for _ in range(chance.randrange(1, 4))
        )
        return chance.choice("|>") + chance.choice(("", "-", "+", "2", "1-", " # c")) + "\n" + "\n".join(lines)
    return "".join(
        f"\n{margin}{chance.choice(SCALARS)}:{chance.choice((' ', '  ', ''))}{grown(chance, depth - 1, indent + 2)}"
        + chance.choice(("", " # c"))
        for _ in range(chance.randrange(1, 4))
    )


def hostile(chance: random.Random) -> str:
    """A file that is made to take long, or much memory."""
    size = chance.choice((10, 1_000, 1_000, 20_000))
    match chance.randrange(10):
        case 0:
            bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
            names = "abcdefghi"
            for before, name in pairwise(names):
                bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
            return bomb
        case 1:
            return chance.choice(("[", "{", "- ", "? ", "{a: ", "[[", "- - ")) * size
        case 2:
            return "allocations: [{id: a, method: even, to: {dimension: e, percent: {a: " + "9" * size + "}}}]"
        case 3:
            return f"labels: [{{id: {'x' * size}, from: {chance.choice(ODD) * size}}}]"
        case 4:
            return (
                chance.choice(("'", '"', "|", "&", "*", "!", "%", "#", ":", "-", "\t", "\r", "a: 1\n", "---\n")) * size
            )
        case 5:
            return "labels:\n" + "".join(f"- {{id: l{number}, from: lab{number}}}\n" for number in range(size // 20))
        case 6:
            return "dimensions:\n" + "".join(
                f"- {{id: d{number}, rules: [{{from: d{(number + 1) % (size // 20 + 1)}}}]}}\n"
                for number in range(size // 20 + 1)
            )
        case 7:
            nested = '{"any": [' * chance.randrange(60) + '{"env": "x"}'
            return '{"allocations": [{"id": "a", "source": {"where": ' + nested + "]}" * nested.count("[") + "}}]}"
        case 8:
            return "allocations:\n- id: a\n" + "".join(f"  field{number}: 1\n" for number in range(size // 20))
        case _:
            keys = ", ".join(f"{{ServiceNme{number}: x}}" for number in range(size // 40))
            return f"allocations: [{{id: a, method: even, to: {{dimension: e}}, source: {{where: {{any: [{keys}]}}}}}}]"
