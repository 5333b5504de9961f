"""The script list of the demonstration: one row for each emotion, and one that takes its emotion from a clip."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.corpora.demo.clip_writing import LEAD_S, resting_face
from pipelines.corpora.demo.corpus import MANIFEST_NAME
from pipelines.corpora.demo.emotions import EMOTIONS
from pipelines.corpora.demo.speakers import SPEAKERS
from pipelines.corpora.demo.speech import SPEECH_RATE_HZ, speak
from pipelines.speech.wave_files import write_wave
from storage_schemas.identifiers import Emotion
from storage_schemas.script_rows import COLUMNS, ScriptRow

LIST_NAME = "scripts.csv"
TRANSFER = "transfer"
SENTENCE = "Good morning! The boat will not wait for us."
"""Not among the sentences of the corpus."""
TRANSFER_SENTENCE = "Nobody told me that this room was open."
_TRANSFERRED = (Emotion.HAPPY, Emotion.SURPRISED, Emotion.ANGRY, Emotion.SAD)
_TAIL_S = 0.4
_PORTRAIT_PX = 512


@dataclass(frozen=True)
class DemoScript:
    """A written list.

    Attributes:
        path: of the list.
        portrait: picture that is animated.
        reference: clip that the last row's emotion is taken from.
        reference_emotion: its label.
        rows: in order.
    """

    path: Path
    portrait: Path
    reference: Path
    reference_emotion: str
    rows: tuple[ScriptRow, ...]


def write_demo_script(
    folder: Path, corpus: Path, *, seed: int, takes: int, intensity: float = 1.0, portrait: Path | None = None
) -> DemoScript:
    """Write portrait, speech and list into a folder; the same arguments give the same bytes.

    Args:
        folder: made if need be.
        corpus: folder of the demo corpus.
        seed: of all rows.
        takes: of each emotion.
        intensity: of the emotions that are given by label, 0 to 2.
        portrait: the caller's own picture; None: the corpus' first speaker at rest.

    Raises:
        BadInputError: espeak-ng is not installed.
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clips = json.loads((corpus / MANIFEST_NAME).read_text(encoding="utf-8"))["clips"]
    face = _portrait(folder, portrait)
    _write_speech(folder / "speech.wav", SENTENCE)
    _write_speech(folder / "transfer.wav", TRANSFER_SENTENCE)
    reference, label = _reference(clips)
    rows = [
        ScriptRow(
            portrait=face.name, audio="speech.wav", emotion=emotion.value, intensity=intensity, seed=seed, takes=takes, output=emotion.value
        )
        for emotion in EMOTIONS
    ]
    rows.append(
        ScriptRow(portrait=face.name, audio="transfer.wav", emotion_reference=f"../{corpus.name}/{reference}", seed=seed, output=TRANSFER)
    )
    _write_list(folder / LIST_NAME, rows)
    return DemoScript(folder / LIST_NAME, face, corpus / reference, label, tuple(rows))


def _portrait(folder: Path, own: Path | None) -> Path:
    if own is not None:
        path = folder / f"own-portrait{own.suffix.lower()}"
        shutil.copyfile(own, path)
        return path
    path = folder / "portrait.png"
    Image.fromarray(resting_face(SPEAKERS[0], _PORTRAIT_PX)).save(path)
    return path


def _reference(clips: list[dict[str, str]]) -> tuple[str, str]:
    """Return video and label of the clip whose emotion is taken over: expressive, and not trained on where there is such a one."""
    for sides in (("validation", "test"), ("train",)):
        for emotion in _TRANSFERRED:
            for clip in clips:
                if clip["emotion"] == emotion.value and clip["split"] in sides:
                    return clip["video"], emotion.value
    return clips[0]["video"], clips[0]["emotion"]


def _write_speech(path: Path, text: str) -> None:
    """Speak a sentence as the first speaker of the corpus does, with silence around it in which the mouth comes to rest."""
    spoken = speak(text, SPEAKERS[0].voice).samples
    silence = [np.zeros(int(SPEECH_RATE_HZ * seconds), np.int16) for seconds in (LEAD_S, _TAIL_S)]
    write_wave(path, np.concatenate([silence[0], spoken, silence[1]]).astype("<i2").tobytes(), SPEECH_RATE_HZ)


def _write_list(path: Path, rows: list[ScriptRow]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(row.filled() for row in rows)
    path.write_bytes(text.getvalue().encode("utf-8"))
