"""The piece that is being collected: rows are added frame by frame until it ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.face_tracking.face_following import Sighting
from pipelines.face_tracking.piece_judging import Piece
from storage_schemas.part_layout import LANDMARK_COUNT

_NO_BOX = (np.nan,) * 4
_NO_PIXELS = np.empty((0, 0, 3), np.uint8)


class OpenPiece:
    """Sightings of one face from its first detected slot on; slots left out between two of them are held."""

    def __init__(self, first: Sighting) -> None:
        self.start_slot = first.slot
        self.region = first.region
        self.last_detected_slot = first.slot
        self._sightings: list[Sighting] = []
        self.add(first)

    def add(self, sighting: Sighting) -> None:
        """Add the next sighting, with or without a face."""
        # Without the pixels: a piece may last for minutes, and whoever wants them keeps them.
        self._sightings.append(replace(sighting, pixels=_NO_PIXELS))
        if sighting.landmarks is not None:
            self.last_detected_slot = sighting.slot

    def finished(self) -> Piece:
        """Return the piece up to its last detected slot."""
        sightings = [sighting for sighting in self._sightings if sighting.slot <= self.last_detected_slot]
        slots = np.array([sighting.slot for sighting in sightings])
        shown = np.searchsorted(slots, np.arange(self.start_slot, self.last_detected_slot + 1), side="right") - 1
        nothing = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
        landmarks = np.stack([nothing if sighting.landmarks is None else sighting.landmarks for sighting in sightings])
        counts = [sighting.several for sighting in sightings if sighting.several is not None]
        return Piece(
            start_slot=self.start_slot,
            landmarks=landmarks[shown],
            boxes=np.array([sighting.box or _NO_BOX for sighting in sightings], np.float32)[shown],
            detected=np.array([sighting.landmarks is not None for sighting in sightings])[shown],
            held=np.diff(shown, prepend=-1) == 0,
            region=self.region,
            counted_frames=len(counts),
            several_faces_frames=sum(counts),
        )
