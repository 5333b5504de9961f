"""The audio part of the context: features of every frame of a run, for several items at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from pipelines.generation.audio_features import AudioFeatures
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, column_range


def audio_windows(flow: CoefficientFlow, audios: Sequence[AudioFeatures], lengths: Sequence[int], first: int, end: int) -> list[Tensor]:
    """Return the features around each frame of a run of each item.

    Items whose run lies in the same place of them are encoded together. A run is encoded with a margin, so that it does not matter
    into which runs a sequence is cut.

    Args:
        flow: one with audio.
        audios: of the items.
        lengths: frames of each item's whole sequence; sound that is shorter is continued with its last column.
        first: first frame of the run, below every length.
        end: its end; of shorter items it is their length.

    Returns:
        For each item (its frames of the run, 2r+1, width) on the flow's device.
    """
    margin = flow.audio_margin_frames
    groups: defaultdict[tuple[int, int, int, int], list[int]] = defaultdict(list)
    for row, (audio, length) in enumerate(zip(audios, lengths, strict=True)):
        begin, stop = max(0, first - margin), min(length, end + margin)
        columns = column_range(begin, stop - begin)
        begin_column = min(max(0, columns[0]), audio.columns - 1)
        groups[begin, stop, begin_column, max(begin_column + 1, min(columns[1], audio.columns))].append(row)
    windows: dict[int, Tensor] = {}
    for (begin, stop, begin_column, end_column), rows in groups.items():
        mel = torch.stack([torch.from_numpy(audios[row].read(begin_column, end_column)) for row in rows]).to(flow.center.device)
        features = flow.encode_audio(mel, stop - begin, begin, begin_column)
        found = flow.audio_windows(features)
        for place, row in enumerate(rows):
            windows[row] = found[place, first - begin : min(end, lengths[row]) - begin]
    return [windows[row] for row in range(len(audios))]
