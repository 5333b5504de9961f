"""From a batch of windows to the loss of ExpFlow or PoseFlow, with what is hidden and changed in training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, Context, column_range
from pipelines.models.normalizing_flow.losses import consistency_loss
from pipelines.training.window_batches import WindowBatch, WindowShape
from storage_schemas.training_runs import TrainingSpec


@dataclass(frozen=True)
class Disturbance:
    """What training does to the context; see `TrainingSpec` for the meaning and the units."""

    past_dropout: float = 0.0
    history_dropout: float = 0.0
    input_noise: float = 0.0
    mel_gain: float = 0.0
    mel_time_mask_columns: int = 0
    mel_frequency_mask_bins: int = 0

    @classmethod
    def of(cls, spec: TrainingSpec) -> Disturbance:
        """Return that of a specification."""
        return cls(**{name: getattr(spec, name) for name in cls.__dataclass_fields__})


NOTHING = Disturbance()


class CoefficientLoss(nn.Module):
    """The training loss of a flow; a module, so that gradients are exchanged between devices.

    All random numbers are from torch's default generators.

    Args:
        flow: what is trained.
        spec: weights of losses, disturbance.
    """

    def __init__(self, flow: CoefficientFlow, spec: TrainingSpec) -> None:
        super().__init__()
        self.flow = flow
        self._disturbance = Disturbance.of(spec)
        self._consistency_weight, self._consistency_windows = spec.consistency_weight, spec.consistency_windows

    def forward(self, batch: WindowBatch) -> dict[str, Tensor]:
        """Return scalars: "loss", which is minimised, and its parts "nll" (per dimension, normalised units) and "consistency"."""
        context = encode(self.flow, batch, self._disturbance)
        losses = {"nll": masked_mean(frame_nll(self.flow, batch, context), batch)}
        losses["loss"] = losses["nll"]
        if self._consistency_weight:
            count, target = self._consistency_windows, target_values(self.flow, batch)
            part = context.select(slice(0, min(count, len(target)) * target.shape[1]))
            losses["consistency"] = consistency_loss(self.flow, target[:count], part)
            losses["loss"] = losses["loss"] + self._consistency_weight * losses["consistency"]
        return losses


def window_shape(flow: CoefficientFlow, target: int) -> WindowShape:
    """Return what a network needs of each window of `target` frames."""
    return WindowShape(flow.config.past_frames, target, flow.audio_margin_frames, flow.config.has_source)


def target_values(flow: CoefficientFlow, batch: WindowBatch) -> Tensor:
    """Return the target frames (W, T, F) of a batch."""
    return batch.values[:, flow.config.past_frames :]


def frame_nll(flow: CoefficientFlow, batch: WindowBatch, context: Context) -> Tensor:
    """Return the negative log-likelihood (W, T) of each target frame, nats per dimension in normalised units."""
    target = target_values(flow, batch)
    log_likelihood = flow.log_likelihood(target.flatten(0, 1), context) + flow.scale.log().sum()
    return -log_likelihood.view(target.shape[:2]) / target.shape[2]


def masked_mean(values: Tensor, batch: WindowBatch) -> Tensor:
    """Return the mean of values (W, T) over the target frames that count."""
    usable = batch.usable.to(values.dtype)
    return (values * usable).sum() / usable.sum().clamp_min(1.0)


def encode(flow: CoefficientFlow, batch: WindowBatch, disturbance: Disturbance = NOTHING) -> Context:
    """Return the context of all target frames, window by window (N = W T)."""
    frames = batch.usable.shape[1]
    audio = None if batch.log_mel is None or not flow.config.has_audio else _audio(flow, batch, disturbance)
    source = None
    if batch.source is not None:
        face = batch.source + _noise(batch.source, flow.scale, disturbance.input_noise)
        source = face.repeat_interleave(frames, dim=0)
    classes = flow.config.emotions
    index = batch.emotion if classes > 1 else torch.zeros_like(batch.emotion)
    emotion = nn.functional.one_hot(index, classes).to(batch.values.dtype).repeat_interleave(frames, dim=0)
    return flow.encode_context(audio, _past(flow, batch, disturbance), source, emotion)


def _past(flow: CoefficientFlow, batch: WindowBatch, disturbance: Disturbance) -> Tensor:
    """Return (N, P, F): frames before each target frame; those before the sequence, and hidden ones, are the centre."""
    past, frames = flow.config.past_frames, batch.usable.shape[1]
    values = batch.values + _noise(batch.values, flow.scale, disturbance.input_noise)
    place = torch.arange(frames, device=values.device)[:, None] + torch.arange(past, device=values.device)
    known = batch.known[:, place]
    if disturbance.past_dropout:
        known = known & (torch.rand(known.shape, device=known.device) >= disturbance.past_dropout)
    if disturbance.history_dropout:
        known = known & (torch.rand(known.shape[:2], device=known.device) >= disturbance.history_dropout)[..., None]
    return flow.seen_past(values[:, place], known).flatten(0, 1)


def _audio(flow: CoefficientFlow, batch: WindowBatch, disturbance: Disturbance) -> Tensor:
    """Return (N, 2r + 1, width): audio features around each target frame."""
    frames, margin, radius = batch.usable.shape[1], flow.audio_margin_frames, flow.config.audio_radius_frames
    asked = frames + 2 * margin
    assert batch.log_mel is not None  # noqa: S101 - checked by the caller
    log_mel = _changed_sound(flow, batch.log_mel, disturbance)
    features = flow.encode_audio(log_mel, asked, batch.mel_frame, column_range(batch.mel_frame, asked)[0])
    near = features[:, margin - radius : margin + frames + radius]
    return flow.audio_windows(near)[:, radius : radius + frames].flatten(0, 1)


def _changed_sound(flow: CoefficientFlow, log_mel: Tensor, disturbance: Disturbance) -> Tensor:
    """Return the log-mel (W, C, 80) with another level, and a run of columns and one of bins replaced by the mean, in each window."""
    windows, columns, bins = log_mel.shape
    if disturbance.mel_gain:
        log_mel = log_mel + disturbance.mel_gain * (2 * torch.rand(windows, 1, 1, device=log_mel.device) - 1)
    hidden = _runs(windows, columns, disturbance.mel_time_mask_columns, log_mel.device)[:, :, None]
    hidden = hidden | _runs(windows, bins, disturbance.mel_frequency_mask_bins, log_mel.device)[:, None, :]
    changed: Tensor = torch.where(hidden, flow.mel_center, log_mel)
    return changed


def _runs(windows: int, size: int, longest: int, device: torch.device) -> Tensor:
    """Return bool (windows, size) with one run of 0 to `longest` True in each row."""
    length, start = torch.rand(2, windows, 1, device=device)
    begin = (start * size).floor()
    place = torch.arange(size, device=device)
    run: Tensor = (place >= begin) & (place < begin + (length * (longest + 1)).floor())
    return run


def _noise(values: Tensor, scale: Tensor, strength: float) -> Tensor | float:
    return torch.randn_like(values) * scale * strength if strength else 0.0
