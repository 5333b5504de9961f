"""Publishing a dataset version: tables, ids, and the manifest that makes it visible, written last.

Rows stream through: of 3,000,000 clips only one row group of each table and the runs of the object sorter are in memory. The same
content gives the same id wherever and however often it is built; a version that is there already is left as it is.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pipelines.dataset.clip_rows import BuiltPart, ClipFilter, RowBuilder, rejection_row_order
from pipelines.dataset.external_sorting import ExternalSorter
from pipelines.dataset.row_digests import RowDigest
from pipelines.dataset.version_counts import keep_rates, manifest_counts
from pipelines.dataset.version_identity import BuildDescription, InputDigest, content_id, recipe_id
from pipelines.dataset.version_tables import Row, TableWriter, VersionTable, parquet_batches, rows_to_batch, version_folder
from pipelines.dataset.versions import MANIFEST_FILE, manifest_bytes, read_manifest
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import BuildFailedError, StoreError
from storage_schemas.identifiers import file_sha256
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.rejections import REJECTION_SCHEMA, Rejection

_LOG = logging.getLogger(__name__)
REPORT_FILE = "report.html"

ReportMaker = Callable[[VersionManifest, Path], bytes]
"""(manifest, local folder with the three Parquet files) -> the bytes of report.html."""


@dataclass(frozen=True)
class VersionContent:
    """What goes into a version.

    Attributes:
        parts: built parts in planned order; consumed once, so it may be a generator that reads one part's indices at a time.
        listing_rejections: what the corpus listing left out.
        filters: filters of the version.
    """

    parts: Iterable[BuiltPart]
    listing_rejections: Sequence[Rejection] = ()
    filters: Sequence[ClipFilter] = ()


def publish_version(
    store: ObjectStore,
    description: BuildDescription,
    content: VersionContent,
    *,
    created: str,
    report: ReportMaker | None = None,
    check_objects: bool = True,
) -> VersionManifest:
    """Write a dataset version and return its manifest; if the store has it already, change nothing and return that one's.

    Args:
        store: where the parts are and the version goes.
        description: specification, stage versions, software and models.
        content: parts, rejections and filters.
        created: UTC time as text; information only.
        report: makes report.html from the finished tables; None: no report.
        check_objects: look whether every object named is in the store with its size (one listing, nothing is read).

    Raises:
        BuildFailedError: if the share of recordings kept is under `limits.min_keep_rate`, objects are missing, or the parts
            contradict each other. Nothing is published then.
        StoreError: if the store cannot be written, or holds something else under this version's id.
    """
    scratch = store.scratch_folder()
    try:
        manifest = _write_tables(scratch, description, content, created)
        _check_keep_rate(manifest)
        existing = _existing(store, manifest)
        if existing is not None:
            return existing
        if check_objects:
            _check_objects(store, scratch / "version" / VersionTable.OBJECTS.file_name)
        return _publish(store, scratch / "version", manifest, report)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_tables(scratch: Path, description: BuildDescription, content: VersionContent, created: str) -> VersionManifest:
    folder, runs = scratch / "version", scratch / "runs"
    folder.mkdir()
    runs.mkdir()
    builder = RowBuilder(
        audio_required=description.spec.audio.required, with_coefficients=bool(description.face_model), filters=content.filters
    )
    inputs = InputDigest()
    with ExitStack() as stack:
        tables = {table: stack.enter_context(TableWriter(folder / table.file_name, table.schema)) for table in VersionTable}
        sorter = ExternalSorter(runs)
        listing = sorted(builder.listing_rows(content.listing_rejections), key=rejection_row_order)
        from_parts = _write_parts(content.parts, builder, inputs, tables[VersionTable.CLIPS], sorter)
        tables[VersionTable.REJECTIONS].add(heapq.merge(from_parts, listing, key=rejection_row_order))
        tables[VersionTable.OBJECTS].add(_unique_objects(sorter.sorted_rows()))
    digests = {table.value: writer.digest for table, writer in tables.items()}
    recipe = recipe_id({"recordings": inputs.hexdigest(), "listing_rejections": _rows_digest(listing)}, description)
    return _manifest(folder, description, builder, digests, recipe, created)


def _write_parts(
    parts: Iterable[BuiltPart], builder: RowBuilder, inputs: InputDigest, clips: TableWriter, objects: ExternalSorter
) -> Iterator[Row]:
    """Write the clips and objects of each part and yield its rejections, which are yet to be merged with those of the listing."""
    for part in parts:
        rows = builder.rows_of(part)
        inputs.update(part.recordings)
        clips.add(rows.clips)
        objects.add(rows.objects)
        yield from rows.rejections


def _unique_objects(rows: Iterator[Row]) -> Iterator[Row]:
    last = ""
    for row in rows:
        if row[0] == last:
            msg = f"object {last} belongs to two parts of the version: expected parts with different keys"
            raise BuildFailedError(msg)
        last = row[0]
        yield row


def _rows_digest(rejections: list[Row]) -> str:
    digest = RowDigest(REJECTION_SCHEMA)
    digest.update(rows_to_batch(rejections, REJECTION_SCHEMA))
    return digest.hexdigest()


def _manifest(
    folder: Path, description: BuildDescription, builder: RowBuilder, digests: dict[str, str], recipe: str, created: str
) -> VersionManifest:
    manifest = VersionManifest(
        dataset_version="",
        recipe=recipe,
        spec=description.spec,
        stage_versions=description.stage_versions,
        software=description.software,
        model_hashes=description.model_hashes,
        face_model=description.face_model,
        content=digests,
        counts=manifest_counts(builder.counts),
        keep_rates=keep_rates(builder.counts),
        files={table.value: file_sha256(folder / table.file_name) for table in VersionTable},
        created=created,
    )
    return manifest.model_copy(update={"dataset_version": content_id(manifest)})


def _check_keep_rate(manifest: VersionManifest) -> None:
    kept, wanted = manifest.keep_rates["recordings"], manifest.spec.limits.min_keep_rate
    if kept < wanted:
        worst = sorted((rate, name) for name, rate in manifest.keep_rates.items() if name != "recordings")[:3]
        reasons = ", ".join(f"{name} kept {rate:.1%}" for rate, name in worst)
        msg = (
            f"{kept:.1%} of {manifest.counts['recordings']} recordings were kept, limits.min_keep_rate asks for {wanted:.1%} "
            f"({reasons}); nothing was published"
        )
        raise BuildFailedError(msg)


def _existing(store: ObjectStore, manifest: VersionManifest) -> VersionManifest | None:
    version_id = manifest.dataset_version
    if not store.exists(f"{version_folder(version_id)}/{MANIFEST_FILE}"):
        return None
    existing = read_manifest(store, version_id)
    if existing.dataset_version != version_id or content_id(existing) != version_id:
        msg = (
            f"{version_folder(version_id)}/{MANIFEST_FILE} is there but describes version {content_id(existing)}: it was damaged "
            f"or edited; run `dataset verify {version_id}`, delete the folder and build again"
        )
        raise StoreError(msg)
    _LOG.info("version %s is already in %s", version_id, store.uri)
    return existing


def _publish(store: ObjectStore, folder: Path, manifest: VersionManifest, report: ReportMaker | None) -> VersionManifest:
    if report is not None:
        (folder / REPORT_FILE).write_bytes(report(manifest, folder))
    (folder / MANIFEST_FILE).write_bytes(manifest_bytes(manifest))
    store.publish_folder(folder, version_folder(manifest.dataset_version), last=MANIFEST_FILE)
    return read_manifest(store, manifest.dataset_version)


def _check_objects(store: ObjectStore, objects: Path) -> None:
    missing: list[str] = []
    with objects.open("rb") as file:
        rows = (row for batch in parquet_batches(file, ("uri", "size_bytes")) for row in batch.to_pylist())
        for folder, group in itertools.groupby(rows, key=lambda row: "/".join(row["uri"].split("/")[:3])):
            sizes = dict(store.list_objects(folder))
            missing.extend(row["uri"] for row in group if sizes.get(row["uri"]) != row["size_bytes"])
    if missing:
        msg = (
            f"{len(missing)} objects that the version would name are not in {store.uri} with the size their part states, first "
            f"{missing[0]}; nothing was published; run the build again, it makes the missing parts anew"
        )
        raise BuildFailedError(msg)
