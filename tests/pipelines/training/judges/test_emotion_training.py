from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from infra.managed_store import ManagedStore
from pipelines.judging.clip_media import VersionMedia
from pipelines.models.emotion_classifier.network import EmotionClassifier
from pipelines.training.judges.augmentation import wide_size
from pipelines.training.judges.emotion_training import EmotionBatch, EmotionBatches, EmotionLoss, training_labels
from storage_schemas.judge_runs import JUDGED_EMOTIONS, JudgeTrainingSpec
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import EMOTION_SIZES
from tests.factories.talking_versions import TalkingRecording, publish_talking

SPEC = JudgeTrainingSpec(batch_windows=4, frames=3)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        publish_talking(opened, [TalkingRecording(seed, seen=seed != 5) for seed in range(12)])
        yield opened


@pytest.fixture(scope="module")
def source(store: ManagedStore) -> VersionMedia:
    return VersionMedia(store, store.list_folders("versions")[0])


def test_batches_follow_from_seed_and_step(source: VersionMedia) -> None:
    table = source.table("train", emotions=JUDGED_EMOTIONS)
    first, second = (EmotionBatches(source, table, SPEC, 16) for _ in range(2))
    whole = first.batch(7)
    again = second.batch(7)
    assert whole.windows.shape == (4, 3, wide_size(16), wide_size(16))
    for one, other in zip(whole, again, strict=True):
        assert torch.equal(one, other)
    shares = [second.batch(7, rank, 2) for rank in range(2)]
    assert torch.equal(torch.stack([share.label for share in shares], dim=1).flatten(), whole.label)
    assert not torch.equal(first.batch(8).windows, whole.windows)
    seen = {bool(counts) for step in range(6) for counts in first.batch(step).counts}
    assert seen == {True, False}  # one clip has no face
    first.close()
    second.close()


def test_labels_are_those_of_the_clips_unless_they_are_dealt_anew(source: VersionMedia) -> None:
    table = source.table("train", emotions=JUDGED_EMOTIONS)
    labels = training_labels(table, SPEC)
    assert [JUDGED_EMOTIONS[label] for label in labels] == table.column("emotion")
    dealt = training_labels(table, SPEC.model_copy(update={"shuffled_labels": True}))
    assert sorted(dealt) == sorted(labels)
    assert (dealt != labels).any()


def test_clips_without_a_face_do_not_count() -> None:
    torch.manual_seed(0)
    loss = EmotionLoss(EmotionClassifier(EMOTION_SIZES, 8).eval(), SPEC.model_copy(update={"noise": 0.0, "hidden_share": 0.0}))
    windows = torch.randint(0, 255, (2, 3, 20, 20), dtype=torch.uint8)
    torch.manual_seed(1)
    both = loss(EmotionBatch(windows, torch.tensor([1, 2]), torch.tensor([True, False])))
    torch.manual_seed(1)
    other = loss(EmotionBatch(windows, torch.tensor([1, 7]), torch.tensor([True, False])))
    torch.testing.assert_close(both["loss"], other["loss"])
    assert float(both["right_share"]) in (0.0, 1.0)
