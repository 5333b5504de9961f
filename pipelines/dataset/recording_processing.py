"""Processing one recording: probe, track, crop, landmarks and audio in one pass over its frames, into a staged recording."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.loading import load_waveform
from pipelines.dataset.clip_writing import ClipSource, write_clip_audio, write_clip_frames, write_clip_landmarks
from pipelines.dataset.region_buffer import RegionBuffer
from pipelines.dataset.source_checks import check_source_was_there, require_as_listed
from pipelines.dataset.staging import StagedRecordingWriter
from pipelines.dataset.still_processing import process_still
from pipelines.face_tracking.crop_window import CropWindow, annotated_window, clip_window
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.face_tracking.piece_judging import Piece, RejectedPiece
from pipelines.face_tracking.pieces import PieceTracker, TrackedFrame
from pipelines.media_time import CLIP_FPS, seconds_to_frames
from pipelines.video.frame_grid import assign_slots
from pipelines.video.media_probe import MediaProbe
from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from storage_schemas.clips import Clip, RecordingOutcome
from storage_schemas.errors import ItemRejectedError
from storage_schemas.identifiers import clip_key, unescape_path
from storage_schemas.processing_request import ProcessingAnswer, ProcessingRequest
from storage_schemas.rejections import Rejection, RejectionReason, Stage

LEAST_AUDIO_SHARE = 0.5
"""A clip whose audio track covers less of it is rejected; what is missing of the others is silence."""

_REPORT_EVERY_S = 0.2
"""Of media; the time allowed grows with every report, and a second of 8192 x 8192 px takes a minute on a busy machine."""

OnProgress = Callable[[float], None]
RejectionDetails = dict[str, float | int | str]


def handle_request(request: dict[str, Any], on_progress: OnProgress) -> dict[str, Any]:
    """Handle one JSON request of `isolated_main`: a ProcessingRequest in, a ProcessingAnswer out.

    Args:
        request: fields of ProcessingRequest.
        on_progress: called with the seconds of media handled so far, several times a second of it, and again while clips are written.

    Raises:
        StoreError: the output folder cannot be written.
        BadInputError: the landmark model cannot be used.
    """
    asked = ProcessingRequest.model_validate(request)
    outcome = process_recording(asked, on_progress)
    return ProcessingAnswer(
        clips=len(outcome.clips), frames=sum(clip.frames for clip in outcome.clips), rejections=len(outcome.rejections)
    ).model_dump()


def process_recording(request: ProcessingRequest, on_progress: OnProgress = lambda _: None) -> RecordingOutcome:
    """Turn a recording into a staged recording; what is unusable becomes rejections of its outcome.

    Args:
        request: what to process and where to.
        on_progress: see `handle_request`.

    Raises:
        StoreError: the output folder cannot be written.
        BadInputError: the landmark model cannot be used, or a source file is no longer what it was when it was listed and hashed.
    """
    with StagedRecordingWriter(Path(request.out_folder)) as writer:
        processing = _Processing(request, writer, on_progress)
        try:
            processing.run()
        except ItemRejectedError as error:
            check_source_was_there(request.recording, error)
            processing.reject(error.stage, error.reason, error.message, error.details)
        processing.check_source()
        return writer.finish(processing.outcome())


class _Processing:
    """One recording on its way: what has been written and rejected so far."""

    def __init__(self, request: ProcessingRequest, writer: StagedRecordingWriter, on_progress: OnProgress) -> None:
        self._recording = request.recording
        self._spec = request.spec
        self._known = request.known
        self._writer = writer
        self._on_progress = on_progress
        self._root = Path(unescape_path(request.source_root))
        self._clips: list[Clip] = []
        self._rejections: list[Rejection] = []
        self._numbered = 0
        self._media_s = 0.0

    def outcome(self) -> RecordingOutcome:
        """Return what has become of the recording."""
        return RecordingOutcome(
            recording_id=self._recording.recording_id,
            content_key=self._recording.content_key(),
            clips=self._clips,
            rejections=self._rejections,
        )

    def reject(
        self,
        stage: Stage,
        reason: RejectionReason,
        message: str,
        details: RejectionDetails,
        slots: tuple[int, int] | None = None,
    ) -> None:
        """Record a rejection: of the piece in `slots`, or of what is left of the recording."""
        recording_id = self._recording.recording_id
        start_s, end_s = (self._recording.start_s, self._recording.end_s) if slots is None else (slots[0] / CLIP_FPS, slots[1] / CLIP_FPS)
        self._rejections.append(
            Rejection(
                item_id=recording_id if slots is None else self._next_clip_id(),
                recording_id=recording_id,
                stage=stage,
                reason=reason,
                message=message,
                details=details,
                start_s=start_s,
                end_s=end_s,
            )
        )

    def run(self) -> None:
        """Process the recording; ItemRejectedError if it, or what is left of it, is unusable."""
        video = _below(self._root, self._recording.video)
        if self._recording.is_still:
            self._clips.append(process_still(self._recording, video, self._spec, self._writer))
            return
        audio = _below(self._root, self._recording.audio) if self._recording.audio else None
        probe = probe_media(video, self._spec.limits, audio_path=audio, audio_required=self._spec.audio.required)
        waveform = load_waveform(probe) if probe.has_audio else None
        if self._known is not None:
            self._write_audio_only(self._known, waveform)
            return
        self._follow(probe, waveform)

    def check_source(self) -> None:
        """Raise if the video is not what it was when it was listed."""
        require_as_listed(self._recording, _below(self._root, self._recording.video))

    def _write_audio_only(self, known: RecordingOutcome, waveform: NDArray[np.float32] | None) -> None:
        self._rejections += known.rejections
        for clip in known.clips:
            self._clips.append(clip)
            if waveform is not None:
                write_clip_audio(self._writer, clip, waveform, self._spec.audio)

    def _follow(self, probe: MediaProbe, waveform: NDArray[np.float32] | None) -> None:
        """Track the face through the range and write every piece as soon as it is finished."""
        source = ClipSource(probe, assign_slots(probe.frame_pts, probe.time_base), RegionBuffer())
        annotated = annotated_window(self._recording, probe.width_px, probe.height_px)
        must_show = annotated.region if annotated is not None else None
        with PieceTracker(self._spec.crop, lambda: open_tracker(self._spec.landmarks), must_show) as tracker:
            for slot, rgb in self._frames(source):
                for event in tracker.feed(slot, rgb):
                    self._handle(event, source, waveform)
            for event in tracker.finish():
                self._handle(event, source, waveform)

    def _frames(self, source: ClipSource) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (slot, picture) of every slot of the range that shows a frame of its own."""
        slots = self._slots_of_range(len(source.grid))
        shown = [slot for slot in slots if slot == slots.start or not source.grid.held[slot]]
        pictures = read_frames(source.probe, source.grid.source_index[shown], reader=self._spec.crop.frame_reader)
        for slot, (_, rgb) in zip(shown, pictures, strict=True):
            yield slot, rgb
            media_s = (slot - slots.start) / CLIP_FPS
            if slot == slots.start or media_s >= self._media_s + _REPORT_EVERY_S:
                self._media_s = media_s
                self._on_progress(media_s)

    def _slots_of_range(self, slots: int) -> range:
        start = seconds_to_frames(self._recording.start_s)
        end = min(slots, seconds_to_frames(self._recording.end_s)) if self._recording.end_s else slots
        if start >= end:
            asked = f"{self._recording.start_s} to {self._recording.end_s} s"
            message = f"expected a range inside the video of {slots / CLIP_FPS:.2f} s, found {asked}"
            raise ItemRejectedError(Stage.TRACK, RejectionReason.BAD_ANNOTATION, message, {"video_s": slots / CLIP_FPS})
        return range(start, end)

    def _handle(self, event: TrackedFrame | Piece | RejectedPiece, source: ClipSource, waveform: NDArray[np.float32] | None) -> None:
        if isinstance(event, TrackedFrame):
            source.buffer.add(event.slot, event.region, event.pixels)
            return
        if isinstance(event, RejectedPiece):
            self.reject(Stage.TRACK, event.reason, event.message, event.details, (event.start_slot, event.end_slot))
            self._numbered += 1
        else:
            self._write_piece(event, source, waveform)
            self._numbered += 1
        source.buffer.discard_before(event.end_slot)

    def _write_piece(self, piece: Piece, source: ClipSource, waveform: NDArray[np.float32] | None) -> None:
        if waveform is not None and self._lacks_audio(piece, source.probe):
            return
        width_px, height_px = source.probe.width_px, source.probe.height_px
        window = clip_window(self._recording, piece.boxes, width_px, height_px, self._spec.crop.margin, inside=piece.region)
        clip = self._clip(piece, window, source)
        self._clips.append(clip)
        write_clip_frames(self._writer, clip, piece, window, source, self._spec.crop, lambda: self._on_progress(self._media_s))
        write_clip_landmarks(self._writer, clip, piece, window, self._spec.crop.size_px)
        if waveform is not None:
            write_clip_audio(self._writer, clip, waveform, self._spec.audio)

    def _lacks_audio(self, piece: Piece, probe: MediaProbe) -> bool:
        """Reject a piece that the audio track covers too little of."""
        length = piece.end_slot - piece.start_slot
        covered = min(piece.end_slot, probe.audio_duration_s * CLIP_FPS) - piece.start_slot
        share = max(0.0, covered / length)
        if share >= LEAST_AUDIO_SHARE:
            return False
        message = f"expected audio for at least {LEAST_AUDIO_SHARE:.0%} of the piece, found it for {share:.0%}"
        numbers: RejectionDetails = {"audio_s": round(probe.audio_duration_s, 3), "covered": round(share, 4)}
        self.reject(Stage.AUDIO, RejectionReason.AUDIO_TOO_SHORT, message, numbers, (piece.start_slot, piece.end_slot))
        return True

    def _clip(self, piece: Piece, window: CropWindow, source: ClipSource) -> Clip:
        probe = source.probe
        clip_id = self._next_clip_id()
        return Clip(
            clip_id=clip_id,
            clip_key=clip_key(clip_id),
            recording_id=self._recording.recording_id,
            frames=len(piece.detected),
            source_start_s=round(float(source.grid.phase_s) + piece.start_slot / CLIP_FPS, 9),
            window_x_px=window.x_px,
            window_y_px=window.y_px,
            window_size_px=window.size_px,
            window_source=window.source,
            source_width_px=probe.width_px,
            source_height_px=probe.height_px,
            source_fps=round(probe.fps, 6),
            frames_held=int(piece.held.sum()),
            face_height_px=round(piece.face_height_px, 3),
            detection_rate=round(piece.detection_rate, 6),
        )

    def _next_clip_id(self) -> str:
        return f"{self._recording.recording_id}_{self._numbered:03d}"


def _below(root: Path, escaped: str) -> Path:
    return root / os.fsdecode(unescape_path(escaped))
