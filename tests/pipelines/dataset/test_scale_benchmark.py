from __future__ import annotations

from pathlib import Path

import orjson

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.scale_benchmark import measure_scale, synthetic_recordings


def open_local(uri: str) -> ManagedStore:
    return open_store(uri, Settings(store_fsync=False))


def test_measures_every_stage(tmp_path: Path) -> None:
    figures = measure_scale(open_local, str(tmp_path), clips=1000)
    assert set(figures["stages"]) == {"listing", "plan", "indices", "publish", "publish_changed", "diff", "verify_manifest_only"}
    assert 30 < figures["parts"] < 150
    assert 0 < figures["differences"]["changed"] < 40
    assert sum(figures["differences"].values()) == 1000
    assert figures["peak_rss_mb"] < 1000
    assert orjson.loads(orjson.dumps(figures)) == figures


def test_listing_is_deterministic_and_sorted() -> None:
    first, second = (list(synthetic_recordings(300, seed=3)) for _ in range(2))
    ids = [row for batch in first for row in batch.column("recording_id").to_pylist()]
    assert first == second
    assert ids == sorted(set(ids))
    assert len(ids) == 300
