"""What the demo company buys and how its people write things down: data only.

Invariant: prices and typical amounts are integers (billionths of a unit of currency, thousandths of a pricing
unit), so that list cost is exactly price times quantity, and every number of billionths divides by 50, so that
discounted prices are exact as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of charge: what a provider sells, its price, and how often people tag it."""

    weight: int
    """How many of all resources are of this kind, relative to the others."""
    provider: str
    service: str
    category: str
    subcategory: str
    resource_type: str
    unit: str
    price_nanos: int
    """List price of one unit at the smallest size."""
    typical_milliunits: int
    tagged_percent: int
    traits: str = ""
    """pod: labelled by Kubernetes; database: may be shared; committed: may be covered; hourly: an hour, not a day."""


_AWS, _AZURE, _GOOGLE = "AWS", "Microsoft", "Google Cloud"
_MACHINE = "Virtual Machines"
_RELATIONAL = "Relational Databases"

KINDS: tuple[Kind, ...] = (
    Kind(15, _AWS, "Amazon Elastic Compute Cloud", "Compute", _MACHINE, "Instance",
         "Hours", 192_000_000, 13_700, 93, "committed"),
    Kind(6, _AWS, "Amazon Elastic Block Store", "Storage", "Block Storage", "Volume",
         "GB-Months", 80_000_000, 18_000, 85),
    Kind(7, _AWS, "Amazon Simple Storage Service", "Storage", "Object Storage", "Bucket",
         "GB-Months", 23_000_000, 90_000, 84),
    Kind(8, _AWS, "Amazon Relational Database Service", "Databases", _RELATIONAL, "DB Instance",
         "Hours", 290_000_000, 13_700, 94, "database committed"),
    Kind(11, _AWS, "Amazon Elastic Kubernetes Service", "Compute", "Containers", "Pod",
         "Hours", 96_000_000, 13_700, 100, "pod"),
    Kind(4, _AWS, "AWS Lambda", "Compute", "Serverless Compute", "Function",
         "1M Requests", 200_000_000, 3_000, 80, "hourly"),
    Kind(3, _AWS, "Amazon DynamoDB", "Databases", "NoSQL Databases", "Table",
         "1M Requests", 1_250_000_000, 900, 82),
    Kind(3, _AWS, "AWS Data Transfer", "Networking", "Network Connectivity", "Data Transfer",
         "GB", 90_000_000, 22_000, 0, "hourly"),
    Kind(2, _AWS, "Amazon Virtual Private Cloud", "Networking", "Network Infrastructure", "NAT Gateway",
         "GB", 45_000_000, 36_000, 0),
    Kind(3, _AWS, "Amazon CloudWatch", "Management and Governance", "Observability", "Metric",
         "Metrics", 300_000_000, 3_000, 25),
    Kind(1, _AWS, "Amazon Bedrock", "AI and Machine Learning", "Generative AI", "Model",
         "1M Tokens", 3_000_000_000, 1_700, 60),
    Kind(8, _AZURE, "Virtual Machines", "Compute", _MACHINE, "Virtual machine",
         "Hours", 210_000_000, 13_700, 91, "committed"),
    Kind(4, _AZURE, "Storage Accounts", "Storage", "Object Storage", "Storage account",
         "GB-Months", 20_800_000, 80_000, 80),
    Kind(4, _AZURE, "Azure SQL Database", "Databases", _RELATIONAL, "SQL database",
         "Hours", 245_000_000, 13_700, 92, "database"),
    Kind(5, _AZURE, "Azure Kubernetes Service", "Compute", "Containers", "Pod",
         "Hours", 104_000_000, 13_700, 100, "pod"),
    Kind(2, _AZURE, "Bandwidth", "Networking", "Network Connectivity", "Bandwidth",
         "GB", 87_000_000, 20_000, 0),
    Kind(6, _GOOGLE, "Compute Engine", "Compute", _MACHINE, "Instance",
         "Hours", 170_000_000, 13_700, 90),
    Kind(3, _GOOGLE, "Cloud Storage", "Storage", "Object Storage", "Bucket",
         "GB-Months", 20_000_000, 80_000, 78),
    Kind(3, _GOOGLE, "BigQuery", "Analytics", "Data Warehouses", "Dataset",
         "TB", 6_250_000_000, 500, 72),
)  # fmt: skip


TEAMS: tuple[tuple[str, int], ...] = (
    ("checkout", 16),
    ("search", 15),
    ("platform", 13),
    ("payments", 12),
    ("data", 12),
    ("mobile", 9),
    ("growth", 8),
    ("logistics", 7),
    ("identity", 5),
    ("ml", 3),
)
"""Team and its weight."""

ENVIRONMENTS: tuple[tuple[str, int, str, tuple[str, ...]], ...] = (
    ("production", 58, "prod",
     ("prod", "prod", "prod", "production", "production", "PROD", "prd", "Production", "live", "prod-eu", "Prod ")),
    ("staging", 20, "stg",
     ("stg", "stg", "staging", "staging", "stage", "STG", "preprod", "Staging")),
    ("development", 14, "dev",
     ("dev", "dev", "dev", "development", "Dev", "develop", "dev-jane", "feature-4711")),
    ("test", 8, "qa",
     ("test", "test", "qa", "QA", "Test")),
)  # fmt: skip
"""Environment, weight, the short form in namespaces, and what people type."""

ENVIRONMENT_KEYS: tuple[str, ...] = ("env", "env", "env", "environment", "environment", "Env", "environnment")

NO_ENVIRONMENT: tuple[str, ...] = ("N/A", "none", "", "n/a", "None")
"""What people type who do not know."""

TEAM_KEYS: tuple[str, ...] = ("team", "team", "team", "team", "Team", "owner")

APPLICATIONS: tuple[str, ...] = ("api", "web", "worker", "batch", "etl")

REGIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_AWS, ("us-east-1", "us-east-1", "eu-central-1", "eu-west-1")),
    (_AZURE, ("westeurope", "westeurope", "eastus", "northeurope")),
    (_GOOGLE, ("europe-west1", "us-central1")),
)

SHARED_ACCOUNT_ID = "000123456789"
SANDBOX_ACCOUNT_ID = "000987654321"
PAYER_ACCOUNT_ID = "000000112233"

UMLAUTS_AND_QUOTES = 'Jürgen "JJ" O\'Neil, Größe XL'
"""A tag value that breaks naive quoting."""
