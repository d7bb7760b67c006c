"""Text for a width: nothing is lost without a sign, and wide characters count twice."""

from __future__ import annotations

from costops_tui.layout import columns, cut, wrapped

from costops.render.table import shown_width


def test_words_are_wrapped_at_the_width() -> None:
    assert wrapped("one two three four", 9) == ["one two", "three", "four"]
    assert wrapped("one two three", 9, indent="  ", first="> ") == ["> one two", "  three"]
    assert wrapped("", 9) == [""]


def test_a_word_that_is_too_long_is_cut_into_pieces_and_nothing_is_lost() -> None:
    assert wrapped("abcdefghijklmnop", 10) == ["abcdefghij", "klmnop"]
    assert "".join(wrapped("データ基盤データ基盤", 10)) == "データ基盤データ基盤"
    assert max(map(shown_width, wrapped("データ基盤データ基盤", 10))) <= 10


def test_a_cut_name_shows_it() -> None:
    assert cut("production", 10) == "production"
    assert cut("production", 6) == "produ…"
    assert cut("環境テスト", 6) == "環境…"


def test_only_the_name_is_cut_and_numbers_never() -> None:
    rows = [["name", "cost"], ["a-very-long-name-indeed", "1,234,567.89"]]
    assert columns(rows, right=[False, True], width=28) == [
        "name                    cost",
        "a-very-long-n…  1,234,567.89",
    ]
    assert columns(rows, right=[False, True], width=5)[1].endswith("1,234,567.89")
    assert columns([], right=[False, True], width=28) == []
