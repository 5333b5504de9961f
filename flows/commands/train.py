"""``flowvqtalker train``: networks from a dataset version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from flows.commands.console import progress_bar, say, write_json
from infra.settings import Settings
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import Preset, RunKind

if TYPE_CHECKING:
    from pipelines.training.coefficient_training import TrainedRun
    from pipelines.training.images.image_run import TrainedImageRun
    from pipelines.training.judges.judge_run import TrainedJudge

app = typer.Typer(no_args_is_help=True, help="Train the networks on a dataset version.")

DatasetOption = Annotated[str, typer.Option("--dataset", help="Dataset version: id, beginning of one, or tag.")]
StoreOption = Annotated[
    str, typer.Option("--store", help="The store with the version; the run goes there: a folder or s3://bucket/prefix.")
]
PresetOption = Annotated[Preset, typer.Option(help="tiny: minutes on two processor cores; small: one GPU; paper: the paper's sizes.")]
StepsOption = Annotated[int, typer.Option(min=0, help="Optimiser steps; 0: those of the preset.")]
MinutesOption = Annotated[
    float, typer.Option(min=0, help="Wall-clock cap; the learning rate is annealed over the steps there is time for. 0: none.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of weights, order and noise.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE of a training setting, e.g. past_dropout=0; repeatable.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume/--fresh", help="Go on with the same run if it was stopped, which is the default; or start it over.")
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
DevicesOption = Annotated[int, typer.Option(min=1, help="Processes, each with a device of its own.")]
ThreadsOption = Annotated[int, typer.Option(min=0, help="Processor threads; 0: chosen by what is trained.")]
CodebookOption = Annotated[str, typer.Option("--codebook", help="Run of the codebook: id, beginning of one, or latest.")]
Vgg19Option = Annotated[
    str, typer.Option("--vgg19", help="torchvision's vgg19 weights (.safetensors or .pth) for the perceptual loss; none: gradients.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]


@app.command("expflow")
def expflow_command(
    *,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    preset: PresetOption = Preset.TINY,
    steps: StepsOption = 0,
    max_minutes: MinutesOption = 0.0,
    seed: SeedOption = 0,
    settings: SetOption = None,
    resume: ResumeOption = True,
    device: DeviceOption = "auto",
    devices: DevicesOption = 1,
    threads: ThreadsOption = 0,
    json: JsonOption = False,
) -> None:
    """Train ExpFlow: expressions from sound, source face and emotion.

    Example: flowvqtalker train expflow --dataset latest --store store/ --preset tiny
    """
    changes = _changes(steps, max_minutes, seed, settings)
    _train(RunKind.EXPFLOW, dataset, store, preset, changes, _options(device, devices, threads, resume=resume), json=json)


@app.command("poseflow")
def poseflow_command(
    *,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    preset: PresetOption = Preset.TINY,
    steps: StepsOption = 0,
    max_minutes: MinutesOption = 0.0,
    seed: SeedOption = 0,
    settings: SetOption = None,
    resume: ResumeOption = True,
    device: DeviceOption = "auto",
    devices: DevicesOption = 1,
    threads: ThreadsOption = 0,
    json: JsonOption = False,
) -> None:
    """Train PoseFlow: head poses from sound.

    Example: flowvqtalker train poseflow --dataset latest --store store/ --preset tiny
    """
    changes = _changes(steps, max_minutes, seed, settings)
    _train(RunKind.POSEFLOW, dataset, store, preset, changes, _options(device, devices, threads, resume=resume), json=json)


@app.command("codebook")
def codebook_command(
    *,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    preset: PresetOption = Preset.TINY,
    steps: StepsOption = 0,
    max_minutes: MinutesOption = 0.0,
    seed: SeedOption = 0,
    settings: SetOption = None,
    vgg19: Vgg19Option = "",
    resume: ResumeOption = True,
    device: DeviceOption = "auto",
    devices: DevicesOption = 1,
    threads: ThreadsOption = 0,
    json: JsonOption = False,
) -> None:
    """Train the codebook of face texture that frames are made of.

    Example: flowvqtalker train codebook --dataset latest --store store/ --preset tiny
    """
    changes = _changes(steps, max_minutes, seed, settings)
    asked = {"dataset": dataset, "store": store, "vgg19": vgg19}
    _train_on_images(RunKind.CODEBOOK, preset, changes, asked, _options(device, devices, threads, resume=resume), json=json)


@app.command("vqig")
def vqig_command(
    *,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    codebook: CodebookOption = "latest",
    preset: PresetOption = Preset.TINY,
    steps: StepsOption = 0,
    max_minutes: MinutesOption = 0.0,
    seed: SeedOption = 0,
    settings: SetOption = None,
    vgg19: Vgg19Option = "",
    resume: ResumeOption = True,
    device: DeviceOption = "auto",
    devices: DevicesOption = 1,
    threads: ThreadsOption = 0,
    json: JsonOption = False,
) -> None:
    """Train the image generator: frames from a portrait, expressions and poses.

    Example: flowvqtalker train vqig --codebook latest --store store/ --preset tiny
    """
    changes = _changes(steps, max_minutes, seed, settings)
    asked = {"dataset": dataset, "store": store, "codebook": codebook, "vgg19": vgg19}
    _train_on_images(RunKind.VQIG, preset, changes, asked, _options(device, devices, threads, resume=resume), json=json)


@app.command("sync")
def sync_command(
    *,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    preset: PresetOption = Preset.TINY,
    steps: StepsOption = 0,
    max_minutes: MinutesOption = 0.0,
    seed: SeedOption = 0,
    settings: SetOption = None,
    resume: ResumeOption = True,
    device: DeviceOption = "auto",
    devices: DevicesOption = 1,
    threads: ThreadsOption = 0,
    json: JsonOption = False,
) -> None:
    """Train the lip-sync expert, which says by how much sound and lips are apart.

    Example: flowvqtalker train sync --dataset latest --store store/ --preset tiny
    """
    changes = _changes(steps, max_minutes, seed, settings)
    _train_judge(RunKind.SYNC, dataset, store, preset, changes, _options(device, devices, threads, resume=resume), json=json)


@app.command("emotion")
def emotion_command(
    *,
    dataset: DatasetOption = "latest",
    store: StoreOption = "",
    preset: PresetOption = Preset.TINY,
    steps: StepsOption = 0,
    max_minutes: MinutesOption = 0.0,
    seed: SeedOption = 0,
    settings: SetOption = None,
    resume: ResumeOption = True,
    device: DeviceOption = "auto",
    devices: DevicesOption = 1,
    threads: ThreadsOption = 0,
    json: JsonOption = False,
) -> None:
    """Train the emotion judge, which says what emotion a clip shows.

    Example: flowvqtalker train emotion --dataset latest --store store/ --preset tiny
    """
    changes = _changes(steps, max_minutes, seed, settings)
    _train_judge(RunKind.EMOTION, dataset, store, preset, changes, _options(device, devices, threads, resume=resume), json=json)


def _changes(steps: int, max_minutes: float, seed: int, settings: list[str] | None) -> dict[str, Any]:
    """Return the fields of the specification that were asked for; values are read by pydantic."""
    values: dict[str, Any] = {"seed": seed, "max_minutes": max_minutes}
    if steps:
        values["steps"] = steps
    for setting in settings or []:
        name, found, value = setting.partition("=")
        if not found:
            raise BadInputError(f"--set {setting!r}: expected NAME=VALUE, e.g. past_dropout=0")
        values[name.strip()] = value.strip()
    return values


def _options(device: str, devices: int, threads: int, *, resume: bool) -> dict[str, Any]:
    if device not in ("auto", "cpu", "cuda"):
        raise BadInputError(f"--device {device!r}: expected auto, cpu or cuda")
    return {"device": device, "devices": devices, "threads": threads, "fresh": not resume}


def _train(
    kind: RunKind, dataset: str, store: str, preset: Preset, changes: dict[str, Any], options: dict[str, Any], *, json: bool
) -> None:
    from flows.running import run_training  # noqa: PLC0415 - Prefect and torch take seconds to import
    from pipelines.training.run_settings import preset_training  # noqa: PLC0415

    with _wrong_settings_named():
        spec = preset_training(kind, preset, **changes)
    with progress_bar(f"training {kind.value}", quiet=json) as advance:
        trained = run_training(kind, spec, dataset, store or Settings().store, options, on_progress=advance)
    _show(trained, json=json)


def _train_on_images(
    kind: RunKind, preset: Preset, changes: dict[str, Any], asked: dict[str, str], options: dict[str, Any], *, json: bool
) -> None:
    from flows.running import run_image_training  # noqa: PLC0415 - Prefect and torch take seconds to import
    from pipelines.training.images.image_run_settings import preset_image_training  # noqa: PLC0415

    with _wrong_settings_named():
        spec = preset_image_training(kind, preset, **changes)
    asked["store"] = asked["store"] or Settings().store
    with progress_bar(f"training {kind.value}", quiet=json) as advance:
        trained = run_image_training(kind, spec, options=options, on_progress=advance, **asked)
    _show(trained, json=json)


def _train_judge(
    kind: RunKind, dataset: str, store: str, preset: Preset, changes: dict[str, Any], options: dict[str, Any], *, json: bool
) -> None:
    from flows.judging import run_judge_training  # noqa: PLC0415 - Prefect and torch take seconds to import
    from pipelines.training.judges.judge_settings import preset_judge_training  # noqa: PLC0415

    with _wrong_settings_named():
        spec = preset_judge_training(kind, preset, **changes)
    where = store or Settings().store
    with progress_bar(f"training {kind.value}", quiet=json) as advance:
        trained = run_judge_training(kind, spec, dataset=dataset, store=where, options=options, on_progress=advance)
    _show(trained, json=json)


@contextmanager
def _wrong_settings_named() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']} (found {item['input']!r})" for item in error.errors())
        raise BadInputError(f"the training has {error.error_count()} wrong setting(s): {problems}") from error


def _show(trained: TrainedRun | TrainedImageRun | TrainedJudge, *, json: bool) -> None:
    if json:
        write_json({**trained.card.model_dump(mode="json"), "was_finished": trained.was_finished, "resumed_step": trained.resumed_step})
        return
    for line in trained.card.lines():
        say(line)
    if trained.was_finished:
        say("  it was finished before; nothing was trained (--fresh starts over)")
    elif trained.resumed_step:
        say(f"  gone on from step {trained.resumed_step}")
