"""The linear prediction of a frame from its history, which flows with `linear_past` code frames as differences from.

A head moves so smoothly that its next pose is nearly a linear function of the last ones, far more exactly than a network finds it in
minutes; what sampling draws on top of a poor prediction is tremor.
"""

from __future__ import annotations

import numpy as np

from pipelines.training.coefficient_sequences import Float32Array
from pipelines.training.loaded_sequences import LoadedSequences


def fitted_prediction(loaded: LoadedSequences, center: Float32Array, scale: Float32Array, past_frames: int, noise: float) -> Float32Array:
    """Fit the prediction to clips by least squares.

    Noise on the histories, which training adds as well, makes of extrapolation a prediction that leads back to the mean: sampled
    sequences then keep their range (without it they grow without bound).

    Args:
        loaded: clips of the training split.
        center: (F,) of the network's units.
        scale: (F,) of the network's units.
        past_frames: tau.
        noise: its standard deviation in normalised units.

    Returns:
        (tau F, F) float32: normalised histories, oldest frame first, times it are the predicted normalised frames.
    """
    features = loaded.values.shape[1]
    squares, products = np.zeros((past_frames * features,) * 2), np.zeros((past_frames * features, features))
    frames = 0
    for sequence in range(len(loaded)):
        values, usable = loaded.of(sequence)
        normalised = (values.astype(np.float64) - center) / scale
        before = np.concatenate([np.repeat(normalised[:1], past_frames - 1, axis=0), normalised[:-1]])
        history = np.lib.stride_tricks.sliding_window_view(before, past_frames, axis=0)
        history = history.transpose(0, 2, 1).reshape(-1, past_frames * features)[usable[1:]]
        squares += history.T @ history
        products += history.T @ normalised[1:][usable[1:]]
        frames += len(history)
    ridge = max(frames, 1) * max(noise, 1e-3) ** 2
    return np.asarray(np.linalg.solve(squares + ridge * np.eye(len(squares)), products), np.float32)
