"""The Prefect task that publishes a dataset version from built parts, and the artifact that sums it up."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
from pipelines.dataset.comparing import diff_versions
from pipelines.dataset.fit_filter import fit_filter
from pipelines.dataset.planning import PlannedPart
from pipelines.dataset.publishing import REPORT_FILE, VersionContent, publish_version
from pipelines.dataset.retention import give_up_old_versions
from pipelines.dataset.splitting import assign_splits
from pipelines.dataset.version_tables import VersionTable, read_batches, version_folder
from pipelines.dataset.versions import list_tags, list_versions, resolve_version, set_tag, version_ids
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
        previous: version that the tag named before, or the newest other one of the same name; empty: none.
        changes: number of clips by what became of them since then.
        given_up: earlier versions that the policy has removed.
    """

    manifest: VersionManifest
    unchanged: bool
    rejections_by_reason: dict[str, int]
    report: str
    previous: str = ""
    changes: dict[str, int] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)


@task(name="publish version", cache_policy=NO_CACHE, persist_result=False)
def publish(plan: BuildPlan, tag: str, keep_versions: int = 0) -> Published:
    """Publish the version that a plan describes, move its tag, and say what is new.

    Args:
        plan: all of whose parts are built.
        tag: moved to the version; empty: none.
        keep_versions: how many of the newest versions of this name stay; 0: all.

    Raises:
        BuildFailedError: the keep-rate is under the declared one, or a part is missing.
        StoreError: the store cannot be written.
    """
    published = publish_plan(plan, tag, keep_versions)
    manifest = published.manifest
    news = news_of(published)
    _LOGGER.info(news.splitlines()[0])
    create_markdown_artifact(
        f"{news}\n\n{markdown_summary(manifest)}", key="dataset-version", description=f"Dataset version {manifest.dataset_version}"
    )
    return published


def news_of(published: Published) -> str:
    """Return what has changed since the version before, as Markdown."""
    version, previous = published.manifest.dataset_version, published.previous
    if published.unchanged and (not previous or previous == version):
        lines = [f"**Nothing changed**: version {version} was there before."]
    elif not previous:
        lines = [f"**First version** {version} of {published.manifest.spec.name}."]
    else:
        counts = ", ".join(f"{count} {change}" for change, count in published.changes.items() if count)
        lines = [f"**New version** {version}; clips since {previous}: {counts or 'none'}."]
    if published.given_up:
        lines.append(f"Given up by policy: {', '.join(published.given_up)}.")
    return "\n\n".join(lines)


def publish_plan(plan: BuildPlan, tag: str, keep_versions: int = 0) -> Published:
    """Do what `publish` does, without an artifact."""
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with open_store(plan.context.store_uri, Settings()) as store:
        before = set(version_ids(store))
        content = VersionContent(_built_parts(store, plan), plan.rejections, _filters(store, plan))
        manifest = publish_version(
            store, plan.description, content, created=created, report=lambda made, tables: _report(store, made, tables)
        )
        version = manifest.dataset_version
        previous = _version_before(store, manifest, tag)
        if tag:
            set_tag(store, tag, resolve_version(store, version), moved=created)
        reasons = _rejections_by_reason(store, version)
        changes = diff_versions(store, previous, version, limit=0).clip_counts if previous and previous != version else {}
        given_up = give_up_old_versions(store, manifest.spec.name, keep_versions)
    report = f"{version_folder(version)}/{REPORT_FILE}"
    return Published(manifest, version in before, reasons, report, previous, changes, given_up)


def _version_before(store: ObjectStore, manifest: VersionManifest, tag: str) -> str:
    """Return the version that the tag names, or the newest other one of the same name; empty: there is none."""
    versions = {one.dataset_version: one for one in list_versions(store)}
    tagged = next((one.dataset_version for one in list_tags(store) if one.name == tag), "")
    if tagged in versions:
        return tagged
    others = [one for one in versions.values() if one.spec.name == manifest.spec.name and one.dataset_version != manifest.dataset_version]
    return max(others, key=lambda one: (one.created, one.dataset_version)).dataset_version if others else ""


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
