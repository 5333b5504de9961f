from __future__ import annotations

import torch

from pipelines.models.published.syncnet import COEFFICIENTS, EMBEDDING, FRAMES, PICTURE_PX, SOUND_STEPS, SyncNet


def test_shapes_and_names_are_those_of_the_published_weights() -> None:
    torch.manual_seed(0)
    network = SyncNet().eval()
    with torch.no_grad():
        assert network.sight(torch.rand(1, 3, FRAMES, PICTURE_PX, PICTURE_PX)).shape == (1, EMBEDDING)
        assert network.sound(torch.rand(2, 1, COEFFICIENTS, SOUND_STEPS)).shape == (2, EMBEDDING)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes["netcnnaud.0.weight"] == (64, 1, 3, 3)
    assert shapes["netcnnaud.18.weight"] == (512, 256, 5, 4)
    assert shapes["netcnnlip.0.weight"] == (96, 3, 5, 7, 7)
    assert shapes["netcnnlip.18.weight"] == (512, 256, 1, 6, 6)
    assert shapes["netfclip.3.weight"] == (1024, 512)
