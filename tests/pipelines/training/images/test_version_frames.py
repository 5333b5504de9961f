from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from infra.managed_store import ManagedStore
from pipelines.dataset.part_reading import iterate_clip_frames
from pipelines.training.images.face_window import face_window
from pipelines.training.images.frame_batches import FrameNeeds, TrainingFrames
from pipelines.training.images.image_data import coefficient_statistics, validation_batches
from pipelines.training.images.loaded_frames import FramePlace, LoadedFrames
from pipelines.training.images.version_frames import VersionFrames, closed_eyes, open_mouth, resting_order
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store, publish
from tests.factories.image_trainings import small_spec, synthetic_frames

SPEC = small_spec(RunKind.VQIG)
NEEDS = FrameNeeds(32, motion_window=5)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def source(store: ManagedStore) -> VersionFrames:
    return synthetic_frames(store)


@pytest.fixture(scope="module")
def loaded(source: VersionFrames) -> LoadedFrames:
    table = source.tables["train"]
    return LoadedFrames(source.read(table, range(len(table))), SPEC.window_iods, 32, source.crop_px)


def test_the_frames_are_those_of_the_tar(store: ManagedStore, source: VersionFrames, loaded: LoadedFrames) -> None:
    for clip in loaded.clips:
        stored = [frame.jpeg for frame in iterate_clip_frames(store, clip.frames_part, clip.clip_key)]
        assert [bytes(jpeg) for jpeg in clip.jpegs] == stored
        assert clip.coefficients.shape == (len(stored), 70)
        assert clip.boxes.shape == (len(stored), 3, 4)


def test_numbers_of_frames_go_through_the_clips(loaded: LoadedFrames) -> None:
    lengths = [len(clip.jpegs) for clip in loaded.clips]
    places = [loaded.place(number) for number in range(sum(lengths))]
    assert places == [FramePlace(clip, frame) for clip, length in enumerate(lengths) for frame in range(length)]


def test_coefficients_are_in_units_of_the_window(loaded: LoadedFrames) -> None:
    clip = loaded.clips[0]
    window = loaded.coefficients(FramePlace(0, 0), 5)
    assert np.allclose(window[:, :64], clip.coefficients[[0, 0, 0, 1, 2], :64])
    assert np.allclose(window[:, 64:], face_window(clip.rho, SPEC.window_iods).pose(clip.rho[[0, 0, 0, 1, 2]]))


def test_portraits_are_of_the_same_speaker_and_have_open_eyes(loaded: LoadedFrames) -> None:
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(50):
        place = FramePlace(0, 3)
        portrait = loaded.draw_portrait(place, 0.5, random)
        seen.add(portrait.clip)
        assert loaded.clips[portrait.clip].speaker == loaded.clips[0].speaker
        assert not closed_eyes(loaded.clips[portrait.clip])[portrait.frame]
    assert len(seen) > 1
    assert loaded.portrait(0).frame == resting_order(loaded.clips[0])[0]


def test_the_widest_tenth_of_a_clip_has_an_open_mouth(loaded: LoadedFrames) -> None:
    for clip in loaded.clips:
        wide = open_mouth(clip)
        assert 0 < wide.mean() < 0.25
        assert clip.mouth[wide].min() >= clip.mouth[~wide].max()
    first = set(np.flatnonzero(open_mouth(loaded.clips[0])))
    assert first == {number for number in loaded.open_mouthed if number < len(loaded.clips[0].jpegs)}


def test_batches_depend_on_seed_and_step_alone(source: VersionFrames) -> None:
    loaders = [TrainingFrames(source, source.tables["train"], SPEC, NEEDS, workers=workers) for workers in (1, 3)]
    try:
        whole = [loaders[0].batch(step) for step in range(30)]
        assert all(torch.equal(mine, theirs) for mine, theirs in _pairs(whole[25], loaders[1].batch(25)))
        shares = [loaders[1].batch(7, rank, 2) for rank in range(2)]
        assert torch.equal(whole[7].pictures[1::2], shares[1].pictures)
        assert whole[7].windows is not None
        assert whole[7].windows.shape == (4, 5, 70)
    finally:
        for loader in loaders:
            loader.close()


def _pairs(first: object, second: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(mine, theirs) for mine, theirs in zip(first, second, strict=True) if mine is not None]  # type: ignore[call-overload]


def test_validation_starts_from_one_portrait_a_clip(source: VersionFrames) -> None:
    batches = validation_batches(source, SPEC, NEEDS)
    assert len(batches) == len(source.tables["validation"])
    for batch in batches:
        assert batch.portraits is not None
        assert torch.equal(batch.portraits, batch.portraits[:1].expand_as(batch.portraits))


def test_statistics_have_a_floor(source: VersionFrames) -> None:
    statistics = coefficient_statistics(source, SPEC)
    assert statistics["mean"].shape == statistics["stddev"].shape == (70,)
    assert statistics["stddev"][:64].min() > 0.09 * statistics["stddev"][:64].max()
    assert statistics["mean"][69] == pytest.approx(1 / SPEC.window_iods, rel=0.1)


def test_versions_that_cannot_be_trained_on(store: ManagedStore) -> None:
    with pytest.raises(BadInputError, match="no version or tag"):
        VersionFrames(store, "nonesuch")


def test_a_version_without_coefficients(tmp_path_factory: pytest.TempPathFactory) -> None:
    with local_store(tmp_path_factory.mktemp("plain")) as plain:
        version = publish(plain).dataset_version
        with pytest.raises(BadInputError, match="has no coefficients to train on"):
            VersionFrames(plain, version)


def test_damaged_parts_are_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    with local_store(tmp_path_factory.mktemp("damaged")) as damaged:
        source = synthetic_frames(damaged)
        part = next(path for path, _ in damaged.list_objects("parts/frames") if path.endswith("frames.tar"))
        data = damaged.read_bytes(part)
        damaged.write_bytes(part, data[:1024] + bytes(2048) + data[3072:])
        with pytest.raises(StoreError, match="dataset verify"):
            source.read(source.tables["train"], [0])
        damaged.delete_folder(part.rpartition("/")[0])
        with pytest.raises(StoreError, match="dataset verify"):
            source.read(source.tables["train"], [0])
