"""The JSON Schema of the plan document: every plan is of it, and it knows every key."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from unit.render.golden.plans import EXAMPLES

import costops.render
from costops.language.fields import KINDS
from costops.planning import document as reader
from costops.render.plan_json import FORMAT_VERSION, plan_document

SCHEMA: dict[str, Any] = json.loads((Path(costops.render.__file__).parent / "plan.schema.json").read_text("utf-8"))


def strict(schema: Any) -> Any:
    """The schema without room for keys that it does not know."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(each) for key, each in schema.items()}
    return {**closed, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else closed


STRICT = jsonschema.Draft202012Validator(strict(SCHEMA))


def problems(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in STRICT.iter_errors(document)]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["format_version"] == {"const": FORMAT_VERSION}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_plan_is_of_it(name: str) -> None:
    assert problems(plan_document(EXAMPLES[name])) == []


def test_the_examples_have_every_list_of_the_document() -> None:
    documents = [plan_document(each) for each in EXAMPLES.values()]
    lists = [key for key, value in documents[0].items() if isinstance(value, list)]
    assert [key for key in lists if not any(each[key] for each in documents)] == []


def test_the_keys_are_those_of_the_document_in_its_order() -> None:
    document = plan_document(EXAMPLES["apart"])
    assert list(SCHEMA["properties"]) == list(document) == SCHEMA["required"]


def test_every_key_is_documented() -> None:
    page = (Path(costops.render.__file__).parents[2] / "docs" / "plan.md").read_text("utf-8")
    table = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    assert [key for key in SCHEMA["properties"] if not any(f"`{key}`" in cell for cell in table)] == []


def test_its_words_are_those_that_a_reader_takes() -> None:
    definitions = SCHEMA["$defs"]
    change = definitions["change"]["properties"]
    assert change["action"]["enum"] == list(reader.ACTIONS)
    assert change["kind"]["enum"] == list(reader.KINDS)
    assert definitions["cause"]["properties"]["cause"]["enum"] == list(reader.CAUSES)
    check = definitions["check"]["properties"]
    assert (check["status"]["enum"], check["severity"]["enum"]) == (list(reader.STATUSES), list(reader.SEVERITIES))
    frozen = SCHEMA["properties"]["frozen"]["items"]["properties"]["reason"]
    assert frozen["enum"] == list(reader.FROZEN)
    rules = SCHEMA["properties"]["rules"]["items"]["properties"]["kind"]
    assert rules["enum"] == ["lookup", *KINDS]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda document: document.pop("moved"), "$"),
        (lambda document: document.update(extra=1), "$"),
        (lambda document: document["totals"][0].update(before=1.5), "$.totals[0].before"),
        (lambda document: document["totals"][0].update(before="1e3"), "$.totals[0].before"),
        (lambda document: document["changes"][0].update(action="edit"), "$.changes[0].action"),
        (lambda document: document["changes"][0]["money"][0].update(value=3), "$.changes[0].money[0].value"),
        (lambda document: document.update(plan_digest="D" * 64), "$.plan_digest"),
        (lambda document: document["checks"][0].update(until="soon"), "$.checks[0].until"),
        (lambda document: document.update(format_version="2.0"), "$.format_version"),
    ],
)
def test_what_no_plan_has_is_found(change: Any, place: str) -> None:
    document = copy.deepcopy(plan_document(EXAMPLES["apart"]))
    change(document)
    assert [each.split(":")[0] for each in problems(document)] == [place]


def test_readers_may_ignore_keys_of_later_versions() -> None:
    document = {**plan_document(EXAMPLES["apart"]), "later": True}
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)) == []
