"""The ground truth of a demo clip: what drove it and where its landmarks were drawn. One ``.npz`` per clip, without pickles."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.corpora.demo.action_units import UNITS, Unit
from pipelines.corpora.demo.motion_curves import MotionCurves
from pipelines.corpora.demo.portrait import ALL_POINTS, Float
from pipelines.corpora.demo.speech import Phoneme

CURVES = (
    "jaw", "lips_gap_closed", "lips_width", "lips_rounding", "smile", "blink", "lids", "brow_raise", "brow_lower", "gaze_x", "gaze_y",
    "yaw_rad", "pitch_rad", "roll_rad", "shift_x_px", "shift_y_px", "shift_z_px",
)  # fmt: skip
"""Names of the columns of `DemoTruth.curves`."""


@dataclass(frozen=True)
class DemoTruth:
    """What drove a clip, per 25 fps frame.

    Attributes:
        about: text, seed, speaker and the other fields of `DemoClip`, and "format".
        curves: float32 (frames, 17), columns as in `CURVES`. Rotations: positive yaw turns the face to the image's left, positive
            pitch looks down, positive roll tilts clockwise; zero is the portrait's own pose. Translation in pixels of the frame, z away
            from the camera. The others are 1 at a strong movement.
        units: float32 (frames, 19) coefficients of the rig, columns as in `unit_names`.
        unit_names: names of the rig's units.
        landmarks: float32 (frames, 478, 3) pixels of the frame (pixel centres at whole numbers; x right, y down, z same scale), in
            the order of MediaPipe's refined FaceMesh.
        rest_landmarks: float32 (478, 3) of the speaker's neutral face at zero pose.
        phonemes: IPA with stress marks; empty: silence.
        phoneme_times_s: float64 (phonemes, 2) start and end in seconds after the first frame.
    """

    about: dict[str, Any]
    curves: npt.NDArray[np.float32]
    units: npt.NDArray[np.float32]
    unit_names: tuple[str, ...]
    landmarks: npt.NDArray[np.float32]
    rest_landmarks: npt.NDArray[np.float32]
    phonemes: tuple[str, ...]
    phoneme_times_s: Float

    def curve(self, name: str) -> npt.NDArray[np.float32]:
        """Return one column of `curves` (frames,) by its name."""
        return self.curves[:, CURVES.index(name)]


def summary_curves(motion: MotionCurves) -> npt.NDArray[np.float32]:
    """Return the driving curves (frames, 17) in the order of `CURVES`."""
    units = {unit: motion.units[:, column] for column, unit in enumerate(UNITS)}
    brow = (units[Unit.BROW_INNER] + units[Unit.BROW_OUTER_LEFT] / 2 + units[Unit.BROW_OUTER_RIGHT] / 2) / 2
    smile = (units[Unit.SMILE_LEFT] + units[Unit.SMILE_RIGHT]) / 2
    lids = (units[Unit.LID_LEFT] + units[Unit.LID_RIGHT]) / 2
    columns = [
        units[Unit.JAW],
        units[Unit.SEAL],
        units[Unit.WIDE],
        units[Unit.ROUND],
        smile,
        motion.blink,
        lids,
        brow,
        units[Unit.BROW_LOWER],
    ]
    return np.column_stack([*columns, motion.gaze, motion.pose]).astype(np.float32)


def encode_truth(truth: DemoTruth) -> bytes:
    """Return the bytes of the file; the same for the same truth."""
    arrays = {
        "about_json": np.array(json.dumps(truth.about, sort_keys=True, ensure_ascii=False)),
        "curves": truth.curves,
        "curve_names": np.array(CURVES),
        "units": truth.units,
        "unit_names": np.array(truth.unit_names),
        "landmarks": truth.landmarks,
        "rest_landmarks": truth.rest_landmarks,
        "phonemes": np.array(truth.phonemes),
        "phoneme_times_s": truth.phoneme_times_s,
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def read_truth(path: Path) -> DemoTruth:
    """Return the ground truth of a clip from its file.

    Raises:
        ValueError: if the file is of another format.
    """
    with np.load(path, allow_pickle=False) as stored:
        truth = DemoTruth(
            about=json.loads(str(stored["about_json"])),
            curves=stored["curves"],
            units=stored["units"],
            unit_names=tuple(str(name) for name in stored["unit_names"]),
            landmarks=stored["landmarks"],
            rest_landmarks=stored["rest_landmarks"],
            phonemes=tuple(str(ipa) for ipa in stored["phonemes"]),
            phoneme_times_s=stored["phoneme_times_s"],
        )
    if truth.landmarks.shape[1:] != (ALL_POINTS, 3) or truth.curves.shape[1:] != (len(CURVES),):
        raise ValueError(
            f"{path}: expected {ALL_POINTS} landmarks and {len(CURVES)} curves, found {truth.landmarks.shape}, {truth.curves.shape}"
        )
    return truth


def phoneme_times(phonemes: tuple[Phoneme, ...], lead_s: float) -> Float:
    """Return start and end (n, 2) of phonemes in seconds after the first frame."""
    return np.array([(phoneme.start_s + lead_s, phoneme.end_s + lead_s) for phoneme in phonemes], dtype=np.float64).reshape(-1, 2)
