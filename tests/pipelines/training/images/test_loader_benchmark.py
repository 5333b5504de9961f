from __future__ import annotations

from pathlib import Path

from pipelines.training.images.loader_benchmark import measure_loader
from tests.factories.dataset_versions import local_store
from tests.factories.image_trainings import synthetic_frames


def test_the_figures(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = synthetic_frames(store).dataset
        found = measure_loader(store, version, preset_names=["tiny"], frames=20)
    assert found["plain_jpeg_frames_per_second"] > 0
    assert found["loader_share_of_plain"]["tiny"] > 0
    assert found["dataset"] == version
