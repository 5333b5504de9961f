"""``flowvqtalker train``: networks from a dataset version."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from flows.commands.console import progress_bar, say, write_json
from flows.commands.options import DatasetOption, JsonOption
from infra.settings import Settings
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import Preset, RunKind

if TYPE_CHECKING:
    from pipelines.training.run_folder import AnyCard
    from pipelines.training.trainings import TrainedRun

app = typer.Typer(no_args_is_help=True, help="Train the networks on a dataset version.")

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

_OF_IMAGES = ("codebook", "vgg19")
"""Options that only trainings on images have."""


def _train(
    kind: RunKind,
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
    """Train a network and say what came of it; all but `kind` are options of its command."""
    changes = _changes(steps, max_minutes, seed, settings)
    if device not in ("auto", "cpu", "cuda"):
        raise BadInputError(f"--device {device!r}: expected auto, cpu or cuda")
    from flows.training import run_training  # noqa: PLC0415 - Prefect and torch take seconds to import
    from pipelines.training.asked_trainings import asked_training  # noqa: PLC0415
    from pipelines.training.trainings import RunOptions  # noqa: PLC0415

    with _wrong_settings_named():
        training = asked_training(kind, preset, changes, dataset, codebook=codebook, vgg19=vgg19)
    options = RunOptions(device, devices, threads, fresh=not resume)
    with progress_bar(f"training {kind.value}", quiet=json) as advance:
        trained = run_training(training, store or Settings().store, options, on_progress=advance)
    _show(trained, json=json)


def _add_command(kind: RunKind, purpose: str, example: str = "--dataset latest", without: Collection[str] = _OF_IMAGES) -> None:
    """Add the command of a network: the options of `_train` but for some that it does not have."""

    def command(**options: Any) -> None:  # noqa: ANN401 - as Typer read them
        _train(kind, **options)

    signature = inspect.signature(_train, eval_str=True)
    shown = [option for name, option in signature.parameters.items() if name not in ("kind", *without)]
    command.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    text = f"{purpose}\n\nExample: flowvqtalker train {kind.value} {example} --store store/ --preset tiny"
    app.command(kind.value, help=text)(command)


_add_command(RunKind.EXPFLOW, "Train ExpFlow: expressions from sound, source face and emotion.")
_add_command(RunKind.POSEFLOW, "Train PoseFlow: head poses from sound.")
_add_command(RunKind.CODEBOOK, "Train the codebook of face texture that frames are made of.", without=["codebook"])
_add_command(RunKind.VQIG, "Train the image generator: frames from a portrait, expressions and poses.", "--codebook latest", without=[])
_add_command(RunKind.SYNC, "Train the lip-sync expert, which says by how much sound and lips are apart.")
_add_command(RunKind.EMOTION, "Train the emotion judge, which says what emotion a clip shows.")


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


@contextmanager
def _wrong_settings_named() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']} (found {item['input']!r})" for item in error.errors())
        raise BadInputError(f"the training has {error.error_count()} wrong setting(s): {problems}") from error


def _show(trained: TrainedRun[AnyCard], *, json: bool) -> None:
    if json:
        write_json({**trained.card.model_dump(mode="json"), "was_finished": trained.was_finished, "resumed_step": trained.resumed_step})
        return
    for line in trained.card.lines():
        say(line)
    if trained.was_finished:
        say("  it was finished before; nothing was trained (--fresh starts over)")
    elif trained.resumed_step:
        say(f"  gone on from step {trained.resumed_step}")
