from __future__ import annotations

import torch

from pipelines.models.published.emotion_fan import EMOTIONS, EmotionFan
from storage_schemas.judge_runs import JUDGED_EMOTIONS


def test_shapes_names_and_emotions_are_those_of_the_published_weights() -> None:
    torch.manual_seed(0)
    network = EmotionFan().eval()
    with torch.no_grad():
        features = network.features(torch.rand(3, 3, 224, 224))
        chances = network(features)
    assert features.shape == (3, 512)
    assert chances.shape == (8,)
    assert torch.isclose(chances.sum(), torch.tensor(1.0))
    names = set(network.state_dict())
    assert {"layer2.0.downsample.1.running_mean", "alpha.0.weight", "beta.0.bias", "pred_fc2.weight"} <= names
    assert sorted(EMOTIONS) == sorted(JUDGED_EMOTIONS)


def test_a_frame_that_is_there_twice_weighs_no_more_in_the_clip() -> None:
    torch.manual_seed(0)
    network = EmotionFan().eval()
    features = torch.rand(2, 512)
    with torch.no_grad():
        assert torch.allclose(network(features), network(torch.cat([features, features])), atol=1e-6)
