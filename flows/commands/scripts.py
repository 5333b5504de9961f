"""``flowvqtalker scripts``: lists of clips to render, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.console import progress_bar, say, write_json, write_line
from flows.commands.options import JsonOption, SpeechOption
from storage_schemas.errors import BuildFailedError

app = typer.Typer(no_args_is_help=True, help="Write and check script lists: one row for each clip to render.")

ScriptsArgument = Annotated[str, typer.Argument(metavar="SCRIPTS", help="Script list: CSV, JSON lines or Parquet, local or on S3.")]
_SHOWN = 100


@app.command("template")
def template_command(
    path: Annotated[Path, typer.Argument(help="File to write: .csv, .tsv, .jsonl or .parquet.")] = Path("scripts.csv"),
    json: JsonOption = False,
) -> None:
    """Write a script list with every column and one example of each way of asking.

    Example: flowvqtalker scripts template clips.csv
    """
    from pipelines.scripts.template import EXAMPLES, write_template  # noqa: PLC0415 - its imports take a second
    from storage_schemas.script_rows import ScriptRow  # noqa: PLC0415

    write_template(path)
    if json:
        columns = {name: field.description for name, field in ScriptRow.model_fields.items()}
        write_json({"file": str(path), "rows": len(EXAMPLES), "columns": columns})
        return
    say(f"{path}: {len(EXAMPLES)} examples; put your own rows in their place and run: flowvqtalker scripts check {path}")


@app.command("check")
def check_command(
    scripts: ScriptsArgument,
    speech: SpeechOption = "",
    json: JsonOption = False,
) -> None:
    """Say everything that is wrong with a script list, without rendering any of it; exit code 1 if there is something.

    Example: flowvqtalker scripts check clips.csv --json
    """
    from flows.script_lists import checked_script_list  # noqa: PLC0415 - its imports take a second

    with progress_bar("checking", quiet=json) as advance:
        listing = checked_script_list(scripts, speech, on_progress=advance)
    clips = sum(row.takes for _, row in listing.rows)
    bad_rows = len({problem.row for problem in listing.problems if problem.row})
    if json:
        problems = [problem.model_dump(mode="json") for problem in listing.problems]
        by_reason = Counter(problem.reason.value for problem in listing.problems)
        write_json({"rows_good": len(listing.rows), "rows_bad": bad_rows, "clips": clips, "problems": problems, "by_reason": by_reason})
    else:
        for problem in listing.problems[:_SHOWN]:
            write_line(str(problem))
        if len(listing.problems) > _SHOWN:
            write_line(f"... and {len(listing.problems) - _SHOWN} more; --json lists them all")
        say(f"{scripts}: {len(listing.rows)} good row(s) for {clips} clip(s), {bad_rows} bad one(s), {len(listing.problems)} problem(s)")
    if listing.problems:
        raise BuildFailedError(f"{scripts} has {len(listing.problems)} problem(s); see above")
