"""The Prefect task of housekeeping, and the artifact that says what went."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.collecting import Collected, KeepPolicy, collect_garbage
from storage_schemas.run_forms import CollectRequest


@task(name="collect garbage", cache_policy=NO_CACHE, persist_result=False)
def collect(request: CollectRequest) -> int:
    """Remove what no version names, and return how many bytes are free now, or would be.

    Raises:
        StoreError: the store cannot be read or written.
    """
    settings = Settings()
    policy = KeepPolicy(untagged=request.keep_untagged < 0, newest=max(0, request.keep_untagged))
    with open_store(request.store or settings.store, settings) as store:
        found = collect_garbage(
            store, policy, dry_run=request.dry_run, grace_s=request.grace_hours * 3600, remove_stale_scratch=store.remove_stale_scratch
        )
    create_markdown_artifact(markdown_of(found), key="collected", description=f"{found.bytes_freed / 1e6:.1f} MB")
    return found.bytes_freed


def markdown_of(found: Collected) -> str:
    """Return what went, by kind."""
    counts = {
        "versions": len(found.versions), "unfinished versions": len(found.unfinished_versions), "parts": len(found.parts),
        "face models": len(found.face_models), "staged recordings": len(found.staged), "marks of builds that are gone": len(found.builds),
        "kept, too young": found.kept_young, "kept for running builds": found.kept_for_builds,
    }  # fmt: skip
    verb = "would be" if found.dry_run else "is"
    rows = [f"| {name} | {count:,} |" for name, count in counts.items()]
    return "\n".join([f"## {found.bytes_freed / 1e6:,.1f} MB {verb} free", "", "| | number |", "| --- | --- |", *rows])
