"""From a finished training run to a model that can be sampled."""

from __future__ import annotations

import numpy as np

from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.training.run_folder import LATEST, LoadedRun, load_coefficient_flow
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import COEFFICIENT_KINDS, EMOTIONS, RunKind

LATEST_RUNS = tuple(f"{kind.value}/{LATEST}" for kind in COEFFICIENT_KINDS)
"""The runs that are used if none is named: the latest ExpFlow and the latest PoseFlow."""


def coefficient_model(run: LoadedRun) -> CoefficientModel:
    """Return what generation needs of a run."""
    card, statistics = run.card, {name: tensor.numpy() for name, tensor in run.extras.statistics.items()}
    known = tuple(label for label, frames in zip(EMOTIONS, statistics["emotion_frames"], strict=True) if frames > 0)
    return CoefficientModel(
        run_id=f"{card.kind.value}/{card.run_id}",
        flow=run.flow,
        lowest=statistics["smallest"].astype(np.float32),
        highest=statistics["largest"].astype(np.float32),
        emotions=known if card.kind is RunKind.EXPFLOW else EMOTIONS,
        latents=run.extras.latents["z"].numpy().astype(np.float32),
        blinks=run.extras.blinks,
        neutral=statistics["neutral"].astype(np.float32),
        lineage={"dataset": card.dataset, "face_model": card.face_model, "weights_sha256": card.weights_sha256, "code": card.code_version},
    )


def load_models(store: ObjectStore, names: list[str]) -> tuple[CoefficientModel, CoefficientModel | None]:
    """Return the ExpFlow and, if one is named, the PoseFlow of some runs.

    Args:
        store: where the runs are.
        names: such as expflow/latest and poseflow/3f2a, in any order.

    Raises:
        BadInputError: no ExpFlow, several of a kind, runs of different face models, or no such run.
        StoreError: a run is damaged.
    """
    found: dict[RunKind, CoefficientModel] = {}
    for name in names:
        run = load_coefficient_flow(store, name)
        if run.card.kind in found:
            raise BadInputError(f"two runs of {run.card.kind.value} were named: {found[run.card.kind].run_id} and {name}; name one")
        found[run.card.kind] = coefficient_model(run)
    if RunKind.EXPFLOW not in found:
        raise BadInputError("no ExpFlow was named; add one, e.g. --models expflow/latest")
    expflow, poseflow = found[RunKind.EXPFLOW], found.get(RunKind.POSEFLOW)
    if poseflow is not None and expflow.lineage["face_model"] != poseflow.lineage["face_model"]:
        models = f"{expflow.lineage['face_model']!r} and {poseflow.lineage['face_model']!r}"
        raise BadInputError(f"{expflow.run_id} and {poseflow.run_id} were trained on coefficients of different face models, {models}")
    return expflow, poseflow
