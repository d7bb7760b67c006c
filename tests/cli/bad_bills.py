"""Kinds of bad bills, metrics and folders."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from cli.bad_input import RULES, Kind

HEADER = "ChargePeriodStart,BillingCurrency,BilledCost,EffectiveCost,Tags"
ROW = '2025-04-10,USD,1.5,1.5,"{""env"": ""production""}"'
PART = "bill/part-0.csv"


def text(*lines: str, name: str = PART, encoding: str = "utf-8") -> Callable[[Path], None]:
    """The bill's one file is these lines instead."""
    return raw(("\n".join(lines) + "\n").encode(encoding), name)


def raw(content: bytes, name: str = PART) -> Callable[[Path], None]:
    """The bill's one file is these bytes instead."""

    def spoil(folder: Path) -> None:
        (folder / PART).unlink()
        (folder / name).write_bytes(content)
        bill_path(folder, "bill/*")

    return spoil


def row(old: str, new: str) -> Callable[[Path], None]:
    """A bill whose second row differs from the first in one place."""
    return text(HEADER, ROW, ROW.replace(old, new, 1))


def parquet(query: str, change: Callable[[bytes], bytes] = bytes) -> Callable[[Path], None]:
    """The bill's one file is Parquet instead: the result of a query, changed."""

    def spoil(folder: Path) -> None:
        import duckdb

        (folder / PART).unlink()
        path = folder / "bill" / "part-0.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        path.write_bytes(change(path.read_bytes()))
        bill_path(folder, "bill/*")

    return spoil


def bill_path(folder: Path, path: str, **fields: str) -> None:
    """Names the bill otherwise in costops.yaml."""
    settings = json.loads((folder / "costops.yaml").read_text(encoding="utf-8"))
    settings["billing"] = [{"name": "cloud", "path": path, **fields}]
    (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")


def metric(*lines: str) -> Callable[[Path], None]:
    """A metric that a rule splits by, and its one file."""

    def spoil(folder: Path) -> None:
        settings = json.loads((folder / "costops.yaml").read_text(encoding="utf-8"))
        settings["metric_sources"] = [{"name": "warehouse", "kind": "file", "path": "usage/*.csv"}]
        (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
        (folder / "usage" / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        rules = RULES + (
            "  - id: by-use\n    source: {where: {env: null}}\n    method: metric\n    to: {dimension: env}\n"
            "    basis: {metric: queries}\n"
            "metrics:\n  - {id: queries, source: warehouse, query: queries, labels: {env: env}}\n"
        )
        (folder / "rules" / "10-rules.yaml").write_text(rules, encoding="utf-8")

    return spoil


def links(*pairs: tuple[str, str]) -> Callable[[Path], None]:
    """Symbolic links (name, target) in place of the bill's file."""

    def spoil(folder: Path) -> None:
        (folder / PART).unlink()
        for name, target in pairs:
            (folder / name).symlink_to(target)

    return spoil


def pipe(folder: Path) -> None:
    (folder / PART).unlink()
    os.mkfifo(folder / PART)


def folder_for_file(folder: Path) -> None:
    (folder / PART).unlink()
    (folder / PART).mkdir()


def forbidden(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).chmod(0)


def same_twice(folder: Path) -> None:
    shutil.copy(folder / PART, folder / "bill" / "copy.csv")


def versions(*, manifest: str | None) -> Callable[[Path], None]:
    """Two versions of a month beside each other, and perhaps a manifest."""

    def spoil(folder: Path) -> None:
        month = folder / "bill" / "20250401-20250501"
        for number in (1, 2):
            (month / f"version-{number}").mkdir(parents=True)
            content = f"{HEADER}\n{ROW.replace('1.5', f'{number}.5')}\n"
            (month / f"version-{number}" / "cost-1.csv").write_text(content, encoding="utf-8")
        (folder / PART).unlink()
        if manifest is not None:
            (month / "cost-Manifest.json").write_text(manifest, encoding="utf-8")
        bill_path(folder, "bill/**/*.csv")

    return spoil


PACKED = gzip.compress(f"{HEADER}\n{(ROW + chr(10)) * 500}".encode(), mtime=0)
GOOD = "SELECT DATE '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, 1.5 AS EffectiveCost, i AS n"
MANY = f"{GOOD} FROM range(5000) AS r(i)"


def flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 0xFF
    return bytes(changed)


def zeroed_middle(content: bytes) -> bytes:
    """Parquet whose footer is whole and whose pages are not."""
    length = int.from_bytes(content[-8:-4], "little")
    return content[:4] + bytes(len(content) - length - 12) + content[-length - 8 :]


BILLS: tuple[Kind, ...] = (
    # Files that are not what their name says.
    Kind("truncated gzip", 1, ("bill/a.csv.gz", "its end is missing", "again"), raw(PACKED[:-40], "bill/a.csv.gz")),
    Kind("corrupt gzip", 1, ("bill/a.csv.gz", "damaged"), raw(flipped(PACKED, len(PACKED) // 2), "bill/a.csv.gz")),
    Kind("gzip with a wrong checksum", 1, ("bill/a.csv.gz", "damaged"), raw(flipped(PACKED, -6), "bill/a.csv.gz")),
    Kind("no gzip file", 1, ("bill/a.csv.gz", "no gzip file", ".gz"), text(HEADER, ROW, name="bill/a.csv.gz")),
    Kind("packed in another way", 1, ("bill/a.csv.zst", "packed", "Unpack"), raw(b"x", "bill/a.csv.zst")),
    Kind("empty gzip", 1, ("bill/a.csv.gz", "empty", "again"), raw(b"", "bill/a.csv.gz")),
    Kind("corrupt Parquet", 1, ("bill/part-0.parquet", "damaged", "again"), parquet(MANY, zeroed_middle)),
    Kind("truncated Parquet", 1, ("part-0.parquet", "its end is missing"), parquet(MANY, lambda data: data[:-100])),
    Kind("empty Parquet", 1, ("part-0.parquet", "empty (0 bytes)"), parquet(MANY, lambda _: b"")),
    Kind("no Parquet file", 1, ("part-0.parquet", "no Parquet file"), parquet(MANY, lambda _: b"a,b\n1,2\n" * 9)),
    # CSV.
    Kind("empty CSV", 1, (PART, "is empty", "again"), raw(b"")),
    Kind("delimiter that cannot be told", 1, (PART, "delimiter", "quotes"), text("a,b;c", "1,2;3")),
    Kind("other delimiter in one column", 1, (PART, "lacks", "ChargePeriodStart"), text(HEADER.replace(",", "!"), ROW)),
    Kind("UTF-16 with a byte order mark", 1, (PART, "UTF-16", "iconv"), text(HEADER, ROW, encoding="utf-16")),
    Kind("UTF-16 without one", 1, (PART, "UTF-16", "iconv"), text(HEADER, ROW, encoding="utf-16-le")),
    Kind(
        "Latin-1",
        1,
        (PART, "line 3 has the byte 0xe9", f"offset {len(HEADER) + len(ROW) + 2 + 30}", "iconv"),
        text(HEADER, ROW, ROW[:30] + "é" + ROW[30:], encoding="latin-1"),
    ),
    Kind(
        "Latin-1 far down",
        1,
        (PART, "line 60002 has the byte 0xfc", "iconv"),
        text(HEADER, *[ROW] * 60_000, ROW[:30] + "ü" + ROW[30:], encoding="latin-1"),
    ),
    Kind(
        "too few fields", 1, (PART, "line 3 has 2 fields where the header has 5"), text(HEADER, ROW, "2025-04-10,USD")
    ),
    Kind("too many fields", 1, (PART, "line 3 has 6 fields", "double quotes"), text(HEADER, ROW, ROW + ",x")),
    Kind("quote that is not closed", 1, (PART, "line 3", "quote"), text(HEADER, ROW, ROW.replace('}"', "}"))),
    Kind("line of 3 MB", 1, (PART, "line 3", "2,000,000 bytes"), row("production", "x" * 3_000_000)),
    Kind("column twice", 1, (PART, "columns 1 and 3", "Rename"), text("a,b,a", "1,2,3")),
    Kind("column without a name", 1, (PART, "column 2 has no name"), text("a,,c", "1,2,3")),
    Kind(
        "no currency column", 1, (PART, "lacks BillingCurrency"), text("ChargePeriodStart,BilledCost", "2025-04-10,1")
    ),
    Kind("no cost column", 1, (PART, "no cost column"), text("ChargePeriodStart,BillingCurrency", "2025-04-10,USD")),
    # Values.
    Kind("text in a date", 1, (PART, "row 2", "'soon'", "ChargePeriodStart", "ISO 8601"), row("2025-04-10", "soon")),
    Kind("date of another form", 1, (PART, "row 2", "'04/10/2025'", "ISO 8601"), row("2025-04-10", "04/10/2025")),
    Kind("year 1", 1, (PART, "row 2", "1900"), row("2025-04-10", "0001-01-01")),
    Kind("year 99999", 1, (PART, "row 2", "1900", "9999"), row("2025-04-10", "99999-01-01")),
    Kind("no such day", 1, (PART, "row 2", "'2025-02-30'", "ISO 8601"), row("2025-04-10", "2025-02-30")),
    Kind("no date at all", 1, (PART, "row 2", "ChargePeriodStart"), row("2025-04-10", "")),
    Kind("no currency", 1, (PART, "row 2", "BillingCurrency"), row("USD", "")),
    Kind("NaN in CSV", 1, (PART, "row 2", "'NaN'", "BilledCost", "finite"), row("1.5", "NaN")),
    Kind("infinity in CSV", 1, (PART, "row 2", "'-inf'", "BilledCost", "finite"), row("1.5", "-inf")),
    Kind(
        "NaN in Parquet",
        1,
        ("part-0.parquet: row 1", "'nan'"),
        parquet(GOOD.replace("1.5", "'nan'::DOUBLE") + " FROM range(1) AS r(i)"),
    ),
    Kind(
        "infinity in Parquet",
        1,
        ("part-0.parquet: row 1", "'inf'"),
        parquet(GOOD.replace("1.5", "'inf'::DOUBLE") + " FROM range(1) AS r(i)"),
    ),
    Kind(
        "decimal comma",
        1,
        (PART, "row 2", "'1,25'", "a point"),
        text(HEADER.replace(",", ";"), ROW.replace(",", ";"), ROW.replace(",", ";").replace("1.5", "1,25", 1)),
    ),
    Kind("separated thousands", 1, (PART, "row 2", "'1,234.50'", "a point"), row("1.5", '"1,234.50"')),
    Kind("amount too large", 1, (PART, "row 2", "'1e30'", "26 digits"), row("1.5", "1e30")),
    Kind("amount with a currency", 1, (PART, "row 2", "'$5'", "without currency"), row("1.5", "$5")),
    Kind("broken JSON in Tags", 1, (PART, "row 2", "no JSON object", '{"env"'), row('""}"', '"')),
    Kind(
        "braceless Tags",
        1,
        (PART, "row 2", "no JSON object"),
        row('{""env"": ""production""}', '""env"": ""production""'),
    ),
    Kind("list in Tags", 1, (PART, "row 2", "'[1]'", "no JSON object"), row('"{""env"": ""production""}"', "[1]")),
    Kind("escapes in a value", 1, (PART, "row 2", r"\x1b"), row("1.5", "\x1b[2J\x1b]0;gone\x07")),
    Kind("escapes in a column's name", 1, (r"\x1b", "Rename"), text("a,\x1b[31mb,\x1b[31mb", "1,2,3")),
    # Folders and links.
    Kind("folder in place of a file", 1, (PART, "is a folder"), folder_for_file),
    Kind("link to nothing", 1, (PART, "link to nothing"), links((PART, "gone.csv"))),
    Kind(
        "links in a circle",
        1,
        ("bill/a.csv", "link to nothing"),
        links(("bill/a.csv", "b.csv"), ("bill/b.csv", "a.csv")),
    ),
    Kind("named pipe", 1, (PART, "no ordinary file"), pipe),
    Kind(
        "file that may not be read",
        1,
        (PART, "Permission denied", "right to read"),
        forbidden(PART),
        permissions_bind=True,
    ),
    Kind(
        "folder that may not be read",
        1,
        ("bill", "Permission denied", "right to read"),
        forbidden("bill"),
        permissions_bind=True,
    ),
    Kind("no file at all", 1, ("cloud", "bill/*.csv", "costops.yaml"), lambda folder: (folder / PART).unlink()),
    Kind("same content twice", 1, (PART, "bill/copy.csv", "twice"), same_twice),
    Kind(
        "two versions of a month",
        1,
        ("bill/20250401-20250501", "version-1", "version-2", "manifest"),
        versions(manifest=None),
    ),
    Kind("manifest that is no JSON", 1, ("cost-Manifest.json", "no JSON"), versions(manifest="{")),
    Kind(
        "incomplete delivery",
        1,
        ("cost-Manifest.json", "version-2/cost-2.csv", "incomplete"),
        versions(
            manifest=json.dumps(
                {"reportKeys": ["b/20250401-20250501/version-2/cost-1.csv", "b/20250401-20250501/version-2/cost-2.csv"]}
            )
        ),
    ),
    Kind(
        "unknown format",
        3,
        ("costops.yaml", "format", "csv2"),
        lambda folder: bill_path(folder, "bill/*.csv", format="csv2"),
    ),
    # Metrics.
    Kind(
        "metric without a value column",
        1,
        ("usage/a.csv", "no column value"),
        metric("date,metric,env", "2025-04-10,queries,production"),
    ),
    Kind(
        "text for a metric's value",
        1,
        ("usage/a.csv", "row 1", "'many'", "value"),
        metric("date,metric,env,value", "2025-04-10,queries,production,many"),
    ),
    Kind(
        "NaN for a metric's value",
        1,
        ("usage/a.csv", "row 2", "'nan'"),
        metric("date,metric,env,value", "2025-04-10,queries,production,1", "2025-04-10,queries,staging,nan"),
    ),
    Kind(
        "text for a metric's date",
        1,
        ("usage/a.csv", "row 1", "'April'", "ISO"),
        metric("date,metric,env,value", "April,queries,production,1"),
    ),
    Kind(
        "metric that nobody measured",
        1,
        ("queries", "no record"),
        metric("date,metric,env,value", "2025-04-10,others,production,1"),
    ),
)
