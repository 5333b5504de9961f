"""What any method needs to be evaluated on a dataset version: of every held-out clip a portrait, its sound and its emotion."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.dataset.part_reading import iterate_clip_frames, read_clip_audio
from pipelines.media_time import SAMPLE_RATE_HZ
from pipelines.speech.wave_files import write_wave
from pipelines.video_evaluation.true_clips import TrueClip, clips_of_version
from storage_schemas.identifiers import Emotion
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import RowRange
from storage_schemas.script_rows import COLUMNS, ScriptRow

LIST_NAME = "scripts.csv"
PAIRS_NAME = "pairs.csv"
SOUNDS_FOLDER, PORTRAITS_FOLDER = "sounds", "portraits"


@dataclass(frozen=True)
class EvaluationMaterial:
    """What was written.

    Attributes:
        scripts: script list that `render` takes.
        pairs: table of videos and true clips for `evaluate --pairs`.
        clips: names of the clips.
        without_sound: names of clips that have none and are left out.
    """

    scripts: Path
    pairs: Path
    clips: tuple[str, ...]
    without_sound: tuple[str, ...]


def write_material(
    store: ObjectStore,
    version: str,
    split: str,
    folder: Path,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda _d, _t: None,
) -> EvaluationMaterial:
    """Write portraits, sounds, a script list and a table of pairs; the same arguments give the same bytes.

    The portrait of a clip is the first frame of a neutral clip of its speaker, of another split where there is one; of a speaker without
    neutral clips, the clip's own first frame.

    Args:
        store: with the version.
        version: id, beginning of one, or tag.
        split: whose clips are written; empty: as an evaluation chooses.
        folder: made if need be.
        seed: of all rows of the list.
        on_progress: (clips done, clips).

    Raises:
        BadInputError: there is no such version or split.
        StoreError: it is damaged.
        OSError: a file cannot be written.
    """
    true = clips_of_version(store, version, split)
    for name in (SOUNDS_FOLDER, PORTRAITS_FOLDER):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows: list[ScriptRow] = []
    silent: list[str] = []
    spoken = []
    for number, clip in enumerate(true.expected, start=1):
        if clip.row["audio_part"]:
            rows.append(_row(store, clip, true.clips, folder, seed))
            spoken.append(clip)
        else:
            silent.append(clip.name)
        on_progress(number, len(true.expected))
    _write_csv(folder / LIST_NAME, COLUMNS, [row.filled() for row in rows])
    pairs = [{"video": f"{flat_name(clip)}.mp4", "reference": clip.name, "emotion": clip.emotion} for clip in spoken]
    _write_csv(folder / PAIRS_NAME, ("video", "reference", "emotion"), pairs)
    return EvaluationMaterial(folder / LIST_NAME, folder / PAIRS_NAME, tuple(clip.name for clip in spoken), tuple(silent))


def flat_name(clip: TrueClip) -> str:
    """Return a clip's name as one part of a path; names that are alike stay apart by their keys."""
    plain = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in clip.name)
    return plain if plain == clip.name.replace("/", "_") else f"{plain}_{clip.row['clip_key']}"


def _row(store: ObjectStore, clip: TrueClip, every: Sequence[TrueClip], folder: Path, seed: int) -> ScriptRow:
    name = flat_name(clip)
    row = clip.row
    sound, _ = read_clip_audio(
        store,
        row["audio_part"],
        RowRange(start=row["waveform_start"], count=row["waveform_samples"]),
        RowRange(start=row["log_mel_start"], count=row["log_mel_frames"]),
    )
    write_wave(folder / SOUNDS_FOLDER / f"{name}.wav", np.ascontiguousarray(sound, "<i2").tobytes(), SAMPLE_RATE_HZ)
    shown = _portrait_of(clip, every)
    portrait = f"{PORTRAITS_FOLDER}/{flat_name(shown)}.jpg"
    if not (folder / portrait).is_file():
        frame = next(iter(iterate_clip_frames(store, shown.row["frames_part"], shown.row["clip_key"])))
        (folder / portrait).write_bytes(frame.jpeg)
    return ScriptRow(portrait=portrait, audio=f"{SOUNDS_FOLDER}/{name}.wav", emotion=clip.emotion, seed=seed, output=name)


def _portrait_of(clip: TrueClip, every: Sequence[TrueClip]) -> TrueClip:
    neutral = [
        other
        for other in every
        if other.row["speaker"] == clip.row["speaker"] and clip.row["speaker"] and other.emotion == Emotion.NEUTRAL.value
    ]
    elsewhere = [other for other in neutral if other.split != clip.split]
    return next(iter([*elsewhere, *neutral, clip]))


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8"))
