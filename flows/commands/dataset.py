"""``flowvqtalker dataset``: what is in a store, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.console import progress_bar, say, write_json, write_line, write_table
from flows.commands.options import JsonOption, StoreOption, VersionArgument
from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from infra.store_format import check_store_format
from pipelines.dataset.collecting import KeepPolicy, collect_garbage
from pipelines.dataset.exporting import ExportKind, export_version
from pipelines.dataset.versions import delete_tag, list_tags, list_versions, resolve_version, set_tag
from storage_schemas.errors import BuildFailedError

app = typer.Typer(no_args_is_help=True, help="List, show, compare, verify, tag, export and collect dataset versions.")


@contextmanager
def opened_store(store: str) -> Iterator[ManagedStore]:
    """Open the store of an option, or that of the settings if the option is empty."""
    settings = Settings()
    with open_store(store or settings.store, settings) as opened:
        check_store_format(opened)
        yield opened


@app.command("list")
def list_command(store: StoreOption = "", json: JsonOption = False) -> None:
    """List the versions of a store and their tags.

    Example: flowvqtalker dataset list --store store/
    """
    with opened_store(store) as opened:
        tags = list_tags(opened)
        versions = sorted(list_versions(opened), key=lambda manifest: (manifest.created, manifest.dataset_version))
    tags_of: dict[str, list[str]] = {version.dataset_version: [] for version in versions}
    for tag in tags:
        tags_of.setdefault(tag.dataset_version, []).append(tag.name)
    if json:
        rows = [
            {
                "dataset_version": version.dataset_version, "name": version.spec.name, "created": version.created,
                "tags": tags_of[version.dataset_version], "counts": version.counts,
            }
            for version in versions
        ]  # fmt: skip
        write_json({"versions": rows})
        return
    columns = ["version", "name", "clips", "frames", "rejected", "created", "tags"]
    rows_shown = [
        [
            version.dataset_version, version.spec.name, version.counts.get("clips", 0), version.counts.get("frames", 0),
            version.counts.get("rejections", 0), version.created, ", ".join(tags_of[version.dataset_version]),
        ]
        for version in versions
    ]  # fmt: skip
    write_table(f"{len(versions)} dataset version(s)", columns, rows_shown)


@app.command("show")
def show_command(version: VersionArgument, store: StoreOption = "", json: JsonOption = False) -> None:
    """Show what a version holds: counts, splits, labels, keep-rates, rejections.

    Example: flowvqtalker dataset show latest --store store/
    """
    from pipelines.dataset.version_summary import summarise_version  # noqa: PLC0415

    with opened_store(store) as opened:
        summary = summarise_version(opened, version)
        where = f"{opened.uri.rstrip('/')}/versions/{summary.dataset_version}/report.html"
    if json:
        write_json({**summary.model_dump(mode="json"), "report": where})
        return
    write_line(
        f"dataset version {summary.dataset_version} ({summary.name}), made {summary.created}, tags: {', '.join(summary.tags) or 'none'}"
    )
    write_line(f"recipe {summary.recipe}")
    write_line(f"{summary.counts['clips']} clips, {summary.hours:.2f} hours, {summary.size_bytes / 1e6:.1f} MB")
    if summary.quality is not None:
        figures = [[name, "not measured" if value is None else value] for name, value in summary.quality.items()]
        write_table(f"coefficients of {summary.face_model}", ["", "value"], figures)
    write_table("splits", ["split", "clips", "speakers", "hours"], [[name, *_split_row(row)] for name, row in summary.by_split.items()])
    for title, counts in (("emotions", summary.clips_by_emotion), ("rejections by reason", summary.rejections_by_reason)):
        if counts:
            write_table(title, ["", "count"], [[name or "(none)", count] for name, count in counts.items()])
    write_table("keep-rates", ["filter", "kept"], [[name, f"{rate:.1%}"] for name, rate in summary.keep_rates.items()])
    write_line(f"report: {where}")


def _split_row(row: dict[str, int | float]) -> list[int | float]:
    return [int(row["clips"]), int(row["speakers"]), float(row["hours"])]


@app.command("diff")
def diff_command(
    a: VersionArgument,
    b: VersionArgument,
    store: StoreOption = "",
    limit: Annotated[int, typer.Option(min=0, help="Items listed of each kind of change.")] = 20,
    json: JsonOption = False,
) -> None:
    """Say what differs between two versions: specification, clips, labels, rejections.

    Example: flowvqtalker dataset diff 3f2a latest --store store/
    """
    from pipelines.dataset.comparing import diff_versions  # noqa: PLC0415

    with opened_store(store) as opened:
        diff = diff_versions(opened, a, b, limit=limit)
    if json:
        write_json(diff.model_dump(mode="json"))
        return
    write_line(f"{diff.a} -> {diff.b}: {diff.verdict.value}")
    for section in ("spec", "stage_versions", "software", "model_hashes"):
        for name, (before, after) in getattr(diff, section).items():
            write_line(f"  {section} {name}: {before!r} -> {after!r}")
    write_table("clips", ["change", "count"], [[name, count] for name, count in diff.clip_counts.items()])
    write_table("rejections", ["change", "count"], [[name, count] for name, count in diff.rejection_counts.items()])
    for change in [*diff.clips, *diff.rejections]:
        write_line(f"  {change.change.value} {change.item_id} {', '.join(change.fields)}")


@app.command("verify")
def verify_command(
    version: VersionArgument,
    store: StoreOption = "",
    manifest_only: Annotated[bool, typer.Option("--manifest-only", help="Check the tables and the id; read no objects.")] = False,
    json: JsonOption = False,
) -> None:
    """Re-hash every object of a version and check its shapes and types against the schema; exit code 1 if anything is wrong.

    Example: flowvqtalker dataset verify latest --store store/
    """
    from pipelines.dataset.verifying import verify_version  # noqa: PLC0415

    with opened_store(store) as opened, progress_bar("verifying", quiet=json) as advance:
        version_id = resolve_version(opened, version)
        problems = verify_version(opened, version_id, manifest_only=manifest_only, progress=advance)
    if json:
        write_json(
            {"dataset_version": version_id, "ok": not problems, "problems": [problem.model_dump(mode="json") for problem in problems]}
        )
    else:
        for problem in problems:
            write_line(f"{problem.check.value}: {problem.item}: {problem.message}")
    if problems:
        raise BuildFailedError(f"version {version_id} has {len(problems)} problem(s)")
    say(f"version {version_id} is whole")


@app.command("tag")
def tag_command(
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help="Version that the tag is moved to.")] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Name of the tag.")] = "",
    store: StoreOption = "",
    delete: Annotated[str, typer.Option(help="Remove the tag of this name instead.")] = "",
    json: JsonOption = False,
) -> None:
    """Move a tag to a version, remove one, or list them all.

    Example: flowvqtalker dataset tag 3f2a paper --store store/
    """
    with opened_store(store) as opened:
        if delete:
            delete_tag(opened, delete)
        elif version and name:
            set_tag(opened, name, resolve_version(opened, version), moved=utc_now())
        elif version or name:
            raise typer.BadParameter("give a version and a name, e.g. dataset tag 3f2a paper")
        tags = list_tags(opened)
    if json:
        write_json({"tags": {tag.name: tag.dataset_version for tag in tags}})
        return
    write_table("tags", ["tag", "version", "moved"], [[tag.name, tag.dataset_version, tag.moved] for tag in tags])


@app.command("export")
def export_command(
    version: VersionArgument,
    folder: Annotated[Path, typer.Argument(help="Folder that is filled.")],
    store: StoreOption = "",
    kind: Annotated[ExportKind, typer.Option(help="webdataset: shards by split; videos: MP4 and WAV; csv: tables.")] = ExportKind.CSV,
    split: Annotated[list[str] | None, typer.Option(help="Split to write; may be given several times; none: all.")] = None,
    json: JsonOption = False,
) -> None:
    """Write a version in a form that other programs read.

    Example: flowvqtalker dataset export latest shards/ --kind webdataset --store store/
    """
    with opened_store(store) as opened, progress_bar("exporting", quiet=json) as advance:
        result = export_version(opened, version, folder, kind, splits=split or [], progress=advance)
    values: dict[str, Any] = result.model_dump(mode="json")
    if json:
        write_json(values)
        return
    say(", ".join(f"{name} {value}" for name, value in values.items()))


@app.command("gc")
def collect_command(
    store: StoreOption = "",
    keep_untagged: Annotated[int, typer.Option(help="Newest versions without a tag or a run that stay; -1: all.")] = -1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")] = False,
    grace_hours: Annotated[float, typer.Option(min=0, help="Keep what is younger: a running build may need it.")] = 1.0,
    json: JsonOption = False,
) -> None:
    """Remove parts and leftovers that no version names; what a version names always stays.

    Example: flowvqtalker dataset gc --dry-run --store store/
    """
    with opened_store(store) as opened:
        policy = KeepPolicy(untagged=keep_untagged < 0, newest=max(0, keep_untagged))
        result = collect_garbage(
            opened, policy, dry_run=dry_run, grace_s=grace_hours * 3600, remove_stale_scratch=opened.remove_stale_scratch
        )
    values: dict[str, Any] = result.model_dump(mode="json")
    if json:
        write_json(values)
        return
    say(", ".join(f"{name} {value}" for name, value in values.items()))


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
