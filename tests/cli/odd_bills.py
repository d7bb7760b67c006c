"""Bills that look wrong and are legal: they are read right."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli.bad_bills import GOOD, HEADER, ROW, parquet, raw, row, text, versions


@dataclass(frozen=True)
class Odd:
    """One kind of odd input, and what is read of it."""

    name: str
    spoil: Callable[[Path], None]
    """Makes the input odd; given a workspace with one bill file `bill/part-0.csv`."""
    rows: int
    billed: str
    """Sum of EffectiveCost in USD."""
    tags: tuple[tuple[str, int], ...] = ()
    """(key, charges) of the tags."""


ENV = (("env", 2),)
SEMICOLONS = ROW.replace(",", ";")


def no_rows_beside_rows(folder: Path) -> None:
    import duckdb

    with duckdb.connect() as connection:
        query = f"{GOOD} FROM range(0) AS r(i)"
        connection.execute(f"COPY ({query}) TO '{folder}/bill/empty.parquet' (FORMAT parquet)")
    settings = json.loads((folder / "costops.yaml").read_text(encoding="utf-8"))
    settings["billing"][0]["path"] = "bill/*"
    (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")


NEWER = json.dumps({"reportKeys": ["b/20250401-20250501/version-2/cost-1.csv"]})

ODD: tuple[Odd, ...] = (
    Odd("byte order mark", raw(f"\ufeff{HEADER}\n{ROW}\n{ROW}\n".encode()), 2, "3", ENV),
    Odd("lines that end like on Windows", raw(f"{HEADER}\r\n{ROW}\r\n{ROW}\r\n".encode()), 2, "3", ENV),
    Odd("lines that end like on an old Mac", raw(f"{HEADER}\r{ROW}\r{ROW}\r".encode()), 2, "3", ENV),
    Odd("empty lines", text(HEADER, ROW, "", ROW, "", ""), 2, "3", ENV),
    Odd("last line without an end", raw(f"{HEADER}\n{ROW}\n{ROW}".encode()), 2, "3", ENV),
    Odd("semicolons", text(HEADER.replace(",", ";"), SEMICOLONS, SEMICOLONS), 2, "3", ENV),
    Odd("tabs", text(HEADER.replace(",", "\t"), ROW.replace(",", "\t")), 1, "1.5", (("env", 1),)),
    Odd("bars", text(HEADER.replace(",", "|"), ROW.replace(",", "|")), 1, "1.5", (("env", 1),)),
    Odd(
        "gzip of several members",
        raw(gzip.compress(f"{HEADER}\n".encode()) + gzip.compress(f"{ROW}\n".encode()), "bill/a.csv.gz"),
        1,
        "1.5",
        (("env", 1),),
    ),
    Odd("header alone", text(HEADER), 0, "0"),
    Odd("Parquet without rows", parquet(f"{GOOD} FROM range(0) AS r(i)"), 0, "0"),
    Odd("Parquet without rows beside a file with rows", no_rows_beside_rows, 2, "15", (("env", 1),)),
    Odd("tag value of 1 MB", row("production", "x" * 1_000_000), 2, "3", ENV),
    Odd("nested values in Tags", row('""production""', '{""a"": [1, {""b"": null}]}'), 2, "3", ENV),
    Odd(
        "numbers and truth in Tags",
        row('{""env"": ""production""}', '{""n"": 5, ""on"": true}'),
        2,
        "3",
        (("env", 1), ("n", 1), ("on", 1)),
    ),
    Odd(
        "missing values in Tags",
        row('{""env"": ""production""}', '{""env"": null, ""team"": """"}'),
        2,
        "3",
        (("env", 1),),
    ),
    Odd("no tags", row('"{""env"": ""production""}"', ""), 2, "3", (("env", 1),)),
    Odd(
        "NULL in every field that may be missing",
        row('1.5,"{""env"": ""production""}"', "NULL,NULL"),
        2,
        "1.5",
        (("env", 1),),
    ),
    Odd(
        "keys that differ in case only",
        row('{""env"": ""production""}', '{""Env"": ""a"", ""ENV"": ""b""}'),
        2,
        "3",
        (("ENV", 1), ("Env", 1), ("env", 1)),
    ),
    Odd("exponents and signs", text(HEADER, ROW.replace("1.5", "+1.5E+1"), ROW.replace("1.5", "-.5e1")), 2, "10", ENV),
    Odd("more than 12 places", row("1.5,1.5", "0,0.0000000000005"), 2, "1.5", ENV),
    Odd("control characters in a value", row("production", r"\u001b[2Jx\u0007"), 2, "3", ENV),
    Odd("control characters in a key", row("env", r"\u001b[2J\u202e"), 2, "3", (("\x1b[2J\u202e", 1), ("env", 1))),
    Odd("lines in quotes", row("production", r"two\nlines"), 2, "3", ENV),
    Odd("offset of a time zone", row("2025-04-10", "2025-04-10T23:30:00-05:00"), 2, "3", ENV),
    Odd("older version beside the current one", versions(manifest=NEWER), 1, "2.5", (("env", 1),)),
)
