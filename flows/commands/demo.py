"""``flowvqtalker demo``: everything once, in minutes, from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.console import say, write_json
from flows.commands.options import JsonOption
from flows.commands.stage_display import StageDisplay
from storage_schemas.demo_summary import DemoSettings
from storage_schemas.errors import BuildFailedError


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Output folder; what an earlier run has finished there is reused.")] = Path("demo-output"),
    portrait: Annotated[Path | None, typer.Option(help="Picture of the face to animate. Default: a face of the demo corpus.")] = None,
    clips: Annotated[int, typer.Option(min=8, help="Clips of the demo corpus.")] = DemoSettings().clips,
    json: JsonOption = False,
) -> None:
    """Show everything once: corpus, dataset version, four trainings, rendered clips, and a page about it.

    Nothing is downloaded; two processor cores are enough. It can be stopped at any time: the same command goes on.

    Example: flowvqtalker demo --out demo-output --portrait me.jpg
    """
    from flows.demo import run_demo  # noqa: PLC0415 - its imports take seconds
    from pipelines.demo.stage_texts import STAGE_TEXTS  # noqa: PLC0415

    with StageDisplay(STAGE_TEXTS) as display:
        summary = run_demo(out, DemoSettings(clips=clips), display, portrait)
    if json:
        write_json(summary.model_dump(mode="json"))
    else:
        reused = f", reused: {', '.join(summary.reused)}" if summary.reused else ""
        say(f"{len(summary.renders)} clips in {summary.seconds_total:.0f} s ({summary.seconds_this_run:.0f} s of this run{reused})")
        say(f"open {(out / summary.index).absolute().as_uri()}")
    failed = summary.failed()
    if failed:
        raise BuildFailedError(f"{len(failed)} of {len(summary.renders)} clips could not be made, the first: {failed[0].problem}")
