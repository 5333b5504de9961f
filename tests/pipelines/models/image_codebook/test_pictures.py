import torch

from pipelines.models.image_codebook.pictures import from_bytes, to_bytes


def test_every_byte_survives() -> None:
    pictures = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(1, 1, 1, 3)

    assert torch.equal(to_bytes(from_bytes(pictures)), pictures)
    assert from_bytes(pictures).min() == -1
    assert from_bytes(pictures).max() == 1


def test_values_beyond_the_range_are_clamped() -> None:
    assert to_bytes(torch.tensor([-1.5, 0.0, 1.5]).reshape(1, 3, 1, 1)).flatten().tolist() == [0, 128, 255]


def test_pictures_are_channels_last_in_memory() -> None:
    assert from_bytes(torch.zeros(2, 8, 8, 3, dtype=torch.uint8)).is_contiguous(memory_format=torch.channels_last)
