"""``flowvqtalker images``: portraits, and how good generated frames are."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import progress_bar, say, write_figures, write_json, write_line
from flows.commands.dataset import opened_store
from flows.commands.options import DatasetOption, DeviceOption, JsonOption, PrecisionOption, StoreOption
from flows.native_logs import native_logs_hidden
from storage_schemas.errors import BadInputError
from storage_schemas.store_trouble import store_trouble
from storage_schemas.training_runs import Preset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.image_evaluation.evaluation import ImageEvaluationReport, ImageInputs
    from pipelines.rendering.frame_generator import Precision, RenderSettings

app = typer.Typer(no_args_is_help=True, help="Prepare portraits, and measure how good generated frames are.")

ModelOption = Annotated[str, typer.Option("--model", help="Run of the image generator.")]
SplitOption = Annotated[str, typer.Option(help="Held-out split.")]
ClipsOption = Annotated[int, typer.Option(min=1, help="Most held-out clips, evenly chosen.")]
FramesOption = Annotated[int, typer.Option(min=2, help="Most frames of each clip, evenly chosen.")]
_SHEET_CLIPS = 4


@app.command("portrait")
def portrait_command(
    *,
    picture: Annotated[Path, typer.Argument(help="A picture of one face.")],
    out: Annotated[Path | None, typer.Option(help="PNG file to write what the generator gets to.")] = None,
    model: ModelOption = "vqig/latest",
    store: StoreOption = "",
    json: JsonOption = False,
) -> None:
    """Prepare a picture for a trained generator, and say whether it can be used and what was found.

    Example: flowvqtalker images portrait face.jpg --store store/ --out prepared.png
    """
    from pipelines.rendering.portrait_preparation import prepare_portrait  # noqa: PLC0415 - MediaPipe and torch take seconds to import
    from pipelines.rendering.run_loading import load_rendering_model  # noqa: PLC0415

    with opened_store(store) as opened:
        rendering = load_rendering_model(opened, model)
    if rendering.face_model is None:
        raise BadInputError(f"{rendering.run_id} has no face model to fit portraits with")
    with native_logs_hidden():
        portrait = prepare_portrait(picture, rendering.face_model, rendering.size_px, rendering.place)
    if out is not None:
        _write_png(out, portrait.rgb)
    values = portrait.summary()
    if json:
        write_json(values)
        return
    for name, value in values.items():
        say(f"{name}: {value}")


@app.command("evaluate")
def evaluate_command(
    *,
    model: ModelOption = "vqig/latest",
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    split: SplitOption = "validation",
    clips: ClipsOption = 16,
    frames: FramesOption = 100,
    sheet: Annotated[Path | None, typer.Option(help="PNG file to draw the sheet of the first clips to.")] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    json: JsonOption = False,
) -> None:
    """Reenact held-out clips by their own coefficients, and measure how near the frames come: PSNR, SSIM, mouth, eyes, sharpness.

    Example: flowvqtalker images evaluate --model vqig/latest --dataset latest --store store/ --sheet sheet.png --json
    """
    from pipelines.image_evaluation.evaluation import evaluate_images, load_inputs  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.image_evaluation.held_out_clips import ClipChoice  # noqa: PLC0415

    choice = ClipChoice(split, clips, frames)
    with opened_store(store) as opened, progress_bar("reenacting", quiet=json) as advance:
        inputs = load_inputs(opened, model, dataset, choice, _render_settings(device, precision))
        report = evaluate_images(inputs, advance)
        if sheet is not None:
            _draw_sheet(inputs, sheet, _SHEET_CLIPS)
    if json:
        write_json(report.as_json())
        return
    _show_evaluation(report)


@app.command("sheet")
def sheet_command(
    *,
    out: Annotated[Path, typer.Argument(help="PNG file to write.")],
    model: ModelOption = "vqig/latest",
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    split: SplitOption = "validation",
    clips: ClipsOption = 4,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    json: JsonOption = False,
) -> None:
    """Draw reenacted held-out clips: frames asked for, made, the warped portrait, and the difference, where most is to be seen.

    Example: flowvqtalker images sheet sheet.png --model vqig/latest --dataset latest --store store/
    """
    from pipelines.image_evaluation.evaluation import load_inputs  # noqa: PLC0415
    from pipelines.image_evaluation.held_out_clips import ClipChoice  # noqa: PLC0415

    with opened_store(store) as opened:
        inputs = load_inputs(opened, model, dataset, ClipChoice(split, clips), _render_settings(device, precision))
        _draw_sheet(inputs, out, clips)
    if json:
        write_json({"file": str(out), "clips": inputs.count})
        return
    say(f"drawn: {out}")


@app.command("ablation")
def ablation_command(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder for ablation.md and ablation.json; made if it is not there.")],
    dataset: DatasetOption = "latest",
    codebook: Annotated[str, typer.Option(help="Run whose codes all variants have.")] = "codebook/latest",
    store: StoreOption = "",
    split: SplitOption = "validation",
    clips: ClipsOption = 16,
    frames: FramesOption = 100,
    preset: Annotated[Preset, typer.Option(help="Sizes of the networks.")] = Preset.TINY,
    variant: Annotated[list[str] | None, typer.Option(help="Row of the ablation; may be given several times; none: all five.")] = None,
    steps: Annotated[int, typer.Option(min=0, help="Steps of each training; 0: those of the preset.")] = 0,
    max_minutes: Annotated[float, typer.Option(min=0, help="Cap of each training; 0: none.")] = 0.0,
    repetitions: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads of the trainings; 0: one for each processor.")] = 0,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    json: JsonOption = False,
) -> None:
    """Train the five variants of the image generator on one codebook, and compare them on held-out clips.

    Example: flowvqtalker images ablation ablation/ --dataset latest --store store/ --max-minutes 3
    """
    from pipelines.image_evaluation.ablation import VARIANTS, ImageAblationSettings, ablate_images  # noqa: PLC0415
    from pipelines.image_evaluation.held_out_clips import ClipChoice  # noqa: PLC0415
    from pipelines.training.trainings import RunOptions  # noqa: PLC0415

    unknown = sorted(set(variant or ()) - set(VARIANTS))
    if unknown:
        raise BadInputError(f"unknown variant {unknown[0]!r}; variants are {', '.join(VARIANTS)}")
    settings = ImageAblationSettings(
        preset, steps, max_minutes, repetitions, [name for name in VARIANTS if not variant or name in variant],
        RunOptions(device=device, threads=threads), ClipChoice(split, clips, frames), _render_settings(device, precision),
    )  # fmt: skip
    with opened_store(store) as opened, progress_bar("training", quiet=json) as advance:
        report = ablate_images(opened, dataset, codebook, settings, advance)
    with store_trouble("write", folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ablation.md").write_text(report.markdown(), encoding="utf-8")
        (folder / "ablation.json").write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if json:
        write_json({**report.model_dump(mode="json"), "folder": str(folder)})
        return
    write_line(report.markdown())
    say(f"written to {folder}")


def _render_settings(device: str, precision: str) -> RenderSettings:
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415
    from pipelines.rendering.frame_generator import RenderSettings  # noqa: PLC0415

    place = chosen_device(device)
    return RenderSettings(place, chosen_precision(precision, place), batch_frames=32 if place == "cuda" else 8)


def _draw_sheet(inputs: ImageInputs, path: Path, most: int) -> None:
    from pipelines.image_evaluation.reenactment_sheet import draw_sheet, sheet_clip  # noqa: PLC0415

    _write_png(path, draw_sheet([sheet_clip(inputs.generator, clip) for clip in islice(inputs.clips(), most)]))


def _show_evaluation(report: ImageEvaluationReport) -> None:
    from pipelines.image_evaluation.figure_list import FIGURES  # noqa: PLC0415

    write_line(f"{report.model} ({report.variant}) on {len(report.clips)} clips of {report.dataset} ({report.split}), {report.device}")
    write_figures(report.figures, FIGURES)


def _write_png(path: Path, rgb: NDArray[np.uint8]) -> None:
    from PIL import Image  # noqa: PLC0415

    with store_trouble("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(path, format="PNG")


def chosen_precision(name: str, device: str) -> Precision:
    """Return what networks compute in: as named, or for auto bfloat16 on cuda and float32 elsewhere.

    Raises:
        BadInputError: there is no such precision.
    """
    from pipelines.rendering.frame_generator import Precision  # noqa: PLC0415

    if name == "auto":
        return Precision.BFLOAT16 if device == "cuda" else Precision.FLOAT32
    if name not in list(Precision):
        raise BadInputError(f"--precision must be auto, {' or '.join(Precision)}, got {name!r}")
    return Precision(name)
