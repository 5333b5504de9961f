"""``flowvqtalker evaluate side-by-side``: videos of several methods in one, with their names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.console import progress_bar, say, write_json
from flows.commands.options import JsonOption
from storage_schemas.errors import BadInputError
from storage_schemas.store_trouble import store_trouble


def side_by_side_command(
    *,
    videos: Annotated[list[str], typer.Argument(metavar="[NAME=]VIDEO...", help="Videos, the true one first; or folders of such.")],
    out: Annotated[Path, typer.Option(help="MP4 to write; of folders: a folder, a video for each clip that all have.")],
    height: Annotated[int, typer.Option(min=32, max=2160, help="Height of each picture in px.")] = 256,
    columns: Annotated[int, typer.Option(min=0, help="Videos in a row; 0: up to four.")] = 0,
    json: JsonOption = False,
) -> None:
    """Show videos side by side, with names, the length and the sound of the first.

    Example: flowvqtalker evaluate side-by-side "ground truth=real/001.mp4" ours=clips/001.mp4 --out compared.mp4
    """
    from flows.commands.study import named_places  # noqa: PLC0415
    from pipelines.comparisons.side_by_side import NamedVideo, write_side_by_side  # noqa: PLC0415 - OpenCV takes a second to import

    places = named_places(videos)
    folders = [path for path in places.values() if path.is_dir()]
    if folders and len(folders) < len(places):
        raise BadInputError("give videos or folders, not both")
    jobs = _of_folders(places, out) if folders else {out: places}
    written = []
    with progress_bar("drawing", quiet=json) as advance, store_trouble("write", out):
        for number, (target, found) in enumerate(jobs.items()):
            named = [NamedVideo(name, path) for name, path in found.items()]
            made = write_side_by_side(named, target, height_px=height, columns=columns)
            advance(number + 1, len(jobs), target.name)
            written.append({"file": str(target), "frames": made.frames, "columns": made.columns, "rows": made.rows, "notes": made.notes})
            if not json:
                for note in made.notes:
                    say(f"{target.name}: {note}")
    if json:
        write_json({"videos": written})
        return
    say(f"{out}: {len(written)} videos" if folders else f"{out}: {written[0]['frames']} frames")


def _of_folders(places: dict[str, Path], out: Path) -> dict[Path, dict[str, Path]]:
    """Return the files of each clip that all folders have, by the file to write."""
    from pipelines.user_study.planning import videos_of  # noqa: PLC0415

    found = {name: videos_of(folder) for name, folder in places.items()}
    shared = sorted(set.intersection(*[set(clips) for clips in found.values()]))
    if not shared:
        raise BadInputError("expected videos of the same names in every folder, found none that all share")
    return {out / f"{clip}.mp4": {name: clips[clip] for name, clips in found.items()} for clip in shared}
