"""Published versions on a local store, made of synthetic parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.clip_rows import BuiltPart, ClipFilter
from pipelines.dataset.publishing import VersionContent, publish_version
from pipelines.dataset.version_identity import BuildDescription
from storage_schemas.build_spec import BuildSpec
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.rejections import Rejection
from tests.factories.dataset_parts import SPEC, SyntheticRecording, store_parts

CREATED = "2026-01-01T00:00:00Z"
RECORDINGS = (
    SyntheticRecording("M003/angry/001", (3, 2)),
    SyntheticRecording("M003/angry/001_1", (2,)),
    SyntheticRecording("M003/happy/002", (4,), emotion="happy"),
    SyntheticRecording("W009/neutral/001", (2, 1), speaker="W009", emotion="neutral", split="test"),
    SyntheticRecording("W009/portrait", (1,), speaker="W009", emotion="unlabelled", split="test", is_still=True),
)


def local_store(folder: Path) -> ManagedStore:
    """Open a store in a folder, without forcing files to the disk."""
    return open_store(str(folder), Settings(store_fsync=False))


def description(spec: BuildSpec = SPEC, **changes: object) -> BuildDescription:
    """Return what a version was asked to be."""
    values: dict[str, object] = {
        "spec": spec, "stage_versions": {"track": 1}, "software": {"av": "18.1.0"}, "model_hashes": {"face": "0" * 64},
    }  # fmt: skip
    return BuildDescription(**(values | changes))  # type: ignore[arg-type]


def publish(
    store: ManagedStore,
    recordings: Iterable[SyntheticRecording] = RECORDINGS,
    *,
    rejections: Sequence[Rejection] = (),
    filters: Sequence[ClipFilter] = (),
    described: BuildDescription | None = None,
    per_part: int = 2,
    created: str = CREATED,
) -> VersionManifest:
    """Make the parts of some recordings and publish a version of them."""
    parts: list[BuiltPart] = store_parts(store, list(recordings), per_part)
    content = VersionContent(iter(parts), rejections, filters)
    return publish_version(store, described or description(), content, created=created)
