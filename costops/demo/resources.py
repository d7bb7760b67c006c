"""The SQL that makes the demo company's resources: whose they are, where they run, and how badly they are tagged.

Invariant: a resource depends on its number and the seed only.
"""

from __future__ import annotations

from collections.abc import Iterable

from costops.demo.catalog import (
    APPLICATIONS,
    ENVIRONMENT_KEYS,
    ENVIRONMENTS,
    KINDS,
    NO_ENVIRONMENT,
    REGIONS,
    SANDBOX_ACCOUNT_ID,
    SHARED_ACCOUNT_ID,
    TEAM_KEYS,
    TEAMS,
    UMLAUTS_AND_QUOTES,
    Kind,
)
from costops.demo.noise import key


def text(value: str) -> str:
    """A text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """Texts as a SQL list."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def resource_count(rows: int) -> int:
    """How many resources a bill of so many rows has."""
    return max(600, min(rows // 60, 150_000))


def kind_table() -> str:
    """The statement that makes table `kind`, one row for each kind of charge."""
    rows = ",\n".join(f"({', '.join(_kind_values(number, kind))})" for number, kind in enumerate(KINDS))
    return f"""CREATE TABLE kind AS SELECT * FROM (VALUES {rows}) AS t(
    kind_number, sku, provider, service, category, subcategory, resource_type, unit, smallest_price, typical,
    tagged_percent, is_pod, is_database, may_be_committed, is_hourly)"""


def _kind_values(number: int, kind: Kind) -> list[str]:
    words = (kind.provider, kind.service, kind.category, kind.subcategory, kind.resource_type, kind.unit)
    return [
        str(number),
        text(f"SKU-{number + 4711}"),
        *(text(word) for word in words),
        f"{kind.price_nanos}::BIGINT",
        f"{kind.typical_milliunits}::BIGINT",
        str(kind.tagged_percent),
        *(str(trait in kind.traits) for trait in ("pod", "database", "committed", "hourly")),
    ]


def _draws(seed: int) -> str:
    names = (
        "tag", "env_key", "env_value", "no_env", "second_env", "team_key", "team_value", "no_team", "account", "name",
        "region", "contact", "commitment", "currency",
    )  # fmt: skip
    return ", ".join(f"draw(resource_number, {key('resource ' + name, seed)}) AS {name}_draw" for name in names)


def _weighted(salt: str, choices: Iterable[tuple[str, int]], seed: int) -> str:
    slots = ", ".join(choice for choice, weight in choices for _ in range(weight))
    return f"pick([{slots}], draw(resource_number, {key('resource ' + salt, seed)}))"


def resource_table(count: int, seed: int) -> str:
    """The statement that makes table `resource` with numbers from 0 to `count` - 1; needs table `kind`."""
    kinds = ((str(number), kind.weight) for number, kind in enumerate(KINDS))
    return f"""CREATE TABLE resource AS
WITH drawn AS (
    SELECT range AS resource_number,
        {_weighted("kind", kinds, seed)} AS kind_number,
        {_weighted("team", ((text(name), weight) for name, weight in TEAMS), seed)} AS team,
        {_weighted("environment", ((text(each[0]), each[1]) for each in ENVIRONMENTS), seed)} AS environment,
        pick([1, 2, 2, 4, 4, 4, 8, 8, 16], draw(range, {key("resource size", seed)})) AS size,
        {_draws(seed).replace("resource_number", "range")}
    FROM range({count})
), placed AS (
    SELECT drawn.*, kind.* EXCLUDE (kind_number),
        category = 'Networking' AS is_network,
        is_database AND account_draw % 100 < 38 AS is_shared_database,
        is_pod AND tag_draw % 100 < 11 AS is_cluster_pod,
        CASE WHEN provider = 'AWS' AND NOT is_pod AND NOT is_network AND account_draw % 100 >= 97 THEN 'sandbox'
            WHEN is_network OR is_pod OR account_draw % 100 < 44 THEN 'shared' ELSE team END AS account_owner,
        CASE WHEN provider = 'Microsoft' AND currency_draw % 100 < 35 THEN 'EUR' ELSE 'USD' END AS currency,
        CASE environment {_cases((each[0], text(each[2])) for each in ENVIRONMENTS)} END AS short_environment,
        tag_draw % 100 < tagged_percent AND NOT is_network AS is_tagged
    FROM drawn JOIN kind USING (kind_number)
), named AS (
    SELECT *,
        CASE account_owner WHEN 'sandbox' THEN 'acme-sandbox' ELSE
            CASE WHEN currency = 'EUR' THEN 'eu-' ELSE 'acme-' END || account_owner
            || CASE WHEN environment = 'production' THEN '-prod' ELSE '-nonprod' END END AS account_name,
        {_environment_tag()} AS environment_tag,
        {_second_environment_tag()} AS second_environment_tag,
        {_team_tag()} AS team_tag
    FROM placed
)
SELECT resource_number::BIGINT AS resource_number, sku, provider, service, category, subcategory, resource_type, unit,
    smallest_price * size AS price, typical, is_hourly, may_be_committed AND commitment_draw % 100 < 34 AS is_covered,
    currency, account_name, {_account_id()} AS account_id,
    CASE provider {_cases((name, f"pick({texts(each)}, region_draw)") for name, each in REGIONS)} END AS region,
    CASE WHEN is_shared_database THEN 'shared-postgres' WHEN is_cluster_pod THEN 'cluster'
        ELSE team || '-' || pick({texts(APPLICATIONS)}, name_draw) END || '-' || short_environment
        || '-' || resource_number AS resource_name,
    {_tags()} AS tags
FROM named ORDER BY resource_number"""


def _cases(pairs: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"WHEN {text(value)} THEN {result}" for value, result in pairs)


def _environment_value(draw: str) -> str:
    return f"CASE environment {_cases((each[0], f'pick({texts(each[3])}, {draw})') for each in ENVIRONMENTS)} END"


def _environment_tag() -> str:
    """One tag as JSON text: the environment as someone typed it, or a word for not knowing it."""
    key_name = f"CASE WHEN is_pod THEN 'k8s_label_env' ELSE {_ENVIRONMENT_KEY} END"
    value = f"""CASE WHEN no_env_draw % 100 < 9 THEN pick({texts(NO_ENVIRONMENT)}, env_value_draw)
            ELSE {_environment_value("env_value_draw")} END"""
    return f"""CASE WHEN is_cluster_pod OR account_owner = 'sandbox' OR no_env_draw % 100 < 5 THEN NULL
            ELSE {_pair(key_name, value)} END"""


def _second_environment_tag() -> str:
    """A second key beside the first: the right one where the first says nothing, now and then one that disagrees."""
    key_name = f"CASE {_ENVIRONMENT_KEY} WHEN 'environment' THEN 'env' ELSE 'environment' END"
    return f"""CASE WHEN is_pod OR account_owner = 'sandbox' THEN NULL
            WHEN no_env_draw % 100 BETWEEN 5 AND 8 AND second_env_draw % 2 = 0
                THEN {_pair(key_name, _environment_value("env_value_draw"))}
            WHEN no_env_draw % 100 > 97 THEN {_pair(key_name, "pick(['prod', 'dev'], second_env_draw)")} END"""


def _team_tag() -> str:
    key_name = f"CASE WHEN is_pod THEN 'k8s_label_team' ELSE pick({texts(TEAM_KEYS)}, team_key_draw) END"
    spellings = """[team, team, team, team, upper(team[1]) || team[2:], upper(team), team || '-team',
            'team-' || team, ' ' || team]"""
    value = f"CASE WHEN no_team_draw % 100 < 10 THEN 'unknown' ELSE pick({spellings}, team_value_draw) END"
    return f"""CASE WHEN is_shared_database OR is_cluster_pod OR no_team_draw % 100 < 8 THEN NULL
            ELSE {_pair(key_name, value)} END"""


def _account_id() -> str:
    owners = texts(["shared", "sandbox", *(name for name, _ in TEAMS)])
    number = f"""(list_position({owners}, account_owner) * 4 + CASE environment WHEN 'production' THEN 1 ELSE 2 END
        + CASE currency WHEN 'EUR' THEN 100 ELSE 0 END)::BIGINT"""
    spread = f"({number} * 40014000053 % 1000000000000)"
    return f"""CASE WHEN account_name = 'acme-sandbox' THEN {text(SANDBOX_ACCOUNT_ID)}
        WHEN provider = 'AWS' AND account_name = 'acme-shared-prod' THEN {text(SHARED_ACCOUNT_ID)}
        WHEN provider = 'AWS' THEN lpad({spread}::VARCHAR, 12, '0')
        WHEN provider = 'Microsoft' THEN printf('%08d-4c1d-4b7e-9a11-%012d', {number}, {spread})
        ELSE account_name || '-' || {number} END"""


def _tags() -> str:
    """All tags as one JSON object, `{}`, or null: half of the untagged are the one and half the other."""
    namespace = """CASE WHEN is_cluster_pod THEN pick(['kube-system', 'monitoring'], name_draw)
            ELSE team || '-' || short_environment END"""
    cost_center = "'CC-' || (100 + contact_draw % 40)"
    return f"""CASE WHEN is_tagged THEN '{{' || concat_ws(',', environment_tag, second_environment_tag, team_tag,
        CASE WHEN is_pod THEN {_pair("'k8s_namespace'", namespace)} END,
        CASE WHEN NOT is_pod AND contact_draw % 100 < 35 THEN {_pair("'CostCenter'", cost_center)} END,
        CASE WHEN contact_draw % 100 > 96 THEN {_pair("'contact'", text(UMLAUTS_AND_QUOTES))} END) || '}}'
        WHEN tag_draw % 2 = 0 THEN '{{}}' END"""


def _pair(key_name: str, value: str) -> str:
    return f"to_json({key_name})::VARCHAR || ':' || to_json({value})::VARCHAR"


_ENVIRONMENT_KEY = f"pick({texts(ENVIRONMENT_KEYS)}, env_key_draw)"
