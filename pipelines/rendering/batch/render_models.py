"""The three trained networks that make a clip, loaded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.face_model.basis import FaceModel
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.run_loading import load_models
from pipelines.rendering.rendering_model import RenderingModel
from pipelines.rendering.run_loading import load_rendering_model
from pipelines.training.run_folder import LATEST, resolve_card, resolve_run
from storage_schemas.errors import BadInputError
from storage_schemas.image_runs import ImageRunCard
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import COEFFICIENT_KINDS, RUNS_FOLDER, RunCard, RunKind

RENDERING_KINDS = (RunKind.EXPFLOW, RunKind.POSEFLOW, RunKind.VQIG)


@dataclass(frozen=True, eq=False)
class RenderModels:
    """What draws expressions and poses, and what makes frames.

    Attributes:
        expflow: draws expressions.
        poseflow: draws poses; None: poses are fixed or followed.
        frames: makes frames.
    """

    expflow: CoefficientModel
    poseflow: CoefficientModel | None
    frames: RenderingModel

    def __post_init__(self) -> None:
        expected, found = self.face_model.model_id, self.expflow.lineage.get("face_model", "")
        if found and expected != found:
            raise BadInputError(
                f"{self.expflow.run_id} was trained on coefficients of the face model {found}, {self.frames.run_id} on {expected}; "
                "name runs of one dataset"
            )

    @property
    def face_model(self) -> FaceModel:
        """That of the image generator's dataset, with which portraits are fitted."""
        if self.frames.face_model is None:
            raise BadInputError(f"{self.frames.run_id} has no face model to fit portraits with")
        return self.frames.face_model

    @property
    def run_ids(self) -> list[str]:
        """Names of the runs."""
        return [model.run_id for model in (self.expflow, self.poseflow, self.frames) if model is not None]

    def lineage(self) -> dict[str, dict[str, Any]]:
        """Return for each kind of network its run, dataset, face model, hash of the weights and code version."""
        models = {"expflow": self.expflow, "poseflow": self.poseflow, "vqig": self.frames}
        return {kind: {"run": model.run_id, **model.lineage} for kind, model in models.items() if model is not None}


def resolve_models(store: ObjectStore, names: Sequence[str]) -> list[str]:
    """Return the full names of the runs that are meant, in the order ExpFlow, PoseFlow, image generator.

    Args:
        store: where they are.
        names: such as vqig/latest; a kind that is not named is the latest one; a PoseFlow may be missing.

    Raises:
        BadInputError: there is no such run, or several of a kind are named.
    """
    named = {kind: [name for name in names if name.split("/")[0] == kind.value] for kind in RENDERING_KINDS}
    unknown = [name for name in names if name.split("/")[0] not in named]
    if unknown:
        raise BadInputError(f"{unknown[0]!r} is no run that rendering takes; expected expflow/<run id>, poseflow/<run id> or vqig/<run id>")
    found = []
    for kind, given in named.items():
        if len(given) > 1:
            raise BadInputError(f"two runs of {kind.value} were named, {given[0]} and {given[1]}; name one")
        if not given and kind is RunKind.POSEFLOW and not store.list_folders(f"{RUNS_FOLDER}/{kind.value}"):
            continue
        found.append(f"{kind.value}/{_card(store, given[0] if given else f'{kind.value}/{LATEST}').run_id}")
    return found


def weights_of(store: ObjectStore, names: Sequence[str]) -> dict[str, str]:
    """Return the SHA-256 of the weights of runs, by name; raises as `resolve_models`."""
    return {name: _card(store, name).weights_sha256 for name in names}


def _card(store: ObjectStore, name: str) -> RunCard | ImageRunCard:
    kind = RunKind(name.split("/", maxsplit=1)[0])
    return resolve_run(store, name) if kind in COEFFICIENT_KINDS else resolve_card(store, name, (kind,), ImageRunCard)


def load_render_models(store: ObjectStore, names: Sequence[str]) -> RenderModels:
    """Load the runs that `resolve_models` has named.

    Raises:
        BadInputError: a run is missing, or they do not belong together.
        StoreError: a run is damaged.
    """
    flows = [name for name in names if name.split("/")[0] != RunKind.VQIG.value]
    image_runs = [name for name in names if name not in flows]
    if len(image_runs) != 1:
        raise BadInputError("no image generator was named; add one, e.g. --models vqig/latest")
    expflow, poseflow = load_models(store, flows)
    return RenderModels(expflow, poseflow, load_rendering_model(store, image_runs[0]))
