"""Writing one clip of a recording into its staged form: crops as JPEG, landmarks in crop pixels, waveform and log-mel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.audio.log_mel import log_mel
from pipelines.dataset.region_buffer import RegionBuffer
from pipelines.dataset.staging import StagedRecordingWriter
from pipelines.face_tracking.crop_window import CropWindow, crop_frame, landmarks_to_crop
from pipelines.face_tracking.piece_judging import Piece
from pipelines.media_time import CLIP_FPS, SAMPLES_PER_FRAME
from pipelines.video.frame_grid import FrameGrid
from pipelines.video.media_probe import MediaProbe
from pipelines.video.reading import read_frames
from storage_schemas.build_spec import AudioSettings, CropSettings
from storage_schemas.clips import Clip


@dataclass(frozen=True)
class ClipSource:
    """Where the pixels of a piece come from: the video, its grid, and what tracking has kept of it."""

    probe: MediaProbe
    grid: FrameGrid
    buffer: RegionBuffer


def encode_jpeg(rgb: NDArray[np.uint8], quality: int) -> bytes:
    """Encode an RGB uint8 (height, width, 3) picture as JPEG with 4:2:0 chroma; the same picture gives the same bytes."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


def write_clip_frames(
    writer: StagedRecordingWriter,
    clip: Clip,
    piece: Piece,
    window: CropWindow,
    source: ClipSource,
    settings: CropSettings,
    on_second: Callable[[], None] = lambda: None,
) -> None:
    """Write every frame of a clip; a held slot repeats the bytes of the one before.

    Args:
        writer: of the recording.
        clip: whose frames these are.
        piece: its slots.
        window: its crop window in source pixels.
        source: where pixels come from; frames whose pixels were not kept are decoded again.
        settings: side and quality of the crops.
        on_second: called after every second of frames.
    """
    jpeg = b""
    pictures = _crops(piece, window, source, settings)
    for index, slot in enumerate(piece.slots):
        held = bool(piece.held[index])
        if not held or not jpeg:
            jpeg = encode_jpeg(next(pictures), settings.jpeg_quality)
        metadata = {
            "clip_id": clip.clip_id,
            "frame": index,
            "source_s": round(float(source.grid.phase_s) + int(slot) / CLIP_FPS, 9),
            "held": held,
            "detected": bool(piece.detected[index]),
        }
        writer.add_frame(clip.clip_key, index, jpeg, metadata)
        if index % CLIP_FPS == 0:
            on_second()


def _crops(piece: Piece, window: CropWindow, source: ClipSource, settings: CropSettings) -> Iterator[NDArray[np.uint8]]:
    """Yield the crop of every slot that shows a frame of its own (and of the first slot), in order."""
    fresh = [int(slot) for index, slot in enumerate(piece.slots) if index == 0 or not piece.held[index]]
    if all(_is_kept(source.buffer, slot, window) for slot in fresh):
        for slot in fresh:
            region, pixels = source.buffer[slot]
            yield crop_frame(pixels, (region.x_px, region.y_px), window, settings.size_px)
        return
    wanted = source.grid.source_index[fresh]
    for _, rgb in read_frames(source.probe, wanted, reader=settings.frame_reader):
        yield crop_frame(rgb, (0, 0), window, settings.size_px)


def _is_kept(buffer: RegionBuffer, slot: int, window: CropWindow) -> bool:
    return slot in buffer and buffer[slot][0].contains(window.x_px, window.y_px, window.size_px, window.size_px)


def write_clip_landmarks(writer: StagedRecordingWriter, clip: Clip, piece: Piece, window: CropWindow, size_px: int) -> None:
    """Write a clip's landmarks (frames, 478, 3) float32 in crop pixels, NaN where undetected, and its detection flags."""
    writer.add_array(clip.clip_key, "landmarks", landmarks_to_crop(piece.landmarks, window, size_px))
    writer.add_array(clip.clip_key, "detected", piece.detected)


def write_clip_audio(writer: StagedRecordingWriter, clip: Clip, waveform: NDArray[np.float32], settings: AudioSettings) -> None:
    """Write a clip's waveform, int16 (640 * frames,), and its log-mel.

    Args:
        writer: of the recording.
        clip: whose audio this is.
        waveform: float32, of the whole recording from its first video frame; what lies beyond its end is silence.
        settings: of the features.
    """
    start = round(clip.source_start_s * CLIP_FPS) * SAMPLES_PER_FRAME
    count = clip.frames * SAMPLES_PER_FRAME
    samples = np.zeros(count, np.float32)
    available = waveform[start : start + count]
    samples[: len(available)] = available
    writer.add_array(clip.clip_key, "waveform", np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16))
    writer.add_array(clip.clip_key, "log_mel", log_mel(samples, settings))
