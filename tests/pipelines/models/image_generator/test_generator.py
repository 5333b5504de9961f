from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from pipelines.models.image_generator.generator import GeneratedFrames, ImageGenerator
from pipelines.models.image_generator.settings import GeneratorSettings, Variant
from tests.factories.image_models import (
    CODEBOOK,
    GENERATOR,
    coefficients,
    disturbed,
    motion_fields,
    no_motion,
    pictures,
    small_codebook,
    small_generator,
    variant_settings,
)

PAPER_FORM = replace(GENERATOR, bootstrap=False, relative_motion=False, blend=False)
SETTINGS = [pytest.param(variant_settings(variant), id=variant.value) for variant in Variant] + [
    pytest.param(PAPER_FORM, id="paper's form")
]


def generate(generator: ImageGenerator, count: int = 2, *, one_portrait: bool = False) -> GeneratedFrames:
    portraits = 1 if one_portrait else count
    portrait = generator.encode_portrait(pictures(portraits), coefficients(portraits, 1, seed=1)[:, 0])
    windows = coefficients(count, generator.settings.mapping.window, seed=2)
    return generator(portrait, windows, motion_fields(count) if generator.settings.bootstrap else None)


@pytest.mark.parametrize("settings", SETTINGS)
def test_shapes(settings: GeneratorSettings) -> None:
    made = generate(small_generator(settings), 3)

    assert made.pictures.shape == made.warped.shape == (3, 3, 32, 32)
    assert made.features.shape == (3, 16, 4, 4)
    assert (made.scores is not None) == (settings.variant is Variant.FULL)
    assert made.scores is None or made.scores.shape == (3, 16, 24)


@pytest.mark.parametrize("settings", SETTINGS)
def test_gradients_reach_every_trainable_parameter_and_no_frozen_one(settings: GeneratorSettings) -> None:
    generator = small_generator(settings)
    disturbed(generator.train())
    made = generate(generator)
    # Pictures alone must do: at the image level nothing else reaches the code transformer.
    (made.pictures - pictures(2, seed=5)).abs().mean().backward()

    assert [name for name, parameter in generator.trainable().items() if parameter.grad is None or not parameter.grad.any()] == []
    frozen = dict(generator.codebook.named_parameters())
    assert frozen
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in frozen.values())
    assert len(generator.trainable()) + len(frozen) == len(list(generator.parameters()))


@pytest.mark.parametrize("settings", SETTINGS)
def test_training_and_evaluation_give_the_same(settings: GeneratorSettings) -> None:
    generator = disturbed(small_generator(settings))
    trained = generate(generator.train()).pictures.detach()
    with torch.no_grad():
        evaluated = generate(generator.eval()).pictures

    assert torch.equal(trained, evaluated)


def test_a_step_of_training_leaves_the_codebook_as_it_was() -> None:
    generator = disturbed(small_generator()).train()
    before = {name: value.clone() for name, value in generator.codebook.state_dict().items()}
    optimiser = torch.optim.Adam(generator.trainable().values(), lr=1e-2)
    generate(generator).pictures.square().mean().backward()
    optimiser.step()

    assert not generator.codebook.training
    assert all(torch.equal(value, before[name]) for name, value in generator.codebook.state_dict().items())


def test_without_motion_and_training_the_frame_is_the_portrait_s_reconstruction() -> None:
    generator = small_generator(replace(GENERATOR, blend=False))
    portrait = generator.encode_portrait(pictures(2), coefficients(2, 1)[:, 0])
    made = generator(portrait, coefficients(2, generator.settings.mapping.window), no_motion(2))

    assert torch.equal(made.warped, pictures(2))
    assert torch.allclose(made.pictures, generator.codebook(pictures(2)).pictures, atol=1e-6)


@pytest.mark.parametrize("settings", [pytest.param(PAPER_FORM, id="paper's form"), pytest.param(GENERATOR, id="bootstrap")])
def test_without_motion_the_warp_is_the_identity(settings: GeneratorSettings) -> None:
    generator = small_generator(settings)
    portrait = generator.encode_portrait(pictures(2), coefficients(2, 1)[:, 0])
    fields = no_motion(2) if settings.bootstrap else None
    warped = generator(portrait, coefficients(2, settings.mapping.window, seed=8), fields).warped

    assert (warped - pictures(2)).abs().max() <= 1e-6


def test_one_portrait_serves_all_frames() -> None:
    generator = disturbed(small_generator().double())
    window = generator.settings.mapping.window
    fields, windows = motion_fields(3), coefficients(3, window).double()
    portrait = generator.encode_portrait(pictures(1).double(), coefficients(1, 1)[:, 0].double())
    together = generator(portrait, windows, fields).pictures
    alone = [
        generator(portrait, windows[number : number + 1], type(fields)(*(part[number : number + 1] for part in fields))).pictures
        for number in range(3)
    ]

    # Sampling is done in single precision.
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_a_stored_generator_is_the_same_one() -> None:
    first = disturbed(small_generator(seed=0))
    second = ImageGenerator(GENERATOR, small_codebook(seed=3))
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert torch.equal(generate(first).pictures, generate(second).pictures)


def test_each_variant_has_one_part_more() -> None:
    parts = [{name.split(".")[0] for name in small_generator(variant_settings(variant)).trainable()} for variant in Variant]

    assert parts[0] == {"mapping", "encoder", "adapt"}
    assert [later - earlier for earlier, later in pairwise(parts)] == [
        {"warp", "blending"},
        {"fusion"},
        {"attention"},
        {"transformer"},
    ]


def test_motion_fields_are_asked_for_and_refused_where_not_wanted() -> None:
    generator = small_generator()
    portrait = generator.encode_portrait(pictures(1), coefficients(1, 1)[:, 0])
    windows = coefficients(1, generator.settings.mapping.window)
    with pytest.raises(ValueError, match="motion fields are wanted: True, given: False"):
        generator(portrait, windows)
    with pytest.raises(ValueError, match="motion fields are wanted: False, given: True"):
        small_generator(PAPER_FORM)(portrait, windows, motion_fields(1))


def test_a_variant_without_a_warp_has_neither_bootstrap_nor_blend() -> None:
    with pytest.raises(ValueError, match="variant B has no warp"):
        replace(GENERATOR, variant=Variant.BASELINE)


def test_bf16_is_near_float32() -> None:
    generator = disturbed(small_generator(), stddev=0.01).eval()
    with torch.no_grad():
        exact = generate(generator).pictures
        with torch.autocast("cpu", torch.bfloat16):
            rough = generate(generator).pictures

    assert (exact - rough.float()).abs().mean() < 0.05
    assert CODEBOOK.latent_size == 4


def test_surroundings_are_warped_but_not_encoded() -> None:
    generator = small_generator(replace(GENERATOR, surroundings_px=4))
    surrounded, own = pictures(1, size_px=40), coefficients(1, 1)[:, 0]
    inner = surrounded[..., 4:36, 4:36]
    portrait = generator.encode_portrait(surrounded, own)
    made = generator(portrait, coefficients(1, generator.settings.mapping.window), no_motion(1))

    assert torch.equal(portrait.codes, small_generator().encode_portrait(inner, own).codes)
    assert torch.allclose(made.warped, inner, atol=1e-5)
    with pytest.raises(ValueError, match="40 px in all, found 32 px"):
        generator.encode_portrait(inner, own)
