"""Who lost to whom, as a person reads it: sums that hold as shown."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from costops.model.version_diff import BILL, Flow
from costops.money import PICOS, round_half_even
from costops.render.flows import flow_lines

EXAMPLES = settings(max_examples=100, derandomize=True, database=None, deadline=None)
CENT = PICOS // 100


def lines(*flows: Flow, width: int = 100, everything: bool = False) -> list[str]:
    return flow_lines(flows, width=width, everything=everything)


def test_a_few_elements_stand_as_a_matrix_with_totals() -> None:
    third = 10 * PICOS // 3
    found = lines(
        Flow("env", "USD", "a", "c", 20 * PICOS),
        Flow("env", "USD", "b", "d", third),
        Flow("env", "USD", BILL, "c", third),
        Flow("env", "USD", "a", None, third),
    )
    assert found == [
        "      env from, to:      c     d  (unallocated)  total",
        "      a              20.00                 3.33  23.33",
        "      b                     3.33                  3.33",
        "      (the bill)      3.34                        3.34",
        "      total          23.34  3.33           3.33  30.00",
    ]


def test_one_loser_or_a_narrow_terminal_makes_a_list() -> None:
    flows = (Flow("env", "USD", "a", "b", 3 * PICOS), Flow("env", "USD", "c", "d", PICOS))
    as_list = [
        "           from   to  amount",
        "      env  a      b     3.00",
        "           c      d     1.00",
        "           total        4.00",
    ]
    assert lines(*flows, width=30) == as_list
    assert lines(*flows)[0].startswith("      env from, to:")
    assert lines(flows[0]) == ["           from  to  amount", "      env  a     b     3.00"]


def test_what_a_list_leaves_out_is_counted_and_added_up() -> None:
    flows = [Flow("team", "USD", f"t{number:02d}", "x", (20 - number) * PICOS) for number in range(12)]
    found = lines(*flows)
    assert len(found) == 13
    assert found[-2:] == ["            ... 2 more (--all)       19.00", "            total                   174.00"]
    assert len(lines(*flows, everything=True)) == 14
    dust = lines(*flows, Flow("team", "USD", "z", "x", 1), everything=True)
    assert dust[-2].split() == ["...", "1", "more", "of", "less", "than", "0.01", "0.00"]


def test_currencies_stand_apart() -> None:
    found = lines(Flow("env", "EUR", "a", "b", PICOS), Flow("env", "USD", "a", "b", PICOS))
    assert [line for line in found if "env" in line] == [
        "      env EUR  a     b     1.00",
        "      env USD  a     b     1.00",
    ]
    assert "" in found


def test_names_of_strangers_are_made_safe() -> None:
    assert "\x1b" not in "".join(lines(Flow("env\x1b", "USD", "\x1b[31m", "b", PICOS)))


AMOUNTS = st.lists(st.integers(1, 10**13), min_size=2, max_size=30)


@given(AMOUNTS, st.booleans(), st.sampled_from([40, 100]))
@EXAMPLES
def test_shown_amounts_add_up_to_the_shown_total(amounts: list[int], everything: bool, width: int) -> None:
    flows = [
        Flow("team", "USD", f"s{number % 7}", f"t{number // 7}", amount)
        for number, amount in enumerate(sorted(amounts, reverse=True))
    ]
    found = lines(*flows, width=width, everything=everything)
    total = round_half_even(sum(amounts), CENT)
    if "from, to:" in found[0]:
        rows = [
            [int(each.replace(".", "").replace(",", "")) for each in re.findall(r"\d+\.\d\d", row)] for row in found[1:]
        ]
        assert rows[-1][-1] == total == sum(row[-1] for row in rows[:-1]) == sum(rows[-1][:-1])
        assert all(sum(row[:-1]) == row[-1] for row in rows)
    else:
        shown = [int(row.split()[-1].replace(".", "").replace(",", "")) for row in found[1:]]
        assert shown[-1] == total == sum(shown[:-1])
