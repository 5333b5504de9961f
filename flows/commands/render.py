"""``flowvqtalker render`` and ``talk``: clips from a script list, or one of a portrait and a sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.console import progress_bar, say, write_json, write_table
from flows.commands.options import DeviceOption, EmotionOption, IntensityOption, JsonOption, PrecisionOption, SpeechOption, StoreOption
from infra.settings import Settings
from storage_schemas.errors import BadInputError, BuildFailedError
from storage_schemas.render_request import X264Preset
from storage_schemas.training_runs import RUNS_FOLDER

if TYPE_CHECKING:
    from storage_schemas.render_results import RenderSummary
    from storage_schemas.script_rows import ScriptRow

ScriptsArgument = Annotated[str, typer.Argument(metavar="SCRIPTS", help="Script list: CSV, JSON lines or Parquet, local or on S3.")]
MoreArgument = Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Further runs, after --models.", show_default=False)]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        metavar="RUN",
        help="Run such as vqig/3f2a, once for each; or the output folder of a demo, or a store. None: the latest.",
    ),
]
PasteOption = Annotated[bool, typer.Option("--paste-back", help="Put the generated square back into the portrait's picture.")]
CrfOption = Annotated[int, typer.Option(min=0, max=51, help="Constant rate factor of x264, lower is better.")]
PresetOption = Annotated[X264Preset, typer.Option("--x264-preset", help="Speed preset of x264.")]
TemperatureOption = Annotated[float, typer.Option(min=0, max=4, help="Spread of expressions; 1: the model's.")]
_SHOWN_REASONS = 20
_MOST_ENCODERS = 8


def render_command(
    scripts: ScriptsArgument,
    more: MoreArgument = None,
    *,
    models: ModelsOption = None,
    out: Annotated[str, typer.Option(help="Where clips and results go: a folder or s3://bucket/prefix.")],
    store: StoreOption = "",
    speech: SpeechOption = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    batch_frames: Annotated[int, typer.Option(min=0, help="Frames made at once; 0: 8 on a processor, 32 on a GPU.")] = 0,
    group_clips: Annotated[int, typer.Option(min=1, help="Clips whose coefficients are drawn together.")] = 32,
    chunk_clips: Annotated[int, typer.Option(min=1, help="Clips that are handed to a GPU worker at a time.")] = 512,
    encoders: Annotated[int, typer.Option(min=0, help="Encoding processes; 0: as the processors allow.")] = 0,
    preparers: Annotated[int, typer.Option(min=1, help="Processes that open portraits and sound.")] = 1,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the networks first, which takes a minute or so.")] = False,
    cuda_graphs: Annotated[bool, typer.Option("--cuda-graphs", help="Record a batch and replay it; cuda alone.")] = False,
    scheduler: Annotated[str, typer.Option(help="Dask scheduler whose workers have the resource GPU; empty: render here.")] = "",
    paste_back: PasteOption = False,
    crf: CrfOption = 18,
    x264_preset: PresetOption = X264Preset.MEDIUM,
    temperature: TemperatureOption = 0.8,
    json: JsonOption = False,
) -> None:
    """Render a script list: a clip for each take of each row. What is there is kept, so run it again to go on; exit code 1: rows failed.

    Example: flowvqtalker render clips.csv --models demo/ --out clips/

    Example: flowvqtalker render clips.csv --models expflow/latest --models vqig/3f2a --store store/ --out s3://bucket/clips --json
    """
    from flows.rendering import render_script_list  # noqa: PLC0415 - its imports take a second

    names, place = models_and_store([*(models or []), *(more or [])], store)
    options = _device_options(device, precision, batch_frames, encoders, cuda_graphs=cuda_graphs)
    with progress_bar("rendering", quiet=json) as advance:
        summary = render_script_list(
            scripts, names, place, out, speech=speech, chunk_clips=chunk_clips, scheduler=scheduler, on_progress=advance,
            group_clips=group_clips, preparers=preparers, compiled=compiled, paste_back=paste_back, crf=crf, x264_preset=x264_preset,
            temperature=temperature, **options,
        )  # fmt: skip
    if json:
        write_json(summary.model_dump(mode="json"))
    else:
        _show(summary)
    if summary.rows_failed:
        raise BuildFailedError(f"{summary.rows_failed} of {summary.rows} rows failed; reasons are in {summary.results}")


def talk_command(
    *,
    portrait: Annotated[Path, typer.Option(help="Picture of the face.")],
    out: Annotated[Path, typer.Option(help="MP4 file to write.")],
    text: Annotated[str, typer.Option(help="What is said.")] = "",
    audio: Annotated[Path | None, typer.Option(help="Any sound file, instead of --text.")] = None,
    voice: Annotated[str, typer.Option(help="Voice of the speech engine.")] = "",
    emotion: EmotionOption = "",
    reference: Annotated[Path | None, typer.Option(help="Picture, video or coefficients file to take the emotion from.")] = None,
    intensity: IntensityOption = 1.0,
    pose: Annotated[str, typer.Option(help="audio, fixed, or a video whose head movement is followed.")] = "audio",
    seed: Annotated[int, typer.Option(min=0, help="Decides everything random.")] = 0,
    models: ModelsOption = None,
    store: StoreOption = "",
    speech: SpeechOption = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    paste_back: PasteOption = False,
    crf: CrfOption = 18,
    x264_preset: PresetOption = X264Preset.MEDIUM,
    temperature: TemperatureOption = 0.8,
    json: JsonOption = False,
) -> None:
    """Make one clip of a portrait and a sentence.

    Example: flowvqtalker talk --portrait face.jpg --text "Good morning." --emotion happy --models demo/ --out clip.mp4
    """
    from flows.rendering import render_one  # noqa: PLC0415 - torch takes seconds to import
    from storage_schemas.script_rows import ScriptRow  # noqa: PLC0415

    names, place = models_and_store(models or [], store)
    row = ScriptRow(
        portrait=str(portrait.absolute()), audio="" if audio is None else str(audio.absolute()), text=text, voice=voice, emotion=emotion,
        emotion_reference="" if reference is None else str(reference.absolute()), intensity=intensity, seed=seed,
        pose=pose if pose in ("audio", "fixed") else str(Path(pose).absolute()),
    )  # fmt: skip
    _require_one(row)
    options = _device_options(device, precision, 0, 0)
    with progress_bar("talking", quiet=json) as advance:
        result = render_one(
            row, names, place, out, speech=speech, on_progress=advance, paste_back=paste_back, crf=crf, x264_preset=x264_preset,
            temperature=temperature, **options,
        )  # fmt: skip
    if json:
        write_json({**result.model_dump(mode="json", exclude={"thumbnail"}), "file": str(out)})
        return
    say(f"{out}: {result.frames} frames, {result.seconds:.1f} s, {emotion or 'neutral'}, seed {seed}")


def models_and_store(models: list[str], store: str) -> tuple[list[str], str]:
    """Return names of runs and the store that they are in.

    Args:
        models: names of runs, or one folder or address: a store, or a folder that holds one, as the output of a demo does.
        store: a store; empty: that of the settings, unless `models` holds one.

    Raises:
        BadInputError: two places are named, or a folder has no runs.
    """
    places = [name for name in models if name.startswith("s3://") or Path(name).is_dir()]
    names = [name for name in models if name not in places]
    if len(places) > 1 or (places and store):
        raise BadInputError(f"--models and --store name two places, {', '.join([*places, *([store] if store else [])])}; name one")
    if not places:
        return names, store or Settings().store
    place = places[0]
    if place.startswith("s3://") or (Path(place) / RUNS_FOLDER).is_dir():
        return names, place
    if (Path(place) / "store" / RUNS_FOLDER).is_dir():
        return names, str(Path(place) / "store")
    raise BadInputError(f"--models {place}: expected the output folder of a demo or a store with runs, found neither; make a demo first")


def _require_one(row: ScriptRow) -> None:
    if bool(row.text) == bool(row.audio):
        raise BadInputError("give --text or --audio, one of them")
    if row.emotion and row.emotion_reference:
        raise BadInputError("give --emotion or --reference, not both")


def _device_options(device: str, precision: str, batch_frames: int, encoders: int, *, cuda_graphs: bool = False) -> dict[str, Any]:
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415
    from flows.commands.images import chosen_precision  # noqa: PLC0415

    place = chosen_device(device)
    if cuda_graphs and place != "cuda":
        raise BadInputError(f"--cuda-graphs needs a CUDA device, found {place}")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A processor that makes frames needs a tenth of its time for encoding them; a GPU needs many processors.
    automatic = min(_MOST_ENCODERS, max(1, processors - 2)) if place == "cuda" else max(1, processors // 8)
    return {
        "device": place, "precision": chosen_precision(precision, place).value, "cuda_graphs": cuda_graphs,
        "batch_frames": batch_frames or (32 if place == "cuda" else 8), "encoders": encoders or automatic,
    }  # fmt: skip


def _show(summary: RenderSummary) -> None:
    if summary.failures:
        rows = [[reason, count] for reason, count in sorted(summary.failures.items(), key=lambda item: -item[1])[:_SHOWN_REASONS]]
        write_table(f"{summary.clips_failed} clips failed", ["reason", "clips"], rows)
    say(
        f"{summary.rows_done} rows done, {summary.rows_skipped} were there, {summary.rows_failed} failed; "
        f"{summary.frames} frames in {summary.seconds:.0f} s"
    )
    say(f"gallery: {summary.gallery}")
