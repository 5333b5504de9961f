"""The Prefect task that makes a face model from landmarks parts, and the choice between making one and taking one that is there."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client
from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.face_model_store import (
    face_model_of_recipe,
    publish_face_model,
    resolve_face_model,
    reusable_face_model,
    set_current_face_model,
)
from pipelines.dataset.landmark_sums import bases_bytes
from pipelines.dataset.stage_versions import software_versions
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.dataset.versions import load_manifest
from pipelines.face_model.accumulation import ExpressionSums, ShapeSums
from pipelines.face_model.held_out import held_out_error_percent_iod
from pipelines.face_model.learning import MIN_FRAMES, learn_face_model, speaker_bases
from pipelines.face_model.learning_settings import LEARNING_VERSION
from pipelines.face_model.settings import learning_settings
from storage_schemas.build_spec import BuildSpec, FaceModelPolicy
from storage_schemas.face_models import FaceModelCard
from storage_schemas.identifiers import content_hash
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family
from tasks.coefficient_jobs import PARTS_PER_REQUEST, LandmarkSource, sum_expressions, sum_shapes
from tasks.fan_out import FanOut
from tasks.planning import BuildPlan

_LOGGER = logging.getLogger(__name__)
_JOBS_PER_DASK_THREAD = 4
_SOURCE_COLUMNS = ("recording_id", "speaker", "landmarks_part", "frames")
_SOFTWARE = ("numpy", "scipy")


def landmark_sources(plan: BuildPlan) -> list[LandmarkSource]:
    """Return what a plan's landmarks parts hold beside stills, in order."""
    sources = []
    for part, keys in plan.parts:
        columns = (part.recordings.column(name).to_pylist() for name in ("recording_id", "speaker", "is_still"))
        speakers = tuple((recording_id, speaker) for recording_id, speaker, is_still in zip(*columns, strict=True) if not is_still)
        if speakers:
            sources.append(LandmarkSource(keys[Family.LANDMARKS], speakers))
    return sources


def sources_of_version(store_uri: str, version: str) -> tuple[BuildSpec, list[LandmarkSource]]:
    """Return the specification of a version and what the landmarks parts hold of its clips, in order.

    Raises:
        BadInputError: there is no such version.
        StoreError: the store cannot be read.
    """
    speakers: dict[str, dict[str, str]] = {}
    with open_store(store_uri, Settings()) as store:
        manifest = load_manifest(store, version)
        for batch in read_batches(store, manifest.dataset_version, VersionTable.CLIPS, _SOURCE_COLUMNS):
            for recording_id, speaker, part, frames in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if part and frames > 1:  # stills have one frame
                    speakers.setdefault(part, {})[recording_id] = speaker
    return manifest.spec, [LandmarkSource(part, tuple(of_part.items())) for part, of_part in speakers.items()]


def learning_recipe(spec: BuildSpec, sources: Sequence[LandmarkSource]) -> str:
    """Return the hash of everything that decides a learned model: 64 hex digits."""
    software = software_versions()
    return content_hash(
        {
            "parents": [[source.part_key, [list(pair) for pair in source.speakers]] for source in sources],
            "settings": learning_settings(spec.face_model).model_dump(mode="json"),
            "learning_version": LEARNING_VERSION,
            "software": {name: software[name] for name in _SOFTWARE},
        }
    )


def find_face_model(spec: BuildSpec, sources: Sequence[LandmarkSource], store_uri: str) -> str:
    """Return the model that a build takes without learning; empty: it has to learn one.

    Raises:
        BadInputError: the policy names a model that is not there.
        StoreError: the store cannot be read.
    """
    with open_store(store_uri, Settings()) as store:
        return _known_face_model(store, spec, sources)


def _known_face_model(store: ObjectStore, spec: BuildSpec, sources: Sequence[LandmarkSource]) -> str:
    settings = spec.face_model
    if settings.policy is FaceModelPolicy.NAMED:
        return resolve_face_model(store, settings.name)
    if settings.policy is FaceModelPolicy.REUSE:
        found = reusable_face_model(store, learning_settings(settings))
        if found:
            return found
    found = face_model_of_recipe(store, learning_recipe(spec, sources))
    if found:
        set_current_face_model(store, found)
    return found


@task(name="make face model", cache_policy=NO_CACHE, persist_result=False)
def make_face_model(spec: BuildSpec, sources: list[LandmarkSource], store_uri: str, scheduler: str) -> str:
    """Learn a face model from landmarks parts, publish it and make it the store's current one; see `learn_and_publish`."""
    card = learn_and_publish(spec, sources, store_uri, scheduler)
    return card.face_model if card else ""


def learn_and_publish(spec: BuildSpec, sources: Sequence[LandmarkSource], store_uri: str, scheduler: str) -> FaceModelCard | None:
    """Learn a face model from landmarks parts, publish it and make it the store's current one.

    The sums are exact, so neither the order nor the number of workers has a say in the model.

    Args:
        spec: whose settings of the face model hold.
        sources: the parts.
        store_uri: where they are and the model goes.
        scheduler: address of the Dask scheduler.

    Returns:
        The model's card; None, with a warning, if there are too few frames.

    Raises:
        StoreError: the store cannot be read or written, or a part is damaged.
        BuildFailedError: a part cannot be summed up.
    """
    settings = learning_settings(spec.face_model)
    with Client(scheduler, set_as_default=False) as client:
        groups = _groups(sources, max(1, sum(client.nthreads().values())) * _JOBS_PER_DASK_THREAD)
        shapes = ShapeSums()
        for data in _results(client, sum_shapes, [(store_uri, spec, group) for group in groups]):
            shapes.merge(_read(ShapeSums, data))
        if sum(shapes.frames.values()) < MIN_FRAMES:
            frames = sum(shapes.frames.values())
            _LOGGER.warning("no face model, and so no coefficients: %d usable frames, at least %d are needed", frames, MIN_FRAMES)
            return None
        bases = speaker_bases(shapes)
        learned, held_out = ExpressionSums(), ExpressionSums()
        for pair in _results(client, sum_expressions, [(store_uri, spec, group, bases_bytes(bases)) for group in groups]):
            learned.merge(_read(ExpressionSums, pair[0]))
            held_out.merge(_read(ExpressionSums, pair[1]))
    error = held_out_error_percent_iod(learned, held_out, settings)
    learned.merge(held_out)
    software = software_versions()
    facts = {
        "recipe": learning_recipe(spec, sources),
        "parents": [source.part_key for source in sources],
        "software": {name: software[name] for name in _SOFTWARE},
        "held_out_error_percent_iod": error,
    }
    with open_store(store_uri, Settings()) as store:
        card = publish_face_model(store, learn_face_model(learned, bases, settings), facts)
        set_current_face_model(store, card.face_model)
    return card


def _groups(sources: Sequence[LandmarkSource], most: int) -> list[tuple[LandmarkSource, ...]]:
    size = max(PARTS_PER_REQUEST, -(-len(sources) // most))
    return [tuple(sources[start : start + size]) for start in range(0, len(sources), size)]


def _results(client: Client, function: Callable[..., Any], jobs: list[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield what jobs return, as they finish."""
    fan_out: FanOut[int] = FanOut(client, len(jobs), lambda number: (function, jobs[number]))
    for number, arguments in enumerate(jobs):
        fan_out.add(number, function, *arguments)
    yield from (result for _, result in fan_out.run())


def _read(kind: type[Any], data: bytes) -> Any:  # noqa: ANN401 - ShapeSums or ExpressionSums
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(data)
        file.flush()
        return kind.read(Path(file.name))
