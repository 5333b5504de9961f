"""The Prefect task that publishes a dataset version from built parts, and the artifact that sums it up."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.clip_rows import BuiltPart, ClipFilter, read_built_part, with_splits
from pipelines.dataset.fit_filter import fit_filter
from pipelines.dataset.planning import PlannedPart
from pipelines.dataset.publishing import REPORT_FILE, VersionContent, publish_version
from pipelines.dataset.splitting import assign_splits
from pipelines.dataset.version_tables import VersionTable, read_batches, version_folder
from pipelines.dataset.versions import resolve_version, set_tag, version_ids
from pipelines.reports.dataset_report import markdown_summary
from pipelines.reports.version_report import make_version_report
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.identifiers import unescape_path
from storage_schemas.object_store_protocol import ObjectStore
from tasks.planning import BuildPlan, PartKeys

_LOGGER = logging.getLogger(__name__)
_READS_AT_ONCE = 16
_READ_AHEAD = 64


@dataclass(frozen=True)
class Published:
    """A version as it was published.

    Attributes:
        manifest: of the version.
        unchanged: it was there before.
        rejections_by_reason: number of rejections, most frequent first.
        report: path of the HTML report relative to the store.
    """

    manifest: VersionManifest
    unchanged: bool
    rejections_by_reason: dict[str, int]
    report: str


@task(name="publish version", cache_policy=NO_CACHE, persist_result=False)
def publish(plan: BuildPlan, tag: str) -> Published:
    """Publish the version that a plan describes and move its tag.

    Args:
        plan: all of whose parts are built.
        tag: moved to the version; empty: none.

    Raises:
        BuildFailedError: the keep-rate is under the declared one, or a part is missing.
        StoreError: the store cannot be written.
    """
    published = publish_plan(plan, tag)
    manifest = published.manifest
    create_markdown_artifact(markdown_summary(manifest), key="dataset-version", description=f"Dataset version {manifest.dataset_version}")
    return published


def publish_plan(plan: BuildPlan, tag: str) -> Published:
    """Do what `publish` does, without an artifact."""
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with open_store(plan.context.store_uri, Settings()) as store:
        before = set(version_ids(store))
        content = VersionContent(_built_parts(store, plan), plan.rejections, _filters(store, plan))
        manifest = publish_version(
            store, plan.description, content, created=created, report=lambda made, tables: _report(store, made, tables)
        )
        version = manifest.dataset_version
        if tag:
            set_tag(store, tag, resolve_version(store, version), moved=created)
        reasons = _rejections_by_reason(store, version)
    return Published(manifest, version in before, reasons, f"{version_folder(version)}/{REPORT_FILE}")


def _rejections_by_reason(store: ObjectStore, version: str) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for batch in read_batches(store, version, VersionTable.REJECTIONS, columns=["reason"]):
        reasons.update(batch.column("reason").to_pylist())
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def _report(store: ObjectStore, manifest: VersionManifest, tables: Path) -> bytes:
    return make_version_report(store, manifest, tables).encode()


def _filters(store: ObjectStore, plan: BuildPlan) -> list[ClipFilter]:
    filters = [fit_filter(plan.context.spec.face_model)] if plan.description.face_model else []
    if plan.context.spec.judges.asked:
        from pipelines.judging.filters import judge_filters  # noqa: PLC0415 - imports torch, which builds without judges do not need

        filters += judge_filters(store, plan.context.spec.judges)
    return filters


def _splits(plan: BuildPlan) -> pa.Array:
    """Return the split of every recording of the plan, in order."""
    columns = ["recording_id", "speaker"]
    tables = [part.recordings.select(columns) for part, _ in plan.parts]
    if not tables:
        return pa.array([], pa.string())
    source = Path(unescape_path(plan.context.source_root))
    assignment = assign_splits(pa.concat_tables(tables), plan.context.spec.split, source=source)
    return assignment.splits


def _built_parts(store: ObjectStore, plan: BuildPlan) -> Iterator[BuiltPart]:
    """Read the parts' indices in order, some ahead: on S3 each is a request."""
    splits = _splits(plan)
    remaining = iter(plan.parts)
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        while block := list(islice(remaining, _READ_AHEAD)):
            yield from pool.map(lambda entry: _built_part(store, splits, *entry), block)


def _built_part(store: ObjectStore, splits: pa.Array, part: PlannedPart, keys: PartKeys) -> BuiltPart:
    own = splits.slice(part.first_row, part.recordings.num_rows)
    return read_built_part(store, with_splits(part.recordings, own), keys)
