import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info

from pipelines.face_model.blas_threads import one_blas_thread
from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.fitting import FitSettings
from tests.factories.face_landmarks import invented_clip
from tests.factories.face_models import small_face_model


def _blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_within_and_as_many_as_before_after() -> None:
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        before = _blas_threads()
        with one_blas_thread():
            assert _blas_threads() == {1}
        with pytest.raises(ValueError, match="stop"), one_blas_thread():
            raise ValueError("stop")
        assert _blas_threads() == before


def test_a_fit_has_the_same_bits_whatever_the_threads() -> None:
    landmarks = invented_clip(40, 5).landmarks_px
    fits = []
    for threads in (1, 2):
        with ThreadpoolController().limit(limits=threads, user_api="blas"):
            fits.append(ClipFitter(small_face_model(), FitSettings()).fit(landmarks, 512.0))
    assert np.array_equal(fits[0].expression, fits[1].expression)
    assert np.array_equal(fits[0].pose, fits[1].pose)
