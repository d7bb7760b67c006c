"""Which version of a month is read where several lie beside each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from costops.errors import BillError
from costops.sources.discover import find_files
from costops.sources.found import Found, Owner

CLOUD = Owner("billing", "cloud")
MAY = "20250501-20250601"
OLD = "0a3f7c2e-8d1b-4f6a-9c3e-5b7d9e1f2a4c"
NEW = "f1e2d3c4-b5a6-4789-8abc-def012345678"


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def put(root: Path, name: str, document: object) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def find(root: Path, pattern: str = "bill/**/*.csv.gz") -> Found:
    return find_files(root, CLOUD, pattern)


def read(root: Path, pattern: str = "bill/**/*.csv.gz") -> list[str]:
    return [file.name for file in find(root, pattern).files]


def passed_over(root: Path, pattern: str = "bill/**/*.csv.gz") -> Mapping[str, str]:
    return {each.name: each.reason for each in find(root, pattern).passed_over}


def refused(root: Path, pattern: str = "bill/**/*.csv.gz") -> str:
    with pytest.raises(BillError) as caught:
        find(root, pattern)
    assert caught.value.hint
    return caught.value.message


def report(*keys: str) -> object:
    """A manifest of a Cost and Usage Report."""
    return {"assemblyId": NEW, "bucket": "bills", "reportKeys": list(keys)}


def test_the_manifest_of_a_month_names_the_current_assembly(tmp_path: Path) -> None:
    make(tmp_path, *(f"bill/cost/{MAY}/{run}/cost-{part}.csv.gz" for run in (OLD, NEW) for part in (1, 2)))
    keys = [f"export/cost/{MAY}/{NEW}/cost-{part}.csv.gz" for part in (1, 2)]
    put(tmp_path, f"bill/cost/{MAY}/cost-Manifest.json", report(*keys))
    put(tmp_path, f"bill/cost/{MAY}/{NEW}/cost-Manifest.json", report(*keys))
    old_keys = [f"export/cost/{MAY}/{OLD}/cost-{part}.csv.gz" for part in (1, 2, 3)]
    put(tmp_path, f"bill/cost/{MAY}/{OLD}/cost-Manifest.json", report(*old_keys))
    assert read(tmp_path) == [f"bill/cost/{MAY}/{NEW}/cost-1.csv.gz", f"bill/cost/{MAY}/{NEW}/cost-2.csv.gz"]
    reason = f"bill/cost/{MAY}/cost-Manifest.json does not name it: an older version"
    assert passed_over(tmp_path) == {f"bill/cost/{MAY}/{OLD}/cost-{part}.csv.gz": reason for part in (1, 2)}


def test_files_in_the_months_own_folder_are_current_when_the_manifest_names_them(tmp_path: Path) -> None:
    make(tmp_path, f"bill/{MAY}/cost-1.csv.gz", f"bill/{MAY}/{OLD}/cost-1.csv.gz")
    put(tmp_path, f"bill/{MAY}/cost-Manifest.json", report(f"cost/{MAY}/cost-1.csv.gz"))
    assert read(tmp_path) == [f"bill/{MAY}/cost-1.csv.gz"]


def test_several_versions_of_a_month_without_a_manifest_are_refused_with_both_names(tmp_path: Path) -> None:
    make(tmp_path, f"bill/{MAY}/{OLD}/cost-1.csv.gz", f"bill/{MAY}/{NEW}/cost-1.csv.gz")
    assert refused(tmp_path) == (
        f"billing source cloud: bill/{MAY} has several versions of one month, which would count twice: "
        f"bill/{MAY}/{OLD}/cost-1.csv.gz and bill/{MAY}/{NEW}/cost-1.csv.gz"
    )
    assert read(tmp_path, f"bill/{MAY}/{NEW}/*.csv.gz") == [f"bill/{MAY}/{NEW}/cost-1.csv.gz"]


def test_each_versions_own_manifest_does_not_say_which_is_current(tmp_path: Path) -> None:
    for run in (OLD, NEW):
        make(tmp_path, f"bill/{MAY}/{run}/cost-1.csv.gz")
        put(tmp_path, f"bill/{MAY}/{run}/cost-Manifest.json", report(f"cost/{MAY}/{run}/cost-1.csv.gz"))
    assert "several versions of one month" in refused(tmp_path)


def test_other_months_beside_each_other_are_no_versions(tmp_path: Path) -> None:
    make(tmp_path, f"bill/{MAY}/{OLD}/cost-1.csv.gz", f"bill/20250601-20250701/{NEW}/cost-1.csv.gz")
    assert len(read(tmp_path)) == 2


def test_a_file_that_the_manifest_names_and_that_is_not_there_is_an_incomplete_delivery(tmp_path: Path) -> None:
    make(tmp_path, f"bill/{MAY}/{NEW}/cost-1.csv.gz")
    keys = [f"cost/{MAY}/{NEW}/cost-{part}.csv.gz" for part in (1, 2, 3)]
    put(tmp_path, f"bill/{MAY}/cost-Manifest.json", report(*keys))
    assert refused(tmp_path) == (
        f"billing source cloud: bill/{MAY}/cost-Manifest.json names bill/{MAY}/{NEW}/cost-2.csv.gz and 1 more, "
        "which are not there: the delivery is incomplete"
    )


def test_a_month_of_which_only_the_manifest_was_delivered_is_incomplete(tmp_path: Path) -> None:
    make(tmp_path, f"bill/{MAY}/{NEW}/cost-1.csv.gz")
    put(tmp_path, "bill/20250601-20250701/cost-Manifest.json", report(f"c/20250601-20250701/{NEW}/cost-1.csv.gz"))
    assert "bill/20250601-20250701/cost-Manifest.json names" in refused(tmp_path)
    assert read(tmp_path, f"bill/{MAY}/**") == [f"bill/{MAY}/{NEW}/cost-1.csv.gz"]


def test_a_path_that_names_only_an_older_version_is_refused_and_one_file_by_its_name_is_not(tmp_path: Path) -> None:
    make(tmp_path, f"bill/{MAY}/{OLD}/cost-1.csv.gz", f"bill/{MAY}/{NEW}/cost-1.csv.gz")
    put(tmp_path, f"bill/{MAY}/cost-Manifest.json", report(f"cost/{MAY}/{NEW}/cost-1.csv.gz"))
    message = refused(tmp_path, f"bill/{MAY}/{OLD}/*.csv.gz")
    assert f"{OLD}/cost-1.csv.gz is of an older version of the month" in message
    assert f"{NEW}/cost-1.csv.gz is the current one" in message
    assert read(tmp_path, f"bill/{MAY}/{OLD}/cost-1.csv.gz") == [f"bill/{MAY}/{OLD}/cost-1.csv.gz"]


def test_a_data_export_has_its_manifest_under_metadata(tmp_path: Path) -> None:
    period = "BILLING_PERIOD=2025-05"
    runs = ("2025-05-20T08:00:00.000Z-1f", "2025-05-21T08:00:00.000Z-2e")
    make(tmp_path, *(f"bill/focus/data/{period}/{run}/focus-1.csv.gz" for run in runs))
    assert "several versions of one month" in refused(tmp_path)
    key = f"s3://bills/exports/focus/data/{period}/{runs[1]}/focus-1.csv.gz"
    put(tmp_path, f"bill/focus/metadata/{period}/focus-Manifest.json", {"dataFiles": [key]})
    assert read(tmp_path) == [f"bill/focus/data/{period}/{runs[1]}/focus-1.csv.gz"]
    assert list(passed_over(tmp_path)) == [f"bill/focus/data/{period}/{runs[0]}/focus-1.csv.gz"]


def test_parquet_of_a_report_has_its_manifest_beside_the_folder_of_the_years(tmp_path: Path) -> None:
    make(tmp_path, "bill/cost/cost/year=2025/month=5/cost-1.parquet", "bill/cost/cost/year=2025/month=5/stale.parquet")
    key = "exports/cost/cost/year=2025/month=5/cost-1.parquet"
    put(tmp_path, f"bill/cost/{MAY}/cost-Manifest.json", report(key))
    assert read(tmp_path, "bill/**/*.parquet") == ["bill/cost/cost/year=2025/month=5/cost-1.parquet"]


def test_of_the_runs_of_azure_the_newest_is_read(tmp_path: Path) -> None:
    for run, day in ((NEW, "2025-05-20"), (OLD, "2025-05-21")):
        make(tmp_path, f"bill/{MAY}/{run}/part_0.csv")
        blobs = [{"blobName": f"costs/{MAY}/{run}/part_0.csv", "byteCount": 1}]
        put(
            tmp_path, f"bill/{MAY}/{run}/manifest.json", {"blobs": blobs, "runInfo": {"submittedTime": f"{day}T08:00Z"}}
        )
    assert read(tmp_path, "bill") == [f"bill/{MAY}/{OLD}/part_0.csv"]
    assert f"bill/{MAY}/{NEW}/part_0.csv" in passed_over(tmp_path, "bill")


def test_partitions_by_something_else_than_versions_are_read_together(tmp_path: Path) -> None:
    make(tmp_path, "bill/BILLING_PERIOD=2025-05/account=1/a.csv.gz", "bill/BILLING_PERIOD=2025-05/account=2/a.csv.gz")
    make(tmp_path, f"bill/{OLD}/a.csv.gz", f"bill/{NEW}/a.csv.gz")
    assert len(read(tmp_path)) == 4


@pytest.mark.parametrize("content", ["", "{", "not json", "\x00"])
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, content: str) -> None:
    make(tmp_path, f"bill/{MAY}/{NEW}/cost-1.csv.gz")
    (tmp_path / "bill" / MAY / "cost-Manifest.json").write_text(content, encoding="utf-8")
    assert f"the manifest bill/{MAY}/cost-Manifest.json cannot be read: it is no JSON document" in refused(tmp_path)


@pytest.mark.parametrize(
    "document", [[], {}, None, {"reportKeys": "x"}, {"reportKeys": [1, ""]}, {"blobs": [1]}, {"dataFiles": ["/"]}]
)
def test_a_document_that_names_no_files_decides_nothing(tmp_path: Path, document: object) -> None:
    make(tmp_path, f"bill/{MAY}/{NEW}/cost-1.csv.gz")
    put(tmp_path, f"bill/{MAY}/cost-Manifest.json", document)
    assert read(tmp_path) == [f"bill/{MAY}/{NEW}/cost-1.csv.gz"]


def test_a_key_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    make(tmp_path, f"bill/{MAY}/{NEW}/cost-1.csv.gz", "secret.csv.gz")
    put(tmp_path, f"bill/{MAY}/cost-Manifest.json", report(f"x/{MAY}/../../secret.csv.gz"))
    assert "secret.csv.gz, which is not there" in refused(tmp_path)
