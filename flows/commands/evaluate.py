"""``flowvqtalker evaluate``: any method's videos against a dataset version or a folder of true ones, and what hangs beneath it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands.console import progress_bar, say, write_json, write_table
from flows.commands.dataset import opened_store
from flows.commands.options import DeviceOption, JsonOption, StoreOption
from storage_schemas.errors import BadInputError

if TYPE_CHECKING:
    from storage_schemas.evaluation import EvaluationReport

VIDEOS_COMMAND = "videos"
_SHOWN_NAMES = 5
_NOT_GIVEN = "weights not given"
_HELP = ("--help", "-h")
_SPEC_SUFFIXES = (".yaml", ".yml")

WeightsOption = typer.Option(metavar="FILE", help="Published weights, safetensors; without them its columns say so.")


class _VideosUnlessNamed(TyperGroup):
    """``evaluate X`` is ``evaluate videos X`` unless X is one of the commands; a folder of such a name is given as ./X."""

    default_command = VIDEOS_COMMAND

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own copy of a context
        """Put the name of the command before words that begin with none."""
        named = bool(args) and (args[0] in self.commands or args[0] in _HELP)
        return list(super().parse_args(ctx, args if named or not args else [self.default_command, *args]))


app = typer.Typer(
    cls=_VideosUnlessNamed,
    no_args_is_help=True,
    help="Measure any method's videos against a dataset version or a folder of true ones: `evaluate X` is short for `evaluate videos X`.",
)


@app.command(VIDEOS_COMMAND)
def evaluate_command(
    *,
    generated: Annotated[
        str,
        typer.Argument(metavar="GENERATED", help="Output folder of `render`, any folder of videos, or a YAML file that says everything."),
    ],
    reference: Annotated[str, typer.Option(metavar="VERSION|DIR", help="Dataset version, or a folder of the true videos.")] = "",
    store: StoreOption = "",
    split: Annotated[str, typer.Option(help="Split of the version, or all. Default: test, or validation where there is no test.")] = "",
    pairs: Annotated[Path | None, typer.Option(help="CSV of video, reference and perhaps emotion. Default: by name.")] = None,
    method: Annotated[str, typer.Option(help="Row of the leaderboard. Default: name of the folder.")] = "",
    fid_weights: Annotated[Path | None, WeightsOption] = None,
    syncnet_weights: Annotated[Path | None, WeightsOption] = None,
    emotion_weights: Annotated[Path | None, WeightsOption] = None,
    sync_judge: Annotated[str, typer.Option(metavar="RUN", help="Our own sync expert. Default: the store's latest.")] = "",
    emotion_judge: Annotated[str, typer.Option(metavar="RUN", help="Our own emotion judge. Default: the store's latest.")] = "",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each processor.")] = 0,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Measure videos against the clips that they should be. `evaluate GENERATED` is short for `evaluate videos GENERATED`.

    Example: flowvqtalker evaluate clips/ --reference latest --store store/ --json

    Example: flowvqtalker evaluate wav2lip/ --reference true-videos/ --pairs pairs.csv --method Wav2Lip --store store/
    """
    from flows.commands.coefficients import chosen_device  # noqa: PLC0415
    from flows.evaluating import read_request, run_evaluation  # noqa: PLC0415 - its imports take a second
    from storage_schemas.evaluation import EvaluationRequest  # noqa: PLC0415

    asked: dict[str, Any] = {
        "reference": reference, "store": store, "split": split, "pairs": str(pairs or ""), "method": method,
        "fid_weights": str(fid_weights or ""), "syncnet_weights": str(syncnet_weights or ""),
        "emotion_weights": str(emotion_weights or ""), "sync_judge": sync_judge, "emotion_judge": emotion_judge, "workers": workers,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value}
    if generated.lower().endswith(_SPEC_SUFFIXES):
        request = read_request(Path(generated)).model_copy(update=given)
    elif not reference:
        raise BadInputError("name a dataset version or a folder of true videos with --reference")
    else:
        request = EvaluationRequest(generated=generated, **given)
    request = request.model_copy(update={"device": chosen_device(device)})
    with progress_bar("measuring", quiet=json) as advance:
        report, folder = run_evaluation(request, advance)
    if json:
        write_json({**report.model_dump(mode="json"), "leaderboard": folder})
        return
    _show(report, folder)


@app.command("material")
def material_command(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder to write; made if it is not there.")],
    reference: Annotated[str, typer.Option(metavar="VERSION", help="Dataset version.")] = "latest",
    store: StoreOption = "",
    split: Annotated[str, typer.Option(help="Split of the version, or all. Default: test, or validation where there is no test.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of all rows of the list.")] = 0,
    json: JsonOption = False,
) -> None:
    """Write what any method needs to be evaluated: a portrait, the sound and the emotion of every held-out clip, and a list to `render`.

    Example: flowvqtalker evaluate material held-out/ --reference latest --store store/
    """
    from pipelines.video_evaluation.material import write_material  # noqa: PLC0415
    from storage_schemas.store_trouble import store_trouble  # noqa: PLC0415

    with opened_store(store) as opened, progress_bar("writing", quiet=json) as advance, store_trouble("write", folder):
        written = write_material(opened, reference, split, folder, seed=seed, on_progress=advance)
    if json:
        named = {"scripts": str(written.scripts), "pairs": str(written.pairs)}
        write_json({**named, "clips": len(written.clips), "without_sound": list(written.without_sound)})
        return
    if written.without_sound:
        say(f"warning: {len(written.without_sound)} clips without sound are left out: {', '.join(written.without_sound[:_SHOWN_NAMES])}")
    say(f"{len(written.clips)} clips; render them with `flowvqtalker render {written.scripts}`, or any other method with {written.pairs}")


@app.command("distortions")
def distortions_command(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder for distortions.json and distortions.png; made if it is not there.")],
    reference: Annotated[str, typer.Option(metavar="VERSION", help="Dataset version whose clips are distorted.")] = "latest",
    store: StoreOption = "",
    split: Annotated[str, typer.Option(help="Split of the version, or all. Default: test, or validation where there is no test.")] = "",
    clips: Annotated[int, typer.Option(min=2, help="Most clips, evenly chosen.")] = 8,
    frames: Annotated[int, typer.Option(min=45, help="Most frames of each.")] = 80,
    only: Annotated[list[str] | None, typer.Option(help="Distortion, e.g. blur; may be given several times; none: all.")] = None,
    syncnet_weights: Annotated[Path | None, WeightsOption] = None,
    emotion_weights: Annotated[Path | None, WeightsOption] = None,
    json: JsonOption = False,
) -> None:
    """Distort true clips step by step - blur, noise, delay, freezing, swapped emotions - and show that every metric moves the right way.

    Example: flowvqtalker evaluate distortions distortions/ --reference latest --store store/
    """
    from flows.distortion_curves import run_distortions  # noqa: PLC0415 - torch and MediaPipe take seconds to import

    weights = {"syncnet_weights": str(syncnet_weights or ""), "emotion_weights": str(emotion_weights or "")}
    with progress_bar("distorting", quiet=json) as advance:
        values = run_distortions(folder, reference, store, split, (clips, frames), weights, advance, only or ())
    if json:
        write_json(values)
        return
    rows = [
        [distortion["title"], name, curve["values"][0], curve["values"][-1], "yes" if curve["monotone"] else "no"]
        for distortion in values["distortions"]
        for name, curve in distortion["curves"].items()
    ]
    write_table("distortions", ["distortion", "metric", "first", "last", "never the wrong way"], rows)
    say(f"drawn: {folder / 'distortions.png'}")


def _show(report: EvaluationReport, folder: str) -> None:
    from pipelines.video_evaluation.evaluation_warnings import RULES  # noqa: PLC0415
    from pipelines.video_evaluation.metric_list import METRIC_LIST  # noqa: PLC0415

    rows = []
    for name, meaning in METRIC_LIST.items():
        values = [_shown(report, name, values[name]) for values in (report.metrics, report.ground_truth)]
        rows.append([f"{meaning.title} {meaning.arrow}".rstrip(), *values])
    title = f"{report.pairs} of {report.pairs_expected} pairs, {report.frames:,} frames, evaluation set {report.evaluation_set}"
    write_table(title, ["metric", report.method, "ground truth"], rows)
    for reason in sorted(set(report.missing.values()) - {_NOT_GIVEN}):
        titles = [METRIC_LIST[name].title for name, why in report.missing.items() if why == reason]
        say(f"n/a: {', '.join(titles)}: {reason}")
    for warning in report.warnings:
        more = f" and {warning.count - _SHOWN_NAMES} more" if warning.count > _SHOWN_NAMES else ""
        say(f"warning: {warning.count} {RULES[warning.rule]}: {', '.join(warning.names[:_SHOWN_NAMES])}{more}")
    for video in report.videos:
        if video.problem:
            say(f"not measured: {video.video}: {video.problem}")
    say(f"leaderboard: {folder}/leaderboard.html")


def _shown(report: EvaluationReport, name: str, value: float | None) -> str:
    if value is None:
        return f"n/a ({_NOT_GIVEN})" if report.missing.get(name) == _NOT_GIVEN else "n/a"
    return f"{value:.4g}"
