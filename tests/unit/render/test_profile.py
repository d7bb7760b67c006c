"""Where the time went, as a person reads it."""

from __future__ import annotations

from costops.model.profile import Kept, Profile, Spent
from costops.render.profile import profile_text, stage_line, statement_text


def spent(words: str, seconds: float, engine_seconds: float = 0.0, times: int = 1, *parts: Spent) -> Spent:
    return Spent(words=words, seconds=seconds, engine_seconds=engine_seconds, times=times, parts=parts)


def test_stages_stand_in_their_order_with_the_slowest_rules_and_a_count_of_the_rest() -> None:
    rules = [spent(f"rule-{number}", 1.0 - number / 20, 0.5) for number in range(12)]
    profile = Profile(
        seconds=20.0,
        engine_seconds=15.25,
        statements=1,
        stages=(
            spent("starting", 0.5),
            spent("reading cloud, 3 files, first pass", 10.0, 9.25),
            spent("evaluating rules", 9.5, 6.0, 24, *rules),
        ),
        kept=(Kept(what="rule files", used=2, wanted=3), Kept(what="cells of files", used=0, wanted=1_200)),
    )
    assert profile_text(profile).splitlines() == [
        "Where the time went: 20.00 s, of which 15.25 s in 1 statement of the engine",
        "",
        "seconds   share  engine  what",
        "   0.50   2.5 %          starting",
        "  10.00  50.0 %    9.25  reading cloud, 3 files, first pass",
        "   9.50  47.5 %    6.00  evaluating rules, 24 times",
        "   1.00   5.0 %    0.50    rule-0",
        "   0.95   4.8 %    0.50    rule-1",
        "   0.90   4.5 %    0.50    rule-2",
        "   0.85   4.2 %    0.50    rule-3",
        "   0.80   4.0 %    0.50    rule-4",
        "   0.75   3.8 %    0.50    rule-5",
        "   0.70   3.5 %    0.50    rule-6",
        "   0.65   3.2 %    0.50    rule-7",
        "   0.60   3.0 %    0.50    rule-8",
        "   0.55   2.8 %    0.50    rule-9",
        "   0.95   4.8 %    1.00    2 more",
        "",
        "Taken from the cache: rule files 2 of 3, cells of files 0 of 1,200.",
    ]


def test_words_of_strangers_are_safe_to_show() -> None:
    evil = "reading \x1b[2J\u202ecloud"
    profile = Profile(seconds=1.0, engine_seconds=0.0, statements=0, stages=(spent(evil, 1.0),), kept=())
    assert r"reading \x1b[2J\u202ecloud" in profile_text(profile)
    assert profile_text(profile).endswith("Nothing was asked of the cache.")
    assert stage_line(evil) == "\n" + r"-- reading \x1b[2J\u202ecloud"
    written = statement_text("SELECT '\x1b'", ["\x07", 1], 0.0004, None)
    assert written == "-- 0.000 s, parameters '\\x07', 1\nSELECT '\\x1b';"


def test_a_statement_says_how_many_rows_were_fetched_and_cuts_long_parameters() -> None:
    assert statement_text("SELECT 1", [], 1.2345, 12_345) == "-- 1.234 s, 12,345 rows\nSELECT 1;"
    first = statement_text("SELECT $1", ["x" * 300], 0.0, 1).splitlines()[0]
    assert first == f"-- 0.000 s, 1 row, parameters '{'x' * 199}..."
