import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_generator.generator import ImageGenerator
from pipelines.models.image_presets import PRESETS, image_preset
from tests.factories.image_models import motion_fields


def _parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _frame_flop(name: str) -> float:
    """Count one frame, 2 FLOP a multiply-add, the portrait being encoded already."""
    preset = image_preset(name)
    generator, size = ImageGenerator(preset.generator, ImageCodebook(preset.codebook)), preset.codebook.size_px
    with torch.no_grad():
        side = size + 2 * generator.settings.surroundings_px
        portrait = generator.encode_portrait(torch.zeros(1, 3, side, side), torch.zeros(1, 70))
        fields = motion_fields(1, size_px=size) if preset.generator.bootstrap else None
        with FlopCounterMode(display=False) as counter:
            generator(portrait, torch.zeros(1, preset.generator.mapping.window, 70), fields)
    return float(counter.get_total_flops())


def test_the_paper_s_sizes() -> None:
    codebook = PRESETS["paper"].codebook

    assert (codebook.size_px, codebook.latent_size, codebook.code_width, codebook.code_count) == (512, 16, 256, 1024)


def test_latents_of_the_other_presets() -> None:
    assert PRESETS["tiny"].codebook.latent_size == 16
    assert PRESETS["small"].codebook.latent_size == 32


def test_tiny_is_tiny() -> None:
    preset = image_preset("tiny")
    codebook = ImageCodebook(preset.codebook)
    generator = ImageGenerator(preset.generator, codebook)

    assert 2.0e6 < _parameters(codebook) < 2.5e6
    assert 2.0e6 < sum(parameter.numel() for parameter in generator.trainable().values()) < 2.5e6
    assert _frame_flop("tiny") < 4e9


@pytest.mark.parametrize(("name", "limit_gflop"), [("small", 60), ("paper", 130)])
def test_work_of_a_frame(name: str, limit_gflop: float) -> None:
    assert _frame_flop(name) < limit_gflop * 1e9


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ValueError, match="tiny, small, paper, found 'huge'"):
        image_preset("huge")
