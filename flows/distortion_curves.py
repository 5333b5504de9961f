"""Distorting true clips of a dataset version, without a flow: what each metric makes of it, as JSON and as a chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from flows.native_logs import native_logs_hidden
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.video_evaluation.distortion_chart import draw_distortions
from pipelines.video_evaluation.distortions import DistortionCurves, material_of_version, measure_distortions
from pipelines.video_evaluation.network_scores import ClipScorer, load_networks
from storage_schemas.evaluation import EvaluationRequest
from storage_schemas.evaluation_requests import EvaluationSettings, GroupRequest
from storage_schemas.store_trouble import store_trouble


def run_distortions(
    folder: Path,
    version: str,
    store: str,
    split: str,
    size: tuple[int, int],
    weights: dict[str, str],
    on_progress: Callable[[int, int, str], None],
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """Measure and draw.

    Args:
        folder: for `distortions.json` and `distortions.png`.
        version: dataset version.
        store: with it; empty: that of the settings.
        split: of it; empty: as an evaluation chooses.
        size: clips at most, frames of each at most.
        weights: fields of `EvaluationRequest` that name published weights.
        on_progress: (steps done, steps, distortion).
        names: of distortions; none: all.

    Returns:
        What `distortions.json` holds.

    Raises:
        BadInputError: there is no such version, split or distortion, or weights do not fit.
        StoreError: something is damaged, or the folder cannot be written.
    """
    settings = Settings()
    with open_store(store or settings.store, settings) as opened, native_logs_hidden():
        clips = material_of_version(opened, version, split, *size)
        networks = load_networks(EvaluationRequest(generated="", reference=version, **weights), opened)
        request = GroupRequest(
            reference_kind="stored", reference="", videos=[], settings=EvaluationSettings(), wanted=networks.wanted, out_folder=""
        )
        found = measure_distortions(clips, request, ClipScorer(networks), on_progress, names)
    values = {
        "clips": [clip.name for clip in clips],
        "weights": networks.weights,
        "missing": networks.missing,
        "distortions": [_as_json(curves) for curves in found],
    }
    with store_trouble("write", folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "distortions.json").write_bytes(orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        draw_distortions(folder / "distortions.png", found)
    return values


def _as_json(found: DistortionCurves) -> dict[str, Any]:
    curves = {name: {"values": values, "monotone": found.is_monotone(name)} for name, values in found.curves.items()}
    return {"title": found.title, "steps": list(found.steps), "curves": curves}
