"""``flowvqtalker judges``: how good the trained judges of lip-sync and emotion are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import progress_bar, say, write_json, write_table
from flows.commands.dataset import opened_store
from flows.commands.options import DatasetOption, JsonOption, StoreOption
from storage_schemas.errors import BadInputError

if TYPE_CHECKING:
    from pipelines.judging.evaluation import EmotionEvaluation, JudgeEvaluation, SyncEvaluation

app = typer.Typer(no_args_is_help=True, help="Measure how good the judges of lip-sync and emotion are.")

_SPLITS = ("train", "validation", "test", "unlisted", "all")


@app.callback()
def judges() -> None:
    """Measure how good the judges of lip-sync and emotion are."""


@app.command("evaluate")
def evaluate_command(
    *,
    sync: Annotated[str, typer.Option(help="Run of the sync expert, e.g. sync/latest; empty: none.")] = "",
    emotion: Annotated[str, typer.Option(help="Run of the emotion judge, e.g. emotion/latest; empty: none.")] = "",
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    models: Annotated[str, typer.Option("--models", help="The store with the judges, if it is another.")] = "",
    split: Annotated[str, typer.Option(help="Clips of which split: train, validation, test, unlisted or all.")] = "validation",
    clips: Annotated[int, typer.Option(min=1, help="Most clips, evenly chosen.")] = 64,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    json: JsonOption = False,
) -> None:
    """Move the sound of clips by -10 to +10 frames and see what the sync expert finds; see what emotions the emotion judge finds.

    Example: flowvqtalker judges evaluate --sync sync/latest --emotion emotion/latest --dataset latest --store store/ --json
    """
    from pipelines.judging.clip_media import VersionMedia  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.judging.evaluation import evaluate_judges  # noqa: PLC0415
    from pipelines.judging.loading import load_judges  # noqa: PLC0415

    if split not in _SPLITS:
        raise BadInputError(f"--split {split!r}: expected one of {', '.join(_SPLITS)}")
    with opened_store(models or store) as opened:
        loaded = load_judges(opened, sync or None, emotion or None, device)
    with opened_store(store) as opened, progress_bar("judging", quiet=json) as advance:
        found = evaluate_judges(loaded, VersionMedia(opened, dataset), split, clips, advance)
    if json:
        write_json(found.as_json())
        return
    _show(found)


def _show(found: JudgeEvaluation) -> None:
    say(f"dataset {found.dataset}, split {found.split}")
    if found.sync is not None:
        _show_sync(found.sync)
    if found.emotion is not None:
        _show_emotion(found.emotion)


def _show_sync(found: SyncEvaluation) -> None:
    say(f"{found.run}: {found.found_share:.1%} of planted offsets found within one frame in {found.clips} clips")
    say(f"  {found.found_share_from_own:.1%} counted from the offset of each clip as it is")
    say(f"  mean error {found.mean_error_frames:.2f} frames, median confidence {found.confidence:.3f}")
    rows = [[offset, share] for offset, share in found.found_share_by_offset.items()]
    write_table("planted offsets", ["frames late", "found within one frame"], [list(row) for row in rows])
    write_table("clips as they are", ["clip", "frames late", "confidence", "planted found"], _clip_rows(found))


def _clip_rows(found: SyncEvaluation) -> list[list[object]]:
    return [[clip, found.left_alone[clip], found.left_alone_confidence[clip], share] for clip, share in found.found_share_by_clip.items()]


def _show_emotion(found: EmotionEvaluation) -> None:
    say(f"{found.run}: {found.accuracy:.1%} of {found.clips} clips rightly, {found.accuracy_dealt_anew:.1%} with labels dealt anew")
    rows = [[label, ", ".join(f"{count} {emotion}" for emotion, count in seen.items())] for label, seen in found.confusion.items()]
    write_table("emotions", ["label", "seen"], [list(row) for row in rows])
