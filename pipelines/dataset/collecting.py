"""Garbage collection: removing what no version names, and never what one names.

A part that a running build has just made is named by no version yet, so everything younger than a grace period is kept, and however old
they are, everything while a build runs (see `running_builds`). After the candidates have been found, versions and marks of builds are read
again, the marks before every single removal, so that what a build has found to be there, or a version published meanwhile names, is not
taken from it. A build looks once more before it publishes.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from pipelines.dataset.face_model_store import unnamed_face_models
from pipelines.dataset.retention import trained_on
from pipelines.dataset.running_builds import marks_by_age
from pipelines.dataset.version_tables import VersionTable, read_batches, sha256_of, table_path, version_folder
from pipelines.dataset.versions import list_tags, list_versions, read_manifest, version_ids
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, part_path

_LOG = logging.getLogger(__name__)
DEFAULT_GRACE_S = 3600.0
_PART_DEPTH = len(part_path(Family.FRAMES, "00").split("/"))
_STAGING_DEPTH = 3  # staging/<xx>/<key>
_VERSION_DEPTH = len(version_folder("0").split("/"))


class KeepPolicy(BaseModel):
    """Which versions stay; the default keeps all of them. A tagged version always stays, and one that a run was trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    untagged: bool = Field(True, description="Keep versions that neither a tag nor a run names")
    newest: int = Field(0, ge=0, description="If untagged versions are not kept: how many of the newest of them are kept nevertheless")


class Collected(BaseModel):
    """What a collection removed, or would remove if it was a dry run; folders relative to the store, sorted.

    Attributes:
        versions: ids of versions that the policy gave up.
        unfinished_versions: version folders without a manifest.
        parts: part folders that no remaining version names.
        face_models: folders of face models that no remaining version names and that are not the current one.
        staged: folders of staged recordings that no build will fetch.
        builds: marks of builds that are gone.
        kept_young: number of such folders that were kept because they are younger than the grace period.
        kept_for_builds: number of such folders that were kept because a build is running.
        running_builds: number of builds that are running.
        scratch_folders: scratch folders of processes that are gone.
    """

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    versions: list[str]
    unfinished_versions: list[str]
    parts: list[str]
    face_models: list[str]
    staged: list[str]
    builds: list[str]
    kept_young: int
    kept_for_builds: int
    running_builds: int
    objects_removed: int
    bytes_freed: int
    scratch_folders: int = 0


class _Kind(Enum):
    VERSION = auto()
    UNFINISHED = auto()
    PART = auto()
    FACE_MODEL = auto()
    STAGED = auto()


@dataclass(frozen=True)
class _Folder:
    path: str
    objects: tuple[tuple[str, int], ...]
    kind: _Kind

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size in self.objects)


def collect_garbage(
    store: ObjectStore,
    policy: KeepPolicy,
    *,
    dry_run: bool,
    grace_s: float = DEFAULT_GRACE_S,
    now_s: float | None = None,
    remove_stale_scratch: Callable[[], int] | None = None,
) -> Collected:
    """Remove versions that the policy gives up, then unfinished versions, parts, face models and staged recordings that nothing names.

    Args:
        store: what to clean.
        policy: which versions stay.
        dry_run: remove nothing, say what would be removed.
        grace_s: what was written less than this many seconds ago is kept.
        now_s: the time in seconds since 1970; None: now.
        remove_stale_scratch: removes the scratch folders of processes that are gone and says how many; not called in a dry run.

    Raises:
        StoreError: if a version that stays cannot be read, since what it names is then not known; nothing has been removed.
        BadInputError: likewise, if its format is newer than this program.
    """
    now = time.time() if now_s is None else now_s
    found, kept_young = _found(store, policy, now - grace_s)
    running, dead = marks_by_age(store, now, grace_s)
    removed: set[str] = set()
    for folder in found:
        if marks_by_age(store, now, grace_s)[0]:
            break
        removed.add(folder.path)
        if not dry_run:
            _LOG.info("removing %s (%d bytes)", folder.path, folder.size_bytes)
            store.delete_folder(folder.path)
    for mark in [] if dry_run else dead:
        store.delete(mark)
    gone = [folder for folder in found if folder.path in removed]
    return Collected(
        dry_run=dry_run,
        versions=[folder.path.rpartition("/")[2] for folder in gone if folder.kind is _Kind.VERSION],
        unfinished_versions=[folder.path for folder in gone if folder.kind is _Kind.UNFINISHED],
        parts=[folder.path for folder in gone if folder.kind is _Kind.PART],
        face_models=[folder.path for folder in gone if folder.kind is _Kind.FACE_MODEL],
        staged=[folder.path for folder in gone if folder.kind is _Kind.STAGED],
        builds=dead,
        kept_young=kept_young,
        kept_for_builds=len(found) - len(gone),
        running_builds=len(running),
        objects_removed=sum(len(folder.objects) for folder in gone),
        bytes_freed=sum(folder.size_bytes for folder in gone),
        scratch_folders=remove_stale_scratch() if remove_stale_scratch is not None and not dry_run else 0,
    )


def _found(store: ObjectStore, policy: KeepPolicy, youngest_s: float) -> tuple[list[_Folder], int]:
    """Return what may go, in the order in which it is to go, and the number of folders that may not yet because they are young."""
    given_up = [version_folder(item.dataset_version) for item in _given_up(store, policy)]
    versions, young_versions = _by_age(store, (_folder(store, path) for path in given_up), youngest_s)
    gone = {folder.path for folder in versions}
    named = _named_parts(store, version_ids(store), gone)
    unnamed = (folder for folder in _folders(store, "parts", _PART_DEPTH, _Kind.PART) if folder.path not in named)
    parts, young_parts = _by_age(store, unnamed, youngest_s)
    staged, young_staged = _by_age(store, _folders(store, "staging", _STAGING_DEPTH, _Kind.STAGED), youngest_s)
    unfinished, young_unfinished = _by_age(store, _unfinished_versions(store), youngest_s)
    models, young_models = _by_age(store, _unnamed_models(store, gone), youngest_s)
    published_meanwhile = _named_parts(store, version_ids(store), gone)
    parts = [folder for folder in parts if folder.path not in published_meanwhile]
    unnamed_still = {folder.path for folder in _unnamed_models(store, gone)}
    models = [folder for folder in models if folder.path in unnamed_still]
    young = young_versions + young_parts + young_staged + young_unfinished + young_models
    return [*versions, *unfinished, *parts, *models, *staged], young


def _unnamed_models(store: ObjectStore, gone: set[str]) -> list[_Folder]:
    staying = [version_id for version_id in version_ids(store) if version_folder(version_id) not in gone]
    named = {read_manifest(store, version_id).face_model for version_id in staying}
    return [_Folder(path, tuple(store.list_objects(path)), _Kind.FACE_MODEL) for path in unnamed_face_models(store, named)]


def _given_up(store: ObjectStore, policy: KeepPolicy) -> list[VersionManifest]:
    if policy.untagged:
        return []
    named = {tag.dataset_version for tag in list_tags(store)} | trained_on(store)
    untagged = [manifest for manifest in list_versions(store) if manifest.dataset_version not in named]
    return sorted(untagged[: len(untagged) - policy.newest], key=lambda manifest: manifest.dataset_version)


def _named_parts(store: ObjectStore, ids: Iterable[str], gone: set[str]) -> set[str]:
    """Return the folders of the parts that versions name, of all but those whose folders are `gone`."""
    named: set[str] = set()
    for version_id in ids:
        if version_folder(version_id) in gone:
            continue
        manifest = read_manifest(store, version_id)
        try:
            _check_objects_file(store, manifest)
            for batch in read_batches(store, version_id, VersionTable.OBJECTS, ("family", "part_key")):
                unique = pa.table([batch.column("family"), batch.column("part_key")], names=["family", "key"]).group_by(["family", "key"])
                named.update(part_path(Family(row["family"]), row["key"]) for row in unique.aggregate([]).to_pylist())
        except (FileNotFoundError, pa.ArrowException, ValueError, KeyError) as error:
            msg = f"version {version_id}: its objects table cannot be read ({error}), so what it names is unknown; repair or remove it"
            raise StoreError(msg) from error
    return named


def _check_objects_file(store: ObjectStore, manifest: VersionManifest) -> None:
    with store.open(table_path(manifest.dataset_version, VersionTable.OBJECTS)) as file:
        found = sha256_of(file)[0]
    if found != manifest.files[VersionTable.OBJECTS.value]:
        msg = f"expected SHA-256 {manifest.files[VersionTable.OBJECTS.value]}, found {found}"
        raise ValueError(msg)


def _folders(store: ObjectStore, prefix: str, depth: int, kind: _Kind) -> Iterator[_Folder]:
    """Yield the folders `depth` deep with what is in them; files that lie higher up are nobody's business."""
    deep = (item for item in store.list_objects(prefix) if item[0].count("/") >= depth)
    for path, objects in itertools.groupby(deep, key=lambda item: "/".join(item[0].split("/")[:depth])):
        yield _Folder(path, tuple(objects), kind)


def _folder(store: ObjectStore, path: str) -> _Folder:
    return _Folder(path, tuple(store.list_objects(path)), _Kind.VERSION)


def _unfinished_versions(store: ObjectStore) -> Iterator[_Folder]:
    for folder in _folders(store, "versions", _VERSION_DEPTH, _Kind.UNFINISHED):
        if f"{folder.path}/manifest.json" not in {path for path, _ in folder.objects}:
            yield folder


def _by_age(store: ObjectStore, folders: Iterable[_Folder], youngest_s: float) -> tuple[list[_Folder], int]:
    """Return the folders in which nothing is younger, and the number of the others."""
    old, young = [], 0
    for folder in folders:
        if all(_modified_s(store, path) <= youngest_s for path, _ in folder.objects):
            old.append(folder)
        else:
            young += 1
    return old, young


def _modified_s(store: ObjectStore, path: str) -> float:
    try:
        return store.modified_s(path)
    except FileNotFoundError:  # somebody else removed it
        return 0.0
