"""`costops init`"""

from __future__ import annotations

from pathlib import Path

import click

from costops.cli import output


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--demo", is_flag=True, help="With a generated bill, usage numbers and rules that work at once.")
@click.pass_obj
def command(session: output.Session, folder: Path | None, demo: bool) -> None:
    """Make a new workspace in DIR, by default the current folder. Existing files are never overwritten."""
    from costops.demo.init import init_workspace

    target = session.start / folder if folder is not None else session.start
    written = init_workspace(target, demo=demo)
    for path in written:
        output.result(f"{path.as_posix()}\n")
    place = "" if target.resolve() == Path.cwd().resolve() else f"cd {output.shown(target)} && "
    output.narrate(f"Wrote {len(written)} files. Next: {place}costops plan")
