from __future__ import annotations

from pathlib import Path

import orjson

from pipelines.dataset.version_summary import summarise_version
from pipelines.dataset.versions import set_tag
from tests.factories.dataset_versions import local_store, publish


def test_summary_in_numbers(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        manifest = publish(store)
        set_tag(store, "latest", manifest.dataset_version, moved="now")
        summary = summarise_version(store, "latest")
    assert summary.tags == ["latest"]
    assert summary.counts == manifest.counts
    assert summary.hours == round(15 / 25 / 3600, 4)
    assert summary.by_split == {"test": {"clips": 3, "speakers": 1, "hours": 0.0}, "train": {"clips": 4, "speakers": 1, "hours": 0.0001}}
    assert summary.clips_by_emotion == {"angry": 3, "happy": 1, "neutral": 2, "unlabelled": 1}
    assert summary.clips_by_speaker == {"M003": 4, "W009": 3}
    assert summary.size_bytes == manifest.counts["bytes"] == sum(summary.bytes_by_family.values())
    assert orjson.loads(summary.model_dump_json())["dataset_version"] == manifest.dataset_version


def test_summary_of_an_empty_version(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        summary = summarise_version(store, publish(store, []).dataset_version)
    assert (summary.hours, summary.by_split, summary.bytes_by_family) == (0.0, {}, {})
