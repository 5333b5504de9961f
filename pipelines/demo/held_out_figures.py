"""Figures of the demonstration's networks on clips that they were not trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings
from pipelines.coefficient_evaluation.run_evaluation import evaluate_runs
from pipelines.image_evaluation.evaluation import evaluate_images, load_inputs
from pipelines.image_evaluation.held_out_clips import ClipChoice
from pipelines.rendering.frame_generator import Precision, RenderSettings
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import COEFFICIENT_KINDS, RunKind

_SPLIT = "validation"
_CLIPS = 8
_FRAMES = 25
_SETTINGS = EvaluationSettings(seeds=4, transfer_pairs=16, long_audio_s=0.0)


def held_out_figures(
    store: ObjectStore, models: Mapping[str, str], dataset: str, corpus: Path, on_progress: Callable[[str], None]
) -> dict[str, float | None]:
    """Return the figures of both evaluations by name, those of frames with the prefix ``images_``; none without held-out clips.

    Args:
        store: of version and runs.
        models: run of each network.
        dataset: version.
        corpus: folder of the demo corpus, for the curves that drove it.
        on_progress: told what is being measured.

    Raises:
        StoreError: something is damaged.
    """
    found: dict[str, float | None] = {}
    try:
        on_progress("expressions and poses on held-out clips")
        runs = [models[kind.value] for kind in COEFFICIENT_KINDS]
        found |= evaluate_runs(store, runs, dataset, _SPLIT, _SETTINGS, corpus, most_clips=_CLIPS).figures
        on_progress("frames on held-out clips")
        render = RenderSettings("cpu", Precision.FLOAT32, batch_frames=8)
        inputs = load_inputs(store, models[RunKind.VQIG.value], dataset, ClipChoice(_SPLIT, _CLIPS, _FRAMES), render)
        found |= {f"images_{name}": value for name, value in evaluate_images(inputs).figures.items()}
    except BadInputError:  # a corpus this small has no held-out clips
        return found
    return found
