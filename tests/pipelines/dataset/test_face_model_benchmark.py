from collections.abc import Iterator

import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset import face_model_benchmark
from pipelines.dataset.face_model_benchmark import FittedClip, fit_spans, measure_face_model
from pipelines.dataset.publishing import VersionContent, publish_version
from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.fitting import FitSettings
from pipelines.face_model.geometry import mesh_in_crop
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import BadInputError
from tests.factories.dataset_parts import store_part
from tests.factories.dataset_versions import CREATED, description, local_store
from tests.factories.face_landmarks import SIZE_PX, invented_clip
from tests.factories.face_models import small_face_model
from tests.factories.fitted_versions import RECORDINGS, publish_fitted


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ManagedStore, VersionManifest]]:
    with local_store(tmp_path_factory.mktemp("store")) as store:
        yield store, publish_fitted(store)


def _fitted(frames: int, seed: int) -> FittedClip:
    model, clip = small_face_model(), invented_clip(frames, seed, speaker=seed, noise=0.001)
    fit = ClipFitter(model, FitSettings()).fit(clip.landmarks_px, SIZE_PX)
    row = {
        "clip_id": f"clip{seed}", "speaker": f"S{seed}", "frames": frames,
        "fit_error_percent_iod": fit.reprojection_error_percent_iod, "fit_jitter_ratio": fit.jitter_ratio,
    }  # fmt: skip
    return FittedClip(row, clip.landmarks_px, fit.pose, mesh_in_crop(model, fit.identity, fit.expression, fit.pose, SIZE_PX))


def test_every_figure_is_measured(published: tuple[ManagedStore, VersionManifest], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of clips whose landmarks and fits belong together, which those of the made-up version do not."""
    monkeypatch.setattr(face_model_benchmark, "LEARNED_FRAMES", 300)
    monkeypatch.setattr(face_model_benchmark, "_read_clips", lambda *_: [_fitted(150, 0), _fitted(140, 1), _fitted(45, 2)])
    store, manifest = published
    steps: list[tuple[int, int]] = []
    figures = measure_face_model(store, manifest.dataset_version, lambda *step: steps.append(step))
    assert (figures["clips"], figures["frames"], figures["face_model"]) == (3, 335, manifest.face_model)
    assert [row["clip_id"] for row in figures["by_clip"]] == ["clip0", "clip1", "clip2"]
    assert 0 < figures["error_percent_iod"]["least"] <= figures["error_percent_iod"]["median"] <= figures["error_percent_iod"]["most"] < 2
    assert figures["mouth_r_least"] > 0.9
    assert figures["mouth_lags_frames"] == [0]
    assert 0 < figures["blinks_kept"] <= figures["blinks"]
    assert (figures["identity_clips"], figures["identity_halves_nearest"]) == (2, 2)  # 45 frames are too few for two halves
    assert figures["fit_frames_per_s"] >= figures["fit_frames_per_s_slowest_clip"] > 0
    assert figures["learn_100000_frames_s"] > 0
    assert 0 < figures["held_out_halves_error_percent_iod"] < 1
    assert 0 < figures["held_out_speakers_error_percent_iod"] < 2
    assert steps[-1] == (5, 5)


def test_spans(published: tuple[ManagedStore, VersionManifest]) -> None:
    spans = fit_spans(published[0], published[1].dataset_version)
    assert spans["clips"] == 2
    assert 0 < spans["jitter_ratio"]["median"] < 1


def test_a_version_without_coefficients_is_refused(published: tuple[ManagedStore, VersionManifest]) -> None:
    store, _ = published
    plain = publish_version(store, description(), VersionContent([store_part(store, RECORDINGS)]), created=CREATED)
    with pytest.raises(BadInputError, match="has no coefficients to measure"):
        measure_face_model(store, plain.dataset_version)
    with pytest.raises(BadInputError, match="has no fitted clips"):
        fit_spans(store, plain.dataset_version)
