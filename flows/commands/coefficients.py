"""``flowvqtalker coefficients``: expressions and head poses drawn from trained models, and what the models think of clips."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands import coefficient_evaluation
from flows.commands.console import Advance, progress_bar, say, write_json, write_line, write_table
from flows.commands.dataset import opened_store
from flows.commands.options import DeviceOption, EmotionOption, IntensityOption, JsonOption, StoreOption, VersionArgument
from storage_schemas.errors import BadInputError, ItemRejectedError, StoreError

if TYPE_CHECKING:
    from pipelines.generation.coefficient_files import CoefficientsCard
    from pipelines.generation.coefficient_model import CoefficientModel
    from pipelines.generation.likelihood import ScoredClip
    from pipelines.generation.request import GeneratedSequence, GenerationRequest, Reference
    from storage_schemas.object_store_protocol import ObjectStore

app = typer.Typer(no_args_is_help=True, help="Draw expressions and head poses from trained models, and judge clips by them.")
app.add_typer(coefficient_evaluation.app)

ModelsOption = Annotated[
    list[str] | None, typer.Option("--models", help="Run of ExpFlow or PoseFlow, e.g. expflow/3f2a, once for each; none: the latest.")
]
WriteRows = Callable[[list[list[Any]]], None]


@app.command("sample")
def sample_command(
    *,
    models: ModelsOption = None,
    audio: Annotated[Path, typer.Option(help="Any audio file, or a video with sound.")],
    out: Annotated[Path, typer.Option(help="File to write: .safetensors or .npz.")],
    store: StoreOption = "",
    emotion: EmotionOption = "",
    reference: Annotated[Path | None, typer.Option(help="Take emotion and dynamics from a picture, video or coefficients file.")] = None,
    intensity: IntensityOption = 1.0,
    source: Annotated[Path | None, typer.Option(help="The face that is animated: picture, video or coefficients file.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides everything random.")] = 0,
    takes: Annotated[int, typer.Option(min=1, max=10_000, help="How many different ones to draw.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, help="Spread of expressions; 1: the model's.")] = 0.8,
    projection: Annotated[float, typer.Option(min=0, max=1, help="Manifold projection of latents: 0 none, 1 whole.")] = 0.0,
    pose: Annotated[str, typer.Option(help="audio, fixed, or a file whose head movement is followed. Default: audio if possible.")] = "",
    blink_rate: Annotated[float, typer.Option(min=0, help="Times as often as the training clips; 0: never.")] = 1.0,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Draw coefficients for an audio file: beta (frames, 64) and rho (frames, 6), 25 frames a second.

    Example: flowvqtalker coefficients sample --models expflow/latest --models poseflow/latest --audio speech.wav --emotion happy
    --seed 7 --store store/ --out happy.safetensors

    Several takes of a mixture: ... --emotion happy:0.6,surprised:0.4 --intensity 0.8 --takes 3 --out takes.safetensors

    From a reference to a portrait: ... --reference angry-clip.mp4 --source portrait.png --out angry.safetensors

    The same seed and take give the same result, alone or in a batch. Several takes are written beside each other as NAME-000,
    NAME-001 and so on.
    """
    from pipelines.generation.coefficient_files import require_suffix  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.generation.generator import CoefficientGenerator  # noqa: PLC0415
    from pipelines.generation.request import FailedItem  # noqa: PLC0415
    from pipelines.generation.run_loading import LATEST_RUNS, load_models  # noqa: PLC0415

    require_suffix(out)
    if emotion and reference is not None:
        raise BadInputError("give an emotion or a reference, not both")
    with opened_store(store) as opened, tempfile.TemporaryDirectory(prefix="flowvqtalker-face-model-") as scratch:
        expflow, poseflow = load_models(opened, models or list(LATEST_RUNS))
        files = _InputFiles(opened, expflow, Path(scratch))
        request = _request(
            _Asked(audio, emotion, reference, source, pose), files, poseflow is not None,
            intensity=intensity, seed=seed, temperature=temperature, projection=projection, blink_rate=blink_rate,
        )  # fmt: skip
    generator = CoefficientGenerator(expflow, poseflow, chosen_device(device))
    results = generator.generate([dataclasses.replace(request, take=take) for take in range(takes)])
    failed = [result for result in results if isinstance(result, FailedItem)]
    if failed:
        raise BadInputError(failed[0].message)
    written = []
    for take, result in enumerate(results):
        assert not isinstance(result, FailedItem)  # noqa: S101 - said above
        card = _card(dataclasses.replace(request, take=take), result, [expflow, poseflow], audio, reference)
        written.append(_write(out if takes == 1 else out.with_name(f"{out.stem}-{take:03d}{out.suffix}"), result, card))
    _show(written, json=json)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """The files and names of a command line."""

    audio: Path
    emotion: str
    reference: Path | None
    source: Path | None
    pose: str


class _InputFiles:
    """Reads pictures, videos and coefficient files with the face model that the flows were trained with."""

    def __init__(self, store: ObjectStore, expflow: CoefficientModel, scratch: Path) -> None:
        self._store, self._scratch = store, scratch
        self._model_id = str(expflow.lineage.get("face_model", ""))
        self._face_model: Path | None = None

    def read(self, path: Path) -> Reference:
        from pipelines.dataset.face_model_store import fetch_face_model  # noqa: PLC0415
        from pipelines.generation.reference_files import read_reference_file  # noqa: PLC0415

        if self._face_model is None and self._model_id:
            self._face_model = fetch_face_model(self._store, self._model_id, self._scratch)
        return read_reference_file(path, self._face_model)


def _request(
    asked: _Asked, files: _InputFiles, has_poseflow: bool, *, intensity: float, seed: int, temperature: float, projection: float,
    blink_rate: float,
) -> GenerationRequest:  # fmt: skip
    from pipelines.generation.audio_features import AudioFile  # noqa: PLC0415
    from pipelines.generation.emotion_weights import parse_emotion  # noqa: PLC0415
    from pipelines.generation.request import BlinkSettings, GenerationRequest  # noqa: PLC0415

    try:
        sound = AudioFile(asked.audio)
    except ItemRejectedError as error:
        raise BadInputError(f"audio {asked.audio}: {error.message}") from error
    face = files.read(asked.source) if asked.source is not None else None
    return GenerationRequest(
        item_id=asked.audio.name,
        audio=sound,
        emotion=files.read(asked.reference) if asked.reference is not None else parse_emotion(asked.emotion or "neutral"),
        intensity=intensity,
        seed=seed,
        source_beta=None if face is None else face.beta.mean(axis=0),
        source_rho=None if face is None or face.rho is None else face.rho[0],
        temperature=temperature,
        projection=projection,
        pose=_pose(asked.pose, files, has_poseflow),
        blinks=BlinkSettings(rate=blink_rate),
    )


def _pose(asked: str, files: _InputFiles, has_poseflow: bool) -> Any:  # noqa: ANN401 - a mode or an array
    from pipelines.generation.request import PoseMode  # noqa: PLC0415

    if not asked:
        return PoseMode.AUDIO if has_poseflow else PoseMode.FIXED
    if asked in set(PoseMode):
        return PoseMode(asked)
    found = files.read(Path(asked))
    if found.rho is None:
        raise BadInputError(f"{asked} has no poses to follow")
    return found.rho


def _card(
    request: GenerationRequest,
    result: GeneratedSequence,
    models: list[CoefficientModel | None],
    audio: Path,
    reference: Path | None,
) -> CoefficientsCard:
    from pipelines.generation.coefficient_files import CoefficientsCard  # noqa: PLC0415
    from storage_schemas.training_runs import EMOTIONS  # noqa: PLC0415

    settings = {
        "intensity": request.intensity, "temperature": request.temperature, "projection": request.projection,
        "pose": request.pose if isinstance(request.pose, str) else "followed", "blink_rate": request.blinks.rate,
    }  # fmt: skip
    weights = {label: round(float(weight), 6) for label, weight in zip(EMOTIONS, result.emotion, strict=True) if weight > 0}
    return CoefficientsCard(
        item_id=result.item_id, frames=len(result.beta), seed=request.seed, take=request.take, settings=settings, emotion=weights,
        audio=_named(audio), reference=_named(reference) if reference is not None else {},
        models={model.run_id.split("/")[0]: {"run": model.run_id, **model.lineage} for model in models if model is not None},
    )  # fmt: skip


def _named(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {"name": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _write(path: Path, result: GeneratedSequence, card: CoefficientsCard) -> dict[str, Any]:
    from pipelines.generation.coefficient_files import write_coefficients  # noqa: PLC0415

    write_coefficients(path, result.beta, result.rho, card)
    return {"file": str(path), **card.model_dump(mode="json")}


def _show(written: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        write_json({"files": written})
        return
    for item in written:
        emotion = ", ".join(f"{label} {weight:.2g}" for label, weight in item["emotion"].items() if weight >= 0.005)
        say(f"{item['file']}: {item['frames']} frames, {emotion}, seed {item['seed']}, take {item['take']}")


def chosen_device(name: str) -> str:
    """Return cpu or cuda.

    Raises:
        BadInputError: it is neither, or there is no such device.
    """
    import torch  # noqa: PLC0415

    if name not in ("auto", "cpu", "cuda"):
        raise BadInputError(f"--device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInputError("--device cuda: torch sees no CUDA device here; use cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


@app.command("likelihood")
def likelihood_command(
    *,
    version: VersionArgument,
    models: ModelsOption = None,
    store: StoreOption = "",
    split: Annotated[list[str] | None, typer.Option(help="Split to judge, once for each; none: train, validation, test.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV of all clips.")] = None,
    frames: Annotated[Path | None, typer.Option(help="CSV of all frames: clip_id, frame, nll.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Clips shown.")] = 20,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Rank the clips of a dataset version by their likelihood under an ExpFlow: bad fits and wrong labels come first.

    Example: flowvqtalker coefficients likelihood latest --models expflow/latest --store store/ --out clips.csv
    """
    from pipelines.generation.likelihood import likelihood_report, score_clips  # noqa: PLC0415
    from pipelines.generation.run_loading import LATEST_RUNS, load_models  # noqa: PLC0415
    from pipelines.training.version_sequences import VersionSequences  # noqa: PLC0415

    with opened_store(store) as opened, _csv_rows(frames, ["clip_id", "frame", "nll"]) as write_frames:
        model = load_models(opened, models or list(LATEST_RUNS[:1]))[0]
        model.flow.to(chosen_device(device))
        source = VersionSequences(opened, version)
        splits = split or ["train", "validation", "test"]
        with progress_bar("judging", quiet=json) as advance:
            total = sum(len(source.table(name)) for name in splits)
            clips = _watched(score_clips(model, source, splits), total, advance, write_frames)
            rows = likelihood_report(clips, model.emotions)
    if out is not None:
        with _csv_rows(out, list(rows[0].as_row()) if rows else ["clip_id"]) as write:
            write([list(row.as_row().values()) for row in rows])
    outliers, relabelled = sum(row.outlier for row in rows), sum(bool(row.better_label) for row in rows)
    if json:
        shown = [row.as_row() for row in rows[:limit]]
        counts = {"clips": len(rows), "outliers": outliers, "better_labels": relabelled}
        write_json({"dataset": source.dataset, "model": model.run_id, **counts, "rows": shown})
        return
    write_line(f"{len(rows)} clips of {source.dataset} under {model.run_id}: {outliers} outlier(s), {relabelled} with a better label")
    columns = ["clip_id", "emotion", "nll", "deviations", "worst_nll", "worst_frame", "better_label", "evidence_nats"]
    write_table("least likely", columns, [[row.as_row()[name] for name in columns] for row in rows[:limit]])


def _watched(clips: Iterator[ScoredClip], total: int, advance: Advance, write: WriteRows) -> Iterator[ScoredClip]:
    """Pass clips on, count them and write their frames down."""
    for done, clip in enumerate(clips, start=1):
        write([[clip.sequence.sequence_id, frame, f"{nll:.4f}"] for frame, nll in enumerate(clip.nll)])
        advance(done, total)
        yield clip


@contextmanager
def _csv_rows(path: Path | None, columns: list[str]) -> Iterator[WriteRows]:
    """Give a function that appends rows to a CSV file; without a path it does nothing."""
    if path is None:
        yield lambda rows: None  # noqa: ARG005
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            yield writer.writerows
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; name a file that can be written") from error
