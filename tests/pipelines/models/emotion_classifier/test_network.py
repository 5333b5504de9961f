from __future__ import annotations

import pytest
import torch

from pipelines.models.emotion_classifier.network import EmotionClassifier, normalised
from pipelines.models.emotion_classifier.settings import emotion_classifier_preset
from storage_schemas.training_runs import Preset
from tests.factories.judge_runs import EMOTION_SIZES


@pytest.fixture(scope="module")
def classifier() -> EmotionClassifier:
    torch.manual_seed(0)
    return EmotionClassifier(EMOTION_SIZES, 8).eval()


@pytest.mark.parametrize("preset", [Preset.TINY, Preset.SMALL])
def test_any_number_of_frames_gives_one_answer_a_clip(preset: Preset) -> None:
    settings = emotion_classifier_preset(preset)
    network = EmotionClassifier(settings, 8).eval()
    for frames in (1, 3):
        assert network(torch.randn(2, frames, settings.size_px, settings.size_px)).shape == (2, 8)


def test_the_size_of_the_published_network_fits_together() -> None:
    with torch.device("meta"):
        network = EmotionClassifier(emotion_classifier_preset(Preset.PAPER), 8).eval()
        assert network(torch.empty(1, 3, 224, 224)).shape == (1, 8)


def test_the_order_of_frames_does_not_count(classifier: EmotionClassifier) -> None:
    windows = torch.randn(2, 5, 16, 16)
    torch.testing.assert_close(classifier(windows[:, [4, 2, 0, 1, 3]]), classifier(windows))


def test_a_frame_shown_twice_counts_as_the_frame(classifier: EmotionClassifier) -> None:
    windows = torch.randn(1, 1, 16, 16)
    torch.testing.assert_close(classifier(windows.expand(1, 4, 16, 16)), classifier(windows))


def test_frames_with_more_weight_count_more(classifier: EmotionClassifier) -> None:
    features = torch.randn(1, 2, EMOTION_SIZES.widths[-1])
    network = EmotionClassifier(EMOTION_SIZES, 8).eval()
    network.load_state_dict(classifier.state_dict())
    with torch.no_grad():  # only what the first frame has and the second has not is attended to
        network.self_attention.weight.copy_(1e3 * (features[:, 0] - features[:, 1]))
        network.self_attention.bias.fill_(-1e3 * float(((features[0, 0] - features[0, 1]) * features.mean(dim=1)[0]).sum()))
    torch.testing.assert_close(network.classify(features), network.classify(features[:, :1]), atol=1e-4, rtol=1e-3)


def test_every_parameter_learns() -> None:
    network = EmotionClassifier(EMOTION_SIZES, 8)
    network(torch.randn(3, 4, 16, 16)).square().sum().backward()
    assert [name for name, value in network.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0] == []


def test_light_from_the_side_and_contrast_do_not_count() -> None:
    windows = torch.randint(0, 120, (2, 5, 32, 32), generator=torch.Generator().manual_seed(0)).float()
    plain = normalised(windows)
    assert plain.shape == windows.shape
    lit = windows * 1.5 + torch.linspace(0, 60, 32)
    assert float((normalised(lit) - plain).abs().mean()) < 0.1 * float(plain.abs().mean())
    assert float((normalised(windows.flip(-1)) - plain).abs().mean()) > float(plain.abs().mean())
