"""``flowvqtalker coefficients evaluate``, ``pictures`` and ``ablation``: how good trained coefficient models are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import progress_bar, say, write_figures, write_json, write_line
from flows.commands.dataset import opened_store
from flows.commands.options import DatasetOption, DeviceOption, JsonOption, StoreOption
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import Preset

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.coefficient_evaluation.ablation_report import AblationReport
    from pipelines.coefficient_evaluation.latent_pictures import LatentCloud
    from pipelines.coefficient_evaluation.run_evaluation import EvaluationReport
    from pipelines.training.coefficient_sequences import SequenceSource
    from storage_schemas.object_store_protocol import ObjectStore

app = typer.Typer()

RunsOption = Annotated[
    list[str] | None, typer.Option("--models", help="Run of ExpFlow or PoseFlow, once for each; none: the latest of both.")
]
SplitOption = Annotated[str, typer.Option(help="Held-out split; several with commas between.")]


@app.command("evaluate")
def evaluate_command(
    *,
    models: RunsOption = None,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    split: SplitOption = "validation",
    seeds: Annotated[int, typer.Option(min=2, help="Samples of each held-out clip.")] = 10,
    clips: Annotated[int, typer.Option(min=1, help="Most held-out clips, evenly chosen.")] = 16,
    long_minutes: Annotated[float, typer.Option(min=0, help="Length of the long audio; 0: none.")] = 10.0,
    temperature: Annotated[float, typer.Option(min=0, help="Spread of expressions; 1: the model's.")] = 0.8,
    truth: Annotated[Path | None, typer.Option(help="Folder of the demo corpus, for the curves that drove it.")] = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Measure generated coefficients on held-out clips: lip sync, emotion, jitter, blinks, diversity, long audio, emotion transfer.

    Example: flowvqtalker coefficients evaluate --models expflow/latest --models poseflow/latest --dataset latest --store store/ --json
    """
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415 - that module includes this one
    from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.coefficient_evaluation.run_evaluation import evaluate_runs  # noqa: PLC0415
    from pipelines.generation.run_loading import LATEST_RUNS  # noqa: PLC0415

    settings = EvaluationSettings(seeds=seeds, long_audio_s=long_minutes * 60, temperature=temperature)
    with opened_store(store) as opened:
        report = evaluate_runs(
            opened, models or LATEST_RUNS, dataset, split, settings, truth, most_clips=clips, device=chosen_device(device)
        )  # fmt: skip
    if json:
        write_json(report.as_json())
        return
    _show_evaluation(report)


def _show_evaluation(report: EvaluationReport) -> None:
    from pipelines.coefficient_evaluation.figure_list import FIGURES  # noqa: PLC0415

    write_line(f"{', '.join(report.models)} on {len(report.clips)} clips of {report.dataset} ({report.split}), {report.seeds} seeds each")
    write_figures(report.figures, FIGURES)
    say(f"{sum(report.seconds.values()):.0f} s: {', '.join(f'{name} {value:.1f}' for name, value in report.seconds.items())}")


@app.command("pictures")
def pictures_command(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder for the pictures; made if it is not there.")],
    models: RunsOption = None,
    compare: Annotated[list[str] | None, typer.Option(help="Other ExpFlow runs whose latent spaces are drawn beside.")] = None,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    split: SplitOption = "validation",
    clip: Annotated[str, typer.Option(help="Id of the held-out clip whose audio is sampled; none: the longest.")] = "",
    seeds: Annotated[int, typer.Option(min=2, help="Samples that are drawn.")] = 6,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Draw the latent space by emotion, head poses with their correlation to the voice, and several samples of one audio.

    Example: flowvqtalker coefficients pictures pictures/ --dataset latest --store store/
    """
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415
    from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings  # noqa: PLC0415
    from pipelines.coefficient_evaluation.run_evaluation import load_inputs  # noqa: PLC0415
    from pipelines.coefficient_evaluation.run_pictures import draw_run_pictures  # noqa: PLC0415
    from pipelines.generation.run_loading import LATEST_RUNS, load_models  # noqa: PLC0415

    with opened_store(store) as opened:
        inputs = load_inputs(opened, models or LATEST_RUNS, dataset, split, most_clips=64, device=chosen_device(device))
        others = [load_models(opened, [name])[0] for name in compare or []]
    files = draw_run_pictures(folder, inputs, others, EvaluationSettings(seeds=seeds), clip)
    if json:
        write_json({"files": [str(path) for path in files]})
        return
    say(f"drawn: {', '.join(str(path) for path in files)}")


@app.command("ablation")
def ablation_command(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder for ablation.md, ablation.json and latent-space.png.")],
    dataset: DatasetOption = "latest",
    imported: Annotated[Path | None, typer.Option(help="Folder of extracted coefficients (.mat, .npy) instead of a version.")] = None,
    pattern: Annotated[str, typer.Option(help="With --imported: which of its files.")] = "*",
    hold_out: Annotated[int, typer.Option(min=1, help="With --imported: files that are held out, others in each repetition.")] = 3,
    store: StoreOption = "",
    preset: Annotated[Preset, typer.Option(help="Sizes of the network.")] = Preset.TINY,
    steps: Annotated[int, typer.Option(min=0, help="Steps of each training; 0: those of the preset.")] = 0,
    max_minutes: Annotated[float, typer.Option(min=0, help="Cap of each training; 0: none.")] = 0.0,
    repetitions: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="Processor threads; 0: one for each processor.")] = 0,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Train ExpFlow with a Student-t mixture, with a Gaussian one, and without data dropout, and compare them on held-out clips.

    Example: flowvqtalker coefficients ablation ablation/ --dataset latest --store store/ --repetitions 3
    """
    from pipelines.coefficient_evaluation.ablation import AblationSettings, ablate  # noqa: PLC0415

    settings = AblationSettings(preset, steps, max_minutes, repetitions, threads, device)
    with opened_store(store) as opened, progress_bar("training", quiet=json) as advance:
        source_of = _imported(imported, pattern, hold_out, repetitions) if imported is not None else _version(opened, dataset)
        report, clouds = ablate(opened, source_of, settings, advance)
    _write_ablation(folder, report, clouds)
    if json:
        write_json({**report.model_dump(mode="json"), "folder": str(folder)})
        return
    write_line(report.markdown())
    say(f"written to {folder}")


def _version(store: ObjectStore, dataset: str) -> Callable[[int], SequenceSource]:
    from pipelines.training.version_sequences import VersionSequences  # noqa: PLC0415

    source: SequenceSource = VersionSequences(store, dataset)
    return lambda repetition: source  # noqa: ARG005 - the split of a version is fixed


def _imported(folder: Path, pattern: str, hold_out: int, repetitions: int) -> Callable[[int], SequenceSource]:
    """Return sources that hold out other files in each repetition, spread over the sorted names."""
    from pipelines.training.imported_sequences import ImportedSequences  # noqa: PLC0415

    found = ImportedSequences(folder, pattern).table("train").column("sequence_id")
    if len(found) < hold_out * 2:
        raise BadInputError(f"{folder} has {len(found)} files, too few to hold {hold_out} out; lower --hold-out")
    step = max(1, len(found) // hold_out)
    held = [[found[(place * step + repetition) % len(found)] for place in range(hold_out)] for repetition in range(repetitions)]
    return lambda repetition: ImportedSequences(folder, pattern, held[repetition])


def _write_ablation(folder: Path, report: AblationReport, clouds: list[LatentCloud]) -> None:
    from pipelines.coefficient_evaluation.latent_pictures import draw_latent_spaces  # noqa: PLC0415
    from storage_schemas.store_trouble import store_trouble  # noqa: PLC0415

    with store_trouble("write", folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ablation.md").write_text(report.markdown(), encoding="utf-8")
        (folder / "ablation.json").write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if any(len(set(cloud.emotions)) > 1 for cloud in clouds):
        draw_latent_spaces(folder / "latent-space.png", clouds)
