from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.models.face_motion import face_motion
from pipelines.models.image_codebook.pictures import from_bytes, to_bytes
from pipelines.models.image_generator.mapping import windows_of
from pipelines.models.image_generator.settings import Variant
from pipelines.models.motion_field import FaceCoefficients, extend_motion
from pipelines.rendering.frame_generator import FrameGenerator, PortraitCode, Precision, RenderSettings
from pipelines.rendering.portrait_frame import SquareWindow
from pipelines.rendering.portrait_preparation import Portrait
from tests.factories.face_models import small_face_model
from tests.factories.image_models import SIZE_PX, variant_settings
from tests.factories.rendering_models import moving_head, paper_form, picture, small_rendering_model

BETA, RHO = moving_head(7)
STILL = np.concatenate([np.zeros(64), [0, 0, 0, 0, 0.1, 0.35]]).astype(np.float32)


def encoded(generator: FrameGenerator, seed: int = 0) -> PortraitCode:
    return generator.encode_arrays(picture(seed), np.zeros(80, np.float32), STILL)


def made(generator: FrameGenerator) -> np.ndarray:
    return np.concatenate(list(generator.frames(encoded(generator), BETA, RHO)))


def test_frames_are_what_the_networks_say() -> None:
    model = small_rendering_model()
    pictures, own = from_bytes(torch.from_numpy(picture())[None]), torch.from_numpy(STILL)[None]
    coefficients = torch.from_numpy(np.concatenate([BETA, RHO], axis=1))
    source = FaceCoefficients(torch.zeros(7, 80), own[:, :64].expand(7, -1), own[:, 64:].expand(7, -1))
    target = FaceCoefficients(torch.zeros(7, 80), coefficients[:, :64], coefficients[:, 64:])
    with torch.no_grad():
        found = face_motion(small_face_model(), SIZE_PX // 2)(source, target)
        fields = found._replace(motion=extend_motion(found.motion, found.known))
        windows = windows_of(coefficients, model.generator.settings.mapping.window)
        expected = to_bytes(model.generator(model.generator.encode_portrait(pictures, own), windows, fields).pictures).numpy()

    frames = made(FrameGenerator(model, RenderSettings(batch_frames=7)))

    assert (frames.shape, frames.dtype) == ((7, SIZE_PX, SIZE_PX, 3), np.uint8)
    assert np.abs(frames.astype(int) - expected).max() <= 1


def test_frames_do_not_depend_on_the_batches() -> None:
    model = small_rendering_model()
    whole = made(FrameGenerator(model, RenderSettings(batch_frames=7)))

    for size in (1, 3, 16):
        batches = list(FrameGenerator(model, RenderSettings(batch_frames=size)).frames(encoded(FrameGenerator(model)), BETA, RHO))
        assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
        assert np.abs(np.concatenate(batches).astype(int) - whole).max() <= 1


def test_frames_move() -> None:
    frames = made(FrameGenerator(small_rendering_model()))

    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1


def test_bfloat16_is_nearly_the_same_and_leaves_the_model_alone() -> None:
    model = small_rendering_model()
    before = {name: tensor.clone() for name, tensor in model.generator.state_dict().items()}
    exact = made(FrameGenerator(model))

    rough = made(FrameGenerator(model, RenderSettings(precision=Precision.BFLOAT16)))

    assert np.abs(rough.astype(int) - exact).mean() < 2
    after = model.generator.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("settings", [paper_form(), variant_settings(Variant.BASELINE)], ids=["paper's form", "baseline"])
def test_generators_without_motion_fields_need_no_face_model(settings: object) -> None:
    model = small_rendering_model(settings)
    generator = FrameGenerator(replace(model, face_model=None))

    assert encoded(generator).seen is None
    assert made(generator).shape == (7, SIZE_PX, SIZE_PX, 3)


def test_no_frames() -> None:
    generator = FrameGenerator(small_rendering_model())

    assert list(generator.frames(encoded(generator), BETA[:0], RHO[:0])) == []


def test_a_prepared_portrait_is_checked() -> None:
    generator = FrameGenerator(small_rendering_model())
    window = SquareWindow(0, 0, SIZE_PX)
    portrait = Portrait(
        "face.png", picture(), np.zeros(80, np.float32), STILL[:64], STILL[64:], np.zeros((478, 3), np.float32),
        small_face_model().model_id, window, window, 0.0,
    )  # fmt: skip

    assert torch.equal(generator.encode(portrait).encoded.pictures, encoded(generator).encoded.pictures)
    with pytest.raises(ValueError, match=r"face.png has learned-0"):
        generator.encode(replace(portrait, face_model="learned-0"))
    with pytest.raises(ValueError, match="wants portraits of 32 x 32 px"):
        generator.encode(replace(portrait, surrounded=np.zeros((8, 8, 3), np.uint8)))


def test_frames_of_several_portraits_share_a_batch() -> None:
    generator = FrameGenerator(small_rendering_model(), RenderSettings(batch_frames=7))
    portraits = [encoded(generator, seed) for seed in (0, 1)]
    coefficients = torch.from_numpy(np.concatenate([BETA, RHO], axis=1))
    windows = windows_of(coefficients, generator.window).numpy()
    alone = [np.concatenate(list(generator.frames(portrait, BETA, RHO))) for portrait in portraits]

    whole = generator.mixed([portraits[0]] * 7, windows).numpy().copy()
    shared = generator.mixed([portraits[0]] * 3 + [portraits[1]] * 3, windows[:6]).numpy()

    np.testing.assert_array_equal(whole, alone[0])
    assert len(shared) == 6
    assert np.abs(shared.astype(int) - np.concatenate([alone[0][:3], alone[1][3:6]])).max() <= 1
    with pytest.raises(ValueError, match="1 to 7 frames, found 8"):
        generator.mixed([portraits[0]] * 8, windows)


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ValueError, match="CUDA graphs need a CUDA device, found cpu"):
        RenderSettings(cuda_graphs=True)
    with pytest.raises(ValueError, match="at least 1 frame, found 0"):
        RenderSettings(batch_frames=0)
    with pytest.raises(ValueError, match="motion of a face model, none was given"):
        replace(small_rendering_model(), face_model=None)


@pytest.mark.gpu
@pytest.mark.parametrize("options", [{}, {"cuda_graphs": True}, {"compile": True}], ids=["plain", "graphs", "compiled"])
def test_a_gpu_makes_the_same_frames(options: dict[str, bool]) -> None:
    model = small_rendering_model()
    exact = made(FrameGenerator(model))

    generator = FrameGenerator(model, RenderSettings("cuda", Precision.FLOAT32, 4, **options))

    assert np.abs(made(generator).astype(int) - exact).mean() < 1
    assert np.abs(made(generator).astype(int) - exact).mean() < 1
