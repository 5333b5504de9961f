"""Held-out clips of the demonstration rendered anew, and how near they come to the true ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipelines.video_evaluation.evaluation import evaluate_videos
from pipelines.video_evaluation.leaderboard import add_to_leaderboard
from pipelines.video_evaluation.material import write_material
from pipelines.video_evaluation.true_clips import clips_of_version
from storage_schemas.demo_summary import DemoEvaluation
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation import EvaluationRequest
from storage_schemas.object_store_protocol import ObjectStore

_METHOD = "flowvqtalker demo"
_HELD_OUT = ("test", "validation")
_STORE_FOLDER = "store"


def write_held_out_list(store: ObjectStore, dataset: str, folder: Path, seed: int) -> Path | None:
    """Write portraits, sounds and a script list of the held-out clips; return the list, or None where no clip is held out."""
    split = _held_out_split(store, dataset)
    return write_material(store, dataset, split, folder, seed=seed).scripts if split else None


def evaluate_held_out(
    store: ObjectStore, dataset: str, renders: Path, on_progress: Callable[[int, int, str], None]
) -> DemoEvaluation | None:
    """Evaluate the rendered held-out clips and write their row of the leaderboard; None where there are none.

    Raises:
        StoreError: something is damaged, or the leaderboard cannot be written.
    """
    split = _held_out_split(store, dataset)
    if not split:
        return None
    request = EvaluationRequest(generated=str(renders), reference=dataset, split=split, method=_METHOD)
    try:
        report = evaluate_videos(
            request, store, store.scratch_folder(), lambda done, total, _: on_progress(done, total, "rendered against true")
        )
    except BadInputError:  # every row failed, which the results say
        return None
    folder = add_to_leaderboard(store, report)
    return DemoEvaluation(
        pairs=report.pairs,
        pairs_expected=report.pairs_expected,
        evaluation_set=report.evaluation_set,
        metrics=report.metrics,
        ground_truth=report.ground_truth,
        missing=report.missing,
        leaderboard=f"{_STORE_FOLDER}/{folder}/leaderboard.html",
    )


def _held_out_split(store: ObjectStore, dataset: str) -> str:
    """Return the split that is evaluated; empty: there is none."""
    found = {clip.split for clip in clips_of_version(store, dataset, "all").clips}
    return next((split for split in _HELD_OUT if split in found), "")
