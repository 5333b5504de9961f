"""``flowvqtalker corpus``: corpora that the program can make itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.console import progress_bar, say, write_json
from flows.commands.options import JsonOption

app = typer.Typer(no_args_is_help=True, help="Make corpora to try things on.")


@app.callback()
def _corpus() -> None:
    """Keep ``corpus`` a group although it has one command."""


@app.command("demo")
def demo_command(
    folder: Annotated[Path, typer.Argument(help="Folder that is filled; clips that are there are kept.")],
    clips: Annotated[int, typer.Option(min=1, help="Number of clips.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed and number give the same bytes.")] = 7,
    speakers: Annotated[int, typer.Option(min=1, max=4, help="Number of speakers; with one, each emotion has more of its clips.")] = 4,
    json: JsonOption = False,
) -> None:
    """Synthesise talking-face clips from a public-domain portrait with offline speech, in the tree of MEAD.

    The driving curves, phoneme times and rendered geometry lie beside the clips as ground truth. Every seventh pair of sentences is held
    out for validation: its clips are in splits/validation.txt, which a build goes by.

    Example: flowvqtalker corpus demo demo/ --clips 24 --seed 7
    """
    from pipelines.corpora.demo.corpus import write_demo_corpus  # noqa: PLC0415

    with progress_bar("synthesising", quiet=json) as advance:
        summary = write_demo_corpus(folder, clips, seed, speakers=speakers, progress=advance)
    if json:
        write_json(summary.model_dump(mode="json"))
        return
    say(f"{summary.clips} clips, {summary.frames} frames in {folder}")
