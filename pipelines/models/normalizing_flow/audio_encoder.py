"""From a log-mel spectrogram to one feature vector for each video frame, in parallel over frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.normalizing_flow.flow_config import CoefficientFlowConfig

MEL_BINS = 80
WINDOW_COLUMNS = 16
_COLUMNS_PER_S = 80
_FPS = 25
_LEAD_FRAMES = 2
_TEMPORAL_KERNEL = 5


def first_column(frame: int) -> int:
    """Return the first of the 16 mel columns that a frame looks at: int(80 * (frame - 2) / 25), as Wav2Lip and SadTalker cut them.

    It is negative for the first frames; columns outside of the clip are those at its edge.
    """
    return int(_COLUMNS_PER_S * (frame - _LEAD_FRAMES) / _FPS)


def column_range(first_frame: int, frames: int) -> tuple[int, int]:
    """Return (begin, end) of the mel columns that `frames` frames from `first_frame` look at; may reach outside of the clip."""
    return first_column(first_frame), first_column(first_frame + frames - 1) + WINDOW_COLUMNS


class AudioEncoder(nn.Module):
    """Convolutions over mel columns, one linear map of a frame's 16-column window, then residual convolutions over frames.

    Columns are convolved once and shared by the windows they are in. The two convolutions use no padding, so that a window of 16
    columns gives 12, and a frame sees no column outside of its own window before the convolutions over frames.
    """

    def __init__(self, config: CoefficientFlowConfig) -> None:
        super().__init__()
        channels, width = config.audio_channels, config.width
        self.first_columns = nn.Conv1d(MEL_BINS, channels, 3)
        self.second_columns = nn.Conv1d(channels, channels, 3)
        self.window = nn.Linear((WINDOW_COLUMNS - 4) * channels, width)
        self.window_norm = nn.LayerNorm(width)
        blocks = config.audio_reach_frames // (_TEMPORAL_KERNEL // 2)
        self.temporal = nn.ModuleList(TemporalBlock(width, config.dropout) for _ in range(blocks))
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, log_mel: Tensor, frames: int, first_frame: int, first_column_given: int) -> Tensor:
        """Return (N, frames, W) of a normalised log-mel (N, C, 80); see `CoefficientFlow.encode_audio`."""
        begin, end = column_range(first_frame, frames)
        columns = torch.arange(begin, end, device=log_mel.device) - first_column_given
        x = log_mel[:, columns.clamp(0, log_mel.shape[1] - 1)].mT
        x = functional.silu(self.first_columns(x))
        x = functional.silu(self.second_columns(x))
        x = self.window(self._windows(x, frames, first_frame, begin))
        x = self.dropout(functional.silu(self.window_norm(x)))
        for block in self.temporal:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed

    @staticmethod
    def _windows(x: Tensor, frames: int, first_frame: int, begin: int) -> Tensor:
        """Return (N, frames, 12 * channels) from convolved columns (N, channels, columns - 4)."""
        frame = torch.arange(first_frame, first_frame + frames, device=x.device) - _LEAD_FRAMES
        starts = torch.div(_COLUMNS_PER_S * frame, _FPS, rounding_mode="trunc") - begin
        index = starts[:, None] + torch.arange(WINDOW_COLUMNS - 4, device=x.device)
        return x.mT[:, index].flatten(2)


class TemporalBlock(nn.Module):
    """x + dropout(linear(silu(conv(norm(x))))) over frames, with edges repeated; reaches 2 frames to either side."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.convolution = nn.Conv1d(width, width, _TEMPORAL_KERNEL)
        self.outer = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, frames, W) of x (N, frames, W)."""
        reach = _TEMPORAL_KERNEL // 2
        padded = functional.pad(self.norm(x).mT, (reach, reach), mode="replicate")
        inner = functional.silu(self.convolution(padded).mT)
        result: Tensor = x + self.dropout(self.outer(inner))
        return result
