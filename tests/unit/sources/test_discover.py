"""Which files a billing source's path means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costops.errors import BillError
from costops.sources.discover import find_all, find_files
from costops.sources.found import Owner

CLOUD = Owner("billing", "cloud")


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def names(root: Path, pattern: str) -> list[str]:
    return [file.name for file in find_files(root, CLOUD, pattern).files]


def refused(root: Path, pattern: str) -> BillError:
    with pytest.raises(BillError) as caught:
        find_files(root, CLOUD, pattern)
    return caught.value


def test_a_path_names_one_file(tmp_path: Path) -> None:
    make(tmp_path, "bill/april.csv", "bill/may.csv")
    assert names(tmp_path, "bill/april.csv") == ["bill/april.csv"]
    assert names(tmp_path, "./bill/../bill/april.csv") == ["bill/april.csv"]


def test_two_stars_name_files_at_any_depth_in_the_order_of_names(tmp_path: Path) -> None:
    make(tmp_path, "bill/z.parquet", "bill/BILLING_PERIOD=2025-05/a.parquet", "bill/BILLING_PERIOD=2025-04/b.parquet")
    expected = ["bill/BILLING_PERIOD=2025-04/b.parquet", "bill/BILLING_PERIOD=2025-05/a.parquet", "bill/z.parquet"]
    assert names(tmp_path, "bill/**/*.parquet") == expected
    assert names(tmp_path, "**/*.parquet") == expected
    assert names(tmp_path, "bill/**") == expected
    assert names(tmp_path, "bill") == expected
    assert names(tmp_path, "bill/") == expected


def test_one_star_stays_in_its_folder(tmp_path: Path) -> None:
    make(tmp_path, "bill/a.csv", "bill/deep/b.csv", "bill/deep/er/c.csv")
    assert names(tmp_path, "bill/*.csv") == ["bill/a.csv"]
    assert names(tmp_path, "bill/*/*.csv") == ["bill/deep/b.csv"]
    assert names(tmp_path, "bill/d*/") == ["bill/deep/b.csv", "bill/deep/er/c.csv"]


def test_a_file_is_named_relative_to_the_workspace_unless_an_absolute_path_names_it_outside(tmp_path: Path) -> None:
    make(tmp_path, "work/a.csv", "elsewhere/b.csv")
    assert names(tmp_path / "work", str(tmp_path / "work" / "*.csv")) == ["a.csv"]
    assert names(tmp_path / "work", "../elsewhere/*.csv") == ["../elsewhere/b.csv"]
    elsewhere = tmp_path / "elsewhere"
    assert names(tmp_path / "work", f"{elsewhere}/*.csv") == [(elsewhere / "b.csv").as_posix()]


def test_the_three_forms_are_known_in_any_case(tmp_path: Path) -> None:
    make(tmp_path, "b/1.csv", "b/2.CSV", "b/3.csv.gz", "b/4.Csv.GZ", "b/5.parquet", "b/6.snappy.PARQUET")
    found = find_files(tmp_path, CLOUD, "b").files
    assert [(file.path.name, file.kind) for file in found] == [
        ("1.csv", "csv"),
        ("2.CSV", "csv"),
        ("3.csv.gz", "csv"),
        ("4.Csv.GZ", "csv"),
        ("5.parquet", "parquet"),
        ("6.snappy.PARQUET", "parquet"),
    ]
    assert names(tmp_path, "b/*.csv") == ["b/1.csv", "b/2.CSV"]
    assert names(tmp_path, "b/*.parquet") == ["b/5.parquet", "b/6.snappy.PARQUET"]


def test_hidden_files_markers_and_manifests_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "b/a.csv", "b/.b.csv", "b/.tmp/c.csv", "b/_SUCCESS", "b/Manifest.json", "b/metadata/x-Manifest.json")
    assert names(tmp_path, "b") == ["b/a.csv"]
    assert names(tmp_path, "b/**") == ["b/a.csv"]
    assert names(tmp_path, "b/*") == ["b/a.csv"]
    assert [(each.source, each.name, each.reason) for each in find_files(tmp_path, CLOUD, "b").passed_over] == [
        ("cloud", "b/Manifest.json", "neither CSV nor Parquet"),
        ("cloud", "b/_SUCCESS", "neither CSV nor Parquet"),
        ("cloud", "b/metadata/x-Manifest.json", "a manifest"),
    ]
    assert find_files(tmp_path, CLOUD, "b/*.csv").passed_over == ()


def test_a_hidden_folder_that_the_path_names_is_read(tmp_path: Path) -> None:
    make(tmp_path, ".bill/a.csv")
    assert names(tmp_path, ".bill/*.csv") == [".bill/a.csv"]


def test_a_file_whose_name_has_wildcards_is_itself(tmp_path: Path) -> None:
    make(tmp_path, "bill[1].csv", "bill1.csv")
    assert names(tmp_path, "bill[1].csv") == ["bill[1].csv"]


def test_a_workspace_whose_name_has_wildcards_is_searched(tmp_path: Path) -> None:
    make(tmp_path, "team [a]/bill/x.csv")
    assert names(tmp_path / "team [a]", "bill/*.csv") == ["bill/x.csv"]


def test_nothing_found_names_source_pattern_and_place(tmp_path: Path) -> None:
    make(tmp_path, "bill/readme.txt")
    error = refused(tmp_path, "bill/**/*.parquet")
    assert error.message == (
        "billing source cloud: no bill file matches bill/**/*.parquet "
        f"(looked for {tmp_path}/bill/**/*.parquet: nothing there has such a name)"
    )
    assert error.hint == (
        "Put the bill file there, or correct `path` of cloud in costops.yaml. "
        "costops reads CSV (.csv), gzipped CSV (.csv.gz) and Parquet (.parquet)."
    )


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path}/bil" in refused(tmp_path, "bil/*.csv").message


def test_files_that_are_no_bill_are_counted(tmp_path: Path) -> None:
    make(tmp_path, "bill/readme.txt", "bill/notes.md")
    assert "2 files there, none of them a bill file" in refused(tmp_path, "bill/*").message


def test_a_packed_bill_is_refused_rather_than_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "bill/a.csv", "bill/b.csv.zip")
    error = refused(tmp_path, "bill")
    assert error.message == "billing source cloud: bill/b.csv.zip is packed in a way that costops does not read"


def test_a_folder_named_like_a_file_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "bill/april.parquet/part-0.parquet")
    by_name = refused(tmp_path, "bill/april.parquet")
    assert by_name.message == "billing source cloud: bill/april.parquet is a folder where a file is expected"
    assert by_name.hint == "Write `bill/april.parquet/` if you mean all files in the folder."
    assert refused(tmp_path, "bill/*.parquet").message == by_name.message
    assert names(tmp_path, "bill/april.parquet/") == ["bill/april.parquet/part-0.parquet"]


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "bill/a.csv")
    (tmp_path / "bill" / "b.csv").symlink_to(tmp_path / "gone.csv")
    assert "bill/b.csv is a link to nothing" in refused(tmp_path, "bill/*.csv").message
    assert "bill/b.csv is a link to nothing" in refused(tmp_path, "bill/b.csv").message


def test_a_link_to_a_folder_is_followed_and_a_loop_is_not(tmp_path: Path) -> None:
    make(tmp_path, "bill/a.csv", "elsewhere/b.csv")
    (tmp_path / "bill" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "bill")
    assert names(tmp_path, "bill") == ["bill/a.csv", "bill/more/b.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_listed_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "bill/a.csv")
    (tmp_path / "bill").chmod(0o000)
    try:
        assert "Permission denied" in refused(tmp_path, "bill/*.csv").message
    finally:
        (tmp_path / "bill").chmod(0o755)


def test_an_address_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "s3://bucket/bill/*.parquet")
    assert error.message == (
        "billing source cloud: s3://bucket/bill/*.parquet is an address, and costops reads files only"
    )


def test_two_sources_that_name_one_file_are_both_named(tmp_path: Path) -> None:
    make(tmp_path, "bill/a.csv", "bill/b.csv")
    sources = [(Owner("billing", "all"), "bill/*.csv"), (Owner("billing", "azure"), "bill/b.csv")]
    with pytest.raises(BillError) as caught:
        find_all(tmp_path, sources)
    assert caught.value.message == (
        "billing source all and billing source azure both name bill/b.csv; its cost would count twice"
    )


def test_one_source_that_reaches_a_file_by_a_link_too_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "bill/a.csv")
    (tmp_path / "bill" / "latest.csv").symlink_to(tmp_path / "bill" / "a.csv")
    with pytest.raises(BillError) as caught:
        find_all(tmp_path, [(Owner("billing", "all"), "bill")])
    assert "bill/a.csv and bill/latest.csv are one file" in caught.value.message
