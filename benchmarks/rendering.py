"""How long a plan of many changes takes to render, in each format: `python benchmarks/rendering.py [CHANGES]`.

Prints seconds and characters, the best of five; a comment is held against its bound.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from unit.render.test_plan_markdown import many

from costops.render.plan_json import plan_json
from costops.render.plan_markdown import plan_markdown
from costops.render.plan_text import plan_text


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    plan = many(count)
    renderers = {
        "text": plan_text,
        "text --all": lambda made: plan_text(made, everything=True),
        "markdown": plan_markdown,
        "json": plan_json,
    }
    print(f"{count:,} changes\n")
    print(f"{'format':<12} {'seconds':>8} {'characters':>12}")
    for name, render in renderers.items():
        best, written = None, ""
        for _ in range(5):
            began = time.perf_counter()
            written = render(plan)
            seconds = time.perf_counter() - began
            best = seconds if best is None else min(best, seconds)
        assert name != "markdown" or len(written) <= 65_536
        print(f"{name:<12} {best:>8.2f} {len(written):>12,}")


if __name__ == "__main__":
    main()
