"""The tables of the store, by the migration that makes them.

Invariant: what a migration has made in a released version never changes here; a later shape is a new migration.
Amounts are two INTEGER columns, whole units and parts of 1e-12 (floored), because a sum of either is exact and
SQLite's 64 bits hold only 9.2 million in parts. The cost columns of FOCUS stand in `entry`; every other one is a row of
`extra_amount` for each entry.
"""

from __future__ import annotations

from collections.abc import Mapping

APPLICATION_ID = 0x434F5053
"""`COPS`: marks the file as a state of costops."""
SCHEMA_VERSION = 4
"""Number of the newest migration; the file keeps its own as user_version."""

AMOUNT_COLUMNS = {
    "BilledCost": ("billed_units", "billed_parts"),
    "EffectiveCost": ("effective_units", "effective_parts"),
    "ListCost": ("list_units", "list_parts"),
    "ContractedCost": ("contracted_units", "contracted_parts"),
}
"""Cost column of FOCUS to its columns in `entry`."""
EXTRA_AMOUNTS_SINCE = 2
"""The schema that first has `extra_amount`."""
MONTHS_SINCE = 3
"""The schema that first has `version_month` and `version_sum`."""
RECORDS_SINCE = 4
"""The schema that first has `version_detail`, what hangs on it, and `month_event`."""

_TABLES = (
    """CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lineage TEXT NOT NULL CHECK (length(lineage) = 36),
  created_at TEXT NOT NULL,
  serial INTEGER NOT NULL CHECK (serial >= 0)
) STRICT""",
    """CREATE TABLE rule_revision (
  digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  canonical TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE version (
  number INTEGER PRIMARY KEY CHECK (number >= 1),
  serial INTEGER NOT NULL UNIQUE CHECK (serial >= 1),
  applied_at TEXT NOT NULL,
  actor TEXT NOT NULL,
  git_commit TEXT,
  git_dirty INTEGER CHECK (git_dirty IN (0, 1)),
  cause TEXT NOT NULL,
  rules_digest TEXT NOT NULL,
  settings TEXT NOT NULL,
  metrics_digest TEXT NOT NULL,
  bill_digest TEXT NOT NULL,
  bill_rows INTEGER NOT NULL CHECK (bill_rows >= 0),
  bill_first_month TEXT NOT NULL,
  bill_last_month TEXT NOT NULL,
  engine TEXT NOT NULL,
  cost TEXT NOT NULL,
  dimensions TEXT NOT NULL,
  cost_columns TEXT NOT NULL,
  plan_digest TEXT NOT NULL,
  result_digest TEXT NOT NULL,
  moved TEXT NOT NULL,
  summary TEXT NOT NULL,
  previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT""",
    """CREATE TABLE version_rule (
  version INTEGER NOT NULL REFERENCES version (number),
  position INTEGER NOT NULL CHECK (position >= 1),
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  revision TEXT NOT NULL REFERENCES rule_revision (digest),
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (version, position),
  UNIQUE (version, kind, id)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE block (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),
  dimensions TEXT NOT NULL,
  cost_columns TEXT NOT NULL
) STRICT""",
    """CREATE TABLE entry (
  block INTEGER NOT NULL REFERENCES block (id),
  position INTEGER NOT NULL CHECK (position >= 0),
  currency TEXT NOT NULL,
  dimension_values TEXT NOT NULL,
  path TEXT NOT NULL,
  billed_units INTEGER,
  billed_parts INTEGER CHECK (billed_parts BETWEEN 0 AND 999999999999),
  effective_units INTEGER,
  effective_parts INTEGER CHECK (effective_parts BETWEEN 0 AND 999999999999),
  list_units INTEGER,
  list_parts INTEGER CHECK (list_parts BETWEEN 0 AND 999999999999),
  contracted_units INTEGER,
  contracted_parts INTEGER CHECK (contracted_parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (block, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE billing_month (
  month TEXT PRIMARY KEY CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  status TEXT NOT NULL CHECK (status IN ('open', 'closed'))
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE version_block (
  version INTEGER NOT NULL REFERENCES version (number),
  billing_month TEXT NOT NULL REFERENCES billing_month (month),
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
  block INTEGER NOT NULL REFERENCES block (id),
  PRIMARY KEY (version, billing_month, day)
) STRICT, WITHOUT ROWID""",
)

_EXTRA_AMOUNT = """CREATE TABLE extra_amount (
  block INTEGER NOT NULL,
  position INTEGER NOT NULL,
  cost TEXT NOT NULL,
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (block, position, cost),
  FOREIGN KEY (block, position) REFERENCES entry (block, position)
) STRICT, WITHOUT ROWID"""

_MONTHS = (
    """CREATE TABLE version_month (
  version INTEGER NOT NULL REFERENCES version (number),
  billing_month TEXT NOT NULL REFERENCES billing_month (month),
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  sums_digest TEXT NOT NULL CHECK (length(sums_digest) = 64),
  PRIMARY KEY (version, billing_month)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE version_sum (
  version INTEGER NOT NULL,
  billing_month TEXT NOT NULL,
  dimension TEXT NOT NULL,
  value TEXT NOT NULL,
  currency TEXT NOT NULL,
  cost TEXT NOT NULL,
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (version, billing_month, dimension, value, currency, cost),
  FOREIGN KEY (version, billing_month) REFERENCES version_month (version, billing_month)
) STRICT, WITHOUT ROWID""",
)

_RECORDS = (
    """CREATE TABLE version_detail (
  version INTEGER PRIMARY KEY REFERENCES version (number),
  reason TEXT,
  restated TEXT NOT NULL,
  carried TEXT NOT NULL,
  changes_digest TEXT NOT NULL CHECK (length(changes_digest) = 64),
  providers_digest TEXT NOT NULL CHECK (length(providers_digest) = 64),
  metrics_digest TEXT NOT NULL CHECK (length(metrics_digest) = 64)
) STRICT""",
    """CREATE TABLE version_change (
  version INTEGER NOT NULL REFERENCES version_detail (version),
  position INTEGER NOT NULL CHECK (position >= 1),
  action TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  previous_id TEXT,
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (version, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE version_money (
  version INTEGER NOT NULL,
  change INTEGER NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 1),
  cause TEXT NOT NULL,
  rule TEXT,
  dimension TEXT NOT NULL,
  value TEXT NOT NULL,
  currency TEXT NOT NULL,
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (version, change, position),
  FOREIGN KEY (version, change) REFERENCES version_change (version, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE version_provider (
  version INTEGER NOT NULL REFERENCES version_detail (version),
  position INTEGER NOT NULL CHECK (position >= 1),
  provider TEXT,
  month TEXT NOT NULL,
  cost TEXT NOT NULL,
  currency TEXT NOT NULL,
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (version, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE metric_series (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),
  dimensions TEXT NOT NULL
) STRICT""",
    """CREATE TABLE metric_value (
  series INTEGER NOT NULL REFERENCES metric_series (id),
  position INTEGER NOT NULL CHECK (position >= 1),
  day TEXT NOT NULL,
  dimension_values TEXT NOT NULL,
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (series, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE version_metric (
  version INTEGER NOT NULL REFERENCES version_detail (version),
  position INTEGER NOT NULL CHECK (position >= 1),
  metric TEXT NOT NULL,
  series INTEGER NOT NULL REFERENCES metric_series (id),
  PRIMARY KEY (version, position)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE month_event (
  serial INTEGER PRIMARY KEY CHECK (serial >= 1),
  month TEXT NOT NULL REFERENCES billing_month (month),
  status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
  reason TEXT,
  actor TEXT NOT NULL,
  at TEXT NOT NULL,
  previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT""",
)

_KEYS = {
    "rule_revision": "digest = NEW.digest",
    "version": "number >= NEW.number OR serial >= NEW.serial OR hash = NEW.hash",
    "version_rule": "version = NEW.version AND (position = NEW.position OR (kind = NEW.kind AND id = NEW.id))",
    "block": "id = NEW.id OR digest = NEW.digest",
    "entry": "block = NEW.block AND position = NEW.position",
    "version_block": "version = NEW.version AND billing_month = NEW.billing_month AND day = NEW.day",
}
"""What a new row must not meet: INSERT OR REPLACE deletes without firing a delete trigger."""
_EXTRA_KEYS = {"extra_amount": "block = NEW.block AND position = NEW.position AND cost = NEW.cost"}
_MONTH_KEYS = {
    "version_month": "version = NEW.version AND billing_month = NEW.billing_month",
    "version_sum": "version = NEW.version AND billing_month = NEW.billing_month AND dimension = NEW.dimension "
    "AND value = NEW.value AND currency = NEW.currency AND cost = NEW.cost",
}
_RECORD_KEYS = {
    "version_detail": "version = NEW.version",
    "version_change": "version = NEW.version AND position = NEW.position",
    "version_money": "version = NEW.version AND change = NEW.change AND position = NEW.position",
    "version_provider": "version = NEW.version AND position = NEW.position",
    "metric_series": "id = NEW.id OR digest = NEW.digest",
    "metric_value": "series = NEW.series AND position = NEW.position",
    "version_metric": "version = NEW.version AND position = NEW.position",
    "month_event": "serial >= NEW.serial OR hash = NEW.hash",
}


def _append_only(keys: Mapping[str, str]) -> list[str]:
    triggers = []
    for table, key in keys.items():
        refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
        triggers += [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse}; END",
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key}) BEGIN {refuse}; END",
        ]
    return triggers


_GUARDS = (
    "CREATE TRIGGER meta_identity BEFORE UPDATE OF id, lineage, created_at ON meta "
    "BEGIN SELECT RAISE(ABORT, 'the lineage of a state never changes'); END",
    "CREATE TRIGGER meta_serial BEFORE UPDATE OF serial ON meta WHEN NEW.serial <> OLD.serial + 1 "
    "BEGIN SELECT RAISE(ABORT, 'the serial advances by exactly 1'); END",
    "CREATE TRIGGER meta_one_row BEFORE INSERT ON meta WHEN EXISTS (SELECT 1 FROM meta) "
    "BEGIN SELECT RAISE(ABORT, 'the lineage of a state never changes'); END",
    "CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta "
    "BEGIN SELECT RAISE(ABORT, 'the lineage of a state never changes'); END",
    "CREATE TRIGGER billing_month_no_delete BEFORE DELETE ON billing_month "
    "BEGIN SELECT RAISE(ABORT, 'billing months are never forgotten'); END",
    "CREATE TRIGGER billing_month_same BEFORE UPDATE OF month ON billing_month "
    "BEGIN SELECT RAISE(ABORT, 'billing months are never forgotten'); END",
)


def _decimal_text(units: str, parts: str) -> str:
    # Floored columns: -0.5 is units -1 and parts 500000000000, so a negative amount is put together from the top.
    return (
        f"CASE WHEN {parts} = 0 THEN printf('%d', {units}) "
        f"WHEN {units} >= 0 THEN rtrim(printf('%d.%012d', {units}, {parts}), '0') "
        f"WHEN {units} < 0 THEN rtrim(printf('-%d.%012d', -({units} + 1), 1000000000000 - {parts}), '0') END"
    )


def _ledger_text() -> str:
    amounts = ",\n  ".join(
        f"{_decimal_text(f'entry.{units}', f'entry.{parts}')} AS {name}"
        for name, (units, parts) in AMOUNT_COLUMNS.items()
    )
    return f"""CREATE VIEW ledger_text AS SELECT
  version_block.version,
  version_block.billing_month,
  version_block.day,
  entry.currency,
  entry.dimension_values,
  entry.path,
  {amounts}
FROM version_block JOIN entry ON entry.block = version_block.block"""


def _extra_ledger_text() -> str:
    return f"""CREATE VIEW extra_ledger_text AS SELECT
  version_block.version,
  version_block.billing_month,
  version_block.day,
  entry.currency,
  entry.dimension_values,
  entry.path,
  extra_amount.cost,
  {_decimal_text("extra_amount.units", "extra_amount.parts")} AS amount
FROM version_block JOIN entry ON entry.block = version_block.block
JOIN extra_amount ON extra_amount.block = entry.block AND extra_amount.position = entry.position"""


FIRST_SCHEMA = (*_TABLES, *_append_only(_KEYS), *_GUARDS, _ledger_text())
"""Every statement of the first migration, in order."""
SECOND_SCHEMA = (_EXTRA_AMOUNT, *_append_only(_EXTRA_KEYS), _extra_ledger_text())
"""Every statement of the second migration, in order."""
THIRD_SCHEMA = (*_MONTHS, *_append_only(_MONTH_KEYS))
"""Every statement of the third migration, in order."""
FOURTH_SCHEMA = (*_RECORDS, *_append_only(_RECORD_KEYS))
"""Every statement of the fourth migration, in order."""
