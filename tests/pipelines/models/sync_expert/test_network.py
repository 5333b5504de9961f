from __future__ import annotations

import pytest
import torch

from pipelines.models.sync_expert.network import SyncExpert, normalised
from pipelines.models.sync_expert.settings import FRAMES, MEL_COLUMNS, SyncExpertSettings, sync_expert_preset
from storage_schemas.training_runs import Preset
from tests.factories.judge_runs import SYNC_SIZES


@pytest.fixture(scope="module")
def expert() -> SyncExpert:
    torch.manual_seed(0)
    return SyncExpert(SYNC_SIZES).eval()


@pytest.mark.parametrize("preset", [Preset.TINY, Preset.SMALL])
def test_both_sides_end_in_unit_vectors_of_one_size(preset: Preset) -> None:
    settings = sync_expert_preset(preset)
    network = SyncExpert(settings).eval()
    mouths = network.embed_mouths(torch.randn(2, FRAMES, settings.size_px, settings.size_px))
    sounds = network.embed_sounds(torch.randn(1, 40, 80), torch.tensor([0, 7]))
    assert mouths.shape == sounds[0].shape == (2, settings.embedding)
    torch.testing.assert_close(mouths.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(sounds[0].norm(dim=1), torch.ones(2))


def test_the_size_of_the_published_network_fits_together() -> None:
    settings = sync_expert_preset(Preset.PAPER)
    with torch.device("meta"):  # shapes alone: it has tens of millions of parameters
        network = SyncExpert(settings).eval()
        assert network.embed_mouths(torch.empty(2, FRAMES, 224, 224)).shape == (2, 1024)
        assert network.embed_sounds(torch.empty(1, 40, 80), torch.empty(3, dtype=torch.int64)).shape == (1, 3, 1024)


def test_a_window_of_sound_does_not_depend_on_what_is_cut_off_around_it(expert: SyncExpert) -> None:
    mel = torch.randn(1, 90, 80)
    whole = expert.embed_sounds(mel, torch.tensor([30, 40]))
    piece = expert.embed_sounds(mel[:, 22:64], torch.tensor([8, 18]))
    torch.testing.assert_close(piece, whole)


def test_sound_outside_a_window_hardly_reaches_it(expert: SyncExpert) -> None:
    mel = torch.randn(1, 90, 80)
    other = mel.clone()
    other[:, 30 + MEL_COLUMNS + 2 :] += 1
    other[:, :28] -= 1
    first = torch.tensor([30])
    torch.testing.assert_close(expert.embed_sounds(other, first), expert.embed_sounds(mel, first))


def test_every_parameter_learns(expert: SyncExpert) -> None:
    network = SyncExpert(SYNC_SIZES)
    mouths = network.embed_mouths(torch.randn(6, FRAMES, SYNC_SIZES.size_px, SYNC_SIZES.size_px))
    sounds = network.embed_sounds(torch.randn(1, 60, 80), torch.arange(6) * 7)[0]
    (network.scale * (mouths * sounds).sum(dim=1)).square().sum().backward()
    assert [name for name, value in network.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0] == []


def test_light_and_contrast_do_not_count() -> None:
    windows = torch.randint(0, 120, (2, 5, 8, 8)).float()
    torch.testing.assert_close(normalised(windows * 2 + 10), normalised(windows), atol=0.03, rtol=0)


def test_sizes_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="50 px cannot be halved 3 times"):
        SyncExpertSettings(size_px=50)
