"""How windows are changed in training: moved, turned, mirrored, blurred, noisy, partly hidden; random numbers are torch's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from storage_schemas.judge_runs import JudgeTrainingSpec

WIDER = 1.25
"""Windows are stored so much wider than networks see them, so that they can be moved."""
_HIDDEN_SIDE = 0.4
_BLURRED_BY = 2


def wide_size(size_px: int) -> int:
    """Return the side of stored windows."""
    return round(WIDER * size_px)


def moved(windows: Tensor, size_px: int, spec: JudgeTrainingSpec) -> Tensor:
    """Return windows (clips, frames, size, size) float32 0..255 of wide ones, all frames of a clip moved, turned and mirrored alike."""
    clips = len(windows)
    device = windows.device
    shift = spec.shift * 2 * (2 * torch.rand(clips, 2, device=device) - 1)
    angle, size = (spec.turn * (2 * torch.rand(clips, device=device) - 1) for _ in range(2))
    width = 1 + spec.stretch * (2 * torch.rand(clips, device=device) - 1)
    mirror = torch.where(torch.rand(clips, device=device) < 0.5, -1.0, 1.0)
    scale = (1 + size) / (windows.shape[-1] / size_px)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    first = torch.stack([cosine * mirror * width, -sine, shift[:, 0] * scale], dim=1)
    second = torch.stack([sine * mirror * width, cosine, shift[:, 1] * scale], dim=1)
    grid = functional.affine_grid(torch.stack([first, second], dim=1), [clips, 1, size_px, size_px], align_corners=False)
    return functional.grid_sample(windows.float(), grid, padding_mode="border", align_corners=False)


def blurred(windows: Tensor, share: float) -> Tensor:
    """Return windows (clips, frames, size, size), a share of the clips at half their resolution, as small pictures are."""
    coarse = functional.interpolate(functional.avg_pool2d(windows, _BLURRED_BY), size=windows.shape[-2:], mode="bilinear")
    chosen = torch.rand(len(windows), device=windows.device) < share
    return torch.where(chosen[:, None, None, None], coarse, windows)


def hidden_squares(windows: Tensor, share: float) -> Tensor:
    """Return normalised windows (n, size, size), in a share of which a square is 0."""
    count, size = windows.shape[0], windows.shape[-1]
    centre = torch.rand(count, 2, 1, device=windows.device) * size
    near = (torch.arange(size, device=windows.device) + 0.5 - centre).abs() < _HIDDEN_SIDE * size / 2
    square = near[:, 0, :, None] & near[:, 1, None, :]
    chosen = torch.rand(count, device=windows.device) < share
    return windows.masked_fill(square & chosen[:, None, None], 0.0)


def changed_sound(log_mel: Tensor, spec: JudgeTrainingSpec) -> Tensor:
    """Return log-mel (clips, columns, 80) at another level, with noise, and with a run of bins hidden."""
    clips, _, bins = log_mel.shape
    device = log_mel.device
    gain = spec.mel_gain * (2 * torch.rand(clips, 1, 1, device=device) - 1)
    loud = (log_mel + gain + 4 * spec.noise * torch.randn_like(log_mel)).clamp(-4, 4)
    width = torch.rand(clips, 1, device=device) * spec.mel_mask_bins
    start = torch.rand(clips, 1, device=device) * bins
    place = torch.arange(bins, device=device)
    hidden = (place >= start) & (place < start + width)
    return loud.masked_fill(hidden[:, None, :], -4.0)
