"""``flowvqtalker evaluate``: any method's videos against a dataset version or a folder of true ones, and what hangs beneath it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click
import typer
from typer.core import TyperGroup

from flows.commands.dataset import JsonOption, StoreOption
from storage_schemas.errors import BadInputError

VIDEOS_COMMAND = "videos"


class _VideosUnlessNamed(TyperGroup):
    """``evaluate X`` is ``evaluate videos X`` unless X is one of the commands; a folder of such a name is given as ./X."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the command before words that begin with none."""
        named = bool(args) and args[0] in self.commands
        return list(super().parse_args(ctx, args if named or not args else [VIDEOS_COMMAND, *args]))


app = typer.Typer(
    cls=_VideosUnlessNamed, no_args_is_help=True, help="Measure any method's videos against a dataset version or a folder of true ones."
)


@app.command(VIDEOS_COMMAND)
def evaluate_command(
    *,
    generated: Annotated[
        str, typer.Argument(metavar="GENERATED", help="Output folder of `render`, or any folder of videos by any method.")
    ],
    reference: Annotated[str, typer.Option(metavar="VERSION|DIR", help="Dataset version, or a folder of the true videos.")],
    store: StoreOption = "",
    pairs: Annotated[Path | None, typer.Option(help="CSV that says which true clip each video belongs to.")] = None,
    method: Annotated[str, typer.Option(help="Name of the row in the leaderboard. Default: name of the folder.")] = "",
    json: JsonOption = False,
) -> None:
    """Measure videos against the clips that they should be. `evaluate GENERATED` is short for `evaluate videos GENERATED`.

    Example: flowvqtalker evaluate clips/ --reference latest --store store/ --json
    """
    raise BadInputError(f"{generated}: cannot be measured against {reference}")
