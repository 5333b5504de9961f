from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.managed_store import ManagedStore
from pipelines.judging.clip_media import VersionMedia
from pipelines.judging.evaluation import evaluate_judges
from pipelines.judging.loading import load_judges
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge
from tests.factories.talking_versions import TalkingRecording, publish_talking


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        store_judge(opened, RunKind.SYNC)
        store_judge(opened, RunKind.EMOTION)
        splits = ["train", "validation", "validation", "validation", "test"]
        publish_talking(opened, [TalkingRecording(seed, split, seen=seed != 2) for seed, split in enumerate(splits)])
        yield opened


@pytest.fixture(scope="module")
def source(store: ManagedStore) -> VersionMedia:
    return VersionMedia(store, store.list_folders("versions")[0])


def test_every_planted_offset_and_every_label_is_looked_at(store: ManagedStore, source: VersionMedia) -> None:
    told: list[tuple[int, int, str]] = []
    found = evaluate_judges(load_judges(store, "latest", "latest"), source, on_progress=lambda *progress: told.append(progress))
    assert found.sync is not None
    assert found.emotion is not None
    assert list(found.sync.found_share_by_offset) == [f"{offset:+d}" for offset in range(-10, 11)]
    assert list(found.sync.left_alone) == ["talk/001_000", "talk/003_000"]
    assert found.sync.clips == found.emotion.clips == 2
    assert found.sync.found_share == pytest.approx(sum(found.sync.found_share_by_offset.values()) / 21, abs=1e-3)
    assert 0 <= found.sync.found_share_from_own <= 1
    assert sum(count for seen in found.emotion.confusion.values() for count in seen.values()) == 2
    assert told[-1] == (3, 3, "emotion")
    assert found.as_json()["sync"]["run"].startswith("sync/")


def test_clips_of_every_split(store: ManagedStore, source: VersionMedia) -> None:
    found = evaluate_judges(load_judges(store, None, "latest"), source, split="all")
    assert found.sync is None
    assert found.emotion is not None
    assert found.emotion.clips == 4
    few = evaluate_judges(load_judges(store, None, "latest"), source, split="all", most_clips=2)
    assert few.emotion is not None
    assert list(few.emotion.seen) == ["talk/000_000", "talk/004_000"]


def test_requests_that_cannot_be_met(store: ManagedStore, source: VersionMedia) -> None:
    with pytest.raises(BadInputError, match="no judge to evaluate"):
        evaluate_judges(load_judges(store, None, None), source)
    with pytest.raises(BadInputError, match="no clips in the split 'unlisted'"):
        evaluate_judges(load_judges(store, "latest", None), source, split="unlisted")
