"""Digests of what the store keeps: revisions by their content, versions and events of months by all before them.

Invariant: versions and events form one chain in the order of their serials, which starts at the lineage. A version's
hash covers its own row, its rules in order, its days, its months and its detail, an event's its own row, and both,
through `previous_hash`, everything before. So a change of any stored content breaks a hash or a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

StoredValue = str | int | None
"""What SQLite keeps in one column of a version."""
_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def revision_digest(kind: str, rule_id: str, canonical: str, text: str) -> str:
    """sha256 of one rule as it was applied; its place in the files is kept apart, so that it may move."""
    return _sha256(_json([kind, rule_id, canonical, text]))


def chain_start(lineage: str, created_at: str) -> str:
    """`previous_hash` of the first version."""
    return _sha256(_json({"created_at": created_at, "lineage": lineage}))


def version_hash(
    previous_hash: str,
    row: Mapping[str, StoredValue],
    rules: Iterable[Sequence[StoredValue]],
    blocks: Iterable[Sequence[StoredValue]],
    months: Iterable[Sequence[StoredValue]],
    detail: Sequence[StoredValue] | None,
) -> str:
    """sha256 of a version and all before it.

    `row` is the stored row without its two hashes, `rules` (position, kind, id, revision, file, line) in order,
    `blocks` (billing month, day, block digest) in order, `months` (billing month, digest, digest of the sums) in order,
    `detail` its row of `version_detail` without the number; versions of older schemas have no months or no detail.
    """
    lines = [previous_hash, _json(dict(row))]
    lines += [_json(["rule", *rule]) for rule in rules]
    lines += [_json(["block", *block]) for block in blocks]
    lines += [_json(["month", *month]) for month in months]
    if detail is not None:
        lines.append(_json(["detail", *detail]))
    return _sha256("\n".join(lines))


def event_hash(previous_hash: str, row: Sequence[StoredValue]) -> str:
    """sha256 of a closing or reopening of a month and all before it.

    `row` is (serial, month, status, reason, actor, at).
    """
    return _sha256("\n".join([previous_hash, _json(["event", *row])]))


def rows_digest(rows: Iterable[Sequence[StoredValue]]) -> str:
    """sha256 of stored rows in their order."""
    return _sha256("\n".join(map(_ENCODE, rows)))


def _json(value: object) -> str:
    return _ENCODE(value)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
