"""The Prefect task that lists a corpus, fingerprints it and finds out which parts are missing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.corpora.fingerprinting import FingerprintIndex, fingerprint_recordings
from pipelines.corpora.listing import list_corpus
from pipelines.dataset.face_model_store import resolve_face_model
from pipelines.dataset.planning import PlannedPart, family_recipes, part_key, plan_parts
from pipelines.dataset.stage_versions import STAGE_VERSIONS, software_versions
from pipelines.dataset.version_identity import BuildDescription
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.dataset.versions import list_tags
from pipelines.face_tracking.landmark_models import landmark_model_hashes
from storage_schemas.build_spec import BuildSpec
from storage_schemas.identifiers import content_hash, escape_path
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import PART_INDEX_FILE, Family, part_path
from storage_schemas.rejections import Rejection
from tasks.part_building import PartWork
from tasks.recording_jobs import BuildContext, PartJob, RecordingJob

_LOGGER = logging.getLogger(__name__)
_LOOK_UPS_AT_ONCE = 16
_PART_COLUMNS = {Family.FRAMES: "frames_part", Family.LANDMARKS: "landmarks_part", Family.AUDIO: "audio_part"}

PartKeys = dict[Family, str]


@dataclass(frozen=True)
class BuildPlan:
    """What a build has to do.

    Attributes:
        context: addresses, specification and settings keys.
        description: what enters the version's ids.
        parts: every part of the version, in order, with its keys.
        rejections: what was rejected before anything was decoded.
        work: the parts that are not there yet.
        recordings: number of recordings listed.
    """

    context: BuildContext
    description: BuildDescription
    parts: list[tuple[PlannedPart, PartKeys]]
    rejections: list[Rejection]
    work: list[PartWork]
    recordings: int

    @property
    def recordings_to_obtain(self) -> int:
        """Number of recordings in the parts that are not there yet."""
        return sum(len(part.recordings) for part in self.work)

    @property
    def recordings_to_process(self) -> int:
        """Number of those of them that no earlier version is known to hold."""
        return sum(not job.copy_from for part in self.work for job in part.recordings)


@task(name="plan build", cache_policy=NO_CACHE, persist_result=False)
def plan_build(spec: BuildSpec, source: str, store_uri: str) -> BuildPlan:
    """List the corpus, hash what is new or changed, divide it into parts and look which are there.

    Raises:
        BadInputError: the source or the specification is wrong.
        StoreError: the store cannot be read or written.
    """
    root = Path(source)
    listing = list_corpus(root, spec.layout, spec.corpus)
    for note in listing.notes:
        _LOGGER.warning("%s", note)
    with open_store(store_uri, Settings()) as store:
        store.check_writable()
        store.remove_stale_scratch()
        if spec.judges.asked:
            from pipelines.judging.filters import with_named_judges  # noqa: PLC0415 - imports torch, which builds without judges do not need

            spec = with_named_judges(store, spec)
        if spec.face_model.enabled and spec.face_model.name:
            resolve_face_model(store, spec.face_model.name)  # better now than after everything else is done
        recordings, unreadable = _fingerprinted(store, listing.recordings, root)
        description = BuildDescription(spec, STAGE_VERSIONS, software_versions(), landmark_model_hashes(spec.landmarks))
        recipes = family_recipes(spec, description.stage_versions, description.software, description.model_hashes)
        context = BuildContext(store.uri, escape_path(root.resolve()), spec, recipes)
        parts = [(part, _keys(part, recipes)) for part in plan_parts(recordings, spec.parts)]
        work = _missing_work(store, parts, recipes)
    rejections = sorted([*listing.rejections, *unreadable], key=lambda rejection: (rejection.recording_id, rejection.item_id))
    return BuildPlan(context, description, parts, rejections, work, len(recordings) + len(rejections))


def _fingerprinted(store: ObjectStore, recordings: pa.Table, root: Path) -> tuple[pa.Table, list[Rejection]]:
    """Fill the hashes with the help of the index that the last build of this folder left in the store."""
    path = f"index/fingerprints-{content_hash(escape_path(root.resolve()))[:16]}.parquet"
    try:
        index = FingerprintIndex.from_bytes(store.read_bytes(path))
    except FileNotFoundError:
        index = FingerprintIndex()
    filled, rejections, new_index = fingerprint_recordings(recordings, root, index)
    if new_index.entries != index.entries:
        store.write_bytes(path, new_index.to_bytes())
    return filled, rejections


def _keys(part: PlannedPart, recipes: dict[Family, str]) -> PartKeys:
    content_keys = part.content_keys()
    return {family: part_key(family, content_keys, recipes) for family in part.families()}


def _missing_work(store: ObjectStore, parts: list[tuple[PlannedPart, PartKeys]], recipes: dict[Family, str]) -> list[PartWork]:
    """Look which families of which parts are missing, and prepare the jobs that make them."""
    with ThreadPoolExecutor(_LOOK_UPS_AT_ONCE) as pool:
        missing = list(pool.map(lambda entry: _missing_families(store, entry[1]), parts))
    todo = [(part, keys, families) for (part, keys), families in zip(parts, missing, strict=True) if families]
    sources = _copy_sources(store, {row for part, _, _ in todo for row in part.recordings.column("recording_id").to_pylist()})
    return [_work_of(part, keys, families, recipes, sources) for part, keys, families in todo]


def _missing_families(store: ObjectStore, keys: PartKeys) -> tuple[Family, ...]:
    return tuple(family for family, key in keys.items() if not store.exists(f"{part_path(family, key)}/{PART_INDEX_FILE}"))


def _work_of(
    part: PlannedPart, keys: PartKeys, missing: tuple[Family, ...], recipes: dict[Family, str], sources: dict[str, PartKeys]
) -> PartWork:
    audio_only = missing == (Family.AUDIO,)
    jobs = tuple(
        RecordingJob(
            recording=recording,
            staging_key=_staging_key(recording.content_key(), recipes, audio_only=audio_only),
            copy_from={} if audio_only else _usable(sources.get(recording.recording_id, {}), keys),
            frames_part=keys[Family.FRAMES] if audio_only else "",
        )
        for recording in part.records()
    )
    return PartWork(PartJob(keys, missing, tuple(job.staging_key for job in jobs)), jobs)


def _usable(source: PartKeys, keys: PartKeys) -> PartKeys:
    return {family: source[family] for family in keys} if set(keys) <= set(source) else {}


def _staging_key(content_key: str, recipes: dict[Family, str], *, audio_only: bool) -> str:
    return content_hash([content_key, recipes[Family.LANDMARKS], recipes[Family.AUDIO], audio_only])[:32]


def _copy_sources(store: ObjectStore, recording_ids: set[str]) -> dict[str, PartKeys]:
    """Return, for those of the recordings that a tagged version holds, the parts that hold them."""
    sources: dict[str, PartKeys] = {}
    versions = {tag.dataset_version for tag in list_tags(store)} if recording_ids else set()
    for version_id in sorted(versions):
        found = _part_keys_of_recordings(store, version_id)
        sources.update((recording_id, keys) for recording_id, keys in found if recording_id in recording_ids)
    return sources


def _part_keys_of_recordings(store: ObjectStore, version_id: str) -> Iterator[tuple[str, PartKeys]]:
    columns = ["recording_id", *_PART_COLUMNS.values()]
    for batch in read_batches(store, version_id, VersionTable.CLIPS, columns=columns):
        for row in batch.to_pylist():
            yield row["recording_id"], {family: row[column] for family, column in _PART_COLUMNS.items() if row[column]}
