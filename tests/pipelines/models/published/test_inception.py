from __future__ import annotations

import torch

from pipelines.models.published.inception import FEATURES, BlockE, FidInception


def test_features_and_names_are_those_of_the_published_weights() -> None:
    torch.manual_seed(0)
    network = FidInception().eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 64, 64)).shape == (1, FEATURES)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Mixed_6b.branch7x7dbl_5.conv.weight"] == (192, 128, 1, 7)
    assert shapes["Mixed_7c.branch3x3dbl_3b.bn.running_var"] == (384,)
    # 23.8 million of torchvision's network without its classifier of 2.05 million and its auxiliary one.
    assert sum(parameter.numel() for parameter in network.parameters()) == 21_785_568


def test_the_border_does_not_count_in_averages_and_the_last_block_takes_the_maximum() -> None:
    block = FidInception().eval()
    ones = torch.ones(1, 1, 4, 4)
    assert torch.equal(block.Mixed_7b._pool(ones), ones)
    peak = torch.zeros(1, 1, 4, 4)
    peak[0, 0, 1, 1] = 9.0
    assert float(block.Mixed_7c._pool(peak)[0, 0, 2, 2]) == 9.0
    assert isinstance(block.Mixed_7c, BlockE)
