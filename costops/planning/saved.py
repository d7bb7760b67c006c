"""Saved plans: the plan document in a file, written whole and read with every value checked.

Invariant: what a file says is believed only where its content gives its own digests; whether that is still the plan
here is asked afterwards (costops.planning.review).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from costops.errors import CostopsError, StaleError, StateError, UsageError
from costops.language.canonical import rules_digest, rules_from_revisions
from costops.model.bill import SourceFile
from costops.model.plan import Plan
from costops.planning.binding import plan_digest
from costops.planning.document import NotAPlanError, plan_of_document
from costops.render.plan_json import DOCUMENT_DIGEST, FORMAT_VERSION, document_digest, plan_json
from costops.sources.digest import digest_of
from costops.writing import check_place, write_whole

MAXIMUM_BYTES = 128 * 1024 * 1024
"""Of a plan file: hundreds of thousands of elements."""

SAVE_AGAIN = "Make it with `costops plan --out FILE`."
PLAN_AGAIN = "Run `costops plan --out FILE` again and review what it shows now."
_OWN_KEYS = {"format_version", "plan_digest", "changes"}


def check_target(path: Path) -> None:
    """Raises UsageError where a plan must not be written: over something that is no plan, or into no folder."""
    check_place(path)
    if path.exists() and path.stat().st_size and not _looks_like_a_plan(path):
        raise UsageError(
            f"{path} is there already and is no plan; it was left as it is",
            hint="Choose another name, or delete the file.",
        )


def write_plan(path: Path, plan: Plan) -> None:
    """Write the document in one step, readable by its owner alone; an older plan or an empty file is replaced."""
    check_target(path)
    text = plan_json(plan).encode()
    if len(text) > MAXIMUM_BYTES:
        raise CostopsError(
            f"the plan has {len(text):,} bytes, and a plan file at most {MAXIMUM_BYTES:,}",
            hint="Take a dimension with very many elements out of `report`.",
        )
    write_whole(path, text, "the plan")


def read_plan(path: Path) -> Plan:
    """The plan in a file, as far as its document has it.

    Raises UsageError for what is no plan document of this format, StaleError for one that was changed by hand, and
    CostopsError where the file cannot be read.
    """
    document = _document(path, _content(path))
    if document.get(DOCUMENT_DIGEST) != document_digest(document):
        _changed_by_hand(path, f"its content does not give its {DOCUMENT_DIGEST}")
    try:
        plan = plan_of_document(document)
    except NotAPlanError as error:
        raise UsageError(f"{path} is no plan: {error}", hint=SAVE_AGAIN) from error
    _check_digests(path, plan)
    return plan


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", hint=SAVE_AGAIN) from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder, no plan", hint=SAVE_AGAIN) from error
    except OSError as error:
        raise CostopsError(
            f"{path} cannot be read: {error.strerror}", hint="Give the user that runs costops the right to read it."
        ) from error
    if len(content) > MAXIMUM_BYTES:
        raise UsageError(f"{path} is no plan: it has more than {MAXIMUM_BYTES:,} bytes", hint=SAVE_AGAIN)
    return content


def _document(path: Path, content: bytes) -> dict[str, Any]:
    if not content:
        raise UsageError(f"{path} is no plan: it is empty", hint=SAVE_AGAIN)
    try:
        text = content.decode()
        document = _parsed(text)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no plan: it is not UTF-8", hint=SAVE_AGAIN) from error
    except json.JSONDecodeError as error:
        # At its end, or in a text that never ends: the rest is not there.
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        reason = "it ends in the middle" if cut else f"it is not JSON from line {error.lineno} on"
        raise UsageError(f"{path} is no plan: {reason}", hint=SAVE_AGAIN) from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{path} is no plan: {reason}", hint=SAVE_AGAIN) from error
    if not isinstance(document, dict) or not document.keys() >= _OWN_KEYS:
        raise UsageError(f"{path} is no plan: it is another JSON document", hint=SAVE_AGAIN)
    if document["format_version"] != FORMAT_VERSION:
        raise UsageError(
            f"{path} is a plan of the format {document['format_version']}, and this costops knows {FORMAT_VERSION}",
            hint="Use the version of costops that made it, or plan again with this one.",
        )
    return document


def _parsed(text: str) -> Any:
    def no_float(written: str) -> NoReturn:
        raise ValueError(f"it has the number {written[:40]}, and plans have decimal text")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) != len(pairs):
            raise ValueError("a key stands in one object twice")
        return values

    return json.loads(text, parse_float=no_float, parse_constant=no_float, object_pairs_hook=once)


def _looks_like_a_plan(path: Path) -> bool:
    """Whether a file is a plan document of any format, also one that was changed by hand."""
    try:
        document = json.loads(_content(path))
    except (ValueError, RecursionError, CostopsError):
        return False
    return isinstance(document, dict) and document.keys() >= _OWN_KEYS


def _check_digests(path: Path, plan: Plan) -> None:
    """Every digest that can be made from the document itself."""
    try:
        rules = rules_digest(rules_from_revisions(plan.rules))
    except (StateError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = error.message.removeprefix("the state's ") if isinstance(error, StateError) else "its rules are none"
        raise UsageError(f"{path} is no plan: {reason}", hint=SAVE_AGAIN) from error
    made = plan_digest(
        plan.base,
        rules_digest=plan.rules_digest,
        settings=plan.settings,
        metrics_digest=plan.metrics_digest,
        bill_digest=plan.bill.digest,
        result_digest=plan.result_digest,
        restated=tuple(each.month for each in plan.restated),
    )
    settings = json.loads(plan.settings)
    for name, given, found in (
        ("rules do not give its rules_digest", plan.rules_digest, rules),
        ("files of the bill do not give its bill.digest", plan.bill.digest, _files_digest(plan.bill_files)),
        ("metric files do not give its metrics_digest", plan.metrics_digest, _files_digest(plan.metric_files)),
        ("settings have another cost", plan.cost, settings.get("cost")),
        ("settings have another report", list(plan.dimensions), settings.get("report")),
        ("parts do not give its plan_digest", plan.plan_digest, made),
    ):
        if given != found:
            _changed_by_hand(path, f"its {name}")


def _files_digest(files: tuple[SourceFile, ...]) -> str:
    # Two metric sources may name one file, which the digest has once.
    return digest_of({each.name: each.sha256 for each in files}.items())


def _changed_by_hand(path: Path, why: str) -> NoReturn:
    raise StaleError(f"{path} was changed since costops wrote it: {why}; nothing was written", hint=PLAN_AGAIN)
